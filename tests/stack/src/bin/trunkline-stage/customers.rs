//! People with a phone: they call, answer, listen, hang up.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use trunkline_stack::audio::{Wav, tone_share_windowed};
use trunkline_stack::{Baresip, BaresipOptions, PhoneEventKind};

/// What a customer sends if nobody asked for another tone, in Hz.
const TONE_HZ: u32 = 440;
/// How often a file that grows is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Phones by the name that their test knows them by.
pub(crate) struct Customers {
    phones: Mutex<HashMap<String, Arc<Mutex<Baresip>>>>,
    folder: tempfile::TempDir,
    sip_port: u16,
    next: AtomicU32,
}

impl Customers {
    pub(crate) fn new(sip_port: u16) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("trunkline-customers-").tempdir()?;
        Ok(Self { phones: Mutex::new(HashMap::new()), folder, sip_port, next: AtomicU32::new(1) })
    }

    /// `{"to","from"?,"hz"?}`: a customer dials; the answer does not wait for anybody to pick up.
    pub(crate) async fn call(&self, request: &Value) -> Result<Value> {
        let to = request["to"].as_str().context("`to` is missing")?;
        let from = request["from"].as_str().unwrap_or("15557654321");
        let options = BaresipOptions::caller(self.sip_port, from.trim_start_matches('+'), hz(request)?);
        let (name, folder) = self.name();
        let phone = Baresip::start(&folder, options).await?;
        phone.dial(to).await?;
        self.keep(&name, phone).await;
        Ok(json!({ "customer": name }))
    }

    /// `{"username","password","hz"?,"answers"?}`: a desk phone that is signed in, obeyed like a customer.
    pub(crate) async fn sign_in(&self, request: &Value) -> Result<Value> {
        let text = |name: &str| request[name].as_str().with_context(|| format!("`{name}` is missing"));
        let mut options = BaresipOptions::desk_phone(self.sip_port, text("username")?, text("password")?, hz(request)?);
        options.answers = request["answers"].as_bool().unwrap_or(false);
        let (name, folder) = self.name();
        let mut phone = Baresip::start(&folder, options).await?;
        phone.wait_registered(Duration::from_secs(10)).await?;
        self.keep(&name, phone).await;
        Ok(json!({ "customer": name }))
    }

    /// Waits for what happens next at the phone: `ringing`, `established`, `audio`, `closed`, `incoming`, `progress`.
    pub(crate) async fn wait(&self, name: &str, what: &str, limit: Duration) -> Result<Value> {
        let kind = match what {
            "ringing" => PhoneEventKind::Ringing,
            "progress" => PhoneEventKind::Progress,
            "established" => PhoneEventKind::Established,
            "audio" => PhoneEventKind::Audio,
            "closed" => PhoneEventKind::Closed,
            "incoming" => PhoneEventKind::Incoming,
            other => bail!("a phone does not know `{other}`"),
        };
        let phone = self.phone(name).await?;
        let event = phone.lock().await.wait_for(kind, limit).await?;
        Ok(json!({ "name": event.name, "text": event.text }))
    }

    /// Waits until the phone hears a tone, in sound that is newer than this request.
    pub(crate) async fn hears(&self, name: &str, hz: u32, limit: Duration) -> Result<Value> {
        self.newest_sound(name, limit, |samples, rate| {
            let share = tone_share_windowed(samples, rate, f64::from(hz));
            (share > 0.9, share)
        })
        .await
        .with_context(|| format!("{name} does not hear {hz} Hz"))
    }

    /// Waits until the phone hears nothing, in sound that is newer than this request.
    pub(crate) async fn hears_silence(&self, name: &str, limit: Duration) -> Result<Value> {
        self.newest_sound(name, limit, |samples, _| {
            let loudest = samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
            (loudest < 200, f64::from(loudest))
        })
        .await
        .with_context(|| format!("{name} hears something"))
    }

    /// Waits until the phone hears what is neither silence nor any single tone, in sound that is newer than this request.
    pub(crate) async fn hears_music(&self, name: &str, limit: Duration) -> Result<Value> {
        self.newest_sound(name, limit, |samples, rate| {
            let loudest = samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
            // Closer than a window of 100 ms can tell apart: no tone falls between two of them.
            let purest = (50..400)
                .map(|step| 4.0 * f64::from(step))
                .map(|hz| tone_share_windowed(samples, rate, hz))
                .fold(0.0, f64::max);
            (loudest > 300 && purest < 0.5, purest)
        })
        .await
        .with_context(|| format!("{name} hears no music"))
    }

    /// Judges one new second of sound after another until one passes.
    async fn newest_sound(
        &self,
        name: &str,
        limit: Duration,
        judge: impl Fn(&[i16], u32) -> (bool, f64),
    ) -> Result<Value> {
        let phone = self.phone(name).await?;
        let until = Instant::now() + limit;
        let newest = async || -> Result<Option<Wav>> {
            let files = phone.lock().await.heard()?;
            Ok(files.last().and_then(|file| Wav::read(file).ok()))
        };
        let mut from = newest().await?.map_or(0.0, |wav| wav.seconds());
        let mut last = None;
        loop {
            if let Some(wav) = newest().await? {
                if wav.seconds() < from {
                    // Another call, another file.
                    from = 0.0;
                }
                if wav.seconds() >= from + 1.0 {
                    let (passed, value) = judge(wav.cut(0, from + 0.2, from + 1.0), wav.rate);
                    if passed {
                        return Ok(json!({ "value": value }));
                    }
                    last = Some(value);
                    from += 0.5;
                    continue;
                }
            }
            if Instant::now() >= until {
                match last {
                    Some(value) => bail!("not within {limit:?}; the last stretch gave {value:.3}"),
                    None => bail!("no new sound within {limit:?}"),
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    pub(crate) async fn answer(&self, name: &str) -> Result<Value> {
        self.phone(name).await?.lock().await.answer().await?;
        Ok(json!({}))
    }

    pub(crate) async fn hang_up(&self, name: &str) -> Result<Value> {
        self.phone(name).await?.lock().await.hang_up().await?;
        Ok(json!({}))
    }

    /// Puts the other side on hold, or takes it back.
    pub(crate) async fn hold(&self, name: &str, held: bool) -> Result<Value> {
        let phone = self.phone(name).await?;
        let phone = phone.lock().await;
        if held {
            phone.hold().await?;
        } else {
            phone.resume().await?;
        }
        Ok(json!({}))
    }

    pub(crate) async fn log(&self, name: &str) -> Result<Value> {
        let log = self.phone(name).await?.lock().await.log();
        Ok(json!({ "text": std::fs::read_to_string(log).unwrap_or_default() }))
    }

    /// Ends all phones.
    pub(crate) async fn end(&self) {
        self.phones.lock().await.clear();
    }

    fn name(&self) -> (String, PathBuf) {
        let name = format!("c{}", self.next.fetch_add(1, Ordering::Relaxed));
        let folder = self.folder.path().join(&name);
        (name, folder)
    }

    async fn keep(&self, name: &str, phone: Baresip) {
        self.phones.lock().await.insert(name.to_owned(), Arc::new(Mutex::new(phone)));
    }

    async fn phone(&self, name: &str) -> Result<Arc<Mutex<Baresip>>> {
        let phones = self.phones.lock().await;
        phones.get(name).cloned().with_context(|| format!("there is no customer `{name}`"))
    }
}

fn hz(request: &Value) -> Result<u32> {
    Ok(request["hz"].as_u64().map(u32::try_from).transpose()?.unwrap_or(TONE_HZ))
}
