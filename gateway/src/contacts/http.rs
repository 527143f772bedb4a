//! `/api/v1/contacts`: reading.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use trunkline_db::{ContactId, ConversationId, TenantTx};
use trunkline_people::phone::{self, Phone};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use chrono::{DateTime, Utc};

use super::model::{Contact, ContactItem, TimelineItem};
use super::timeline_store::{self, Entry};
use super::{service, store};
use crate::auth::Principal;
use crate::calls::history_store as history;
use crate::dialing;
use crate::http::{AppError, Page, PageQuery, Path, Permission, Problem, Query, tagged};
use crate::roster::Sight;
use crate::state::AppState;

/// Longest text that is searched for, in characters.
const MAX_QUERY_CHARS: usize = 100;
/// With fewer digits a text is no beginning of a number.
const FEWEST_DIGITS: usize = 3;

/// Routes of contacts.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_contacts))
        .routes(routes!(get_contact))
        .routes(routes!(get_timeline))
        .merge(super::changes_http::router())
        .merge(super::merges_http::router())
}

/// Which people to list.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ContactQuery {
    /// A part of the name, or the beginning of a number (in any of its forms), of an address or of a user name. The best matches come first,
    /// on one page.
    #[param(example = "anna", max_length = 100)]
    q: Option<String>,
    /// Rows on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List contacts
///
/// People by name; those who were merged are one line.
#[utoipa::path(
    get, path = "/contacts", tag = "contacts", operation_id = "listContacts", params(ContactQuery),
    responses((status = 200, description = "People", body = Page<ContactItem>)),
    extensions(("x-permission" = json!("contacts:read")))
)]
async fn list_contacts(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<ContactQuery>,
) -> Result<axum::Json<Page<ContactItem>>, AppError> {
    let ContactQuery { q, limit, cursor } = query;
    let page = PageQuery { limit, cursor };
    let (limit, after) = (page.limit()?, page.position::<(String, ContactId)>()?);
    let text = q.as_deref().map(str::trim).filter(|text| !text.is_empty());
    if text.is_some_and(|text| text.chars().count() > MAX_QUERY_CHARS || text.contains('\0')) {
        return Err(AppError::bad_parameter("q", format!("must be at most {MAX_QUERY_CHARS} characters")));
    }
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let people = match text {
        None => store::list(&mut tx, after.as_ref(), i64::from(limit) + 1).await?,
        Some(text) => found(&mut tx, text, limit).await?,
    };
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    Ok(axum::Json(Page::new(people, limit, as_of_seq, |item: &ContactItem| (item.name.clone(), item.id))))
}

async fn found(tx: &mut TenantTx<'_>, text: &str, limit: u32) -> Result<Vec<ContactItem>, AppError> {
    let country = dialing::home(tx).await?;
    let country = country.as_ref().map(trunkline_dialing::Country::as_str);
    let most = i32::try_from(limit).unwrap_or(i32::MAX);
    let mut ids: Vec<Uuid> = Vec::new();
    for text in spellings(text, country) {
        for id in store::search(tx, &text, most).await? {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
    }
    ids.truncate(limit as usize);
    Ok(store::items(tx, &ids).await?)
}

/// The text, and the number that it is or begins, in the form in which numbers are kept.
fn spellings(text: &str, country: Option<&str>) -> Vec<String> {
    let mut spellings = Vec::new();
    if let Some(phone) = Phone::read(text, country) {
        spellings.push(phone.value().to_owned());
    }
    let is_written_as_number = text.chars().all(|letter| letter.is_ascii_digit() || " +-./()".contains(letter));
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if is_written_as_number && digits.len() >= FEWEST_DIGITS {
        spellings.push(format!("+{digits}"));
        spellings.push(digits);
    }
    spellings.push(text.trim_start_matches('@').to_owned());
    let mut seen = Vec::new();
    spellings.retain(|spelling| {
        let new = !spelling.is_empty() && !seen.contains(spelling);
        seen.push(spelling.clone());
        new
    });
    spellings
}

/// Get a contact
///
/// The person whose the contact is, with everything they are known by and how we know, what made them one, and who may be the same.
#[utoipa::path(
    get, path = "/contacts/{id}", tag = "contacts", operation_id = "getContact",
    params(("id" = Uuid, Path, description = "The contact")),
    responses(
        (status = 200, description = "The person", body = Contact),
        (status = 404, description = "No such contact", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("contacts:read")))
)]
async fn get_contact(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ContactId>,
) -> Result<Response, AppError> {
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let contact = store::find(&mut tx, id).await?.ok_or_else(|| AppError::not_found("contact"))?;
    tx.commit().await?;
    Ok(tagged(contact.updated_at, &contact))
}

/// List what was said with a contact
///
/// The conversations and calls of the person within one's reach, the newest first. Calls only for who may read calls, conversations only for
/// who may read conversations.
#[utoipa::path(
    get, path = "/contacts/{id}/timeline", tag = "contacts", operation_id = "getContactTimeline",
    params(("id" = Uuid, Path, description = "The contact"), PageQuery),
    responses(
        (status = 200, description = "Conversations and calls", body = Page<TimelineItem>),
        (status = 404, description = "No such contact", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("contacts:read")))
)]
async fn get_timeline(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ContactId>,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<Page<TimelineItem>>, AppError> {
    let (limit, after) = (page.limit()?, page.position::<(DateTime<Utc>, Uuid)>()?);
    let sight = state.roster.sight(&principal);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let contact = store::find(&mut tx, id).await?.ok_or_else(|| AppError::not_found("contact"))?;
    let may = |permission| principal.require(permission).is_ok();
    let shown =
        timeline_store::Shown { conversations: may(Permission::ConversationsRead), calls: may(Permission::CallsRead) };
    let numbers: Vec<String> = service::phones(&contact).flat_map(phone::variants).collect();
    let calls = if shown.calls { timeline_store::calls_of_numbers(&mut tx, &numbers).await? } else { Vec::new() };
    let contacts: Vec<Uuid> = contact.contact_ids.iter().map(|id| id.uuid()).collect();
    let whose = timeline_store::Whose { contacts: &contacts, calls: &calls };
    let entries = timeline_store::page(&mut tx, &sight, &whose, shown, after, i64::from(limit) + 1).await?;
    let items = told(&mut tx, &sight, &entries).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    Ok(axum::Json(Page::new(items, limit, as_of_seq, |item: &TimelineItem| match item {
        TimelineItem::Conversation { at, conversation } => (*at, conversation.id.uuid()),
        TimelineItem::Call { at, call } => (*at, call.id.uuid()),
    })))
}

/// The entries with what they are of.
async fn told(tx: &mut TenantTx<'_>, sight: &Sight, entries: &[Entry]) -> Result<Vec<TimelineItem>, AppError> {
    let mut conversations: Vec<ConversationId> = Vec::new();
    let mut calls: Vec<Uuid> = Vec::new();
    for entry in entries {
        match entry {
            Entry::Conversation(_, id) => conversations.push(*id),
            Entry::Call(_, id) => calls.push(id.uuid()),
        }
    }
    let conversations = trunkline_conversations::list::view(tx, &conversations).await?;
    let calls = if calls.is_empty() { Vec::new() } else { history::of_ids(tx, calls, sight).await? };
    let item = |entry: &Entry| match *entry {
        Entry::Conversation(at, id) => {
            let found = conversations.iter().find(|one| one.id == id)?.clone();
            Some(TimelineItem::Conversation { at, conversation: Box::new(found) })
        }
        Entry::Call(at, id) => {
            let found = calls.iter().find(|one| one.id == id)?.clone();
            Some(TimelineItem::Call { at, call: Box::new(found) })
        }
    };
    Ok(entries.iter().filter_map(item).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_looked_for_in_the_form_in_which_it_is_kept() {
        assert_eq!(spellings("06 1234 5678", Some("IT"))[0], "+390612345678");
        assert_eq!(spellings("+55 31 9688-3193", None)[0], "+5531996883193");
        assert_eq!(spellings("39 333", None), ["39333".to_owned(), "+39333".to_owned(), "39 333".to_owned()]);
        assert_eq!(spellings("@Anna", None), ["Anna"]);
        assert_eq!(spellings("Studio 54", Some("IT")), ["Studio 54"]);
    }
}
