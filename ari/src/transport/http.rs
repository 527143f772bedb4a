//! Requests over HTTP.

use std::time::Duration;

use http::HeaderValue;
use http::header::{AUTHORIZATION, CONTENT_TYPE};

use crate::config::{Limits, Target};
use crate::error::{ConfigError, Error};
use crate::log::RawLog;
use crate::request::{Method, RawResponse, RequestParts};

/// Asterisk closes idle connections after 15 s (`session_keep_alive`); leave them before that.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) struct HttpTransport {
    client: reqwest::Client,
    root: String,
    authorization: HeaderValue,
    timeout: Duration,
    log: RawLog,
}

impl HttpTransport {
    pub(crate) fn new(target: &Target, limits: &Limits, log: RawLog) -> Result<Self, ConfigError> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .connect_timeout(limits.connect_timeout)
            .tcp_nodelay(true)
            .build()
            .map_err(|error| ConfigError::HttpClient { reason: error.to_string() })?;
        let root = target.root.as_str().trim_end_matches('/').to_owned();
        let authorization = target.authorization.clone();
        Ok(Self { client, root, authorization, timeout: limits.request_timeout, log })
    }

    pub(crate) async fn send(&self, parts: &RequestParts) -> Result<RawResponse, Error> {
        let method = match parts.method {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
            Method::Put => http::Method::PUT,
            Method::Delete => http::Method::DELETE,
        };
        self.log.request(parts);
        let mut request = self
            .client
            .request(method, format!("{}{}", self.root, parts.path_and_query()))
            .header(AUTHORIZATION, self.authorization.clone())
            .timeout(self.timeout);
        if let Some(body) = &parts.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let response = request.send().await.map_err(|error| self.failed(&error))?;
        let status = response.status().as_u16();
        let body = response.bytes().await.map_err(|error| self.failed(&error))?;
        self.log.response(parts, status, &body);
        Ok(RawResponse { status, body })
    }

    fn failed(&self, error: &reqwest::Error) -> Error {
        if error.is_timeout() {
            return Error::Timeout { after: self.timeout };
        }
        // The outermost text names the URL only; the reason is the innermost.
        let mut source: &dyn std::error::Error = error;
        while let Some(inner) = source.source() {
            source = inner;
        }
        Error::Disconnected { reason: source.to_string() }
    }
}
