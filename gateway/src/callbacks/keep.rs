//! What a call does to the worklist.
//!
//! - A caller whom nobody served is to be called back: who gave up waiting (not at once: that was a wrong number), found nobody, came too late, or left a
//!   message. While somebody stands on the list, further calls of theirs count and make no second row.
//! - As soon as one of the house talks with that number, whoever called whom, it is done.
//! - A call of ours that nobody picked up is an attempt; after some of them it is given up.
//! - Who hides their number cannot be called back.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use trunkline_db::{AgentId, CallId, Db, DbError, TenantId, TenantTx};
use trunkline_journal::{Kind, NewEvent, Ref, Scope};
use uuid::Uuid;

use super::store::{self, Call, Entered, Entry, Told, Wanted, Why};
use crate::roster::Sight;
use crate::settings::of_all_tenants;
use crate::settings::registry::{CALLBACK_ATTEMPTS, CALLBACK_DAYS, SettingValue};

/// Who hangs up sooner than this in a menu, or in a queue that does not say it otherwise, did not want to be served.
const SHORT: TimeDelta = TimeDelta::seconds(5);

/// What a tenant has decided about its worklist.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    attempts: i32,
    stays: TimeDelta,
}

impl Terms {
    pub(super) async fn of(db: &Db, tenant: TenantId) -> Result<Self, DbError> {
        let mut tx = db.system().await?;
        let all = of_all_tenants(&mut tx, &[&CALLBACK_ATTEMPTS, &CALLBACK_DAYS]).await?;
        tx.commit().await?;
        let number = |setting, otherwise| match all.value(tenant, setting) {
            SettingValue::Number(number) => number,
            _ => otherwise,
        };
        let attempts = i32::try_from(number(&CALLBACK_ATTEMPTS, 3)).unwrap_or(3);
        Ok(Self { attempts, stays: TimeDelta::days(number(&CALLBACK_DAYS, 3)) })
    }

    /// Until when somebody stands on the list who came now.
    pub(super) fn until(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now + self.stays
    }
}

/// Something that is to be told of a row.
#[derive(Debug, Clone)]
pub(super) struct News {
    pub(super) kind: &'static str,
    pub(super) told: Told,
    pub(super) at: DateTime<Utc>,
    pub(super) by: Option<AgentId>,
}

impl News {
    /// Its event: for whom the queue's calls are, and for who has taken it.
    pub(super) fn event(self) -> NewEvent {
        let Told { id, call_id, queue_id, number, .. } = &self.told;
        let data = json!({
            "callback_id": id, "queue_id": queue_id, "number": number, "why": self.told.why, "state": self.told.state, "calls": self.told.calls,
            "attempts": self.told.attempts, "taken_by": self.told.taken_by, "last_call_id": self.told.last_call_id,
            "ended_by": self.told.ended_by,
        });
        let mut event = NewEvent::new(Kind::from_static(self.kind), Ref::call(*call_id), data).at(self.at);
        event.actor = self.by.map(Ref::agent);
        let scopes: Vec<Scope> =
            self.told.taken_by.map(Scope::Agent).into_iter().chain(queue_id.map(Scope::Queue)).collect();
        if scopes.is_empty() { event } else { event.scopes(scopes) }
    }
}

/// Whether a number can be called.
pub(super) fn can_be_called(number: &str) -> bool {
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let others = number.bytes().all(|sign| sign.is_ascii_digit() || b"+-() .*#".contains(&sign));
    others && (3..=32).contains(&digits)
}

/// Brings the worklist to what became of a call.
pub(super) async fn look_at(
    tx: &mut TenantTx<'_>,
    id: CallId,
    terms: Terms,
    news: &mut Vec<News>,
) -> Result<(), DbError> {
    let Some(call) = store::call(tx, id).await?.filter(|call| call.direction != "internal") else { return Ok(()) };
    if let Some(answered) = call.answered_at {
        // Somebody who called again while this call ran is not served by it.
        let done = store::talked(tx, id, call.theirs(), answered, call.agent_id).await?;
        news.extend(done.into_iter().map(|told| News { kind: "callback.done", told, at: answered, by: call.agent_id }));
        return Ok(());
    }
    let Some(ended) = call.ended_at else { return Ok(()) };
    if call.direction == "outbound" {
        return attempted(tx, id, &call, ended, terms, news).await;
    }
    store::keep_until(tx, id, terms.until(ended)).await?;
    let Some(why) = why(&call, ended) else { return Ok(()) };
    if !can_be_called(&call.from_number) {
        return Ok(());
    }
    let entry = Entry {
        call: id,
        queue: call.queue_id,
        number: &call.from_number,
        why,
        at: call.started_at,
        until: Some(terms.until(ended)),
    };
    if let Entered::News(told) = store::enter(tx, &entry).await? {
        news.push(News { kind: "callback.requested", told, at: ended, by: None });
    }
    Ok(())
}

/// Why a caller is to be called back, if they are.
fn why(call: &Call, ended: DateTime<Utc>) -> Option<Why> {
    if call.direction != "inbound" {
        return None;
    }
    if call.left_message {
        return Some(Why::Voicemail);
    }
    let short = call.short_abandon_s.map_or(SHORT, TimeDelta::seconds);
    match call.end_reason.as_deref()? {
        "abandoned_queue" => {
            let waited = ended - call.queued_at.unwrap_or(call.started_at);
            (waited >= short).then_some(Why::Abandoned)
        }
        "abandoned_ivr" => (ended - call.started_at >= short).then_some(Why::Abandoned),
        "no_answer" | "overflow" | "out_of_hours" => Some(Why::Missed),
        _ => None,
    }
}

async fn attempted(
    tx: &mut TenantTx<'_>,
    id: CallId,
    call: &Call,
    ended: DateTime<Utc>,
    terms: Terms,
    news: &mut Vec<News>,
) -> Result<(), DbError> {
    // One whose own phone was not picked up has called nobody.
    if !call.was_dialled {
        return Ok(());
    }
    for told in store::attempted(tx, id, &call.to_number, call.started_at).await? {
        let by = call.agent_id.or(call.dialled_by);
        if told.attempts >= terms.attempts
            && let Some(told) = store::give_up(tx, told.id, ended).await?
        {
            news.push(News { kind: "callback.unreached", told, at: ended, by });
        } else {
            news.push(News { kind: "callback.attempted", told, at: ended, by });
        }
    }
    Ok(())
}

/// A call is made for a row in the caller's sight: it becomes theirs, unless somebody else has it.
pub(crate) async fn link(
    tx: &mut TenantTx<'_>,
    callback: Uuid,
    call: CallId,
    by: AgentId,
    sight: &Sight,
) -> Result<Option<NewEvent>, DbError> {
    let wanted = Wanted { id: Some(callback), limit: 1, ..Wanted::default() };
    let Some(row) = store::list(tx, &wanted, sight).await?.pop() else { return Ok(None) };
    let told = store::link(tx, callback, call, by).await?.filter(|_| row.taken_by.is_none());
    Ok(told.map(|told| News { kind: "callback.taken", told, at: Utc::now(), by: Some(by) }.event()))
}

impl Call {
    /// The other side's number.
    fn theirs(&self) -> &str {
        if self.direction == "outbound" { &self.to_number } else { &self.from_number }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn who_hides_their_number_cannot_be_called_back() {
        for number in ["+15550100", "0039 02 1234", "112"] {
            assert!(can_be_called(number), "{number}");
        }
        for number in ["", "anonymous", "12", "+", "sip:1234", "1234567890123456789012345678901234"] {
            assert!(!can_be_called(number), "{number}");
        }
    }

    proptest! {
        #[test]
        fn any_caller_can_be_called_or_not(number in "\\PC{0,50}") {
            let _ = can_be_called(&number);
        }
    }
}
