//! `bench`: Trunkline beside its peers, in the same run.
//!
//! Every figure is a ratio's half: ours and the peer's are measured alternately, several times, and their medians compared. The
//! measured server has one core, the driver and everything else another; CPU time is what the kernel counted for the server.

mod asterisk;
mod benchmarks;
mod database;
mod driver;
mod gateway;
mod machine;
mod part;
mod peers;
mod pipe;
mod results;
mod sip;
mod stats;
mod usage;
mod websocket;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, Subcommand, ValueEnum};

use self::benchmarks::{
    Plan, ari_events, call_setup, dialplan_hook, hub_fanout, hub_memory, journal_append, list_search, panel_live,
    webhook_ingest,
};
use self::machine::Machine;
use self::part::Folder;
use self::results::{Results, Row};
use self::usage::Cores;

#[derive(Debug, Parser)]
#[command(name = "bench", about = "Trunkline's benchmarks, beside their peers", args_conflicts_with_subcommands = true)]
struct Arguments {
    /// Which ones; all when none is named.
    #[arg(value_name = "NAME")]
    names: Vec<Name>,
    /// How often each measurement is repeated.
    #[arg(long, env = "BENCH_ROUNDS", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// Seconds of each measurement.
    #[arg(long, env = "BENCH_SECONDS", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Messages on their way at any time in `hub_fanout`, instead of each workload's own number.
    #[arg(long, env = "BENCH_WINDOW")]
    window: Option<usize>,
    /// Where the results are written.
    #[arg(long, env = "BENCH_OUT", default_value = "target/bench/results.json")]
    out: PathBuf,
    /// Events as Asterisk sent them, one JSON object per line, for `ari_events` beside our own.
    #[arg(long, env = "BENCH_ARI_EVENTS", value_name = "FILE")]
    ari_events: Option<PathBuf>,
    /// Calls of each round of `call_setup`, through Trunkline and through `app_queue`.
    #[arg(long, env = "BENCH_CALLS", default_value_t = 60)]
    calls: usize,
    /// How many of them per second.
    #[arg(long, env = "BENCH_CALL_RATE", default_value_t = 4.0, value_parser = rate)]
    call_rate: f64,
    /// How long the shift of `call_setup` is.
    #[arg(long, env = "BENCH_SHIFT_SECONDS", default_value_t = 60)]
    shift_seconds: u64,
    /// What the choices of that shift begin with, to play them again.
    #[arg(long, env = "BENCH_SEED")]
    seed: Option<u64>,
    /// Requests of `webhook_ingest` that wait for their answers at any time.
    #[arg(long, env = "BENCH_WEBHOOK_CONNECTIONS", default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=4000))]
    webhook_connections: u16,
    /// Messages of the large tenant in `list_search`.
    #[arg(long, env = "BENCH_LIST_MESSAGES", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(5_000..=20_000_000))]
    list_messages: u32,
    /// How often each list and search of `list_search` is asked for in a round.
    #[arg(long, env = "BENCH_LIST_ASKS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(10..=10_000))]
    list_asks: u32,
    #[command(subcommand)]
    word: Option<Word>,
}

/// Calls per second that four agents can take.
fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "expected a number".to_owned())?;
    if (0.1..=5.0).contains(&rate) { Ok(rate) } else { Err("expected 0.1 to 5 calls per second".to_owned()) }
}

/// A benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Name {
    JournalAppend,
    HubFanout,
    HubMemory,
    AriEvents,
    CallSetup,
    PanelLive,
    WebhookIngest,
    ListSearch,
    DialplanHook,
}

impl Arguments {
    fn call_setup(&self) -> call_setup::Amount {
        call_setup::Amount {
            calls: self.calls,
            rate: self.call_rate,
            shift: Duration::from_secs(self.shift_seconds),
            // Another one each time, unless it is said.
            seed: self.seed.unwrap_or_else(|| u64::from(chrono::Utc::now().timestamp_subsec_nanos())),
        }
    }
}

impl Name {
    /// As it is named in the results.
    fn text(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

#[derive(Debug, Subcommand)]
enum Word {
    /// A process of a benchmark; started by the benchmark itself.
    #[command(hide = true)]
    Part {
        #[command(subcommand)]
        part: PartWord,
        /// Where it says what it has to say.
        #[arg(long, global = true, default_value = ".")]
        dir: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum PartWord {
    Gateway {
        #[arg(long)]
        core: Option<usize>,
        #[arg(long)]
        tenants: usize,
        #[arg(long, default_value_t = 0)]
        agents: usize,
        #[arg(long)]
        works: bool,
        #[arg(long)]
        database_url: String,
    },
    SendLoop {
        #[arg(long)]
        core: usize,
    },
    Append {
        #[arg(long)]
        database_url: String,
        #[arg(long)]
        seconds: u64,
    },
    AriReader {
        #[arg(long)]
        core: usize,
        #[arg(long)]
        reader: ari_events::Reader,
        #[arg(long)]
        url: String,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.word {
        Some(Word::Part { part, dir }) => run_part(part, &Folder::new(&dir)),
        None => run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run_part(part: PartWord, folder: &Folder) -> anyhow::Result<()> {
    match part {
        PartWord::Gateway { core, tenants, agents, works, database_url } => {
            gateway::run(&gateway::Options { core, tenants, agents, works, database_url }, folder)
        }
        PartWord::SendLoop { core } => peers::send_loop::run(core, folder),
        PartWord::Append { database_url, seconds } => journal_append::part(&database_url, seconds, folder),
        PartWord::AriReader { core, reader, url } => ari_events::part(reader, &url, core, folder),
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        eprintln!("bench: this is no release build; its figures say nothing");
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(async {
        let plan = Plan {
            rounds: arguments.rounds as usize,
            span: Duration::from_secs(arguments.seconds),
            window: arguments.window,
            cores: Cores::pick()?,
            folder: arguments.out.parent().map(PathBuf::from).unwrap_or_default(),
        };
        let machine = Machine::here();
        println!(
            "{}, {} cores, Linux {}; load {:.2} {:.2} {:.2}",
            machine.cpu, machine.cores, machine.kernel, machine.load[0], machine.load[1], machine.load[2]
        );
        let mut results = Results { machine, rows: Vec::new() };
        let mut failed = Vec::new();
        for name in Name::value_variants() {
            if !arguments.names.is_empty() && !arguments.names.contains(name) {
                continue;
            }
            eprintln!("bench: {}", name.text());
            // One that fails does not cost the others' results.
            match measure(*name, &plan, arguments).await {
                Ok(rows) => results.rows.extend(rows),
                Err(error) => {
                    eprintln!("bench: {} failed: {error:#}", name.text());
                    failed.push(name.text());
                }
            }
        }
        results.write(&arguments.out)?;
        print!("{}", results.table());
        println!("written to {}", arguments.out.display());
        anyhow::ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
        Ok(())
    })
}

async fn measure(name: Name, plan: &Plan, arguments: &Arguments) -> anyhow::Result<Vec<Row>> {
    match name {
        Name::JournalAppend => journal_append::run(plan).await,
        Name::HubFanout => hub_fanout::run(plan).await,
        Name::HubMemory => hub_memory::run(plan).await,
        Name::AriEvents => ari_events::run(plan, arguments.ari_events.as_deref()).await,
        Name::CallSetup => call_setup::run(plan, arguments.call_setup()).await,
        Name::PanelLive => panel_live::run(plan).await,
        Name::WebhookIngest => webhook_ingest::run(plan, arguments.webhook_connections).await,
        Name::DialplanHook => dialplan_hook::run(plan).await,
        Name::ListSearch => list_search::run(plan, arguments.list_messages, arguments.list_asks).await,
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
    fn benchmarks_are_named_as_they_are_documented() {
        let arguments = Arguments::try_parse_from(["bench", "hub_fanout", "journal_append"]).unwrap();
        assert_eq!(arguments.names, [Name::HubFanout, Name::JournalAppend]);
        assert!(Arguments::try_parse_from(["bench", "webhook"]).is_err());
    }

    #[test]
    fn a_part_finds_its_folder() {
        let words = ["bench", "part", "send-loop", "--core", "0", "--dir", "/somewhere"];
        let Some(Word::Part { part: PartWord::SendLoop { core: 0 }, dir }) =
            Arguments::try_parse_from(words).unwrap().word
        else {
            panic!("not understood");
        };
        assert_eq!(dir, PathBuf::from("/somewhere"));
    }
}
