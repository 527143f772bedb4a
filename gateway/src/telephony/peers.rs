//! How the Asterisk servers ring each other's phones: each knows the others as SIP endpoints of its own, pushed like phones.
//!
//! A call lives on one server. An agent whose phone is signed in at another is rung through that one, which passes the INVITE on
//! (`trunkline-peers` in `extensions.conf`) and is otherwise not concerned: the leg is the first server's.

use trunkline_ari::model::ConfigTuple;
use trunkline_ari::{Client, Error, asterisk};

use crate::auth::random_token;
use crate::calls::ServerConfig;
use crate::calls::model::Server;
use crate::secrets::Secret;

/// Where calls of other servers come in.
const CONTEXT: &str = "trunkline-peers";

/// The endpoint by which a server is known to the others.
pub(crate) fn endpoint(server: &Server) -> String {
    format!("trunkline-peer-{server}")
}

/// All servers that the others can reach.
#[derive(Debug)]
pub(crate) struct Peers {
    addresses: Vec<(Server, String)>,
    /// By which they know each other: made anew with each start, and pushed to all of them.
    password: Secret,
}

/// The others, as one of them sees them.
#[derive(Debug)]
pub(crate) struct Others {
    own: Server,
    addresses: Vec<(Server, String)>,
    password: Secret,
}

impl Peers {
    pub(crate) fn of(servers: &[ServerConfig]) -> Self {
        let addresses = servers.iter().filter_map(|server| Some((server.name.clone(), server.peer_address.clone()?)));
        Self { addresses: addresses.collect(), password: Secret::new(random_token()) }
    }

    pub(crate) fn seen_from(&self, own: &Server) -> Others {
        let takes_part = self.addresses.iter().any(|(server, _)| server == own);
        let others = self.addresses.iter().filter(|(server, _)| takes_part && server != own).cloned();
        Others { own: own.clone(), addresses: others.collect(), password: self.password.clone() }
    }
}

impl Others {
    /// Makes the others known to this server's Asterisk.
    pub(crate) async fn push(&self, client: &Client) {
        if self.addresses.is_empty() {
            return;
        }
        for (server, address) in &self.addresses {
            if let Err(error) = self.push_one(client, server, address).await {
                tracing::warn!(server = %self.own, other = %server, %error, "Asterisk could not be told of another server");
            }
        }
    }

    async fn push_one(&self, client: &Client, other: &Server, address: &str) -> Result<(), Error> {
        let (own, other) = (endpoint(&self.own), endpoint(other));
        let (inbound, outbound) = (format!("{other}-in"), format!("{other}-out"));
        let auth = |username| {
            vec![
                ("auth_type", "userpass".to_owned()),
                ("username", username),
                ("password", self.password.expose().to_owned()),
            ]
        };
        let objects = [
            ("auth", &inbound, auth(other.clone())),
            ("auth", &outbound, auth(own.clone())),
            ("aor", &other, vec![("contact", format!("sip:{address}")), ("qualify_frequency", "0".to_owned())]),
            (
                "endpoint",
                &other,
                [
                    ("context", CONTEXT),
                    ("message_context", "trunkline-nothing"),
                    ("identify_by", "username"),
                    ("disallow", "all"),
                    ("allow", "ulaw,alaw"),
                    ("direct_media", "no"),
                    ("dtmf_mode", "rfc4733"),
                    // Who holds a call at the other server holds it here.
                    ("moh_passthrough", "yes"),
                    // The From names the server; the caller stands in P-Asserted-Identity (RFC 3325).
                    ("trust_id_inbound", "yes"),
                    ("trust_id_outbound", "yes"),
                    ("send_pai", "yes"),
                    ("rtp_timeout", "180"),
                    ("rtp_timeout_hold", "3600"),
                ]
                .into_iter()
                .map(|(name, value)| (name, value.to_owned()))
                .chain([("aors", other.clone()), ("auth", inbound.clone())])
                .chain([("outbound_auth", outbound.clone()), ("from_user", own.clone())])
                .collect(),
            ),
        ];
        for (kind, name, fields) in objects {
            let fields: Vec<ConfigTuple> =
                fields.into_iter().map(|(name, value)| ConfigTuple::new(name, value)).collect();
            let params = asterisk::UpdateObject::default().fields(fields);
            client.asterisk().update_object("res_pjsip", kind, name, params).await?;
        }
        Ok(())
    }
}
