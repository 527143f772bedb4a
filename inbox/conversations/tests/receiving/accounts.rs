//! What is told of the account itself.

use serde_json::{Value, json};
use trunkline_channels::model::{AccountChange, Level, TemplateChange, What};

use crate::support::{World, kinds, told};

#[tokio::test]
async fn an_accounts_trouble_is_its_health() {
    let world = World::whatsapp().await;
    let change = |minutes, value: &str, level| {
        let change =
            AccountChange { what: "account_update".to_owned(), value: value.to_owned(), level, raw: Value::Null };
        told(minutes, &format!("a{minutes}"), What::Account(change))
    };
    let received = world.tell(change(2, "DISABLE", Level::Stopped)).await;
    assert_eq!(kinds(&received), ["channel_account.health_changed"]);
    assert_eq!(received.events[0].data["health"]["problem"]["detail"], "DISABLE");
    assert!(world.tell(change(1, "REINSTATE", Level::Note)).await.events.is_empty(), "an older word comes late");
    let received = world.tell(change(3, "REINSTATE", Level::Note)).await;
    assert_eq!(received.events[0].data["health"].get("problem"), None);
    assert_eq!(
        world.one("SELECT health->'told'->'account_update'->>'value' AS told FROM channel_accounts").await["told"],
        "REINSTATE"
    );
}

#[tokio::test]
async fn a_template_is_judged_and_one_that_is_not_known_is_asked_for() {
    let world = World::whatsapp().await;
    let change = |minutes, what: &str, value: &str| {
        let change = TemplateChange {
            id: Some("1".to_owned()),
            name: "hello".to_owned(),
            language: "en_US".to_owned(),
            what: what.to_owned(),
            value: value.to_owned(),
            reason: Some("why".to_owned()),
        };
        told(minutes, &format!("t{minutes}"), What::Template(change))
    };
    let received = world.tell(change(1, "status", "APPROVED")).await;
    assert_eq!(kinds(&received), ["channel_account.template_changed"]);
    assert_eq!(world.jobs("templates.sync").await, 1);
    world
        .run(
            "INSERT INTO message_templates (tenant_id, account_id, name, language, category, status, components, synced_at)
             SELECT tenant_id, id, 'hello', 'en_US', 'UTILITY', 'APPROVED', '[]', '2020-01-01' FROM channel_accounts",
        )
        .await;
    world.tell(change(3, "status", "PAUSED")).await;
    world.tell(change(2, "status", "APPROVED")).await;
    world.tell(change(4, "quality", "RED")).await;
    world.tell(change(5, "category", "MARKETING")).await;
    let row = world.one("SELECT status, reason, quality, category FROM message_templates").await;
    assert_eq!(row, json!({"status": "PAUSED", "reason": "why", "quality": "RED", "category": "MARKETING"}));
    assert_eq!(world.jobs("templates.sync").await, 1);
}
