use std::collections::BTreeSet;

use crate::model::Domain;

/// What falls due. Of what falls due at once agents come first, then offers, then waiting work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer<D: Domain> {
    Agent(D::Agent),
    Offer(D::Work, D::Agent),
    Work(D::Work),
}

/// Everything that falls due, soonest first. Whoever sets a timer keeps its time, to take it back.
#[derive(Debug)]
pub(super) struct Timers<D: Domain>(BTreeSet<(u64, Timer<D>)>);

impl<D: Domain> Default for Timers<D> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<D: Domain> Timers<D> {
    /// Moves a timer; `kept` is its owner's note of the time.
    pub(super) fn set(&mut self, timer: Timer<D>, kept: &mut Option<u64>, due: Option<u64>) {
        if *kept == due {
            return;
        }
        if let Some(old) = *kept {
            self.0.remove(&(old, timer));
        }
        if let Some(new) = due {
            self.0.insert((new, timer));
        }
        *kept = due;
    }

    /// Sets a timer that was not set.
    pub(super) fn start(&mut self, timer: Timer<D>, due: u64) {
        self.0.insert((due, timer));
    }

    /// Takes back a timer.
    pub(super) fn stop(&mut self, timer: Timer<D>, due: u64) {
        self.0.remove(&(due, timer));
    }

    pub(super) fn next(&self) -> Option<u64> {
        self.0.first().map(|(due, _)| *due)
    }

    /// The first timer that is due, taken off; its owner's note is left to the owner.
    pub(super) fn pop_due(&mut self, now: u64) -> Option<Timer<D>> {
        let (due, _) = self.0.first()?;
        if *due > now {
            return None;
        }
        self.0.pop_first().map(|(_, timer)| timer)
    }
}
