//! Messages from outside reach the inbox, and answers reach the customer: over each channel, with its provider's stand-in.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trunkline_providers::telegram::{Person, Says as TelegramSays};
use trunkline_providers::twilio::Said;
use trunkline_providers::whatsapp::{Customer, Says, StatusTold};
use trunkline_providers::{Fault, Standin as _};
use trunkline_tests::inbox::{message_when, messages, say, telegram, twilio, whatsapp};
use trunkline_tests::{Api, EventStream, Scene, eventually, run, shared_stack};

const SOON: Duration = Duration::from_secs(20);
/// A PNG of one pixel.
const PIXEL: &[u8] = &[
    137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 1, 0, 0, 0, 1, 8, 6, 0, 0, 0, 31, 21, 196,
    137, 0, 0, 0, 13, 73, 68, 65, 84, 120, 156, 99, 250, 207, 0, 0, 0, 2, 7, 1, 2, 154, 28, 49, 113, 0, 0, 0, 0, 73,
    69, 78, 68, 174, 66, 96, 130,
];

/// The conversation of the next message that comes.
async fn received(stream: &mut EventStream) -> Result<(String, String)> {
    let seen = stream.wait_kind("message.received", None).await?;
    let text = |name: &str| seen.event["data"][name].as_str().map(str::to_owned).context(name.to_owned());
    Ok((text("conversation_id")?, text("message_id")?))
}

fn texts(messages: &[Value], direction: &str) -> Vec<String> {
    let wanted = messages.iter().filter(|message| message["direction"] == direction);
    wanted.filter_map(|message| message["text"].as_str().map(str::to_owned)).collect()
}

#[test]
fn a_whatsapp_message_is_answered_and_its_ticks_are_shown() {
    run(async {
        let stack = shared_stack().await?;
        let scene = Scene::new(stack, 1).await?;
        let (standin, account) = whatsapp(&scene, json!({})).await?;
        let agent = &scene.agents[0].api;
        let mut stream = EventStream::next_only(agent).await?;
        let ada = Customer::new("491700000001", "Ada");
        let told = standin.customer_says(&ada, Says::text("Is it ready?")).await?;
        ensure!(told.answer.is_success(), "{told:?}");
        let (conversation, message) = received(&mut stream).await?;
        let line = agent.get(&format!("/conversations/{conversation}")).await?;
        assert_eq!(line["contact"]["name"], "Ada");
        assert_eq!((&line["channel"], &line["state"]), (&json!("whatsapp"), &json!("open")));
        assert_eq!(line["account_id"], json!(account.id));
        assert!(line["waiting_since"].is_string(), "{line}");

        // The same thing once more changes nothing.
        let mut again = trunkline_providers::whatsapp::Said::from(Says::text("Is it ready?"));
        again.id = Some(told.id.clone());
        standin.customer_says(&ada, again).await?;
        standin.customer_says(&ada, Says::text("Hello?")).await?;
        let (_, second) = received(&mut stream).await?;
        let all = messages(agent, &conversation).await?;
        assert_eq!(texts(&all, "in"), ["Is it ready?", "Hello?"]);
        assert_ne!(message, second);

        let sent = say(agent, &conversation, "It is, come by.").await?;
        let taken = standin.next_message(SOON).await?;
        assert_eq!(taken.body["text"]["body"], "It is, come by.");
        assert_eq!(taken.to, "491700000001");
        let id = sent["id"].as_str().context("id")?;
        message_when(agent, &conversation, id, |message| message["state"] == "sent").await?;
        // Out of order: what was read was delivered before.
        for told in [StatusTold::Read, StatusTold::Delivered] {
            standin.status(&taken.id, told).await?;
        }
        message_when(agent, &conversation, id, |message| message["state"] == "read").await?;
        let line = agent.get(&format!("/conversations/{conversation}")).await?;
        assert!(line["waiting_since"].is_null(), "{line}");
        Ok(())
    });
}

#[test]
fn a_picture_is_fetched_though_the_provider_fails_at_first() {
    run(async {
        let stack = shared_stack().await?;
        let scene = Scene::new(stack, 1).await?;
        let (standin, _) = whatsapp(&scene, json!({})).await?;
        let agent = &scene.agents[0].api;
        let mut stream = EventStream::next_only(agent).await?;
        let file = standin.add_file("image/png", None, PIXEL);
        let failing = || Fault::Answer {
            status: 503,
            body: Value::Null,
            headers: std::collections::BTreeMap::default(),
            done: false,
        };
        standin.faults().add("media.download", 1, failing());
        standin.faults().add("media.find", 1, failing());
        let ada = Customer::new("491700000002", "Ada");
        standin.customer_says(&ada, Says::Image { file, caption: Some("Look".to_owned()) }).await?;
        let (conversation, message) = received(&mut stream).await?;
        let limit = Duration::from_mins(1);
        let picture = eventually(limit, async || {
            let all = messages(agent, &conversation).await?;
            let found = all.into_iter().find(|one| one["id"] == json!(message)).context("the message")?;
            ensure!(found["attachments"][0]["state"] == "stored", "{found}");
            Ok(found["attachments"][0].clone())
        })
        .await?;
        assert_eq!(picture["mime"], "image/png");
        let id = picture["id"].as_str().context("id")?;
        let file = agent.request(Method::GET, &format!("/attachments/{id}")).send().await?;
        assert_eq!(file.status(), StatusCode::OK);
        assert_eq!(file.headers()["x-content-type-options"], "nosniff");
        assert_eq!(file.bytes().await?.as_ref(), PIXEL);
        Ok(())
    });
}

#[test]
fn a_telegram_chat_goes_both_ways_and_a_pause_is_obeyed() {
    run(async {
        let stack = shared_stack().await?;
        let scene = Scene::new(stack, 1).await?;
        let (standin, _) = telegram(&scene, json!({})).await?;
        let agent = &scene.agents[0].api;
        let mut stream = EventStream::next_only(agent).await?;
        let bo = Person::new(7_001, "Bo");
        standin.person_says(&bo, TelegramSays::text("Is anybody there?")).await;
        let (conversation, _) = received(&mut stream).await?;
        let line = agent.get(&format!("/conversations/{conversation}")).await?;
        assert_eq!((&line["channel"], &line["contact"]["name"]), (&json!("telegram"), &json!("Bo")));
        standin.faults().add("sendMessage", 1, Fault::TooMany { retry_after: 1 });
        let sent = say(agent, &conversation, "Yes").await?;
        let taken = standin.next_message(SOON).await?;
        assert_eq!((taken.chat_id, &taken.parameters["text"]), (7_001, &json!("Yes")));
        message_when(agent, &conversation, sent["id"].as_str().context("id")?, |one| one["state"] == "sent").await?;
        let asked: Vec<_> =
            standin.requests().all().into_iter().filter(|request| request.name == "sendMessage").collect();
        assert_eq!(asked.len(), 2, "{asked:?}");
        assert!(asked[1].at - asked[0].at >= chrono::TimeDelta::seconds(1), "asked again too soon: {asked:?}");
        Ok(())
    });
}

#[test]
fn an_sms_that_may_have_been_sent_is_looked_for_and_never_sent_twice() {
    run(async {
        let stack = shared_stack().await?;
        let scene = Scene::new(stack, 1).await?;
        let (standin, _) = twilio(&scene, json!({})).await?;
        let agent = &scene.agents[0].api;
        let mut stream = EventStream::next_only(agent).await?;
        let told = standin.person_says("+15557650001", Said::text("Where are you?")).await?;
        ensure!(told.answer.is_success(), "{told:?}");
        let (conversation, _) = received(&mut stream).await?;
        standin.faults().add("messages.send", 1, Fault::NeverAnswer { hang: false });
        let sent = say(agent, &conversation, "At the harbour").await?;
        let taken = standin.next_message(SOON).await?;
        ensure!(!taken.answered);
        let id = sent["id"].as_str().context("id")?;
        let settled = Duration::from_mins(1);
        eventually(settled, async || {
            let all = messages(agent, &conversation).await?;
            let found = all.iter().find(|one| one["id"] == json!(id)).context("the message")?;
            ensure!(["sent", "delivered"].contains(&found["state"].as_str().unwrap_or_default()), "{found}");
            Ok(())
        })
        .await?;
        assert_eq!(standin.messages().len(), 1, "it was sent twice");
        Ok(())
    });
}

#[test]
fn what_may_have_been_sent_is_sent_again_by_a_person_alone() {
    run(async {
        let stack = shared_stack().await?;
        let scene = Scene::new(stack, 1).await?;
        let (standin, _) = telegram(&scene, json!({})).await?;
        let agent = &scene.agents[0].api;
        let mut stream = EventStream::next_only(agent).await?;
        let bo = Person::new(7_002, "Bo");
        standin.person_says(&bo, TelegramSays::text("Hello")).await;
        let (conversation, _) = received(&mut stream).await?;
        standin.faults().add("sendMessage", 1, Fault::NeverAnswer { hang: false });
        let sent = say(agent, &conversation, "Good morning").await?;
        let id = sent["id"].as_str().context("id")?.to_owned();
        message_when(agent, &conversation, &id, |one| one["state"] == "uncertain").await?;
        assert_eq!(standin.messages().len(), 1);
        agent.send(Method::POST, &format!("/messages/{id}/resend"), &json!({})).await?;
        message_when(agent, &conversation, &id, |one| one["state"] == "sent").await?;
        assert_eq!(standin.messages().len(), 2, "a person asked for it");
        Ok(())
    });
}

#[test]
fn after_a_day_only_a_template_goes_to_whatsapp() {
    run(async {
        let stack = shared_stack().await?;
        let scene = Scene::new(stack, 1).await?;
        let (standin, _) = whatsapp(&scene, json!({})).await?;
        let agent = &scene.agents[0].api;
        let mut stream = EventStream::next_only(agent).await?;
        let ada = Customer::new("491700000003", "Ada");
        let mut said = trunkline_providers::whatsapp::Said::from(Says::text("Hello"));
        said.at = Some(chrono::Utc::now() - chrono::TimeDelta::hours(25));
        standin.customer_says(&ada, said).await?;
        let (conversation, _) = received(&mut stream).await?;
        let line = agent.get(&format!("/conversations/{conversation}")).await?;
        assert_eq!(line["window"]["open"], false, "{line}");
        let refused = post(agent, &conversation, &json!({ "text": "Good morning" })).await?;
        assert_eq!(refused.0, StatusCode::CONFLICT);
        assert_eq!(refused.1["code"], "window-closed", "{}", refused.1);
        assert!(standin.messages().is_empty());
        Ok(())
    });
}

async fn post(api: &Api, conversation: &str, body: &Value) -> Result<(StatusCode, Value)> {
    let path = format!("/conversations/{conversation}/messages");
    let answer = api.request(Method::POST, &path).json(body).send().await?;
    Ok((answer.status(), answer.json().await?))
}
