//! Channel accounts at stand-ins of their providers, which reach the edge at its public address.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trunkline_providers::Standin;
use trunkline_providers::telegram::{self, Telegram};
use trunkline_providers::twilio::{self, Twilio};
use trunkline_providers::whatsapp::{self, WhatsApp};

use super::{App, Options, User};

/// Where providers post to.
pub(crate) const PUBLIC: &str = "https://calls.test";
/// For so long a test waits for what has to come.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// The smallest PNG.
pub(crate) const PIXEL: &[u8] = &[
    137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 1, 0, 0, 0, 1, 8, 6, 0, 0, 0, 31, 21, 196,
    137, 0, 0, 0, 13, 73, 68, 65, 84, 120, 218, 99, 100, 248, 207, 80, 15, 0, 3, 134, 1, 128, 90, 52, 125, 107, 0, 0,
    0, 0, 73, 69, 78, 68, 174, 66, 96, 130,
];

/// An edge that works, with one account.
pub(crate) struct Inbox<S> {
    pub(crate) app: App,
    pub(crate) standin: S,
    /// The account.
    pub(crate) account: String,
    pub(crate) admin: User,
}

/// An edge that works, at an address that providers can post to.
pub(crate) async fn reachable(more: Vec<(&'static str, String)>) -> App {
    let config = [("PUBLIC_URL", PUBLIC.to_owned())].into_iter().chain(more).collect();
    App::start_with(Options { works: true, config, ..Options::default() }).await
}

/// What an account of this stand-in's is connected with.
pub(crate) fn telegram_settings(standin: &Telegram) -> Value {
    json!({ "bot_token": standin.options().bot_token, "api_base": standin.api_base() })
}

pub(crate) fn twilio_settings(standin: &Twilio) -> Value {
    let options = standin.options();
    json!({
        "api_base": standin.api_base(), "account_sid": options.account_sid, "auth_token": options.auth_token,
        "from": options.senders[0],
    })
}

pub(crate) fn whatsapp_settings(standin: &WhatsApp) -> Value {
    let options = standin.options();
    json!({
        "api_base": standin.api_base(), "phone_number_id": options.numbers[0].phone_number_id,
        "waba_id": options.waba_id, "access_token": options.access_token, "app_secret": options.app_secret,
        "verify_token": options.verify_token,
    })
}

impl Inbox<Telegram> {
    /// A bot whose updates are posted.
    pub(crate) async fn telegram(more: Value) -> Self {
        let standin = Telegram::start(telegram::Options::default()).await.unwrap();
        let settings = telegram_settings(&standin);
        let inbox = Self::open(reachable(Vec::new()).await, standin, "telegram", settings, more).await;
        inbox.until("the webhook is set", async || inbox.standin.secret_token().is_some()).await;
        inbox
    }
}

impl Inbox<Twilio> {
    /// A sender of SMS.
    pub(crate) async fn twilio(more: Value) -> Self {
        let standin = Twilio::start(twilio::Options::default()).await.unwrap();
        let settings = twilio_settings(&standin);
        let inbox = Self::open(reachable(Vec::new()).await, standin, "twilio", settings, more).await;
        inbox.standin.set_webhook(format!("{PUBLIC}/webhooks/twilio/{}", inbox.account));
        inbox
    }
}

impl Inbox<WhatsApp> {
    /// A number whose webhook is verified.
    pub(crate) async fn whatsapp(more: Value) -> Self {
        Self::whatsapp_at(reachable(Vec::new()).await, more).await
    }

    /// The same at this edge.
    pub(crate) async fn whatsapp_at(app: App, more: Value) -> Self {
        let standin = WhatsApp::start(whatsapp::Options::default()).await.unwrap();
        let settings = whatsapp_settings(&standin);
        let inbox = Self::open(app, standin, "whatsapp", settings, more).await;
        inbox.standin.connect(&format!("{PUBLIC}/webhooks/whatsapp/{}", inbox.account)).await.unwrap();
        inbox
    }
}

impl<S: Standin> Inbox<S> {
    async fn open(app: App, standin: S, kind: &str, mut settings: Value, more: Value) -> Self {
        standin.reach(PUBLIC, app.url(""));
        let admin = app.admin().await;
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let account = connect(&admin, kind, &settings).await;
        Self { app, standin, account, admin }
    }

    /// Waits until it is so.
    pub(crate) async fn until(&self, what: &str, is: impl AsyncFn() -> bool) {
        until(what, is).await;
    }

    pub(crate) async fn conversations(&self) -> Vec<Value> {
        let list = self.admin.get_json("/api/v1/conversations").await;
        list["items"].as_array().unwrap().clone()
    }

    /// The id of the one conversation that there is, once it is there.
    pub(crate) async fn conversation(&self) -> String {
        self.until("there is a conversation", async || !self.conversations().await.is_empty()).await;
        let all = self.conversations().await;
        assert_eq!(all.len(), 1, "{all:?}");
        all[0]["id"].as_str().unwrap().to_owned()
    }

    /// Its messages, the oldest first.
    pub(crate) async fn thread(&self, conversation: &str) -> Vec<Value> {
        let path = format!("/api/v1/conversations/{conversation}/messages?limit=200");
        self.admin.get_json(&path).await["items"].as_array().unwrap().clone()
    }

    /// The first message of a thread that fits, once there is one.
    pub(crate) async fn message_when(&self, conversation: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let looking = async {
            loop {
                if let Some(found) = self.thread(conversation).await.into_iter().find(&fits) {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let Ok(found) = tokio::time::timeout(SOON, looking).await else {
            panic!("no such message in {:#?}", self.thread(conversation).await)
        };
        found
    }

    /// Writes: the message as it is then.
    pub(crate) async fn say(&self, conversation: &str, body: &Value) -> Value {
        let answer = self.admin.post(&format!("/api/v1/conversations/{conversation}/messages"), body).await;
        assert_eq!(answer.status(), StatusCode::CREATED, "{}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    /// Waits until a message has come so far.
    pub(crate) async fn comes_to(&self, conversation: &str, message: &Value, state: &str) -> Value {
        self.message_when(conversation, |one| one["id"] == message["id"] && one["state"] == state).await
    }

    pub(crate) async fn account(&self) -> Value {
        self.admin.get_json(&format!("/api/v1/channel-accounts/{}", self.account)).await
    }

    /// Changes the account.
    pub(crate) async fn change(&self, body: &Value) -> Value {
        let path = format!("/api/v1/channel-accounts/{}", self.account);
        let answer = self.admin.request(Method::PATCH, &path).json(body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    /// A file of the admin's: its id.
    pub(crate) async fn upload(&self, mime: &str, name: &str, content: &[u8]) -> String {
        let path = format!("/api/v1/attachments?file_name={name}");
        let request = self.admin.request(Method::POST, &path).header("content-type", mime);
        let answer = request.body(content.to_vec()).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED, "{}", answer.text().await.unwrap());
        answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
    }
}

/// Connects an account: its id.
pub(crate) async fn connect(admin: &User, kind: &str, settings: &Value) -> String {
    let body = json!({ "type": kind, "name": format!("{kind} of the test"), "settings": settings });
    let made = admin.post("/api/v1/channel-accounts", &body).await;
    assert_eq!(made.status(), StatusCode::CREATED, "{}", made.text().await.unwrap());
    made.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, is: impl AsyncFn() -> bool) {
    let looking = async {
        while !is().await {
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    };
    assert!(tokio::time::timeout(SOON, looking).await.is_ok(), "not so within its time: {what}");
}
