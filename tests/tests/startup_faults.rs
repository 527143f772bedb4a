//! A start with something wrong: each says in one sentence what, by the name of the setting, and ends or goes on as it should.
//!
//! The tests share a stack whose gateway is not running, and take turns with it.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard, OnceCell};
use trunkline_stack::{Ports, Stack, StackError, StackOptions};
use trunkline_tests::{Proxy, eventually, run};

const SOON: Duration = Duration::from_secs(20);

/// The stack, for one test at a time.
async fn stack() -> Result<MutexGuard<'static, Stack>> {
    static STACK: OnceCell<Mutex<Stack>> = OnceCell::const_new();
    let options = || StackOptions { demo: false, start_gateway: false, ..StackOptions::default() };
    let stack = STACK.get_or_try_init(async || Ok::<_, StackError>(Mutex::new(Stack::start(options()).await?))).await?;
    Ok(stack.lock().await)
}

/// What `serve` says when it will not start with this setting. It must end by itself, with code 1 and one sentence.
async fn refusal(key: &str, value: &str) -> Result<String> {
    let mut stack = stack().await?;
    let name = format!("TRUNKLINE_{key}");
    let before = stack.gateway.env(&name).context("a setting of every stack")?.to_owned();
    stack.gateway.set_env(&name, value);
    let ended = tokio::time::timeout(SOON, stack.gateway.command(&["serve"])).await;
    stack.gateway.set_env(&name, &before);
    match ended.context("it did not end")? {
        Err(StackError::Command { status, output, .. }) => {
            assert_eq!(status, "exit code 1", "{output}");
            // The log, if there is one, comes before.
            let said: Vec<&str> = output.split("trunkline: ").skip(1).collect();
            ensure!(said.len() == 1, "said more than once: {output}");
            Ok(said[0].to_owned())
        }
        Err(other) => Err(other.into()),
        Ok(output) => bail!("it started and stopped: {output}"),
    }
}

#[test]
fn a_taken_port_is_named() {
    run(async {
        let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = holder.local_addr()?.to_string();
        let said = refusal("HTTP_LISTEN", &address).await?;
        ensure!(said.contains("http_listen") && said.contains(&address) && said.contains("taken"), "{said}");
        Ok(())
    });
}

#[test]
fn a_taken_port_for_audio_is_named() {
    run(async {
        let holder = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = holder.local_addr()?.to_string();
        let said = refusal("RTP_LISTEN", &address).await?;
        ensure!(said.contains("rtp_listen") && said.contains(&address), "{said}");
        Ok(())
    });
}

#[test]
fn a_wrong_value_is_refused_by_name_with_what_was_expected() {
    run(async {
        for (key, value) in
            [("HTTP_LISTEN", "everywhere"), ("SECRET_KEY", "short"), ("ARI_URL", "no address"), ("SIP_PORT", "70000")]
        {
            let said = refusal(key, value).await?;
            ensure!(said.to_lowercase().contains(&key.to_lowercase()), "{key}={value}: {said}");
            // A secret that is wrong is a secret still.
            ensure!(key != "SECRET_KEY" || !said.contains("short\""), "{said}");
        }
        Ok(())
    });
}

#[test]
fn a_database_that_is_not_there_is_named_without_its_password() {
    run(async {
        let port = Ports::free()?;
        let url = format!("postgres://trunkline:hunter2@127.0.0.1:{port}/trunkline");
        let said = refusal("DATABASE_URL", &url).await?;
        ensure!(said.contains("database_url") && said.contains(&format!("127.0.0.1:{port}")), "{said}");
        ensure!(said.contains("does not answer") && !said.contains("hunter2"), "{said}");
        Ok(())
    });
}

#[test]
fn a_database_that_refuses_the_password_is_named() {
    run(async {
        let url = stack().await?.postgres.url("trunkline", "hunter2", "trunkline");
        let said = refusal("DATABASE_URL", &url).await?;
        ensure!(said.contains("database_url") && said.contains("password"), "{said}");
        ensure!(!said.contains("hunter2"), "{said}");
        Ok(())
    });
}

#[test]
fn a_wrong_ari_password_is_said_once_and_tried_again_while_the_api_serves() {
    run(async {
        let mut stack = stack().await?;
        let config = stack.asterisk.config();
        let line = Proxy::start((config.listen, config.http_port).into()).await?;
        let kept = ["TRUNKLINE_ARI_URL", "TRUNKLINE_ARI_PASSWORD"]
            .map(|key| (key, stack.gateway.env(key).unwrap_or_default().to_owned()));
        stack.gateway.set_env("TRUNKLINE_ARI_URL", &format!("http://{}/ari", line.address()));
        stack.gateway.set_env("TRUNKLINE_ARI_PASSWORD", "wrong-password");
        stack.gateway.start_again().await.context("the API serves")?;
        eventually(SOON, async || {
            ensure!(line.accepted() >= 3, "{} attempts so far", line.accepted());
            Ok(())
        })
        .await?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        let health: Value = http.get(format!("{}/health", stack.gateway.base_url())).send().await?.json().await?;
        let why = "Asterisk refused the user name or password";
        assert_eq!(health["status"], "degraded", "{health}");
        assert_eq!(health["dependencies"]["asterisk"]["detail"], why, "{health}");
        stack.gateway.stop();
        let log = std::fs::read_to_string(stack.gateway.log())?;
        let warnings = log.lines().filter(|line| line.contains("not connected to Asterisk") && line.contains(why));
        assert_eq!(warnings.count(), 1, "{log}");
        ensure!(!log.contains("wrong-password"), "{log}");
        for (key, value) in kept {
            stack.gateway.set_env(key, &value);
        }
        Ok(())
    });
}
