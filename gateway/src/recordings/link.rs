//! Links to audio: how an `<audio>` element or a download, which can set no header, asks for a recording.
//!
//! A link names one recording, one user and one use, ends by itself, and is kept nowhere: it is sealed with a key that every node
//! derives. Whoever has it can do no more than its user could when it was made.

use axum::extract::FromRequestParts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use http::request::Parts;
use serde::{Deserialize, Serialize};
use trunkline_db::RecordingId;

use crate::auth::{Identity, Keys, Principal};
use crate::http::{AppError, Path, Query, principal_of};
use crate::state::AppState;

/// Life of a link, in seconds. A player asks for the next piece as it goes on, and for a new link when this one has ended.
pub(super) const LINK_SECONDS: i64 = 900;

const CONTEXT: &str = "recording-link";
/// Longest key that is looked at, in bytes.
const MAX_BYTES: usize = 1024;

/// What an address of audio may ask for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AudioQuery {
    /// `true`: to be saved rather than heard; takes the permission `recordings:download`.
    pub(super) download: Option<bool>,
    /// Of a link (`POST /recordings/{id}/link`), instead of an access token.
    key: Option<String>,
}

/// Where a browser finds the audio without an access token.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct AudioLink {
    /// Path and query, for an `<audio>` element or a download.
    pub(super) url: String,
    /// When it ends.
    pub(super) expires_at: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
struct Inside {
    recording: RecordingId,
    download: bool,
    whose: Identity,
    ends: i64,
}

/// The key of a link that ends at `ends`.
pub(super) fn seal(
    keys: &Keys,
    principal: &Principal,
    recording: RecordingId,
    download: bool,
    ends: DateTime<Utc>,
) -> String {
    let inside = Inside { recording, download, whose: principal.identity(), ends: ends.timestamp_millis() };
    let plain = serde_json::to_vec(&inside).expect("ids and numbers are plain values");
    URL_SAFE_NO_PAD.encode(keys.seal(CONTEXT, &plain))
}

/// When a link that is made now ends.
pub(super) fn end(now: DateTime<Utc>) -> DateTime<Utc> {
    now + TimeDelta::seconds(LINK_SECONDS)
}

/// Whose link it is; `None` when it is none of ours, for something else, or past its time.
fn open(keys: &Keys, key: &str, recording: RecordingId, download: bool, now: DateTime<Utc>) -> Option<Identity> {
    if key.len() > MAX_BYTES {
        return None;
    }
    let plain = keys.open(CONTEXT, &URL_SAFE_NO_PAD.decode(key).ok()?)?;
    let inside: Inside = serde_json::from_slice(&plain).ok()?;
    let expires_at = DateTime::from_timestamp_millis(inside.ends)?;
    let fits = inside.recording == recording && inside.download == download && expires_at > now;
    fits.then_some(Identity { expires_at, ..inside.whose })
}

/// Who wants to hear a recording: the user of the access token, or of the link's `key`.
pub(super) struct Listener(pub(super) Principal);

impl FromRequestParts<AppState> for Listener {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, AppError> {
        let Query(AudioQuery { download, key }) = Query::from_request_parts(parts, state).await?;
        let Some(key) = key else {
            return Principal::from_request_parts(parts, state).await.map(Self);
        };
        let Path(recording) = Path::<RecordingId>::from_request_parts(parts, state).await?;
        let ended = || AppError::unauthorized("the link is not valid or has ended: make a new one");
        let identity = open(&state.keys, &key, recording, download.unwrap_or(false), Utc::now()).ok_or_else(ended)?;
        principal_of(state, &identity).map(Self).map_err(|_| ended())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trunkline_db::{Role, TenantId, UserId};
    use uuid::Uuid;

    use super::*;
    use crate::auth::Via;
    use crate::http::Rights;

    fn keys() -> Keys {
        Keys::derive(&"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f".parse().unwrap())
    }

    #[test]
    fn a_link_opens_one_recording_for_one_use_until_it_ends() {
        let now = DateTime::from_timestamp_millis(1_800_000_000_000).unwrap();
        let identity = Identity {
            tenant: TenantId::new(),
            user: UserId::new(),
            role: Role::Operator,
            session: Uuid::now_v7(),
            via: Via::SignIn,
            must_change_password: false,
            issued_at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            expires_at: end(now),
        };
        let principal = identity.with(Role::Operator, Rights::of(Role::Operator));
        let recording = RecordingId::new();
        let key = seal(&keys(), &principal, recording, false, end(now));
        assert_eq!(open(&keys(), &key, recording, false, now), Some(identity));
        assert_eq!(open(&keys(), &key, recording, true, now), None, "to hear is not to save");
        assert_eq!(open(&keys(), &key, RecordingId::new(), false, now), None);
        assert_eq!(open(&keys(), &key, recording, false, end(now)), None);
    }

    #[test]
    fn what_was_sealed_for_another_use_is_no_link() {
        let (now, recording) = (Utc::now(), RecordingId::new());
        let other = URL_SAFE_NO_PAD.encode(keys().seal("stream-ticket", b"{}"));
        assert_eq!(open(&keys(), &other, recording, false, now), None);
    }

    proptest! {
        #[test]
        fn garbage_is_no_link(key in "[A-Za-z0-9_-]{0,80}|\\PC{0,40}") {
            prop_assert!(open(&keys(), &key, RecordingId::new(), false, Utc::now()).is_none());
        }
    }
}
