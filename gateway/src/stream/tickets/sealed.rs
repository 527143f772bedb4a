//! What a ticket says, encrypted: whose it is, until when it opens the stream, and until when the stream may then last.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::auth::{Identity, Keys};

const CONTEXT: &str = "stream-ticket";
/// Longest ticket that is looked at, in bytes.
const MAX_BYTES: usize = 1024;

#[derive(Serialize, Deserialize)]
struct Inside {
    whose: Identity,
    ticket_ends: i64,
}

/// Makes a ticket; two are never the same.
pub(super) fn seal(keys: &Keys, whose: Identity, ticket_ends: DateTime<Utc>) -> String {
    let inside = Inside { whose, ticket_ends: ticket_ends.timestamp_millis() };
    let plain = serde_json::to_vec(&inside).expect("ids and numbers are plain values");
    URL_SAFE_NO_PAD.encode(keys.seal(CONTEXT, &plain))
}

/// Reads a ticket; `None` when it is none of ours or past its time.
pub(super) fn open(keys: &Keys, ticket: &str, now: DateTime<Utc>) -> Option<Identity> {
    if ticket.len() > MAX_BYTES {
        return None;
    }
    let plain = keys.open(CONTEXT, &URL_SAFE_NO_PAD.decode(ticket).ok()?)?;
    let inside: Inside = serde_json::from_slice(&plain).ok()?;
    let current = inside.ticket_ends > now.timestamp_millis() && inside.whose.expires_at > now;
    current.then_some(inside.whose)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;
    use trunkline_db::{Role, TenantId, UserId};
    use uuid::Uuid;

    use super::*;
    use crate::auth::Via;

    fn keys() -> Keys {
        Keys::derive(&"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f".parse().unwrap())
    }

    fn identity(now: DateTime<Utc>) -> Identity {
        let (tenant, user) = (TenantId::new(), UserId::new());
        Identity {
            tenant,
            user,
            role: Role::Operator,
            session: Uuid::now_v7(),
            via: Via::SignIn,
            must_change_password: false,
            issued_at: now,
            expires_at: now + TimeDelta::seconds(900),
        }
    }

    #[test]
    fn a_ticket_says_whose_it_is_for_half_a_minute() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let identity = identity(now);
        let ticket = seal(&keys(), identity, now + TimeDelta::seconds(30));
        assert_eq!(open(&keys(), &ticket, now), Some(identity));
        assert_eq!(open(&keys(), &ticket, now + TimeDelta::seconds(30)), None);
    }

    proptest! {
        #[test]
        fn garbage_is_no_ticket(text in "[A-Za-z0-9_-]{0,300}|\\PC{0,80}") {
            prop_assert!(open(&keys(), &text, Utc::now()).is_none());
        }

        #[test]
        fn a_bent_ticket_is_no_ticket(at in any::<prop::sample::Index>(), letter in "[A-Za-z0-9_-]") {
            let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
            let ticket = seal(&keys(), identity(now), now + TimeDelta::seconds(30));
            let at = at.index(ticket.len() - 1);
            let bent = format!("{}{letter}{}", &ticket[..at], &ticket[at + 1..]);
            prop_assume!(bent != ticket);
            prop_assert!(open(&keys(), &bent, now).is_none());
        }
    }
}
