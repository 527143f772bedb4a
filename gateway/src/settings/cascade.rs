//! What a setting is for somebody: pure. From above each level may say a value and bind those below.

use serde::{Deserialize, Serialize};

use super::registry::{Level, Setting, SettingValue};

/// How a level binds those below it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lock {
    /// Not at all: a default like any other.
    #[default]
    None,
    /// They may differ, and are told that they do.
    Soft,
    /// They may not differ; what they have set counts again when the lock is taken off.
    Hard,
}

impl Lock {
    /// The word as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Soft => "soft",
            Self::Hard => "hard",
        }
    }

    /// The lock of this name; one that is not known binds, to err on the safe side.
    pub fn parse(text: &str) -> Self {
        match text {
            "none" => Self::None,
            "soft" => Self::Soft,
            _ => Self::Hard,
        }
    }
}

/// What one level says of one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The level.
    pub level: Level,
    /// Its value.
    pub value: SettingValue,
    /// How it binds those below.
    pub lock: Lock,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Nobody set it.
    Default,
    /// The platform did.
    Platform,
    /// The tenant did.
    Tenant,
    /// The member did.
    User,
    /// It was set for this sign-in.
    Session,
}

impl From<Level> for Source {
    fn from(level: Level) -> Self {
        match level {
            Level::Platform => Self::Platform,
            Level::Tenant => Self::Tenant,
            Level::User => Self::User,
            Level::Session => Self::Session,
        }
    }
}

/// What a setting is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The value that counts.
    pub value: SettingValue,
    /// Where it comes from.
    pub source: Source,
    /// Who binds those below: the level that locked hard, else the lowest that locked softly.
    pub lock: Option<(Level, Lock)>,
    /// What the lowest soft lock recommends, when the value is another.
    pub recommended: Option<SettingValue>,
}

/// What a setting is on `level`, of what the levels say; the order does not matter.
///
/// What does not fit the registry does not count: a value of an older version, or on a level that may not set it any more.
pub fn resolve(setting: &Setting, level: Level, said: &[Said]) -> Resolved {
    let mut resolved =
        Resolved { value: setting.default.into(), source: Source::Default, lock: None, recommended: None };
    let mut advice = None;
    for at in Level::ALL.into_iter().filter(|at| *at <= level && setting.may_be_set(*at)) {
        let Some(said) = said.iter().find(|said| said.level == at && setting.check(&said.value).is_ok()) else {
            continue;
        };
        resolved.value = said.value.clone();
        resolved.source = at.into();
        match said.lock {
            Lock::None => {}
            Lock::Soft => {
                resolved.lock = Some((at, Lock::Soft));
                advice = Some(said.value.clone());
            }
            Lock::Hard => {
                resolved.lock = Some((at, Lock::Hard));
                break;
            }
        }
    }
    resolved.recommended = advice.filter(|advice| *advice != resolved.value);
    resolved
}

/// The level above `level` that locked the setting hard: it may not be set there.
pub fn locked_above(setting: &Setting, level: Level, said: &[Said]) -> Option<Level> {
    let above = Level::ALL.into_iter().rev().find(|at| *at < level)?;
    match resolve(setting, above, said).lock {
        Some((by, Lock::Hard)) => Some(by),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::settings::registry::{self, Kind, Preset, Unit};

    /// A number that every level may set.
    const VOLUME: Setting = Setting {
        key: "test.volume",
        kind: Kind::Number { min: 0, max: 100, unit: Unit::Days },
        default: Preset::Number(80),
        levels: &Level::ALL,
        description: "",
    };

    fn said(level: Level, number: i64, lock: Lock) -> Said {
        Said { level, value: SettingValue::Number(number), lock }
    }

    #[test]
    fn the_lowest_that_says_something_counts() {
        let all = [said(Level::User, 3, Lock::None), said(Level::Platform, 1, Lock::None)];
        let resolved = resolve(&VOLUME, Level::Session, &all);
        assert_eq!((resolved.value, resolved.source), (SettingValue::Number(3), Source::User));
        let resolved = resolve(&VOLUME, Level::Tenant, &all);
        assert_eq!((resolved.value, resolved.source), (SettingValue::Number(1), Source::Platform));
        let resolved = resolve(&VOLUME, Level::Session, &[]);
        assert_eq!((resolved.value, resolved.source), (SettingValue::Number(80), Source::Default));
    }

    #[test]
    fn a_soft_lock_recommends_and_a_hard_one_forbids() {
        let soft = [said(Level::Tenant, 10, Lock::Soft), said(Level::User, 20, Lock::None)];
        let resolved = resolve(&VOLUME, Level::User, &soft);
        assert_eq!((resolved.value, resolved.recommended), (SettingValue::Number(20), Some(SettingValue::Number(10))));
        assert_eq!(locked_above(&VOLUME, Level::User, &soft), None);
        let hard = [said(Level::Tenant, 10, Lock::Hard), said(Level::User, 20, Lock::None)];
        let resolved = resolve(&VOLUME, Level::User, &hard);
        assert_eq!((resolved.value, resolved.source), (SettingValue::Number(10), Source::Tenant));
        assert_eq!(locked_above(&VOLUME, Level::User, &hard), Some(Level::Tenant));
        assert_eq!(locked_above(&VOLUME, Level::Tenant, &hard), None, "who locked may change");
    }

    #[test]
    fn what_the_registry_does_not_allow_does_not_count() {
        let wrong = [
            said(Level::Tenant, 10_000, Lock::Hard),
            Said { level: Level::User, value: SettingValue::Switch(true), lock: Lock::Hard },
        ];
        assert_eq!(resolve(&VOLUME, Level::Session, &wrong).source, Source::Default);
        let not_theirs = [said(Level::User, 60, Lock::None)];
        assert_eq!(resolve(&registry::KEEP_RECORDINGS, Level::Session, &not_theirs).source, Source::Default);
    }

    fn one_of_each() -> impl Strategy<Value = Vec<Said>> {
        let lock = prop_oneof![Just(Lock::None), Just(Lock::Soft), Just(Lock::Hard)];
        let one = prop::option::of((-20i64..120, lock));
        prop::collection::vec(one, 4).prop_map(|levels| {
            let said = Level::ALL.into_iter().zip(levels);
            said.filter_map(|(level, said)| said.map(|(number, lock)| self::said(level, number, lock))).collect()
        })
    }

    proptest! {
        /// The model says it backwards: of what counts, nothing below the highest hard lock; of the rest the lowest.
        #[test]
        fn it_is_what_the_model_says(said in one_of_each(), at in 0usize..4, turn in 0usize..4) {
            let level = Level::ALL[at];
            let mut counts: Vec<Said> = said
                .iter()
                .filter(|said| said.level <= level && matches!(said.value, SettingValue::Number(0..=100)))
                .cloned()
                .collect();
            if let Some(hard) = counts.iter().filter(|said| said.lock == Lock::Hard).map(|said| said.level).min() {
                counts.retain(|said| said.level <= hard);
            }
            let lowest = counts.iter().max_by_key(|said| said.level);
            let mut turned = said.clone();
            if !turned.is_empty() {
                let by = turn % turned.len();
                turned.rotate_left(by);
            }
            let resolved = resolve(&VOLUME, level, &turned);
            prop_assert_eq!(&resolved.value, lowest.map_or(&SettingValue::Number(80), |said| &said.value));
            prop_assert_eq!(resolved.source, lowest.map_or(Source::Default, |said| said.level.into()));
            // Who may not set it sees exactly what those above have.
            if let Some(by) = locked_above(&VOLUME, level, &said) {
                prop_assert!(by < level);
                prop_assert_eq!(&resolved.value, &resolve(&VOLUME, by, &said).value);
            }
        }
    }
}
