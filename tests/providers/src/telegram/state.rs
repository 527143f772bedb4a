//! What the stand-in knows of its bot's world.

use crate::multipart::hex;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, HashSet, VecDeque};
use uuid::Uuid;

/// A message that was taken.
#[derive(Debug, Clone, Serialize)]
pub struct Sent {
    /// Its place among the messages, counted from 1.
    pub seq: usize,
    pub at: DateTime<Utc>,
    /// `sendMessage`, `sendPhoto` …
    pub method: String,
    pub chat_id: i64,
    pub message_id: i64,
    /// The whole request, without its files.
    pub parameters: Value,
    /// What came as a file: its `file_id`.
    pub file_id: Option<String>,
    /// The `Message` that was made of it.
    pub message: Value,
    /// Whether the gateway was told so; a fault may have kept it from it.
    pub answered: bool,
}

/// A file of either side.
#[derive(Debug, Clone)]
pub struct File {
    pub mime: String,
    pub file_name: Option<String>,
    pub content: Bytes,
    /// Within the bot's folder: `photos/file_7.jpg`.
    pub path: String,
}

impl File {
    /// Lower-case hex.
    pub fn sha256(&self) -> String {
        hex(&Sha256::digest(&self.content))
    }
}

#[derive(Debug, Clone)]
pub(super) struct Webhook {
    pub(super) url: String,
    pub(super) secret_token: Option<String>,
    pub(super) max_connections: i64,
}

#[derive(Debug, Clone)]
pub(super) struct Update {
    pub(super) id: i64,
    pub(super) kind: String,
    pub(super) value: Value,
}

impl Update {
    pub(super) fn to_json(&self) -> Value {
        json!({ "update_id": self.id, self.kind.as_str(): self.value })
    }
}

#[derive(Debug)]
pub(super) struct State {
    next_update: i64,
    pub(super) webhook: Option<Webhook>,
    /// `None`: all but those that must be named.
    pub(super) allowed_updates: Option<Vec<String>>,
    pub(super) last_error: Option<(DateTime<Utc>, String)>,
    /// Neither pushed nor confirmed yet.
    pub(super) pending: VecDeque<Update>,
    /// Chats that the bot may write to, as messages name them.
    pub(super) chats: HashMap<i64, Value>,
    pub(super) blocked: HashSet<i64>,
    /// Groups that became supergroups.
    pub(super) migrated: HashMap<i64, i64>,
    pub(super) messages: HashMap<(i64, i64), Value>,
    counters: HashMap<i64, i64>,
    pub(super) files: HashMap<String, File>,
    /// Presses of buttons, with what was answered.
    pub(super) queries: HashMap<String, Option<Value>>,
    pub(super) commands: HashMap<String, Value>,
    /// Reactions of the bot's own, by message.
    pub(super) reactions: HashMap<(i64, i64), Value>,
}

impl State {
    pub(super) fn new() -> Self {
        // Telegram's updates begin anywhere; two stand-ins in turn must not begin at the same number.
        let first = 100_000_000 + (Uuid::now_v7().as_u128() % 100_000_000) as i64;
        Self {
            next_update: first,
            webhook: None,
            allowed_updates: None,
            last_error: None,
            pending: VecDeque::new(),
            chats: HashMap::new(),
            blocked: HashSet::new(),
            migrated: HashMap::new(),
            messages: HashMap::new(),
            counters: HashMap::new(),
            files: HashMap::new(),
            queries: HashMap::new(),
            commands: HashMap::new(),
            reactions: HashMap::new(),
        }
    }

    pub(super) fn next_update(&mut self) -> i64 {
        self.next_update += 1;
        self.next_update
    }

    /// Supergroups and channels count their own messages; all other chats of a bot share one count.
    pub(super) fn next_message(&mut self, chat: i64) -> i64 {
        let counter = if chat <= -1_000_000_000_000 { chat } else { 0 };
        let count = self.counters.entry(counter).or_insert(0);
        *count += 1;
        *count
    }

    /// Gives its `file_id`.
    pub(super) fn add_file(&mut self, mime: &str, file_name: Option<String>, content: Bytes, folder: &str) -> String {
        let extension = match mime {
            "image/jpeg" => "jpg",
            "image/png" => "png",
            "image/webp" => "webp",
            "audio/ogg" => "oga",
            "audio/mpeg" => "mp3",
            "video/mp4" => "mp4",
            "application/pdf" => "pdf",
            _ => file_name.as_deref().and_then(|name| name.rsplit_once('.')).map_or("bin", |(_, extension)| extension),
        };
        let path = format!("{folder}/file_{}.{extension}", self.files.len() + 1);
        let id = format!("AgAC{}", Uuid::now_v7().simple());
        self.files.insert(id.clone(), File { mime: mime.to_owned(), file_name, content, path });
        id
    }

    /// A file as messages tell of it.
    pub(super) fn told(&self, file_id: &str) -> Map<String, Value> {
        let unique = file_id.chars().rev().take(14).collect::<String>();
        let mut told = Map::new();
        told.insert("file_id".to_owned(), file_id.into());
        told.insert("file_unique_id".to_owned(), unique.into());
        if let Some(file) = self.files.get(file_id) {
            told.insert("file_size".to_owned(), file.content.len().into());
            told.insert("mime_type".to_owned(), file.mime.as_str().into());
            if let Some(name) = &file.file_name {
                told.insert("file_name".to_owned(), name.as_str().into());
            }
        }
        told
    }

    /// The object under `photo`, `voice` … of a message.
    pub(super) fn media(&self, field: &str, file_id: &str) -> Value {
        let mut told = self.told(file_id);
        let size = |told: &mut Map<String, Value>, width: i64, height: i64| {
            told.insert("width".to_owned(), width.into());
            told.insert("height".to_owned(), height.into());
        };
        match field {
            "photo" => {
                // In two sizes, as Telegram makes them; the larger one is the picture.
                told.remove("mime_type");
                told.remove("file_name");
                let mut small = told.clone();
                small.insert("file_id".to_owned(), format!("{file_id}-s").into());
                small.insert("file_size".to_owned(), 900.into());
                size(&mut small, 90, 60);
                size(&mut told, 1280, 853);
                return json!([small, told]);
            }
            "voice" | "audio" => drop(told.insert("duration".to_owned(), 3.into())),
            "video" | "animation" => {
                told.insert("duration".to_owned(), 3.into());
                size(&mut told, 640, 360);
            }
            "video_note" => {
                told.insert("duration".to_owned(), 3.into());
                told.insert("length".to_owned(), 240.into());
            }
            "sticker" => {
                told.remove("mime_type");
                told.remove("file_name");
                told.insert("type".to_owned(), "regular".into());
                told.insert("is_animated".to_owned(), false.into());
                told.insert("is_video".to_owned(), false.into());
                size(&mut told, 512, 512);
            }
            _ => {}
        }
        if matches!(field, "voice" | "video_note") {
            told.remove("file_name");
        }
        Value::Object(told)
    }
}
