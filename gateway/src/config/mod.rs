//! Configuration: `trunkline.toml`, overridden by `TRUNKLINE_*` environment variables.
//!
//! Every key is one row of [`KEYS`]: its name (the environment variable is the name in capitals behind `TRUNKLINE_`), what is
//! expected and its default. A value that does not fit is refused at start, by name, with what was expected; all of them at once,
//! because nobody wants to mend a file line by line.

mod asterisk;
mod edge;
mod hooks;
mod source;
mod values;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use url::Url;

use trunkline_blob::BlobConfig;

use crate::limits::RateLimits;
use crate::mail::MailConfig;
use crate::secrets::KeySource;
pub use crate::secrets::Secret;
use crate::softphone::IceServers;
pub use asterisk::AsteriskConfig;
pub use edge::{AcmeConfig, CertificateFiles, CertificateSource, EdgeConfig, TlsConfig};
pub use hooks::HooksConfig;
pub use source::{ConfigError, Source};
pub use values::{AriTransport, LogFormat, SecretKey};

/// One configuration key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Name in `trunkline.toml`; `TRUNKLINE_<NAME>` in the environment.
    pub name: &'static str,
    /// What a value must look like; the words of the refusal.
    pub expected: &'static str,
    /// Text of the default, or `None` when the key must be set (or may be absent, see [`Key::optional`]).
    pub default: Option<&'static str>,
    /// Whether the key may stay unset although it has no default.
    pub optional: bool,
    /// Whether the value is kept out of messages.
    pub secret: bool,
}

const fn key(name: &'static str, default: &'static str, expected: &'static str) -> Key {
    Key { name, expected, default: Some(default), optional: false, secret: false }
}

const fn required(name: &'static str, expected: &'static str) -> Key {
    Key { name, expected, default: None, optional: false, secret: true }
}

const fn optional(name: &'static str, expected: &'static str, secret: bool) -> Key {
    Key { name, expected, default: None, optional: true, secret }
}

const RATE: &str = "a rate such as 100/s, 30/min or 600/s burst 1200, or off";

/// All keys, in the order of `trunkline.example.toml`.
pub const KEYS: &[Key] = &[
    key("http_listen", "127.0.0.1:8080", "an address and port such as 127.0.0.1:8080"),
    optional("public_url", "an http or https address such as https://calls.example.org", false),
    key("trusted_proxies", "", "a list of IP addresses such as [\"10.0.0.2\"]"),
    key("allowed_hosts", "", "a list of host names such as [\"calls.example.org\"]"),
    key("cors_origins", "", "a list of origins such as [\"https://intranet.example.org\"]"),
    key("hsts_include_subdomains", "false", "true or false"),
    key("https_listen", "0.0.0.0:443", "an address and port such as 0.0.0.0:443"),
    optional("http_redirect_listen", "an address and port such as 0.0.0.0:80", false),
    optional("tls_certificate", "an absolute path of a PEM file", false),
    optional("tls_key", "an absolute path of a PEM file", false),
    key("acme_domains", "", "a list of host names such as [\"calls.example.org\"], without addresses and wildcards"),
    key(
        "acme_directory",
        "https://acme-v02.api.letsencrypt.org/directory",
        "the https address of an ACME server's directory",
    ),
    optional("acme_email", "an e-mail address", false),
    optional("acme_ca_file", "an absolute path of a PEM file", false),
    key("max_streams_per_user", "64", "a whole number from 1 to 1000000"),
    key("rate_limit_address", "2000/s burst 4000", RATE),
    key("rate_limit_user", "1000/s burst 2000", RATE),
    key("rate_limit_key", "100/s burst 200", RATE),
    key("rate_limit_tenant", "5000/s burst 10000", RATE),
    key("rate_limit_sign_in", "20/s burst 300", RATE),
    key("rate_limit_webhook", "500/s burst 2000", RATE),
    key("rate_limit_sip", "50/s burst 500", RATE),
    key("rate_limit_stream", "50/s burst 500", RATE),
    required("secret_key", "at least 32 random bytes, in hex or base64 (`openssl rand -hex 32`)"),
    optional("master_key", "at least 32 random bytes, in hex or base64 (`openssl rand -hex 32`)", true),
    optional("master_key_file", "the absolute path of a file with a key a line, the newest first", false),
    optional("master_key_command", "a command of the shell that prints a key a line, the newest first", true),
    optional("master_keys_old", "a list of keys that were master keys before", true),
    required("database_url", "a PostgreSQL address such as postgres://trunkline:password@127.0.0.1:5432/trunkline"),
    optional(
        "database_owner_url",
        "a PostgreSQL address such as postgres://trunkline_owner:password@127.0.0.1:5432/trunkline",
        true,
    ),
    key("database_connections", "16", "a whole number from 2 to 1000"),
    key("state_dir", "/var/lib/trunkline", "an absolute folder"),
    optional("recordings_dir", "an absolute folder", false),
    optional("files_dir", "an absolute folder", false),
    optional("s3_bucket", "the name of a bucket, such as trunkline-files", false),
    key("s3_region", "us-east-1", "the name of a region, such as eu-central-1"),
    optional("s3_endpoint", "an address such as https://s3.example.org", false),
    key("s3_path_style", "false", "true or false"),
    optional("s3_access_key", "the id of an access key", false),
    optional("s3_secret_key", "the secret of that access key", true),
    key("s3_prefix", "", "at most 200 letters, digits and `/._-`, such as trunkline/"),
    key("ari_url", "http://127.0.0.1:8088/ari", "an http or https address such as http://127.0.0.1:8088/ari"),
    key("ari_username", "trunkline", "the name of a user in Asterisk's ari.conf"),
    required("ari_password", "the password of that user"),
    key("ari_app", "trunkline", "the name of the Stasis application: letters, digits, `-` and `_`"),
    key("ari_transport", "websocket", "\"websocket\" (REST over the same WebSocket) or \"http\""),
    optional("ari_log", "a file", false),
    optional("ami_address", "the address and port of Asterisk's manager interface such as 127.0.0.1:5038", false),
    key("ami_username", "trunkline", "the name of a user in Asterisk's manager.conf"),
    optional("ami_password", "the password of that user", true),
    key("rtp_listen", "127.0.0.1:18000", "an address and port such as 127.0.0.1:18000"),
    key("sip_domain", "127.0.0.1", "the host name or address that phones sign in to"),
    key("sip_port", "5060", "a port from 1 to 65535"),
    key("agi_listen", "127.0.0.1:4573", "an address and port such as 127.0.0.1:4573, or off"),
    key("agi_networks", "127.0.0.0/8, ::1/128", "a list of networks such as [\"127.0.0.0/8\", \"10.0.0.0/24\"]"),
    key("hook_deadline_ms", "250", "a whole number from 20 to 5000"),
    optional("sip_websocket_url", "Asterisk's SIP over WebSocket, such as http://127.0.0.1:8088/ws", false),
    optional("sip_peer_address", "a host and port such as 10.0.0.2:5060", false),
    optional("media_address", "an IP address such as 203.0.113.7", false),
    key("phone_transfers", "false", "true or false"),
    optional(
        "outbound_trunk",
        "a dial string of Asterisk with {number} in it, such as PJSIP/{number}@carrier; {slug} stands for the tenant's",
        false,
    ),
    key(
        "ice_servers",
        "",
        "a list of STUN and TURN servers such as [\"stun:stun.example.org:3478\", \"turn:turn.example.org:3478?transport=udp\"]",
    ),
    optional("turn_secret", "the secret that the TURN server shares with the gateway", true),
    optional(
        "smtp_url",
        "a mail server such as smtp://user:password@mail.example.org:587 or smtps://…:465 (a password needs TLS)",
        true,
    ),
    optional("mail_from", "an address such as \"Trunkline <trunkline@example.org>\"", false),
    key("private_identity_providers", "false", "true or false"),
    key("private_push_services", "false", "true or false"),
    key("private_flow_requests", "false", "true or false"),
    key("log", "info", "a filter such as info or trunkline=debug,info"),
    key("log_format", "text", "\"text\" or \"json\""),
];

/// Everything `trunkline serve` needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address of the HTTP and WebSocket edge.
    pub http_listen: SocketAddr,
    /// Address under which people and providers reach the edge; `http://<http_listen>` unless set.
    pub public_url: Url,
    /// Peers whose `X-Forwarded-For` is believed (reverse proxies).
    pub trusted_proxies: Vec<IpAddr>,
    /// Hosts, origins and TLS.
    pub edge: EdgeConfig,
    /// Live streams (WebSocket and SSE) that one user may hold at a time on this node.
    pub max_streams_per_user: usize,
    /// How many requests somebody may make.
    pub rate_limits: RateLimits,
    /// Root of all keys that the gateway derives (token signatures, ticket hashes).
    pub secret_key: SecretKey,
    /// Where the key comes from that seals secrets in the database.
    pub master_key: KeySource,
    /// Keys that sealed before, separated by commas or lines; they only open.
    pub master_keys_old: Option<Secret>,
    /// PostgreSQL as the login `trunkline`.
    pub database_url: Secret,
    /// PostgreSQL as the schema's owner; only `migrate` and `doctor` use it.
    pub database_owner_url: Option<Secret>,
    /// Size of the connection pool.
    pub database_connections: u32,
    /// Folder of the spool and other state that must outlive the process.
    pub state_dir: PathBuf,
    /// Folder of the recordings; `<state_dir>/recordings` unless set.
    pub recordings_dir: PathBuf,
    /// Where files of messages are kept: a bucket if one is named, else a folder.
    pub files: BlobConfig,
    /// The Asterisk servers, at least one.
    pub asterisks: Vec<AsteriskConfig>,
    /// How a dialplan of somebody's own asks us.
    pub hooks: HooksConfig,
    /// Where RTP of recordings arrives. Fixed, so that a restarted gateway goes on receiving.
    pub rtp_listen: SocketAddr,
    /// STUN and TURN servers for browsers.
    pub ice_servers: IceServers,
    /// The way to people's mailboxes. Without it no letter can be sent.
    pub mail: Option<MailConfig>,
    /// Whether tenants' identity providers may be in private networks, and speak plain HTTP.
    pub private_identity_providers: bool,
    /// Whether browsers' push services may be in private networks, and speak plain HTTP.
    pub private_push_services: bool,
    /// Whether flows may ask programs in private networks, and over plain HTTP.
    pub private_flow_requests: bool,
    /// `tracing` filter.
    pub log: String,
    /// Log lines as text or JSON.
    pub log_format: LogFormat,
}

#[cfg(test)]
mod tests;
