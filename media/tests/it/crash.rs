//! A process dies in the middle of a call, and another goes on.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use trunkline_media::analysis::Recorded;
use trunkline_media::file::{part_path, sidecar_path};
use trunkline_media::{GapReason, Media, MediaConfig, RecordingSpec, recover};

use crate::support::{Call, assert_silent, assert_tones, config, finish_on_time, received, until, within};

/// Reads frames from the header of a file that is being written.
fn playable_ms(path: &std::path::Path) -> u64 {
    Recorded::read(path).expect("a WAV file at any time").duration_ms()
}

#[tokio::test]
async fn another_media_on_the_same_port_goes_on_with_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("call.wav");
    let media = Media::bind(config()).expect("bound");
    let address = media.local_addr();
    let mut call = Call::new(address);
    let spec = call.spec(&path);
    let begun = media.start(spec.clone()).await.expect("started");
    call.talk(Duration::from_secs(2)).await;
    drop(media);
    let died = begun.started_at.elapsed().expect("in the past").as_millis() as u64;
    assert!(part_path(&path).exists() && sidecar_path(&path).exists() && !path.exists());

    // The parties go on talking.
    call.talk(Duration::from_secs(1)).await;
    let media = Media::bind(MediaConfig::new(address)).expect("the port is free at once");
    let spec = RecordingSpec { resume: true, ..spec };
    let started = media.start(spec.clone()).await.expect("resumed");
    assert!(started.resumed_after_ms.is_some_and(|ms| ms > 500 && ms <= died), "{started:?}");
    call.talk(Duration::from_secs(1)).await;
    assert_eq!(started.started_at, begun.started_at);
    let finished = finish_on_time(&media, spec.id, begun.started_at, 40).await;

    let [gap] = finished.gaps[..] else { panic!("{:?}", finished.gaps) };
    assert_eq!(gap.reason, GapReason::Outage);
    assert!(gap.from_ms <= died && gap.to_ms.abs_diff(died + 1_000) < 200, "{gap:?}, died at {died}");
    let recorded = Recorded::read(&path).expect("a WAV file");
    assert_tones(&recorded, 100..gap.from_ms - 10);
    // The first packet may have been a little slow: the sound begins up to 40 ms before it was there.
    assert_silent(&recorded, gap.from_ms + 70..gap.to_ms - 40);
    assert_tones(&recorded, gap.to_ms + 60..finished.duration_ms - 60);
    assert!(!part_path(&path).exists() && !sidecar_path(&path).exists());
}

#[tokio::test]
async fn a_planned_restart_loses_only_what_nobody_received() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("call.wav");
    let media = Media::bind(config()).expect("bound");
    let address = media.local_addr();
    let mut call = Call::new(address);
    let spec = call.spec(&path);
    media.start(spec.clone()).await.expect("started");
    call.talk(Duration::from_millis(700)).await;
    received(&media, call.agent.sent() + call.customer.sent()).await;
    within("the close", media.close()).await;
    assert_eq!(media.stats().active_recordings, 0);
    assert!(playable_ms(&part_path(&path)) >= 680);
    drop(media);

    let media = Media::bind(MediaConfig::new(address)).expect("bound");
    let started = media.start(RecordingSpec { resume: true, ..spec.clone() }).await.expect("resumed");
    assert!(started.resumed_after_ms.is_some_and(|ms| ms >= 680), "{started:?}");
    call.talk(Duration::from_millis(400)).await;
    let finished = media.finish(spec.id).await.expect("finished");
    let outage: u64 = finished.gaps.iter().map(|gap| gap.to_ms - gap.from_ms).sum();
    assert!(outage < 300, "{:?}", finished.gaps);
    assert_tones(&Recorded::read(&path).expect("a WAV file"), 100..650);
}

#[tokio::test]
async fn resuming_what_was_never_begun_begins_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("call.wav");
    let media = Media::bind(config()).expect("bound");
    let mut call = Call::new(media.local_addr());
    let spec = RecordingSpec { resume: true, ..call.spec(&path) };
    let started = media.start(spec.clone()).await.expect("started");
    assert_eq!(started.resumed_after_ms, None);
    call.talk(Duration::from_millis(300)).await;
    let finished = media.finish(spec.id).await.expect("finished");
    assert_eq!(finished.gaps, []);
    assert!(finished.duration_ms >= 280);
}

#[tokio::test]
async fn without_its_sidecar_a_file_is_continued_by_its_age() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("call.wav");
    let media = Media::bind(config()).expect("bound");
    let mut call = Call::new(media.local_addr());
    let spec = call.spec(&path);
    let begun = media.start(spec.clone()).await.expect("started");
    call.talk(Duration::from_secs(2)).await;
    drop(media);
    std::fs::write(sidecar_path(&path), b"{\"version\": 1, \"id\": ").expect("damaged");
    let media = Media::bind(MediaConfig::new(call.destination())).expect("bound");
    media.start(RecordingSpec { resume: true, ..spec.clone() }).await.expect("resumed");
    call.talk(Duration::from_millis(500)).await;
    finish_on_time(&media, spec.id, begun.started_at, 700).await;
}

/// Run by the test below in a process of its own, which is killed.
#[test]
#[ignore = "the child of kill_minus_nine_leaves_a_recording"]
fn record_until_killed() {
    let Ok(path) = std::env::var("TRUNKLINE_MEDIA_TEST_PATH") else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let media = Media::bind(config()).expect("bound");
        let mut call = Call::new(media.local_addr());
        media.start(call.spec(path.as_ref())).await.expect("started");
        call.talk(Duration::from_mins(10)).await;
    });
}

#[tokio::test]
async fn kill_minus_nine_leaves_a_recording() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("call.wav");
    let began = Instant::now();
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "crash::record_until_killed", "--ignored", "--nocapture"])
        .env("TRUNKLINE_MEDIA_TEST_PATH", &path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a child");
    let part = part_path(&path);
    until("a second and a half of recording", || {
        std::fs::metadata(&part).is_ok_and(|status| status.len() > 44 + 48_000)
    })
    .await;
    assert!(recover(&path).is_err(), "a running recording cannot be taken away");
    child.kill().expect("killed");
    child.wait().expect("gone");
    let lasted = began.elapsed().as_millis() as u64;

    let recovered = tokio::task::spawn_blocking({
        let path = path.clone();
        move || recover(&path)
    });
    let finished = recovered.await.expect("no panic").expect("recovered");
    assert!(finished.duration_ms >= 1_500 && finished.duration_ms <= lasted, "{} ms", finished.duration_ms);
    assert!(finished.started_at.is_some());
    assert_tones(&Recorded::read(&path).expect("a WAV file"), 100..finished.duration_ms - 50);
}

#[tokio::test]
async fn what_was_paused_when_the_process_died_stays_paused_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("call.wav");
    let media = Media::bind(config()).expect("bound");
    let address = media.local_addr();
    let mut call = Call::new(address);
    let spec = call.spec(&path);
    let begun = media.start(spec.clone()).await.expect("started");
    assert!(!begun.paused);
    call.talk(Duration::from_millis(600)).await;
    media.pause(spec.id).await.expect("paused");
    // What was said before is on the disk, and that it is paused is beside it.
    call.talk(Duration::from_millis(1_200)).await;
    drop(media);

    let media = Media::bind(MediaConfig::new(address)).expect("bound");
    let started = media.start(RecordingSpec { resume: true, ..spec.clone() }).await.expect("resumed");
    assert!(started.paused, "{started:?}");
    call.talk(Duration::from_millis(600)).await;
    media.resume(spec.id).await.expect("goes on");
    call.talk(Duration::from_millis(600)).await;
    let finished = media.finish(spec.id).await.expect("finished");
    let paused: Vec<_> = finished.gaps.iter().filter(|gap| gap.reason == GapReason::Paused).collect();
    let [gap] = paused[..] else { panic!("{:?}", finished.gaps) };
    assert!(gap.from_ms.abs_diff(600) < 200 && gap.to_ms - gap.from_ms > 1_500, "{gap:?}");
    let recorded = Recorded::read(&path).expect("a WAV file");
    assert_tones(&recorded, 100..gap.from_ms - 50);
    assert_silent(&recorded, gap.from_ms + 1..gap.to_ms - 1);
    assert_tones(&recorded, gap.to_ms + 50..gap.to_ms + 400);
}
