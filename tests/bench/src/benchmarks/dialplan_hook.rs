//! `dialplan_hook`: what a call waits for a hook, by FastAGI and over HTTP, from the first SYN to the last variable, beside a bare TCP server that
//! says the same bytes without thinking.
//!
//! Calls come at a fixed rate, each with a connection of its own, as Asterisk opens them. How long one took counts from when it was due, so that
//! a stall is seen by every call that came in it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use super::Plan;
use crate::database::Database;
use crate::gateway::{Gateway, Inbox};
use crate::machine::load;
use crate::results::{Better, Row};
use crate::stats::{median, percentile, significant};

const GOAL_P99_MS: f64 = 10.0;
/// Calls per second: far more than any Asterisk begins.
const RATE: u32 = 200;
/// Who makes them.
const CALLERS: u32 = 8;
/// People whom the tenant knows.
const PEOPLE: u32 = 20_000;
const NUMBER: &str = "+15550100";
const PATIENCE: Duration = Duration::from_secs(5);

/// By which way a hook is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    FastAgi,
    Http,
}

/// A question and what it is answered with, as it was once said.
#[derive(Debug, Clone)]
struct Script {
    way: Way,
    /// FastAGI's commands in turn; one whole answer over HTTP.
    said: Vec<String>,
}

/// What callers of one span saw.
#[derive(Debug, Clone, Copy)]
struct Measured {
    p50: f64,
    p99: f64,
    longest: f64,
}

impl Measured {
    fn of(mut micros: Vec<u32>) -> anyhow::Result<Self> {
        let mut ms =
            |share| percentile(&mut micros, share).map(|value| f64::from(value) / 1_000.0).context("nobody called");
        Ok(Self { p50: ms(0.5)?, p99: ms(0.99)?, longest: ms(1.0)? })
    }

    fn said(&self) -> String {
        let [p50, p99, longest] = [self.p50, self.p99, self.longest].map(|ms| significant(ms, 3));
        format!("p50 {p50} ms, p99 {p99} ms, at most {longest} ms")
    }
}

pub(crate) async fn run(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let mut database = Database::start(&plan.folder).await?;
    let gateway = Gateway::start_inbox(Inbox { tenants: 1, agents: 0, works: false }, &mut database).await?;
    let tenant = gateway.tenants()[0];
    database.psql(&format!(
        "WITH q AS (INSERT INTO queues (tenant_id, id, slug, name, extension) VALUES ('{tenant}', gen_random_uuid(), 'sales', 'Sales', '700') RETURNING id)
         INSERT INTO numbers (tenant_id, number, queue_id) SELECT '{tenant}', '{NUMBER}', id FROM q;
         INSERT INTO contacts (tenant_id, id, person_id, display_name, named_by)
         SELECT '{tenant}', id, id, 'Person ' || n, 'agent' FROM (SELECT n, md5(n::text)::uuid AS id FROM generate_series(0, {PEOPLE} - 1) n) made;
         INSERT INTO contact_identities (tenant_id, id, contact_id, type, value, shown, evidence)
         SELECT '{tenant}', gen_random_uuid(), md5(n::text)::uuid, 'phone', number, number, '{{\"by\":\"agent\"}}'
           FROM (SELECT n, '+1555' || lpad(n::text, 7, '0') AS number FROM generate_series(0, {PEOPLE} - 1) n) made;
         ANALYZE"
    ))?;
    let token = new_token(&gateway).await?;
    let mut rows = Vec::new();
    for way in [Way::FastAgi, Way::Http] {
        rows.push(measure_way(plan, &gateway, way, &token)?);
    }
    Ok(rows)
}

async fn new_token(gateway: &Gateway) -> anyhow::Result<String> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let request = client.post(format!("http://{}/api/v1/hook-tokens", gateway.http()));
    let made = request.bearer_auth(&gateway.admins()[0].token).json(&json!({ "name": "Bench" })).send().await?;
    let made: Value = made.error_for_status()?.json().await?;
    Ok(made["token"].as_str().context("a token")?.to_owned())
}

fn measure_way(plan: &Plan, gateway: &Gateway, way: Way, token: &str) -> anyhow::Result<Row> {
    let ours = match way {
        Way::FastAgi => gateway.agi(),
        Way::Http => gateway.http(),
    };
    let script = Script { way, said: known_caller(ours, way, token)? };
    let echo = Echo::start(&script)?;
    let (mut loads, mut own, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    span(ours, way, token, plan.warm_up())?;
    for _ in 0..plan.rounds {
        loads.push(load());
        own.push(Measured::of(span(ours, way, token, plan.span)?)?);
        bare.push(Measured::of(span(echo.address, way, token, plan.span)?)?);
    }
    loads.push(load());
    let name = match way {
        Way::FastAgi => "FastAGI",
        Way::Http => "HTTP",
    };
    let p99 = |all: &[Measured]| median(all.iter().map(|one| one.p99));
    let mut row = Row::new(
        "dialplan_hook",
        &format!("ms a call waits for `caller`, p99, {name}"),
        Better::Lower,
        p99(&own),
        loads,
    )
    .goal(GOAL_P99_MS)
    .peer("TCP that says the same bytes", "std::net", p99(&bare), None)
    .note(format!(
        "{RATE} calls/s, a connection each; {PEOPLE} people, one of them calls and is looked up in PostgreSQL"
    ));
    for (whose, all) in [("ours", &own), ("the same bytes alone", &bare)] {
        for measured in all {
            row = row.note(format!("{name}, {whose}: {}", measured.said()));
        }
    }
    Ok(row)
}

/// Asks until the gateway knows the number and the caller; gives what it said.
fn known_caller(address: SocketAddr, way: Way, token: &str) -> anyhow::Result<Vec<String>> {
    let begun = Instant::now();
    loop {
        let said = ask(address, way, token, 7)?;
        let text = said.concat();
        if text.contains("Person") && text.contains("TRUNKLINE_HOOK") && text.contains("ok") {
            return Ok(said);
        }
        ensure!(begun.elapsed() < PATIENCE, "the gateway does not know the caller: {text}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Calls at the fixed rate for so long; how long each waited, in microseconds.
fn span(address: SocketAddr, way: Way, token: &str, length: Duration) -> anyhow::Result<Vec<u32>> {
    let pause = Duration::from_secs(1) * CALLERS / RATE;
    let begun = Instant::now() + Duration::from_millis(10);
    thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                scope.spawn(move || {
                    let mut waited = Vec::new();
                    let mut due = begun + pause * caller / CALLERS;
                    while due < begun + length {
                        thread::sleep(due.saturating_duration_since(Instant::now()));
                        let number =
                            u32::try_from(waited.len()).unwrap_or(0).wrapping_mul(7_919).wrapping_add(caller * 613)
                                % PEOPLE;
                        ask(address, way, token, number)?;
                        waited.push(u32::try_from(due.elapsed().as_micros()).unwrap_or(u32::MAX));
                        due += pause;
                    }
                    anyhow::Ok(waited)
                })
            })
            .collect();
        let mut all = Vec::new();
        for caller in callers {
            all.extend(caller.join().map_err(|_| anyhow::anyhow!("a caller panicked"))??);
        }
        Ok(all)
    })
}

fn question(way: Way, token: &str, person: u32) -> String {
    let from = format!("+1555{person:07}");
    match way {
        // As Asterisk 22 writes it.
        Way::FastAgi => format!(
            "agi_network: yes\nagi_network_script: caller\nagi_request: agi://127.0.0.1:4573/caller\nagi_channel: PJSIP/carrier-0000002a\n\
             agi_language: en\nagi_type: PJSIP\nagi_uniqueid: trunkline-1796045657.42\nagi_version: 22.10.1\nagi_callerid: {from}\n\
             agi_calleridname: unknown\nagi_callingpres: 0\nagi_callingani2: 0\nagi_callington: 0\nagi_callingtns: 0\nagi_dnid: {NUMBER}\n\
             agi_rdnis: unknown\nagi_context: trunkline-hook\nagi_extension: s\nagi_priority: 9\nagi_enhanced: 0.0\nagi_accountcode: \n\
             agi_threadid: 139862\nagi_arg_1: called=%2B15550100\n\n"
        ),
        Way::Http => {
            let body = format!("format=hash&token={token}&from=%2B{}&called=%2B15550100", &from[1..]);
            format!(
                "POST /hooks/dialplan/caller HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: asterisk-libcurl-agent/1.0\r\nAccept: */*\r\n\
                 Content-Length: {}\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\r\n{body}",
                body.len()
            )
        }
    }
}

/// One call's question; gives what was said, piece by piece.
fn ask(address: SocketAddr, way: Way, token: &str, person: u32) -> anyhow::Result<Vec<String>> {
    let mut socket = TcpStream::connect_timeout(&address, PATIENCE)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.write_all(question(way, token, person).as_bytes())?;
    match way {
        Way::Http => {
            let mut said = String::new();
            socket.read_to_string(&mut said)?;
            ensure!(said.starts_with("HTTP/1.1 200"), "{said}");
            Ok(vec![said])
        }
        Way::FastAgi => {
            let mut said = Vec::new();
            let mut lines = BufReader::new(socket.try_clone()?);
            loop {
                let mut line = String::new();
                if lines.read_line(&mut line)? == 0 {
                    ensure!(!said.is_empty(), "the connection was closed without a word");
                    return Ok(said);
                }
                ensure!(line.starts_with("SET VARIABLE TRUNKLINE_"), "{line}");
                said.push(line);
                socket.write_all(b"200 result=1\n")?;
            }
        }
    }
}

/// Says what was said once, to everybody.
#[derive(Debug)]
struct Echo {
    address: SocketAddr,
    over: Arc<AtomicBool>,
}

impl Echo {
    fn start(script: &Script) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let (address, over) = (listener.local_addr()?, Arc::new(AtomicBool::new(false)));
        let ended = Arc::clone(&over);
        // As many threads as callers: none waits for another's.
        for _ in 0..CALLERS {
            let (listener, script, ended) = (listener.try_clone()?, script.clone(), Arc::clone(&ended));
            thread::spawn(move || {
                while let Ok((socket, _)) = listener.accept() {
                    if ended.load(Ordering::Relaxed) {
                        return;
                    }
                    // A caller who went tells so itself.
                    let _ = say(socket, &script);
                }
            });
        }
        Ok(Self { address, over })
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for _ in 0..CALLERS {
            let _ = TcpStream::connect(self.address);
        }
    }
}

fn say(mut socket: TcpStream, script: &Script) -> anyhow::Result<()> {
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new(socket.try_clone()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            bail!("no question");
        }
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.trim().parse()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    lines.read_exact(&mut vec![0; length])?;
    for piece in &script.said {
        socket.write_all(piece.as_bytes())?;
        if script.way == Way::FastAgi {
            lines.read_line(&mut String::new())?;
        }
    }
    Ok(())
}
