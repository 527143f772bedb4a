//! Asterisk's own queue, on the Asterisk that Trunkline drives: its agents and its trunk are set up as the gateway sets up ours.

use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;

use anyhow::{Context as _, ensure};
use serde_json::json;
use trunkline_stack::{Asterisk, Stack, random_hex};

const CONFIG: &str = include_str!("../../queues.conf.in");
/// What is dialled on its trunk.
pub(crate) const NUMBER: &str = "600";
/// Where its trunk calls from: another address of loopback than Trunkline's, and known by it alone as well.
pub(crate) const TRUNK: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const CONTEXT: &str = "bench-queue";

/// A phone of one of its agents.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) password: String,
}

/// Adds the queue, its trunk and its agents to a running Asterisk.
pub(crate) async fn set_up(stack: &Stack, agents: usize, ring_seconds: u32) -> anyhow::Result<Vec<Member>> {
    let members = (0..agents)
        .map(|number| Ok(Member { name: format!("queue-agent-{number}"), password: random_hex(16)? }))
        .collect::<anyhow::Result<Vec<Member>>>()?;
    let asterisk = &stack.asterisk;
    // As the gateway says it of a desk phone, and asterisk/conf/pjsip.conf of the trunk.
    let both = [
        ("message_context", "trunkline-nothing"),
        ("disallow", "all"),
        ("allow", "ulaw,alaw"),
        ("direct_media", "no"),
        ("dtmf_mode", "rfc4733"),
        ("rtp_symmetric", "yes"),
        ("force_rport", "yes"),
        ("rewrite_contact", "yes"),
        ("rtp_timeout", "180"),
        ("rtp_timeout_hold", "3600"),
    ];
    for Member { name, password } in &members {
        let auth = [("auth_type", "userpass"), ("username", name.as_str()), ("password", password.as_str())];
        put(asterisk, "auth", name, &auth).await?;
        let own = [("context", CONTEXT), ("allow_transfer", "no"), ("auth", name.as_str()), ("aors", name.as_str())];
        put(asterisk, "endpoint", name, &[&both[..], &own].concat()).await?;
        let aor = [("max_contacts", "5"), ("remove_existing", "yes"), ("qualify_frequency", "30")];
        put(asterisk, "aor", name, &aor).await?;
    }
    let trunk =
        [("context", CONTEXT), ("transport", "transport-udp"), ("identify_by", "ip"), ("trust_id_inbound", "yes")];
    put(asterisk, "endpoint", "queue-trunk", &[&both[..], &trunk].concat()).await?;
    let address = TRUNK.to_string();
    put(asterisk, "identify", "queue-trunk", &[("endpoint", "queue-trunk"), ("match", &address)]).await?;

    let mut config = CONFIG.replace("@RING_SECONDS@", &ring_seconds.to_string());
    for Member { name, .. } in &members {
        let _infallible = writeln!(config, "member => PJSIP/{name}");
    }
    let file = stack.dir().join("asterisk/etc/queues.conf");
    fs::write(&file, config).with_context(|| format!("cannot write {}", file.display()))?;
    asterisk.rx("module load app_queue.so").await?;
    for step in [format!("{NUMBER},1,Queue,bench"), format!("{NUMBER},2,Hangup")] {
        asterisk.rx(&format!("dialplan add extension {step} into {CONTEXT}")).await?;
    }
    let shown = asterisk.rx("queue show bench").await?;
    ensure!(shown.contains("leastrecent") && shown.contains("queue-agent-0"), "app_queue has not our queue: {shown}");
    Ok(members)
}

/// `22.10.1`.
pub(crate) async fn version(asterisk: &Asterisk) -> String {
    let said = asterisk.rx("core show version").await.unwrap_or_default();
    // Asterisk 22.10.1+dfsg built by …
    said.split(' ').nth(1).and_then(|version| version.split('+').next()).unwrap_or("unknown").to_owned()
}

/// Tells Asterisk of an object, by ARI.
async fn put(asterisk: &Asterisk, kind: &str, id: &str, fields: &[(&str, &str)]) -> anyhow::Result<()> {
    let fields: Vec<_> = fields.iter().map(|(name, value)| json!({ "attribute": name, "value": value })).collect();
    let config = asterisk.config();
    let answer = reqwest::Client::builder()
        .no_proxy()
        .build()?
        .put(format!("{}/asterisk/config/dynamic/res_pjsip/{kind}/{id}", asterisk.ari_url()))
        .basic_auth(&config.ari_username, Some(&config.ari_password))
        .json(&json!({ "fields": fields }))
        .send()
        .await?;
    let status = answer.status();
    ensure!(status.is_success(), "{kind} {id}: {status} {}", answer.text().await?);
    Ok(())
}
