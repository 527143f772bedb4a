//! Channel accounts of a scene, connected to stand-ins of the providers.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use trunkline_providers::Standin as _;
use trunkline_providers::telegram::{self, Telegram};
use trunkline_providers::twilio::{self, Twilio};
use trunkline_providers::whatsapp::{self, WhatsApp};

use crate::{Api, Scene, eventually};

const SOON: Duration = Duration::from_secs(15);

/// A connected account: its id, and where its provider posts to.
#[derive(Debug, Clone)]
pub struct Account {
    /// The account.
    pub id: String,
    /// Where webhooks go.
    pub webhook_url: String,
}

async fn connect(scene: &Scene, kind: &str, settings: Value) -> Result<Account> {
    let body = json!({ "type": kind, "name": format!("{kind} of the test"), "settings": settings });
    let made = scene.admin.send(Method::POST, "/channel-accounts", &body).await?;
    let text = |name: &str| made[name].as_str().map(str::to_owned).with_context(|| format!("{name} in {made}"));
    Ok(Account { id: text("id")?, webhook_url: text("webhook_url")? })
}

/// A WhatsApp number, its webhook verified.
pub async fn whatsapp(scene: &Scene, more: Value) -> Result<(WhatsApp, Account)> {
    let standin = WhatsApp::start(whatsapp::Options::default()).await?;
    let options = standin.options();
    let mut settings = json!({
        "api_base": standin.api_base(),
        "phone_number_id": options.numbers[0].phone_number_id,
        "waba_id": options.waba_id,
        "access_token": options.access_token,
        "app_secret": options.app_secret,
        "verify_token": options.verify_token,
    });
    add(&mut settings, more);
    let account = connect(scene, "whatsapp", settings).await?;
    standin.connect(&account.webhook_url).await.context("the handshake")?;
    Ok((standin, account))
}

/// A Telegram bot. The gateway's address is not one that Telegram could post to, so it asks for updates.
pub async fn telegram(scene: &Scene, more: Value) -> Result<(Telegram, Account)> {
    let standin = Telegram::start(telegram::Options::default()).await?;
    let mut settings = json!({ "api_base": standin.api_base(), "bot_token": standin.options().bot_token });
    add(&mut settings, more);
    let account = connect(scene, "telegram", settings).await?;
    standin.requests().find(SOON, |request| request.name == "getUpdates").await.context("nobody asks for updates")?;
    Ok((standin, account))
}

/// An SMS sender.
pub async fn twilio(scene: &Scene, more: Value) -> Result<(Twilio, Account)> {
    let standin = Twilio::start(twilio::Options::default()).await?;
    let options = standin.options();
    let mut settings = json!({
        "api_base": standin.api_base(),
        "account_sid": options.account_sid,
        "auth_token": options.auth_token,
        "from": options.senders[0],
    });
    add(&mut settings, more);
    let account = connect(scene, "twilio", settings).await?;
    standin.set_webhook(&account.webhook_url);
    Ok((standin, account))
}

fn add(settings: &mut Value, more: Value) {
    if let (Some(settings), Value::Object(more)) = (settings.as_object_mut(), more) {
        settings.extend(more);
    }
}

/// The messages of a conversation, the oldest first.
pub async fn messages(api: &Api, conversation: &str) -> Result<Vec<Value>> {
    let page = api.get(&format!("/conversations/{conversation}/messages?limit=200")).await?;
    page["items"].as_array().cloned().context("items")
}

/// The message, once `until` holds of it.
pub async fn message_when(
    api: &Api,
    conversation: &str,
    message: &str,
    until: impl Fn(&Value) -> bool,
) -> Result<Value> {
    eventually(SOON, async || {
        let all = messages(api, conversation).await?;
        let found = all.into_iter().find(|one| one["id"] == message).context("no such message")?;
        ensure!(until(&found), "it is still {found}");
        Ok(found)
    })
    .await
}

/// Writes in a conversation without the seconds of undo: the message as it is then.
pub async fn say(api: &Api, conversation: &str, text: &str) -> Result<Value> {
    let body = json!({ "text": text });
    let sent = api.send(Method::POST, &format!("/conversations/{conversation}/messages"), &body).await?;
    ensure!(sent["id"].is_string(), "{sent}");
    Ok(sent)
}
