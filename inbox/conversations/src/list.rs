//! The list of conversations: who sees which, which are asked for, and how each looks.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_calls::Sight;
use trunkline_db::{
    AgentId, ChannelAccountId, ContactId, ConversationId, DbError, LabelId, QueueId, TeamId, TenantTx, UserId,
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::list_store as store;
use crate::model::{Channel, Conversation, State};

/// Most conversations that a search or a rare label may name. With more than that they tell little, and going through the newest one by one
/// fills a page sooner.
pub(crate) const MOST_NAMED: i64 = 1_000;

/// Which conversations are asked for: all that is given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// In one of these states; empty: in any.
    pub states: Vec<State>,
    /// With this agent.
    pub agent: Option<AgentId>,
    /// With no agent.
    pub unassigned: bool,
    /// With this team.
    pub team: Option<TeamId>,
    /// Of this queue.
    pub queue: Option<QueueId>,
    /// Over this account.
    pub account: Option<ChannelAccountId>,
    /// By this way.
    pub channel: Option<Channel>,
    /// With this label.
    pub label: Option<LabelId>,
    /// With this person: after a merge, of each of their contacts.
    pub contact: Option<ContactId>,
    /// In which one is named, and has not looked since.
    pub mentioned: bool,
    /// In which they wrote since one last looked.
    pub unread: bool,
    /// Of this priority.
    pub priority: Option<i16>,
    /// Spam alone; otherwise there is none among them.
    pub spam: bool,
    /// With these words, or with somebody of this name or number.
    pub text: Option<String>,
}

/// Where a page begins: behind this conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After {
    /// Its [`Conversation::last_at`].
    pub at: DateTime<Utc>,
    /// The conversation.
    pub id: ConversationId,
}

/// A line of somebody's list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Line {
    /// The conversation.
    #[serde(flatten)]
    pub conversation: Conversation,
    /// They wrote since one last looked.
    pub unread: bool,
    /// One has a draft in it.
    pub draft: bool,
    /// One is named in it, and has not looked since.
    pub mentioned: bool,
}

/// How many conversations there are to work on. Counting stops at 1,000.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counts {
    /// Open ones of one's own.
    pub mine: i64,
    /// Open ones that have no agent.
    pub unassigned: i64,
    /// Those in which one is named, and has not looked since.
    pub mentioned: i64,
    /// All open ones in one's sight.
    pub all: i64,
    /// Open ones of one's own in which they wrote since one last looked.
    pub unread: i64,
}

/// What somebody reaches, as the queries want it.
#[derive(Debug, Clone)]
pub(crate) struct Reach {
    pub(crate) all: bool,
    pub(crate) user: UserId,
    pub(crate) agents: Vec<Uuid>,
    pub(crate) queues: Vec<Uuid>,
}

pub(crate) async fn reach(tx: &mut TenantTx<'_>, sight: &Sight) -> Result<Reach, DbError> {
    let queues = if sight.all { Vec::new() } else { store::queues_of(tx, sight.user).await? };
    Ok(Reach { all: sight.all, user: sight.user, agents: sight.agents(), queues })
}

/// These conversations, in this order; those that are not there are left out.
pub async fn view(tx: &mut TenantTx<'_>, ids: &[ConversationId]) -> Result<Vec<Conversation>, DbError> {
    store::view(tx, ids).await
}

/// One conversation, whoever asks.
pub async fn view_of(tx: &mut TenantTx<'_>, id: ConversationId) -> Result<Option<Conversation>, DbError> {
    Ok(view(tx, &[id]).await?.pop())
}

/// One conversation, if it is in their sight.
pub async fn one(tx: &mut TenantTx<'_>, sight: &Sight, id: ConversationId) -> Result<Option<Conversation>, DbError> {
    let seen = visible(tx, sight, &[id]).await?;
    view_of_first(tx, &seen).await
}

async fn view_of_first(tx: &mut TenantTx<'_>, ids: &[ConversationId]) -> Result<Option<Conversation>, DbError> {
    Ok(view(tx, ids).await?.into_iter().next())
}

/// Those of these conversations that are in their sight.
pub async fn visible(
    tx: &mut TenantTx<'_>,
    sight: &Sight,
    ids: &[ConversationId],
) -> Result<Vec<ConversationId>, DbError> {
    let reach = reach(tx, sight).await?;
    store::visible(tx, &reach, ids).await
}

/// A page of somebody's list, the newest first.
pub async fn page(
    tx: &mut TenantTx<'_>,
    sight: &Sight,
    filter: &Filter,
    limit: i64,
    after: Option<After>,
) -> Result<Vec<Line>, DbError> {
    let reach = reach(tx, sight).await?;
    let named = store::named(tx, &reach, filter).await?;
    let found = store::candidates(tx, &reach, filter, named.as_deref(), limit, after).await?;
    let ids = newest(found, limit);
    lines(tx, sight.user, &ids).await
}

/// The parts of somebody's sight may hold the same conversation: each counts once.
fn newest(mut found: Vec<(DateTime<Utc>, ConversationId)>, limit: i64) -> Vec<ConversationId> {
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.dedup();
    found.truncate(usize::try_from(limit).unwrap_or(0));
    found.into_iter().map(|(_, id)| id).collect()
}

/// These conversations as lines of somebody's list.
pub async fn lines(tx: &mut TenantTx<'_>, user: UserId, ids: &[ConversationId]) -> Result<Vec<Line>, DbError> {
    let conversations = view(tx, ids).await?;
    let marks = store::marks(tx, user, ids).await?;
    let line = |conversation: Conversation| {
        let marks = marks.get(&conversation.id).copied().unwrap_or_default();
        let unread = conversation.last_in_at.is_some_and(|last| marks.read_at.is_none_or(|read| last > read));
        Line { conversation, unread, draft: marks.draft, mentioned: marks.mentioned }
    };
    Ok(conversations.into_iter().map(line).collect())
}

/// How many conversations there are to work on.
pub async fn counts(tx: &mut TenantTx<'_>, sight: &Sight) -> Result<Counts, DbError> {
    let reach = reach(tx, sight).await?;
    store::counts(tx, &reach).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_newest_of_several_parts_are_the_newest_of_all(
            parts in prop::collection::vec(prop::collection::vec((0i64..50, 0u128..30), 0..40), 1..4),
            limit in 0i64..20,
        ) {
            // Each conversation has one time.
            let at = |id: u128| DateTime::from_timestamp(i64::try_from(id * 7 % 11).unwrap(), 0).unwrap();
            let all: Vec<_> = parts.iter().flatten().map(|(_, id)| (at(*id), ConversationId(Uuid::from_u128(*id)))).collect();
            let mut expected: Vec<_> = all.clone().into_iter().collect::<std::collections::BTreeSet<_>>().into_iter().collect();
            expected.reverse();
            let expected: Vec<_> = expected.into_iter().take(usize::try_from(limit).unwrap()).map(|(_, id)| id).collect();
            prop_assert_eq!(newest(all, limit), expected);
        }
    }
}
