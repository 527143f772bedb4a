//! A field of a PATCH that can be taken away: absent, null, or a value.

use serde::{Deserialize, Deserializer};

/// What a PATCH says of a field. Beside `#[serde(default)]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Nothing was said: as it is.
    #[default]
    Keep,
    /// `null`: none from now on.
    Clear,
    /// This one from now on.
    Set(T),
}

impl<T> Patch<T> {
    /// What comes of `current`.
    pub fn over(self, current: Option<T>) -> Option<T> {
        match self {
            Self::Keep => current,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<T>::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}
