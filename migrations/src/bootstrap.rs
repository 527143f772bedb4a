//! What a superuser does once: the roles and the database.

use std::str::FromStr;

use sqlx::{AssertSqlSafe, Connection, postgres::PgConnectOptions, postgres::PgConnection};

use crate::DbError;

/// The statements of `bootstrap.sql` with the passwords of `trunkline_owner` and of the login role `trunkline` filled in.
///
/// They may be run again at any time; doing so sets the passwords.
pub fn sql(owner_password: &str, login_password: &str) -> String {
    include_str!("../bootstrap.sql")
        .replace("{owner_password}", &literal(owner_password))
        .replace("{login_password}", &literal(login_password))
}

/// Makes the roles, and the database when it is missing. `superuser_url` names any existing database, such as `postgres`.
pub async fn run(
    superuser_url: &str,
    database: &str,
    owner_password: &str,
    login_password: &str,
) -> Result<(), DbError> {
    let mut connection = PgConnection::connect_with(&PgConnectOptions::from_str(superuser_url)?).await?;
    // Two at once would collide on the roles' catalogue rows.
    sqlx::query("SELECT pg_advisory_lock(hashtextextended('trunkline.bootstrap', 0))").execute(&mut connection).await?;
    sqlx::raw_sql(AssertSqlSafe(sql(owner_password, login_password))).execute(&mut connection).await?;
    let exists: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_database WHERE datname = $1")
        .bind(database)
        .fetch_optional(&mut connection)
        .await?;
    if exists.is_none() {
        let create = format!("CREATE DATABASE \"{}\" OWNER trunkline_owner", database.replace('"', "\"\""));
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut connection).await?;
    }
    connection.close().await?;
    Ok(())
}

/// A text as an SQL string literal, whatever `standard_conforming_strings` says.
fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_quoted() {
        let sql = sql(r"o'w\n", "plain");
        assert!(sql.contains(r"PASSWORD E'o\'w\\n';"), "{sql}");
        assert!(sql.contains("PASSWORD E'plain';"));
    }
}
