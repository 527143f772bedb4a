//! How sign-ins at carriers stand, from Asterisk's manager interface (AMI): ARI does not tell.
//!
//! `Registry` says that something changed, by addresses that two trunks may share; which trunk it is, the list of all of them says. So an event
//! is a reason to ask for the list. The user needs `read = system` for the one and `write = reporting` for the other.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::manager::{Block, Blocks, ManagerConfig, sign_in};
use super::trunks::trunk_of_registration;
use crate::calls::model::Server;
use crate::trunks::board::{Board, RegistrationState};

/// Pause before the manager interface is tried again.
const PAUSE: Duration = Duration::from_secs(2);
/// Several events of one moment are one reason to ask.
const TOGETHER: Duration = Duration::from_millis(100);
/// Asked although nothing was told: an event may be lost, and a sign-in that begins makes none.
const POLL: Duration = Duration::from_secs(30);
const ASK: &[u8] = b"Action: PJSIPShowRegistrationsOutbound\r\nActionID: trunks\r\n\r\n";

/// Tells the board how sign-ins stand, until `cancel`. Whoever sends on `ask` wants it asked anew.
pub(crate) async fn keep(
    server: Server,
    manager: ManagerConfig,
    board: Board,
    mut ask: mpsc::UnboundedReceiver<()>,
    cancel: CancellationToken,
) {
    let mut told = false;
    loop {
        let lost = tokio::select! {
            () = cancel.cancelled() => return,
            lost = listen(&server, &manager, &board, &mut ask) => lost,
        };
        if !std::mem::replace(&mut told, true) {
            tracing::warn!(%server, %lost, address = %manager.address, "cannot hear how sign-ins at carriers stand; trying again");
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// Listens until the connection is lost, and says how.
async fn listen(
    server: &Server,
    manager: &ManagerConfig,
    board: &Board,
    ask: &mut mpsc::UnboundedReceiver<()>,
) -> std::io::Error {
    let mut stream = match sign_in(manager, "system").await {
        Ok(stream) => stream,
        Err(error) => return error,
    };
    let mut blocks = Blocks::default();
    let mut buffer = [0_u8; 8192];
    let mut due = tokio::time::Instant::now();
    loop {
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
            Some(()) = ask.recv() => due = due.min(tokio::time::Instant::now() + TOGETHER),
            () = tokio::time::sleep_until(due) => {
                if let Err(error) = stream.write_all(ASK).await {
                    return error;
                }
                due = tokio::time::Instant::now() + POLL;
            }
        }
        while let Some(block) = blocks.next() {
            if block.get("Response") == Some("Error") {
                let denied = "the manager user is wrong, or has not read = system and write = reporting";
                // "No objects found" is an error to Asterisk: there is no sign-in at all.
                if block.get("ActionID") == Some("trunks") && block.get("Message") != Some("Permission denied") {
                    continue;
                }
                return std::io::Error::new(std::io::ErrorKind::PermissionDenied, denied);
            }
            if block.get("Event") == Some("Registry") {
                due = due.min(tokio::time::Instant::now() + TOGETHER);
            } else if let Some((name, state)) = registration(&block)
                && let Some(trunk) = trunk_of_registration(name)
            {
                board.registration(server, trunk, state);
            }
        }
    }
}

/// What a line of the list says, and of which registration.
fn registration(block: &Block) -> Option<(&str, RegistrationState)> {
    (block.get("Event")? == "OutboundRegistrationDetail").then_some(())?;
    let state = match block.get("Status")? {
        "Registered" => RegistrationState::Registered,
        "Unregistered" => RegistrationState::Registering,
        "Rejected" => RegistrationState::Rejected,
        _ => RegistrationState::Unknown,
    };
    Some((block.get("ObjectName")?, state))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn first(text: &str) -> Block {
        let mut blocks = Blocks::default();
        blocks.push(text.as_bytes()).unwrap();
        blocks.next().unwrap()
    }

    #[test]
    fn the_list_names_registrations_and_their_states() {
        let line = |status: &str| {
            first(&format!("Event: OutboundRegistrationDetail\r\nObjectName: trunk-1\r\nStatus: {status}\r\n\r\n"))
        };
        assert_eq!(registration(&line("Registered")), Some(("trunk-1", RegistrationState::Registered)));
        assert_eq!(registration(&line("Rejected")), Some(("trunk-1", RegistrationState::Rejected)));
        assert_eq!(registration(&line("Unregistered")), Some(("trunk-1", RegistrationState::Registering)));
        assert_eq!(registration(&line("Stopped")), Some(("trunk-1", RegistrationState::Unknown)));
        assert_eq!(
            registration(&first("Event: AuthDetail\r\nObjectName: trunk-1\r\nStatus: Registered\r\n\r\n")),
            None
        );
    }

    proptest! {
        #[test]
        fn anything_may_come(text in "(Event|Status|ObjectName)?: [A-Za-z -]{0,30}\r\n\r\n") {
            registration(&first(&text));
        }
    }
}
