//! What is told of people and chats without a message: a new number, what they want to be sent, who came and went, an address book.

use serde_json::json;
use trunkline_channels::model::{Address, Identity, Party};
use trunkline_db::{DbError, TenantTx};
use trunkline_journal::NewEvent;

use super::chat::Chat;
use super::{Setting, chat_store, clean, message};
use crate::change::{Change, What, touch};
use crate::model::Channel;

/// Characters of a title.
const MAX_NAME: usize = 200;

/// Somebody has another number or id from now on: both are one person, and their chat goes on under the new address.
pub(super) async fn moved(
    tx: &mut TenantTx<'_>,
    setting: &Setting<'_>,
    old: &Identity,
    new: &Identity,
    body: &str,
    news: &mut Vec<NewEvent>,
) -> Result<(), DbError> {
    let addresses = addresses(setting.account.channel, old, new);
    if let Some((from, to)) = &addresses {
        let mut both = [from, to];
        both.sort();
        for address in both {
            chat_store::lock(tx, setting.account.id, address).await?;
        }
    }
    let nobody = Party { identities: vec![new.clone()], name: None, language: None };
    let words = clean::line(body, 500).unwrap_or_default();
    let evidence = message::seen(setting, &nobody, Some(&words)).evidence;
    let mut resolved = trunkline_people::moved(tx, old, new, &words, &evidence, setting.at).await?;
    news.append(&mut resolved.events);
    let Some((from, to)) = addresses else { return Ok(()) };
    chat_store::move_chat(tx, setting.account.id, &from, &to).await?;
    let running = chat_store::find(tx, setting.account.id, &to).await?;
    if let Some(found) = running {
        let content = json!({ "from": from, "to": to });
        message::happened(tx, found.id, "moved", &words, content, setting.at).await?;
        news.extend(touch(tx, found.id, Change::new(What::Other("address")).at(setting.received_at)).await?);
    }
    Ok(())
}

/// The chat's old and new address, where the identity is one.
fn addresses(channel: Channel, old: &Identity, new: &Identity) -> Option<(String, String)> {
    let pair = match (channel, old, new) {
        (Channel::Whatsapp, Identity::WhatsappId(old), Identity::WhatsappId(new))
        | (Channel::Whatsapp, Identity::WhatsappUser(old), Identity::WhatsappUser(new)) => (old.clone(), new.clone()),
        (Channel::Telegram, Identity::TelegramId(old), Identity::TelegramId(new)) => (old.to_string(), new.to_string()),
        _ => return None,
    };
    let known = |address: String| Chat::of(channel, &Address(address), None).map(|chat| chat.address);
    Some((known(pair.0)?, known(pair.1)?)).filter(|(old, new)| old != new)
}

/// They want, or do not want, what they did not ask for. What they said last counts.
pub(super) async fn consented(
    tx: &mut TenantTx<'_>,
    setting: &Setting<'_>,
    from: &Party,
    category: &str,
    wanted: bool,
    news: &mut Vec<NewEvent>,
) -> Result<(), DbError> {
    let who = message::meet(tx, setting, from, news).await?;
    if !chat_store::said_last(tx, who.contact, setting.at).await? {
        return Ok(());
    }
    let events = trunkline_people::opt_out(tx, who.contact, wanted, setting.at).await?;
    let is_other = !events.is_empty();
    news.extend(events);
    let running = chat_store::running_with(tx, setting.account.id, who.contact).await?;
    if let Some(conversation) = running.filter(|_| is_other) {
        let content = json!({ "category": clean::line(category, 100), "wanted": wanted });
        message::happened(tx, conversation, if wanted { "opted_in" } else { "opted_out" }, "", content, setting.at).await?;
        news.extend(touch(tx, conversation, Change::new(What::Other("consent")).at(setting.received_at)).await?);
    }
    Ok(())
}

/// Who came into a chat, or left it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member<'a> {
    pub(super) chat: &'a Address,
    pub(super) title: Option<&'a str>,
    pub(super) who: &'a Party,
    pub(super) ours: bool,
    pub(super) joined: bool,
}

/// Somebody came into or left a chat: a line in its conversation, if it has one. It opens none.
pub(super) async fn crossed(
    tx: &mut TenantTx<'_>,
    setting: &Setting<'_>,
    member: Member<'_>,
    news: &mut Vec<NewEvent>,
) -> Result<(), DbError> {
    let title = member.title.and_then(|title| clean::line(title, MAX_NAME));
    let Some(chat) = Chat::of(setting.account.channel, member.chat, title.as_deref()) else { return Ok(()) };
    chat_store::lock(tx, setting.account.id, &chat.address).await?;
    let Some(found) = chat_store::find(tx, setting.account.id, &chat.address).await? else { return Ok(()) };
    let kind = if member.joined { "joined" } else { "left" };
    let name = member.who.name.as_deref().and_then(|name| clean::line(name, MAX_NAME));
    let content = json!({ "ours": member.ours, "name": name });
    message::happened(tx, found.id, kind, &name.unwrap_or_default(), content, setting.at).await?;
    if let Some(title) = &title {
        chat_store::rename(tx, found.id, title).await?;
    }
    news.extend(touch(tx, found.id, Change::new(What::Other("members")).at(setting.received_at)).await?);
    Ok(())
}

/// A contact of the phone's address book: it says what somebody is called. One that was taken out of it stays whom we know.
pub(super) async fn listed(
    tx: &mut TenantTx<'_>,
    setting: &Setting<'_>,
    phone: &str,
    name: Option<&str>,
    news: &mut Vec<NewEvent>,
) -> Result<(), DbError> {
    let Some(phone) = clean::id(phone, 64) else { return Ok(()) };
    let party =
        Party { identities: vec![Identity::Phone(phone)], name: name.map(str::to_owned), language: None };
    let mut resolved = trunkline_people::resolve(tx, &message::seen(setting, &party, Some("address book"))).await?;
    news.append(&mut resolved.events);
    Ok(())
}
