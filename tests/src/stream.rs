//! A client of the stream that counts: every sequence number once, in order, over any number of connections.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::Api;

/// One event as it was seen.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its place.
    pub seq: i64,
    /// Its kind.
    pub kind: String,
    /// The whole event.
    pub event: Value,
}

impl Seen {
    /// Id of what it is about.
    pub fn subject(&self) -> &str {
        self.event.pointer("/subject/id").and_then(Value::as_str).unwrap_or_default()
    }
}

/// A subscription that checks itself.
#[derive(Debug)]
pub struct EventStream {
    api: Api,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    epoch: String,
    /// Everything up to here was seen or skipped.
    pub through: i64,
    /// Every event, in order.
    pub seen: Vec<Seen>,
    /// Up to here [`EventStream::wait_for`] has looked.
    looked: usize,
}

impl EventStream {
    /// Subscribes to what comes next.
    pub async fn next_only(api: &Api) -> Result<Self> {
        let (socket, hello) = open(api).await?;
        let head = hello["head"].as_i64().context("hello without head")?;
        let mut stream = Self {
            api: api.clone(),
            socket,
            epoch: hello["epoch"].as_str().context("hello without epoch")?.to_owned(),
            through: head,
            seen: Vec::new(),
            looked: 0,
        };
        stream.subscribe().await?;
        Ok(stream)
    }

    /// Subscribes behind the last number that was seen.
    async fn subscribe(&mut self) -> Result<()> {
        let subscribe = json!({ "type": "subscribe", "after": self.through, "epoch": self.epoch });
        self.socket.send(Message::text(subscribe.to_string())).await?;
        Ok(())
    }

    /// Cuts the connection without a word and resumes on a new one, as soon as the gateway is there.
    pub async fn cut_and_resume(&mut self) -> Result<()> {
        let api = self.api.clone();
        let (socket, hello) = crate::eventually(Duration::from_secs(20), async || open(&api).await).await?;
        ensure!(hello["epoch"] == json!(self.epoch), "another epoch: {hello}");
        // The old socket is dropped here: no close frame is sent.
        self.socket = socket;
        self.subscribe().await
    }

    /// Waits for an event, behind those waited for before.
    pub async fn wait_for(
        &mut self,
        what: &str,
        limit: Duration,
        mut wanted: impl FnMut(&Seen) -> bool,
    ) -> Result<Seen> {
        let found = async {
            loop {
                while self.looked < self.seen.len() {
                    self.looked += 1;
                    if wanted(&self.seen[self.looked - 1]) {
                        return Ok(self.seen[self.looked - 1].clone());
                    }
                }
                self.read().await?;
            }
        };
        match tokio::time::timeout(limit, found).await {
            Ok(result) => result,
            Err(_) => bail!("no {what} within {limit:?}; seen: {:?}", self.kinds()),
        }
    }

    /// Waits for an event of a kind, of one subject if given.
    pub async fn wait_kind(&mut self, kind: &str, subject: Option<&str>) -> Result<Seen> {
        self.wait_for(kind, Duration::from_secs(30), |seen| {
            seen.kind == kind && subject.is_none_or(|subject| seen.subject() == subject)
        })
        .await
    }

    /// The kinds of the events about a call or its recording, in order.
    pub fn kinds_of(&self, call: &str) -> Vec<&str> {
        self.seen
            .iter()
            .filter(|seen| !seen.kind.starts_with("agent."))
            .filter(|seen| seen.subject() == call || seen.event.pointer("/data/call_id") == Some(&json!(call)))
            .map(|seen| seen.kind.as_str())
            .collect()
    }

    fn kinds(&self) -> Vec<(i64, &str)> {
        self.seen.iter().map(|seen| (seen.seq, seen.kind.as_str())).collect()
    }

    /// Reads one message and counts it.
    async fn read(&mut self) -> Result<()> {
        let message = self.socket.next().await.context("the stream ended")??;
        let Message::Text(text) = message else { return Ok(()) };
        let message: Value = serde_json::from_str(&text)?;
        match message["type"].as_str().unwrap_or_default() {
            "event" => {
                let event = message["event"].clone();
                let seq = event["seq"].as_i64().context("an event without seq")?;
                ensure!(seq == self.through + 1, "after {} came {event}", self.through);
                self.through = seq;
                let kind = event["kind"].as_str().unwrap_or_default().to_owned();
                self.seen.push(Seen { seq, kind, event });
            }
            "skipped" => {
                let through = message["through"].as_i64().context("skipped without through")?;
                ensure!(through > self.through, "skipped through {through} after {}", self.through);
                self.through = through;
            }
            "caught_up" | "signal" => {}
            _ => bail!("unexpected on the stream: {message}"),
        }
        Ok(())
    }
}

async fn open(api: &Api) -> Result<(WebSocketStream<MaybeTlsStream<TcpStream>>, Value)> {
    let url = format!("{}/api/v1/stream", api.base().replacen("http", "ws", 1));
    let mut request = url.into_client_request()?;
    request.headers_mut().insert("authorization", format!("Bearer {}", api.token()).parse()?);
    request.headers_mut().insert("sec-websocket-protocol", "trunkline.v1".parse()?);
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await?;
    let hello = socket.next().await.context("no hello")??;
    let hello: Value = serde_json::from_str(hello.to_text()?)?;
    ensure!(hello["type"] == "hello", "not a hello: {hello}");
    Ok((socket, hello))
}
