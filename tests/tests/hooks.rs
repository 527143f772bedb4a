//! Dialplan hooks, asked by a dialplan on a real Asterisk: with the gateway up, slow and dead, and with callers who mean harm.

use std::io::Write as _;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::{Value, json};
use trunkline_stack::Stack;
use trunkline_tests::{EchoPhone, Scene, eventually, nothing_left_in_asterisk, outage_stack, run, shared_stack};

const SOON: Duration = Duration::from_secs(10);
/// What a call may take from its INVITE to the answer when no hook holds it up, on a busy machine.
const CALL: Duration = Duration::from_millis(700);
/// TRUNKLINE_HOOK_LIMIT.
const LIMIT: Duration = Duration::from_millis(600);
/// Asterisk's own wait for a FastAGI connection that nobody takes or refuses.
const CONNECT: Duration = Duration::from_secs(2);

const CALLER: &str = "+15557770001";
const HOURS: &str = "+15557770002";
const ROUTE: &str = "+15557770003";
const EVENT: &str = "+15557770004";
/// The hooks themselves, without our subroutines.
const PLAIN_AGI: &str = "+15557770005";
const LINES: &str = "+15557770006";
const TEXTED: &str = "+15557770007";
const ENDED: &str = "+15557770008";
const HOOKS: [&str; 4] = [CALLER, HOURS, ROUTE, EVENT];

/// A dialplan of somebody's own. Each extension asks a hook, notes what it was told, and answers.
fn dialplan(number: &str, url: &str, token: &str) -> String {
    let note = |variables: &[&str]| {
        let values: Vec<String> = variables.iter().map(|name| format!("${{{name}}}")).collect();
        format!(
            " same => n,Set(DB(seen/${{EXTEN}})=${{TRUNKLINE_HOOK}}|{}|${{TIMEOUT(absolute)}})\n same => n,Answer()\n same => n,Wait(20)\n same => n,Hangup()\n",
            values.join("|")
        )
    };
    let begin = |exten: &str| format!("exten => {exten},1,Set(TIMEOUT(absolute)=60)\n");
    let caller = note(&[
        "TRUNKLINE_CALLER_KNOWN",
        "TRUNKLINE_CALLER_NAME",
        "TRUNKLINE_CALLER_VIP",
        "TRUNKLINE_CALLER_BLOCKED",
        "TRUNKLINE_CALLER_LANGUAGE",
        "TRUNKLINE_CALLER_NUMBER",
    ]);
    let hours = note(&["TRUNKLINE_OPEN", "TRUNKLINE_HOURS_REASON", "TRUNKLINE_HOURS_NEXT_LOCAL"]);
    let route = note(&[
        "TRUNKLINE_ROUTE",
        "TRUNKLINE_ROUTE_REASON",
        "TRUNKLINE_ROUTE_EXTEN",
        "TRUNKLINE_ROUTE_NUMBER",
        "TRUNKLINE_PRIORITY",
    ]);
    let event = note(&["TRUNKLINE_EVENT"]);
    let plain = note(&["AGISTATUS", "TRUNKLINE_CALLER_KNOWN", "TRUNKLINE_CALLER_NAME"]);
    let lines = note(&["FIRST", "LINES"]);
    [
        "[trunkline-trunk](+)\nexten => _+1555777XXXX,1,Goto(own,${EXTEN},1)\n[own]\n".to_owned(),
        begin(CALLER) + &format!(" same => n,Gosub(trunkline-hook-caller,s,1({number}))\n{caller}"),
        begin(HOURS) + &format!(" same => n,Gosub(trunkline-hook-hours,s,1({number}))\n{hours}"),
        begin(ROUTE) + &format!(" same => n,Gosub(trunkline-hook-route,s,1({number}))\n{route}"),
        begin(EVENT)
            + &format!(" same => n,Set(CALLERID(dnid)={number})\n same => n,Gosub(trunkline-hook-event,s,1(menu.chosen,key 2))\n{event}"),
        begin(PLAIN_AGI) + &format!(" same => n,Set(CALLERID(dnid)={number})\n same => n,AGI(agi://${{TRUNKLINE_HOOK_AGI}}/caller)\n{plain}"),
        begin(LINES)
            + &format!(
                " same => n,Set(LINES=${{CURL({url}/hours,format=vars&token={token}&called=${{URIENCODE({number})}})}})\n \
                 same => n,Set(FIRST=${{CUT(LINES,\\\\n,1)}})\n{lines}"
            ),
        begin(TEXTED)
            + &format!(
                " same => n,Set(CALLERID(dnid)={number})\n same => n,Set(TRUNKLINE_TEXT=${{CALLERID(name)}})\n \
                 same => n,Gosub(trunkline-hook-event,s,1(said))\n{event}"
            ),
        begin(ENDED) + &format!(" same => n,Set(CALLERID(dnid)={number})\n") + &note(&["UNSET"]),
        "exten => h,1,GotoIf($[\"${CALLERID(dnid)}\" = \"\"]?out)\n same => n,Gosub(trunkline-hook-event,s,1(gone))\n \
         same => n(out),NoOp()\n"
            .to_owned(),
    ]
    .concat()
}

/// Puts our dialplan behind the one that is there.
async fn install(stack: &Stack, scene: &Scene, token: &str) -> Result<()> {
    let path = stack.asterisk.dir().join("etc/extensions.conf");
    let url = format!("{}/hooks/dialplan", stack.gateway.base_url());
    let mut file = std::fs::OpenOptions::new().append(true).open(path)?;
    file.write_all(dialplan(&scene.number, &url, token).as_bytes())?;
    stack.asterisk.rx("dialplan reload").await?;
    eventually(SOON, async || {
        let shown = stack.asterisk.rx(&format!("dialplan show {CALLER}@own")).await?;
        ensure!(shown.contains("trunkline-hook-caller"), "{shown}");
        // The number is new, too.
        let asked = json!({ "hook": "hours", "called": scene.number });
        let told = scene.admin.send(Method::POST, "/hooks/try", &asked).await?;
        ensure!(told["status"] == "ok", "{told}");
        Ok(())
    })
    .await
}

/// What the dialplan noted of a call, and how long it took to be answered.
struct Seen {
    noted: String,
    took: Duration,
}

impl Seen {
    /// The noted values but for the call's own limit, which every hook leaves as it was.
    fn values(&self) -> Result<Vec<&str>> {
        let mut values: Vec<&str> = self.noted.split('|').collect();
        let left: f64 = values.pop().context("values")?.parse()?;
        ensure!((50.0..=60.0).contains(&left), "the call has {left} s left: {}", self.noted);
        Ok(values)
    }
}

/// Calls, and waits for the answer.
async fn call(stack: &Stack, from: &str, number: &str) -> Result<Seen> {
    stack.asterisk.rx(&format!("database del seen {number}")).await?;
    let begun = Instant::now();
    let phone = EchoPhone::dial(stack.asterisk.sip_port(), from, number)
        .await
        .with_context(|| format!("a call to {number}"))?;
    let took = begun.elapsed();
    let said = stack.asterisk.rx(&format!("database get seen {number}")).await?;
    phone.hang_up().await?;
    let noted = said.trim().strip_prefix("Value: ").with_context(|| said.clone())?.to_owned();
    eprintln!("{number} from {from}: {took:?}: {noted}");
    Ok(Seen { noted, took })
}

async fn set_global(stack: &Stack, name: &str, value: &str) -> Result<()> {
    stack.asterisk.rx(&format!("dialplan set global {name} \"{value}\"")).await.map(drop).map_err(Into::into)
}

/// That a gateway did not answer is forgotten.
async fn ask_again(stack: &Stack) -> Result<()> {
    set_global(stack, "TRUNKLINE_HOOK_AWAY", "0").await
}

async fn new_token(scene: &Scene) -> Result<String> {
    let made = scene.admin.send(Method::POST, "/hook-tokens", &json!({ "name": "Asterisk" })).await?;
    Ok(made["token"].as_str().context("a token")?.to_owned())
}

/// The values of each hook when nobody answers.
fn is_fallback(number: &str, seen: &Seen) -> Result<()> {
    let expected: &[&str] = match number {
        CALLER => &["away", "0", "", "0", "0", "", ""],
        HOURS => &["away", "1", "fallback", ""],
        ROUTE => &["away", "default", "fallback", "", "", "0"],
        _ => &["away", "lost"],
    };
    ensure!(seen.values()? == expected, "{number}: {}", seen.noted);
    Ok(())
}

/// Somebody whom the tenant knows: by a name that means harm.
fn know(stack: &Stack, scene: &Scene, number: &str, name: &str) -> Result<()> {
    let sql = format!(
        "WITH t AS (SELECT tenant_id FROM numbers WHERE number = '{}'), made AS (
             INSERT INTO contacts (tenant_id, id, person_id, display_name, named_by, language)
             SELECT tenant_id, md5('{number}')::uuid, md5('{number}')::uuid, '{}', 'agent', 'it' FROM t RETURNING tenant_id, id)
         INSERT INTO contact_identities (tenant_id, id, contact_id, type, value, shown, evidence)
         SELECT tenant_id, gen_random_uuid(), id, 'phone', '{number}', '{number}', '{{\"by\":\"agent\"}}' FROM made",
        scene.number,
        name.replace('\'', "''"),
    );
    stack.postgres.psql(stack.database(), &sql)?;
    Ok(())
}

async fn events(scene: &Scene, kind: &str) -> Result<Vec<Value>> {
    let page = scene.admin.get(&format!("/events?kinds={kind}&limit=100")).await?;
    Ok(page["items"].as_array().context("events")?.clone())
}

#[test]
fn each_hook_answers_a_real_dialplan() {
    run(async {
        let stack = shared_stack().await?;
        let scene = Scene::new(stack, 1).await?;
        let token = new_token(&scene).await?;
        install(stack, &scene, &token).await?;
        know(stack, &scene, "+15551230001", "Rossi, \"Mario\" ${SHELL(touch /tmp/x)}&(x)")?;
        scene.admin.send(Method::PUT, "/caller-marks/+15551230001", &json!({ "mark": "vip", "reason": "" })).await?;
        let hours = json!({ "time_zone": "Europe/Rome", "week": [] });
        let closed = json!({ "routing": { "hours": hours, "priority": 5 } });

        for way in ["FastAGI", "HTTP"] {
            if way == "HTTP" {
                set_global(stack, "TRUNKLINE_HOOK_URL", &format!("{}/hooks/dialplan", stack.gateway.base_url()))
                    .await?;
                set_global(stack, "TRUNKLINE_HOOK_TOKEN", &token).await?;
            }
            scene.queue_works(&json!({ "routing": { "priority": 5 } })).await?;
            let seen = eventually(SOON, async || {
                let seen = call(stack, "+15551230001", CALLER).await?;
                ensure!(seen.values()?[3] == "1", "the mark is not known yet: {}", seen.noted);
                Ok(seen)
            })
            .await?;
            let expected = ["ok", "1", "Rossi Mario SHELL touch tmp x x", "1", "0", "it", "+15551230001"];
            ensure!(seen.values()? == expected, "{way}: {}", seen.noted);
            let stranger = call(stack, "+15551239999", CALLER).await?;
            ensure!(stranger.values()? == ["ok", "0", "", "0", "0", "", "+15551239999"], "{way}: {}", stranger.noted);
            let hidden = call(stack, "anonymous", CALLER).await?;
            ensure!(hidden.values()? == ["ok", "0", "", "0", "0", "", ""], "{way}: {}", hidden.noted);

            let open = eventually(SOON, async || {
                let open = call(stack, "+15551230001", ROUTE).await?;
                ensure!(open.values()?[5] == "15", "{}", open.noted);
                Ok(open)
            })
            .await?;
            ensure!(open.values()? == ["ok", "queue", "open", "700", &scene.number, "15"], "{way}: {}", open.noted);
            let always = call(stack, "+15551230001", HOURS).await?;
            ensure!(always.values()? == ["ok", "1", "always_open", ""], "{way}: {}", always.noted);
            scene.queue_works(&closed).await?;
            let shut = eventually(SOON, async || {
                let shut = call(stack, "+15551230001", HOURS).await?;
                ensure!(shut.values()? == ["ok", "0", "out_of_hours", ""], "{way}: {}", shut.noted);
                Ok(shut)
            })
            .await?;
            ensure!(shut.took < CALL, "{way}: {:?}", shut.took);
            let shut = call(stack, "+15551230001", ROUTE).await?;
            ensure!(shut.values()? == ["ok", "voicemail", "closed", "", "", "0"], "{way}: {}", shut.noted);

            let told = call(stack, "+15551230001", EVENT).await?;
            ensure!(told.values()? == ["ok", "written"], "{way}: {}", told.noted);
        }
        let told = events(&scene, "dialplan.menu.chosen").await?;
        ensure!(told.len() == 2, "{told:#?}");
        let data = &told[0]["data"];
        assert_eq!(
            (&data["text"], &data["from"], &data["to"]),
            (&"key 2".into(), &"+15551230001".into(), &json!(scene.number))
        );

        // By hand, with no subroutine of ours.
        let plain = call(stack, "+15551230001", PLAIN_AGI).await?;
        ensure!(plain.values()? == ["ok", "SUCCESS", "1", "Rossi Mario SHELL touch tmp x x"], "{}", plain.noted);
        let lines = call(stack, "+15551230001", LINES).await?;
        let told = lines.values()?;
        ensure!(told[1] == "TRUNKLINE_OPEN=0" && told[2].ends_with("\nTRUNKLINE_HOOK=ok"), "{}", lines.noted);

        // A token that is revoked opens nothing, and the call goes on.
        let tokens = scene.admin.get("/hook-tokens").await?;
        let id = tokens["items"][0]["id"].as_str().context("a token")?;
        let gone = scene.admin.request(Method::DELETE, &format!("/hook-tokens/{id}")).send().await?;
        ensure!(gone.status() == 204, "{gone:?}");
        let denied = call(stack, "+15551230001", HOURS).await?;
        ensure!(denied.values()? == ["denied", "1", "fallback", ""], "{}", denied.noted);
        set_global(stack, "TRUNKLINE_HOOK_TOKEN", "").await?;

        // At the end of a call there is nobody left to wait for, and something to remember.
        call(stack, "+15551230001", ENDED).await?;
        eventually(SOON, async || {
            ensure!(!events(&scene, "dialplan.gone").await?.is_empty(), "no event of the end");
            Ok(())
        })
        .await?;
        nothing_left_in_asterisk(stack).await
    });
}

#[test]
fn what_a_caller_calls_themselves_is_never_dialplan() {
    run(async {
        let stack = outage_stack().await?;
        let scene = Scene::new(&stack, 1).await?;
        install(&stack, &scene, &new_token(&scene).await?).await?;
        know(&stack, &scene, "+15551230001", "Anna")?;
        // SIP lets a user name hold a line break, which would be one more line of FastAGI's environment.
        for from in [
            "+15551230001%0aagi_arg_1%3a%20called=x",
            "1%0aagi_threadid%3a%201%0aagi_arg_1%3a%20from=%2b15551230001%0a",
            "%0a%0a",
            "a%22,b)%24%7bEPOCH%7d",
        ] {
            let seen = call(&stack, from, CALLER).await?;
            ensure!(["ok", "away"].contains(&seen.values()?[0]), "{from}: {}", seen.noted);
            ensure!(seen.values()?[1..3] == ["0", ""], "{from}: {}", seen.noted);
            ensure!(seen.took < CALL, "{from}: {:?}", seen.took);
            ask_again(&stack).await?;
            let seen = call(&stack, from, TEXTED).await?;
            ensure!(seen.took < CALL, "{from}: {:?}", seen.took);
            ask_again(&stack).await?;
        }
        nothing_left_in_asterisk(&stack).await
    });
}

#[test]
fn a_slow_database_holds_no_call_up() {
    let (stack, scene) = run(async {
        let stack = outage_stack().await?;
        let scene = Scene::new(&stack, 1).await?;
        install(&stack, &scene, &new_token(&scene).await?).await?;
        know(&stack, &scene, "+15551230001", "Anna")?;
        scene.admin.send(Method::PUT, "/caller-marks/+15551230001", &json!({ "mark": "vip", "reason": "" })).await?;
        eventually(SOON, async || {
            let seen = call(&stack, "+15551230001", CALLER).await?;
            ensure!(seen.values()?[..4] == ["ok", "1", "Anna", "1"], "{}", seen.noted);
            Ok(())
        })
        .await?;
        Ok((stack, scene))
    });
    let held = "BEGIN; LOCK TABLE contacts IN ACCESS EXCLUSIVE MODE; SELECT FROM journal_heads FOR UPDATE; SELECT pg_sleep(6); COMMIT";
    std::thread::scope(|scope| {
        let holder = scope.spawn(|| stack.postgres.psql(stack.database(), held));
        run(async {
            eventually(SOON, async || {
                let held = "SELECT count(*) FROM pg_locks WHERE relation = 'contacts'::regclass AND mode = 'AccessExclusiveLock' AND granted";
                ensure!(stack.postgres.psql(stack.database(), held)? == "1", "nobody holds the table");
                Ok(())
            })
            .await?;
            // What memory knows is there.
            let seen = call(&stack, "+15551230001", CALLER).await?;
            ensure!(seen.values()? == ["partial", "0", "", "1", "0", "", "+15551230001"], "{}", seen.noted);
            ensure!(seen.took < LIMIT + CALL, "{:?}", seen.took);
            let event = call(&stack, "+15551230001", EVENT).await?;
            ensure!(event.values()? == ["partial", "late"], "{}", event.noted);
            for number in [HOURS, ROUTE] {
                let seen = call(&stack, "+15551230001", number).await?;
                ensure!(seen.values()?[0] == "ok" && seen.took < CALL, "{:?}: {}", seen.took, seen.noted);
            }
            Ok(())
        });
        holder.join().expect("no panic").expect("the lock was held, and let go");
    });
    run(async {
        eventually(SOON, async || {
            let seen = call(&stack, "+15551230001", CALLER).await?;
            ensure!(seen.values()?[..3] == ["ok", "1", "Anna"], "{}", seen.noted);
            // What was late was not lost.
            ensure!(events(&scene, "dialplan.menu.chosen").await?.len() == 1, "no event");
            Ok(())
        })
        .await?;
        nothing_left_in_asterisk(&stack).await
    });
}

#[test]
fn a_gateway_that_hangs_or_is_dead_holds_no_call_up() {
    run(async {
        let mut stack = outage_stack().await?;
        let scene = Scene::new(&stack, 1).await?;
        let token = new_token(&scene).await?;
        install(&stack, &scene, &token).await?;
        let url = format!("{}/hooks/dialplan", stack.gateway.base_url());
        let agi = format!("127.0.0.1:{}", stack.asterisk.config().agi_port);
        for number in HOOKS {
            let seen = call(&stack, "+15551230001", number).await?;
            ensure!(seen.values()?[0] == "ok", "{number}: {}", seen.noted);
        }

        // Frozen: its port takes the connection, and nobody says a word.
        stack.gateway.process().context("a gateway")?.signal(Signal::SIGSTOP);
        for way in ["FastAGI", "HTTP"] {
            if way == "HTTP" {
                set_global(&stack, "TRUNKLINE_HOOK_URL", &url).await?;
                set_global(&stack, "TRUNKLINE_HOOK_TOKEN", &token).await?;
            }
            for number in HOOKS {
                ask_again(&stack).await?;
                let seen = call(&stack, "+15551230001", number).await?;
                is_fallback(number, &seen).context(way)?;
                ensure!(seen.took >= LIMIT && seen.took < LIMIT + CALL, "{way} {number}: {:?}", seen.took);
            }
            // The calls behind it do not wait at all.
            let seen = call(&stack, "+15551230001", CALLER).await?;
            is_fallback(CALLER, &seen).context(way)?;
            ensure!(seen.took < CALL, "{way}: {:?}", seen.took);
        }
        set_global(&stack, "TRUNKLINE_HOOK_TOKEN", "").await?;
        stack.gateway.process().context("a gateway")?.signal(Signal::SIGCONT);
        ask_again(&stack).await?;
        eventually(SOON, async || {
            let seen = call(&stack, "+15551230001", CALLER).await?;
            ensure!(seen.values()?[0] == "ok", "{}", seen.noted);
            Ok(())
        })
        .await?;

        // Dead: nobody takes the connection.
        stack.gateway.kill_9();
        for way in ["FastAGI", "HTTP"] {
            if way == "HTTP" {
                set_global(&stack, "TRUNKLINE_HOOK_TOKEN", &token).await?;
            }
            for number in HOOKS {
                ask_again(&stack).await?;
                let seen = call(&stack, "+15551230001", number).await?;
                is_fallback(number, &seen).context(way)?;
                ensure!(seen.took < CALL, "{way} {number}: {:?}", seen.took);
            }
        }

        // Swallowed: a port that answers nothing, as behind a firewall. Its queue of connections is full.
        let (swallowing, _waiting) = swallowing()?;
        set_global(&stack, "TRUNKLINE_HOOK_URL", &format!("http://{swallowing}")).await?;
        ask_again(&stack).await?;
        let seen = call(&stack, "+15551230001", HOURS).await?;
        is_fallback(HOURS, &seen)?;
        ensure!(seen.took >= LIMIT && seen.took < LIMIT + CALL, "HTTP: {:?}", seen.took);
        set_global(&stack, "TRUNKLINE_HOOK_TOKEN", "").await?;
        set_global(&stack, "TRUNKLINE_HOOK_AGI", &swallowing).await?;
        ask_again(&stack).await?;
        let seen = call(&stack, "+15551230001", HOURS).await?;
        is_fallback(HOURS, &seen)?;
        ensure!(seen.took >= CONNECT && seen.took < CONNECT + CALL, "FastAGI: {:?}", seen.took);
        let seen = call(&stack, "+15551230001", ROUTE).await?;
        is_fallback(ROUTE, &seen)?;
        ensure!(seen.took < CALL, "the next hook waits again: {:?}", seen.took);

        // Back: the next call is told.
        set_global(&stack, "TRUNKLINE_HOOK_AGI", &agi).await?;
        stack.gateway.start_again().await?;
        ask_again(&stack).await?;
        for number in HOOKS {
            let seen = call(&stack, "+15551230001", number).await?;
            ensure!(seen.values()?[0] == "ok", "{number}: {}", seen.noted);
        }
        nothing_left_in_asterisk(&stack).await
    });
}

/// An address whose SYNs are dropped: a listener that accepts nobody, with its backlog full.
fn swallowing() -> Result<(String, Vec<std::net::TcpStream>)> {
    let socket = nix::sys::socket::socket(
        nix::sys::socket::AddressFamily::Inet,
        nix::sys::socket::SockType::Stream,
        nix::sys::socket::SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    nix::sys::socket::bind(
        std::os::fd::AsRawFd::as_raw_fd(&socket),
        &nix::sys::socket::SockaddrIn::new(127, 0, 0, 1, 0),
    )?;
    nix::sys::socket::listen(&socket, nix::sys::socket::Backlog::new(0)?)?;
    let listener = TcpListener::from(socket);
    let address = listener.local_addr()?;
    let mut waiting = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
        waiting.push(stream);
        ensure!(waiting.len() < 100, "the backlog does not fill");
    }
    // Open for as long as the test.
    std::mem::forget(listener);
    Ok((address.to_string(), waiting))
}
