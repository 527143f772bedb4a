//! The connections that messages are published through.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context as _, bail};

use super::message::{MessageContent, event_text, text};
use super::{Endpoint, Publish};
use crate::pipe;
use crate::websocket::{head_length, header};

/// Connections for `POST`s. One channel's messages all go through the same one, so they stay in order.
const HTTP_CONNECTIONS: usize = 4;

/// Publishes messages, many at a time.
#[derive(Debug)]
pub(super) struct Publisher {
    way: Publish,
    sockets: Vec<Socket>,
}

#[derive(Debug)]
struct Socket {
    stream: TcpStream,
    outgoing: Vec<u8>,
    written: usize,
    incoming: Vec<u8>,
}

impl Publisher {
    pub(super) fn connect(endpoint: &Endpoint) -> anyhow::Result<Self> {
        let (address, count) = match &endpoint.publish {
            Publish::Pipe { address, .. } => (*address, 1),
            Publish::Http { address, .. } => (*address, HTTP_CONNECTIONS),
        };
        let sockets = (0..count).map(|_| Socket::connect(address)).collect::<anyhow::Result<_>>()?;
        Ok(Self { way: endpoint.publish.clone(), sockets })
    }

    /// Takes a message; it goes out with the next [`flush`](Self::flush).
    pub(super) fn publish(&mut self, channel: usize, seq: i64) {
        let index = channel % self.sockets.len();
        let outgoing = &mut self.sockets[index].outgoing;
        match &self.way {
            Publish::Pipe { content: MessageContent::Text, .. } => pipe::push(outgoing, channel, text(seq).as_bytes()),
            Publish::Pipe { content: MessageContent::Event, .. } => {
                pipe::push(outgoing, channel, event_text(seq).as_bytes());
            }
            Publish::Http { path, .. } => {
                let body = event_text(seq);
                let head = format!(
                    "POST {path}{channel} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                outgoing.extend_from_slice(head.as_bytes());
                outgoing.extend_from_slice(body.as_bytes());
            }
        }
    }

    /// Writes what the sockets take. True when everything was.
    pub(super) fn flush(&mut self) -> anyhow::Result<bool> {
        let mut all = true;
        for socket in &mut self.sockets {
            all &= socket.flush()?;
        }
        Ok(all)
    }

    /// Reads the answers to `POST`s; one that is no success is an error.
    pub(super) fn read_answers(&mut self) -> anyhow::Result<()> {
        self.sockets.iter_mut().try_for_each(Socket::read_answers)
    }
}

impl Socket {
    fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).context("cannot connect to publish")?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, outgoing: Vec::new(), written: 0, incoming: Vec::new() })
    }

    fn flush(&mut self) -> anyhow::Result<bool> {
        while self.written < self.outgoing.len() {
            match self.stream.write(&self.outgoing[self.written..]) {
                Ok(length) => self.written += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error).context("cannot publish"),
            }
        }
        self.outgoing.clear();
        self.written = 0;
        Ok(true)
    }

    fn read_answers(&mut self) -> anyhow::Result<()> {
        let mut chunk = [0; 16 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(0) => bail!("the server closed the connection that publishes"),
            Ok(length) => self.incoming.extend_from_slice(&chunk[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error).context("cannot read answers"),
        }
        let used = check_answers(&self.incoming)?;
        self.incoming.drain(..used);
        Ok(())
    }
}

/// Checks the whole answers at the beginning of `bytes`, and returns how long they are together.
fn check_answers(bytes: &[u8]) -> anyhow::Result<usize> {
    let mut used = 0;
    while let Some(length) = head_length(&bytes[used..]) {
        let head = std::str::from_utf8(&bytes[used..used + length]).context("an answer is not text")?;
        if !head.starts_with("HTTP/1.1 2") {
            bail!("publishing was refused: {}", head.lines().next().unwrap_or_default());
        }
        let body: usize = header(head, "content-length").map_or(Ok(0), str::parse).context("a wrong length")?;
        if bytes.len() < used + length + body {
            break;
        }
        used += length + body;
    }
    Ok(used)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_taken_only_whole() {
        let answers = b"HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\nokayHTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok";
        assert_eq!(check_answers(answers).unwrap(), answers.len());
        assert_eq!(check_answers(&answers[..answers.len() - 1]).unwrap(), 47);
        assert_eq!(check_answers(b"HTTP/1.1 2").unwrap(), 0);
        assert!(check_answers(b"HTTP/1.1 403 Forbidden\r\n\r\n").is_err());
    }
}
