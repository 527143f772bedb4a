//! The message-waiting light of desk phones (RFC 3842): lit while a message waits that nobody is done with, in a queue whose member's phone it is.
//!
//! Asterisk's mailboxes have no part in it: messages are ours, and the modules by which a program could tell Asterisk of them (`res_mwi_external`,
//! `res_ari_mailboxes`) are in few of its packages. So each phone is told directly, by a NOTIFY that the manager interface sends (`PJSIPNotify`, which
//! needs `write = system`). A phone that signs in is told again, for it may have forgotten.

mod store;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use trunkline_db::Db;
use trunkline_journal::Journal;

use super::manager::{Block, Blocks, ManagerConfig, sign_in};
use crate::calls::model::Server;

/// How many messages wait for each phone, by its user name.
pub(crate) type Waiting = Arc<BTreeMap<String, u32>>;

/// Pause before the manager interface is tried again.
const PAUSE: Duration = Duration::from_secs(2);
/// The same, where its user may not do it.
const PAUSE_DENIED: Duration = Duration::from_mins(1);
/// A light may be so late: counting is not free.
const GATHER: Duration = Duration::from_secs(2);
/// Counted although nothing was told: a message may have been erased with its call.
const POLL: Duration = Duration::from_mins(1);
/// What our actions are called, followed by the phone.
const ACTION: &str = "mwi-";

/// Counts what waits, until `cancel`.
pub(crate) fn count(db: &Db, journal: &Journal, cancel: CancellationToken) -> watch::Receiver<Waiting> {
    let (sender, waiting) = watch::channel(Waiting::default());
    let (db, mut committed) = (db.clone(), journal.hub().committed());
    tokio::spawn(async move {
        // Without a manager interface nobody would be told.
        while !sender.is_closed() {
            match store::waiting(&db).await {
                Ok(now) => {
                    sender.send_if_modified(|known| {
                        let changed = **known != now;
                        if changed {
                            *known = Arc::new(now);
                        }
                        changed
                    });
                }
                // They stay as they are until it is back.
                Err(error) => tracing::debug!(%error, "messages that wait cannot be counted"),
            }
            let waited = async {
                tokio::time::sleep(GATHER).await;
                let _ = tokio::time::timeout(POLL, committed.changed()).await;
            };
            if cancel.run_until_cancelled(waited).await.is_none() {
                return;
            }
        }
    });
    waiting
}

/// Tells a server's phones, until `cancel`.
pub(crate) async fn keep(
    server: Server,
    manager: ManagerConfig,
    mut waiting: watch::Receiver<Waiting>,
    cancel: CancellationToken,
) {
    let mut told = false;
    loop {
        let lost = tokio::select! {
            () = cancel.cancelled() => return,
            lost = tell(&manager, &mut waiting) => lost,
        };
        let denied = lost.kind() == std::io::ErrorKind::PermissionDenied;
        if denied && !std::mem::replace(&mut told, true) {
            tracing::warn!(%server, %lost, address = %manager.address, "desk phones are not told of messages that wait");
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(if denied { PAUSE_DENIED } else { PAUSE }) => {}
        }
    }
}

/// Tells phones until the connection is lost, and says how.
async fn tell(manager: &ManagerConfig, waiting: &mut watch::Receiver<Waiting>) -> std::io::Error {
    let mut stream = match sign_in(manager, "system").await {
        Ok(stream) => stream,
        Err(error) => return error,
    };
    let mut blocks = Blocks::default();
    let mut buffer = [0_u8; 8192];
    // What each phone was told.
    let mut lights: BTreeMap<String, u32> = BTreeMap::new();
    waiting.mark_changed();
    loop {
        let mut is_news = false;
        tokio::select! {
            read = stream.read(&mut buffer) => match read {
                Ok(0) => return std::io::ErrorKind::UnexpectedEof.into(),
                Ok(count) => {
                    if let Err(error) = blocks.push(&buffer[..count]) {
                        return std::io::Error::other(error);
                    }
                }
                Err(error) => return error,
            },
            changed = waiting.changed() => {
                if changed.is_err() {
                    return std::io::ErrorKind::BrokenPipe.into();
                }
                is_news = true;
            }
        }
        while let Some(block) = blocks.next() {
            if let Some(phone) = signed_in(&block) {
                is_news |= lights.remove(phone).is_some();
            }
            let is_ours = block.get("ActionID").is_some_and(|action| action.starts_with(ACTION));
            if block.get("Response") == Some("Error")
                && let Some(why) = why_never(is_ours, block.get("Message").unwrap_or_default())
            {
                return std::io::Error::new(std::io::ErrorKind::PermissionDenied, why);
            }
        }
        if !is_news {
            continue;
        }
        let now = Waiting::clone(&waiting.borrow_and_update());
        let mut actions = String::new();
        for (phone, count) in now.iter().filter(|(phone, count)| lights.get(*phone) != Some(count)) {
            actions.push_str(&notify(phone, *count));
        }
        // Whoever is in no queue any more has no messages.
        for phone in lights.keys().filter(|phone| lights[*phone] > 0 && !now.contains_key(*phone)) {
            actions.push_str(&notify(phone, 0));
        }
        lights = BTreeMap::clone(&now);
        if let Err(error) = stream.write_all(actions.as_bytes()).await {
            return error;
        }
    }
}

/// Why no phone will be told, if an error means that. That one is away is none: it is told when it signs in.
fn why_never(is_ours: bool, message: &str) -> Option<&'static str> {
    match message {
        "Permission denied" => Some("the manager user has not read = system and write = system"),
        _ if message.starts_with("Invalid/unknown command") => {
            Some("res_pjsip_notify is not loaded; it needs a pjsip_notify.conf, if an empty one")
        }
        _ if !is_ours => Some("the manager user or its password is wrong"),
        _ => None,
    }
}

/// The phone that signs in, if this says so.
fn signed_in(block: &Block) -> Option<&str> {
    let is_it = block.get("Event")? == "ContactStatus"
        && matches!(block.get("ContactStatus")?, "Created" | "NonQualified" | "Reachable");
    is_it.then(|| block.get("EndpointName"))?
}

/// The action that tells a phone (RFC 3842 §3.5). Its name is one of ours: letters, digits and hyphens.
fn notify(phone: &str, count: u32) -> String {
    let waits = if count > 0 { "yes" } else { "no" };
    format!(
        "Action: PJSIPNotify\r\nActionID: {ACTION}{phone}\r\nEndpoint: {phone}\r\nVariable: Event=message-summary\r\n\
         Variable: Content-type=application/simple-message-summary\r\nVariable: Content=Messages-Waiting: {waits}\r\n\
         Variable: Content=Voice-Message: {count}/0\r\n\r\n"
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn first(text: &str) -> Block {
        let mut blocks = Blocks::default();
        blocks.push(text.as_bytes()).unwrap();
        blocks.next().unwrap()
    }

    #[test]
    fn a_phone_that_signs_in_is_known_and_one_that_goes_is_not() {
        let event = |status: &str| {
            first(&format!("Event: ContactStatus\r\nContactStatus: {status}\r\nEndpointName: demo-p\r\n\r\n"))
        };
        assert_eq!(signed_in(&event("Created")), Some("demo-p"));
        assert_eq!(signed_in(&event("Reachable")), Some("demo-p"));
        assert_eq!(signed_in(&event("Removed")), None);
        assert_eq!(signed_in(&first("Event: PeerStatus\r\nPeer: PJSIP/demo-p\r\n\r\n")), None);
    }

    #[test]
    fn that_a_phone_is_away_is_no_reason_to_give_up() {
        assert_eq!(why_never(true, "Unable to retrieve endpoint demo-p"), None);
        assert!(why_never(true, "Permission denied").is_some());
        assert!(why_never(true, "Invalid/unknown command: PJSIPNotify. Use Action: ListCommands").is_some());
        assert!(why_never(false, "Authentication failed").is_some());
    }

    #[test]
    fn what_a_phone_is_told_is_one_block() {
        let text = notify("demo-p", 2);
        let mut blocks = Blocks::default();
        blocks.push(text.as_bytes()).unwrap();
        assert_eq!(blocks.next().unwrap().get("Endpoint"), Some("demo-p"));
        assert_eq!(blocks.next(), None);
        assert!(text.contains("Messages-Waiting: yes\r\n") && text.contains("Voice-Message: 2/0\r\n"));
        assert!(notify("demo-p", 0).contains("Messages-Waiting: no\r\n"));
    }

    proptest! {
        #[test]
        fn anything_may_come(text in "(Event|ContactStatus|EndpointName)?: [A-Za-z -]{0,30}\r\n\r\n") {
            signed_in(&first(&text));
        }
    }
}
