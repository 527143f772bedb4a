//! Everything that others recorded of providers, where there is a folder of it: `TRUNKLINE_FIXTURES`, or `shared/fixtures` beside the workspace.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::Duration;
use serde_json::Value;
use trunkline_channels::Adapter;
use trunkline_channels::model::{By, Content, MediaAt, Told, What};
use trunkline_channels::{telegram, twilio, whatsapp};
use trunkline_conversations::{Channel, Shown};

use crate::support::{World, minute};

fn files(provider: &str) -> Vec<(String, Vec<u8>)> {
    let root = std::env::var_os("TRUNKLINE_FIXTURES").map_or_else(
        || Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures")).to_path_buf(),
        PathBuf::from,
    );
    let Ok(entries) = std::fs::read_dir(root.join(provider)) else {
        println!("skipped: no recorded payloads (TRUNKLINE_FIXTURES)");
        return Vec::new();
    };
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let mut found: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect();
    found.sort();
    found
}

/// Each thing that is told is applied once, in two rounds; every message that came is there, and every file of it is wanted.
async fn walk(world: &World, adapter: &dyn Adapter, bodies: Vec<(String, Vec<u8>)>) {
    let mut all: Vec<(String, Told)> = Vec::new();
    for (name, body) in bodies {
        // Some are no webhooks.
        let Ok(told) = adapter.parse(&body) else { continue };
        all.extend(told.into_iter().map(|told| (name.clone(), told)));
    }
    if all.is_empty() {
        return;
    }
    let now = minute(0) + Duration::days(2_000);
    let mut keys = BTreeSet::new();
    for round in 0..2 {
        for (name, told) in &all {
            let received = world.tell_at(told.clone(), now).await;
            let first = round == 0 && keys.insert(told.key.clone());
            assert!(first || received.events.is_empty(), "{name}: {} was applied twice", told.key);
            let shown = match &told.what {
                What::Ignored { .. } => Shown::Ignored,
                What::Unsupported { .. } => Shown::Unsupported,
                _ => Shown::Applied,
            };
            assert_eq!(received.shown, shown, "{name}: {:?}", told.what);
        }
    }
    let messages = |all: &[(String, Told)]| {
        all.iter()
            .filter_map(|(_, told)| match &told.what {
                What::Message(message) => Some((message.id.0.clone(), message.by, message.content.clone())),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    let came = messages(&all);
    let ids: BTreeSet<&str> = came.iter().map(|(id, ..)| id.as_str()).collect();
    let kept = world.all("SELECT provider_id FROM messages WHERE provider_id IS NOT NULL").await;
    let kept: BTreeSet<&str> = kept.iter().map(|row| row["provider_id"].as_str().unwrap()).collect();
    assert_eq!(kept, ids);
    assert!(came.iter().any(|(_, by, _)| *by == By::Customer));
    let files =
        came.iter().filter(|(.., content)| matches!(content, Content::Media(media) if media.at != MediaAt::Gone));
    let with_files: BTreeSet<&str> = files.map(|(id, ..)| id.as_str()).collect();
    let wanted = world.all("SELECT DISTINCT m.provider_id FROM attachments a JOIN messages m ON m.id = a.message_id WHERE a.state = 'wanted'").await;
    assert!(wanted.len() >= with_files.len().min(1));
    assert!(world.jobs("media.fetch").await >= i64::try_from(wanted.len()).unwrap());
    // What the tables promise of each other.
    let torn = world
        .all(
            "SELECT c.id FROM conversations c
              WHERE c.messages <> (SELECT count(*) FROM messages m WHERE m.conversation_id = c.id AND m.direction IN ('in', 'out'))
                 OR c.last_at <> (SELECT max(m.at) FROM messages m WHERE m.conversation_id = c.id AND m.direction IN ('in', 'out'))",
        )
        .await;
    assert_eq!(torn, Vec::<Value>::new());
}

#[tokio::test]
async fn everything_recorded_of_telegram_is_taken_in() {
    let world = World::telegram().await;
    let mut account = telegram::Account::new("7001:a-secret", "hook-secret");
    account.username = Some("desk_bot".to_owned());
    walk(&world, &account, files("telegram")).await;
}

#[tokio::test]
async fn everything_recorded_of_whatsapp_is_taken_in() {
    let world = World::whatsapp().await;
    let adapter = whatsapp::WhatsApp::new(whatsapp::Account {
        api_base: whatsapp::API_BASE.to_owned(),
        version: whatsapp::VERSION.to_owned(),
        phone_number_id: "100200300".to_owned(),
        waba_id: "900800700".to_owned(),
        access_token: "token".to_owned(),
        app_secret: "secret".to_owned(),
        verify_token: "verify".to_owned(),
        list_label: "Choose".to_owned(),
    });
    walk(&world, &adapter, files("whatsapp")).await;
}

#[tokio::test]
async fn everything_recorded_of_twilio_is_taken_in() {
    let world = World::new(Channel::Sms).await;
    let account = twilio::Account::new("AC00000000000000000000000000000001", "a-token", "+15550199");
    let raw = files("twilio").into_iter().filter_map(|(name, body)| {
        let file: Value = serde_json::from_slice(&body).ok()?;
        Some((name, file.get("raw")?.as_str()?.as_bytes().to_vec()))
    });
    walk(&world, &account, raw.collect()).await;
}
