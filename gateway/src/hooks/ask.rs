//! What a dialplan asks, whichever way it comes.

use super::agi::Environment;

/// Most characters of an event's text.
const MAX_TEXT: usize = 500;
/// Most characters of any other value.
const MAX_VALUE: usize = 256;
/// Most characters of an event's name.
const MAX_NAME: usize = 40;

/// A hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Hook {
    /// Who is this?
    Caller,
    /// Is somebody there?
    Hours,
    /// Where does the call belong?
    Route,
    /// Something to remember.
    Event,
}

impl Hook {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Caller, Self::Hours, Self::Route, Self::Event];

    /// Its name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Hours => "hours",
            Self::Route => "route",
            Self::Event => "event",
        }
    }

    /// The hook with this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hook| hook.as_str() == name)
    }

    /// What the arguments of `AGI()` are that have no name, in order.
    const fn places(self) -> &'static [&'static str] {
        match self {
            Self::Caller => &["from", "called"],
            Self::Hours | Self::Route => &["called", "from"],
            Self::Event => &["name", "text"],
        }
    }
}

/// A question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ask {
    /// The number that was called.
    pub(crate) called: Option<String>,
    /// Who calls.
    pub(crate) from: Option<String>,
    /// A queue's extension, in place of the number's.
    pub(crate) queue: Option<String>,
    /// The name of what happened.
    pub(crate) name: Option<String>,
    /// Words on it.
    pub(crate) text: Option<String>,
    /// Asterisk's unique id of the channel.
    pub(crate) channel: Option<String>,
    /// By which token.
    pub(crate) token: Option<String>,
}

impl Ask {
    /// From names and values; names that say nothing here are passed over.
    pub(crate) fn of_pairs<K: AsRef<str>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut ask = Self::default();
        for (key, value) in pairs {
            ask.put(key.as_ref(), &value.into());
        }
        ask
    }

    /// From what Asterisk says of the call and the dialplan's arguments: `key=value`, percent-encoded, or values alone in the hook's order.
    pub(crate) fn of_agi(hook: Hook, environment: &Environment) -> Self {
        let mut ask = Self::default();
        let (_, query) =
            environment.get("network_script").and_then(|script| script.split_once('?')).unwrap_or_default();
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            ask.put(&key, &value);
        }
        let mut places = hook.places().iter();
        for argument in environment.arguments.iter().filter(|argument| !argument.is_empty()) {
            match argument.split_once('=') {
                Some((key, value)) if KEYS.contains(&key) => ask.put(key, &percent_decoded(value)),
                _ => {
                    if let Some(key) = places.next() {
                        ask.put(key, argument);
                    }
                }
            }
        }
        let of_call = |key: &str| environment.get(key).map(|value| bounded(value, MAX_VALUE));
        ask.from = ask.from.or_else(|| of_call("callerid"));
        ask.called = ask.called.or_else(|| of_call("dnid")).or_else(|| of_call("extension"));
        ask.channel = ask.channel.or_else(|| of_call("uniqueid"));
        ask
    }

    fn put(&mut self, key: &str, value: &str) {
        let place = match key {
            "called" => &mut self.called,
            "from" => &mut self.from,
            "queue" => &mut self.queue,
            "name" => &mut self.name,
            "text" => &mut self.text,
            "channel" => &mut self.channel,
            "token" => &mut self.token,
            _ => return,
        };
        let value = bounded(value, if key == "text" { MAX_TEXT } else { MAX_VALUE });
        *place = Some(value).filter(|value| !value.is_empty());
    }

    /// The event's name, as a part of a kind: lower-case words, joined by dots.
    pub(crate) fn event_name(&self) -> Option<&str> {
        let name = self.name.as_deref()?;
        let is_word = |word: &str| {
            word.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
                && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        };
        (name.len() <= MAX_NAME && name.split('.').all(is_word)).then_some(name)
    }
}

const KEYS: [&str; 7] = ["called", "from", "queue", "name", "text", "channel", "token"];

/// A text without control characters, at most so long.
fn bounded(text: &str, most: usize) -> String {
    let plain = text.chars().map(|sign| if sign.is_control() { ' ' } else { sign });
    plain.take(most).collect::<String>().trim().to_owned()
}

/// `%2C` and the like (RFC 3986 §2.1). A plus is a plus: numbers begin with it.
fn percent_decoded(text: &str) -> String {
    let text = text.replace('+', "%2B");
    url::form_urlencoded::parse(format!("v={}", text.replace('&', "%26")).as_bytes())
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::agi::Gathering;
    use super::*;

    fn environment(lines: &str, arguments: &[&str]) -> Environment {
        let arguments = arguments.iter().enumerate().map(|(at, value)| format!("agi_arg_{}: {value}\n", at + 1));
        let text = format!("agi_network: yes\n{lines}agi_threadid: 1\n{}\n", arguments.collect::<String>());
        Gathering::default().feed(text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn the_call_says_what_the_dialplan_does_not() {
        let lines = "agi_network_script: caller\nagi_uniqueid: t-1\nagi_callerid: +15550199\nagi_dnid: +15550100\nagi_extension: s\n";
        let ask = Ask::of_agi(Hook::Caller, &environment(lines, &[]));
        assert_eq!((ask.from.as_deref(), ask.called.as_deref()), (Some("+15550199"), Some("+15550100")));
        let ask = Ask::of_agi(Hook::Caller, &environment(lines, &["called=+15550101", "from=0611%2C1"]));
        assert_eq!((ask.from.as_deref(), ask.called.as_deref()), (Some("0611,1"), Some("+15550101")));
        let ask = Ask::of_agi(Hook::Hours, &environment(lines, &["called=%2B15550101", ""]));
        assert_eq!(ask.called.as_deref(), Some("+15550101"));
        let ask = Ask::of_agi(Hook::Hours, &environment(lines, &["+15550102"]));
        assert_eq!(ask.called.as_deref(), Some("+15550102"));
        let ask = Ask::of_agi(Hook::Event, &environment(lines, &["menu_chosen", "pressed a+b = 3 & 4"]));
        assert_eq!((ask.name.as_deref(), ask.text.as_deref()), (Some("menu_chosen"), Some("pressed a+b = 3 & 4")));
        let ask = Ask::of_agi(Hook::Event, &environment(lines, &["name=a.b", "text=x%26y%3Dz"]));
        assert_eq!((ask.event_name(), ask.text.as_deref()), (Some("a.b"), Some("x&y=z")));
        let script = lines.replace("script: caller", "script: caller?called=%2B15550103&token=t");
        let ask = Ask::of_agi(Hook::Caller, &environment(&script, &[]));
        assert_eq!((ask.called.as_deref(), ask.token.as_deref()), (Some("+15550103"), Some("t")));
        let unknown = lines.replace("+15550199", "unknown").replace("+15550100", "unknown");
        let ask = Ask::of_agi(Hook::Caller, &environment(&unknown, &[]));
        assert_eq!((ask.from, ask.called.as_deref()), (None, Some("s")));
    }

    #[test]
    fn names_of_events_are_parts_of_a_kind() {
        let named = |name: &str| Ask { name: Some(name.to_owned()), ..Ask::default() };
        for name in ["menu", "menu.chosen", "a1_b"] {
            assert_eq!(named(name).event_name(), Some(name));
        }
        for name in ["", "Menu", "a..b", ".a", "1a", "a b", "a-b", &"a".repeat(41)] {
            assert_eq!(named(name).event_name(), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_asked_is_bounded(pairs in proptest::collection::vec(("[a-z]{0,8}|text|name|from", ".{0,700}"), 0..8)) {
            let ask = Ask::of_pairs(pairs);
            for value in [&ask.called, &ask.from, &ask.queue, &ask.name, &ask.text, &ask.channel, &ask.token].into_iter().flatten() {
                prop_assert!(!value.is_empty() && value.chars().count() <= MAX_TEXT && !value.contains(char::is_control));
            }
        }

        #[test]
        fn an_encoded_value_comes_back(value in "[^\\p{C}]{1,60}") {
            let encoded = value.bytes().fold(String::new(), |encoded, byte| encoded + &format!("%{byte:02X}"));
            prop_assert_eq!(percent_decoded(&encoded), value);
        }
    }
}
