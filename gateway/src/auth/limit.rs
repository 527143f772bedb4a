//! Limits on failed sign-ins.
//!
//! Guessing is limited per pair of (client address, e-mail): a stranger can use up only the pair of his own address, so nobody can
//! lock somebody else out by guessing badly. Each address has a wider limit too, against trying one password on many accounts;
//! a pair that signed in successfully before is exempt from that one, so that colleagues behind one address are not locked out by
//! the one who guesses. A browser with which the person signed in before counts for itself, and no address's limit binds it: not
//! even somebody behind the same address can keep its owner out. Only failures count.
//!
//! Pure: the clock is an argument.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Failures in a row that a pair may have.
const PAIR_BURST: f64 = 8.0;
/// Time after which one more failure of a pair is forgiven.
const PAIR_REFILL: Duration = Duration::from_secs(30);
/// Failures in a row that an address may have.
const ADDRESS_BURST: f64 = 60.0;
/// Time after which one more failure of an address is forgiven.
const ADDRESS_REFILL: Duration = Duration::from_secs(2);
/// How long a pair that signed in is exempt from its address's limit.
const TRUST: Duration = Duration::from_hours(24 * 7);
/// Entries kept at most per table; beyond, those that forgive themselves soonest go first.
const MAX_ENTRIES: usize = 100_000;

/// Remembers failures; one per process, behind a mutex.
#[derive(Debug, Default)]
pub struct LoginLimits {
    pairs: HashMap<u64, Bucket>,
    addresses: HashMap<IpAddr, Bucket>,
    trusted: HashMap<u64, Instant>,
    hasher: RandomState,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// Failures not yet forgiven.
    level: f64,
    at: Instant,
}

impl Bucket {
    fn level_at(self, now: Instant, refill: Duration) -> f64 {
        (self.level - now.saturating_duration_since(self.at).as_secs_f64() / refill.as_secs_f64()).max(0.0)
    }
}

impl LoginLimits {
    /// Whether an attempt may be made now; otherwise how long to wait. `device`: a browser that the person is known to use.
    pub fn check(&self, address: IpAddr, device: Option<u128>, email: &str, now: Instant) -> Result<(), Duration> {
        let pair = self.pair(address, device, email);
        wait(self.pairs.get(&pair), PAIR_BURST, PAIR_REFILL, now)?;
        let trusted = device.is_some() || self.trusted.get(&pair).is_some_and(|until| *until > now);
        if trusted {
            return Ok(());
        }
        wait(self.addresses.get(&network(address)), ADDRESS_BURST, ADDRESS_REFILL, now)
    }

    /// Counts a failure.
    pub fn failed(&mut self, address: IpAddr, device: Option<u128>, email: &str, now: Instant) {
        let pair = self.pair(address, device, email);
        fill(&mut self.pairs, pair, PAIR_REFILL, now);
        if device.is_some() {
            return;
        }
        fill(&mut self.addresses, network(address), ADDRESS_REFILL, now);
    }

    /// Forgets the pair's failures and trusts it for a while.
    pub fn succeeded(&mut self, address: IpAddr, device: Option<u128>, email: &str, now: Instant) {
        let pair = self.pair(address, None, email);
        self.pairs.remove(&pair);
        if device.is_some() {
            self.pairs.remove(&self.pair(address, device, email));
        }
        if self.trusted.len() >= MAX_ENTRIES {
            self.trusted.retain(|_, until| *until > now + TRUST / 2);
        }
        if self.trusted.len() < MAX_ENTRIES {
            self.trusted.insert(pair, now + TRUST);
        }
    }

    /// A keyed hash, so that an e-mail address of any length costs eight bytes and cannot be aimed at another's bucket.
    fn pair(&self, address: IpAddr, device: Option<u128>, email: &str) -> u64 {
        let address = if device.is_some() { None } else { Some(network(address)) };
        self.hasher.hash_one((address, device, email.to_lowercase()))
    }
}

fn wait(bucket: Option<&Bucket>, burst: f64, refill: Duration, now: Instant) -> Result<(), Duration> {
    let Some(bucket) = bucket else { return Ok(()) };
    let over = bucket.level_at(now, refill) - (burst - 1.0);
    if over <= 0.0 { Ok(()) } else { Err(refill.mul_f64(over)) }
}

fn fill<K: std::hash::Hash + Eq + Copy>(table: &mut HashMap<K, Bucket>, key: K, refill: Duration, now: Instant) {
    if table.len() >= MAX_ENTRIES && !table.contains_key(&key) {
        table.retain(|_, bucket| bucket.level_at(now, refill) > 1.0);
        if table.len() >= MAX_ENTRIES {
            return;
        }
    }
    let bucket = table.entry(key).or_insert(Bucket { level: 0.0, at: now });
    *bucket = Bucket { level: bucket.level_at(now, refill) + 1.0, at: now };
}

/// One customer holds a whole IPv6 /64: counting single addresses there would count nothing.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ATTACKER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 66));
    const OFFICE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    #[test]
    fn guessing_is_stopped_and_forgiven_with_time() {
        let (mut limits, now) = (LoginLimits::default(), Instant::now());
        for _ in 0..8 {
            assert!(limits.check(ATTACKER, None, "ann@demo.test", now).is_ok());
            limits.failed(ATTACKER, None, "ann@demo.test", now);
        }
        let wait = limits.check(ATTACKER, None, "Ann@demo.test", now).unwrap_err();
        assert!(wait <= PAIR_REFILL);
        assert!(limits.check(ATTACKER, None, "ann@demo.test", now + wait).is_ok());
    }

    #[test]
    fn a_stranger_cannot_lock_somebody_out() {
        let (mut limits, now) = (LoginLimits::default(), Instant::now());
        for _ in 0..1000 {
            limits.failed(ATTACKER, None, "ann@demo.test", now);
        }
        assert!(limits.check(OFFICE, None, "ann@demo.test", now).is_ok());
    }

    #[test]
    fn many_accounts_from_one_address_are_limited_but_known_colleagues_are_not_locked_out() {
        let (mut limits, now) = (LoginLimits::default(), Instant::now());
        limits.succeeded(OFFICE, None, "ann@demo.test", now);
        for number in 0..60 {
            limits.failed(OFFICE, None, &format!("user{number}@demo.test"), now);
        }
        assert!(limits.check(OFFICE, None, "another@demo.test", now).is_err());
        assert!(limits.check(OFFICE, None, "ann@demo.test", now).is_ok());
    }

    #[test]
    fn a_known_browser_is_let_through_where_its_address_is_not() {
        let (mut limits, now) = (LoginLimits::default(), Instant::now());
        for _ in 0..200 {
            limits.failed(OFFICE, None, "ann@demo.test", now);
        }
        assert!(limits.check(OFFICE, None, "ann@demo.test", now).is_err());
        assert!(limits.check(OFFICE, Some(7), "ann@demo.test", now).is_ok());
        for _ in 0..8 {
            limits.failed(OFFICE, Some(7), "ann@demo.test", now);
        }
        assert!(limits.check(OFFICE, Some(7), "ann@demo.test", now).is_err(), "but it may not guess for ever");
    }

    #[test]
    fn success_forgets_the_failures_of_the_pair() {
        let (mut limits, now) = (LoginLimits::default(), Instant::now());
        for _ in 0..7 {
            limits.failed(OFFICE, None, "ann@demo.test", now);
        }
        limits.succeeded(OFFICE, None, "ann@demo.test", now);
        for _ in 0..7 {
            assert!(limits.check(OFFICE, None, "ann@demo.test", now).is_ok());
            limits.failed(OFFICE, None, "ann@demo.test", now);
        }
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let (mut limits, now) = (LoginLimits::default(), Instant::now());
        for host in 0..8u16 {
            limits.failed(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, host)), None, "ann@demo.test", now);
        }
        let next = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 9, 9, 9, 9));
        assert!(limits.check(next, None, "ann@demo.test", now).is_err());
    }
}
