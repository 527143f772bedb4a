//! In whichever order and however often things are told, the rows are the same in the end.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use trunkline_channels::model::{
    AccountChange, By, Content, DeliveryState, Failure, Level, Media, MediaAt, MediaSort, Told, What, Why,
};
use trunkline_conversations::{Account, Channel};

use crate::support::{
    World, ada, address, came, echoed, id, make_account, make_tenant, message, minute, said, status, tell, text, told,
};

const WA: Channel = Channel::Whatsapp;

fn picture(at: MediaAt) -> Content {
    Content::Media(Media {
        sort: MediaSort::Image,
        at,
        mime: None,
        file_name: None,
        caption: None,
        size: None,
        seconds: None,
        sha256: None,
    })
}

/// A day of one chat, and of its account.
fn day() -> Vec<Told> {
    let edit = |minutes, n, words: &str| {
        let what = What::Edited { message: id(WA, n), chat: address(WA), content: text(words) };
        told(minutes, &format!("edit{minutes}"), what)
    };
    let react = |minutes, n, from, emoji: &[&str]| {
        let emoji = emoji.iter().map(|one| (*one).to_owned()).collect();
        told(minutes, &format!("react{minutes}"), What::Reacted { message: id(WA, n), from, chat: address(WA), emoji })
    };
    let mut answer = message(WA, 5, By::Customer, text("to what you wrote"));
    answer.reply_to = Some(id(WA, 4));
    let mut old = message(WA, 1, By::Customer, text("last year"));
    old.history = true;
    let mut placeholder = message(WA, 2, By::Customer, picture(MediaAt::Gone));
    placeholder.history = true;
    let mut file = placeholder.clone();
    file.content = picture(MediaAt::Id("M2".to_owned()));
    let mut placeholder = came(2, placeholder);
    "placeholder:2".clone_into(&mut placeholder.key);
    let mut failed = status(WA, 21, 6, DeliveryState::Failed);
    if let What::Status(status) = &mut failed.what {
        status.failure = Some(Failure { code: "1".to_owned(), detail: "no".to_owned(), why: Why::Unknown });
    }
    let health = |minutes, value: &str, level| {
        let change = AccountChange { what: "quality".to_owned(), value: value.to_owned(), level, raw: Value::Null };
        told(minutes, &format!("account{minutes}"), What::Account(change))
    };
    let consent = |minutes, wanted| {
        let what = What::Consent { from: ada(WA), category: "marketing".to_owned(), wanted };
        told(minutes, &format!("consent{minutes}"), what)
    };
    vec![
        came(1, old),
        placeholder,
        came(2, file),
        said(WA, 3, "hello"),
        echoed(WA, 4, "hello Ada"),
        came(5, answer),
        echoed(WA, 6, "and this"),
        said(WA, 7, "thanks"),
        said(WA, 8, "oops"),
        edit(10, 7, "thank you"),
        edit(11, 7, "thank you!"),
        told(12, "del", What::Deleted { messages: vec![id(WA, 8), id(WA, 3)], chat: address(WA) }),
        react(13, 4, Some(ada(WA)), &["👍"]),
        react(14, 4, Some(ada(WA)), &[]),
        react(15, 6, Some(ada(WA)), &["❤️"]),
        status(WA, 16, 4, DeliveryState::Sent),
        status(WA, 17, 4, DeliveryState::Delivered),
        status(WA, 18, 4, DeliveryState::Read),
        status(WA, 20, 6, DeliveryState::Sent),
        failed,
        consent(22, false),
        consent(23, true),
        health(24, "FLAGGED", Level::Warning),
        health(25, "GREEN", Level::Note),
    ]
}

/// Everything that is to be the same.
async fn rows(world: &World, account: &Account) -> Value {
    let mut tx = world.db.tenant(account.tenant).await.unwrap();
    let mut all = Vec::new();
    for sql in [
        "SELECT address, state, title, spam, opened_at, last_in_at, last_out_at, last_at, first_reply_at, waiting_since, preview, preview_kind,
                preview_direction, messages FROM conversations",
        "SELECT m.provider_id, m.direction, m.author_type, m.author_name, m.kind, m.text, m.content, m.state, m.failure, m.sent_at,
                m.delivered_at, m.read_at, m.edited_at, m.deleted_at, m.reactions, m.history, m.at, q.provider_id AS answers
           FROM messages m LEFT JOIN messages q ON q.id = m.reply_to WHERE m.direction IN ('in', 'out') ORDER BY m.provider_id",
        "SELECT m.provider_id, a.sort, a.state, a.source FROM attachments a JOIN messages m ON m.id = a.message_id ORDER BY 1",
        "SELECT c.display_name, c.opted_out_at IS NOT NULL AS out, i.type, i.value FROM contacts c
           JOIN contact_identities i ON i.contact_id = c.id ORDER BY 1, 3, 4",
        "SELECT count(*) AS waiting FROM inbound_waiting",
        "SELECT sum(messages) AS used FROM tenant_usage",
        "SELECT health FROM channel_accounts",
    ] {
        let asked = sqlx::AssertSqlSafe(format!("SELECT coalesce(jsonb_agg(to_jsonb(q)), '[]') FROM ({sql}) AS q"));
        all.push(sqlx::query_scalar::<_, Value>(asked).fetch_one(tx.conn()).await.unwrap());
    }
    json!(all)
}

async fn lived(world: &World, told: &[Told]) -> Value {
    let tenant = make_tenant(&world.db).await;
    let account = make_account(&world.db, tenant, WA).await;
    for one in told {
        tell(&world.db, &account, one, minute(60)).await;
    }
    rows(world, &account).await
}

#[tokio::test(flavor = "multi_thread")]
async fn any_order_and_any_repetition_ends_in_the_same_rows() {
    let world = World::whatsapp().await;
    let day = day();
    let expected = lived(&world, &day).await;
    // Not by chance the same because nothing was kept.
    assert_eq!(expected[1].as_array().unwrap().len(), 8);
    assert_eq!(expected[0][0]["waiting_since"].as_str().map(|at| at.parse().unwrap()), Some(minute(7)));
    assert_eq!(expected[4][0]["waiting"], 0);

    let count = day.len();
    let orders =
        (Just((0..count).collect::<Vec<_>>()).prop_shuffle(), prop::collection::vec((0..count, 0..count * 2), 0..12));
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let handle = Handle::current();
    let ran = tokio::task::block_in_place(|| {
        runner.run(&orders, |(mut order, again)| {
            for (one, place) in again {
                order.insert(place.min(order.len()), one);
            }
            let told: Vec<Told> = order.iter().map(|n| day[*n].clone()).collect();
            let found = handle.block_on(lived(&world, &told));
            prop_assert_eq!(&found, &expected, "told in the order {:?}", order);
            Ok(())
        })
    });
    ran.unwrap_or_else(|wrong| panic!("{wrong}"));
}
