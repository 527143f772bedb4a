//! How a trunk is connected, as its tenant set it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use trunkline_dialing::Country;

use super::network::Source;
use crate::model::Server;

/// Longest name of a host (RFC 1035 §2.3.4).
const MAX_HOST: usize = 253;
/// Longest user name, or user part of an address.
const MAX_USER: usize = 128;
/// Most addresses and networks of a trunk.
const MAX_SOURCES: usize = 32;
/// Codecs that Asterisk can make of any other.
const CODECS: [&str; 5] = ["ulaw", "alaw", "g722", "opus", "gsm"];

/// How a carrier and we know each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TrunkKind)]
pub enum Kind {
    /// We sign in at the carrier's, and its calls come to where we signed in from.
    Registration,
    /// By addresses alone: nobody signs in anywhere.
    Address,
}

/// What SIP travels over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TrunkTransport)]
pub enum Transport {
    /// Datagrams.
    #[default]
    Udp,
    /// A connection.
    Tcp,
    /// A connection that nobody reads along.
    Tls,
}

impl Transport {
    /// As the parameter of a SIP URI (RFC 3261 §19.1.1).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }
}

/// How the carrier wants numbers written, those that are called and those that are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DialFormat {
    /// `+390612345678`
    #[default]
    E164,
    /// `390612345678`
    Digits,
    /// `0612345678` within the trunk's country, `00441234…` elsewhere.
    National,
}

/// Which number the people see whom we call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "show", rename_all = "snake_case")]
pub enum Shown {
    /// The one that the company's rules for calls out choose.
    #[default]
    AsChosen,
    /// This one, whatever the rules say: what the carrier lets through.
    Number {
        /// E.164.
        number: String,
    },
    /// None.
    Withheld,
}

/// How a trunk is connected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrunkSettings {
    /// How the carrier and we know each other.
    pub kind: Kind,
    /// The carrier's host: a name or an address.
    #[schema(max_length = 253, example = "sip.example.net")]
    pub host: String,
    /// Its port; null: the usual one, or what DNS says.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 65535)]
    pub port: Option<u16>,
    /// What SIP travels over.
    #[serde(default)]
    #[schema(required = false)]
    pub transport: Transport,
    /// The account's name at the carrier's; needed for `registration`.
    #[serde(default)]
    #[schema(required = false, max_length = 128)]
    pub username: String,
    /// The name that goes with the password, where it is another; empty: `username`.
    #[serde(default)]
    #[schema(required = false, max_length = 128)]
    pub auth_username: String,
    /// User part of From in calls out; empty: the shown number.
    #[serde(default)]
    #[schema(required = false, max_length = 128)]
    pub from_user: String,
    /// Host part of From in calls out; empty: the carrier's host.
    #[serde(default)]
    #[schema(required = false, max_length = 253)]
    pub from_domain: String,
    /// `host` or `host:port` through which everything goes; empty: none.
    #[serde(default)]
    #[schema(required = false, max_length = 260)]
    pub outbound_proxy: String,
    /// Codecs, the best first: `ulaw`, `alaw`, `g722`, `opus`, `gsm`.
    #[serde(default = "usual_codecs")]
    #[schema(required = false)]
    pub codecs: Vec<String>,
    /// Addresses, networks (`192.0.2.0/24`) and host names from which the carrier's calls come. With `address` and none, the host; with
    /// `registration` they are only needed for carriers whose calls do not say which sign-in they belong to.
    #[serde(default)]
    #[schema(required = false)]
    pub sources: Vec<String>,
    /// Most calls at once, in both directions; null: as many as come.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10000)]
    pub max_channels: Option<u32>,
    /// Two letters of ISO 3166-1: the country by which numbers are read that come in national form; null: they stay as received.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "IT")]
    pub country: Option<Country>,
    /// How numbers are written for the carrier.
    #[serde(default)]
    #[schema(required = false)]
    pub dial_format: DialFormat,
    /// How many characters of a called number are left out at its beginning, after that.
    #[serde(default)]
    #[schema(required = false, maximum = 15)]
    pub dial_strip: u8,
    /// What is put before a called number, after that.
    #[serde(default)]
    #[schema(required = false, max_length = 16)]
    pub dial_prefix: String,
    /// Which number the people see whom we call.
    #[serde(default)]
    #[schema(required = false)]
    pub shown: Shown,
    /// Whether calls go out by it.
    #[serde(default = "yes")]
    #[schema(required = false)]
    pub outbound: bool,
    /// Seconds between two questions whether the carrier is there; 0: it is not asked, and nobody knows.
    #[serde(default = "usual_qualify")]
    #[schema(required = false, maximum = 600)]
    pub qualify_seconds: u16,
    /// For how long a sign-in is asked for, in seconds.
    #[serde(default = "usual_expiry")]
    #[schema(required = false, minimum = 30, maximum = 7200)]
    pub expires_seconds: u16,
    /// The Asterisk servers that have it, by name; null: all.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub servers: Option<BTreeSet<Server>>,
}

fn usual_codecs() -> Vec<String> {
    vec!["alaw".to_owned(), "ulaw".to_owned()]
}

const fn yes() -> bool {
    true
}

const fn usual_qualify() -> u16 {
    30
}

const fn usual_expiry() -> u16 {
    300
}

/// A setting cannot work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidTrunk {
    /// Which.
    pub field: String,
    /// What is wrong with it, after its name: "must be …".
    pub message: String,
}

impl TrunkSettings {
    /// A trunk to this host, with everything else as usual.
    pub fn new(kind: Kind, host: impl Into<String>) -> Self {
        Self {
            kind,
            host: host.into(),
            port: None,
            transport: Transport::Udp,
            username: String::new(),
            auth_username: String::new(),
            from_user: String::new(),
            from_domain: String::new(),
            outbound_proxy: String::new(),
            codecs: usual_codecs(),
            sources: Vec::new(),
            max_channels: None,
            country: None,
            dial_format: DialFormat::E164,
            dial_strip: 0,
            dial_prefix: String::new(),
            shown: Shown::AsChosen,
            outbound: true,
            qualify_seconds: usual_qualify(),
            expires_seconds: usual_expiry(),
            servers: None,
        }
    }

    /// Whether it can work. Everything that becomes part of a SIP address is looked at character by character: nothing of it may begin another
    /// parameter or another line.
    pub fn check(&self) -> Result<(), InvalidTrunk> {
        let wrong =
            |field: &str, message: &str| Err(InvalidTrunk { field: field.to_owned(), message: message.to_owned() });
        if !is_host(&self.host) {
            return wrong("host", "must be a host's name or address");
        }
        if self.port == Some(0) {
            return wrong("port", "must be 1 to 65535");
        }
        for (field, user) in [("username", &self.username), ("from_user", &self.from_user)] {
            if !user.is_empty() && !is_user(user) {
                return wrong(field, "must be letters, digits and - _ . ! ~ * ' ( ) + $ # %, at most 128");
            }
        }
        if self.auth_username.len() > MAX_USER || !self.auth_username.chars().all(is_plain) {
            return wrong("auth_username", "must have at most 128 characters, without blanks and quotes");
        }
        if self.kind == Kind::Registration && self.username.is_empty() {
            return wrong("username", "must be given: the carrier is signed in to under it");
        }
        if !self.from_domain.is_empty() && !is_host(&self.from_domain) {
            return wrong("from_domain", "must be a host's name or address");
        }
        if !self.outbound_proxy.is_empty() && !is_host_and_port(&self.outbound_proxy) {
            return wrong("outbound_proxy", "must be a host, or host:port");
        }
        let is_known = |codec: &String| CODECS.contains(&codec.as_str());
        if self.codecs.is_empty() || self.codecs.len() > CODECS.len() || !self.codecs.iter().all(is_known) {
            return wrong("codecs", "must be one or several of ulaw, alaw, g722, opus, gsm");
        }
        if self.sources.len() > MAX_SOURCES {
            return wrong("sources", "must be at most 32");
        }
        for (index, source) in self.sources.iter().enumerate() {
            if let Err(message) = Source::parse(source) {
                return wrong(&format!("sources.{index}"), message);
            }
        }
        if self.max_channels.is_some_and(|most| !(1..=10_000).contains(&most)) {
            return wrong("max_channels", "must be 1 to 10000");
        }
        if self.dial_format == DialFormat::National && self.country.is_none() {
            return wrong("country", "must be given where numbers are written in national form");
        }
        if self.dial_strip > 15 {
            return wrong("dial_strip", "must be at most 15");
        }
        let is_dialled = |it: char| it.is_ascii_digit() || matches!(it, '+' | '*' | '#');
        if self.dial_prefix.len() > 16 || !self.dial_prefix.chars().all(is_dialled) {
            return wrong("dial_prefix", "must be at most 16 of the digits, +, * and #");
        }
        if let Shown::Number { number } = &self.shown
            && !is_e164(number)
        {
            return wrong("shown.number", "must be an international number such as +390612345678");
        }
        if self.qualify_seconds > 600 || (1..5).contains(&self.qualify_seconds) {
            return wrong("qualify_seconds", "must be 5 to 600, or 0");
        }
        if !(30..=7200).contains(&self.expires_seconds) {
            return wrong("expires_seconds", "must be 30 to 7200");
        }
        if self.servers.as_ref().is_some_and(BTreeSet::is_empty) {
            return wrong("servers", "must name one, or be null for all");
        }
        Ok(())
    }
}

/// Whether a password can be told to Asterisk: it stands in a list of lines there.
pub fn is_password(password: &str) -> bool {
    (1..=256).contains(&password.len()) && !password.chars().any(char::is_control)
}

fn is_plain(character: char) -> bool {
    character.is_ascii_graphic() && !matches!(character, '"' | '<' | '>' | ';' | ',' | '\\')
}

/// User part of an address, of RFC 3261's `unreserved` and a few that need no escape (§25.1).
pub(super) fn is_user(text: &str) -> bool {
    let fits = |it: char| it.is_ascii_alphanumeric() || "-_.!~*'()+$#%".contains(it);
    (1..=MAX_USER).contains(&text.len()) && text.chars().all(fits)
}

pub(super) fn is_host(text: &str) -> bool {
    let six = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(six) = six {
        return six.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (1..=MAX_HOST).contains(&text.len()) && text.trim_end_matches('.').split('.').all(is_label)
}

fn is_host_and_port(text: &str) -> bool {
    match text.rsplit_once(':') {
        Some((host, port)) if is_host(host) => port.parse::<u16>().is_ok_and(|port| port > 0),
        _ => is_host(text),
    }
}

fn is_e164(number: &str) -> bool {
    number.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && digits.bytes().all(|digit| digit.is_ascii_digit())
            && !digits.starts_with('0')
    })
}
