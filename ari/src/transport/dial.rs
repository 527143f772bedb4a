//! Opening the event WebSocket.

use std::io;
use std::sync::Arc;

use http::HeaderValue;
use http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::Error as WsError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::config::{Limits, Target};
use crate::events::{self, EventWebsocket};
use crate::update::Failure;

/// What is needed to open the socket again and again.
#[derive(Clone)]
pub(crate) struct Dialer {
    pub(crate) target: Arc<Target>,
    pub(crate) apps: Arc<[String]>,
    pub(crate) subscribe_all: bool,
    pub(crate) limits: Limits,
}

/// The WebSocket's settings in both directions of opening.
pub(crate) fn socket_config(limits: &Limits) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(32 << 10)
        // Each message goes out at once: a request waits for nothing.
        .write_buffer_size(0)
        .max_message_size(Some(limits.max_message))
        .max_frame_size(Some(limits.max_message))
}

impl Dialer {
    pub(crate) async fn dial(self) -> Result<WebSocketStream<TcpStream>, Failure> {
        let limit = self.limits.connect_timeout;
        tokio::time::timeout(limit, self.open())
            .await
            .unwrap_or_else(|_| Err(Failure::Unreachable { reason: format!("no connection within {limit:?}") }))
    }

    async fn open(&self) -> Result<WebSocketStream<TcpStream>, Failure> {
        let unreachable = |reason: String| Failure::Unreachable { reason };
        let apps: Vec<&str> = self.apps.iter().map(String::as_str).collect();
        let path = events::event_websocket(&apps, EventWebsocket::default().subscribe_all(self.subscribe_all));
        let address =
            format!("ws://{}{}{}", self.target.authority(), self.target.root_path(), path.parts().path_and_query());
        let mut request = address.into_client_request().map_err(|error| unreachable(error.to_string()))?;
        request.headers_mut().insert(AUTHORIZATION, self.target.authorization.clone());
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("ari"));

        let stream = TcpStream::connect((self.target.host.as_str(), self.target.port))
            .await
            .map_err(|error: io::Error| unreachable(error.to_string()))?;
        stream.set_nodelay(true).map_err(|error| unreachable(error.to_string()))?;
        let config = Some(socket_config(&self.limits));
        match tokio_tungstenite::client_async_with_config(request, stream, config).await {
            Ok((socket, _)) => Ok(socket),
            Err(WsError::Http(response)) => Err(match response.status().as_u16() {
                401 => Failure::Unauthorized,
                status => Failure::Refused { status },
            }),
            Err(error) => Err(unreachable(error.to_string())),
        }
    }
}
