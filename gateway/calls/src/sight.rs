//! What somebody sees of the tenant's work: plain values, for those who know neither roles nor teams.

use trunkline_db::{AgentId, UserId};
use uuid::Uuid;

/// What somebody sees of the tenant's work. The journal's scopes say the same of events (the gateway's `stream::grants`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// Everything.
    pub all: bool,
    /// Otherwise: one's own, and that of one's queues …
    pub user: UserId,
    /// … and what the members of the teams that one leads take part in.
    pub led: Vec<AgentId>,
}

impl Sight {
    /// Whose part in something makes it visible: one's own, and of those one leads.
    pub fn agents(&self) -> Vec<Uuid> {
        [self.user.uuid()].into_iter().chain(self.led.iter().map(|agent| agent.uuid())).collect()
    }
}
