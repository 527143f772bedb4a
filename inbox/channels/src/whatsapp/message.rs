//! What a message says:
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages>.

use super::media::media;
use super::party::Person;
use super::read;
use crate::model::{
    Address, By, Card, Content, Identity, Media, MediaAt, MediaSort, Message, OrderItem, Party, ProviderId, Referral,
    Told, What,
};
use serde_json::Value;

/// Whose message it is and where it stands: what its own object does not say.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) from: Option<Party>,
    pub(super) chat: Option<Address>,
    pub(super) by: By,
    pub(super) history: bool,
    pub(super) line: Option<String>,
}

impl Setting {
    /// A message that somebody sent to us.
    pub(super) fn received(message: &Value, contacts: &[Value], line: Option<&str>, history: bool) -> Self {
        let person = Person::sender(message, contacts);
        let group = read::text(message, "group_id").map(|id| Address(id.to_owned()));
        Self {
            from: person.party(),
            chat: group.or_else(|| person.address()),
            by: By::Customer,
            history,
            line: line.map(str::to_owned),
        }
    }
}

/// One message, and whatever else it tells.
pub(super) fn read(message: &Value, setting: &Setting, told: &mut Vec<Told>) {
    let id = read::text(message, "id").map(|id| ProviderId(id.to_owned()));
    let sort = read::text(message, "type").unwrap_or("");
    let at = read::time(message, "timestamp");
    let named = id.as_ref().map_or_else(|| read::digest(message), |id| id.0.clone());
    let mut tell = |key: String, what: What| told.push(Told { at, key, line: setting.line.clone(), what });

    if sort == "system" {
        if moved(message, &named, &mut tell) {
            return;
        }
    } else if let Some(what) = about_another(sort, message, setting) {
        return tell(format!("{sort}:{named}"), what);
    }

    if let (Some(id), Some(from), Some(chat), Some(content)) =
        (id, setting.from.clone(), setting.chat.clone(), content(sort, message))
    {
        let context = message.get("context").unwrap_or(&Value::Null);
        let is = |key: &str| context.get(key).and_then(Value::as_bool) == Some(true);
        // History sends a placeholder first and the file later, under the same id: two things told.
        let sort_of_key = if sort == "media_placeholder" { "placeholder" } else { "message" };
        tell(
            format!("{sort_of_key}:{named}"),
            What::Message(Box::new(Message {
                id,
                from,
                chat,
                title: None,
                by: setting.by,
                history: setting.history,
                content,
                reply_to: read::text(context, "id").map(|id| ProviderId(id.to_owned())),
                forwarded: is("forwarded") || is("frequently_forwarded"),
                album: None,
                referral: referral(message, context),
            })),
        );
    } else {
        let inner = message.get(sort).and_then(|inner| read::text(inner, "type"));
        let what = match (sort, inner) {
            ("", _) => "message".to_owned(),
            (sort, Some(inner)) => format!("{sort} {inner}"),
            (sort, None) => sort.to_owned(),
        };
        tell(
            format!("message:{named}"),
            What::Unsupported { what, from: setting.from.clone(), chat: setting.chat.clone(), raw: message.clone() },
        );
    }
}

/// Messages that are of another message: a reaction, an edit, one taken back.
fn about_another(sort: &str, message: &Value, setting: &Setting) -> Option<What> {
    let inner = message.get(sort)?;
    let chat = setting.chat.clone()?;
    match sort {
        "reaction" => Some(What::Reacted {
            message: ProviderId(read::text(inner, "message_id")?.to_owned()),
            from: setting.from.clone(),
            chat,
            emoji: read::text(inner, "emoji").map(str::to_owned).into_iter().collect(),
        }),
        "edit" => {
            let new = inner.get("message")?;
            Some(What::Edited {
                message: ProviderId(read::text(inner, "original_message_id")?.to_owned()),
                chat,
                content: content(read::text(new, "type")?, new)?,
            })
        }
        "revoke" => Some(What::Deleted {
            messages: vec![ProviderId(read::text(inner, "original_message_id")?.to_owned())],
            chat,
        }),
        _ => None,
    }
}

/// A customer's new number or new BSUID; a new number brings a new BSUID with it. Whether it was one of these.
/// <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/system/>
fn moved(message: &Value, named: &str, tell: &mut impl FnMut(String, What)) -> bool {
    let system = message.get("system").unwrap_or(&Value::Null);
    let sort = read::text(system, "type").unwrap_or("");
    if !matches!(sort, "user_changed_number" | "customer_changed_number" | "user_changed_user_id") {
        return false;
    }
    let body = read::text(system, "body").unwrap_or_default().to_owned();
    let owned = |text: &str| text.to_owned();
    let old_number = read::text(system, "customer").or_else(|| read::text(message, "from")).map(owned);
    let new_number = read::text(system, "wa_id").or_else(|| read::text(system, "new_wa_id")).map(owned);
    let old_user = read::text(system, "previous_user_id").or_else(|| read::text(message, "from_user_id")).map(owned);
    let new_user = read::text(system, "user_id").map(owned);

    let mut pairs = Vec::new();
    if sort != "user_changed_user_id"
        && let (Some(old), Some(new)) = (&old_number, &new_number)
    {
        pairs.push((Identity::WhatsappId(old.clone()), Identity::WhatsappId(new.clone())));
    }
    if let Some(new) = new_user {
        // Before previous ids were told, only the number said whose it was.
        let old = old_user.map(Identity::WhatsappUser).or(old_number.map(Identity::WhatsappId));
        pairs.extend(old.map(|old| (old, Identity::WhatsappUser(new))));
    }
    pairs.retain(|(old, new)| old != new);
    for (place, (old, new)) in pairs.iter().enumerate() {
        let body = body.clone();
        tell(format!("moved:{named}:{place}"), What::Moved { old: old.clone(), new: new.clone(), body });
    }
    !pairs.is_empty()
}

/// `None`: a kind that is not known, or one without what makes it up.
pub(super) fn content(sort: &str, message: &Value) -> Option<Content> {
    if sort == "media_placeholder" {
        return Some(Content::Media(Media {
            sort: MediaSort::Document,
            at: MediaAt::Gone,
            mime: None,
            file_name: None,
            caption: None,
            size: None,
            seconds: None,
            sha256: None,
        }));
    }
    if sort == "request_welcome" {
        return Some(Content::Notice { what: sort.to_owned(), text: String::new() });
    }
    let inner = message.get(sort)?;
    let file = |sort| Some(Content::Media(media(sort, inner)));
    match sort {
        "text" => Some(Content::Text { text: inner.get("body")?.as_str()?.to_owned() }),
        "image" => file(MediaSort::Image),
        "audio" => file(MediaSort::Audio),
        "voice" => file(MediaSort::Voice),
        "video" => file(MediaSort::Video),
        "document" => file(MediaSort::Document),
        "sticker" => file(MediaSort::Sticker),
        "location" => Some(Content::Location {
            latitude: read::number(inner, "latitude")?,
            longitude: read::number(inner, "longitude")?,
            name: read::text(inner, "name").map(str::to_owned),
            address: read::text(inner, "address").map(str::to_owned),
        }),
        "contacts" => Some(Content::Contacts { cards: inner.as_array()?.iter().map(card).collect() }),
        "button" => choice(inner, "text", "payload"),
        "interactive" => interactive(inner),
        "order" => order(inner),
        "system" => Some(Content::Notice {
            what: read::text(inner, "type").unwrap_or(sort).to_owned(),
            text: read::text(inner, "body")?.to_owned(),
        }),
        "template" => Some(Content::Template {
            name: read::text(inner, "name").map(str::to_owned),
            text: read::text(inner, "text").or_else(|| read::text(inner, "body")).map(str::to_owned),
        }),
        _ => None,
    }
}

fn choice(inner: &Value, title: &str, payload: &str) -> Option<Content> {
    let title = read::text(inner, title)?.to_owned();
    // A template's quick reply without a payload of its own brings its text.
    Some(Content::Choice { payload: read::text(inner, payload).unwrap_or(&title).to_owned(), title })
}

fn interactive(inner: &Value) -> Option<Content> {
    let sort = read::text(inner, "type")?;
    let reply = inner.get(sort);
    match (sort, reply) {
        ("button_reply" | "list_reply", Some(reply)) => choice(reply, "title", "id"),
        ("nfm_reply", Some(reply)) => Some(Content::Form {
            name: read::text(reply, "name").map(str::to_owned),
            answers: match reply.get("response_json") {
                Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone())),
                Some(other) => other.clone(),
                None => Value::Null,
            },
        }),
        // One of ours, as an echo or the history tells it: its text is what they saw.
        ("button" | "list" | "cta_url" | "flow" | "product" | "product_list" | "location_request_message", _) => {
            Some(Content::Text { text: read::text(inner.get("body")?, "text")?.to_owned() })
        }
        _ => None,
    }
}

fn order(inner: &Value) -> Option<Content> {
    let items = inner.get("product_items")?.as_array()?.iter().map(|item| {
        Some(OrderItem {
            product: read::id(item, "product_retailer_id")?,
            quantity: read::number(item, "quantity")?,
            price: read::number(item, "item_price")?,
            currency: read::text(item, "currency")?.to_owned(),
        })
    });
    Some(Content::Order {
        items: items.collect::<Option<Vec<_>>>()?,
        note: read::text(inner, "text").map(str::to_owned),
        catalogue: read::id(inner, "catalog_id"),
    })
}

fn card(card: &Value) -> Card {
    let name = card.get("name").unwrap_or(&Value::Null);
    let parts = [read::text(name, "first_name"), read::text(name, "last_name")];
    let joined = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let each = |list: &str, key: &str, other: &str| {
        let values = read::list(card, list).iter();
        values
            .filter_map(|value| read::text(value, key).or_else(|| read::text(value, other)).map(str::to_owned))
            .collect()
    };
    Card {
        name: read::text(name, "formatted_name").map_or(joined, str::to_owned),
        phones: each("phones", "phone", "wa_id"),
        emails: each("emails", "email", "email"),
        organisation: card.get("org").and_then(|org| read::text(org, "company")).map(str::to_owned),
    }
}

/// The advertisement they came by, or else the product that they ask about.
fn referral(message: &Value, context: &Value) -> Option<Referral> {
    let owned = |value: &Value, key: &str| read::text(value, key).map(str::to_owned);
    if let Some(referral) = message.get("referral").filter(|referral| referral.is_object()) {
        return Some(Referral {
            url: owned(referral, "source_url"),
            title: owned(referral, "headline"),
            body: owned(referral, "body"),
            source: read::id(referral, "source_id").or_else(|| owned(referral, "ctwa_clid")),
        });
    }
    let product = context.get("referred_product").filter(|product| product.is_object())?;
    Some(Referral { url: None, title: None, body: None, source: read::id(product, "product_retailer_id") })
}
