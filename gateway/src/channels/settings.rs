//! What the settings of each type of account must be, and the adapter that they make.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use trunkline_channels::{Adapter, telegram, twilio, whatsapp};
use trunkline_conversations::Rules;
use url::Url;

use super::model::Kind;
use crate::http::FieldError;

/// Settings of conversations, which every type has.
const COMMON: &[&str] = &["greeting", "out_of_hours", "hours", "help", "csat", "reopen_hours"];

/// One setting of a provider's.
struct Field {
    name: &'static str,
    needed: bool,
    secret: bool,
    /// The secret goes along with requests: it is not sent to another host than the one that it was given for.
    sent: bool,
    expected: &'static str,
    fits: fn(&Value) -> bool,
}

const fn open(name: &'static str, needed: bool, expected: &'static str, fits: fn(&Value) -> bool) -> Field {
    Field { name, needed, secret: false, sent: false, expected, fits }
}

const fn secret(
    name: &'static str,
    needed: bool,
    sent: bool,
    expected: &'static str,
    fits: fn(&Value) -> bool,
) -> Field {
    Field { name, needed, secret: true, sent, expected, fits }
}

const API_BASE: Field = open("api_base", false, "an http or https address such as https://graph.facebook.com", is_base);
const COUNTRY: Field = open("country", false, "a country such as IT, by which national numbers are read", is_country);

const WHATSAPP: &[Field] = &[
    open("phone_number_id", true, "the number's id in Meta's app dashboard, such as 106540352242922", is_word),
    open("waba_id", true, "the id of the WhatsApp Business Account, such as 102290129340398", is_word),
    secret("access_token", true, true, "the access token of a system user, from 1 to 1024 visible characters", is_key),
    secret(
        "app_secret",
        true,
        false,
        "the app's secret in Meta's app dashboard, from 1 to 1024 visible characters",
        is_key,
    ),
    open("verify_token", false, "from 1 to 200 visible characters of your own choice", is_short),
    API_BASE,
    open("graph_version", false, "a version of the Graph API such as v26.0", is_version),
    open("list_label", false, "a text of 1 to 20 characters", is_label),
    COUNTRY,
];

const TELEGRAM: &[Field] = &[
    secret("bot_token", true, true, "the token that @BotFather gave, such as 123456:ABC-DEF", is_bot_token),
    secret("secret_token", false, false, "from 1 to 256 of the characters A-Z a-z 0-9 _ -", is_secret_token),
    API_BASE,
    open("local", false, "true or false", Value::is_boolean),
    open("username", false, "the bot's name, without @", is_word),
    COUNTRY,
];

const TWILIO: &[Field] = &[
    open("account_sid", true, "the account's SID, such as AC followed by 32 hex digits", is_word),
    secret("auth_token", true, true, "the account's auth token, from 1 to 1024 visible characters", is_key),
    open(
        "from",
        true,
        "a number such as +15550100, a short code, a name, or a messaging service's SID (MG…)",
        is_sender,
    ),
    API_BASE,
    open("validity_period", false, "seconds from 1 to 36000", is_validity),
    COUNTRY,
];

const fn fields(kind: Kind) -> &'static [Field] {
    match kind {
        Kind::Whatsapp => WHATSAPP,
        Kind::Telegram => TELEGRAM,
        Kind::Twilio => TWILIO,
    }
}

fn text(value: &Value) -> Option<&str> {
    value.as_str()
}

fn visible(value: &Value, most: usize) -> bool {
    text(value).is_some_and(|text| (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()))
}

fn is_key(value: &Value) -> bool {
    visible(value, 1024)
}

fn is_short(value: &Value) -> bool {
    visible(value, 200)
}

/// What may stand in an address as it is.
fn is_word(value: &Value) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    text(value).is_some_and(|text| (1..=64).contains(&text.len()) && text.bytes().all(fits))
}

fn is_secret_token(value: &Value) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    text(value).is_some_and(|text| (1..=256).contains(&text.len()) && text.bytes().all(fits))
}

fn is_bot_token(value: &Value) -> bool {
    text(value).and_then(|text| text.split_once(':')).is_some_and(|(id, key)| {
        (1..=19).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_digit())
            && is_secret_token(&Value::from(key))
    })
}

fn is_base(value: &Value) -> bool {
    let url = text(value).filter(|text| text.len() <= 300).and_then(|text| Url::parse(text).ok());
    url.is_some_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

fn is_country(value: &Value) -> bool {
    text(value).is_some_and(|text| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase()))
}

fn is_version(value: &Value) -> bool {
    let number = |text: &str| (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text(value)
        .and_then(|text| text.strip_prefix('v')?.split_once('.'))
        .is_some_and(|(major, minor)| number(major) && number(minor))
}

fn is_label(value: &Value) -> bool {
    text(value).is_some_and(|text| (1..=20).contains(&text.chars().count()) && !text.chars().any(char::is_control))
}

fn is_sender(value: &Value) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b" +:_-".contains(&byte);
    text(value).is_some_and(|text| (1..=64).contains(&text.len()) && text.trim() == text && text.bytes().all(fits))
}

fn is_validity(value: &Value) -> bool {
    value.as_u64().is_some_and(|seconds| (1..=36_000).contains(&seconds))
}

/// Settings, checked: what may be shown, and what may not.
#[derive(Clone, PartialEq)]
pub(super) struct Settled {
    pub(super) open: Map<String, Value>,
    pub(super) secrets: Map<String, Value>,
}

impl fmt::Debug for Settled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settled").field("open", &self.open).finish_non_exhaustive()
    }
}

impl Settled {
    /// The names of the secrets that are set.
    pub(super) fn secrets_set(kind: Kind, secrets: &Map<String, Value>) -> Vec<&'static str> {
        fields(kind).iter().map(|field| field.name).filter(|name| secrets.contains_key(*name)).collect()
    }
}

/// Settings as they are after `wanted`: over `before`, if there was one. What is wrong is told field by field.
pub(super) fn settle(
    kind: Kind,
    before: Option<&Settled>,
    wanted: &Map<String, Value>,
) -> Result<Settled, Vec<FieldError>> {
    let mut settled = before.cloned().unwrap_or_else(|| Settled { open: Map::new(), secrets: Map::new() });
    let mut errors = Vec::new();
    let mut wrong = |name: &str, message: String| {
        errors.push(FieldError { field: format!("settings.{name}"), message });
    };
    for (name, value) in wanted {
        let field = fields(kind).iter().find(|field| field.name == name);
        if let Some(field) = field {
            let place = if field.secret { &mut settled.secrets } else { &mut settled.open };
            // People paste with a space behind.
            let value = value.as_str().map_or_else(|| value.clone(), |text| Value::from(text.trim()));
            if value.is_null() {
                place.remove(name);
            } else if (field.fits)(&value) {
                place.insert(name.clone(), value);
            } else {
                wrong(name, format!("expected {}", field.expected));
            }
        } else if COMMON.contains(&name.as_str()) {
            if value.is_null() {
                settled.open.remove(name);
            } else {
                settled.open.insert(name.clone(), value.clone());
            }
        } else {
            let known: Vec<&str> = fields(kind).iter().map(|field| field.name).chain(COMMON.iter().copied()).collect();
            let name: String = name.chars().take(64).collect();
            wrong(&name, format!("there is no such setting; there are {}", known.join(", ")));
        }
    }
    let named =
        |errors: &[FieldError], name: &str| errors.iter().any(|error| error.field == format!("settings.{name}"));
    for field in fields(kind).iter().filter(|field| field.needed) {
        let place = if field.secret { &settled.secrets } else { &settled.open };
        if !place.contains_key(field.name) && !named(&errors, field.name) {
            errors.push(FieldError {
                field: format!("settings.{}", field.name),
                message: format!("it is needed: {}", field.expected),
            });
        }
    }
    for (name, message) in Rules::faults(&Value::Object(settled.open.clone())) {
        errors.push(FieldError { field: format!("settings.{name}"), message });
    }
    if let Some(before) = before
        && before.open.get("api_base") != settled.open.get("api_base")
    {
        for field in fields(kind).iter().filter(|field| field.sent && !wanted.contains_key(field.name)) {
            errors.push(FieldError {
                field: format!("settings.{}", field.name),
                message: "it must be given again with another api_base: a secret is not sent to another host"
                    .to_owned(),
            });
        }
    }
    if errors.is_empty() { Ok(settled) } else { Err(errors) }
}

/// A provider's adapter, by its own type: some of what it can is no part of [`Adapter`].
#[derive(Debug, Clone)]
pub enum Provider {
    /// WhatsApp.
    Whatsapp(Arc<whatsapp::WhatsApp>),
    /// Telegram.
    Telegram(Arc<telegram::Account>),
    /// Twilio.
    Twilio(Arc<twilio::Account>),
}

impl Provider {
    /// From an account's settings. `webhook_url` is its own.
    pub(super) fn new(kind: Kind, open: &Value, secrets: &Map<String, Value>, webhook_url: &str) -> Self {
        let open_text = |name: &str| open.get(name).and_then(Value::as_str).map(str::to_owned);
        let secret = |name: &str| secrets.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        match kind {
            Kind::Whatsapp => Self::Whatsapp(Arc::new(whatsapp::WhatsApp::new(whatsapp::Account {
                api_base: open_text("api_base").unwrap_or_else(|| whatsapp::API_BASE.to_owned()),
                version: open_text("graph_version").unwrap_or_else(|| whatsapp::VERSION.to_owned()),
                phone_number_id: open_text("phone_number_id").unwrap_or_default(),
                waba_id: open_text("waba_id").unwrap_or_default(),
                access_token: secret("access_token"),
                app_secret: secret("app_secret"),
                verify_token: open_text("verify_token").unwrap_or_default(),
                list_label: open_text("list_label").unwrap_or_else(|| "Choose".to_owned()),
            }))),
            Kind::Telegram => {
                let mut account = telegram::Account::new(secret("bot_token"), secret("secret_token"));
                if let Some(base) = open_text("api_base") {
                    account.api_base = base;
                }
                account.username = open_text("username");
                account.local = open.get("local").and_then(Value::as_bool).unwrap_or(false);
                Self::Telegram(Arc::new(account))
            }
            Kind::Twilio => {
                let from = open_text("from").unwrap_or_default();
                let mut account =
                    twilio::Account::new(open_text("account_sid").unwrap_or_default(), secret("auth_token"), from);
                if let Some(base) = open_text("api_base") {
                    account.api_base = base;
                }
                account.status_callback = Some(webhook_url.to_owned());
                account.validity_period =
                    open.get("validity_period").and_then(Value::as_u64).and_then(|seconds| u32::try_from(seconds).ok());
                Self::Twilio(Arc::new(account))
            }
        }
    }

    /// What every provider can.
    pub fn adapter(&self) -> Arc<dyn Adapter> {
        match self {
            Self::Whatsapp(adapter) => Arc::clone(adapter) as Arc<dyn Adapter>,
            Self::Telegram(adapter) => Arc::clone(adapter) as Arc<dyn Adapter>,
            Self::Twilio(adapter) => Arc::clone(adapter) as Arc<dyn Adapter>,
        }
    }

    /// Where its requests go.
    pub fn api_base(&self) -> &str {
        match self {
            Self::Whatsapp(whatsapp) => &whatsapp.account.api_base,
            Self::Telegram(account) => &account.api_base,
            Self::Twilio(account) => &account.api_base,
        }
    }
}

/// What is chosen for whoever chooses nothing: tokens that only the provider and we know.
pub(super) fn with_tokens(kind: Kind, mut settled: Settled) -> Settled {
    let random = || {
        let bytes: [u8; 24] = rand::random();
        crate::audit::hex(&bytes)
    };
    match kind {
        Kind::Whatsapp => {
            settled.open.entry("verify_token").or_insert_with(|| json!(random()));
        }
        Kind::Telegram => {
            settled.secrets.entry("secret_token").or_insert_with(|| json!(random()));
        }
        Kind::Twilio => {}
    }
    settled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(object) = value else { panic!("no object: {value}") };
        object
    }

    fn whatsapp() -> Map<String, Value> {
        object(json!({ "phone_number_id": "1", "waba_id": "2", "access_token": " t ", "app_secret": "s" }))
    }

    #[test]
    fn secrets_are_kept_apart_and_what_is_pasted_is_trimmed() {
        let settled = with_tokens(Kind::Whatsapp, settle(Kind::Whatsapp, None, &whatsapp()).unwrap());
        assert_eq!(settled.secrets, object(json!({ "access_token": "t", "app_secret": "s" })));
        assert_eq!(settled.open["verify_token"].as_str().unwrap().len(), 48);
        assert!(!format!("{settled:?}").contains("access_token"));
    }

    #[test]
    fn what_does_not_fit_is_told_by_name_with_what_was_expected() {
        let wanted = object(json!({ "phone_number_id": "1/2", "waba_id": 7, "app_secret": "", "graph_version": "26",
            "api_base": "ftp://x", "color": "red", "country": "it", "greeting": 5, "csat": "no" }));
        let errors = settle(Kind::Whatsapp, None, &wanted).unwrap_err();
        let mut named: Vec<&str> = errors.iter().map(|error| error.field.trim_start_matches("settings.")).collect();
        named.sort_unstable();
        let all = [
            "access_token",
            "api_base",
            "app_secret",
            "color",
            "country",
            "csat",
            "graph_version",
            "greeting",
            "phone_number_id",
            "waba_id",
        ];
        assert_eq!(named, all);
        assert!(errors.iter().all(|error| !error.message.is_empty()));
    }

    #[test]
    fn a_change_keeps_what_it_does_not_name() {
        let before = settle(Kind::Whatsapp, None, &whatsapp()).unwrap();
        let after =
            settle(Kind::Whatsapp, Some(&before), &object(json!({ "greeting": "Hello", "waba_id": "3" }))).unwrap();
        assert_eq!(after.secrets, before.secrets);
        assert_eq!((&after.open["greeting"], &after.open["waba_id"]), (&json!("Hello"), &json!("3")));
        let after = settle(Kind::Whatsapp, Some(&after), &object(json!({ "greeting": null }))).unwrap();
        assert!(!after.open.contains_key("greeting"));
        let needed = settle(Kind::Whatsapp, Some(&before), &object(json!({ "access_token": null }))).unwrap_err();
        assert_eq!(needed[0].field, "settings.access_token");
    }

    #[test]
    fn a_token_is_not_sent_to_another_host_than_it_was_given_for() {
        let before = settle(Kind::Telegram, None, &object(json!({ "bot_token": "1:abc" }))).unwrap();
        let elsewhere = object(json!({ "api_base": "https://elsewhere.test" }));
        let refused = settle(Kind::Telegram, Some(&before), &elsewhere).unwrap_err();
        assert_eq!(refused[0].field, "settings.bot_token");
        let both = object(json!({ "api_base": "https://elsewhere.test", "bot_token": "1:abc" }));
        assert!(settle(Kind::Telegram, Some(&before), &both).is_ok());
    }
}
