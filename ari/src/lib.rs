//! Asterisk's REST interface (ARI), typed and kept alive.
//!
//! Every operation, model and event of ARI 22 is generated from the api-docs that Asterisk ships. [`connect`] gives a
//! [`Client`] for requests and [`Updates`], which tell what happens, in order, and honestly: after a lost connection
//! there is a [`Gap`], then a [`Snapshot`] of what Asterisk holds now, then every difference from what was known as
//! [`Resynced`], and only then is the session live again.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use trunkline_ari::{Config, Event, Update};
//!
//! let config = Config::new("http://127.0.0.1:8088/ari", "gateway", "secret", ["trunkline"]);
//! let (client, mut updates) = trunkline_ari::connect(config)?;
//! while let Some(update) = updates.next().await {
//!     if let Update::Event(event) = update
//!         && let Event::StasisStart(start) = *event
//!     {
//!         client.channels().answer(&start.channel.id).await?;
//!     }
//! }
//! # Ok(())
//! # }
//! ```

pub mod body;
mod client;
mod config;
mod connect;
mod driver;
mod error;
mod event;
mod generated;
mod lenient;
pub mod log;
mod model_ext;
pub mod replay;
mod request;
pub mod server;
pub mod session;
mod transport;
mod update;
mod watch;

pub use client::{Client, new_id};
pub use config::{Config, Limits, Transport};
pub use connect::connect;
pub use driver::Updates;
pub use error::{ConfigError, Error, OrGone};
pub use event::{Event, Key, Parsed, UnknownEvent, parse, parse_timestamp};
pub use generated::events::payload;
pub use generated::models as model;
pub use generated::operations::{
    applications, asterisk, bridges, channels, device_states, endpoints, events, mailboxes, playbacks, recordings,
    sounds,
};
pub use generated::surface::SURFACE;
pub use generated::values;
pub use request::{Method, Path, RawResponse, Request, RequestParts};
pub use update::{Counters, Failure, Gap, Resynced, Snapshot, State, Update};
pub use watch::{Sight, Watch};
