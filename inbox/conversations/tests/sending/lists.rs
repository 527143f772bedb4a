//! The list: what somebody sees of it, and that a page costs what it shows.

use std::collections::BTreeSet;

use sqlx::Row as _;
use trunkline_calls::Sight;
use trunkline_conversations::State;
use trunkline_conversations::list::{self, After, Filter};
use trunkline_db::{AgentId, ConversationId, QueueId, TenantTx, UserId};
use uuid::Uuid;

use crate::support::World;

const MANY: i32 = 200_000;

/// People, queues and `count` conversations: of two queues, of several agents, resolved for the most part.
async fn fill(world: &World, count: i32) -> (Vec<Uuid>, Vec<Uuid>) {
    let tenant = world.account.tenant;
    let mut tx = world.owner().await;
    let users: Vec<Uuid> = (0..4).map(|_| Uuid::now_v7()).collect();
    for user in &users {
        sqlx::query("INSERT INTO users (id, email, name, password_hash) VALUES ($1, $2, 'Somebody', 'x')")
            .bind(user)
            .bind(format!("{user}@test.invalid"))
            .execute(&mut tx)
            .await
            .unwrap();
        sqlx::query("INSERT INTO memberships (tenant_id, user_id, role) VALUES ($1, $2, 'operator')")
            .bind(tenant)
            .bind(user)
            .execute(&mut tx)
            .await
            .unwrap();
    }
    let queues: Vec<Uuid> = (0..2).map(|_| Uuid::now_v7()).collect();
    for (place, user) in users.iter().enumerate() {
        sqlx::query("INSERT INTO agents (tenant_id, id, name, email) VALUES ($1, $2, $3, 'a@test.invalid') ON CONFLICT DO NOTHING")
            .bind(tenant)
            .bind(user)
            .bind(format!("Agent {place}"))
            .execute(&mut tx)
            .await
            .unwrap();
    }
    for (place, queue) in queues.iter().enumerate() {
        sqlx::query("INSERT INTO queues (tenant_id, id, slug, name, extension) VALUES ($1, $2, $3, $3, $4)")
            .bind(tenant)
            .bind(queue)
            .bind(format!("queue-{place}"))
            .bind(format!("70{place}"))
            .execute(&mut tx)
            .await
            .unwrap();
    }
    sqlx::query("INSERT INTO queue_members (tenant_id, queue_id, agent_id) VALUES ($1, $2, $3)")
        .bind(tenant)
        .bind(queues[1])
        .bind(users[0])
        .execute(&mut tx)
        .await
        .unwrap();
    let contact = Uuid::now_v7();
    sqlx::query("INSERT INTO contacts (tenant_id, id, person_id, display_name) VALUES ($1, $2, $2, 'Ada')")
        .bind(tenant)
        .bind(contact)
        .execute(&mut tx)
        .await
        .unwrap();
    // One in 1,000 is of the second queue, one in 700 of nobody's, one in 50 not resolved.
    sqlx::query(
        "INSERT INTO conversations (tenant_id, id, channel, account_id, contact_id, address, state, resolved_at, queue_id, agent_id, opened_at,
             last_at, last_in_at, priority, spam)
         SELECT $1, gen_random_uuid(), 'telegram', $2, $3, n::text, CASE WHEN n % 50 = 0 THEN 'open' ELSE 'resolved' END,
                CASE WHEN n % 50 = 0 THEN NULL ELSE t.at END,
                CASE WHEN n % 700 = 1 THEN NULL WHEN n % 1000 = 2 THEN $5::uuid ELSE $4::uuid END,
                CASE WHEN n % 700 = 1 THEN NULL ELSE ($6::uuid[])[2 + n % 3] END, t.at, t.at, t.at, (n % 5)::smallint, n % 97 = 0
           FROM generate_series(1, $7) n, LATERAL (SELECT timestamptz '2025-01-01' + n * interval '3 minutes' AS at) t",
    )
    .bind(tenant)
    .bind(world.account.id)
    .bind(contact)
    .bind(queues[0])
    .bind(queues[1])
    .bind(&users)
    .bind(count)
    .execute(&mut tx)
    .await
    .unwrap();
    sqlx::query("ANALYZE").execute(&mut tx).await.unwrap();
    (users, queues)
}

fn sight(user: Uuid, all: bool) -> Sight {
    Sight { all, user: UserId(user), led: Vec::new() }
}

/// Rows of conversations that the transaction went through, and how often it went through all.
async fn touched(tx: &mut TenantTx<'_>) -> (i64, i64) {
    let row = sqlx::query(
        "SELECT coalesce(seq_scan, 0), coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = 'conversations'",
    )
    .fetch_one(tx.conn())
    .await
    .unwrap();
    (row.get(0), row.get(1))
}

#[tokio::test]
async fn a_page_costs_what_it_shows_in_a_long_history() {
    let world = World::telegram().await;
    let (users, queues) = fill(&world, MANY).await;
    let (resolved, all) = (vec![State::Resolved], Vec::new());
    let of = |states: &Vec<State>| Filter { states: states.clone(), ..Filter::default() };
    let cases = [
        ("open", true, of(&vec![State::Open])),
        ("resolved", true, of(&resolved)),
        ("all", true, of(&all)),
        ("an agent's", true, Filter { agent: Some(AgentId(users[1])), ..of(&resolved) }),
        ("a rare queue's", true, Filter { queue: Some(QueueId(queues[1])), ..of(&resolved) }),
        ("nobody's", true, Filter { unassigned: true, ..of(&resolved) }),
        ("spam", true, Filter { spam: true, ..of(&resolved) }),
        ("an account's", true, Filter { account: Some(world.account.id), ..of(&all) }),
        ("of a priority", true, Filter { priority: Some(3), ..of(&resolved) }),
        ("unread", true, Filter { unread: true, ..of(&resolved) }),
        ("what an operator of a rare queue sees", false, of(&all)),
        ("what they see of what is open", false, of(&vec![State::Open])),
        ("what is theirs", false, Filter { agent: Some(AgentId(users[0])), ..of(&all) }),
    ];
    for (what, sees_all, filter) in cases {
        for after in
            [None, Some(After { at: "2025-06-01T00:00:00Z".parse().unwrap(), id: ConversationId(Uuid::nil()) })]
        {
            let mut tx = world.db.tenant(world.account.tenant).await.unwrap();
            let lines = list::page(&mut tx, &sight(users[0], sees_all), &filter, 51, after).await.unwrap();
            let (whole, rows) = touched(&mut tx).await;
            assert_eq!(whole, 0, "{what}: the whole table was read");
            assert!(rows < 3_000, "{what}: {rows} rows for {} lines", lines.len());
            assert!(
                lines.windows(2).all(|pair| pair[0].conversation.last_at >= pair[1].conversation.last_at),
                "{what}"
            );
        }
    }
}

#[tokio::test]
async fn the_pages_of_a_list_are_what_somebody_sees_each_once_in_order() {
    let world = World::telegram().await;
    let (users, queues) = fill(&world, 6_000).await;
    // One that is neither theirs nor of their queue, in which they are named.
    let mut tx = world.db.tenant(world.account.tenant).await.unwrap();
    sqlx::query(
        "WITH c AS (SELECT * FROM conversations WHERE queue_id = $1 AND NOT spam ORDER BY last_at LIMIT 1),
              m AS (INSERT INTO messages (tenant_id, id, conversation_id, direction, author_type, kind, state, at)
                    SELECT tenant_id, gen_random_uuid(), id, 'note', 'agent', 'text', 'received', last_at FROM c RETURNING *)
         INSERT INTO mentions (tenant_id, message_id, user_id, conversation_id, at) SELECT tenant_id, id, $2, conversation_id, at FROM m",
    )
    .bind(queues[0])
    .bind(users[0])
    .execute(tx.conn())
    .await
    .unwrap();
    let expected: Vec<Uuid> = sqlx::query_scalar(
        "SELECT id FROM conversations c WHERE NOT spam AND (queue_id = $1 OR agent_id = $2 OR (queue_id IS NULL AND agent_id IS NULL)
            OR EXISTS (SELECT FROM mentions m WHERE m.conversation_id = c.id AND m.user_id = $2)) ORDER BY last_at DESC, id DESC",
    )
    .bind(queues[1])
    .bind(users[0])
    .fetch_all(tx.conn())
    .await
    .unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = list::page(&mut tx, &sight(users[0], false), &Filter::default(), 7, after).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(After { at: last.conversation.last_at, id: last.conversation.id });
        seen.extend(page.iter().map(|line| line.conversation.id.uuid()));
    }
    assert!(expected.len() > 10 && seen == expected, "{} of {}", seen.len(), expected.len());
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len());
    let counts = list::counts(&mut tx, &sight(users[0], false)).await.unwrap();
    assert_eq!((counts.mentioned, counts.mine), (1, 0));
    for id in [expected[0], *expected.last().unwrap()] {
        assert!(list::one(&mut tx, &sight(users[0], false), ConversationId(id)).await.unwrap().is_some());
    }
    let hidden: Uuid =
        sqlx::query_scalar("SELECT id FROM conversations WHERE queue_id = $1 ORDER BY last_at DESC LIMIT 1")
            .bind(queues[0])
            .fetch_one(tx.conn())
            .await
            .unwrap();
    assert!(list::one(&mut tx, &sight(users[0], false), ConversationId(hidden)).await.unwrap().is_none());
}
