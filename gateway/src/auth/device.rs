//! The browser that somebody signed in with before: a cookie that says so.
//!
//! Whoever guesses somebody's password, from wherever, cannot keep that person out: a known browser has a count of failures of its
//! own. The cookie opens nothing by itself.

use axum::response::Response;
use axum_extra::extract::cookie::CookieJar;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{HeaderValue, SET_COOKIE};
use subtle::ConstantTimeEq as _;
use url::Url;

use super::Keys;

/// People whom one browser may know.
const MAX_PEOPLE: usize = 5;
/// Seconds that a browser keeps it.
const MAX_AGE: u64 = 180 * 24 * 60 * 60;
/// Bytes of a proof: 128 bits, which nobody guesses over the network.
const PROOF_BYTES: usize = 16;

/// A browser and the people who signed in with it, the last one first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Device {
    id: [u8; 16],
    proofs: Vec<[u8; PROOF_BYTES]>,
}

impl Device {
    /// The cookie's value; whatever is no device is none.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).ok()?.try_into().ok());
        let id = parts.next()??;
        let proofs = parts.take(MAX_PEOPLE).collect::<Option<Vec<_>>>()?;
        Some(Self { id, proofs })
    }

    fn text(&self) -> String {
        let parts = std::iter::once(&self.id).chain(&self.proofs).map(|part| URL_SAFE_NO_PAD.encode(part));
        parts.collect::<Vec<_>>().join(".")
    }

    fn proof(&self, keys: &Keys, email: &str) -> [u8; PROOF_BYTES] {
        let of = format!("device {} {email}", URL_SAFE_NO_PAD.encode(self.id));
        *keys.hash_opaque(&of).first_chunk().expect("a hash is longer than a proof")
    }

    /// Its number, if the person signed in with it before.
    pub(super) fn known_to(&self, keys: &Keys, email: &str) -> Option<u128> {
        let proof = self.proof(keys, email);
        let known = self.proofs.iter().any(|one| bool::from(one.ct_eq(&proof)));
        known.then(|| u128::from_be_bytes(self.id))
    }

    /// The browser, after this person signed in with it.
    pub(super) fn after_sign_in(before: Option<Self>, keys: &Keys, email: &str) -> Self {
        let mut device = before.unwrap_or_else(|| Self { id: rand::random(), proofs: Vec::new() });
        let proof = device.proof(keys, email);
        device.proofs.retain(|one| *one != proof);
        device.proofs.insert(0, proof);
        device.proofs.truncate(MAX_PEOPLE);
        device
    }
}

fn name(public: &Url) -> (&'static str, &'static str) {
    match public.scheme() {
        "https" => ("__Host-trunkline_device", "Path=/; Secure"),
        _ => ("trunkline_device", "Path=/api/v1/auth"),
    }
}

/// Has the browser keep it.
pub(super) fn set(public: &Url, answer: &mut Response, device: &Device) {
    let (name, scope) = name(public);
    let text = format!("{name}={}; {scope}; Max-Age={MAX_AGE}; HttpOnly; SameSite=Strict", device.text());
    answer.headers_mut().append(SET_COOKIE, HeaderValue::from_str(&text).expect("base64url and dots"));
}

/// The one that a browser sent.
pub(super) fn read(public: &Url, jar: &CookieJar) -> Option<Device> {
    Device::parse(jar.get(name(public).0)?.value())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys() -> Keys {
        Keys::derive(&"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f".parse().unwrap())
    }

    #[test]
    fn a_browser_knows_who_signed_in_with_it_and_nobody_else() {
        let keys = keys();
        let mut device = None;
        for number in 0..6 {
            device = Some(Device::after_sign_in(device, &keys, &format!("user{number}@demo.test")));
        }
        let device = Device::parse(&device.unwrap().text()).unwrap();
        assert!(
            device.known_to(&keys, "user5@demo.test").is_some() && device.known_to(&keys, "user1@demo.test").is_some()
        );
        assert_eq!(device.known_to(&keys, "user0@demo.test"), None, "five at most");
        assert_eq!(device.known_to(&keys, "ann@demo.test"), None);
        let other = Device { id: [7; 16], ..device };
        assert_eq!(other.known_to(&keys, "user5@demo.test"), None, "proofs belong to one browser");
    }

    proptest! {
        #[test]
        fn any_cookie_is_read(text in "[A-Za-z0-9_.-]{0,200}|\\PC{0,60}") {
            if let Some(device) = Device::parse(&text) {
                prop_assert!(device.known_to(&keys(), "ann@demo.test").is_none());
            }
        }
    }
}
