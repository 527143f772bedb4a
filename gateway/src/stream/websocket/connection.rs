//! One connection: a position in the journal, a socket, and nothing that grows.
//!
//! A single task waits for whatever comes first: something to show, something from the client, room in a full socket, a deadline.
//! While a frame waits for the socket nothing is taken from the hub: a slow client is a position that stands still.

use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};
use trunkline_db::EventId;
use trunkline_journal::{Batch, Filter, Item, KindFilter, ReadError, Reset, Seat, Seq, Start, Subscription};

use super::super::client::{ClientFrame, FrameError, Subscribe};
use super::super::events::filter_for;
use super::super::registry::Entered;
use super::close::Close;
use super::codec::{Incoming, Opcode, ProtocolError};
use super::wire::{ReadFailure, Wire};
use crate::auth::Principal;
use crate::http::{AppError, Permission, authenticate, principal_of};
use crate::server::Socket;
use crate::state::AppState;

/// How long a close waits for the client's own.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);
/// How long a client that was not reading may take to read that it is closed.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// Frames that may wait for the socket: a batch, and answers to a client that asks but does not read.
const MAX_WAITING: usize = 2048;
/// Frames that a client may send within [`FRAMES_WINDOW`]: each may cost a question to the database.
const MAX_FRAMES: u32 = 200;
/// See [`MAX_FRAMES`].
const FRAMES_WINDOW: Duration = Duration::from_secs(10);
/// How long what was read of the user's grants before the handshake is good for the first subscription.
const GRANTS_FRESH: Duration = Duration::from_secs(5);

const NO_MEMBER: &str = "the user is no member of the tenant any more";

/// Why a stream is closed right after its handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The user holds as many as allowed.
    TooMany,
    /// The user is no member any more.
    NotAllowed,
}

/// Says why, and closes.
pub(super) async fn refuse(state: &AppState, socket: Socket, refused: Refused) {
    let close = match refused {
        Refused::TooMany => Close::TooMany("too many streams of this user"),
        Refused::NotAllowed => Close::Forbidden(NO_MEMBER),
    };
    let mut wire = Wire::new(socket);
    closing(state, &mut wire, close);
    wire.finish(CLOSE_PATIENCE).await;
}

/// How a turn ended.
enum Turn {
    On,
    /// Close with these words.
    Close(Close),
    /// Nobody is there any more.
    Gone,
}

/// What woke the task.
enum Wake {
    Items(Batch),
    Readable,
    Writable,
    Deadline,
    Ended,
}

/// A stream of one client.
pub(super) struct Connection {
    state: AppState,
    principal: Principal,
    /// Where the client opened the stream from.
    address: IpAddr,
    wire: Wire,
    /// What the user may see; the kinds come with each subscription.
    listening: Option<Box<Subscription>>,
    /// Taken before the handshake was answered, for `hello` and the first subscription.
    seat: Option<Seat>,
    first_filter: Option<Box<Filter>>,
    opened: Instant,
    /// Frames of the client since the window began.
    frames: (Instant, u32),
    token_ends: Instant,
    next_ping: Instant,
    /// Since when a ping waits for a sign of life.
    unanswered_since: Option<Instant>,
    /// Since when the socket takes nothing.
    blocked_since: Option<Instant>,
    _entered: Entered,
    _open: OpenGauge,
}

struct OpenGauge(prometheus::IntGauge);

impl Drop for OpenGauge {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Connection {
    pub(super) fn new(
        state: AppState,
        (principal, address): (Principal, IpAddr),
        socket: Socket,
        entered: Entered,
        filter: Filter,
        seat: Seat,
    ) -> Self {
        let open = state.metrics.stream_connections.with_label_values(&["websocket"]);
        open.inc();
        let now = Instant::now();
        let ping_every = state.streams.timing().ping_every;
        Self {
            token_ends: ends_at(&principal, now),
            state,
            principal,
            address,
            wire: Wire::new(socket),
            listening: None,
            seat: Some(seat),
            first_filter: Some(Box::new(filter)),
            opened: now,
            frames: (now, 0),
            next_ping: now + ping_every,
            unanswered_since: None,
            blocked_since: None,
            _entered: entered,
            _open: OpenGauge(open),
        }
    }

    /// Serves the client until one of both ends it. `early` came right behind the handshake.
    pub(super) async fn run(mut self, early: Bytes) {
        self.hello();
        let mut incoming = Vec::new();
        let read = self.wire.decode(&early, &mut incoming);
        drop(early);
        let mut turn = match read {
            Ok(()) => self.obey(incoming).await,
            Err(error) => Turn::Close(Close::Protocol(error)),
        };
        {
            let mut ended = pin!(session_changed(self.state.sessions.watch()));
            let mut sleep = pin!(tokio::time::sleep_until(self.deadline()));
            while matches!(turn, Turn::On) {
                turn = self.flush();
                if !matches!(turn, Turn::On) {
                    break;
                }
                let deadline = self.deadline();
                if sleep.deadline() != deadline {
                    sleep.as_mut().reset(deadline);
                }
                turn = match self.wait(ended.as_mut(), sleep.as_mut()).await {
                    Wake::Items(batch) => self.show(&batch),
                    Wake::Readable => self.hear().await,
                    Wake::Writable => Turn::On,
                    Wake::Deadline => self.deadline_passed(),
                    Wake::Ended => {
                        // Watched again first, then looked at: nothing falls in between.
                        ended.set(session_changed(self.state.sessions.watch()));
                        self.session_ended()
                    }
                };
            }
        }
        if let Turn::Close(close) = turn {
            closing(&self.state, &mut self.wire, close);
            let patience = if close == Close::NotReading { LAST_WORDS } else { CLOSE_PATIENCE };
            // The place in the hub and among the user's streams is given up before the goodbye.
            let wire = self.into_wire();
            wire.finish(patience).await;
        }
    }

    /// Leaves the hub and the count of the user's streams; the socket stays.
    fn into_wire(self) -> Wire {
        self.wire
    }

    /// Waits for whatever comes first.
    async fn wait(&mut self, ended: Pin<&mut impl Future<Output = ()>>, sleep: Pin<&mut Sleep>) -> Wake {
        let blocked = !self.wire.is_empty();
        let socket = self.wire.socket();
        let items = async {
            match &mut self.listening {
                Some(subscription) if !blocked => subscription.next().await,
                _ => std::future::pending().await,
            }
        };
        // The socket's readiness keeps one waker and no list: cheaper than two futures that come and go at each turn.
        let ready = std::future::poll_fn(|cx| {
            if socket.poll_read_ready(cx).is_ready() {
                return Poll::Ready(Wake::Readable);
            }
            if blocked && socket.poll_write_ready(cx).is_ready() {
                return Poll::Ready(Wake::Writable);
            }
            Poll::Pending
        });
        tokio::select! {
            biased;
            wake = ready => wake,
            batch = items => Wake::Items(batch),
            () = sleep => Wake::Deadline,
            () = ended => Wake::Ended,
        }
    }

    fn hello(&mut self) {
        if let Some(seat) = &self.seat {
            let standing = seat.standing();
            let hello = format!(
                r#"{{"type":"hello","epoch":"{}","head":{},"oldest":{}}}"#,
                standing.epoch, standing.head, standing.oldest
            );
            self.wire.text(&hello);
        }
    }

    /// Puts a batch into the outbox; the frames are shared, header and all.
    fn show(&mut self, batch: &Batch) -> Turn {
        let mut events = 0;
        for item in &batch.items {
            match item {
                Item::Event(frame) => {
                    events += 1;
                    self.wire.push_frame(frame.text().websocket().clone());
                }
                Item::Signal(signal) => self.wire.push_frame(signal.text().websocket().clone()),
                Item::Skipped(through) => self.wire.text(&format!(r#"{{"type":"skipped","through":{through}}}"#)),
                Item::CaughtUp(seq) => self.wire.text(&format!(r#"{{"type":"caught_up","seq":{seq}}}"#)),
                Item::Reset(reset) => {
                    self.reset(*reset);
                    self.listening = None;
                }
            }
        }
        self.state.metrics.stream_frames.inc_by(events);
        Turn::On
    }

    fn reset(&mut self, reset: Reset) {
        self.wire.text(&format!(r#"{{"type":"reset","reason":"{}"}}"#, reset.as_str()));
    }

    fn error(&mut self, code: &str, detail: &str) {
        self.wire.text(&serde_json::json!({ "type": "error", "code": code, "detail": detail }).to_string());
    }

    fn flush(&mut self) -> Turn {
        match self.wire.flush() {
            Ok(progress) => {
                if self.wire.is_empty() {
                    self.blocked_since = None;
                } else if progress || self.blocked_since.is_none() {
                    self.blocked_since = Some(Instant::now());
                }
                Turn::On
            }
            Err(_) => Turn::Gone,
        }
    }

    /// Reads what the client said and does it.
    async fn hear(&mut self) -> Turn {
        let mut incoming = Vec::new();
        let read = self.wire.read(&mut incoming);
        if !incoming.is_empty() {
            self.unanswered_since = None;
        }
        match self.obey(incoming).await {
            Turn::On => {}
            end => return end,
        }
        match read {
            Ok(true) => Turn::On,
            Ok(false) | Err(ReadFailure::Gone) => Turn::Gone,
            // What is no message of at most 64 KiB is a bad frame of ours; all else is a breach of RFC 6455.
            Err(ReadFailure::Protocol(ProtocolError::TooLarge)) => {
                self.bad_frame("too-large", "a frame may have at most 64 KiB")
            }
            Err(ReadFailure::Protocol(error)) => Turn::Close(Close::Protocol(error)),
        }
    }

    async fn obey(&mut self, incoming: Vec<Incoming>) -> Turn {
        for message in incoming {
            if self.too_many_frames() {
                return Turn::Close(Close::TooMany("too many frames"));
            }
            let turn = match message {
                Incoming::Pong => Turn::On,
                Incoming::Ping(payload) => {
                    self.wire.push(Opcode::Pong, &payload);
                    Turn::On
                }
                Incoming::Close(_) => Turn::Close(Close::Normal),
                Incoming::Binary => self.bad_frame("bad-frame", &FrameError::Binary.to_string()),
                Incoming::Text(text) => match ClientFrame::parse(&text) {
                    Ok(ClientFrame::Auth { token }) => self.renew(&token),
                    // Boxed: it asks the database, and hardly any connection is here at any time.
                    Ok(ClientFrame::Subscribe(subscribe)) => Box::pin(self.subscribe(subscribe)).await,
                    Err(error) => self.bad_frame("bad-frame", &error.to_string()),
                },
            };
            if !matches!(turn, Turn::On) {
                return turn;
            }
            if !matches!(self.flush(), Turn::On) {
                return Turn::Gone;
            }
            if self.wire.waiting() > MAX_WAITING {
                return Turn::Close(Close::NotReading);
            }
        }
        Turn::On
    }

    fn too_many_frames(&mut self) -> bool {
        let now = Instant::now();
        if now.duration_since(self.frames.0) > FRAMES_WINDOW {
            self.frames = (now, 0);
        }
        self.frames.1 += 1;
        self.frames.1 > MAX_FRAMES
    }

    fn bad_frame(&mut self, code: &str, detail: &str) -> Turn {
        self.error(code, detail);
        let _ = self.wire.flush();
        Turn::Close(Close::BadFrame)
    }

    /// A fresh token of the same user prolongs the stream; its role counts for what is subscribed from then on.
    fn renew(&mut self, token: &str) -> Turn {
        match authenticate(&self.state, token, self.address) {
            Ok(fresh) if (fresh.tenant, fresh.user) != (self.principal.tenant, self.principal.user) => {
                Turn::Close(Close::Forbidden("the token is of another user"))
            }
            Ok(fresh) => {
                self.token_ends = ends_at(&fresh, Instant::now());
                self.principal = fresh;
                Turn::On
            }
            Err(error) => Turn::Close(Close::Unauthorized(reason(&error))),
        }
    }

    async fn subscribe(&mut self, wanted: Subscribe) -> Turn {
        let kinds: Result<Vec<KindFilter>, _> = wanted.kinds.iter().flatten().map(|kind| kind.parse()).collect();
        let Ok(kinds) = kinds else { return self.bad_frame("bad-frame", &FrameError::Kinds.to_string()) };
        self.listening = None;
        let (tenant, user) = (self.principal.tenant, self.principal.user);
        // The first subscription uses what the handshake took; a later one sees what the user may see by then.
        let fresh = self.opened.elapsed() < GRANTS_FRESH;
        let filter = if let Some(filter) = self.first_filter.take().filter(|_| fresh) {
            filter.kinds(kinds)
        } else {
            match filter_for(&self.state, &self.principal, kinds).await {
                Ok((grants, filter)) => {
                    self.state.streams.update(tenant, user, grants);
                    filter
                }
                Err(error) if error.status() == http::StatusCode::FORBIDDEN => {
                    return Turn::Close(Close::Forbidden(NO_MEMBER));
                }
                Err(_) => return self.unavailable(),
            }
        };
        let seat = match self.seat.take() {
            Some(seat) => seat,
            None => match self.state.journal.hub().join(tenant).await {
                Ok(seat) => seat,
                Err(_) => return self.unavailable(),
            },
        };
        let start = Start { after: wanted.after.map(Seq), epoch: wanted.epoch, after_id: wanted.after_id.map(EventId) };
        match seat.subscribe(start, filter).await {
            Ok(subscription) => self.listening = Some(Box::new(subscription)),
            Err(ReadError::Reset(reset)) => self.reset(reset),
            Err(ReadError::Db(_)) => return self.unavailable(),
        }
        Turn::On
    }

    fn unavailable(&mut self) -> Turn {
        self.error("unavailable", "the database cannot be reached at the moment; subscribe again shortly");
        Turn::On
    }

    fn deadline(&self) -> Instant {
        let mut deadline = self.token_ends.min(self.next_ping);
        let not_reading = self.state.streams.timing().not_reading;
        for since in [self.unanswered_since, self.blocked_since].into_iter().flatten() {
            deadline = deadline.min(since + not_reading);
        }
        deadline
    }

    fn deadline_passed(&mut self) -> Turn {
        let now = Instant::now();
        if self.token_ends <= now {
            return Turn::Close(Close::Unauthorized("the access token has expired"));
        }
        let not_reading = self.state.streams.timing().not_reading;
        let overdue = |since: Option<Instant>| since.is_some_and(|since| since + not_reading <= now);
        if overdue(self.blocked_since) || overdue(self.unanswered_since) {
            return Turn::Close(Close::NotReading);
        }
        if self.next_ping <= now {
            self.next_ping = now + self.state.streams.timing().ping_every;
            // One that is stuck is asked by the frame that is stuck.
            if self.wire.is_empty() {
                self.wire.push(Opcode::Ping, b"");
                self.unanswered_since.get_or_insert(now);
            }
        }
        Turn::On
    }

    fn session_ended(&mut self) -> Turn {
        if self.state.cancel.is_cancelled() {
            return Turn::Close(Close::GoingAway);
        }
        // What was changed may be anybody's: looked at in memory, and only what has ended is closed.
        match principal_of(&self.state, &self.principal.identity()) {
            Ok(principal) if principal.may(Permission::EventsRead) => {
                self.principal = principal;
                Turn::On
            }
            Ok(_) => Turn::Close(Close::Forbidden("the role does not allow to read events any more")),
            Err(error) => Turn::Close(Close::Unauthorized(reason(&error))),
        }
    }
}

fn closing(state: &AppState, wire: &mut Wire, close: Close) {
    if close != Close::Normal {
        state.metrics.stream_closed.with_label_values(&[&close.code().to_string()]).inc();
    }
    wire.close(close);
}

fn ends_at(principal: &Principal, now: Instant) -> Instant {
    now + (principal.expires_at - Utc::now()).to_std().unwrap_or_default()
}

/// The words of a refusal that fit into a close frame.
fn reason(error: &AppError) -> &'static str {
    error.static_detail().unwrap_or("the access token is not valid")
}

/// Resolves when some sign-in was ended, or the process stops.
async fn session_changed(mut changes: watch::Receiver<()>) {
    // The sender lives as long as the state does.
    let _ = changes.changed().await;
}
