//! `X-Twilio-Signature` (<https://www.twilio.com/docs/usage/security#validating-requests>): base64 of HMAC-SHA1 with the account's token over the
//! exact public URL, followed for a form by its fields, sorted, name and value. A JSON body is not in it: the URL's `bodySHA256` is its digest.

use super::form::lenient;
use crate::adapter::{Refused, Webhook};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use subtle::{Choice, ConstantTimeEq as _};

pub const SIGNATURE_HEADER: &str = "x-twilio-signature";

pub(super) fn verify(token: &str, webhook: Webhook<'_>) -> Result<(), Refused> {
    let given = webhook.headers.get(SIGNATURE_HEADER).ok_or(Refused::Missing)?.as_bytes();
    if token.is_empty() {
        return Err(Refused::Wrong);
    }
    let (fields, body_is_right) = match query_value(webhook.url, "bodySHA256") {
        Some(digest) => {
            let is = hex(&Sha256::digest(webhook.body));
            (Vec::new(), is.as_bytes().ct_eq(digest.to_ascii_lowercase().as_bytes()))
        }
        None => (sorted(webhook.body), Choice::from(1)),
    };
    // Every form of the URL is tried whatever the first one gave: no time tells which it was.
    let mut right = Choice::from(0);
    for url in forms(webhook.url) {
        right |= sign(token, &url, &fields).as_bytes().ct_eq(given);
    }
    if bool::from(right & body_is_right) { Ok(()) } else { Err(Refused::Wrong) }
}

/// The signature of a URL and of a form's fields, which are sorted already.
fn sign(token: &str, url: &str, fields: &[(Vec<u8>, Vec<u8>)]) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(url.as_bytes());
    for (name, value) in fields {
        mac.update(name);
        mac.update(value);
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

/// By name and then by value; the same name with the same value counts once.
fn sorted(body: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    lenient(body).into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

/// Twilio signs with the port in the URL or without it, and its libraries believe both; likewise an apostrophe in the query, which older
/// senders signed as `%27`.
fn forms(url: &str) -> Vec<String> {
    let mut forms = vec![url.to_owned()];
    if let Some(parts) = Parts::of(url) {
        let other = match parts.port {
            Some(_) => parts.with_port(None),
            None if parts.scheme.eq_ignore_ascii_case("https") => parts.with_port(Some("443")),
            None => parts.with_port(Some("80")),
        };
        forms.push(other);
    }
    let escaped: Vec<String> = forms.iter().filter_map(|url| escape_apostrophes(url)).collect();
    forms.extend(escaped);
    forms
}

fn escape_apostrophes(url: &str) -> Option<String> {
    let (path, query) = url.split_once('?')?;
    query.contains('\'').then(|| format!("{path}?{}", query.replace('\'', "%27")))
}

/// A URL taken apart without changing a letter of it.
struct Parts<'a> {
    scheme: &'a str,
    /// With its `@`.
    user: &'a str,
    host: &'a str,
    port: Option<&'a str>,
    rest: &'a str,
}

impl<'a> Parts<'a> {
    fn of(url: &'a str) -> Option<Self> {
        let (scheme, behind) = url.split_once("://")?;
        let (authority, rest) = behind.split_at(behind.find(['/', '?', '#']).unwrap_or(behind.len()));
        let (user, place) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
                (host, Some(port))
            }
            _ => (place, None),
        };
        Some(Self { scheme, user, host, port, rest })
    }

    fn with_port(&self, port: Option<&str>) -> String {
        let mut url = format!("{}://{}{}", self.scheme, self.user, self.host);
        if let Some(port) = port {
            url.push(':');
            url.push_str(port);
        }
        url.push_str(self.rest);
        url
    }
}

/// The first value of this name in the URL's query.
pub(super) fn query_value(url: &str, name: &str) -> Option<String> {
    let query = query(url)?;
    url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

pub(super) fn query(url: &str) -> Option<&str> {
    let (_, query) = url.split_once('?')?;
    Some(query.split('#').next().unwrap_or(query))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
