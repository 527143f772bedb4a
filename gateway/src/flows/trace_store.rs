//! SQL of decisions: why a call went where it went.

use trunkline_calls::flow::walk::Step;
use trunkline_db::{CallId, DbError, TenantTx};

/// Of one call, in order.
pub(super) async fn steps(tx: &mut TenantTx<'_>, call: CallId) -> Result<Vec<Step>, DbError> {
    Ok(sqlx::query_as!(
        Step,
        "SELECT at, node, name, type AS kind, what, data FROM call_steps WHERE call_id = $1 ORDER BY place",
        call.uuid(),
    )
    .fetch_all(tx.conn())
    .await?)
}
