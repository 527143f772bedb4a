//! ZIPs by the names in them (PKWARE APPNOTE 6.3): Office's documents, OpenDocument, books, programs. Nothing is unpacked.

use std::io::{self, Read, Seek, SeekFrom};

use super::{Judged, Kind};

/// Bytes of an end record without its comment, and of the longest comment.
const END: usize = 22;
const COMMENT: u64 = 65_535;
/// How much of the list of names is read, in bytes.
const NAMES: u64 = 1024 * 1024;
const ENTRY: usize = 46;

const PLAIN: Judged = Judged::new("application/zip", Kind::Archive);

pub(super) fn begins_as_one(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") || head.starts_with(b"PK\x07\x08")
}

pub(super) fn judge(head: &[u8], content: &mut (impl Read + Seek)) -> io::Result<Judged> {
    if let Some(judged) = first_entry_says(head) {
        return Ok(judged);
    }
    let names = names(content)?;
    let has = |name: &[u8]| names.iter().any(|one| one == name);
    let below = |folder: &[u8]| names.iter().any(|one| one.starts_with(folder));
    if has(b"[Content_Types].xml") {
        let macros = names.iter().any(|one| one.ends_with(b"vbaProject.bin"));
        let mime = if below(b"word/") {
            if macros {
                "application/vnd.ms-word.document.macroenabled.12"
            } else {
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
            }
        } else if below(b"xl/") {
            if macros {
                "application/vnd.ms-excel.sheet.macroenabled.12"
            } else {
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
            }
        } else if below(b"ppt/") {
            if macros {
                "application/vnd.ms-powerpoint.presentation.macroenabled.12"
            } else {
                "application/vnd.openxmlformats-officedocument.presentationml.presentation"
            }
        } else {
            return Ok(PLAIN);
        };
        return Ok(Judged::new(mime, Kind::Document));
    }
    if has(b"AndroidManifest.xml") {
        return Ok(Judged::new("application/vnd.android.package-archive", Kind::Archive));
    }
    if has(b"META-INF/MANIFEST.MF") {
        return Ok(Judged::new("application/java-archive", Kind::Archive));
    }
    Ok(PLAIN)
}

/// OpenDocument and EPUB begin with an entry `mimetype` that is not compressed and says it.
fn first_entry_says(head: &[u8]) -> Option<Judged> {
    const NAME: &[u8] = b"mimetype";
    let name_length = usize::from(short(head, 26)?);
    let extra = usize::from(short(head, 28)?);
    let stored = short(head, 8)? == 0;
    let size = long(head, 18)?;
    if !stored || name_length != NAME.len() || head.get(30..30 + NAME.len())? != NAME || size > 100 {
        return None;
    }
    let begin = 30 + NAME.len() + extra;
    let said = head.get(begin..begin + size as usize)?;
    let known = [
        "application/epub+zip",
        "application/vnd.oasis.opendocument.graphics",
        "application/vnd.oasis.opendocument.presentation",
        "application/vnd.oasis.opendocument.spreadsheet",
        "application/vnd.oasis.opendocument.text",
    ];
    let mime = known.into_iter().find(|mime| mime.as_bytes() == said.trim_ascii())?;
    Some(Judged::new(mime, Kind::Document))
}

/// The names that the central directory lists, as many as are in its first mebibyte. None when there is no such list where it should be.
fn names(content: &mut (impl Read + Seek)) -> io::Result<Vec<Vec<u8>>> {
    let size = content.seek(SeekFrom::End(0))?;
    let tail_begin = size.saturating_sub(END as u64 + COMMENT);
    content.seek(SeekFrom::Start(tail_begin))?;
    let mut tail = Vec::new();
    content.by_ref().take(END as u64 + COMMENT).read_to_end(&mut tail)?;
    // A comment may hold what looks like an end record: the one that ends where the file ends is it.
    let end = (0..=tail.len().saturating_sub(END)).rev().find(|at| {
        tail[*at..].starts_with(b"PK\x05\x06")
            && short(&tail, at + 20).is_some_and(|comment| at + END + usize::from(comment) == tail.len())
    });
    let Some(end) = end else { return Ok(Vec::new()) };
    let (Some(length), Some(offset)) = (long(&tail, end + 12), long(&tail, end + 16)) else { return Ok(Vec::new()) };
    if u64::from(offset) >= size {
        return Ok(Vec::new());
    }
    content.seek(SeekFrom::Start(u64::from(offset)))?;
    let mut list = Vec::new();
    content.by_ref().take(u64::from(length).min(NAMES)).read_to_end(&mut list)?;
    let mut names = Vec::new();
    let mut rest = list.as_slice();
    while let Some((name, next)) = entry(rest) {
        names.push(name.to_vec());
        rest = next;
    }
    Ok(names)
}

/// The first entry's name, and what is behind the entry.
fn entry(list: &[u8]) -> Option<(&[u8], &[u8])> {
    if !list.starts_with(b"PK\x01\x02") {
        return None;
    }
    let [name, extra, comment] = [28, 30, 32].map(|at| short(list, at).map(usize::from));
    let name_end = ENTRY + name?;
    Some((list.get(ENTRY..name_end)?, list.get(name_end + extra? + comment?..)?))
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2).map(|two| u16::from_le_bytes([two[0], two[1]]))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
}
