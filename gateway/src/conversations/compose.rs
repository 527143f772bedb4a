//! From what somebody wrote to the messages that it becomes, as far as the account takes them.

use std::collections::BTreeMap;
use std::io;

use chrono::{DateTime, Utc};
use trunkline_channels::adapter::CannotSay;
use trunkline_channels::client::{Content, Files};
use trunkline_channels::model::{Address, MediaSort, Outgoing, Say, TemplateHeader, Upload};
use trunkline_channels::whatsapp::templates::{self, Component, Template};
use trunkline_conversations::commands::{self, Loose, TemplateFound};
use trunkline_conversations::compose::{HeaderUse, Piece, TemplateUse, Written, pieces};
use trunkline_conversations::rules::MayNot;
use trunkline_conversations::send;
use trunkline_db::{AttachmentId, ChannelAccountId, TenantTx, UserId};
use trunkline_journal::Fault;

use crate::channels::Connected;
use crate::http::{AppError, FieldError};
use crate::state::AppState;

/// The files of messages, for the client that sends them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored<'a>(pub(super) &'a AppState);

impl Files for Stored<'_> {
    async fn open(&self, key: &str) -> io::Result<Content> {
        super::stored::open(self.0, key).await
    }
}

/// Every file of it.
fn upload(outgoing: &mut Outgoing) -> Option<&mut Upload> {
    match &mut outgoing.say {
        Say::File { file, .. } | Say::Template { header: Some(TemplateHeader::File { file, .. }), .. } => Some(file),
        _ => None,
    }
}

/// Gives its file a link that the provider can fetch it by, for those who want one.
pub(super) fn link(state: &AppState, outgoing: &mut Outgoing) {
    if let Some(file) = upload(outgoing) {
        file.url = super::stored::link(state, &file.key, &file.file_name);
    }
}

/// Its file is with the provider.
pub(super) fn uploaded(outgoing: &mut Outgoing, media: String) {
    if let Some(file) = upload(outgoing) {
        file.provider_id = Some(media);
    }
}

/// Why something may not be said, as the API says it.
pub(super) fn may_not(may_not: MayNot) -> AppError {
    match may_not {
        MayNot::Blocked => AppError::conflict("blocked", "this contact was blocked; unblock them first"),
        MayNot::OptedOut => {
            AppError::conflict("opted-out", "they asked not to be written to, and have not written since")
        }
        MayNot::WindowClosed(None) => AppError::conflict(
            "window-closed",
            "they have not written yet: WhatsApp takes only an approved template as the first message",
        ),
        MayNot::WindowClosed(Some(since)) => AppError::conflict(
            "window-closed",
            format!(
                "more than 24 hours have passed since they wrote (until {}): WhatsApp takes only an approved template now",
                since.format("%Y-%m-%d %H:%M UTC")
            ),
        ),
    }
}

/// What the provider does not take, by the field of ours that it is about.
fn cannot(cannot: &CannotSay, piece: &Piece) -> AppError {
    let field = match (cannot, piece.kind) {
        (CannotSay::FileType { .. } | CannotSay::TooLarge { .. }, _) => "attachments",
        (CannotSay::TooManyChoices { .. }, _) | (CannotSay::Field { .. }, "choices") => "choices",
        (CannotSay::Address(_), _) => "to",
        (_, "template") => "template",
        (_, "location") => "location",
        (_, "media") if piece.text.is_empty() => "attachments",
        _ => "text",
    };
    AppError::invalid_field(field, cannot.to_string())
}

/// The messages that something becomes: its files are there, its template may be sent, and the account takes each of them.
pub(super) async fn compose(
    tx: &mut TenantTx<'_>,
    state: &AppState,
    connected: &Connected,
    address: &str,
    user: UserId,
    written: &Written,
) -> Result<Vec<Piece>, Fault<AppError>> {
    let header: Vec<AttachmentId> = match written.template.as_ref().and_then(|template| template.header.as_ref()) {
        Some(HeaderUse::File { attachment_id }) => vec![*attachment_id],
        _ => Vec::new(),
    };
    let asked = if header.is_empty() { &written.attachments } else { &header };
    let files = commands::loose(tx, user, asked).await?;
    if files.len() != asked.len() {
        let words = "must be files that you uploaded and have not sent yet, each once";
        return Err(AppError::invalid_field("attachments", words).into());
    }
    let filled = match &written.template {
        Some(template) => fill(tx, connected.id, template).await?,
        None => None,
    };
    let sorts: Vec<MediaSort> = files.iter().map(|file| file.sort).collect();
    let made = pieces(written, &sorts, filled).map_err(|wrong| AppError::invalid_field(wrong.field, wrong.message))?;
    for piece in &made {
        let Some(say) = say(connected, piece, &files) else {
            return Err(AppError::invalid_field("text", "there is nothing in it that can be sent").into());
        };
        let mut outgoing = Outgoing {
            to: Address(address.to_owned()),
            say,
            reply_to: None,
            reference: "00000000-0000-0000-0000-000000000000".to_owned(),
        };
        link(state, &mut outgoing);
        connected.adapter.render(&outgoing).map_err(|error| cannot(&error, piece))?;
    }
    Ok(made)
}

fn say(connected: &Connected, piece: &Piece, files: &[Loose]) -> Option<Say> {
    let file = piece.file.and_then(|id| files.iter().find(|file| file.id == id));
    send::say_of(piece.kind, &piece.text, &piece.content, file.map(|file| &file.file), connected.tenant)
}

/// A template's text with its values, if the provider has told of it.
async fn fill(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    used: &TemplateUse,
) -> Result<Option<String>, Fault<AppError>> {
    let components = match commands::template(tx, account, &used.name, &used.language).await? {
        TemplateFound::Unknown => return Ok(None),
        TemplateFound::None => {
            let words = format!("there is no template {:?} in the language {:?}", used.name, used.language);
            return Err(AppError::invalid_field("template.name", words).into());
        }
        TemplateFound::NotApproved(status) => {
            let words = format!("cannot be sent: its state is {status}");
            return Err(AppError::invalid_field("template.name", words).into());
        }
        TemplateFound::Approved(components) => components,
    };
    let Ok(components) = serde_json::from_value::<Vec<Component>>(components) else { return Ok(None) };
    let template = Template {
        id: String::new(),
        name: used.name.clone(),
        language: used.language.clone(),
        status: "APPROVED".to_owned(),
        category: String::new(),
        quality: None,
        rejected: None,
        named: !used.names.is_empty(),
        components,
    };
    let preview = templates::fill(&template, &values(&template, used));
    let missing: Vec<FieldError> = preview
        .missing
        .iter()
        .filter(|name| name.starts_with("body."))
        .map(|name| FieldError { field: format!("template.{name}"), message: "is wanted".to_owned() })
        .collect();
    if missing.is_empty() { Ok(Some(preview.text)) } else { Err(AppError::invalid(missing).into()) }
}

fn values(template: &Template, used: &TemplateUse) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for component in &template.components {
        match (component.sort.as_str(), &used.header) {
            ("body", _) => {
                for (place, variable) in component.variables.iter().enumerate() {
                    let named = used.names.iter().position(|name| name == variable);
                    if let Some(value) = used.body.get(named.unwrap_or(place)) {
                        values.insert(format!("body.{variable}"), value.clone());
                    }
                }
            }
            ("header", Some(HeaderUse::Text { text })) => {
                if let Some(variable) = component.variables.first() {
                    values.insert(format!("header.{variable}"), text.clone());
                }
            }
            _ => {}
        }
    }
    values
}

/// When a message goes: at the time that is wished, or once nobody can take it back any more.
pub(super) fn send_at(wished: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<DateTime<Utc>, AppError> {
    let earliest = now + send::UNDO;
    match wished {
        None => Ok(earliest),
        Some(at) if at > now + chrono::TimeDelta::days(366) => {
            Err(AppError::invalid_field("send_at", "must be within a year"))
        }
        Some(at) if at < now - chrono::TimeDelta::minutes(1) => {
            Err(AppError::invalid_field("send_at", "must not be in the past"))
        }
        Some(at) => Ok(at.max(earliest)),
    }
}
