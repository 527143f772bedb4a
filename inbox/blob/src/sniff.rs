//! What a file really is, whatever it is called and whatever the sender says.
//!
//! Pure: it reads the first 64 KiB, and of a ZIP its list of names; nothing is unpacked, so there is nothing for a bomb to do. What it
//! cannot tell is `application/octet-stream`, which is saved and never shown.

mod declared;
mod text;
mod zip;

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use infer::MatcherType;
use serde::{Deserialize, Serialize};

use crate::{BlobError, serve};

/// How much of a file is looked at, in bytes.
pub const HEAD: usize = 64 * 1024;

const UNKNOWN: Judged = Judged::new("application/octet-stream", Kind::Other);

/// What sort of thing a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A picture of dots. A drawing with scripts (SVG) is a document.
    Image,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
    /// What is written, in a format of its own; pages with scripts too.
    Document,
    /// Files in a file, and programs that come as such.
    Archive,
    /// Letters and nothing else.
    Text,
    /// Programs, fonts, and what is not known.
    Other,
}

/// What was found in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// Media type, without parameters, in lower case.
    pub mime: &'static str,
    /// What sort of thing.
    pub kind: Kind,
    /// Whether a browser may show it; under the headers of [`serve::headers`] all the same.
    pub inline_safe: bool,
}

impl Judged {
    const fn new(mime: &'static str, kind: Kind) -> Self {
        Self { mime, kind, inline_safe: false }
    }

    /// Whether the type that the sender told is this one, or another name of it, or says nothing (`application/octet-stream`).
    pub fn agrees_with(&self, declared: &str) -> bool {
        declared::agree(self.mime, declared)
    }
}

/// How large files may be, by what they are, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Of [`Kind::Image`].
    pub image: u64,
    /// Of [`Kind::Audio`].
    pub audio: u64,
    /// Of [`Kind::Video`].
    pub video: u64,
    /// Of [`Kind::Document`].
    pub document: u64,
    /// Of [`Kind::Archive`].
    pub archive: u64,
    /// Of [`Kind::Text`].
    pub text: u64,
    /// Of [`Kind::Other`].
    pub other: u64,
}

impl Default for Limits {
    /// What the largest of the channels carry: WhatsApp's documents have 100 MB.
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            image: 32 * MIB,
            audio: 64 * MIB,
            video: 128 * MIB,
            document: 128 * MIB,
            archive: 128 * MIB,
            text: 16 * MIB,
            other: 128 * MIB,
        }
    }
}

impl Limits {
    /// The limit of one kind.
    pub fn of(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Image => self.image,
            Kind::Audio => self.audio,
            Kind::Video => self.video,
            Kind::Document => self.document,
            Kind::Archive => self.archive,
            Kind::Text => self.text,
            Kind::Other => self.other,
        }
    }

    /// The largest of them: what may come before it is known what it is.
    pub fn largest(&self) -> u64 {
        let all = [self.image, self.audio, self.video, self.document, self.archive, self.text, self.other];
        all.into_iter().max().unwrap_or_default()
    }

    /// Whether a file of this size may be kept.
    pub fn check(&self, judged: &Judged, size: u64) -> Result<(), BlobError> {
        let limit = self.of(judged.kind);
        if size > limit { Err(BlobError::TooLarge { limit }) } else { Ok(()) }
    }
}

/// Looks into a file. It blocks: not for an async task.
pub fn judge(content: &mut (impl Read + Seek)) -> io::Result<Judged> {
    content.seek(SeekFrom::Start(0))?;
    let mut head = Vec::with_capacity(HEAD);
    content.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    let whole = head.len() < HEAD;
    let mut judged = match text::judge(&head, whole) {
        Some(judged) => judged,
        None if zip::begins_as_one(&head) => zip::judge(&head, content)?,
        None => magic(&head).or_else(|| text::judge_old(&head)).unwrap_or(UNKNOWN),
    };
    judged.inline_safe = serve::may_be_shown(judged.mime);
    Ok(judged)
}

/// Looks into bytes.
pub fn judge_bytes(bytes: &[u8]) -> Judged {
    // Memory does not fail to be read.
    judge(&mut Cursor::new(bytes)).unwrap_or(UNKNOWN)
}

/// By the first bytes of formats that are not text.
fn magic(head: &[u8]) -> Option<Judged> {
    if let Some(brand) = head.get(4..12).and_then(|box_| box_.strip_prefix(b"ftyp")) {
        return Some(iso_media(brand, head));
    }
    if head.starts_with(b"OggS") {
        let film = contains(&head[..512.min(head.len())], b"\x80theora");
        return Some(if film { Judged::new("video/ogg", Kind::Video) } else { Judged::new("audio/ogg", Kind::Audio) });
    }
    // EBML (RFC 8794): the type stands near the beginning, with its length written in one of several ways.
    if head.starts_with(b"\x1A\x45\xDF\xA3") {
        let web = contains(&head[..128.min(head.len())], b"webm");
        return Some(Judged::new(if web { "video/webm" } else { "video/x-matroska" }, Kind::Video));
    }
    // MPEG audio without an ID3 tag: eleven bits of one, then a version and a layer that exist; ADTS has no layer.
    if let [0xFF, second, ..] = head
        && second & 0xE0 == 0xE0
    {
        return match (second >> 3 & 3, second >> 1 & 3) {
            (2 | 3, 0) if second & 0xF0 == 0xF0 => Some(Judged::new("audio/aac", Kind::Audio)),
            (0 | 2 | 3, 1..=3) => Some(Judged::new("audio/mpeg", Kind::Audio)),
            _ => None,
        };
    }
    let found = infer::get(head)?;
    let mime = declared::common_name(found.mime_type());
    let kind = match (mime, found.matcher_type()) {
        ("application/pdf" | "application/rtf" | "application/postscript" | "application/dicom", _)
        | (_, MatcherType::Book | MatcherType::Doc | MatcherType::Text) => Kind::Document,
        (_, MatcherType::Image) => Kind::Image,
        (_, MatcherType::Audio) => Kind::Audio,
        (_, MatcherType::Video) => Kind::Video,
        (_, MatcherType::Archive) => Kind::Archive,
        (_, MatcherType::App | MatcherType::Font | MatcherType::Custom) => Kind::Other,
    };
    Some(Judged::new(mime, kind))
}

/// MP4 and its relatives (ISO/IEC 14496-12): the brand says which; where it leaves that open, what its tracks are handled by.
fn iso_media(brand: &[u8], head: &[u8]) -> Judged {
    match brand {
        b"M4A " | b"M4B " | b"M4P " => Judged::new("audio/mp4", Kind::Audio),
        b"qt  " => Judged::new("video/quicktime", Kind::Video),
        b"heic" | b"heix" | b"heim" | b"heis" => Judged::new("image/heic", Kind::Image),
        b"mif1" | b"msf1" | b"hevc" | b"hevx" => Judged::new("image/heif", Kind::Image),
        b"avif" | b"avis" => Judged::new("image/avif", Kind::Image),
        _ if contains(head, b"soun") && !contains(head, b"vide") => Judged::new("audio/mp4", Kind::Audio),
        [b'3', b'g', ..] => Judged::new("video/3gpp", Kind::Video),
        _ => Judged::new("video/mp4", Kind::Video),
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests;
