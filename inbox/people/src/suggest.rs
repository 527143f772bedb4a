//! Who may be one person, and why. A suggestion merges nobody: a person of ours does.

use serde_json::{Value, json};
use trunkline_channels::model::Card;
use trunkline_db::{ContactId, DbError, TenantTx};
use trunkline_journal::NewEvent;

use crate::identity::{IdentityType, Known};
use crate::resolve::evidence;
use crate::seen::Evidence;
use crate::{events, names, store};

/// Most of a card's numbers and addresses that are looked at.
const MAX_OF_A_CARD: usize = 20;

/// Suggests that two are one person, once: what was suggested before, whatever became of it, is not suggested again, nor who is one already.
pub async fn suggest(
    tx: &mut TenantTx<'_>,
    one: ContactId,
    other: ContactId,
    proof: Vec<Value>,
) -> Result<Option<NewEvent>, DbError> {
    let (Some(line), Some(other)) = (store::find_line(tx, one).await?, store::find_line(tx, other).await?) else {
        return Ok(None);
    };
    if line.person_id == other.person_id {
        return Ok(None);
    }
    let pair = if line.id < other.id { (line.id, other.id) } else { (other.id, line.id) };
    let proof = Value::Array(proof);
    let made = store::insert_suggestion(tx, pair, &proof).await?;
    Ok(made.map(|id| events::suggested(id, &line, &other, &proof)))
}

/// Those who go by the same user name elsewhere, and are called alike.
pub(crate) async fn by_username(
    tx: &mut TenantTx<'_>,
    contact: ContactId,
    known: &[Known],
) -> Result<Vec<NewEvent>, DbError> {
    let usernames: Vec<String> =
        known.iter().filter(|known| known.kind == IdentityType::Username).map(|known| known.value.clone()).collect();
    if usernames.is_empty() {
        return Ok(Vec::new());
    }
    let name = store::line(tx, contact).await?.name;
    let mut events = Vec::new();
    for (other, username) in store::namesakes(tx, contact, &usernames).await? {
        let theirs = store::line(tx, other).await?.name;
        if names::are_alike(&name, &theirs) {
            let proof = json!({"what": "same_username", "value": username, "names": [name, theirs]});
            events.extend(suggest(tx, contact, other, vec![proof]).await?);
        }
    }
    Ok(events)
}

/// Somebody sent a card that may be their own: it is called as they are, and its number or address is another contact's.
pub async fn shared_card(
    tx: &mut TenantTx<'_>,
    from: ContactId,
    card: &Card,
    country: Option<&str>,
    by: &Evidence,
) -> Result<Vec<NewEvent>, DbError> {
    let Some(sender) = store::find_line(tx, from).await? else { return Ok(Vec::new()) };
    if !names::are_alike(&sender.name, &card.name) {
        return Ok(Vec::new());
    }
    let phones =
        card.phones.iter().take(MAX_OF_A_CARD).filter_map(|text| Known::read(IdentityType::Phone, text, country));
    let emails = card.emails.iter().take(MAX_OF_A_CARD).filter_map(|text| Known::read(IdentityType::Email, text, None));
    let known: Vec<Known> = phones.chain(emails).collect();
    let holders = store::holders(tx, &known).await?;
    let mut events = Vec::new();
    for (known, holder) in known.iter().zip(holders) {
        let Some(holder) = holder else { continue };
        let proof = json!({
            "what": "shared_card", "type": known.kind.as_str(), "value": known.shown, "name": names::name(&card.name), "evidence": evidence(known, by),
        });
        events.extend(suggest(tx, from, holder.contact, vec![proof]).await?);
    }
    Ok(events)
}
