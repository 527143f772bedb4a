//! Many WebSocket connections to one server.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::message::{Said, understand};
use super::{Endpoint, Entry};
use crate::websocket::{BadFrame, CLOSE, Frames, PING, PONG, TEXT, client_frame, head_length};

/// Handshakes that are under way at the same time.
const TOGETHER: usize = 50;
/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(20);
/// Bytes that are read at once.
const SCRATCH: usize = 64 * 1024;
/// Connections that are looked at after one wait.
const EVENTS: usize = 1024;

/// A listener.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) channel: usize,
    /// The number of the last message.
    pub(super) seen: i64,
    stream: TcpStream,
    frames: Frames,
}

/// All listeners, subscribed.
#[derive(Debug)]
pub(crate) struct Connections {
    pub(super) all: Vec<Connection>,
    /// The number of the last message of each channel at the beginning.
    pub(super) heads: Vec<i64>,
    epoll: Epoll,
    events: Vec<EpollEvent>,
    scratch: Vec<u8>,
    /// Reads that gave something, and bytes of messages: how well a server puts messages together.
    pub(super) reads: u64,
    pub(super) bytes: u64,
}

impl Connections {
    /// Opens `per_channel` connections for each of the endpoint's channels and brings them to where only new messages come.
    pub(crate) fn open(endpoint: &Endpoint, per_channel: usize) -> anyhow::Result<Self> {
        let channels = endpoint.upgrades.len();
        let mut connections = Self {
            all: Vec::with_capacity(channels * per_channel),
            heads: vec![0; channels],
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("cannot make an epoll")?,
            events: vec![EpollEvent::empty(); EVENTS],
            scratch: vec![0; SCRATCH],
            reads: 0,
            bytes: 0,
        };
        let wanted: Vec<usize> = (0..channels).flat_map(|channel| vec![channel; per_channel]).collect();
        for some in wanted.chunks(TOGETHER) {
            connections.open_some(endpoint, some)?;
        }
        Ok(connections)
    }

    fn open_some(&mut self, endpoint: &Endpoint, channels: &[usize]) -> anyhow::Result<()> {
        let mut opening = Vec::with_capacity(channels.len());
        for &channel in channels {
            let mut stream = TcpStream::connect(endpoint.stream).context("cannot connect")?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(HANDSHAKE))?;
            stream.write_all(&endpoint.upgrades[channel])?;
            opening.push(Connection { channel, seen: 0, stream, frames: Frames::default() });
        }
        for connection in &mut opening {
            connection.shake_hands(endpoint.entry).context("a handshake failed")?;
        }
        for mut connection in opening {
            if endpoint.entry == Entry::Subscribe {
                connection.seen = connection.wait_caught_up().context("a subscription failed")?;
            }
            self.heads[connection.channel] = connection.seen;
            connection.stream.set_nonblocking(true)?;
            let interest = EpollEvent::new(EpollFlags::EPOLLIN, self.all.len() as u64);
            self.epoll.add(&connection.stream, interest)?;
            self.all.push(connection);
        }
        Ok(())
    }

    /// Waits up to `patience` and hands each message that came (connection's index, its number) to `sink`.
    pub(super) fn poll(
        &mut self,
        patience: Duration,
        mut sink: impl FnMut(&mut Connection, i64) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let patience = EpollTimeout::try_from(patience).context("too much patience")?;
        let count = match self.epoll.wait(&mut self.events, patience) {
            Ok(count) => count,
            Err(nix::errno::Errno::EINTR) => 0,
            Err(error) => return Err(error.into()),
        };
        for event in &self.events[..count] {
            let index = event.data() as usize;
            let connection = &mut self.all[index];
            let length = match connection.stream.read(&mut self.scratch) {
                Ok(0) => bail!("the server closed connection {index}"),
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error).with_context(|| format!("connection {index} broke")),
            };
            self.reads += 1;
            let mut frames = std::mem::take(&mut connection.frames);
            let bytes = &mut self.bytes;
            frames.take(&self.scratch[..length], |frame| {
                match frame.opcode {
                    TEXT => {
                        if let Said::Event(seq) = understand(frame.payload) {
                            *bytes += frame.size as u64;
                            sink(connection, seq)?;
                        }
                    }
                    PING => connection.send(PONG, frame.payload)?,
                    CLOSE => bail!("the server said goodbye: {}", String::from_utf8_lossy(frame.payload)),
                    _ => {}
                }
                Ok(())
            })?;
            connection.frames = frames;
        }
        Ok(())
    }
}

impl Connection {
    fn shake_hands(&mut self, entry: Entry) -> anyhow::Result<()> {
        let mut head = Vec::new();
        let length = loop {
            self.read_more(&mut head)?;
            if let Some(length) = head_length(&head) {
                break length;
            }
        };
        if !head.starts_with(b"HTTP/1.1 101 ") {
            bail!("the server answered: {}", String::from_utf8_lossy(&head).trim());
        }
        // What came right behind (a hello) says nothing that is needed here.
        self.frames.take(&head[length..], |_| Ok::<_, BadFrame>(())).map_err(anyhow::Error::from)?;
        if entry == Entry::Subscribe {
            self.send(TEXT, br#"{"type":"subscribe"}"#)?;
        }
        Ok(())
    }

    fn wait_caught_up(&mut self) -> anyhow::Result<i64> {
        loop {
            let mut input = Vec::new();
            self.read_more(&mut input)?;
            let mut found = None;
            self.frames.take(&input, |frame| {
                match understand(frame.payload) {
                    Said::CaughtUp(seq) => found = Some(seq),
                    _ if frame.opcode == CLOSE => bail!("closed: {}", String::from_utf8_lossy(frame.payload)),
                    _ => {}
                }
                Ok(())
            })?;
            if let Some(seq) = found {
                return Ok(seq);
            }
        }
    }

    fn read_more(&mut self, bytes: &mut Vec<u8>) -> anyhow::Result<()> {
        let mut chunk = [0; 4096];
        match self.stream.read(&mut chunk).context("no answer")? {
            0 => bail!("the server closed the connection"),
            length => bytes.extend_from_slice(&chunk[..length]),
        }
        Ok(())
    }

    /// Small and rare: the socket has room for it.
    fn send(&mut self, opcode: u8, payload: &[u8]) -> anyhow::Result<()> {
        self.stream.write_all(&client_frame(opcode, payload)).context("cannot write")
    }
}
