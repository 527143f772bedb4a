//! Connecting to an Asterisk.

use std::sync::Arc;

use crate::client::{Backend, Client};
use crate::config::{Config, Transport};
use crate::driver::{self, Parts, Updates};
use crate::error::ConfigError;
use crate::log::RawLog;
use crate::session::{Role, SessionConfig};
use crate::transport::dial::Dialer;
use crate::transport::http::HttpTransport;
use crate::transport::rest::SocketRest;

/// Begins to connect, on the present tokio runtime, and goes on for ever: whether Asterisk is there is told by
/// [`Updates`], not by the result. Fails only for a configuration that cannot work.
///
/// # Panics
/// Outside of a tokio runtime.
pub fn connect(config: Config) -> Result<(Client, Updates), ConfigError> {
    let target = Arc::new(config.check()?);
    let log = RawLog::open(config.log.as_deref())?;
    let (backend, rest) = match config.transport {
        Transport::Http => (Backend::Http(HttpTransport::new(&target, &config.limits, log.clone())?), None),
        Transport::WebSocket => {
            let rest = Arc::new(SocketRest::new(config.limits.request_timeout));
            (Backend::WebSocket(Arc::clone(&rest)), Some(rest))
        }
    };
    let client = Client::new(backend);
    let dialer = Dialer {
        target,
        apps: config.app.clone().into(),
        subscribe_all: config.subscribe_all,
        limits: config.limits.clone(),
    };
    let session = SessionConfig {
        role: Role::Dialing,
        apps: config.app,
        subscribe_all: config.subscribe_all,
        limits: config.limits,
        seed: rand::random(),
    };
    let parts = Parts { client: client.clone(), rest, dialer: Some(dialer), log, one_socket: false };
    let (updates, _) = driver::start(session, parts);
    Ok((client, updates))
}
