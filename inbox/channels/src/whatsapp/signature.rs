//! Whether a request is Meta's: <https://developers.facebook.com/docs/graph-api/webhooks/getting-started>.

use crate::adapter::Refused;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// `X-Hub-Signature-256: sha256=…`, the HMAC-SHA256 of the raw body with the app's secret. Compared in constant time.
pub fn verify(app_secret: &str, headers: &HeaderMap, body: &[u8]) -> Result<(), Refused> {
    let header = headers.get("x-hub-signature-256").ok_or(Refused::Missing)?;
    let given = header.to_str().ok().and_then(|text| text.trim().strip_prefix("sha256="));
    let given = given.and_then(unhex).ok_or(Refused::Wrong)?;
    // Without a secret everybody could sign.
    if app_secret.is_empty() {
        return Err(Refused::Wrong);
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(app_secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body);
    mac.verify_slice(&given).map_err(|_| Refused::Wrong)
}

/// Answers the GET by which Meta checks that the webhook is ours (`hub.mode`, `hub.verify_token`, `hub.challenge`): what is returned is the whole
/// answer, as `text/plain`. `query` is the URL's, without its `?`.
pub fn handshake(query: &str, verify_token: &str) -> Result<String, Refused> {
    let mut mode = None;
    let mut token = None;
    let mut challenge = None;
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "hub.mode" => mode = Some(value),
            "hub.verify_token" => token = Some(value),
            "hub.challenge" => challenge = Some(value),
            _ => {}
        }
    }
    let (Some(mode), Some(token), Some(challenge)) = (mode, token, challenge) else { return Err(Refused::Missing) };
    // Of digests, so that not even the length of our token shows in the time it takes.
    let same = Sha256::digest(token.as_bytes()).ct_eq(&Sha256::digest(verify_token.as_bytes()));
    // A challenge is a number; what is said back to whoever asks is nothing that a browser could run.
    let harmless = challenge.len() <= 256 && challenge.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if bool::from(same) && !verify_token.is_empty() && mode == "subscribe" && harmless {
        Ok(challenge.into_owned())
    } else {
        Err(Refused::Wrong)
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.chars().map(|c| c.to_digit(16)).collect::<Option<Vec<u32>>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| (high * 16 + low) as u8).collect())
}
