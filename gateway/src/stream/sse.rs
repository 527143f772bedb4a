//! Server-sent events: the same stream for clients that only read.

use std::fmt::Write as _;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use tokio::sync::watch;
use tokio::time::Instant;
use trunkline_journal::{Filter, Item, Seq, Start, Subscription};
use uuid::Uuid;

use super::grants::Grants;
use super::registry::Entered;
use crate::auth::Principal;
use crate::http::{AppError, Permission, principal_of};
use crate::state::AppState;

/// Proxies close what is silent for longer than half a minute or so.
const COMMENT_EVERY: Duration = Duration::from_secs(15);

/// Begins the stream. Without a position it begins with the oldest event that is kept, like a page.
pub(super) async fn open(
    state: AppState,
    principal: Principal,
    grants: Grants,
    filter: Filter,
    mut start: Start,
) -> Result<Response, AppError> {
    let entered = state
        .streams
        .enter(principal.tenant, principal.user, grants)
        .ok_or_else(|| AppError::too_many("too many live streams of this user; close one first", 10))?;
    let seat = state.journal.hub().join(principal.tenant).await?;
    let standing = seat.standing();
    if start.after.is_none() {
        start.after = Some(standing.oldest.previous());
    }
    let subscription = seat.subscribe(start, filter).await?;
    let open = state.metrics.stream_connections.with_label_values(&["sse"]);
    open.inc();
    let ends_in = (principal.expires_at - Utc::now()).to_std().unwrap_or_default();
    let live = Live {
        ended: state.sessions.watch(),
        subscription,
        epoch: standing.epoch,
        token_ends: Instant::now() + ends_in,
        principal,
        _open: OpenGauge(open),
        _entered: entered,
        state,
        over: false,
        greeted: false,
    };
    let body = Body::from_stream(futures_util::stream::unfold(live, |mut live| async move {
        let text = live.next().await?;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(text)), live))
    }));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // nginx would gather what has to be seen at once.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, body).into_response())
}

struct OpenGauge(prometheus::IntGauge);

impl Drop for OpenGauge {
    fn drop(&mut self) {
        self.0.dec();
    }
}

struct Live {
    state: AppState,
    principal: Principal,
    subscription: Subscription,
    epoch: Uuid,
    token_ends: Instant,
    ended: watch::Receiver<()>,
    over: bool,
    greeted: bool,
    _open: OpenGauge,
    _entered: Entered,
}

impl Live {
    /// The next piece of the body; `None` ends it. A client comes back by itself, with `Last-Event-ID`.
    async fn next(&mut self) -> Option<String> {
        if self.over {
            return None;
        }
        if !self.greeted {
            self.greeted = true;
            return Some("retry: 2000\n\n".to_owned());
        }
        loop {
            let comment_at = Instant::now() + COMMENT_EVERY;
            tokio::select! {
                batch = self.subscription.next() => {
                    let mut text = String::new();
                    let mut events = 0;
                    for item in &batch.items {
                        events += u64::from(matches!(item, Item::Event(_)));
                        self.write(item, &mut text);
                    }
                    self.state.metrics.stream_frames.inc_by(events);
                    return Some(text);
                }
                _ = self.ended.changed() => {
                    if self.state.cancel.is_cancelled() {
                        return None;
                    }
                    let now = principal_of(&self.state, &self.principal.identity()).ok();
                    self.principal = now.filter(|principal| principal.may(Permission::EventsRead))?;
                }
                () = tokio::time::sleep_until(comment_at.min(self.token_ends)) => {
                    if Instant::now() >= self.token_ends {
                        return None;
                    }
                    return Some(":\n\n".to_owned());
                }
            }
        }
    }

    fn write(&mut self, item: &Item, text: &mut String) {
        let epoch = self.epoch;
        let mut passed = |event: &str, seq: Seq, data: String| {
            let _ = write!(text, "event: {event}\nid: {epoch}:{seq}\ndata: {data}\n\n");
        };
        match item {
            Item::Event(frame) => {
                let _ = write!(text, "id: {epoch}:{}\ndata: {}\n\n", frame.seq(), frame.event_str());
            }
            Item::Skipped(through) => passed("skipped", *through, format!(r#"{{"through":{through}}}"#)),
            Item::CaughtUp(seq) => passed("caught_up", *seq, format!(r#"{{"seq":{seq}}}"#)),
            Item::Signal(signal) => {
                let _ = write!(text, "event: signal\ndata: {}\n\n", signal.text().as_str());
            }
            Item::Reset(reset) => {
                let _ = write!(text, "event: reset\ndata: {{\"reason\":\"{}\"}}\n\n", reset.as_str());
                self.over = true;
            }
        }
    }
}
