//! What the control API does with this stand-in alone.

use super::{Receipts, Said, Twilio};
use crate::control::{Given, Obeyed, Order, Refused, burst};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct PersonSays {
    from: String,
    #[serde(flatten)]
    said: Said,
}

#[derive(Deserialize)]
struct Progress {
    message: String,
    status: String,
    code: Option<u32>,
}

#[derive(Deserialize)]
struct OptedOut {
    sender: String,
    number: String,
    out: bool,
}

#[derive(Deserialize)]
struct Landline {
    number: String,
}

#[derive(Deserialize)]
struct Settings {
    receipts: Receipts,
}

pub(crate) async fn obey(twilio: &Twilio, order: &Order<'_>) -> Obeyed {
    Ok(match (order.method, order.path) {
        ("POST", ["person"]) => {
            let PersonSays { from, said } = order.read()?;
            json!(twilio.person_says(&from, said).await?)
        }
        ("POST", ["status"]) => {
            let Progress { message, status, code } = order.read()?;
            json!(twilio.status(&message, &status, code).await?)
        }
        ("POST", ["opted_out"]) => {
            let OptedOut { sender, number, out } = order.read()?;
            twilio.set_opted_out(&sender, &number, out);
            json!({})
        }
        ("POST", ["landline"]) => {
            twilio.set_landline(&order.read::<Landline>()?.number);
            json!({})
        }
        ("POST", ["settings"]) => {
            twilio.set_receipts(order.read::<Settings>()?.receipts);
            json!({})
        }
        ("POST", ["files"]) => {
            let given: Given = order.read()?;
            json!({ "id": twilio.add_file(&given.mime, given.content()?) })
        }
        ("GET", ["message", sid]) => json!(twilio.message(sid).ok_or(Refused::NotFound)?),
        ("GET", ["fetched"]) => json!({ "items": twilio.fetched().all() }),
        ("POST", ["burst"]) => json!(twilio.burst(&burst(order)?).finish().await),
        _ => return Err(Refused::NotFound),
    })
}
