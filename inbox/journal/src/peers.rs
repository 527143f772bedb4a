//! Agreement with the other nodes on the same database: they are told by `NOTIFY` that something was written, and a poll
//! stands behind it. Both only say where a journal stands; what happened is read from the log.

use std::{collections::BTreeMap, time::Duration};

use tokio::{sync::mpsc, time::Instant};
use trunkline_db::{Db, DbError, Listener, TenantId, UserId};
use uuid::Uuid;

use crate::{epoch, event::Seq, hub::Hub, store};

const COMMITTED: &str = "trunkline_journal";
const PERMISSIONS: &str = "trunkline_permissions";
/// PostgreSQL takes less than 8,000 bytes.
const PAYLOAD_MAX: usize = 7_900;
/// Notes are gathered for so long: a notification costs as much as a small transaction.
const GATHER: Duration = Duration::from_millis(5);

/// Something that the other nodes should know.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Note {
    Committed(TenantId, Seq),
    Permissions(TenantId, UserId),
}

/// Starts telling and listening.
pub(crate) fn spawn(hub: &Hub, notes: mpsc::UnboundedReceiver<Note>) {
    hub.spawn(tell(hub.clone(), notes));
    hub.spawn(listen(hub.clone()));
    hub.spawn(tick(hub.clone()));
}

/// Tells the others of what was committed here.
async fn tell(hub: Hub, mut notes: mpsc::UnboundedReceiver<Note>) {
    let node = hub.inner.config.node;
    let mut gathered = Vec::new();
    loop {
        tokio::select! {
            () = hub.inner.cancel.cancelled() => return,
            n = notes.recv_many(&mut gathered, 4096) => if n == 0 { return },
        }
        let mut committed = BTreeMap::new();
        let mut payloads = Vec::new();
        for note in gathered.drain(..) {
            match note {
                Note::Committed(tenant, last) => {
                    let newest = committed.entry(tenant).or_insert(last);
                    *newest = last.max(*newest);
                }
                Note::Permissions(tenant, user) => payloads.push((PERMISSIONS, format!("{node} {tenant}:{user}"))),
            }
        }
        payloads.extend(say_committed(node, &committed).into_iter().map(|payload| (COMMITTED, payload)));
        if let Err(error) = send(&hub.inner.db, &payloads).await {
            // The others' poll finds out all the same.
            tracing::debug!(%error, "the other nodes could not be told");
        }
        tokio::time::sleep(GATHER).await;
    }
}

async fn send(db: &Db, payloads: &[(&str, String)]) -> Result<(), DbError> {
    let mut tx = db.system().await?;
    for (channel, payload) in payloads {
        store::notify(&mut tx, channel, payload).await?;
    }
    tx.commit().await
}

/// `NODE TENANT:SEQ TENANT:SEQ …`, in as many pieces as needed.
fn say_committed(node: Uuid, committed: &BTreeMap<TenantId, Seq>) -> Vec<String> {
    let mut payloads: Vec<String> = Vec::new();
    for (tenant, seq) in committed {
        let word = format!(" {tenant}:{seq}");
        match payloads.last_mut() {
            Some(last) if last.len() + word.len() <= PAYLOAD_MAX => last.push_str(&word),
            _ => payloads.push(format!("{node}{word}")),
        }
    }
    payloads
}

/// What another node said. `None`: it is our own, or not to be understood.
fn understand(node: Uuid, payload: &str) -> Option<impl Iterator<Item = (Uuid, &str)>> {
    let (from, words) = payload.split_once(' ')?;
    if from.parse::<Uuid>().ok()? == node {
        return None;
    }
    Some(words.split(' ').filter_map(|word| {
        let (tenant, what) = word.split_once(':')?;
        Some((tenant.parse().ok()?, what))
    }))
}

/// Listens to the others, and asks the database every now and then.
async fn listen(hub: Hub) {
    let cancel = hub.inner.cancel.clone();
    while !cancel.is_cancelled() {
        let heard = tokio::select! {
            () = cancel.cancelled() => return,
            heard = listen_once(&hub) => heard,
        };
        if let Err(error) = heard {
            tracing::warn!(%error, "the journal hears nothing of the database; trying again");
        }
        // Jitter, so that the nodes do not come back all at once.
        let pause = Duration::from_millis(250 + u64::from(rand::random::<u8>()));
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn listen_once(hub: &Hub) -> Result<(), DbError> {
    let mut listener = hub.inner.db.listen(&[COMMITTED, PERMISSIONS]).await?;
    // After a break the database may be another one.
    hub.begin_epoch(epoch::ensure(&hub.inner.db).await?);
    loop {
        poll(hub).await?;
        let next_poll = Instant::now() + hub.inner.config.poll_every;
        while let Ok(heard) = tokio::time::timeout_at(next_poll, hear(hub, &mut listener)).await {
            heard?;
        }
    }
}

async fn hear(hub: &Hub, listener: &mut Listener) -> Result<(), DbError> {
    let notification = listener.next().await?;
    let Some(said) = understand(hub.inner.config.node, &notification.payload) else {
        return Ok(());
    };
    for (tenant, what) in said {
        let tenant = TenantId(tenant);
        if notification.channel == PERMISSIONS {
            if let Ok(user) = what.parse() {
                hub.permissions_changed_here(tenant, user);
            }
        } else if let (Ok(head), Some(channel)) = (what.parse(), hub.channel(tenant)) {
            let (known, oldest) = channel.standing();
            hub.observe(&channel, known, known.max(Seq(head)), oldest);
        }
    }
    Ok(())
}

/// Asks where the journals stand that somebody listens to.
async fn poll(hub: &Hub) -> Result<(), DbError> {
    let channels = hub.channels();
    if channels.is_empty() {
        return Ok(());
    }
    // Read before asking: what the database says may not be behind this.
    let known: BTreeMap<_, _> =
        channels.into_iter().map(|channel| (channel.tenant(), (channel.standing().0, channel))).collect();
    let tenants: Vec<Uuid> = known.keys().map(|tenant| tenant.uuid()).collect();
    let mut tx = hub.inner.db.system().await?;
    let heads = store::heads(&mut tx, &tenants).await?;
    tx.commit().await?;
    for head in heads {
        if let Some((known, channel)) = known.get(&head.tenant) {
            hub.observe(channel, *known, head.seq, head.oldest);
        }
    }
    Ok(())
}

/// Reminds those who are to be told of what they were not shown.
async fn tick(hub: Hub) {
    let mut ticks = tokio::time::interval(hub.inner.config.skipped_every / 5);
    loop {
        tokio::select! {
            () = hub.inner.cancel.cancelled() => return,
            _ = ticks.tick() => {}
        }
        for channel in hub.channels() {
            channel.tick();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn many_tenants_are_told_in_pieces_that_fit() {
        let node = Uuid::now_v7();
        let committed: BTreeMap<_, _> = (0..500).map(|n| (TenantId::new(), Seq(n))).collect();
        let payloads = say_committed(node, &committed);
        assert!(payloads.len() > 1 && payloads.iter().all(|payload| payload.len() < 8_000));
        assert!(understand(node, &payloads[0]).is_none(), "our own words");
        let heard: BTreeMap<_, _> = payloads
            .iter()
            .flat_map(|payload| understand(Uuid::nil(), payload).unwrap())
            .map(|(tenant, seq)| (TenantId(tenant), Seq(seq.parse().unwrap())))
            .collect();
        assert_eq!(heard, committed);
    }

    proptest! {
        #[test]
        fn hearing_never_panics(payload in ".{0,120}") {
            if let Some(words) = understand(Uuid::nil(), &payload) {
                words.for_each(drop);
            }
        }
    }
}
