//! `trunkline figures`: counts a tenant's figures again, from its journal's first event on.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use trunkline_db::PoolOptions;

use crate::config::{LogFormat, Source};
use crate::{figures, logging};

/// Cells that are shown when they are wrong.
const SHOWN: usize = 20;

#[derive(Debug, Subcommand)]
pub(super) enum FiguresWord {
    /// Count all figures of a tenant again and store what is right. The gateway may run meanwhile.
    Rebuild {
        /// The tenant's slug.
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        /// Change nothing: say whether the stored figures are right, and exit with 1 if not.
        #[arg(long)]
        check: bool,
    },
}

pub(super) async fn run(source: &Source, word: FiguresWord) -> anyhow::Result<ExitCode> {
    logging::init("warn,sqlx=error", LogFormat::Text);
    let FiguresWord::Rebuild { tenant: slug, check } = word;
    let db = super::connect(&source.database_url()?, PoolOptions::default()).await?;
    let tenant = figures::tenant_of(&db, &slug).await?.with_context(|| format!("there is no tenant {slug}"))?;
    let found = figures::rebuild(&db, tenant, check).await?;
    for (key, stored, right) in found.wrong.iter().take(SHOWN) {
        let at = key.quarter.start().map_or_else(|| key.quarter.0.to_string(), |at| at.to_rfc3339());
        let who = |id: Option<uuid::Uuid>| id.map_or_else(|| "none".to_owned(), |id| id.to_string());
        println!("{at}, queue {}, agent {}: stored {stored:?}, right is {right:?}", who(key.queue), who(key.agent));
    }
    if found.wrong.len() > SHOWN {
        println!("… and {} more", found.wrong.len() - SHOWN);
    }
    let (cells, seq) = (found.cells, found.as_of_seq);
    let said = match (check, found.agrees()) {
        (_, true) => format!("the figures of {slug} are right: {cells} cells, up to event {seq}"),
        (true, false) if found.wrong.is_empty() => {
            format!("what is remembered of running calls and agents of {slug} is not right, up to event {seq}")
        }
        (true, false) => format!("{} of {cells} cells of {slug} are not right, up to event {seq}", found.wrong.len()),
        (false, false) => format!("the figures of {slug} were put right: {cells} cells, up to event {seq}"),
    };
    println!("{said}");
    if found.parked > 0 {
        let what = if check { "are put aside and not counted" } else { "had been put aside and are counted now" };
        println!("{} events {what}", found.parked);
    }
    Ok(if check && !found.agrees() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
