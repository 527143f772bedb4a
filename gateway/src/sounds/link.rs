//! Addresses at which Asterisk fetches sounds: signed, without an end, each for one content that never changes.
//!
//! Pure. The signature is HMAC-SHA-256 over what the address names; whoever has no address learns nothing by guessing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use url::{Url, form_urlencoded};
use uuid::Uuid;

/// Keeps this signature from being one of something else that is signed with the same key.
const CONTEXT: &[u8] = b"trunkline telephony sound 1\0";
/// How files are called.
const ENDING: &str = ".wav";
/// Longest query that is looked at, in bytes.
const MAX_QUERY: usize = 200;

/// What an address gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// A tenant's file in the store.
    File {
        /// Whose.
        tenant: Uuid,
        /// Which.
        blob: Uuid,
    },
    /// Something that was spoken, by the sum of what makes it.
    Speech([u8; 32]),
}

/// Makes and knows addresses.
#[derive(Clone)]
pub(super) struct Links {
    secret: [u8; 32],
    base: String,
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Links").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Links {
    /// Beneath this address of ours.
    pub(super) fn new(secret: [u8; 32], gateway: &Url) -> Self {
        Self { secret, base: gateway.as_str().trim_end_matches('/').to_owned() }
    }

    /// Asterisk's word for playing it. Of the letters that mean something to Asterisk it holds none but what the base has.
    pub(super) fn media(&self, content: Content) -> String {
        let signature = URL_SAFE_NO_PAD.encode(self.mac(content).finalize().into_bytes());
        let path = match content {
            Content::File { tenant, blob } => format!("sounds/{tenant}/{blob}"),
            Content::Speech(sum) => format!("speech/{}", crate::audit::hex(&sum)),
        };
        format!("sound:{}/telephony/{path}{ENDING}?signature={signature}", self.base)
    }

    /// Whether a query was signed for this content. Compared in constant time.
    pub(super) fn opens(&self, content: Content, query: &str) -> bool {
        if query.len() > MAX_QUERY {
            return false;
        }
        let mut said = form_urlencoded::parse(query.as_bytes());
        let (Some((name, signature)), None) = (said.next(), said.next()) else { return false };
        name == "signature"
            && URL_SAFE_NO_PAD
                .decode(signature.as_ref())
                .is_ok_and(|signature| self.mac(content).verify_slice(&signature).is_ok())
    }

    /// Each kind of content has a length of its own.
    fn mac(&self, content: Content) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).expect("HMAC takes keys of any length");
        mac.update(CONTEXT);
        match content {
            Content::File { tenant, blob } => {
                mac.update(b"file");
                mac.update(tenant.as_bytes());
                mac.update(blob.as_bytes());
            }
            Content::Speech(sum) => {
                mac.update(b"speech");
                mac.update(&sum);
            }
        }
        mac
    }
}

/// The file of a name such as `0190….wav`, in the one spelling that we write.
pub(super) fn file_of(name: &str) -> Option<Uuid> {
    let stem = name.strip_suffix(ENDING)?;
    Uuid::try_parse(stem).ok().filter(|id| id.to_string() == stem)
}

/// The sum of a name such as `5f…e0.wav`, in lower-case hex.
pub(super) fn sum_of(name: &str) -> Option<[u8; 32]> {
    let stem = name.strip_suffix(ENDING)?;
    let digits = stem.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if stem.len() != 64 || !digits {
        return None;
    }
    let mut sum = [0; 32];
    for (at, byte) in sum.iter_mut().enumerate() {
        *byte = u8::from_str_radix(stem.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn links(secret: u8) -> Links {
        Links::new([secret; 32], &Url::parse("http://10.0.0.5:8080/").unwrap())
    }

    fn contents() -> [Content; 3] {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        [
            Content::File { tenant: one, blob: other },
            Content::File { tenant: other, blob: one },
            Content::Speech([7; 32]),
        ]
    }

    #[test]
    fn an_address_opens_what_it_was_made_for_and_nothing_else() {
        for content in contents() {
            let media = links(1).media(content);
            let url = Url::parse(media.strip_prefix("sound:").unwrap()).unwrap();
            assert!(url.as_str().starts_with("http://10.0.0.5:8080/telephony/"), "{url}");
            assert!(!media.contains([',', '{', '}', '&', '|', ' ']), "{media}");
            let query = url.query().unwrap();
            for other in contents() {
                assert_eq!(links(1).opens(other, query), other == content);
                assert!(!links(2).opens(other, query));
            }
            assert!(!links(1).opens(content, &format!("{query}&{query}")));
            assert!(!links(1).opens(content, &query[..query.len() - 2]));
            let name = url.path_segments().unwrap().next_back().unwrap().to_owned();
            match content {
                Content::File { blob, .. } => assert_eq!(file_of(&name), Some(blob)),
                Content::Speech(sum) => assert_eq!(sum_of(&name), Some(sum)),
            }
        }
    }

    proptest! {
        #[test]
        fn no_query_is_taken_for_a_signature(query in "(?s)(.{0,220}|signature=[A-Za-z0-9_-]{0,60})") {
            prop_assert!(contents().iter().all(|content| !links(1).opens(*content, &query)));
        }

        #[test]
        fn a_name_has_one_spelling(name in "([0-9a-fA-F{}-]{30,66}(.wav|.WAV)?|\\PC{0,80})") {
            if let Some(file) = file_of(&name) {
                prop_assert_eq!(format!("{file}.wav"), name.clone());
            }
            if let Some(sum) = sum_of(&name) {
                prop_assert_eq!(format!("{}.wav", crate::audit::hex(&sum)), name);
            }
        }
    }
}
