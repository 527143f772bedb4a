//! The HTTP API as a client of it uses it.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// A signed-in user.
#[derive(Debug, Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    token: String,
    /// The user's id.
    pub user: String,
}

impl Api {
    /// Signs in.
    pub async fn sign_in(base: &str, email: &str, password: &str) -> Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build()?;
        let answer = http
            .post(format!("{base}/api/v1/auth/login"))
            .json(&json!({ "email": email, "password": password }))
            .send()
            .await?;
        ensure!(answer.status() == StatusCode::OK, "sign-in as {email}: {}", answer.text().await?);
        let body: Value = answer.json().await?;
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            http,
            base: base.to_owned(),
            token: text("/access_token").context("no access_token")?,
            user: text("/user/id").context("no user.id")?,
        })
    }

    /// `http://127.0.0.1:PORT`
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The access token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A request beneath `/api/v1`.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}/api/v1{path}", self.base)).bearer_auth(&self.token)
    }

    /// `GET`, which must succeed.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let answer = self.request(Method::GET, path).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "GET {path}: {status} {text}");
        Ok(serde_json::from_str(&text)?)
    }

    /// `POST` or `PUT` with a body, which must succeed; `null` for an empty answer.
    pub async fn send(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let answer = self.request(method.clone(), path).json(body).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{method} {path}: {status} {text}");
        if text.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_str(&text)?) }
    }

    /// Ends the sign-in.
    pub async fn sign_out(&self) -> Result<()> {
        let answer = self.request(Method::POST, "/auth/logout").send().await?;
        ensure!(answer.status().is_success(), "sign-out: {}", answer.status());
        Ok(())
    }

    /// Sets the user's own state.
    pub async fn set_state(&self, state: &str) -> Result<Value> {
        self.send(Method::PUT, "/agents/me/state", &json!({ "state": state })).await
    }

    /// The audio of a recording, whole.
    pub async fn audio(&self, recording: &str) -> Result<Vec<u8>> {
        let answer = self.request(Method::GET, &format!("/recordings/{recording}/audio")).send().await?;
        ensure!(answer.status() == StatusCode::OK, "audio: {}", answer.status());
        Ok(answer.bytes().await?.to_vec())
    }

    /// The call, once `until` holds of it.
    pub async fn call_when(&self, id: &str, until: impl Fn(&Value) -> bool) -> Result<Value> {
        let path = format!("/calls/{id}");
        eventually(Duration::from_secs(20), async || {
            let call = self.get(&path).await?;
            if until(&call) { Ok(call) } else { bail!("the call is still {call}") }
        })
        .await
    }
}

/// Tries until it succeeds; after `limit` with the last error. Between two tries it waits a little: what is looked at has no
/// event to wait for.
pub async fn eventually<T, F>(limit: Duration, mut attempt: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let until = Instant::now() + limit;
    loop {
        match attempt().await {
            Ok(value) => return Ok(value),
            Err(error) if Instant::now() >= until => return Err(error.context(format!("not within {limit:?}"))),
            Err(_) => tokio::time::sleep(Duration::from_millis(25)).await,
        }
    }
}
