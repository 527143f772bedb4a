//! The command line: `trunkline <word>`.

mod doctor;
mod figures;
mod replay;
mod serve;
mod user;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use trunkline_db::{Db, DbError, PoolOptions};

use crate::auth::Passwords;
use crate::config::{ConfigError, LogFormat, Secret, Source};
use crate::{http, logging, provision};

/// Where the configuration is looked for when nothing else is said.
const DEFAULT_FILE: &str = "trunkline.toml";

#[derive(Debug, Parser)]
#[command(
    name = "trunkline",
    version,
    about = "A self-hosted call centre beside Asterisk",
    disable_help_subcommand = true
)]
struct Arguments {
    /// Configuration file; without it trunkline.toml, if there is one. TRUNKLINE_* variables win over it.
    #[arg(long, global = true, env = "TRUNKLINE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    word: Word,
}

#[derive(Debug, Subcommand)]
enum Word {
    /// Run the gateway.
    Serve {
        /// Append every raw ARI frame to this file, as JSON lines, for `replay`.
        #[arg(long, value_name = "FILE")]
        ari_log: Option<PathBuf>,
    },
    /// Bring the database's schema up to date.
    Migrate,
    /// Check every dependency and say in words what to mend.
    Doctor {
        /// Verify the audit log of every tenant as well, from its first entry on.
        #[arg(long)]
        audit: bool,
    },
    /// Make and list users.
    User {
        #[command(subcommand)]
        word: user::UserWord,
    },
    /// Figures of calls and agents.
    Figures {
        #[command(subcommand)]
        word: figures::FiguresWord,
    },
    /// Play an ARI log back and show what the gateway understood.
    Replay {
        /// A file written with `serve --ari-log`.
        file: PathBuf,
    },
    /// Print the OpenAPI document.
    Openapi,
    /// Make what is missing of the demo tenant.
    DemoSeed,
}

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("trunkline: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    // What needs no configuration comes first.
    match &arguments.word {
        Word::Openapi => {
            println!("{}", openapi_text()?);
            return Ok(ExitCode::SUCCESS);
        }
        Word::Replay { file } => {
            replay::run(file)?;
            return Ok(ExitCode::SUCCESS);
        }
        _ => {}
    }
    let source = read_source(arguments.config.as_deref())?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    let code = runtime.block_on(async move {
        match arguments.word {
            Word::Serve { ari_log } => serve::run(&source, ari_log).await.map(|()| ExitCode::SUCCESS),
            Word::Migrate => migrate(&source).await.map(|()| ExitCode::SUCCESS),
            Word::Doctor { audit } => Ok(doctor::run(&source, audit).await),
            Word::User { word } => user::run(&source, word).await.map(|()| ExitCode::SUCCESS),
            Word::Figures { word } => figures::run(&source, word).await,
            Word::DemoSeed => demo_seed(&source).await.map(|()| ExitCode::SUCCESS),
            Word::Openapi | Word::Replay { .. } => Ok(ExitCode::SUCCESS),
        }
    });
    // Threads that wait for somebody (a mail server) end with the process.
    runtime.shutdown_background();
    code
}

fn read_source(named: Option<&Path>) -> Result<Source, ConfigError> {
    let default = Path::new(DEFAULT_FILE);
    let file = named.or_else(|| default.is_file().then_some(default));
    Source::read(file, std::env::vars())
}

/// The OpenAPI document as it is committed.
fn openapi_text() -> anyhow::Result<String> {
    // By way of a value, whose fields are in order: an operation's extensions come in another one each time.
    let document = serde_json::to_value(http::openapi());
    document
        .and_then(|document| serde_json::to_string_pretty(&document))
        .context("the OpenAPI document cannot be written")
}

async fn migrate(source: &Source) -> anyhow::Result<()> {
    logging::init("info,sqlx=warn", LogFormat::Text);
    let url = source.database_owner_url()?;
    trunkline_db::migrate(url.expose()).await.map_err(|error| in_words("database_owner_url", &url, &error))?;
    println!("the schema is up to date");
    Ok(())
}

async fn demo_seed(source: &Source) -> anyhow::Result<()> {
    let db = connect(&source.database_url()?, PoolOptions::default()).await?;
    if provision::seed_demo(&db, &Passwords::new()).await?.is_none() {
        println!("the demo tenant was removed; it stays away");
        return Ok(());
    }
    println!(
        "the demo tenant is there: admin@demo.test, manager@demo.test, operator@demo.test, operator2@demo.test; password {}",
        provision::DEMO_PASSWORD
    );
    Ok(())
}

/// Connects, or says in one sentence why not.
async fn connect(url: &Secret, options: PoolOptions) -> anyhow::Result<Db> {
    Db::connect(url.expose(), options).await.map_err(|error| in_words("database_url", url, &error))
}

/// Why the database cannot be used, with its address but without its password.
fn in_words(key: &str, url: &Secret, error: &DbError) -> anyhow::Error {
    let place = url::Url::parse(url.expose()).map_or_else(
        |_| "the database".to_owned(),
        |url| {
            let port = url.port().unwrap_or(5432);
            format!("{} at {}:{port}", url.path().trim_start_matches('/'), url.host_str().unwrap_or("localhost"))
        },
    );
    match error {
        DbError::Unavailable(reason) => anyhow::anyhow!("{key}: PostgreSQL does not answer for {place}: {reason}"),
        other => anyhow::anyhow!("{key}: PostgreSQL refuses {place}: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_sentence_about_a_database_holds_no_password() {
        let url = Secret::new("postgres://trunkline:hunter2@db.test:6432/calls");
        let text = in_words("database_url", &url, &DbError::NoSuchTenant).to_string();
        assert!(text.contains("calls at db.test:6432") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn the_committed_openapi_document_is_up_to_date() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        let current = openapi_text().unwrap();
        assert!(
            committed.trim() == current,
            "gateway/openapi.json is stale: run `cargo run -p trunkline -- openapi > gateway/openapi.json`"
        );
    }
}
