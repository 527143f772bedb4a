//! Who is told of an event, and why. The panel asks the same of itself while it is open (`app/notify`).

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;
use uuid::Uuid;

use crate::settings::registry::{
    NOTIFY_ASSIGNED, NOTIFY_MENTIONED, NOTIFY_MESSAGE, NOTIFY_SLA, NOTIFY_UNASSIGNED, Setting,
};

/// Events of which somebody may be told.
pub(super) const KINDS: [&str; 6] = [
    "conversation.mentioned",
    "conversation.assigned",
    "conversation.opened",
    "conversation.reopened",
    "message.received",
    "sla.breached",
];

/// Why somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reason {
    /// A conversation became theirs.
    Assigned,
    /// A note names them.
    Mentioned,
    /// A new conversation of their queues is nobody's.
    Unassigned,
    /// A customer wrote in one of theirs.
    Message,
    /// A service level was missed in one of theirs.
    Sla,
}

impl Reason {
    /// The setting by which one wishes it.
    pub(super) const fn setting(self) -> &'static Setting {
        match self {
            Self::Assigned => &NOTIFY_ASSIGNED,
            Self::Mentioned => &NOTIFY_MENTIONED,
            Self::Unassigned => &NOTIFY_UNASSIGNED,
            Self::Message => &NOTIFY_MESSAGE,
            Self::Sla => &NOTIFY_SLA,
        }
    }
}

/// Somebody with a browser that may be told.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    pub(super) user: Uuid,
    /// Queues in which they work.
    pub(super) queues: BTreeSet<Uuid>,
}

/// An event of one of [`KINDS`].
#[derive(Debug, Clone)]
pub(super) struct News {
    pub(super) seq: i64,
    pub(super) id: Uuid,
    pub(super) kind: String,
    pub(super) at: DateTime<Utc>,
    pub(super) actor: Option<Uuid>,
    /// Whom the event is for, as the journal writes it: `agent:<id>`, …
    pub(super) scopes: Vec<String>,
    pub(super) data: Value,
}

fn id(value: &Value) -> Option<Uuid> {
    value.as_str()?.parse().ok()
}

impl News {
    /// The conversation that it is about.
    pub(super) fn conversation(&self) -> Option<Uuid> {
        id(&self.data["conversation_id"])
    }

    /// Why it is this reader's to know; nothing that they did themselves is.
    pub(super) fn reason(&self, reader: &Reader) -> Option<Reason> {
        if self.actor == Some(reader.user) || self.conversation().is_none() {
            return None;
        }
        if self.kind == "conversation.mentioned" {
            let theirs = format!("agent:{}", reader.user);
            return self.scopes.contains(&theirs).then_some(Reason::Mentioned);
        }
        let line = self.data.get("conversation").filter(|line| line.is_object())?;
        // Calls ring; nobody has to look at spam, or at whoever is blocked.
        if line["spam"] == true || self.data["quiet"] == true || line["channel"] == "call" {
            return None;
        }
        let agent = id(&line["agent_id"]);
        let mine = agent == Some(reader.user);
        match self.kind.as_str() {
            "conversation.assigned" => {
                let before = id(&self.data["from"]["agent_id"]);
                (mine && before != Some(reader.user)).then_some(Reason::Assigned)
            }
            "conversation.opened" if mine => Some(Reason::Assigned),
            "conversation.opened" | "conversation.reopened" => {
                let queue = id(&line["queue_id"]);
                let near = queue.is_none_or(|queue| reader.queues.contains(&queue));
                (agent.is_none() && near).then_some(Reason::Unassigned)
            }
            "message.received" => mine.then_some(Reason::Message),
            "sla.breached" => mine.then_some(Reason::Sla),
            _ => None,
        }
    }
}

/// Whether it is an hour at which somebody wishes to hear nothing. Past midnight is the same night; from and until alike is the whole day.
pub(super) fn is_quiet(from: &str, until: &str, zone: Tz, now: DateTime<Utc>) -> bool {
    let clock = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").ok();
    let (Some(from), Some(until)) = (clock(from), clock(until)) else { return false };
    let now = now.with_timezone(&zone).time();
    if from < until { now >= from && now < until } else { now >= from || now < until }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ME: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);
    const QUEUE: Uuid = Uuid::from_u128(3);

    fn news(kind: &str, data: Value) -> News {
        let mut data = data;
        data["conversation_id"] = json!(Uuid::from_u128(9));
        let at = Utc::now();
        News { seq: 1, id: Uuid::from_u128(8), kind: kind.to_owned(), at, actor: None, scopes: Vec::new(), data }
    }

    fn told(kind: &str, data: Value) -> Option<Reason> {
        news(kind, data).reason(&Reader { user: ME, queues: BTreeSet::from([QUEUE]) })
    }

    #[test]
    fn each_is_told_of_what_is_theirs_alone() {
        let mine = json!({ "conversation": { "agent_id": ME } });
        let others = json!({ "conversation": { "agent_id": OTHER } });
        assert_eq!(told("message.received", mine.clone()), Some(Reason::Message));
        assert_eq!(told("message.received", others.clone()), None);
        assert_eq!(told("sla.breached", mine.clone()), Some(Reason::Sla));
        assert_eq!(told("conversation.assigned", mine.clone()), Some(Reason::Assigned));
        let mut again = mine.clone();
        again["from"] = json!({ "agent_id": ME });
        assert_eq!(told("conversation.assigned", again), None, "it was theirs before");
        assert_eq!(told("conversation.opened", mine), Some(Reason::Assigned));
        assert_eq!(told("conversation.opened", others), None);
        assert_eq!(
            told("conversation.opened", json!({ "conversation": { "queue_id": QUEUE } })),
            Some(Reason::Unassigned)
        );
        assert_eq!(told("conversation.reopened", json!({ "conversation": { "queue_id": OTHER } })), None);
        assert_eq!(told("conversation.reopened", json!({ "conversation": {} })), Some(Reason::Unassigned));
        assert_eq!(told("conversation.resolved", json!({ "conversation": { "agent_id": ME } })), None);
    }

    #[test]
    fn spam_calls_and_ones_own_acts_are_no_news() {
        assert_eq!(told("message.received", json!({ "conversation": { "agent_id": ME, "spam": true } })), None);
        assert_eq!(told("conversation.opened", json!({ "conversation": { "channel": "call" } })), None);
        assert_eq!(told("message.received", json!({ "quiet": true, "conversation": { "agent_id": ME } })), None);
        let mut by_me = news("conversation.opened", json!({ "conversation": {} }));
        by_me.actor = Some(ME);
        assert_eq!(by_me.reason(&Reader { user: ME, queues: BTreeSet::new() }), None);
        let mut mention = news("conversation.mentioned", json!({}));
        mention.scopes = vec![format!("agent:{OTHER}")];
        assert_eq!(mention.reason(&Reader { user: ME, queues: BTreeSet::new() }), None);
        mention.scopes = vec![format!("agent:{ME}")];
        assert_eq!(mention.reason(&Reader { user: ME, queues: BTreeSet::new() }), Some(Reason::Mentioned));
    }

    #[test]
    fn nights_go_past_midnight_in_the_readers_own_zone() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let rome = chrono_tz::Europe::Rome;
        assert!(is_quiet("22:00", "07:00", rome, at("2026-01-10T21:30:00Z")));
        assert!(!is_quiet("22:00", "07:00", Tz::UTC, at("2026-01-10T21:30:00Z")));
        assert!(is_quiet("22:00", "07:00", rome, at("2026-01-10T05:59:00Z")));
        assert!(!is_quiet("22:00", "07:00", rome, at("2026-01-10T06:00:00Z")));
        assert!(is_quiet("09:00", "10:00", Tz::UTC, at("2026-01-10T09:00:00Z")));
        assert!(!is_quiet("09:00", "10:00", Tz::UTC, at("2026-01-10T10:00:00Z")));
        assert!(is_quiet("07:00", "07:00", Tz::UTC, at("2026-01-10T12:00:00Z")));
        assert!(!is_quiet("soon", "07:00", Tz::UTC, at("2026-01-10T01:00:00Z")));
    }

    proptest! {
        /// Whatever an event of another version holds, nobody falls over it.
        #[test]
        fn odd_events_are_no_news(kind in prop::sample::select(KINDS.to_vec()), text in ".{0,20}", number in any::<i64>()) {
            for odd in [json!(null), json!(text), json!(number), json!([text]), json!({ "agent_id": number, "queue_id": text })] {
                let _ = told(kind, json!({ "conversation": odd.clone(), "from": odd }));
            }
        }
    }
}
