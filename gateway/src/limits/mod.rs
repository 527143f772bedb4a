//! How many requests somebody may make: by address, user, API key, tenant and class of route.
//!
//! Each limit is a quota: so many in a while, and a burst. They are counted by a [`RateLimiter`]; the one in memory counts for this
//! node alone. Failed sign-ins have limits of their own beside these ([`LoginLimits`](crate::auth::LoginLimits)), and so have failed
//! SIP sign-ins ([`barring`](crate::telephony::barring)).

mod gcra;
mod header;
mod memory;
mod quota;

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use prometheus::IntCounterVec;
use trunkline_db::{ApiKeyId, TenantId, UserId};
use uuid::Uuid;

pub use header::{RATE_LIMIT, RATE_LIMIT_POLICY, describe};
pub use memory::InMemory;
pub(crate) use quota::parse_limit;
pub use quota::{ParseQuotaError, Quota, RateLimits};

use crate::http::AppError;

/// What kind of route a request is for. Each has buckets of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// All that is not named below.
    Api,
    /// Passwords and refresh tokens are tried here.
    SignIn,
    /// What providers send.
    Webhook,
    /// Softphones' sockets being opened.
    Sip,
    /// Live streams being opened.
    Stream,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 5] = [Self::Api, Self::SignIn, Self::Webhook, Self::Sip, Self::Stream];

    /// The name in `x-rate-limit` and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::SignIn => "sign_in",
            Self::Webhook => "webhook",
            Self::Sip => "sip",
            Self::Stream => "stream",
        }
    }

    /// The class with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == name)
    }
}

/// Whose bucket it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The client's network: an IPv4 address, or 64 bits of an IPv6 one, which is what one customer gets.
    Network(IpAddr),
    /// A person within one tenant.
    User(TenantId, UserId),
    /// A program.
    Key(ApiKeyId),
    /// All of a tenant together.
    Tenant(TenantId),
    /// A connected provider's account.
    Account(Uuid),
}

impl Subject {
    /// That of a client's address.
    pub fn address(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self::Network(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
            v4 @ IpAddr::V4(_) => Self::Network(v4),
        }
    }

    /// The name of the kind, in headers and metrics.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Network(_) => "address",
            Self::User(..) => "user",
            Self::Key(_) => "key",
            Self::Tenant(_) => "tenant",
            Self::Account(_) => "account",
        }
    }

    /// Every kind.
    pub const KINDS: [&'static str; 5] = ["address", "user", "key", "tenant", "account"];
}

/// One bucket from which a request is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// The class.
    pub class: Class,
    /// Whose.
    pub subject: Subject,
    /// How much there is.
    pub quota: Quota,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The bucket that refused; else the one in which least is left.
    pub ask: Ask,
    /// Nanoseconds to wait for the next request; 0: this one may pass.
    pub wait: u64,
    /// Requests that may be made at once after this one.
    pub remaining: u32,
    /// Nanoseconds until the bucket is full again.
    pub full_in: u64,
}

impl Verdict {
    /// Whether the request may pass.
    pub const fn passes(&self) -> bool {
        self.wait == 0
    }

    /// The one that is nearer to its end.
    fn tighter(self, other: Self) -> Self {
        let share = |verdict: &Self| f64::from(verdict.remaining) / f64::from(verdict.ask.quota.burst);
        if share(&other) < share(&self) { other } else { self }
    }
}

/// A verdict that is there, or that somebody else has to be asked for.
pub enum Answer<'a> {
    /// Counted in this process.
    Now(Option<Verdict>),
    /// Counted elsewhere.
    Later(BoxFuture<'a, Option<Verdict>>),
}

impl fmt::Debug for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(verdict) => f.debug_tuple("Now").field(verdict).finish(),
            Self::Later(_) => f.write_str("Later(…)"),
        }
    }
}

impl Answer<'_> {
    /// Waits for it, if it has to be waited for.
    pub async fn get(self) -> Option<Verdict> {
        match self {
            Self::Now(verdict) => verdict,
            Self::Later(verdict) => verdict.await,
        }
    }
}

/// Counts requests. Several nodes need one that they share.
pub trait RateLimiter: fmt::Debug + Send + Sync {
    /// Takes one request from each bucket in turn, until one refuses. `None`: nothing was asked for.
    ///
    /// One that cannot answer (its store is away) lets requests pass: limits guard the service, they are not it.
    fn take<'a>(&'a self, asks: &'a [Ask]) -> Answer<'a>;
}

/// The configured limits, and who counts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Limits {
    rates: RateLimits,
    limiter: Arc<dyn RateLimiter>,
    refused: IntCounterVec,
}

impl Limits {
    /// With the limiter in memory.
    pub fn new(rates: RateLimits, refused: IntCounterVec) -> Self {
        Self::with(rates, Arc::new(InMemory::new()), refused)
    }

    /// With another limiter. `refused` counts by class and kind of subject.
    pub fn with(rates: RateLimits, limiter: Arc<dyn RateLimiter>, refused: IntCounterVec) -> Self {
        // An alert on a missing series never fires.
        for class in Class::ALL {
            for kind in Subject::KINDS {
                refused.with_label_values(&[class.as_str(), kind]);
            }
        }
        Self { rates, limiter, refused }
    }

    /// Before anybody is known: by address.
    pub async fn address(&self, class: Class, address: IpAddr) -> Result<Option<Verdict>, AppError> {
        let quota = match class {
            Class::Api => self.rates.address,
            Class::SignIn => self.rates.sign_in,
            Class::Webhook => self.rates.webhook,
            Class::Sip => self.rates.sip,
            Class::Stream => self.rates.stream,
        };
        let asks = quota.map(|quota| Ask { class, subject: Subject::address(address), quota });
        self.take(asks.as_slice()).await
    }

    /// A person's request, and the tenant's.
    pub async fn user(&self, class: Class, tenant: TenantId, user: UserId) -> Result<Option<Verdict>, AppError> {
        let quota = if class == Class::Stream { self.rates.stream } else { self.rates.user };
        self.of_tenant(class, Subject::User(tenant, user), quota, tenant).await
    }

    /// A program's request, and the tenant's; `per_second` is the key's own limit.
    pub async fn key(
        &self,
        class: Class,
        tenant: TenantId,
        key: ApiKeyId,
        per_second: Option<u32>,
    ) -> Result<Option<Verdict>, AppError> {
        let quota = per_second.map_or(self.rates.key, |number| Some(Quota::per_second(number)));
        self.of_tenant(class, Subject::Key(key), quota, tenant).await
    }

    /// What a provider sends for one account.
    pub async fn account(&self, account: Uuid) -> Result<Option<Verdict>, AppError> {
        let ask = |quota| Ask { class: Class::Webhook, subject: Subject::Account(account), quota };
        self.take(self.rates.webhook.map(ask).as_slice()).await
    }

    async fn of_tenant(
        &self,
        class: Class,
        subject: Subject,
        quota: Option<Quota>,
        tenant: TenantId,
    ) -> Result<Option<Verdict>, AppError> {
        let own = quota.map(|quota| Ask { class, subject, quota });
        let whole = self.rates.tenant.map(|quota| Ask { class, subject: Subject::Tenant(tenant), quota });
        match (own, whole) {
            (Some(own), Some(whole)) => self.take(&[own, whole]).await,
            (own, whole) => self.take(own.or(whole).as_slice()).await,
        }
    }

    async fn take(&self, asks: &[Ask]) -> Result<Option<Verdict>, AppError> {
        let verdict = self.limiter.take(asks).get().await;
        if let Some(verdict) = verdict.filter(|verdict| !verdict.passes()) {
            let Ask { class, subject, .. } = verdict.ask;
            self.refused.with_label_values(&[class.as_str(), subject.kind()]).inc();
            return Err(header::refusal(&verdict));
        }
        Ok(verdict)
    }
}

/// The tighter of two verdicts.
pub fn tighter(one: Option<Verdict>, other: Option<Verdict>) -> Option<Verdict> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.tighter(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customers_addresses_share_a_bucket() {
        let subject = |text: &str| Subject::address(text.parse().unwrap());
        assert_eq!(subject("2001:db8:0:1::1"), subject("2001:db8:0:1:ffff::2"));
        assert_ne!(subject("2001:db8:0:1::1"), subject("2001:db8:0:2::1"));
        assert_eq!(subject("::ffff:192.0.2.1"), subject("192.0.2.1"));
        assert_ne!(subject("192.0.2.1"), subject("192.0.2.2"));
    }
}
