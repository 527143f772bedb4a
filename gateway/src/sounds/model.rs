//! What the API shows of sounds.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_db::SoundId;
use uuid::Uuid;

/// Something that callers hear.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(super) struct Sound {
    /// The sound.
    #[schema(value_type = uuid::Uuid)]
    pub(super) id: SoundId,
    /// What people call it.
    pub(super) name: String,
    /// What is heard, by language.
    pub(super) files: Vec<SoundFile>,
    /// Where it is heard.
    pub(super) used_by: SoundUses,
    /// When it was made.
    pub(super) created_at: DateTime<Utc>,
    /// When it was last changed.
    pub(super) updated_at: DateTime<Utc>,
}

/// Where a file of a sound comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SoundSource {
    /// Somebody uploaded it.
    Upload,
    /// It was spoken.
    Speech,
}

impl SoundSource {
    /// What the database has; its own check lets nothing else in.
    pub(super) fn parse(text: &str) -> Self {
        if text == "speech" { Self::Speech } else { Self::Upload }
    }
}

/// A sound in one language.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(super) struct SoundFile {
    /// BCP 47.
    #[schema(example = "pt-BR")]
    pub(super) language: String,
    /// Where it comes from.
    pub(super) source: SoundSource,
    /// What is spoken; null of an upload.
    pub(super) text: Option<String>,
    /// How long it plays.
    pub(super) seconds: f64,
    /// As it is kept: WAV, 8 kHz, mono, 16 bits.
    pub(super) bytes: i64,
}

/// Where a sound is heard.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct SoundUses {
    /// Flows, as they are published or being drawn.
    pub(super) flows: Vec<SoundUse>,
    /// Queues whose callers hear it while they wait, or before they leave a message.
    pub(super) queues: Vec<SoundUse>,
}

impl SoundUses {
    /// What stands against its removal.
    pub(super) fn iter(&self) -> impl Iterator<Item = &SoundUse> {
        self.flows.iter().chain(&self.queues)
    }
}

/// A flow or a queue in which a sound is heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct SoundUse {
    /// The flow, or the queue.
    pub(super) id: Uuid,
    /// What people call it.
    pub(super) name: String,
}

/// Body of `POST /sounds` and `PATCH /sounds/{id}`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NameSound {
    /// Its name, unlike any other's.
    #[schema(min_length = 1, max_length = 100)]
    pub(super) name: String,
}

/// JSON body of `PUT /sounds/{id}/files/{language}`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SpeakSound {
    /// What is spoken.
    #[schema(min_length = 1, max_length = 2000)]
    pub(super) text: String,
}
