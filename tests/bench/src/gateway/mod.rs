//! The gateway under load: the same journal, hub and HTTP edge as `trunkline serve`, wired together here with one thing added, a pipe
//! through which the driver has events appended from inside the process, as calls and commands append them.

mod publish;
mod serve;

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

pub(crate) use self::serve::{Options, run};
use crate::database::Database;
use crate::driver::{Endpoint, Entry, MessageContent, Publish};
use crate::part::Part;
use crate::websocket::upgrade_request;

/// What a gateway says when it is ready.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Ready {
    http: SocketAddr,
    publish: SocketAddr,
    /// An access token for an admin of each tenant.
    tokens: Vec<String>,
}

/// A running gateway. Each of its tenants is a channel.
#[derive(Debug)]
pub(crate) struct Gateway {
    part: Part,
    ready: Ready,
    database: u32,
}

impl Gateway {
    pub(crate) async fn start(core: usize, database: &mut Database, tenants: usize) -> anyhow::Result<Self> {
        let words = [
            "gateway",
            "--core",
            &core.to_string(),
            "--tenants",
            &tenants.to_string(),
            "--database-url",
            &database.url(),
        ];
        let mut part = Part::start(&words)?;
        let ready = part.ready().await?;
        Ok(Self { part, ready, database: database.pid()? })
    }

    /// The end of its log: why it did not do what it should.
    pub(crate) fn last_words(&self) -> String {
        self.part.last_words()
    }

    /// `channels` of its tenants.
    pub(crate) fn endpoint(&self, channels: usize) -> Endpoint {
        Endpoint {
            pid: self.part.pid(),
            beside: Some(self.database),
            stream: self.ready.http,
            upgrades: self.ready.tokens[..channels]
                .iter()
                .map(|token| {
                    let headers = format!("Sec-WebSocket-Protocol: trunkline.v1\r\nAuthorization: Bearer {token}\r\n");
                    upgrade_request("/api/v1/stream", &headers)
                })
                .collect(),
            entry: Entry::Subscribe,
            publish: Publish::Pipe { address: self.ready.publish, content: MessageContent::Text },
        }
    }
}
