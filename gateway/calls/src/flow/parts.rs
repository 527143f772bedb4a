//! What an action refers to: where it leads, what it says, which texts have variables in them.

use super::model::{Action, DialTo, Part, Say};

/// The variable that has the agent who served a caller last.
pub(super) const LAST_AGENT: &str = "caller.last_agent";

/// How a node is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exit<'a> {
    /// The field that names the next node.
    pub(super) field: &'a str,
    /// The key, of a menu's.
    pub(super) key: Option<char>,
    pub(super) to: &'a str,
    /// Only a caller who pressed something leaves this way.
    pub(super) by_key: bool,
}

impl Action {
    /// The word on the wire.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Play { .. } => "play",
            Self::Menu { .. } => "menu",
            Self::Gather { .. } => "gather",
            Self::Hours { .. } => "hours",
            Self::Language { .. } => "language",
            Self::Http { .. } => "http",
            Self::Set { .. } => "set",
            Self::Branch { .. } => "branch",
            Self::Recording { .. } => "recording",
            Self::Queue { .. } => "queue",
            Self::Dial { .. } => "dial",
            Self::Voicemail { .. } => "voicemail",
            Self::Callback { .. } => "callback",
            Self::Flow { .. } => "flow",
            Self::HangUp { .. } => "hang_up",
        }
    }

    pub(super) fn exits(&self) -> Vec<Exit<'_>> {
        let exit = |field, to| Exit { field, key: None, to, by_key: false };
        match self {
            Self::Play { next, .. }
            | Self::Language { next, .. }
            | Self::Set { next, .. }
            | Self::Dial { next, .. }
            | Self::Recording { next, .. }
            | Self::Callback { next, .. } => vec![exit("next", next)],
            Self::Menu { keys, otherwise, .. } => keys
                .iter()
                .map(|(key, to)| Exit { field: "keys", key: Some(*key), to, by_key: true })
                .chain([exit("otherwise", otherwise)])
                .collect(),
            Self::Gather { next, otherwise, .. } => {
                vec![Exit { by_key: true, ..exit("next", next) }, exit("otherwise", otherwise)]
            }
            Self::Hours { open, closed, .. } => vec![exit("open", open), exit("closed", closed)],
            Self::Http { next, failed, .. } => vec![exit("next", next), exit("failed", failed)],
            Self::Branch { cases, otherwise } => {
                cases.iter().map(|case| exit("cases", &case.next)).chain([exit("otherwise", otherwise)]).collect()
            }
            Self::Queue { .. } | Self::Voicemail { .. } | Self::Flow { .. } | Self::HangUp { .. } => Vec::new(),
        }
    }

    /// What is said at it: the field, and the parts.
    pub(super) fn says(&self) -> Vec<(&'static str, &Say)> {
        match self {
            Self::Play { say, .. }
            | Self::Recording { say, .. }
            | Self::Voicemail { say, .. }
            | Self::Callback { say, .. }
            | Self::HangUp { say, .. } => vec![("say", say)],
            Self::Menu { say, wrong, .. } | Self::Gather { say, wrong, .. } => vec![("say", say), ("wrong", wrong)],
            Self::Hours { .. }
            | Self::Language { .. }
            | Self::Http { .. }
            | Self::Set { .. }
            | Self::Branch { .. }
            | Self::Queue { .. }
            | Self::Dial { .. }
            | Self::Flow { .. } => Vec::new(),
        }
    }

    /// Texts with `{{variables}}`: the field, and the text.
    pub(super) fn templates(&self) -> Vec<(&'static str, &str)> {
        let mut texts: Vec<(&'static str, &str)> = Vec::new();
        for (field, say) in self.says() {
            texts.extend(say.iter().filter_map(|part| match part {
                Part::Text(text) | Part::Digits(text) => Some((field, text.as_str())),
                Part::SoundId(_) | Part::Builtin(_) => None,
            }));
        }
        match self {
            Self::Http { url, headers, body, .. } => {
                texts.push(("url", url));
                texts.extend(headers.values().map(|value| ("headers", value.as_str())));
                texts.extend(body.as_deref().map(|body| ("body", body)));
            }
            Self::Set { value, .. } => texts.push(("value", value)),
            Self::Branch { cases, .. } => texts.extend(cases.iter().map(|case| ("cases", case.value.as_str()))),
            Self::Dial { to: DialTo::Number(number), .. } => texts.push(("to", number)),
            _ => {}
        }
        texts
    }

    /// Variables that it looks at by name.
    pub(super) fn looks_at(&self) -> Vec<&str> {
        match self {
            Self::Branch { cases, .. } => cases.iter().map(|case| case.variable.as_str()).collect(),
            Self::Dial { to: DialTo::LastAgent, .. } => vec![LAST_AGENT],
            _ => Vec::new(),
        }
    }

    /// Variables that it writes: the field, and the name.
    pub(super) fn writes(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Gather { variable, .. } | Self::Set { variable, .. } => vec![("variable", variable)],
            Self::Http { save, .. } => save.keys().map(|name| ("save", name.as_str())).collect(),
            _ => Vec::new(),
        }
    }
}
