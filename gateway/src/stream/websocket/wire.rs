//! The socket's two directions: frames out of the outbox, bytes into the decoder.

use std::io;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;

use super::super::client::MAX_CLIENT_FRAME;
use super::close::Close;
use super::codec::{Decoder, Header, Incoming, Opcode, ProtocolError, close_payload};
use super::outbox::Outbox;
use crate::server::{ReadySocket, Socket};

/// Bytes read at a time; on the stack, so that an idle connection has no buffer.
const READ_CHUNK: usize = 8 * 1024;
/// Reads before the others get their turn.
const READS_PER_TURN: usize = 8;
/// What the kernel may hold for a client that is not reading, in bytes (it doubles the number).
const SEND_BUFFER: usize = 128 * 1024;

/// The socket's two directions.
pub(super) struct Wire {
    socket: ReadySocket,
    decoder: Decoder,
    outbox: Outbox,
}

impl Wire {
    pub(super) fn new(socket: Socket) -> Self {
        let socket = ReadySocket::from(socket);
        // Events are small and wanted at once; and the kernel's share of a stuck client is bounded, too.
        let _ = socket.tcp().set_nodelay(true);
        let bare = socket2::SockRef::from(socket.tcp());
        let _ = bare.set_send_buffer_size(SEND_BUFFER);
        // Who is not reading is told so by us; the kernel would only cut the line.
        let _ = bare.set_tcp_user_timeout(None);
        Self { socket, decoder: Decoder::new(MAX_CLIENT_FRAME), outbox: Outbox::default() }
    }

    /// The socket, to wait on.
    pub(super) fn socket(&self) -> &ReadySocket {
        &self.socket
    }

    /// Whether nothing waits for the socket.
    pub(super) fn is_empty(&self) -> bool {
        self.outbox.is_empty() && !self.socket.has_unsent()
    }

    /// Frames that wait for the socket.
    pub(super) fn waiting(&self) -> usize {
        self.outbox.len()
    }

    /// Adds a whole frame, header and payload, shared with others.
    pub(super) fn push_frame(&mut self, frame: Bytes) {
        self.outbox.push(frame);
    }

    /// Adds a frame of our own.
    pub(super) fn push(&mut self, opcode: Opcode, payload: &[u8]) {
        let header = Header::new(opcode, payload.len());
        let mut frame = Vec::with_capacity(header.as_slice().len() + payload.len());
        frame.extend_from_slice(header.as_slice());
        frame.extend_from_slice(payload);
        self.outbox.push(Bytes::from(frame));
    }

    /// Adds a text frame of our own.
    pub(super) fn text(&mut self, text: &str) {
        self.push(Opcode::Text, text.as_bytes());
    }

    /// Writes as much as the socket takes. True when it took something.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        let handed_on = self.socket.try_flush()?;
        let socket = &mut self.socket;
        Ok(self.outbox.flush(|slices| socket.try_write_vectored(slices))? || handed_on)
    }

    /// Takes bytes that came otherwise than through [`Wire::read`].
    pub(super) fn decode(&mut self, bytes: &[u8], sink: &mut Vec<Incoming>) -> Result<(), ProtocolError> {
        self.decoder.decode(bytes, |incoming| sink.push(incoming))
    }

    /// Reads what is there, a few chunks at most. `Ok(false)` when the client is gone.
    pub(super) fn read(&mut self, sink: &mut Vec<Incoming>) -> Result<bool, ReadFailure> {
        let mut chunk = [0; READ_CHUNK];
        for _ in 0..READS_PER_TURN {
            match self.socket.try_read(&mut chunk) {
                Ok(0) => return Ok(false),
                Ok(length) => {
                    self.decoder
                        .decode(&chunk[..length], |incoming| sink.push(incoming))
                        .map_err(ReadFailure::Protocol)?;
                    if length < READ_CHUNK {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(ReadFailure::Gone),
            }
        }
        Ok(true)
    }

    /// Puts a close frame behind what the client has in part.
    pub(super) fn close(&mut self, close: Close) {
        self.outbox.drop_unsent();
        let payload = close_payload(close.code(), &close.reason());
        self.push(Opcode::Close, &payload);
    }

    /// Writes what is left and reads until the client has closed as well: closing with bytes unread would make the kernel throw
    /// away our last words.
    pub(super) async fn finish(mut self, patience: Duration) {
        let finishing = async {
            loop {
                if self.flush().is_err() {
                    return;
                }
                let want_write = !self.is_empty();
                let readable = std::future::poll_fn(|cx| {
                    if self.socket.poll_read_ready(cx).is_ready() {
                        return Poll::Ready(true);
                    }
                    if want_write && self.socket.poll_write_ready(cx).is_ready() {
                        return Poll::Ready(false);
                    }
                    Poll::Pending
                })
                .await;
                let mut chunk = [0; 1024];
                if readable && matches!(self.socket.try_read(&mut chunk), Ok(0)) {
                    return;
                }
                if readable
                    && self.socket.try_read(&mut chunk).is_err_and(|error| error.kind() != io::ErrorKind::WouldBlock)
                {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(patience, finishing).await;
        self.socket.say_goodbye();
    }
}

/// Why nothing more can be read.
pub(super) enum ReadFailure {
    Gone,
    Protocol(ProtocolError),
}
