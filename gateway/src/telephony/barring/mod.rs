//! Addresses that keep failing to sign in are barred for a while.
//!
//! Asterisk has no such limit for names that it knows, and ARI has no event for a failed sign-in. Its manager interface (AMI) has
//! one, so a user that may only read security events is listened to there. Whoever fails too often (an office from which
//! others sign in has more patience) is put on
//! an access list that Asterisk asks before anything else (`res_pjsip_acl`, an object of sorcery's memory wizard like the phones),
//! and taken off it later. With the manager interface away nobody is barred; everything else works.

mod count;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt as _;
use tokio_util::sync::CancellationToken;
use trunkline_ari::model::ConfigTuple;
use trunkline_ari::{Client, Error, OrGone as _, asterisk};

use self::count::FailedSignIns;
use super::manager::{Blocks, ManagerConfig, SignIn, sign_in};

/// Pause before the manager interface is tried again.
const PAUSE: Duration = Duration::from_secs(2);

/// The addresses that are barred, in a file: Asterisk cannot be asked for them, and a gateway that dies must not leave
/// them barred for ever.
#[derive(Debug)]
struct Ledger(PathBuf);

impl Ledger {
    fn read(&self) -> Vec<IpAddr> {
        let text = std::fs::read_to_string(&self.0).unwrap_or_default();
        text.lines().filter_map(|line| line.trim().parse().ok()).collect()
    }

    fn write(&self, sign_ins: &FailedSignIns) {
        let lines: Vec<String> = sign_ins.barred().map(ToString::to_string).collect();
        if let Err(error) = std::fs::write(&self.0, lines.join("\n")) {
            tracing::warn!(%error, path = %self.0.display(), "who is barred could not be noted");
        }
    }
}

/// Bars who fails too often, until `cancel`; `ledger` is the file in which it is noted who is barred.
pub(crate) async fn keep(client: Client, manager: ManagerConfig, ledger: PathBuf, cancel: CancellationToken) {
    let ledger = Ledger(ledger);
    let mut sign_ins = FailedSignIns::default();
    sign_ins.take_over(ledger.read(), Instant::now());
    let mut told = false;
    loop {
        let lost = tokio::select! {
            () = cancel.cancelled() => return,
            lost = listen(&client, &manager, &mut sign_ins, &ledger) => lost,
        };
        if !std::mem::replace(&mut told, true) {
            tracing::warn!(%lost, address = %manager.address, "cannot hear who fails to sign in; trying again");
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
        lift(&client, &mut sign_ins, &ledger).await;
    }
}

/// Listens until the connection is lost, and says how.
async fn listen(
    client: &Client,
    manager: &ManagerConfig,
    sign_ins: &mut FailedSignIns,
    ledger: &Ledger,
) -> std::io::Error {
    let mut stream = match sign_in(manager, "security").await {
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
                    // Noted first: barred and not noted would be for ever.
                    ledger.write(sign_ins);
                    bar(client, address).await;
                }
                _ => {}
            }
        }
        lift(client, sign_ins, ledger).await;
    }
}

async fn lift(client: &Client, sign_ins: &mut FailedSignIns, ledger: &Ledger) {
    let over = sign_ins.over(Instant::now());
    if over.is_empty() {
        return;
    }
    let mut again = Vec::new();
    for address in over {
        match client.asterisk().delete_object("res_pjsip", "acl", &name(address)).await.or_gone() {
            Ok(()) => tracing::info!(%address, "may sign in again"),
            Err(error) => {
                tracing::warn!(%address, %error, "could not be taken off the access list; trying again");
                again.push(address);
            }
        }
    }
    sign_ins.take_over(again, Instant::now());
    ledger.write(sign_ins);
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
