//! Which phones can ring, as a server knows it.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use trunkline_ari::Client;
use trunkline_ari::applications::Filter;

use crate::calls::center::Report;
use crate::calls::model::Server;

/// The application beside the calls' that is told of phones. Who subscribes to a technology hears its channels, too; so one application for both
/// would hear each event of a call twice, and take each key for two.
pub(crate) fn endpoints_app(calls_app: &str) -> String {
    format!("{calls_app}-endpoints")
}

/// Nothing but what phones do, and the end of channels with its cause: whoever left Stasis by hanging up is gone only after that, and the calls'
/// application hears of a channel no longer than it is in Stasis.
/// By a user event the client sees that events come at all.
async fn subscribe(client: &Client, app: &str) -> Result<(), trunkline_ari::Error> {
    let kinds = ["ContactStatusChange", "PeerStatusChange", "ChannelDestroyed", "ChannelUserevent"]
        .map(|kind| json!({ "type": kind }));
    let filter = Map::from_iter([("allowed".to_owned(), Value::from_iter(kinds))]);
    client.applications().filter(app, Filter::default().filter(filter)).await?;
    client.applications().subscribe(app, &["endpoint:PJSIP"]).await?;
    Ok(())
}

/// Which phones' registrations to ask for.
#[derive(Debug)]
pub(crate) enum EndpointQuestion {
    /// All: a connection came about. Also asks to be told of changes.
    All,
    /// One: something changed.
    One(String),
}

/// Asks Asterisk which phones can ring; one question at a time, so that the newest answer is the last.
pub(crate) async fn ask_endpoints(
    server: Server,
    client: Client,
    app: String,
    mut questions: mpsc::UnboundedReceiver<EndpointQuestion>,
    online: mpsc::UnboundedSender<(Server, Report)>,
) {
    let mut known: HashMap<String, bool> = HashMap::new();
    // Whether call control still listens.
    let tell = |username, is| online.send((server.clone(), Report::Endpoint { username, online: is })).is_ok();
    while let Some(question) = questions.recv().await {
        match question {
            EndpointQuestion::All => {
                if let Err(error) = subscribe(&client, &app).await {
                    tracing::warn!(%error, "Asterisk would not tell of phones that register");
                }
                match client.endpoints().list_by_tech("PJSIP").await {
                    Ok(endpoints) => {
                        let now: HashMap<String, bool> =
                            endpoints.into_iter().map(|it| (it.resource.clone(), is_online(&it))).collect();
                        let gone: Vec<String> = known.keys().filter(|name| !now.contains_key(*name)).cloned().collect();
                        for username in gone {
                            tell(username, false);
                        }
                        for (username, is) in &now {
                            tell(username.clone(), *is);
                        }
                        known = now;
                    }
                    Err(error) => tracing::warn!(%error, "Asterisk would not tell which phones are registered"),
                }
            }
            EndpointQuestion::One(username) => {
                let is = match client.endpoints().get("PJSIP", &username).await {
                    Ok(endpoint) => is_online(&endpoint),
                    Err(trunkline_ari::Error::NotFound { .. }) => false,
                    // The next connection asks for all.
                    Err(_) => continue,
                };
                known.insert(username.clone(), is);
                if !tell(username, is) {
                    return;
                }
            }
        }
    }
}

fn is_online(endpoint: &trunkline_ari::model::Endpoint) -> bool {
    endpoint.state.as_ref().is_some_and(|state| state.as_str() == "online")
}
