//! A client's socket, with or without TLS: one type for hyper and for what comes after an upgrade.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls::ServerConnection;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// Plain text that TLS takes before the kernel has taken what was encrypted, in bytes.
const TLS_BUFFER: usize = 64 * 1024;

/// An accepted connection.
#[derive(Debug)]
pub enum Socket {
    /// As it came.
    Plain(TcpStream),
    /// Behind TLS. Boxed: the state of TLS is large, and most sockets of a gateway behind a proxy have none.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Socket {
    /// The TCP socket beneath, for its options.
    pub fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

macro_rules! delegate {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            Socket::Plain(tcp) => {
                let $stream = Pin::new(tcp);
                $call
            }
            Socket::Tls(tls) => {
                let $stream = Pin::new(&mut **tls);
                $call
            }
        }
    };
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        delegate!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        delegate!(self, stream => stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_shutdown(cx))
    }
}

/// A socket that is asked whether it is ready and then read and written without waiting: what the live stream needs, which keeps no
/// buffer and no future for an idle connection. TLS is a state machine of rustls' here, fed by hand.
#[derive(Debug)]
pub struct ReadySocket {
    tcp: TcpStream,
    tls: Option<Box<Tls>>,
}

#[derive(Debug)]
struct Tls {
    connection: ServerConnection,
    /// Decrypted bytes that nobody has read yet: for them the socket will not become readable again.
    readable: usize,
}

impl From<Socket> for ReadySocket {
    fn from(socket: Socket) -> Self {
        match socket {
            Socket::Plain(tcp) => Self { tcp, tls: None },
            Socket::Tls(stream) => {
                let (tcp, mut connection) = stream.into_inner();
                connection.set_buffer_limit(Some(TLS_BUFFER));
                // What came behind the handshake may wait inside already. A broken record shows with the next read.
                let readable = connection.process_new_packets().map_or(0, |state| state.plaintext_bytes_to_read());
                Self { tcp, tls: Some(Box::new(Tls { connection, readable })) }
            }
        }
    }
}

impl ReadySocket {
    /// The TCP socket beneath, for its options.
    pub fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// Whether a read may give something.
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.tls.as_ref().is_some_and(|tls| tls.readable > 0) {
            return Poll::Ready(Ok(()));
        }
        self.tcp.poll_read_ready(cx)
    }

    /// Whether the kernel takes something.
    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tcp.poll_write_ready(cx)
    }

    /// Whether something was taken by [`ReadySocket::try_write_vectored`] that the kernel does not have yet.
    pub fn has_unsent(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.connection.wants_write())
    }

    /// Reads what is there; `WouldBlock` when nothing is.
    pub fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.tcp.try_read(buffer) };
        loop {
            match tls.connection.reader().read(buffer) {
                Ok(length) => {
                    tls.readable = tls.readable.saturating_sub(length);
                    return Ok(length);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => tls.readable = 0,
                Err(error) => return Err(error),
            }
            tls.connection.read_tls(&mut TryIo(&self.tcp))?;
            let processed = tls.connection.process_new_packets();
            // An alert, a ticket, an answer to a change of keys.
            send(&mut tls.connection, &self.tcp)?;
            let state = processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            tls.readable = state.plaintext_bytes_to_read();
        }
    }

    /// Writes what the socket takes; `WouldBlock` when it is full.
    pub fn try_write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return match slices {
                // The kernel takes one buffer more cheaply by `send` than by `writev`.
                [only] => self.tcp.try_write(only),
                several => self.tcp.try_write_vectored(several),
            };
        };
        send(&mut tls.connection, &self.tcp)?;
        if tls.connection.wants_write() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let taken = tls.connection.writer().write_vectored(slices)?;
        send(&mut tls.connection, &self.tcp)?;
        Ok(taken)
    }

    /// Hands on what TLS still holds. True when the kernel took something of it.
    pub fn try_flush(&mut self) -> io::Result<bool> {
        match &mut self.tls {
            Some(tls) => send(&mut tls.connection, &self.tcp),
            None => Ok(false),
        }
    }

    /// Tells the client that nothing more comes, so that it knows that nothing was cut off.
    pub fn say_goodbye(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.connection.send_close_notify();
            let _ = send(&mut tls.connection, &self.tcp);
        }
    }
}

/// Gives the kernel what is encrypted; what it does not take stays. True when it took something.
fn send(connection: &mut ServerConnection, tcp: &TcpStream) -> io::Result<bool> {
    let mut progress = false;
    while connection.wants_write() {
        match connection.write_tls(&mut TryIo(tcp)) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(_) => progress = true,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(progress)
}

/// A TCP socket for those who read and write without waiting.
struct TryIo<'a>(&'a TcpStream);

impl io::Read for TryIo<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl io::Write for TryIo<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
