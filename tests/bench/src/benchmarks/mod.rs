//! The benchmarks, one file each.

pub(crate) mod ari_events;
pub(crate) mod call_setup;
pub(crate) mod dialplan_hook;
pub(crate) mod hub_fanout;
pub(crate) mod hub_memory;
pub(crate) mod journal_append;
pub(crate) mod list_search;
pub(crate) mod panel_live;
pub(crate) mod webhook_ingest;

use std::path::PathBuf;
use std::time::Duration;

use crate::usage::Cores;

/// What all of them go by.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// How often each measurement is repeated; the median counts.
    pub(crate) rounds: usize,
    /// How long each measurement takes.
    pub(crate) span: Duration,
    /// Messages on their way in `hub_fanout`, instead of each workload's own number.
    pub(crate) window: Option<usize>,
    pub(crate) cores: Cores,
    /// Where databases are made.
    pub(crate) folder: PathBuf,
}

impl Plan {
    /// Before a measured span: everything that happens only once has happened.
    pub(crate) fn warm_up(&self) -> Duration {
        (self.span / 5).min(Duration::from_secs(1))
    }
}
