//! Fetching a file: streamed, limited, with its checksum.

use super::{Cause, Client, SendError, Trouble, boxed, last};
use crate::adapter::Answer;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, LOCATION};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Body as _;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use url::{Host, Url};

/// Redirects that are followed.
const HOPS: usize = 3;

/// What may be fetched.
#[derive(Debug, Clone, Copy)]
pub struct Limits<'a> {
    /// Bytes.
    pub size: u64,
    /// The account's own: there, and only there, plain HTTP and private addresses are allowed.
    pub api_base: &'a str,
    /// Lower-case hex, where the provider told it.
    pub sha256: Option<&'a str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    /// Bytes.
    pub size: u64,
    /// Lower-case hex.
    pub sha256: String,
    /// As the server says: it may be wrong.
    pub mime: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DownloadError {
    /// A later attempt may do.
    #[error("the file did not come: {0}")]
    Broken(Cause),
    #[error("the file's server answered {status}")]
    Status { status: u16, after: Option<Duration> },
    #[error("the file is larger than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("the file is not the one that was told: its checksum is another")]
    Checksum,
    /// It leads where nothing is fetched from: not HTTPS, or into a private network.
    #[error("the file's address is not one that is fetched from")]
    Address,
    #[error("more than {HOPS} redirects")]
    Redirects,
    #[error("the file cannot be kept: {0}")]
    Write(String),
}

impl Client {
    /// Writes a file into `to`. What was written is of no use when this fails.
    ///
    /// The address is the provider's word, and so is where it leads: it is followed to HTTPS, or to the account's own `api_base`. Another host is not given
    /// the headers that open the first. A name that points into a private network is not seen through: whoever must keep the program from its own
    /// network does that at the firewall.
    pub async fn download(
        &self,
        url: &str,
        headers: &HeaderMap,
        limits: Limits<'_>,
        to: &mut (impl AsyncWrite + Unpin),
    ) -> Result<Downloaded, DownloadError> {
        let base = Url::parse(limits.api_base).ok();
        let mut url = Url::parse(url).map_err(|_| DownloadError::Address)?;
        let mut headers = headers.clone();
        for _ in 0..=HOPS {
            if !may_fetch(&url, base.as_ref()) {
                return Err(DownloadError::Address);
            }
            let trouble = Arc::new(Trouble::default());
            let request =
                self.exchange(http::Method::GET, url.as_str(), headers.clone(), boxed(Full::default()), trouble);
            let response = tokio::time::timeout(self.timing.total, request).await;
            let response = match response {
                Ok(Ok(response)) => response,
                Ok(Err(SendError::NotSent(cause) | SendError::NoAnswer(cause))) => {
                    return Err(DownloadError::Broken(cause));
                }
                Err(_) => return Err(DownloadError::Broken(Cause::TimedOut)),
            };
            let status = response.status();
            if status.is_redirection() {
                let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
                let next = location.and_then(|location| url.join(location).ok()).ok_or(DownloadError::Address)?;
                if next.origin() != url.origin() {
                    headers.remove(AUTHORIZATION);
                    headers.remove(COOKIE);
                }
                url = next;
                continue;
            }
            if !status.is_success() {
                let answer = Answer { status: status.as_u16(), headers: response.headers(), body: b"" };
                return Err(DownloadError::Status { status: answer.status, after: answer.retry_after() });
            }
            return self.keep(response, limits, to).await;
        }
        Err(DownloadError::Redirects)
    }

    async fn keep(
        &self,
        response: http::Response<hyper::body::Incoming>,
        limits: Limits<'_>,
        to: &mut (impl AsyncWrite + Unpin),
    ) -> Result<Downloaded, DownloadError> {
        let mime = response.headers().get(CONTENT_TYPE).and_then(|mime| mime.to_str().ok()).map(str::to_owned);
        let mut body = response.into_body();
        let too_large = DownloadError::TooLarge { limit: limits.size };
        if body.size_hint().lower() > limits.size {
            return Err(too_large);
        }
        let write = |error: std::io::Error| DownloadError::Write(error.to_string());
        let mut size = 0;
        let mut sum = Sha256::new();
        loop {
            let frame = tokio::time::timeout(self.timing.idle, body.frame()).await;
            let frame = match frame {
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => return Err(DownloadError::Broken(Cause::Closed(last(&error)))),
                Ok(None) => break,
                Err(_) => return Err(DownloadError::Broken(Cause::TimedOut)),
            };
            if let Ok(piece) = frame.into_data() {
                size += piece.len() as u64;
                if size > limits.size {
                    return Err(too_large);
                }
                sum.update(&piece);
                to.write_all(&piece).await.map_err(write)?;
            }
        }
        to.flush().await.map_err(write)?;
        let sha256 = sum.finalize().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        if limits.sha256.is_some_and(|told| !told.eq_ignore_ascii_case(&sha256)) {
            return Err(DownloadError::Checksum);
        }
        Ok(Downloaded { size, sha256, mime })
    }
}

fn may_fetch(url: &Url, base: Option<&Url>) -> bool {
    if base.is_some_and(|base| base.origin() == url.origin()) {
        return matches!(url.scheme(), "http" | "https");
    }
    let private = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => is_private(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => is_private(IpAddr::V6(address)),
        None => true,
    };
    url.scheme() == "https" && !private
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_multicast()
                || v4.octets().starts_with(&[100, 64])
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
        }
    }
}
