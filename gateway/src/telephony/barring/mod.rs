//! Addresses that keep failing to sign in are barred for a while.
//!
//! Asterisk has no such limit for names that it knows, and ARI has no event for a failed sign-in. Its manager interface (AMI) has
//! one, so a user that may only read security events is listened to there. Whoever fails too often (an office from which
//! others sign in has more patience) is put on
//! an access list that Asterisk asks before anything else (`res_pjsip_acl`, an object of sorcery's memory wizard like the phones),
//! and taken off it later. With the manager interface away nobody is barred; everything else works.

mod count;
mod manager;

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use trunkline_ari::model::ConfigTuple;
use trunkline_ari::{Client, Error, OrGone as _, asterisk};

use self::count::FailedSignIns;
use self::manager::{Blocks, SignIn};
use crate::config::Secret;

/// How long a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Pause before the manager interface is tried again.
const PAUSE: Duration = Duration::from_secs(2);

/// Where Asterisk's manager interface is, and who may read it.
#[derive(Debug, Clone)]
pub struct ManagerConfig {
    /// Its address.
    pub address: SocketAddr,
    /// User of `manager.conf`, with `read = security`.
    pub username: String,
    /// That user's password.
    pub password: Secret,
}

/// Bars who fails too often, until `cancel`.
pub(crate) async fn keep(client: Client, manager: ManagerConfig, cancel: CancellationToken) {
    let mut sign_ins = FailedSignIns::default();
    let mut told = false;
    loop {
        let lost = tokio::select! {
            () = cancel.cancelled() => return,
            lost = listen(&client, &manager, &mut sign_ins) => lost,
        };
        if !std::mem::replace(&mut told, true) {
            tracing::warn!(%lost, address = %manager.address, "cannot hear who fails to sign in; trying again");
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
        lift(&client, &mut sign_ins).await;
    }
}

/// Listens until the connection is lost, and says how.
async fn listen(client: &Client, manager: &ManagerConfig, sign_ins: &mut FailedSignIns) -> std::io::Error {
    let mut stream = match sign_in(manager).await {
        Ok(stream) => stream,
        Err(error) => return error,
    };
    let mut blocks = Blocks::default();
    let mut buffer = [0_u8; 4096];
    loop {
        let until = sign_ins.next_over().map(tokio::time::Instant::from_std);
        tokio::select! {
            read = stream.read(&mut buffer) => match read {
                Ok(0) => return std::io::ErrorKind::UnexpectedEof.into(),
                Ok(count) => {
                    if let Err(error) = blocks.push(&buffer[..count]) {
                        return std::io::Error::other(error);
                    }
                }
                Err(error) => return error,
            },
            () = tokio::time::sleep_until(until.unwrap_or_else(tokio::time::Instant::now)), if until.is_some() => {}
        }
        while let Some(block) = blocks.next() {
            if block.get("Response") == Some("Error") {
                return std::io::Error::new(
                    std::io::ErrorKind::PermissionDenied,
                    "ami_username or ami_password is wrong",
                );
            }
            match block.sign_in() {
                Some((address, SignIn::Succeeded)) => sign_ins.succeeded(address, Instant::now()),
                Some((address, SignIn::Failed)) if sign_ins.failed(address, Instant::now()) => {
                    bar(client, address).await;
                }
                _ => {}
            }
        }
        lift(client, sign_ins).await;
    }
}

async fn sign_in(manager: &ManagerConfig) -> std::io::Result<TcpStream> {
    let mut stream = tokio::time::timeout(CONNECT_LIMIT, TcpStream::connect(manager.address)).await??;
    // A line break would be another action's line.
    let plain = |text: &str| text.replace(['\r', '\n'], "");
    let login = format!(
        "Action: Login\r\nUsername: {}\r\nSecret: {}\r\nEvents: security\r\n\r\n",
        plain(&manager.username),
        plain(manager.password.expose())
    );
    stream.write_all(login.as_bytes()).await?;
    Ok(stream)
}

async fn lift(client: &Client, sign_ins: &mut FailedSignIns) {
    for address in sign_ins.over(Instant::now()) {
        match client.asterisk().delete_object("res_pjsip", "acl", &name(address)).await.or_gone() {
            Ok(()) => tracing::info!(%address, "may sign in again"),
            // An Asterisk that cannot be reached has probably ended, and its memory with it.
            Err(error) => tracing::warn!(%address, %error, "could not be taken off the access list"),
        }
    }
}

async fn bar(client: &Client, address: IpAddr) {
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let fields = vec![ConfigTuple::new("deny", format!("{address}/{bits}"))];
    let params = asterisk::UpdateObject::default().fields(fields);
    match client.asterisk().update_object("res_pjsip", "acl", &name(address), params).await {
        // Asterisk makes the object and then fails to write it into its answer.
        Ok(_) | Err(Error::Http { status: 500, .. }) => {
            tracing::warn!(%address, "barred: too many failed sign-ins");
        }
        Err(error) => tracing::warn!(%address, %error, "could not be barred"),
    }
}

/// Name of the object that bars an address.
fn name(address: IpAddr) -> String {
    format!("barred-{}", address.to_string().replace(':', "-"))
}
