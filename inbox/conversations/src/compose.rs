//! What somebody wrote, as the messages that it becomes. Pure.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use trunkline_channels::model::{Choice, MediaSort, Say, TemplateButton, TemplateHeader};
use trunkline_db::AttachmentId;
use utoipa::ToSchema;

use crate::rules::Speech;

/// Most files of one message.
pub const MAX_FILES: usize = 10;

/// Fills in `{{contact.name}}` and its like; what is not known stays as it stands.
pub fn filled(text: &str, contact: &str, agent: &str) -> String {
    let first = |name: &str| name.split_whitespace().next().unwrap_or_default().to_owned();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, after)) = behind.split_once("}}") else {
            out.push_str("{{");
            rest = behind;
            continue;
        };
        match name.trim() {
            "contact.name" => out.push_str(contact),
            "contact.first_name" => out.push_str(&first(contact)),
            "agent.name" => out.push_str(agent),
            "agent.first_name" => out.push_str(&first(agent)),
            _ => {
                out.push_str("{{");
                out.push_str(name);
                out.push_str("}}");
            }
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// A template that is to be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateUse {
    /// Its name.
    pub name: String,
    /// Its language, as the provider writes it: `en_US`.
    pub language: String,
    /// What stands at its head, where that has a variable: `{"text"}`, `{"attachment_id"}` or `{"latitude","longitude","name","address"}`.
    #[serde(default)]
    pub header: Option<HeaderUse>,
    /// The values of its body, in order.
    #[serde(default)]
    pub body: Vec<String>,
    /// The names of these values, where the template names its variables.
    #[serde(default)]
    pub names: Vec<String>,
    /// The values of its buttons.
    #[serde(default)]
    pub buttons: Vec<ButtonUse>,
}

/// What stands at a template's head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum HeaderUse {
    /// A text's variable.
    Text {
        /// Its value.
        text: String,
    },
    /// A file.
    File {
        /// One that was uploaded.
        #[schema(value_type = Uuid)]
        attachment_id: AttachmentId,
    },
    /// A place.
    Location {
        /// Degrees.
        latitude: f64,
        /// Degrees.
        longitude: f64,
        /// Its name.
        name: String,
        /// Its address.
        address: String,
    },
}

/// The value of a template's button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ButtonUse {
    /// Its place among the buttons, from 0.
    pub index: u8,
    /// `url`, `quick_reply` or `copy_code`.
    pub sort: String,
    /// The value.
    pub value: String,
}

/// One of several answers that they can choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChoiceUse {
    /// What they see.
    pub title: String,
    /// What comes back.
    pub payload: String,
    /// A line under it.
    #[serde(default)]
    pub description: Option<String>,
}

/// A place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LocationUse {
    /// Degrees.
    pub latitude: f64,
    /// Degrees.
    pub longitude: f64,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its address.
    #[serde(default)]
    pub address: Option<String>,
}

/// What is to be said: text with files or choices, a template, or a place.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Written {
    /// Text.
    pub text: Option<String>,
    /// Files that were uploaded before (`POST /attachments`): at most 10.
    #[schema(value_type = Vec<Uuid>)]
    pub attachments: Vec<AttachmentId>,
    /// A template.
    pub template: Option<TemplateUse>,
    /// What they can choose from, under the text.
    pub choices: Vec<ChoiceUse>,
    /// A place.
    pub location: Option<LocationUse>,
}

/// What is wrong with it, by the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The field.
    pub field: &'static str,
    /// In words.
    pub message: String,
}

/// One message of what was written: a provider takes one file in each.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// See [`crate::MessageView::kind`].
    pub kind: &'static str,
    /// What a person reads.
    pub text: String,
    /// The rest of it: the adapter's words, without the file.
    pub content: Value,
    /// Its file.
    pub file: Option<AttachmentId>,
}

impl Written {
    /// As far as the window minds.
    pub fn speech(&self) -> Speech {
        if self.template.is_some() { Speech::Template } else { Speech::Free }
    }

    /// Its text without blanks around it; none where there is nothing.
    fn text(&self) -> Option<&str> {
        self.text.as_deref().map(str::trim).filter(|text| !text.is_empty())
    }
}

/// The messages that it becomes. `sorts` are those of its files, in their order; `filled` is a template's text with its values, as far as it is known.
pub fn pieces(written: &Written, sorts: &[MediaSort], filled: Option<String>) -> Result<Vec<Piece>, Wrong> {
    let wrong = |field: &'static str, message: &str| Err(Wrong { field, message: message.to_owned() });
    let text = written.text();
    if text.is_some_and(|text| text.len() > 65_536) {
        return wrong("text", "must have at most 65,536 bytes");
    }
    if written.attachments.len() > MAX_FILES {
        return wrong("attachments", "must be at most 10");
    }
    if let Some(template) = &written.template {
        if text.is_some()
            || !written.attachments.is_empty()
            || !written.choices.is_empty()
            || written.location.is_some()
        {
            return wrong("template", "stands alone: its text and its file are its own");
        }
        return template_piece(template, filled).map(|piece| vec![piece]);
    }
    if let Some(place) = &written.location {
        if text.is_some() || !written.attachments.is_empty() || !written.choices.is_empty() {
            return wrong("location", "stands alone");
        }
        let say = Say::Location {
            latitude: place.latitude,
            longitude: place.longitude,
            name: place.name.clone(),
            address: place.address.clone(),
        };
        let text = place.name.clone().or_else(|| place.address.clone()).unwrap_or_default();
        return Ok(vec![Piece { kind: "location", text, content: json!(say), file: None }]);
    }
    if !written.choices.is_empty() {
        let Some(text) = text else { return wrong("text", "is wanted: what is it that they can choose?") };
        if !written.attachments.is_empty() {
            return wrong("attachments", "cannot stand beside choices");
        }
        let choice = |choice: &ChoiceUse| Choice {
            title: choice.title.clone(),
            payload: choice.payload.clone(),
            description: choice.description.clone(),
        };
        let say = Say::Choices { text: text.to_owned(), choices: written.choices.iter().map(choice).collect() };
        return Ok(vec![Piece { kind: "choices", text: text.to_owned(), content: json!(say), file: None }]);
    }
    if written.attachments.is_empty() {
        let Some(text) = text else { return wrong("text", "must not be empty") };
        return Ok(vec![Piece { kind: "text", text: text.to_owned(), content: json!({}), file: None }]);
    }
    Ok(with_files(text, &written.attachments, sorts))
}

/// The text goes under the first file that can have one; otherwise it comes first.
fn with_files(text: Option<&str>, files: &[AttachmentId], sorts: &[MediaSort]) -> Vec<Piece> {
    let takes = |sort: &MediaSort| {
        !matches!(sort, MediaSort::Audio | MediaSort::Voice | MediaSort::Sticker | MediaSort::VideoNote)
    };
    let under = sorts.iter().position(takes).filter(|place| *place < files.len() && text.is_some());
    let mut pieces = Vec::with_capacity(files.len() + 1);
    if let (Some(text), None) = (text, under) {
        pieces.push(Piece { kind: "text", text: text.to_owned(), content: json!({}), file: None });
    }
    for (place, file) in files.iter().enumerate() {
        let caption = if under == Some(place) { text.unwrap_or_default() } else { "" };
        pieces.push(Piece { kind: "media", text: caption.to_owned(), content: json!({}), file: Some(*file) });
    }
    pieces
}

fn template_piece(template: &TemplateUse, filled: Option<String>) -> Result<Piece, Wrong> {
    let wrong = |field: &'static str, message: &str| Err(Wrong { field, message: message.to_owned() });
    if template.name.trim().is_empty() || template.name.len() > 512 {
        return wrong("template.name", "must have 1 to 512 bytes");
    }
    if template.language.trim().is_empty() || template.language.len() > 35 {
        return wrong("template.language", "must be a language, such as en_US");
    }
    if template.body.len() > 100 || template.buttons.len() > 20 {
        return wrong("template.body", "has too many values");
    }
    if !template.names.is_empty() && template.names.len() != template.body.len() {
        return wrong("template.names", "must be as many as the values of the body");
    }
    let (header, file) = match &template.header {
        None => (None, None),
        Some(HeaderUse::Text { text }) => (Some(TemplateHeader::Text { text: text.clone() }), None),
        Some(HeaderUse::File { attachment_id }) => (None, Some(*attachment_id)),
        Some(HeaderUse::Location { latitude, longitude, name, address }) => {
            let header = TemplateHeader::Location {
                latitude: *latitude,
                longitude: *longitude,
                name: name.clone(),
                address: address.clone(),
            };
            (Some(header), None)
        }
    };
    let button = |button: &ButtonUse| TemplateButton {
        index: button.index,
        sort: button.sort.clone(),
        value: button.value.clone(),
    };
    let say = Say::Template {
        name: template.name.clone(),
        language: template.language.clone(),
        header,
        body: template.body.clone(),
        names: template.names.clone(),
        buttons: template.buttons.iter().map(button).collect(),
    };
    let text = filled.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| template.name.clone());
    Ok(Piece { kind: "template", text, content: json!(say), file })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::words::Word as _;

    proptest! {
        #[test]
        fn nothing_that_was_written_is_lost_or_said_twice(
            text in prop::option::of("[a-z ]{0,12}"), sorts in prop::collection::vec(0usize..8, 0..12),
        ) {
            let files: Vec<AttachmentId> = sorts.iter().map(|_| AttachmentId::new()).collect();
            let sorts: Vec<MediaSort> = sorts.into_iter().map(|sort| MediaSort::WORDS[sort].0).collect();
            let written = Written { text, attachments: files.clone(), ..Written::default() };
            let Ok(pieces) = pieces(&written, &sorts, None) else {
                prop_assert!(files.len() > MAX_FILES || (files.is_empty() && written.text().is_none()));
                return Ok(());
            };
            let sent: Vec<AttachmentId> = pieces.iter().filter_map(|piece| piece.file).collect();
            prop_assert_eq!(sent, files);
            let texts: Vec<&str> = pieces.iter().map(|piece| piece.text.as_str()).filter(|text| !text.is_empty()).collect();
            prop_assert_eq!(texts, written.text().into_iter().collect::<Vec<_>>());
            for (piece, sort) in pieces.iter().filter(|piece| piece.file.is_some()).zip(&sorts) {
                prop_assert!(piece.text.is_empty() || !matches!(sort, MediaSort::Voice | MediaSort::Audio));
            }
        }

        #[test]
        fn no_body_panics(json in "\\PC{0,60}", text in ".{0,20}") {
            let value: Value = serde_json::from_str(&json).unwrap_or_else(|_| json!({ "text": text, "template": {"name": json} }));
            if let Ok(written) = serde_json::from_value::<Written>(value) {
                let _ = pieces(&written, &[], None);
            }
        }
    }

    #[test]
    fn a_template_stands_alone() {
        let template: TemplateUse =
            serde_json::from_value(json!({"name": "hello", "language": "en", "body": ["Ada"]})).unwrap();
        let written = Written { template: Some(template), ..Written::default() };
        let piece = pieces(&written, &[], Some("Hello Ada".to_owned())).unwrap().remove(0);
        assert_eq!((piece.kind, piece.text.as_str()), ("template", "Hello Ada"));
        let both = Written { text: Some("x".to_owned()), ..written };
        assert_eq!(pieces(&both, &[], None).unwrap_err().field, "template");
    }
}
