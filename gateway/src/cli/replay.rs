//! `trunkline replay FILE`: what the gateway understood of a session with Asterisk, line by line.

use std::fs::File;
use std::io::{self, BufReader, Write as _};
use std::path::Path;

use anyhow::Context as _;
use chrono::SecondsFormat;
use trunkline_ari::replay::Replay;

pub(super) fn run(file: &Path) -> anyhow::Result<()> {
    let log = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut count = 0_u64;
    for told in Replay::new(BufReader::new(log)) {
        let (at, update) = told.with_context(|| file.display().to_string())?;
        count += 1;
        match writeln!(out, "{} {update:?}", at.to_rfc3339_opts(SecondsFormat::Millis, true)) {
            // `trunkline replay FILE | head` is no failure.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            other => other?,
        }
    }
    out.flush().or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })?;
    if count == 0 {
        anyhow::bail!("{} holds no session: it is written with `trunkline serve --ari-log`", file.display());
    }
    Ok(())
}
