//! `multipart/form-data` (RFC 7578) as a provider reads it: the parts, whole.

use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// One field of a form; a file if it has a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    pub name: String,
    pub file_name: Option<String>,
    pub mime: Option<String>,
    /// Bytes.
    pub size: usize,
    /// Lower-case hex.
    pub sha256: String,
    #[serde(skip)]
    pub content: Bytes,
}

impl Part {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.content).into_owned()
    }
}

/// The boundary of a `Content-Type`, if it is that of a form with files.
pub(crate) fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        (name.trim().eq_ignore_ascii_case("boundary") && !value.is_empty()).then(|| value.to_owned())
    })
}

/// `None`: not a form of this boundary, or one that breaks off.
pub(crate) fn parse(boundary: &str, body: &Bytes) -> Option<Vec<Part>> {
    let opening = format!("--{boundary}");
    let delimiter = format!("\r\n--{boundary}");
    // What stands before the first delimiter is for nobody.
    let mut at = if body.starts_with(opening.as_bytes()) {
        opening.len()
    } else {
        find(body, delimiter.as_bytes(), 0)? + delimiter.len()
    };
    let mut parts = Vec::new();
    loop {
        let rest = body.get(at..)?;
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        let head = at + rest.starts_with(b"\r\n").then_some(2)?;
        // A part without any header begins with an empty line at once, but a form's part has a name.
        let head_end = find(body, b"\r\n\r\n", head)?;
        let end = find(body, delimiter.as_bytes(), head_end + 2)?;
        let start = head_end + 4;
        let content = if start <= end { body.slice(start..end) } else { return None };
        parts.push(part(&String::from_utf8_lossy(body.get(head..head_end)?), content)?);
        at = end + delimiter.len();
    }
}

fn part(head: &str, content: Bytes) -> Option<Part> {
    let header = |wanted: &str| {
        head.split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.trim())
    };
    let disposition = header("content-disposition")?;
    Some(Part {
        name: parameter(disposition, "name")?,
        file_name: parameter(disposition, "filename"),
        mime: header("content-type").map(str::to_owned),
        size: content.len(),
        sha256: hex(&Sha256::digest(&content)),
        content,
    })
}

/// A quoted parameter, with the escapes that browsers write (`%22` for a quote).
fn parameter(disposition: &str, name: &str) -> Option<String> {
    let marked = format!("; {name}=\"");
    let (_, behind) = disposition.split_once(&marked)?;
    let (value, _) = behind.split_once('"')?;
    Some(value.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n"))
}

fn find(body: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let place = body.get(from..)?.windows(wanted.len()).position(|window| window == wanted)?;
    Some(from + place)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(boundary: &str, parts: &[(String, Option<String>, Vec<u8>)]) -> Vec<u8> {
        let mut body = Vec::new();
        for (name, file_name, content) in parts {
            let file = file_name.as_ref().map(|file| format!("; filename=\"{file}\"\r\nContent-Type: a/b"));
            let file = file.unwrap_or_default();
            body.extend(
                format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").bytes(),
            );
            body.extend(content);
            body.extend(b"\r\n");
        }
        body.extend(format!("--{boundary}--\r\n").bytes());
        body
    }

    #[test]
    fn the_boundary_is_read_from_the_header() {
        assert_eq!(boundary("multipart/form-data; boundary=\"a b\"").as_deref(), Some("a b"));
        assert_eq!(boundary("Multipart/Form-Data;charset=x; Boundary=ab").as_deref(), Some("ab"));
        assert_eq!(boundary("multipart/mixed; boundary=ab"), None);
        assert_eq!(boundary("application/json"), None);
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(parts in prop::collection::vec(
            ("[a-z_]{1,12}", prop::option::of("[a-z. ]{1,12}"), prop::collection::vec(any::<u8>(), 0..200)), 0..5
        )) {
            let body = Bytes::from(written("BoUnDaRy-7f3a", &parts));
            let read = parse("BoUnDaRy-7f3a", &body).unwrap();
            let read: Vec<_> =
                read.into_iter().map(|part| (part.name, part.file_name, part.content.to_vec())).collect();
            prop_assert_eq!(read, parts);
        }

        #[test]
        fn a_form_that_breaks_off_is_none(cut in 0_usize..100) {
            let body = written("b", &[("a".to_owned(), None, b"content".to_vec())]);
            let whole = body.len() - 4;
            let cut = cut.min(whole - 1);
            prop_assert_eq!(parse("b", &Bytes::from(body[..cut].to_vec())), None);
        }

        #[test]
        fn nothing_makes_it_stumble(body in prop::collection::vec(prop_oneof![
            Just(b"--b".to_vec()), Just(b"\r\n".to_vec()), Just(b"--".to_vec()),
            Just(b"Content-Disposition: form-data; name=\"".to_vec()), Just(b"\"".to_vec()),
            prop::collection::vec(any::<u8>(), 0..4),
        ], 0..40)) {
            let _ = parse("b", &Bytes::from(body.concat()));
        }
    }
}
