//! The Asterisk servers: one by the plain keys, or several, each in an `[[asterisk]]` table of the file, for which the plain keys are
//! the defaults.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use trunkline_calls::model::Server;
use url::Url;

use super::source::{Reader, app_name, bounded, dial_string, not_empty, web_url};
use super::{AriTransport, Secret};

/// The keys that an `[[asterisk]]` table may have beside its name.
pub(super) const SERVER_KEYS: &[&str] = &[
    "ari_url",
    "ari_username",
    "ari_password",
    "ari_app",
    "ari_transport",
    "ari_log",
    "ami_address",
    "ami_username",
    "ami_password",
    "sip_domain",
    "sip_port",
    "sip_websocket_url",
    "sip_peer_address",
    "media_address",
    "phone_transfers",
    "outbound_trunk",
];

/// One Asterisk server.
#[derive(Debug, Clone)]
pub struct AsteriskConfig {
    /// What it is called in records, metrics and the log.
    pub name: Server,
    /// Base address of its REST interface.
    pub ari_url: Url,
    /// ARI user.
    pub ari_username: String,
    /// ARI password.
    pub ari_password: Secret,
    /// Stasis application.
    pub ari_app: String,
    /// How REST requests travel.
    pub ari_transport: AriTransport,
    /// File to which raw ARI frames are appended, as JSON lines.
    pub ari_log: Option<PathBuf>,
    /// Its manager interface: who fails to sign in. Without it nobody is barred.
    pub ami_address: Option<SocketAddr>,
    /// User of the manager interface.
    pub ami_username: String,
    /// That user's password.
    pub ami_password: Option<Secret>,
    /// Domain in phones' SIP credentials.
    pub sip_domain: String,
    /// Port in phones' SIP credentials.
    pub sip_port: u16,
    /// Its SIP over WebSocket; beside `ari_url` unless set.
    pub sip_websocket_url: Option<Url>,
    /// Where the other servers reach its SIP, to ring the phones that are signed in at it.
    pub sip_peer_address: Option<String>,
    /// Address that it names for its audio, where it is not one that it has itself.
    pub media_address: Option<IpAddr>,
    /// Whether desk phones may hand calls on by their own transfer key.
    pub phone_transfers: bool,
    /// How it reaches the outside world; without it nobody calls out.
    pub outbound_trunk: Option<String>,
}

impl AsteriskConfig {
    /// Where softphones' SIP goes: `ws://…/ws`, served by the port that serves ARI.
    pub fn sip_websocket(&self) -> Url {
        let mut url = self.sip_websocket_url.clone().unwrap_or_else(|| {
            let mut beside = self.ari_url.clone();
            let path = beside.path().trim_end_matches('/');
            let path = format!("{}/ws", path.strip_suffix("/ari").unwrap_or(path));
            beside.set_path(&path);
            beside
        });
        let _ = url.set_scheme("ws");
        url
    }

    pub(super) fn read(reader: &mut Reader<'_>, name: Server) -> Option<Self> {
        let ari_url = reader.required("ari_url", web_url);
        let ari_username = reader.required("ari_username", not_empty);
        let ari_password = reader.required("ari_password", |text| not_empty(text).map(Secret::new));
        let ari_app = reader.required("ari_app", app_name);
        let ari_transport = reader.parsed("ari_transport");
        let ari_log = reader.optional_with("ari_log", |text| not_empty(text).map(PathBuf::from));
        let ami_address = reader.optional_with("ami_address", |text| text.parse().ok());
        let ami_username = reader.required("ami_username", not_empty);
        let ami_password = reader.optional_with("ami_password", |text| not_empty(text).map(Secret::new));
        let sip_domain = reader.required("sip_domain", |text| {
            not_empty(text).filter(|text| !text.contains(|c: char| c.is_whitespace() || c == '/' || c == '@'))
        });
        let sip_port = reader.required("sip_port", |text| bounded::<u16>(text, 1, u16::MAX));
        let sip_websocket_url =
            reader.optional_with("sip_websocket_url", |text| web_url(text).filter(|url| url.scheme() == "http"));
        let sip_peer_address = reader.optional_with("sip_peer_address", peer_address);
        let media_address = reader.optional_with("media_address", |text| text.parse().ok());
        let phone_transfers = reader.parsed("phone_transfers");
        let outbound_trunk = reader.optional_with("outbound_trunk", dial_string);
        Some(Self {
            name,
            ari_url: ari_url?,
            ari_username: ari_username?,
            ari_password: ari_password?,
            ari_app: ari_app?,
            ari_transport: ari_transport?,
            ari_log,
            ami_address,
            ami_username: ami_username?,
            ami_password,
            sip_domain: sip_domain?,
            sip_port: sip_port?,
            sip_websocket_url,
            sip_peer_address,
            media_address,
            phone_transfers: phone_transfers?,
            outbound_trunk,
        })
    }
}

/// A name for a server: it stands in the names of Asterisk's objects.
pub(super) fn server_name(text: &str) -> Option<Server> {
    let fits = (1..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    fits.then(|| Server::new(text))
}

/// `host:port`, as it stands in a SIP URI.
fn peer_address(text: &str) -> Option<String> {
    let (host, port) = text.rsplit_once(':')?;
    bounded::<u16>(port, 1, u16::MAX)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    (!host.is_empty() && host.chars().all(plain)).then(|| text.to_owned())
}
