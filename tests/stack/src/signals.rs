//! What ends a run: SIGINT, SIGTERM, SIGHUP, and the end of the `make` that started us.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits for the wish to end.
#[derive(Debug)]
pub(crate) struct Ending {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    make: Option<Make>,
}

/// The `make` that started us, and when to look at it.
#[derive(Debug)]
struct Make {
    pid: u32,
    // Kept between calls: whoever asks every 50 ms must not begin to wait anew each time.
    look: tokio::time::Interval,
}

impl Ending {
    pub(crate) fn new() -> Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        let parent = nix::unistd::getppid().as_raw().cast_unsigned();
        let name = std::fs::read_to_string(format!("/proc/{parent}/comm")).unwrap_or_default();
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
            make: matches!(name.trim(), "make" | "gmake")
                .then(|| Make { pid: parent, look: tokio::time::interval(Duration::from_millis(200)) }),
        })
    }

    /// Returns once the end is wished for, and says by what. May be dropped and called again at any time.
    pub(crate) async fn wished(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "interrupted",
            _ = self.terminate.recv() => "asked to stop",
            _ = self.hang_up.recv() => "the terminal is gone",
            why = make_is_ending(self.make.as_mut()) => why,
        }
    }
}

/// `make` passes SIGTERM on to its children but not SIGINT: it trusts the terminal to send that to everybody. Who interrupts
/// `make` alone would wait for ever, so we look whether it is in its handler, where that signal is blocked.
async fn make_is_ending(make: Option<&mut Make>) -> &'static str {
    let Some(make) = make else { return std::future::pending().await };
    loop {
        make.look.tick().await;
        if nix::unistd::getppid().as_raw().cast_unsigned() != make.pid {
            return "make is gone";
        }
        let status = std::fs::read_to_string(format!("/proc/{}/status", make.pid)).unwrap_or_default();
        if blocks_interrupt(&status) {
            return "make was interrupted";
        }
    }
}

/// Whether the mask of blocked signals in `/proc/PID/status` holds SIGINT, which is number 2 and so the second bit.
fn blocks_interrupt(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).map(str::trim);
    mask.and_then(|hex| u64::from_str_radix(hex, 16).ok()).is_some_and(|mask| mask & 0b10 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocked_interrupt_is_seen() {
        assert!(blocks_interrupt("Name:\tmake\nSigBlk:\t0000000000000002\n"));
        assert!(!blocks_interrupt("Name:\tmake\nSigBlk:\t0000000000010000\n"));
        assert!(!blocks_interrupt(""));
    }
}
