//! The manager interface's text (AMI): blocks of `Key: Value` lines, each ended by an empty line.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::config::Secret;

/// How long a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// The longest block that is read; Asterisk's security events have some 600 bytes.
const LONGEST: usize = 64 * 1024;

/// Where Asterisk's manager interface is, and who may read it.
#[derive(Debug, Clone)]
pub struct ManagerConfig {
    /// Its address.
    pub address: SocketAddr,
    /// User of `manager.conf`, with `read = security,system` and `write = system,reporting`.
    pub username: String,
    /// That user's password.
    pub password: Secret,
}

/// Signs in, for events of this class.
pub(crate) async fn sign_in(manager: &ManagerConfig, events: &'static str) -> std::io::Result<TcpStream> {
    let mut stream = tokio::time::timeout(CONNECT_LIMIT, TcpStream::connect(manager.address)).await??;
    // A line break would be another action's line.
    let plain = |text: &str| text.replace(['\r', '\n'], "");
    let login = format!(
        "Action: Login\r\nUsername: {}\r\nSecret: {}\r\nEvents: {events}\r\n\r\n",
        plain(&manager.username),
        plain(manager.password.expose())
    );
    stream.write_all(login.as_bytes()).await?;
    Ok(stream)
}

/// Cuts a stream of bytes into blocks.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    buffer: Vec<u8>,
}

/// A block is longer than any that Asterisk sends: this is not its manager interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a block of more than {LONGEST} bytes")]
pub(crate) struct TooLong;

impl Blocks {
    /// Takes what was read.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() > LONGEST && end_of_block(&self.buffer).is_none() { Err(TooLong) } else { Ok(()) }
    }

    /// The next whole block.
    pub(crate) fn next(&mut self) -> Option<Block> {
        let end = end_of_block(&self.buffer)?;
        let block: Vec<u8> = self.buffer.drain(..end).collect();
        Some(Block(String::from_utf8_lossy(&block).into_owned()))
    }
}

/// Position behind the first empty line.
fn end_of_block(buffer: &[u8]) -> Option<usize> {
    buffer.windows(4).position(|window| window == b"\r\n\r\n").map(|start| start + 4)
}

/// An event or an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block(String);

impl Block {
    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0
            .lines()
            .find_map(|line| line.split_once(": ").filter(|(name, _)| *name == key))
            .map(|(_, value)| value.trim_end())
    }

    /// The address that a phone signed in from or failed to, if this block tells of such an attempt.
    pub(crate) fn sign_in(&self) -> Option<(IpAddr, SignIn)> {
        let outcome = match self.get("Event")? {
            "SuccessfulAuth" => SignIn::Succeeded,
            // An unknown name gets a challenge like any other and ends here too: nothing tells it from a wrong password.
            "ChallengeResponseFailed" | "InvalidPassword" => SignIn::Failed,
            _ => return None,
        };
        (self.get("Service")? == "PJSIP").then_some(())?;
        // IPV4/UDP/192.0.2.7/5060
        let mut parts = self.get("RemoteAddress")?.split('/').skip(1);
        let (transport, address) = (parts.next()?, parts.next()?.parse().ok()?);
        // What comes over WebSocket comes from the gateway itself, for softphones that proved who they are before: barring it would
        // silence them all.
        (!matches!(transport, "WS" | "WSS")).then_some((address, outcome))
    }
}

/// How an attempt to sign in went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignIn {
    Succeeded,
    Failed,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FAILED: &str = "Event: ChallengeResponseFailed\r\nService: PJSIP\r\nAccountID: demo-p\r\n\
                          RemoteAddress: IPV4/UDP/127.0.0.5/50326\r\nChallenge: x\r\n\r\n";

    fn blocks(text: &str) -> Vec<Block> {
        let mut blocks = Blocks::default();
        blocks.push(text.as_bytes()).unwrap();
        std::iter::from_fn(|| blocks.next()).collect()
    }

    #[test]
    fn a_failure_is_found_with_its_address_whatever_pieces_it_comes_in() {
        let text = format!("Asterisk Call Manager/11.0.0\r\nResponse: Success\r\n\r\n{FAILED}");
        for size in 1..text.len() {
            let mut blocks = Blocks::default();
            let mut found = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                blocks.push(piece).unwrap();
                found.extend(std::iter::from_fn(|| blocks.next()));
            }
            assert_eq!(found[0].get("Response"), Some("Success"));
            assert_eq!(found[1].sign_in(), Some((IpAddr::from([127, 0, 0, 5]), SignIn::Failed)));
        }
    }

    #[test]
    fn other_events_and_other_services_are_no_failed_sign_in() {
        for text in [
            FAILED.replace("PJSIP", "AMI"),
            FAILED.replace("ChallengeResponseFailed", "ChallengeSent"),
            FAILED.replace("127.0.0.5", "nowhere"),
            FAILED.replace("UDP", "WS"),
            FAILED.replace("RemoteAddress", "Somewhere"),
        ] {
            assert_eq!(blocks(&text)[0].sign_in(), None, "{text}");
        }
        let six = FAILED.replace("IPV4/UDP/127.0.0.5", "IPV6/TCP/2001:db8::7");
        assert_eq!(blocks(&six)[0].sign_in(), Some(("2001:db8::7".parse().unwrap(), SignIn::Failed)));
        let good = FAILED.replace("ChallengeResponseFailed", "SuccessfulAuth");
        assert_eq!(blocks(&good)[0].sign_in(), Some((IpAddr::from([127, 0, 0, 5]), SignIn::Succeeded)));
    }

    #[test]
    fn what_never_ends_is_refused() {
        assert_eq!(Blocks::default().push(&vec![b'x'; LONGEST + 1]), Err(TooLong));
    }

    proptest! {
        #[test]
        fn anything_may_come(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let mut blocks = Blocks::default();
            if blocks.push(&bytes).is_ok() {
                while let Some(block) = blocks.next() {
                    let _ = block.sign_in();
                }
            }
        }
    }
}
