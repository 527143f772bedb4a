//! HTTPS of the gateway's own, with a certificate from files.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use prometheus::Registry;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use trunkline::config::{CertificateFiles, CertificateSource, TlsConfig};
use trunkline::tls::{Timing, Tls, TlsMetrics};
use trunkline::{http as edge, server};
use trunkline_journal::Scope;

use crate::support::{App, Authority, Https, Socket};

const NAME: &str = "calls.test";
/// Files are looked at that often.
const QUICK: Timing = Timing {
    look_every: Duration::from_millis(20),
    first_pause: Duration::from_millis(20),
    longest_pause: Duration::from_millis(20),
};

/// The edge of an app over TLS.
struct Served {
    app: App,
    address: SocketAddr,
    authority: Authority,
    files: CertificateFiles,
    registry: Registry,
    cancel: CancellationToken,
    _folder: tempfile::TempDir,
}

fn put(folder: &Path, (certificate, key): (String, String)) -> CertificateFiles {
    let files = CertificateFiles { certificate: folder.join("chain.pem"), key: folder.join("key.pem") };
    std::fs::write(&files.certificate, certificate).unwrap();
    std::fs::write(&files.key, key).unwrap();
    files
}

impl Served {
    async fn start() -> Self {
        let app = App::configured(&[("PUBLIC_URL", "https://calls.test")]).await;
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        let files = put(folder.path(), authority.certify(&[NAME]));
        let listener = server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let config = TlsConfig { listen: address, certificate: CertificateSource::Files(files.clone()) };
        let registry = Registry::new();
        let metrics = TlsMetrics::register(&registry).unwrap();
        let tls = Tls::load(&config, &app.state.config.public_url, folder.path(), metrics).unwrap();
        let (cancel, tasks) = (CancellationToken::new(), TaskTracker::new());
        tokio::spawn(server::serve_tls(listener, tls.acceptor(), edge::router(app.state.clone()), cancel.clone()));
        tls.keep_fresh(folder.path(), false, QUICK, &tasks, cancel.clone());
        Self { app, address, authority, files, registry, cancel, _folder: folder }
    }

    fn client(&self) -> Https {
        Https::trusting(&self.authority.root)
    }

    fn renewals(&self, result: &str) -> u64 {
        let families = self.registry.gather();
        let family = families.iter().find(|one| one.name() == "trunkline_tls_renewals_total").unwrap();
        let of = |metric: &&prometheus::proto::Metric| metric.get_label().iter().any(|label| label.value() == result);
        family.get_metric().iter().find(of).unwrap().get_counter().get_value() as u64
    }

    async fn renewed(&self, result: &str, count: u64) {
        while self.renewals(result) < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

#[tokio::test]
async fn both_versions_of_tls_are_served_and_nothing_older() {
    let served = Served::start().await;
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let client = Https::speaking(&served.authority.root, &[version]);
        let stream = client.connect(served.address, NAME).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        let answer = client.get(served.address, NAME, "/health").await.unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.headers["strict-transport-security"], "max-age=31536000");
        assert!(answer.body.starts_with(b"{"));
    }
    let other = Https::trusting(&Authority::new().root);
    assert!(other.connect(served.address, NAME).await.is_err(), "a client that does not trust the authority");
}

#[tokio::test]
async fn a_renewed_certificate_is_served_while_open_connections_go_on() {
    let served = Served::start().await;
    let client = served.client();
    let before = client.certificate(served.address, NAME).await.unwrap();
    let mut open = Https::over(client.connect(served.address, NAME).await.unwrap()).await;
    let health = || Request::get("/health/live").body(Body::empty()).unwrap();
    assert_eq!(open.send(NAME, health()).await.status, StatusCode::OK);

    // A renewal that has come half way: the old certificate stays.
    let (certificate, key) = served.authority.certify(&[NAME]);
    std::fs::write(&served.files.certificate, &certificate).unwrap();
    served.renewed("failed", 1).await;
    assert_eq!(client.certificate(served.address, NAME).await.unwrap(), before);
    std::fs::write(&served.files.key, &key).unwrap();
    served.renewed("ok", 1).await;
    assert_ne!(client.certificate(served.address, NAME).await.unwrap(), before);
    assert_eq!(open.send(NAME, health()).await.status, StatusCode::OK, "the connection of before");
}

#[tokio::test]
async fn the_stream_comes_over_tls_whole_and_in_order() {
    let served = Served::start().await;
    let admin = served.app.admin().await;
    const EVENTS: usize = 3_000;
    for _ in 0..EVENTS / 500 {
        let batch = (0..500).map(|number| {
            let event = trunkline_journal::NewEvent::new(
                trunkline_journal::Kind::from_static("call.started"),
                trunkline_journal::Ref::new("call", uuid::Uuid::now_v7()),
                json!({ "number": number, "filler": "x".repeat(400) }),
            );
            event.scopes([Scope::Tenant])
        });
        served.app.state.journal.append(served.app.tenant, batch.collect()).await.unwrap();
    }
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let stream = Https::speaking(&served.authority.root, &[version]).connect(served.address, NAME).await.unwrap();
        let mut socket = Socket::open_over(Box::new(stream), NAME, "", Some(&admin.token)).await.unwrap();
        assert_eq!(socket.json().await["type"], "hello");
        socket.subscribe_after(0).await;
        let mut last = 0;
        loop {
            let frame = socket.json().await;
            match frame["type"].as_str().unwrap() {
                "event" => {
                    let seq = frame["event"]["seq"].as_i64().unwrap();
                    assert_eq!(seq, last + 1);
                    last = seq;
                }
                "skipped" => last = frame["through"].as_i64().unwrap(),
                "caught_up" => break,
                other => panic!("{other}"),
            }
        }
        assert!(last >= EVENTS as i64);
        // Live, and a client's frames are heard.
        served.app.append(Scope::Tenant).await;
        assert_eq!(socket.json_of("event").await["event"]["seq"], last + 1);
        socket.send(&json!({ "type": "auth", "token": "nonsense" })).await;
        assert_eq!(socket.closed().await.code, 4401);
    }
}

#[tokio::test]
async fn what_is_no_tls_is_let_go() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let served = Served::start().await;
    let mut plain = tokio::net::TcpStream::connect(served.address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: calls.test\r\n\r\n").await.unwrap();
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said).await;
    assert!(!said.starts_with(b"HTTP"), "{said:?}");
}

#[test]
fn files_that_do_not_fit_are_refused_at_start_by_the_name_of_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let good = put(folder.path(), authority.certify(&[NAME]));
    let other: PathBuf = folder.path().join("other.pem");
    std::fs::write(&other, authority.certify(&[NAME]).1).unwrap();
    let absent = folder.path().join("absent.pem");
    for (certificate, key, words) in [
        (&good.certificate, &other, "tls_key: the key is not that of the certificate"),
        (&absent, &good.key, "tls_certificate: cannot read"),
        (&good.key, &good.key, "tls_certificate: expected one or more certificates in PEM"),
        (&good.certificate, &good.certificate, "tls_key: expected one private key in PEM"),
    ] {
        let output = crate::commands::trunkline(
            &["serve"],
            &[
                ("TRUNKLINE_HTTP_LISTEN", "127.0.0.1:0"),
                ("TRUNKLINE_HTTPS_LISTEN", "127.0.0.1:0"),
                ("TRUNKLINE_PUBLIC_URL", "https://calls.test"),
                ("TRUNKLINE_TLS_CERTIFICATE", certificate.to_str().unwrap()),
                ("TRUNKLINE_TLS_KEY", key.to_str().unwrap()),
                ("TRUNKLINE_DATABASE_URL", "postgres://trunkline@127.0.0.1:9/trunkline"),
                ("TRUNKLINE_SECRET_KEY", crate::commands::SECRET),
                ("TRUNKLINE_ARI_PASSWORD", "x"),
                ("TRUNKLINE_STATE_DIR", folder.path().to_str().unwrap()),
            ],
        );
        assert_eq!(output.status.code(), Some(1));
        let said = crate::commands::words(&output);
        assert!(said.starts_with(&format!("trunkline: {words}")), "{said}");
    }
}
