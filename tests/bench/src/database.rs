//! A private PostgreSQL with Trunkline's schema, for one run.

use std::path::Path;

use anyhow::Context as _;
use tempfile::TempDir;
use trunkline_db::{bootstrap, migrate};
use trunkline_stack::{Postgres, PostgresOptions};

const NAME: &str = "trunkline";
const PASSWORD: &str = "bench";

/// The cluster; dropping it stops it and removes its folder.
#[derive(Debug)]
pub(crate) struct Database {
    postgres: Postgres,
    // Removed after the server has stopped.
    dir: TempDir,
}

impl Database {
    /// Starts a cluster that waits for the disk at each commit, below `folder`: on a disk, not in memory.
    pub(crate) async fn start(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let dir = tempfile::tempdir_in(folder).context("no folder for PostgreSQL")?;
        let options = PostgresOptions {
            durable: true,
            max_connections: 200,
            // A checkpoint in the middle of one of them would make the rounds incomparable.
            extra: vec!["max_wal_size = '8GB'".to_owned(), "checkpoint_timeout = '1h'".to_owned()],
            ..PostgresOptions::default()
        };
        let postgres = Postgres::start_with(dir.path(), options).await?;
        bootstrap::run(&postgres.superuser_url("postgres"), NAME, PASSWORD, PASSWORD).await?;
        migrate(&postgres.url("trunkline_owner", PASSWORD, NAME)).await?;
        Ok(Self { postgres, dir })
    }

    /// As Trunkline connects.
    pub(crate) fn url(&self) -> String {
        self.postgres.url("trunkline", PASSWORD, NAME)
    }

    /// As the superuser connects.
    pub(crate) fn superuser_url(&self) -> String {
        self.postgres.superuser_url(NAME)
    }

    /// Runs SQL as the superuser.
    pub(crate) fn psql(&self, sql: &str) -> anyhow::Result<String> {
        Ok(self.postgres.psql(NAME, sql)?)
    }

    pub(crate) fn pid(&mut self) -> anyhow::Result<u32> {
        Ok(self.postgres.process().context("PostgreSQL has ended")?.pid())
    }

    /// A folder for what belongs to the run.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// `15.14`.
    pub(crate) fn version(&self) -> String {
        self.psql("SHOW server_version")
            .ok()
            .and_then(|text| Some(text.split(' ').next()?.to_owned()))
            .unwrap_or_else(|| "unknown".to_owned())
    }
}
