//! Web push: people are told of what comes into the inbox when the panel is closed (RFC 8030, 8291 and 8292).
//!
//! | file | what it does |
//! |---|---|
//! | `watch` | goes through the journal, and enqueues a job for each browser that is to be told of an event |
//! | `rule` | who is told of what, and why: pure, the panel's own rule (`app/notify`) once more |
//! | `send` | the job: looks whether it is still news, encrypts it, and posts it to the browser's push service |
//! | `vapid` | the key by which push services know this installation |

mod http;
mod metrics;
mod rule;
mod send;
mod store;
mod vapid;
mod watch;

use crate::auth::Keys;
use crate::config::Config;
use crate::fetch::Fetch;

pub use self::http::router;
use metrics::PushMetrics;
pub(crate) use send::{SEND, send};
use vapid::Vapid;
pub use watch::watch;

/// What is needed to tell browsers.
#[derive(Debug)]
pub struct Push {
    vapid: Vapid,
    fetch: Fetch,
    metrics: PushMetrics,
}

impl Push {
    /// With the installation's key.
    ///
    /// # Panics
    /// When a metric's name is taken: a mistake in the code, found at the first start.
    pub fn new(config: &Config, keys: &Keys, metrics: &prometheus::Registry) -> Self {
        Self {
            vapid: Vapid::derive(keys, config.public_url.as_str()),
            fetch: Fetch::new(config.private_push_services),
            metrics: PushMetrics::register(metrics),
        }
    }
}
