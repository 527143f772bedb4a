//! Makes (anew) a database with the current schema: what sqlx's macros check the queries against.
//!
//! `trunkline-dev-db SUPERUSER_URL [DATABASE]` drops the database, makes it again with the roles (password `dev`), and
//! migrates it. Prints the owner's URL. For a developer's machine and for scratch clusters only.

use std::{env, process::ExitCode, str::FromStr};

use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection, postgres::PgConnectOptions, postgres::PgConnection};
use trunkline_db::{DbError, bootstrap, migrate};

const PASSWORD: &str = "dev";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let Some(superuser_url) = arguments.next() else {
        eprintln!("usage: trunkline-dev-db SUPERUSER_URL [DATABASE]");
        return ExitCode::FAILURE;
    };
    let database = arguments.next().unwrap_or_else(|| "trunkline".to_owned());
    match recreate(&superuser_url, &database).await {
        Ok(owner_url) => {
            println!("{owner_url}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("trunkline-dev-db: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn recreate(superuser_url: &str, database: &str) -> Result<String, DbError> {
    let superuser = PgConnectOptions::from_str(superuser_url)?;
    let mut connection = PgConnection::connect_with(&superuser).await?;
    let drop = format!("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", database.replace('"', "\"\""));
    sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut connection).await?;
    connection.close().await?;
    bootstrap::run(superuser_url, database, PASSWORD, PASSWORD).await?;
    let owner_url =
        superuser.username("trunkline_owner").password(PASSWORD).database(database).to_url_lossy().to_string();
    migrate(&owner_url).await?;
    Ok(owner_url)
}
