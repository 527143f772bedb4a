//! Who holds live streams: limits per user, and whom to tell when grants change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use trunkline_db::{TenantId, UserId};

use super::grants::Grants;

type Key = (TenantId, UserId);

/// How patient the server is with a stream's client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// The client is asked for a sign of life this often.
    pub ping_every: Duration,
    /// A client that takes nothing, or answers no ping, for this long is not reading.
    pub not_reading: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { ping_every: Duration::from_secs(20), not_reading: Duration::from_secs(30) }
    }
}

/// The open streams of this node. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Streams {
    users: Arc<Mutex<HashMap<Key, User>>>,
    max_per_user: usize,
    timing: Timing,
}

#[derive(Debug)]
struct User {
    open: usize,
    /// What the user's streams may see, as of the newest of them.
    grants: Grants,
}

impl Streams {
    /// None open; each user may hold `max_per_user`.
    pub fn new(max_per_user: usize, timing: Timing) -> Self {
        Self { users: Arc::default(), max_per_user, timing }
    }

    /// How patient the server is.
    pub(super) fn timing(&self) -> Timing {
        self.timing
    }

    /// Streams that are open now.
    pub fn open(&self) -> usize {
        self.users().values().map(|user| user.open).sum()
    }

    /// Counts a stream in; `None` when the user holds too many.
    pub(super) fn enter(&self, tenant: TenantId, user: UserId, grants: Grants) -> Option<Entered> {
        let key = (tenant, user);
        let mut users = self.users();
        let entry = users.entry(key).or_insert_with(|| User { open: 0, grants: grants.clone() });
        if entry.open >= self.max_per_user {
            return None;
        }
        entry.open += 1;
        entry.grants = grants;
        Some(Entered { streams: self.clone(), key })
    }

    /// Notes what a user's streams may see now; true when that differs from before.
    pub(super) fn update(&self, tenant: TenantId, user: UserId, grants: Grants) -> bool {
        match self.users().get_mut(&(tenant, user)) {
            Some(entry) if entry.grants != grants => {
                entry.grants = grants;
                true
            }
            _ => false,
        }
    }

    /// Tenants with streams, and their users.
    pub(super) fn by_tenant(&self) -> HashMap<TenantId, Vec<UserId>> {
        let mut tenants: HashMap<TenantId, Vec<UserId>> = HashMap::new();
        for (tenant, user) in self.users().keys() {
            tenants.entry(*tenant).or_default().push(*user);
        }
        tenants
    }

    /// Held for a look-up at a time, never across an await.
    fn users(&self) -> MutexGuard<'_, HashMap<Key, User>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One open stream; counted out when dropped.
#[derive(Debug)]
pub(super) struct Entered {
    streams: Streams,
    key: Key,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut users = self.streams.users();
        if let Some(user) = users.get_mut(&self.key) {
            user.open -= 1;
            if user.open == 0 {
                users.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_holds_only_so_many_streams_and_gets_room_back() {
        let streams = Streams::new(2, Timing::default());
        let (tenant, user, other) = (TenantId::new(), UserId::new(), UserId::new());
        let first = streams.enter(tenant, user, Grants::All).unwrap();
        let _second = streams.enter(tenant, user, Grants::All).unwrap();
        assert!(streams.enter(tenant, user, Grants::All).is_none());
        assert!(streams.enter(tenant, other, Grants::All).is_some());
        drop(first);
        assert!(streams.enter(tenant, user, Grants::All).is_some());
        assert_eq!(streams.open(), 1);
    }

    #[test]
    fn only_a_change_of_grants_is_news() {
        let streams = Streams::new(2, Timing::default());
        let (tenant, user) = (TenantId::new(), UserId::new());
        assert!(!streams.update(tenant, user, Grants::All), "nobody listens");
        let _open = streams.enter(tenant, user, Grants::All).unwrap();
        assert!(!streams.update(tenant, user, Grants::All));
        assert!(streams.update(tenant, user, Grants::Nothing));
        assert!(!streams.update(tenant, user, Grants::Nothing));
    }
}
