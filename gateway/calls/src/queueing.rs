//! How a queue works, as people set it up and as the router takes it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use trunkline_db::{AgentId, CallId, ConversationId, QueueId, SkillId};
use trunkline_routing as routing;

use crate::directory::e164;
use crate::hours::Hours;
use crate::while_waiting::{self, RecordingNotice, VoicemailBox, WhileWaiting};

/// How far a VIP stands above other callers.
pub const VIP_PRIORITY: i16 = 10;

/// What the router calls things by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct House;

impl routing::Domain for House {
    type Agent = AgentId;
    type Queue = Desk;
    type Work = Work;
    type Skill = SkillId;
    type Exit = WayOut;
    // The text is kept beside the agent: the router only has to know that there is one.
    type Reason = ();
}

/// What agents are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// Somebody calls, or is called.
    Call(CallId),
    /// Somebody writes.
    Chat(ConversationId),
}

impl Work {
    /// The call, if it is one.
    pub fn call(self) -> Option<CallId> {
        match self {
            Self::Call(call) => Some(call),
            Self::Chat(_) => None,
        }
    }
}

impl From<CallId> for Work {
    fn from(call: CallId) -> Self {
        Self::Call(call)
    }
}

/// Where work of a queue waits. A queue has three desks, and who serves it serves them all: a call rings and cannot wait for
/// long; a chat is given at once and can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Desk {
    /// The queue.
    pub queue: QueueId,
    /// What waits there.
    pub serves: Serves,
}

/// What waits at a desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Serves {
    /// Calls.
    Calls,
    /// Chats.
    Chats,
    /// Chats that the queue would hand to a queue that handed them on before: they stay here until somebody takes them.
    ChatsThatStay,
}

impl Desk {
    /// Where the queue's calls wait.
    pub fn of_calls(queue: QueueId) -> Self {
        Self { queue, serves: Serves::Calls }
    }

    /// Where its chats wait.
    pub fn of_chats(queue: QueueId) -> Self {
        Self { queue, serves: Serves::Chats }
    }

    /// Every desk of a queue.
    pub fn all(queue: QueueId) -> [Self; 3] {
        [Serves::Calls, Serves::Chats, Serves::ChatsThatStay].map(|serves| Self { queue, serves })
    }
}

/// The end of a wait that no agent ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WayOut {
    /// A word of regret, then the call is over.
    HangUp,
    /// Somebody outside; if they do not come, as if there were nobody.
    Number(String),
    /// They leave a message for the queue.
    Voicemail,
    /// They are called back.
    Callback,
}

/// Where a caller goes whom this queue does not serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// Another queue, with the place the caller had.
    QueueId(uuid::Uuid),
    /// A number outside (E.164), as far as the company's rules for calls out allow it; else as `hang_up`.
    Number(String),
    /// A word of regret, then the call is over.
    HangUp,
    /// They leave a message for this queue.
    Voicemail,
    /// They are called back: it is noted in the list of calls to return.
    Callback,
}

/// Where a call goes.
impl From<&Destination> for routing::Destination<House> {
    fn from(to: &Destination) -> Self {
        match to {
            Destination::QueueId(queue) => Self::Queue(Desk::of_calls(QueueId(*queue))),
            Destination::Number(number) => Self::Exit(WayOut::Number(number.clone())),
            Destination::HangUp => Self::Exit(WayOut::HangUp),
            Destination::Voicemail => Self::Exit(WayOut::Voicemail),
            Destination::Callback => Self::Exit(WayOut::Callback),
        }
    }
}

/// Which of the agents who could take a call is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Who has had nothing to do for longest.
    #[default]
    LongestIdle,
    /// Whose last turn is longest ago.
    RoundRobin,
    /// Who served fewest contacts today.
    FewestContacts,
    /// Everybody at once.
    RingAll,
    /// Who masters best what is required and preferred.
    SkillBest,
}

impl From<Strategy> for routing::Strategy {
    fn from(strategy: Strategy) -> Self {
        match strategy {
            Strategy::LongestIdle => Self::LongestIdle,
            Strategy::RoundRobin => Self::RoundRobin,
            Strategy::FewestContacts => Self::FewestContacts,
            Strategy::RingAll => Self::RingAll,
            Strategy::SkillBest => Self::SkillBest,
        }
    }
}

/// A skill and how well it has to be mastered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SkillLevel {
    /// The skill.
    #[schema(value_type = uuid::Uuid)]
    pub skill_id: SkillId,
    /// 1 to 100.
    #[schema(minimum = 1, maximum = 100)]
    pub level: u8,
}

/// From so many seconds in the queue on, a call asks for less or weighs more. Steps add up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RelaxStep {
    /// When, in seconds since the call came to the queue.
    pub after_seconds: u32,
    /// What is taken off every level asked for.
    #[serde(default)]
    pub lower_by: u8,
    /// Skills that are no longer asked for.
    #[serde(default)]
    #[schema(value_type = Vec<uuid::Uuid>)]
    pub drop: Vec<SkillId>,
    /// What is added to the priority.
    #[serde(default)]
    pub raise_priority: u8,
}

/// A caller who finds this many in the queue goes elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TooLong {
    /// How many waiting calls are too many to join.
    #[schema(minimum = 1)]
    pub at: u32,
    /// Where to.
    pub to: Destination,
}

/// A caller who waited this long goes elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Overflow {
    /// How long, in seconds since the call came to this queue.
    #[schema(minimum = 1)]
    pub after_seconds: u32,
    /// Where to.
    pub to: Destination,
}

/// What becomes of a caller outside opening hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Closed {
    /// Where to.
    pub to: Destination,
    /// Who was in the queue before it closed is still served.
    #[serde(default = "yes")]
    pub keep_waiting: bool,
}

/// What becomes of a caller whom nobody is there for, or whom everybody let ring: they are told so, and then go elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unattended {
    /// How long, in seconds, from the announcement to the way out.
    pub grace_seconds: u32,
    /// How often each agent has to let it pass.
    #[schema(minimum = 1)]
    pub rounds: u32,
    /// Where to.
    pub to: Destination,
}

/// What an agent says a contact came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Disposition {
    /// What the records have: lower-case letters, digits, `-` and `_`.
    pub code: String,
    /// What people read.
    pub label: String,
}

/// How a queue works. What is left out has its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct QueueRouting {
    /// Who is asked.
    pub strategy: Strategy,
    /// The higher is served first; −100 to 100.
    #[schema(minimum = -100, maximum = 100)]
    pub priority: i16,
    /// Skills that an agent must have.
    pub required: Vec<SkillLevel>,
    /// Skills that are held out for during `prefer_seconds`.
    pub preferred: Vec<SkillLevel>,
    /// How long, in seconds, preferred skills count as required.
    pub prefer_seconds: u32,
    /// How it asks for less as it waits.
    pub relax: Vec<RelaxStep>,
    /// How long, in seconds, a call waits for the agent who served this customer last and for nobody else. At 0 they are only asked first.
    pub sticky_seconds: u32,
    /// After how many unanswered calls in a row an agent is paused; null: never.
    #[schema(minimum = 1)]
    pub pause_after_missed: Option<u32>,
    /// How long, in seconds, an agent has after a call for what it leaves to do.
    pub wrap_up_seconds: u32,
    /// What a call may have come to.
    pub dispositions: Vec<Disposition>,
    /// Wrap-up does not end before the agent chose one of them.
    pub disposition_required: bool,
    /// Too many to join.
    pub too_long: Option<TooLong>,
    /// Waited too long.
    pub overflow: Option<Overflow>,
    /// When the queue is open; null: always.
    pub hours: Option<Hours>,
    /// Opening hours that have a name, in place of the queue's own.
    pub schedule_id: Option<uuid::Uuid>,
    /// What a caller finds outside of those hours.
    pub closed: Closed,
    /// Nobody there, or everybody silent.
    pub unattended: Unattended,
    /// How long, in seconds, a caller may wait at most, in all queues together.
    #[schema(minimum = 30, maximum = 14400)]
    pub max_wait_seconds: u32,
    /// Answered within so many seconds is within the service level.
    pub service_level_seconds: u32,
    /// Who gives up within so many seconds counts as a short abandon.
    pub short_abandon_seconds: u32,
    /// What callers hear while they wait, and which keys lead them out.
    pub while_waiting: WhileWaiting,
    /// Messages that callers leave for it.
    pub voicemail: VoicemailBox,
    /// What callers are told of the recording.
    pub recording_notice: RecordingNotice,
}

fn yes() -> bool {
    true
}

impl Default for QueueRouting {
    fn default() -> Self {
        Self {
            strategy: Strategy::LongestIdle,
            priority: 0,
            required: Vec::new(),
            preferred: Vec::new(),
            prefer_seconds: 0,
            relax: Vec::new(),
            sticky_seconds: 0,
            pause_after_missed: Some(3),
            wrap_up_seconds: 0,
            dispositions: Vec::new(),
            disposition_required: false,
            too_long: None,
            overflow: None,
            hours: None,
            schedule_id: None,
            closed: Closed { to: Destination::HangUp, keep_waiting: true },
            unattended: Unattended { grace_seconds: 60, rounds: 2, to: Destination::HangUp },
            max_wait_seconds: 600,
            service_level_seconds: 20,
            short_abandon_seconds: 5,
            while_waiting: WhileWaiting::default(),
            voicemail: VoicemailBox::default(),
            recording_notice: RecordingNotice::default(),
        }
    }
}

/// `+` and 7 to 15 digits (ITU-T E.164 §6.2.1), as the directory has numbers.
fn is_e164(number: &str) -> bool {
    number.starts_with('+') && e164(number) == number && number.len() > 7
}

const MAX_SKILLS: usize = 20;
const MAX_STEPS: usize = 20;
const MAX_DISPOSITIONS: usize = 50;
const MAX_LABEL_CHARS: usize = 100;
const DAY: u32 = 86_400;
/// How long a chat may wait: nobody lives to see the end of it. In milliseconds.
const FOREVER: u64 = 100 * 365 * 86_400_000;

impl QueueRouting {
    /// What is wrong with it: the field, and what was expected. Whether queues and skills exist is for who knows them.
    pub fn faults(&self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        let mut wrong = |field: &str, words: String| faults.push((field.to_owned(), words));
        if !(-100..=100).contains(&self.priority) {
            wrong("priority", "must be from -100 to 100".to_owned());
        }
        for (field, levels) in [("required", &self.required), ("preferred", &self.preferred)] {
            if levels.len() > MAX_SKILLS {
                wrong(field, format!("must name at most {MAX_SKILLS} skills"));
            }
            if levels.iter().any(|skill| !(1..=100).contains(&skill.level)) {
                wrong(field, "levels must be from 1 to 100".to_owned());
            }
            let distinct: BTreeSet<_> = levels.iter().map(|skill| skill.skill_id).collect();
            if distinct.len() < levels.len() {
                wrong(field, "must name each skill once".to_owned());
            }
        }
        if self.relax.len() > MAX_STEPS || self.relax.iter().any(|step| step.after_seconds > DAY || step.lower_by > 100)
        {
            wrong(
                "relax",
                format!("must have at most {MAX_STEPS} steps, each within a day and lowering by at most 100"),
            );
        }
        let seconds = [
            ("prefer_seconds", self.prefer_seconds),
            ("sticky_seconds", self.sticky_seconds),
            ("service_level_seconds", self.service_level_seconds),
            ("short_abandon_seconds", self.short_abandon_seconds),
            ("unattended.grace_seconds", self.unattended.grace_seconds),
            ("overflow.after_seconds", self.overflow.as_ref().map_or(0, |overflow| overflow.after_seconds)),
        ];
        for (field, value) in seconds {
            if value > DAY {
                wrong(field, "must be at most a day, in seconds".to_owned());
            }
        }
        if self.wrap_up_seconds > 3_600 {
            wrong("wrap_up_seconds", "must be at most 3600".to_owned());
        }
        if !(30..=14_400).contains(&self.max_wait_seconds) {
            wrong("max_wait_seconds", "must be from 30 to 14400".to_owned());
        }
        if self.pause_after_missed == Some(0) {
            wrong("pause_after_missed", "must be at least 1, or null".to_owned());
        }
        if self.unattended.rounds == 0 {
            wrong("unattended.rounds", "must be at least 1".to_owned());
        }
        if self.too_long.as_ref().is_some_and(|limit| limit.at == 0) {
            wrong("too_long.at", "must be at least 1".to_owned());
        }
        let codes: BTreeSet<_> = self.dispositions.iter().map(|disposition| &disposition.code).collect();
        let is_code = |code: &str| {
            (1..=40).contains(&code.len())
                && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte))
        };
        let is_label = |label: &str| !label.trim().is_empty() && label.chars().count() <= MAX_LABEL_CHARS;
        if self.dispositions.len() > MAX_DISPOSITIONS || codes.len() < self.dispositions.len() {
            wrong("dispositions", format!("must have at most {MAX_DISPOSITIONS}, each code once"));
        }
        if self.dispositions.iter().any(|it| !is_code(&it.code) || !is_label(&it.label)) {
            wrong(
                "dispositions",
                "codes have 1 to 40 lower-case letters, digits, - and _; labels 1 to 100 characters".to_owned(),
            );
        }
        if self.disposition_required && (self.dispositions.is_empty() || self.wrap_up_seconds == 0) {
            wrong("disposition_required", "needs dispositions to choose from, and time to wrap up".to_owned());
        }
        if let Some(words) = self.hours.as_ref().and_then(Hours::fault) {
            wrong("hours", words);
        }
        let said = [self.while_waiting.faults(), self.voicemail.faults(), self.recording_notice.faults()];
        for (field, words) in said.into_iter().flatten() {
            wrong(field, words);
        }
        for (field, to) in self.destinations() {
            if let Destination::Number(number) = to
                && !is_e164(number)
            {
                wrong(&format!("{field}.number"), "must be + and 7 to 15 digits".to_owned());
            }
        }
        faults
    }

    /// Where it may send callers to, and the field that says so.
    fn destinations(&self) -> impl Iterator<Item = (&'static str, &Destination)> {
        let overflow = self.overflow.as_ref().map(|overflow| ("overflow.to", &overflow.to));
        let too_long = self.too_long.as_ref().map(|limit| ("too_long.to", &limit.to));
        let always = [("closed.to", &self.closed.to), ("unattended.to", &self.unattended.to)];
        let keys = self.while_waiting.keys.values().map(|to| ("while_waiting.keys", to));
        always.into_iter().chain(overflow).chain(too_long).chain(keys)
    }

    /// The queues that it may send callers to.
    pub fn queues(&self) -> BTreeSet<QueueId> {
        self.destinations()
            .filter_map(|(_, to)| match to {
                Destination::QueueId(queue) => Some(QueueId(*queue)),
                _ => None,
            })
            .collect()
    }

    /// The tenant's sounds that it plays.
    pub fn sounds(&self) -> BTreeSet<uuid::Uuid> {
        let said = [&self.while_waiting.say, &self.voicemail.greeting, &self.recording_notice.say];
        while_waiting::sounds(said).into_iter().chain(self.while_waiting.music).collect()
    }

    /// The skills that it speaks of.
    pub fn skills(&self) -> BTreeSet<SkillId> {
        let asked = self.required.iter().chain(&self.preferred).map(|skill| skill.skill_id);
        asked.chain(self.relax.iter().flat_map(|step| step.drop.iter().copied())).collect()
    }

    /// The same in the router's words, for one of the queue's desks.
    pub fn for_desk(&self, serves: Serves, ring_seconds: u32) -> routing::Queue<House> {
        match serves {
            Serves::Calls => self.for_calls(ring_seconds),
            Serves::Chats => self.for_chats(true),
            Serves::ChatsThatStay => self.for_chats(false),
        }
    }

    /// For chats: given without ringing, and nothing that ends a call ends the wait of one. `hands_on`: whether other queues
    /// take over what this one does not serve.
    fn for_chats(&self, hands_on: bool) -> routing::Queue<House> {
        let to_queue = |to: &Destination| match to {
            Destination::QueueId(queue) if hands_on => {
                Some(routing::Destination::Queue(Desk::of_chats(QueueId(*queue))))
            }
            _ => None,
        };
        let mut desk = self.for_calls(0);
        desk.ring_ms = None;
        if desk.strategy == routing::Strategy::RingAll {
            desk.strategy = routing::Strategy::LongestIdle;
        }
        desk.pause_after_missed = None;
        (desk.wrap_up_ms, desk.disposition_required) = (0, false);
        desk.too_long = desk
            .too_long
            .zip(self.too_long.as_ref())
            .and_then(|(limit, set)| Some(routing::TooLong { to: to_queue(&set.to)?, ..limit }));
        desk.overflow = desk
            .overflow
            .zip(self.overflow.as_ref())
            .and_then(|(overflow, set)| Some(routing::Overflow { to: to_queue(&set.to)?, ..overflow }));
        desk.closed = desk.closed.and_then(|closed| Some(routing::Closed { to: to_queue(&self.closed.to)?, ..closed }));
        // Who writes at night is answered in the morning, by whoever comes.
        let to = routing::Destination::Exit(WayOut::HangUp);
        desk.unattended = routing::Unattended { grace_ms: FOREVER, rounds: u32::MAX, to };
        desk.max_wait_ms = FOREVER;
        desk
    }

    fn for_calls(&self, ring_seconds: u32) -> routing::Queue<House> {
        let millis = |seconds: u32| u64::from(seconds) * 1_000;
        let levels = |skills: &[SkillLevel]| -> BTreeMap<SkillId, u8> {
            skills.iter().map(|skill| (skill.skill_id, skill.level)).collect()
        };
        routing::Queue {
            strategy: self.strategy.into(),
            priority: self.priority,
            ring_ms: Some(millis(ring_seconds)),
            pause_after_missed: self.pause_after_missed,
            required: levels(&self.required),
            preferred: levels(&self.preferred),
            prefer_ms: millis(self.prefer_seconds),
            relax: self
                .relax
                .iter()
                .map(|step| routing::RelaxStep {
                    after_ms: millis(step.after_seconds),
                    lower_by: step.lower_by,
                    drop: step.drop.iter().copied().collect(),
                    raise_priority: step.raise_priority,
                })
                .collect(),
            sticky_ms: millis(self.sticky_seconds),
            wrap_up_ms: millis(self.wrap_up_seconds),
            disposition_required: self.disposition_required,
            too_long: self.too_long.as_ref().map(|limit| routing::TooLong {
                at: usize::try_from(limit.at).unwrap_or(usize::MAX),
                to: (&limit.to).into(),
            }),
            overflow: self.overflow.as_ref().map(|overflow| routing::Overflow {
                after_ms: millis(overflow.after_seconds),
                to: (&overflow.to).into(),
            }),
            closed: (self.hours.is_some() || self.schedule_id.is_some())
                .then(|| routing::Closed { to: (&self.closed.to).into(), keep_waiting: self.closed.keep_waiting }),
            unattended: routing::Unattended {
                grace_ms: millis(self.unattended.grace_seconds),
                rounds: self.unattended.rounds,
                to: (&self.unattended.to).into(),
            },
            max_wait_ms: millis(self.max_wait_seconds),
            last_resort: WayOut::HangUp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_object_is_a_plain_queue() {
        let routing: QueueRouting = serde_json::from_str("{}").unwrap();
        assert_eq!(routing, QueueRouting::default());
        assert_eq!(routing.faults(), []);
        let queue = routing.for_desk(Serves::Calls, 15);
        assert_eq!((queue.ring_ms, queue.max_wait_ms), (Some(15_000), 600_000));
        assert!(queue.closed.is_none());
    }

    #[test]
    fn chats_go_to_other_queues_and_out_by_no_exit() {
        let other = QueueId::new();
        let routing = QueueRouting {
            strategy: Strategy::RingAll,
            wrap_up_seconds: 30,
            overflow: Some(Overflow { after_seconds: 30, to: Destination::QueueId(other.uuid()) }),
            too_long: Some(TooLong { at: 3, to: Destination::HangUp }),
            ..QueueRouting::default()
        };
        let chats = routing.for_desk(Serves::Chats, 15);
        assert_eq!((chats.ring_ms, chats.wrap_up_ms, chats.strategy), (None, 0, routing::Strategy::LongestIdle));
        let to = routing::Destination::Queue(Desk::of_chats(other));
        assert_eq!(chats.overflow, Some(routing::Overflow { after_ms: 30_000, to }));
        assert_eq!((chats.too_long, chats.closed), (None, None));
        assert_eq!(routing.for_desk(Serves::ChatsThatStay, 15).overflow, None);
        let to = routing::Destination::Queue(Desk::of_calls(other));
        assert_eq!(routing.for_desk(Serves::Calls, 15).overflow.map(|overflow| overflow.to), Some(to));
    }

    #[test]
    fn it_reads_back_as_it_was_written() {
        let routing = QueueRouting {
            required: vec![SkillLevel { skill_id: SkillId::new(), level: 50 }],
            overflow: Some(Overflow { after_seconds: 30, to: Destination::QueueId(QueueId::new().uuid()) }),
            dispositions: vec![Disposition { code: "sale".to_owned(), label: "Sale".to_owned() }],
            ..QueueRouting::default()
        };
        let text = serde_json::to_string(&routing).unwrap();
        assert_eq!(serde_json::from_str::<QueueRouting>(&text).unwrap(), routing);
        assert!(serde_json::from_str::<QueueRouting>(r#"{"stratgy":"ring_all"}"#).is_err(), "a slip is told");
    }

    #[test]
    fn what_cannot_work_is_named() {
        let routing = QueueRouting {
            priority: 101,
            required: vec![SkillLevel { skill_id: SkillId::new(), level: 0 }],
            disposition_required: true,
            max_wait_seconds: 5,
            too_long: Some(TooLong { at: 0, to: Destination::HangUp }),
            ..QueueRouting::default()
        };
        let fields: Vec<String> = routing.faults().into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["priority", "required", "max_wait_seconds", "too_long.at", "disposition_required"]);
    }
}
