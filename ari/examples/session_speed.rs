//! What one event costs a session: finding its kind, the typed parse, following what is known, handing it on.
//!
//! ```text
//! cargo run -p trunkline-ari --example session_speed [EVENTS.jsonl]
//! ```

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use chrono::Utc;
use trunkline_ari::session::{Input, Now, Output, Role, Session, SessionConfig};
use trunkline_ari::{Limits, Snapshot};

const ROUNDS: u32 = 2000;

fn main() -> Result<(), Box<dyn Error>> {
    let text = match std::env::args().nth(1) {
        Some(path) => std::fs::read_to_string(path)?,
        None => include_str!("../tests/samples/events.jsonl").to_owned(),
    };
    // An application that is replaced ends the session, which is not what is measured.
    let events: Vec<&str> = text.lines().filter(|line| !line.contains("ApplicationReplaced")).collect();
    let bytes: usize = events.iter().map(|event| event.len()).sum();

    let mut session = Session::new(SessionConfig {
        role: Role::Dialing,
        apps: vec!["trunkline".to_owned()],
        subscribe_all: true,
        limits: Limits::default(),
        seed: 1,
    });
    let now = Now { monotonic: Duration::ZERO, wall: Utc::now() };
    session.handle_input(now, Input::Connected);
    session.handle_input(now, Input::Snapshot { generation: 1, result: Ok(Box::new(Snapshot::default())) });
    drain(&mut session);

    let began = Instant::now();
    for _ in 0..ROUNDS {
        for event in &events {
            session.handle_input(now, Input::Frame(black_box(event)));
            drain(&mut session);
        }
    }
    let typed = began.elapsed();

    let began = Instant::now();
    for _ in 0..ROUNDS {
        for event in &events {
            black_box(serde_json::from_str::<serde_json::Value>(black_box(event))?);
        }
    }
    let untyped = began.elapsed();

    let count = f64::from(ROUNDS) * events.len() as f64;
    let micros = |time: Duration| time.as_secs_f64() * 1e6 / count;
    println!("{} events of {} bytes on average", events.len(), bytes / events.len().max(1));
    println!("session          {:.2} µs per event", micros(typed));
    println!("JSON value only  {:.2} µs per event", micros(untyped));
    println!("{:?}", session.counters());
    Ok(())
}

fn drain(session: &mut Session) {
    while let Some(output) = session.poll_output() {
        if let Output::Update(update) = output {
            black_box(update);
        }
    }
}
