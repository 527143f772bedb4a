//! Where a browser finds a way to Asterisk for its audio: STUN and TURN servers (RFC 8489, RFC 8656).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use sha1::Sha1;

use crate::config::Secret;

/// A server for `RTCConfiguration.iceServers`, in the browser's own shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct IceServer {
    /// `stun:host:port`, `turn:host:port?transport=udp`, …
    pub urls: Vec<String>,
    /// For TURN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// For TURN; good as long as the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// The configured servers.
#[derive(Debug, Clone, Default)]
pub struct IceServers {
    /// Addresses of STUN and TURN servers.
    pub urls: Vec<String>,
    /// What the TURN server and we share.
    pub turn_secret: Option<Secret>,
}

impl IceServers {
    /// Whether a text is the address of a STUN or TURN server (RFC 7064, RFC 7065).
    pub fn is_address(text: &str) -> bool {
        let Some((scheme, rest)) = text.split_once(':') else { return false };
        let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
        let turn = matches!(scheme, "turn" | "turns");
        let host_ok = !place.is_empty()
            && place
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']'));
        let query_ok = query.is_none_or(|query| turn && matches!(query, "transport=udp" | "transport=tcp"));
        (turn || matches!(scheme, "stun" | "stuns")) && host_ok && query_ok
    }

    /// The servers as a browser takes them, with TURN credentials that are good until `expires_at`.
    ///
    /// The user name is the end in seconds since the epoch and a name, the password its HMAC-SHA1 under the shared secret, in base64:
    /// what coturn calls `use-auth-secret` (draft-uberti-behave-turn-rest-00 §2.2).
    pub fn for_user(&self, name: &str, expires_at: DateTime<Utc>) -> Vec<IceServer> {
        let (turn, stun): (Vec<_>, Vec<_>) = self.urls.iter().cloned().partition(|url| url.starts_with("turn"));
        let mut servers = Vec::new();
        if !stun.is_empty() {
            servers.push(IceServer { urls: stun, username: None, credential: None });
        }
        if !turn.is_empty() {
            let credentials = self.turn_secret.as_ref().map(|secret| {
                let username = format!("{}:{name}", expires_at.timestamp());
                let mut mac = Hmac::<Sha1>::new_from_slice(secret.expose().as_bytes()).expect("HMAC takes any key");
                mac.update(username.as_bytes());
                (username, STANDARD.encode(mac.finalize().into_bytes()))
            });
            let (username, credential) = credentials.unzip();
            servers.push(IceServer { urls: turn, username, credential });
        }
        servers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turn_credentials_are_those_that_a_turn_server_computes() {
        let servers = IceServers {
            urls: vec!["stun:stun.test:3478".to_owned(), "turn:turn.test:3478?transport=udp".to_owned()],
            turn_secret: Some(Secret::new("north")),
        };
        let found = servers.for_user("demo-web-1", DateTime::from_timestamp(1_800_003_600, 0).unwrap());
        assert_eq!(found[0].urls, ["stun:stun.test:3478"]);
        assert_eq!((&found[0].username, &found[0].credential), (&None, &None));
        assert_eq!(found[1].username.as_deref(), Some("1800003600:demo-web-1"));
        // `printf '1800003600:demo-web-1' | openssl dgst -sha1 -hmac north -binary | base64`
        assert_eq!(found[1].credential.as_deref(), Some("1ldl8+EYQPP6lZ7MkvRJCe1uNAk="));
    }

    #[test]
    fn only_addresses_of_such_servers_pass() {
        for good in ["stun:a.test", "stuns:a.test:5349", "turn:192.0.2.1:3478?transport=tcp", "turn:[2001:db8::1]:3478"]
        {
            assert!(IceServers::is_address(good), "{good}");
        }
        for bad in [
            "",
            "a.test",
            "http://a.test",
            "stun:",
            "stun:a.test?transport=udp",
            "turn:a.test?x=y",
            "stun:a b",
            "turn://a",
        ] {
            assert!(!IceServers::is_address(bad), "{bad}");
        }
    }
}
