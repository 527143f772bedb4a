//! Telegram: groups that get another id, and buttons that are pressed.

use reqwest::Method;
use serde_json::{Value, json};
use trunkline_providers::Standin as _;
use trunkline_providers::telegram::{Group, Person, Said, Says, Telegram};

use crate::support::standins::{Inbox, SOON};

fn in_group(group: &Group, text: &str) -> Said {
    Said { group: Some(group.clone()), ..Said::from(Says::text(text)) }
}

async fn address(inbox: &Inbox<Telegram>, conversation: &str) -> String {
    let address: String = sqlx::query_scalar("SELECT address FROM conversations WHERE id = $1::uuid")
        .bind(conversation)
        .fetch_one(&mut inbox.app.owner().await)
        .await
        .unwrap();
    address
}

#[tokio::test]
async fn a_group_that_became_a_supergroup_goes_on_and_what_met_it_is_sent_again() {
    let inbox = Inbox::telegram(json!({})).await;
    let (ada, group) = (Person::new(7_001, "Ada"), Group::new(-4_001, "Boat club"));
    inbox.standin.person_says(&ada, in_group(&group, "Hello")).await;
    let conversation = inbox.conversation().await;
    assert_eq!(address(&inbox, &conversation).await, "-4001");
    let asked = inbox.thread(&conversation).await.last().unwrap()["id"].clone();

    // Nobody told of it: the refusal does.
    inbox.standin.set_migrated(group.id, -1_001_000_004_001);
    let sent = inbox.say(&conversation, &json!({ "text": "Good morning", "reply_to": asked })).await;
    let taken = inbox.standin.next_message(SOON).await.unwrap();
    assert_eq!((taken.chat_id, &taken.parameters["text"]), (-1_001_000_004_001, &json!("Good morning")));
    inbox.comes_to(&conversation, &sent, "sent").await;
    assert_eq!(address(&inbox, &conversation).await, "-1001000004001");
    let tries = inbox.standin.requests().all().into_iter().filter(|request| request.name == "sendMessage").count();
    assert_eq!((tries, inbox.standin.messages().len()), (2, 1), "refused once, and taken once");

    // The update comes after all, and what is said in the supergroup is said in the same conversation.
    let supergroup = inbox.standin.group_becomes(&ada, &group, -1_001_000_004_001).await;
    assert_eq!(supergroup.status(), Some(200));
    let there = Group::new(-1_001_000_004_001, "Boat club");
    inbox.standin.person_says(&ada, in_group(&there, "Still here")).await;
    inbox.message_when(&conversation, |one| one["text"] == "Still here").await;
    assert_eq!(inbox.conversation().await, conversation, "one chat, one conversation");
    let moves = inbox.thread(&conversation).await.into_iter().filter(|one| one["kind"] == "moved").count();
    assert_eq!(moves, 1, "told twice, it moved once");
    let sent = inbox.say(&conversation, &json!({ "text": "So are we" })).await;
    inbox.comes_to(&conversation, &sent, "sent").await;
    let tries = inbox.standin.requests().all().into_iter().filter(|request| request.name == "sendMessage").count();
    assert_eq!(tries, 3, "it went to the right place at once");
}

/// Links a group of the staff's, and waits until it is told so.
pub(crate) async fn link(inbox: &Inbox<Telegram>, who: &Person, group: &Group) {
    let path = format!("/api/v1/channel-accounts/{}/staff-chats", inbox.account);
    let code: Value = inbox.admin.post(&path, &json!({})).await.json().await.unwrap();
    inbox.standin.person_says(who, in_group(group, code["command"].as_str().unwrap())).await;
    let welcome = |sent: &trunkline_providers::telegram::Sent| {
        sent.chat_id == group.id && sent.parameters["text"].as_str().unwrap().contains("is linked to")
    };
    inbox.standin.sent().find(SOON, welcome).await.unwrap();
}

#[tokio::test]
async fn a_group_of_the_staffs_that_became_a_supergroup_stays_linked() {
    let inbox = Inbox::telegram(json!({})).await;
    let (olga, group) = (Person::new(7_002, "Olga"), Group::new(-4_002, "Desk"));
    link(&inbox, &olga, &group).await;
    inbox.standin.set_migrated(group.id, -1_001_000_004_002);
    inbox.standin.person_says(&olga, in_group(&group, "/help")).await;
    let answer = |sent: &trunkline_providers::telegram::Sent| sent.chat_id == -1_001_000_004_002;
    let answer = inbox.standin.sent().find(SOON, answer).await.unwrap();
    assert!(answer.parameters["text"].as_str().unwrap().contains("/stats"), "{answer:?}");
    let path = format!("/api/v1/channel-accounts/{}/staff-chats", inbox.account);
    let chats = inbox.admin.get_json(&path).await;
    assert_eq!((chats["items"].as_array().unwrap().len(), &chats["items"][0]["chat"]), (1, &json!("-1001000004002")));
    assert_eq!(chats["items"][0]["title"], "Desk");

    // By an update, before anything is said there.
    let other = Group::new(-4_003, "Night shift");
    link(&inbox, &olga, &other).await;
    inbox.standin.group_becomes(&olga, &other, -1_001_000_004_003).await;
    inbox
        .until("the second one has moved", async || {
            inbox.admin.get_json(&path).await["items"][1]["chat"] == "-1001000004003"
        })
        .await;
    assert!(inbox.conversations().await.is_empty(), "the staff's groups are no customers");
    let gone = inbox.admin.request(Method::DELETE, &format!("{path}/-1001000004003")).send().await.unwrap();
    assert_eq!(gone.status(), 204);
}

#[tokio::test]
async fn a_pressed_button_is_answered_once_and_shown_as_what_was_chosen() {
    let inbox = Inbox::telegram(json!({})).await;
    let ada = Person::new(7_003, "Ada");
    inbox.standin.person_says(&ada, Says::text("When are you open?")).await;
    let conversation = inbox.conversation().await;
    let choices = json!([{ "title": "Today", "payload": "day:0" }, { "title": "Tomorrow", "payload": "day:1" }]);
    inbox.say(&conversation, &json!({ "text": "For which day?", "choices": choices })).await;
    let asked = inbox.standin.next_message(SOON).await.unwrap();

    let press = inbox.standin.person_presses(&ada, ada.id, asked.message_id, "day:1").await;
    let query = press.update["callback_query"]["id"].as_str().unwrap().to_owned();
    inbox.until("the button spins no more", async || inbox.standin.pressed(&query).is_some()).await;
    let chosen = inbox.message_when(&conversation, |one| one["kind"] == "choice").await;
    assert_eq!((&chosen["text"], &chosen["content"]["payload"]), (&json!("Tomorrow"), &json!("day:1")));

    // The same update once more.
    let again = inbox.standin.post_of(&press.update);
    let path = again.url.replace(crate::support::standins::PUBLIC, &inbox.app.url(""));
    let mut request = inbox.app.client.post(path).body(again.body);
    for (name, value) in again.headers {
        request = request.header(name, value);
    }
    assert_eq!(request.send().await.unwrap().status(), 200);

    // A server that wants to be left alone for a moment gets the answer after it.
    let answers = || inbox.standin.requests().all().into_iter().filter(|one| one.name == "answerCallbackQuery").count();
    inbox.standin.faults().add("answerCallbackQuery", 1, trunkline_providers::Fault::TooMany { retry_after: 1 });
    let press = inbox.standin.person_presses(&ada, ada.id, asked.message_id, "day:0").await;
    let query = press.update["callback_query"]["id"].as_str().unwrap().to_owned();
    inbox.until("the second one is answered", async || inbox.standin.pressed(&query).is_some()).await;
    assert_eq!(answers(), 3, "the first once though it was told twice, the second at the second attempt");

    // One that the provider has forgotten is not tried again.
    inbox.standin.faults().add("answerCallbackQuery", 1, trunkline_providers::Fault::Refuse { code: 400 });
    inbox.standin.person_presses(&ada, ada.id, asked.message_id, "day:1").await;
    inbox.until("it was tried", async || answers() == 4).await;
    let left = async || {
        let jobs: i64 = sqlx::query_scalar("SELECT count(*) FROM jobs WHERE kind = 'press.answer' AND state <> 'done'")
            .fetch_one(&mut inbox.app.owner().await)
            .await
            .unwrap();
        jobs
    };
    inbox.until("nothing is left to be done", async || left().await == 0).await;
    assert_eq!(answers(), 4);
}
