//! The key by which push services know this installation (RFC 8292). Derived from `secret_key`: it stays what it is over restarts and on
//! every node, and browsers' subscriptions with it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use p256::SecretKey;
use p256::pkcs8::EncodePrivateKey as _;
use serde::Serialize;
use url::Url;

use crate::auth::Keys;

/// For how long a token is good: at most 24 hours, by the RFC.
const GOOD: TimeDelta = TimeDelta::hours(12);

/// The key, and whom a push service may write to.
#[derive(Clone)]
pub(super) struct Vapid {
    key: EncodingKey,
    public: String,
    contact: String,
}

impl std::fmt::Debug for Vapid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vapid").field("public", &self.public).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: String,
    exp: i64,
    sub: &'a str,
}

impl Vapid {
    /// The installation's. `contact`: its address, or a mailbox.
    pub(super) fn derive(keys: &Keys, contact: &str) -> Self {
        // Of 2^256 numbers some 2^224 are no key: the next is taken then.
        let secret = (0u8..)
            .find_map(|turn| SecretKey::from_slice(&keys.hash_opaque(&format!("web-push/vapid/{turn}"))).ok())
            .expect("nearly every number is a key");
        let der = secret.to_pkcs8_der().expect("a key can be written");
        Self {
            key: EncodingKey::from_ec_der(der.as_bytes()),
            public: URL_SAFE_NO_PAD.encode(secret.public_key().to_sec1_bytes_uncompressed()),
            contact: contact.to_owned(),
        }
    }

    /// As a browser is given it.
    pub(super) fn public(&self) -> &str {
        &self.public
    }

    /// The header `Authorization` of a request to a push service.
    pub(super) fn authorization(&self, endpoint: &Url, now: DateTime<Utc>) -> String {
        let claims =
            Claims { aud: endpoint.origin().ascii_serialization(), exp: (now + GOOD).timestamp(), sub: &self.contact };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &self.key)
            .expect("an ES256 key signs plain claims");
        format!("vapid t={token}, k={}", self.public)
    }
}

/// Points as browsers write them.
trait Uncompressed {
    fn to_sec1_bytes_uncompressed(&self) -> Vec<u8>;
}

impl Uncompressed for p256::PublicKey {
    fn to_sec1_bytes_uncompressed(&self) -> Vec<u8> {
        use p256::elliptic_curve::sec1::ToEncodedPoint as _;
        self.to_encoded_point(false).as_bytes().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation};
    use serde_json::Value;

    use super::*;

    fn keys(first: &str) -> Keys {
        Keys::derive(&format!("{first}0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").parse().unwrap())
    }

    #[test]
    fn the_key_stays_and_its_tokens_are_for_one_service_alone() {
        let vapid = Vapid::derive(&keys("00"), "https://example.org");
        assert_eq!(vapid.public(), Vapid::derive(&keys("00"), "").public());
        assert_ne!(vapid.public(), Vapid::derive(&keys("01"), "").public());
        let point = URL_SAFE_NO_PAD.decode(vapid.public()).unwrap();
        assert_eq!((point.len(), point[0]), (65, 4));

        let now = Utc::now();
        let header = vapid.authorization(&"https://push.example.net:8443/a/b?c".parse().unwrap(), now);
        let (token, key) = header.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert_eq!(key, vapid.public());
        let public = DecodingKey::from_ec_der(&point);
        let mut wanted = Validation::new(Algorithm::ES256);
        wanted.set_audience(&["https://push.example.net:8443"]);
        let claims = jsonwebtoken::decode::<Value>(token, &public, &wanted).unwrap().claims;
        assert_eq!(claims["sub"], "https://example.org");
        assert_eq!(claims["exp"], (now + GOOD).timestamp());
        let other = URL_SAFE_NO_PAD.decode(Vapid::derive(&keys("01"), "").public()).unwrap();
        assert!(jsonwebtoken::decode::<Value>(token, &DecodingKey::from_ec_der(&other), &wanted).is_err());
    }
}
