//! What the hooks answer.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use trunkline_calls::directory::{Directory, DirectoryAgent, DirectoryQueue, Target, e164};
use trunkline_calls::queueing::{Destination, VIP_PRIORITY};
use trunkline_db::{Db, QueueId, TenantId};
use trunkline_dialing::Mark;
use trunkline_journal::{Kind, NewEvent, Ref, Scope};
use trunkline_people::{Identity, IdentityType, Known};

use super::Hooks;
use super::ask::{Ask, Hook};
use super::caller_store::{self as store, Person};
use super::metrics::Via;
use super::place::{self, Place};
use super::tokens::Holder;
use super::vars::Vars;
use crate::state::AppState;

/// The variable that says how it went. The gateway sets it last: a dialplan that finds it knows that the others are there.
pub(super) const STATUS: &str = "TRUNKLINE_HOOK";

/// For so long an event is tried again behind the answer, and how often.
const EVENT_PATIENCE: Duration = Duration::from_mins(1);
const EVENT_PAUSE: Duration = Duration::from_millis(500);

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// Everything is there.
    Ok,
    /// The database did not answer in time: what only it knows has the fallback's value.
    Partial,
    /// The number called is nobody's, or leads to no queue.
    Unknown,
    /// The question cannot be understood.
    Failed,
    /// The token is none.
    Denied,
}

impl Status {
    /// All of them.
    pub(super) const ALL: [Self; 5] = [Self::Ok, Self::Partial, Self::Unknown, Self::Failed, Self::Denied];

    /// As the variable has it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Partial => "partial",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
            Self::Denied => "denied",
        }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: Status,
    /// All of the hook's variables, the status among them, last.
    pub(crate) vars: Vars,
}

impl Answer {
    /// The fallback of a hook: what its variables are when nobody answers. The subroutines in `asterisk/conf/extensions.conf.in` say the same.
    pub(crate) fn fallback(hook: Hook, status: Status) -> Self {
        Self { status, vars: fallback(hook) }.whole()
    }

    fn whole(mut self) -> Self {
        self.vars.set(STATUS, self.status.as_str());
        self
    }
}

/// The variables of a hook and their fallback values, in order.
pub(super) const fn variables(hook: Hook) -> &'static [(&'static str, &'static str)] {
    match hook {
        Hook::Caller => &[
            ("TRUNKLINE_CALLER_KNOWN", "0"),
            ("TRUNKLINE_CALLER_NUMBER", ""),
            ("TRUNKLINE_CALLER_NAME", ""),
            ("TRUNKLINE_CALLER_VIP", "0"),
            ("TRUNKLINE_CALLER_BLOCKED", "0"),
            ("TRUNKLINE_CALLER_LANGUAGE", ""),
            ("TRUNKLINE_CONTACT_ID", ""),
            ("TRUNKLINE_CONVERSATION_ID", ""),
            ("TRUNKLINE_LAST_AGENT", ""),
            ("TRUNKLINE_LAST_AGENT_ID", ""),
            ("TRUNKLINE_LAST_AGENT_EXTEN", ""),
        ],
        // Nobody is turned away because a computer did not answer.
        Hook::Hours => &[
            ("TRUNKLINE_OPEN", "1"),
            ("TRUNKLINE_HOURS_REASON", "fallback"),
            ("TRUNKLINE_HOURS_NEXT", ""),
            ("TRUNKLINE_HOURS_NEXT_EPOCH", ""),
            ("TRUNKLINE_HOURS_NEXT_LOCAL", ""),
        ],
        Hook::Route => &[
            ("TRUNKLINE_ROUTE", "default"),
            ("TRUNKLINE_ROUTE_REASON", "fallback"),
            ("TRUNKLINE_ROUTE_EXTEN", ""),
            ("TRUNKLINE_ROUTE_NUMBER", ""),
            ("TRUNKLINE_ROUTE_ID", ""),
            ("TRUNKLINE_ROUTE_NAME", ""),
            ("TRUNKLINE_PRIORITY", "0"),
        ],
        Hook::Event => &[("TRUNKLINE_EVENT", "lost")],
    }
}

fn fallback(hook: Hook) -> Vars {
    let mut vars = Vars::default();
    for (name, value) in variables(hook) {
        vars.set(name, value);
    }
    vars
}

impl Hooks {
    /// Answers. Never later than the deadline after `received`, whatever the database does.
    pub(crate) async fn answer(
        &self,
        state: &AppState,
        hook: Hook,
        ask: &Ask,
        holder: Option<&Holder>,
        (via, received): (Via, Instant),
    ) -> Answer {
        let answer = match state.calls.directory() {
            None => Answer::fallback(hook, Status::Partial),
            Some(directory) => {
                let asking =
                    Asking { hooks: self, state, directory: &directory, ask, deadline: received + self.0.deadline };
                asking.answer(hook, holder).await.whole()
            }
        };
        self.0.metrics.answered(hook, via, answer.status, received.elapsed());
        answer
    }

    /// A question whose token is none.
    pub(crate) fn denied(&self, hook: Hook, (via, received): (Via, Instant)) -> Answer {
        let answer = Answer::fallback(hook, Status::Denied);
        self.0.metrics.answered(hook, via, answer.status, received.elapsed());
        answer
    }

    /// What somebody is known by, asked in time; `Err`: it was not.
    async fn look_up(
        &self,
        db: &Db,
        tenant: TenantId,
        numbers: Vec<String>,
        deadline: Instant,
    ) -> Result<Option<Person>, Late> {
        if numbers.is_empty() {
            return Ok(None);
        }
        in_time(&self.0.lookups, deadline, {
            let db = db.clone();
            async move {
                let mut tx = db.tenant(tenant).await?;
                let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
                store::limit_time(&mut tx, u64::try_from(left.as_millis()).unwrap_or(1).max(1)).await?;
                let person = store::person(&mut tx, &numbers).await?;
                // Nothing was changed: the call does not wait for the transaction's end.
                tokio::spawn(tx.commit());
                anyhow::Ok(person)
            }
        })
        .await
    }
}

/// The database did not answer in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Late;

/// Waits for some work until the deadline. It runs on behind it, and keeps its place among the few that may, so that a database that hangs holds no
/// more than they.
async fn in_time<T: Send + 'static>(
    places: &Arc<Semaphore>,
    deadline: Instant,
    work: impl Future<Output = anyhow::Result<T>> + Send + 'static,
) -> Result<T, Late> {
    let places = Arc::clone(places);
    let working = async {
        let place = places.acquire_owned().await.map_err(|_| Late)?;
        let worked = tokio::spawn(async move {
            let result = work.await;
            drop(place);
            result
        });
        match worked.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                tracing::debug!(error = format!("{error:#}"), "a dialplan hook goes without the database");
                Err(Late)
            }
            Err(error) => {
                tracing::error!(%error, "a dialplan hook panicked");
                Err(Late)
            }
        }
    };
    tokio::time::timeout_at(deadline, working).await.unwrap_or(Err(Late))
}

/// A question being answered.
struct Asking<'a> {
    hooks: &'a Hooks,
    state: &'a AppState,
    directory: &'a Directory,
    ask: &'a Ask,
    deadline: Instant,
}

impl Asking<'_> {
    async fn answer(&self, hook: Hook, holder: Option<&Holder>) -> Answer {
        let vars = fallback(hook);
        let Some(place) = place::of(self.directory, self.ask, holder) else {
            return Answer { status: Status::Unknown, vars };
        };
        match hook {
            Hook::Caller => self.caller(place, vars).await,
            Hook::Hours => hours(self.directory, place, vars, Utc::now()),
            Hook::Route => self.route(place, vars).await,
            Hook::Event => self.event(place, holder, vars).await,
        }
    }

    async fn caller(&self, place: Place<'_>, mut vars: Vars) -> Answer {
        let numbers = self.numbers(place.tenant);
        let mark = self.mark(place.tenant, &numbers);
        if let Some(number) = numbers.first() {
            vars.set("TRUNKLINE_CALLER_NUMBER", number);
        }
        vars.set_flag("TRUNKLINE_CALLER_VIP", mark == Some(Mark::Vip));
        vars.set_flag("TRUNKLINE_CALLER_BLOCKED", mark == Some(Mark::Blocked));
        let found = self.hooks.look_up(&self.state.db, place.tenant, numbers, self.deadline).await;
        let Ok(person) = found else { return Answer { status: Status::Partial, vars } };
        if let Some(person) = person {
            vars.set_flag("TRUNKLINE_CALLER_KNOWN", true);
            vars.set("TRUNKLINE_CALLER_NAME", &person.name);
            vars.set_flag("TRUNKLINE_CALLER_BLOCKED", person.blocked || mark == Some(Mark::Blocked));
            vars.set("TRUNKLINE_CALLER_LANGUAGE", person.language.unwrap_or_default());
            vars.set("TRUNKLINE_CONTACT_ID", person.contact.to_string());
            vars.set("TRUNKLINE_CONVERSATION_ID", person.conversation.map(|id| id.to_string()).unwrap_or_default());
            let last = person.last_agent.and_then(|agent| self.directory.agents.get(&(place.tenant, agent)));
            if let Some(last) = last {
                vars.set("TRUNKLINE_LAST_AGENT", &last.name);
                vars.set("TRUNKLINE_LAST_AGENT_ID", last.id.to_string());
                vars.set("TRUNKLINE_LAST_AGENT_EXTEN", last.extension.as_deref().unwrap_or_default());
            }
        }
        Answer { status: Status::Ok, vars }
    }

    async fn route(&self, place: Place<'_>, mut vars: Vars) -> Answer {
        let now = Utc::now();
        let numbers = self.numbers(place.tenant);
        let mark = self.mark(place.tenant, &numbers);
        let known = place.number.is_some() || place.queue.is_some();
        if known && mark == Some(Mark::Blocked) {
            to(&mut vars, "hang_up", "blocked");
            return Answer { status: Status::Ok, vars };
        }
        let vip = if mark == Some(Mark::Vip) { VIP_PRIORITY } else { 0 };
        // What the number says for this moment; a queue named by its extension stands for itself.
        let (queue, why) = match place.number {
            None => (place.queue, "open"),
            Some((e164, number)) => {
                let (target, closed) = self.directory.way_of(number, now);
                let why = if closed { "closed" } else { "open" };
                match target {
                    Target::Queue(_) => (place::queue_behind(self.directory, target), why),
                    Target::Flow(_) => {
                        to(&mut vars, "flow", why);
                        vars.set("TRUNKLINE_ROUTE_NUMBER", e164);
                        return Answer { status: Status::Ok, vars };
                    }
                    Target::Agent(agent) => {
                        let Some(agent) = self.directory.agents.get(&(place.tenant, agent)) else {
                            return Answer { status: Status::Unknown, vars };
                        };
                        to_agent(&mut vars, agent, why);
                        return Answer { status: Status::Ok, vars };
                    }
                    // Whoever closes leaves a dialplan the choice to take a message.
                    Target::HangUp => {
                        to(&mut vars, if closed { "voicemail" } else { "hang_up" }, why);
                        return Answer { status: Status::Ok, vars };
                    }
                }
            }
        };
        let Some(queue) = queue else { return Answer { status: Status::Unknown, vars } };
        if !self.directory.is_queue_open(queue, now) {
            match &queue.routing.closed.to {
                Destination::Number(number) => {
                    to(&mut vars, "number", "closed");
                    vars.set("TRUNKLINE_ROUTE_NUMBER", number);
                }
                Destination::QueueId(other) => match self.directory.queues.get(&QueueId(*other)) {
                    Some(other) if other.tenant == place.tenant => self.to_queue(&mut vars, other, "closed", vip),
                    _ => to(&mut vars, "voicemail", "closed"),
                },
                Destination::HangUp | Destination::Voicemail | Destination::Callback => {
                    to(&mut vars, "voicemail", "closed");
                }
            }
            return Answer { status: Status::Ok, vars };
        }
        self.to_queue(&mut vars, queue, why, vip);
        // Who asks for the last agent is the queue's own rule, and only the database knows them.
        if queue.routing.sticky_seconds == 0 {
            return Answer { status: Status::Ok, vars };
        }
        let found = self.hooks.look_up(&self.state.db, place.tenant, numbers, self.deadline).await;
        let Ok(person) = found else { return Answer { status: Status::Partial, vars } };
        let last = person.filter(|person| person.last_agent_available).and_then(|person| person.last_agent);
        let last = last.and_then(|agent| self.directory.agents.get(&(place.tenant, agent)));
        if let Some(agent) = last
            && agent.extension.is_some()
            && queue.members.contains(&agent.id)
            && self.state.calls.reachable(place.tenant, agent.id)
        {
            to_agent(&mut vars, agent, "last_agent");
        }
        Answer { status: Status::Ok, vars }
    }

    fn to_queue(&self, vars: &mut Vars, queue: &DirectoryQueue, why: &str, more: i16) {
        to(vars, "queue", why);
        vars.set("TRUNKLINE_ROUTE_EXTEN", queue.extension.as_deref().unwrap_or_default());
        vars.set("TRUNKLINE_ROUTE_NUMBER", place::number_of(self.directory, self.ask, queue).unwrap_or_default());
        vars.set("TRUNKLINE_ROUTE_ID", queue.id.to_string());
        vars.set("TRUNKLINE_ROUTE_NAME", &queue.name);
        vars.set("TRUNKLINE_PRIORITY", queue.routing.priority.saturating_add(more).to_string());
    }

    async fn event(&self, place: Place<'_>, holder: Option<&Holder>, mut vars: Vars) -> Answer {
        let kind = self.ask.event_name().and_then(|name| format!("dialplan.{name}").parse::<Kind>().ok());
        let Some(kind) = kind else { return Answer { status: Status::Failed, vars } };
        let subject = match place.queue {
            Some(queue) => Ref::new("queue", queue.id.uuid()),
            None => Ref::new("tenant", place.tenant.uuid()),
        };
        // Numbers are for those who may see the queue's calls. Without a queue: for those who see everything, and the token's maker.
        let scope = match (place.queue, holder) {
            (Some(queue), _) => Scope::Queue(queue.id),
            (None, Some(holder)) => Scope::Agent(holder.maker.into()),
            (None, None) => Scope::Tenant,
        };
        let data = json!({
            "text": self.ask.text.as_deref().unwrap_or_default(),
            "from": self.ask.from.as_deref().map(e164),
            "to": self.ask.called.as_deref().map(e164),
            "channel": self.ask.channel,
        });
        let event = NewEvent::new(kind, subject, data).scopes([scope]);
        let (journal, tenant) = (self.state.journal.clone(), place.tenant);
        let written = in_time(&self.hooks.0.events, self.deadline, async move {
            let until = Instant::now() + EVENT_PATIENCE;
            loop {
                match journal.append(tenant, vec![event.clone()]).await {
                    Ok(_) => return Ok(()),
                    // Surely not written: who is late tries again, behind the answer.
                    Err(error) if error.is_unavailable() && Instant::now() < until => {
                        tokio::time::sleep(EVENT_PAUSE).await;
                    }
                    Err(error) => {
                        tracing::warn!(%tenant, %error, "an event of a dialplan is lost");
                        return Err(error.into());
                    }
                }
            }
        });
        let status = if written.await.is_ok() {
            vars.set("TRUNKLINE_EVENT", "written");
            Status::Ok
        } else {
            // Most likely it is written yet.
            vars.set("TRUNKLINE_EVENT", "late");
            Status::Partial
        };
        Answer { status, vars }
    }

    /// What the caller's number is known by, whichever way the carrier writes it: as an international number first, then as one of the tenant's
    /// own country, then as it came.
    fn numbers(&self, tenant: TenantId) -> Vec<String> {
        let Some(from) = self.ask.from.as_deref().filter(|from| is_number(from)) else { return Vec::new() };
        let policy = self.directory.dialing.get(&tenant);
        let country = policy.and_then(|policy| policy.rules.as_ref()).map(|rules| rules.country.to_string());
        let international = e164(from);
        let mut numbers = Vec::new();
        let read =
            [international.as_str(), from].map(|text| Known::read(IdentityType::Phone, text, country.as_deref()));
        let told = Known::all_of(&Identity::Phone(international.clone()), None);
        for known in read.into_iter().flatten().chain(told) {
            for form in [known.value, known.shown] {
                if !numbers.contains(&form) {
                    numbers.push(form);
                }
            }
        }
        numbers
    }

    fn mark(&self, tenant: TenantId, numbers: &[String]) -> Option<Mark> {
        let policy = self.directory.dialing.get(&tenant)?;
        numbers.iter().find_map(|number| policy.mark(number))
    }
}

fn to(vars: &mut Vars, where_to: &str, why: &str) {
    vars.set("TRUNKLINE_ROUTE", where_to);
    vars.set("TRUNKLINE_ROUTE_REASON", why);
}

fn to_agent(vars: &mut Vars, agent: &DirectoryAgent, why: &str) {
    to(vars, "agent", why);
    vars.set("TRUNKLINE_ROUTE_EXTEN", agent.extension.as_deref().unwrap_or_default());
    vars.set("TRUNKLINE_ROUTE_ID", agent.id.to_string());
    vars.set("TRUNKLINE_ROUTE_NAME", &agent.name);
}

fn hours(directory: &Directory, place: Place<'_>, mut vars: Vars, now: DateTime<Utc>) -> Answer {
    let Some(open) = place::open_now(directory, &place, now) else { return Answer { status: Status::Unknown, vars } };
    vars.set_flag("TRUNKLINE_OPEN", open.open);
    vars.set("TRUNKLINE_HOURS_REASON", open.why);
    if let Some(changes) = open.changes {
        vars.set("TRUNKLINE_HOURS_NEXT", changes.to_rfc3339_opts(SecondsFormat::Secs, true));
        vars.set("TRUNKLINE_HOURS_NEXT_EPOCH", changes.timestamp().to_string());
        vars.set("TRUNKLINE_HOURS_NEXT_LOCAL", open.local(changes));
    }
    Answer { status: Status::Ok, vars }
}

/// Whether a caller's id is a number: nobody is recognised by `anonymous`.
fn is_number(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.chars().all(|sign| sign.is_ascii_digit() || "+-() .*#".contains(sign)) && (3..=32).contains(&digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the subroutines fall back to is what the gateway calls so.
    #[test]
    fn the_subroutines_have_the_same_fallback() {
        let dialplan = include_str!("../../../asterisk/conf/extensions.conf.in");
        for hook in Hook::ALL {
            let context = format!("[trunkline-hook-{}]", hook.as_str());
            let (_, rest) = dialplan.split_once(&context).unwrap_or_else(|| panic!("no {context}"));
            let body = rest.split("\n[").next().unwrap_or_default();
            for (name, value) in variables(hook) {
                assert!(body.contains(&format!("Set({name}={value})")), "{context} lacks {name}={value}");
            }
        }
    }

    #[test]
    fn who_hides_their_number_is_nobody() {
        for number in ["+15550100", "0039 02 1234", "112"] {
            assert!(is_number(number), "{number}");
        }
        for name in ["", "anonymous", "12", "sip:1234", "+", "1234x"] {
            assert!(!is_number(name), "{name}");
        }
    }
}
