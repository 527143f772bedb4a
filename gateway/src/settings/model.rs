//! What the API shows of settings.

use serde::{Deserialize, Serialize};

use super::cascade::{Lock, Resolved, Said, Source, locked_above, resolve};
use super::registry::{Kind, Level, Setting, SettingValue, Unit};

/// What a value may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum KindView {
    /// true or false.
    Switch,
    /// A whole number.
    Number {
        /// The least.
        min: i64,
        /// The most.
        max: i64,
        /// What is counted.
        unit: Unit,
    },
    /// One of these words.
    Choice {
        /// The words.
        words: Vec<&'static str>,
    },
    /// An IANA time zone.
    TimeZone,
}

impl From<Kind> for KindView {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Switch => Self::Switch,
            Kind::Number { min, max, unit } => Self::Number { min, max, unit },
            Kind::Choice(words) => Self::Choice { words: words.to_vec() },
            Kind::TimeZone => Self::TimeZone,
        }
    }
}

/// What a level says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct SaidView {
    /// The level.
    pub(super) level: Level,
    /// Its value.
    pub(super) value: SettingValue,
    /// How it binds those below.
    pub(super) lock: Lock,
}

/// A setting, as it is for whoever asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct SettingView {
    /// Name: `group.name`.
    pub(super) key: &'static str,
    /// What stands before the dot.
    pub(super) group: &'static str,
    /// What it does.
    pub(super) description: &'static str,
    /// What it may be.
    pub(super) kind: KindView,
    /// What it is when nobody set it.
    pub(super) default: SettingValue,
    /// The value that counts.
    pub(super) value: SettingValue,
    /// Where that comes from.
    pub(super) source: Source,
    /// Which level binds those below it.
    pub(super) locked_by: Option<Level>,
    /// How.
    pub(super) lock: Lock,
    /// What a level above recommends, when the value is another.
    pub(super) recommended: Option<SettingValue>,
    /// Where it may be set at all.
    pub(super) levels: Vec<Level>,
    /// Where it may be set as things are: not below a hard lock.
    pub(super) open_levels: Vec<Level>,
    /// What each level says.
    pub(super) said: Vec<SaidView>,
}

impl SettingView {
    pub(super) fn new(setting: &Setting, level: Level, said: Vec<Said>) -> Self {
        let Resolved { value, source, lock, recommended } = resolve(setting, level, &said);
        let levels: Vec<Level> = setting.levels.iter().copied().filter(|at| *at <= level).collect();
        let open_levels = levels.iter().copied().filter(|at| locked_above(setting, *at, &said).is_none()).collect();
        let mut said: Vec<SaidView> =
            said.into_iter().map(|Said { level, value, lock }| SaidView { level, value, lock }).collect();
        said.sort_by_key(|said| said.level);
        Self {
            key: setting.key,
            group: setting.group(),
            description: setting.description,
            kind: setting.kind.into(),
            default: setting.default.into(),
            value,
            source,
            locked_by: lock.map(|(by, _)| by),
            lock: lock.map_or(Lock::None, |(_, lock)| lock),
            recommended,
            levels,
            open_levels,
            said,
        }
    }
}

/// All settings.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct SettingsView {
    /// In the registry's order.
    pub(super) items: Vec<SettingView>,
}

/// Body of `PUT …/settings/…/{key}`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetSetting {
    /// The value; what it may be stands in the setting's `kind`.
    pub(super) value: SettingValue,
    /// How it binds the levels below; a sign-in has none.
    #[serde(default)]
    #[schema(required = false)]
    pub(super) lock: Lock,
}
