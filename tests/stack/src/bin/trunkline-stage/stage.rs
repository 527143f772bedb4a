//! The stack and what can be asked of it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use trunkline_stack::audio::{Wav, tone_share_windowed};
use trunkline_stack::postgres::PostgresOptions;
use trunkline_stack::{Asterisk, AsteriskOptions, Sipp, SippCall, Stack, StackOptions};

use crate::customers::Customers;

/// The demo's password: see `make run`.
const PASSWORD: &str = "trunkline-demo";
/// A copy of the database, to go back to.
const KEPT: &str = "trunkline_kept";

/// The stack; `None` once it has ended. Requests that change it wait for each other.
pub(crate) struct Stage {
    stack: Mutex<Option<Stack>>,
    carrier: Mutex<Option<Asterisk>>,
    customers: Customers,
    sip_port: u16,
    folder: tempfile::TempDir,
    calls: std::sync::atomic::AtomicU32,
}

impl Stage {
    pub(crate) async fn start(
        http_port: Option<u16>,
        sip_port: Option<u16>,
        carrier: bool,
        settings: Vec<(String, String)>,
    ) -> Result<Self> {
        let options = StackOptions {
            http_port,
            env: settings,
            asterisk: AsteriskOptions { sip_port, ..AsteriskOptions::default() },
            postgres: PostgresOptions::default(),
            ..StackOptions::default()
        };
        let folder = tempfile::Builder::new().prefix("trunkline-stage-").tempdir()?;
        let (stack, carrier) = tokio::try_join!(
            Stack::start_telling(options, |step| eprintln!("stage: {step}")),
            start_carrier(carrier.then(|| folder.path().join("carrier")))
        )?;
        let sip_port = stack.asterisk.sip_port();
        Ok(Self {
            stack: Mutex::new(Some(stack)),
            carrier: Mutex::new(carrier),
            customers: Customers::new(sip_port)?,
            sip_port,
            folder,
            calls: std::sync::atomic::AtomicU32::new(0),
        })
    }

    /// What a test has to know.
    pub(crate) async fn ready(&self) -> Value {
        let stack = self.stack.lock().await;
        let Some(stack) = stack.as_ref() else { return Value::Null };
        let carrier = self.carrier.lock().await;
        let carrier = carrier.as_ref().map(|carrier| {
            json!({
                "sip_port": carrier.sip_port(),
                "ari_url": carrier.ari_url(),
                "ari_username": carrier.config().ari_username,
                "ari_password": carrier.config().ari_password,
            })
        });
        json!({
            "url": stack.gateway.base_url(),
            "sip_port": self.sip_port,
            "ari_url": stack.asterisk.ari_url(),
            "password": PASSWORD,
            "log": stack.gateway.log(),
            "asterisk_log": stack.asterisk.dir().join("log"),
            "carrier": carrier,
        })
    }

    /// Stops everything: phones first, so that Asterisk does not wait for them.
    pub(crate) async fn end(&self) {
        self.customers.end().await;
        self.stack.lock().await.take();
        self.carrier.lock().await.take();
    }

    pub(crate) async fn obey(&self, request: &Value) -> Result<Value> {
        let text = |name: &str| request[name].as_str().with_context(|| format!("`{name}` is missing"));
        let limit = Duration::from_millis(request["within_ms"].as_u64().unwrap_or(20_000));
        match text("do")? {
            "customer_call" => self.customers.call(request).await,
            "customer_phone" => self.customers.sign_in(request).await,
            "customer_wait" => self.customers.wait(text("customer")?, text("what")?, limit).await,
            "customer_hears" => {
                let hz = u32::try_from(request["hz"].as_u64().context("`hz` is missing")?)?;
                self.customers.hears(text("customer")?, hz, limit).await
            }
            "customer_hears_silence" => self.customers.hears_silence(text("customer")?, limit).await,
            "customer_hears_music" => self.customers.hears_music(text("customer")?, limit).await,
            "customer_answer" => self.customers.answer(text("customer")?).await,
            "customer_hold" => self.customers.hold(text("customer")?, true).await,
            "customer_resume" => self.customers.hold(text("customer")?, false).await,
            "customer_hangup" => self.customers.hang_up(text("customer")?).await,
            "customer_log" => self.customers.log(text("customer")?).await,
            "sipp_call" => self.sipp_call(request).await,
            other => self.change(other, request).await,
        }
    }

    /// What concerns the stack itself.
    async fn change(&self, what: &str, request: &Value) -> Result<Value> {
        let mut guard = self.stack.lock().await;
        let stack = guard.as_mut().context("the stage has ended")?;
        match what {
            "kill_gateway" => stack.gateway.kill_9(),
            "stop_gateway" => {
                stack.gateway.stop();
            }
            "start_gateway" => stack.gateway.start_again().await?,
            "kill_asterisk" => stack.asterisk.kill(),
            "start_asterisk" => stack.asterisk.start_again().await?,
            "asterisk_rx" => {
                let said = stack.asterisk.rx(request["command"].as_str().context("`command` is missing")?).await?;
                return Ok(json!({ "said": said }));
            }
            "stop_postgres" => stack.postgres.stop(),
            "start_postgres" => stack.postgres.start_again().await?,
            "psql" => {
                let said =
                    stack.postgres.psql(stack.database(), request["sql"].as_str().context("`sql` is missing")?)?;
                return Ok(json!({ "said": said }));
            }
            "keep_database" => keep_database(stack).await?,
            "restore_database" => restore_database(stack).await?,
            "recording_tones" => return recording_tones(stack, request).await,
            "gateway_log" => {
                return Ok(json!({ "text": std::fs::read_to_string(stack.gateway.log()).unwrap_or_default() }));
            }
            other => bail!("unknown request `{other}`"),
        }
        Ok(json!({}))
    }

    /// Customers of SIPp's: they call, press `keys`, talk for a while, hang up; the answer comes when all are done.
    async fn sipp_call(&self, request: &Value) -> Result<Value> {
        let number = self.calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let to = request["to"].as_str().context("`to` is missing")?;
        let talk = Duration::from_millis(request["talk_ms"].as_u64().unwrap_or(2_000));
        let mut call = SippCall::new(self.sip_port, to, talk);
        if let Some(from) = request["from"].as_str() {
            from.clone_into(&mut call.from);
        }
        if let Some(hz) = request["hz"].as_u64() {
            call.tone_hz = u32::try_from(hz)?;
        }
        if let Some(keys) = request["keys"].as_str() {
            keys.clone_into(&mut call.keys);
        }
        if let Some(calls) = request["calls"].as_u64() {
            call.calls = u32::try_from(calls)?;
        }
        if let Some(rate) = request["rate"].as_u64() {
            call.rate = u32::try_from(rate)?;
        }
        let result = Sipp::start(&self.folder.path().join(format!("sipp-{number}")), &call)?.wait().await?;
        Ok(json!({ "succeeded": result.succeeded, "failed": result.failed, "errors": result.errors }))
    }
}

/// A carrier with its files in `folder`, if there is to be one: it knows nobody yet.
async fn start_carrier(folder: Option<PathBuf>) -> trunkline_stack::Result<Option<Asterisk>> {
    let Some(folder) = folder else { return Ok(None) };
    let options = AsteriskOptions { system_name: "carrier".to_owned(), ..AsteriskOptions::default() };
    Asterisk::start(&folder, options).await.map(Some)
}

/// Keeps a copy of the database as it is now. The gateway is away for that long: nobody may be connected to what is copied.
async fn keep_database(stack: &mut Stack) -> Result<()> {
    let ran = stack.gateway.is_running();
    stack.gateway.stop();
    stack.postgres.psql("postgres", &format!("DROP DATABASE IF EXISTS {KEPT}"))?;
    stack.postgres.clone_database(stack.database(), KEPT)?;
    if ran {
        stack.gateway.start_again().await?;
    }
    Ok(())
}

/// Puts the kept copy in the place of the database, as an administrator who restores a backup: what came after it is gone, and a new
/// epoch begins.
async fn restore_database(stack: &mut Stack) -> Result<()> {
    stack.gateway.stop();
    let database = stack.database();
    stack.postgres.psql("postgres", &format!("DROP DATABASE {database} WITH (FORCE)"))?;
    stack.postgres.clone_database(KEPT, database)?;
    stack.postgres.psql("postgres", &format!("ALTER DATABASE {database} OWNER TO trunkline_owner"))?;
    // A dump carries the epoch of its time; whoever restores it must not go on in it. Without one, the gateway begins a new one.
    stack.postgres.psql(database, "DELETE FROM journal_epoch")?;
    stack.gateway.start_again().await?;
    Ok(())
}

/// How much of each channel of a recording is a tone: `{"recording_id","left":hz,"right":hz}` → shares from 0 to 1.
async fn recording_tones(stack: &Stack, request: &Value) -> Result<Value> {
    let id = request["recording_id"].as_str().context("`recording_id` is missing")?;
    let base = format!("{}/api/v1", stack.gateway.base_url());
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build()?;
    let login = json!({ "email": "admin@demo.test", "password": PASSWORD });
    let signed_in: Value =
        http.post(format!("{base}/auth/login")).json(&login).send().await?.error_for_status()?.json().await?;
    let token = signed_in["access_token"].as_str().context("no access_token")?;
    let audio = http.get(format!("{base}/recordings/{id}/audio")).bearer_auth(token).send().await?;
    let audio = audio.error_for_status()?.bytes().await?;
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), &audio)?;
    let wav = Wav::read(file.path())?;
    if wav.channels.len() != 2 {
        return Err(anyhow!("a recording with {} channels", wav.channels.len()));
    }
    let (from, to) =
        (request["from_s"].as_f64().unwrap_or(0.0), request["to_s"].as_f64().unwrap_or_else(|| wav.seconds()));
    // The loudest stretch counts: before the first packet and behind the last there is silence.
    let share = |channel: usize, hz: Option<f64>| {
        hz.map(|hz| {
            let mut best = 0.0_f64;
            let mut at = from;
            while at + 0.5 <= to {
                best = best.max(tone_share_windowed(wav.cut(channel, at, at + 0.5), wav.rate, hz));
                at += 0.25;
            }
            best
        })
    };
    Ok(json!({
        "seconds": wav.seconds(),
        "left": share(0, request["left"].as_f64()),
        "right": share(1, request["right"].as_f64()),
        "left_by_right": share(0, request["right"].as_f64()),
        "right_by_left": share(1, request["left"].as_f64()),
    }))
}
