//! An Asterisk in miniature: accepts event WebSockets, answers requests over them, sends what a test says.

#![allow(dead_code, reason = "each test file uses a part")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use trunkline_ari::{Client, Config, State, Transport, Update, Updates};

/// How long a test waits for something that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const PASSWORD: &str = "s3cret-word";

/// The listening side.
pub(crate) struct Mock {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

/// One accepted WebSocket, served by a task.
pub(crate) struct Line {
    pub(crate) uri: String,
    pub(crate) authorization: String,
    pub(crate) protocol: String,
    commands: mpsc::Sender<Message>,
    frames: mpsc::UnboundedReceiver<Message>,
    requests: mpsc::UnboundedReceiver<Value>,
    /// Whether the application's user events come.
    hears: Arc<AtomicBool>,
}

impl Mock {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new(format!("http://{}/ari", self.address), "gateway", PASSWORD, ["app"]);
        config.transport = Transport::WebSocket;
        config.subscribe_all = true;
        config.limits.backoff_cap = Duration::from_millis(50);
        config
    }

    /// Refuses one handshake with a status.
    pub(crate) async fn refuse(&self, status: u16) {
        let (stream, _) = self.listener.accept().await.unwrap();
        #[expect(clippy::result_large_err, reason = "the signature is tungstenite's")]
        let refuse = |_: &Request, _: Response| -> Result<Response, ErrorResponse> {
            let mut response = ErrorResponse::new(None);
            *response.status_mut() = status.try_into().unwrap();
            Err(response)
        };
        let _ = tokio_tungstenite::accept_hdr_async(stream, refuse).await;
    }

    /// Accepts the next WebSocket; requests are answered by `answer(method, uri)` with a status and a body.
    pub(crate) async fn accept(&self, answer: impl Fn(&str, &str) -> (u16, Value) + Send + 'static) -> Line {
        let (stream, _) = tokio::time::timeout(PATIENCE, self.listener.accept()).await.expect("it connects").unwrap();
        let mut seen = (String::new(), String::new(), String::new());
        #[expect(clippy::result_large_err, reason = "the signature is tungstenite's")]
        let look = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
            let header =
                |name: &str| request.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
            seen = (request.uri().to_string(), header("authorization"), header("sec-websocket-protocol"));
            response.headers_mut().insert("sec-websocket-protocol", "ari".parse().unwrap());
            Ok(response)
        };
        let socket = tokio_tungstenite::accept_hdr_async(stream, look).await.unwrap();
        Line::start(socket, seen, answer)
    }

    /// Accepts the next WebSocket of an Asterisk that holds nothing.
    pub(crate) async fn accept_empty(&self) -> Line {
        self.accept(empty).await
    }
}

/// The answers of an Asterisk that holds nothing.
pub(crate) fn empty(_method: &str, uri: &str) -> (u16, Value) {
    match uri {
        "asterisk/info" => (200, json!({"system": {"version": "22.10.1", "entity_id": "x"}})),
        "asterisk/ping" => (200, json!({"ping": "pong"})),
        _ => (200, json!([])),
    }
}

impl Line {
    pub(crate) fn start(
        socket: WebSocketStream<TcpStream>,
        (uri, authorization, protocol): (String, String, String),
        answer: impl Fn(&str, &str) -> (u16, Value) + Send + 'static,
    ) -> Self {
        let (commands, mut orders) = mpsc::channel::<Message>(16);
        let (frames_sender, frames) = mpsc::unbounded_channel();
        let (requests_sender, requests) = mpsc::unbounded_channel();
        let (mut sink, mut stream) = socket.split();
        let hears = Arc::new(AtomicBool::new(true));
        let line_hears = Arc::clone(&hears);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    order = orders.recv() => match order {
                        Some(message) => {
                            if sink.send(message).await.is_err() {
                                return;
                            }
                        }
                        None => return,
                    },
                    message = stream.next() => match message {
                        Some(Ok(Message::Text(text))) => {
                            let request: Value = serde_json::from_str(&text).unwrap();
                            // As Asterisk does: a user event goes to its application.
                            if let Some(name) = request["uri"].as_str().and_then(|uri| uri.strip_prefix("events/user/")) {
                                let event = json!({"type": "ChannelUserevent", "application": "app", "eventname": name, "userevent": {}});
                                if hears.load(Ordering::Relaxed) && sink.send(Message::text(event.to_string())).await.is_err() {
                                    return;
                                }
                                let response = json!({
                                    "type": "RESTResponse",
                                    "request_id": request["request_id"],
                                    "status_code": 204,
                                });
                                if sink.send(Message::text(response.to_string())).await.is_err() {
                                    return;
                                }
                                continue;
                            }
                            let (status, body) = answer(request["method"].as_str().unwrap(), request["uri"].as_str().unwrap());
                            let response = json!({
                                "type": "RESTResponse",
                                "request_id": request["request_id"],
                                "transaction_id": request["transaction_id"],
                                "status_code": status,
                                "uri": request["uri"],
                                "message_body": body.to_string(),
                            });
                            let _ = requests_sender.send(request);
                            // Status 0: this Asterisk never answers.
                            if status != 0 && sink.send(Message::text(response.to_string())).await.is_err() {
                                return;
                            }
                        }
                        Some(Ok(message)) => {
                            let _ = frames_sender.send(message);
                        }
                        _ => return,
                    },
                }
            }
        });
        Self { uri, authorization, protocol, commands, frames, requests, hears: line_hears }
    }

    pub(crate) async fn send(&self, text: impl Into<String>) {
        self.commands.send(Message::text(text.into())).await.unwrap();
    }

    pub(crate) async fn send_event(&self, kind: &str, mut payload: Value) {
        payload["type"] = json!(kind);
        payload["application"] = json!("app");
        self.send(payload.to_string()).await;
    }

    pub(crate) async fn send_message(&self, message: Message) {
        self.commands.send(message).await.unwrap();
    }

    /// The next frame that is no request.
    pub(crate) async fn frame(&mut self) -> Message {
        tokio::time::timeout(PATIENCE, self.frames.recv()).await.expect("a frame").expect("an open socket")
    }

    pub(crate) fn frames_so_far(&mut self) -> Vec<Message> {
        std::iter::from_fn(|| self.frames.try_recv().ok()).collect()
    }

    /// The next request.
    pub(crate) async fn request(&mut self) -> Value {
        tokio::time::timeout(PATIENCE, self.requests.recv()).await.expect("a request").expect("an open socket")
    }

    /// From now on the socket stays open and answers, and no user event comes.
    pub(crate) fn go_deaf(&self) {
        self.hears.store(false, Ordering::Relaxed);
    }

    /// Cuts the socket, without a closing handshake.
    pub(crate) fn cut(self) {
        drop(self.commands);
    }
}

/// The next update, within patience.
pub(crate) async fn next(updates: &mut Updates) -> Update {
    tokio::time::timeout(PATIENCE, updates.next()).await.expect("an update").expect("a session that goes on")
}

/// Everything up to the next `State(Live)`, that too.
pub(crate) async fn until_live(updates: &mut Updates) -> Vec<Update> {
    let mut told = Vec::new();
    loop {
        let update = next(updates).await;
        let live = matches!(update, Update::State(State::Live));
        told.push(update);
        if live {
            return told;
        }
    }
}

/// A session that is live, with the line that serves it.
pub(crate) async fn live(mock: &Mock, config: Config) -> (Client, Updates, Line) {
    let (client, mut updates) = trunkline_ari::connect(config).unwrap();
    let line = mock.accept_empty().await;
    until_live(&mut updates).await;
    (client, updates, line)
}

/// A short name for an update.
pub(crate) fn name(update: &Update) -> String {
    match update {
        Update::State(State::Backoff { .. }) => "backoff".to_owned(),
        Update::State(state) => format!("{state:?}").to_lowercase(),
        Update::Event(event) => format!("event {}", event.kind()),
        Update::Gap(_) => "gap".to_owned(),
        Update::Snapshot(_) => "snapshot".to_owned(),
        Update::Resynced(_) => "resynced".to_owned(),
        _ => "?".to_owned(),
    }
}

pub(crate) fn names(updates: &[Update]) -> Vec<String> {
    updates.iter().map(name).collect()
}
