//! SQL of the list. Every part of somebody's sight is read from an index that has the list's order, for each state by itself, so that a page costs
//! what it shows: an `OR` over the parts would go through whatever is newer and not theirs.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::types::Uuid;
use trunkline_db::{
    AgentId, CallId, ChannelAccountId, ContactId, ConversationId, DbError, LabelId, MessageId, QueueId, TeamId,
    TenantTx, UserId,
};

use crate::list::{After, Counts, Filter, MOST_NAMED, Reach};
use crate::model::{ContactShort, Conversation, Preview, SlaView, State};
use crate::words::{Word, word};

/// What somebody has to do with a conversation.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Marks {
    pub(crate) read_at: Option<DateTime<Utc>>,
    pub(crate) draft: bool,
    pub(crate) mentioned: bool,
}

pub(crate) async fn queues_of(tx: &mut TenantTx<'_>, user: UserId) -> Result<Vec<Uuid>, DbError> {
    let queues = sqlx::query_scalar!("SELECT queue_id FROM queue_members WHERE agent_id = $1", user.uuid())
        .fetch_all(tx.conn())
        .await?;
    Ok(queues)
}

/// Row by row, each by its key (`OFFSET 0` keeps the planner from another order): few are asked for, and what a plan was made for may be a table, or a
/// tenant, that was empty then. The planner does not see how many are asked for (`(SELECT $1)`): else it would plan anew each time.
pub(crate) async fn view(tx: &mut TenantTx<'_>, ids: &[ConversationId]) -> Result<Vec<Conversation>, DbError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"SELECT c.id AS "id: ConversationId", c.channel, c.account_id AS "account_id: ChannelAccountId",
                  c.contact_id AS "contact_id: ContactId", p.id AS "person_id: ContactId", p.display_name,
                  p.blocked_at IS NOT NULL OR k.blocked_at IS NOT NULL AS "blocked!", c.address, c.title, c.state, c.snoozed_until,
                  c.queue_id AS "queue_id: QueueId", c.team_id AS "team_id: TeamId", c.agent_id AS "agent_id: AgentId", c.priority,
                  c.spam, ARRAY(SELECT l.label_id FROM conversation_labels l WHERE l.conversation_id = c.id ORDER BY l.label_id)
                      AS "labels!: Vec<LabelId>",
                  c.last_message_id AS "last_message_id: MessageId", c.preview, c.preview_kind, c.preview_direction, c.last_at,
                  c.last_in_at, c.waiting_since, c.opened_at, c.resolved_at, c.call_id AS "call_id: CallId", c.version,
                  m.state AS "last_state?", m.author_id AS "last_author?", s.goal AS "goal?", s.due_at AS "due_at?", s.breached AS "breached?"
             FROM unnest((SELECT $1::uuid[])) WITH ORDINALITY AS asked (id, place)
            CROSS JOIN LATERAL (SELECT * FROM conversations WHERE conversations.id = asked.id OFFSET 0) AS c
            CROSS JOIN LATERAL (SELECT * FROM contacts WHERE contacts.id = c.contact_id OFFSET 0) AS k
            CROSS JOIN LATERAL (SELECT * FROM contacts WHERE contacts.id = k.person_id OFFSET 0) AS p
             LEFT JOIN LATERAL (SELECT * FROM messages WHERE messages.id = c.last_message_id OFFSET 0) AS m ON true
             LEFT JOIN LATERAL (
                  SELECT o.goal, o.due_at, o.breached_at IS NOT NULL AS breached FROM conversation_slas o
                   WHERE o.conversation_id = c.id AND o.met_at IS NULL ORDER BY o.due_at NULLS LAST, o.goal LIMIT 1) AS s ON true
            ORDER BY asked.place"#,
        &ids,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Conversation {
                id: row.id,
                channel: word(&row.channel)?,
                account_id: row.account_id,
                contact: ContactShort {
                    id: row.contact_id,
                    person_id: row.person_id,
                    name: row.display_name,
                    blocked: row.blocked,
                },
                address: row.address,
                title: row.title,
                state: word(&row.state)?,
                snoozed_until: row.snoozed_until,
                queue_id: row.queue_id,
                team_id: row.team_id,
                agent_id: row.agent_id,
                priority: row.priority,
                spam: row.spam,
                label_ids: row.labels,
                last: Preview {
                    message_id: row.last_message_id,
                    direction: word(&row.preview_direction)?,
                    kind: row.preview_kind,
                    text: row.preview,
                    state: row.last_state.as_deref().map(word).transpose()?,
                    author_id: row.last_author,
                },
                last_at: row.last_at,
                last_in_at: row.last_in_at,
                waiting_since: row.waiting_since,
                sla: row.goal.map(|goal| SlaView { goal, due_at: row.due_at, breached: row.breached.unwrap_or(false) }),
                opened_at: row.opened_at,
                resolved_at: row.resolved_at,
                call_id: row.call_id,
                version: row.version,
            })
        })
        .collect()
}

pub(crate) async fn visible(
    tx: &mut TenantTx<'_>,
    reach: &Reach,
    ids: &[ConversationId],
) -> Result<Vec<ConversationId>, DbError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let seen = sqlx::query_scalar!(
        r#"SELECT c.id AS "id: ConversationId" FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (id, place)
             JOIN conversations c ON c.id = asked.id
            WHERE $2 OR c.queue_id = ANY($3) OR c.agent_id = ANY($4) OR (c.queue_id IS NULL AND c.agent_id IS NULL)
               OR EXISTS (SELECT FROM mentions m WHERE m.conversation_id = c.id AND m.user_id = $5)
            ORDER BY asked.place"#,
        &ids,
        reach.all,
        &reach.queues,
        &reach.agents,
        reach.user.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(seen)
}

/// The conversations that a search, a label, a person or a mention names; `None` when nothing names them, or too many are named.
pub(crate) async fn named(tx: &mut TenantTx<'_>, reach: &Reach, filter: &Filter) -> Result<Option<Vec<Uuid>>, DbError> {
    let mut named: Option<Vec<Uuid>> = None;
    let mut narrow = |found: Vec<Uuid>| match &mut named {
        None => named = Some(found),
        Some(named) => named.retain(|id| found.contains(id)),
    };
    if let Some(text) = &filter.text {
        let found = sqlx::query_scalar!(
            r#"SELECT id AS "id!" FROM conversations_search($1, $2) AS id
               UNION SELECT c.id FROM contacts_search($1, 50) AS person (id)
                 JOIN contacts k ON k.person_id = person.id JOIN conversations c ON c.contact_id = k.id"#,
            text,
            MOST_NAMED as i32,
        )
        .fetch_all(tx.conn())
        .await?;
        narrow(found);
    }
    if filter.mentioned {
        let found = sqlx::query_scalar!(
            "SELECT conversation_id FROM mentions WHERE user_id = $1 GROUP BY 1 ORDER BY max(at) DESC LIMIT $2",
            reach.user.uuid(),
            MOST_NAMED,
        )
        .fetch_all(tx.conn())
        .await?;
        narrow(found);
    }
    if let Some(contact) = filter.contact {
        let found = sqlx::query_scalar!(
            "SELECT c.id FROM contacts asked JOIN contacts k ON k.person_id = asked.person_id
               JOIN conversations c ON c.contact_id = k.id WHERE asked.id = $1 ORDER BY c.last_at DESC LIMIT $2",
            contact.uuid(),
            MOST_NAMED,
        )
        .fetch_all(tx.conn())
        .await?;
        narrow(found);
    }
    if let Some(label) = filter.label {
        let found = sqlx::query_scalar!(
            "SELECT conversation_id FROM conversation_labels WHERE label_id = $1 LIMIT $2",
            label.uuid(),
            MOST_NAMED + 1,
        )
        .fetch_all(tx.conn())
        .await?;
        if found.len() as i64 <= MOST_NAMED {
            narrow(found);
        }
    }
    Ok(named)
}

/// One part of somebody's sight: `$from` gives it rows to go through, `$part` says which conversations are of it.
macro_rules! part {
    ($from:literal, $part:literal, $tx:expr, $asked:expr, $reach:expr, $ids:expr) => {
        sqlx::query!(
            r#"SELECT found.id AS "id!: ConversationId", found.last_at AS "last_at!" FROM unnest($1::text[]) AS s (state)"#
                + $from
                + r#" CROSS JOIN LATERAL (
                    SELECT c.id, c.last_at FROM conversations c
                     WHERE c.state = s.state AND c.spam = $2
                       AND ($3::timestamptz IS NULL OR (c.last_at, c.id) < ($3, $4::uuid))
                       AND ($5::uuid[] IS NULL OR c.id = ANY($5))
                       AND ($6::uuid IS NULL OR c.agent_id = $6)
                       AND (NOT $7 OR c.agent_id IS NULL)
                       AND ($8::uuid IS NULL OR c.team_id = $8)
                       AND ($9::uuid IS NULL OR c.queue_id = $9)
                       AND ($10::uuid IS NULL OR c.account_id = $10)
                       AND ($11::text IS NULL OR c.channel = $11)
                       AND ($12::smallint IS NULL OR c.priority = $12)
                       AND ($13::uuid IS NULL OR EXISTS (SELECT FROM conversation_labels l
                             WHERE l.conversation_id = c.id AND l.label_id = $13))
                       AND (NOT $14 OR c.last_in_at > coalesce((SELECT r.read_at FROM conversation_reads r
                             WHERE r.conversation_id = c.id AND r.user_id = $15), '-infinity'))
                       AND "#
                + $part
                + r#" ORDER BY c.last_at DESC, c.id DESC LIMIT $16) AS found
               ORDER BY found.last_at DESC, found.id DESC LIMIT $16"#,
            &$asked.states as &[&str],
            $asked.filter.spam,
            $asked.after.map(|after| after.at),
            $asked.after.map(|after| after.id.uuid()),
            $asked.named as Option<&[Uuid]>,
            $asked.filter.agent.map(AgentId::uuid),
            $asked.filter.unassigned,
            $asked.filter.team.map(TeamId::uuid),
            $asked.filter.queue.map(QueueId::uuid),
            $asked.filter.account.map(ChannelAccountId::uuid),
            $asked.filter.channel.map(Word::as_str),
            $asked.filter.priority,
            $asked.filter.label.map(LabelId::uuid),
            $asked.filter.unread,
            $reach.user.uuid(),
            $asked.limit,
            $ids,
        )
        .fetch_all($tx.conn())
        .await?
        .into_iter()
        .map(|row| (row.last_at, row.id))
    };
}

struct Asked<'a> {
    filter: &'a Filter,
    states: Vec<&'static str>,
    named: Option<&'a [Uuid]>,
    limit: i64,
    after: Option<After>,
}

/// From each part of somebody's sight the newest that fit: with when they were last spoken in.
pub(crate) async fn candidates(
    tx: &mut TenantTx<'_>,
    reach: &Reach,
    filter: &Filter,
    named: Option<&[Uuid]>,
    limit: i64,
    after: Option<After>,
) -> Result<Vec<(DateTime<Utc>, ConversationId)>, DbError> {
    let states = if filter.states.is_empty() {
        State::WORDS.iter().map(|(_, word)| *word).collect()
    } else {
        filter.states.iter().map(|state| state.as_str()).collect()
    };
    let asked = Asked { filter, states, named, limit, after };
    // Planned for these filters each time: a plan that has to do for all of them would use none of their indexes.
    sqlx::query!("SELECT set_config('plan_cache_mode', 'force_custom_plan', true) AS mode")
        .fetch_one(tx.conn())
        .await?;
    if reach.all {
        let nobody: &[Uuid] = &[];
        return Ok(part!("", "$17::uuid[] IS NOT NULL", tx, asked, reach, nobody).collect());
    }
    let mut found: Vec<_> =
        part!(" CROSS JOIN unnest($17::uuid[]) AS q (id)", "c.queue_id = q.id", tx, asked, reach, &reach.queues)
            .collect();
    found.extend(part!(
        " CROSS JOIN unnest($17::uuid[]) AS a (id)",
        "c.agent_id = a.id",
        tx,
        asked,
        reach,
        &reach.agents
    ));
    let mentioned =
        sqlx::query_scalar!("SELECT DISTINCT conversation_id FROM mentions WHERE user_id = $1", reach.user.uuid())
            .fetch_all(tx.conn())
            .await?;
    if !mentioned.is_empty() {
        found.extend(part!("", "c.id = ANY($17::uuid[])", tx, asked, reach, &mentioned));
    }
    let nobody: &[Uuid] = &[];
    found.extend(part!(
        "",
        "$17::uuid[] IS NOT NULL AND c.queue_id IS NULL AND c.agent_id IS NULL",
        tx,
        asked,
        reach,
        nobody
    ));
    Ok(found)
}

pub(crate) async fn marks(
    tx: &mut TenantTx<'_>,
    user: UserId,
    ids: &[ConversationId],
) -> Result<HashMap<ConversationId, Marks>, DbError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"SELECT asked.id AS "id!: ConversationId", r.read_at AS "read_at?",
                  EXISTS (SELECT FROM drafts d WHERE d.conversation_id = asked.id AND d.user_id = $2) AS "draft!",
                  EXISTS (SELECT FROM mentions m WHERE m.conversation_id = asked.id AND m.user_id = $2 AND m.seen_at IS NULL)
                      AS "mentioned!"
             FROM unnest($1::uuid[]) AS asked (id)
             LEFT JOIN conversation_reads r ON r.conversation_id = asked.id AND r.user_id = $2"#,
        &ids,
        user.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, Marks { read_at: row.read_at, draft: row.draft, mentioned: row.mentioned }))
        .collect())
}

pub(crate) async fn counts(tx: &mut TenantTx<'_>, reach: &Reach) -> Result<Counts, DbError> {
    let row = sqlx::query!(
        r#"SELECT
            (SELECT count(*) FROM (SELECT FROM conversations c WHERE c.agent_id = $1 AND c.state = 'open' AND NOT c.spam LIMIT $5) AS n)
                AS "mine!",
            (SELECT count(*) FROM (SELECT FROM conversations c
               WHERE c.agent_id IS NULL AND c.state = 'open' AND NOT c.spam AND ($2 OR c.queue_id IS NULL OR c.queue_id = ANY($3))
               LIMIT $5) AS n) AS "unassigned!",
            (SELECT count(DISTINCT n.conversation_id) FROM (SELECT m.conversation_id FROM mentions m
               WHERE m.user_id = $1 AND m.seen_at IS NULL LIMIT $5) AS n) AS "mentioned!",
            (SELECT count(*) FROM (SELECT FROM conversations c
               WHERE c.state = 'open' AND NOT c.spam
                 AND ($2 OR c.queue_id = ANY($3) OR c.agent_id = ANY($4) OR (c.queue_id IS NULL AND c.agent_id IS NULL))
               LIMIT $5) AS n) AS "all!",
            (SELECT count(*) FROM (SELECT FROM conversations c
               LEFT JOIN conversation_reads r ON r.conversation_id = c.id AND r.user_id = $1
               WHERE c.agent_id = $1 AND c.state = 'open' AND NOT c.spam AND c.last_in_at > coalesce(r.read_at, '-infinity')
               LIMIT $5) AS n) AS "unread!""#,
        reach.user.uuid(),
        reach.all,
        &reach.queues,
        &reach.agents,
        MOST_NAMED,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Counts {
        mine: row.mine,
        unassigned: row.unassigned,
        mentioned: row.mentioned,
        all: row.all,
        unread: row.unread,
    })
}
