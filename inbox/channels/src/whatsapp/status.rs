//! How far our messages have come:
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status>.

use super::webhook::Change;
use super::{errors, read};
use crate::model::{Address, DeliveryState, Pricing, ProviderId, Status, Told, What};
use serde_json::Value;

pub(super) fn read(change: &Change<'_>, item: &Value) -> Told {
    let at = read::time(item, "timestamp").or(change.at);
    let name = read::text(item, "status").unwrap_or("status");
    let (Some(message), Some(state)) = (read::text(item, "id"), state(name)) else {
        let what = format!("status {name}");
        let what = match name {
            // The customer took our message out of their own chat.
            "deleted" => What::Ignored { what },
            _ => What::Unsupported { what, from: None, chat: recipient(item), raw: item.clone() },
        };
        return change.told(format!("status:{}", read::digest(item)), at, what);
    };
    // In a group each member has a state of their own.
    let member =
        read::text(item, "recipient_participant_id").or_else(|| read::text(item, "recipient_participant_user_id"));
    let key = format!("status:{message}:{name}{}", member.map(|id| format!(":{id}")).unwrap_or_default());
    let failure = read::list(item, "errors").first().map(errors::failure);
    let failure = if state == DeliveryState::Failed { Some(failure.unwrap_or_else(errors::unnamed)) } else { failure };
    let status = Status {
        message: ProviderId(message.to_owned()),
        state,
        reference: read::text(item, "biz_opaque_callback_data").map(str::to_owned),
        to: recipient(item),
        failure,
        pricing: pricing(item),
    };
    change.told(key, at, What::Status(status))
}

/// Meta's names, and those of the history.
pub(super) fn state(name: &str) -> Option<DeliveryState> {
    match name.to_ascii_lowercase().as_str() {
        "accepted" | "pending" => Some(DeliveryState::Accepted),
        "sent" => Some(DeliveryState::Sent),
        "delivered" => Some(DeliveryState::Delivered),
        // A voice message that was listened to.
        "read" | "played" => Some(DeliveryState::Read),
        "failed" | "error" => Some(DeliveryState::Failed),
        _ => None,
    }
}

fn recipient(item: &Value) -> Option<Address> {
    let id = read::text(item, "recipient_id").or_else(|| read::text(item, "recipient_user_id"));
    id.map(|id| Address(id.to_owned()))
}

fn pricing(item: &Value) -> Option<Pricing> {
    let pricing = item.get("pricing").filter(|pricing| pricing.is_object())?;
    let origin = item.get("conversation").and_then(|conversation| conversation.get("origin"));
    let category = read::text(pricing, "category").or_else(|| origin.and_then(|origin| read::text(origin, "type")))?;
    let told = pricing.get("billable").and_then(Value::as_bool);
    Some(Pricing {
        // `type` came in July 2025 with prices per message: `regular`, `free_customer_service`, `free_entry_point`.
        billable: told.unwrap_or_else(|| read::text(pricing, "type") == Some("regular")),
        category: category.to_owned(),
        model: read::text(pricing, "pricing_model").map(str::to_owned),
    })
}
