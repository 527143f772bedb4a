//! Groups of Telegram's that became supergroups: the same chat under another id. An update tells it, or the refusal of what was sent to the old one,
//! whichever comes first.

use std::convert::Infallible;
use std::sync::Arc;

use chrono::Utc;
use trunkline_channels::model::{Address, Failure};
use trunkline_channels::telegram::address::Chat;
use trunkline_channels::telegram::{became, moved_to};
use trunkline_journal::{CommandError, Fault, Outcome};

use super::Kind;
use super::apply::{Thing, one};
use super::registry::Connected;
use crate::state::AppState;

/// Where a message goes that was refused because its group moved; `None`: that was not why. The provider took nothing of it, so it may be sent there at
/// once: conversations and the staff's groups have followed by then.
pub(crate) async fn follow(
    state: &AppState,
    account: &Arc<Connected>,
    to: &Address,
    failure: &Failure,
) -> Result<Option<Address>, CommandError<Infallible>> {
    let (Kind::Telegram, Some(new)) = (account.kind, moved_to(failure)) else { return Ok(None) };
    let Ok(chat) = to.0.parse::<Chat>() else { return Ok(None) };
    if chat.id == new {
        return Ok(None);
    }
    let thing = Thing { account: Arc::clone(account), told: Arc::new(became(chat.id, new)) };
    let within = state.clone();
    state
        .journal
        .command(account.tenant, move |tx| {
            let (state, thing) = (within.clone(), thing.clone());
            Box::pin(async move {
                let (_, events) = one(&state, tx, &thing, Utc::now()).await.map_err(Fault::<Infallible>::Db)?;
                Ok(Outcome::new(()).events(events))
            })
        })
        .await?;
    Ok(Some(Chat { id: new, ..chat }.address()))
}
