//! Accounts at stand-ins of their providers: what a check finds, how bots receive, and what becomes of messages while an account is away.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use trunkline_providers::telegram::{self, Person, Says, Telegram};
use trunkline_providers::twilio::{self, Said, Twilio};
use trunkline_providers::whatsapp::{self, WhatsApp};
use trunkline_providers::{Fault, Standin as _};

use crate::support::standins::{
    Inbox, PUBLIC, SOON, connect, reachable, telegram_settings, twilio_settings, until, whatsapp_settings,
};
use crate::support::{App, Options, User};

/// Nobody answers on the discard port.
const AWAY: &str = "http://127.0.0.1:9";

async fn check(admin: &User, account: &str) -> Value {
    let path = format!("/api/v1/channel-accounts/{account}/check");
    let answer = admin.post(&path, &json!({})).await;
    assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
    answer.json().await.unwrap()
}

/// A new or changed account is checked by a job, which would run into what a test has in mind for its own check.
async fn checked_by_itself(admin: &User) {
    until("the job that checks a new or changed account is done", async || {
        let jobs = admin.get_json("/api/v1/jobs?kind=channel.connect").await;
        jobs["items"].as_array().unwrap().iter().all(|job| job["state"] == "done")
    })
    .await;
}

fn found<'a>(checked: &'a Value, what: &str) -> &'a Value {
    let findings = checked["findings"].as_array().unwrap();
    findings.iter().find(|one| one["what"] == what).unwrap_or_else(|| panic!("{what} in {checked}"))
}

async fn read(admin: &User, account: &str) -> Value {
    admin.get_json(&format!("/api/v1/channel-accounts/{account}")).await
}

async fn change(admin: &User, account: &str, body: &Value) {
    let path = format!("/api/v1/channel-accounts/{account}");
    let answer = admin.request(Method::PATCH, &path).json(body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
}

#[tokio::test]
async fn a_check_says_what_is_wrong_and_a_good_one_that_nothing_is() {
    let app = reachable(Vec::new()).await;
    let admin = app.admin().await;
    let meta = WhatsApp::start(whatsapp::Options::default()).await.unwrap();
    meta.reach(PUBLIC, app.url(""));
    let mut settings = whatsapp_settings(&meta);
    settings["access_token"] = "EAAwrong".into();
    let number = connect(&admin, "whatsapp", &settings).await;
    checked_by_itself(&admin).await;
    let checked = check(&admin, &number).await;
    assert_eq!((&checked["good"], &found(&checked, "token")["good"]), (&json!(false), &json!(false)), "{checked}");
    let health = read(&admin, &number).await["health"].clone();
    assert_eq!((&health["problem"]["what"], &health["problem"]["level"]), (&json!("account"), &json!("stopped")));
    change(&admin, &number, &json!({ "settings": { "access_token": meta.options().access_token } })).await;
    checked_by_itself(&admin).await;
    let checked = check(&admin, &number).await;
    assert_eq!(found(&checked, "token")["good"], true, "{checked}");
    assert!(read(&admin, &number).await["health"]["problem"].is_null(), "a token that is good again");

    // Meta does not take the webhook: the rest is well.
    meta.faults().add("subscribed_apps", 1, Fault::Refuse { code: 10 });
    let checked = check(&admin, &number).await;
    assert_eq!((&checked["good"], &found(&checked, "token")["good"]), (&json!(false), &json!(true)), "{checked}");
    let webhook = found(&checked, "webhook");
    assert!(webhook["good"] == false && webhook["detail"].as_str().unwrap().contains("dashboard"), "{webhook}");
    assert_eq!(check(&admin, &number).await["good"], true);

    // A provider that is away is no fault of the account's, and it is well when the provider is back.
    meta.faults().add("number.get", 1, Fault::Drop);
    meta.faults().add("object", 1, Fault::Drop);
    let checked = check(&admin, &number).await;
    assert!(found(&checked, "token")["detail"].as_str().unwrap().contains("cannot be reached"), "{checked}");
    let health = read(&admin, &number).await["health"].clone();
    assert_eq!((&health["problem"]["what"], &health["problem"]["level"]), (&json!("provider"), &json!("warning")));
    meta.faults().clear();
    assert_eq!(check(&admin, &number).await["good"], true);
    assert!(read(&admin, &number).await["health"]["problem"].is_null());

    let telegram = Telegram::start(telegram::Options::default()).await.unwrap();
    let mut settings = telegram_settings(&telegram);
    settings["bot_token"] = "1234567:AAwrong".into();
    let bot = connect(&admin, "telegram", &settings).await;
    checked_by_itself(&admin).await;
    let checked = check(&admin, &bot).await;
    assert_eq!((&checked["good"], &found(&checked, "token")["good"]), (&json!(false), &json!(false)), "{checked}");
    change(&admin, &bot, &json!({ "settings": telegram_settings(&telegram) })).await;
    checked_by_itself(&admin).await;
    assert!(telegram.secret_token().is_some(), "the bot is known");
    telegram.faults().add("setWebhook", 1, Fault::Refuse { code: 400 });
    let checked = check(&admin, &bot).await;
    assert_eq!((&found(&checked, "token")["good"], &found(&checked, "webhook")["good"]), (&json!(true), &json!(false)));
    assert_eq!(check(&admin, &bot).await["good"], true);

    let carrier = Twilio::start(twilio::Options::default()).await.unwrap();
    let mut settings = twilio_settings(&carrier);
    settings["auth_token"] = "wrong".into();
    let sender = connect(&admin, "twilio", &settings).await;
    let checked = check(&admin, &sender).await;
    assert_eq!((&checked["good"], &found(&checked, "token")["good"]), (&json!(false), &json!(false)), "{checked}");
    settings["api_base"] = AWAY.into();
    change(&admin, &sender, &json!({ "settings": settings })).await;
    let checked = check(&admin, &sender).await;
    assert!(found(&checked, "token")["detail"].as_str().unwrap().contains("cannot be reached"), "{checked}");
}

#[tokio::test]
async fn a_number_whose_public_address_is_not_https_is_told_so() {
    let app = App::start_with(Options { works: true, ..Options::default() }).await;
    let admin = app.admin().await;
    let meta = WhatsApp::start(whatsapp::Options::default()).await.unwrap();
    let number = connect(&admin, "whatsapp", &whatsapp_settings(&meta)).await;
    let checked = check(&admin, &number).await;
    assert!(found(&checked, "webhook")["detail"].as_str().unwrap().contains("https"), "{checked}");
    assert_eq!((&checked["good"], &found(&checked, "token")["good"]), (&json!(false), &json!(true)));
}

#[tokio::test]
async fn only_who_knows_the_secret_of_a_bots_webhook_is_believed() {
    let inbox = Inbox::telegram(json!({})).await;
    let secret = inbox.standin.secret_token().unwrap();
    let post = async |secret: Option<&str>, id: i64| {
        let update = json!({ "update_id": id, "message": { "message_id": id, "date": chrono::Utc::now().timestamp(),
            "from": { "id": 71, "is_bot": false, "first_name": "Eve" }, "chat": { "id": 71, "type": "private" },
            "text": format!("Message {id}") } });
        let path = inbox.app.url(&format!("/webhooks/telegram/{}", inbox.account));
        let mut request = inbox.app.client.post(path).json(&update);
        if let Some(secret) = secret {
            request = request.header("x-telegram-bot-api-secret-token", secret);
        }
        request.send().await.unwrap().status()
    };
    assert_eq!(post(None, 1).await, StatusCode::UNAUTHORIZED);
    assert_eq!(post(Some("wrong"), 2).await, StatusCode::UNAUTHORIZED);
    assert_eq!(post(Some(&secret[..secret.len() - 1]), 3).await, StatusCode::UNAUTHORIZED);
    assert_eq!(post(Some(&secret), 4).await, StatusCode::OK);
    let conversation = inbox.conversation().await;
    let came = inbox.message_when(&conversation, |one| one["direction"] == "in").await;
    assert_eq!(came["text"], "Message 4");
    let stored = inbox.admin.get_json("/api/v1/inbound-webhooks").await;
    assert_eq!(stored["items"].as_array().unwrap().len(), 1, "what was refused is not stored");

    // Removed, it is not posted to us any more.
    let path = format!("/api/v1/channel-accounts/{}", inbox.account);
    assert_eq!(inbox.admin.request(Method::DELETE, &path).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    inbox.until("the webhook is gone", async || inbox.standin.secret_token().is_none()).await;
    assert_eq!(post(Some(&secret), 5).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_bot_is_asked_where_nobody_can_post_to_us_and_posts_where_it_can() {
    let standin = Telegram::start(telegram::Options::default()).await.unwrap();
    let open = reachable(Vec::new()).await;
    standin.reach(PUBLIC, open.url(""));
    let admin = open.admin().await;
    let bot = connect(&admin, "telegram", &telegram_settings(&standin)).await;
    until("the webhook is set", async || standin.secret_token().is_some()).await;
    until("it is known to be", async || read(&admin, &bot).await["health"]["webhook"] == "verified").await;
    let ada = Person::new(7_050, "Ada");
    assert_eq!(standin.person_says(&ada, Says::text("One")).await.status(), Some(200));

    // The same bot at an edge that nobody reaches: the webhook is deleted, and it is asked.
    let closed = App::start_with(Options { works: true, ..Options::default() }).await;
    let cancel = CancellationToken::new();
    let polling = tokio::spawn(trunkline::channels::poll(closed.state.clone(), cancel.clone()));
    let other = closed.admin().await;
    let there = connect(&other, "telegram", &telegram_settings(&standin)).await;
    until("the webhook is deleted", async || standin.secret_token().is_none()).await;
    standin.requests().find(SOON, |request| request.name == "getUpdates").await.unwrap();
    assert_eq!(standin.person_says(&ada, Says::text("Two")).await.status(), None);
    let texts = async |user: &User| {
        let list = user.get_json("/api/v1/conversations").await;
        list["items"].as_array().unwrap().iter().map(|one| one["last"]["text"].clone()).collect::<Vec<_>>()
    };
    until("it is fetched", async || texts(&other).await == [json!("Two")]).await;
    assert_eq!(read(&other, &there).await["health"]["webhook"], "polling");
    cancel.cancel();
    polling.await.unwrap();

    // And back.
    assert_eq!(check(&admin, &bot).await["good"], true);
    assert!(standin.secret_token().is_some());
    assert_eq!(standin.person_says(&ada, Says::text("Three")).await.status(), Some(200));
    until("it is posted", async || texts(&admin).await == [json!("Three")]).await;
}

#[tokio::test]
async fn what_is_on_its_way_over_an_account_that_is_switched_off_fails_and_can_be_sent_later() {
    let inbox = Inbox::twilio(json!({})).await;
    inbox.standin.person_says("+15557650021", Said::text("Hello")).await.unwrap();
    let conversation = inbox.conversation().await;
    let sent = inbox.say(&conversation, &json!({ "text": "Good morning" })).await;
    inbox.change(&json!({ "enabled": false })).await;
    let failed = inbox.comes_to(&conversation, &sent, "failed").await;
    assert_eq!((&failed["failure"]["why"], &failed["failure"]["retry"]), (&json!("account"), &json!(true)));
    assert!(inbox.standin.messages().is_empty());
    // What they write meanwhile is kept.
    inbox.standin.person_says("+15557650021", Said::text("Anybody?")).await.unwrap();
    inbox.message_when(&conversation, |one| one["text"] == "Anybody?").await;

    inbox.change(&json!({ "enabled": true })).await;
    let retry = format!("/api/v1/messages/{}/retry", sent["id"].as_str().unwrap());
    assert_eq!(inbox.admin.post(&retry, &Value::Null).await.status(), StatusCode::OK);
    inbox.comes_to(&conversation, &sent, "sent").await;
    assert_eq!(inbox.standin.messages().len(), 1);
}

#[tokio::test]
async fn what_is_on_its_way_over_an_account_that_is_removed_fails_and_its_conversation_stays() {
    let inbox = Inbox::twilio(json!({})).await;
    inbox.standin.person_says("+15557650022", Said::text("Hello")).await.unwrap();
    let conversation = inbox.conversation().await;
    let sent = inbox.say(&conversation, &json!({ "text": "Good morning" })).await;
    let path = format!("/api/v1/channel-accounts/{}", inbox.account);
    assert_eq!(inbox.admin.request(Method::DELETE, &path).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    let failed = inbox.comes_to(&conversation, &sent, "failed").await;
    assert_eq!(failed["failure"]["why"], "account", "{failed}");
    assert!(inbox.standin.messages().is_empty());
    let told = inbox.standin.person_says("+15557650022", Said::text("Anybody?")).await.unwrap();
    assert_eq!(told.answer.status, 404);
    let texts: Vec<Value> = inbox.thread(&conversation).await.iter().map(|one| one["text"].clone()).collect();
    assert_eq!(texts, [json!("Hello"), json!("Good morning")]);
    let path = format!("/api/v1/conversations/{conversation}/messages");
    assert!(inbox.admin.post(&path, &json!({ "text": "?" })).await.status().is_client_error());
}

#[tokio::test]
async fn an_account_that_failed_is_well_again_once_a_message_is_taken() {
    let inbox = Inbox::twilio(json!({})).await;
    inbox.standin.person_says("+15557650023", Said::text("Hello")).await.unwrap();
    let conversation = inbox.conversation().await;
    inbox.standin.faults().add("messages.send", 1, Fault::Refuse { code: 20_003 });
    let sent = inbox.say(&conversation, &json!({ "text": "Good morning" })).await;
    let failed = inbox.comes_to(&conversation, &sent, "failed").await;
    assert_eq!(failed["failure"]["why"], "account", "{failed}");
    inbox.until("it is told", async || inbox.account().await["health"]["problem"]["what"] == "account").await;
    let again = inbox.say(&conversation, &json!({ "text": "Good morning!" })).await;
    inbox.comes_to(&conversation, &again, "sent").await;
    inbox.until("it is well", async || inbox.account().await["health"]["problem"].is_null()).await;

    let metrics = inbox.app.client.get(inbox.app.url("/metrics")).send().await.unwrap().text().await.unwrap();
    for line in [
        r#"trunkline_messages_total{channel="sms",direction="in",result="received"} 1"#,
        r#"trunkline_messages_total{channel="sms",direction="out",result="sent"} 1"#,
        r#"trunkline_messages_total{channel="sms",direction="out",result="failed"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
}

#[tokio::test]
async fn who_writes_for_the_first_time_or_out_of_hours_is_answered_once() {
    let closed = json!({ "time_zone": "Europe/Rome", "week": [] });
    let inbox = Inbox::twilio(json!({ "greeting": "Welcome", "out_of_hours": "We sleep", "hours": closed })).await;
    let ada = "+15557650024";
    for text in ["Hello", "Hello?", "Anybody?"] {
        inbox.standin.person_says(ada, Said::text(text)).await.unwrap();
    }
    let conversation = inbox.conversation().await;
    inbox.message_when(&conversation, |one| one["text"] == "Anybody?").await;
    inbox.standin.sent().at_least(2, SOON).await.unwrap();
    let said = || inbox.standin.messages().into_iter().map(|one| one.body).collect::<Vec<_>>();
    assert_eq!(said(), ["Welcome", "We sleep"]);
    // It does not count as an answer: they wait still.
    let line = inbox.admin.get_json(&format!("/api/v1/conversations/{conversation}")).await;
    assert!(line["waiting_since"].is_string() && line["first_reply_at"].is_null(), "{line}");

    // A new conversation with whom we know: nobody is greeted twice, and we sleep still.
    inbox.change(&json!({ "settings": { "reopen_hours": 0 } })).await;
    let resolve = format!("/api/v1/conversations/{conversation}/resolve");
    assert!(inbox.admin.post(&resolve, &Value::Null).await.status().is_success());
    inbox.standin.person_says(ada, Said::text("Good morning")).await.unwrap();
    inbox.standin.sent().at_least(3, SOON).await.unwrap();
    assert_ne!(inbox.conversation().await, conversation);
    assert_eq!(said(), ["Welcome", "We sleep", "We sleep"]);
    // Nothing else is on its way.
    let waiting = async || {
        let jobs = inbox.admin.get_json("/api/v1/jobs?kind=message.send&limit=200").await;
        jobs["items"].as_array().unwrap().iter().filter(|job| job["state"] != "done").count()
    };
    inbox.until("all is said", async || waiting().await == 0).await;
    assert_eq!(inbox.standin.messages().len(), 3);
}
