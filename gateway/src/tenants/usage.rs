//! How much of its limits a tenant has used: pure.

use serde::{Deserialize, Serialize};

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Agents that there are.
    Agents,
    /// Messages of the month.
    Messages,
    /// Minutes of answered calls of the month, each call to the millisecond.
    Minutes,
    /// Bytes of files that there are.
    Storage,
}

impl Resource {
    /// The word as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agents => "agents",
            Self::Messages => "messages",
            Self::Minutes => "minutes",
            Self::Storage => "storage",
        }
    }
}

/// How near the limit it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Room enough, or no limit.
    Fine,
    /// Four fifths are used.
    Near,
    /// All of it: nothing new of that kind, while what there is stays and whoever calls in is taken.
    Reached,
}

impl Standing {
    /// The threshold that was crossed, in hundredths.
    pub const fn percent(self) -> Option<i16> {
        match self {
            Self::Fine => None,
            Self::Near => Some(80),
            Self::Reached => Some(100),
        }
    }
}

/// How near a limit `used` is. A limit of nothing is reached.
pub fn standing(used: u64, limit: Option<u64>) -> Standing {
    match limit {
        Some(limit) if used >= limit => Standing::Reached,
        // Five fourths of what is used: no overflow, and no fractions.
        Some(limit) if u128::from(used) * 5 >= u128::from(limit) * 4 => Standing::Near,
        Some(_) | None => Standing::Fine,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn four_fifths_warn_and_all_of_it_stops() {
        for (used, limit, expected) in [
            (0, None, Standing::Fine),
            (u64::MAX, None, Standing::Fine),
            (0, Some(0), Standing::Reached),
            (7, Some(10), Standing::Fine),
            (8, Some(10), Standing::Near),
            (10, Some(10), Standing::Reached),
            (11, Some(10), Standing::Reached),
            (u64::MAX - 1, Some(u64::MAX), Standing::Near),
        ] {
            assert_eq!(standing(used, limit), expected, "{used} of {limit:?}");
        }
    }

    proptest! {
        #[test]
        fn more_use_is_never_further_from_the_limit(used: u64, more: u64, limit: u64) {
            prop_assert!(standing(used.saturating_add(more), Some(limit)) >= standing(used, Some(limit)));
        }
    }
}
