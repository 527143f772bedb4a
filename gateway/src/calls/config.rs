//! What call control needs to know.

use std::net::SocketAddr;
use std::path::PathBuf;

use trunkline_calls::model::Server;
use url::Url;

use crate::config::{AriTransport, AsteriskConfig, Config};
use crate::secrets::Vault;
use crate::sounds::Sounds;
use crate::telephony::endpoints::endpoints_app;
use crate::telephony::manager::ManagerConfig;
use crate::telephony::phones::PhoneTerms;

/// What call control needs to start.
#[derive(Debug)]
pub struct CallConfig {
    /// The Asterisk servers, at least one.
    pub servers: Vec<ServerConfig>,
    /// Where RTP of recordings arrives.
    pub rtp_listen: SocketAddr,
    /// Where recordings go.
    pub recordings: PathBuf,
    /// Where the spool and the sign of life are.
    pub state: PathBuf,
    /// Opens the phones' digests.
    pub vault: Vault,
    /// Whether flows may ask programs in private networks.
    pub private_flow_requests: bool,
    /// What callers hear.
    pub sounds: Sounds,
}

/// One Asterisk server.
#[derive(Debug)]
pub struct ServerConfig {
    /// Its name.
    pub name: Server,
    /// How to reach it. Its first application is ours.
    pub ari: trunkline_ari::Config,
    /// Where its SIP over WebSocket is.
    pub websocket: Url,
    /// Where the others reach its SIP.
    pub peer_address: Option<String>,
    /// What all its phones are told.
    pub phones: PhoneTerms,
    /// How it reaches the outside world: a dial string with `{number}`, and `{slug}` for the tenant's.
    pub outbound_trunk: Option<String>,
    /// Where it tells who fails to sign in; else nobody is barred.
    pub manager: Option<ManagerConfig>,
}

impl CallConfig {
    /// As the gateway's configuration says.
    pub fn new(config: &Config, vault: Vault) -> Self {
        Self {
            servers: config.asterisks.iter().map(ServerConfig::new).collect(),
            rtp_listen: config.rtp_listen,
            recordings: config.recordings_dir.clone(),
            state: config.state_dir.clone(),
            vault,
            private_flow_requests: config.private_flow_requests,
            sounds: Sounds::new(config),
        }
    }
}

impl ServerConfig {
    fn new(config: &AsteriskConfig) -> Self {
        let mut ari = trunkline_ari::Config::new(
            config.ari_url.as_str().trim_end_matches('/'),
            &config.ari_username,
            config.ari_password.expose(),
            [config.ari_app.clone(), endpoints_app(&config.ari_app)],
        );
        ari.transport = match config.ari_transport {
            AriTransport::WebSocket => trunkline_ari::Transport::WebSocket,
            AriTransport::Http => trunkline_ari::Transport::Http,
        };
        ari.log.clone_from(&config.ari_log);
        let manager = config.ami_address.zip(config.ami_password.clone());
        Self {
            name: config.name.clone(),
            ari,
            websocket: config.sip_websocket(),
            peer_address: config.sip_peer_address.clone(),
            phones: PhoneTerms { media_address: config.media_address, transfers: config.phone_transfers },
            outbound_trunk: config.outbound_trunk.clone(),
            manager: manager.map(|(address, password)| ManagerConfig {
                address,
                username: config.ami_username.clone(),
                password,
            }),
        }
    }
}
