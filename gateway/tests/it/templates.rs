//! WhatsApp's message templates: read from the provider, changed by what it tells, and sent with what they want.

use serde_json::{Value, json};
use trunkline_providers::Standin as _;
use trunkline_providers::whatsapp::{Customer, Says, WhatsApp, template};

use crate::support::problem;
use crate::support::standins::{Inbox, PIXEL, SOON};

async fn known(inbox: &Inbox<WhatsApp>, name: &str) -> Option<Value> {
    let list = inbox.admin.get_json(&format!("/api/v1/channel-accounts/{}/templates?limit=200", inbox.account)).await;
    list["items"].as_array().unwrap().iter().find(|one| one["name"] == name).cloned()
}

async fn sync(inbox: &Inbox<WhatsApp>) {
    let path = format!("/api/v1/channel-accounts/{}/templates/sync", inbox.account);
    let begun = inbox.admin.post(&path, &json!({})).await;
    assert_eq!(begun.status(), 202, "{}", begun.text().await.unwrap());
}

async fn has_status(inbox: &Inbox<WhatsApp>, name: &str, status: &str) {
    let what = format!("{name} is {status}");
    inbox.until(&what, async || known(inbox, name).await.is_some_and(|one| one["status"] == status)).await;
}

#[tokio::test]
async fn templates_are_as_the_provider_has_them() {
    let inbox = Inbox::whatsapp(json!({})).await;
    let mut many: Vec<Value> = (0..120).map(|number| template(&format!("one_{number:03}"), "en_US", "Hello")).collect();
    many.push(template("order_ready", "en_US", "Hello {{1}}, order {{2}} is ready"));
    inbox.standin.set_templates(many);
    sync(&inbox).await;
    has_status(&inbox, "order_ready", "APPROVED").await;
    let list = inbox.admin.get_json(&format!("/api/v1/channel-accounts/{}/templates?limit=200", inbox.account)).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 121, "all pages of it");

    // Changed, rejected, gone, and new.
    let mut rejected = template("sale", "en_US", "Buy now");
    rejected["status"] = "REJECTED".into();
    rejected["rejected_reason"] = "PROMOTIONAL".into();
    inbox.standin.set_templates(vec![template("order_ready", "en_US", "Order {{1}} is ready"), rejected]);
    sync(&inbox).await;
    has_status(&inbox, "sale", "REJECTED").await;
    let list = inbox.admin.get_json(&format!("/api/v1/channel-accounts/{}/templates?limit=200", inbox.account)).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 2, "{list}");
    assert_eq!(known(&inbox, "sale").await.unwrap()["reason"], "PROMOTIONAL");
    let changed = known(&inbox, "order_ready").await.unwrap();
    assert!(changed["components"].to_string().contains("Order {{1}} is ready"), "{changed}");

    // The provider tells of it by itself.
    inbox.standin.template_status("order_ready", "en_US", "PAUSED", "LOW_QUALITY").await.unwrap();
    has_status(&inbox, "order_ready", "PAUSED").await;
    assert_eq!(known(&inbox, "order_ready").await.unwrap()["reason"], "LOW_QUALITY");
    inbox.standin.template_quality("order_ready", "en_US", "RED").await.unwrap();
    inbox.until("its quality is known", async || known(&inbox, "order_ready").await.unwrap()["quality"] == "RED").await;
    let ada = Customer::new("491700000041", "Ada");
    inbox.standin.customer_says(&ada, Says::text("Is it ready?")).await.unwrap();
    let conversation = inbox.conversation().await;
    let path = format!("/api/v1/conversations/{conversation}/messages");
    let paused = json!({ "template": { "name": "order_ready", "language": "en_US", "body": ["17"] } });
    let refused = problem(inbox.admin.post(&path, &paused).await).await;
    assert_eq!((refused["status"].as_u64(), &refused["errors"][0]["field"]), (Some(422), &json!("template.name")));
    let words = refused["errors"][0]["message"].as_str().unwrap();
    assert!(words.contains("PAUSED"), "{refused}");
    inbox.standin.template_status("order_ready", "en_US", "APPROVED", "NONE").await.unwrap();
    has_status(&inbox, "order_ready", "APPROVED").await;
    assert!(inbox.standin.messages().is_empty());
    let events = inbox.admin.get_json("/api/v1/events?kinds=channel_account.template_changed").await;
    assert_eq!(events["items"].as_array().unwrap().len(), 3, "{events}");
}

#[tokio::test]
async fn a_template_goes_with_its_values_and_its_picture() {
    let inbox = Inbox::whatsapp(json!({})).await;
    let mut boat = template("boat", "de", "Hallo {{1}}, {{2}} liegt bereit");
    boat["components"].as_array_mut().unwrap().insert(0, json!({ "type": "HEADER", "format": "IMAGE" }));
    let named = template("named", "en_US", "Hello {{first_name}}");
    inbox.standin.set_templates(vec![boat, named]);
    sync(&inbox).await;
    has_status(&inbox, "boat", "APPROVED").await;
    // Nobody wrote: only a template opens it.
    let picture = inbox.upload("image/png", "boat.png", PIXEL).await;
    let body =
        |message: Value| json!({ "channel_account_id": inbox.account, "to": "+491700000042", "message": message });
    let refused = inbox.admin.post("/api/v1/conversations", &body(json!({ "text": "Hello" }))).await;
    assert_eq!(problem(refused).await["code"], "window-closed");
    let wanting = json!({ "template": { "name": "boat", "language": "de", "header": { "attachment_id": picture },
        "body": ["Ada"] } });
    let refused = problem(inbox.admin.post("/api/v1/conversations", &body(wanting)).await).await;
    assert_eq!(refused["errors"][0]["field"], "template.body.2", "{refused}");
    let whole = json!({ "template": { "name": "boat", "language": "de", "header": { "attachment_id": picture },
        "body": ["Ada", "die Anna"] } });
    let opened = inbox.admin.post("/api/v1/conversations", &body(whole)).await;
    assert_eq!(opened.status(), 201, "{}", opened.text().await.unwrap());
    let opened: Value = opened.json().await.unwrap();
    let taken = inbox.standin.next_message(SOON).await.unwrap();
    assert_eq!(taken.to, "491700000042");
    let components = taken.body["template"]["components"].as_array().unwrap();
    let header = components.iter().find(|one| one["type"] == "header").unwrap();
    let id = header["parameters"][0]["image"]["id"].as_str().unwrap();
    assert_eq!(inbox.standin.file(id).unwrap().content.as_ref(), PIXEL);
    let values = components.iter().find(|one| one["type"] == "body").unwrap();
    assert_eq!(
        (&values["parameters"][0]["text"], &values["parameters"][1]["text"]),
        (&json!("Ada"), &json!("die Anna"))
    );
    let conversation = opened["id"].as_str().unwrap();
    let sent = inbox.comes_to(conversation, &opened["message"], "sent").await;
    assert_eq!(sent["text"], "Hallo Ada, die Anna liegt bereit");

    let named =
        json!({ "template": { "name": "named", "language": "en_US", "body": ["Ada"], "names": ["first_name"] } });
    let sent = inbox.say(conversation, &named).await;
    let taken = inbox.standin.next_message(SOON).await.unwrap();
    assert_eq!(taken.body["template"]["components"][0]["parameters"][0]["parameter_name"], "first_name");
    inbox.comes_to(conversation, &sent, "sent").await;
}
