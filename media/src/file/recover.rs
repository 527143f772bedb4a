//! A recording that nobody continues.

use std::path::Path;
use std::sync::Arc;

use super::part::{HEADER, PartFile};
use super::sidecar::Sidecar;
use super::{Disk, Finished, Gap, GapReason, Storage, WriteError, part_path, sidecar_path};
use crate::recorder::{SAMPLE_RATE, millis};
use crate::rtp::StreamReport;

/// Makes a finished recording of a `.part` that a dead process, or a full disk, left behind and that nobody continues:
/// the header is recomputed from the file's length, the file synced and renamed to `path` (the **final** name). Where
/// that has happened already it only reads the result.
///
/// Blocks on the disk. Fails with [`WriteError::NotFound`] if there is neither file, with [`WriteError::Busy`] while
/// somebody records into it.
pub fn recover(path: &Path) -> Result<Finished, WriteError> {
    let storage: Arc<dyn Storage> = Arc::new(Disk);
    let sidecar = storage.read(&sidecar_path(path)).ok().and_then(|json| Sidecar::from_json(&json));
    let part = match PartFile::open(storage, path) {
        Ok(part) => part,
        Err(WriteError::Exists { .. }) if !part_path(path).exists() => return read(path),
        Err(error) => return Err(error),
    };
    let frames = part.frames();
    let bytes = part.finish()?;
    let mut finished = Finished {
        path: path.to_owned(),
        started_at: None,
        duration_ms: millis(frames),
        bytes,
        gaps: Vec::new(),
        lost_packets: 0,
        dropped_ms: 0,
        agent: StreamReport::default(),
        customer: StreamReport::default(),
    };
    if let Some(sidecar) = sidecar {
        finished.started_at = Some(sidecar.beginning.wall_time());
        finished.lost_packets = sidecar.lost_packets;
        finished.dropped_ms = millis(sidecar.dropped_frames);
        finished.gaps = sidecar.gaps;
        if let Some(from) = sidecar.paused_since.filter(|from| *from < frames) {
            finished.gaps.push(Gap { from_ms: millis(from), to_ms: millis(frames), reason: GapReason::Paused });
        }
    }
    Ok(finished)
}

/// What a finished file says of itself.
fn read(path: &Path) -> Result<Finished, WriteError> {
    let reader = hound::WavReader::open(path).map_err(|error| WriteError::from_hound(path, &error))?;
    let frames = u64::from(reader.duration());
    let spec = reader.spec();
    if (spec.channels, spec.sample_rate) != (2, SAMPLE_RATE) {
        let reason = format!("{} channels of {} Hz", spec.channels, spec.sample_rate);
        return Err(WriteError::NotARecording { path: path.to_owned(), reason });
    }
    Ok(Finished {
        path: path.to_owned(),
        started_at: None,
        duration_ms: millis(frames),
        bytes: HEADER + frames * 4,
        gaps: Vec::new(),
        lost_packets: 0,
        dropped_ms: 0,
        agent: StreamReport::default(),
        customer: StreamReport::default(),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::clock::Beginning;

    #[test]
    fn a_file_left_behind_becomes_a_recording_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("call.wav");
        let mut part = PartFile::create(Arc::new(Disk), &path).expect("created");
        part.silence(8_000).expect("written");
        drop(part);
        let sidecar = Sidecar {
            version: Sidecar::VERSION,
            id: Uuid::nil(),
            beginning: Beginning::before_now(Duration::from_mins(1)),
            agent: None,
            customer: None,
            gaps: vec![Gap { from_ms: 100, to_ms: 200, reason: GapReason::Outage }],
            paused_since: Some(4_000),
            lost_packets: 5,
            dropped_frames: 80,
        };
        Disk.replace(&sidecar_path(&path), &sidecar.to_json()).expect("written");

        let finished = recover(&path).expect("recovered");
        assert_eq!((finished.duration_ms, finished.bytes), (1_000, 32_044));
        assert_eq!((finished.lost_packets, finished.dropped_ms), (5, 10));
        assert_eq!(finished.started_at, Some(sidecar.beginning.wall_time()));
        assert_eq!(
            finished.gaps[1..],
            [Gap { from_ms: 500, to_ms: 1_000, reason: GapReason::Paused }],
            "{:?}",
            finished.gaps
        );
        assert!(!sidecar_path(&path).exists());

        let again = recover(&path).expect("there already");
        assert_eq!((again.duration_ms, again.bytes), (1_000, 32_044));
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(matches!(recover(&folder.path().join("call.wav")), Err(WriteError::NotFound { .. })));
    }

    #[test]
    fn a_running_recording_is_not_taken_away() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("call.wav");
        let _running = PartFile::create(Arc::new(Disk), &path).expect("created");
        assert!(matches!(recover(&path), Err(WriteError::Busy { .. })));
    }
}
