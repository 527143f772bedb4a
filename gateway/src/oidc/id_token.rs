//! Checks an ID token (OpenID Connect Core 1.0, section 3.1.3.7). Pure: keys and time come in.

use std::collections::HashSet;

use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

/// Signatures that are taken. None of a shared secret, and never `none`.
const ALLOWED: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// Longest token that is looked at, in bytes.
const MAX_BYTES: usize = 16 * 1024;
/// Seconds by which clocks may differ.
const LEEWAY: i64 = 60;
/// Seconds that a token may be old: it was made for this very sign-in.
const MAX_AGE: i64 = 600;

/// What a token must say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
}

/// What it says about somebody.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Claims {
    pub(super) sub: String,
    pub(super) email: Option<String>,
    pub(super) email_verified: Option<bool>,
    pub(super) name: Option<String>,
    nonce: Option<String>,
    azp: Option<String>,
    aud: Audience,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// Why a token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum IdTokenError {
    #[error("it is no token")]
    Malformed,
    #[error("it is signed in a way that is not taken")]
    Algorithm,
    #[error("its key is not among the provider's")]
    UnknownKey,
    #[error("its signature, issuer or audience is wrong")]
    Wrong,
    #[error("it has expired, or is not from now")]
    Time,
    #[error("it was made for another sign-in")]
    Nonce,
}

/// The claims of a token that holds, at a moment in seconds since 1970.
pub(super) fn verify(token: &str, keys: &JwkSet, expected: Expected<'_>, now: i64) -> Result<Claims, IdTokenError> {
    if token.len() > MAX_BYTES {
        return Err(IdTokenError::Malformed);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| IdTokenError::Malformed)?;
    if !ALLOWED.contains(&header.alg) {
        return Err(IdTokenError::Algorithm);
    }
    let key = key_for(keys, header.kid.as_deref(), header.alg)?;
    let key = DecodingKey::from_jwk(key).map_err(|_| IdTokenError::UnknownKey)?;
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(&[expected.client_id]);
    validation.required_spec_claims = HashSet::from(["exp", "iss", "aud", "sub"].map(str::to_owned));
    // The time is checked below, against the clock that was handed in.
    validation.validate_exp = false;
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation).map_err(|_| IdTokenError::Wrong)?.claims;
    if let Audience::Several(all) = &claims.aud
        && all.len() > 1
        && claims.azp.as_deref() != Some(expected.client_id)
    {
        return Err(IdTokenError::Wrong);
    }
    if claims.azp.as_deref().is_some_and(|azp| azp != expected.client_id) || claims.sub.is_empty() {
        return Err(IdTokenError::Wrong);
    }
    let early = claims.nbf.is_some_and(|nbf| nbf > now.saturating_add(LEEWAY));
    let from_now = claims.iat <= now.saturating_add(LEEWAY) && claims.iat >= now.saturating_sub(MAX_AGE);
    if claims.exp <= now.saturating_sub(LEEWAY) || early || !from_now {
        return Err(IdTokenError::Time);
    }
    if claims.nonce.as_deref() != Some(expected.nonce) {
        return Err(IdTokenError::Nonce);
    }
    Ok(claims)
}

/// The key that the token names, or the only one that fits. A key of another kind never checks a signature.
fn key_for<'a>(keys: &'a JwkSet, kid: Option<&str>, algorithm: Algorithm) -> Result<&'a Jwk, IdTokenError> {
    let mut fitting = keys.keys.iter().filter(|key| {
        let signs = !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption));
        let named = kid.is_none_or(|kid| key.common.key_id.as_deref() == Some(kid));
        let same = key.common.key_algorithm.is_none_or(|alg| alg.to_string() == format!("{algorithm:?}"));
        signs && named && same && kind_fits(&key.algorithm, algorithm)
    });
    match (fitting.next(), fitting.next()) {
        (Some(key), None) => Ok(key),
        (Some(key), Some(_)) if kid.is_some() => Ok(key),
        _ => Err(IdTokenError::UnknownKey),
    }
}

fn kind_fits(key: &AlgorithmParameters, algorithm: Algorithm) -> bool {
    match algorithm {
        Algorithm::ES256 | Algorithm::ES384 => matches!(key, AlgorithmParameters::EllipticCurve(_)),
        Algorithm::EdDSA => matches!(key, AlgorithmParameters::OctetKeyPair(_)),
        _ => matches!(key, AlgorithmParameters::RSA(_)),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jsonwebtoken::{EncodingKey, Header};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_800_000_000;
    const EXPECTED: Expected<'_> = Expected { issuer: "https://id.example", client_id: "trunkline", nonce: "n-1" };
    /// An Ed25519 key made for this test (RFC 8032 §7.1, test 1), as PKCS#8.
    const SECRET: [u8; 32] = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49,
        0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
    ];
    const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn signer() -> EncodingKey {
        let prefix = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
        EncodingKey::from_ed_der(&[prefix.as_slice(), &SECRET].concat())
    }

    fn keys() -> JwkSet {
        let keys = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": PUBLIC, "kid": "one", "use": "sig", "alg": "EdDSA" }] });
        serde_json::from_value(keys).unwrap()
    }

    fn claims() -> Value {
        json!({ "iss": "https://id.example", "aud": "trunkline", "sub": "ada", "nonce": "n-1", "iat": NOW, "exp": NOW + 300,
                "email": "ada@example.org", "email_verified": true })
    }

    fn token(claims: &Value) -> String {
        let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &signer()).unwrap()
    }

    #[test]
    fn a_token_for_this_sign_in_is_believed() {
        let found = verify(&token(&claims()), &keys(), EXPECTED, NOW).unwrap();
        assert_eq!((found.sub.as_str(), found.email.as_deref()), ("ada", Some("ada@example.org")));
    }

    #[test]
    fn a_token_for_somebody_else_or_another_time_is_not() {
        for (field, value, why) in [
            ("iss", json!("https://evil.example"), IdTokenError::Wrong),
            ("aud", json!("another"), IdTokenError::Wrong),
            ("aud", json!(["trunkline", "another"]), IdTokenError::Wrong),
            ("azp", json!("another"), IdTokenError::Wrong),
            ("sub", json!(""), IdTokenError::Wrong),
            ("nonce", json!("n-2"), IdTokenError::Nonce),
            ("nonce", Value::Null, IdTokenError::Nonce),
            ("exp", json!(NOW - 61), IdTokenError::Time),
            ("iat", json!(NOW - 601), IdTokenError::Time),
            ("iat", json!(NOW + 61), IdTokenError::Time),
            ("nbf", json!(NOW + 61), IdTokenError::Time),
        ] {
            let mut bent = claims();
            bent[field] = value.clone();
            assert_eq!(verify(&token(&bent), &keys(), EXPECTED, NOW), Err(why), "{field}: {value}");
        }
    }

    #[test]
    fn a_signature_of_another_kind_is_refused() {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let unsigned = format!("{}.{}.", encode(&json!({ "alg": "none" })), encode(&claims()));
        assert_eq!(verify(&unsigned, &keys(), EXPECTED, NOW), Err(IdTokenError::Malformed));
        // The provider's public key, taken for a shared secret.
        let shared = EncodingKey::from_secret(PUBLIC.as_bytes());
        let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) };
        let shared = jsonwebtoken::encode(&header, &claims(), &shared).unwrap();
        assert_eq!(verify(&shared, &keys(), EXPECTED, NOW), Err(IdTokenError::Algorithm));
        let mut bent = token(&claims());
        bent.replace_range(bent.len() - 4.., "AAAA");
        assert_eq!(verify(&bent, &keys(), EXPECTED, NOW), Err(IdTokenError::Wrong));
        let header = Header { kid: Some("two".to_owned()), ..Header::new(Algorithm::EdDSA) };
        let other = jsonwebtoken::encode(&header, &claims(), &signer()).unwrap();
        assert_eq!(verify(&other, &keys(), EXPECTED, NOW), Err(IdTokenError::UnknownKey));
    }

    proptest! {
        #[test]
        fn garbage_is_no_token(text in "[A-Za-z0-9_.-]{0,120}|\\PC{0,60}") {
            prop_assert!(verify(&text, &keys(), EXPECTED, NOW).is_err());
        }
    }
}
