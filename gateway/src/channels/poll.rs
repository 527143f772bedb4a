//! Telegram's bots where Telegram cannot reach us: each is asked for what is new, by one node.
//!
//! Telegram forgets an update when a later one is asked for: the offset moves only after the updates are committed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use trunkline_channels::client::{Client, NoFiles, Timing};
use trunkline_channels::telegram;
use trunkline_channels::telegram::poll::{Poll, Polled};
use trunkline_db::{ChannelAccountId, InboundWebhookId};

use super::apply::POLLED;
use super::connect::is_reachable;
use super::health::{self, Change};
use super::ingest::Arriving;
use super::poll_store as store;
use super::registry::Connected;
use super::settings::Provider;
use crate::state::AppState;

/// How often it is looked at which bots are to be asked.
const LOOK: Duration = Duration::from_secs(2);
/// For so long Telegram holds an empty answer back.
const HOLD: Duration = Duration::from_secs(20);
/// For so long a node that asks is believed to live, in seconds: longer than any answer takes.
const LEASE: u32 = 40;
/// Between two attempts when something is wrong.
const PAUSE: Duration = Duration::from_secs(3);
/// And when somebody has to do something.
const LONG_PAUSE: Duration = Duration::from_secs(30);

/// Keeps a task for each bot that is to be asked. Nobody is asked where Telegram can post to us.
pub async fn watch(state: AppState, cancel: CancellationToken) {
    if is_reachable(&state) {
        return;
    }
    // Its answers may take as long as they are held back.
    let timing = Timing { total: HOLD + Duration::from_secs(10), answer: 16 * 1024 * 1024, ..Timing::default() };
    let client = Client::new(timing);
    let owner = owner(&state);
    let mut running: HashMap<ChannelAccountId, (Arc<Connected>, JoinHandle<()>)> = HashMap::new();
    loop {
        let wanted: HashMap<ChannelAccountId, Arc<Connected>> = state
            .channels
            .all()
            .into_iter()
            .filter(|one| one.enabled && matches!(one.provider, Provider::Telegram(_)))
            .map(|one| (one.id, one))
            .collect();
        running.retain(|id, (account, task)| {
            let same = wanted.get(id).is_some_and(|now| is_same(now, account));
            if !same {
                task.abort();
            }
            same && !task.is_finished()
        });
        for (id, account) in wanted {
            running.entry(id).or_insert_with(|| {
                let task =
                    tokio::spawn(keep_asking(state.clone(), client.clone(), Arc::clone(&account), Arc::clone(&owner)));
                (account, task)
            });
        }
        tokio::select! {
            () = cancel.cancelled() => break,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    for (_, (account, task)) in running {
        task.abort();
        if let Err(error) = store::release(&state.db, account.tenant, account.id, &owner).await {
            tracing::debug!(account = %account.id, %error, "another node asks when the lease has run out");
        }
    }
}

/// This node's name: the same after a restart, so that it need not wait for itself.
fn owner(state: &AppState) -> Arc<str> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = format!("{}:{}", host.trim(), state.config.state_dir.display());
    name.chars().take(250).collect::<String>().into()
}

/// Whether nothing changed that asking needs.
fn is_same(one: &Connected, other: &Connected) -> bool {
    match (&one.provider, &other.provider) {
        (Provider::Telegram(one), Provider::Telegram(other)) => {
            one.bot_token == other.bot_token && one.api_base == other.api_base
        }
        _ => false,
    }
}

async fn keep_asking(state: AppState, client: Client, account: Arc<Connected>, owner: Arc<str>) {
    let Provider::Telegram(bot) = &account.provider else { return };
    loop {
        ask(&state, &client, &account, bot, &owner).await;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether it is this node that asks.
async fn is_ours(state: &AppState, account: &Connected, owner: &str) -> bool {
    match store::hold(&state.db, account.tenant, account.id, owner, LEASE).await {
        Ok(held) => held,
        Err(error) => {
            tracing::debug!(account = %account.id, %error, "cannot find out who asks for updates");
            false
        }
    }
}

/// Asks as long as it is this node's to ask.
async fn ask(state: &AppState, client: &Client, account: &Connected, bot: &telegram::Account, owner: &str) {
    if !is_ours(state, account, owner).await {
        return;
    }
    let Ok(offset) = store::offset(&state.db, account.tenant, account.id).await else { return };
    let mut poll = Poll::new(offset, HOLD);
    let mut works = false;
    while is_ours(state, account, owner).await {
        let count = |word: &str| state.channels.metrics().polls.with_label_values(&[word]).inc();
        let polled = match client.send(poll.request(bot), &NoFiles).await {
            Ok(reply) => poll.answered(reply.answer()),
            Err(error) => Polled::Down { detail: error.to_string() },
        };
        let (change, pause) = match polled {
            Polled::Updates(updates) => {
                count(if updates.is_empty() { "quiet" } else { "updates" });
                if !works {
                    works = true;
                    for change in [Change::Polls, Change::Works(Some("polling"))] {
                        learn(state, account, change).await;
                    }
                }
                let Some(last) = updates.last().map(|update| update.id) else { continue };
                let mut stored = true;
                for update in updates {
                    stored = stored && store_one(state, account, update.body.into_bytes()).await;
                }
                if stored {
                    poll.committed(last);
                    // Where it is not kept, the same updates come again and change nothing.
                    if let Err(error) = store::set_offset(&state.db, account.tenant, account.id, poll.offset()).await {
                        tracing::debug!(account = %account.id, %error, "the offset of updates is not kept");
                    }
                    continue;
                }
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            Polled::WebhookSet { .. } => {
                // By another version of this installation, or before: it is ours to delete.
                match client.send(bot.delete_webhook(), &NoFiles).await {
                    Ok(_) => continue,
                    Err(error) => (Some(trouble(format!("a webhook is set: {error}"), false)), PAUSE),
                }
            }
            Polled::AnotherPoller { detail } => {
                (Some(trouble(format!("somebody else asks with this bot's token: {detail}"), true)), LONG_PAUSE)
            }
            Polled::TooMany { after } => (None, after.min(LONG_PAUSE)),
            Polled::Unauthorized { detail } => (
                Some(Change::Trouble { what: "account".to_owned(), detail, stopped: true, receiving: true }),
                LONG_PAUSE,
            ),
            Polled::Down { detail } => (Some(trouble(format!("Telegram does not answer: {detail}"), false)), PAUSE),
        };
        count("failed");
        if let Some(change) = change {
            works = false;
            learn(state, account, change).await;
        }
        tokio::time::sleep(pause).await;
    }
}

fn trouble(detail: String, stopped: bool) -> Change {
    Change::Trouble { what: "polling".to_owned(), detail, stopped, receiving: true }
}

async fn learn(state: &AppState, account: &Connected, change: Change) {
    if let Err(error) = health::change(state, account.tenant, account.id, change).await {
        tracing::debug!(account = %account.id, %error, "how an account does is not written");
    }
}

/// As a webhook is: committed when this is true.
async fn store_one(state: &AppState, account: &Connected, body: Vec<u8>) -> bool {
    let arriving = Arriving {
        tenant: account.tenant,
        id: InboundWebhookId::new(),
        account: account.id,
        at: Utc::now(),
        url: POLLED.to_owned(),
        headers: r#"{"content-type":"application/json"}"#.to_owned(),
        body,
    };
    match state.channels.ingest().store(arriving).await {
        Ok(()) => true,
        Err(error) => {
            tracing::debug!(account = %account.id, %error, "an update is not stored; it comes again");
            false
        }
    }
}
