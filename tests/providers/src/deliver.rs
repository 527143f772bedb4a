//! Webhooks to the gateway: one at a time, or many at once until each is taken.

use crate::record::{Late, Record};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Longer than any gateway may take; providers wait 5 to 15 s.
const TIMEOUT: Duration = Duration::from_secs(20);

/// What the gateway answered to a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answered {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub took: Duration,
}

impl Answered {
    /// The provider would not try again.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Undelivered {
    #[error("no webhook is set")]
    NoWebhook,
    #[error("no answer: {0}")]
    NoAnswer(String),
}

/// One attempt, as it is recorded.
#[derive(Debug, Clone, Serialize)]
pub struct Delivery {
    pub seq: usize,
    /// The id of what was told.
    pub id: String,
    pub url: String,
    pub outcome: Result<Answered, Undelivered>,
}

/// A request to the gateway that is ready to go, and may go several times.
#[derive(Debug, Clone)]
pub struct Post {
    /// The message's or the update's.
    pub id: String,
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Deliverer {
    client: reqwest::Client,
    place: Mutex<Place>,
    pub(crate) deliveries: Record<Delivery>,
}

#[derive(Debug, Default, Clone)]
struct Place {
    url: Option<String>,
    reach: Option<(String, String)>,
}

impl Default for Deliverer {
    fn default() -> Self {
        Self { client: client(), place: Mutex::default(), deliveries: Record::default() }
    }
}

/// No proxy of this machine's environment, and no redirects: providers follow none.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIMEOUT)
        .build()
        .expect("a client without TLS and without a proxy can be built")
}

impl Deliverer {
    pub(crate) fn set_url(&self, url: Option<String>) {
        self.place().url = url;
    }

    pub(crate) fn url(&self) -> Option<String> {
        self.place().url.clone()
    }

    pub(crate) fn reach(&self, public: String, actual: String) {
        self.place().reach = Some((public, actual));
    }

    pub(crate) async fn post(&self, post: &Post) -> Result<Answered, Undelivered> {
        let outcome = send(&self.client, post, &self.actual(&post.url)).await;
        let (id, url, recorded) = (post.id.clone(), post.url.clone(), outcome.clone());
        self.deliveries.push_with(|seq| Delivery { seq, id, url, outcome: recorded });
        outcome
    }

    /// Again until it is taken, with growing pauses; gives up after a minute.
    pub(crate) async fn post_until_taken(&self, post: &Post) {
        let mut pause = Duration::from_millis(50);
        let begun = Instant::now();
        while !self.post(post).await.is_ok_and(|answer| answer.is_success()) {
            if begun.elapsed() > Duration::from_mins(1) {
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    /// A question to the webhook: the handshake.
    pub(crate) async fn get(&self, url: &str, query: &[(&str, &str)]) -> Result<Answered, Undelivered> {
        let begun = Instant::now();
        let request = self.client.get(self.actual(url)).query(query);
        finish(request.send().await, begun).await
    }

    pub(crate) fn actual(&self, url: &str) -> String {
        let reach = self.place().reach.clone();
        match reach.as_ref().and_then(|(public, actual)| Some((actual, url.strip_prefix(public.as_str())?))) {
            Some((actual, rest)) => format!("{actual}{rest}"),
            None => url.to_owned(),
        }
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn send(client: &reqwest::Client, post: &Post, url: &str) -> Result<Answered, Undelivered> {
    let begun = Instant::now();
    let mut request = client.post(url).body(post.body.clone());
    for (name, value) in &post.headers {
        request = request.header(*name, value);
    }
    finish(request.send().await, begun).await
}

async fn finish(response: reqwest::Result<reqwest::Response>, begun: Instant) -> Result<Answered, Undelivered> {
    let lost = |error: reqwest::Error| {
        let mut cause: &dyn std::error::Error = &error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        Undelivered::NoAnswer(cause.to_string())
    };
    let response = response.map_err(lost)?;
    let status = response.status().as_u16();
    let headers = response.headers().iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let headers = headers.collect();
    let body = response.text().await.map_err(lost)?;
    Ok(Answered { status, headers, body, took: begun.elapsed() })
}

/// Many customers' messages at once, each delivered again until it is taken: a gateway that dies in between gets the rest when it is back.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct BurstOptions {
    pub messages: usize,
    /// Deliveries at the same time, each on a connection of its own.
    pub connections: usize,
    /// Customers whose messages these are, in turn.
    pub customers: usize,
    /// Each of so many messages is delivered twice although it was taken; 0: none.
    pub every_nth_twice: usize,
    /// The first pause after a message that was not taken, in ms; it doubles up to one second.
    pub pause_ms: u64,
    /// What was not taken by then is given up, in ms.
    pub give_up_ms: u64,
}

impl Default for BurstOptions {
    fn default() -> Self {
        Self { messages: 100, connections: 4, customers: 10, every_nth_twice: 0, pause_ms: 20, give_up_ms: 60_000 }
    }
}

/// A burst that is running. Dropping it ends it.
#[derive(Debug)]
pub struct Burst {
    state: Arc<BurstState>,
    tasks: JoinSet<()>,
}

#[derive(Debug)]
struct BurstState {
    waiting: Mutex<VecDeque<(Post, Duration, Instant)>>,
    acknowledged: Record<String>,
    tally: Mutex<Tally>,
    all: Vec<String>,
}

#[derive(Debug, Default)]
struct Tally {
    attempts: usize,
    statuses: BTreeMap<u16, usize>,
    no_answer: usize,
    took: Vec<Duration>,
}

/// What became of a burst.
#[derive(Debug, Clone, Serialize)]
pub struct BurstReport {
    /// Ids that got a 2xx: each must be in the gateway exactly once, whatever happened to it.
    pub acknowledged: Vec<String>,
    /// Ids that never got one: they may be there or not.
    pub unacknowledged: Vec<String>,
    pub attempts: usize,
    /// How often each status was answered.
    pub statuses: BTreeMap<u16, usize>,
    /// Attempts without any answer.
    pub no_answer: usize,
    /// Of the answers with 2xx.
    pub median: Duration,
    pub p99: Duration,
}

impl Burst {
    pub(crate) fn start(posts: Vec<(Post, String)>, options: &BurstOptions) -> Self {
        let pause = Duration::from_millis(options.pause_ms.max(1));
        let give_up = Instant::now() + Duration::from_millis(options.give_up_ms);
        let all = posts.iter().map(|(post, _)| post.id.clone()).collect();
        let mut waiting = VecDeque::new();
        for (place, (mut post, actual)) in posts.into_iter().enumerate() {
            post.url = actual;
            let twice = options.every_nth_twice > 0 && place % options.every_nth_twice == 0;
            let again = twice.then(|| post.clone());
            waiting.push_back((post, pause, Instant::now()));
            waiting.extend(again.map(|post| (post, pause, Instant::now())));
        }
        let state = Arc::new(BurstState {
            waiting: Mutex::new(waiting),
            acknowledged: Record::default(),
            tally: Mutex::default(),
            all,
        });
        let mut tasks = JoinSet::new();
        for _ in 0..options.connections.max(1) {
            tasks.spawn(carry(Arc::clone(&state), give_up));
        }
        Self { state, tasks }
    }

    /// The ids that got a 2xx so far.
    pub fn acknowledged(&self) -> Vec<String> {
        self.state.acknowledged_once()
    }

    /// Waits until so many got one: the moment at which a test pulls the plug.
    pub async fn acknowledged_at_least(&self, count: usize, deadline: Duration) -> Result<usize, Late> {
        self.state.acknowledged.at_least(count, deadline).await.map(|ids| ids.len())
    }

    /// Waits until all are taken or given up.
    pub async fn finish(mut self) -> BurstReport {
        while self.tasks.join_next().await.is_some() {}
        self.state.report()
    }
}

impl BurstState {
    fn acknowledged_once(&self) -> Vec<String> {
        let mut ids = self.acknowledged.all();
        ids.sort();
        ids.dedup();
        ids
    }

    fn report(&self) -> BurstReport {
        let acknowledged = self.acknowledged_once();
        let taken: std::collections::HashSet<&String> = acknowledged.iter().collect();
        let unacknowledged = self.all.iter().filter(|id| !taken.contains(id)).cloned().collect();
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.took.sort();
        let at = |per_cent: usize| {
            let last = tally.took.len().saturating_sub(1);
            tally.took.get(last * per_cent / 100).copied().unwrap_or_default()
        };
        BurstReport {
            median: at(50),
            p99: at(99),
            unacknowledged,
            attempts: tally.attempts,
            statuses: tally.statuses.clone(),
            no_answer: tally.no_answer,
            acknowledged,
        }
    }

    fn take(&self) -> Option<(Post, Duration, Instant)> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// One connection's work. What is not taken goes to the end of the line, to be tried again not before its pause is over.
async fn carry(state: Arc<BurstState>, give_up: Instant) {
    let client = client();
    while let Some((post, pause, not_before)) = state.take() {
        if not_before >= give_up {
            continue;
        }
        tokio::time::sleep_until(not_before.into()).await;
        let left = give_up.saturating_duration_since(Instant::now());
        let outcome = tokio::time::timeout(left, send(&client, &post, &post.url)).await;
        let taken = {
            let mut tally = state.tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.attempts += 1;
            if let Ok(Ok(answer)) = &outcome {
                *tally.statuses.entry(answer.status).or_default() += 1;
                if answer.is_success() {
                    tally.took.push(answer.took);
                }
                answer.is_success()
            } else {
                tally.no_answer += 1;
                false
            }
        };
        if taken {
            state.acknowledged.push(post.id);
        } else {
            let next = (post, (pause * 2).min(Duration::from_secs(1)), Instant::now() + pause);
            state.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back(next);
        }
    }
}
