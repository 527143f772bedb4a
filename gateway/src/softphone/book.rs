//! Which softphones there are: one for each sign-in that asked for one. Pure; the clock is an argument.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use trunkline_db::{AgentId, DeviceId, TenantId};
use uuid::Uuid;

use crate::secrets::Secret;

/// How long credentials are good for. An access token, without which they cannot be renewed, lasts a quarter of that: a database
/// that is away for half an hour costs nobody the phone.
pub(crate) const LIFE: TimeDelta = TimeDelta::hours(1);
/// Most softphones of one agent; beyond, the one that would end first gives way. Somebody who never signs out of old browsers must
/// not be kept from working in a new one.
pub(super) const MOST_PER_AGENT: usize = 8;
/// Renewals in a row that a sign-in may have.
const BURST: i64 = 20;
/// After this long one more is allowed.
const REFILL: TimeDelta = TimeDelta::seconds(3);

/// A browser that is a phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Softphone {
    /// The sign-in that it belongs to, and ends with.
    pub(crate) session: Uuid,
    /// Its id among the agent's devices.
    pub(crate) device: DeviceId,
    /// Whose it is.
    pub(crate) tenant: TenantId,
    /// The agent whose calls ring here.
    pub(crate) agent: AgentId,
    /// SIP user name; stays the same for as long as the softphone is there.
    pub(crate) username: String,
    /// Hex MD5 of `username:realm:password`.
    pub(crate) ha1: Secret,
    /// When its credentials end.
    pub(crate) expires_at: DateTime<Utc>,
}

/// Who asks for credentials.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking {
    pub(crate) session: Uuid,
    pub(crate) tenant: TenantId,
    pub(crate) agent: AgentId,
}

/// Too many renewals; one more may be had after this long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooOften(pub(crate) TimeDelta);

/// All softphones.
#[derive(Debug, Default)]
pub(super) struct Book {
    by_session: BTreeMap<Uuid, Softphone>,
    /// When each sign-in's renewals are all forgiven: now or earlier means that none is counted.
    forgiven_at: BTreeMap<Uuid, DateTime<Utc>>,
}

impl Book {
    /// The softphones that an earlier life of the gateway knew.
    pub(super) fn restored(softphones: Vec<Softphone>) -> Self {
        Self { by_session: softphones.into_iter().map(|phone| (phone.session, phone)).collect(), ..Self::default() }
    }

    /// Makes a sign-in's softphone, or renews it. `name` and `ha1` give its user name, if it is new, and what is kept of its
    /// password. True beside it when it is new.
    pub(super) fn renew(
        &mut self,
        now: DateTime<Utc>,
        asking: Asking,
        name: impl FnOnce() -> String,
        ha1: impl FnOnce(&str) -> Secret,
    ) -> Result<(Softphone, bool), TooOften> {
        self.count(now, asking.session)?;
        let known = self
            .by_session
            .get(&asking.session)
            .filter(|known| known.tenant == asking.tenant && known.agent == asking.agent);
        let fresh = known.is_none();
        let (device, username) =
            known.map_or_else(|| (DeviceId::new(), name()), |known| (known.device, known.username.clone()));
        let softphone = Softphone {
            session: asking.session,
            device,
            tenant: asking.tenant,
            agent: asking.agent,
            ha1: ha1(&username),
            username,
            expires_at: now + LIFE,
        };
        if fresh {
            self.make_room(asking);
        }
        self.by_session.insert(asking.session, softphone.clone());
        Ok((softphone, fresh))
    }

    fn count(&mut self, now: DateTime<Utc>, session: Uuid) -> Result<(), TooOften> {
        self.forgiven_at.retain(|_, at| *at > now);
        let at = self.forgiven_at.get(&session).copied().unwrap_or(now) + REFILL;
        let allowed = now + REFILL * i32::try_from(BURST).unwrap_or(i32::MAX);
        if at > allowed {
            return Err(TooOften(at - allowed));
        }
        self.forgiven_at.insert(session, at);
        Ok(())
    }

    fn make_room(&mut self, asking: Asking) {
        loop {
            let mut own: Vec<(DateTime<Utc>, Uuid)> = self
                .by_session
                .values()
                .filter(|phone| (phone.tenant, phone.agent) == (asking.tenant, asking.agent))
                .map(|phone| (phone.expires_at, phone.session))
                .collect();
            if own.len() < MOST_PER_AGENT {
                return;
            }
            own.sort_unstable();
            self.by_session.remove(&own[0].1);
        }
    }

    /// Lets the softphones of sign-ins that have ended expire now. Whether there were any.
    pub(super) fn end(&mut self, now: DateTime<Utc>, is_ended: impl Fn(Uuid) -> bool) -> bool {
        let ending = self.by_session.values_mut().filter(|phone| phone.expires_at > now && is_ended(phone.session));
        ending.map(|phone| phone.expires_at = now).count() > 0
    }

    /// Removes what has expired, but for the phones of agents on a call: without its endpoint Asterisk would refuse a phone the
    /// request that hangs up. Whether anything was removed.
    pub(super) fn sweep(&mut self, now: DateTime<Utc>, on_a_call: impl Fn(TenantId, AgentId) -> bool) -> bool {
        let before = self.by_session.len();
        self.by_session.retain(|_, phone| phone.expires_at > now || on_a_call(phone.tenant, phone.agent));
        self.by_session.len() < before
    }

    /// All softphones.
    pub(super) fn all(&self) -> impl Iterator<Item = &Softphone> {
        self.by_session.values()
    }

    /// The softphone of a sign-in.
    pub(super) fn of_session(&self, session: Uuid) -> Option<&Softphone> {
        self.by_session.get(&session)
    }

    /// Whether there is a softphone of this name.
    pub(super) fn has(&self, username: &str) -> bool {
        self.by_session.values().any(|phone| phone.username == username)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn start() -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_800_000_000_000).unwrap()
    }

    fn somebody() -> Asking {
        Asking { session: Uuid::now_v7(), tenant: TenantId::new(), agent: AgentId::new() }
    }

    fn renew(book: &mut Book, now: DateTime<Utc>, asking: Asking, ha1: &str) -> Result<(Softphone, bool), TooOften> {
        book.renew(now, asking, || format!("demo-web-{}", Uuid::now_v7().simple()), |_| Secret::new(ha1))
    }

    #[test]
    fn a_renewal_changes_the_password_and_nothing_else() {
        let (mut book, asking) = (Book::default(), somebody());
        let (first, fresh) = renew(&mut book, start(), asking, "one").unwrap();
        assert!(fresh);
        let later = start() + TimeDelta::minutes(30);
        let (second, fresh) = renew(&mut book, later, asking, "two").unwrap();
        assert!(!fresh);
        assert_eq!(second, Softphone { ha1: Secret::new("two"), expires_at: later + LIFE, ..first });
        assert_eq!(book.all().count(), 1);
    }

    #[test]
    fn what_expired_is_removed_once_its_agent_has_no_call() {
        let (mut book, asking) = (Book::default(), somebody());
        renew(&mut book, start(), asking, "one").unwrap();
        assert!(!book.sweep(start() + LIFE - TimeDelta::seconds(1), |_, _| false));
        assert!(!book.sweep(start() + LIFE, |_, _| true));
        assert!(book.sweep(start() + LIFE, |_, _| false));
        assert_eq!(book.all().count(), 0);
    }

    #[test]
    fn a_sign_in_that_ends_takes_its_softphone_along() {
        let (mut book, one, other) = (Book::default(), somebody(), somebody());
        renew(&mut book, start(), one, "one").unwrap();
        renew(&mut book, start(), other, "other").unwrap();
        assert!(book.end(start(), |session| session == one.session));
        assert!(!book.end(start(), |session| session == one.session));
        assert!(book.sweep(start(), |_, _| false));
        assert_eq!(book.all().map(|phone| phone.session).collect::<Vec<_>>(), [other.session]);
    }

    #[test]
    fn who_asks_too_often_waits() {
        let (mut book, asking) = (Book::default(), somebody());
        for _ in 0..BURST {
            renew(&mut book, start(), asking, "x").unwrap();
        }
        assert_eq!(renew(&mut book, start(), asking, "x"), Err(TooOften(REFILL)));
        assert!(renew(&mut book, start(), somebody(), "x").is_ok(), "others do not wait");
        assert!(renew(&mut book, start() + REFILL, asking, "x").is_ok());
    }

    #[test]
    fn a_ninth_browser_takes_the_place_of_the_one_that_would_end_first() {
        let (mut book, first) = (Book::default(), somebody());
        for index in 0..9 {
            let asking = Asking { session: Uuid::now_v7(), ..first };
            renew(&mut book, start() + TimeDelta::seconds(index), asking, &index.to_string()).unwrap();
        }
        let mut left: Vec<_> = book.all().map(|phone| phone.ha1.expose().to_owned()).collect();
        left.sort();
        assert_eq!(left, ["1", "2", "3", "4", "5", "6", "7", "8"]);
    }

    proptest! {
        #[test]
        fn whatever_is_asked_nobody_has_too_many_and_names_are_told_apart(
            steps in prop::collection::vec((0..12_usize, 0..4_u8, 0..4000_i64), 1..200),
        ) {
            let (tenant, agents) = (TenantId::new(), [AgentId::new(), AgentId::new()]);
            let sessions: Vec<_> = (0..12).map(|_| Uuid::now_v7()).collect();
            let (mut book, mut now) = (Book::default(), start());
            for (who, what, seconds) in steps {
                now += TimeDelta::seconds(seconds);
                let asking = Asking { session: sessions[who], tenant, agent: agents[who % 2] };
                match what {
                    0 | 1 => { let _ = renew(&mut book, now, asking, "x"); }
                    2 => { book.end(now, |session| session == sessions[who]); }
                    _ => { book.sweep(now, |_, agent| agent == agents[1]); }
                }
                for agent in agents {
                    prop_assert!(book.all().filter(|phone| phone.agent == agent).count() <= MOST_PER_AGENT);
                }
                let names: std::collections::BTreeSet<_> = book.all().map(|phone| &phone.username).collect();
                prop_assert_eq!(names.len(), book.all().count());
                prop_assert!(book.all().all(|phone| phone.expires_at <= now + LIFE));
            }
        }
    }
}
