//! Dialplan hooks: what a dialplan of somebody's own asks while a call runs, by FastAGI or over HTTP.
//!
//! - [`agi`] is FastAGI as bytes, [`ask`] the question, [`vars`] the answer and what may stand in it: all pure. [`server`] listens for FastAGI,
//!   [`http`] is `/hooks/dialplan/{name}`.
//! - [`place`] says what stands behind the number called. [`answers`] answers: from the directory that call control keeps in memory, and what
//!   only the database knows within the deadline (`hook_deadline_ms`).
//! - [`tokens`] are what HTTP takes for a sign-in; all of them are in memory, so that a hook is let in while the database is away.
//!
//! A hook never holds a call up and never drops it: past the deadline the answer is what memory knows (`partial`), and the dialplan goes on by its
//! documented fallback for the rest. What still runs then runs on behind the answer, at most [`MAX_LOOKUPS`] at a time, and the database itself
//! ends it.

mod agi;
mod answers;
mod ask;
pub(crate) mod caller_store;
mod http;
mod metrics;
mod place;
mod server;
mod tokens;
mod tokens_http;
mod tokens_store;
mod vars;

use std::sync::Arc;
use std::time::Duration;

use prometheus::Registry;
use tokio::sync::Semaphore;

use crate::config::HooksConfig;

pub(crate) use self::http::dialplan_router;
use self::metrics::HookMetrics;
pub use self::server::serve as serve_agi;
use self::tokens::Tokens;
pub use self::tokens::watch as watch_tokens;
pub use self::tokens_http::router;

/// Most questions that wait for the database at a time: more than a part of the pool's connections is never held by hooks, however slow it is.
const MAX_LOOKUPS: usize = 8;
/// Most events that wait for the journal at a time. They hold no connection of the pool, and a tenant's journal may be held up for long.
const MAX_EVENTS: usize = 256;

/// The hooks of this gateway. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hooks(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    deadline: Duration,
    lookups: Arc<Semaphore>,
    events: Arc<Semaphore>,
    tokens: Tokens,
    metrics: HookMetrics,
}

impl Hooks {
    /// With no token known yet.
    pub(crate) fn new(config: &HooksConfig, connections: u32, registry: &Registry) -> Self {
        // At least one, and never more than half of the pool.
        let lookups = usize::try_from(connections / 2).unwrap_or(MAX_LOOKUPS).clamp(1, MAX_LOOKUPS);
        Self(Arc::new(Inner {
            deadline: config.deadline,
            lookups: Arc::new(Semaphore::new(lookups)),
            events: Arc::new(Semaphore::new(MAX_EVENTS)),
            tokens: Tokens::default(),
            metrics: HookMetrics::register(registry),
        }))
    }

    pub(crate) fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }
}
