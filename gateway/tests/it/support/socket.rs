//! A client of the stream.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::App;

/// Longer than anything that is waited for in a test takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// How the server closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Closed {
    pub(crate) code: u16,
    pub(crate) reason: String,
}

/// What carries the stream: TCP, or TLS over it.
pub(crate) trait Carrier: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Carrier for T {}

pub(crate) struct Socket {
    inner: WebSocketStream<Box<dyn Carrier>>,
}

impl Socket {
    /// Opens the stream with a token.
    pub(crate) async fn open(app: &App, token: &str) -> Self {
        Self::try_open(app, "", Some(token)).await.unwrap()
    }

    /// Opens it and subscribes; gives back the hello, too.
    pub(crate) async fn subscribed(app: &App, token: &str, subscribe: Value) -> (Self, Value) {
        let mut socket = Self::open(app, token).await;
        let hello = socket.json().await;
        assert_eq!(hello["type"], "hello");
        socket.send(&subscribe).await;
        (socket, hello)
    }

    pub(crate) async fn try_open(app: &App, query: &str, token: Option<&str>) -> Result<Self, Error> {
        let carrier = TcpStream::connect(app.address).await.map_err(Error::Io)?;
        Self::open_over(Box::new(carrier), &app.address.to_string(), query, token).await
    }

    /// Opens it over a connection that is there already.
    pub(crate) async fn open_over(
        carrier: Box<dyn Carrier>,
        host: &str,
        query: &str,
        token: Option<&str>,
    ) -> Result<Self, Error> {
        let mut request = format!("ws://{host}/api/v1/stream{query}").into_client_request()?;
        request.headers_mut().insert("sec-websocket-protocol", "trunkline.v1".parse().unwrap());
        if let Some(token) = token {
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        let (inner, response) = client_async(request, carrier).await?;
        assert_eq!(response.headers()["sec-websocket-protocol"], "trunkline.v1");
        Ok(Self { inner })
    }

    pub(crate) async fn send(&mut self, frame: &Value) {
        self.send_raw(Message::text(frame.to_string())).await;
    }

    pub(crate) async fn send_raw(&mut self, message: Message) {
        self.inner.send(message).await.unwrap();
    }

    async fn message(&mut self) -> Option<Message> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.inner.next()).await.expect("the server says something");
            match message? {
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Ok(message) => return Some(message),
                Err(_) => return None,
            }
        }
    }

    /// The next frame, as JSON.
    pub(crate) async fn json(&mut self) -> Value {
        match self.message().await {
            Some(Message::Text(text)) => serde_json::from_str(&text).unwrap(),
            other => panic!("a text frame was expected, not {other:?}"),
        }
    }

    /// The next frame of this type; those before it are passed over.
    pub(crate) async fn json_of(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.json().await;
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    /// How the server closes; frames before that are passed over.
    pub(crate) async fn closed(&mut self) -> Closed {
        loop {
            match self.message().await {
                Some(Message::Close(Some(frame))) => {
                    return Closed { code: frame.code.into(), reason: frame.reason.to_string() };
                }
                Some(Message::Text(_)) => {}
                other => panic!("a close frame was expected, not {other:?}"),
            }
        }
    }

    /// Subscribes to all that comes after `after`.
    pub(crate) async fn subscribe_after(&mut self, after: i64) {
        self.send(&json!({ "type": "subscribe", "after": after })).await;
    }
}
