//! What may be said to whom, and what one should have read before. Pure.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_channels::whatsapp::window::{self, Window};
use trunkline_db::MessageId;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::model::{AuthorType, Channel, Direction, MessageState};

/// What is to be said, as far as the window minds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speech {
    /// Anything.
    Free,
    /// A template that the provider approved.
    Template,
}

/// What a contact wants of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Consent {
    /// They were blocked by us.
    pub blocked: bool,
    /// Since when they want no messages that they did not ask for.
    pub opted_out_at: Option<DateTime<Utc>>,
}

/// Why something may not be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MayNot {
    /// They were blocked.
    Blocked,
    /// They said that they want no messages, and have not written since.
    OptedOut,
    /// Only a template may be sent. `None`: they never wrote.
    WindowClosed(Option<DateTime<Utc>>),
}

/// Whether something may be said now. `last_in` is when they last wrote.
pub fn may_say(
    channel: Channel,
    speech: Speech,
    consent: Consent,
    last_in: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), MayNot> {
    if consent.blocked {
        return Err(MayNot::Blocked);
    }
    if consent.opted_out_at.is_some_and(|out| last_in.is_none_or(|last| last <= out)) {
        return Err(MayNot::OptedOut);
    }
    match (channel, speech) {
        (Channel::Whatsapp, Speech::Free) => match window::window(last_in, now) {
            Window::Open { .. } => Ok(()),
            Window::Closed { since } => Err(MayNot::WindowClosed(since)),
        },
        _ => Ok(()),
    }
}

/// Whether free text may be sent now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WindowView {
    /// Anything may be said. Otherwise at most templates.
    pub open: bool,
    /// Until when; absent where there is no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// Why not, in one word: `blocked`, `opted_out`, `never_wrote`, `day_over`, `no_account`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The window as it is shown.
pub fn window_view(
    channel: Channel,
    consent: Consent,
    last_in: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> WindowView {
    let closed = |reason: &str| WindowView { open: false, until: None, reason: Some(reason.to_owned()) };
    match may_say(channel, Speech::Free, consent, last_in, now) {
        Err(MayNot::Blocked) => closed("blocked"),
        Err(MayNot::OptedOut) => closed("opted_out"),
        Err(MayNot::WindowClosed(None)) => closed("never_wrote"),
        Err(MayNot::WindowClosed(Some(_))) => closed("day_over"),
        Ok(()) if channel == Channel::Call => closed("no_account"),
        Ok(()) => {
            let until = match (channel, window::window(last_in, now)) {
                (Channel::Whatsapp, Window::Open { until }) => Some(until),
                _ => None,
            };
            WindowView { open: true, until, reason: None }
        }
    }
}

/// What a channel can, beside text: what an account does not take is refused when it is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a thing by itself")]
pub struct Abilities {
    /// Characters of a text.
    pub text_limit: usize,
    /// Characters under a file; 0: none.
    pub caption_limit: usize,
    /// Bytes of a file; 0: none can be sent.
    pub file_limit: u64,
    /// Approved templates.
    pub templates: bool,
    /// Buttons and lists to choose from: how many; 0: none.
    pub choices: usize,
    /// A place on the map.
    pub location: bool,
    /// A sign under a message.
    pub reactions: bool,
    /// An answer to one message.
    pub replies: bool,
    /// Changing what was sent.
    pub edit: bool,
    /// Taking back what was sent.
    pub delete: bool,
    /// They see that somebody writes.
    pub typing: bool,
    /// They see that it was read.
    pub read_marks: bool,
}

impl Abilities {
    /// Those of a channel; calls have none.
    pub fn of(channel: Channel) -> Option<Self> {
        let none = Self {
            text_limit: 0,
            caption_limit: 0,
            file_limit: 0,
            templates: false,
            choices: 0,
            location: false,
            reactions: false,
            replies: false,
            edit: false,
            delete: false,
            typing: false,
            read_marks: false,
        };
        match channel {
            Channel::Whatsapp => Some(Self {
                text_limit: 4096,
                caption_limit: 1024,
                file_limit: 100 << 20,
                templates: true,
                choices: 10,
                location: true,
                reactions: true,
                replies: true,
                typing: true,
                read_marks: true,
                ..none
            }),
            Channel::Telegram => Some(Self {
                text_limit: trunkline_channels::telegram::TEXT_LIMIT,
                caption_limit: trunkline_channels::telegram::CAPTION_LIMIT,
                file_limit: trunkline_channels::telegram::PUBLIC_UPLOAD_LIMIT,
                choices: trunkline_channels::telegram::CHOICES_LIMIT,
                location: true,
                reactions: true,
                replies: true,
                edit: true,
                delete: true,
                typing: true,
                ..none
            }),
            Channel::Sms => Some(Self {
                text_limit: trunkline_channels::twilio::TEXT_LIMIT,
                caption_limit: trunkline_channels::twilio::TEXT_LIMIT,
                file_limit: trunkline_channels::twilio::MEDIA_LIMIT,
                ..none
            }),
            Channel::Call => None,
        }
    }
}

/// A message, as far as it matters who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// The message.
    pub id: MessageId,
    /// Whose.
    pub direction: Direction,
    /// By whom.
    pub author: AuthorType,
    /// The agent.
    pub author_id: Option<Uuid>,
    /// How far it is.
    pub state: MessageState,
}

/// What a colleague answered after what was seen: one should read it before one answers too. `newer` is what came after it, in the thread's order.
pub fn replied_meanwhile(newer: &[Said], me: Uuid) -> Option<MessageId> {
    let by_colleague = |said: &&Said| {
        said.direction == Direction::Out
            && matches!(said.author, AuthorType::Agent | AuthorType::App)
            && said.author_id != Some(me)
            && !matches!(said.state, MessageState::Canceled | MessageState::Failed)
    };
    newer.iter().rev().find(by_colleague).map(|said| said.id)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;
    use crate::words::Word as _;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + minutes * 60, 0).unwrap()
    }

    fn channels() -> impl Strategy<Value = Channel> {
        prop::sample::select(Channel::WORDS.iter().map(|(channel, _)| *channel).collect::<Vec<_>>())
    }

    proptest! {
        #[test]
        fn free_text_goes_to_whatsapp_within_a_day_of_their_last_word(ago in 0i64..3000) {
            let may = may_say(Channel::Whatsapp, Speech::Free, Consent::default(), Some(at(0)), at(ago));
            prop_assert_eq!(may.is_ok(), ago < 24 * 60);
            prop_assert!(may_say(Channel::Whatsapp, Speech::Template, Consent::default(), Some(at(0)), at(ago)).is_ok());
        }

        #[test]
        fn nobody_who_was_blocked_or_said_no_is_written_to(
            channel in channels(), free: bool, out in 0i64..100, last in prop::option::of(0i64..100), blocked: bool,
        ) {
            let speech = if free { Speech::Free } else { Speech::Template };
            let consent = Consent { blocked, opted_out_at: Some(at(out)) };
            let may = may_say(channel, speech, consent, last.map(at), at(100));
            let silent = last.is_none_or(|last| last <= out);
            prop_assert_eq!(may.is_ok(), !blocked && !silent);
        }

        #[test]
        fn what_is_shown_is_what_is_done(channel in channels(), last in prop::option::of(0i64..3000), now in 3000i64..4000) {
            let view = window_view(channel, Consent::default(), last.map(at), at(now));
            let may = may_say(channel, Speech::Free, Consent::default(), last.map(at), at(now));
            prop_assert_eq!(view.open, may.is_ok() && channel != Channel::Call);
            prop_assert_eq!(view.open, view.reason.is_none());
            if let Some(until) = view.until {
                prop_assert!(may_say(channel, Speech::Free, Consent::default(), last.map(at), until).is_err());
                let before = until - TimeDelta::seconds(1);
                prop_assert!(may_say(channel, Speech::Free, Consent::default(), last.map(at), before).is_ok());
            }
        }

        #[test]
        fn only_a_colleagues_answer_is_in_the_way(said in prop::collection::vec((0usize..4, 0usize..5, 0u128..3, 0usize..10), 0..12)) {
            let me = Uuid::from_u128(0);
            let newer: Vec<Said> = said.into_iter().map(|(direction, author, id, state)| Said {
                id: MessageId::new(),
                direction: Direction::WORDS[direction].0,
                author: AuthorType::WORDS[author].0,
                author_id: Some(Uuid::from_u128(id)),
                state: MessageState::WORDS[state].0,
            }).collect();
            let found = replied_meanwhile(&newer, me);
            if let Some(found) = found {
                let said = newer.iter().find(|said| said.id == found).unwrap();
                prop_assert!(said.direction == Direction::Out && said.author_id != Some(me));
            } else {
                let in_the_way = |said: &Said| said.direction == Direction::Out && said.author == AuthorType::Agent
                    && said.author_id != Some(me) && said.state == MessageState::Sent;
                prop_assert!(!newer.iter().any(in_the_way));
            }
        }
    }
}
