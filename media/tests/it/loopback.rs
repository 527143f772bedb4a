//! From the wire to the file.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use trunkline_media::analysis::Recorded;
use trunkline_media::file::part_path;
use trunkline_media::{BindError, Event, FinishError, GapReason, Media, MediaConfig, StartError, WriteError};

use crate::support::{Call, assert_silent, assert_tones, config, finish_on_time, received, until};

#[tokio::test]
async fn two_sides_become_one_stereo_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("call.wav");
    let media = Media::bind(config()).expect("bound");
    let mut events = media.events();
    let mut call = Call::new(media.local_addr());
    let spec = call.spec(&path);
    let started = media.start(spec.clone()).await.expect("started");
    assert_eq!(started.resumed_after_ms, None);
    assert_eq!(media.stats().active_recordings, 1);

    call.talk(Duration::from_secs(1)).await;
    // Two packets of one side never come: concealed, and counted.
    call.agent.skip(2);
    call.talk(Duration::from_secs(1)).await;
    received(&media, call.agent.sent() + call.customer.sent() - 2).await;
    let finished = finish_on_time(&media, spec.id, started.started_at, 40).await;

    assert_eq!(finished.path, path);
    assert_eq!(finished.bytes, std::fs::metadata(&path).expect("there").len());
    assert_eq!((finished.lost_packets, finished.dropped_ms), (2, 0));
    assert_eq!(finished.gaps, []);
    let recorded = Recorded::read(&path).expect("a WAV file");
    assert!(recorded.duration_ms().abs_diff(finished.duration_ms) <= 1);
    assert_tones(&recorded, 100..900);
    assert_tones(&recorded, 1_200..1_900);

    assert!(matches!(events.try_recv(), Ok(Event::Started { id, .. }) if id == spec.id));
    assert!(matches!(events.try_recv(), Ok(Event::Finished { id, .. }) if id == spec.id));
    assert_eq!(media.stats().active_recordings, 0);
    assert!(matches!(media.finish(spec.id).await, Err(FinishError::Unknown(_))));
}

#[tokio::test]
async fn packets_that_come_before_the_start_are_in_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("call.wav");
    let media = Media::bind(config()).expect("bound");
    let mut call = Call::new(media.local_addr());
    call.talk(Duration::from_millis(500)).await;
    let early = call.agent.sent() + call.customer.sent();
    until("the early packets", || media.stats().bytes >= early * 172).await;
    assert_eq!(media.stats().unknown_source, early);

    let spec = call.spec(&path);
    media.start(spec.clone()).await.expect("started");
    call.talk(Duration::from_millis(500)).await;
    received(&media, call.agent.sent() + call.customer.sent()).await;
    let finished = media.finish(spec.id).await.expect("finished");
    assert!(finished.duration_ms >= 980, "{} ms", finished.duration_ms);
    assert_eq!(finished.lost_packets, 0);
    assert_tones(&Recorded::read(&path).expect("a WAV file"), 20..900);
}

#[tokio::test]
async fn new_taps_go_on_in_the_same_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("call.wav");
    let media = Media::bind(config()).expect("bound");
    let mut call = Call::new(media.local_addr());
    let spec = call.spec(&path);
    let started = media.start(spec.clone()).await.expect("started");
    call.talk(Duration::from_millis(600)).await;

    // The new ones send already when they are made known, the old ones for a while yet.
    let mut anew = Call::new(media.local_addr());
    anew.talk(Duration::from_millis(200)).await;
    let unknown = media.stats().unknown_source;
    media.retarget(spec.id, anew.agent.address(), anew.customer.address()).await.expect("retargeted");
    tokio::join!(call.talk(Duration::from_millis(300)), anew.talk(Duration::from_millis(800)));
    until("the old taps to be strangers", || media.stats().unknown_source > unknown).await;
    let finished = finish_on_time(&media, spec.id, started.started_at, 40).await;
    assert_eq!((finished.lost_packets, finished.agent.restarts, finished.customer.restarts), (0, 1, 1));
    let recorded = Recorded::read(&path).expect("a WAV file");
    assert_tones(&recorded, 100..500);
    assert_tones(&recorded, 700..finished.duration_ms - 60);

    // The old taps are free for another, the new ones are not.
    let other = media.start(call.spec(&folder.path().join("other.wav"))).await;
    assert!(other.is_ok(), "{other:?}");
    assert!(media.retarget(spec.id, anew.agent.address(), anew.customer.address()).await.is_err());
}

#[tokio::test]
async fn a_pause_is_silent_in_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("call.wav");
    let media = Media::bind(config()).expect("bound");
    let mut call = Call::new(media.local_addr());
    let spec = call.spec(&path);
    media.start(spec.clone()).await.expect("started");
    call.talk(Duration::from_millis(600)).await;
    media.pause(spec.id).await.expect("paused");
    call.talk(Duration::from_millis(600)).await;
    media.resume(spec.id).await.expect("resumed");
    call.talk(Duration::from_millis(600)).await;
    let finished = media.finish(spec.id).await.expect("finished");
    let [gap] = finished.gaps[..] else { panic!("{:?}", finished.gaps) };
    assert_eq!(gap.reason, GapReason::Paused);
    assert!(gap.to_ms - gap.from_ms >= 590, "{gap:?}");
    let recorded = Recorded::read(&path).expect("a WAV file");
    assert_tones(&recorded, 100..gap.from_ms - 50);
    assert_silent(&recorded, gap.from_ms + 1..gap.to_ms - 1);
    assert_tones(&recorded, gap.to_ms + 50..gap.to_ms + 500);
}

#[tokio::test]
async fn many_recordings_share_one_socket() {
    let folder = tempfile::tempdir().expect("a folder");
    let media = Media::bind(config()).expect("bound");
    let mut calls = Vec::new();
    for n in 0..20 {
        let call = Call::new(media.local_addr());
        let spec = call.spec(&folder.path().join(format!("{n}.wav")));
        media.start(spec.clone()).await.expect("started");
        calls.push((call, spec));
    }
    let mut talks = tokio::task::JoinSet::new();
    for (mut call, spec) in calls {
        talks.spawn(async move {
            call.talk(Duration::from_secs(1)).await;
            (call, spec)
        });
    }
    let done = talks.join_all().await;
    received(&media, done.iter().map(|(call, _)| call.agent.sent() + call.customer.sent()).sum()).await;
    for (_, spec) in done {
        let finished = media.finish(spec.id).await.expect("finished");
        assert_eq!(finished.lost_packets, 0);
        assert_tones(&Recorded::read(&spec.path).expect("a WAV file"), 200..900);
    }
    assert_eq!(media.stats().socket_drops, 0);
}

#[tokio::test]
async fn several_sockets_divide_the_recordings_the_same_way_every_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let media = Media::bind(MediaConfig { listen: vec![any, any], ..config() }).expect("bound");
    let mut used = std::collections::HashSet::new();
    for n in 0..16 {
        let mut call = Call::new(media.local_addr());
        let mut spec = call.spec(&folder.path().join(format!("{n}.wav")));
        spec.id = uuid::Uuid::from_u128(n);
        let to = media.address_for(spec.id);
        used.insert(to);
        call = Call::new(to);
        spec.agent = call.agent.address();
        spec.customer = call.customer.address();
        media.start(spec.clone()).await.expect("started");
        let before = media.stats().packets;
        call.talk(Duration::from_millis(60)).await;
        received(&media, before + call.agent.sent() + call.customer.sent()).await;
        media.finish(spec.id).await.expect("finished");
    }
    assert_eq!(used.len(), 2);
    assert_eq!(media.stats().unknown_source, 0);
}

#[tokio::test]
async fn what_cannot_be_started_is_refused_by_name_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("call.wav");
    let media = Media::bind(config()).expect("bound");
    let call = Call::new(media.local_addr());
    let spec = call.spec(&path);
    media.start(spec.clone()).await.expect("started");

    let again = trunkline_media::RecordingSpec { path: folder.path().join("b.wav"), ..spec.clone() };
    assert!(matches!(media.start(again).await, Err(StartError::AlreadyRecording(id)) if id == spec.id));
    let resumed = trunkline_media::RecordingSpec { resume: true, ..spec.clone() };
    assert!(matches!(media.start(resumed).await, Err(StartError::AlreadyRecording(id)) if id == spec.id));
    let other = Call::new(media.local_addr());
    let mut stolen = other.spec(&folder.path().join("c.wav"));
    stolen.customer = spec.agent;
    assert!(matches!(media.start(stolen).await, Err(StartError::SourceTaken(source)) if source == spec.agent));
    let mut one_sided = other.spec(&folder.path().join("d.wav"));
    one_sided.customer = one_sided.agent;
    assert!(matches!(media.start(one_sided).await, Err(StartError::SourceTaken(_))));
    assert!(matches!(media.start(other.spec(&path)).await, Err(StartError::Exists(_))));
    let nowhere = other.spec(&folder.path().join("missing/e.wav"));
    assert!(matches!(media.start(nowhere).await, Err(StartError::File(WriteError::NotFound { .. }))));

    until("only one recording", || media.stats().active_recordings == 1).await;
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|entry| entry.extension().is_some_and(|extension| extension == "wav" || extension == "part"))
        .collect();
    assert_eq!(left, [part_path(&path)]);
    // And its sources are free for another.
    media.start(other.spec(&folder.path().join("f.wav"))).await.expect("started");
}

#[tokio::test]
async fn noise_on_the_port_is_counted_and_harmless() {
    let folder = tempfile::tempdir().expect("a folder");
    let media = Media::bind(config()).expect("bound");
    let mut call = Call::new(media.local_addr());
    let spec = call.spec(&folder.path().join("call.wav"));
    media.start(spec.clone()).await.expect("started");
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    for n in 0..300_usize {
        stranger.send_to(&vec![n as u8; n * 7], media.local_addr()).expect("sent");
    }
    call.talk(Duration::from_millis(300)).await;
    received(&media, call.agent.sent() + call.customer.sent()).await;
    until("the noise", || media.stats().unknown_source >= 300).await;
    let finished = media.finish(spec.id).await.expect("finished");
    assert_eq!(finished.lost_packets, 0);
}

#[tokio::test]
async fn a_taken_port_is_refused_with_its_address() {
    let media = Media::bind(config()).expect("bound");
    let taken = MediaConfig::new(media.local_addr());
    match Media::bind(taken.clone()) {
        Err(BindError::Socket { address, source }) => {
            assert_eq!(address, media.local_addr());
            assert_eq!(source.kind(), std::io::ErrorKind::AddrInUse);
        }
        other => panic!("{other:?}"),
    }
    drop(media);
    Media::bind(taken).expect("free as soon as its owner is gone");
}

#[tokio::test]
async fn a_socket_of_both_families_knows_its_ipv4_sources() {
    let folder = tempfile::tempdir().expect("a folder");
    let any = SocketAddr::from((std::net::Ipv6Addr::UNSPECIFIED, 0));
    let media = match Media::bind(MediaConfig::new(any)) {
        Ok(media) => media,
        Err(error) => {
            eprintln!("skipped: no IPv6 here ({error})");
            return;
        }
    };
    let to = SocketAddr::from(([127, 0, 0, 1], media.local_addr().port()));
    let mut call = Call::new(to);
    let spec = call.spec(&folder.path().join("call.wav"));
    media.start(spec.clone()).await.expect("started");
    call.talk(Duration::from_millis(300)).await;
    received(&media, call.agent.sent() + call.customer.sent()).await;
    let finished = media.finish(spec.id).await.expect("finished");
    assert_eq!(finished.lost_packets, 0);
    assert_eq!(media.stats().unknown_source, 0);
}
