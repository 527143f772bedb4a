//! Groups of the staff's at Telegram: linked with a code, told what goes wrong, asked for figures; and nobody else's.

use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::{Value, json};
use trunkline_db::ChannelAccountId;
use trunkline_providers::telegram::{Group, Person, Said, Says, Sent, Telegram};
use trunkline_providers::{Fault, Standin as _};

use crate::conversations::hear_from;
use crate::support::standins::{Inbox, SOON, connect, twilio_settings};
use crate::telegram::link;

fn in_group(group: &Group, text: &str) -> Said {
    Said { group: Some(group.clone()), ..Said::from(Says::text(text)) }
}

/// Waits until the group is told this.
async fn told(inbox: &Inbox<Telegram>, group: &Group, words: &str) -> String {
    let text = |sent: &Sent| sent.parameters["text"].as_str().unwrap_or_default().to_owned();
    let fits = |sent: &Sent| sent.chat_id == group.id && text(sent).contains(words);
    let found = inbox.standin.sent().find(SOON, fits).await;
    let all = || inbox.standin.messages().iter().map(text).collect::<Vec<_>>();
    text(&found.unwrap_or_else(|_| panic!("{words:?} not in {:#?}", all())))
}

fn count(inbox: &Inbox<Telegram>, words: &str) -> usize {
    let all = inbox.standin.messages();
    all.iter().filter(|sent| sent.parameters["text"].as_str().unwrap_or_default().contains(words)).count()
}

async fn hears(inbox: &Inbox<Telegram>, who: i64, text: &str, ago: TimeDelta) {
    let account: ChannelAccountId = inbox.account.parse().unwrap();
    hear_from(&inbox.app, account, who, 1, text, ago).await;
}

#[tokio::test]
async fn a_group_is_linked_with_a_code_and_nobody_elses_is_served() {
    let inbox = Inbox::telegram(json!({})).await;
    let (olga, desk) = (Person::new(7_010, "Olga"), Group::new(-4_010, "Desk"));
    let path = format!("/api/v1/channel-accounts/{}/staff-chats", inbox.account);
    let welcome = "is linked to";
    // A group that nobody linked is a customer's: it is answered nothing, and asks in vain.
    let stranger = Group::new(-4_011, "Strangers");
    inbox.standin.person_says(&olga, in_group(&stranger, "/stats")).await;
    inbox.until("it is a chat", async || inbox.conversations().await.len() == 1).await;
    inbox.standin.person_says(&olga, in_group(&stranger, "/stats never")).await;
    inbox.standin.person_says(&olga, in_group(&stranger, "/mute leads")).await;
    inbox.standin.person_says(&olga, in_group(&stranger, "/link AAAABBBBCCCC")).await;
    told(&inbox, &stranger, "not good any more").await;
    assert_eq!(inbox.standin.messages().len(), 1, "nothing but that is answered there");
    assert!(inbox.admin.get_json(&path).await["items"].as_array().unwrap().is_empty());
    // In a chat of two a code links nothing.
    let code: Value = inbox.admin.post(&path, &json!({})).await.json().await.unwrap();
    inbox.standin.person_says(&olga, Says::text(code["command"].as_str().unwrap())).await;
    inbox.until("it is shown as what a customer wrote", async || inbox.conversations().await.len() == 2).await;
    assert!(inbox.admin.get_json(&path).await["items"].as_array().unwrap().is_empty());

    link(&inbox, &olga, &desk).await;
    let linked = inbox.admin.get_json(&path).await;
    assert_eq!((&linked["items"][0]["chat"], &linked["items"][0]["title"]), (&json!("-4010"), &json!("Desk")));
    let before = inbox.conversations().await.len();
    inbox.standin.person_says(&olga, in_group(&desk, "Lunch?")).await;
    inbox.standin.person_says(&olga, in_group(&desk, "/stats week")).await;
    let figures = told(&inbox, &desk, "Figures of the last 7 days").await;
    assert!(figures.contains("Chats: 2 (0 resolved)") && figures.contains("Now: 2 waiting"), "{figures}");
    inbox.standin.person_says(&olga, in_group(&desk, "/stats never")).await;
    told(&inbox, &desk, "/stats [today|yesterday|week|month]").await;
    inbox.standin.person_says(&olga, in_group(&desk, "/leads 5")).await;
    let leads = told(&inbox, &desk, "New leads\n1. ").await;
    assert!(leads.contains("Olga") && leads.contains("Telegram"), "{leads}");
    assert_eq!(inbox.conversations().await.len(), before, "what the staff say is no customer's");

    inbox.standin.person_says(&olga, in_group(&desk, "/unlink")).await;
    told(&inbox, &desk, "not linked any more").await;
    assert!(inbox.admin.get_json(&path).await["items"].as_array().unwrap().is_empty());
    assert_eq!(count(&inbox, welcome), 1);
}

#[tokio::test]
async fn a_linked_group_is_told_what_goes_wrong_and_can_say_what_it_does_not_want() {
    let inbox = Inbox::telegram(json!({ "csat": true })).await;
    let (olga, desk) = (Person::new(7_020, "Olga"), Group::new(-4_020, "Desk"));
    link(&inbox, &olga, &desk).await;

    // Somebody new.
    inbox.standin.person_says(&Person::new(7_021, "Ada"), Says::text("Do you rent boats?")).await;
    let lead = told(&inbox, &desk, "New lead: Ada").await;
    assert!(lead.contains("Do you rent boats?"), "{lead}");
    let conversation = inbox.conversation().await;
    assert!(lead.contains(&format!("/inbox?c={conversation}")), "{lead}");

    // A survey that says what is wrong; one that praises is no news.
    let survey = async |conversation: &str, answer: &str, asked: usize| {
        let resolve = format!("/api/v1/conversations/{conversation}/resolve");
        assert!(inbox.admin.post(&resolve, &Value::Null).await.status().is_success());
        let jobs = inbox.admin.get_json("/api/v1/jobs?kind=csat.ask&state=waiting").await;
        let retry = format!("/api/v1/jobs/{}/retry", jobs["items"][0]["id"].as_str().unwrap());
        assert!(inbox.admin.post(&retry, &Value::Null).await.status().is_success());
        inbox.until("it is asked", async || count(&inbox, "/csat/") == asked).await;
        let texts = inbox.standin.messages();
        let asked = texts.iter().rev().find(|sent| sent.parameters["text"].as_str().unwrap().contains("/csat/"));
        let text = asked.unwrap().parameters["text"].as_str().unwrap().to_owned();
        let page = inbox.app.url(&text[text.find("/csat/").unwrap()..]);
        let form = inbox.app.client.post(&page).header("content-type", "application/x-www-form-urlencoded");
        assert_eq!(form.body(answer.to_owned()).send().await.unwrap().status(), StatusCode::OK);
    };
    survey(&conversation, "score=2&comment=Nobody+answered", 1).await;
    let poor = told(&inbox, &desk, "Not content (2 of 5): Ada").await;
    assert!(poor.contains("Nobody answered"), "{poor}");

    // A service level that was missed.
    let policy = json!({ "name": "Quick", "first_reply_minutes": 1 });
    assert_eq!(inbox.admin.post("/api/v1/sla-policies", &policy).await.status(), StatusCode::CREATED);
    hears(&inbox, 7_022, "Anybody?", TimeDelta::minutes(5)).await;
    told(&inbox, &desk, "Too late for first reply").await;

    // Another account of the company's that stops, and works again.
    let twilio = trunkline_providers::twilio::Twilio::start(trunkline_providers::twilio::Options::default());
    let twilio = twilio.await.unwrap();
    twilio.faults().add("account.get", 1, Fault::Refuse { code: 20_003 });
    let account = connect(&inbox.admin, "twilio", &twilio_settings(&twilio)).await;
    told(&inbox, &desk, "twilio of the test has stopped").await;
    let check = format!("/api/v1/channel-accounts/{account}/check");
    let checked: Value = inbox.admin.post(&check, &json!({})).await.json().await.unwrap();
    assert_eq!(checked["good"], true, "{checked}");
    told(&inbox, &desk, "twilio of the test works again").await;

    // Not wanted any more.
    for (topic, answer) in [("leads", "No more news of leads"), ("sla", "No more news of sla")] {
        inbox.standin.person_says(&olga, in_group(&desk, &format!("/mute {topic}"))).await;
        told(&inbox, &desk, answer).await;
    }
    inbox.standin.person_says(&olga, in_group(&desk, "/mute weather")).await;
    told(&inbox, &desk, "/mute [leads|sla|surveys|channels]").await;
    let chats = inbox.admin.get_json(&format!("/api/v1/channel-accounts/{}/staff-chats", inbox.account)).await;
    assert_eq!(chats["items"][0]["muted"], json!(["leads", "sla"]));
    inbox.standin.person_says(&Person::new(7_023, "Bo"), Says::text("Me too")).await;
    inbox
        .until("it is here", async || inbox.conversations().await.iter().any(|one| one["contact"]["name"] == "Bo"))
        .await;
    inbox.standin.person_says(&olga, in_group(&desk, "/unmute leads")).await;
    told(&inbox, &desk, "News of leads come again").await;
    inbox.standin.person_says(&Person::new(7_024, "Cy"), Says::text("And I")).await;
    told(&inbox, &desk, "New lead: Cy").await;
    assert_eq!(count(&inbox, "New lead: Bo"), 0);
}
