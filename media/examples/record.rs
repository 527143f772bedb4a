//! Records a call of two synthetic parties for three seconds and says what is in the file.
//!
//! `cargo run -p trunkline-media --example record -- /tmp/call.wav`

use std::error::Error;
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use rtp_rs::RtpPacketBuilder;
use trunkline_media::analysis::{Recorded, tone};
use trunkline_media::g711::Law;
use trunkline_media::{Media, MediaConfig, RecordingSpec};
use uuid::Uuid;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("call.wav"), PathBuf::from);
    let media = Media::bind(MediaConfig::new(SocketAddr::from(([127, 0, 0, 1], 0))))?;

    // In real life: two external-media channels of Asterisk, told to send to `media.local_addr()`.
    let (agent, customer) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    let id = Uuid::now_v7();
    let spec = RecordingSpec {
        id,
        path: path.clone(),
        agent: agent.local_addr()?,
        customer: customer.local_addr()?,
        resume: false,
    };
    let started = media.start(spec).await?;
    println!("recording since {:?} ago", SystemTime::now().duration_since(started.started_at)?);

    let mut clock = tokio::time::interval(Duration::from_millis(20));
    for n in 0..150_u16 {
        clock.tick().await;
        for (socket, hertz) in [(&agent, 440.0), (&customer, 1_000.0)] {
            let samples = tone(hertz, -12.0, 8_000, u64::from(n) * 160, 160);
            let payload: Vec<u8> = samples.into_iter().map(|sample| Law::Mu.encode(sample)).collect();
            let packet = RtpPacketBuilder::new()
                .payload_type(0)
                .sequence(n.into())
                .timestamp(u32::from(n) * 160)
                .payload(&payload)
                .build()
                .map_err(|error| format!("{error:?}"))?;
            socket.send_to(&packet, media.local_addr())?;
        }
    }

    let finished = media.finish(id).await?;
    println!("{finished:#?}");
    let recorded = Recorded::read(&path)?;
    println!("left, 440 Hz: {:.1} dB", recorded.tone_level(0, 100..2_900, 440.0));
    println!("right, 1,000 Hz: {:.1} dB", recorded.tone_level(1, 100..2_900, 1_000.0));
    Ok(())
}
