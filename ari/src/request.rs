//! A request as data: made by a generated function, sent by a [`crate::Client`] over whichever transport it has.

use std::fmt;
use std::fmt::Write as _;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// An HTTP method of ARI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates or acts.
    Post,
    /// Sets.
    Put,
    /// Ends or removes.
    Delete,
}

impl Method {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// A path below the ARI root, percent-encoded segment by segment, so that an id can never reach another resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Path(String);

impl Path {
    /// The ARI root.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a segment that is known to need no encoding.
    #[must_use]
    pub(crate) fn literal(mut self, segment: &'static str) -> Self {
        self.0.push('/');
        self.0.push_str(segment);
        self
    }

    /// Adds a segment, encoded.
    #[must_use]
    pub fn segment(mut self, segment: &str) -> Self {
        self.0.push('/');
        match segment {
            // RFC 3986 section 5.2.4: dots alone would climb or vanish when the URL is normalised.
            "." => self.0.push_str("%2E"),
            ".." => self.0.push_str("%2E%2E"),
            _ => percent_encode(segment, &mut self.0),
        }
        self
    }

    /// The encoded path, beginning with `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Encodes everything but the unreserved characters of RFC 3986 section 2.3.
pub(crate) fn percent_encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// Turns an answer's body into its type.
type Decode<T> = fn(&Bytes) -> serde_json::Result<T>;

/// One request and the type of its answer.
#[derive(Clone)]
pub struct Request<T> {
    pub(crate) parts: RequestParts,
    pub(crate) decode: Decode<T>,
}

/// A request without the type of its answer.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct RequestParts {
    /// The method.
    pub method: Method,
    /// The encoded path.
    pub path: Path,
    /// Query parameters, not yet encoded.
    pub query: Vec<(&'static str, String)>,
    /// The JSON body.
    pub body: Option<Value>,
}

impl<T> Request<T> {
    fn new(method: Method, path: Path, decode: Decode<T>) -> Self {
        Self { parts: RequestParts { method, path, query: Vec::new(), body: None }, decode }
    }

    /// Adds a query parameter.
    pub fn add(&mut self, name: &'static str, value: impl fmt::Display) {
        self.parts.query.push((name, value.to_string()));
    }

    /// Adds a query parameter that is a list. ARI separates with commas and knows no way to write one in a value.
    pub fn add_list<V: fmt::Display>(&mut self, name: &'static str, values: &[V]) {
        let list = values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        self.parts.query.push((name, list));
    }

    /// Sets the JSON body.
    pub fn set_body(&mut self, body: Value) {
        self.parts.body = Some(body);
    }

    /// Method, path, query and body.
    pub fn parts(&self) -> &RequestParts {
        &self.parts
    }
}

impl Request<()> {
    /// A request whose answer has no body that matters.
    pub fn empty(method: Method, path: Path) -> Self {
        Self::new(method, path, |_| Ok(()))
    }
}

impl Request<Bytes> {
    /// A request that is answered with bytes.
    pub fn binary(method: Method, path: Path) -> Self {
        Self::new(method, path, |body| Ok(body.clone()))
    }
}

impl<T: DeserializeOwned> Request<T> {
    /// A request that is answered with JSON.
    pub fn json(method: Method, path: Path) -> Self {
        Self::new(method, path, |body| serde_json::from_slice(body))
    }
}

impl<T> fmt::Debug for Request<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.fmt(f)
    }
}

// By hand: the body of a configuration object holds passwords.
impl fmt::Debug for RequestParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method.as_str(), self.path_and_query())?;
        if self.body.is_some() { f.write_str(" with a body") } else { Ok(()) }
    }
}

impl RequestParts {
    /// Path and encoded query.
    pub fn path_and_query(&self) -> String {
        let mut out = self.path.as_str().to_owned();
        for (index, (name, value)) in self.query.iter().enumerate() {
            out.push(if index == 0 { '?' } else { '&' });
            out.push_str(name);
            out.push('=');
            percent_encode(value, &mut out);
        }
        out
    }
}

/// An answer before it is decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RawResponse {
    /// HTTP status.
    pub status: u16,
    /// Body, maybe empty.
    pub body: Bytes,
}
