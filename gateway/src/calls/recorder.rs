//! Carries out the core's commands on recordings: in order for one recording, never in the way of the calls.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::sync::mpsc;
use trunkline_db::RecordingId;
use trunkline_media::{Event, FinishError, Finished, Media, RecordingSpec, StartError, WriteError};

use trunkline_calls::center::{RecorderCommand, RecordingOutcome};

/// News of a recording.
pub(super) type Recorded = (RecordingId, News);

/// What is to be known of a recording.
#[derive(Debug)]
pub(super) enum News {
    /// An earlier life of the gateway left it paused, and it is.
    FoundPaused,
    /// What became of it.
    Ended(RecordingOutcome),
}

/// The recorder's commands on their way.
#[derive(Debug)]
pub(super) struct Recorder {
    media: Media,
    folder: PathBuf,
    workers: HashMap<RecordingId, mpsc::UnboundedSender<RecorderCommand>>,
    recorded: mpsc::UnboundedSender<Recorded>,
}

impl Recorder {
    /// Recordings go below `folder`; what becomes of them is told to `recorded`.
    pub(super) fn new(media: Media, folder: PathBuf, recorded: mpsc::UnboundedSender<Recorded>) -> Self {
        tokio::spawn(report_failures(media.clone(), recorded.clone()));
        Self { media, folder, workers: HashMap::new(), recorded }
    }

    pub(super) fn media_address(&self) -> SocketAddr {
        self.media.local_addr()
    }

    /// Takes a command; the disk may take its time.
    pub(super) fn send(&mut self, command: RecorderCommand) {
        let (recording, last) = match &command {
            RecorderCommand::Start { recording, .. }
            | RecorderCommand::Pause { recording }
            | RecorderCommand::Resume { recording } => (*recording, false),
            RecorderCommand::Finish { recording, .. } => (*recording, true),
        };
        let worker = self.workers.entry(recording).or_insert_with(|| {
            let (sender, mut commands) = mpsc::unbounded_channel();
            let (media, folder, recorded) = (self.media.clone(), self.folder.clone(), self.recorded.clone());
            tokio::spawn(async move {
                while let Some(command) = commands.recv().await {
                    if let Some(news) = carry_out(&media, &folder, command).await {
                        // Nobody to tell: the gateway is stopping.
                        let _ = recorded.send((recording, news));
                    }
                }
            });
            sender
        });
        // The worker lives as long as its sender.
        let _ = worker.send(command);
        if last {
            self.workers.remove(&recording);
        }
    }
}

async fn carry_out(media: &Media, folder: &Path, command: RecorderCommand) -> Option<News> {
    match command {
        RecorderCommand::Start { recording, path, agent, customer, resume } => {
            let path = folder.join(path);
            match start(media, RecordingSpec { id: recording.uuid(), path, agent, customer, resume }).await {
                Ok(is_paused) => is_paused.then_some(News::FoundPaused),
                Err(failed) => Some(News::Ended(failed)),
            }
        }
        // One that does not run yet is paused when it begins.
        RecorderCommand::Pause { recording } => {
            let _ = media.pause(recording.uuid()).await;
            None
        }
        RecorderCommand::Resume { recording } => {
            let _ = media.resume(recording.uuid()).await;
            None
        }
        RecorderCommand::Finish { recording, path } => {
            Some(News::Ended(finish(media, recording, folder.join(path)).await))
        }
    }
}

/// Whether it goes on in a file that was left paused.
async fn start(media: &Media, spec: RecordingSpec) -> Result<bool, RecordingOutcome> {
    let failed = |error: String| RecordingOutcome::Failed(format!("the recording could not be begun: {error}"));
    if let Some(parent) = spec.path.parent() {
        tokio::fs::create_dir_all(parent).await.map_err(|error| failed(error.to_string()))?;
    }
    let id = spec.id;
    match media.start(spec.clone()).await {
        Ok(started) => {
            tracing::debug!(recording = %id, ?started, "recording");
            Ok(started.paused)
        }
        // New taps for a recording that runs: it goes on in its file, from other addresses.
        Err(StartError::AlreadyRecording(_)) if spec.resume => {
            media.retarget(id, spec.agent, spec.customer).await.map_err(|error| failed(error.to_string()))?;
            Ok(false)
        }
        Err(error) => Err(failed(error.to_string())),
    }
}

async fn finish(media: &Media, recording: RecordingId, path: PathBuf) -> RecordingOutcome {
    match media.finish(recording.uuid()).await {
        Ok(finished) => ready(&finished),
        // Not running in this process: an earlier one left its file, or nothing was ever recorded.
        Err(FinishError::Unknown(_)) => {
            let repaired = tokio::task::spawn_blocking(move || trunkline_media::recover(&path)).await;
            match repaired {
                Ok(Ok(finished)) => ready(&finished),
                Ok(Err(WriteError::NotFound { .. })) => RecordingOutcome::Failed("no audio was received".to_owned()),
                Ok(Err(error)) => RecordingOutcome::Failed(error.to_string()),
                Err(error) => RecordingOutcome::Failed(format!("repairing the file failed: {error}")),
            }
        }
        Err(error) => RecordingOutcome::Failed(error.to_string()),
    }
}

fn ready(finished: &Finished) -> RecordingOutcome {
    RecordingOutcome::Ready {
        duration_ms: i64::try_from(finished.duration_ms).unwrap_or(i64::MAX),
        bytes: i64::try_from(finished.bytes).unwrap_or(i64::MAX),
        gaps: serde_json::json!(finished.gaps),
        lost_packets: i64::try_from(finished.lost_packets).unwrap_or(i64::MAX),
    }
}

/// A recording that breaks while its call goes on (a full disk) is known at once, not at the call's end.
async fn report_failures(media: Media, recorded: mpsc::UnboundedSender<Recorded>) {
    let mut events = media.events();
    drop(media);
    loop {
        match events.recv().await {
            Ok(Event::Failed { id, error, .. }) => {
                tracing::error!(recording = %id, %error, "a recording failed");
                let news = News::Ended(RecordingOutcome::Failed(error.to_string()));
                if recorded.send((RecordingId(id), news)).is_err() {
                    return;
                }
            }
            Ok(_) | Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
            Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
        }
    }
}
