//! The HTTP server: accepts connections, with TLS or without, serves the router on them, and stops gracefully.

mod socket;

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

pub use self::socket::{ReadySocket, Socket};
use crate::tls::ACME_TLS_ALPN;

/// A client must have sent its next request's head by then: silent ones cannot hold connections open for nothing.
const HEAD_PATIENCE: Duration = Duration::from_mins(1);
/// How long a TLS handshake may take.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);
/// A client that takes nothing of what is sent to it for this long is gone.
const NOT_TAKING: Duration = Duration::from_mins(2);
/// How long running requests may take once the process stops.
const STOP_PATIENCE: Duration = Duration::from_secs(8);
/// Pause after the system refused to accept (out of descriptors): others may be closed meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where a request came in, beside `ConnectInfo` with where it came from.
#[derive(Debug, Clone, Copy)]
pub struct Arrived {
    /// The address of ours that the client connected to.
    pub local: SocketAddr,
}

/// Binds the edge's address; the error is a sentence for the person who starts the process.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    bind_for("http_listen", address).await
}

/// Binds the address that a configuration key names.
pub async fn bind_for(key: &'static str, address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::Taken { key, address },
        io::ErrorKind::PermissionDenied => BindError::Forbidden { key, address },
        _ => BindError::Other { key, address, source },
    })
}

/// Why an address of the edge cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody has it.
    #[error("{key}: {address} is taken by another process; stop it or choose another port")]
    Taken {
        /// The configuration key.
        key: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// Ports below 1024 are for root.
    #[error(
        "{key}: this user may not listen on {address}; give the service the capability CAP_NET_BIND_SERVICE or choose a port from 1024 on"
    )]
    Forbidden {
        /// The configuration key.
        key: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// The system's words.
    #[error("{key}: cannot listen on {address}: {source}")]
    Other {
        /// The configuration key.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// The system's words.
        source: io::Error,
    },
}

/// Serves plain HTTP until `cancel` fires, then lets running requests finish for a while.
pub async fn serve(listener: TcpListener, router: Router, cancel: CancellationToken) {
    accept_all(listener, None, router, cancel).await;
}

/// Serves HTTPS until `cancel` fires, then lets running requests finish for a while.
pub async fn serve_tls(listener: TcpListener, tls: TlsAcceptor, router: Router, cancel: CancellationToken) {
    accept_all(listener, Some(tls), router, cancel).await;
}

async fn accept_all(listener: TcpListener, tls: Option<TlsAcceptor>, router: Router, cancel: CancellationToken) {
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                let _ = socket.set_nodelay(true);
                let _ = socket2::SockRef::from(&socket).set_tcp_user_timeout(Some(NOT_TAKING));
                connections.spawn(serve_connection(socket, peer, tls.clone(), router.clone(), cancel.clone()));
            }
            // The client changed its mind between its SYN and our accept.
            Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) => {
            }
            Err(error) => {
                tracing::error!(%error, "cannot accept connections for the moment");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(STOP_PATIENCE, connections.wait()).await.is_err() {
        tracing::warn!(open = connections.len(), "stopping with requests still running");
    }
}

async fn serve_connection(
    socket: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    router: Router,
    cancel: CancellationToken,
) {
    let Ok(local) = socket.local_addr() else { return };
    let socket = match tls {
        None => Socket::Plain(socket),
        Some(tls) => match cancel.run_until_cancelled(handshake(socket, peer, &tls)).await.flatten() {
            Some(socket) => socket,
            None => return,
        },
    };
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(Arrived { local });
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = cancel.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.as_mut().await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%peer, %error, "connection ended");
    }
}

/// The TLS handshake. `None`: there is nobody to talk to, or it was a validation of ACME's, which ends with the handshake.
async fn handshake(socket: TcpStream, peer: SocketAddr, tls: &TlsAcceptor) -> Option<Socket> {
    match tokio::time::timeout(HANDSHAKE_PATIENCE, tls.accept(socket)).await {
        Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(ACME_TLS_ALPN) => None,
        Ok(Ok(stream)) => Some(Socket::Tls(Box::new(stream))),
        Ok(Err(error)) => {
            tracing::debug!(%peer, %error, "a TLS handshake failed");
            None
        }
        Err(_) => {
            tracing::debug!(%peer, "a TLS handshake took too long");
            None
        }
    }
}
