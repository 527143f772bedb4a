//! Requests over the event WebSocket (Asterisk 22.4 and later): a `RESTRequest` goes out, a `RESTResponse` with the same
//! `request_id` comes back among the events.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;

use crate::error::Error;
use crate::model::RESTResponse;
use crate::request::{RawResponse, RequestParts};

/// Answers that are waited for on one connection.
#[derive(Default)]
pub(crate) struct Pending {
    /// `None` once the connection is gone. The lock is held for a look-up, never across an await.
    waiting: Mutex<Option<HashMap<String, oneshot::Sender<RawResponse>>>>,
}

impl Pending {
    pub(crate) fn new() -> Self {
        Self { waiting: Mutex::new(Some(HashMap::new())) }
    }

    fn lock(&self) -> MutexGuard<'_, Option<HashMap<String, oneshot::Sender<RawResponse>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands an answer to who waits for it. An answer that nobody waits for (it came after the time-out) is dropped.
    pub(crate) fn answer(&self, text: &str) {
        let Ok(response) = serde_json::from_str::<RESTResponse>(text) else {
            return;
        };
        let waiting = self.lock().as_mut().and_then(|waiting| waiting.remove(&response.request_id));
        if let Some(waiting) = waiting {
            let status = u16::try_from(response.status_code).unwrap_or(0);
            let body = response.message_body.map_or_else(Bytes::new, Bytes::from);
            let _ = waiting.send(RawResponse { status, body });
        }
    }

    /// The connection is gone: everyone who waits is told so, by dropping the sender.
    pub(crate) fn close(&self) {
        self.lock().take();
    }

    fn register(&self, id: String) -> Option<oneshot::Receiver<RawResponse>> {
        let (sender, receiver) = oneshot::channel();
        self.lock().as_mut()?.insert(id, sender);
        Some(receiver)
    }

    fn forget(&self, id: &str) {
        if let Some(waiting) = self.lock().as_mut() {
            waiting.remove(id);
        }
    }
}

/// Takes the entry away again when the one who waited gave up.
struct Registration<'a> {
    pending: &'a Pending,
    id: &'a str,
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        self.pending.forget(self.id);
    }
}

/// Where requests go at the moment.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) outgoing: mpsc::Sender<Message>,
    pub(crate) pending: Arc<Pending>,
}

/// Requests over whichever WebSocket is open.
pub(crate) struct SocketRest {
    line: Mutex<Option<Line>>,
    next_id: AtomicU64,
    timeout: Duration,
}

impl SocketRest {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self { line: Mutex::new(None), next_id: AtomicU64::new(1), timeout }
    }

    /// Sends over this connection from now on, or over none.
    pub(crate) fn attach(&self, line: Option<Line>) {
        *self.line.lock().unwrap_or_else(PoisonError::into_inner) = line;
    }

    pub(crate) async fn send(&self, parts: &RequestParts) -> Result<RawResponse, Error> {
        let lost = |reason: &str| Error::Disconnected { reason: reason.to_owned() };
        let line = self.line.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let line = line.ok_or_else(|| lost("no WebSocket is open"))?;
        let id = self.next_id.fetch_add(1, Ordering::Relaxed).to_string();
        let text = encode(parts, &id);
        let receiver = line.pending.register(id.clone()).ok_or_else(|| lost("the WebSocket was closed"))?;
        let _registration = Registration { pending: &line.pending, id: &id };
        let answered = async {
            line.outgoing.send(Message::text(text)).await.map_err(|_| lost("the WebSocket was closed"))?;
            receiver.await.map_err(|_| lost("the WebSocket was closed before the answer came"))
        };
        match tokio::time::timeout(self.timeout, answered).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::Timeout { after: self.timeout }),
        }
    }
}

/// The `RESTRequest` for `parts`.
fn encode(parts: &RequestParts, id: &str) -> String {
    #[derive(Serialize)]
    struct Pair<'a> {
        name: &'a str,
        value: &'a str,
    }
    #[derive(Serialize)]
    struct Envelope<'a> {
        r#type: &'static str,
        transaction_id: &'a str,
        request_id: &'a str,
        method: &'static str,
        uri: &'a str,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        query_strings: Vec<Pair<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        content_type: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        message_body: Option<String>,
    }
    let envelope = Envelope {
        r#type: "RESTRequest",
        transaction_id: id,
        request_id: id,
        method: parts.method.as_str(),
        uri: parts.path.as_str().trim_start_matches('/'),
        query_strings: parts.query.iter().map(|(name, value)| Pair { name, value }).collect(),
        content_type: parts.body.as_ref().map(|_| "application/json"),
        message_body: parts.body.as_ref().map(ToString::to_string),
    };
    serde_json::to_string(&envelope).expect("an envelope holds only text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::{self, OriginateWithId};

    #[test]
    fn a_request_becomes_an_envelope() {
        let params = OriginateWithId::default().app("trunkline").variables([("A", "b")]);
        let request = channels::originate_with_id("call 1", "PJSIP/100@trunk", params);
        insta::assert_snapshot!(encode(request.parts(), "7"), @r#"{"type":"RESTRequest","transaction_id":"7","request_id":"7","method":"POST","uri":"channels/call%201","query_strings":[{"name":"endpoint","value":"PJSIP/100@trunk"},{"name":"app","value":"trunkline"}],"content_type":"application/json","message_body":"{\"variables\":{\"A\":\"b\"}}"}"#);
    }

    #[tokio::test]
    async fn an_answer_finds_its_request() {
        let (outgoing, mut sent) = mpsc::channel(4);
        let pending = Arc::new(Pending::new());
        let rest = SocketRest::new(Duration::from_secs(5));
        rest.attach(Some(Line { outgoing, pending: Arc::clone(&pending) }));
        let request = crate::asterisk::ping();
        let answer = async {
            let frame = sent.recv().await.unwrap().into_text().unwrap();
            assert!(frame.contains(r#""uri":"asterisk/ping""#), "{frame}");
            pending.answer(r#"{"type":"RESTResponse","request_id":"99","status_code":500}"#);
            pending.answer("no JSON");
            pending.answer(r#"{"type":"RESTResponse","request_id":"1","status_code":200,"message_body":"{}"}"#);
        };
        let (response, ()) = tokio::join!(rest.send(request.parts()), answer);
        assert_eq!(response.unwrap(), RawResponse { status: 200, body: Bytes::from_static(b"{}") });
        assert!(pending.lock().as_ref().unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn no_answer_and_no_connection_are_told_apart() {
        let rest = SocketRest::new(Duration::from_secs(5));
        let request = crate::asterisk::ping();
        assert!(matches!(rest.send(request.parts()).await, Err(Error::Disconnected { .. })));

        let (outgoing, _sent) = mpsc::channel(4);
        let pending = Arc::new(Pending::new());
        rest.attach(Some(Line { outgoing, pending: Arc::clone(&pending) }));
        assert!(matches!(rest.send(request.parts()).await, Err(Error::Timeout { .. })));
        assert!(pending.lock().as_ref().unwrap().is_empty(), "a request that timed out is forgotten");

        let closed = async {
            tokio::task::yield_now().await;
            pending.close();
        };
        let (response, ()) = tokio::join!(rest.send(request.parts()), closed);
        assert!(matches!(response, Err(Error::Disconnected { .. })));
    }
}
