//! Certificates from a real ACME server: Pebble, Let's Encrypt's own for tests.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use prometheus::Registry;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use trunkline::config::{AcmeConfig, CertificateSource, TlsConfig};
use trunkline::server;
use trunkline::tls::{self, Timing, Tls, TlsMetrics};
use trunkline_stack::Ports;
use trunkline_stack::process::{Process, ProcessSpec};

use crate::support::{Authority, Https};

const NAMES: [&str; 2] = ["calls.example.org", "phones.example.org"];
/// Life of a certificate, in seconds; it is renewed when two thirds are over.
const LIFE: u64 = 15;
const PATIENCE: Duration = Duration::from_secs(30);

/// Pebble, and a DNS server that says of every name that it is here.
struct Pebble {
    listen: SocketAddr,
    management: SocketAddr,
    dns_at: String,
    authority: Authority,
    ca_file: std::path::PathBuf,
    process: Option<Process>,
    _dns: Process,
}

fn loopback(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

impl Pebble {
    /// `http` and `https`: where it looks for the answers of http-01 and tls-alpn-01.
    async fn start(folder: &Path, http: u16, https: u16) -> Self {
        let authority = Authority::new();
        let (certificate, key) = authority.certify(&["127.0.0.1", "localhost"]);
        let write = |name: &str, text: &str| {
            std::fs::write(folder.join(name), text).unwrap();
            folder.join(name)
        };
        let (listen, management, dns) = (Ports::free().unwrap(), Ports::free().unwrap(), Ports::free().unwrap());
        let config = json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{listen}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": write("pebble.pem", &certificate),
            "privateKey": write("pebble.key", &key),
            "httpPort": http,
            "tlsPort": https,
            "certificateValidityPeriod": LIFE,
        } });
        write("pebble.json", &config.to_string());
        let ca_file = write("ca.pem", &authority.root);
        let dns_at = format!("127.0.0.1:{dns}");
        let dns_words = [
            "pebble-challtestsrv",
            "-dns01",
            &dns_at,
            "-defaultIPv6",
            "",
            "-http01",
            "",
            "-https01",
            "",
            "-tlsalpn01",
            "",
        ];
        let management_of_dns = format!("127.0.0.1:{}", Ports::free().unwrap());
        let dns_words = dns_words.into_iter().chain(["-management", &management_of_dns]);
        let mut dns = ProcessSpec::new("DNS", dns_words, folder, &folder.join("dns.log")).start().unwrap();
        dns.wait_ready(PATIENCE, async || tokio::net::TcpStream::connect(&dns_at).await.is_ok()).await.unwrap();
        let mut pebble = Self {
            listen: loopback(listen),
            management: loopback(management),
            dns_at,
            authority,
            ca_file,
            process: None,
            _dns: dns,
        };
        pebble.run(folder).await;
        pebble
    }

    /// Runs it, with nothing in its memory.
    async fn run(&mut self, folder: &Path) {
        let words = ["pebble", "-config", "pebble.json", "-dnsserver", &self.dns_at];
        let mut process = ProcessSpec::new("Pebble", words, folder, &folder.join("pebble.log"))
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_WFE_NONCEREJECT", "5")
            .start()
            .unwrap();
        let client = Https::trusting(&self.authority.root);
        let ready = async || client.get(self.listen, "127.0.0.1", "/dir").await.is_ok();
        process.wait_ready(PATIENCE, ready).await.unwrap();
        self.process = Some(process);
    }

    fn kill(&mut self) {
        self.process = None;
    }

    /// A client that trusts what it certifies.
    async fn client(&self) -> Https {
        let root = Https::trusting(&self.authority.root).get(self.management, "127.0.0.1", "/roots/0").await.unwrap();
        Https::trusting(std::str::from_utf8(&root.body).unwrap())
    }

    fn config(&self) -> AcmeConfig {
        AcmeConfig {
            domains: NAMES.map(str::to_owned).to_vec(),
            directory: format!("https://{}/dir", self.listen).parse().unwrap(),
            email: Some("admin@example.org".to_owned()),
            ca_file: Some(self.ca_file.clone()),
        }
    }
}

/// An edge whose certificate comes from Pebble.
struct Edge {
    https: SocketAddr,
    registry: Registry,
    cancel: CancellationToken,
    tasks: TaskTracker,
}

impl Edge {
    async fn start(config: AcmeConfig, state_dir: &Path, https: u16, http: Option<u16>) -> Self {
        let registry = Registry::new();
        let metrics = TlsMetrics::register(&registry).unwrap();
        let public = "https://calls.example.org".parse().unwrap();
        let tls_config = TlsConfig { listen: loopback(https), certificate: CertificateSource::Acme(config) };
        let tls = Tls::load(&tls_config, &public, state_dir, metrics).unwrap();
        let (cancel, tasks) = (CancellationToken::new(), TaskTracker::new());
        let listener = server::bind(loopback(https)).await.unwrap();
        let router = Router::new().route("/", get(async || "here"));
        tasks.spawn(server::serve_tls(listener, tls.acceptor(), router, cancel.clone()));
        if let Some(http) = http {
            let listener = server::bind(loopback(http)).await.unwrap();
            let sent_on = tls::redirect_router(public, tls.challenges());
            tasks.spawn(server::serve(listener, sent_on, cancel.clone()));
        }
        let timing = Timing {
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(1),
            ..Timing::default()
        };
        tls.keep_fresh(state_dir, http.is_some(), timing, &tasks, cancel.clone());
        tasks.close();
        Self { https: loopback(https), registry, cancel, tasks }
    }

    /// The certificate that is shown for `name`, once it is another than `known`.
    async fn certificate_other_than(&self, client: &Https, name: &str, known: Option<&[u8]>) -> Vec<u8> {
        let waiting = async {
            loop {
                match client.certificate(self.https, name).await {
                    Ok(shown) if known != Some(&shown) => return shown,
                    _ => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("a certificate comes")
    }

    fn figure(&self, name: &str) -> f64 {
        let families = self.registry.gather();
        let metric = families.iter().find(|one| one.name() == name).unwrap().get_metric();
        metric.iter().map(|one| one.get_counter().get_value() + one.get_gauge().get_value()).sum()
    }

    async fn stop(self) {
        self.cancel.cancel();
        self.tasks.wait().await;
    }
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

async fn obtains_serves_and_renews(plain_http: bool) {
    let folder = tempfile::tempdir().unwrap();
    let (http, https) = (Ports::free().unwrap(), Ports::free().unwrap());
    let pebble = Pebble::start(folder.path(), http, https).await;
    let client = pebble.client().await;
    let http = plain_http.then_some(http);
    let edge = Edge::start(pebble.config(), folder.path(), https, http).await;

    let first = edge.certificate_other_than(&client, NAMES[0], None).await;
    for name in NAMES {
        let answer = client.get(edge.https, name, "/").await.unwrap();
        assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, &b"here"[..]));
    }
    assert!(client.connect(edge.https, "other.example.org").await.is_err(), "it is for these names alone");
    assert!(edge.figure("trunkline_tls_certificate_ends_seconds") > 0.0);

    let kept: Vec<_> = std::fs::read_dir(folder.path().join("acme")).unwrap().map(|one| one.unwrap().path()).collect();
    assert_eq!(kept.len(), 2, "account and certificate: {kept:?}");
    assert!(kept.iter().all(|path| mode(path) == 0o600) && mode(&folder.path().join("acme")) == 0o700);

    let second = edge.certificate_other_than(&client, NAMES[0], Some(&first)).await;
    edge.stop().await;

    // Another start asks nobody for what is there.
    let again = Edge::start(pebble.config(), folder.path(), https, http).await;
    assert_eq!(client.certificate(again.https, NAMES[0]).await.unwrap(), second);
    again.stop().await;
}

#[tokio::test]
async fn a_certificate_is_obtained_served_and_renewed_by_http_01() {
    obtains_serves_and_renews(true).await;
}

#[tokio::test]
async fn a_certificate_is_obtained_served_and_renewed_by_tls_alpn_01() {
    obtains_serves_and_renews(false).await;
}

#[tokio::test]
async fn a_server_that_is_away_is_asked_again_until_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let (http, https) = (Ports::free().unwrap(), Ports::free().unwrap());
    let mut pebble = Pebble::start(folder.path(), http, https).await;
    pebble.kill();
    let edge = Edge::start(pebble.config(), folder.path(), https, Some(http)).await;
    while edge.figure("trunkline_tls_renewals_total") < 2.0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let client = Https::trusting(&pebble.authority.root);
    assert!(client.connect(edge.https, NAMES[0]).await.is_err(), "there is none to show");
    pebble.run(folder.path()).await;
    let client = pebble.client().await;
    edge.certificate_other_than(&client, NAMES[0], None).await;
    edge.stop().await;
}
