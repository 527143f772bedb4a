//! Log lines, as text for people or JSON for collectors.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::LogFormat;

/// Libraries that log the very bytes they carry when they are asked for everything: frames with phones' passwords, headers with tokens.
/// They never say more than this, whatever the filter asks for.
const RESERVED: [&str; 4] = ["tungstenite=info", "tokio_tungstenite=info", "hyper=info", "h2=info"];

/// Sets up the process's log on standard error. Later calls change nothing.
pub fn init(filter: &str, format: LogFormat) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let reserved = RESERVED.iter().map(|directive| directive.parse().expect("a target and a level"));
    let filter = reserved.fold(filter, EnvFilter::add_directive);
    let colours = std::io::stderr().is_terminal();
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    // A second set-up happens in tests only, where the first one is as good.
    let _ = match format {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).try_init(),
    };
}
