//! The channel account by which something came: what of it decides where it goes.

use chrono::Duration;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trunkline_calls::hours::Hours;
use trunkline_db::{ChannelAccountId, QueueId, TenantId};

use crate::model::Channel;

/// Most characters of an automatic reply: what every provider takes in one message.
const MAX_REPLY_CHARS: usize = 1_000;
/// Hours within which a resolved conversation is taken up again, when nothing else is said.
const REOPEN_HOURS: u32 = 72;
/// A year.
const MAX_REOPEN_HOURS: u32 = 8_784;

/// A channel account, as far as receiving needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// Whose it is.
    pub tenant: TenantId,
    /// The account.
    pub id: ChannelAccountId,
    /// Which channel it is of; never calls.
    pub channel: Channel,
    /// Its name.
    pub name: String,
    /// Whose work its conversations are; none: everybody's.
    pub queue_id: Option<QueueId>,
    /// Country (ISO 3166-1 alpha-2) by which national numbers are read.
    pub country: Option<String>,
    /// What is answered by itself, and when a conversation goes on.
    pub rules: Rules,
}

impl Account {
    /// The channel of an account's `type`; `None`: a type that is not known.
    pub fn channel_of(kind: &str) -> Option<Channel> {
        match kind {
            "whatsapp" => Some(Channel::Whatsapp),
            "telegram" => Some(Channel::Telegram),
            "twilio" => Some(Channel::Sms),
            _ => None,
        }
    }

    /// What `evidence.by` calls it.
    pub(crate) fn provider(&self) -> &'static str {
        match self.channel {
            Channel::Whatsapp => "whatsapp",
            Channel::Telegram => "telegram",
            Channel::Sms => "twilio",
            Channel::Call => "call",
        }
    }
}

/// What an account's settings say about its conversations. The other settings (the provider's) stand beside them in the same object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// Sent to whoever writes for the first time; none: nothing is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub greeting: Option<String>,
    /// Sent once per conversation to whoever writes while `hours` say closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_of_hours: Option<String>,
    /// When somebody is there; none: always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
    /// What Telegram's `/help` is answered with; none: the greeting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// They are asked how it was, after it was resolved.
    pub csat: bool,
    /// Within so many hours after it was resolved a conversation goes on when they write again; 0: each time a new one.
    pub reopen_hours: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self { greeting: None, out_of_hours: None, hours: None, help: None, csat: false, reopen_hours: REOPEN_HOURS }
    }
}

impl Rules {
    /// The rules in an account's settings. One that cannot be read is as if it were not there: nothing that came is refused for it.
    pub fn of(settings: &Value) -> Self {
        fn read<T: serde::de::DeserializeOwned>(settings: &Value, name: &str) -> Option<T> {
            settings.get(name).filter(|value| !value.is_null()).and_then(|value| T::deserialize(value).ok())
        }
        let text = |name| read::<String>(settings, name).filter(|text| !text.trim().is_empty());
        Self {
            greeting: text("greeting"),
            out_of_hours: text("out_of_hours"),
            hours: read::<Hours>(settings, "hours").filter(|hours| hours.fault().is_none()),
            help: text("help"),
            csat: read(settings, "csat").unwrap_or(false),
            reopen_hours: read::<u32>(settings, "reopen_hours").unwrap_or(REOPEN_HOURS).min(MAX_REOPEN_HOURS),
        }
    }

    /// What is wrong with the rules in an account's settings, by the field: for whoever stores them.
    pub fn faults(settings: &Value) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        let given = |name: &str| settings.get(name).filter(|value| !value.is_null());
        for name in ["greeting", "out_of_hours", "help"] {
            match given(name) {
                None => {}
                Some(Value::String(text)) if text.chars().count() <= MAX_REPLY_CHARS && !text.contains('\0') => {}
                Some(_) => faults.push((name, format!("must be a text of at most {MAX_REPLY_CHARS} characters"))),
            }
        }
        if let Some(hours) = given("hours") {
            match Hours::deserialize(hours) {
                Ok(hours) => faults.extend(hours.fault().map(|fault| ("hours", fault))),
                Err(error) => faults.push(("hours", error.to_string())),
            }
        }
        if given("csat").is_some_and(|csat| !csat.is_boolean()) {
            faults.push(("csat", "must be true or false".to_owned()));
        }
        let in_range = |hours: &Value| hours.as_u64().is_some_and(|hours| hours <= u64::from(MAX_REOPEN_HOURS));
        if given("reopen_hours").is_some_and(|hours| !in_range(hours)) {
            faults.push(("reopen_hours", format!("must be a number from 0 to {MAX_REOPEN_HOURS}")));
        }
        faults
    }

    /// How long after it was resolved a conversation is taken up again.
    pub(crate) fn reopen_within(&self) -> Duration {
        Duration::hours(i64::from(self.reopen_hours))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rule_that_cannot_be_read_is_as_if_it_were_not_there() {
        let settings = json!({"greeting": 5, "out_of_hours": " ", "hours": {"time_zone": "Mars/Base", "week": []},
                              "csat": "yes", "reopen_hours": -1, "bot_token": "x"});
        assert_eq!(Rules::of(&settings), Rules::default());
        let named: Vec<&str> = Rules::faults(&settings).into_iter().map(|(field, _)| field).collect();
        assert_eq!(named, ["greeting", "hours", "csat", "reopen_hours"]);
        assert_eq!(Rules::of(&json!(null)), Rules::default());
    }

    #[test]
    fn rules_are_read_beside_the_settings_of_the_provider() {
        let settings = json!({"phone_number_id": "1", "greeting": "Hello", "reopen_hours": 0, "csat": true,
            "hours": {"time_zone": "Europe/Rome", "week": [{"day": "monday", "from": "09:00", "to": "18:00"}]}});
        assert_eq!(Rules::faults(&settings), []);
        let rules = Rules::of(&settings);
        assert_eq!((rules.greeting.as_deref(), rules.reopen_hours, rules.csat), (Some("Hello"), 0, true));
        assert_eq!(rules.hours.map(|hours| hours.time_zone).as_deref(), Some("Europe/Rome"));
    }

    proptest! {
        #[test]
        fn what_has_no_fault_is_read_as_it_was_written(hours in 0_u32..=MAX_REOPEN_HOURS, csat: bool, text in "[a-z ]{0,30}x") {
            let rules = Rules { greeting: Some(text), csat, reopen_hours: hours, ..Rules::default() };
            let settings = serde_json::to_value(&rules).unwrap();
            prop_assert_eq!(Rules::faults(&settings), []);
            prop_assert_eq!(Rules::of(&settings), rules);
        }
    }
}
