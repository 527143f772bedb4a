//! The epoch: sequence numbers mean something only within one.

use trunkline_db::{Db, DbError};
use uuid::Uuid;

use crate::store;

/// The epoch on record; begins one when there is none, or when the database is not of the lineage that it was begun on:
/// another timeline or cluster may lack events that were shown already.
pub(crate) async fn ensure(db: &Db) -> Result<Uuid, DbError> {
    let mut tx = db.system().await?;
    let lineage = store::lineage(&mut tx).await?;
    if let Some((epoch, begun_on)) = store::recorded_epoch(&mut tx).await?
        && begun_on == lineage
    {
        tx.commit().await?;
        return Ok(epoch);
    }
    store::record_epoch(&mut tx, Uuid::now_v7(), lineage).await?;
    // Another node may have been quicker: what is on record counts.
    let recorded = store::recorded_epoch(&mut tx).await?;
    tx.commit().await?;
    let (epoch, _) = recorded.ok_or_else(|| DbError::from(sqlx::Error::RowNotFound))?;
    tracing::info!(%epoch, timeline = lineage.timeline, "a new epoch of the journal begins");
    Ok(epoch)
}
