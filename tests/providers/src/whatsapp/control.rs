//! What the control API does with this stand-in alone.

use super::{Customer, Echo, Receipts, Said, StatusTold, WhatsApp, template};
use crate::control::{Given, Obeyed, Order, Refused, burst, file};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct CustomerSays {
    from: Customer,
    #[serde(flatten)]
    said: Said,
}

#[derive(Deserialize)]
struct Progress {
    message: String,
    status: String,
    /// With `failed`.
    #[serde(default)]
    code: i64,
}

#[derive(Deserialize)]
struct EchoTo {
    to: String,
    #[serde(flatten)]
    echo: Echo,
}

#[derive(Deserialize)]
struct Change {
    field: String,
    value: Value,
    /// Of the account, and not of its number.
    #[serde(default)]
    account: bool,
}

#[derive(Deserialize)]
struct Connect {
    url: String,
}

#[derive(Deserialize)]
struct Templates {
    /// As the provider lists them, or `{"name","language","body"}`.
    templates: Vec<Value>,
}

#[derive(Deserialize)]
struct TemplateChange {
    name: String,
    language: String,
    event: Option<String>,
    reason: Option<String>,
    quality: Option<String>,
}

#[derive(Deserialize)]
struct LastWrote {
    who: String,
    at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct Settings {
    receipts: Option<Receipts>,
    window_told_later: Option<bool>,
}

pub(crate) async fn obey(whatsapp: &WhatsApp, order: &Order<'_>) -> Obeyed {
    Ok(match (order.method, order.path) {
        ("POST", ["connect"]) => {
            whatsapp.connect(&order.read::<Connect>()?.url).await?;
            json!({})
        }
        ("POST", ["customer"]) => {
            let CustomerSays { from, said } = order.read()?;
            json!(whatsapp.customer_says(&from, said).await?)
        }
        ("POST", ["status"]) => {
            let Progress { message, status, code } = order.read()?;
            let told = match status.as_str() {
                "failed" => StatusTold::Failed { code },
                other => serde_json::from_value(json!(other))?,
            };
            json!(whatsapp.status(&message, told).await?)
        }
        ("POST", ["echo"]) => {
            let EchoTo { to, echo } = order.read()?;
            json!(whatsapp.echo(&to, &echo).await?)
        }
        ("POST", ["change"]) => {
            let Change { field, value, account } = order.read()?;
            let told = if account {
                whatsapp.account_change(&field, value).await?
            } else {
                whatsapp.number_change(&field, value).await?
            };
            json!(told)
        }
        ("POST", ["deliver"]) => json!(whatsapp.deliver(order.read()?).await?),
        ("POST", ["templates"]) => {
            let Templates { templates } = order.read()?;
            let whole = |one: Value| match (one["name"].as_str(), one["language"].as_str(), one["body"].as_str()) {
                (Some(name), Some(language), Some(body)) => template(name, language, body),
                _ => one,
            };
            whatsapp.set_templates(templates.into_iter().map(whole).collect());
            json!({})
        }
        ("POST", ["template"]) => {
            let TemplateChange { name, language, event, reason, quality } = order.read()?;
            match (event, quality) {
                (Some(event), _) => {
                    let reason = reason.as_deref().unwrap_or("NONE");
                    json!(whatsapp.template_status(&name, &language, &event, reason).await?)
                }
                (None, Some(quality)) => json!(whatsapp.template_quality(&name, &language, &quality).await?),
                (None, None) => return Err(Refused::Wrong("an event or a quality is expected".to_owned())),
            }
        }
        ("POST", ["last_wrote"]) => {
            let LastWrote { who, at } = order.read()?;
            whatsapp.set_last_wrote(&who, at);
            json!({})
        }
        ("POST", ["settings"]) => {
            let Settings { receipts, window_told_later } = order.read()?;
            if let Some(receipts) = receipts {
                whatsapp.set_receipts(receipts);
            }
            if let Some(later) = window_told_later {
                whatsapp.set_window_told_later(later);
            }
            json!({})
        }
        ("POST", ["files"]) => {
            let given: Given = order.read()?;
            json!({ "id": whatsapp.add_file(&given.mime, given.file_name.as_deref(), given.content()?) })
        }
        ("GET", ["files", id]) => {
            let found = whatsapp.file(id).ok_or(Refused::NotFound)?;
            file(&found.mime, found.file_name.as_deref(), &found.content)
        }
        ("GET", ["fetched"]) => json!({ "items": whatsapp.fetched().all() }),
        ("POST", ["burst"]) => json!(whatsapp.burst(&burst(order)?).finish().await),
        _ => return Err(Refused::NotFound),
    })
}
