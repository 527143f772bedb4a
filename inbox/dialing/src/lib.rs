//! Outbound calls: what a dialled number is, and whether it may be called.
//!
//! Pure: no clock, no database. [`normalise`] reads what a person typed or clicked; [`decide`] holds it against a tenant's
//! [`Rules`], its [`Lists`] and what is going on ([`Load`], kept by a [`Ledger`]), and says yes, or which rule says no, in words.
//!
//! What is not allowed is denied: a tenant without rules calls its own country's ordinary numbers and nothing else.
//!
//! # Emergency numbers
//! A number is an emergency number when it is one in the tenant's own country (112 in Italy, 911 in the United States). No list, no hours and
//! no cap ever holds such a call back; the rules for prefixes, countries and costly numbers do not apply to it either. It is
//! allowed when the tenant has said that emergency calls go out by its trunk ([`Rules::emergency`]), and denied with [`Rule::Emergency`]
//! otherwise: a trunk that was not made for it may lead to the wrong control room, or to none, and the caller has to
//! hear that at once instead of waiting.

mod country;
mod decide;
mod emergency;
mod hours;
mod ledger;
mod number;
mod policy;
mod rules;
mod zones;

pub use self::country::{Country, UnknownCountry};
pub use self::decide::{Attempt, Decision, Lists, Rule, decide};
pub use self::emergency::is_emergency;
pub use self::hours::{Day, HoursRule, Window};
pub use self::ledger::{Ledger, Load, Usage};
pub use self::number::{Kind, NotANumber, Number, country_of, normalise};
pub use self::policy::{Mark, Policy};
pub use self::rules::{Caps, CostlyKind, Invalid, PrefixRule, QueueCallerId, Rules, is_e164};
pub use self::zones::zones;
