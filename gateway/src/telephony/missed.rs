//! Reads the notes that the dialplan keeps of callers who came and went while no gateway was connected (`trunkline-missed` in
//! `extensions.conf`): numbered global variables of Asterisk, taken down one by one once their record is on its way.
//!
//! Global variables, because they are all that ARI can read, write and remove: its view of Asterisk's database is blocked. They die
//! with Asterisk.

use std::collections::HashSet;
use std::time::Duration;

use chrono::DateTime;
use tokio::sync::{mpsc, oneshot};
use trunkline_ari::Client;
use trunkline_ari::asterisk::SetGlobalVar;
use trunkline_db::CallId;
use uuid::Uuid;

use crate::calls::center::MissedCall;
use crate::calls::model::Server;

/// The number of the newest note.
const NEWEST: &str = "TRUNKLINE_MISSED";
/// The number of the last note that was read.
const READ: &str = "TRUNKLINE_MISSED_READ";
/// Who waits when we connect is tried again within two seconds, and may have given up by then.
const AGAIN: Duration = Duration::from_secs(5);

/// A missed call on its way to its record, and what says that it was handed over.
pub(crate) type Note = (MissedCall, oneshot::Sender<()>);

/// Looks for notes whenever a connection to Asterisk came about.
pub(crate) async fn collect(
    server: Server,
    client: Client,
    mut connected: mpsc::UnboundedReceiver<()>,
    notes: mpsc::UnboundedSender<Note>,
) {
    // What was handed over, but whose note could not be taken down.
    let mut handed_over = HashSet::new();
    while connected.recv().await.is_some() {
        for pause in [Duration::ZERO, AGAIN] {
            tokio::time::sleep(pause).await;
            if let Err(error) = collect_now(&server, &client, &notes, &mut handed_over).await {
                // The next connection finds them again.
                tracing::warn!(%error, "the callers of the time without a gateway could not be read");
                break;
            }
        }
    }
}

async fn collect_now(
    server: &Server,
    client: &Client,
    notes: &mpsc::UnboundedSender<Note>,
    handed_over: &mut HashSet<String>,
) -> Result<(), trunkline_ari::Error> {
    let number = async |name: &str| -> Result<u64, trunkline_ari::Error> {
        // Empty before the first.
        Ok(client.asterisk().get_global_var(name).await?.value.trim().parse().unwrap_or(0))
    };
    let (newest, read) = (number(NEWEST).await?, number(READ).await?);
    for note in read + 1..=newest {
        let name = format!("{NEWEST}_{note}");
        let text = client.asterisk().get_global_var(&name).await?.value;
        match parse(server, &text) {
            Some(missed) if handed_over.insert(missed.channel.clone()) => {
                let (done, handed) = oneshot::channel();
                if notes.send((missed, done)).is_err() || handed.await.is_err() {
                    return Ok(());
                }
            }
            Some(_) => {}
            None => {
                tracing::warn!(note, text, "a caller came and went while no gateway was there, and no more is known");
            }
        }
        client.asterisk().set_global_var(READ, SetGlobalVar::default().value(note.to_string())).await?;
        // Without a value it is removed.
        client.asterisk().set_global_var(&name, SetGlobalVar::default()).await?;
    }
    handed_over.clear();
    Ok(())
}

/// A note: `kind|endpoint|called|channel|since|until|cause|caller`. The caller's number comes last, since it may hold anything.
fn parse(server: &Server, text: &str) -> Option<MissedCall> {
    let mut fields = text.splitn(8, '|').map(str::trim);
    let mut next = || fields.next().map(str::to_owned);
    let (kind, endpoint, called, channel) = (next()?, next()?, next()?, next()?);
    let (since, until): (i64, i64) = (next()?.parse().ok()?, next()?.parse().ok()?);
    let cause = next()?.parse().ok().filter(|cause| *cause != 0);
    let caller = next()?;
    // A number that is no number of ours is a name of somebody else's making, but never none.
    (!channel.is_empty()).then_some(())?;
    let (since, until) = (DateTime::from_timestamp(since, 0)?, DateTime::from_timestamp(until.max(since), 0)?);
    Some(MissedCall {
        server: server.clone(),
        id: id_of(server, &channel, since.timestamp_millis()),
        channel,
        kind,
        endpoint,
        called,
        caller,
        since,
        until,
        cause,
    })
}

/// A UUID of version 7 that is the same for the same channel.
fn id_of(server: &Server, channel: &str, millis: i64) -> CallId {
    // The name of the only server is no part of it, so that a call keeps its id when a second server comes.
    let whole = if server.as_str() == Server::ONLY { channel.to_owned() } else { format!("{server}/{channel}") };
    let hash = Uuid::new_v5(&Uuid::NAMESPACE_OID, whole.as_bytes());
    let mut rest = [0; 10];
    rest.copy_from_slice(&hash.as_bytes()[..10]);
    CallId::from(uuid::Builder::from_unix_timestamp_millis(u64::try_from(millis).unwrap_or(0), &rest).into_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written() {
        let note = "inbound|demo-trunk|+15550100|trunkline-1795914852.1|1795914850|1795914854|16|+15557654321";
        let missed = parse(&Server::default(), note).unwrap();
        assert_eq!((missed.kind.as_str(), missed.endpoint.as_str()), ("inbound", "demo-trunk"));
        assert_eq!((missed.called.as_str(), missed.caller.as_str()), ("+15550100", "+15557654321"));
        assert_eq!((missed.until - missed.since).num_seconds(), 4);
        assert_eq!(missed.cause, Some(16));
        assert_eq!(missed.id, parse(&Server::default(), note).unwrap().id);
        assert_eq!(missed.id.uuid().get_version_num(), 7);
    }

    #[test]
    fn a_callers_number_may_hold_anything_and_the_rest_may_not() {
        let missed = parse(&Server::default(), "inbound|t|+1|c.1|100|90|0|a|b").unwrap();
        assert_eq!((missed.caller.as_str(), missed.cause), ("a|b", None));
        assert_eq!(missed.until, missed.since);
        for wrong in ["", "inbound|t|+1|c.1|x|90|0|a", "inbound|t|+1||100|90|0|a", "inbound|t|+1|c.1|100|90|0"] {
            assert_eq!(parse(&Server::default(), wrong), None, "{wrong}");
        }
    }
}
