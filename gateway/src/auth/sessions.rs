//! Sign-ins that were ended while their access tokens still run.
//!
//! An access token is valid by its signature alone, for at most fifteen minutes. A sign-in that is ended here (logout, a reused
//! refresh token) is remembered for that long, so that this node refuses its tokens and closes its streams at once. Other nodes
//! and a restarted one let the token run out; what ends for good, the refresh token, is in the database.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use uuid::Uuid;

use super::ACCESS_TOKEN_SECONDS;

/// The ended sign-ins of the last fifteen minutes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sessions {
    // Held for a look-up or an insert, never across an await: a std lock is the cheapest.
    ended: Arc<RwLock<HashMap<Uuid, Instant>>>,
    changed: Arc<watch::Sender<()>>,
}

impl Sessions {
    /// None ended yet.
    pub fn new() -> Self {
        Self { ended: Arc::default(), changed: Arc::new(watch::Sender::new(())) }
    }

    /// Refuses the tokens of a sign-in from now on.
    pub fn end(&self, session: Uuid) {
        let now = Instant::now();
        let life = Duration::from_secs(ACCESS_TOKEN_SECONDS.unsigned_abs());
        let mut ended = self.ended.write().unwrap_or_else(PoisonError::into_inner);
        ended.retain(|_, until| *until > now);
        ended.insert(session, now + life);
        drop(ended);
        self.changed.send_replace(());
    }

    /// Whether a sign-in was ended.
    pub fn is_ended(&self, session: Uuid) -> bool {
        self.ended.read().unwrap_or_else(PoisonError::into_inner).contains_key(&session)
    }

    /// Wakes all who watch: the process stops.
    pub fn wake_all(&self) {
        self.changed.send_replace(());
    }

    /// Wakes whenever some sign-in was ended, or the process stops.
    pub fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self::new()
    }
}
