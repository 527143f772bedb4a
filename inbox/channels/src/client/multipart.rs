//! `multipart/form-data` (RFC 7578) of some fields and one file, whose length is known before it is read.

use super::{Boxed, Content, Trouble};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::HeaderValue;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;

pub(super) struct Form {
    boundary: String,
    head: String,
    tail: String,
    size: u64,
}

/// Makes each boundary another one.
static COUNT: AtomicU64 = AtomicU64::new(0);

impl Form {
    pub(super) fn new(fields: &[(String, String)], field: &str, file_name: &str, mime: &str, size: u64) -> Self {
        let boundary = boundary();
        let mut head = String::new();
        for (name, value) in fields {
            let name = quoted(name);
            let _ = write!(head, "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        }
        let mime = if HeaderValue::from_str(mime).is_ok() { mime } else { "application/octet-stream" };
        let (field, file_name) = (quoted(field), quoted(file_name));
        let _ = write!(
            head,
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{file_name}\"\r\n\
             Content-Type: {mime}\r\n\r\n"
        );
        let tail = format!("\r\n--{boundary}--\r\n");
        Self { boundary, head, tail, size }
    }

    pub(super) fn content_type(&self) -> HeaderValue {
        HeaderValue::from_str(&format!("multipart/form-data; boundary={}", self.boundary))
            .expect("a boundary is plain hex")
    }

    pub(super) fn length(&self) -> u64 {
        self.head.len() as u64 + self.size + self.tail.len() as u64
    }

    /// A file that is shorter or longer than was said breaks off: the provider must not take half of it for the whole.
    pub(super) fn body(self, content: Content, trouble: Arc<Trouble>) -> Boxed {
        let size = self.size;
        let mut sent = 0;
        // One byte more than announced is read, so that a file that grew is noticed.
        let file = ReaderStream::with_capacity(content.take(size.saturating_add(1)), 64 * 1024)
            .map(Some)
            .chain(stream::iter([None]))
            .map(move |piece| match piece {
                Some(piece) => {
                    let piece = piece?;
                    sent += piece.len() as u64;
                    if sent > size { Err(io::Error::other("it is longer than was said")) } else { Ok(piece) }
                }
                None if sent < size => Err(io::Error::other("it is shorter than was said")),
                None => Ok(Bytes::new()),
            })
            .inspect_err(move |error| {
                let _ = trouble.file.set(error.to_string());
            });
        let whole =
            stream::iter([Ok(Bytes::from(self.head))]).chain(file).chain(stream::iter([Ok(Bytes::from(self.tail))]));
        let whole = whole.try_filter(|piece| std::future::ready(!piece.is_empty()));
        StreamBody::new(whole.map_ok(Frame::data)).boxed_unsync()
    }
}

/// Not to be guessed by whoever wrote the file, so that it cannot end its own part.
fn boundary() -> String {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let random = [RandomState::new().build_hasher().finish(), RandomState::new().build_hasher().finish(), count];
    let digest = Sha256::digest(random.map(u64::to_le_bytes).concat());
    digest.iter().take(20).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// As browsers write names: <https://html.spec.whatwg.org/#multipart-form-data>.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}
