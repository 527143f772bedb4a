//! Files that a message names by a link: the provider fetches them itself, with nothing of the account's in its hand.

use crate::deliver::client;
use crate::multipart::hex;
use crate::record::Record;
use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// What the provider got for a link.
#[derive(Debug, Clone, Serialize)]
pub struct Fetched {
    pub url: String,
    /// `None`: no answer came, or the link leads out of this machine and was not followed.
    pub status: Option<u16>,
    pub mime: Option<String>,
    /// Bytes.
    pub size: usize,
    /// Lower-case hex.
    pub sha256: String,
    #[serde(skip)]
    pub content: Bytes,
}

/// Follows a link, on this machine only: tests do not speak with strangers. `actual` is where it is really reached.
pub(crate) async fn fetch(url: String, actual: String, into: &Record<Fetched>) {
    let parsed = url::Url::parse(&actual).ok();
    let is_here = parsed.as_ref().and_then(url::Url::host).is_some_and(|host| match host {
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
        url::Host::Domain(name) => name == "localhost",
    });
    let response = if is_here { client().get(&actual).send().await.ok() } else { None };
    let (mut status, mut mime, mut content) = (None, None, Bytes::new());
    if let Some(response) = response {
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).map(str::to_owned);
        let code = response.status().as_u16();
        // One that breaks off was not fetched.
        if let Ok(bytes) = response.bytes().await {
            (status, mime, content) = (Some(code), kind, bytes);
        }
    }
    let (size, sha256) = (content.len(), hex(&Sha256::digest(&content)));
    into.push(Fetched { url, status, mime, size, sha256, content });
}
