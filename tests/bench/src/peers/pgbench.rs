//! pgbench, which comes with PostgreSQL: rows inserted by SQL alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::usage::cpu_of_reaped_children;

/// A table beside the journal's: the same size of row, and two indexes, as an inbox of outside events has.
pub(crate) const TABLE: &str = "
    CREATE TABLE peer (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        source uuid NOT NULL, ext_id bigint NOT NULL, at timestamptz NOT NULL, body jsonb NOT NULL,
        UNIQUE (source, ext_id)
    );
    CREATE SEQUENCE peer_ext;";

/// One row, one transaction.
pub(crate) const SINGLE_ROW: &str = "
    INSERT INTO peer (source, ext_id, at, body)
    VALUES ('00000000-0000-0000-0000-000000000001', nextval('peer_ext'), now(),
            jsonb_build_object('n', :client_id::int, 'text', repeat('x', 150)));";

/// A hundred rows, one transaction. The server makes the values itself: no client's encoding is in it.
pub(crate) const UNNEST_100: &str = "
    INSERT INTO peer (source, ext_id, at, body)
    SELECT source, ext_id, now(), body::jsonb
    FROM unnest(
        array_fill('00000000-0000-0000-0000-000000000001'::uuid, ARRAY[100]),
        (SELECT array_agg(nextval('peer_ext')) FROM generate_series(1, 100)),
        array_fill('{\"n\": 1, \"text\": \"' || repeat('x', 150) || '\"}', ARRAY[100])
    ) AS t (source, ext_id, body);";

/// Rows as those of webhooks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Webhooks {
    /// Bytes of a body.
    pub(crate) body: usize,
}

impl Webhooks {
    /// An inbox of outside events as one would write it by hand: two indexes.
    pub(crate) const TABLE: &str = "
        CREATE TABLE peer_webhook (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            account uuid NOT NULL, ext_id bigint NOT NULL, at timestamptz NOT NULL, url text NOT NULL, headers jsonb NOT NULL, body bytea NOT NULL,
            UNIQUE (account, ext_id)
        );
        CREATE SEQUENCE peer_webhook_ext;";
    const ACCOUNT: &str = "'00000000-0000-0000-0000-000000000001'::uuid";
    const URL: &str = "'https://bench.test/webhooks/whatsapp/00000000-0000-0000-0000-000000000001'::text";
    const HEADERS: &str = "('{\"content-type\": \"application/json\", \"user-agent\": \"facebookexternalua\", \"x-hub-signature-256\": \"sha256='
        || repeat('0', 64) || '\"}')";

    fn text(self) -> String {
        format!("convert_to(repeat('x', {}), 'UTF8')", self.body)
    }

    /// One row, one transaction.
    pub(crate) fn single_row(self) -> String {
        format!(
            "INSERT INTO peer_webhook (account, ext_id, at, url, headers, body)
             VALUES ({}, nextval('peer_webhook_ext'), now(), {}, {}::jsonb, {});",
            Self::ACCOUNT,
            Self::URL,
            Self::HEADERS,
            self.text()
        )
    }

    /// A hundred rows, one transaction. The server makes the values itself.
    pub(crate) fn unnest_100(self) -> String {
        let filled = |value: &str| format!("array_fill({value}, ARRAY[100])");
        format!(
            "INSERT INTO peer_webhook (account, ext_id, at, url, headers, body)
             SELECT account, ext_id, now(), url, headers::jsonb, body
               FROM unnest({}, (SELECT array_agg(nextval('peer_webhook_ext')) FROM generate_series(1, 100)), {}, {}, {})
                    AS t (account, ext_id, url, headers, body);",
            filled(Self::ACCOUNT),
            filled(Self::URL),
            filled(Self::HEADERS),
            filled(&self.text())
        )
    }
}

/// What a run gave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ran {
    /// Transactions per second.
    pub(crate) tps: f64,
    pub(crate) seconds: f64,
    /// CPU time of pgbench itself.
    pub(crate) cpu: Duration,
}

/// Runs one statement over and over, with prepared statements, two threads, and that many clients.
pub(crate) fn run(url: &str, dir: &Path, sql: &str, clients: usize, seconds: u64) -> anyhow::Result<Ran> {
    let script = dir.join("script.sql");
    // One line: a line is a statement.
    let words: Vec<&str> = sql.split_whitespace().collect();
    fs::write(&script, words.join(" ")).context("cannot write pgbench's script")?;
    let before = cpu_of_reaped_children()?;
    let output = Command::new(program()?)
        .args(["-n", "-M", "prepared", "-j", "2", "-c", &clients.to_string(), "-T", &seconds.to_string(), "-f"])
        .arg(&script)
        .arg(url)
        .output()
        .context("cannot start pgbench")?;
    let cpu = cpu_of_reaped_children()?.saturating_sub(before);
    let text = String::from_utf8_lossy(&output.stdout);
    match parse_tps(&text).filter(|_| output.status.success()) {
        Some(tps) => Ok(Ran { tps, seconds: seconds as f64, cpu }),
        None => bail!("pgbench failed: {}", String::from_utf8_lossy(&output.stderr).trim()),
    }
}

/// Runs a script so many times over one connection, one run after another: the microseconds of each. `scans` alone: without any index.
pub(crate) fn latencies(url: &str, dir: &Path, sql: &str, times: u32, scans: bool) -> anyhow::Result<Vec<u32>> {
    let folder = tempfile::tempdir_in(dir).context("no folder for pgbench")?;
    let script = folder.path().join("script.sql");
    let words: Vec<&str> = sql.split_whitespace().collect();
    fs::write(&script, words.join(" ")).context("cannot write pgbench's script")?;
    let settings = ["enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan"]
        .map(|name| format!("-c {name}=off"))
        .join(" ");
    let output = Command::new(program()?)
        .args(["-n", "-M", "prepared", "-c", "1", "-t", &times.to_string(), "-l", "-f"])
        .arg(&script)
        .arg(url)
        .env("PGOPTIONS", if scans { settings.as_str() } else { "" })
        .current_dir(folder.path())
        .output()
        .context("cannot start pgbench")?;
    if !output.status.success() {
        bail!("pgbench failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let mut latencies = Vec::new();
    for file in fs::read_dir(folder.path()).context("cannot look for pgbench's log")?.flatten() {
        if file.file_name().to_string_lossy().starts_with("pgbench_log") {
            let text = fs::read_to_string(file.path()).context("cannot read pgbench's log")?;
            latencies.extend(text.lines().filter_map(parse_latency));
        }
    }
    if latencies.len() != times as usize {
        bail!("pgbench logged {} of {times} runs", latencies.len());
    }
    Ok(latencies)
}

/// A line of its log: client, transaction, microseconds, …
fn parse_latency(line: &str) -> Option<u32> {
    line.split(' ').nth(2)?.parse().ok()
}

fn parse_tps(text: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok())
}

/// `15.14`.
pub(crate) fn version() -> String {
    let output = program().and_then(|program| Ok(Command::new(program).arg("--version").output()?));
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).split_whitespace().nth(2).unwrap_or("unknown").to_owned(),
    )
}

/// The newest one that is installed.
fn program() -> anyhow::Result<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin/pgbench"))))
        .filter(|(_, path)| path.exists())
        .collect();
    found.sort();
    Ok(found.pop().context("pgbench is not here: apt-get install postgresql")?.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_read() {
        let text = "latency average = 3.5 ms\ntps = 18065.123456 (without initial connection time)\n";
        assert!(parse_tps(text).is_some_and(|tps| (tps - 18_065.123_456).abs() < 1e-9));
        assert_eq!(parse_tps("pgbench: error"), None);
        assert_eq!(parse_latency("0 199 2241 0 1175850568 995598"), Some(2241));
        assert_eq!(parse_latency(""), None);
    }
}
