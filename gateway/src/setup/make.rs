//! The parts of making a tenant, for whoever makes one in another way than the setup does.

use trunkline_db::{AgentId, DbError, QueueId, TenantTx};

pub(crate) use super::plan::{PlannedUser, checked_name, e164, is_email};
pub(crate) use super::service::{EXTENSION, hashed, one_time_password};
pub(crate) use super::store::{append_first_events, insert_member, insert_tenant, insert_user};
use super::{plan, store};

/// The first queue, with its number and those who serve it.
pub(crate) async fn insert_queue(
    tx: &mut TenantTx<'_>,
    id: QueueId,
    name: &str,
    number: Option<&str>,
    agents: &[AgentId],
) -> Result<(), DbError> {
    store::insert_queue(tx, id, &plan::slug_of(name), name, EXTENSION, number, agents).await
}
