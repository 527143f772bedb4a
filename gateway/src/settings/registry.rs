//! What there is to be set: one line per setting, and nothing else in the program decides what a setting may be.
//!
//! A setting stands here only if something obeys it; the line says who does. Whoever adds one adds its texts to the panel's catalogue
//! (`settings.<key>` and `settings.<key>.hint`, with `.` in the key as `-`).

use serde::{Deserialize, Serialize};

/// Where a value may be set. The first stands above the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// All tenants of the installation.
    Platform,
    /// One tenant.
    Tenant,
    /// One member.
    User,
    /// One sign-in of a member.
    Session,
}

impl Level {
    /// Every level, from above.
    pub const ALL: [Self; 4] = [Self::Platform, Self::Tenant, Self::User, Self::Session];

    /// The word in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Tenant => "tenant",
            Self::User => "user",
            Self::Session => "session",
        }
    }
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum SettingValue {
    /// On or off.
    Switch(bool),
    /// A whole number.
    Number(i64),
    /// One of a choice, or a name.
    Text(String),
}

impl SettingValue {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// What a value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// On or off.
    Switch,
    /// A whole number from `min` to `max`, in `unit`.
    Number {
        /// The least.
        min: i64,
        /// The most.
        max: i64,
        /// What is counted.
        unit: Unit,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// An IANA time zone.
    TimeZone,
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Days.
    Days,
    /// Attempts.
    Attempts,
}

/// A default that needs no memory of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// On or off.
    Switch(bool),
    /// A whole number.
    Number(i64),
    /// A word.
    Text(&'static str),
}

impl From<Preset> for SettingValue {
    fn from(default: Preset) -> Self {
        match default {
            Preset::Switch(on) => Self::Switch(on),
            Preset::Number(number) => Self::Number(number),
            Preset::Text(text) => Self::Text(text.to_owned()),
        }
    }
}

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Its name, `group.name`.
    pub key: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// What it is when nobody set it.
    pub default: Preset,
    /// Where it may be set, from above.
    pub levels: &'static [Level],
    /// What it does, in a sentence.
    pub description: &'static str,
}

use Level::{Platform, Session, Tenant, User};

const EVERYWHERE: &[Level] = &[Platform, Tenant, User, Session];
const NO_SESSION: &[Level] = &[Platform, Tenant, User];
const ADMINS: &[Level] = &[Platform, Tenant];

/// Full hours of a day.
const CLOCK_HOURS: [&str; 24] = [
    "00:00", "01:00", "02:00", "03:00", "04:00", "05:00", "06:00", "07:00", "08:00", "09:00", "10:00", "11:00",
    "12:00", "13:00", "14:00", "15:00", "16:00", "17:00", "18:00", "19:00", "20:00", "21:00", "22:00", "23:00",
];

macro_rules! registry {
    ($( $(#[$obeyed:meta])* $name:ident = $key:literal, $kind:expr, $default:expr, $levels:expr, $description:literal; )+) => {
        $(
            $(#[$obeyed])*
            pub const $name: Setting =
                Setting { key: $key, kind: $kind, default: $default, levels: $levels, description: $description };
        )+

        /// Every setting, in the order in which the panel shows them.
        pub const ALL: &[Setting] = &[ $( $name ),+ ];
    };
}

registry! {
    /// Obeyed by the panel (`i18n`) and by letters. Of a tenant it is in `tenants.language` too, of a person in `users.language`.
    LANGUAGE = "looks.language", Kind::Choice(&["en", "ru", "it"]), Preset::Text("en"), NO_SESSION,
        "Language of the panel and of letters.";
    /// Obeyed by the panel (`design/time`) and, of a tenant, by what is counted by the month; there it is in `tenants.time_zone` too.
    TIME_ZONE = "looks.time_zone", Kind::TimeZone, Preset::Text("UTC"), NO_SESSION,
        "Time zone in which times are read.";
    /// Obeyed by the panel (`design/time`).
    CLOCK = "looks.clock", Kind::Choice(&["language", "24", "12"]), Preset::Text("language"), NO_SESSION,
        "Hours of the day: 24, 12 with am and pm, or as the language has it.";
    /// Obeyed by the panel (`app/theme`).
    THEME = "looks.theme", Kind::Choice(&["system", "light", "dark"]), Preset::Text("system"), EVERYWHERE,
        "Light or dark.";
    /// Obeyed by the panel (`app/density`).
    DENSITY = "looks.density", Kind::Choice(&["comfortable", "compact"]), Preset::Text("comfortable"), EVERYWHERE,
        "How much stands on a screen.";
    /// Obeyed by the panel's phone (`phone/core/notify`).
    NOTIFICATIONS = "phone.notifications", Kind::Switch, Preset::Switch(true), EVERYWHERE,
        "Whether a ringing call is shown outside of the browser too.";
    /// Obeyed by the panel (`app/notify`), as the others of this group.
    NOTIFY_ASSIGNED = "inbox.notify_assigned", Kind::Switch, Preset::Switch(true), EVERYWHERE,
        "Whether one is told of a conversation that becomes one's own.";
    /// Obeyed by the panel (`app/notify`).
    NOTIFY_MENTIONED = "inbox.notify_mentioned", Kind::Switch, Preset::Switch(true), EVERYWHERE,
        "Whether one is told of a note that mentions one.";
    /// Obeyed by the panel (`app/notify`).
    NOTIFY_UNASSIGNED = "inbox.notify_unassigned", Kind::Switch, Preset::Switch(true), EVERYWHERE,
        "Whether one is told of a new conversation of one's queues that is nobody's.";
    /// Obeyed by the panel (`app/notify`).
    NOTIFY_MESSAGE = "inbox.notify_message", Kind::Switch, Preset::Switch(true), EVERYWHERE,
        "Whether one is told of what customers write in one's own conversations.";
    /// Obeyed by the panel (`app/notify`).
    NOTIFY_SLA = "inbox.notify_sla", Kind::Switch, Preset::Switch(true), EVERYWHERE,
        "Whether one is told of a service level that was missed in one's own conversations.";
    /// Obeyed by the panel (`app/notify`).
    NOTIFY_SOUND = "inbox.sound", Kind::Switch, Preset::Switch(true), EVERYWHERE,
        "Whether the inbox makes a sound.";
    /// Obeyed by the panel (`app/notify`).
    NOTIFY_DESKTOP = "inbox.desktop", Kind::Switch, Preset::Switch(true), EVERYWHERE,
        "Whether the inbox shows notifications outside of the browser.";
    /// Obeyed by the job that pushes (`push/send`).
    NOTIFY_PUSH = "inbox.push", Kind::Switch, Preset::Switch(true), NO_SESSION,
        "Whether browsers that are signed in, and were asked to, are told when the panel is closed.";
    /// Obeyed by the panel (`app/notify`).
    QUIET = "inbox.quiet", Kind::Switch, Preset::Switch(false), EVERYWHERE,
        "Whether the inbox is silent at certain hours.";
    /// Obeyed by the panel (`app/notify`).
    QUIET_FROM = "inbox.quiet_from", Kind::Choice(&CLOCK_HOURS), Preset::Text("22:00"), EVERYWHERE,
        "When the silent hours of the inbox begin, by the clock of the device.";
    /// Obeyed by the panel (`app/notify`).
    QUIET_UNTIL = "inbox.quiet_until", Kind::Choice(&CLOCK_HOURS), Preset::Text("07:00"), EVERYWHERE,
        "When the silent hours of the inbox end.";
    /// Obeyed by call control, where taps begin (`calls/center/offers`).
    RECORD_CALLS = "calls.record", Kind::Switch, Preset::Switch(true), ADMINS, "Whether calls are recorded.";
    /// Obeyed by the consumer that keeps calls in conversations (`conversations/call_thread`).
    RESOLVE_ANSWERED = "calls.resolve_answered", Kind::Switch, Preset::Switch(true), ADMINS,
        "Whether a conversation is done when its call, which was answered, ends.";
    /// Obeyed by the worklist (`callbacks/keep`).
    CALLBACK_ATTEMPTS = "worklist.attempts", Kind::Number { min: 1, max: 20, unit: Unit::Attempts }, Preset::Number(3), ADMINS,
        "After how many calls in vain nobody is to be called back any more.";
    /// Obeyed by the worklist (`callbacks/keep`) and its sweep.
    CALLBACK_DAYS = "worklist.days", Kind::Number { min: 1, max: 60, unit: Unit::Days }, Preset::Number(3), ADMINS,
        "For how many days somebody stands on the list of who is to be called back.";
    /// Obeyed by call control, where supervisors come (`calls/center/supervise`).
    ANNOUNCE_SUPERVISION = "supervision.announced", Kind::Switch, Preset::Switch(true), ADMINS,
        "Whether agents are told, by a short tone and on their screen, that somebody listens to their call.";
    /// Obeyed by the sweep (`recordings/retention`).
    KEEP_RECORDINGS = "recordings.keep_days", Kind::Number { min: 0, max: 3_650, unit: Unit::Days }, Preset::Number(0),
        ADMINS, "After how many days a recording, or a voicemail, is removed; 0 keeps all.";
}

impl Setting {
    /// The setting with this name.
    pub fn find(key: &str) -> Option<&'static Self> {
        ALL.iter().find(|setting| setting.key == key)
    }

    /// What stands before the dot.
    pub fn group(&self) -> &'static str {
        self.key.split_once('.').map_or(self.key, |(group, _)| group)
    }

    /// Whether it may be set on that level.
    pub fn may_be_set(&self, level: Level) -> bool {
        self.levels.contains(&level)
    }

    /// What is wrong with a value, in words that say what is expected.
    pub fn check(&self, value: &SettingValue) -> Result<(), String> {
        match (self.kind, value) {
            (Kind::Switch, SettingValue::Switch(_)) => Ok(()),
            (Kind::Switch, _) => Err("must be true or false".to_owned()),
            (Kind::Number { min, max, .. }, SettingValue::Number(number)) if (min..=max).contains(number) => Ok(()),
            (Kind::Number { min, max, .. }, _) => Err(format!("must be a whole number from {min} to {max}")),
            (Kind::Choice(words), SettingValue::Text(text)) if words.contains(&text.as_str()) => Ok(()),
            (Kind::Choice(words), _) => Err(format!("must be one of {}", words.join(", "))),
            (Kind::TimeZone, SettingValue::Text(text)) if text.parse::<chrono_tz::Tz>().is_ok() => Ok(()),
            (Kind::TimeZone, _) => Err("must be an IANA time zone such as Europe/Rome".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_each_and_of_one_shape() {
        let mut keys: Vec<_> = ALL.iter().map(|setting| setting.key).collect();
        for key in &keys {
            let parts: Vec<_> = key.split('.').collect();
            let fits =
                |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            assert!(parts.len() == 2 && parts.iter().all(fits), "{key}");
        }
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), ALL.len());
    }

    #[test]
    fn a_default_is_one_that_may_be_set() {
        for setting in ALL {
            assert_eq!(setting.check(&setting.default.into()), Ok(()), "{}", setting.key);
        }
    }

    #[test]
    fn levels_stand_from_above_and_the_platform_may_set_everything() {
        for setting in ALL {
            assert!(setting.levels.is_sorted(), "{}", setting.key);
            assert_eq!(setting.levels.first(), Some(&Platform), "{}", setting.key);
        }
    }

    #[test]
    fn a_wrong_value_is_told_what_is_expected() {
        assert_eq!(RECORD_CALLS.check(&SettingValue::Text("yes".to_owned())), Err("must be true or false".to_owned()));
        assert_eq!(
            KEEP_RECORDINGS.check(&SettingValue::Number(-1)),
            Err("must be a whole number from 0 to 3650".to_owned())
        );
        assert_eq!(LANGUAGE.check(&SettingValue::Text("xx".to_owned())), Err("must be one of en, ru, it".to_owned()));
        assert!(TIME_ZONE.check(&SettingValue::Text("Europe/Rome".to_owned())).is_ok());
        assert!(TIME_ZONE.check(&SettingValue::Text("Rome".to_owned())).is_err());
    }
}
