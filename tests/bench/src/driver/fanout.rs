//! Publishing as fast as the deliveries come, and what that costs the server.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};

use super::publisher::Publisher;
use super::{Connections, Endpoint};
use crate::stats::percentile;
use crate::usage::cpu_of_tree;

/// How long the last messages may take to arrive once no more are published.
const LAST: Duration = Duration::from_secs(10);
/// Longest wait for something to read; what could not be published is tried again after it.
const WAIT: Duration = Duration::from_millis(1);

/// When messages are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// So many are on their way at any time; a new one is published when one has reached all its listeners.
    Window(usize),
    /// So many per second, whatever becomes of them.
    PerSecond(u32),
}

/// How a server is loaded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) pace: Pace,
    /// Not measured.
    pub(crate) warm_up: Duration,
    /// Measured.
    pub(crate) span: Duration,
}

/// What was measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) deliveries: u64,
    pub(crate) seconds: f64,
    /// CPU time of the server.
    pub(crate) cpu: Duration,
    /// CPU time of what stands beside it.
    pub(crate) cpu_beside: Duration,
    /// Deliveries that one read of the driver found: more than one where the server (or the driver's lateness) puts them together.
    pub(crate) per_read: f64,
    /// Bytes of a delivery on the wire.
    pub(crate) bytes: f64,
    /// From publishing to the last listener, in microseconds.
    pub(crate) p50: u32,
    pub(crate) p99: u32,
}

impl Measured {
    /// CPU-seconds of the server per million deliveries.
    pub(crate) fn cpu_per_million(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.deliveries as f64
    }

    /// The same for what stands beside it.
    pub(crate) fn beside_per_million(&self) -> f64 {
        self.cpu_beside.as_secs_f64() * 1e6 / self.deliveries as f64
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.deliveries as f64 / self.seconds
    }
}

/// Messages of a channel that are on their way.
#[derive(Debug)]
struct Channel {
    members: u32,
    /// Number of the oldest message on its way.
    oldest: i64,
    /// For each: how many listeners wait for it, and when it was published.
    on_the_way: VecDeque<(u32, Instant)>,
}

#[derive(Debug)]
struct Channels {
    all: Vec<Channel>,
    on_the_way: usize,
    deliveries: u64,
    latencies: Vec<u32>,
}

impl Channels {
    fn of(connections: &Connections) -> Self {
        let mut all: Vec<Channel> = connections
            .heads
            .iter()
            .map(|head| Channel { members: 0, oldest: head + 1, on_the_way: VecDeque::new() })
            .collect();
        for connection in &connections.all {
            all[connection.channel].members += 1;
        }
        Self { all, on_the_way: 0, deliveries: 0, latencies: Vec::new() }
    }

    /// A new message; returns its number.
    fn publish(&mut self, channel: usize, now: Instant) -> i64 {
        let channel = &mut self.all[channel];
        channel.on_the_way.push_back((channel.members, now));
        self.on_the_way += 1;
        channel.oldest + channel.on_the_way.len() as i64 - 1
    }

    /// A message came to one listener.
    fn delivered(&mut self, channel: usize, seq: i64, now: Instant) -> anyhow::Result<()> {
        let channel = &mut self.all[channel];
        let Some((missing, _)) =
            usize::try_from(seq - channel.oldest).ok().and_then(|index| channel.on_the_way.get_mut(index))
        else {
            bail!("message {seq} was never published");
        };
        *missing -= 1;
        self.deliveries += 1;
        while let Some((0, published)) = channel.on_the_way.front() {
            let micros = now.duration_since(*published).as_micros();
            self.latencies.push(u32::try_from(micros).unwrap_or(u32::MAX));
            channel.on_the_way.pop_front();
            channel.oldest += 1;
            self.on_the_way -= 1;
        }
        Ok(())
    }
}

/// Counters at an end of the measured span.
struct Mark {
    at: Instant,
    cpu: Duration,
    beside: Duration,
    deliveries: u64,
    reads: u64,
    bytes: u64,
}

/// Loads a server and measures it; fails when a message is lost, doubled or out of order.
pub(crate) fn measure(endpoint: &Endpoint, connections: &mut Connections, load: Load) -> anyhow::Result<Measured> {
    let mut publisher = Publisher::connect(endpoint)?;
    let mut channels = Channels::of(connections);
    let mark = |channels: &Channels, connections: &Connections| {
        Ok::<_, anyhow::Error>(Mark {
            at: Instant::now(),
            cpu: cpu_of_tree(endpoint.pid)?,
            beside: endpoint.beside.map_or(Ok(Duration::ZERO), cpu_of_tree)?,
            deliveries: channels.deliveries,
            reads: connections.reads,
            bytes: connections.bytes,
        })
    };
    let started = Instant::now();
    let mut published = 0;
    let mut turn = |connections: &mut Connections, channels: &mut Channels, publish: bool| {
        let now = Instant::now();
        let due = |published: usize, on_the_way: usize| match load.pace {
            Pace::Window(window) => on_the_way < window,
            Pace::PerSecond(rate) => (published as f64) < (now - started).as_secs_f64() * f64::from(rate),
        };
        while publish && due(published, channels.on_the_way) {
            let channel = published % channels.all.len();
            let seq = channels.publish(channel, now);
            publisher.publish(channel, seq);
            published += 1;
        }
        publisher.flush()?;
        let mut now = None;
        connections.poll(WAIT, |connection, seq| {
            ensure!(seq == connection.seen + 1, "message {seq} came after {}", connection.seen);
            connection.seen = seq;
            // One look at the clock for all that came together.
            channels.delivered(connection.channel, seq, *now.get_or_insert_with(Instant::now))
        })?;
        publisher.read_answers()
    };

    while started.elapsed() < load.warm_up {
        turn(connections, &mut channels, true)?;
    }
    channels.latencies.clear();
    let before = mark(&channels, connections)?;
    while before.at.elapsed() < load.span {
        turn(connections, &mut channels, true)?;
    }
    let after = mark(&channels, connections)?;
    let mut latencies = std::mem::take(&mut channels.latencies);

    while channels.on_the_way > 0 {
        turn(connections, &mut channels, false)?;
        ensure!(after.at.elapsed() < load.span + LAST, "{} messages never arrived everywhere", channels.on_the_way);
    }
    let deliveries = after.deliveries - before.deliveries;
    ensure!(deliveries > 0, "nothing was delivered");
    Ok(Measured {
        deliveries,
        seconds: (after.at - before.at).as_secs_f64(),
        cpu: after.cpu.saturating_sub(before.cpu),
        cpu_beside: after.beside.saturating_sub(before.beside),
        per_read: deliveries as f64 / (after.reads - before.reads) as f64,
        bytes: (after.bytes - before.bytes) as f64 / deliveries as f64,
        p50: percentile(&mut latencies, 0.5).unwrap_or(0),
        p99: percentile(&mut latencies, 0.99).unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channels() -> Channels {
        let channel = Channel { members: 2, oldest: 8, on_the_way: VecDeque::new() };
        Channels { all: vec![channel], on_the_way: 0, deliveries: 0, latencies: Vec::new() }
    }

    #[test]
    fn a_message_has_arrived_when_all_listeners_have_it() {
        let mut channels = channels();
        let now = Instant::now();
        assert_eq!((channels.publish(0, now), channels.publish(0, now)), (8, 9));
        for seq in [8, 9] {
            channels.delivered(0, seq, now).unwrap();
        }
        assert_eq!((channels.on_the_way, channels.deliveries), (2, 2));
        channels.delivered(0, 8, now).unwrap();
        assert_eq!(channels.on_the_way, 1);
        channels.delivered(0, 9, now).unwrap();
        assert_eq!((channels.on_the_way, channels.latencies.len()), (0, 2));
        assert_eq!(channels.publish(0, now), 10);
    }

    #[test]
    fn a_message_that_was_never_published_is_an_error() {
        let mut channels = channels();
        assert!(channels.delivered(0, 8, Instant::now()).is_err());
        assert!(channels.delivered(0, 7, Instant::now()).is_err());
    }
}
