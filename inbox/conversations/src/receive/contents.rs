//! What a message says, as it is kept and as a person reads it.

use serde_json::{Map, Value, json};
use trunkline_channels::model::{Content, Media, MediaAt, MediaSort, Referral};

use super::clean;

/// Cards or items of one message that are kept.
const MAX_LISTED: usize = 100;

/// The parts of a message's content.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Contents {
    /// `messages.kind`.
    pub(crate) kind: &'static str,
    /// What a person reads.
    pub(crate) text: String,
    /// What a list shows of it: the text, or what stands for it.
    pub(crate) preview: String,
    /// `messages.content`.
    pub(crate) rest: Value,
    /// Its file.
    pub(crate) file: Option<File>,
}

/// A file that came with a message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct File {
    pub(crate) sort: &'static str,
    /// How it is had; `None`: it is not to be had.
    pub(crate) source: Option<Value>,
    pub(crate) mime: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) seconds: Option<i32>,
}

impl Contents {
    /// Of what a provider told.
    pub(crate) fn of(content: &Content) -> Self {
        let mut rest = clean::json(&serde_json::to_value(content).unwrap_or(Value::Null));
        let mut file = None;
        let (kind, text, shown) = match content {
            Content::Text { text } => ("text", text.clone(), None),
            Content::Media(media) => {
                file = Some(file_of(media));
                ("media", media.caption.clone().unwrap_or_default(), media.file_name.clone())
            }
            Content::Location { name, address, .. } => {
                ("location", join([name.as_deref(), address.as_deref()].into_iter().flatten()), None)
            }
            Content::Contacts { cards } => {
                ("contacts", join(cards.iter().take(MAX_LISTED).map(|card| card.name.as_str())), None)
            }
            Content::Choice { title, .. } => ("choice", title.clone(), None),
            Content::Form { name, .. } => ("form", name.clone().unwrap_or_default(), None),
            Content::Order { items, note, .. } => {
                let products = join(items.iter().take(MAX_LISTED).map(|item| item.product.as_str()));
                ("order", note.clone().unwrap_or_default(), Some(products))
            }
            Content::Command { name, argument } => ("command", format!("/{name} {argument}").trim_end().to_owned(), None),
            Content::Notice { text, .. } => ("notice", text.clone(), None),
            Content::Template { name, text } => ("template", text.clone().unwrap_or_default(), name.clone()),
        };
        if let Some(rest) = rest.as_object_mut() {
            // The text stands beside it, and how a file is had is nobody's outside.
            for twice in ["text", "caption", "at"] {
                rest.remove(twice);
            }
            rest.remove("type");
            if clean::is_cut(&text) {
                rest.insert("cut".to_owned(), Value::Bool(true));
            }
        }
        let read = if text.is_empty() { shown.as_deref().unwrap_or_default() } else { &text };
        Self { kind, preview: clean::preview(read), text: clean::text(&text), rest, file }
    }

    /// Of something that is not known.
    pub(crate) fn unsupported(what: &str, raw: &Value) -> Self {
        let what = clean::line(what, 100).unwrap_or_default();
        Self {
            kind: "unsupported",
            text: String::new(),
            preview: clean::preview(&what),
            rest: json!({ "what": what, "raw": clean::json(raw) }),
            file: None,
        }
    }

    /// And they came by this.
    pub(crate) fn refer(&mut self, referral: Option<&Referral>) {
        let Some(referral) = referral else { return };
        if let (Ok(referral), Some(rest)) = (serde_json::to_value(referral), self.rest.as_object_mut()) {
            let mut referral = clean::json(&referral);
            if let Some(parts) = referral.as_object_mut() {
                drop_nulls(parts);
            }
            rest.insert("referral".to_owned(), referral);
        }
    }
}

fn drop_nulls(parts: &mut Map<String, Value>) {
    parts.retain(|_, part| !part.is_null());
}

fn join<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn file_of(media: &Media) -> File {
    let source = (media.at != MediaAt::Gone).then(|| {
        let mut source = serde_json::to_value(&media.at).unwrap_or(Value::Null);
        if let Some(source) = source.as_object_mut() {
            // What it is to be, for whoever fetches it.
            source.insert("sha256".to_owned(), json!(media.sha256));
            source.insert("size".to_owned(), json!(media.size));
            drop_nulls(source);
        }
        clean::json(&source)
    });
    File {
        sort: sort(media.sort),
        source,
        mime: media.mime.as_deref().and_then(|mime| clean::line(mime, 127)).filter(|mime| mime.len() <= 256),
        name: media.file_name.as_deref().and_then(file_name),
        seconds: media.seconds.and_then(|seconds| i32::try_from(seconds).ok()),
    }
}

/// A name without the folders before it, and without what would turn its end around.
fn file_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let plain = clean::preview_of(last, 250);
    let plain = plain.trim_matches(['\u{2068}', '\u{2069}']);
    (!plain.is_empty() && plain != "." && plain != "..").then(|| plain.to_owned())
}

/// As the table names it.
pub(crate) fn sort(sort: MediaSort) -> &'static str {
    match sort {
        MediaSort::Image => "image",
        MediaSort::Audio => "audio",
        MediaSort::Voice => "voice",
        MediaSort::Video => "video",
        MediaSort::VideoNote => "video_note",
        MediaSort::Document => "document",
        MediaSort::Sticker => "sticker",
        MediaSort::Animation => "animation",
    }
}

#[cfg(test)]
mod tests {
    use trunkline_channels::model::Card;

    use super::*;

    fn media(at: MediaAt, name: Option<&str>) -> Content {
        Content::Media(Media {
            sort: MediaSort::Document,
            at,
            mime: Some("application/pdf".to_owned()),
            file_name: name.map(str::to_owned),
            caption: None,
            size: Some(9),
            seconds: Some(u32::MAX),
            sha256: None,
        })
    }

    #[test]
    fn how_a_file_is_had_is_not_told_outside() {
        let contents = Contents::of(&media(MediaAt::Url("https://api.test/secret".to_owned()), Some("../a/\u{202E}fdp.exe")));
        assert!(!contents.rest.to_string().contains("secret"), "{}", contents.rest);
        let file = contents.file.unwrap();
        assert_eq!(file.source, Some(json!({"by": "url", "value": "https://api.test/secret", "size": 9})));
        assert_eq!((file.name.as_deref(), file.seconds), (Some("fdp.exe"), None));
        assert_eq!(Contents::of(&media(MediaAt::Gone, None)).file.unwrap().source, None);
    }

    #[test]
    fn each_kind_has_a_line_that_a_person_reads() {
        let card = |name: &str| Card { name: name.to_owned(), phones: vec![], emails: vec![], organisation: None };
        let read = |content: &Content| {
            let contents = Contents::of(content);
            (contents.kind, contents.preview)
        };
        let of = |kind, text: &str| (kind, text.to_owned());
        assert_eq!(read(&Content::Contacts { cards: vec![card("Ada"), card("Bob")] }), of("contacts", "Ada, Bob"));
        let command = Content::Command { name: "start".to_owned(), argument: "x1".to_owned() };
        assert_eq!(read(&command), of("command", "/start x1"));
        assert_eq!(read(&media(MediaAt::Gone, Some("offer.pdf"))), of("media", "offer.pdf"));
        assert_eq!(read(&Content::Form { name: None, answers: json!({"a": 1}) }), of("form", ""));
    }

    #[test]
    fn what_is_not_known_is_kept_bounded() {
        let raw = json!({"x": "y".repeat(300_000), "n\0": "\0"});
        let contents = Contents::unsupported("a\nthing", &raw);
        assert_eq!(contents.rest["what"], "a thing");
        assert!(contents.rest.to_string().len() < 200_000);
        assert!(!contents.rest.to_string().contains("\\u0000"));
    }
}
