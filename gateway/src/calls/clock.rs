//! The time that call control goes by, and how the next gateway learns until when this one watched.

use std::path::{Path, PathBuf};
use std::time::Instant;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};

/// How far the machine's clock may be from ours before we follow it.
const DRIFT: TimeDelta = TimeDelta::seconds(1);

/// Wall time that never runs backwards: a time at which the machine's clock was believed, and how long ago that was.
#[derive(Debug)]
pub(super) struct Clock {
    wall: DateTime<Utc>,
    started: Instant,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { wall: Utc::now(), started: Instant::now() }
    }

    /// Believes the machine's clock again, if it says something else by now; by how much.
    pub(super) fn adopt_wall_time(&mut self) -> Option<TimeDelta> {
        let by = Utc::now() - self.now();
        (by.abs() > DRIFT).then(|| {
            self.wall += by;
            by
        })
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        // Milliseconds everywhere: in the journal, in the rows and in the API.
        (self.wall + TimeDelta::from_std(self.started.elapsed()).unwrap_or(TimeDelta::zero())).trunc_subsecs(3)
    }
}

/// A file that says when a gateway last watched Asterisk: how the next one knows how long nobody did.
#[derive(Debug)]
pub(super) struct SignOfLife {
    path: PathBuf,
}

impl SignOfLife {
    pub(super) fn new(folder: &Path) -> Self {
        Self { path: folder.join("alive") }
    }

    pub(super) fn last(&self) -> Option<DateTime<Utc>> {
        let text = std::fs::read_to_string(&self.path).ok()?;
        Some(DateTime::parse_from_rfc3339(text.trim()).ok()?.to_utc().min(Utc::now()))
    }

    /// Off the event loop: the disk may take its time. That it fails costs a longer gap, nothing else.
    pub(super) fn write(&self, now: DateTime<Utc>) {
        let path = self.path.clone();
        tokio::task::spawn_blocking(move || {
            let fresh = path.with_extension("new");
            let written = std::fs::write(&fresh, now.to_rfc3339()).and_then(|()| std::fs::rename(&fresh, &path));
            if let Err(error) = written {
                tracing::debug!(%error, path = %path.display(), "the sign of life could not be written");
            }
        });
    }
}
