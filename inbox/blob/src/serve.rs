//! Headers under which a file may be given to a browser: whatever is in it, nobody runs it and nobody guesses at it.

use std::fmt::Write as _;

use http::HeaderMap;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
    X_CONTENT_TYPE_OPTIONS,
};
use serde::{Deserialize, Serialize};

/// A page made of the file could do nothing: no script, no request, an origin of its own, in no frame.
const SANDBOX: &str = "sandbox; default-src 'none'; frame-ancestors 'none'";
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
/// Files are of people: no proxy keeps them.
const CACHE: &str = "private, max-age=3600";

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
/// Letters of a name that are kept.
const NAME_LETTERS: usize = 150;

/// What becomes of a file in a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Use {
    /// Shown or played, if its type allows it.
    Shown,
    /// Saved.
    Saved,
}

/// Whether a browser may show files of this type (without parameters, in lower case).
pub fn may_be_shown(media_type: &str) -> bool {
    SHOWN.contains(&media_type)
}

/// The headers of a file of this type and name. The type must be the one that was found in it ([`crate::sniff`]), not the one that was
/// told.
pub fn headers(media_type: &str, name: &str, wanted: Use) -> HeaderMap {
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
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(CACHE));
    headers
}

/// Letters that turn the direction of what follows or do not show: `invoice[U+202E]fdp.exe` reads as `invoiceexe.pdf`.
fn misleads(letter: char) -> bool {
    matches!(
        letter,
        '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
    )
}

/// A name that is no path, no header and no trick.
pub fn clean_name(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String =
        name.chars().filter(|letter| !letter.is_control() && !misleads(*letter)).take(NAME_LETTERS).collect();
    match name.trim_matches(['.', ' ']) {
        "" => "file".to_owned(),
        name => name.to_owned(),
    }
}

/// `Content-Disposition` (RFC 6266), with the name for old clients in ASCII and, where that loses something, whole beside it (RFC 8187).
fn disposition_value(disposition: &str, name: &str) -> HeaderValue {
    let name = clean_name(name);
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
        assert!(text(CACHE_CONTROL).starts_with("private"));
        (text(CONTENT_TYPE), text(CONTENT_DISPOSITION))
    }

    #[test]
    fn only_what_cannot_run_is_shown() {
        let (kind, disposition) = told("Audio/OGG; codecs=opus", "a.oga", Use::Shown);
        assert_eq!((kind.as_str(), disposition.as_str()), ("audio/ogg", "inline; filename=\"a.oga\""));
        assert_eq!(told("image/png", "a.png", Use::Saved).1, "attachment; filename=\"a.png\"");
        for runs in ["text/html", "image/svg+xml", "application/pdf", "text/xml", "application/xhtml+xml", "", "audio"]
        {
            let (kind, disposition) = told(runs, "a", Use::Shown);
            assert_eq!((kind.as_str(), disposition.as_str()), (UNKNOWN, "attachment; filename=\"a\""), "{runs}");
        }
    }

    #[test]
    fn a_name_is_no_path_no_header_and_no_trick() {
        assert_eq!(told("", "../../etc/passwd", Use::Saved).1, "attachment; filename=\"passwd\"");
        assert_eq!(told("", "C:\\files\\a.txt", Use::Saved).1, "attachment; filename=\"a.txt\"");
        assert_eq!(told("", "a\"\r\nSet-Cookie: x", Use::Saved).1.matches("filename=").count(), 1);
        assert_eq!(told("", "invoice\u{202E}fdp.exe", Use::Saved).1, "attachment; filename=\"invoicefdp.exe\"");
        assert_eq!(
            told("", "€ uro.txt", Use::Saved).1,
            "attachment; filename=\"_ uro.txt\"; filename*=UTF-8''%E2%82%AC%20uro.txt"
        );
        for nameless in ["", "..", " . ", "\u{200B}", "a/"] {
            assert_eq!(told("", nameless, Use::Saved).1, "attachment; filename=\"file\"", "{nameless:?}");
        }
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
