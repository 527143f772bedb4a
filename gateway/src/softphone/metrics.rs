//! Figures of softphones.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

/// Figures of softphones and of the sockets that carry their SIP.
#[derive(Debug, Clone)]
pub struct SoftphoneMetrics {
    /// Answers to `POST /softphone/session` by result (`made`, `renewed`, `limited`, `refused`).
    pub(super) sessions: IntCounterVec,
    /// Open sockets.
    pub(super) sockets: IntGauge,
    /// Sockets that were not opened, by reason (`origin`, `protocol`, `name`, `asterisk`).
    pub(super) refused: IntCounterVec,
    /// Sockets that ended, by reason (see `proxy::End`).
    pub(super) ended: IntCounterVec,
    /// SIP messages from browsers.
    pub(super) from_browsers: IntCounter,
    /// SIP messages to browsers.
    pub(super) to_browsers: IntCounter,
}

impl SoftphoneMetrics {
    /// Registers everything.
    ///
    /// # Panics
    /// When a name is taken: a mistake in the code, found at the first start.
    pub fn register(registry: &Registry) -> Self {
        let counters = |name: &str, help: &str, label: &str, values: &[&str]| {
            let vec = IntCounterVec::new(Opts::new(name, help), &[label]).expect("the name is valid");
            registry.register(Box::new(vec.clone())).expect("every metric has a name of its own");
            // Visible at zero: an alert on a missing series never fires.
            for value in values {
                vec.with_label_values(&[*value]);
            }
            vec
        };
        let messages =
            counters("trunkline_sip_messages_total", "SIP messages of softphones", "from", &["browser", "asterisk"]);
        let sockets = IntGauge::new("trunkline_sip_sockets", "Open sockets of softphones").expect("the name is valid");
        registry.register(Box::new(sockets.clone())).expect("every metric has a name of its own");
        Self {
            sessions: counters(
                "trunkline_softphone_sessions_total",
                "Credentials of softphones",
                "result",
                &["made", "renewed", "limited", "refused"],
            ),
            sockets,
            refused: counters(
                "trunkline_sip_sockets_refused_total",
                "Sockets of softphones that were not opened",
                "reason",
                &["origin", "protocol", "name", "asterisk"],
            ),
            ended: counters(
                "trunkline_sip_sockets_ended_total",
                "Sockets of softphones that ended",
                "reason",
                super::proxy::End::WORDS,
            ),
            from_browsers: messages.with_label_values(&["browser"]),
            to_browsers: messages.with_label_values(&["asterisk"]),
        }
    }
}
