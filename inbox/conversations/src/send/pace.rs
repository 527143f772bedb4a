//! How fast an account may send: the generic cell rate algorithm (ITU-T I.371, annex A), a bucket for each account and one for each chat of it.
//! Pure: the clock is an argument, in nanoseconds since any fixed moment.

use std::collections::HashMap;
use std::time::Duration;

use trunkline_db::{ChannelAccountId, ConversationId};

use crate::model::Channel;

/// How many at once, and then how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Between two messages.
    pub every: Duration,
    /// Messages at once.
    pub burst: u32,
}

impl Rate {
    /// What the providers document for an account of theirs: WhatsApp 80 a second, Telegram 30 a second, a long code of Twilio's 1 a second with a queue
    /// behind it (it takes more than it sends: what is held is their request rate).
    pub fn of_account(channel: Channel) -> Self {
        match channel {
            Channel::Whatsapp => Self { every: Duration::from_micros(12_500), burst: 40 },
            Channel::Telegram => Self { every: Duration::from_millis(34), burst: 15 },
            Channel::Sms | Channel::Call => Self { every: Duration::from_millis(20), burst: 20 },
        }
    }

    /// Within one chat: WhatsApp one in six seconds after a burst of 45, Telegram one a second.
    pub fn of_chat(channel: Channel) -> Self {
        match channel {
            Channel::Whatsapp => Self { every: Duration::from_secs(6), burst: 45 },
            Channel::Telegram => Self { every: Duration::from_secs(1), burst: 20 },
            Channel::Sms | Channel::Call => Self { every: Duration::from_millis(200), burst: 10 },
        }
    }
}

/// A bucket's whole state is when it will be full again.
fn take(full_at: u64, rate: Rate, now: u64) -> Result<u64, u64> {
    let every = nanos(rate.every).max(1);
    let depth = every.saturating_mul(u64::from(rate.burst.max(1)));
    let taken = full_at.max(now).saturating_add(every);
    let missing = taken - now;
    if missing > depth { Err(missing - depth) } else { Ok(taken) }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The buckets of this process.
#[derive(Debug, Default)]
pub struct Pace {
    accounts: HashMap<ChannelAccountId, u64>,
    chats: HashMap<ConversationId, u64>,
    /// Until when a provider wants to be left alone.
    closed: HashMap<ChannelAccountId, u64>,
}

/// So many chats are remembered; then those whose buckets are full again are forgotten.
const MOST_CHATS: usize = 10_000;

impl Pace {
    /// Takes a place for one message; otherwise how long to wait before it is asked for again.
    pub fn take(
        &mut self,
        account: ChannelAccountId,
        chat: ConversationId,
        channel: Channel,
        now: u64,
    ) -> Result<(), Duration> {
        let wait = |nanos: u64| Err(Duration::from_nanos(nanos));
        if let Some(until) = self.closed.get(&account) {
            if *until > now {
                return wait(*until - now);
            }
            self.closed.remove(&account);
        }
        let of_account = take(self.accounts.get(&account).copied().unwrap_or(0), Rate::of_account(channel), now);
        let of_chat = take(self.chats.get(&chat).copied().unwrap_or(0), Rate::of_chat(channel), now);
        match (of_account, of_chat) {
            (Ok(account_full), Ok(chat_full)) => {
                self.accounts.insert(account, account_full);
                if self.chats.len() >= MOST_CHATS {
                    self.chats.retain(|_, full_at| *full_at > now);
                }
                self.chats.insert(chat, chat_full);
                Ok(())
            }
            // Whoever has to wait takes nothing of either.
            (account, chat) => wait(account.err().unwrap_or(0).max(chat.err().unwrap_or(0))),
        }
    }

    /// The provider wants to be left alone for so long.
    pub fn close(&mut self, account: ChannelAccountId, now: u64, pause: Duration) {
        let until = now.saturating_add(nanos(pause));
        let closed = self.closed.entry(account).or_insert(until);
        *closed = (*closed).max(until);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    proptest! {
        /// Whatever the moments, never more pass than the burst and what has come in since.
        #[test]
        fn no_more_pass_than_the_rate(pauses in prop::collection::vec(0u64..50_000_000, 1..400)) {
            let (mut pace, account) = (Pace::default(), ChannelAccountId::new());
            let rate = Rate::of_account(Channel::Telegram);
            let (mut now, mut passed) = (SECOND, 0u64);
            for pause in pauses {
                now += pause;
                // Each chat has its own bucket: these are all others.
                if pace.take(account, ConversationId::new(), Channel::Telegram, now).is_ok() {
                    passed += 1;
                }
                let most = u64::from(rate.burst) + (now - SECOND) / nanos(rate.every) + 1;
                prop_assert!(passed <= most, "{passed} of {most}");
            }
        }

        /// Who waits as long as they were told to passes then.
        #[test]
        fn the_wait_that_is_told_is_enough(channel in prop::sample::select(vec![Channel::Whatsapp, Channel::Telegram, Channel::Sms]), n in 1usize..120) {
            let (mut pace, account, chat) = (Pace::default(), ChannelAccountId::new(), ConversationId::new());
            let mut now = SECOND;
            for _ in 0..n {
                if let Err(wait) = pace.take(account, chat, channel, now) {
                    prop_assert!(wait > Duration::ZERO);
                    now += nanos(wait);
                    prop_assert_eq!(pace.take(account, chat, channel, now), Ok(()));
                }
            }
        }
    }

    #[test]
    fn a_provider_that_wants_to_be_left_alone_is() {
        let (mut pace, account) = (Pace::default(), ChannelAccountId::new());
        pace.close(account, SECOND, Duration::from_secs(30));
        pace.close(account, SECOND, Duration::from_secs(5));
        let take = |pace: &mut Pace, account, now| pace.take(account, ConversationId::new(), Channel::Telegram, now);
        assert_eq!(take(&mut pace, account, 11 * SECOND), Err(Duration::from_secs(20)));
        assert_eq!(take(&mut pace, ChannelAccountId::new(), 11 * SECOND), Ok(()), "others are not held up");
        assert_eq!(take(&mut pace, account, 31 * SECOND), Ok(()));
    }

    #[test]
    fn one_chat_does_not_hold_up_another() {
        let (mut pace, account, busy) = (Pace::default(), ChannelAccountId::new(), ConversationId::new());
        while pace.take(account, busy, Channel::Sms, SECOND).is_ok() {}
        assert_eq!(pace.take(account, ConversationId::new(), Channel::Sms, SECOND), Ok(()));
    }
}
