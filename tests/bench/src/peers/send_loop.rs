//! The raw limit of a fan-out: an epoll loop that frames a message once and calls `send` for each listener. No history, no
//! sign-in, no time-outs, no tasks.

use std::collections::HashMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use anyhow::{Context as _, anyhow};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use serde::{Deserialize, Serialize};

use crate::driver::{Endpoint, Entry, MessageContent, Publish};
use crate::part::{Folder, Part};
use crate::pipe::{self, Piped};
use crate::usage::bind;
use crate::websocket::{TEXT, head_length, header, server_frame, upgrade_answer, upgrade_request};

const STREAM_LISTENER: u64 = 0;
const PUBLISH_LISTENER: u64 = 1;
const FIRST: u64 = 2;
const SCRATCH: usize = 64 * 1024;

/// Where it listens.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Ready {
    stream: SocketAddr,
    publish: SocketAddr,
}

/// A running send loop.
#[derive(Debug)]
pub(crate) struct SendLoop {
    part: Part,
    ready: Ready,
}

impl SendLoop {
    pub(crate) async fn start(core: usize) -> anyhow::Result<Self> {
        let mut part = Part::start(&["send-loop", "--core", &core.to_string()])?;
        let ready = part.ready().await?;
        Ok(Self { part, ready })
    }

    pub(crate) fn endpoint(&self, channels: usize) -> Endpoint {
        Endpoint {
            pid: self.part.pid(),
            beside: None,
            stream: self.ready.stream,
            upgrades: (0..channels).map(|channel| upgrade_request(&format!("/{channel}"), "")).collect(),
            entry: Entry::Address,
            publish: Publish::Pipe { address: self.ready.publish, content: MessageContent::Event },
        }
    }
}

/// Runs as a part, until killed.
pub(crate) fn run(core: usize, folder: &Folder) -> anyhow::Result<()> {
    bind(0, core)?;
    let stream = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot listen")?;
    let publish = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot listen")?;
    let ready = Ready { stream: stream.local_addr()?, publish: publish.local_addr()? };
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("cannot make an epoll")?;
    for (listener, token) in [(&stream, STREAM_LISTENER), (&publish, PUBLISH_LISTENER)] {
        listener.set_nonblocking(true)?;
        epoll.add(listener, EpollEvent::new(EpollFlags::EPOLLIN, token))?;
    }
    folder.say_ready(&ready)?;

    let mut server =
        Server { epoll, peers: HashMap::new(), channels: Vec::new(), next: FIRST, scratch: vec![0; SCRATCH] };
    let mut events = vec![EpollEvent::empty(); 1024];
    loop {
        let count = server.epoll.wait(&mut events, EpollTimeout::NONE).context("cannot wait")?;
        for event in &events[..count] {
            match event.data() {
                STREAM_LISTENER => server.accept(&stream, Role::Opening(Vec::new()))?,
                PUBLISH_LISTENER => server.accept(&publish, Role::Publisher(Vec::new()))?,
                token => server.serve(token, event.events())?,
            }
        }
    }
}

#[derive(Debug)]
struct Peer {
    stream: TcpStream,
    role: Role,
    /// What a full socket did not take.
    backlog: Vec<u8>,
}

#[derive(Debug)]
enum Role {
    /// The request's head so far.
    Opening(Vec<u8>),
    Listener,
    /// The beginning of a message.
    Publisher(Vec<u8>),
}

#[derive(Debug)]
struct Server {
    epoll: Epoll,
    peers: HashMap<u64, Peer>,
    channels: Vec<Vec<u64>>,
    next: u64,
    scratch: Vec<u8>,
}

impl Server {
    fn accept(&mut self, listener: &TcpListener, role: Role) -> anyhow::Result<()> {
        let Ok((stream, _)) = listener.accept() else { return Ok(()) };
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let token = self.next;
        self.next += 1;
        self.epoll.add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, token))?;
        self.peers.insert(token, Peer { stream, role, backlog: Vec::new() });
        Ok(())
    }

    fn serve(&mut self, token: u64, ready: EpollFlags) -> anyhow::Result<()> {
        let Some(peer) = self.peers.get_mut(&token) else { return Ok(()) };
        if ready.contains(EpollFlags::EPOLLOUT) && peer.drain().is_ok() && peer.backlog.is_empty() {
            self.epoll.modify(&peer.stream, &mut EpollEvent::new(EpollFlags::EPOLLIN, token))?;
        }
        if !ready.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR) {
            return Ok(());
        }
        let length = match peer.stream.read(&mut self.scratch) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Ok(0) | Err(_) => {
                self.remove(token);
                return Ok(());
            }
            Ok(length) => length,
        };
        match &mut peer.role {
            Role::Listener => {}
            Role::Opening(head) => {
                head.extend_from_slice(&self.scratch[..length]);
                if head_length(head).is_some() {
                    let (channel, answer) = answer(head).context("not an opening request")?;
                    peer.stream.write_all(&answer).context("cannot answer")?;
                    peer.role = Role::Listener;
                    if self.channels.len() <= channel {
                        self.channels.resize_with(channel + 1, Vec::new);
                    }
                    self.channels[channel].push(token);
                }
            }
            Role::Publisher(bytes) => {
                let mut bytes = std::mem::take(bytes);
                bytes.extend_from_slice(&self.scratch[..length]);
                let mut used = 0;
                while let Some(Piped { channel, message, size }) =
                    pipe::parse(&bytes[used..]).map_err(|_| anyhow!("a message is too long"))?
                {
                    used += size;
                    self.deliver(channel, &server_frame(TEXT, message))?;
                }
                bytes.drain(..used);
                if let Some(peer) = self.peers.get_mut(&token) {
                    peer.role = Role::Publisher(bytes);
                }
            }
        }
        Ok(())
    }

    fn deliver(&mut self, channel: usize, frame: &[u8]) -> anyhow::Result<()> {
        for token in self.channels.get(channel).into_iter().flatten() {
            let Some(peer) = self.peers.get_mut(token) else { continue };
            let was_empty = peer.backlog.is_empty();
            // A broken one is noticed where it is read.
            let _ = peer.send(frame);
            if was_empty && !peer.backlog.is_empty() {
                let interest = EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT;
                self.epoll.modify(&peer.stream, &mut EpollEvent::new(interest, *token))?;
            }
        }
        Ok(())
    }

    fn remove(&mut self, token: u64) {
        if let Some(peer) = self.peers.remove(&token) {
            let _ = self.epoll.delete(&peer.stream);
            self.channels.iter_mut().for_each(|members| members.retain(|member| *member != token));
        }
    }
}

impl Peer {
    fn send(&mut self, frame: &[u8]) -> std::io::Result<()> {
        if !self.backlog.is_empty() {
            self.backlog.extend_from_slice(frame);
            return Ok(());
        }
        match self.stream.write(frame) {
            Ok(length) => self.backlog.extend_from_slice(&frame[length..]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.backlog.extend_from_slice(frame),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn drain(&mut self) -> std::io::Result<()> {
        while !self.backlog.is_empty() {
            match self.stream.write(&self.backlog) {
                Ok(length) => drop(self.backlog.drain(..length)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The channel that a request asks for (its path is the number), and the answer to it.
fn answer(head: &[u8]) -> Option<(usize, Vec<u8>)> {
    let head = std::str::from_utf8(head).ok()?;
    let channel = head.strip_prefix("GET /")?.split(' ').next()?.parse().ok()?;
    (channel < 1_000_000).then_some(())?;
    Some((channel, upgrade_answer(header(head, "sec-websocket-key")?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_names_its_channel_by_the_path() {
        let (channel, text) = answer(&upgrade_request("/17", "")).unwrap();
        assert_eq!(channel, 17);
        assert!(text.starts_with(b"HTTP/1.1 101 "));
        assert!(answer(&upgrade_request("/x", "")).is_none());
        assert!(answer(b"POST / HTTP/1.1\r\n\r\n").is_none());
    }
}
