//! One open WebSocket. Its reader only reads and hands off: frames to the session's queue, answers to who waits for them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::Error as WsError;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::rest::{Line, Pending};
use crate::event::{Event, kind_of};
use crate::log::RawLog;
use crate::session::{Now, SELF_TEST};
use crate::update::{Failure, Gap};

/// The monotonic clock of one driver.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(self) -> Now {
        Now { monotonic: self.0.elapsed(), wall: Utc::now() }
    }

    pub(crate) fn instant(self, monotonic: Duration) -> Instant {
        self.0 + monotonic
    }
}

/// A text frame and when it was read.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) received: Now,
    pub(crate) text: Utf8Bytes,
}

/// What the reader says beside the queue.
struct Shared {
    /// When the last frame of any kind was read, in microseconds of the clock.
    last_traffic: AtomicU64,
    /// The lock is held for a few instructions, never across an await.
    state: Mutex<ReaderState>,
}

#[derive(Default)]
struct ReaderState {
    overflow: Option<(Now, u64)>,
    ended: Option<Failure>,
    /// Applications whose self-test came back.
    heard: Vec<String>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, ReaderState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open WebSocket with its two tasks; dropping it closes it.
pub(crate) struct Connection {
    pub(crate) frames: mpsc::Receiver<Frame>,
    outgoing: mpsc::Sender<Message>,
    pending: Arc<Pending>,
    shared: Arc<Shared>,
    clock: Clock,
    reader: JoinHandle<()>,
}

/// Requests and PINGs that wait to be written.
const OUTGOING_QUEUE: usize = 256;

impl Connection {
    pub(crate) fn start(socket: WebSocketStream<TcpStream>, queue: usize, clock: Clock, log: RawLog) -> Self {
        let (sink, stream) = socket.split();
        let (frames_sender, frames) = mpsc::channel(queue.max(1));
        let (outgoing, outgoing_receiver) = mpsc::channel(OUTGOING_QUEUE);
        let pending = Arc::new(Pending::new());
        let shared = Arc::new(Shared {
            last_traffic: AtomicU64::new(micros(clock.now().monotonic)),
            state: Mutex::new(ReaderState::default()),
        });
        let reader = Reader {
            stream,
            frames: frames_sender,
            pending: Arc::clone(&pending),
            shared: Arc::clone(&shared),
            clock,
            log: log.clone(),
        };
        let reader = tokio::spawn(reader.run());
        // The writer ends by itself: its queue closes with this `Connection` and with the last `Line`.
        tokio::spawn(write(sink, outgoing_receiver, log));
        Self { frames, outgoing, pending, shared, clock, reader }
    }

    /// For requests over this WebSocket.
    pub(crate) fn line(&self) -> Line {
        Line { outgoing: self.outgoing.clone(), pending: Arc::clone(&self.pending) }
    }

    /// Sends a PING, unless so much waits already that it would not go out soon.
    pub(crate) fn ping(&self) {
        let _ = self.outgoing.try_send(Message::Ping(bytes::Bytes::from_static(b"trunkline")));
    }

    /// When the last frame of any kind was read, by the monotonic clock.
    pub(crate) fn last_traffic(&self) -> Duration {
        Duration::from_micros(self.shared.last_traffic.load(Ordering::Relaxed))
    }

    /// Frames were dropped, and what came before them has been taken from the queue: ends the dropping and says when it
    /// was.
    pub(crate) fn take_overflow(&mut self) -> Option<(u64, Gap)> {
        let mut state = self.shared.lock();
        if !self.frames.is_empty() {
            return None;
        }
        let (from, dropped) = state.overflow.take()?;
        let to = self.clock.now().wall.max(from.wall);
        Some((dropped, Gap { from: from.wall, to }))
    }

    /// The applications whose self-test came back since this was asked last. They do not wait in the queue of frames: how
    /// fast the owner takes updates has nothing to do with what Asterisk sends.
    pub(crate) fn take_heard(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.lock().heard)
    }

    /// Why the queue has ended.
    pub(crate) fn end(&self) -> Failure {
        self.shared.lock().ended.take().unwrap_or_else(|| Failure::Lost { reason: "the reader ended".to_owned() })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.pending.close();
        self.reader.abort();
        // A polite end; if the queue is full the socket closes without it.
        let _ = self.outgoing.try_send(Message::Close(None));
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

struct Reader {
    stream: SplitStream<WebSocketStream<TcpStream>>,
    frames: mpsc::Sender<Frame>,
    pending: Arc<Pending>,
    shared: Arc<Shared>,
    clock: Clock,
    log: RawLog,
}

impl Reader {
    async fn run(mut self) {
        let failure = loop {
            match self.stream.next().await {
                Some(Ok(message)) => {
                    let received = self.clock.now();
                    self.shared.last_traffic.store(micros(received.monotonic), Ordering::Relaxed);
                    match message {
                        Message::Text(text) => self.hand_off(received, text),
                        Message::Close(frame) => {
                            let reason = match frame {
                                Some(frame) if !frame.reason.is_empty() => {
                                    format!("closed: {}", frame.reason)
                                }
                                Some(frame) => {
                                    format!("closed with code {}", u16::from(frame.code))
                                }
                                None => "closed by Asterisk".to_owned(),
                            };
                            break Failure::Lost { reason };
                        }
                        // tungstenite answers a PING by itself; we never send a PONG of our own.
                        _ => {}
                    }
                }
                Some(Err(WsError::ConnectionClosed | WsError::AlreadyClosed)) | None => {
                    break Failure::Lost { reason: "closed by Asterisk".to_owned() };
                }
                Some(Err(error)) => {
                    break Failure::Lost { reason: error.to_string() };
                }
            }
        };
        self.pending.close();
        self.shared.lock().ended = Some(failure);
    }

    fn hand_off(&self, received: Now, text: Utf8Bytes) {
        match kind_of(&text).as_deref() {
            Ok("RESTResponse") => {
                self.log.response_frame(&text);
                self.pending.answer(&text);
                return;
            }
            Ok("ChannelUserevent") => {
                if let Some(application) = self_test(&text) {
                    self.shared.lock().heard.push(application);
                    return;
                }
            }
            _ => {}
        }
        let mut state = self.shared.lock();
        if let Some((_, dropped)) = &mut state.overflow {
            *dropped += 1;
            self.log.dropped(&text);
            return;
        }
        match self.frames.try_send(Frame { received, text }) {
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(frame)) => {
                state.overflow = Some((received, 1));
                self.log.dropped(&frame.text);
            }
        }
    }
}

/// The application that a user event was sent to, if it is a self-test.
fn self_test(text: &str) -> Option<String> {
    match Event::from_json(text) {
        Ok(Event::ChannelUserevent(event)) if event.eventname == SELF_TEST => Some(event.application),
        _ => None,
    }
}

async fn write(
    mut sink: SplitSink<WebSocketStream<TcpStream>, Message>,
    mut outgoing: mpsc::Receiver<Message>,
    log: RawLog,
) {
    while let Some(message) = outgoing.recv().await {
        if let Message::Text(text) = &message {
            log.request_frame(text);
        }
        let last = matches!(message, Message::Close(_));
        if sink.send(message).await.is_err() || last {
            // The reader sees the broken socket too and tells why.
            break;
        }
    }
}
