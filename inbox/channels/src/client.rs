//! Sends what an adapter rendered, and fetches files. It knows no provider.
//!
//! What it must get right is what became of a request: whether it was **not sent** (repeat it), or was sent and **not answered** (it may have been
//! done: ask, or show that). It prints no address and no header, since both may hold a token.
//!
//! It stands on hyper and rustls, and not on reqwest: reqwest's TLS features are everybody's who uses it in the same program, and with rustls but without
//! a provider for the whole process it builds no client at all.

mod download;
mod multipart;

pub use download::{DownloadError, Downloaded, Limits};

use crate::adapter::{Answer, Body, Request};
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::AsyncRead;

/// The bytes of a file that is being sent.
pub type Content = Box<dyn AsyncRead + Send + Unpin>;

/// Opens the files that a [`Body::File`] names by their blob keys.
pub trait Files: Sync {
    fn open(&self, key: &str) -> impl Future<Output = io::Result<Content>> + Send;
}

/// For requests that carry no file.
#[derive(Debug, Clone, Copy)]
pub struct NoFiles;

impl Files for NoFiles {
    async fn open(&self, _key: &str) -> io::Result<Content> {
        Err(io::Error::new(io::ErrorKind::NotFound, "there are no files here"))
    }
}

/// How long things may take, and how large an answer may be.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Until TCP is connected, for each address that a name has.
    pub connect: Duration,
    /// For the whole request and its answer. An upload has [`Timing::per_mb`] more for each megabyte.
    pub total: Duration,
    pub per_mb: Duration,
    /// Between two pieces of a download.
    pub idle: Duration,
    /// Bytes.
    pub answer: usize,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            total: Duration::from_secs(30),
            per_mb: Duration::from_secs(4),
            idle: Duration::from_secs(30),
            answer: 1024 * 1024,
        }
    }
}

/// An answer, whole.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Reply {
    /// For [`crate::Adapter::understand`].
    pub fn answer(&self) -> Answer<'_> {
        Answer { status: self.status, headers: &self.headers, body: &self.body }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Nothing of it left: it may be sent again as it is.
    #[error("not sent: {0}")]
    NotSent(Cause),
    /// It left, at least in part, and no whole answer came: it may have been done.
    #[error("sent, and not answered: {0}")]
    NoAnswer(Cause),
}

impl SendError {
    pub fn is_safe_to_repeat(&self) -> bool {
        matches!(self, Self::NotSent(_))
    }
}

/// What happened, without a word of the request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    #[error("the request cannot be written: {0}")]
    Request(&'static str),
    #[error("the name is not known to DNS")]
    Name,
    #[error("no connection: {0}")]
    Connect(String),
    #[error("TLS: {0}")]
    Tls(String),
    #[error("it took too long")]
    TimedOut,
    #[error("the connection ended: {0}")]
    Closed(String),
    #[error("the answer is larger than {limit} bytes (status {status})")]
    TooLarge { status: u16, limit: usize },
    #[error("the file cannot be read: {0}")]
    File(String),
}

type Sent = Watched;

/// One for the whole program: it keeps connections open for the next request.
#[derive(Clone)]
pub struct Client {
    http: hyper_util::client::legacy::Client<HttpsConnector<HttpConnector>, Sent>,
    timing: Timing,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("timing", &self.timing).finish_non_exhaustive()
    }
}

impl Client {
    /// Trusts the certificates that the system trusts.
    pub fn new(timing: Timing) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring speaks TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self::with_tls(timing, tls)
    }

    /// With other roots: for a proxy with a certificate of its own.
    pub fn with_tls(timing: Timing, tls: ClientConfig) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(timing.connect));
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Duration::from_secs(30)));
        // Plain HTTP is for an `api_base` of one's own: a local server, a test.
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
        let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(50))
            .build(connector);
        Self { http, timing }
    }

    /// Sends a request and reads its answer. Redirects are answers too: nothing is followed.
    pub async fn send(&self, request: Request, files: &impl Files) -> Result<Reply, SendError> {
        let mut headers = request.headers;
        let mut total = self.timing.total;
        let trouble = Arc::new(Trouble::default());
        let body = match request.body {
            Body::Empty => boxed(Full::default()),
            Body::Json(value) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                boxed(Full::new(Bytes::from(value.to_string())))
            }
            Body::Form(fields) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
                let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                boxed(Full::new(Bytes::from(form)))
            }
            Body::File { fields, field, key, file_name, mime, size } => {
                let content = files.open(&key).await.map_err(|error| not_sent(Cause::File(error.to_string())))?;
                let form = multipart::Form::new(&fields, field, &file_name, &mime, size);
                headers.insert(CONTENT_TYPE, form.content_type());
                headers.insert(CONTENT_LENGTH, HeaderValue::from(form.length()));
                total += self.timing.per_mb * u32::try_from(size / (1024 * 1024)).unwrap_or(u32::MAX).min(4096);
                form.body(content, Arc::clone(&trouble))
            }
        };
        let exchange = self.exchange(request.method, &request.url, headers, body, Arc::clone(&trouble));
        let answer = async {
            let response = exchange.await?;
            let status = response.status().as_u16();
            let headers = response.headers().clone();
            let body = collect(response.into_body(), self.timing.answer, status).await.map_err(SendError::NoAnswer)?;
            Ok(Reply { status, headers, body })
        };
        match tokio::time::timeout(total, answer).await {
            Ok(answer) => answer,
            Err(_) if trouble.began() => Err(SendError::NoAnswer(Cause::TimedOut)),
            Err(_) => Err(SendError::NotSent(Cause::TimedOut)),
        }
    }

    async fn exchange(
        &self,
        method: http::Method,
        url: &str,
        mut headers: HeaderMap,
        body: Boxed,
        trouble: Arc<Trouble>,
    ) -> Result<http::Response<Incoming>, SendError> {
        let bad = |why| not_sent(Cause::Request(why));
        let url = url::Url::parse(url).map_err(|_| bad("its address"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(bad("its address"));
        }
        let uri: http::Uri = url.as_str().parse().map_err(|_| bad("its address"))?;
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(concat!("trunkline/", env!("CARGO_PKG_VERSION"))));
        let mut request = http::Request::new(Watched { body, trouble: Arc::clone(&trouble) });
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        self.http.request(request).await.map_err(|error| {
            if let Some(why) = trouble.file() {
                return SendError::NoAnswer(Cause::File(why));
            }
            if error.is_connect() {
                return not_sent(connecting(&error));
            }
            let cause = Cause::Closed(last(&error));
            if trouble.began() { SendError::NoAnswer(cause) } else { SendError::NotSent(cause) }
        })
    }
}

fn not_sent(cause: Cause) -> SendError {
    SendError::NotSent(cause)
}

/// An answer's body, up to `limit` bytes.
async fn collect(mut body: Incoming, limit: usize, status: u16) -> Result<Bytes, Cause> {
    let too_large = Cause::TooLarge { status, limit };
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large);
    }
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Cause::Closed(last(&error)))?;
        if let Ok(piece) = frame.into_data() {
            if whole.len() + piece.len() > limit {
                return Err(too_large);
            }
            whole.extend_from_slice(&piece);
        }
    }
    Ok(whole.freeze())
}

/// Why there is no connection. The names in hyper's errors are its own; the deepest cause is the system's word, and holds no address.
fn connecting(error: &(dyn StdError + 'static)) -> Cause {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.to_string().starts_with("dns error") {
            return Cause::Name;
        }
        if let Some(io) = error.downcast_ref::<io::Error>() {
            if io.kind() == io::ErrorKind::TimedOut {
                return Cause::TimedOut;
            }
            if let Some(tls) = io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                return Cause::Tls(tls.to_string());
            }
        }
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Cause::Tls(tls.to_string());
        }
        next = error.source();
    }
    Cause::Connect(last(error))
}

/// The deepest cause, in its own words.
fn last(error: &(dyn StdError + 'static)) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

type Boxed = UnsyncBoxBody<Bytes, io::Error>;

fn boxed(body: Full<Bytes>) -> Boxed {
    body.map_err(|never| match never {}).boxed_unsync()
}

/// What is known of a request that is under way.
#[derive(Debug, Default)]
struct Trouble {
    began: AtomicBool,
    file: std::sync::OnceLock<String>,
}

impl Trouble {
    fn began(&self) -> bool {
        self.began.load(Ordering::Acquire)
    }

    fn file(&self) -> Option<String> {
        self.file.get().cloned()
    }
}

/// Notes that hyper asks for the body: it does once there is a connection and the head is being written, and not before.
struct Watched {
    body: Boxed,
    trouble: Arc<Trouble>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.trouble.began.store(true, Ordering::Release);
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        let is_end = self.body.is_end_stream();
        // An empty body is asked this and nothing more.
        if is_end {
            self.trouble.began.store(true, Ordering::Release);
        }
        is_end
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
