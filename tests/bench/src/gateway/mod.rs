//! The gateway under load: the same journal, hub and HTTP edge as `trunkline serve`, wired together here with one thing added, a pipe
//! through which the driver has events appended from inside the process, as calls and commands append them.

mod publish;
mod serve;

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) use self::serve::{Options, run};
use crate::database::Database;
use crate::driver::{Endpoint, Entry, MessageContent, Publish};
use crate::part::Part;
use crate::websocket::upgrade_request;

/// What a gateway says when it is ready.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Ready {
    http: SocketAddr,
    agi: SocketAddr,
    publish: SocketAddr,
    tenants: Vec<Uuid>,
    /// An admin of each tenant.
    admins: Vec<Member>,
    /// Agents of the first tenant.
    agents: Vec<Member>,
}

/// Somebody who may use the API.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) user: Uuid,
    /// An access token.
    pub(crate) token: String,
}

/// How a gateway is started that is no server of streams alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inbox {
    pub(crate) tenants: usize,
    /// Agents of the first tenant.
    pub(crate) agents: usize,
    /// Whether its jobs run: what providers told is applied.
    pub(crate) works: bool,
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
        let core = core.to_string();
        Self::start_with(&["--core", &core], database, tenants).await
    }

    /// One that may use all cores.
    pub(crate) async fn start_inbox(inbox: Inbox, database: &mut Database) -> anyhow::Result<Self> {
        let agents = inbox.agents.to_string();
        let mut words = vec!["--agents", &agents];
        if inbox.works {
            words.push("--works");
        }
        Self::start_with(&words, database, inbox.tenants).await
    }

    async fn start_with(more: &[&str], database: &mut Database, tenants: usize) -> anyhow::Result<Self> {
        let (tenants, url) = (tenants.to_string(), database.url());
        let words = [&["gateway", "--tenants", &tenants, "--database-url", &url], more].concat();
        let mut part = Part::start(&words)?;
        let ready = part.ready().await?;
        Ok(Self { part, ready, database: database.pid()? })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.part.pid()
    }

    pub(crate) fn http(&self) -> SocketAddr {
        self.ready.http
    }

    /// Where it takes FastAGI.
    pub(crate) fn agi(&self) -> SocketAddr {
        self.ready.agi
    }

    pub(crate) fn tenants(&self) -> &[Uuid] {
        &self.ready.tenants
    }

    /// An admin of each tenant.
    pub(crate) fn admins(&self) -> &[Member] {
        &self.ready.admins
    }

    /// The agents of the first tenant.
    pub(crate) fn agents(&self) -> &[Member] {
        &self.ready.agents
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
            upgrades: self.ready.admins[..channels]
                .iter()
                .map(|Member { token, .. }| {
                    let headers = format!("Sec-WebSocket-Protocol: trunkline.v1\r\nAuthorization: Bearer {token}\r\n");
                    upgrade_request("/api/v1/stream", &headers)
                })
                .collect(),
            entry: Entry::Subscribe,
            publish: Publish::Pipe { address: self.ready.publish, content: MessageContent::Text },
        }
    }
}
