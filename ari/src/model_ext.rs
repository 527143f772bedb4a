//! Small additions to generated models.

use std::fmt;

use crate::model::{Channel, ConfigTuple};

impl Channel {
    /// A variable that Asterisk put into the event or answer, e.g. `UNICASTRTP_LOCAL_PORT` of an external media channel.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.channelvars.get(name)?.as_str()
    }
}

impl ConfigTuple {
    /// One field of a dynamic configuration object.
    pub fn new(attribute: impl Into<String>, value: impl Into<String>) -> Self {
        Self { attribute: attribute.into(), value: value.into() }
    }
}

// By hand: an `auth` object carries a password or its digest.
impl fmt::Debug for ConfigTuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = ["password", "md5_cred", "secret", "token", "oauth"]
            .iter()
            .any(|word| self.attribute.to_ascii_lowercase().contains(word));
        let value = if secret { "***" } else { self.value.as_str() };
        f.debug_struct("ConfigTuple").field("attribute", &self.attribute).field("value", &value).finish()
    }
}
