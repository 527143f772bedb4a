//! Phones that send tones, and conditions to wait for.

use std::future::Future;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use rtp_rs::RtpPacketBuilder;
use trunkline_media::analysis::{Recorded, tone};
use trunkline_media::g711::Law;
use trunkline_media::{Finished, Media, MediaConfig, RecordingSpec};
use uuid::Uuid;

/// The tone that the agent's side plays, in Hz, and the customer's.
pub(crate) const AGENT_HERTZ: f64 = 440.0;
pub(crate) const CUSTOMER_HERTZ: f64 = 1_000.0;
/// How loud.
pub(crate) const LOUDNESS: f64 = -12.0;

/// A tap: sends 20 ms packets of a tone.
#[derive(Debug)]
pub(crate) struct Tap {
    socket: UdpSocket,
    to: SocketAddr,
    hertz: f64,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    sent: u64,
}

impl Tap {
    pub(crate) fn new(to: SocketAddr, hertz: f64) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        // Both counters wrap within the first second.
        Self { socket, to, hertz, ssrc: hertz as u32, sequence: 65_520, timestamp: 0xffff_f000, sent: 0 }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("bound")
    }

    /// Packets sent, or skipped.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Sends one packet.
    pub(crate) fn send(&mut self) {
        let samples = tone(self.hertz, LOUDNESS, 8_000, self.sent * 160, 160);
        let payload: Vec<u8> = samples.into_iter().map(|sample| Law::Mu.encode(sample)).collect();
        let packet = RtpPacketBuilder::new()
            .payload_type(0)
            .ssrc(self.ssrc)
            .sequence(self.sequence.wrapping_add(self.sent as u16).into())
            .timestamp(self.timestamp.wrapping_add(self.sent as u32 * 160))
            .payload(&payload)
            .build()
            .expect("a sound packet");
        // Nobody may be listening.
        let _ = self.socket.send_to(&packet, self.to);
        self.sent += 1;
    }

    /// Lets the next packets get lost.
    pub(crate) fn skip(&mut self, packets: u64) {
        self.sent += packets;
    }
}

/// Two taps that send in step with the clock.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) agent: Tap,
    pub(crate) customer: Tap,
    began: Instant,
}

impl Call {
    pub(crate) fn new(to: SocketAddr) -> Self {
        Self { agent: Tap::new(to, AGENT_HERTZ), customer: Tap::new(to, CUSTOMER_HERTZ), began: Instant::now() }
    }

    pub(crate) fn spec(&self, path: &Path) -> RecordingSpec {
        RecordingSpec {
            id: Uuid::now_v7(),
            path: path.to_owned(),
            agent: self.agent.address(),
            customer: self.customer.address(),
            resume: false,
        }
    }

    /// Where both send to.
    pub(crate) fn destination(&self) -> SocketAddr {
        self.agent.to
    }

    /// Both talk for so long.
    pub(crate) async fn talk(&mut self, duration: Duration) {
        let until = Instant::now() + duration;
        while Instant::now() < until {
            let due = self.began.elapsed().as_millis() as u64 / 20;
            while self.agent.sent() <= due {
                self.agent.send();
                self.customer.send();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Media on a free port of loopback.
pub(crate) fn config() -> MediaConfig {
    MediaConfig::new(SocketAddr::from(([127, 0, 0, 1], 0)))
}

/// Waits until `condition` holds; fails after 20 s.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    within(what, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

/// Waits for a future; fails after 20 s.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.unwrap_or_else(|_| panic!("not within 20 s: {what}"))
}

/// Ends a recording and checks that the file is as long as it lasted, within `tolerance_ms`: the truth lies between the
/// moment of asking and that of the answer.
pub(crate) async fn finish_on_time(media: &Media, id: Uuid, started_at: SystemTime, tolerance_ms: u64) -> Finished {
    let since = || started_at.elapsed().expect("in the past").as_millis() as u64;
    let asked = since();
    let finished = within("the end", media.finish(id)).await.expect("finished");
    let answered = since();
    assert!(
        finished.duration_ms + tolerance_ms >= asked && finished.duration_ms <= answered + tolerance_ms,
        "{} ms in the file, {asked} to {answered} ms in truth",
        finished.duration_ms
    );
    finished
}

/// Waits until so many packets have been received and counted.
pub(crate) async fn received(media: &Media, packets: u64) {
    until(&format!("{packets} packets"), || media.stats().packets >= packets).await;
}

/// Both tones are where they belong, and only there, in a stretch of the file.
pub(crate) fn assert_tones(recorded: &Recorded, range_ms: std::ops::Range<u64>) {
    for (channel, own, other) in [(0, AGENT_HERTZ, CUSTOMER_HERTZ), (1, CUSTOMER_HERTZ, AGENT_HERTZ)] {
        let (own, other) = (
            recorded.tone_level(channel, range_ms.clone(), own),
            recorded.tone_level(channel, range_ms.clone(), other),
        );
        assert!((own - LOUDNESS).abs() < 1.5, "channel {channel} in {range_ms:?}: {own:.1} dB");
        assert!(other < -40.0, "channel {channel} in {range_ms:?} has the other side's tone: {other:.1} dB");
    }
}

/// Neither side is heard.
pub(crate) fn assert_silent(recorded: &Recorded, range_ms: std::ops::Range<u64>) {
    for channel in [0, 1] {
        let level = recorded.level(channel, range_ms.clone());
        assert!(level < -80.0, "channel {channel} in {range_ms:?}: {level:.1} dB");
    }
}
