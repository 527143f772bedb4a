//! What Asterisk's answers to our requests mean. Mostly nothing: what was done is told by its events.

use chrono::{DateTime, Utc};
use trunkline_db::CallId;

use super::io::{Ending, Output, Refusal, Reply, Request};
use super::{Center, taps};
use crate::model::{CallState, EndReason};
use crate::names::{Part, ResourceName};

impl Center {
    pub(super) fn answered(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        request: &Request,
        result: Result<Reply, Refusal>,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let part_of = |channel: &str| channel.parse::<ResourceName>().ok().map(|name| name.part);
        match (request, result) {
            (Request::SendMedia { channel } | Request::MediaSource { channel }, Ok(Reply::Source(source))) => {
                if let Some(part) = part_of(channel) {
                    taps::source_known(call, part, source, out);
                }
            }
            // Whether it was done is seen in the snapshot that follows a reconnect.
            (_, Ok(_) | Err(Refusal::Unknown(_))) => {}
            _ if call.closing.is_some() || call.row.state == CallState::Ended => {}
            (Request::CreateTrunkLeg { channel, .. } | Request::Dial { channel, .. }, Err(refusal))
                if matches!(part_of(channel), Some(Part::OutsideLeg(_))) =>
            {
                tracing::warn!(call = %id, channel, ?refusal, "somebody outside could not be dialled");
                // One that is there tells of its end itself.
                if matches!(request, Request::CreateTrunkLeg { .. }) {
                    self.outside_gone(now, id, channel, Ending::default(), out);
                } else if refusal != Refusal::Gone {
                    self.outside_failed(now, id, EndReason::Failed.as_str(), out);
                }
            }
            (Request::CreateTrunkLeg { channel, .. } | Request::Dial { channel, .. }, Err(refusal)) => {
                if refusal != Refusal::Gone {
                    tracing::error!(call = %id, channel, ?refusal, "the trunk could not be dialled");
                    if matches!(request, Request::CreateTrunkLeg { .. }) {
                        call.leg_ended(channel, now, None);
                    }
                    self.begin_end(now, id, EndReason::Failed, false, out);
                }
            }
            (Request::Originate { channel, .. }, Err(refusal)) => {
                tracing::info!(call = %id, channel, ?refusal, "a phone could not be rung");
                if self.supervisor_leg_gone(now, id, channel, out) {
                    return;
                }
                self.agent_leg_gone(now, id, channel, Ending::default(), out);
            }
            (Request::Spy { snoop: channel, .. } | Request::Play { channel, .. }, Err(_))
                if matches!(part_of(channel), Some(Part::Ear(_) | Part::Bell(_))) =>
            {
                self.supervision_broken(now, id, channel, out);
            }
            // What cannot be said is not said: nobody waits for its end.
            (Request::Play { playback, .. }, Err(refusal)) => {
                if refusal != Refusal::Gone {
                    tracing::warn!(call = %id, ?refusal, "a sound could not be played");
                }
                self.played(now, playback, out);
            }
            (Request::TakeMessage { .. }, Err(refusal)) => {
                if refusal != Refusal::Gone {
                    tracing::error!(call = %id, ?refusal, "no message could be taken");
                    self.message_refused(now, id, out);
                }
            }
            (Request::CreateBridge { bridge }, Err(_)) if matches!(part_of(bridge), Some(Part::Booth(_))) => {
                self.supervision_broken(now, id, bridge, out);
            }
            (
                Request::Snoop { snoop: channel, .. }
                | Request::SendMedia { channel }
                | Request::MediaSource { channel }
                | Request::CreateBridge { bridge: channel },
                Err(refusal),
            ) if part_of(channel).is_some_and(|part| !matches!(part, Part::Bridge | Part::Mix)) => {
                if let Some(part) = part_of(channel) {
                    taps::broken(call, part, &format!("{refusal:?}"), now, out);
                }
            }
            (Request::AddChannels { bridge, channels }, Err(refusal)) => match part_of(bridge) {
                Some(part @ Part::TapBridge(..)) => taps::broken(call, part, &format!("{refusal:?}"), now, out),
                // A party that is gone says so itself; anything else would leave two people in silence.
                _ if refusal == Refusal::Gone => {}
                _ if self.supervisor_not_joined(now, id, channels, out) => {}
                Some(Part::Booth(_)) => self.supervision_broken(now, id, bridge, out),
                _ => {
                    tracing::error!(call = %id, ?refusal, "the parties could not be joined");
                    self.begin_end(now, id, EndReason::Failed, false, out);
                }
            },
            (Request::CreateBridge { .. }, Err(refusal)) => {
                tracing::error!(call = %id, ?refusal, "no bridge could be made for the call");
                self.begin_end(now, id, EndReason::Failed, false, out);
            }
            (_, Err(refusal)) => {
                tracing::debug!(call = %id, ?request, ?refusal, "a request was refused");
            }
        }
    }
}
