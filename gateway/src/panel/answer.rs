//! One file as an answer: its type, its age, its encoding, and what a browser may do with it.

use std::borrow::Cow;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName,
    HeaderValue, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_FRAME_OPTIONS,
};
use http::{HeaderMap, StatusCode};
use rust_embed::{EmbeddedFile, RustEmbed};

/// Beneath it every name has a hash of the content in it.
const HASHED: &str = "assets/";
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";

/// Nothing from elsewhere, nothing inline, no script made of text, in nobody's frame. The components that keep a page from scrolling
/// beneath a dialog write their style where no policy has to let it through (`design/style-singleton.ts`); the hash is that of the one style
/// that Radix writes into the page (`app/trusted-types.ts`).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'sha256-441zG27rExd4/il+NvIqyL8zFx5XmyNQtE381kSkUJk='; img-src 'self' data: blob:; \
    font-src 'self'; media-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types default";
/// A page of ours has use for the microphone and for choosing where a bell rings; nothing in it has for the rest.
const PERMISSIONS: &str = "microphone=(self), speaker-selection=(self), autoplay=(self), camera=(), geolocation=(), display-capture=(), \
    payment=(), usb=()";
/// The service worker, which a browser asks for by this name for ever.
const WORKER: &str = "sw.js";
/// Its own script is all of it; what it fetches are pages of ours, for whoever goes to one.
const WORKER_POLICY: &str = "default-src 'none'; connect-src 'self'; frame-ancestors 'none'";
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Brotli,
    Gzip,
    Identity,
}

impl Encoding {
    /// The best that a client takes (RFC 9110 §12.5.3). What is named with a weight of nought is refused.
    pub(super) fn accepted(headers: &HeaderMap) -> Self {
        let listed = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        let (mut brotli, mut gzip) = (false, false);
        for item in listed.flat_map(|value| value.split(',')) {
            let (name, weight) = item.split_once(';').unwrap_or((item, ""));
            let refused = weight.trim().strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0_f32));
            match name.trim().to_ascii_lowercase().as_str() {
                "br" => brotli = !refused,
                "gzip" | "x-gzip" => gzip = !refused,
                _ => {}
            }
        }
        match (brotli, gzip) {
            (true, _) => Self::Brotli,
            (false, true) => Self::Gzip,
            (false, false) => Self::Identity,
        }
    }

    const fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
            Self::Identity => "",
        }
    }

    const fn name(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }
}

/// Whether an address that is no file is a screen of the panel: asked for as a page, without an ending. An image or a script that is gone
/// must not be answered with a page.
pub(super) fn wants_page(path: &str, headers: &HeaderMap) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    let accepts =
        headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).any(|value| value.contains("text/html"));
    accepts && !last.contains('.')
}

/// A file of the panel, if there is one of this name.
pub(super) fn file<F: RustEmbed>(path: &str, encoding: Encoding, headers: &HeaderMap) -> Option<Response> {
    // Its compressed twins are no addresses of their own.
    if matches!(ending(path), "br" | "gz") {
        return None;
    }
    let plain = F::get(path)?;
    let (served, encoding) = match encoding {
        Encoding::Identity => (None, encoding),
        _ => match F::get(&format!("{path}{}", encoding.suffix())) {
            Some(smaller) => (Some(smaller), encoding),
            None => (None, Encoding::Identity),
        },
    };
    // Bound to the encoding: a tag stands for the very bytes (RFC 9110 §8.8.3).
    let tag = format!("\"{}{}\"", URL_SAFE_NO_PAD.encode(&plain.metadata.sha256_hash()[..12]), encoding.suffix());
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let unchanged = known
        .flat_map(|value| value.split(','))
        .any(|one| one.trim().trim_start_matches("W/") == tag || one.trim() == "*");
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Body::from(bytes(served.unwrap_or(plain))).into_response()
    };
    let answer = response.headers_mut();
    answer.insert(ETAG, HeaderValue::from_str(&tag).ok()?);
    let kept = if path.starts_with(HASHED) { FOR_EVER } else { ASK_AGAIN };
    answer.insert(CACHE_CONTROL, HeaderValue::from_static(kept));
    answer.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if !unchanged {
        answer.insert(CONTENT_TYPE, HeaderValue::from_static(kind(path)));
        if let Some(name) = encoding.name() {
            answer.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
        }
    }
    if ending(path) == "html" {
        protect(answer);
    }
    if path == WORKER {
        answer.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(WORKER_POLICY));
    }
    Some(response)
}

fn protect(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(PERMISSIONS_POLICY, HeaderValue::from_static(PERMISSIONS));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    // For what does not know `frame-ancestors`.
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // No page of another site holds on to ours.
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
}

fn bytes(file: EmbeddedFile) -> Bytes {
    match file.data {
        Cow::Borrowed(data) => Bytes::from_static(data),
        Cow::Owned(data) => Bytes::from(data),
    }
}

/// What stands behind the last dot of a name; the panel's build writes it in lower case.
fn ending(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or_default()
}

/// What the panel's build leaves.
fn kind(path: &str) -> &'static str {
    match ending(path) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use http_body_util::BodyExt as _;
    use proptest::prelude::*;

    use super::*;

    struct Sample;

    impl RustEmbed for Sample {
        fn get(path: &str) -> Option<EmbeddedFile> {
            let text: &'static str = match path {
                "index.html" => "<html>",
                "index.html.br" => "brotli",
                "index.html.gz" => "gzip",
                "assets/main-h4sh.js" => "1",
                "sw.js" => "2",
                _ => return None,
            };
            let hash = std::array::from_fn(|_| u8::try_from(path.len()).unwrap());
            Some(EmbeddedFile {
                data: Cow::Borrowed(text.as_bytes()),
                metadata: rust_embed::Metadata::__rust_embed_new(hash, None, None),
            })
        }

        fn iter() -> impl Iterator<Item = Cow<'static, str>> + 'static {
            std::iter::empty()
        }
    }

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let mut request = Request::builder();
        for (name, value) in pairs {
            request = request.header(name, *value);
        }
        request.body(()).unwrap().headers().clone()
    }

    async fn text(response: Response) -> String {
        String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn the_page_may_load_nothing_from_elsewhere_and_is_asked_about_each_time() {
        let response = file::<Sample>("index.html", Encoding::Identity, &HeaderMap::new()).unwrap();
        let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-cache");
        assert_eq!(response.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(text(response).await, "<html>");
    }

    #[tokio::test]
    async fn a_file_with_a_hash_in_its_name_is_kept_for_ever() {
        let response = file::<Sample>("assets/main-h4sh.js", Encoding::Brotli, &HeaderMap::new()).unwrap();
        assert_eq!(response.headers()[CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert!(!response.headers().contains_key(CONTENT_ENCODING), "there is no smaller one");
        assert_eq!(text(response).await, "1");
    }

    #[test]
    fn the_service_worker_is_asked_about_each_time_and_fetches_pages_of_ours_alone() {
        let response = file::<Sample>("sw.js", Encoding::Brotli, &HeaderMap::new()).unwrap();
        assert_eq!(response.headers()[CONTENT_SECURITY_POLICY], WORKER_POLICY);
        assert_eq!(response.headers()[CACHE_CONTROL], "no-cache");
        assert_eq!(response.headers()[CONTENT_TYPE], "text/javascript; charset=utf-8");
    }

    #[tokio::test]
    async fn what_a_browser_has_already_is_not_sent_again() {
        for (encoding, content) in
            [(Encoding::Brotli, "brotli"), (Encoding::Gzip, "gzip"), (Encoding::Identity, "<html>")]
        {
            let first = file::<Sample>("index.html", encoding, &HeaderMap::new()).unwrap();
            let tag = first.headers()[ETAG].to_str().unwrap().to_owned();
            assert_eq!(
                first.headers().get(CONTENT_ENCODING).map(HeaderValue::as_bytes),
                encoding.name().map(str::as_bytes)
            );
            assert_eq!(text(first).await, content);
            for known in [tag.clone(), format!("\"other\", W/{tag}"), "*".to_owned()] {
                let again = file::<Sample>("index.html", encoding, &headers(&[(IF_NONE_MATCH, &known)])).unwrap();
                assert_eq!(
                    (again.status(), again.headers()[ETAG].to_str().unwrap()),
                    (StatusCode::NOT_MODIFIED, tag.as_str())
                );
                assert_eq!(text(again).await, "");
            }
        }
    }

    #[test]
    fn the_smallest_that_a_client_takes_is_sent() {
        for (said, best) in [
            ("gzip, deflate, br, zstd", Encoding::Brotli),
            ("gzip;q=1.0, br;q=0", Encoding::Gzip),
            ("GZIP", Encoding::Gzip),
            ("identity", Encoding::Identity),
            ("", Encoding::Identity),
        ] {
            assert_eq!(Encoding::accepted(&headers(&[(ACCEPT_ENCODING, said)])), best, "{said}");
        }
    }

    #[test]
    fn a_screen_is_a_page_and_a_script_that_is_gone_is_not() {
        let page = headers(&[(ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")]);
        assert!(wants_page("calls/019a", &page));
        assert!(wants_page("", &page));
        assert!(!wants_page("assets/main-0ld.js", &page));
        assert!(!wants_page("calls/019a", &headers(&[(ACCEPT, "*/*")])));
        assert!(file::<Sample>("index.html.br", Encoding::Identity, &page).is_none());
    }

    proptest! {
        #[test]
        fn any_header_is_read(accepted in "[ -~]{0,60}", known in "[ -~]{0,60}", path in "[ -~]{0,40}") {
            let headers = headers(&[(ACCEPT_ENCODING, &accepted), (IF_NONE_MATCH, &known), (ACCEPT, &accepted)]);
            let encoding = Encoding::accepted(&headers);
            let _ = wants_page(&path, &headers);
            prop_assert!(file::<Sample>("index.html", encoding, &headers).is_some());
        }
    }
}
