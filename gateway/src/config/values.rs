//! Types of configuration values and how they are read from text.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// At least 32 random bytes from which all other keys are derived.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(Zeroizing<Vec<u8>>);

/// The text is not hex or base64 of at least 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not hex or base64 of at least 32 bytes")]
pub struct WeakKey;

impl SecretKey {
    /// Shortest accepted key, in bytes.
    pub const MIN_BYTES: usize = 32;

    /// The key of `trunkline.example.toml`, which everybody can read: refused.
    const PUBLISHED: [u8; 32] = [
        0x8f, 0x1d, 0x0a, 0x4c, 0x7b, 0xe2, 0x93, 0x65, 0x50, 0xfa, 0x1c, 0x8e, 0x44, 0xd7, 0xb9, 0x0a, 0x63, 0xe2,
        0xf7, 0x5d, 0x1c, 0x08, 0xab, 0x39, 0x46, 0xf5, 0xde, 0x70, 0x21, 0xbc, 0x98, 0xd4,
    ];

    /// The raw bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

impl FromStr for SecretKey {
    type Err = WeakKey;

    /// Hex first: 64 hex digits are base64 too, but nobody means that.
    fn from_str(text: &str) -> Result<Self, WeakKey> {
        let text = text.trim();
        let decoded = decode_hex(text).or_else(|| {
            [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD].iter().find_map(|engine| engine.decode(text).ok())
        });
        match decoded {
            Some(bytes) if bytes.len() >= Self::MIN_BYTES && bytes != Self::PUBLISHED => {
                Ok(Self(Zeroizing::new(bytes)))
            }
            _ => Err(WeakKey),
        }
    }
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// How ARI requests travel to Asterisk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AriTransport {
    /// REST over the events' own WebSocket.
    WebSocket,
    /// REST over HTTP, events over a WebSocket.
    Http,
}

impl FromStr for AriTransport {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "websocket" => Ok(Self::WebSocket),
            "http" => Ok(Self::Http),
            _ => Err(()),
        }
    }
}

/// Shape of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

impl FromStr for LogFormat {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(()),
        }
    }
}
