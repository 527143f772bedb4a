//! Dialplan hooks.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;

use super::source::{Reader, bounded};

/// How a dialplan of somebody's own asks us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HooksConfig {
    /// Where FastAGI is listened for; none: nowhere.
    pub listen: Option<SocketAddr>,
    /// From where FastAGI is taken: it has no sign-in.
    pub networks: Vec<IpNet>,
    /// How long a hook waits for the database.
    pub deadline: Duration,
}

impl HooksConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let listen =
            reader.required("agi_listen", |text| if text == "off" { Some(None) } else { text.parse().ok().map(Some) });
        let networks = reader.required("agi_networks", networks);
        let deadline = reader.required("hook_deadline_ms", |text| bounded::<u64>(text, 20, 5_000));
        Some(Self { listen: listen?, networks: networks?, deadline: Duration::from_millis(deadline?) })
    }
}

/// Networks, or addresses, which are networks of one.
fn networks(text: &str) -> Option<Vec<IpNet>> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    items.map(|item| item.parse::<IpNet>().ok().or_else(|| item.parse::<IpAddr>().ok().map(IpNet::from))).collect()
}
