//! When free text may be sent: for 24 hours after a customer wrote ("customer service window"). Who came by a click-to-WhatsApp advertisement and is
//! answered within those 24 hours opens a free entry point too, in which every message is free for 72 hours; free text still wants the 24-hour window:
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/pricing>.

use chrono::{DateTime, TimeDelta, Utc};

/// From a customer's message.
pub const SERVICE: TimeDelta = TimeDelta::hours(24);

/// From our answer to who came by an advertisement.
pub const FREE_ENTRY: TimeDelta = TimeDelta::hours(72);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Anything may be said until then.
    Open { until: DateTime<Utc> },
    /// Only templates; `None`: they never wrote.
    Closed { since: Option<DateTime<Utc>> },
}

/// `last` is when the customer last wrote, by the provider's clock. The moment at which a day is over is outside.
pub fn window(last: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Window {
    let Some(until) = last.and_then(|last| last.checked_add_signed(SERVICE)) else {
        return Window::Closed { since: None };
    };
    if now < until { Window::Open { until } } else { Window::Closed { since: Some(until) } }
}

/// Until when everything is free of charge, templates too. `clicked` is when the message with the advertisement's referral came, `answered` our first
/// message after it. `None`: it was not answered within a day, or it is over.
pub fn free_entry(clicked: DateTime<Utc>, answered: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let in_time = answered >= clicked && answered - clicked < SERVICE;
    let until = answered.checked_add_signed(FREE_ENTRY)?;
    (in_time && now < until).then_some(until)
}
