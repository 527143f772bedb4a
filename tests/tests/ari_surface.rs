//! The ARI client against a real Asterisk, without a gateway: each way to reach it carries a whole call.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use trunkline_ari::server::{ServerConfig, listen};
use trunkline_ari::{
    Client, Config, Event, Failure, State, Transport, Update, Updates, applications, bridges, channels,
};
use trunkline_stack::asterisk::OutboundAri;
use trunkline_stack::{Asterisk, AsteriskOptions, Baresip, BaresipOptions, PhoneEventKind};
use trunkline_tests::{AGENT_HZ, CUSTOMER_HZ, hears_now, run};

const SOON: Duration = Duration::from_secs(15);

fn config(asterisk: &Asterisk, transport: Transport) -> Config {
    let conf = asterisk.config();
    let mut config = Config::new(asterisk.ari_url(), &conf.ari_username, &conf.ari_password, [&conf.ari_app]);
    config.transport = transport;
    config
}

/// Reads updates until one is what is looked for.
async fn until<T>(updates: &mut Updates, what: &str, mut pick: impl FnMut(Update) -> Option<T>) -> Result<T> {
    let found = async {
        loop {
            let update = updates.next().await.context("the session ended")?;
            if let Some(found) = pick(update) {
                return Ok(found);
            }
        }
    };
    tokio::time::timeout(SOON, found).await.with_context(|| format!("no {what}"))?
}

async fn until_live(updates: &mut Updates) -> Result<()> {
    until(updates, "live session", |update| matches!(update, Update::State(State::Live)).then_some(())).await
}

/// Two phones call; the client answers both, joins them, and takes them down again.
async fn join_two_callers(asterisk: &Asterisk, folder: &Path, client: &Client, updates: &mut Updates) -> Result<()> {
    let bridge = trunkline_ari::new_id();
    client.bridges().create_with_id(&bridge, bridges::CreateWithId::default().kind("mixing")).await?;
    let (mut phones, mut legs) = (Vec::new(), Vec::new());
    for (name, hz) in [("15550000001", CUSTOMER_HZ), ("15550000002", AGENT_HZ)] {
        let options = BaresipOptions::caller(asterisk.sip_port(), name, hz);
        let mut phone = Baresip::start(&folder.join(name), options).await?;
        phone.dial("+15550100").await?;
        let channel = until(updates, "StasisStart", |update| match update {
            Update::Event(event) => match *event {
                Event::StasisStart(start) => Some(start),
                _ => None,
            },
            _ => None,
        })
        .await?;
        ensure!(channel.args[..3] == ["inbound", "demo-trunk", "+15550100"], "{:?}", channel.args);
        client.channels().answer(&channel.channel.id).await?;
        phone.wait_for(PhoneEventKind::Established, SOON).await?;
        client.bridges().add_channel(&bridge, &[&channel.channel.id], bridges::AddChannel::default()).await?;
        phones.push(phone);
        legs.push(channel.channel.id);
    }
    hears_now(&phones[0], AGENT_HZ).await.context("the first phone")?;
    hears_now(&phones[1], CUSTOMER_HZ).await.context("the second phone")?;
    for (leg, phone) in legs.iter().zip(&mut phones) {
        client.channels().hangup(leg, channels::Hangup::default()).await?;
        phone.wait_for(PhoneEventKind::Closed, SOON).await?;
        until(updates, "end of the channel", |update| match update {
            Update::Event(event) => match *event {
                Event::StasisEnd(gone) if gone.channel.id == *leg => Some(()),
                _ => None,
            },
            _ => None,
        })
        .await?;
    }
    client.destroy_bridge(&bridge).await?;
    // A second time it is gone already, which is what was wanted.
    client.destroy_bridge(&bridge).await?;
    Ok(())
}

#[test]
fn requests_over_http_and_over_the_websocket_both_carry_a_call() {
    run(async {
        let folder = tempfile::tempdir()?;
        let asterisk = Asterisk::start(&folder.path().join("asterisk"), AsteriskOptions::default()).await?;
        for (name, transport) in [("http", Transport::Http), ("websocket", Transport::WebSocket)] {
            let (client, mut updates) = trunkline_ari::connect(config(&asterisk, transport))?;
            until_live(&mut updates).await?;
            let phones = folder.path().join(name);
            std::fs::create_dir(&phones)?;
            join_two_callers(&asterisk, &phones, &client, &mut updates).await.with_context(|| name.to_owned())?;
            updates.close().await;
        }
        Ok(())
    });
}

#[test]
fn a_session_that_was_replaced_does_not_fight_for_its_application() {
    run(async {
        let folder = tempfile::tempdir()?;
        let asterisk = Asterisk::start(&folder.path().join("asterisk"), AsteriskOptions::default()).await?;
        let (older_client, mut older) = trunkline_ari::connect(config(&asterisk, Transport::WebSocket))?;
        until_live(&mut older).await?;
        let (newer_client, mut newer) = trunkline_ari::connect(config(&asterisk, Transport::WebSocket))?;
        until_live(&mut newer).await?;
        let replaced = until(&mut older, "Replaced", |update| match update {
            Update::State(State::Replaced { application }) => Some(application),
            _ => None,
        })
        .await?;
        assert_eq!(replaced, asterisk.config().ari_app);
        ensure!(older_client.asterisk().ping().await.is_err(), "the older session still talks");
        // Calls are the newer one's, for as long as a call takes.
        let phones = folder.path().join("phones");
        std::fs::create_dir(&phones)?;
        join_two_callers(&asterisk, &phones, &newer_client, &mut newer).await?;
        ensure!(matches!(newer_client.state(), Some(State::Live)), "{:?}", newer_client.state());
        if let Some(update) = older.try_next() {
            bail!("the older session did not keep still: {update:?}");
        }
        // Until somebody says so.
        older.take_over().await;
        until_live(&mut older).await?;
        until(&mut newer, "Replaced", |update| matches!(update, Update::State(State::Replaced { .. })).then_some(()))
            .await
    });
}

#[test]
fn a_session_whose_events_stop_coming_connects_again() {
    run(async {
        let folder = tempfile::tempdir()?;
        let asterisk = Asterisk::start(&folder.path().join("asterisk"), AsteriskOptions::default()).await?;
        let app = asterisk.config().ari_app.clone();
        let mut config = config(&asterisk, Transport::Http);
        config.limits.self_test_interval = Duration::from_millis(200);
        config.limits.self_test_patience = Duration::from_secs(2);
        let (client, mut updates) = trunkline_ari::connect(config)?;
        until_live(&mut updates).await?;
        client.applications().subscribe(&app, &["endpoint:PJSIP"]).await?;
        // With every event held back Asterisk does what it does after it lost a registration: it goes on answering.
        let filter = |what: Value| async {
            let Value::Object(filter) = what else { bail!("no object") };
            Ok(client.applications().filter(&app, applications::Filter::default().filter(filter)).await?)
        };
        filter(json!({ "allowed": [{ "type": "NoSuchEvent" }] })).await?;
        client.asterisk().ping().await?;
        let failure = until(&mut updates, "end of a deaf connection", |update| match update {
            Update::State(State::Backoff { failure, .. }) => Some(failure),
            _ => None,
        })
        .await?;
        assert_eq!(failure, Failure::Deaf);
        filter(json!({})).await?;
        until(&mut updates, "gap", |update| matches!(update, Update::Gap(_)).then_some(())).await?;
        until_live(&mut updates).await?;
        let phones = folder.path().join("phones");
        std::fs::create_dir(&phones)?;
        join_two_callers(&asterisk, &phones, &client, &mut updates).await?;
        ensure!(matches!(client.state(), Some(State::Live)), "{:?}", client.state());
        Ok(())
    });
}

#[test]
fn an_asterisk_that_calls_us_carries_a_call_and_comes_back_as_the_same_session() {
    run(async {
        let mut server =
            listen(ServerConfig::new(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), "asterisk", "a-password")).await?;
        let outbound = OutboundAri {
            uri: format!("ws://{}/", server.local_addr()),
            username: "asterisk".to_owned(),
            password: "a-password".to_owned(),
            subscribe_all: false,
            reconnect_interval_ms: 200,
        };
        let folder = tempfile::tempdir()?;
        let options = AsteriskOptions { outbound: Some(outbound), ..AsteriskOptions::default() };
        let mut asterisk = Asterisk::start(&folder.path().join("asterisk"), options).await?;
        let mut caller = tokio::time::timeout(SOON, server.accept()).await?.context("nobody called")?;
        assert_eq!(caller.application, asterisk.config().ari_app);
        until_live(&mut caller.updates).await?;
        let phones = folder.path().join("phones");
        std::fs::create_dir(&phones)?;
        join_two_callers(&asterisk, &phones, &caller.client, &mut caller.updates).await?;

        asterisk.kill();
        until(&mut caller.updates, "loss", |update| {
            matches!(update, Update::State(State::Backoff { .. } | State::Connecting)).then_some(())
        })
        .await?;
        asterisk.start_again().await?;
        until(&mut caller.updates, "gap", |update| matches!(update, Update::Gap(_)).then_some(())).await?;
        until_live(&mut caller.updates).await?;
        caller.client.asterisk().ping().await?;
        Ok(())
    });
}
