//! Sounds that callers hear: what a company uploads, or has spoken.
//!
//! - The API (`/sounds`, [`http`]) keeps files in the store of files, made into what a telephone line carries (`trunkline_media::sound`).
//! - [`speech`] has text spoken by a program of this machine ([`program`]) and keeps what was spoken.
//! - [`resolve`] says what a call's words are for Asterisk; [`link`] signs the addresses at which Asterisk fetches them, [`telephony_http`]
//!   answers there.
//!
//! What is behind an address never changes, so Asterisk may keep it for ever, and no call waits for a file that was heard before.

mod ahead;
pub(crate) mod directory_store;
mod http;
mod link;
mod metrics;
mod model;
mod program;
mod resolve;
mod service;
mod speech;
mod store;
mod sweep;
mod telephony_http;
mod uses_store;

use std::sync::Arc;

use prometheus::Registry;

use self::link::{Content, Links};
use self::metrics::SoundMetrics;
use self::speech::Speech;
use crate::auth::Keys;
use crate::config::Config;

pub use self::http::router;
pub(crate) use self::resolve::Voices;
pub use self::service::media_of;
pub(crate) use self::sweep::{remove_all, sweep};
pub(crate) use self::telephony_http::telephony_router;

/// What callers hear. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sounds(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    links: Links,
    speech: Speech,
    metrics: SoundMetrics,
}

impl Sounds {
    /// As the configuration says.
    pub(crate) fn new(config: &Config) -> Self {
        let metrics = SoundMetrics::new();
        let secret = Keys::derive(&config.secret_key).hash_opaque("telephony-sounds");
        Self(Arc::new(Inner {
            links: Links::new(secret, &config.sounds.gateway_url),
            speech: Speech::new(config.sounds.speech.clone(), config.state_dir.join("speech"), metrics.clone()),
            metrics,
        }))
    }

    /// Shows their figures.
    pub(crate) fn register(&self, registry: &Registry) {
        self.0.metrics.register(registry);
    }

    fn speech(&self) -> &Speech {
        &self.0.speech
    }

    fn metrics(&self) -> &SoundMetrics {
        &self.0.metrics
    }

    /// Asterisk's word for playing this.
    fn address(&self, content: Content) -> String {
        self.0.links.media(content)
    }

    fn opens(&self, content: Content, query: &str) -> bool {
        self.0.links.opens(content, query)
    }
}
