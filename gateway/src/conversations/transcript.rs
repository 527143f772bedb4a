//! A conversation as a file: text, JSON, or a page that stands by itself.

use std::fmt::Write as _;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono_tz::Tz;
use http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use serde::Deserialize;
use serde_json::json;
use trunkline_conversations::messages::{self, Part};
use trunkline_conversations::words::Word as _;
use trunkline_conversations::{AuthorType, Conversation, Direction, MessageView};
use trunkline_db::ConversationId;
use trunkline_journal::{Fault, Outcome, Ref};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::list_http::refusal;
use super::visible;
use crate::audit::{self, Origin};
use crate::auth::Principal;
use crate::http::{AppError, Path, Permission, Problem, Query};
use crate::roles::Asking;
use crate::settings;
use crate::settings::registry::{SettingValue, TIME_ZONE};
use crate::state::AppState;

/// Most messages of one file: the newest.
const MOST: usize = 20_000;
/// Read at once.
const PAGE: i64 = 500;

/// How the file is to be.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct TranscriptQuery {
    /// `txt`, `json` or `html`.
    #[param(default = "txt")]
    format: Option<String>,
    /// Whether notes among ourselves are in it too.
    #[serde(default)]
    #[param(default = false)]
    notes: bool,
}

/// Routes of transcripts.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_transcript))
}

/// Save a transcript
///
/// The newest 20,000 messages, in the time zone of whoever asks. Without notes among ourselves, unless they are asked for: it may go to the
/// customer. Written into the audit log.
#[utoipa::path(
    get, path = "/conversations/{id}/transcript", tag = "conversations", operation_id = "getTranscript",
    params(("id" = Uuid, Path, description = "The conversation"), TranscriptQuery),
    responses(
        (status = 200, description = "The file", content_type = "text/plain"),
        (status = 400, description = "A parameter does not fit", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such conversation in the user's sight", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:manage")))
)]
async fn get_transcript(
    State(state): State<AppState>,
    principal: Principal,
    origin: Origin,
    Path(id): Path<ConversationId>,
    Query(query): Query<TranscriptQuery>,
) -> Result<Response, AppError> {
    principal.require(Permission::ConversationsManage)?;
    let format = query.format.as_deref().filter(|format| !format.is_empty()).unwrap_or("txt").to_owned();
    if !["txt", "json", "html"].contains(&format.as_str()) {
        return Err(AppError::bad_parameter("format", "must be txt, json or html"));
    }
    let sight = state.roster.sight(&principal);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let conversation = visible(&mut tx, &sight, id).await.map_err(refusal)?;
    let mut said = Vec::new();
    let mut part = Part::Newest;
    loop {
        let (mut page, more) = messages::page(&mut tx, id, part, PAGE).await?;
        let Some(first) = page.first().map(|message| message.id) else { break };
        page.append(&mut said);
        said = page;
        if !more || said.len() >= MOST {
            break;
        }
        part = Part::Before(first);
    }
    let settings = settings::of_member(&mut tx, principal.user, principal.session).await?;
    tx.commit().await?;
    let zone = match settings.value(&TIME_ZONE) {
        SettingValue::Text(zone) => zone.parse().unwrap_or(Tz::UTC),
        _ => Tz::UTC,
    };
    if !query.notes {
        said.retain(|message| message.direction != Direction::Note);
    }
    let (kind, text) = match format.as_str() {
        "json" => ("application/json", json!({ "conversation": conversation, "messages": said }).to_string()),
        "html" => ("text/html; charset=utf-8", html(&conversation, &said, zone)),
        _ => ("text/plain; charset=utf-8", plain(&conversation, &said, zone)),
    };
    let asking = Asking { by: principal, origin };
    let (subject, count) = (Ref::new("conversation", id), said.len());
    state
        .journal
        .command(principal.tenant, move |tx| {
            let after = json!({ "name": conversation.contact.name, "format": format, "messages": count });
            let entry = asking.entry("conversation.transcript_saved", subject.clone(), None, Some(after));
            Box::pin(async move {
                audit::append(tx, entry).await?;
                Ok::<_, Fault<AppError>>(Outcome::new(()))
            })
        })
        .await?;
    let ending = kind.split([';', '/']).nth(1).map_or("txt", |kind| if kind == "plain" { "txt" } else { kind });
    let name = format!("attachment; filename=\"conversation-{id}.{ending}\"");
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CONTENT_DISPOSITION, HeaderValue::from_str(&name).map_err(AppError::internal)?),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox")),
    ];
    Ok((headers, text).into_response())
}

/// Who said it, as a reader knows them.
fn speaker(conversation: &Conversation, message: &MessageView) -> String {
    let name = message.author.name.clone();
    match (message.direction, message.author.kind) {
        (Direction::In, _) => name.unwrap_or_else(|| conversation.contact.name.clone()),
        (_, AuthorType::System | AuthorType::Bot) => name.unwrap_or_else(|| "Trunkline".to_owned()),
        _ => name.unwrap_or_else(|| "Agent".to_owned()),
    }
}

/// What it says, in words.
fn words(message: &MessageView) -> String {
    if message.deleted_at.is_some() {
        return "(taken back)".to_owned();
    }
    let mut words = if message.direction == Direction::Event { message.kind.clone() } else { message.text.clone() };
    for file in &message.attachments {
        let name = file.file_name.clone().unwrap_or_else(|| file.sort.as_str().to_owned());
        let _ = write!(words, "{}[{name}]", if words.is_empty() { "" } else { " " });
    }
    if words.is_empty() {
        words = format!("({})", message.kind);
    }
    words
}

fn mark(message: &MessageView) -> String {
    match message.direction {
        Direction::Note => " (note)".to_owned(),
        Direction::Out => format!(" ({})", message.state.as_str()),
        Direction::In | Direction::Event => String::new(),
    }
}

fn plain(conversation: &Conversation, said: &[MessageView], zone: Tz) -> String {
    let mut text = format!("Conversation with {} ({})\n\n", conversation.contact.name, conversation.channel.as_str());
    for message in said {
        let at = message.at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z");
        // A line of somebody's cannot look like the next message.
        let words = words(message).replace('\n', "\n    ");
        let _ =
            writeln!(text, "[{at}] {}{}: {words}", speaker(conversation, message).replace('\n', " "), mark(message));
    }
    text
}

fn html(conversation: &Conversation, said: &[MessageView], zone: Tz) -> String {
    let name = escape(&conversation.contact.name);
    let mut page = format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"><title>{name}</title><style>body{{font:14px/1.5 sans-serif;max-width:48em;margin:2em \
         auto;padding:0 1em}}p{{margin:.4em 0;padding:.4em .7em;border-radius:.4em;white-space:pre-wrap;overflow-wrap:anywhere}}.in{{background:#eee}}\
         .out{{background:#dbeafe}}.note{{background:#fef3c7}}.event{{color:#666}}small{{color:#555}}</style></head><body><h1>{name}</h1>"
    );
    for message in said {
        let at = message.at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z");
        let who = escape(&speaker(conversation, message));
        let _ = write!(
            page,
            "<p class=\"{}\" dir=\"auto\"><small>{at} · <b>{who}</b>{}</small><br>{}</p>",
            message.direction.as_str(),
            escape(&mark(message)),
            escape(&words(message)),
        );
    }
    page.push_str("</body></html>\n");
    page
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // What turns or hides the text after it shows itself.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => escaped.push('\u{fffd}'),
            _ => escaped.push(sign),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_that_somebody_wrote_is_markup(text in "[<>&\"'a-z/= \\PC]{0,60}") {
            let escaped = escape(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            let back = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&");
            prop_assert_eq!(back.replace('\u{fffd}', ""), text.replace(|sign| matches!(sign, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffd}'), ""));
        }
    }
}
