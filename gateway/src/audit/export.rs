//! The audit log as a file: CSV or JSON Lines, read and sent piece by piece.

use std::fmt::Write as _;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use chrono::{SecondsFormat, Utc};
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use trunkline_db::TenantId;

use super::query::{AuditEntry, AuditRef, Wanted};
use super::store;
use crate::http::csv_cell;
use crate::state::AppState;

/// Entries read in one go.
const CHUNK: i64 = 500;

/// What an export looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    /// For spreadsheets: RFC 4180, UTF-8.
    #[default]
    Csv,
    /// One JSON object a line, as the list has them.
    Jsonl,
}

impl Format {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Jsonl => "application/x-ndjson",
        }
    }
}

/// How to export.
#[derive(Debug, Clone, Copy, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ExportQuery {
    /// `csv` or `jsonl`.
    #[serde(default)]
    #[param(inline, default = "csv")]
    pub(super) format: Format,
}

const HEADER: &str = "seq,at,actor_type,actor_id,actor_name,via_type,via_id,action,subject_type,subject_id,subject_name,address,\
    user_agent,request_id,before,after,erased_at\r\n";

/// Streams what is wanted. A database that goes away in the middle cuts the answer off, which a client sees.
pub(super) fn answer(state: AppState, tenant: TenantId, wanted: Wanted, format: Format) -> Response {
    let first = (format == Format::Csv).then(|| Bytes::from_static(HEADER.as_bytes()));
    let pages = stream::try_unfold(Some(wanted), move |wanted| {
        let state = state.clone();
        async move {
            let Some(wanted) = wanted else { return Ok(None) };
            let mut tx = state.db.tenant_snapshot(tenant).await?;
            let entries = store::list(&mut tx, &wanted, CHUNK).await?;
            tx.commit().await?;
            let next = (entries.len() as i64 == CHUNK)
                .then(|| Wanted { before: entries.last().map(|entry| entry.seq), ..wanted });
            let text = entries.iter().fold(String::new(), |mut text, entry| {
                write(&mut text, entry, format);
                text
            });
            Ok::<_, trunkline_db::DbError>(Some((Bytes::from(text), next)))
        }
    });
    let first = stream::iter(first.map(Ok));
    let body = Body::from_stream(futures_util::StreamExt::chain(first, pages));
    let name = format!("audit-{}.{}", Utc::now().format("%Y-%m-%d-%H%M%S"), format.as_str());
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")).expect("digits and letters");
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(format.content_type())),
        (CONTENT_DISPOSITION, disposition),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, body).into_response()
}

fn write(text: &mut String, entry: &AuditEntry, format: Format) {
    match format {
        Format::Jsonl => {
            text.push_str(&serde_json::to_string(entry).expect("an entry is plain values"));
            text.push('\n');
        }
        Format::Csv => {
            let time = |at: chrono::DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Micros, true);
            let id = |reference: Option<&AuditRef>| {
                reference.and_then(|it| it.id).map(|id| id.to_string()).unwrap_or_default()
            };
            let json = |value: &Option<serde_json::Value>| value.as_ref().map(ToString::to_string).unwrap_or_default();
            let name = |reference: &AuditRef| reference.name.clone().unwrap_or_default();
            let cells = [
                entry.seq.to_string(),
                time(entry.at),
                entry.actor.kind.clone(),
                id(Some(&entry.actor)),
                name(&entry.actor),
                entry.via.as_ref().map(|via| via.kind.clone()).unwrap_or_default(),
                id(entry.via.as_ref()),
                entry.action.clone(),
                entry.subject.kind.clone(),
                id(Some(&entry.subject)),
                name(&entry.subject),
                entry.address.clone().unwrap_or_default(),
                entry.user_agent.clone().unwrap_or_default(),
                entry.request_id.map(|id| id.to_string()).unwrap_or_default(),
                json(&entry.before),
                json(&entry.after),
                entry.erased_at.map(time).unwrap_or_default(),
            ];
            for (place, cell) in cells.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                let _ = text.write_str(&csv_cell(cell));
            }
            text.push_str("\r\n");
        }
    }
}
