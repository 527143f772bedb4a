//! `trunkline-stack run`: what `make run` does once everything is built. `trunkline-stack demo-call`: a customer for it.

mod demo_call;
mod run;
mod signals;
mod supervision;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Runs Trunkline with a private PostgreSQL and Asterisk.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Words,
    /// Folder that everything is kept in.
    #[arg(long, env = "RUN_DIR", default_value = ".run", global = true)]
    run_dir: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Words {
    /// Starts everything, and starts again what dies, until SIGINT or SIGTERM.
    Run(run::Options),
    /// A simulated customer calls the demo queue of the running stack and speaks.
    DemoCall(demo_call::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Runtime::new().expect("the runtime starts");
    let result = runtime.block_on(async {
        match arguments.command {
            Words::Run(options) => run::run(&arguments.run_dir, options).await,
            Words::DemoCall(options) => demo_call::call(&arguments.run_dir, options).await,
        }
    });
    // A download that was interrupted must not hold up the end.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
