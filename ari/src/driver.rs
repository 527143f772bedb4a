//! The shell around a [`Session`]: feeds it what the socket says and does what it says.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::applications;
use crate::asterisk::{self, GetInfo};
use crate::bridges;
use crate::channels;
use crate::client::Client;
use crate::config::Limits;
use crate::event::parse_timestamp;
use crate::events::{self, UserEvent};
use crate::log::{Entry, RawLog};
use crate::session::{Input, Now, Output, SELF_TEST, SelfTest, Session, SessionConfig};
use crate::transport::connection::{Clock, Connection, Frame};
use crate::transport::dial::Dialer;
use crate::transport::rest::SocketRest;
use crate::update::{Failure, Snapshot, State, Update};

/// What a session tells, in order. Dropping it ends the session and closes its socket; requests over HTTP go on working.
#[derive(Debug)]
pub struct Updates {
    updates: mpsc::Receiver<Update>,
    commands: mpsc::Sender<Command>,
}

impl Updates {
    /// The next update. Cancel-safe. `None` only after [`Updates::close`] or, for an application of one call, after
    /// Asterisk has closed its socket.
    pub async fn next(&mut self) -> Option<Update> {
        self.updates.recv().await
    }

    /// The next update, if there is one.
    pub fn try_next(&mut self) -> Option<Update> {
        self.updates.try_recv().ok()
    }

    /// Connects again after [`State::Replaced`] (the owner has the right to the application), or without waiting for the
    /// backoff's end. Does nothing in any other state.
    pub async fn take_over(&self) {
        let _ = self.commands.send(Command::TakeOver).await;
    }

    /// Closes the socket. What was told before can still be taken; then [`Updates::next`] returns `None`.
    pub async fn close(&self) {
        let _ = self.commands.send(Command::Close).await;
    }
}

pub(crate) enum Command {
    TakeOver,
    Close,
    /// A socket that Asterisk opened.
    Attach(Box<Attachment>),
}

/// A socket that Asterisk opened, and what was read from it to find out whose it is.
pub(crate) struct Attachment {
    pub(crate) socket: WebSocketStream<TcpStream>,
    pub(crate) first: Vec<Utf8Bytes>,
}

/// Everything that a driver needs beside its session's configuration.
pub(crate) struct Parts {
    pub(crate) client: Client,
    /// Set where requests go over the WebSocket.
    pub(crate) rest: Option<Arc<SocketRest>>,
    /// Set where we open the socket.
    pub(crate) dialer: Option<Dialer>,
    pub(crate) log: RawLog,
    /// End with the first socket instead of waiting for the next.
    pub(crate) one_socket: bool,
}

/// Starts the driver on the present runtime.
pub(crate) fn start(config: SessionConfig, parts: Parts) -> (Updates, mpsc::Sender<Command>) {
    let (update_sender, updates) = mpsc::channel(config.limits.update_queue.max(1));
    let (commands, command_receiver) = mpsc::channel(16);
    let limits = config.limits.clone();
    let clock = Clock::start();
    parts
        .log
        .write(clock.now().wall, || Entry::Begin { apps: config.apps.clone(), subscribe_all: config.subscribe_all });
    let driver = Driver {
        session: Session::new(config),
        parts,
        limits,
        clock,
        connection: None,
        connecting: None,
        fetching: None,
        testing: FuturesUnordered::new(),
        outbox: VecDeque::new(),
        frames: Vec::with_capacity(FRAMES_PER_TURN),
    };
    tokio::spawn(driver.run(update_sender, command_receiver));
    (Updates { updates, commands: commands.clone() }, commands)
}

type Connecting = Pin<Box<dyn Future<Output = Result<WebSocketStream<TcpStream>, Failure>> + Send>>;
type Testing = Pin<Box<dyn Future<Output = (String, SelfTest)> + Send>>;
type Fetching = Pin<Box<dyn Future<Output = (u64, Result<Box<Snapshot>, Failure>)> + Send>>;

struct Driver {
    session: Session,
    parts: Parts,
    limits: Limits,
    clock: Clock,
    connection: Option<Connection>,
    connecting: Option<Connecting>,
    fetching: Option<Fetching>,
    /// Events of our own that Asterisk was asked to send.
    testing: FuturesUnordered<Testing>,
    /// Updates that did not fit into the owner's queue. While any wait, no frames are taken.
    outbox: VecDeque<Update>,
    frames: Vec<Frame>,
}

const FRAMES_PER_TURN: usize = 64;

/// What woke the driver.
enum Wake {
    Command(Option<Command>),
    Connected(Result<Box<WebSocketStream<TcpStream>>, Failure>),
    Fetched((u64, Result<Box<Snapshot>, Failure>)),
    Tested((String, SelfTest)),
    /// This many frames are in `frames`; none means that the connection has ended.
    Frames(usize),
    OwnerReady,
    OwnerGone,
    Deadline,
}

impl Driver {
    async fn run(mut self, updates: mpsc::Sender<Update>, mut commands: mpsc::Receiver<Command>) {
        loop {
            self.drain();
            self.parts.client.set_counters(self.session.counters());
            while let Some(update) = self.outbox.pop_front() {
                match updates.try_send(update) {
                    Ok(()) => {}
                    Err(mpsc::error::TrySendError::Full(update)) => {
                        self.outbox.push_front(update);
                        break;
                    }
                    Err(mpsc::error::TrySendError::Closed(_)) => return self.stop(),
                }
            }
            let done = match self.wait(&updates, &mut commands).await {
                Wake::Command(Some(Command::Attach(socket))) => {
                    self.attach(socket.socket);
                    let received = self.clock.now();
                    self.frames.extend(socket.first.into_iter().map(|text| Frame { received, text }));
                    self.feed_frames();
                    false
                }
                Wake::Command(Some(Command::TakeOver)) => {
                    let now = self.clock.now();
                    self.parts.log.write(now.wall, || Entry::TakeOver);
                    self.session.handle_input(now, Input::TakeOver);
                    false
                }
                Wake::Command(Some(Command::Close) | None) => true,
                Wake::OwnerGone => return self.stop(),
                Wake::Connected(result) => {
                    self.connecting = None;
                    match result {
                        Ok(socket) => self.attach(*socket),
                        Err(failure) => {
                            let now = self.clock.now();
                            self.parts.log.write(now.wall, || Entry::ConnectFailed { failure: failure.clone() });
                            self.session.handle_input(now, Input::ConnectFailed(failure));
                        }
                    }
                    false
                }
                Wake::Fetched((generation, result)) => {
                    self.fetching = None;
                    let now = self.clock.now();
                    self.parts.log.write(now.wall, || match &result {
                        Ok(snapshot) => Entry::Snapshot { generation, snapshot: snapshot.clone() },
                        Err(failure) => Entry::SnapshotFailed { generation, failure: failure.clone() },
                    });
                    if let Err(failure) = &result {
                        tracing::warn!(%failure, "connected to Asterisk, but not in sync yet");
                    }
                    self.session.handle_input(now, Input::Snapshot { generation, result });
                    false
                }
                Wake::Tested((application, outcome)) => {
                    let now = self.clock.now();
                    self.parts.log.write(now.wall, || Entry::SelfTest { application: application.clone(), outcome });
                    self.feed_heard();
                    self.session.handle_input(now, Input::SelfTest { application, outcome });
                    false
                }
                Wake::Frames(0) => self.connection_ended(),
                Wake::Frames(_) => {
                    self.feed_frames();
                    false
                }
                Wake::Deadline => {
                    self.feed_traffic();
                    self.feed_heard();
                    self.session.handle_timeout(self.clock.now());
                    false
                }
                Wake::OwnerReady => false,
            };
            if done {
                self.stop();
                // What was told before is still handed over, as long as someone takes it.
                for update in self.outbox.drain(..) {
                    if updates.send(update).await.is_err() {
                        break;
                    }
                }
                return;
            }
        }
    }

    async fn wait(&mut self, updates: &mpsc::Sender<Update>, commands: &mut mpsc::Receiver<Command>) -> Wake {
        let deadline = self.session.poll_timeout().map(|deadline| self.clock.instant(deadline));
        let owner_waits = self.outbox.is_empty();
        let Self { connection, connecting, fetching, testing, frames, .. } = self;
        tokio::select! {
            command = commands.recv() => Wake::Command(command),
            result = poll_option(connecting.as_mut()) => Wake::Connected(result.map(Box::new)),
            result = poll_option(fetching.as_mut()) => Wake::Fetched(result),
            Some(result) = testing.next() => Wake::Tested(result),
            count = receive(connection.as_mut(), frames), if owner_waits => Wake::Frames(count),
            permit = updates.reserve(), if !owner_waits => match permit {
                Ok(_) => Wake::OwnerReady,
                Err(_) => Wake::OwnerGone,
            },
            () = updates.closed(), if owner_waits => Wake::OwnerGone,
            () = sleep_until(deadline) => Wake::Deadline,
        }
    }

    /// Does what the session says, until it says nothing more.
    fn drain(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Connect => {
                    self.connecting = self.parts.dialer.clone().map(|dialer| Box::pin(dialer.dial()) as Connecting);
                }
                Output::FetchSnapshot { generation } => {
                    self.fetching = Some(Box::pin(fetch_snapshot(self.parts.client.clone(), generation)));
                }
                Output::Ping => {
                    if let Some(connection) = &self.connection {
                        connection.ping();
                    }
                }
                Output::SelfTest { application } => {
                    self.testing.push(Box::pin(test_itself(self.parts.client.clone(), application)));
                }
                Output::Close => self.disconnect(),
                Output::Update(update) => {
                    match &update {
                        Update::State(state) => {
                            tell_state(state);
                            if !matches!(state, State::Syncing | State::Live) {
                                self.disconnect();
                            }
                            self.parts.client.set_state(state);
                        }
                        Update::Event(event) => self.parts.client.watches().event(event),
                        Update::Gap(gap) => {
                            tracing::warn!(from = %gap.from, to = %gap.to, "events from Asterisk were lost");
                            self.parts.client.watches().gap();
                        }
                        Update::Snapshot(_) | Update::Resynced(_) => {}
                    }
                    self.outbox.push_back(update);
                }
            }
        }
    }

    fn attach(&mut self, socket: WebSocketStream<TcpStream>) {
        let now = self.clock.now();
        if self.connection.is_some() {
            // Asterisk opened another socket: it has given the old one up, whatever that looks like from here.
            self.disconnect();
            self.lost(now, Failure::Lost { reason: "Asterisk connected again".to_owned() });
            self.drain();
        }
        let connection = Connection::start(socket, self.limits.frame_queue, self.clock, self.parts.log.clone());
        if let Some(rest) = &self.parts.rest {
            rest.attach(Some(connection.line()));
        }
        self.connection = Some(connection);
        self.parts.log.write(now.wall, || Entry::Open);
        self.session.handle_input(now, Input::Connected);
    }

    fn disconnect(&mut self) {
        if let Some(rest) = &self.parts.rest {
            rest.attach(None);
        }
        self.connection = None;
        self.fetching = None;
        self.testing.clear();
    }

    fn lost(&mut self, now: Now, failure: Failure) {
        self.parts.log.write(now.wall, || Entry::Closed { failure: failure.clone() });
        self.session.handle_input(now, Input::Disconnected(failure));
    }

    /// The queue of frames has ended. True if the driver has nothing more to wait for.
    fn connection_ended(&mut self) -> bool {
        self.feed_overflow();
        if let Some(connection) = &self.connection {
            let failure = connection.end();
            self.lost(self.clock.now(), failure);
        }
        self.drain();
        self.parts.one_socket
    }

    fn feed_frames(&mut self) {
        for frame in self.frames.drain(..) {
            self.parts.log.write(frame.received.wall, || Entry::In { text: frame.text.to_string() });
            let malformed = self.session.counters().malformed;
            self.session.handle_input(frame.received, Input::Frame(&frame.text));
            if self.session.counters().malformed > malformed {
                tracing::warn!(bytes = frame.text.len(), "Asterisk sent a frame that is no event; skipped");
            }
        }
        self.feed_overflow();
    }

    fn feed_overflow(&mut self) {
        if let Some((dropped, gap)) = self.connection.as_mut().and_then(Connection::take_overflow) {
            tracing::warn!(dropped, "frames from Asterisk were dropped: the owner does not take updates fast enough");
            self.parts.log.write(gap.to, || Entry::Overflow { dropped, gap });
            self.session.handle_input(self.clock.now(), Input::Overflow { dropped, gap });
        }
    }

    /// The reader sees frames that are not for the session, and goes on reading while the queue waits for the owner.
    fn feed_traffic(&mut self) {
        let Some(connection) = &self.connection else {
            return;
        };
        let seen = connection.last_traffic();
        let now = self.clock.now();
        let age = chrono::TimeDelta::from_std(now.monotonic.saturating_sub(seen)).unwrap_or_default();
        let seen = Now { monotonic: seen, wall: now.wall - age };
        self.parts.log.write(seen.wall, || Entry::Traffic);
        self.session.handle_input(seen, Input::Traffic);
    }

    fn feed_heard(&mut self) {
        let heard = self.connection.as_ref().map(Connection::take_heard).unwrap_or_default();
        for application in heard {
            let now = self.clock.now();
            self.parts.log.write(now.wall, || Entry::Heard { application: application.clone() });
            self.session.handle_input(now, Input::Heard { application: &application });
        }
    }

    fn stop(&mut self) {
        self.disconnect();
        self.connecting = None;
        self.parts.client.set_counters(self.session.counters());
    }
}

/// At `debug`: who owns the session says it to people, once for each change.
fn tell_state(state: &State) {
    match state {
        State::Connecting => tracing::debug!("connecting to Asterisk"),
        State::Syncing => tracing::debug!("connected to Asterisk, fetching its state"),
        State::Live => tracing::debug!("in step with Asterisk"),
        State::Backoff { retry_in, failure } => {
            tracing::debug!(%failure, ?retry_in, "no connection to Asterisk");
        }
        State::Replaced { application } => {
            tracing::error!(application, "another connection registered our application; not fighting for it");
        }
    }
}

async fn poll_option<F: Future + Unpin>(future: Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

async fn receive(connection: Option<&mut Connection>, frames: &mut Vec<Frame>) -> usize {
    match connection {
        Some(connection) => connection.frames.recv_many(frames, FRAMES_PER_TURN).await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(deadline: Option<std::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

async fn test_itself(client: Client, application: String) -> (String, SelfTest) {
    let outcome = match client.execute(events::user_event(SELF_TEST, &application, UserEvent::default())).await {
        Ok(()) => SelfTest::Sent,
        Err(crate::Error::NotFound { .. }) => SelfTest::NoApplication,
        // Asterisk is too busy to answer or gone: PINGs find that out.
        Err(_) => SelfTest::Failed,
    };
    (application, outcome)
}

async fn fetch_snapshot(client: Client, generation: u64) -> (u64, Result<Box<Snapshot>, Failure>) {
    let fetched = async {
        let before = client.execute(asterisk::ping()).await?;
        let (info, channels, bridges, applications) = tokio::try_join!(
            client.execute(asterisk::get_info(GetInfo::default())),
            client.execute(channels::list()),
            client.execute(bridges::list()),
            client.execute(applications::list()),
        )?;
        let after = client.execute(asterisk::ping()).await?;
        let (read_from, read_until) = (parse_timestamp(&before.timestamp), parse_timestamp(&after.timestamp));
        Ok(Box::new(Snapshot { info, channels, bridges, applications, read_from, read_until }))
    };
    let result = fetched.await.map_err(|error: crate::Error| Failure::Snapshot { reason: error.to_string() });
    (generation, result)
}
