//! The threads that write.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::Lane;

/// A lane that has waited so long for a writer shows that all of them are held up.
const HELD_UP: Duration = Duration::from_millis(500);
/// A writer beyond the usual number goes home when there was nothing to do for so long.
const SURPLUS_IDLE: Duration = Duration::from_secs(10);

/// The writers' common queue. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Writers(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    usual: usize,
    most: usize,
    queue: Mutex<Queue>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    ready: VecDeque<(Instant, Arc<Lane>)>,
    idle: usize,
    threads: usize,
    closed: bool,
}

impl Writers {
    /// Starts `usual` threads; up to `most` while some are held up.
    pub(crate) fn start(usual: usize, most: usize) -> io::Result<Self> {
        let usual = usual.max(1);
        let writers =
            Self(Arc::new(Shared { usual, most: most.max(usual), queue: Mutex::default(), wake: Condvar::new() }));
        for _ in 0..usual {
            writers.spawn(&mut writers.0.lock())?;
        }
        Ok(writers)
    }

    /// Puts a lane that asked for it into the queue.
    pub(crate) fn schedule(&self, lane: &Arc<Lane>) {
        let mut queue = self.0.lock();
        queue.ready.push_back((Instant::now(), Arc::clone(lane)));
        self.add_if_held_up(&mut queue);
        drop(queue);
        self.0.wake.notify_one();
    }

    /// Looks whether the queue stands still. To be called now and then, for lanes that ask only once.
    pub(crate) fn watch(&self) {
        self.add_if_held_up(&mut self.0.lock());
    }

    /// Running threads.
    pub(crate) fn threads(&self) -> usize {
        self.0.lock().threads
    }

    /// Lets the threads end when the queue is empty. Does not wait for them: one may be held up for ever.
    pub(crate) fn close(&self) {
        self.0.lock().closed = true;
        self.0.wake.notify_all();
    }

    fn add_if_held_up(&self, queue: &mut MutexGuard<'_, Queue>) {
        let held_up = queue.idle == 0 && queue.ready.front().is_some_and(|(since, _)| since.elapsed() >= HELD_UP);
        if held_up && queue.threads < self.0.most {
            tracing::warn!(threads = queue.threads, "all writers are held up by their files, starting one more");
            if let Err(error) = self.spawn(queue) {
                tracing::error!(%error, "cannot start a writer thread");
            }
        }
    }

    fn spawn(&self, queue: &mut MutexGuard<'_, Queue>) -> io::Result<()> {
        let shared = Arc::clone(&self.0);
        thread::Builder::new().name("media-writer".to_owned()).spawn(move || shared.run())?;
        queue.threads += 1;
        Ok(())
    }
}

impl Shared {
    fn run(&self) {
        let mut queue = self.lock();
        loop {
            if let Some((_, lane)) = queue.ready.pop_front() {
                drop(queue);
                lane.work();
                queue = self.lock();
                continue;
            }
            if queue.closed {
                break;
            }
            queue.idle += 1;
            let (woken, waited) = self.wake.wait_timeout(queue, SURPLUS_IDLE).unwrap_or_else(PoisonError::into_inner);
            queue = woken;
            queue.idle -= 1;
            if waited.timed_out() && queue.ready.is_empty() && queue.threads > self.usual {
                break;
            }
        }
        queue.threads -= 1;
    }

    /// Held for moments only: the receiving threads wait for it.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
