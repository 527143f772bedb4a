//! What is done in the background for channels.

use std::time::Duration;

use trunkline_jobs::Worker;

use super::{apply, connect, press, staff, templates};
use crate::files;
use crate::state::AppState;

/// Applies what an account's provider told.
pub(crate) const APPLY: &str = "inbound.apply";
/// Has it applied after a pause.
pub(crate) const AGAIN: &str = "inbound.again";
/// Tells a provider of us, and asks whether it knows the account.
pub(crate) const CONNECT: &str = "channel.connect";
/// Reads an account's templates.
pub(crate) const TEMPLATES: &str = "templates.sync";
/// Fetches a file of a message.
pub(crate) const MEDIA: &str = "media.fetch";
/// Tells something in a linked group of the staff's.
pub(crate) const STAFF: &str = "staff.notify";
/// Answers a button that somebody pressed.
pub(crate) const PRESS: &str = "press.answer";

/// The worker with the handlers of channels.
pub(crate) fn handle(worker: Worker, state: &AppState) -> Worker {
    let (applying, again, connecting) = (state.clone(), state.clone(), state.clone());
    let (syncing, telling, fetching, pressing) = (state.clone(), state.clone(), state.clone(), state.clone());
    worker
        .handle_within(APPLY, Duration::from_mins(5), move |job| apply::run(applying.clone(), job))
        .handle(AGAIN, move |job| apply::again(again.clone(), job))
        .handle(CONNECT, move |job| connect::run(connecting.clone(), job))
        .handle_within(TEMPLATES, Duration::from_mins(5), move |job| templates::run(syncing.clone(), job))
        .handle_within(MEDIA, Duration::from_mins(15), move |job| files::fetch(fetching.clone(), job))
        .handle(PRESS, move |job| press::run(pressing.clone(), job))
        .handle(STAFF, move |job| staff::run(telling.clone(), job))
}
