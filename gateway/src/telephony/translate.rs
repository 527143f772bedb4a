//! Asterisk's events and answers in the words of call control.

use std::net::SocketAddr;

use trunkline_ari::{Event, model};

use crate::calls::center::{AsteriskSnapshot, BridgeView, ChannelView, DialProgress, Ending, Report};
use crate::calls::model::Server;

/// What an event means for call control, if anything.
pub(crate) fn report(server: &Server, event: &Event) -> Option<Report> {
    match event {
        Event::StasisStart(start) => {
            Some(Report::Entered { channel: channel(server, &start.channel), args: start.args.clone() })
        }
        Event::StasisEnd(end) => Some(Report::Left { channel: end.channel.id.clone() }),
        Event::ChannelHangupRequest(request) => Some(Report::HangupRequested {
            channel: request.channel.id.clone(),
            ending: ending(request.cause, request.tech_cause),
        }),
        Event::ChannelDestroyed(destroyed) => Some(Report::Destroyed {
            channel: destroyed.channel.id.clone(),
            ending: ending(Some(destroyed.cause), destroyed.tech_cause),
        }),
        Event::ChannelDtmfReceived(pressed) => {
            Some(Report::Dtmf { channel: pressed.channel.id.clone(), digit: pressed.digit.chars().next()? })
        }
        // One that carries a state tells what became of an earlier one, as we said ourselves.
        Event::ChannelTransfer(refer) if refer.state.is_none() => Some(Report::Refer {
            channel: refer.referred_by.source_channel.id.clone(),
            to: refer.refer_to.requested_destination.destination.clone().unwrap_or_default(),
            second: refer.refer_to.destination_channel.as_ref().map(|channel| channel.id.clone()),
        }),
        Event::PlaybackFinished(finished) => Some(Report::Played { playback: finished.playback.id.clone() }),
        Event::RecordingFinished(finished) => Some(Report::MessageTaken { name: finished.recording.name.clone() }),
        Event::RecordingFailed(failed) => Some(Report::MessageTaken { name: failed.recording.name.clone() }),
        Event::Dial(dial) => {
            Some(Report::Dialling { channel: dial.peer.id.clone(), progress: progress(&dial.dialstatus)? })
        }
        Event::ChannelHold(hold) => Some(Report::Hold { channel: hold.channel.id.clone(), held: true }),
        Event::ChannelUnhold(unhold) => Some(Report::Hold { channel: unhold.channel.id.clone(), held: false }),
        _ => None,
    }
}

/// How far a leg has got that we dial. A refusal is told when the leg is gone, with its cause.
fn progress(dialstatus: &str) -> Option<DialProgress> {
    match dialstatus {
        "RINGING" => Some(DialProgress::Ringing),
        "PROGRESS" => Some(DialProgress::Speaking),
        "ANSWER" => Some(DialProgress::Answered),
        _ => None,
    }
}

/// The PJSIP endpoint whose registration an event speaks of. Whether it can ring now is asked anew, since two such
/// events may speak of the same moment.
pub(crate) fn endpoint(event: &Event) -> Option<&str> {
    let endpoint = match event {
        Event::ContactStatusChange(change) => &change.endpoint,
        Event::PeerStatusChange(change) => &change.endpoint,
        _ => return None,
    };
    (endpoint.technology == "PJSIP").then_some(endpoint.resource.as_str())
}

/// Everything that Asterisk had when the connection came about.
pub(crate) fn snapshot(server: &Server, snapshot: &trunkline_ari::Snapshot) -> AsteriskSnapshot {
    AsteriskSnapshot {
        server: server.clone(),
        channels: snapshot.channels.iter().map(|it| channel(server, it)).collect(),
        bridges: snapshot
            .bridges
            .iter()
            .map(|bridge| BridgeView { id: bridge.id.clone(), channels: bridge.channels.clone() })
            .collect(),
    }
}

fn channel(server: &Server, channel: &model::Channel) -> ChannelView {
    ChannelView {
        server: server.clone(),
        id: channel.id.clone(),
        state: channel.state.as_str().to_owned(),
        caller_number: channel.caller.number.clone(),
        app_name: channel.dialplan.app_name.clone(),
        app_data: channel.dialplan.app_data.clone(),
    }
}

/// Asterisk says 0 where it knows no cause.
fn ending(cause: Option<i64>, tech_cause: Option<i64>) -> Ending {
    let known = |cause: Option<i64>| cause.filter(|cause| *cause > 0).and_then(|cause| i16::try_from(cause).ok());
    Ending { cause: known(cause), sip_code: known(tech_cause).filter(|code| (100..700).contains(code)) }
}

/// Where an external media channel sends from, as Asterisk says when it makes one.
pub(crate) fn media_source(channel: &model::Channel) -> Option<SocketAddr> {
    let variable = |name: &str| channel.channelvars.get(name).and_then(|value| value.as_str());
    socket_address(variable("UNICASTRTP_LOCAL_ADDRESS")?, variable("UNICASTRTP_LOCAL_PORT")?)
}

/// An address and a port as they stand in two channel variables.
pub(crate) fn socket_address(address: &str, port: &str) -> Option<SocketAddr> {
    let port = port.trim().parse().ok().filter(|port| *port != 0)?;
    Some(SocketAddr::new(address.trim().parse().ok()?, port))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn causes_that_say_nothing_are_none() {
        assert_eq!(ending(Some(0), None), Ending::default());
        assert_eq!(ending(Some(16), Some(486)), Ending { cause: Some(16), sip_code: Some(486) });
        assert_eq!(ending(Some(-1), Some(7)), Ending::default());
        assert_eq!(ending(Some(i64::MAX), Some(i64::MIN)), Ending::default());
    }

    proptest! {
        #[test]
        fn any_variables_are_an_address_or_nothing(address in ".{0,40}", port in ".{0,8}") {
            if let Some(found) = socket_address(&address, &port) {
                prop_assert!(found.port() != 0);
            }
        }
    }
}
