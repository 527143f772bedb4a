//! Sending requests.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, OrGone as _};
use crate::event::Key;
use crate::request::{RawResponse, Request, RequestParts};
use crate::transport::http::HttpTransport;
use crate::transport::rest::SocketRest;
use crate::update::{Counters, State};
use crate::values::HangupReason;
use crate::watch::{Watch, Watches};
use crate::{channels, playbacks, recordings};

/// Sends requests to one Asterisk: `client.channels().answer(id).await`. Cheap to clone.
///
/// Over HTTP it works whenever Asterisk does; over the WebSocket only while one is open, and fails at once with
/// [`Error::Disconnected`] otherwise. No request is ever repeated by itself.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    backend: Backend,
    watches: Arc<Watches>,
    status: Mutex<Status>,
}

/// What the driver last said. The lock is held for a copy.
#[derive(Default)]
struct Status {
    state: Option<State>,
    counters: Counters,
}

pub(crate) enum Backend {
    Http(HttpTransport),
    WebSocket(Arc<SocketRest>),
}

impl Client {
    pub(crate) fn new(backend: Backend) -> Self {
        Self { inner: Arc::new(Inner { backend, watches: Arc::new(Watches::default()), status: Mutex::default() }) }
    }

    /// Sends a request and decodes its answer.
    pub fn execute<T: 'static>(&self, request: Request<T>) -> impl Future<Output = Result<T, Error>> + Send + use<T> {
        let client = self.clone();
        async move {
            let Request { parts, decode } = request;
            let response = client.send(&parts).await?;
            decode(&response.body).map_err(|error| Error::InvalidResponse {
                reason: format!("{} {}: {error}", parts.method.as_str(), parts.path.as_str()),
            })
        }
    }

    /// Sends a request and returns its answer as it is, if the status is 2xx.
    pub async fn send(&self, parts: &RequestParts) -> Result<RawResponse, Error> {
        let response = match &self.inner.backend {
            Backend::Http(http) => http.send(parts).await?,
            Backend::WebSocket(socket) => socket.send(parts).await?,
        };
        if (200..300).contains(&response.status) { Ok(response) } else { Err(Error::from_response(&response)) }
    }

    /// Registers interest in a channel, bridge, playback or recording, best before it exists: choose its id yourself
    /// ([`new_id`]), watch it, then send the request that makes it.
    pub fn watch(&self, key: Key) -> Watch {
        self.inner.watches.add(key)
    }

    /// Hangs a channel up; one that is gone already is success.
    pub async fn hangup(&self, channel_id: &str, reason: HangupReason) -> Result<(), Error> {
        self.channels().hangup(channel_id, channels::Hangup::default().reason(reason)).await.or_gone()
    }

    /// Stops a playback; one that has ended already is success.
    pub async fn stop_playback(&self, playback_id: &str) -> Result<(), Error> {
        self.execute(playbacks::stop(playback_id)).await.or_gone()
    }

    /// Stops and keeps a live recording; one that has ended already is success.
    pub async fn stop_recording(&self, name: &str) -> Result<(), Error> {
        self.execute(recordings::stop(name)).await.or_gone()
    }

    /// Destroys a bridge; one that is gone already is success.
    ///
    /// So is one that Asterisk is just taking down: it has left Stasis, but is still shown, and is answered with 409 instead of 404.
    pub async fn destroy_bridge(&self, bridge_id: &str) -> Result<(), Error> {
        match self.bridges().destroy(bridge_id).await {
            Err(Error::NotInStasis { .. }) => Ok(()),
            answer => answer.or_gone(),
        }
    }

    /// Removes a dynamic configuration object; one that is gone already is success.
    pub async fn forget_object(&self, config_class: &str, object_type: &str, id: &str) -> Result<(), Error> {
        self.asterisk().delete_object(config_class, object_type, id).await.or_gone()
    }

    /// Where the session stands; `None` before its first word.
    pub fn state(&self) -> Option<State> {
        self.inner.status.lock().unwrap_or_else(PoisonError::into_inner).state.clone()
    }

    /// Counts since the session began.
    pub fn counters(&self) -> Counters {
        self.inner.status.lock().unwrap_or_else(PoisonError::into_inner).counters
    }

    pub(crate) fn watches(&self) -> &Watches {
        &self.inner.watches
    }

    pub(crate) fn set_state(&self, state: &State) {
        self.inner.status.lock().unwrap_or_else(PoisonError::into_inner).state = Some(state.clone());
    }

    pub(crate) fn set_counters(&self, counters: Counters) {
        self.inner.status.lock().unwrap_or_else(PoisonError::into_inner).counters = counters;
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = match &self.inner.backend {
            Backend::Http(_) => "http",
            Backend::WebSocket(_) => "websocket",
        };
        f.debug_struct("Client").field("transport", &transport).finish_non_exhaustive()
    }
}

/// A new id for a channel, bridge, playback or recording: unique, and sorted by time (UUID v7).
pub fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}
