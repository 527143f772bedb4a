//! `POST /api/v1/conversations`: conversations that we begin.

use axum::extract::State;
use axum::response::Response;
use chrono::Utc;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use trunkline_channels::model::Identity;
use trunkline_channels::telegram::address::Chat;
use trunkline_conversations::commands::{self, Opening, Reply};
use trunkline_conversations::compose::Written;
use trunkline_conversations::rules::may_say;
use trunkline_conversations::{Channel, Conversation, MessageView, list, messages};
use trunkline_db::{AgentId, ChannelAccountId, ContactId, TenantTx, UserId};
use trunkline_journal::{Fault, NewEvent};
use trunkline_people::{Evidence, Seen};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{by, compose};
use crate::channels::Connected;
use crate::http::idempotency::{Answer, Effect, IdempotentJson};
use crate::http::{AppError, Permission, Problem};
use crate::state::AppState;

/// Body of `POST /conversations`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct OpenConversation {
    /// Over which account.
    #[schema(value_type = Uuid)]
    channel_account_id: ChannelAccountId,
    /// To whom: a number (WhatsApp, SMS), or a Telegram chat that has written to the bot before.
    to: String,
    /// The first message.
    message: Written,
    /// The contact, where it is known.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    contact_id: Option<ContactId>,
}

/// A conversation that was begun.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Opened {
    /// The conversation.
    #[serde(flatten)]
    conversation: Conversation,
    /// Its first message, or the newest of one that ran already.
    message: MessageView,
}

/// Routes of conversations that we begin.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(open_conversation))
}

/// Begin a conversation
///
/// A chat has one conversation that runs: where there is one, the message goes into it. Over WhatsApp the first message is an approved template, unless they
/// wrote within the last 24 hours.
#[utoipa::path(
    post, path = "/conversations", tag = "conversations", operation_id = "openConversation", request_body = OpenConversation,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses(
        (status = 201, description = "The conversation and the message", body = Opened),
        (status = 409, description = "Only a template may be sent (`window-closed`), they do not want it (`opted-out`), they are blocked (`blocked`), the account is not connected (`no-account`), the chat is a colleague's (`not-yours`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit, or the provider does not take it", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:write")))
)]
async fn open_conversation(
    State(state): State<AppState>,
    IdempotentJson(idempotency, wanted): IdempotentJson<OpenConversation>,
) -> Result<Response, AppError> {
    let principal = idempotency.principal();
    principal.require(Permission::ConversationsWrite)?;
    let connected = state
        .channels
        .get(wanted.channel_account_id)
        .filter(|connected| connected.tenant == principal.tenant)
        .ok_or_else(|| AppError::invalid_field("channel_account_id", "there is no such account"))?;
    if !connected.enabled {
        return Err(AppError::conflict("no-account", "the channel account is switched off"));
    }
    let (address, identities) = recipient(&connected, &wanted.to)
        .ok_or_else(|| AppError::invalid_field("to", "is no number or chat that this account can write to"))?;
    let sight = state.roster.sight(&principal);
    let (user, shared) = (principal.user, state.clone());
    let answer = idempotency
        .command(&state, move |tx| {
            let (sight, wanted, state) = (sight.clone(), wanted.clone(), shared.clone());
            let (connected, address, identities) = (connected.clone(), address.clone(), identities.clone());
            Box::pin(async move {
                let mut events = Vec::new();
                let contact = contact(tx, &connected, &wanted, identities, user, &mut events).await?;
                let address = known_address(tx, &connected, contact, address).await?;
                let running = commands::running(tx, connected.id, &address).await?;
                if let Some(running) = running
                    && list::visible(tx, &sight, &[running]).await?.is_empty()
                {
                    let words = "there is a conversation with this chat, and it is a colleague's";
                    return Err(AppError::conflict("not-yours", words).into());
                }
                let (conversation, message) =
                    begin(tx, &state, &connected, contact, &address, user, &wanted.message, &mut events).await?;
                let body = Opened { conversation, message };
                Ok((Effect { status: StatusCode::CREATED, body, value: () }, events))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

#[expect(clippy::too_many_arguments, reason = "who writes what to whom over which account")]
async fn begin(
    tx: &mut TenantTx<'_>,
    state: &AppState,
    connected: &Connected,
    contact: ContactId,
    address: &str,
    user: UserId,
    written: &Written,
    events: &mut Vec<NewEvent>,
) -> Result<(Conversation, MessageView), Fault<AppError>> {
    let now = Utc::now();
    let agent = AgentId::from(user);
    let consent = commands::consent(tx, contact).await?.unwrap_or_default();
    let last_in = commands::last_in(tx, connected.id, address).await?;
    may_say(connected.account.channel, written.speech(), consent, last_in, now).map_err(compose::may_not)?;
    let pieces = compose::compose(tx, state, connected, address, user, written).await?;
    let opening = Opening {
        channel: connected.account.channel,
        account: connected.id,
        contact,
        address: address.to_owned(),
        queue: connected.queue_id,
        agent: Some(agent),
        now,
    };
    let (id, opened) = commands::open(tx, &opening, by(agent)).await?;
    events.extend(opened);
    let author = commands::author(tx, agent).await?;
    let reply = Reply {
        conversation: id,
        account: connected.id,
        author: &author,
        by: by(agent),
        reply_to: None,
        send_at: compose::send_at(None, now)?,
        now,
    };
    let (first, told) = commands::write(tx, &reply, &pieces).await?;
    events.extend(told);
    let gone = || AppError::internal(anyhow::anyhow!("what was just written is not there"));
    let first = first.ok_or_else(gone)?;
    let message = messages::views(tx, &[first]).await?.pop().ok_or_else(gone)?;
    let conversation = list::view_of(tx, id).await?.ok_or_else(gone)?;
    Ok((conversation, message))
}

/// Who that is: the contact that was named, or whoever has this number.
async fn contact(
    tx: &mut TenantTx<'_>,
    connected: &Connected,
    wanted: &OpenConversation,
    identities: Vec<Identity>,
    user: UserId,
    events: &mut Vec<NewEvent>,
) -> Result<ContactId, Fault<AppError>> {
    if let Some(contact) = wanted.contact_id {
        let known = commands::consent(tx, contact).await?;
        known.ok_or_else(|| AppError::invalid_field("contact_id", "there is no such contact"))?;
        return Ok(contact);
    }
    let seen = Seen {
        identities,
        name: None,
        language: None,
        country: connected.account.country.clone(),
        evidence: Evidence {
            by: "agent".to_owned(),
            account_id: Some(connected.id.uuid()),
            call_id: None,
            user_id: Some(user.uuid()),
            text: None,
        },
        at: Utc::now(),
    };
    let resolved = trunkline_people::resolve(tx, &seen).await?;
    events.extend(resolved.events);
    Ok(resolved.contact)
}

/// A number may be another at WhatsApp than it is dialled (Brazil's ninth digit): where they have written before, that form is taken.
async fn known_address(
    tx: &mut TenantTx<'_>,
    connected: &Connected,
    contact: ContactId,
    address: String,
) -> Result<String, Fault<AppError>> {
    if connected.account.channel != Channel::Whatsapp {
        return Ok(address);
    }
    let known = commands::whatsapp_ids(tx, contact).await?;
    if known.is_empty() || known.contains(&address) {
        return Ok(address);
    }
    let variants = trunkline_people::phone::variants(&format!("+{address}"));
    let same = known.into_iter().find(|id| variants.contains(&format!("+{id}")));
    Ok(same.unwrap_or(address))
}

/// Where it goes, as inbound messages name the same chat, and what its person is known by.
fn recipient(connected: &Connected, to: &str) -> Option<(String, Vec<Identity>)> {
    let to = to.trim();
    let phone = |text: &str| trunkline_people::phone::Phone::read(text, connected.account.country.as_deref());
    match connected.account.channel {
        Channel::Whatsapp => {
            let phone = phone(to)?;
            let number = phone.shown().strip_prefix('+')?.to_owned();
            Some((number, vec![Identity::Phone(phone.shown().to_owned())]))
        }
        Channel::Telegram => {
            let chat: Chat = to.parse().ok()?;
            Some((chat.address().0, vec![Identity::TelegramId(chat.id)]))
        }
        Channel::Sms => {
            let (way, number) = to.split_at(to.find(':').map_or(0, |at| at + 1));
            let phone = phone(number)?;
            matches!(way, "" | "whatsapp:")
                .then(|| (format!("{way}{}", phone.shown()), vec![Identity::Phone(phone.shown().to_owned())]))
        }
        Channel::Call => None,
    }
}
