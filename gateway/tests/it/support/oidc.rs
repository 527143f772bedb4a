//! A real OpenID provider for one test: npm's `oidc-provider`.

use std::process::Stdio;

use reqwest::{StatusCode, Url};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::{App, free_port};

/// Beside the panel's packages, where Node finds them.
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/web/e2e/harness/oidc-provider.mjs");
/// Runs a command with a Node that is new enough.
const NODE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.ci/node");
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// What a provider keeps of us.
pub(crate) const CLIENT: (&str, &str) = ("trunkline", "a-client-secret-of-some-length");

/// A provider; dropping it ends it.
pub(crate) struct Provider {
    pub(crate) issuer: String,
    _lines: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl Provider {
    /// For an edge whose public address is this.
    pub(crate) async fn start(public_url: &str) -> Self {
        let port = free_port();
        let mut process = Command::new(NODE)
            .args([
                "node",
                PROGRAM,
                &port.to_string(),
                &format!("{public_url}/api/v1/auth/oidc/callback"),
                CLIENT.0,
                CLIENT.1,
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node is installed by .ci/deps test");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let issuer = loop {
            let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("the provider does not start");
            let line = line.unwrap().expect("the provider is gone");
            // It may have something to say about Node first.
            if let Some(issuer) =
                serde_json::from_str::<Value>(&line).ok().and_then(|ready| ready["issuer"].as_str().map(str::to_owned))
            {
                break issuer;
            }
        };
        Self { issuer, _lines: lines, _process: process }
    }
}

/// A browser that goes where it is sent and fills the provider's forms in as `login`.
pub(crate) struct Browser {
    pub(crate) client: reqwest::Client,
}

impl Browser {
    pub(crate) fn new() -> Self {
        let client = reqwest::Client::builder()
            .no_proxy()
            .cookie_store(true)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { client }
    }

    /// From the first click until the gateway sends the browser on to the panel: where to, and that answer.
    pub(crate) async fn sign_in(&self, app: &App, slug: &str, login: &str) -> (String, reqwest::Response) {
        let back = self.callback(app, slug, login).await;
        let answer = self.client.get(back).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        (answer.headers()["location"].to_str().unwrap().to_owned(), answer)
    }

    /// The address with which the provider sends the browser back, not yet opened.
    pub(crate) async fn callback(&self, app: &App, slug: &str, login: &str) -> Url {
        let start = format!("/api/v1/auth/oidc/start?tenant={slug}&next=/calls");
        let mut answer = self.client.get(app.url(&start)).send().await.unwrap();
        for _ in 0..20 {
            let here = answer.url().clone();
            if answer.status().is_redirection() {
                let next = here.join(answer.headers()["location"].to_str().unwrap()).unwrap();
                if next.path() == "/api/v1/auth/oidc/callback" {
                    return next;
                }
                answer = self.client.get(next).send().await.unwrap();
                continue;
            }
            assert_eq!(answer.status(), StatusCode::OK, "{here}");
            let page = answer.text().await.unwrap();
            let action = page.split("action=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a form");
            let prompt = if page.contains("value=\"login\"") { "login" } else { "consent" };
            let form = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs([("prompt", prompt), ("login", login), ("password", "any")])
                .finish();
            let request = self.client.post(here.join(action).unwrap());
            let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
            answer = request.send().await.unwrap();
        }
        panic!("the provider sends the browser in a circle");
    }
}
