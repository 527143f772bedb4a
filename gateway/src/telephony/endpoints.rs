//! Which phones can ring, as a server knows it.

use std::collections::HashMap;

use tokio::sync::mpsc;
use trunkline_ari::Client;

use crate::calls::center::Report;
use crate::calls::model::Server;

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
                if let Err(error) = client.applications().subscribe(&app, &["endpoint:PJSIP"]).await {
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
