//! Callers of a number that nobody has, as far as we know: it may have been given out a moment ago. The directory is read once more before
//! such a caller is turned away.

use chrono::{DateTime, TimeDelta, Utc};

use super::io::{ChannelView, HangupWhy, Output};
use super::{Center, refuse};

/// How long a caller hears nothing while the directory is read. The database may be away.
const PATIENCE: TimeDelta = TimeDelta::seconds(3);

/// A caller of an unknown number.
#[derive(Debug)]
pub(super) struct Stranger {
    channel: ChannelView,
    trunk: String,
    called: String,
    /// The reading that decides.
    reading: u64,
    pub(super) until: DateTime<Utc>,
}

impl Center {
    /// Somebody called a number that is not in the directory.
    pub(super) fn stranger_called(
        &mut self,
        now: DateTime<Utc>,
        channel: &ChannelView,
        trunk: &str,
        called: &str,
        out: &mut Vec<Output>,
    ) {
        if self.strangers.iter().any(|stranger| stranger.channel.is_same(channel)) {
            return;
        }
        self.readings += 1;
        self.strangers.push(Stranger {
            channel: channel.clone(),
            trunk: trunk.to_owned(),
            called: called.to_owned(),
            reading: self.readings,
            until: now + PATIENCE,
        });
        out.push(Output::ReadDirectory { reading: self.readings });
    }

    /// Callers who waited to be known are gone.
    pub(super) fn forget_strangers(&mut self, gone: impl Fn(&ChannelView) -> bool) {
        self.strangers.retain(|stranger| !gone(&stranger.channel));
    }

    /// The directory is as it was at this reading, or newer.
    pub(super) fn directory_read(&mut self, now: DateTime<Utc>, reading: u64, out: &mut Vec<Output>) {
        self.settle_strangers(now, |stranger| stranger.reading <= reading, out);
    }

    /// Nobody reads the directory in time.
    pub(super) fn strangers_timer(&mut self, now: DateTime<Utc>, out: &mut Vec<Output>) {
        self.settle_strangers(now, |stranger| stranger.until <= now, out);
    }

    fn settle_strangers(&mut self, now: DateTime<Utc>, due: impl Fn(&Stranger) -> bool, out: &mut Vec<Output>) {
        let (due, waiting) = std::mem::take(&mut self.strangers).into_iter().partition(due);
        self.strangers = waiting;
        for Stranger { channel, trunk, called, .. } in due {
            if self.directory.number_called(&called).is_some() {
                self.customer_called(now, &channel, &trunk, &called, out);
            } else {
                tracing::warn!(channel = %channel.id, trunk, called, "no tenant has this number");
                refuse(&channel, HangupWhy::Unallocated, out);
            }
        }
    }
}
