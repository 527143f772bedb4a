//! Channel accounts, and what their providers tell: stored before it is answered, applied afterwards.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::platform::{ok, send};
use crate::support::{App, Options, User, problem};

pub(crate) const SECRET: &str = "an-app-secret";

/// Nobody answers on the discard port: the provider is away.
const AWAY: &str = "http://127.0.0.1:9";

async fn working() -> App {
    App::start_with(Options { works: true, ..Options::default() }).await
}

pub(crate) fn whatsapp() -> Value {
    json!({ "type": "whatsapp", "name": "Main number", "settings": {
        "phone_number_id": "106540352242922", "waba_id": "102290129340398", "access_token": "EAAG-token",
        "app_secret": SECRET, "verify_token": "a-verify-token", "api_base": AWAY } })
}

async fn connect(admin: &User, wanted: &Value) -> (String, Value) {
    let account = ok(admin.post("/api/v1/channel-accounts", wanted).await).await;
    (account["id"].as_str().unwrap().to_owned(), account)
}

pub(crate) fn hello(id: &str, text: &str) -> Vec<u8> {
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": "102290129340398", "changes": [{
        "field": "messages", "value": {
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "15550783881", "phone_number_id": "106540352242922" },
            "contacts": [{ "profile": { "name": "Sheena Nelson" }, "wa_id": "16505551234" }],
            "messages": [{ "from": "16505551234", "id": id, "timestamp": "1749416383", "type": "text", "text": { "body": text } }]
        } }] }] })
    .to_string()
    .into_bytes()
}

fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().iter().fold("sha256=".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(crate) async fn tell(app: &App, account: &str, body: Vec<u8>, secret: &str) -> Response {
    let signature = signature(secret, &body);
    let path = app.url(&format!("/webhooks/whatsapp/{account}"));
    app.client.post(path).header("x-hub-signature-256", signature).body(body).send().await.unwrap()
}

async fn stored(admin: &User, query: &str) -> Vec<Value> {
    let list = admin.get_json(&format!("/api/v1/inbound-webhooks?{query}")).await;
    list["items"].as_array().unwrap().clone()
}

/// Waits until everything that was stored has been applied, one way or another.
async fn settled(admin: &User, account: &str) -> Vec<Value> {
    let looking = async {
        loop {
            let rows = stored(admin, &format!("account_id={account}")).await;
            if !rows.is_empty() && rows.iter().all(|row| row["state"] != "received") {
                return rows;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), looking).await.expect("everything is applied")
}

#[tokio::test]
async fn secrets_are_shown_to_nobody() {
    let app = App::start().await;
    let admin = app.admin().await;
    let (id, account) = connect(&admin, &whatsapp()).await;
    assert!(account["webhook_url"].as_str().unwrap().ends_with(&format!("/webhooks/whatsapp/{id}")), "{account}");
    assert_eq!(
        (&account["verify_token"], &account["secrets"]),
        (&"a-verify-token".into(), &json!(["access_token", "app_secret"]))
    );
    assert_eq!((&account["health"]["webhook"], &account["enabled"]), (&"unknown".into(), &true.into()));
    let path = format!("/api/v1/channel-accounts/{id}");
    send(&admin, Method::PATCH, &path, &json!({ "settings": { "access_token": "EAAG-other", "greeting": "Hello!" } }))
        .await;
    for text in [
        admin.get_json("/api/v1/channel-accounts").await,
        admin.get_json(&path).await,
        admin.get_json("/api/v1/audit").await,
        admin.get_json("/api/v1/events?limit=500").await,
        admin.get_json("/api/v1/jobs").await,
    ] {
        let text = text.to_string();
        assert!(!text.contains("EAAG") && !text.contains(SECRET), "{text}");
    }
    let mut owner = app.owner().await;
    let sealed: Vec<u8> =
        sqlx::query_scalar("SELECT secrets_sealed FROM channel_accounts").fetch_one(&mut owner).await.unwrap();
    assert!(!String::from_utf8_lossy(&sealed).contains("EAAG"));
    let read = app.operator().await.get_json(&path).await;
    assert_eq!(read["settings"]["greeting"], "Hello!");
    assert_eq!(problem(app.operator().await.post("/api/v1/channel-accounts", &whatsapp()).await).await["status"], 403);
    let (_, stranger) = app.other_tenant().await;
    assert_eq!(stranger.get(&path).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn settings_that_do_not_fit_are_named_with_what_was_expected() {
    let app = App::start().await;
    let admin = app.admin().await;
    let wanted = json!({ "type": "telegram", "name": "Bot", "settings": { "bot_token": "no", "colour": "red" } });
    let refused = problem(admin.post("/api/v1/channel-accounts", &wanted).await).await;
    let named: Vec<&str> =
        refused["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
    assert_eq!(named, ["settings.bot_token", "settings.colour"], "{refused}");
    let (id, account) = connect(&admin, &whatsapp()).await;
    let path = format!("/api/v1/channel-accounts/{id}");
    let elsewhere = json!({ "settings": { "api_base": "https://elsewhere.test" } });
    let refused = problem(send(&admin, Method::PATCH, &path, &elsewhere).await).await;
    assert_eq!(refused["errors"][0]["field"], "settings.access_token", "a token goes to no other host");
    let nowhere = json!({ "queue_id": account["id"] });
    assert_eq!(problem(send(&admin, Method::PATCH, &path, &nowhere).await).await["errors"][0]["field"], "queue_id");
    assert_eq!(admin.request(Method::DELETE, &path).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(admin.get(&path).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(tell(&app, &id, hello("wamid.1", "Hi"), SECRET).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_webhook_is_stored_applied_once_and_shown_as_it_came() {
    let app = working().await;
    let admin = app.admin().await;
    let (id, _) = connect(&admin, &whatsapp()).await;
    let refused = tell(&app, &id, hello("wamid.1", "Hi"), "another secret").await;
    assert_eq!(problem(refused).await["code"], "unsigned");
    let bare = app.client.post(app.url(&format!("/webhooks/whatsapp/{id}"))).body("{}").send().await.unwrap();
    assert_eq!(bare.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(stored(&admin, "").await, Vec::<Value>::new(), "nothing of it is stored");

    for _ in 0..3 {
        assert_eq!(tell(&app, &id, hello("wamid.1", "Is it ready?"), SECRET).await.status(), StatusCode::OK);
    }
    let rows = settled(&admin, &id).await;
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row["state"] == "applied"), "{rows:?}");
    let mut owner = app.owner().await;
    let messages: i64 =
        sqlx::query_scalar("SELECT count(*) FROM messages WHERE direction = 'in'").fetch_one(&mut owner).await.unwrap();
    assert_eq!(messages, 1, "told three times, it was said once");
    let detail = admin.get_json(&format!("/api/v1/inbound-webhooks/{}", rows[0]["id"].as_str().unwrap())).await;
    assert_eq!(detail["body"].as_str().unwrap().as_bytes(), hello("wamid.1", "Is it ready?"));
    assert!(detail["headers"]["x-hub-signature-256"].is_string());
    let account = admin.get_json(&format!("/api/v1/channel-accounts/{id}")).await;
    assert_eq!(account["health"]["webhook"], "verified");
    assert!(account["health"]["last_received_at"].is_string());
}

#[tokio::test]
async fn what_cannot_be_read_has_failed_and_holds_nobody_up() {
    let app = working().await;
    let admin = app.admin().await;
    let (id, _) = connect(&admin, &whatsapp()).await;
    let whole = hello("wamid.1", "Hi");
    let cuts = [0, 1, whole.len() / 3, whole.len() / 2, whole.len() - 1];
    for cut in cuts {
        assert_eq!(tell(&app, &id, whole[..cut].to_vec(), SECRET).await.status(), StatusCode::OK);
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)).into_bytes();
    assert_eq!(tell(&app, &id, deep, SECRET).await.status(), StatusCode::OK);
    assert_eq!(tell(&app, &id, vec![0xff, 0xfe, 0], SECRET).await.status(), StatusCode::OK);
    assert_eq!(tell(&app, &id, whole, SECRET).await.status(), StatusCode::OK);
    let rows = settled(&admin, &id).await;
    let failed: Vec<&Value> = rows.iter().filter(|row| row["state"] == "failed").collect();
    assert_eq!((failed.len(), rows.len()), (cuts.len() + 2, cuts.len() + 3), "{rows:?}");
    assert!(failed.iter().all(|row| !row["error"].as_str().unwrap().is_empty()));
    assert_eq!(rows[0]["state"], "applied", "the newest, behind all that is broken");

    let broken = format!("/api/v1/inbound-webhooks/{}", failed[0]["id"].as_str().unwrap());
    let detail = admin.get_json(&broken).await;
    assert_eq!(detail["body_base64"], base64::engine::general_purpose::STANDARD.encode([0xff, 0xfe, 0]));
    let replayed = admin.post(&format!("{broken}/replay"), &json!({})).await;
    assert_eq!(replayed.status(), StatusCode::ACCEPTED);
    settled(&admin, &id).await;
    let again = admin.get_json(&broken).await;
    assert_eq!((&again["state"], &again["tries"]), (&"failed".into(), &1.into()), "tried anew, and still broken");
    assert_eq!(stored(&admin, "state=failed").await.len(), cuts.len() + 2);
    assert_eq!(problem(admin.get("/api/v1/inbound-webhooks?state=lost").await).await["status"], 400);
}

#[tokio::test]
async fn a_body_of_ten_megabytes_is_refused_with_a_reason_and_one_of_three_is_kept() {
    let app = App::start().await;
    let admin = app.admin().await;
    let (id, _) = connect(&admin, &whatsapp()).await;
    let refused = tell(&app, &id, vec![b' '; 10 * 1024 * 1024], SECRET).await;
    assert_eq!(problem(refused).await["code"], "too-large");
    assert_eq!(stored(&admin, "").await.len(), 0);
    assert_eq!(tell(&app, &id, vec![b' '; 3 * 1024 * 1024], SECRET).await.status(), StatusCode::OK);
    assert_eq!(stored(&admin, "").await[0]["bytes"], 3 * 1024 * 1024);
    let nobody = uuid::Uuid::now_v7().to_string();
    assert_eq!(tell(&app, &nobody, hello("wamid.1", "Hi"), SECRET).await.status(), StatusCode::NOT_FOUND);
    let wrong_type = app.client.post(app.url(&format!("/webhooks/twilio/{id}"))).body("").send().await.unwrap();
    assert_eq!(wrong_type.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_handshake_verifies_the_webhook() {
    let app = App::start().await;
    let admin = app.admin().await;
    let (id, _) = connect(&admin, &whatsapp()).await;
    let greet = async |token: &str| {
        let query = format!("hub.mode=subscribe&hub.verify_token={token}&hub.challenge=1158201444");
        app.client.get(app.url(&format!("/webhooks/whatsapp/{id}?{query}"))).send().await.unwrap()
    };
    assert_eq!(greet("another").await.status(), StatusCode::FORBIDDEN);
    let path = format!("/api/v1/channel-accounts/{id}");
    assert_eq!(admin.get_json(&path).await["health"]["webhook"], "unknown");
    let answer = greet("a-verify-token").await;
    assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(answer.text().await.unwrap(), "1158201444");
    assert_eq!(admin.get_json(&path).await["health"]["webhook"], "verified");
    let events = admin.get_json("/api/v1/events?kinds=channel_account.health_changed").await;
    assert_eq!(events["items"][0]["data"]["account_id"], id.as_str());
}

#[tokio::test]
async fn providers_are_asked_to_come_again_while_the_database_is_away() {
    let app = App::start_alone().await;
    let admin = app.admin().await;
    let (id, _) = connect(&admin, &whatsapp()).await;
    assert_eq!(tell(&app, &id, hello("wamid.1", "Before"), SECRET).await.status(), StatusCode::OK);
    app.stop_database().await;
    let away = tell(&app, &id, hello("wamid.2", "Meanwhile"), SECRET).await;
    assert_eq!(away.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(away.headers().contains_key("retry-after"));
    app.start_database().await;
    let again = async {
        while tell(&app, &id, hello("wamid.2", "Meanwhile"), SECRET).await.status() != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), again).await.expect("it is stored when the database is back");
    let mut owner = app.owner().await;
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM inbound_webhooks").fetch_one(&mut owner).await.unwrap();
    assert!(rows >= 2, "{rows}");
}

#[tokio::test]
async fn many_at_once_are_all_stored_and_each_is_applied() {
    let app = working().await;
    let admin = app.admin().await;
    let (id, _) = connect(&admin, &whatsapp()).await;
    let told = (0..120).map(|number| tell(&app, &id, hello(&format!("wamid.{number}"), "Hi"), SECRET));
    let answers = futures_util::future::join_all(told).await;
    assert!(answers.iter().all(|answer| answer.status() == StatusCode::OK));
    let mut owner = app.owner().await;
    let waiting = async {
        loop {
            let left: i64 = sqlx::query_scalar("SELECT count(*) FROM inbound_webhooks WHERE state = 'received'")
                .fetch_one(&mut owner)
                .await
                .unwrap();
            if left == 0 {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waiting).await.expect("none is forgotten");
    let messages: i64 =
        sqlx::query_scalar("SELECT count(*) FROM messages WHERE direction = 'in'").fetch_one(&mut owner).await.unwrap();
    assert_eq!(messages, 120);
}

/// The smallest PNG.
fn picture() -> Vec<u8> {
    let text = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

#[tokio::test]
async fn an_uploaded_file_is_looked_into_and_served_so_that_no_browser_runs_it() {
    let app = App::start().await;
    let operator = app.operator().await;
    let upload = async |mime: &str, name: &str, body: Vec<u8>| {
        let path = format!("/api/v1/attachments?file_name={name}");
        operator.request(Method::POST, &path).header("content-type", mime).body(body).send().await.unwrap()
    };
    let kept = ok(upload("image/png", "dot.png", picture()).await).await;
    assert_eq!(
        (&kept["sort"], &kept["mime"], &kept["thumbnail"]),
        (&"image".into(), &"image/png".into(), &true.into())
    );
    let path = format!("/api/v1/attachments/{}", kept["id"].as_str().unwrap());
    let whole = operator.get(&path).await;
    assert_eq!(whole.headers()["content-type"], "image/png");
    assert_eq!(whole.headers()["x-content-type-options"], "nosniff");
    let etag = whole.headers()["etag"].clone();
    assert_eq!(whole.bytes().await.unwrap(), picture());
    let part = operator.request(Method::GET, &path).header("range", "bytes=1-3").send().await.unwrap();
    assert_eq!((part.status(), part.text().await.unwrap().as_str()), (StatusCode::PARTIAL_CONTENT, "PNG"));
    let same = operator.request(Method::GET, &path).header("if-none-match", etag).send().await.unwrap();
    assert_eq!(same.status(), StatusCode::NOT_MODIFIED);
    let beyond = operator.request(Method::GET, &path).header("range", "bytes=9999-").send().await.unwrap();
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(operator.get(&format!("{path}/thumbnail")).await.status(), StatusCode::OK);

    let page = b"<!DOCTYPE html><script>alert(1)</script>".to_vec();
    assert_eq!(problem(upload("image/png", "a.png", page.clone()).await).await["status"], 422);
    let saved = ok(upload("text/html", "a.html", page).await).await;
    let served = operator.get(&format!("/api/v1/attachments/{}", saved["id"].as_str().unwrap())).await;
    assert_eq!(served.headers()["content-type"], "application/octet-stream");
    assert!(served.headers()["content-disposition"].to_str().unwrap().starts_with("attachment"));
    assert_eq!(problem(upload("image/png", "none.png", Vec::new()).await).await["status"], 422);

    assert_eq!(app.admin().await.get(&path).await.status(), StatusCode::NOT_FOUND, "nobody else's until it is sent");
    let (_, stranger) = app.other_tenant().await;
    assert_eq!(stranger.get(&path).await.status(), StatusCode::NOT_FOUND);
}
