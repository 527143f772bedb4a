//! As much of an Asterisk as a reader of its events needs: an event WebSocket, and requests over it answered with nothing.

mod samples;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

pub(crate) use self::samples::Samples;

pub(crate) const USER: &str = "trunkline";
pub(crate) const PASSWORD: &str = "no-secret-here";
/// Name of the user event that is the last.
pub(crate) const END: &str = "bench-end";
/// Between two bursts.
const BURST_EVERY: Duration = Duration::from_millis(1);

/// Listens for one reader.
#[derive(Debug)]
pub(crate) struct Asterisk {
    listener: TcpListener,
    address: SocketAddr,
}

impl Asterisk {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("cannot listen")?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// ARI's root.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/ari", self.address)
    }

    pub(crate) async fn accept(&self) -> anyhow::Result<Line> {
        let (stream, _) = tokio::time::timeout(Duration::from_secs(20), self.listener.accept())
            .await
            .context("no reader connects")??;
        stream.set_nodelay(true)?;
        #[expect(clippy::result_large_err, reason = "the signature is tungstenite's")]
        let protocol = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
            if let Some(wanted) = request.headers().get("sec-websocket-protocol") {
                response.headers_mut().insert("sec-websocket-protocol", wanted.clone());
            }
            Ok(response)
        };
        let mut socket = tokio_tungstenite::accept_hdr_async(stream, protocol).await?;
        // A reader that fetches a snapshot first asks before anything is sent; one that does not is silent.
        while let Ok(Some(message)) = tokio::time::timeout(Duration::from_millis(500), socket.next()).await {
            answer(&mut socket, message?).await?;
        }
        Ok(Line { socket, next: 0, total: 0 })
    }
}

/// One reader's connection.
#[derive(Debug)]
pub(crate) struct Line {
    socket: WebSocketStream<TcpStream>,
    next: usize,
    total: u64,
}

/// How many events were sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    /// With this call.
    pub(crate) now: u64,
    /// Ever.
    pub(crate) total: u64,
}

impl Line {
    /// Sends the samples over and over at a rate per second; each by a write of its own, as Asterisk does.
    pub(crate) async fn send_for(&mut self, samples: &Samples, rate: u32, span: Duration) -> anyhow::Result<Sent> {
        let before = self.total;
        let started = Instant::now();
        let mut ticks = tokio::time::interval(BURST_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        while started.elapsed() < span {
            tokio::select! {
                _ = ticks.tick() => {
                    let due = (started.elapsed().as_secs_f64() * f64::from(rate)) as u64;
                    while self.total - before < due {
                        let text = samples.get(self.next);
                        self.next += 1;
                        self.total += 1;
                        self.socket.send(Message::Text(text)).await.context("the reader is gone")?;
                    }
                }
                // Pings are answered by the library; requests by us.
                message = self.socket.next() => {
                    answer(&mut self.socket, message.context("the reader is gone")??).await?;
                }
            }
        }
        Ok(Sent { now: self.total - before, total: self.total })
    }

    /// Sends the last event.
    pub(crate) async fn send_end(&mut self) -> anyhow::Result<()> {
        let event = json!({
            "type": "ChannelUserevent", "timestamp": "2026-03-02T09:10:12.345+0000", "eventname": END, "userevent": {},
            "asterisk_id": "02:00:00:00:00:01", "application": "trunkline",
        });
        self.socket.send(Message::text(event.to_string())).await.context("the reader is gone")
    }
}

/// Answers a request that came over the event WebSocket: there is nothing here.
async fn answer(socket: &mut WebSocketStream<TcpStream>, message: Message) -> anyhow::Result<()> {
    let Message::Text(text) = message else { return Ok(()) };
    let request: Value = serde_json::from_str(&text).context("a request is no JSON")?;
    if let Some(name) = request["uri"].as_str().and_then(|uri| uri.strip_prefix("events/user/")) {
        // A session tests whether events come.
        let event =
            json!({ "type": "ChannelUserevent", "application": "trunkline", "eventname": name, "userevent": {} });
        socket.send(Message::text(event.to_string())).await.context("the reader is gone")?;
    }
    let body = match request["uri"].as_str() {
        Some("asterisk/info") => json!({ "system": { "version": "22.10.1", "entity_id": "02:00:00:00:00:01" } }),
        Some("asterisk/ping") => {
            json!({ "ping": "pong", "timestamp": "2026-03-02T09:10:00.000+0000", "asterisk_id": "x" })
        }
        _ => json!([]),
    };
    let response = json!({
        "type": "RESTResponse", "request_id": request["request_id"], "transaction_id": request["transaction_id"],
        "status_code": 200, "reason_phrase": "OK", "uri": request["uri"], "content_type": "application/json",
        "message_body": body.to_string(), "application": "trunkline", "timestamp": "2026-03-02T09:10:00.000+0000",
    });
    socket.send(Message::Text(Utf8Bytes::from(response.to_string()))).await.context("the reader is gone")
}
