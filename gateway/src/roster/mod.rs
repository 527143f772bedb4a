//! Who belongs to which tenant and may do what there, and the API keys: kept in memory, so that no request asks the database.
//!
//! A token says who somebody is; the roster says what they may do. So a changed role, a removed member or a revoked key counts for
//! the next request, however long the token still lives. PostgreSQL tells of changes (`trunkline_rights`, with the tenant as
//! payload); this node's own are read at once. A notification that was lost is made up for by reading everything now and then.
//!
//! A member whom the roster does not know is one who was removed, or one who signed in after the roster was last read. The time at
//! which the token was issued tells the two apart: a token that is younger than the reading is believed in what it says of the role,
//! and the roster is read again at once.

mod store;

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ipnet::IpNet;
use subtle::ConstantTimeEq as _;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use trunkline_db::{AgentId, ApiKeyId, Db, DbError, Role, RoleId, TenantId, UserId};

use crate::auth::{Identity, Principal, Via};
use crate::http::{Permissions, Rights};
use crate::state::AppState;

pub use trunkline_calls::Sight;

/// Clocks of several nodes may differ by so much, and tokens count whole seconds.
const CLOCKS: TimeDelta = TimeDelta::seconds(2);
/// How long to gather changes before looking: an import is one change, not a thousand.
const GATHER: Duration = Duration::from_millis(100);
/// How often to read everything without having been told.
const READ_EVERY: Duration = Duration::from_secs(30);
/// Changes of more tenants than this at once are read as a whole.
const MANY: usize = 32;
/// How long a key without an end may hold a stream open.
const KEY_LIFE: TimeDelta = TimeDelta::days(365);

/// The roster. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Roster(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    // Held for a look-up or a swap, never across an await.
    tables: RwLock<Tables>,
    /// One reads at a time, so that an older reading never replaces a newer one.
    reading: tokio::sync::Mutex<()>,
    /// Somebody was met who is not known.
    stranger: Notify,
}

#[derive(Debug, Default)]
struct Tables {
    /// When everything was last read; `None` before the first time.
    read_at: Option<DateTime<Utc>>,
    tenants: HashMap<TenantId, Arc<Tenant>>,
    prefixes: HashMap<String, (TenantId, ApiKeyId)>,
}

#[derive(Debug)]
struct Tenant {
    read_at: DateTime<Utc>,
    /// Suspended, or being removed: nobody comes in, however young their token is.
    closed: bool,
    members: HashMap<UserId, Member>,
    keys: HashMap<ApiKeyId, Arc<KnownKey>>,
}

/// A member, as far as rights go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The built-in role.
    pub role: Role,
    /// The role of the tenant's own that counts instead, and its name.
    pub custom_role: Option<(RoleId, String)>,
    /// What comes of it, with what a superadmin may do beside.
    pub rights: Rights,
    /// The other members of the teams that they lead.
    pub led: Vec<AgentId>,
}

/// An API key that may be used.
#[derive(Debug)]
pub struct KnownKey {
    /// What the database says of it.
    pub facts: KeyFacts,
    /// What was counted and not yet written.
    pub uses: Arc<Uses>,
}

/// What the database says of a key.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyFacts {
    /// Its id.
    pub id: ApiKeyId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Who made it; it acts for that member.
    pub user: UserId,
    /// Its open part.
    pub prefix: String,
    secret_hash: [u8; 32],
    /// The secret before the last rotation, and until when it is good.
    previous: Option<([u8; 32], DateTime<Utc>)>,
    /// What it may do, as far as its maker may.
    pub permissions: Permissions,
    /// Whether it may be used from [`networks`](Self::networks) only.
    pub restricted: bool,
    /// Where it may be used from.
    pub networks: Vec<IpNet>,
    /// Its own limit.
    pub per_second: Option<u32>,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
}

impl std::fmt::Debug for KeyFacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyFacts").field("id", &self.id).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// Counters of a key since they were last written.
#[derive(Debug, Default)]
pub struct Uses {
    requests: AtomicU64,
    refused: AtomicU64,
    /// Milliseconds since 1970.
    last_at: AtomicI64,
    last_from: Mutex<Option<IpAddr>>,
}

/// Counters that were taken to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Whose key.
    pub tenant: TenantId,
    /// Which key.
    pub key: ApiKeyId,
    /// Requests that were let in.
    pub requests: u64,
    /// Requests beyond the limit.
    pub refused: u64,
    /// The last of them.
    pub at: DateTime<Utc>,
    /// Where it came from.
    pub from: IpAddr,
}

impl Uses {
    /// Counts a request.
    pub fn count(&self, from: IpAddr, refused: bool, now: DateTime<Utc>) {
        let counter = if refused { &self.refused } else { &self.requests };
        counter.fetch_add(1, Ordering::Relaxed);
        self.last_at.fetch_max(now.timestamp_millis(), Ordering::Relaxed);
        let mut last = self.last_from.lock().unwrap_or_else(PoisonError::into_inner);
        if *last != Some(from) {
            *last = Some(from);
        }
    }

    fn take(&self) -> Option<(u64, u64, DateTime<Utc>, IpAddr)> {
        let (requests, refused) = (self.requests.swap(0, Ordering::Relaxed), self.refused.swap(0, Ordering::Relaxed));
        if requests == 0 && refused == 0 {
            return None;
        }
        let at = DateTime::from_timestamp_millis(self.last_at.load(Ordering::Relaxed))?;
        let from = (*self.last_from.lock().unwrap_or_else(PoisonError::into_inner))?;
        Some((requests, refused, at, from))
    }
}

impl Tenant {
    fn empty(read_at: DateTime<Utc>) -> Self {
        Self { read_at, closed: false, members: HashMap::new(), keys: HashMap::new() }
    }

    fn says_the_same(&self, other: &Self) -> bool {
        let facts = |tenant: &Self| -> HashMap<ApiKeyId, KeyFacts> {
            tenant.keys.iter().map(|(id, key)| (*id, key.facts.clone())).collect()
        };
        self.closed == other.closed && self.members == other.members && facts(self) == facts(other)
    }
}

impl KeyFacts {
    /// Whether it may be used from `address`.
    pub fn admits(&self, address: IpAddr) -> bool {
        !self.restricted || self.networks.iter().any(|network| network.contains(&address))
    }

    /// Until when a secret with this hash is good; `None` when it is not.
    fn good_until(&self, hash: &[u8; 32], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let end = self.expires_at.unwrap_or(now + KEY_LIFE);
        // Both are compared, always: how long it takes tells nothing of which one fits.
        let current = bool::from(self.secret_hash.ct_eq(hash));
        let previous = self.previous.filter(|(previous, _)| bool::from(previous.ct_eq(hash))).map(|(_, until)| until);
        let until = if current { end } else { previous?.min(end) };
        (until > now).then_some(until)
    }
}

impl Roster {
    /// Reads everything.
    pub async fn load(db: &Db) -> Result<Self, DbError> {
        let roster = Self::default();
        roster.refresh(db, None).await?;
        Ok(roster)
    }

    /// Reads one tenant's part anew, or everything; true when something is another.
    pub async fn refresh(&self, db: &Db, tenant: Option<TenantId>) -> Result<bool, DbError> {
        let _one_at_a_time = self.0.reading.lock().await;
        let begun = Utc::now();
        let read = store::read(db, tenant).await?;
        let mut tables = self.0.tables.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = false;
        if tenant.is_none() {
            tables.read_at = Some(begun);
            let gone: Vec<TenantId> = tables.tenants.keys().filter(|id| !read.contains_key(id)).copied().collect();
            changed |= !gone.is_empty();
            for id in gone {
                tables.tenants.remove(&id);
            }
            tables.prefixes.retain(|_, (tenant, _)| read.contains_key(tenant));
        }
        for (id, mut new) in read {
            let old = tables.tenants.get(&id).cloned();
            if let Some(old) = &old {
                for (key, known) in &mut new.keys {
                    // What was counted stays with the key.
                    if let (Some(before), Some(known)) = (old.keys.get(key), Arc::get_mut(known)) {
                        known.uses = Arc::clone(&before.uses);
                    }
                }
                for key in old.keys.values() {
                    tables.prefixes.remove(&key.facts.prefix);
                }
            }
            changed |= old.is_none_or(|old| !old.says_the_same(&new));
            for (key, known) in &new.keys {
                tables.prefixes.insert(known.facts.prefix.clone(), (id, *key));
            }
            tables.tenants.insert(id, Arc::new(new));
        }
        Ok(changed)
    }

    /// What somebody may do now; `None`: they may not come in any more.
    pub fn principal(&self, who: &Identity) -> Option<Principal> {
        let tables = self.tables();
        let tenant = tables.tenants.get(&who.tenant);
        if tenant.is_some_and(|tenant| tenant.closed) {
            return None;
        }
        match who.via {
            Via::SignIn => {
                if let Some(member) = tenant.and_then(|tenant| tenant.members.get(&who.user)) {
                    return Some(who.with(member.role, member.rights));
                }
                let read_at = tenant.map(|tenant| tenant.read_at).or(tables.read_at);
                drop(tables);
                if read_at.is_some_and(|read_at| who.issued_at + CLOCKS < read_at) {
                    return None;
                }
                self.0.stranger.notify_one();
                Some(who.with(who.role, Rights::of(who.role)))
            }
            Via::ApiKey(id) => {
                let tenant = tenant?;
                let key = tenant.keys.get(&id)?;
                let member = tenant.members.get(&key.facts.user)?;
                let ended = key.facts.expires_at.is_some_and(|end| end <= Utc::now());
                (!ended).then(|| acting(&key.facts, member, who.issued_at, who.expires_at))
            }
        }
    }

    /// The key with this prefix, and who it acts for, if a secret with this hash is good now.
    pub fn key(&self, prefix: &str, secret_hash: &[u8; 32], now: DateTime<Utc>) -> Option<(Arc<KnownKey>, Principal)> {
        let tables = self.tables();
        let (tenant, id) = tables.prefixes.get(prefix)?;
        let tenant = tables.tenants.get(tenant)?;
        let key = tenant.keys.get(id)?;
        let until = key.facts.good_until(secret_hash, now)?;
        // A key ends with its maker's membership.
        let member = tenant.members.get(&key.facts.user)?;
        Some((Arc::clone(key), acting(&key.facts, member, now, until)))
    }

    /// A key by its id.
    pub fn key_of(&self, tenant: TenantId, id: ApiKeyId) -> Option<Arc<KnownKey>> {
        self.tables().tenants.get(&tenant)?.keys.get(&id).cloned()
    }

    /// A member.
    pub fn member(&self, tenant: TenantId, user: UserId) -> Option<Member> {
        self.tables().tenants.get(&tenant)?.members.get(&user).cloned()
    }

    /// What somebody sees of the tenant's work.
    pub fn sight(&self, principal: &Principal) -> Sight {
        let led = self.member(principal.tenant, principal.user).map(|member| member.led).unwrap_or_default();
        Sight { all: principal.sees_all(), user: principal.user, led }
    }

    /// Takes the counters of all keys, to be written.
    pub fn take_counted(&self) -> Vec<Counted> {
        let tables = self.tables();
        let keys = tables.tenants.values().flat_map(|tenant| tenant.keys.values());
        keys.filter_map(|key| {
            let (requests, refused, at, from) = key.uses.take()?;
            Some(Counted { tenant: key.facts.tenant, key: key.facts.id, requests, refused, at, from })
        })
        .collect()
    }

    /// Gives back what could not be written.
    pub fn put_back(&self, counted: &[Counted]) {
        for counted in counted {
            if let Some(key) = self.key_of(counted.tenant, counted.key) {
                key.uses.requests.fetch_add(counted.requests, Ordering::Relaxed);
                key.uses.refused.fetch_add(counted.refused, Ordering::Relaxed);
            }
        }
    }

    fn tables(&self) -> RwLockReadGuard<'_, Tables> {
        self.0.tables.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The principal of a key: its maker, with what both may do.
fn acting(key: &KeyFacts, maker: &Member, issued_at: DateTime<Utc>, expires_at: DateTime<Utc>) -> Principal {
    let who = Identity {
        tenant: key.tenant,
        user: key.user,
        role: maker.role,
        session: key.id.uuid(),
        via: Via::ApiKey(key.id),
        must_change_password: false,
        issued_at,
        expires_at,
    };
    let permissions = key.permissions.and(maker.rights.permissions);
    who.with(maker.role, Rights { permissions, reach: maker.rights.reach })
}

/// Keeps the roster as the database has it; open streams look at their rights whenever something has changed.
pub async fn watch(state: AppState, cancel: CancellationToken) {
    let watching = async {
        loop {
            if let Err(error) = watch_once(&state).await {
                tracing::debug!(%error, "cannot watch who may do what; trying again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    };
    tokio::select! {
        () = cancel.cancelled() => {}
        () = watching => {}
    }
}

async fn watch_once(state: &AppState) -> Result<(), DbError> {
    let mut listener = state.db.listen(&["trunkline_rights"]).await?;
    let mut changed: Option<BTreeSet<TenantId>> = None;
    loop {
        // None: everything.
        let tenants: Vec<Option<TenantId>> = match changed.take() {
            Some(tenants) if tenants.len() <= MANY => tenants.into_iter().map(Some).collect(),
            _ => vec![None],
        };
        for tenant in tenants {
            refresh(state, tenant).await?;
        }
        let told = tokio::select! {
            told = listener.next() => Some(told?),
            () = state.roster.0.stranger.notified() => None,
            () = tokio::time::sleep(READ_EVERY) => None,
        };
        let until = Instant::now() + GATHER;
        let mut known = told.as_ref().and_then(|told| told.payload.parse().ok()).map(|tenant| BTreeSet::from([tenant]));
        while let Ok(more) = tokio::time::timeout_at(until, listener.next()).await {
            if let (Some(known), Ok(tenant)) = (&mut known, more?.payload.parse()) {
                known.insert(tenant);
            }
        }
        changed = known;
    }
}

/// Reads a tenant's part anew and lets open streams look at their rights: after a change of this node's own.
pub async fn refresh(state: &AppState, tenant: Option<TenantId>) -> Result<(), DbError> {
    if state.roster.refresh(&state.db, tenant).await? {
        state.sessions.wake_all();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::http::{Permission, Reach};

    fn identity(tenant: TenantId, user: UserId, issued_at: DateTime<Utc>) -> Identity {
        Identity {
            tenant,
            user,
            role: Role::Manager,
            session: Uuid::now_v7(),
            via: Via::SignIn,
            must_change_password: false,
            issued_at,
            expires_at: issued_at + TimeDelta::seconds(900),
        }
    }

    fn roster(tenant: TenantId, user: UserId, rights: Rights, key: KeyFacts) -> Roster {
        let now = Utc::now();
        let member = Member { role: Role::Client, custom_role: None, rights, led: Vec::new() };
        let known = Arc::new(KnownKey { facts: key.clone(), uses: Arc::default() });
        let part =
            Tenant { read_at: now, closed: false, members: [(user, member)].into(), keys: [(key.id, known)].into() };
        let roster = Roster::default();
        *roster.0.tables.write().unwrap() = Tables {
            read_at: Some(now),
            tenants: [(tenant, Arc::new(part))].into(),
            prefixes: [(key.prefix, (tenant, key.id))].into(),
        };
        roster
    }

    fn facts(tenant: TenantId, user: UserId) -> KeyFacts {
        KeyFacts {
            id: ApiKeyId::new(),
            tenant,
            user,
            prefix: "abcdefghij".to_owned(),
            secret_hash: [1; 32],
            previous: None,
            permissions: [Permission::CallsRead, Permission::CallsControl].into_iter().collect(),
            restricted: false,
            networks: Vec::new(),
            per_second: None,
            expires_at: None,
        }
    }

    #[test]
    fn the_roster_counts_and_not_what_the_token_says() {
        let (tenant, user) = (TenantId::new(), UserId::new());
        let rights = Rights { permissions: Permissions::NONE.with(Permission::CallsRead), reach: Reach::Member };
        let roster = roster(tenant, user, rights, facts(tenant, user));
        let now = roster.principal(&identity(tenant, user, Utc::now())).unwrap();
        assert!(now.may(Permission::CallsRead) && !now.may(Permission::RecordingsRead) && !now.sees_all());
    }

    #[test]
    fn an_unknown_member_was_removed_unless_the_token_is_younger_than_the_roster() {
        let (tenant, user) = (TenantId::new(), UserId::new());
        let roster = roster(tenant, UserId::new(), Rights::NONE, facts(tenant, user));
        assert!(roster.principal(&identity(tenant, user, Utc::now() - TimeDelta::seconds(10))).is_none());
        let newcomer = roster.principal(&identity(tenant, user, Utc::now())).unwrap();
        assert!(newcomer.may(Permission::RecordingsDownload), "a manager, as the token says");
        let elsewhere = identity(TenantId::new(), user, Utc::now() - TimeDelta::seconds(10));
        assert!(roster.principal(&elsewhere).is_none(), "of a tenant that is not there any more");
    }

    #[test]
    fn nobody_comes_into_a_closed_tenant_however_young_their_token_is() {
        let (tenant, user) = (TenantId::new(), UserId::new());
        let roster = roster(tenant, user, Rights::NONE, facts(tenant, user));
        let part = Tenant { closed: true, ..Tenant::empty(Utc::now()) };
        roster.0.tables.write().unwrap().tenants.insert(tenant, Arc::new(part));
        assert!(roster.principal(&identity(tenant, user, Utc::now())).is_none());
        assert!(roster.key("abcdefghij", &[1; 32], Utc::now()).is_none());
    }

    #[test]
    fn a_key_may_what_both_it_and_its_maker_may() {
        let (tenant, user) = (TenantId::new(), UserId::new());
        let rights = Rights { permissions: Permissions::NONE.with(Permission::CallsRead), reach: Reach::Member };
        let roster = roster(tenant, user, rights, facts(tenant, user));
        let (_, principal) = roster.key("abcdefghij", &[1; 32], Utc::now()).unwrap();
        assert!(principal.may(Permission::CallsRead) && !principal.may(Permission::CallsControl));
        assert_eq!(roster.principal(&principal.identity()), Some(principal));
        assert!(roster.key("abcdefghij", &[2; 32], Utc::now()).is_none());
        assert!(roster.key("bbcdefghij", &[1; 32], Utc::now()).is_none());
    }

    #[test]
    fn the_secret_before_a_rotation_is_good_until_its_time() {
        let now = Utc::now();
        let mut key = facts(TenantId::new(), UserId::new());
        key.previous = Some(([2; 32], now + TimeDelta::seconds(60)));
        assert_eq!(key.good_until(&[2; 32], now), Some(now + TimeDelta::seconds(60)));
        assert_eq!(key.good_until(&[2; 32], now + TimeDelta::seconds(60)), None);
        key.expires_at = Some(now + TimeDelta::seconds(30));
        assert_eq!(key.good_until(&[2; 32], now), Some(now + TimeDelta::seconds(30)));
        assert_eq!(key.good_until(&[1; 32], now + TimeDelta::seconds(30)), None);
    }

    #[test]
    fn a_restricted_key_admits_its_networks_alone() {
        let mut key = facts(TenantId::new(), UserId::new());
        assert!(key.admits("192.0.2.7".parse().unwrap()));
        key.restricted = true;
        assert!(!key.admits("192.0.2.7".parse().unwrap()), "networks that cannot be read admit nobody");
        key.networks = vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
        assert!(key.admits("192.0.2.7".parse().unwrap()) && key.admits("2001:db8::1".parse().unwrap()));
        assert!(!key.admits("198.51.100.1".parse().unwrap()));
    }
}
