//! After a shift: every call is in the journal once, from its beginning to its end, and in the figures once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use trunkline_tests::{Api, Scene, eventually};

/// Who hangs up sooner than this after the INVITE may be gone before Asterisk has handed the call to anybody.
const HANDED_ON: Duration = Duration::from_secs(1);

/// A customer as their phone tells it.
#[derive(Debug, Clone)]
pub(super) struct Customer {
    /// How long they meant to stay.
    pub(super) stays: Duration,
    pub(super) sent: Option<Instant>,
    pub(super) answered: bool,
    pub(super) over: Option<Instant>,
}

impl Customer {
    pub(super) fn new(stays: Duration) -> Self {
        Self { stays, sent: None, answered: false, over: None }
    }
}

/// What became of all calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    /// Calls that customers made and the journal knows.
    pub(super) calls: usize,
    /// Gone before Asterisk had handed them on.
    at_once: usize,
    offered: i64,
    outcomes: Outcomes,
    transfers: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Outcomes {
    answered: i64,
    abandoned: i64,
    overflowed: i64,
    unserved: i64,
}

impl Outcomes {
    fn all(self) -> i64 {
        self.answered + self.abandoned + self.overflowed + self.unserved
    }
}

impl Account {
    pub(super) fn said(&self) -> String {
        let Outcomes { answered, abandoned, overflowed, unserved } = self.outcomes;
        format!(
            "{} calls ({} more hung up before Asterisk handed them on), each begun and ended once; offered {} = answered {answered} + \
             abandoned {abandoned} + overflowed {overflowed} + unserved {unserved}; {} handed over; the figures are the journal's; nothing left in Asterisk",
            self.calls, self.at_once, self.offered, self.transfers
        )
    }
}

/// Holds the journal, the calls' records and the figures against what customers did.
pub(super) async fn of(scene: &Scene, customers: &BTreeMap<String, Customer>) -> anyhow::Result<Account> {
    let api = &scene.admin;
    let records = eventually(Duration::from_secs(20), async || {
        let records = records(api).await?;
        let open: Vec<&Value> = records.iter().filter(|call| call["state"] != "ended").collect();
        ensure!(open.is_empty(), "calls have not ended: {open:#?}");
        Ok(records)
    })
    .await?;
    let (mut by_number, mut inbound) = (BTreeMap::<String, usize>::new(), Vec::new());
    for call in records.iter().filter(|call| call["direction"] == "inbound") {
        let from: String = call["from"].as_str().unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
        *by_number.entry(from).or_default() += 1;
        inbound.push(call);
    }
    let at_once = every_customer_once(&by_number, customers)?;

    let told = eventually(Duration::from_secs(20), async || {
        let told = journal(api).await?;
        match told.iter().find(|(_, times)| **times != (1, 1)) {
            Some((id, times)) => bail!("call {id} began and ended {times:?} times"),
            None => Ok(told),
        }
    })
    .await?;
    ensure!(told.len() == records.len(), "{} calls in the journal, {} records", told.len(), records.len());
    for call in &records {
        let legs = call["legs"].as_array().context("legs")?;
        ensure!(told.contains_key(call["id"].as_str().unwrap_or_default()), "not in the journal: {call}");
        ensure!(legs.iter().all(|leg| leg["ended_at"].is_string()), "a leg has not ended: {call:#}");
    }
    let (offered, outcomes, transfers) = figures(api, inbound.len()).await?;
    Ok(Account { calls: inbound.len(), at_once, offered, outcomes, transfers })
}

/// How many were gone too soon; all others have exactly one record.
fn every_customer_once(
    by_number: &BTreeMap<String, usize>,
    customers: &BTreeMap<String, Customer>,
) -> anyhow::Result<usize> {
    let mut at_once = 0;
    for (number, customer) in customers {
        let lasted = customer.over.zip(customer.sent).map(|(over, sent)| over.saturating_duration_since(sent));
        match by_number.get(number).copied().unwrap_or(0) {
            1 => {}
            // Who meant to go and was never answered; the cancelling itself may take a while on a busy machine.
            0 if !customer.answered && customer.stays < HANDED_ON => at_once += 1,
            times => bail!("{number}, who stayed {lasted:?}, is {times} calls: {customer:?}"),
        }
    }
    if let Some(stranger) = by_number.keys().find(|number| !customers.contains_key(*number)) {
        bail!("a call from {stranger}, whom nobody knows");
    }
    Ok(at_once)
}

async fn records(api: &Api) -> anyhow::Result<Vec<Value>> {
    let (mut all, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let next = cursor.take().map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
        let page = api.get(&format!("/calls?limit=50{next}")).await?;
        all.extend(page["items"].as_array().context("calls")?.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return Ok(all),
        }
    }
}

/// How often each call began and ended.
async fn journal(api: &Api) -> anyhow::Result<BTreeMap<String, (usize, usize)>> {
    let mut told = BTreeMap::<String, (usize, usize)>::new();
    let mut after = 0;
    loop {
        let page = api.get(&format!("/events?kinds=call.started,call.ended&limit=1000&after={after}")).await?;
        for event in page["items"].as_array().context("events")? {
            let id = event["subject"]["id"].as_str().context("a subject")?;
            let times = told.entry(id.to_owned()).or_default();
            if event["kind"] == "call.started" { times.0 += 1 } else { times.1 += 1 }
        }
        after = page["next_after"].as_i64().context("next_after")?;
        if after >= page["as_of_seq"].as_i64().context("as_of_seq")? {
            return Ok(told);
        }
    }
}

/// What the reports say, once they have seen the end of every call.
async fn figures(api: &Api, calls: usize) -> anyhow::Result<(i64, Outcomes, i64)> {
    // Around midnight a shift has two days.
    let today = chrono::Utc::now().date_naive();
    let (from, to) = (today - chrono::Days::new(1), today + chrono::Days::new(1));
    let path = format!("/reports/calls?from={from}&to={to}&interval=day&by=none");
    eventually(Duration::from_secs(20), async || {
        let report = api.get(&path).await?;
        let rows = report["items"].as_array().context("rows")?;
        let sum = |name: &str| rows.iter().filter_map(|row| row["figures"][name].as_i64()).sum::<i64>();
        let outcomes = Outcomes {
            answered: sum("answered"),
            abandoned: sum("abandoned"),
            overflowed: sum("overflowed"),
            unserved: sum("unserved"),
        };
        let offered = sum("offered");
        ensure!(offered == outcomes.all(), "offered {offered}, of which became {outcomes:?}");
        // Whoever calls the number comes into its queue; who is handed on to a queue is offered again.
        ensure!(offered >= i64::try_from(calls)?, "{calls} calls, of which {offered} were offered");
        Ok((offered, outcomes, sum("transfers_in")))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customer(stays: u64, answered: bool) -> Customer {
        let now = Instant::now();
        let stays = Duration::from_millis(stays);
        Customer { answered, sent: Some(now), over: Some(now + stays), ..Customer::new(stays) }
    }

    fn numbers(of: &[(&str, usize)]) -> BTreeMap<String, usize> {
        of.iter().map(|(number, times)| ((*number).to_owned(), *times)).collect()
    }

    #[test]
    fn only_who_was_gone_at_once_may_be_unknown() {
        let customers = |of: &[(&str, Customer)]| {
            of.iter().map(|(number, customer)| ((*number).to_owned(), customer.clone())).collect::<BTreeMap<_, _>>()
        };
        let known = customers(&[("1", customer(20, false)), ("2", customer(5000, true))]);
        assert_eq!(every_customer_once(&numbers(&[("2", 1)]), &known).unwrap(), 1);
        assert_eq!(every_customer_once(&numbers(&[("1", 1), ("2", 1)]), &known).unwrap(), 0);
        // One too few, one too often, one too many.
        assert!(every_customer_once(&numbers(&[("1", 1)]), &known).is_err());
        assert!(every_customer_once(&numbers(&[("1", 1), ("2", 2)]), &known).is_err());
        assert!(every_customer_once(&numbers(&[("1", 1), ("2", 1), ("3", 1)]), &known).is_err());
        // Who was answered was handed on.
        assert!(every_customer_once(&numbers(&[]), &customers(&[("1", customer(20, true))])).is_err());
    }
}
