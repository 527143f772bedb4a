//! Disks that freeze and disks that are full.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, SystemTime};

use trunkline_media::analysis::Recorded;
use trunkline_media::file::{Disk, Sink, Storage, part_path};
use trunkline_media::{Event, FinishError, GapReason, Media, MediaConfig, RecordingSpec, WriteError, recover};

use crate::support::{Call, assert_silent, assert_tones, config, finish_on_time, received, until, within};

/// A disk whose files with a given beginning of their name freeze, or have little room.
#[derive(Debug, Clone, Default)]
struct TestDisk(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Writes to files whose name begins so do not return.
    frozen: Option<&'static str>,
    /// Writes that do not return at the moment.
    waiting: usize,
    /// Files whose name begins so cannot grow beyond so many bytes.
    room: Option<(&'static str, u64)>,
}

impl TestDisk {
    fn freeze(&self, names: &'static str) {
        self.0.state.lock().expect("not poisoned").frozen = Some(names);
    }

    fn thaw(&self) {
        self.0.state.lock().expect("not poisoned").frozen = None;
        self.0.changed.notify_all();
    }

    fn limit(&self, names: &'static str, bytes: u64) {
        self.0.state.lock().expect("not poisoned").room = Some((names, bytes));
    }

    fn waiting(&self) -> usize {
        self.0.state.lock().expect("not poisoned").waiting
    }

    fn wrap(&self, path: &Path, sink: Box<dyn Sink>) -> Box<dyn Sink> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Box::new(TestSink { disk: self.clone(), name, sink })
    }
}

/// A file on it.
#[derive(Debug)]
struct TestSink {
    disk: TestDisk,
    name: String,
    sink: Box<dyn Sink>,
}

impl Read for TestSink {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.sink.read(buffer)
    }
}

impl Write for TestSink {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let mut state = self.disk.0.state.lock().expect("not poisoned");
        let frozen = |state: &State| state.frozen.is_some_and(|names| self.name.starts_with(names));
        while frozen(&state) {
            state.waiting += 1;
            state = self.disk.0.changed.wait(state).expect("not poisoned");
            state.waiting -= 1;
        }
        let room = state.room.filter(|(names, _)| self.name.starts_with(names)).map(|(_, bytes)| bytes);
        drop(state);
        let Some(room) = room else { return self.sink.write(octets) };
        // Like a real disk: what fits is written, then there is no more room.
        let at = self.sink.stream_position()?;
        match usize::try_from(room.saturating_sub(at)).unwrap_or(usize::MAX) {
            0 => Err(io::ErrorKind::StorageFull.into()),
            fits => self.sink.write(&octets[..fits.min(octets.len())]),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

impl Seek for TestSink {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.sink.seek(to)
    }
}

impl Sink for TestSink {
    fn sync(&mut self) -> io::Result<()> {
        self.sink.sync()
    }

    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        self.sink.set_len(bytes)
    }
}

impl Storage for TestDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Sink>> {
        Ok(self.wrap(path, Disk.create(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Sink>> {
        Ok(self.wrap(path, Disk.open(path)?))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        Disk.exists(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        Disk.read(path)
    }

    fn replace(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        Disk.replace(path, content)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        Disk.remove(path)
    }

    fn modified(&self, path: &Path) -> io::Result<SystemTime> {
        Disk.modified(path)
    }
}

fn on(disk: &TestDisk) -> MediaConfig {
    MediaConfig { storage: Arc::new(disk.clone()), ..config() }
}

/// Starts a recording with two taps.
async fn record(media: &Media, path: PathBuf) -> (Call, RecordingSpec) {
    let call = Call::new(media.local_addr());
    let spec = call.spec(&path);
    media.start(spec.clone()).await.expect("started");
    (call, spec)
}

async fn talk_both(one: &mut Call, other: &mut Call, duration: Duration) {
    tokio::join!(one.talk(duration), other.talk(duration));
}

#[tokio::test]
async fn a_frozen_disk_loses_nothing_until_the_buffer_is_full() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = TestDisk::default();
    let media = Media::bind(on(&disk)).expect("bound");
    let (mut call, spec) = record(&media, folder.path().join("call.wav")).await;
    disk.freeze("call");
    call.talk(Duration::from_millis(1_500)).await;
    until("a write that does not return", || disk.waiting() == 1).await;
    call.talk(Duration::from_millis(1_500)).await;
    received(&media, call.agent.sent() + call.customer.sent()).await;
    let stats = media.stats();
    assert!(stats.buffered_bytes > 50_000, "{stats:?}");
    disk.thaw();
    until("the buffer to drain", || media.stats().buffered_bytes < 32_000).await;
    let finished = within("the end", media.finish(spec.id)).await.expect("finished");
    assert_eq!((finished.lost_packets, finished.dropped_ms), (0, 0));
    assert_eq!(finished.gaps, []);
    assert_eq!(media.stats().buffered_bytes, 0);
    assert_tones(&Recorded::read(&spec.path).expect("a WAV file"), 100..2_900);
}

#[tokio::test]
async fn past_the_buffer_loss_is_counted_and_other_recordings_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = TestDisk::default();
    // Three seconds: more than the real disk below is ever late on a busy machine.
    let media = Media::bind(MediaConfig { buffer_per_recording: 96_000, ..on(&disk) }).expect("bound");
    let mut frozen = Call::new(media.local_addr());
    let frozen_spec = frozen.spec(&folder.path().join("frozen.wav"));
    let started = media.start(frozen_spec.clone()).await.expect("started");
    let (mut other, other_spec) = record(&media, folder.path().join("other.wav")).await;
    disk.freeze("frozen");
    talk_both(&mut frozen, &mut other, Duration::from_millis(5_500)).await;
    until("a write that does not return", || disk.waiting() == 1).await;
    until("loss to be counted", || media.stats().dropped_ms > 500).await;
    assert!(media.stats().buffered_bytes <= 2 * 96_000);

    // The other one is written and finished meanwhile.
    let finished = within("the other's end", media.finish(other_spec.id)).await.expect("finished");
    assert_eq!((finished.lost_packets, finished.dropped_ms), (0, 0));
    assert_tones(&Recorded::read(&other_spec.path).expect("a WAV file"), 100..5_400);
    assert_eq!(disk.waiting(), 1, "still frozen");

    disk.thaw();
    until("half of the buffer to be free", || media.stats().buffered_bytes < 48_000).await;
    frozen.talk(Duration::from_millis(800)).await;
    let finished = finish_on_time(&media, frozen_spec.id, started.started_at, 40).await;
    assert_eq!(finished.lost_packets, 0);
    assert!(finished.dropped_ms > 500, "{}", finished.dropped_ms);
    let [gap] = finished.gaps[..] else { panic!("{:?}", finished.gaps) };
    assert_eq!(gap.reason, GapReason::DiskTooSlow);
    assert!((gap.to_ms - gap.from_ms).abs_diff(finished.dropped_ms) <= 1);
    let recorded = Recorded::read(&frozen_spec.path).expect("a WAV file");
    // Gaps are listed in whole ms.
    assert_tones(&recorded, 100..gap.from_ms - 1);
    assert_silent(&recorded, gap.from_ms + 1..gap.to_ms - 1);
    assert_tones(&recorded, gap.to_ms + 1..finished.duration_ms - 60);
}

#[tokio::test]
async fn more_writers_come_when_all_are_held_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = TestDisk::default();
    let media = Media::bind(MediaConfig { writers: 2, max_writers: 6, ..on(&disk) }).expect("bound");
    let mut frozen = Vec::new();
    for n in 0..4 {
        frozen.push(record(&media, folder.path().join(format!("frozen{n}.wav"))).await);
    }
    disk.freeze("frozen");
    // Silence is written too: nobody has to talk.
    until("all four to hold up a writer", || disk.waiting() == 4).await;
    let (mut call, spec) = record(&media, folder.path().join("other.wav")).await;
    call.talk(Duration::from_millis(300)).await;
    within("the end", media.finish(spec.id)).await.expect("finished");
    assert!((5..=6).contains(&media.stats().writer_threads), "{:?}", media.stats());
    disk.thaw();
    for (_, spec) in frozen {
        within("the end", media.finish(spec.id)).await.expect("finished");
    }
}

#[tokio::test]
async fn a_dropped_media_does_not_wait_for_a_frozen_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = TestDisk::default();
    let media = Media::bind(on(&disk)).expect("bound");
    let address = media.local_addr();
    let (_call, spec) = record(&media, folder.path().join("frozen.wav")).await;
    disk.freeze("frozen");
    until("a write that does not return", || disk.waiting() == 1).await;
    let finishing = tokio::spawn({
        let media = media.clone();
        async move { media.finish(spec.id).await }
    });
    until("the end to be asked for", || media.stats().active_recordings == 0).await;
    finishing.abort();
    let _ = finishing.await;
    drop(media);
    Media::bind(MediaConfig::new(address)).expect("the port is free");
    disk.thaw();
}

/// A recording fails on a full disk while another one goes on elsewhere.
async fn full_disk(media: &Media, full: PathBuf, other: PathBuf) -> u64 {
    let mut events = media.events();
    let (mut failing, failing_spec) = record(media, full).await;
    let (mut other, other_spec) = record(media, other).await;
    let failed = async {
        loop {
            if let Event::Failed { id, error, kept, duration_ms } = events.recv().await.expect("an event") {
                break (id, error, kept, duration_ms);
            }
        }
    };
    let (id, error, kept, duration_ms) = tokio::select! {
        failed = within("the failure", failed) => failed,
        () = talk_both(&mut failing, &mut other, Duration::from_secs(20)) => panic!("no failure"),
    };
    assert_eq!(id, failing_spec.id);
    assert_eq!(error, WriteError::DiskFull { path: part_path(&failing_spec.path) });
    assert!(error.to_string().contains("no space left"), "{error}");
    assert_eq!(kept, part_path(&failing_spec.path));
    assert_eq!(media.stats().failed, 1);

    // What was written can be played as it lies there.
    let recorded = Recorded::read(&kept).expect("a WAV file");
    assert!(recorded.duration_ms().abs_diff(duration_ms) <= 1, "{} and {duration_ms}", recorded.duration_ms());
    assert_tones(&recorded, 50..duration_ms);

    other.talk(Duration::from_millis(200)).await;
    let finished = within("the other's end", media.finish(other_spec.id)).await.expect("finished");
    assert_eq!(finished.gaps, []);
    assert_tones(&Recorded::read(&other_spec.path).expect("a WAV file"), 100..finished.duration_ms - 60);
    match within("the end", media.finish(failing_spec.id)).await {
        Err(FinishError::Failed { error: again, .. }) => assert_eq!(again, error),
        unexpected => panic!("{unexpected:?}"),
    }
    let path = failing_spec.path.clone();
    let recovered = tokio::task::spawn_blocking(move || recover(&path)).await.expect("no panic").expect("recovered");
    assert_eq!(recovered.duration_ms, duration_ms);
    duration_ms
}

#[tokio::test]
async fn a_full_disk_fails_one_recording_clearly_and_keeps_what_was_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = TestDisk::default();
    let media = Media::bind(on(&disk)).expect("bound");
    // In the middle of a frame, in the middle of a piece: 1.25 s and one octet.
    disk.limit("full", 44 + 40_001);
    let kept = full_disk(&media, folder.path().join("full.wav"), folder.path().join("other.wav")).await;
    assert!((500..=1_250).contains(&kept), "{kept} ms");
}

/// A real file system of 64 KiB, where the test may mount one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k,mode=0700", "trunkline-media-test"])
            .arg(folder.path())
            .output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).output();
    }
}

#[tokio::test]
async fn a_real_full_file_system_does_the_same() {
    let Some(small) = SmallDisk::mount() else {
        eprintln!("skipped: not permitted to mount a tmpfs; the test with an injected full disk covers the behaviour");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let media = Media::bind(config()).expect("bound");
    full_disk(&media, small.0.path().join("full.wav"), folder.path().join("other.wav")).await;
}
