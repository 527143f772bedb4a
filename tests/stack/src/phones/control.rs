//! baresip's control socket (module ctrl_tcp): commands and events as JSON, each framed as a netstring (`12:{…},`).

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Notify;

use crate::error::{IoContext, Result, StackError};

/// What happened at a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneEventKind {
    /// It is signed in.
    Registered,
    /// Signing in was refused.
    RegisterFailed,
    /// It rings.
    Incoming,
    /// The far side rings (180).
    Ringing,
    /// Audio before the answer (183).
    Progress,
    /// Both sides can talk.
    Established,
    /// The first audio arrived.
    Audio,
    /// The call is over.
    Closed,
    /// Anything else.
    Other,
}

/// An event of a phone.
#[derive(Debug, Clone)]
pub struct PhoneEvent {
    /// What happened.
    pub kind: PhoneEventKind,
    /// baresip's own name of it.
    pub name: String,
    /// Its text: why a call was closed, for example.
    pub text: String,
    /// When it was read.
    pub at: Instant,
}

/// How long a phone may take to answer the first command.
const FIRST_ANSWER: Duration = Duration::from_secs(2);

/// One message of the socket: an event or the answer to a command.
#[derive(Debug, Deserialize)]
struct Message {
    #[serde(default)]
    event: bool,
    #[serde(default)]
    response: bool,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    param: String,
}

/// A connection to a phone's control socket.
#[derive(Debug)]
pub(super) struct Control {
    write: tokio::sync::Mutex<OwnedWriteHalf>,
    shared: Arc<Shared>,
    reader: tokio::task::JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    events: Mutex<Vec<PhoneEvent>>,
    /// Answers to commands so far.
    answers: AtomicUsize,
    /// No more will come.
    closed: AtomicBool,
    changed: Notify,
}

impl Shared {
    fn push(&self, event: PhoneEvent) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        self.changed.notify_waiters();
    }
}

impl Control {
    /// Connects, and makes sure that the phone listens to this connection: events go to no other, and to none if it does not.
    pub(super) async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.context(|| format!("cannot connect to {address}"))?;
        let (read, write) = stream.into_split();
        let shared = Arc::new(Shared::default());
        let reader = tokio::spawn(read_messages(read, Arc::clone(&shared)));
        let control = Self { write: tokio::sync::Mutex::new(write), shared, reader };
        control.command("reginfo", "").await?;
        let answered = async {
            loop {
                let changed = control.shared.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if control.shared.answers.load(Ordering::Acquire) > 0 {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(FIRST_ANSWER, answered).await.map_err(|_elapsed| StackError::Unexpected {
            what: "baresip".to_owned(),
            detail: "no answer on the control socket".to_owned(),
        })?;
        Ok(control)
    }

    /// Gives an order; what comes of it is told by events.
    pub(super) async fn command(&self, command: &str, params: &str) -> Result<()> {
        let text = serde_json::json!({ "command": command, "params": params, "token": command }).to_string();
        let frame = format!("{}:{text},", text.len());
        self.write
            .lock()
            .await
            .write_all(frame.as_bytes())
            .await
            .context(|| format!("cannot tell the phone to {command}"))
    }

    /// All events so far.
    pub(super) fn events(&self) -> Vec<PhoneEvent> {
        self.shared.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for the first event of a kind at or after position `from`; gives it and the position behind it.
    pub(super) async fn wait_for(
        &self,
        from: usize,
        wanted: &[PhoneEventKind],
        limit: Duration,
    ) -> Result<(PhoneEvent, usize)> {
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            // Registered before looking, so that nothing slips in between.
            changed.as_mut().enable();
            // Before the events are looked at: the last of them may have come just before the end.
            let closed = self.shared.closed.load(Ordering::Acquire);
            let events = self.events();
            if let Some((index, event)) =
                events.iter().enumerate().skip(from).find(|(_, event)| wanted.contains(&event.kind))
            {
                return Ok((event.clone(), index + 1));
            }
            if closed || tokio::time::timeout_at(deadline, changed).await.is_err() {
                let seen: Vec<String> =
                    events.iter().skip(from).map(|event| format!("{} {}", event.name, event.text)).collect();
                return Err(StackError::Unexpected {
                    what: format!("the phone, waited {} ms for {wanted:?}", limit.as_millis()),
                    detail: format!("only saw {seen:?}{}", if closed { "; its control socket is closed" } else { "" }),
                });
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read_messages(read: OwnedReadHalf, shared: Arc<Shared>) {
    read_until_closed(read, &shared).await;
    shared.closed.store(true, Ordering::Release);
    shared.changed.notify_waiters();
}

async fn read_until_closed(mut read: OwnedReadHalf, shared: &Shared) {
    let mut buffer = Vec::new();
    loop {
        while let Some((message, used)) = next_netstring(&buffer) {
            match serde_json::from_slice::<Message>(message) {
                Ok(message) if message.event => shared.push(PhoneEvent {
                    kind: kind_of(&message.kind),
                    name: message.kind,
                    text: message.param,
                    at: Instant::now(),
                }),
                Ok(message) if message.response => {
                    shared.answers.fetch_add(1, Ordering::AcqRel);
                    shared.changed.notify_waiters();
                }
                Ok(_) | Err(_) => {}
            }
            buffer.drain(..used);
        }
        match read.read_buf(&mut buffer).await {
            Ok(count) if count > 0 => {}
            _ => return,
        }
    }
}

/// The first complete netstring: its content, and the bytes it takes.
fn next_netstring(buffer: &[u8]) -> Option<(&[u8], usize)> {
    let colon = buffer.iter().position(|byte| *byte == b':')?;
    let length: usize = std::str::from_utf8(&buffer[..colon]).ok()?.trim().parse().ok()?;
    let end = colon.checked_add(1)?.checked_add(length)?;
    // The closing comma has to be there too.
    (buffer.len() > end).then(|| (&buffer[colon + 1..end], end + 1))
}

fn kind_of(name: &str) -> PhoneEventKind {
    match name {
        "REGISTER_OK" => PhoneEventKind::Registered,
        "REGISTER_FAIL" => PhoneEventKind::RegisterFailed,
        "CALL_INCOMING" => PhoneEventKind::Incoming,
        "CALL_RINGING" => PhoneEventKind::Ringing,
        "CALL_PROGRESS" => PhoneEventKind::Progress,
        "CALL_ESTABLISHED" => PhoneEventKind::Established,
        "CALL_RTPESTAB" => PhoneEventKind::Audio,
        "CALL_CLOSED" => PhoneEventKind::Closed,
        _ => PhoneEventKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn netstrings_are_cut_where_they_end() {
        assert_eq!(next_netstring(b"5:hello,3:"), Some((&b"hello"[..], 8)));
        assert_eq!(next_netstring(b"5:hell"), None);
        assert_eq!(next_netstring(b"5:hello"), None);
        assert_eq!(next_netstring(b""), None);
        assert_eq!(next_netstring(b"18446744073709551615:x,"), None);
    }
}
