//! What a running flow asks for: programs elsewhere, and who calls. Neither is waited for longer than the flow says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use tokio::sync::{Semaphore, mpsc};
use trunkline_calls::flow::model;
use trunkline_calls::flow::walk::{Answer, Fetch};
use trunkline_db::{CallId, Db, DbError, TenantId};
use url::Url;

use crate::calls::center::Input;
use crate::fetch::Fetch as Client;
use crate::hooks::caller_store;

/// Programs that are asked at a time.
const MOST_FETCHES: usize = 256;
/// How long the database is asked who calls: the flow has begun without by then.
const LOOK_UP: Duration = Duration::from_millis(400);
/// Callers who are looked up at a time: a slow database must not cost the rest its connections.
const MOST_LOOKUPS: usize = 4;

/// Asks for flows.
#[derive(Debug)]
pub(crate) struct Runner {
    db: Db,
    client: Client,
    fetches: Arc<Semaphore>,
    lookups: Arc<Semaphore>,
    told: mpsc::UnboundedSender<Input>,
}

impl Runner {
    /// What comes of it is told there.
    pub(crate) fn new(db: Db, private: bool, told: mpsc::UnboundedSender<Input>) -> Self {
        Self {
            db,
            client: Client::new(private),
            fetches: Arc::new(Semaphore::new(MOST_FETCHES)),
            lookups: Arc::new(Semaphore::new(MOST_LOOKUPS)),
            told,
        }
    }

    /// Asks a program elsewhere.
    pub(crate) fn fetch(&self, call: CallId, fetch: Fetch) {
        let (client, told, fetches) = (self.client.clone(), self.told.clone(), Arc::clone(&self.fetches));
        tokio::spawn(async move {
            let answer = match fetches.try_acquire() {
                Ok(_permit) => asked(&client, fetch).await,
                Err(_) => Err("too many programs are asked at this moment".to_owned()),
            };
            // Call control may have ended.
            let _ = told.send(Input::Fetched { call, answer });
        });
    }

    /// Asks the database who calls.
    pub(crate) fn who_calls(&self, call: CallId, tenant: TenantId, number: String) {
        let (db, told, lookups) = (self.db.clone(), self.told.clone(), Arc::clone(&self.lookups));
        tokio::spawn(async move {
            let Ok(_permit) = lookups.try_acquire() else { return };
            match tokio::time::timeout(LOOK_UP, facts(&db, tenant, number)).await {
                Ok(Ok(facts)) => {
                    let _ = told.send(Input::CallerKnown { call, facts });
                }
                Ok(Err(error)) => tracing::warn!(%call, %error, "a flow begins without knowing who calls"),
                Err(_) => tracing::warn!(%call, "the database does not say in time who calls"),
            }
        });
    }
}

async fn asked(client: &Client, fetch: Fetch) -> Result<Answer, String> {
    let url = Url::parse(&fetch.url).map_err(|error| error.to_string())?;
    let mut headers = HeaderMap::new();
    let mut body = Bytes::new();
    if let Some(text) = fetch.body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        body = Bytes::from(text);
    }
    for (name, value) in fetch.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
        headers.insert(name, HeaderValue::from_str(&value).map_err(|error| error.to_string())?);
    }
    let method = match fetch.method {
        model::Method::Get => Method::GET,
        model::Method::Post => Method::POST,
    };
    let within = Duration::from_millis(u64::from(fetch.deadline_ms));
    let answer = client.ask(method, &url, headers, body, within).await.map_err(|error| error.to_string())?;
    let (parts, body) = answer.into_parts();
    Ok(Answer { status: parts.status.as_u16(), body: String::from_utf8_lossy(&body).into_owned() })
}

/// What is known of a number's holder, as a flow's variables.
async fn facts(db: &Db, tenant: TenantId, number: String) -> Result<BTreeMap<String, String>, DbError> {
    let mut tx = db.tenant(tenant).await?;
    let limit = u64::try_from(LOOK_UP.as_millis()).unwrap_or(u64::MAX);
    caller_store::limit_time(&mut tx, limit).await?;
    let person = caller_store::person(&mut tx, &[number]).await?;
    tx.commit().await?;
    let Some(person) = person else { return Ok(BTreeMap::new()) };
    let facts = [
        ("caller.name", Some(person.name)),
        ("caller.contact_id", Some(person.contact.to_string())),
        ("caller.language", person.language),
        ("caller.blocked", person.blocked.then(|| "yes".to_owned())),
        ("caller.last_agent", person.last_agent.map(|agent| agent.to_string())),
        ("caller.open_conversation", person.conversation.map(|conversation| conversation.to_string())),
    ];
    Ok(facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}
