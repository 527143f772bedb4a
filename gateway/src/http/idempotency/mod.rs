//! `Idempotency-Key`: a POST that is sent twice has its effect once.
//!
//! Scope: tenant, user and route; kept for 24 hours. The row is written in the transaction of the effect, so either both are there
//! or none. The same request gets the first answer again (with `Idempotency-Replayed: true`), another body under the same key is
//! 409 `idempotency-key-reused`, one in flight is 409 `in-progress`. A 5xx is not kept, and neither is what was refused before
//! anything was tried (401, 403, malformed input). In flight means: on this node, or in another node's transaction. Answers are stored encrypted: some carry a password that is shown only once.

mod store;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{FromRequest, FromRequestParts, MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use trunkline_db::TenantTx;
use trunkline_journal::{Fault, NewEvent, Outcome};

use self::store::Stored;
use super::extract::body_bytes;
use super::{AppError, Json, PROBLEM_JSON};
use crate::auth::{Principal, digest};
use crate::secrets::{Place, Sealed, Vault};
use crate::state::AppState;

pub(crate) use store::sweep;

const KEY_HEADER: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED_HEADER: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The key is used by a request that is being worked on.
const IN_PROGRESS: &str = "in-progress";
/// The key was used for another request.
const KEY_REUSED: &str = "idempotency-key-reused";
/// Longest key.
const MAX_KEY_BYTES: usize = 255;

/// Keys whose requests are being worked on by this node.
#[derive(Debug, Clone, Default)]
pub struct InFlight(Arc<Mutex<HashSet<[u8; 32]>>>);

impl InFlight {
    fn enter(&self, id: [u8; 32]) -> Option<InFlightGuard> {
        // Held for one insert, never across an await.
        let entered = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        entered.then(|| InFlightGuard { keys: self.clone(), id })
    }
}

#[derive(Debug)]
struct InFlightGuard {
    keys: InFlight,
    id: [u8; 32],
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.keys.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// The key of a request, if it has one. Extract it in every POST; [`IdempotentJson`] takes the body along.
#[derive(Debug)]
pub struct Idempotency {
    principal: Principal,
    keyed: Option<Keyed>,
}

#[derive(Debug)]
struct Keyed {
    route: String,
    key: String,
    request_hash: [u8; 32],
    _in_flight: InFlightGuard,
}

/// How a request that may have been answered before ended.
#[derive(Debug)]
pub enum Answer<T> {
    /// The effect took place now: the answer, and what the effect gave beside it.
    First(Response, T),
    /// It took place before: the first answer again.
    Repeated(Response),
}

/// What an effect within a transaction gives: the body of the answer, and whatever the handler needs after the commit.
#[derive(Debug)]
pub struct Effect<B, T> {
    /// Status of the answer.
    pub status: StatusCode,
    /// Body of the answer.
    pub body: B,
    /// For the handler.
    pub value: T,
}

/// A boxed future that borrows the transaction.
pub type EffectFuture<'a, B, T> = BoxFuture<'a, Result<Effect<B, T>, AppError>>;

impl Idempotency {
    pub(crate) fn from_parts(
        state: &AppState,
        principal: Principal,
        parts: &http::request::Parts,
        body: &[u8],
    ) -> Result<Self, AppError> {
        let mut keys = parts.headers.get_all(KEY_HEADER).iter();
        let Some(key) = keys.next() else { return Ok(Self { principal, keyed: None }) };
        let key = key.to_str().ok().map(str::trim).filter(|key| (1..=MAX_KEY_BYTES).contains(&key.len()));
        let (Some(key), None) = (key, keys.next()) else {
            return Err(AppError::bad_parameter(
                "Idempotency-Key",
                format!("must be one value of 1 to {MAX_KEY_BYTES} ASCII characters"),
            ));
        };
        let template = parts.extensions.get::<MatchedPath>().map_or(parts.uri.path(), MatchedPath::as_str);
        let route = format!("{} {template}", parts.method);
        let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
        let request_hash = digest(&[target.as_bytes(), body]);
        let id = digest(&[
            principal.tenant.uuid().as_bytes(),
            principal.user.uuid().as_bytes(),
            route.as_bytes(),
            key.as_bytes(),
        ]);
        let guard = state.in_flight.enter(id).ok_or_else(in_progress)?;
        Ok(Self { principal, keyed: Some(Keyed { route, key: key.to_owned(), request_hash, _in_flight: guard }) })
    }

    /// The user whose request it is.
    pub fn principal(&self) -> Principal {
        self.principal
    }

    /// Runs `effect` in one transaction with the key's row.
    pub async fn transaction<B, T>(
        &self,
        state: &AppState,
        effect: impl for<'t> FnOnce(&'t mut TenantTx<'static>) -> EffectFuture<'t, B, T>,
    ) -> Result<Answer<T>, AppError>
    where
        B: Serialize,
    {
        let tx = state.db.tenant(self.principal.tenant).await?;
        self.transaction_in(state, tx, effect).await
    }

    /// The same in a transaction that was begun before; a repeated request rolls it back.
    pub async fn transaction_in<B, T>(
        &self,
        state: &AppState,
        mut tx: TenantTx<'static>,
        effect: impl for<'t> FnOnce(&'t mut TenantTx<'static>) -> EffectFuture<'t, B, T>,
    ) -> Result<Answer<T>, AppError>
    where
        B: Serialize,
    {
        if let Some(repeated) = self.begin(state, &mut tx).await? {
            return Ok(Answer::Repeated(repeated));
        }
        match effect(&mut tx).await {
            Ok(Effect { status, body, value }) => {
                let answer = Stored::json(status, &body)?;
                self.finish(&state.vault, &mut tx, &answer).await?;
                tx.commit().await?;
                Ok(Answer::First(answer.into_response(), value))
            }
            Err(error) => {
                tx.rollback().await?;
                self.keep_refusal(state, &error).await?;
                Err(error)
            }
        }
    }

    /// Like [`transaction`](Self::transaction), for an effect that takes the transaction through other tenants and brings it back.
    pub async fn transaction_through<B, T>(
        &self,
        state: &AppState,
        effect: impl FnOnce(TenantTx<'static>) -> BoxFuture<'static, Result<(TenantTx<'static>, Effect<B, T>), AppError>>,
    ) -> Result<Answer<T>, AppError>
    where
        B: Serialize,
    {
        let mut tx = state.db.tenant(self.principal.tenant).await?;
        if let Some(repeated) = self.begin(state, &mut tx).await? {
            return Ok(Answer::Repeated(repeated));
        }
        match effect(tx).await {
            Ok((mut tx, Effect { status, body, value })) => {
                let answer = Stored::json(status, &body)?;
                self.finish(&state.vault, &mut tx, &answer).await?;
                tx.commit().await?;
                Ok(Answer::First(answer.into_response(), value))
            }
            Err(error) => {
                // What it wrote is undone: the transaction was dropped with the effect.
                self.keep_refusal(state, &error).await?;
                Err(error)
            }
        }
    }

    /// Runs an effect that lies outside the database (a request to Asterisk), then keeps its answer. Should the process die in
    /// between, the request may be carried out once more: use it only for what does no harm when repeated.
    pub async fn outside<B, F>(&self, state: &AppState, effect: F) -> Result<Response, AppError>
    where
        B: Serialize,
        F: Future<Output = Result<(StatusCode, B), AppError>>,
    {
        if self.keyed.is_none() {
            let (status, body) = effect.await?;
            return Ok(Stored::json(status, &body)?.into_response());
        }
        let mut tx = state.db.tenant(self.principal.tenant).await?;
        let repeated = self.begin(state, &mut tx).await?;
        // No connection is held while Asterisk is asked; this node's other requests with the key see it in flight.
        tx.commit().await?;
        if let Some(repeated) = repeated {
            return Ok(repeated);
        }
        match effect.await {
            Ok((status, body)) => {
                let answer = Stored::json(status, &body)?;
                let mut tx = state.db.tenant(self.principal.tenant).await?;
                self.finish(&state.vault, &mut tx, &answer).await?;
                tx.commit().await?;
                Ok(answer.into_response())
            }
            Err(error) => {
                self.keep_refusal(state, &error).await?;
                Err(error)
            }
        }
    }

    /// Runs a journal command whose rows, events and key commit together. Like every command, `effect` may be run twice.
    pub async fn command<B, T, F>(self, state: &AppState, effect: F) -> Result<Answer<T>, AppError>
    where
        B: Serialize + Send + 'static,
        T: Send + 'static,
        F: for<'t> Fn(&'t mut TenantTx<'_>) -> BoxFuture<'t, Result<(Effect<B, T>, Vec<NewEvent>), Fault<AppError>>>
            + Send
            + Sync
            + 'static,
    {
        let (this, shared, effect) = (Arc::new(self), state.clone(), Arc::new(effect));
        let kept = Arc::clone(&this);
        let outcome = state
            .journal
            .command(this.principal.tenant, move |tx| {
                let (this, state, effect) = (Arc::clone(&kept), shared.clone(), Arc::clone(&effect));
                Box::pin(async move {
                    if let Some(repeated) = this.begin(&state, tx).await? {
                        return Ok(Outcome::new(Answer::Repeated(repeated)));
                    }
                    let (Effect { status, body, value }, events) = effect(tx).await?;
                    let answer = Stored::json(status, &body).map_err(Fault::Rejected)?;
                    this.finish(&state.vault, tx, &answer).await?;
                    Ok(Outcome::new(Answer::First(answer.into_response(), value)).events(events))
                })
            })
            .await;
        match outcome {
            Ok(committed) => Ok(committed.value),
            Err(error) => {
                let error = AppError::from(error);
                this.keep_refusal(state, &error).await?;
                Err(error)
            }
        }
    }

    /// The first answer, if there is one.
    async fn begin(&self, state: &AppState, tx: &mut TenantTx<'_>) -> Result<Option<Response>, Fault<AppError>> {
        let Some(keyed) = &self.keyed else { return Ok(None) };
        let context = keyed.context(&self.principal);
        if !store::try_lock(tx, &context).await? {
            return Err(Fault::Rejected(in_progress()));
        }
        let Some(row) = store::find(tx, self.principal.user, &keyed.route, &keyed.key).await? else { return Ok(None) };
        if row.request_hash != keyed.request_hash {
            return Err(Fault::Rejected(AppError::conflict(
                KEY_REUSED,
                "this Idempotency-Key was used for another request; take a new key for a new request",
            )));
        }
        let opened = state.vault.open(&keyed.place(&self.principal), &Sealed::from(row.sealed.clone()));
        let body = match opened {
            Ok(body) => body.to_vec(),
            // One that a version without the vault sealed: there are none a day after the update.
            Err(error) => state.keys.open(&context, &row.sealed).ok_or_else(|| {
                Fault::Rejected(AppError::internal(anyhow::anyhow!("a stored answer does not open: {error}")))
            })?,
        };
        state.metrics.idempotent_replays.inc();
        let mut response = Stored { status: row.status, content_type: row.content_type, body }.into_response();
        response.headers_mut().insert(REPLAYED_HEADER, HeaderValue::from_static("true"));
        Ok(Some(response))
    }

    /// Writes the key's row with the answer.
    async fn finish(&self, vault: &Vault, tx: &mut TenantTx<'_>, answer: &Stored) -> Result<(), Fault<AppError>> {
        let Some(keyed) = &self.keyed else { return Ok(()) };
        let sealed = vault.seal(&keyed.place(&self.principal), &answer.body);
        let kept = store::keep(
            tx,
            self.principal.user,
            &keyed.route,
            &keyed.key,
            &keyed.request_hash,
            answer.status,
            &answer.content_type,
            sealed.bytes(),
        )
        .await?;
        if kept { Ok(()) } else { Err(Fault::Rejected(in_progress())) }
    }

    /// Keeps a 4xx that the effect answered; a 5xx may be tried again.
    async fn keep_refusal(&self, state: &AppState, error: &AppError) -> Result<(), AppError> {
        let status = error.status();
        let about_the_key = error.code().is_some_and(|code| [IN_PROGRESS, KEY_REUSED].contains(&code));
        let passing = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS);
        if self.keyed.is_none() || !status.is_client_error() || passing || about_the_key {
            return Ok(());
        }
        let answer = Stored {
            status: status.as_u16(),
            content_type: PROBLEM_JSON.to_owned(),
            body: serde_json::to_vec(&error.problem()).map_err(AppError::internal)?,
        };
        let mut tx = state.db.tenant(self.principal.tenant).await?;
        self.finish(&state.vault, &mut tx, &answer).await?;
        Ok(tx.commit().await?)
    }
}

impl Keyed {
    fn context(&self, principal: &Principal) -> String {
        format!("idempotency/{}/{}/{}/{}", principal.tenant, principal.user, self.route, self.key)
    }

    /// Where the answer lies; `secrets::SEALED` names the row the same way.
    fn place(&self, principal: &Principal) -> Place {
        let row = format!("{} {} {}", principal.user, self.route, self.key);
        Place { tenant: Some(principal.tenant), table: "idempotency_keys", column: "response", row }
    }
}

impl Stored {
    /// An answer with a JSON body.
    fn json(status: StatusCode, body: &impl Serialize) -> Result<Self, AppError> {
        let body = if status == StatusCode::NO_CONTENT {
            Vec::new()
        } else {
            serde_json::to_vec(body).map_err(AppError::internal)?
        };
        Ok(Self { status: status.as_u16(), content_type: "application/json".to_owned(), body })
    }
}

impl IntoResponse for Stored {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut headers = HeaderMap::new();
        if !self.body.is_empty()
            && let Ok(content_type) = HeaderValue::from_str(&self.content_type)
        {
            headers.insert(CONTENT_TYPE, content_type);
        }
        (status, headers, self.body).into_response()
    }
}

fn in_progress() -> AppError {
    AppError::conflict(IN_PROGRESS, "a request with this Idempotency-Key is being worked on; ask again for its answer")
}

/// A JSON body together with the request's idempotency key.
#[derive(Debug)]
pub struct IdempotentJson<T>(pub Idempotency, pub T);

impl FromRequest<AppState> for Idempotency {
    type Rejection = AppError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, AppError> {
        let (mut parts, body) = request.into_parts();
        let principal = Principal::from_request_parts(&mut parts, state).await?;
        let body = body_bytes(Request::from_parts(parts.clone(), body), state).await?;
        Self::from_parts(state, principal, &parts, &body)
    }
}

impl<T: DeserializeOwned> FromRequest<AppState> for IdempotentJson<T> {
    type Rejection = AppError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, AppError> {
        let (mut parts, body) = request.into_parts();
        let principal = Principal::from_request_parts(&mut parts, state).await?;
        let bytes = body_bytes(Request::from_parts(parts.clone(), body), state).await?;
        let Json(value) =
            Json::<T>::from_request(Request::from_parts(parts.clone(), bytes.clone().into()), state).await?;
        Ok(Self(Idempotency::from_parts(state, principal, &parts, &bytes)?, value))
    }
}
