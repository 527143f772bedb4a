//! Files that people brought or calls left behind, as answers: whatever is in them, a browser neither runs nor guesses it.

use std::fmt::Write as _;

use http::HeaderMap;
use http::header::{
    CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};

/// A page made of the file could do nothing: no script, no request, an origin of its own.
const SANDBOX: &str = "sandbox; default-src 'none'; frame-ancestors 'none'";
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Media types that browsers show without running anything of them. SVG and HTML are pages with scripts, PDF is a program for a viewer:
/// they are saved, never shown.
const SHOWN: &[&str] = &[
    "audio/aac",
    "audio/mp4",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "audio/webm",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "text/plain",
    "video/mp4",
    "video/webm",
];
/// What a browser is told when a type is none that it may show.
const UNKNOWN: &str = "application/octet-stream";

/// What becomes of a file in a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Shown or played, if its type allows it.
    Shown,
    /// Saved.
    Saved,
}

/// The headers of a file of this type and name: `Content-Type`, `Content-Disposition`, and what keeps a browser from running it.
pub(crate) fn headers(media_type: &str, name: &str, wanted: Use) -> HeaderMap {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let shown = SHOWN.iter().find(|one| **one == essence).copied();
    let kind = match shown {
        Some("text/plain") => "text/plain; charset=utf-8",
        Some(kind) => kind,
        None => UNKNOWN,
    };
    let disposition = if wanted == Use::Shown && shown.is_some() { "inline" } else { "attachment" };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CONTENT_DISPOSITION, disposition_value(disposition, name));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    headers
}

/// `Content-Disposition` (RFC 6266), with the name for old clients in ASCII and, where that loses something, whole beside it (RFC 8187).
fn disposition_value(disposition: &str, name: &str) -> HeaderValue {
    // Neither a folder nor a control character can come out of a name.
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|letter| !letter.is_control()).take(150).collect();
    let name = name.trim_matches(['.', ' ']);
    let name = if name.is_empty() { "file" } else { name };
    let plain: String = name
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || " ._-()+@".contains(letter) { letter } else { '_' })
        .collect();
    let mut text = format!("{disposition}; filename=\"{plain}\"");
    if plain != name {
        text.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                text.push(char::from(byte));
            } else {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    HeaderValue::from_str(&text).expect("letters, digits and signs of ASCII are a valid header value")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(media_type: &str, name: &str, wanted: Use) -> (String, String) {
        let headers = headers(media_type, name, wanted);
        let text = |name: HeaderName| headers[name].to_str().unwrap().to_owned();
        assert_eq!(text(CONTENT_SECURITY_POLICY), SANDBOX);
        assert_eq!(text(X_CONTENT_TYPE_OPTIONS), "nosniff");
        (text(CONTENT_TYPE), text(CONTENT_DISPOSITION))
    }

    #[test]
    fn only_what_cannot_run_is_shown() {
        let (kind, disposition) = told("Audio/WAV; codecs=1", "a.wav", Use::Shown);
        assert_eq!((kind.as_str(), disposition.as_str()), ("audio/wav", "inline; filename=\"a.wav\""));
        assert_eq!(told("image/png", "a.png", Use::Saved).1, "attachment; filename=\"a.png\"");
        for runs in ["text/html", "image/svg+xml", "application/pdf", "text/xml", "application/xhtml+xml", "", "audio"]
        {
            let (kind, disposition) = told(runs, "a", Use::Shown);
            assert_eq!((kind.as_str(), disposition.as_str()), (UNKNOWN, "attachment; filename=\"a\""), "{runs}");
        }
    }

    #[test]
    fn a_name_is_no_path_and_no_header() {
        assert_eq!(told("", "../../etc/passwd", Use::Saved).1, "attachment; filename=\"passwd\"");
        assert_eq!(told("", "a\"\r\nSet-Cookie: x", Use::Saved).1.matches("filename=").count(), 1);
        assert_eq!(
            told("", "Смета.pdf", Use::Saved).1,
            "attachment; filename=\"_____.pdf\"; filename*=UTF-8''%D0%A1%D0%BC%D0%B5%D1%82%D0%B0.pdf"
        );
        assert_eq!(told("", "..", Use::Saved).1, "attachment; filename=\"file\"");
    }

    proptest! {
        #[test]
        fn any_name_and_type_make_headers(kind in "\\PC{0,40}", name in "(?s).{0,200}") {
            let (_, disposition) = told(&kind, &name, Use::Shown);
            prop_assert!(disposition.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert_eq!(disposition.matches('"').count(), 2);
        }
    }
}
