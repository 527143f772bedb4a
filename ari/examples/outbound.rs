//! Waits for Asterisk's outbound WebSockets and answers every call that comes over them.
//!
//! ```text
//! ARI_PASSWORD=word cargo run -p trunkline-ari --example outbound -- 127.0.0.1:8090 asterisk
//! ```
//!
//! With, in Asterisk's `websocket_client.conf`, a client whose `uri` is `ws://127.0.0.1:8090/`, whose `protocols` is `ari`
//! and whose `username` is `asterisk`, and in `ari.conf` a section `type = outbound_websocket` that names it.

use std::error::Error;

use trunkline_ari::server::{Caller, ServerConfig, listen};
use trunkline_ari::{Event, Update};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(user)) = (arguments.next(), arguments.next()) else {
        return Err("usage: outbound ADDRESS USER".into());
    };
    let password = std::env::var("ARI_PASSWORD").map_err(|_| "ARI_PASSWORD is not set")?;
    let mut server = listen(ServerConfig::new(address.parse()?, user, password)).await?;
    println!("waiting on {}", server.local_addr());
    while let Some(caller) = server.accept().await {
        println!("{} from {}", caller.application, caller.peer);
        tokio::spawn(serve(caller));
    }
    Ok(())
}

async fn serve(caller: Caller) {
    let Caller { application, client, mut updates, .. } = caller;
    while let Some(update) = updates.next().await {
        match update {
            Update::Event(event) => {
                println!("{application}: {}", event.kind());
                if let Event::StasisStart(start) = *event
                    && let Err(error) = client.channels().answer(&start.channel.id).await
                {
                    println!("{application}: cannot answer: {error}");
                }
            }
            Update::State(state) => println!("{application}: {state:?}"),
            Update::Resynced(difference) => println!("{application}: {difference:?}"),
            Update::Gap(gap) => println!("{application}: {gap:?}"),
            _ => {}
        }
    }
    println!("{application}: ended");
}
