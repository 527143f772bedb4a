//! The machine that the figures come from, and what else it is doing.

use std::fs;

use serde::{Deserialize, Serialize};

/// What is known of the machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    /// Mebibytes.
    pub(crate) memory_mib: u64,
    pub(crate) os: String,
    pub(crate) kernel: String,
    /// When the run began, RFC 3339.
    pub(crate) at: String,
    /// Load averages over 1, 5 and 15 minutes when the run began.
    pub(crate) load: [f64; 3],
}

impl Machine {
    /// This machine, now.
    pub(crate) fn here() -> Self {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let os = fs::read_to_string("/etc/os-release").unwrap_or_default();
        let unknown = || "unknown".to_owned();
        Self {
            cpu: field(&cpu, "model name", ':').unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: field(&memory, "MemTotal", ':')
                .and_then(|text| text.split(' ').next()?.parse::<u64>().ok())
                .map_or(0, |kib| kib / 1024),
            os: field(&os, "PRETTY_NAME", '=').unwrap_or_else(unknown),
            kernel: kernel(),
            at: chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            load: load_averages(),
        }
    }

    #[cfg(test)]
    pub(crate) fn example() -> Self {
        Self {
            cpu: "Example".to_owned(),
            cores: 2,
            memory_mib: 1024,
            os: "Debian".to_owned(),
            kernel: "6.1".to_owned(),
            at: "2026-11-20T15:04:05Z".to_owned(),
            load: [0.5, 0.25, 0.125],
        }
    }
}

/// The kernel's release.
pub(crate) fn kernel() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned()
}

/// The load average over the last minute.
pub(crate) fn load() -> f64 {
    load_averages()[0]
}

fn load_averages() -> [f64; 3] {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let mut numbers = text.split(' ').map(|word| word.parse().unwrap_or(f64::NAN));
    std::array::from_fn(|_| numbers.next().unwrap_or(f64::NAN))
}

/// The value of the first line that begins with a key, without quotes.
fn field(text: &str, key: &str, separator: char) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(separator)?.1.trim().trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known() {
        let machine = Machine::here();
        assert!(machine.cores >= 1 && machine.memory_mib > 0 && !machine.kernel.is_empty(), "{machine:?}");
        assert!(machine.load.iter().all(|load| *load >= 0.0), "{machine:?}");
    }

    #[test]
    fn fields_are_found_by_their_key() {
        assert_eq!(field("a: 1\nmodel name\t: Fast\n", "model name", ':').as_deref(), Some("Fast"));
        assert_eq!(field("PRETTY_NAME=\"Debian 12\"\n", "PRETTY_NAME", '=').as_deref(), Some("Debian 12"));
        assert_eq!(field("", "x", ':'), None);
    }
}
