//! Who failed how often, and who is barred: no clock, no socket.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// So many failures …
pub(super) const FAILURES: usize = 10;
/// … within so long bar an address …
pub(super) const WINDOW: Duration = Duration::from_mins(1);
/// … for so long. An office whose phone has a wrong password is not locked out for long; a guesser gets some ten tries in two minutes.
pub(super) const BARRED: Duration = Duration::from_mins(1);
/// An address from which somebody signed in within so long …
pub(super) const KNOWN_FOR: Duration = Duration::from_mins(10);
/// … is barred after so many failures only: one phone with a wrong password must not silence the office behind the same address.
pub(super) const FAILURES_OF_KNOWN: usize = 100;
/// Addresses remembered at most: an attacker with many addresses must not fill the memory.
const REMEMBERED: usize = 10_000;

/// Failed sign-ins by address.
#[derive(Debug, Default)]
pub(super) struct FailedSignIns {
    failures: HashMap<IpAddr, VecDeque<Instant>>,
    barred: HashMap<IpAddr, Instant>,
    /// When somebody last signed in from there.
    known: HashMap<IpAddr, Instant>,
}

impl FailedSignIns {
    /// Takes note of a phone that signed in.
    pub(super) fn succeeded(&mut self, address: IpAddr, now: Instant) {
        if self.known.len() >= REMEMBERED {
            self.known.retain(|_, at| now.duration_since(*at) < KNOWN_FOR);
        }
        if self.known.len() < REMEMBERED || self.known.contains_key(&address) {
            self.known.insert(address, now);
        }
    }

    /// Takes note of a failure. True when the address is to be barred now.
    pub(super) fn failed(&mut self, address: IpAddr, now: Instant) -> bool {
        if self.barred.contains_key(&address) {
            return false;
        }
        if self.failures.len() >= REMEMBERED && !self.failures.contains_key(&address) {
            self.forget_old(now);
        }
        let is_known = self.known.get(&address).is_some_and(|at| now.duration_since(*at) < KNOWN_FOR);
        let limit = if is_known { FAILURES_OF_KNOWN } else { FAILURES };
        let times = self.failures.entry(address).or_default();
        while times.front().is_some_and(|time| now.duration_since(*time) >= WINDOW) {
            times.pop_front();
        }
        times.push_back(now);
        if times.len() < limit {
            return false;
        }
        self.failures.remove(&address);
        self.barred.insert(address, now + BARRED);
        true
    }

    /// Addresses that an earlier life of the gateway barred: their time begins anew, and ends.
    pub(super) fn take_over(&mut self, addresses: impl IntoIterator<Item = IpAddr>, now: Instant) {
        self.barred.extend(addresses.into_iter().map(|address| (address, now + BARRED)));
    }

    /// Who is barred now.
    pub(super) fn barred(&self) -> impl Iterator<Item = &IpAddr> {
        self.barred.keys()
    }

    /// Addresses whose time is over; they are forgotten.
    pub(super) fn over(&mut self, now: Instant) -> Vec<IpAddr> {
        self.barred.extract_if(|_, until| *until <= now).map(|(address, _)| address).collect()
    }

    /// When the next address's time is over.
    pub(super) fn next_over(&self) -> Option<Instant> {
        self.barred.values().min().copied()
    }

    /// Makes room: first the addresses with nothing in the window, then the one that failed longest ago.
    fn forget_old(&mut self, now: Instant) {
        self.failures.retain(|_, times| times.back().is_some_and(|time| now.duration_since(*time) < WINDOW));
        if self.failures.len() >= REMEMBERED
            && let Some(oldest) =
                self.failures.iter().min_by_key(|(_, times)| times.back().copied()).map(|(address, _)| *address)
        {
            self.failures.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn the_tenth_failure_within_a_minute_bars_and_a_minute_later_it_is_over() {
        let (mut sign_ins, start) = (FailedSignIns::default(), Instant::now());
        for n in 0..9 {
            assert!(!sign_ins.failed(address(1), start + Duration::from_secs(n)));
            assert!(!sign_ins.failed(address(2), start + Duration::from_secs(20 * n)));
        }
        let now = start + Duration::from_secs(10);
        assert!(sign_ins.failed(address(1), now));
        // What was under way when it was barred counts no more.
        assert!(!sign_ins.failed(address(1), now));
        assert_eq!(sign_ins.next_over(), Some(now + BARRED));
        assert!(sign_ins.over(now + Duration::from_secs(59)).is_empty());
        assert_eq!(sign_ins.over(now + BARRED), [address(1)]);
        assert!(!sign_ins.failed(address(1), now + BARRED));
    }

    #[test]
    fn slow_failures_bar_nobody() {
        let (mut sign_ins, start) = (FailedSignIns::default(), Instant::now());
        for n in 0..100 {
            assert!(!sign_ins.failed(address(1), start + Duration::from_secs(7 * n)));
        }
    }

    #[test]
    fn one_phone_with_a_wrong_password_does_not_silence_an_office() {
        let (mut sign_ins, start) = (FailedSignIns::default(), Instant::now());
        sign_ins.succeeded(address(1), start);
        let second = |n: usize| start + Duration::from_millis(500 * n as u64);
        assert!((1..FAILURES_OF_KNOWN).all(|n| !sign_ins.failed(address(1), second(n))));
        assert!(sign_ins.failed(address(1), second(FAILURES_OF_KNOWN)), "a guesser among them is barred all the same");
        let later = start + KNOWN_FOR + BARRED;
        sign_ins.over(later);
        assert!((1..FAILURES).all(|_| !sign_ins.failed(address(1), later)));
        assert!(sign_ins.failed(address(1), later), "an office that left counts as a stranger again");
    }

    #[test]
    fn what_an_earlier_life_barred_ends_too() {
        let (mut sign_ins, start) = (FailedSignIns::default(), Instant::now());
        sign_ins.take_over([address(1)], start);
        assert!(!sign_ins.failed(address(1), start));
        assert_eq!(sign_ins.over(start + BARRED), [address(1)]);
        assert_eq!(sign_ins.barred().count(), 0);
    }

    #[test]
    fn many_addresses_do_not_fill_the_memory() {
        let (mut sign_ins, start) = (FailedSignIns::default(), Instant::now());
        for n in 0..20_000_u32 {
            sign_ins.failed(IpAddr::from(n.to_be_bytes()), start + Duration::from_micros(u64::from(n)));
        }
        assert!(sign_ins.failures.len() <= REMEMBERED);
    }
}
