//! Text with entities, whose offsets count UTF-16 units (<https://core.telegram.org/bots/api#messageentity>), and the commands in it.

use super::json::{integer, list, text};
use serde_json::Value;

/// Length as Telegram counts it.
pub fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The plain text, with a link behind the words that it stood under: `here (https://…)`. Offsets that lie outside or in a pair of surrogates are left out.
pub(super) fn with_links(plain: &str, entities: &[Value]) -> String {
    let mut links: Vec<(usize, usize, &str)> = entities
        .iter()
        .filter(|entity| text(entity, "type") == Some("text_link"))
        .filter_map(|entity| {
            let from = usize::try_from(integer(entity, "offset")?).ok()?;
            let length = usize::try_from(integer(entity, "length")?).ok()?;
            Some((from, from.checked_add(length)?, text(entity, "url")?))
        })
        .collect();
    if links.is_empty() {
        return plain.to_owned();
    }
    links.sort_by_key(|(_, end, _)| *end);

    // (UTF-16 offset, byte offset) of the ends that fall between two characters.
    let mut written = String::with_capacity(plain.len());
    let mut pending = links.into_iter().peekable();
    let mut at = 0;
    let mut bytes = 0;
    loop {
        while let Some((from, end, url)) = pending.next_if(|(_, end, _)| *end <= at) {
            let label = byte_offset(plain, from).and_then(|start| plain.get(start..bytes)).unwrap_or_default();
            if end == at && label != url {
                written.push_str(" (");
                written.push_str(url);
                written.push(')');
            }
        }
        let Some(character) = plain.get(bytes..).and_then(|rest| rest.chars().next()) else { break };
        written.push(character);
        at += character.len_utf16();
        bytes += character.len_utf8();
    }
    written
}

/// Where in the string this many UTF-16 units are over; `None` in the middle of a character or behind the end.
fn byte_offset(plain: &str, wanted: usize) -> Option<usize> {
    let mut at = 0;
    for (bytes, character) in plain.char_indices() {
        if at >= wanted {
            return (at == wanted).then_some(bytes);
        }
        at += character.len_utf16();
    }
    (at == wanted).then_some(plain.len())
}

/// A command at the very beginning of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    /// Without its stroke, in lower case.
    pub(super) name: String,
    pub(super) argument: String,
    /// Which bot it names, where it does.
    pub(super) bot: Option<String>,
}

/// Telegram marks a command by an entity at offset 0. A message without any `entities` is read by the same rule: some that stand in for Telegram leave them out.
pub(super) fn command(message: &Value) -> Option<Command> {
    let written = text(message, "text")?;
    let length = if message.get("entities").is_some() {
        let entity = list(message, "entities")
            .iter()
            .find(|entity| text(entity, "type") == Some("bot_command") && integer(entity, "offset") == Some(0))?;
        byte_offset(written, usize::try_from(integer(entity, "length")?).ok()?)?
    } else {
        written.find(char::is_whitespace).unwrap_or(written.len())
    };
    let (marked, rest) = written.split_at_checked(length)?;
    let marked = marked.strip_prefix('/')?;
    let (name, bot) = match marked.split_once('@') {
        Some((name, bot)) => (name, Some(bot.to_owned())),
        None => (marked, None),
    };
    // 1 to 32 of these (https://core.telegram.org/bots/api#botcommand).
    let proper =
        (1..=32).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    proper.then(|| Command { name: name.to_ascii_lowercase(), argument: rest.trim().to_owned(), bot })
}

/// The plain text of a rich message (Bot API 10.1): its blocks one under the other, a table's cells beside each other.
pub(super) fn rich(message: &Value) -> String {
    let blocks: Vec<String> = list(message, "blocks").iter().map(block).filter(|block| !block.is_empty()).collect();
    blocks.join("\n")
}

fn block(block: &Value) -> String {
    let mut lines = Vec::new();
    for key in ["title", "text", "caption"] {
        if let Some(part) = block.get(key) {
            lines.push(inline(part));
        }
    }
    for row in list(block, "cells") {
        let cells: Vec<String> = row.as_array().map_or(&[][..], Vec::as_slice).iter().map(inline).collect();
        lines.push(cells.join(" | "));
    }
    for key in ["blocks", "items", "content"] {
        for inner in list(block, key) {
            lines.push(if inner.is_object() { self::block(inner) } else { inline(inner) });
        }
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

/// A string, a list of pieces, or a piece with a style around its text.
fn inline(piece: &Value) -> String {
    match piece {
        Value::String(text) => text.clone(),
        Value::Array(pieces) => pieces.iter().map(inline).collect(),
        Value::Object(styled) => {
            let words = styled.get("text").map(inline).unwrap_or_default();
            match text(piece, "url") {
                Some(url) if url != words => format!("{words} ({url})"),
                _ => words,
            }
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_link_stands_behind_its_words_and_offsets_count_utf16() {
        let entities = json!([{"type": "text_link", "offset": 3, "length": 4, "url": "https://example.test/a"}]);
        let written = with_links("😆 here, please", entities.as_array().unwrap());
        assert_eq!(written, "😆 here (https://example.test/a), please");
    }

    #[test]
    fn links_that_lie_outside_or_within_a_pair_are_left_out() {
        for (offset, length) in [(0, 1), (0, 99), (-1, 2), (99, 1), (i64::MAX, i64::MAX)] {
            let entities = json!([{"type": "text_link", "offset": offset, "length": length, "url": "u"}]);
            assert_eq!(with_links("😆a", entities.as_array().unwrap()), "😆a", "{offset} {length}");
        }
    }

    #[test]
    fn words_that_are_the_link_are_not_said_twice() {
        let entities = json!([{"type": "text_link", "offset": 0, "length": 8, "url": "https://"}]);
        assert_eq!(with_links("https://", entities.as_array().unwrap()), "https://");
    }
}
