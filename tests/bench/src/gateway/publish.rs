//! The pipe: what the driver writes into it is appended to the journal.

use std::collections::BTreeMap;

use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use trunkline_db::TenantId;
use trunkline_journal::{Journal, Kind, MAX_EVENTS, NewEvent, Ref};
use uuid::Uuid;

use crate::pipe::{self, Piped};

const KIND: Kind = Kind::from_static("message.received");

/// Serves until the runtime ends.
pub(super) async fn serve(listener: TcpListener, journal: Journal, tenants: Vec<TenantId>) {
    while let Ok((socket, _)) = listener.accept().await {
        tokio::spawn(take(socket, journal.clone(), tenants.clone()));
    }
}

/// What came with one read is appended together, tenant by tenant; the lanes put the tenants together.
async fn take(mut socket: TcpStream, journal: Journal, tenants: Vec<TenantId>) {
    let mut bytes = Vec::new();
    loop {
        bytes.reserve(64 * 1024);
        if !matches!(socket.read_buf(&mut bytes).await, Ok(1..)) {
            return;
        }
        let mut used = 0;
        let mut events: BTreeMap<TenantId, Vec<NewEvent>> = BTreeMap::new();
        while let Ok(Some(Piped { channel, message, size })) = pipe::parse(&bytes[used..]) {
            used += size;
            let text = String::from_utf8_lossy(message);
            let event = NewEvent::new(KIND, Ref::new("message", Uuid::now_v7()), json!({ "text": text }));
            events.entry(tenants[channel]).or_default().push(event);
        }
        bytes.drain(..used);
        for (tenant, events) in events {
            let journal = journal.clone();
            tokio::spawn(async move {
                let mut events = events.into_iter();
                loop {
                    let some: Vec<NewEvent> = events.by_ref().take(MAX_EVENTS).collect();
                    if some.is_empty() {
                        return;
                    }
                    if let Err(error) = journal.append(tenant, some).await {
                        // The driver will miss the messages, and show this.
                        eprintln!("cannot append: {error}");
                        return;
                    }
                }
            });
        }
    }
}
