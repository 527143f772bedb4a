//! `trunkline-ari-gen [--check] [API_DOCS_FOLDER [OUTPUT_FOLDER]]`
//!
//! Without folders: the installed Asterisk's api-docs, and `ari/src/generated` of this workspace. With `--check`
//! nothing is written; the exit status says whether the files are up to date.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use trunkline_ari_gen::{Api, find_api_docs, format_files, generate, installed_api_docs, stale_files, write_files};

fn main() -> Result<ExitCode> {
    let mut check = false;
    let mut folders = Vec::new();
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--check" => check = true,
            "-h" | "--help" => {
                println!("usage: trunkline-ari-gen [--check] [API_DOCS_FOLDER [OUTPUT_FOLDER]]");
                return Ok(ExitCode::SUCCESS);
            }
            _ => folders.push(PathBuf::from(argument)),
        }
    }
    let mut folders = folders.into_iter();
    let input = match folders.next() {
        Some(folder) => find_api_docs(&folder)
            .with_context(|| format!("no resources.json with channels.json below {}", folder.display()))?,
        None => installed_api_docs().context(
            "no api-docs found: give their folder, or set TRUNKLINE_ASTERISK_PREFIX to an installed Asterisk",
        )?,
    };
    let output =
        folders.next().unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../src/generated")));

    let api = Api::load(&input)?;
    std::fs::create_dir_all(&output).with_context(|| format!("cannot create {}", output.display()))?;
    let files = format_files(generate(&api)?, &output)?;
    if check {
        let stale = stale_files(&files, &output)?;
        for path in &stale {
            println!("stale: {path}");
        }
        return Ok(if stale.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    write_files(&files, &output)?;
    println!(
        "{} operations, {} models, {} events from {}",
        api.operation_count(),
        api.models().len(),
        api.events().len(),
        input.display()
    );
    Ok(ExitCode::SUCCESS)
}
