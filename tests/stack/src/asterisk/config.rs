//! Asterisk's configuration, rendered from the templates in `asterisk/conf`.
//!
//! A template holds `@NAME@` where a value goes. A name that nobody gives is an error, so that no `@NAME@` ever reaches Asterisk.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use crate::error::{Result, StackError};

/// What the configuration depends on.
#[derive(Debug, Clone)]
pub struct AsteriskConfig {
    /// Address that SIP, ARI and RTP listen on.
    pub listen: Ipv4Addr,
    /// SIP over UDP and TCP.
    pub sip_port: u16,
    /// ARI and SIP over WebSocket (`/ws`).
    pub http_port: u16,
    /// First port for RTP.
    pub rtp_first: u16,
    /// Last port for RTP, included.
    pub rtp_last: u16,
    /// ARI user.
    pub ari_username: String,
    /// Its password.
    pub ari_password: String,
    /// Manager interface: who failed to sign in.
    pub ami_port: u16,
    /// Its user.
    pub ami_username: String,
    /// That user's password.
    pub ami_password: String,
    /// Name of the Stasis application.
    pub ari_app: String,
    /// Where the gateway takes FastAGI.
    pub agi_port: u16,
    /// First part of every channel id.
    pub system_name: String,
    /// Seconds that a call waits with music for a gateway that is away.
    pub patience_seconds: u32,
    /// Seconds between two tries to reach the gateway.
    pub retry_seconds: u32,
    /// Addresses of the demo's trunk (an address or a network).
    pub trunk_match: String,
    /// Where Asterisk opens an ARI WebSocket to, if the gateway is not to open it.
    pub outbound: Option<OutboundAri>,
}

/// A gateway that Asterisk connects to (`type=outbound_websocket`).
#[derive(Debug, Clone)]
pub struct OutboundAri {
    /// `ws://…`
    pub uri: String,
    /// Name that Asterisk signs in with.
    pub username: String,
    /// Its password.
    pub password: String,
    /// Whether the application gets every event of the server.
    pub subscribe_all: bool,
    /// Milliseconds between two tries.
    pub reconnect_interval_ms: u32,
}

/// The folders that the configuration names.
#[derive(Debug, Clone)]
pub(crate) struct Folders {
    pub(crate) prefix: PathBuf,
    pub(crate) etc: PathBuf,
    pub(crate) var: PathBuf,
    pub(crate) run: PathBuf,
}

macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../../asterisk/conf/", $name, ".in")))),*]
    };
}

/// Every template, by the name of the file it becomes.
const TEMPLATES: &[(&str, &str)] = templates![
    "acl.conf",
    "ari.conf",
    "asterisk.conf",
    "ccss.conf",
    "cdr.conf",
    "cel.conf",
    "chan_websocket.conf",
    "extensions.conf",
    "features.conf",
    "http.conf",
    "indications.conf",
    "logger.conf",
    "manager.conf",
    "modules.conf",
    "musiconhold.conf",
    "pjproject.conf",
    "pjsip.conf",
    "pjsip_notify.conf",
    "res_http_media_cache.conf",
    "rtp.conf",
    "sorcery.conf",
    "udptl.conf",
    "websocket_client.conf",
];

impl AsteriskConfig {
    /// The files, as (name, text).
    pub(crate) fn render(&self, folders: &Folders) -> Result<Vec<(&'static str, String)>> {
        let values = self.values(folders);
        TEMPLATES.iter().map(|(name, template)| Ok((*name, fill(name, template, &values)?))).collect()
    }

    fn values(&self, folders: &Folders) -> Vec<(&'static str, String)> {
        let path = |path: &Path| path.display().to_string();
        let (outbound_ari, websocket_client) =
            self.outbound.as_ref().map_or_else(Default::default, |outbound| self.outbound_sections(outbound));
        vec![
            ("PREFIX", path(&folders.prefix)),
            ("ETC", path(&folders.etc)),
            ("VAR", path(&folders.var)),
            ("RUN", path(&folders.run)),
            ("LISTEN", self.listen.to_string()),
            ("SIP_PORT", self.sip_port.to_string()),
            ("HTTP_PORT", self.http_port.to_string()),
            ("RTP_FIRST", self.rtp_first.to_string()),
            ("RTP_LAST", self.rtp_last.to_string()),
            ("ARI_USERNAME", self.ari_username.clone()),
            ("ARI_PASSWORD", self.ari_password.clone()),
            ("AMI_PORT", self.ami_port.to_string()),
            ("AMI_USERNAME", self.ami_username.clone()),
            ("AMI_PASSWORD", self.ami_password.clone()),
            ("ARI_APP", self.ari_app.clone()),
            ("AGI_PORT", self.agi_port.to_string()),
            ("SYSTEMNAME", self.system_name.clone()),
            ("ENTITYID", entity_id(&self.system_name)),
            ("PATIENCE_SECONDS", self.patience_seconds.to_string()),
            ("RETRY_SECONDS", self.retry_seconds.to_string()),
            ("TRUNK_MATCH", self.trunk_match.clone()),
            ("OUTBOUND_ARI", outbound_ari),
            ("WEBSOCKET_CLIENT", websocket_client),
        ]
    }

    fn outbound_sections(&self, outbound: &OutboundAri) -> (String, String) {
        let mut ari = String::new();
        let subscribe_all = if outbound.subscribe_all { "yes" } else { "no" };
        let _infallible = write!(
            ari,
            "\n[trunkline-outbound]\ntype = outbound_websocket\nwebsocket_client_id = trunkline-gateway\napps = {}\n\
             local_ari_user = {}\nsubscribe_all = {subscribe_all}\n",
            self.ari_app, self.ari_username
        );
        let client = format!(
            "[trunkline-gateway]\ntype = websocket_client\nuri = {}\nprotocols = ari\nusername = {}\npassword = {}\n\
             connection_type = persistent\nconnection_timeout = 2000\nreconnect_interval = {}\nreconnect_attempts = 2147483647\ntls_enabled = no\n",
            outbound.uri, outbound.username, outbound.password, outbound.reconnect_interval_ms
        );
        (ari, client)
    }
}

/// An Ethernet-like address, the same for the same name: locally administered, unicast (IEEE 802, second-lowest bit of the first byte).
fn entity_id(name: &str) -> String {
    // FNV-1a: short and stable over builds, which `DefaultHasher` does not promise.
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let bytes = hash.to_be_bytes();
    format!("02:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", bytes[3], bytes[4], bytes[5], bytes[6], bytes[7])
}

/// Puts the values into a template.
fn fill(name: &str, template: &str, values: &[(&'static str, String)]) -> Result<String> {
    let wrong = |reason: String| StackError::Template { template: name.to_owned(), reason };
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(start) = rest.find('@') {
        out.push_str(&rest[..start]);
        let after = &rest[start + 1..];
        let length = after.find(|c: char| !(c.is_ascii_uppercase() || c == '_')).unwrap_or(after.len());
        if length == 0 || !after[length..].starts_with('@') {
            return Err(wrong("an @ that opens no @NAME@".to_owned()));
        }
        let key = &after[..length];
        let (_, value) =
            values.iter().find(|(known, _)| *known == key).ok_or_else(|| wrong(format!("nobody gives @{key}@")))?;
        // A line break in a password or a path would be a line of configuration; the sections made above are ours.
        let section = matches!(key, "OUTBOUND_ARI" | "WEBSOCKET_CLIENT");
        if !section && value.contains(['\n', '\r', ';']) {
            return Err(wrong(format!("the value of @{key}@ holds a character that ends a line or begins a comment")));
        }
        out.push_str(value);
        rest = &after[length + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::asterisk::AsteriskOptions;

    pub(crate) fn sample() -> AsteriskConfig {
        AsteriskConfig {
            listen: Ipv4Addr::LOCALHOST,
            sip_port: 5060,
            http_port: 8088,
            rtp_first: 20_000,
            rtp_last: 20_999,
            ari_username: "trunkline".to_owned(),
            ari_password: "secret".to_owned(),
            ami_port: 5038,
            ami_username: "trunkline".to_owned(),
            ami_password: "third".to_owned(),
            ari_app: "trunkline".to_owned(),
            agi_port: 4573,
            system_name: "demo".to_owned(),
            // The defaults themselves: the snapshot shows what is promised to callers.
            patience_seconds: AsteriskOptions::default().patience_seconds,
            retry_seconds: AsteriskOptions::default().retry_seconds,
            trunk_match: "127.0.0.1".to_owned(),
            outbound: Some(OutboundAri {
                uri: "ws://127.0.0.1:8080/asterisk".to_owned(),
                username: "asterisk".to_owned(),
                password: "other".to_owned(),
                subscribe_all: false,
                reconnect_interval_ms: 500,
            }),
        }
    }

    fn folders() -> Folders {
        Folders { prefix: "/prefix".into(), etc: "/var/etc".into(), var: "/var".into(), run: "/run/short".into() }
    }

    #[test]
    fn the_rendered_configuration_is_this() {
        let files = sample().render(&folders()).unwrap();
        // Texts without a value in them are the templates themselves.
        let mut shown = String::new();
        for (name, text) in files.iter().filter(|(name, _)| !matches!(*name, "modules.conf" | "indications.conf")) {
            let lines = text.lines().filter(|line| !line.starts_with(';') && !line.is_empty());
            let _infallible = write!(shown, "--- {name}\n{}\n", lines.collect::<Vec<_>>().join("\n"));
        }
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn every_template_file_is_rendered() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../asterisk/conf");
        let mut there: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| name.strip_suffix(".in").map(str::to_owned))
            .collect();
        there.sort();
        assert_eq!(there, TEMPLATES.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>());
    }

    #[test]
    fn an_unknown_name_and_a_stray_at_sign_are_errors() {
        assert_eq!(fill("x.conf", "a @NO_SUCH@", &[]).unwrap_err().to_string(), "x.conf: nobody gives @NO_SUCH@");
        assert_eq!(fill("x.conf", "a@b", &[]).unwrap_err().to_string(), "x.conf: an @ that opens no @NAME@");
    }

    #[test]
    fn a_value_cannot_add_lines() {
        let mut config = sample();
        config.ari_password = "a\nread_only = no".to_owned();
        assert!(config.render(&folders()).unwrap_err().to_string().contains("@ARI_PASSWORD@"));
    }

    #[test]
    fn entity_ids_are_local_and_differ() {
        assert!(entity_id("a").starts_with("02:"));
        assert_ne!(entity_id("a"), entity_id("b"));
    }
}
