//! Behind Caddy, with the Caddyfile of docs/admins.md.

use std::path::Path;
use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use trunkline_journal::Scope;
use trunkline_stack::Ports;
use trunkline_stack::process::ProcessSpec;

use crate::support::{App, Https, Socket};

const NAME: &str = "calls.example.org";
const PATIENCE: Duration = Duration::from_secs(20);

/// What the page shows people, for this machine: another upstream, other ports, an authority of Caddy's own.
fn caddyfile(upstream: &str, https: u16, http: u16) -> String {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/admins.md")).unwrap();
    let shown = page.split_once("```caddyfile\n").unwrap().1.split_once("```").unwrap().0;
    let here = shown.replace("127.0.0.1:8080", upstream).replacen('{', "{\n\ttls internal", 1);
    format!(
        "{{\n\tadmin off\n\tskip_install_trust\n\thttps_port {https}\n\thttp_port {http}\n\tauto_https disable_redirects\n}}\n{here}"
    )
}

#[tokio::test]
async fn caddy_in_front_passes_everything_on() {
    let app = App::configured(&[("PUBLIC_URL", "https://calls.example.org"), ("TRUSTED_PROXIES", "127.0.0.1")]).await;
    let folder = tempfile::tempdir().unwrap();
    let (https, http) = (Ports::free().unwrap(), Ports::free().unwrap());
    let file = folder.path().join("Caddyfile");
    std::fs::write(&file, caddyfile(&app.address.to_string(), https, http)).unwrap();
    let words = ["caddy", "run", "--adapter", "caddyfile", "--config", file.to_str().unwrap()];
    let log = folder.path().join("caddy.log");
    let home = folder.path().join("data");
    let caddy =
        ProcessSpec::new("Caddy", words, folder.path(), &log).env("XDG_DATA_HOME", &home).env("XDG_CONFIG_HOME", &home);
    let mut caddy = caddy.start().unwrap();
    let root = home.join("caddy/pki/authorities/local/root.crt");
    let address = ([127, 0, 0, 1], https).into();
    let ready = async || match std::fs::read_to_string(&root) {
        Ok(root) => Https::trusting(&root).get(address, NAME, "/health/live").await.is_ok(),
        Err(_) => false,
    };
    caddy.wait_ready(PATIENCE, ready).await.unwrap();
    let client = Https::trusting(&std::fs::read_to_string(&root).unwrap());

    let login = Request::post("/api/v1/auth/login")
        .header("content-type", "application/json")
        .header("x-forwarded-for", "203.0.113.9")
        .body(Body::from(r#"{"email":"operator@demo.test","password":"trunkline-demo"}"#))
        .unwrap();
    let answer = client.send(address, NAME, login).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    let told: Vec<_> = answer.headers.get_all("strict-transport-security").iter().collect();
    assert_eq!(told, ["max-age=31536000"], "once");
    assert!(answer.headers["set-cookie"].to_str().unwrap().starts_with("__Host-trunkline_refresh="));

    // Caddy is a proxy, so what it passes on does not come from this machine.
    assert_eq!(client.get(address, NAME, "/metrics").await.unwrap().status, StatusCode::UNAUTHORIZED);

    let admin = app.admin().await;
    let stream = client.connect(address, NAME).await.unwrap();
    let mut socket = Socket::open_over(Box::new(stream), NAME, "", Some(&admin.token)).await.unwrap();
    let head = socket.json().await["head"].as_i64().unwrap();
    socket.subscribe_after(head).await;
    app.append(Scope::Tenant).await;
    assert_eq!(socket.json_of("event").await["event"]["seq"], head + 1);
}
