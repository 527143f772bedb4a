//! Carries messages between a browser and Asterisk, one at a time: while one waits for a full socket nothing more is read, so that
//! memory is bounded by two messages and each side feels the other's pace.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;

use super::sip::{self, Unfit};
use super::{Asterisk, Browser};
use crate::state::AppState;

/// How often a browser is asked for a sign of life. Its network part answers, also for a page in the background.
const PING_EVERY: Duration = Duration::from_secs(20);
/// A browser that gave none for this long is gone: a closed laptop leaves its socket open for ever.
const SILENCE: Duration = Duration::from_secs(50);
/// A side that takes nothing for this long is dead.
const STUCK: Duration = Duration::from_secs(10);
/// How long a close waits for the other side's own.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// How a socket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::softphone) enum End {
    /// The browser closed it, or is gone.
    Browser,
    /// Asterisk closed it, or is gone.
    Asterisk,
    /// The browser gave no sign of life.
    Silent,
    /// A side took nothing any more.
    Stuck,
    /// A message was too large, or no proper WebSocket frame.
    TooLarge,
    /// A message was no SIP.
    NotSip,
    /// A message spoke for another softphone.
    OtherName,
    /// The softphone's credentials ended.
    Expired,
    /// Newer sockets of the same softphone took the place.
    Replaced,
    /// The gateway stops.
    Stopping,
}

impl End {
    /// The words of all, for the metrics.
    pub(in crate::softphone) const WORDS: &[&str] = &[
        "browser",
        "asterisk",
        "silent",
        "stuck",
        "too_large",
        "not_sip",
        "other_name",
        "expired",
        "replaced",
        "stopping",
    ];

    /// The word in the metrics.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Asterisk => "asterisk",
            Self::Silent => "silent",
            Self::Stuck => "stuck",
            Self::TooLarge => "too_large",
            Self::NotSip => "not_sip",
            Self::OtherName => "other_name",
            Self::Expired => "expired",
            Self::Replaced => "replaced",
            Self::Stopping => "stopping",
        }
    }

    /// Code and words of the close frame to the browser; none where the browser hears nothing any more.
    fn close(self) -> Option<(u16, &'static str)> {
        match self {
            Self::Browser => Some((1000, "")),
            Self::Asterisk => Some((1013, "Asterisk is away; connect again")),
            Self::Silent | Self::Stuck => None,
            Self::TooLarge => Some((1009, "too large, or no proper frame")),
            Self::NotSip => Some((1008, "no SIP message")),
            Self::OtherName => Some((1008, "the message of another softphone")),
            Self::Expired => Some((4401, "the credentials have ended; ask for new ones")),
            Self::Replaced => Some((4409, "newer sockets of the same softphone are open")),
            Self::Stopping => Some((1001, "the server stops; connect again")),
        }
    }
}

/// Carries messages until one of the many ends, and closes both sides.
pub(super) async fn run(
    state: &AppState,
    name: &str,
    mut browser: Browser,
    mut asterisk: Asterisk,
    replaced: &CancellationToken,
) -> End {
    let end = carry(state, name, &mut browser, &mut asterisk, replaced).await;
    let close = end.close().map(|(code, reason)| CloseFrame { code: CloseCode::from(code), reason: reason.into() });
    let goodbye = async {
        if let Some(frame) = close
            && browser.close(Some(frame)).await.is_ok()
        {
            // Closing with bytes unread would make the kernel throw away our last words.
            while let Some(Ok(_)) = browser.next().await {}
        }
    };
    let (_, _) = tokio::join!(
        tokio::time::timeout(CLOSE_PATIENCE, goodbye),
        tokio::time::timeout(CLOSE_PATIENCE, asterisk.close(None))
    );
    end
}

async fn carry(
    state: &AppState,
    name: &str,
    browser: &mut Browser,
    asterisk: &mut Asterisk,
    replaced: &CancellationToken,
) -> End {
    let metrics = &state.softphone_metrics;
    let softphones = state.calls.softphones();
    let mut changed = softphones.watch();
    let mut heard = Instant::now();
    let mut pings = tokio::time::interval_at(heard + PING_EVERY, PING_EVERY);
    loop {
        tokio::select! {
            () = state.cancel.cancelled() => return End::Stopping,
            () = replaced.cancelled() => return End::Replaced,
            message = browser.next() => {
                heard = Instant::now();
                let message = match message {
                    Some(Ok(message)) => message,
                    Some(Err(Error::Capacity(_) | Error::Protocol(_) | Error::Utf8(_))) => return End::TooLarge,
                    Some(Err(_)) | None => return End::Browser,
                };
                let bytes = match &message {
                    Message::Text(text) => text.as_bytes(),
                    Message::Binary(bytes) => bytes.as_ref(),
                    Message::Close(_) => return End::Browser,
                    // Answered by the library.
                    Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
                };
                match sip::check(bytes, name) {
                    Ok(sip::Message::Sip) => {
                        metrics.from_browsers.inc();
                        if let Err(failed) = pass(asterisk, message).await {
                            return failed.unwrap_or(End::Asterisk);
                        }
                    }
                    // RFC 5626 §3.5.1: two line ends are answered by one.
                    Ok(sip::Message::KeepAlive) => {
                        if let Err(failed) = pass(browser, Message::text("\r\n")).await {
                            return failed.unwrap_or(End::Browser);
                        }
                    }
                    Err(Unfit::NotSip) => return End::NotSip,
                    Err(Unfit::OtherName) => return End::OtherName,
                }
            }
            message = asterisk.next() => {
                let message = match message {
                    Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => message,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return End::Asterisk,
                    Some(Ok(_)) => continue,
                };
                metrics.to_browsers.inc();
                if let Err(failed) = pass(browser, message).await {
                    return failed.unwrap_or(End::Browser);
                }
            }
            _ = changed.changed() => {
                if !softphones.has(name) {
                    return End::Expired;
                }
            }
            _ = pings.tick() => {
                if heard.elapsed() >= SILENCE {
                    return End::Silent;
                }
                if let Err(failed) = pass(browser, Message::Ping(Vec::new().into())).await {
                    return failed.unwrap_or(End::Browser);
                }
            }
        }
    }
}

/// Hands a message to the socket, and waits until the kernel has it. `Err(None)`: that side is gone.
async fn pass<S>(to: &mut WebSocketStream<S>, message: Message) -> Result<(), Option<End>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match tokio::time::timeout(STUCK, to.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(None),
        Err(_) => Err(Some(End::Stuck)),
    }
}
