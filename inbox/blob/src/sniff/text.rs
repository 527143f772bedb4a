//! Letters: plain ones, and those that are a page, a drawing or a program to a browser.

use super::{Judged, Kind, contains};

/// Any of these makes it a page, wherever it stands: a browser that guesses needs no more (WHATWG MIME Sniffing, section 7.1), and a text
/// that merely speaks of it loses no more than being shown.
const PAGE: &[&[u8]] = &[
    b"<!doctype html",
    b"<html",
    b"<head",
    b"<body",
    b"<script",
    b"<iframe",
    b"<frame",
    b"<object",
    b"<embed",
    b"<applet",
    b"<style",
    b"<link",
    b"<meta",
    b"<base",
    b"<form",
    b"<img",
    b"<a ",
    b"<table",
    b"<div",
    b"<h1",
    b"<title",
    b"<video",
    b"<audio",
    b"<math",
];

/// Text in UTF-8, or in UTF-16 with its mark. None: it is none of these.
pub(super) fn judge(head: &[u8], whole: bool) -> Option<Judged> {
    let letters = match head {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes)?,
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes)?,
        _ => {
            let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
            match std::str::from_utf8(head) {
                Ok(text) => text.to_owned(),
                // The last letter may be cut by where we stopped reading.
                Err(error) if !whole && error.error_len().is_none() => {
                    String::from_utf8_lossy(&head[..error.valid_up_to()]).into_owned()
                }
                Err(_) => return None,
            }
        }
    };
    if letters.chars().any(|letter| is_no_text(letter as u32)) {
        return None;
    }
    Some(of_letters(letters.as_bytes()))
}

/// Text in one of the encodings of eight bits, as old programs write them: nothing tells them from each other, or surely from anything
/// else, so this is asked last.
pub(super) fn judge_old(head: &[u8]) -> Option<Judged> {
    let high = head.iter().filter(|byte| **byte >= 0x80).count();
    let text = !head.is_empty() && high < head.len() && !head.iter().any(|byte| is_no_text(u32::from(*byte)));
    text.then(|| of_letters(head))
}

fn is_no_text(letter: u32) -> bool {
    // Escape is of ISO-2022-JP.
    (letter < 0x20 && !matches!(letter, 0x09 | 0x0A | 0x0C | 0x0D | 0x1B)) || letter == 0x7F
}

fn utf16(bytes: &[u8], read: fn([u8; 2]) -> u16) -> Option<String> {
    let units = bytes.as_chunks::<2>().0.iter().map(|pair| read(*pair));
    let mut letters: Vec<Result<char, _>> = char::decode_utf16(units).collect();
    // The last one may be cut.
    if letters.last().is_some_and(Result::is_err) {
        letters.pop();
    }
    letters.into_iter().collect::<Result<String, _>>().ok()
}

fn of_letters(letters: &[u8]) -> Judged {
    let small = letters.to_ascii_lowercase();
    let begin = small.trim_ascii_start();
    let starts = |with: &[u8]| begin.starts_with(with);
    if letters.starts_with(b"%PDF-") {
        return Judged::new("application/pdf", Kind::Document);
    }
    if letters.starts_with(b"{\\rtf") {
        return Judged::new("application/rtf", Kind::Document);
    }
    if letters.starts_with(b"%!PS") {
        return Judged::new("application/postscript", Kind::Document);
    }
    let tags = small.iter().enumerate().filter(|(_, letter)| **letter == b'<').map(|(at, _)| &small[at..]);
    if tags.clone().any(|tag| tag.starts_with(b"<svg")) {
        return Judged::new("image/svg+xml", Kind::Document);
    }
    if tags.clone().any(|tag| PAGE.iter().any(|mark| tag.starts_with(mark))) || contains(&small, b"javascript:") {
        return Judged::new("text/html", Kind::Document);
    }
    if starts(b"<?xml") || starts(b"<!") || (begin.first() == Some(&b'<') && contains(&small, b"</")) {
        return Judged::new("application/xml", Kind::Document);
    }
    if starts(b"#!") {
        return Judged::new("text/x-shellscript", Kind::Text);
    }
    if starts(b"begin:vcard") {
        return Judged::new("text/vcard", Kind::Text);
    }
    if starts(b"begin:vcalendar") {
        return Judged::new("text/calendar", Kind::Text);
    }
    Judged::new("text/plain", Kind::Text)
}
