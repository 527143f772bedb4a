//! Webhooks in Meta's documented shape, with invented people.

use serde_json::{Value, json};
use trunkline_channels::model::{Address, Outgoing, ProviderId, Say};
use trunkline_channels::whatsapp::{API_BASE, Account, VERSION, WhatsApp};

pub(crate) const SECRET: &str = "app-secret-of-the-tests";
pub(crate) const TOKEN: &str = "EAAtokenOfTheTests";
pub(crate) const VERIFY: &str = "verify-token-of-the-tests";

pub(crate) fn adapter() -> WhatsApp {
    WhatsApp::new(Account {
        api_base: API_BASE.to_owned(),
        version: VERSION.to_owned(),
        phone_number_id: "100200300".to_owned(),
        waba_id: "900800700".to_owned(),
        access_token: TOKEN.to_owned(),
        app_secret: SECRET.to_owned(),
        verify_token: VERIFY.to_owned(),
        list_label: "Choose".to_owned(),
    })
}

/// One change of one entry.
pub(crate) fn change(field: &str, value: &Value) -> Vec<u8> {
    json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": "900800700", "time": 1_760_000_000, "changes": [{ "field": field, "value": value }] }],
    })
    .to_string()
    .into_bytes()
}

pub(crate) fn value(key: &str, items: &Value) -> Value {
    json!({
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "15550100", "phone_number_id": "100200300" },
        "contacts": [{ "profile": { "name": "Ada Example" }, "wa_id": "491700000001" }],
        key: items,
    })
}

/// A message of Ada's, of this type.
pub(crate) fn message(sort: &str, content: &Value) -> Vec<u8> {
    change("messages", &value("messages", &json!([bare(sort, content)])))
}

pub(crate) fn bare(sort: &str, content: &Value) -> Value {
    json!({ "from": "491700000001", "id": format!("wamid.{sort}"), "timestamp": "1760000001", "type": sort, sort: content })
}

pub(crate) fn status(name: &str, more: &Value) -> Vec<u8> {
    let mut status =
        json!({ "id": "wamid.ours", "status": name, "timestamp": "1760000002", "recipient_id": "491700000001" });
    for (key, value) in more.as_object().unwrap() {
        status[key] = value.clone();
    }
    change("messages", &value("statuses", &json!([status])))
}

pub(crate) fn outgoing(say: Say) -> Outgoing {
    Outgoing { to: Address("491700000001".to_owned()), say, reply_to: None, reference: "ref-1".to_owned() }
}

pub(crate) fn id(id: &str) -> ProviderId {
    ProviderId(id.to_owned())
}
