//! The two readers, each a process of its own.

use anyhow::{Context as _, bail, ensure};
use clap::ValueEnum;
use futures_util::StreamExt as _;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;
use trunkline_ari::{Event, State, Update};

use crate::asterisk::{END, PASSWORD, USER};
use crate::part::Folder;
use crate::usage::bind;

/// Which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reader {
    /// trunkline-ari: reads, keeps its view of Asterisk, hands typed events to its owner, who drops them.
    Typed,
    /// The same WebSocket library, the same runtime, and `serde_json::Value`.
    JsonOnly,
}

impl Reader {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Typed => "typed",
            Self::JsonOnly => "json-only",
        }
    }
}

/// Runs as a part until the last event has come, and says how many there were.
pub(crate) fn run(reader: Reader, url: &str, core: usize, folder: &Folder) -> anyhow::Result<()> {
    bind(0, core)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    let seen = match reader {
        Reader::Typed => runtime.block_on(typed(url, folder)),
        Reader::JsonOnly => runtime.block_on(json_only(url, folder)),
    }?;
    folder.say_done(&seen)?;
    // Killed from outside, once its CPU time was read.
    loop {
        std::thread::park();
    }
}

async fn typed(url: &str, folder: &Folder) -> anyhow::Result<u64> {
    let mut config = trunkline_ari::Config::new(url, USER, PASSWORD, ["trunkline"]);
    config.transport = trunkline_ari::Transport::WebSocket;
    let (client, mut updates) = trunkline_ari::connect(config)?;
    let mut seen = 0;
    while let Some(update) = updates.next().await {
        match update {
            Update::State(State::Live) => folder.say_ready(&())?,
            Update::State(State::Backoff { failure, .. }) => bail!("the connection failed: {failure}"),
            Update::Gap(gap) => bail!("events were lost from {} to {}", gap.from, gap.to),
            Update::Event(event) => {
                if let Event::ChannelUserevent(event) = &*event
                    && event.eventname == END
                {
                    // Right after a snapshot, what it showed already is read and not told again.
                    return Ok(seen + client.counters().deduplicated);
                }
                ensure!(!matches!(*event, Event::Unknown(_)), "an event is not typed: {event:?}");
                seen += 1;
            }
            _ => {}
        }
    }
    bail!("the session ended")
}

async fn json_only(url: &str, folder: &Folder) -> anyhow::Result<u64> {
    let address = url.strip_prefix("http").context("the address is not http")?;
    let (mut socket, _) = tokio_tungstenite::connect_async(format!("ws{address}/events")).await?;
    folder.say_ready(&())?;
    let mut seen = 0;
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message? else { continue };
        let event: Value = serde_json::from_str(&text)?;
        if event["eventname"] == END {
            return Ok(seen);
        }
        seen += 1;
    }
    bail!("the connection was closed")
}
