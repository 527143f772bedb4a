//! Prints everything that an Asterisk tells, until Ctrl-C.
//!
//! ```text
//! ARI_PASSWORD=secret cargo run -p trunkline-ari --example events -- http://127.0.0.1:8088/ari gateway demo [websocket]
//! ```

use std::error::Error;

use trunkline_ari::{Config, Transport, Update};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(user), Some(app)) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("usage: events URL USER APPLICATION [websocket]".into());
    };
    // From the environment, because the arguments of a process are readable by everyone on the machine.
    let password = std::env::var("ARI_PASSWORD").map_err(|_| "ARI_PASSWORD is not set")?;
    let mut config = Config::new(url, user, password, [app]);
    config.subscribe_all = true;
    config.log = std::env::var_os("ARI_LOG").map(Into::into);
    if arguments.next().as_deref() == Some("websocket") {
        config.transport = Transport::WebSocket;
    }
    let (client, mut updates) = trunkline_ari::connect(config)?;
    loop {
        let update = tokio::select! {
            update = updates.next() => update,
            _ = tokio::signal::ctrl_c() => None,
        };
        match update {
            Some(Update::State(state)) => println!("state      {state:?}"),
            Some(Update::Event(event)) => {
                println!("event      {} {}", event.kind(), event.channel().map_or("", |channel| channel.id.as_str()));
            }
            Some(Update::Gap(gap)) => println!("gap        {} to {}", gap.from, gap.to),
            Some(Update::Snapshot(snapshot)) => {
                let version = snapshot.info.system.as_ref().map_or("unknown", |system| system.version.as_str());
                let (channels, bridges) = (snapshot.channels.len(), snapshot.bridges.len());
                println!("snapshot   Asterisk {version}, {channels} channels, {bridges} bridges");
            }
            Some(Update::Resynced(difference)) => println!("resynced   {difference:?}"),
            Some(other) => println!("{other:?}"),
            None => break,
        }
    }
    println!("{:?}", client.counters());
    Ok(())
}
