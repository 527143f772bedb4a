//! Who looks at a conversation and who writes in it: kept in memory for some seconds, told by signals. Each node knows those who are connected to it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use axum::extract::State;
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use trunkline_channels::model::{ProviderId, Say};
use trunkline_conversations::change;
use trunkline_conversations::commands;
use trunkline_db::{AgentId, ConversationId, UserId};
use trunkline_journal::Kind;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::list_http::refusal;
use super::visible;
use crate::auth::Principal;
use crate::http::{AppError, Json, Path, Permission, Problem};
use crate::state::AppState;

const VIEWING: Kind = Kind::from_static("conversation.viewing");
const TYPING: Kind = Kind::from_static("conversation.typing");
/// Whoever says nothing for so long has gone; the panel says it every ten seconds.
const LASTS: Duration = Duration::from_secs(25);
/// A provider shows "is writing" for some seconds.
const TOLD_EVERY: Duration = Duration::from_secs(4);
/// Most conversations that are remembered.
const MOST: usize = 20_000;

/// Somebody who looks at a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct Viewer {
    /// Who.
    #[schema(value_type = Uuid)]
    user_id: UserId,
    /// Their name.
    name: String,
    /// They are writing.
    typing: bool,
}

#[derive(Debug)]
struct Seen {
    name: String,
    typing: bool,
    until: Instant,
}

/// Who looks at what.
#[derive(Debug, Default)]
pub(super) struct Presence {
    seen: HashMap<ConversationId, HashMap<UserId, Seen>>,
    /// When a provider was last told that somebody writes.
    told: HashMap<ConversationId, Instant>,
}

impl Presence {
    /// Somebody looks, and may be writing.
    fn put(&mut self, id: ConversationId, user: UserId, name: String, typing: bool, now: Instant) {
        if self.seen.len() >= MOST {
            self.sweep(now);
        }
        self.seen.entry(id).or_default().insert(user, Seen { name, typing, until: now + LASTS });
    }

    /// Whether the provider is to be told that somebody writes.
    fn tell(&mut self, id: ConversationId, now: Instant) -> bool {
        if self.told.get(&id).is_some_and(|told| now.duration_since(*told) < TOLD_EVERY) {
            return false;
        }
        if self.told.len() >= MOST {
            self.told.retain(|_, told| now.duration_since(*told) < TOLD_EVERY);
        }
        self.told.insert(id, now);
        true
    }

    /// Who looks at it, but for one.
    pub(super) fn viewers(&self, id: ConversationId, but: UserId, now: Instant) -> Vec<Viewer> {
        let mut viewers: Vec<Viewer> = self
            .seen
            .get(&id)
            .into_iter()
            .flatten()
            .filter(|(user, seen)| **user != but && seen.until > now)
            .map(|(user, seen)| Viewer { user_id: *user, name: seen.name.clone(), typing: seen.typing })
            .collect();
        viewers.sort_by(|a, b| (&a.name, a.user_id).cmp(&(&b.name, b.user_id)));
        viewers
    }

    fn sweep(&mut self, now: Instant) {
        self.seen.retain(|_, users| {
            users.retain(|_, seen| seen.until > now);
            !users.is_empty()
        });
    }
}

/// Body of `POST /conversations/{id}/presence`.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Present {
    /// Whether one is writing to them. A note among ourselves is nothing that they should see coming.
    typing: bool,
}

/// Routes of presence.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(be_present))
}

/// Say that one looks
///
/// Every ten seconds while one looks at a conversation, and whenever one begins or stops to write. Others are told by the signals `conversation.viewing` and
/// `conversation.typing` (`conversation_id`, `user_id`, `name`, `typing`, `until`); the customer is told too, where the provider can.
#[utoipa::path(
    post, path = "/conversations/{id}/presence", tag = "conversations", operation_id = "bePresent", request_body = Present,
    params(("id" = Uuid, Path, description = "The conversation")),
    responses(
        (status = 204, description = "It was told"),
        (status = 404, description = "No such conversation in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:read")))
)]
async fn be_present(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ConversationId>,
    Json(present): Json<Present>,
) -> Result<StatusCode, AppError> {
    principal.require(Permission::ConversationsRead)?;
    let typing = present.typing && principal.may(Permission::ConversationsWrite);
    let sight = state.roster.sight(&principal);
    let mut tx = state.db.tenant(principal.tenant).await?;
    let conversation = visible(&mut tx, &sight, id).await.map_err(refusal)?;
    let name = commands::author(&mut tx, AgentId::from(principal.user)).await?.name.unwrap_or_default();
    let terms = if typing { commands::terms(&mut tx, id).await? } else { None };
    tx.commit().await?;
    let now = Instant::now();
    let tell = {
        let mut presence = state.conversations.presence();
        presence.put(id, principal.user, name.clone(), typing, now);
        typing && presence.tell(id, now)
    };
    let until: DateTime<Utc> = Utc::now() + LASTS;
    let data = json!({
        "conversation_id": id, "user_id": principal.user, "name": name, "typing": typing, "until": until,
    });
    let kind = if typing { TYPING } else { VIEWING };
    state.journal.hub().signal(principal.tenant, &change::scopes_of(&conversation), kind, &data);
    if let (true, Some(terms)) = (tell, terms)
        && let Some(connected) = terms.account.and_then(|account| state.channels.get(account))
        && connected.enabled
    {
        let say = Say::Typing { message: terms.last_in.map(ProviderId) };
        super::sending::mention(&state, connected, &terms.address, say);
    }
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_says_nothing_has_gone() {
        let (mut presence, now) = (Presence::default(), Instant::now());
        let (id, ada, bob) = (ConversationId::new(), UserId::new(), UserId::new());
        presence.put(id, ada, "Ada".to_owned(), true, now);
        presence.put(id, bob, "Bob".to_owned(), false, now + LASTS / 2);
        let names = |presence: &Presence, but, at| {
            presence.viewers(id, but, at).into_iter().map(|viewer| viewer.name).collect::<Vec<_>>()
        };
        assert_eq!(names(&presence, bob, now), ["Ada"], "but for oneself");
        assert_eq!(names(&presence, UserId::new(), now), ["Ada", "Bob"]);
        assert_eq!(names(&presence, UserId::new(), now + LASTS), ["Bob"]);
        presence.sweep(now + 2 * LASTS);
        assert!(presence.seen.is_empty());
    }

    #[test]
    fn a_provider_is_told_now_and_then() {
        let (mut presence, now, id) = (Presence::default(), Instant::now(), ConversationId::new());
        assert!(presence.tell(id, now));
        assert!(!presence.tell(id, now + TOLD_EVERY / 2));
        assert!(presence.tell(id, now + TOLD_EVERY));
    }
}
