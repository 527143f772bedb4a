//! Sends call control's requests to Asterisk: for one call in the order that `line` says, for different calls side by side.

use std::collections::HashMap;
use std::net::SocketAddr;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use trunkline_ari::body::Variables;
use trunkline_ari::{Client, Error, OrGone as _, bridges, channels, values};
use trunkline_db::CallId;

use super::line::Line;
use super::{peers, translate};
use crate::calls::center::{Answers, HangupWhy, Refusal, Reply, Request};
use crate::calls::model::Server;
use crate::calls::names::{Part, ResourceName, Side};
use trunkline_calls::flow::walk::Media;

/// The audio format of the taps: µ-law at 8 kHz, which costs nothing to make on most trunks.
const TAP_FORMAT: &str = "ulaw";

/// What became of a request.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) call: CallId,
    pub(crate) request: Request,
    pub(crate) result: Result<Reply, Refusal>,
}

/// The requests on their way.
#[derive(Debug)]
pub(crate) struct Requests {
    place: Place,
    queues: HashMap<CallId, mpsc::UnboundedSender<Request>>,
    answers: mpsc::UnboundedSender<Answered>,
}

impl Requests {
    /// Sends through `client`; `media` is where taps send their audio. Answers come to `answers`.
    pub(crate) fn new(
        server: Server,
        client: Client,
        app: String,
        media: SocketAddr,
        answers: mpsc::UnboundedSender<Answered>,
    ) -> Self {
        Self { place: Place { server, client, app, media }, queues: HashMap::new(), answers }
    }

    /// Sends a request, behind the earlier ones of the same call that have something in common with it.
    pub(crate) fn send(&mut self, call: Option<CallId>, request: Request) {
        let Some(call) = call else {
            let place = self.place.clone();
            tokio::spawn(async move {
                if let Err(refusal) = perform(&place, &request).await {
                    tracing::debug!(?request, ?refusal, "a request for no call was refused");
                }
            });
            return;
        };
        let queue = self.queues.entry(call).or_insert_with(|| {
            let (sender, mut waiting) = mpsc::unbounded_channel();
            let (place, answers) = (self.place.clone(), self.answers.clone());
            tokio::spawn(async move {
                let (mut line, mut sent) = (Line::default(), FuturesUnordered::new());
                let send = async |request: Request| {
                    let result = perform(&place, &request).await;
                    (request, result)
                };
                loop {
                    let ready = tokio::select! {
                        Some((request, result)) = sent.next() => {
                            let ready = line.answered(&request);
                            if answers.send(Answered { call, request, result }).is_err() {
                                return;
                            }
                            ready
                        }
                        request = waiting.recv() => match request {
                            Some(request) => line.join(request),
                            None => break,
                        },
                    };
                    sent.extend(ready.into_iter().map(&send));
                }
                // Nothing more comes; what is left goes out.
                while let Some((request, result)) = sent.next().await {
                    sent.extend(line.answered(&request).into_iter().map(&send));
                    let _ = answers.send(Answered { call, request, result });
                }
            });
            sender
        });
        // The worker lives as long as its sender.
        let _ = queue.send(request);
    }

    /// Nothing more comes for this call; what waits is still sent.
    pub(crate) fn close(&mut self, call: CallId) {
        self.queues.remove(&call);
    }
}

/// Where a request is sent.
#[derive(Debug, Clone)]
struct Place {
    server: Server,
    client: Client,
    app: String,
    media: SocketAddr,
}

/// A message is over when nothing was said for so long.
const MESSAGE_SILENCE_SECONDS: i64 = 10;

/// Asterisk's address of what is to be played.
fn uri(media: &Media) -> Option<String> {
    match media {
        Media::Builtin(name) => Some(format!("sound:{name}")),
        Media::Digits(digits) => Some(format!("digits:{digits}")),
        Media::Sound { .. } | Media::Speech { .. } => None,
    }
}

async fn perform(place: &Place, request: &Request) -> Result<Reply, Refusal> {
    let Place { server, client, app, media } = place;
    let done = |()| Reply::Done;
    let result = match request {
        Request::CreateBridge { bridge } => {
            // `video_sfu` is how Asterisk is told to mix whatever there is, two parties too; nobody here has video.
            let mixes = bridge.parse().is_ok_and(|name: ResourceName| name.part == Part::Mix);
            let kind = if mixes { "mixing,video_sfu" } else { "mixing" };
            let params = bridges::CreateWithId::default().kind(kind).name("trunkline");
            client.bridges().create_with_id(bridge, params).await.map(|_| Reply::Done)
        }
        Request::DestroyBridge { bridge } => client.bridges().destroy(bridge).await.or_gone().map(done),
        Request::Answer { channel } => client.channels().answer(channel).await.map(done),
        Request::StartMusic { channel } => {
            client.channels().start_moh(channel, channels::StartMoh::default()).await.map(done)
        }
        Request::Play { channel, playback, sounds } => {
            let media: Vec<String> = sounds.iter().filter_map(uri).collect();
            let media: Vec<&str> = media.iter().map(String::as_str).collect();
            client
                .channels()
                .play_with_id(channel, playback, &media, channels::PlayWithId::default())
                .await
                .map(|_| Reply::Done)
        }
        Request::TakeMessage { channel, name, max_seconds } => {
            let params = channels::Record::default()
                .max_duration_seconds(i64::from(*max_seconds))
                .max_silence_seconds(MESSAGE_SILENCE_SECONDS)
                .if_exists(values::IfExists::Overwrite)
                .terminate_on(values::TerminateOn::Any);
            client.channels().record(channel, name, "wav", params).await.map(|_| Reply::Done)
        }
        Request::StopPlayback { playback } => client.playbacks().stop(playback).await.or_gone().map(done),
        Request::StopMusic { channel } => client.channels().stop_moh(channel).await.map(done),
        Request::AddChannels { bridge, channels } => {
            let channels: Vec<&str> = channels.iter().map(String::as_str).collect();
            // Nobody's phone is to show the number of whoever joins: the call says itself who sees what.
            let params = bridges::AddChannel::default().inhibit_connected_line_updates(true);
            client.bridges().add_channel(bridge, &channels, params).await.map(done)
        }
        Request::RemoveChannels { bridge, channels } => {
            let channels: Vec<&str> = channels.iter().map(String::as_str).collect();
            client.bridges().remove_channel(bridge, &channels).await.map(done)
        }
        Request::Mute { channel } => {
            let what = channels::Mute::default().direction(values::MuteDirection::In);
            client.channels().mute(channel, what).await.map(done)
        }
        Request::Unmute { channel } => {
            let what = channels::Unmute::default().direction(values::MuteDirection::In);
            client.channels().unmute(channel, what).await.map(done)
        }
        Request::Dtmf { channel, digits } => {
            client.channels().send_dtmf(channel, channels::SendDtmf::default().dtmf(digits)).await.map(done)
        }
        Request::Originate { channel, username, at, caller, timeout_s, originator, call, queue, answers } => {
            let mut params = channels::OriginateWithId::default()
                .app(app)
                .app_args("agent")
                .caller_id(caller_id(caller))
                .timeout(i64::from(*timeout_s))
                .variables(headers(*call, queue.as_deref(), *answers));
            if let Some(originator) = originator {
                params = params.originator(originator);
            }
            let endpoint = if at == server {
                format!("PJSIP/{username}")
            } else {
                format!("PJSIP/{username}@{}", peers::endpoint(at))
            };
            client.channels().originate_with_id(channel, &endpoint, params).await.map(|_| Reply::Done)
        }
        Request::CreateTrunkLeg { channel, endpoint, caller_id, originator } => {
            let params = channels::Create::default()
                .app_args("trunk")
                .channel_id(channel)
                .originator(originator)
                .variables(shown_number(caller_id.as_deref()));
            client.channels().create(endpoint, app, params).await.map(|_| Reply::Done)
        }
        Request::Dial { channel, timeout_s } => {
            // Without a caller: Asterisk would show that channel's number to who is called, whatever was set.
            let params = channels::Dial::default().timeout(i64::from(*timeout_s));
            client.channels().dial(channel, params).await.map(done)
        }
        Request::Referred { channel, done: took } => {
            let state = if *took { "channel_answered" } else { "channel_declined" };
            client.channels().transfer_progress(channel, state).await.or_gone().map(done)
        }
        Request::Ring { channel } => client.channels().ring(channel).await.map(done),
        Request::StopRing { channel } => client.channels().ring_stop(channel).await.map(done),
        Request::Hangup { channel, why } => {
            let reason = match why {
                HangupWhy::Normal => values::HangupReason::Normal,
                HangupWhy::Unallocated => values::HangupReason::Unallocated,
                HangupWhy::NoAnswer => values::HangupReason::NoAnswer,
                HangupWhy::AnsweredElsewhere => values::HangupReason::AnsweredElsewhere,
                HangupWhy::Busy => values::HangupReason::Busy,
                HangupWhy::Congestion => values::HangupReason::Congestion,
                HangupWhy::Rejected => values::HangupReason::Rejected,
            };
            let params = channels::Hangup::default().reason(reason);
            client.channels().hangup(channel, params).await.or_gone().map(done)
        }
        Request::Snoop { channel, snoop, side } => {
            let spy = match side {
                Side::Customer => values::SnoopDirection::In,
                Side::Agent => values::SnoopDirection::Out,
            };
            let params = channels::SnoopChannelWithId::default().spy(spy).app_args("tap");
            client.channels().snoop_channel_with_id(channel, snoop, app, params).await.map(|_| Reply::Done)
        }
        Request::Spy { channel, snoop, hears, speaks } => {
            let mut params = channels::SnoopChannelWithId::default().app_args("spy");
            if *hears {
                params = params.spy(values::SnoopDirection::Both);
            }
            if *speaks {
                params = params.whisper(values::SnoopDirection::Out);
            }
            client.channels().snoop_channel_with_id(channel, snoop, app, params).await.map(|_| Reply::Done)
        }
        Request::SendMedia { channel } => {
            let params = channels::ExternalMedia::default()
                .channel_id(channel)
                .external_host(media.to_string())
                .encapsulation(values::MediaEncapsulation::Rtp)
                .transport(values::MediaTransport::Udp);
            match client.channels().external_media(app, TAP_FORMAT, params).await {
                Ok(made) => match translate::media_source(&made) {
                    Some(source) => Ok(Reply::Source(source)),
                    None => return media_source(client, channel).await,
                },
                Err(error) => Err(error),
            }
        }
        Request::MediaSource { channel } => return media_source(client, channel).await,
        Request::Continue { channel, context, extension } => {
            let params = channels::ContinueInDialplan::default().context(*context).extension(extension).priority(1);
            client.channels().continue_in_dialplan(channel, params).await.map(done)
        }
    };
    result.map_err(|error| refusal(&error))
}

async fn media_source(client: &Client, channel: &str) -> Result<Reply, Refusal> {
    let mut found = Vec::with_capacity(2);
    for name in ["UNICASTRTP_LOCAL_ADDRESS", "UNICASTRTP_LOCAL_PORT"] {
        let variable = client.channels().get_channel_var(channel, name).await.map_err(|error| refusal(&error))?;
        found.push(variable.value);
    }
    translate::socket_address(&found[0], &found[1])
        .map(Reply::Source)
        .ok_or_else(|| Refusal::Refused(format!("no media address in {found:?}")))
}

/// The caller's number as a caller id: what came in from outside may not add a name or a header of its own.
fn caller_id(number: &str) -> String {
    let clean: String = number
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '*' | '#' | '.' | '_' | '-'))
        .collect();
    format!("\"\" <{}>", if clean.is_empty() { "anonymous" } else { &clean })
}

/// The number that is shown to who is called. A channel that is made to be dialled shows whom it is connected with; `i` keeps Asterisk from telling
/// anybody yet.
fn shown_number(number: Option<&str>) -> Variables {
    let variables = number.map(|number| {
        let digits: String = number.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
        [("CONNECTEDLINE(num,i)".to_owned(), digits), ("CONNECTEDLINE(num-pres,i)".to_owned(), "allowed".to_owned())]
    });
    variables.into_iter().flatten().collect()
}

/// What a phone's INVITE says beside the caller: which call it is, and by which queue it came. `PJSIP_HEADER` takes effect on a channel that
/// is not dialled yet, and that is when Asterisk sets the variables of an originated one.
fn headers(call: CallId, queue: Option<&str>, answers: Answers) -> Variables {
    let name = |header: &str| format!("PJSIP_HEADER(add,{header})");
    // That it wants to hand its call on is told to us, and done by nobody else.
    let refer = ("PJSIP_TRANSFER_HANDLING()".to_owned(), "ari-only".to_owned());
    let mut headers = vec![refer, (name("X-Trunkline-Call"), call.to_string())];
    // A name may hold anything; a header may not.
    headers.extend(queue.map(|queue| (name("X-Trunkline-Queue"), header_text(queue))));
    match answers {
        Answers::ByHand => {}
        Answers::Reattached => headers.push((name("X-Trunkline-Reattach"), call.to_string())),
        Answers::ToDial => {
            headers.push((name("X-Trunkline-Dial"), call.to_string()));
            // How desk phones are told to pick up by themselves, in the two ways that most of them know.
            headers.push((name("Call-Info"), "<sip:localhost>;answer-after=0".to_owned()));
            headers.push((name("Alert-Info"), "<http://localhost>;info=alert-autoanswer".to_owned()));
        }
    }
    headers.into_iter().collect()
}

/// Percent-encoded (RFC 3986 §2.1) but for what is plain in a header and in Asterisk's own syntax.
fn header_text(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-' | b'.' | b'_') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

fn refusal(error: &Error) -> Refusal {
    match error {
        // A channel that is hung up in this very moment is refused in one of these ways, depending on how far it is; what
        // became of it is told by its own events.
        Error::NotFound { .. } | Error::NotInStasis { .. } => Refusal::Gone,
        Error::BadRequest { message } if message.contains("not found") => Refusal::Gone,
        Error::Timeout { .. } | Error::Disconnected { .. } => Refusal::Unknown(error.to_string()),
        _ => Refusal::Refused(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{caller_id, header_text};

    #[test]
    fn the_name_of_a_queue_survives_a_header() {
        assert_eq!(header_text("Sales - north"), "Sales - north");
        assert_eq!(header_text("Käse & Brot\r\nX: y"), "K%C3%A4se %26 Brot%0D%0AX%3A y");
    }

    proptest! {
        #[test]
        fn no_name_breaks_out_of_its_header(name in "\\PC{0,60}|.{0,60}") {
            let text = header_text(&name);
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" -._%".contains(&byte)), "{text}");
        }
    }

    #[test]
    fn a_caller_cannot_smuggle_a_name_or_header() {
        assert_eq!(caller_id("+15550123"), "\"\" <+15550123>");
        assert_eq!(caller_id("\"Bank\" <911>\r\nX: y"), "\"\" <Bank911Xy>");
        assert_eq!(caller_id(""), "\"\" <anonymous>");
    }
}
