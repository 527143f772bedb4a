//! Has PostgreSQL look at tables that have grown from nothing since it last did: its own look comes once a minute, and a burst into a new installation
//! would run by plans for empty tables until then.

use trunkline_db::{Db, DbError};
use trunkline_jobs::{Done, Failure};

use super::store;
use crate::state::AppState;

pub(crate) const KIND: &str = "system.statistics";

pub(super) async fn run(state: AppState) -> Result<Done, Failure> {
    match analyze(&state.db).await {
        Ok(tables) => {
            tracing::debug!(tables, "young tables are analysed");
            Ok(Done)
        }
        Err(error) => Err(Failure::retry(format!("cannot analyse young tables: {error}"))),
    }
}

async fn analyze(db: &Db) -> Result<i32, DbError> {
    let mut tx = db.system().await?;
    let tables = store::analyze_young_tables(&mut tx).await?;
    tx.commit().await?;
    Ok(tables)
}
