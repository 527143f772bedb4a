//! A cluster that the tests share while they run, and for each test a database and an edge of its own.

#[path = "../../../../inbox/blob/tests/stores/bucket.rs"]
#[allow(dead_code, reason = "the tests of the store itself need more of it")]
pub(crate) mod bucket;
mod https;
mod oidc;
mod smtp;
mod socket;
pub(crate) mod standins;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};

use chrono::{TimeDelta, Utc};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use trunkline::auth::{Passwords, token};
use trunkline::calls::{CallConfig, CallControl, CallMetrics};
use trunkline::config::{Config, Source};
use trunkline::metrics::Metrics;
use trunkline::provision::{self, NewMember};
use trunkline::roster::{self, Roster};
use trunkline::secrets::Vault;
use trunkline::state::{AppState, Parts};
use trunkline::stream::Timing;
use trunkline::{api_keys, channels, figures, http, jobs, push, server, stream};
use trunkline_db::{Db, PoolOptions, Role, TenantId, UserId, bootstrap, migrate};
use trunkline_jobs::{Backoff, WorkerConfig, Working};
use trunkline_journal::{Journal, JournalConfig, Kind, NewEvent, Ref, Scope};
use trunkline_stack::Postgres;

pub(crate) use https::{Authority, Https};
pub(crate) use oidc::{Browser, CLIENT, Provider};
pub(crate) use smtp::{Smtp, free_port};
pub(crate) use socket::Socket;

const PASSWORD: &str = "test";
const TEMPLATE: &str = "trunkline_template";

/// Lives as long as any test holds it: the last one stops it and removes its folder.
static SHARED: Mutex<Weak<Cluster>> = Mutex::const_new(Weak::new());

struct Cluster {
    postgres: Mutex<Postgres>,
    databases: AtomicU32,
    // Removed after the server has stopped.
    _dir: TempDir,
}

impl Cluster {
    async fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().await;
        if let Some(cluster) = shared.upgrade() {
            return cluster;
        }
        let cluster = Self::start().await;
        *shared = Arc::downgrade(&cluster);
        cluster
    }

    async fn start() -> Arc<Self> {
        let dir = tempfile::tempdir().unwrap();
        let postgres = Postgres::start(dir.path()).await.unwrap();
        bootstrap::run(&postgres.superuser_url("postgres"), TEMPLATE, PASSWORD, PASSWORD).await.unwrap();
        migrate(&postgres.url("trunkline_owner", PASSWORD, TEMPLATE)).await.unwrap();
        // Hashing the demo's passwords once is enough.
        let db = Db::connect(&postgres.url("trunkline", PASSWORD, TEMPLATE), PoolOptions::default()).await.unwrap();
        provision::seed_demo(&db, &Passwords::new()).await.unwrap();
        db.close().await;
        Arc::new(Self { postgres: Mutex::new(postgres), databases: AtomicU32::new(0), _dir: dir })
    }
}

/// An edge with a database that holds the demo tenant.
pub(crate) struct App {
    pub(crate) state: AppState,
    pub(crate) address: SocketAddr,
    pub(crate) client: reqwest::Client,
    pub(crate) tenant: TenantId,
    pub(crate) owner_url: String,
    dir: TempDir,
    cancel: CancellationToken,
    server: Option<JoinHandle<()>>,
    worker: Option<Working>,
    journal_cancel: CancellationToken,
    cluster: Arc<Cluster>,
}

/// What may differ from one test to another.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) timing: Timing,
    pub(crate) max_streams_per_user: usize,
    /// Other values of the configuration, without `TRUNKLINE_`.
    pub(crate) config: Vec<(&'static str, String)>,
    /// Whether jobs are done. Pauses between attempts are short.
    pub(crate) works: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { timing: Timing::default(), max_streams_per_user: 64, config: Vec::new(), works: false }
    }
}

impl App {
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    pub(crate) async fn start_with(options: Options) -> Self {
        Self::start_on(Cluster::shared().await, options).await
    }

    /// With further configuration.
    pub(crate) async fn configured(settings: &[(&'static str, &str)]) -> Self {
        let config = settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self::start_with(Options { config, ..Options::default() }).await
    }

    /// With a database server of its own, which may be stopped and started.
    pub(crate) async fn start_alone() -> Self {
        Self::start_on(Cluster::start().await, Options::default()).await
    }

    async fn start_on(cluster: Arc<Cluster>, options: Options) -> Self {
        let name = format!("test_{}", cluster.databases.fetch_add(1, Ordering::Relaxed));
        let postgres = cluster.postgres.lock().await;
        postgres.clone_database(TEMPLATE, &name).unwrap();
        let database_url = postgres.url("trunkline", PASSWORD, &name);
        let owner_url = postgres.url("trunkline_owner", PASSWORD, &name);
        drop(postgres);
        let dir = tempfile::tempdir().unwrap();
        let config = Arc::new(config(&database_url, dir.path(), &options));

        let (cancel, journal_cancel) = (CancellationToken::new(), CancellationToken::new());
        std::fs::create_dir_all(&config.recordings_dir).unwrap();
        let (state, roster) = state_of(&config, options.timing, &cancel, &journal_cancel).await;
        let tenant = provision::find_tenant(&state.db, provision::DEMO_TENANT).await.unwrap();
        tokio::spawn(roster::watch(state.clone(), cancel.clone()));
        tokio::spawn(api_keys::keep_count(roster, state.db.clone(), cancel.clone()));
        let listener = server::bind(config.http_listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(channels::watch(state.clone(), cancel.clone()));
        tokio::spawn(stream::watch_grants(state.clone(), cancel.clone()));
        let worker = options.works.then(|| {
            tokio::spawn(push::watch(
                state.db.clone(),
                state.journal.clone(),
                figures::Timing::default(),
                cancel.clone(),
            ));
            jobs::worker(&state, quick()).start(cancel.clone())
        });
        let server = tokio::spawn(server::serve(listener, http::router(state.clone()), cancel.clone()));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            state,
            address,
            client,
            tenant,
            owner_url,
            dir,
            cancel,
            server: Some(server),
            worker,
            journal_cancel,
            cluster,
        }
    }

    pub(crate) fn recordings_dir(&self) -> std::path::PathBuf {
        self.dir.path().join("recordings")
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn sign_in(&self, email: &str) -> User {
        let answer = self.login(email, provision::DEMO_PASSWORD).await;
        assert_eq!(answer.status(), StatusCode::OK, "sign-in of {email}");
        self.user_of(&answer.json().await.unwrap())
    }

    /// The user of an answer to a sign-in.
    pub(crate) fn user_of(&self, body: &Value) -> User {
        User {
            token: body["access_token"].as_str().unwrap().to_owned(),
            id: body["user"]["id"].as_str().unwrap().parse().unwrap(),
            client: self.client.clone(),
            base: self.url(""),
        }
    }

    pub(crate) async fn operator(&self) -> User {
        self.sign_in("operator@demo.test").await
    }

    pub(crate) async fn admin(&self) -> User {
        self.sign_in("admin@demo.test").await
    }

    pub(crate) async fn login(&self, email: &str, password: &str) -> Response {
        let body = json!({ "email": email, "password": password });
        self.client.post(self.url("/api/v1/auth/login")).json(&body).send().await.unwrap()
    }

    /// A second tenant with an admin, who signs in.
    pub(crate) async fn other_tenant(&self) -> (TenantId, User) {
        let tenant = provision::create_tenant(&self.state.db, "other", "Other").await.unwrap();
        let member = NewMember { email: "admin@other.test", name: "Otis Other", role: Role::Admin, takes_work: true };
        provision::add_member(&self.state.db, &self.state.passwords, tenant, member, provision::DEMO_PASSWORD)
            .await
            .unwrap();
        (tenant, self.sign_in("admin@other.test").await)
    }

    /// A token of a user that ends after so many seconds.
    pub(crate) fn token(&self, user: UserId, role: Role, seconds: i64) -> String {
        let life = TimeDelta::seconds(seconds);
        token::issue(&self.state.keys, self.tenant, user, role, uuid::Uuid::now_v7(), Utc::now(), life)
    }

    /// A token that was issued a minute ago: before the roster was read.
    pub(crate) fn old_token(&self, user: UserId, role: Role) -> String {
        let (then, life) = (Utc::now() - TimeDelta::seconds(60), TimeDelta::seconds(660));
        token::issue(&self.state.keys, self.tenant, user, role, uuid::Uuid::now_v7(), then, life)
    }

    /// A new member of the demo tenant, who cannot sign in by password.
    pub(crate) async fn member(&self, role: Role) -> UserId {
        let (mut owner, id) = (self.owner().await, UserId::new());
        sqlx::query("INSERT INTO users (id, email, name, password_hash) VALUES ($1, $2, 'Somebody', '-')")
            .bind(id)
            .bind(format!("{id}@demo.test"))
            .execute(&mut owner)
            .await
            .unwrap();
        sqlx::query("INSERT INTO memberships (tenant_id, user_id, role) VALUES ($1, $2, $3)")
            .bind(self.tenant)
            .bind(id)
            .bind(role.as_str())
            .execute(&mut owner)
            .await
            .unwrap();
        self.read_roster().await;
        id
    }

    /// What was written behind the gateway's back counts from now on.
    pub(crate) async fn read_roster(&self) {
        roster::refresh(&self.state, None).await.unwrap();
    }

    /// Somebody with a token or an API key.
    pub(crate) fn with_token(&self, id: UserId, token: impl Into<String>) -> User {
        User { token: token.into(), id, client: self.client.clone(), base: self.url("") }
    }

    /// Appends an event of the demo tenant.
    pub(crate) async fn append(&self, scope: Scope) {
        let event = NewEvent::new(Kind::from_static("call.started"), Ref::new("call", uuid::Uuid::now_v7()), json!({}));
        self.state.journal.append(self.tenant, vec![event.scopes([scope])]).await.unwrap();
    }

    /// A connection as the schema's owner, whom row-level security does not bind.
    pub(crate) async fn owner(&self) -> sqlx::PgConnection {
        <sqlx::PgConnection as sqlx::Connection>::connect(&self.owner_url).await.unwrap()
    }

    /// Takes the database server down, as a crash does.
    pub(crate) async fn stop_database(&self) {
        self.cluster.postgres.lock().await.kill();
    }

    /// Brings it back.
    pub(crate) async fn start_database(&self) {
        self.cluster.postgres.lock().await.start_again().await.unwrap();
    }

    /// Does jobs from now on.
    pub(crate) fn work(&mut self) {
        self.worker = Some(jobs::worker(&self.state, quick()).start(self.cancel.clone()));
    }

    /// Stops gracefully, as SIGTERM does.
    pub(crate) async fn stop(&mut self) {
        self.cancel.cancel();
        self.state.sessions.wake_all();
        if let Some(server) = self.server.take() {
            server.await.unwrap();
        }
        if let Some(worker) = self.worker.take() {
            worker.stopped().await;
        }
    }
}

/// What a node has in memory.
async fn state_of(
    config: &Arc<Config>,
    stream_timing: Timing,
    cancel: &CancellationToken,
    journal_cancel: &CancellationToken,
) -> (AppState, Roster) {
    let options = PoolOptions { max_connections: 6, ..PoolOptions::default() };
    let db = Db::connect(config.database_url.expose(), options).await.unwrap();
    let journal = Journal::start(db.clone(), JournalConfig::default(), journal_cancel.clone()).await.unwrap();
    let roster = Roster::load(&db).await.unwrap();
    let metrics = Metrics::new();
    // Nobody listens on the discard port: Asterisk is away for the whole test.
    let vault = Vault::unlock(config).await.unwrap();
    let calls = CallConfig::new(config, vault.clone());
    let call_metrics = CallMetrics::register(metrics.registry()).unwrap();
    let calls = CallControl::start(calls, db.clone(), journal.clone(), call_metrics, cancel.clone()).await.unwrap();
    let state = AppState::new(Parts {
        config: Arc::clone(config),
        db,
        journal,
        vault,
        calls: calls.handle(),
        metrics,
        cancel: cancel.clone(),
        stream_timing,
        roster: roster.clone(),
    });
    (state, roster)
}

/// Another node on the same database, which does its jobs until it is killed: nothing of it ends in order.
pub(crate) struct Node(Option<tokio::runtime::Runtime>);

impl Node {
    pub(crate) async fn start(app: &App) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let config = Arc::clone(&app.state.config);
        let started = runtime.spawn(async move {
            let cancel = CancellationToken::new();
            let (state, _) = state_of(&config, Timing::default(), &cancel, &cancel).await;
            tokio::spawn(channels::watch(state.clone(), cancel.clone()));
            // Others soon see that it is gone.
            let config = WorkerConfig { lease: std::time::Duration::from_secs(3), ..quick() };
            jobs::worker(&state, config).start(cancel);
        });
        started.await.unwrap();
        Self(Some(runtime))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.cancel.cancel();
        self.journal_cancel.cancel();
    }
}

fn config(database_url: &str, dir: &Path, options: &Options) -> Config {
    let values = [
        ("HTTP_LISTEN", "127.0.0.1:0".to_owned()),
        ("RTP_LISTEN", "127.0.0.1:0".to_owned()),
        ("DATABASE_URL", database_url.to_owned()),
        ("SECRET_KEY", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f".to_owned()),
        ("ARI_URL", "http://127.0.0.1:9/ari".to_owned()),
        ("ARI_PASSWORD", "secret".to_owned()),
        ("OUTBOUND_TRUNK", "PJSIP/{number}@carrier".to_owned()),
        ("STATE_DIR", dir.display().to_string()),
        ("SIP_PORT", "5070".to_owned()),
        ("MAX_STREAMS_PER_USER", options.max_streams_per_user.to_string()),
    ];
    let values = values
        .into_iter()
        .chain(options.config.iter().cloned())
        .map(|(name, value)| (format!("TRUNKLINE_{name}"), value));
    Source::read(None, values).unwrap().config().unwrap()
}

/// A worker that does not make tests wait.
fn quick() -> WorkerConfig {
    let pause = std::time::Duration::from_millis(30);
    let backoff = Backoff { base: pause, cap: pause, floor: pause, ..Backoff::default() };
    WorkerConfig { poll_every: pause, backoff, ..WorkerConfig::default() }
}

/// Somebody who signed in.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) token: String,
    pub(crate) id: UserId,
    client: reqwest::Client,
    base: String,
}

impl User {
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub(crate) async fn get_json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "GET {path}");
        answer.json().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.request(Method::POST, path).json(body).send().await.unwrap()
    }

    pub(crate) async fn set_state(&self, state: &str) -> Value {
        let answer =
            self.request(Method::PUT, "/api/v1/agents/me/state").json(&json!({ "state": state })).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.unwrap()
    }
}

/// The problem of a refused request, its status checked against the body.
pub(crate) async fn problem(answer: Response) -> Value {
    let status = answer.status();
    assert_eq!(answer.headers()["content-type"], "application/problem+json", "{status}");
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["status"], status.as_u16());
    assert!(problem["type"].is_string() && problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
    problem
}
