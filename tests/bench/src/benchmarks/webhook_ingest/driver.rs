//! Sends webhooks over HTTP/1.1 connections that stay open, all on one thread, and notes which were answered with 200.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::request::Requests;
use crate::stats::percentile;
use crate::websocket::head_length;

/// Connections that are looked at after one wait.
const EVENTS: usize = 1024;
/// How long an answer may take: longer than the gateway gives a request.
const PATIENCE: Duration = Duration::from_secs(40);

/// When webhooks are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Pace {
    /// Each connection sends its next one as soon as its last was answered.
    Saturated,
    /// So many per second, whether those before have been answered or not.
    PerSecond(f64),
}

/// What a span gave.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) answered: u64,
    pub(super) seconds: f64,
    /// Microseconds until the answer; where the pace is given, from the moment at which it was due.
    pub(super) p50: u32,
    pub(super) p99: u32,
    pub(super) longest: u32,
}

impl Sent {
    pub(super) fn per_second(&self) -> f64 {
        self.answered as f64 / self.seconds
    }
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
    /// The number of what waits for its answer, and since when.
    waiting: Option<(u64, Instant)>,
}

/// The connections, and what was answered over them.
#[derive(Debug)]
pub(super) struct Driver {
    connections: Vec<Connection>,
    idle: VecDeque<usize>,
    epoll: Epoll,
    requests: Requests,
    /// By the webhooks' numbers.
    answered: Vec<bool>,
    buffer: Vec<u8>,
}

impl Driver {
    pub(super) fn connect(address: SocketAddr, connections: usize, requests: Requests) -> anyhow::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("cannot make an epoll")?;
        let mut all = Vec::with_capacity(connections);
        for index in 0..connections {
            let stream = TcpStream::connect(address).context("cannot connect")?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            epoll.add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, index as u64))?;
            all.push(Connection { stream, input: Vec::new(), waiting: None });
        }
        Ok(Self {
            idle: (0..connections).collect(),
            connections: all,
            epoll,
            requests,
            answered: Vec::new(),
            buffer: Vec::new(),
        })
    }

    /// Which numbers were answered with 200.
    pub(super) fn answered(&self) -> &[bool] {
        &self.answered
    }

    /// The place of the number in a body.
    pub(super) fn place(&self) -> usize {
        self.requests.place()
    }

    /// Sends for `warm_up` and then for `span`, with `begin` and `end` called around the span; returns when everything is answered.
    pub(super) fn send(
        &mut self,
        pace: Pace,
        (warm_up, span): (Duration, Duration),
        mut mark: impl FnMut(bool) -> anyhow::Result<()>,
    ) -> anyhow::Result<Sent> {
        let started = Instant::now();
        let (begin, end) = (started + warm_up, started + warm_up + span);
        let (mut began, mut ended) = (None, None);
        let mut latencies = Vec::new();
        let mut due = 0_u64;
        let mut events = vec![EpollEvent::empty(); EVENTS];
        loop {
            let now = Instant::now();
            if began.is_none() && now >= begin {
                mark(false)?;
                began = Some(Instant::now());
            }
            if ended.is_none() && now >= end {
                ended = Some(now);
                mark(true)?;
            }
            if ended.is_some() && self.idle.len() == self.connections.len() {
                break;
            }
            ensure!(now < end + PATIENCE, "webhooks were not answered");
            let mut wait = Duration::from_millis(50);
            if ended.is_none() {
                match pace {
                    Pace::Saturated => {
                        while let Some(index) = self.idle.pop_front() {
                            self.send_one(index, Instant::now())?;
                        }
                    }
                    Pace::PerSecond(rate) => loop {
                        let at = started + Duration::from_secs_f64(due as f64 / rate);
                        if at > now {
                            wait = (at - now).max(Duration::from_millis(1));
                            break;
                        }
                        let Some(index) = self.idle.pop_front() else { break };
                        self.send_one(index, at)?;
                        due += 1;
                    },
                }
            }
            let wait = EpollTimeout::try_from(wait).context("too long a wait")?;
            let count = match self.epoll.wait(&mut events, wait) {
                Ok(count) => count,
                Err(nix::errno::Errno::EINTR) => 0,
                Err(error) => return Err(error.into()),
            };
            for event in &events[..count] {
                let Some((number, since)) = self.receive(event.data() as usize)? else { continue };
                let index = usize::try_from(number)?;
                if self.answered.len() <= index {
                    self.answered.resize(index + 1024, false);
                }
                self.answered[index] = true;
                if began.is_some() && ended.is_none() {
                    latencies.push(u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX));
                }
            }
        }
        let (Some(began), Some(ended)) = (began, ended) else { bail!("nothing was measured") };
        let mut of = |share| percentile(&mut latencies, share).unwrap_or(u32::MAX);
        let (p50, p99, longest) = (of(0.5), of(0.99), of(1.0));
        Ok(Sent { answered: latencies.len() as u64, seconds: (ended - began).as_secs_f64(), p50, p99, longest })
    }

    fn send_one(&mut self, index: usize, since: Instant) -> anyhow::Result<()> {
        let number = self.requests.next(&mut self.buffer);
        let connection = &mut self.connections[index];
        // Nothing waits before it in the socket: it has room for it.
        connection.stream.write_all(&self.buffer).context("cannot write")?;
        connection.waiting = Some((number, since));
        Ok(())
    }

    /// The answer of a connection, if it is whole.
    fn receive(&mut self, index: usize) -> anyhow::Result<Option<(u64, Instant)>> {
        let connection = &mut self.connections[index];
        let mut chunk = [0; 4096];
        match connection.stream.read(&mut chunk) {
            Ok(0) => bail!("the gateway closed connection {index}"),
            Ok(length) => connection.input.extend_from_slice(&chunk[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("connection {index} broke")),
        }
        let Some(length) = head_length(&connection.input) else { return Ok(None) };
        // An answer that is none of ours may have a body; it is shown as far as it is here.
        if !connection.input.starts_with(b"HTTP/1.1 200 ") {
            bail!("the gateway answered: {}", String::from_utf8_lossy(&connection.input));
        }
        ensure!(
            length == connection.input.len(),
            "an answer has a body: {}",
            String::from_utf8_lossy(&connection.input)
        );
        connection.input.clear();
        self.idle.push_back(index);
        connection.waiting.take().context("an answer that nothing was sent for").map(Some)
    }
}
