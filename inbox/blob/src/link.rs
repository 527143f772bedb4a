//! Signed links: addresses that give one file to whoever has them, until they end.
//!
//! Pure: the caller brings the key of the signature and the clock. The signature is HMAC-SHA-256 over all that the link says. For the
//! local store a route of ours serves it; a file in S3 may be given by the store itself ([`crate::Blobs::presigned`]).

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use url::form_urlencoded;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::BlobKey;
use crate::serve::{Use, clean_name};

/// Keeps this signature from being one of something else that is signed with the same key.
const CONTEXT: &[u8] = b"trunkline blob link 1\0";
/// Longest query that is looked at, in bytes: a name of 150 letters of four bytes, percent-encoded, and the rest.
const MAX_QUERY: usize = 4096;

/// What a link gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The file.
    pub key: BlobKey,
    /// When it ends, in whole seconds.
    pub ends: DateTime<Utc>,
    /// How the file is called where it is saved.
    pub name: String,
    /// Whether it may be shown.
    pub wanted: Use,
}

/// Why a link gives nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It was not made by us, or changed since.
    #[error("the link is not one of ours")]
    Forged,
    /// It was one of ours.
    #[error("the link has ended")]
    Ended,
}

/// The query of a link, without `?`. The name is [cleaned](clean_name) on the way.
pub fn sign(secret: &[u8], link: &Link) -> String {
    let name = clean_name(&link.name);
    let ends = link.ends.timestamp();
    let signature = mac(secret, &link.key, ends, link.wanted, &name).finalize().into_bytes();
    form_urlencoded::Serializer::new(String::new())
        .append_pair("blob", &link.key.to_string())
        .append_pair("ends", &ends.to_string())
        .append_pair("use", use_word(link.wanted))
        .append_pair("name", &name)
        .append_pair("signature", &URL_SAFE_NO_PAD.encode(signature))
        .finish()
}

/// What a query gives, if it was signed with this secret and has not ended. The signature is compared in constant time, and before
/// anything else that it says is believed.
pub fn verify(secret: &[u8], query: &str, now: DateTime<Utc>) -> Result<Link, LinkError> {
    if query.len() > MAX_QUERY {
        return Err(LinkError::Forged);
    }
    let [mut blob, mut ends, mut wanted, mut name, mut signature] = [const { None }; 5];
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        let place = match key.as_ref() {
            "blob" => &mut blob,
            "ends" => &mut ends,
            "use" => &mut wanted,
            "name" => &mut name,
            "signature" => &mut signature,
            _ => return Err(LinkError::Forged),
        };
        if place.replace(value).is_some() {
            return Err(LinkError::Forged);
        }
    }
    let (Some(blob), Some(ends), Some(wanted), Some(name), Some(signature)) = (blob, ends, wanted, name, signature)
    else {
        return Err(LinkError::Forged);
    };
    let key: BlobKey = blob.parse().map_err(|_| LinkError::Forged)?;
    let seconds: i64 = ends.parse().map_err(|_| LinkError::Forged)?;
    let wanted = match wanted.as_ref() {
        "show" => Use::Shown,
        "save" => Use::Saved,
        _ => return Err(LinkError::Forged),
    };
    let signature = URL_SAFE_NO_PAD.decode(signature.as_ref()).map_err(|_| LinkError::Forged)?;
    mac(secret, &key, seconds, wanted, &name).verify_slice(&signature).map_err(|_| LinkError::Forged)?;
    let ends = DateTime::from_timestamp(seconds, 0).ok_or(LinkError::Forged)?;
    if now >= ends {
        return Err(LinkError::Ended);
    }
    Ok(Link { key, ends, name: name.into_owned(), wanted })
}

fn use_word(wanted: Use) -> &'static str {
    match wanted {
        Use::Shown => "show",
        Use::Saved => "save",
    }
}

/// All but the name have a fixed length, and the name is last: no two links are the same bytes.
fn mac(secret: &[u8], key: &BlobKey, ends: i64, wanted: Use, name: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(CONTEXT);
    mac.update(key.tenant().as_bytes());
    mac.update(key.blob().as_bytes());
    mac.update(&ends.to_be_bytes());
    mac.update(use_word(wanted).as_bytes());
    mac.update(name.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).unwrap()
    }

    fn link(name: &str) -> Link {
        let ends = now() + chrono::TimeDelta::seconds(900);
        Link {
            key: BlobKey::of(Uuid::from_u128(1), Uuid::from_u128(2)),
            ends,
            name: name.to_owned(),
            wanted: Use::Shown,
        }
    }

    #[test]
    fn a_link_gives_what_it_was_made_for_until_it_ends() {
        let link = link("Смета & co.pdf");
        let query = sign(SECRET, &link);
        assert_eq!(verify(SECRET, &query, now()), Ok(link.clone()));
        assert_eq!(verify(SECRET, &query, link.ends - chrono::TimeDelta::milliseconds(1)), Ok(link.clone()));
        assert_eq!(verify(SECRET, &query, link.ends), Err(LinkError::Ended));
        assert_eq!(verify(b"another key", &query, now()), Err(LinkError::Forged));
    }

    #[test]
    fn nothing_of_a_link_can_be_changed_left_out_or_said_twice() {
        let query = sign(SECRET, &link("a.png"));
        for (from, to) in [
            ("0000002&", "0000003&"),
            ("ends=17", "ends=27"),
            ("use=show", "use=save"),
            ("name=a.png", "name=a.html"),
            ("signature=", "signature=A"),
            ("&name=a.png", ""),
            ("name=a.png", "name=a.png&name=a.png"),
            ("name=a.png", "name=a.png&more=1"),
        ] {
            let changed = query.replace(from, to);
            assert_ne!(changed, query);
            assert_eq!(verify(SECRET, &changed, now()), Err(LinkError::Forged), "{changed}");
        }
        let (said, _) = query.split_once("signature=").unwrap();
        assert_eq!(verify(SECRET, &format!("{said}signature="), now()), Err(LinkError::Forged));
        assert_eq!(verify(SECRET, &format!("{query}&{}", "a".repeat(MAX_QUERY)), now()), Err(LinkError::Forged));
        assert_eq!(verify(SECRET, "", now()), Err(LinkError::Forged));
    }

    proptest! {
        #[test]
        fn any_name_goes_through(name in "(?s).{0,300}", blob: u128, ends in 1_700_000_001_i64..2_000_000_000) {
            let link = Link {
                key: BlobKey::of(Uuid::from_u128(blob), Uuid::from_u128(!blob)),
                ends: DateTime::from_timestamp(ends, 0).unwrap(),
                name,
                wanted: Use::Saved,
            };
            let read = verify(SECRET, &sign(SECRET, &link), now()).unwrap();
            prop_assert_eq!(&read.name, &clean_name(&link.name));
            prop_assert_eq!((read.key, read.ends, read.wanted), (link.key, link.ends, link.wanted));
        }

        #[test]
        fn no_text_is_taken_for_a_link(query in "(?s)(.{0,200}|(blob|ends|use|name|signature|[&=%0-9a-f/-]){0,60})") {
            prop_assert_eq!(verify(SECRET, &query, now()), Err(LinkError::Forged));
        }

        #[test]
        fn a_flipped_bit_anywhere_breaks_it(at in 0_usize..1000, bit in 0_u8..7) {
            let link = link("a.png");
            let mut bytes = sign(SECRET, &link).into_bytes();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            if let Ok(changed) = String::from_utf8(bytes) {
                // `+` for a space and the like: another spelling of the same link is the same link.
                prop_assert!(verify(SECRET, &changed, now()).is_err_and(|error| error == LinkError::Forged) || verify(SECRET, &changed, now()) == Ok(link));
            }
        }
    }
}
