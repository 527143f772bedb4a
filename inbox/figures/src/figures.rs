//! What is counted, and what is derived from it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::quarter::Quarter;

/// Where something is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// In which quarter hour.
    pub quarter: Quarter,
    /// For which queue, if one has to do with it.
    pub queue: Option<Uuid>,
    /// For which agent, if one has to do with it.
    pub agent: Option<Uuid>,
}

/// What a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// How often something happened; added up.
    Count,
    /// Milliseconds; added up.
    Milliseconds,
    /// Milliseconds of which the longest counts.
    LongestMilliseconds,
    /// A share from 0 to 1, or more where the field's own formula allows it; never added up.
    Share,
    /// Milliseconds on average; never added up.
    AverageMilliseconds,
}

macro_rules! figures {
    ($( $(#[doc = $doc:literal])+ $name:ident: $meaning:ident, )+) => {
        /// The sums of one cell, or of many together.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
        pub struct Figures {
            $( $(#[doc = $doc])+ #[serde(default)] #[cfg_attr(feature = "schema", schema(required))] pub $name: i64, )+
            /// Milliseconds paused, by reason; the empty word is no reason.
            #[serde(default)]
            #[cfg_attr(feature = "schema", schema(required))]
            pub pauses: BTreeMap<String, i64>,
        }

        /// Every sum by name, with what it is, in the order in which reports show them.
        pub const FIGURES: &[(&str, Meaning)] = &[ $( (stringify!($name), Meaning::$meaning) ),+ ];

        impl Figures {
            /// Adds another cell's.
            pub fn add(&mut self, other: &Self) {
                $( figures!(@add $meaning, self.$name, other.$name); )+
                for (reason, ms) in &other.pauses {
                    self.pause(reason, *ms);
                }
            }

            /// The sums, in the order of [`FIGURES`].
            pub fn values(&self) -> impl Iterator<Item = i64> {
                [ $( self.$name ),+ ].into_iter()
            }
        }
    };
    (@add LongestMilliseconds, $ours:expr, $theirs:expr) => { $ours = $ours.max($theirs) };
    (@add $any:ident, $ours:expr, $theirs:expr) => { $ours = $ours.saturating_add($theirs) };
}

figures! {
    /// Calls that came into the queue.
    offered: Count,
    /// Of these, those that an agent answered.
    answered: Count,
    /// Of the answered, those within the queue's service level.
    answered_in_level: Count,
    /// Of the offered, those whose caller hung up while waiting.
    abandoned: Count,
    /// Of the abandoned, those that had hardly begun to wait.
    short_abandoned: Count,
    /// Of the offered, those that went on to another queue, a number, voicemail or a callback, unanswered.
    overflowed: Count,
    /// Of the offered, those that ended unanswered for another reason: closed, failed, lost.
    unserved: Count,
    /// Waiting of the answered calls, in milliseconds.
    answer_wait_ms: Milliseconds,
    /// Waiting of the abandoned calls, in milliseconds.
    abandon_wait_ms: Milliseconds,
    /// The longest that one of the offered calls waited, in milliseconds.
    longest_wait_ms: LongestMilliseconds,
    /// Offers of a call to an agent.
    offers: Count,
    /// Of these, those that the agent let pass.
    missed_offers: Count,
    /// Calls that agents have finished with.
    contacts: Count,
    /// Their talking, without hold, in milliseconds.
    talk_ms: Milliseconds,
    /// Their hold, in milliseconds.
    hold_ms: Milliseconds,
    /// Their wrap-up, in milliseconds.
    wrap_up_ms: Milliseconds,
    /// Calls that were handed over to the queue or the agent.
    transfers_in: Count,
    /// Calls that the agent handed on.
    transfers_out: Count,
    /// Agents' time available and without a call, in milliseconds.
    available_ms: Milliseconds,
    /// Agents' time with a call, in milliseconds.
    on_contact_ms: Milliseconds,
    /// Agents' time wrapping up, in milliseconds.
    wrapping_up_ms: Milliseconds,
    /// Agents' time paused, in milliseconds.
    paused_ms: Milliseconds,
    /// Agents' time without a phone that can be reached, in milliseconds.
    unreachable_ms: Milliseconds,
    /// Agents' time signed out, at most a day of each absence, in milliseconds.
    offline_ms: Milliseconds,
}

impl Figures {
    pub(crate) fn pause(&mut self, reason: &str, ms: i64) {
        let sum = self.pauses.entry(reason.to_owned()).or_default();
        *sum = sum.saturating_add(ms);
    }

    /// Whether nothing is counted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The calls that a rate refers to: those whose waiting is over by an answer, by giving up after a fair wait, or by being sent on.
    fn counted(&self) -> i64 {
        self.answered
            .saturating_add(self.abandoned)
            .saturating_sub(self.short_abandoned)
            .saturating_add(self.overflowed)
    }

    /// What is derived: always from sums, never from averages.
    pub fn derived(&self) -> Derived {
        let counted = self.counted();
        let handling = self.talk_ms.saturating_add(self.hold_ms).saturating_add(self.wrap_up_ms);
        let busy = self.on_contact_ms.saturating_add(self.wrapping_up_ms);
        let at_work = busy.saturating_add(self.available_ms);
        let signed_in = at_work.saturating_add(self.paused_ms).saturating_add(self.unreachable_ms);
        Derived {
            service_level: share(self.answered_in_level, counted),
            abandon_rate: share(self.abandoned.saturating_sub(self.short_abandoned), counted),
            asa_ms: average(self.answer_wait_ms, self.answered),
            aht_ms: average(handling, self.contacts),
            occupancy: share(busy, at_work),
            adherence: share(at_work, signed_in),
        }
    }
}

/// To four places, so that the same sums read the same everywhere.
fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| (part as f64 / whole as f64 * 10_000.0).round() / 10_000.0)
}

/// To the millisecond, half a one up.
fn average(sum: i64, count: i64) -> Option<i64> {
    (count > 0).then(|| sum.saturating_add(count / 2).div_euclid(count))
}

macro_rules! derived {
    ($( $(#[doc = $doc:literal])+ $name:ident: $type:ty, $meaning:ident; )+) => {
        /// What is derived from sums; nothing where there is nothing to divide by.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
        pub struct Derived {
            $( $(#[doc = $doc])+ #[cfg_attr(feature = "schema", schema(required))] pub $name: Option<$type>, )+
        }

        impl Derived {
            /// Every derived figure by name, with what it is.
            pub const NAMES: &[(&str, Meaning)] = &[ $( (stringify!($name), Meaning::$meaning) ),+ ];

            /// The values, in the order of [`NAMES`](Self::NAMES).
            #[allow(clippy::cast_lossless, reason = "milliseconds of an average are far below 2^53")]
            pub fn values(&self) -> impl Iterator<Item = Option<f64>> {
                [ $( self.$name.map(|value| value as f64) ),+ ].into_iter()
            }
        }
    };
}

derived! {
    /// Share of the calls answered within the queue's service level: `answered_in_level / (answered + abandoned - short_abandoned + overflowed)`.
    service_level: f64, Share;
    /// Share of the calls abandoned: `(abandoned - short_abandoned) / (answered + abandoned - short_abandoned + overflowed)`.
    abandon_rate: f64, Share;
    /// Average speed of answer: `answer_wait_ms / answered`.
    asa_ms: i64, AverageMilliseconds;
    /// Average handle time: `(talk_ms + hold_ms + wrap_up_ms) / contacts`.
    aht_ms: i64, AverageMilliseconds;
    /// Share of the time at work spent on calls: `(on_contact_ms + wrapping_up_ms) / (available_ms + on_contact_ms + wrapping_up_ms)`.
    occupancy: f64, Share;
    /// Share of the time signed in spent at work: `(available_ms + on_contact_ms + wrapping_up_ms) / (those + paused_ms + unreachable_ms)`.
    adherence: f64, Share;
}

/// Sums by where they are counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cells(BTreeMap<Key, Figures>);

impl Cells {
    /// The cell at a place, made when it is missing.
    pub fn at(&mut self, quarter: Quarter, queue: Option<Uuid>, agent: Option<Uuid>) -> &mut Figures {
        self.0.entry(Key { quarter, queue, agent }).or_default()
    }

    /// Adds what others counted.
    pub fn merge(&mut self, other: &Self) {
        for (key, figures) in &other.0 {
            self.0.entry(*key).or_default().add(figures);
        }
    }

    /// One cell, if anything was counted there.
    pub fn get(&self, key: &Key) -> Option<&Figures> {
        self.0.get(key)
    }

    /// Every cell, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Figures)> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Removes cells in which nothing is counted.
    pub fn prune(&mut self) {
        self.0.retain(|_, figures| !figures.is_empty());
    }

    /// All of them together.
    pub fn total(&self) -> Figures {
        self.0.values().fold(Figures::default(), |mut total, figures| {
            total.add(figures);
            total
        })
    }
}

impl FromIterator<(Key, Figures)> for Cells {
    fn from_iter<I: IntoIterator<Item = (Key, Figures)>>(cells: I) -> Self {
        let mut all = Self::default();
        for (key, figures) in cells {
            all.0.entry(key).or_default().add(&figures);
        }
        all
    }
}
