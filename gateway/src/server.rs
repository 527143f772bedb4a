//! The HTTP server: accepts connections, serves the router on them, and stops gracefully.

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
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// A client must have sent its next request's head by then: silent ones cannot hold connections open for nothing.
const HEAD_PATIENCE: Duration = Duration::from_mins(1);
/// A client that takes nothing of what is sent to it for this long is gone.
const NOT_TAKING: Duration = Duration::from_mins(2);
/// How long running requests may take once the process stops.
const STOP_PATIENCE: Duration = Duration::from_secs(8);
/// Pause after the system refused to accept (out of descriptors): others may be closed meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Binds the edge's address; the error is a sentence for the person who starts the process.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::Taken { address },
        io::ErrorKind::PermissionDenied => BindError::Forbidden { address },
        _ => BindError::Other { address, source },
    })
}

/// Why the edge's address cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody has it.
    #[error("http_listen: {address} is taken by another process; stop it or choose another port")]
    Taken {
        /// The address.
        address: SocketAddr,
    },
    /// Ports below 1024 are for root.
    #[error("http_listen: this user may not listen on {address}; choose a port from 1024 on")]
    Forbidden {
        /// The address.
        address: SocketAddr,
    },
    /// The system's words.
    #[error("http_listen: cannot listen on {address}: {source}")]
    Other {
        /// The address.
        address: SocketAddr,
        /// The system's words.
        source: io::Error,
    },
}

/// Serves until `cancel` fires, then lets running requests finish for a while.
pub async fn serve(listener: TcpListener, router: Router, cancel: CancellationToken) {
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
                connections.spawn(serve_connection(socket, peer, router.clone(), cancel.clone()));
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

async fn serve_connection(socket: TcpStream, peer: SocketAddr, router: Router, cancel: CancellationToken) {
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
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
