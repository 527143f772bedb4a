//! A stretch of network that can be cut: TCP connections pass through it until somebody pulls the plug.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Listens on a port of loopback and passes every connection on to a target; dropping it cuts them all.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    plugged: watch::Sender<bool>,
    accepted: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A proxy in front of `target`, plugged in.
    pub async fn start(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (plugged, plug) = watch::channel(true);
        let accepted = Arc::new(AtomicUsize::new(0));
        let task = tokio::spawn(serve(listener, target, plug, Arc::clone(&accepted)));
        Ok(Self { address, plugged, accepted, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections came so far, those included that were turned away.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Cuts every connection, and new ones as they come, until [`Proxy::mend`].
    pub fn cut(&self) {
        self.plugged.send_replace(false);
    }

    /// Lets new connections pass again.
    pub fn mend(&self) {
        self.plugged.send_replace(true);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, target: SocketAddr, plug: watch::Receiver<bool>, accepted: Arc<AtomicUsize>) {
    while let Ok((near, _)) = listener.accept().await {
        accepted.fetch_add(1, Ordering::Relaxed);
        // One that comes while the line is cut is dropped at once.
        if *plug.borrow() {
            tokio::spawn(pass(near, target, plug.clone()));
        }
    }
}

async fn pass(mut near: TcpStream, target: SocketAddr, mut plug: watch::Receiver<bool>) {
    let Ok(mut far) = TcpStream::connect(target).await else { return };
    tokio::select! {
        // Both ends learn of an end in the way in which it came; there is nobody else to tell.
        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
        // Also when the proxy itself is gone.
        _ = plug.wait_for(|plugged| !plugged) => {}
    }
}
