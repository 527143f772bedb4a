//! The names this gateway gives to what it makes in Asterisk.
//!
//! Every channel and bridge is named before it exists, so that its first event already says what it belongs to, and so
//! that a gateway that comes back after a crash can tell its own resources from anybody else's by looking at them.

use std::fmt;
use std::str::FromStr;

use trunkline_db::CallId;
use uuid::Uuid;

const PREFIX: &str = "tl-";

/// Which way of the customer's audio a tap listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// What the customer says (`in` in Asterisk's words: it comes into the channel). The right channel of a recording.
    Customer,
    /// What the customer hears: agents, announcements, music. The left channel of a recording.
    Agent,
}

impl Side {
    /// Both sides.
    pub const BOTH: [Self; 2] = [Self::Customer, Self::Agent];

    fn letter(self) -> char {
        match self {
            Self::Customer => 'c',
            Self::Agent => 'a',
        }
    }
}

/// What a resource of ours is for. Generations count the sets of taps that one call has had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The mixing bridge in which the parties talk.
    Bridge,
    /// The bridge that takes its place once another leg joins; see `Call::let_in`.
    Mix,
    /// A leg to one of an agent's phones; the n-th of the call.
    AgentLeg(u32),
    /// The bridge in which one agent asks another; the n-th of the call.
    Consult(u32),
    /// Something played to the customer; the n-th of the call.
    Playback(u32),
    /// A queue's own music; the round.
    Music(u32),
    /// The message that a caller leaves.
    Message,
    /// The leg to whom we call through a trunk.
    TrunkLeg,
    /// A leg to somebody outside to whom the call is handed; the n-th of the call.
    OutsideLeg(u32),
    /// A leg to one of a supervisor's phones; of the agent's, once they took the call over.
    SupervisorLeg(u32),
    /// The bridge in which a supervisor listens.
    Booth(u32),
    /// The snoop channel through which a supervisor hears an agent's leg.
    Ear(u32),
    /// The snoop channel by which an agent is told that somebody listens.
    Bell(u32),
    /// The snoop channel on the customer's leg.
    Snoop(u32, Side),
    /// The external media channel that sends the snooped audio to us.
    Media(u32, Side),
    /// The bridge between those two.
    TapBridge(u32, Side),
}

/// The name of a resource: whose it is and what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceName {
    /// The call it belongs to.
    pub call: CallId,
    /// What it is for.
    pub part: Part,
}

impl ResourceName {
    /// Names a part of a call.
    pub fn new(call: CallId, part: Part) -> Self {
        Self { call, part }
    }

    /// What a leg to the outside is counted by against the tenant's caps: a call out by its own id, each further leg of a call by one of its own.
    pub fn usage(&self) -> Uuid {
        match self.part {
            Part::OutsideLeg(number) => Uuid::from_u128(self.call.uuid().as_u128() ^ (u128::from(number) + 1)),
            _ => self.call.uuid(),
        }
    }
}

impl fmt::Display for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}-", self.call)?;
        match self.part {
            Part::Bridge => write!(f, "b"),
            Part::Mix => write!(f, "mix"),
            Part::AgentLeg(number) => write!(f, "leg{number}"),
            Part::Consult(number) => write!(f, "consult{number}"),
            Part::Playback(number) => write!(f, "say{number}"),
            Part::Music(round) => write!(f, "music{round}"),
            Part::Message => write!(f, "msg"),
            Part::TrunkLeg => write!(f, "out"),
            Part::OutsideLeg(number) => write!(f, "ext{number}"),
            Part::SupervisorLeg(number) => write!(f, "sup{number}"),
            Part::Booth(number) => write!(f, "booth{number}"),
            Part::Ear(number) => write!(f, "ear{number}"),
            Part::Bell(number) => write!(f, "bell{number}"),
            Part::Snoop(generation, side) => write!(f, "snoop{generation}{}", side.letter()),
            Part::Media(generation, side) => write!(f, "media{generation}{}", side.letter()),
            Part::TapBridge(generation, side) => write!(f, "tap{generation}{}", side.letter()),
        }
    }
}

/// Makes a part of its number.
type Numbered = fn(u32) -> Part;

/// The words of what there may be many of in a call.
const NUMBERED: [(&str, Numbered); 9] = [
    ("leg", Part::AgentLeg),
    ("consult", Part::Consult),
    ("say", Part::Playback),
    ("music", Part::Music),
    ("ext", Part::OutsideLeg),
    ("sup", Part::SupervisorLeg),
    ("booth", Part::Booth),
    ("ear", Part::Ear),
    ("bell", Part::Bell),
];

impl Part {
    /// Its number among the legs of its call and what is numbered with them.
    pub fn leg_number(self) -> Option<u32> {
        match self {
            Self::AgentLeg(number)
            | Self::Consult(number)
            | Self::OutsideLeg(number)
            | Self::SupervisorLeg(number)
            | Self::Booth(number)
            | Self::Ear(number)
            | Self::Bell(number) => Some(number),
            _ => None,
        }
    }
}

/// The text is no name of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of one of this gateway's channels or bridges")]
pub struct ForeignName;

impl FromStr for ResourceName {
    type Err = ForeignName;

    fn from_str(text: &str) -> Result<Self, ForeignName> {
        const UUID_LENGTH: usize = 36;
        let rest = text.strip_prefix(PREFIX).ok_or(ForeignName)?;
        let call = rest.get(..UUID_LENGTH).and_then(|id| id.parse().ok()).ok_or(ForeignName)?;
        let part = rest[UUID_LENGTH..].strip_prefix('-').ok_or(ForeignName)?;
        if part == "b" {
            return Ok(Self { call, part: Part::Bridge });
        }
        if part == "mix" {
            return Ok(Self { call, part: Part::Mix });
        }
        if part == "msg" {
            return Ok(Self { call, part: Part::Message });
        }
        if part == "out" {
            return Ok(Self { call, part: Part::TrunkLeg });
        }
        for (word, numbered) in NUMBERED {
            if let Some(number) = part.strip_prefix(word) {
                return Ok(Self { call, part: numbered(plain_number(number)?) });
            }
        }
        let tap = |rest: &str| -> Result<(u32, Side), ForeignName> {
            if let Some(number) = rest.strip_suffix('c') {
                Ok((plain_number(number)?, Side::Customer))
            } else if let Some(number) = rest.strip_suffix('a') {
                Ok((plain_number(number)?, Side::Agent))
            } else {
                Err(ForeignName)
            }
        };
        let part = if let Some(rest) = part.strip_prefix("snoop") {
            tap(rest).map(|(generation, side)| Part::Snoop(generation, side))
        } else if let Some(rest) = part.strip_prefix("media") {
            tap(rest).map(|(generation, side)| Part::Media(generation, side))
        } else if let Some(rest) = part.strip_prefix("tap") {
            tap(rest).map(|(generation, side)| Part::TapBridge(generation, side))
        } else {
            Err(ForeignName)
        }?;
        Ok(Self { call, part })
    }
}

/// Digits only: `u32::from_str` would take a sign, and a name has to come out as it went in.
fn plain_number(text: &str) -> Result<u32, ForeignName> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) || (text.len() > 1 && text.starts_with('0')) {
        return Err(ForeignName);
    }
    text.parse().map_err(|_| ForeignName)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_read_back_as_written() {
        let call = CallId::new();
        for part in [
            Part::Bridge,
            Part::Mix,
            Part::AgentLeg(7),
            Part::Consult(2),
            Part::Playback(5),
            Part::TrunkLeg,
            Part::Music(1),
            Part::Message,
            Part::OutsideLeg(8),
            Part::Consult(1),
            Part::Playback(2),
            Part::SupervisorLeg(3),
            Part::Booth(4),
            Part::Ear(5),
            Part::Bell(6),
            Part::Snoop(0, Side::Customer),
            Part::Media(12, Side::Agent),
            Part::TapBridge(3, Side::Customer),
        ] {
            let name = ResourceName::new(call, part);
            assert_eq!(name.to_string().parse(), Ok(name));
        }
    }

    #[test]
    fn other_peoples_channels_are_foreign() {
        for text in ["1795187759.19", "tl-", "tl-x-b", "tl-0193aaaa-0000-7000-8000-000000000000-leg", "em-1", ""] {
            assert_eq!(text.parse::<ResourceName>(), Err(ForeignName), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(tl-)?[0-9a-f-]{0,40}[a-z0-9é-]{0,12}") {
            if let Ok(name) = text.parse::<ResourceName>() {
                prop_assert_eq!(name.to_string().parse(), Ok(name));
            }
        }
    }
}
