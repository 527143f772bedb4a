//! What a call says, as Asterisk plays it.
//!
//! Nothing here needs the database: sounds are in the directory that call control keeps in memory, speech is on this machine's disk. What
//! cannot be had is left out, so that the caller hears the rest; a call waits for a text that is new, but not for long.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use tokio::sync::watch;
use trunkline_calls::directory::Directory;
use trunkline_calls::flow::walk::Media;
use trunkline_db::{SoundId, TenantId};

use super::link::Content;
use super::{Sounds, ahead};

/// How long a caller waits for all texts that are new: longer would be taken for a dead line.
const PATIENCE: Duration = Duration::from_secs(2);

/// Knows what a call's words are for Asterisk. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Voices {
    sounds: Sounds,
    directory: watch::Receiver<Arc<Directory>>,
}

impl Voices {
    /// By the sounds of this directory; what its flows say to every caller is spoken from now on before the first one calls.
    pub(crate) fn new(sounds: Sounds, directory: watch::Receiver<Arc<Directory>>) -> Self {
        // It ends with the directory.
        tokio::spawn(ahead::speak(sounds.clone(), directory.clone()));
        Self { sounds, directory }
    }

    /// Asterisk's words for what a tenant's call says; empty when none of it can be heard.
    pub(crate) async fn media(&self, tenant: Option<TenantId>, said: &[Media]) -> Vec<String> {
        let ends = tokio::time::Instant::now() + PATIENCE;
        let directory = Arc::clone(&self.directory.borrow());
        // Side by side, in the order in which they are heard.
        let mut parts: FuturesOrdered<_> = said.iter().map(|one| self.one(&directory, tenant, one, ends)).collect();
        let mut heard = Vec::with_capacity(said.len());
        while let Some(part) = parts.next().await {
            heard.extend(part);
        }
        heard
    }

    async fn one(
        &self,
        directory: &Directory,
        tenant: Option<TenantId>,
        said: &Media,
        ends: tokio::time::Instant,
    ) -> Option<String> {
        match said {
            Media::Builtin(name) => Some(format!("sound:{name}")),
            Media::Digits(digits) => Some(format!("digits:{digits}")),
            Media::Number(number) => Some(format!("number:{number}")),
            Media::Sound { id, language } => {
                let Some(sound) = tenant.and_then(|tenant| directory.sound(tenant, SoundId(*id))) else {
                    tracing::warn!(sound = %id, "a call's sound is not there; it goes on without");
                    self.sounds.metrics().skipped("no_sound");
                    return None;
                };
                let Some(blob) = sound.file(language) else {
                    tracing::warn!(sound = %id, language, "a call's sound has no file; it goes on without");
                    self.sounds.metrics().skipped("no_file");
                    return None;
                };
                Some(self.sounds.address(Content::File { tenant: sound.tenant.uuid(), blob }))
            }
            Media::Speech { text, language } => {
                let spoken = self.sounds.speech().speak(text, language);
                match tokio::time::timeout_at(ends, spoken).await {
                    Ok(Ok(sum)) => Some(self.sounds.address(Content::Speech(sum))),
                    Ok(Err(error)) => {
                        tracing::warn!(%error, language, "a call's text cannot be spoken; it goes on without");
                        self.sounds.metrics().skipped("not_spoken");
                        None
                    }
                    Err(_) => {
                        // It is spoken behind this call's back, for the next.
                        tracing::warn!(language, "a call's text was not spoken in time; it goes on without");
                        self.sounds.metrics().skipped("too_late");
                        None
                    }
                }
            }
        }
    }
}
