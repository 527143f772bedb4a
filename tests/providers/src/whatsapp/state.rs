//! What the stand-in knows of its account.

use super::Receipts;
use super::api::is_media;
use super::errors::Refusal;
use crate::multipart::hex;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, HashSet};

/// A message that was taken.
#[derive(Debug, Clone, Serialize)]
pub struct Sent {
    /// Its place among the messages, counted from 1.
    pub seq: usize,
    pub at: DateTime<Utc>,
    /// `wamid.…`
    pub id: String,
    /// The number that it was sent from.
    pub phone_number_id: String,
    /// A `wa_id`, a BSUID or a group.
    pub to: String,
    /// `text`, `image`, `template`, `reaction` …
    pub kind: String,
    /// `biz_opaque_callback_data`: statuses bring it back.
    pub reference: Option<String>,
    /// What it would be charged as.
    pub category: String,
    /// The whole request.
    pub body: Value,
    /// Whether the gateway was told so; a fault may have kept it from it.
    pub answered: bool,
}

/// A file of a customer's or one that was uploaded.
#[derive(Debug, Clone)]
pub struct File {
    pub mime: String,
    pub file_name: Option<String>,
    pub content: Bytes,
    pub uploaded: bool,
}

impl File {
    pub(super) fn sha256_hex(&self) -> String {
        hex(&Sha256::digest(&self.content))
    }

    pub(super) fn sha256_base64(&self) -> String {
        STANDARD.encode(Sha256::digest(&self.content))
    }
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// By `wa_id` and by BSUID.
    pub(super) last_wrote: HashMap<String, DateTime<Utc>>,
    /// Numbers that are written otherwise than their `wa_id` (Brazil's ninth digit): dialled digits to `wa_id`.
    pub(super) wa_ids: HashMap<String, String>,
    pub(super) files: HashMap<String, File>,
    /// Ids of customers' messages.
    pub(super) received: HashSet<String>,
    pub(super) templates: Vec<Value>,
    pub(super) subscribed: bool,
    pub(super) override_url: Option<String>,
    pub(super) receipts: Receipts,
    /// 131047 by a webhook after a 200, and not in the answer.
    pub(super) window_told_later: bool,
}

impl State {
    /// Whether this file can go as a message of this kind.
    pub(super) fn fits(&self, kind: &str, id: &str) -> Result<(), Refusal> {
        let Some(file) = self.files.get(id) else {
            return Err(Refusal::malformed(format!(
                "Param {kind}['id'] is not a valid whatsapp business account media attachment ID"
            )));
        };
        let family = file.mime.split('/').next().unwrap_or_default();
        let right = match kind {
            "sticker" => file.mime == "image/webp",
            "image" => matches!(file.mime.as_str(), "image/jpeg" | "image/png"),
            "audio" | "video" => family == kind,
            _ => is_media(kind),
        };
        if right {
            return Ok(());
        }
        Err(Refusal::new(131_053, format!("{} cannot be sent as {kind}", file.mime)))
    }
}
