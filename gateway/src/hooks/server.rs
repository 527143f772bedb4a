//! FastAGI over TCP: one connection is one question.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::agi::{Answers, Environment, Fault, Gathering, set_variable};
use super::answers::Answer;
use super::ask::{Ask, Hook};
use super::metrics::Via;
use crate::state::AppState;

/// Most connections at a time. Each holds a few kilobytes, for a few milliseconds unless somebody is slow on purpose.
const MAX_CONNECTIONS: usize = 512;
/// An Asterisk has said what it has to say by then: it writes its whole environment at once.
const ENVIRONMENT_PATIENCE: Duration = Duration::from_secs(2);
/// The variables are set by then: Asterisk needs microseconds for each.
const COMMANDS_PATIENCE: Duration = Duration::from_secs(2);
/// Pause after the system refused to accept (out of descriptors): others may be closed meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long running questions may take once the process stops.
const STOP_PATIENCE: Duration = Duration::from_secs(3);

/// Answers FastAGI until cancelled.
pub async fn serve(listener: TcpListener, state: AppState, cancel: CancellationToken) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                let metrics = &state.hooks.0.metrics;
                if !is_allowed(&state.config.hooks.networks, peer) {
                    metrics.refused("network");
                    tracing::warn!(%peer, "refused FastAGI from an address that is not in agi_networks");
                    continue;
                }
                // Whoever is turned away is off at once, and the call goes on by its fallback.
                let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                    metrics.refused("full");
                    continue;
                };
                let _ = socket.set_nodelay(true);
                let state = state.clone();
                connections.spawn(async move {
                    let connected = &state.hooks.0.metrics.connections;
                    connected.inc();
                    if let Err(error) = converse(socket, &state).await {
                        state.hooks.0.metrics.refused("protocol");
                        tracing::debug!(%peer, %error, "a FastAGI connection ended early");
                    }
                    connected.dec();
                    drop(place);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "cannot accept FastAGI for the moment");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    let _ = timeout(STOP_PATIENCE, connections.wait()).await;
}

/// Whether FastAGI is taken from there.
fn is_allowed(networks: &[IpNet], peer: SocketAddr) -> bool {
    let address: IpAddr = peer.ip().to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

/// Why a conversation ended early.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("took too long")]
    Slow,
    #[error("the other side went")]
    Gone,
}

async fn converse(mut socket: TcpStream, state: &AppState) -> Result<(), Ended> {
    let environment = timeout(ENVIRONMENT_PATIENCE, environment(&mut socket)).await.map_err(|_| Ended::Slow)??;
    let received = Instant::now();
    let Some(answer) = answer(state, &environment, received).await else { return Ok(()) };
    timeout(COMMANDS_PATIENCE, set_all(&mut socket, &answer)).await.map_err(|_| Ended::Slow)?
}

async fn environment(socket: &mut TcpStream) -> Result<Environment, Ended> {
    let mut gathering = Gathering::default();
    let mut piece = [0; 4096];
    loop {
        match socket.read(&mut piece).await? {
            0 => return Err(Ended::Gone),
            read => {
                if let Some(environment) = gathering.feed(&piece[..read])? {
                    return Ok(environment);
                }
            }
        }
    }
}

/// `None`: there is no such hook, and nothing to say.
async fn answer(state: &AppState, environment: &Environment, received: Instant) -> Option<Answer> {
    let script = environment.get("network_script")?;
    let name = script.split('?').next().unwrap_or_default();
    let Some(hook) = Hook::parse(name.trim_matches('/')) else {
        state.hooks.0.metrics.refused("protocol");
        tracing::warn!(hook = %name.escape_debug(), "a dialplan asks for a hook that does not exist");
        return None;
    };
    let ask = Ask::of_agi(hook, environment);
    let came = (Via::Agi, received);
    match &ask.token {
        None => Some(state.hooks.answer(state, hook, &ask, None, came).await),
        Some(token) => match state.hooks.tokens().holder(token) {
            Some(holder) => Some(state.hooks.answer(state, hook, &ask, Some(&holder), came).await),
            None => Some(state.hooks.denied(hook, came)),
        },
    }
}

/// Sets the variables one by one: Asterisk looks for the next command when it has done the one before.
async fn set_all(socket: &mut TcpStream, answer: &Answer) -> Result<(), Ended> {
    let mut answers = Answers::default();
    let mut piece = [0; 512];
    for (name, value) in answer.vars.iter() {
        socket.write_all(set_variable(name, value).as_bytes()).await?;
        while answers.next()?.is_none() {
            match socket.read(&mut piece).await? {
                0 => return Err(Ended::Gone),
                read => answers.feed(&piece[..read])?,
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_configured_networks_are_let_in() {
        let networks: Vec<IpNet> = ["127.0.0.0/8", "10.1.0.0/16"].map(|text| text.parse().unwrap()).to_vec();
        for (peer, allowed) in [
            ("127.0.0.1:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("10.1.2.3:1", true),
            ("10.2.2.3:1", false),
            ("[::1]:1", false),
        ] {
            assert_eq!(is_allowed(&networks, peer.parse().unwrap()), allowed, "{peer}");
        }
    }
}
