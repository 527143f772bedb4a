//! What a packet costs: the pure timeline alone, then all of it, from a loopback socket to files.
//!
//! `cargo run --release -p trunkline-media --example throughput -- [calls] [seconds]`
//!
//! CPU time is that of the receiving and writing threads, read from `/proc/self/task`; the sender is another thread
//! and does not count, though on loopback it does most of the kernel's receive work (0.9 to 1.6 µs a packet).

use std::error::Error;
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use rtp_rs::RtpPacketBuilder;
use trunkline_media::recorder::{Side, StereoSink, Timeline};
use trunkline_media::{Media, MediaConfig, RecordingSpec};
use uuid::Uuid;

/// Counts what comes out, so that nothing is optimised away.
#[derive(Debug, Default)]
struct Count(u64);

impl StereoSink for Count {
    fn audio(&mut self, frames: &[[i16; 2]]) {
        self.0 += frames.iter().filter(|frame| frame[0] != 0).count() as u64;
    }

    fn silence(&mut self, _frames: u64) {}
}

fn packet(ssrc: u32, n: u32) -> Vec<u8> {
    RtpPacketBuilder::new()
        .payload_type(0)
        .ssrc(ssrc)
        .sequence((n as u16).into())
        .timestamp(n * 160)
        .payload(&[(n % 251) as u8; 160])
        .build()
        .expect("a sound packet")
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u32>());
    let calls = arguments.next().transpose()?.unwrap_or(500);
    let seconds = arguments.next().transpose()?.unwrap_or(10);
    pure(calls);
    whole(calls, seconds)
}

/// The timelines of `calls` calls, a minute each, packet by packet in turn.
fn pure(calls: u32) {
    let packets: Vec<_> = (0..3_000).map(|n| (packet(1, n), packet(2, n))).collect();
    let mut timelines: Vec<_> = (0..calls).map(|_| (Timeline::new(), Count::default())).collect();
    let began = Instant::now();
    for (n, (agent, customer)) in (0_u64..).zip(&packets) {
        let at = Duration::from_millis(n * 20);
        for (timeline, count) in &mut timelines {
            timeline.receive(Side::Agent, at, agent);
            timeline.receive(Side::Customer, at, customer);
            if n.is_multiple_of(5) {
                timeline.advance(at, count);
            }
        }
    }
    let per_packet = began.elapsed().as_secs_f64() * 1e6 / f64::from(calls) / packets.len() as f64 / 2.0;
    let frames: u64 = timelines.iter().map(|(_, count)| count.0).sum();
    println!("timeline alone: {per_packet:.3} µs a packet ({calls} calls, {frames} frames)");
}

/// Everything, in real time.
fn whole(calls: u32, seconds: u32) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let media = Media::bind(MediaConfig::new(SocketAddr::from(([127, 0, 0, 1], 0))))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut taps = Vec::new();
    let mut ids = Vec::new();
    for n in 0..calls {
        let (agent, customer) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
        let spec = RecordingSpec {
            id: Uuid::from_u128(n.into()),
            path: folder.path().join(format!("{n}.wav")),
            agent: agent.local_addr()?,
            customer: customer.local_addr()?,
            resume: false,
        };
        ids.push(spec.id);
        runtime.block_on(media.start(spec))?;
        taps.extend([agent, customer]);
    }
    let to = media.local_addr();
    for tap in &taps {
        tap.connect(to)?;
    }
    let packets: Vec<_> = (0..seconds * 50).map(|n| packet(7, n)).collect();
    let before = cpu_seconds();
    let began = Instant::now();
    let sender = thread::spawn(move || {
        for (n, packet) in (0_u64..).zip(&packets) {
            let due = Duration::from_millis(n * 20);
            for (place, tap) in taps.iter().enumerate() {
                // Spread over the 20 ms, as real calls are.
                if place % 64 == 0 {
                    let share = Duration::from_micros(20_000 * place as u64 / taps.len() as u64);
                    thread::sleep((due + share).saturating_sub(began.elapsed()));
                }
                let _ = tap.send(packet);
            }
        }
        taps
    });
    let taps = sender.join().map_err(|_| "the sender panicked")?;
    let sent = u64::from(seconds) * 50 * taps.len() as u64;
    while media.stats().packets < sent && began.elapsed() < Duration::from_secs(u64::from(seconds) + 5) {
        thread::sleep(Duration::from_millis(20));
    }
    let after = cpu_seconds();
    let stats = media.stats();
    let mut lost = 0;
    for id in ids {
        lost += runtime.block_on(media.finish(id))?.lost_packets;
    }
    println!(
        "{sent} packets sent, {} received, {lost} lost, {} dropped by the kernel",
        stats.packets, stats.socket_drops
    );
    for (name, before, after) in [("receive", before.0, after.0), ("write", before.1, after.1)] {
        println!("{name}: {:.3} µs of CPU a packet", (after - before) * 1e6 / stats.packets as f64);
    }
    let spent = (after.0 - before.0 + after.1 - before.1) / stats.packets as f64;
    println!("all: {:.3} µs, {:.0} streams a core", spent * 1e6, 1.0 / (spent * 50.0));
    println!("load: {}", fs::read_to_string("/proc/loadavg")?.trim());
    Ok(())
}

/// CPU seconds of the receiving and of the writing threads.
fn cpu_seconds() -> (f64, f64) {
    let mut spent = (0.0, 0.0);
    for task in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let read = |file: &str| fs::read_to_string(task.path().join(file)).unwrap_or_default();
        let nanoseconds: f64 =
            read("schedstat").split_ascii_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(0.0);
        match read("comm").trim() {
            "media-rtp" => spent.0 += nanoseconds / 1e9,
            "media-writer" => spent.1 += nanoseconds / 1e9,
            _ => {}
        }
    }
    spent
}
