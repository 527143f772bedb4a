//! Names of files. They are made here and never of what somebody sent: no key leads out of the store.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// `<tenant>/<blob>`: two UUIDs in lower case with hyphens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BlobKey {
    tenant: Uuid,
    blob: Uuid,
}

/// The text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the key of a file: expected two UUIDs with a slash between them")]
pub struct BadKey;

impl BlobKey {
    /// A key that nobody has.
    pub fn new(tenant: Uuid) -> Self {
        Self { tenant, blob: Uuid::now_v7() }
    }

    /// The key of a file that is known by its id. The same file kept again replaces itself, so a job may run twice.
    pub fn of(tenant: Uuid, blob: Uuid) -> Self {
        Self { tenant, blob }
    }

    /// Whose file it is.
    pub fn tenant(&self) -> Uuid {
        self.tenant
    }

    /// Which file.
    pub fn blob(&self) -> Uuid {
        self.blob
    }
}

impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant.hyphenated(), self.blob.hyphenated())
    }
}

impl fmt::Debug for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for BlobKey {
    type Err = BadKey;

    /// One spelling per key: what this accepts is what [`BlobKey`] prints.
    fn from_str(text: &str) -> Result<Self, BadKey> {
        let (tenant, blob) = text.split_once('/').ok_or(BadKey)?;
        let uuid = |text: &str| Uuid::try_parse(text).map_err(|_| BadKey);
        let key = Self { tenant: uuid(tenant)?, blob: uuid(blob)? };
        if key.to_string() == text { Ok(key) } else { Err(BadKey) }
    }
}

impl TryFrom<String> for BlobKey {
    type Error = BadKey;

    fn try_from(text: String) -> Result<Self, BadKey> {
        text.parse()
    }
}

impl From<BlobKey> for String {
    fn from(key: BlobKey) -> Self {
        key.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TENANT: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    #[test]
    fn nothing_but_two_uuids_is_a_key() {
        let good = format!("{TENANT}/{TENANT}");
        assert_eq!(good.parse::<BlobKey>().unwrap().to_string(), good);
        for bad in [
            String::new(),
            TENANT.to_owned(),
            format!("{TENANT}/"),
            format!("/{good}"),
            format!("{good}/"),
            format!("{good}\0"),
            format!("{TENANT}//{TENANT}"),
            format!("{TENANT}/../{TENANT}"),
            format!("{TENANT}/../../etc/passwd"),
            good.to_uppercase(),
            good.replace('-', ""),
            format!("{{{TENANT}}}/{TENANT}"),
            format!("urn:uuid:{TENANT}/{TENANT}"),
        ] {
            assert_eq!(bad.parse::<BlobKey>(), Err(BadKey), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_key_is_read_as_it_was_written(tenant: u128, blob: u128) {
            let key = BlobKey::of(Uuid::from_u128(tenant), Uuid::from_u128(blob));
            prop_assert_eq!(key.to_string().parse::<BlobKey>(), Ok(key));
            let json = serde_json::to_string(&key).unwrap();
            prop_assert_eq!(serde_json::from_str::<BlobKey>(&json).unwrap(), key);
        }

        #[test]
        fn what_is_read_as_a_key_leads_nowhere_else(text in "([0-9a-fA-F{}:/.\\\\-]{0,80}|\\PC{0,90})") {
            if let Ok(key) = text.parse::<BlobKey>() {
                prop_assert_eq!(key.to_string(), text);
            }
        }
    }
}
