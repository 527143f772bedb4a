//! What a packet costs: the pure timeline alone, then all of it, from a loopback socket to files.
//!
//! `cargo run --release -p trunkline-media --example throughput -- [calls] [seconds]`
//!
//! CPU time is that of the receiving and writing threads, read from `/proc/self/task`; the sender is another thread
//! and does not count, though on loopback it does most of the kernel's receive work (0.9 to 1.6 µs a packet).

use std::error::Error;
use std::fs;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rtp_rs::RtpPacketBuilder;
use socket2::SockRef;
use trunkline_media::recorder::{Side, StereoSink, Timeline};
use trunkline_media::{Media, MediaConfig, RecordingSpec};
use uuid::Uuid;

/// Not measured.
const WARM_UP: Duration = Duration::from_secs(3);

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
    floor(calls, seconds)?;
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

/// The least that the kernel asks for: one thread that reads one socket every 2 ms and looks at nothing.
fn floor(calls: u32, seconds: u32) -> Result<(), Box<dyn Error>> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    SockRef::from(&socket).set_recv_buffer_size(4 << 20)?;
    socket.set_nonblocking(true)?;
    let to = socket.local_addr()?;
    let taps = (0..calls * 2).map(|_| UdpSocket::bind("127.0.0.1:0")).collect::<Result<Vec<_>, _>>()?;
    let total = u64::from(seconds) * 50 * u64::from(calls) * 2;
    let reader = thread::Builder::new().name("floor".to_owned()).spawn(move || {
        let (mut received, mut buffer) = (0, [0; 2_048]);
        let began = Instant::now();
        while received < total && began.elapsed() < Duration::from_secs(u64::from(seconds) + 2) {
            while socket.recv_from(&mut buffer).is_ok() {
                received += 1;
            }
            thread::sleep(Duration::from_millis(2));
        }
        (received, cpu_seconds("floor"))
    })?;
    send(taps, to, seconds)?;
    let (received, spent) = reader.join().map_err(|_| "the reader panicked")?;
    println!("floor, recv only: {:.3} µs of CPU a packet", spent * 1e6 / received as f64);
    Ok(())
}

/// Sends from all taps in real time, spread over the 20 ms as real calls are.
fn send(taps: Vec<UdpSocket>, to: SocketAddr, seconds: u32) -> Result<Vec<UdpSocket>, Box<dyn Error>> {
    sender(taps, to, seconds)?.join().map_err(|_| "the sender panicked".into())
}

fn sender(taps: Vec<UdpSocket>, to: SocketAddr, seconds: u32) -> io::Result<JoinHandle<Vec<UdpSocket>>> {
    for tap in &taps {
        tap.connect(to)?;
    }
    let packets: Vec<_> = (0..seconds * 50).map(|n| packet(7, n)).collect();
    thread::Builder::new().name("sender".to_owned()).spawn(move || {
        let began = Instant::now();
        for (n, packet) in (0_u64..).zip(&packets) {
            let due = Duration::from_millis(n * 20);
            for (place, tap) in taps.iter().enumerate() {
                if place % 64 == 0 {
                    let share = Duration::from_micros(20_000 * place as u64 / taps.len() as u64);
                    thread::sleep((due + share).saturating_sub(began.elapsed()));
                }
                let _ = tap.send(packet);
            }
        }
        taps
    })
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
    let streams = taps.len() as u64;
    let began = Instant::now();
    let sender = sender(taps, media.local_addr(), seconds)?;
    // The beginning, with its files and sidecars, is not what a packet costs.
    thread::sleep(WARM_UP);
    let (before, packets_before) = (media_seconds(), media.stats().packets);
    let _taps = sender.join().map_err(|_| "the sender panicked")?;
    let sent = u64::from(seconds) * 50 * streams;
    while media.stats().packets < sent && began.elapsed() < Duration::from_secs(u64::from(seconds) + 5) {
        thread::sleep(Duration::from_millis(20));
    }
    let after = media_seconds();
    let stats = media.stats();
    let counted = (stats.packets - packets_before) as f64;
    let mut lost = 0;
    for id in ids {
        lost += runtime.block_on(media.finish(id))?.lost_packets;
    }
    println!(
        "{sent} packets sent, {} received, {lost} lost, {} dropped by the kernel",
        stats.packets, stats.socket_drops
    );
    for (name, before, after) in [("receive", before.0, after.0), ("write", before.1, after.1)] {
        println!("{name}: {:.3} µs of CPU a packet", (after - before) * 1e6 / counted);
    }
    let spent = (after.0 - before.0 + after.1 - before.1) / counted;
    println!("all: {:.3} µs, {:.0} streams a core", spent * 1e6, 1.0 / (spent * 50.0));
    println!("load: {}", fs::read_to_string("/proc/loadavg")?.trim());
    Ok(())
}

/// CPU seconds of the receiving and of the writing threads.
fn media_seconds() -> (f64, f64) {
    (cpu_seconds("media-rtp"), cpu_seconds("media-writer"))
}

/// CPU seconds of the threads of this name.
fn cpu_seconds(name: &str) -> f64 {
    let mut spent = 0.0;
    for task in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let read = |file: &str| fs::read_to_string(task.path().join(file)).unwrap_or_default();
        if read("comm").trim() == name {
            let nanoseconds = read("schedstat").split_ascii_whitespace().next().and_then(|first| first.parse().ok());
            spent += nanoseconds.unwrap_or(0.0) / 1e9;
        }
    }
    spent
}
