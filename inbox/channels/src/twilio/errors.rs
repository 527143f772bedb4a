//! Twilio's codes (<https://www.twilio.com/docs/api/errors>) and what they mean for the one who wrote. They come in an answer and in a status.

use crate::model::{Failure, Why};

/// A failure by its code.
pub fn failure(code: &str, detail: impl Into<String>) -> Failure {
    Failure { code: code.to_owned(), detail: detail.into(), why: why(code) }
}

/// What a code means; [`Why::Unknown`] for one that is not in the table.
pub fn why(code: &str) -> Why {
    let Ok(code) = code.trim().parse::<u32>() else { return Why::Unknown };
    CODES.iter().find(|(codes, _)| codes.contains(&code)).map_or(Why::Unknown, |(_, why)| *why)
}

const CODES: &[(&[u32], Why)] = &[
    // Too many requests; the account's queue is full; the sender's or the channel's rate is reached.
    (&[20429, 14107, 21611, 30001, 30022, 63018], Why::TooMany),
    // Twilio, the carrier or the channel is down or congested; the message was given up.
    (&[20500, 20503, 30017, 63010, 63012], Why::ProviderDown),
    // Not a number; no mobile; nobody there; switched off until the message expired; not with this app.
    (
        &[
            21211, 21214, 21217, 21265, 21268, 21269, 21407, 21421, 21604, 21612, 21614, 21635, 30003, 30005, 30006,
            30036, 63003, 63015, 63024, 63036,
        ],
        Why::NoSuchRecipient,
    ),
    // They said STOP, or block us.
    (&[21610, 30004, 63014, 63033], Why::Refused),
    // WhatsApp: 24 hours are over, a template is wanted.
    (&[63016], Why::WindowClosed),
    // The template is unknown, paused, disabled, or its variables do not fit.
    (&[21655, 21656, 63027, 63028, 63040, 63041, 63042], Why::TemplateWanting),
    // Too long, too large, too many files, a type that is not taken, files that cannot be fetched.
    (
        &[
            11200, 12300, 20001, 21266, 21602, 21605, 21617, 21618, 21619, 21620, 21621, 21622, 21623, 21624, 30011,
            30019, 30044, 63005, 63006, 63017, 63019, 63021, 63029, 63030, 63031, 63034, 63035,
        ],
        Why::NotAccepted,
    ),
    // Credentials, a suspended account, a sender that is not ours or not registered, a country that is not allowed, a trial.
    (
        &[
            10001, 20002, 20003, 20005, 20006, 20008, 20403, 20404, 21212, 21264, 21267, 21408, 21601, 21603, 21606,
            21607, 21608, 21609, 21615, 21616, 21658, 21659, 21660, 21661, 21701, 21703, 21704, 21705, 30002, 30018,
            30024, 30032, 30034, 30035, 30040, 63001, 63002, 63007, 63008, 63020, 63022, 63051, 90010,
        ],
        Why::Account,
    ),
    // Out of credit, dearer than allowed, over the day's limit of the brand or the account.
    (&[30010, 30023, 30027, 63038], Why::Money),
    // The carrier's or the provider's filter; fraud protection; a loop; WhatsApp's limits on advertising.
    (&[30007, 30038, 30039, 30041, 30450, 30453, 30454, 63013, 63032, 63049], Why::Filtered),
    // Known, and they say no more than that it failed: 30008 "unknown error", 30009 a segment missing, 30410 no word from the carrier in time.
    (&[30008, 30009, 30410, 63009], Why::Unknown),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_stands_twice() {
        let mut all: Vec<u32> = CODES.iter().flat_map(|(codes, _)| codes.iter().copied()).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
