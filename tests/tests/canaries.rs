//! Secrets show nowhere: known ones go through everything that takes secrets, in a gateway that logs all it can, and then whatever it
//! wrote is searched for them, in every form in which they could stand there.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use md5::{Digest as _, Md5};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use trunkline_stack::{Stack, StackOptions};
use trunkline_tests::{Api, Scene, run};

const MASTER_KEY: &str = "c0ffee11c0ffee22c0ffee33c0ffee44c0ffee55c0ffee66c0ffee77c0ffee88";
const TURN_SECRET: &str = "canary-turn-2f81c7b09d";
const WRONG_PASSWORD: &str = "canary-wrong-password-81d2";
const MISPLACED_PASSWORD: &str = "canary-typed-where-the-address-belongs-77";
const NEW_PASSWORD: &str = "canary-new-password-5be10";
const MALFORMED: &str = "canary-malformed-90ae";
const MALFORMED_NUMBER: &str = "7720938104417";

/// Secrets, and where each comes from.
#[derive(Default)]
struct Canaries(Vec<(&'static str, String)>);

impl Canaries {
    fn add(&mut self, name: &'static str, value: impl Into<String>) {
        let value = value.into();
        assert!(value.len() >= 10, "{name}: too short to be told from chance");
        self.0.push((name, value));
    }

    /// The password and what a phone makes of it.
    fn add_phone(&mut self, name: &'static str, username: &str, password: &str) {
        let digest = Md5::digest(format!("{username}:trunkline:{password}"));
        self.add(name, password);
        self.add("the digest of a phone's password", hex(&digest));
    }

    /// Which of them stand in a text, in plain, hex or base64.
    fn found_in(&self, text: &str) -> Vec<&'static str> {
        let shows = |value: &str| forms(value).iter().any(|form| text.contains(form.as_str()));
        self.0.iter().filter(|(_, value)| shows(value)).map(|(name, _)| *name).collect()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A secret as it may be written: itself, in hex, in URLs, and in base64 of both alphabets wherever in a longer text it begins. Hex digits
/// are also the bytes that they stand for.
fn forms(value: &str) -> Vec<String> {
    let mut forms = vec![value.to_owned(), hex(value.as_bytes()), hex(value.as_bytes()).to_uppercase()];
    let mut raw = vec![value.as_bytes().to_vec()];
    if value.len().is_multiple_of(2) && value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        raw.push((0..value.len()).step_by(2).map(|at| u8::from_str_radix(&value[at..at + 2], 16).unwrap()).collect());
    }
    for bytes in raw {
        for skipped in 0..3 {
            let padded = [vec![0; skipped], bytes.clone()].concat();
            let whole = base64(&padded);
            // What the neighbours have a part in is left out: of each three bytes four letters are made.
            let letters = &whole[if skipped == 0 { 0 } else { skipped + 1 }..padded.len() / 3 * 4];
            forms.push(letters.to_owned());
            forms.push(letters.replace('+', "-").replace('/', "_"));
        }
    }
    forms
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let number = part.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - part.len()));
        for place in 0..=part.len() {
            text.push(char::from(LETTERS[(number >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text
}

/// Everything that was produced, by name.
#[derive(Default)]
struct Produced(Vec<(String, String)>);

impl Produced {
    fn add(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.0.push((name.into(), text.into()));
    }

    fn add_files(&mut self, folder: &Path) -> Result<()> {
        for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                self.add_files(&path)?;
            } else {
                self.add(path.display().to_string(), String::from_utf8_lossy(&std::fs::read(&path)?).into_owned());
            }
        }
        Ok(())
    }
}

#[test]
fn the_search_finds_a_secret_in_every_form() {
    let mut canaries = Canaries::default();
    canaries.add("a secret", "canary-secret");
    let alignments = ["", "a", "ab"].map(|before| base64(format!("{before}canary-secret, and more").as_bytes()));
    for text in [
        "… canary-secret …".to_owned(),
        format!("\\x00{}00", hex(b"canary-secret")),
        alignments[0].clone(),
        alignments[1].clone(),
        alignments[2].clone(),
    ] {
        assert_eq!(canaries.found_in(&text), ["a secret"], "{text}");
    }
    assert!(canaries.found_in("canary").is_empty());
}

#[test]
fn secrets_show_nowhere() {
    run(async {
        let env = [
            ("LOG", "trace"),
            ("MASTER_KEY", MASTER_KEY),
            ("TURN_SECRET", TURN_SECRET),
            ("ICE_SERVERS", "turn:turn.example.org:3478"),
        ];
        let env = env.map(|(key, value)| (format!("TRUNKLINE_{key}"), value.to_owned())).to_vec();
        let folder = tempfile::Builder::new().prefix("trunkline-canaries-").tempdir()?;
        let ari_log = ("TRUNKLINE_ARI_LOG".to_owned(), folder.path().join("ari.jsonl").display().to_string());
        let env = [env, vec![ari_log]].concat();
        let mut stack = Stack::start(StackOptions { env, ..StackOptions::default() }).await?;
        let (mut canaries, mut produced) = (Canaries::default(), Produced::default());
        configured(&stack, &mut canaries)?;
        let scene = Scene::new(&stack, 1).await?;
        use_secrets(&stack, &scene, &mut canaries, &mut produced).await?;
        refuse_secrets(&stack, &scene, &mut canaries, &mut produced).await?;
        read_everything(&stack, &scene, &mut produced).await?;
        // What is written at the end, too.
        ensure!(stack.gateway.stop(), "the gateway did not stop by itself");
        produced.add("the gateway's log", String::from_utf8_lossy(&std::fs::read(stack.gateway.log())?));
        produced.add("PostgreSQL's log", String::from_utf8_lossy(&std::fs::read(stack.postgres.log())?));
        produced.add("the database", dump(&stack)?);
        produced.add_files(&stack.dir().join("state"))?;
        produced.add_files(folder.path())?;

        let log = &produced.0.iter().find(|(name, _)| name == "the gateway's log").context("a log")?.1;
        ensure!(log.contains("DEBUG"), "the log does not say all it can");
        let mut shown = String::new();
        for (name, text) in &produced.0 {
            ensure!(!text.is_empty() || name.contains("/state/"), "{name} is empty: nothing was searched");
            for canary in canaries.found_in(text) {
                let _ = writeln!(shown, "{name} shows {canary}");
            }
        }
        ensure!(shown.is_empty(), "\n{shown}");
        Ok(())
    });
}

/// What stands in the configuration.
fn configured(stack: &Stack, canaries: &mut Canaries) -> Result<()> {
    let setting = |key: &str| stack.gateway.env(key).map(str::to_owned).with_context(|| key.to_owned());
    canaries.add("master_key", MASTER_KEY);
    canaries.add("turn_secret", TURN_SECRET);
    canaries.add("secret_key", setting("TRUNKLINE_SECRET_KEY")?);
    canaries.add("ari_password", setting("TRUNKLINE_ARI_PASSWORD")?);
    canaries.add("ami_password", setting("TRUNKLINE_AMI_PASSWORD")?);
    for key in ["TRUNKLINE_DATABASE_URL", "TRUNKLINE_DATABASE_OWNER_URL"] {
        let url = setting(key)?;
        let password = url.split('@').next().and_then(|start| start.rsplit(':').next()).context("a password")?;
        canaries.add("a database's password", password);
    }
    Ok(())
}

/// Secrets that are taken or given, each as it should be.
async fn use_secrets(stack: &Stack, scene: &Scene, canaries: &mut Canaries, produced: &mut Produced) -> Result<()> {
    let (base, http) = (stack.gateway.base_url(), Client::builder().no_proxy().build()?);
    let agent = &scene.agents[0];
    canaries.add("an access token", agent.api.token());
    canaries.add_phone("a device's password", &agent.credentials.0, &agent.credentials.1);

    // A device once more, with the answer repeated.
    let path = format!("/agents/{}/devices", agent.api.user);
    let make =
        || agent.api.request(Method::POST, &path).header("idempotency-key", "canary").json(&json!({ "name": "Phone" }));
    let (first, again): (Value, Value) = (make().send().await?.json().await?, make().send().await?.json().await?);
    ensure!(first == again, "the answer is not repeated");
    let text = |value: &Value, name: &str| value[name].as_str().map(str::to_owned).context(name.to_owned());
    canaries.add_phone("a password in a kept answer", &text(&first, "username")?, &text(&first, "password")?);

    // A browser as a phone: its password, its TURN credential, and the key in its address, with which it is opened.
    let session = agent.api.send(Method::POST, "/softphone/session", &json!({})).await?;
    canaries.add_phone("a softphone's password", &text(&session, "username")?, &text(&session, "password")?);
    let turn = session["ice_servers"][0]["credential"].as_str().context("a TURN credential")?;
    canaries.add("a TURN credential", turn);
    let socket = text(&session, "ws_url")?;
    let key = socket.rsplit("key=").next().context("a key")?;
    canaries.add("the key in a softphone's address", key);
    let upgrade = |url: &str, protocol: &str| {
        http.get(url.replace("ws://", "http://"))
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("sec-websocket-protocol", protocol)
            .header("origin", &base)
    };
    ensure!(upgrade(&socket, "sip").send().await?.status() == StatusCode::SWITCHING_PROTOCOLS, "the SIP socket");
    produced
        .add("a refused SIP socket", upgrade(&socket.replace("name=", "name=x"), "sip").send().await?.text().await?);

    // The stream's ticket, used and used again.
    let ticket = text(&agent.api.send(Method::POST, "/stream/tickets", &json!({})).await?, "ticket")?;
    let stream = format!("{base}/api/v1/stream?ticket={ticket}");
    canaries.add("a stream ticket", ticket);
    ensure!(upgrade(&stream, "trunkline.v1").send().await?.status() == StatusCode::SWITCHING_PROTOCOLS, "the stream");
    produced.add("a ticket's second use", upgrade(&stream, "trunkline.v1").send().await?.text().await?);

    // Sign-in: the password, the refresh token and its use for theft, a changed password.
    let sign_in = |email: &str, password: &str| {
        http.post(format!("{base}/api/v1/auth/login")).json(&json!({ "email": email, "password": password }))
    };
    let cookie = |answer: &reqwest::Response| {
        let header = answer.headers().get("set-cookie")?.to_str().ok()?;
        Some(header.split(';').next()?.split_once('=')?.1.to_owned())
    };
    let answer = sign_in("operator@demo.test", "trunkline-demo").send().await?;
    let refresh_token = cookie(&answer).context("a refresh cookie")?;
    canaries.add("a refresh token", &refresh_token);
    let body: Value = answer.json().await?;
    canaries.add("an access token", text(&body, "access_token")?);
    let refresh = || {
        http.post(format!("{base}/api/v1/auth/refresh")).header("cookie", format!("trunkline_refresh={refresh_token}"))
    };
    let renewed = refresh().send().await?;
    canaries.add("a renewed refresh token", cookie(&renewed).context("a new cookie")?);
    produced.add("a refresh token's second use", refresh().send().await?.text().await?);
    let operator = Api::sign_in(&base, "operator@demo.test", "trunkline-demo").await?;
    canaries.add("a new password", NEW_PASSWORD);
    operator.send(Method::POST, "/auth/password", &json!({ "current": "trunkline-demo", "new": NEW_PASSWORD })).await?;
    Api::sign_in(&base, "operator@demo.test", NEW_PASSWORD).await?;

    // One-time passwords, in an answer that is kept.
    let admin = Api::sign_in(&base, "admin@demo.test", "trunkline-demo").await?;
    let setup = json!({
        "name": "Canary Ltd", "time_zone": "UTC", "language": "en",
        "admin": { "name": "Ada", "email": "ada@canary.test", "password": "canary-admin-password-3c" },
        "users": [{ "name": "Olga", "email": "olga@canary.test", "role": "operator" }],
        "queue": { "name": "Help" },
    });
    canaries.add("an admin's first password", "canary-admin-password-3c");
    let made = admin.request(Method::POST, "/setup").header("idempotency-key", "canary").json(&setup).send().await?;
    ensure!(made.status() == StatusCode::CREATED, "setup: {}", made.text().await?);
    let made: Value = made.json().await?;
    let users = made["users"].as_array().context("users")?;
    let once = users.iter().find_map(|user| user["one_time_password"].as_str()).context("a one-time password")?;
    canaries.add("a one-time password", once);
    Api::sign_in(&base, "olga@canary.test", once).await?;

    // The one-time password of a tenant that the platform makes, in an answer that is kept; and the tokens of going to it.
    stack.postgres.psql(stack.database(), "UPDATE users SET superadmin = true WHERE email = 'admin@demo.test'")?;
    let wanted = json!({
        "name": "Canary Two", "slug": "canary-two", "time_zone": "UTC", "language": "en", "queue": "Help",
        "admin": { "name": "Mia", "email": "mia@canary.test" },
    });
    let make = || {
        admin.request(Method::POST, "/platform/tenants").header("idempotency-key", "canary-tenant").json(&wanted).send()
    };
    let mut made = make().await?;
    // The gateway hears of the new superadmin in a moment.
    while made.status() == StatusCode::FORBIDDEN {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        made = make().await?;
    }
    let made: Value = made.json().await?;
    let once = text(&made, "one_time_password")?;
    ensure!(text(&make().await?.json().await?, "one_time_password")? == once, "the kept answer is another");
    Api::sign_in(&base, "mia@canary.test", &once).await?;
    canaries.add("a one-time password of the platform's", once);

    // An API key: used, changed for another, and both secrets of an answer that is kept.
    let wanted = json!({ "name": "Canary", "permissions": ["queues:read"] });
    let make = || admin.request(Method::POST, "/api-keys").header("idempotency-key", "canary-key").json(&wanted);
    let made: Value = make().send().await?.json().await?;
    let (token, id) = (text(&made, "token")?, text(&made["api_key"], "id")?);
    ensure!(text(&make().send().await?.json().await?, "token")? == token, "the kept answer is another");
    let rotated = admin.send(Method::POST, &format!("/api-keys/{id}/rotate"), &json!({})).await?;
    for key in [token, text(&rotated, "token")?] {
        canaries.add("an API key's secret", key.rsplit('_').next().unwrap_or_default());
        let used = http.get(format!("{base}/api/v1/queues")).bearer_auth(&key).send().await?;
        ensure!(used.status() == StatusCode::OK, "an API key: {}", used.status());
        let wrong = http.get(format!("{base}/api/v1/queues?key={id}")).bearer_auth(format!("{key}0")).send().await?;
        produced.add("a wrong API key", wrong.text().await?);
    }
    account_secrets(&base, canaries).await
}

/// What looking after accounts takes and gives: a one-time code's secret, recovery codes, the link of an invitation, an identity
/// provider's secret.
async fn account_secrets(base: &str, canaries: &mut Canaries) -> Result<()> {
    let admin = Api::sign_in(base, "admin@demo.test", "trunkline-demo").await?;
    let begun = admin.send(Method::POST, "/me/second-step", &json!({ "password": "trunkline-demo" })).await?;
    canaries.add("a one-time code's secret", begun["secret"].as_str().context("a secret")?);
    let invitation = json!({ "email": "grace@canary.test", "role": "viewer" });
    let made = admin.send(Method::POST, "/invitations", &invitation).await?;
    let link = made["link"].as_str().context("a link, since no letter can be sent")?;
    let token = link.split('#').nth(1).context("a token")?;
    canaries.add("an invitation's token", token);
    canaries.add("a password of somebody invited", "canary-joined-password-6f");
    let http = Client::builder().no_proxy().build()?;
    let accept = json!({ "token": token, "name": "Grace", "password": "canary-joined-password-6f" });
    let accepted = http.post(format!("{base}/api/v1/auth/invitations/accept")).json(&accept).send().await?;
    ensure!(accepted.status() == StatusCode::NO_CONTENT, "the invitation: {}", accepted.status());
    canaries.add("a link's token that is none", "canary-reset-token-48a0");
    let reset = json!({ "token": "canary-reset-token-48a0", "new": "canary-joined-password-6f" });
    http.post(format!("{base}/api/v1/auth/password/reset")).json(&reset).send().await?;
    canaries.add("a trunk's password", "canary-trunk-password-83f");
    let settings =
        json!({ "kind": "registration", "host": "127.0.0.1", "port": 9, "username": "x", "outbound": false });
    let trunk = json!({ "name": "X", "settings": settings, "password": "canary-trunk-password-83f" });
    admin.send(Method::POST, "/trunks", &trunk).await?;
    let conf = "[y]\ntype=registration\nserver_uri=sip:y.test\nclient_uri=sip:y@y.test\noutbound_auth=y\n[y]\ntype=auth\nusername=y\npassword=canary-imported-password-17\nsecret canary-imported-password-17\n";
    canaries.add("a password in a pjsip.conf", "canary-imported-password-17");
    admin.send(Method::POST, "/trunks/import", &json!({ "text": conf })).await?;
    canaries.add("an identity provider's secret", "canary-client-secret-d417");
    let provider = json!({ "name": "X", "issuer": "https://127.0.0.1:9", "client_id": "x",
        "client_secret": "canary-client-secret-d417", "allowed_domains": ["canary.test"] });
    let refused = admin.request(Method::PUT, "/identity-provider").json(&provider).send().await?;
    ensure!(refused.status() == StatusCode::UNPROCESSABLE_ENTITY, "the provider: {}", refused.status());
    Ok(())
}

/// Secrets where they do not belong, and where they are wrong.
async fn refuse_secrets(stack: &Stack, scene: &Scene, canaries: &mut Canaries, produced: &mut Produced) -> Result<()> {
    let (base, http) = (stack.gateway.base_url(), Client::builder().no_proxy().build()?);
    canaries.add("a wrong password", WRONG_PASSWORD);
    canaries.add("a password in the wrong field", MISPLACED_PASSWORD);
    canaries.add("a secret in a malformed body", MALFORMED);
    canaries.add("a number in a malformed body", MALFORMED_NUMBER);
    let agent = &scene.agents[0].api;
    let post = |path: &str, body: String| {
        let request = http.post(format!("{base}/api/v1{path}")).header("content-type", "application/json");
        request.bearer_auth(agent.token()).body(body)
    };
    let login = |email: &str, password: &str| json!({ "email": email, "password": password }).to_string();
    let bodies = [
        ("/auth/login", login("operator2@demo.test", WRONG_PASSWORD)),
        ("/auth/login", login("nobody@demo.test", WRONG_PASSWORD)),
        ("/auth/login", login(MISPLACED_PASSWORD, WRONG_PASSWORD)),
        ("/auth/login", format!(r#"{{"email":"a@b.test","password":{MALFORMED_NUMBER}}}"#)),
        ("/auth/login", format!(r#"{{"email":"a@b.test","password":["{MALFORMED}"]}}"#)),
        ("/auth/login", format!(r#"{{"email":"a@b.test","password":"{MALFORMED}"#)),
        ("/auth/login", format!(r#""{MALFORMED}""#)),
        ("/auth/login", format!("{MALFORMED}{{")),
        ("/auth/password", format!(r#"{{"current":"{WRONG_PASSWORD}","new":"{MALFORMED}"}}"#)),
        ("/auth/password", format!(r#"{{"current":{{"{MALFORMED}":1}},"new":{MALFORMED_NUMBER}}}"#)),
        ("/test-calls", format!(r#"{{"queue_id":"{MALFORMED}"}}"#)),
        ("/setup", format!(r#"{{"admin":{{"password":{MALFORMED_NUMBER}}},"language":"{MALFORMED}"}}"#)),
    ];
    for (path, body) in bodies {
        let answer = post(path, body).header("idempotency-key", MALFORMED).send().await?;
        ensure!(answer.status().is_client_error(), "{path}: {}", answer.status());
        produced.add(format!("an error of {path}"), answer.text().await?);
    }
    let state = agent.request(Method::PUT, "/agents/me/state").json(&json!({ "state": MALFORMED })).send().await?;
    produced.add("a state that is none", state.text().await?);
    for query in [
        format!("/api/v1/stream?ticket={MALFORMED}"),
        format!("/api/v1/recordings/{}/audio?key={MALFORMED}", agent.user),
        format!("/ws/sip?name=demo-web-x&key={MALFORMED}"),
        format!("/api/v1/events?ticket={MALFORMED}"),
        format!("/no/such/place?token={MALFORMED}"),
    ] {
        let answer =
            http.get(format!("{base}{query}")).header("authorization", format!("Bearer {MALFORMED}")).send().await?;
        produced.add("a refused address", answer.text().await?);
    }
    Ok(())
}

/// Whatever the gateway tells of itself and of what happened.
async fn read_everything(stack: &Stack, scene: &Scene, produced: &mut Produced) -> Result<()> {
    let (base, http) = (stack.gateway.base_url(), Client::builder().no_proxy().build()?);
    let demo = Api::sign_in(&base, "admin@demo.test", "trunkline-demo").await?;
    for admin in [&scene.admin, &demo] {
        for path in [
            "/events?after=0&limit=1000",
            "/audit?limit=200",
            "/audit/export",
            "/audit/export?format=jsonl",
            "/agents",
            "/me",
        ] {
            let answer = admin.request(Method::GET, path).send().await?;
            ensure!(answer.status().is_success(), "{path}: {}", answer.status());
            produced.add(path, answer.text().await?);
        }
    }
    for path in ["/metrics", "/health", "/dev/openapi.json", "/dev/asyncapi.json", "/dev"] {
        produced.add(path, http.get(format!("{base}{path}")).send().await?.text().await?);
    }
    produced.add("the doctor's words", stack.gateway.command(&["doctor", "--audit"]).await?);
    Ok(())
}

/// The whole database, as a backup holds it.
fn dump(stack: &Stack) -> Result<String> {
    let programs = std::fs::read_dir("/usr/lib/postgresql")?.flatten().map(|entry| entry.path().join("bin/pg_dump"));
    let program: PathBuf = programs.filter(|path| path.is_file()).max().context("pg_dump is not installed")?;
    let output = Command::new(program).arg(stack.postgres.superuser_url(stack.database())).output()?;
    ensure!(output.status.success(), "pg_dump: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
