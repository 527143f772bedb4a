//! The ways to the outside: a tenant's own trunks, the best first, or the one of the configuration. A trunk that refuses at once, before it rings
//! anywhere, gives way to the next.

use std::collections::{BTreeMap, VecDeque};

use trunkline_db::{TenantId, TrunkId};

use super::Center;
use super::call::Call;
use super::io::Ending;
use crate::DialRefusal;
use crate::lines::Line;
use crate::model::{CallState, Server};

/// How many trunks are tried for one call.
const MOST_TRIES: usize = 4;

/// A way to the outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    /// Asterisk's dial string.
    pub(super) endpoint: String,
    /// What is shown there.
    pub(super) caller_id: Option<String>,
    /// The tenant's own trunk, if it is one.
    pub(super) line: Option<TrunkId>,
}

/// Whether a trunk would not take the call at all, as opposed to whoever was called by it: it is out of order, overloaded, or does not know us
/// (RFC 3261 §21.4, §21.5; ITU-T Q.850 §2.2.7).
pub(super) fn is_of_the_trunk(ending: Ending) -> bool {
    match (ending.sip_code, ending.cause) {
        (Some(code), _) => matches!(code, 401 | 407 | 408 | 500 | 502 | 503 | 504),
        (None, Some(cause)) => matches!(cause, 27 | 34 | 38 | 41 | 42 | 44 | 47 | 58),
        (None, None) => true,
    }
}

impl Call {
    /// On how many channels of a trunk the call is.
    fn channels_on(&self, line: TrunkId) -> u32 {
        let outside = self.outside.is_some() || self.outside_leg().is_some();
        u32::from(self.line == Some(line)) + u32::from(outside && self.outside_line == Some(line))
    }
}

impl Center {
    /// The ways by which a tenant's call leaves a server, the first to be tried first. Trunks that are full are left out, those that are known to
    /// be out of reach come last.
    pub(super) fn ways_out(
        &self,
        tenant: TenantId,
        server: Option<&Server>,
        number: &str,
        chosen: Option<&str>,
    ) -> Result<VecDeque<Way>, DialRefusal> {
        // Without a phone nobody calls out, and why is told after this.
        let any = self.apps.keys().next();
        let own = server.or(any).and_then(|server| self.directory.lines_out(tenant, server));
        let Some(mut own) = own else {
            let trunks = self.directory.trunks.get(&tenant).ok_or(DialRefusal::NoTrunk)?;
            let trunk = server.map_or_else(|| trunks.values().next(), |server| trunks.get(server));
            let endpoint = trunk.ok_or(DialRefusal::NoTrunk)?.replace("{number}", number);
            return Ok([Way { endpoint, caller_id: chosen.map(str::to_owned), line: None }].into());
        };
        own.retain(|line| !self.is_full(line));
        own.sort_by_key(|line| !self.fleet.is_online(&line.endpoint()));
        let ways: VecDeque<Way> = own
            .into_iter()
            .take(MOST_TRIES)
            .map(|line| Way {
                endpoint: format!("PJSIP/{}@{}", line.dialled(number), line.endpoint()),
                caller_id: line.shown(chosen),
                line: Some(line.id),
            })
            .collect();
        if ways.is_empty() { Err(DialRefusal::NoTrunk) } else { Ok(ways) }
    }

    /// Whether a trunk has as many calls as it may.
    pub(super) fn is_full(&self, line: &Line) -> bool {
        let Some(most) = line.settings.max_channels else { return false };
        let running = self.calls.values().filter(|call| call.closing.is_none() && call.row.state != CallState::Ended);
        running.map(|call| call.channels_on(line.id)).sum::<u32>() >= most
    }

    /// How many channels each trunk has now, by server.
    pub fn channels_by_line(&self) -> BTreeMap<(Server, TrunkId), u32> {
        let mut counts = BTreeMap::new();
        for call in self.calls.values().filter(|call| call.row.state != CallState::Ended) {
            for line in [call.line, call.outside_line].into_iter().flatten() {
                counts.insert((call.row.server.clone(), line), 0);
            }
        }
        for ((server, line), count) in &mut counts {
            let here = self.calls.values().filter(|call| call.row.server == *server);
            *count = here.filter(|call| call.row.state != CallState::Ended).map(|call| call.channels_on(*line)).sum();
        }
        counts
    }
}
