//! What may be called: each rule as a sentence.

use std::collections::HashSet;

use chrono::{DateTime, TimeZone, Utc};
use trunkline_dialing::{
    Attempt, CostlyKind, Country, Day, Decision, HoursRule, Ledger, Lists, Load, PrefixRule, QueueCallerId, Rule,
    Rules, Usage, Window, decide,
};
use uuid::Uuid;

#[derive(Default)]
struct Listed {
    do_not_call: HashSet<String>,
    blocked: HashSet<String>,
}

impl Lists for Listed {
    fn do_not_call(&self, e164: &str, _now: DateTime<Utc>) -> bool {
        self.do_not_call.contains(e164)
    }

    fn blocked(&self, e164: &str) -> bool {
        self.blocked.contains(e164)
    }
}

const ROME: &str = "+390644121234";

fn country(letters: &str) -> Country {
    letters.parse().unwrap()
}

fn italy() -> Rules {
    Rules::of_country(country("IT"))
}

fn prefix(prefix: &str, allow: bool) -> PrefixRule {
    PrefixRule { prefix: prefix.to_owned(), allow, note: String::new() }
}

/// A Monday, 10:00 in Rome.
fn monday_morning() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 30, 9, 0, 0).unwrap()
}

fn with(to: &str, rules: &Rules, lists: &Listed, load: &Load) -> Decision {
    decide(&Attempt { to, queue: None, now: monday_morning() }, rules, lists, load)
}

fn ruled(to: &str, rules: &Rules) -> Option<Rule> {
    match with(to, rules, &Listed::default(), &Load::default()) {
        Decision::Allowed { .. } => None,
        Decision::Denied { rule, words, .. } => {
            assert!(words.ends_with('.'), "{words}");
            Some(rule)
        }
    }
}

#[test]
fn without_rules_only_the_own_country_s_ordinary_numbers_are_called() {
    let rules = italy();
    assert_eq!(ruled(ROME, &rules), None);
    assert_eq!(ruled("333 123 4567", &rules), None);
    assert_eq!(ruled("800 123456", &rules), None, "toll-free costs nothing");
    assert_eq!(ruled("+447400123456", &rules), Some(Rule::Country));
    assert_eq!(ruled("899 123456", &rules), Some(Rule::CostlyKind));
    assert_eq!(ruled("+870773111632", &rules), Some(Rule::CostlyKind));
    assert_eq!(ruled("+979123456789", &rules), Some(Rule::CostlyKind));
    assert_eq!(ruled("+80012345678", &rules), Some(Rule::Country));
    assert_eq!(ruled("+15550100", &rules), Some(Rule::UnknownRange));
    assert_eq!(ruled("4242", &rules), Some(Rule::ShortCode));
    assert_eq!(ruled("call me", &rules), Some(Rule::InvalidNumber));
}

#[test]
fn a_country_of_the_same_calling_code_is_another_country() {
    let mut rules = Rules::of_country(country("US"));
    assert_eq!(ruled("+18765551234", &rules), Some(Rule::Country), "Jamaica begins with +1 too");
    rules.countries.insert(country("JM"));
    assert_eq!(ruled("+18765551234", &rules), None);
}

#[test]
fn the_longest_prefix_decides_and_denying_wins_a_tie() {
    let mut rules = italy();
    rules.prefixes = vec![prefix("+44", true), prefix("+4474", false)];
    assert_eq!(ruled("+442079460958", &rules), None);
    assert_eq!(ruled("+447400123456", &rules), Some(Rule::Prefix));
    rules.prefixes = vec![prefix("+44", true), prefix("+44", false)];
    assert_eq!(ruled("+442079460958", &rules), Some(Rule::Prefix));
    rules.prefixes = vec![prefix("+39", false), prefix("+3906", true)];
    assert_eq!(ruled(ROME, &rules), None);
    assert_eq!(ruled("333 123 4567", &rules), Some(Rule::Prefix));
    rules.prefixes = vec![prefix("42", true)];
    assert_eq!(ruled("4242", &rules), None);
}

#[test]
fn an_allowed_prefix_opens_no_costly_kind() {
    let mut rules = italy();
    rules.prefixes = vec![prefix("+39", true), prefix("+39899", true), prefix("+870", true)];
    assert_eq!(ruled("899 123456", &rules), Some(Rule::CostlyKind));
    assert_eq!(ruled("+870773111632", &rules), Some(Rule::CostlyKind));
    rules.costly = [CostlyKind::Premium, CostlyKind::Satellite].into();
    assert_eq!(ruled("899 123456", &rules), None);
    assert_eq!(ruled("+870773111632", &rules), None);
}

#[test]
fn lists_hold_whatever_else_is_allowed() {
    let mut rules = italy();
    rules.prefixes = vec![prefix(ROME, true)];
    let mut lists = Listed::default();
    lists.do_not_call.insert(ROME.to_owned());
    let denied = with("06 44121234", &rules, &lists, &Load::default());
    assert!(matches!(denied, Decision::Denied { rule: Rule::DoNotCall, .. }), "{denied:?}");
    lists.do_not_call.clear();
    lists.blocked.insert(ROME.to_owned());
    let denied = with(ROME, &rules, &lists, &Load::default());
    assert!(matches!(denied, Decision::Denied { rule: Rule::Blocked, .. }), "{denied:?}");
}

#[test]
fn emergency_calls_are_held_back_by_nothing_but_the_lack_of_a_trunk() {
    let mut rules = italy();
    assert_eq!(ruled("112", &rules), Some(Rule::Emergency));
    rules.emergency = true;
    rules.prefixes = vec![prefix("1", false), prefix("112", false)];
    rules.hours = vec![HoursRule { countries: [].into(), windows: Vec::new() }];
    rules.caps.concurrent = Some(0);
    let mut lists = Listed::default();
    lists.do_not_call.insert("112".to_owned());
    lists.blocked.insert("112".to_owned());
    let full = Load { concurrent: 100, hour: 100_000, day: 100_000, ..Load::default() };
    assert!(with("112", &rules, &lists, &full).is_allowed());
}

fn nine_to_six(countries: &[&str]) -> HoursRule {
    let days = [Day::Monday, Day::Tuesday, Day::Wednesday, Day::Thursday, Day::Friday];
    let windows = days.map(|day| Window { day, from: 9 * 60, until: 18 * 60 });
    HoursRule { countries: countries.iter().map(|letters| country(letters)).collect(), windows: windows.to_vec() }
}

#[test]
fn people_are_called_by_their_own_clock() {
    let mut rules = Rules::of_country(country("US"));
    rules.countries = [country("IT"), country("GB")].into();
    rules.hours = vec![nine_to_six(&["US", "IT"])];
    // 09:00 UTC: 10 in Rome, 4 in New York, 9 in London, for which no rule is.
    assert_eq!(ruled(ROME, &rules), None);
    assert_eq!(ruled("+12125550123", &rules), Some(Rule::Hours));
    assert_eq!(ruled("+442079460958", &rules), None);
    rules.hours.push(HoursRule { countries: [].into(), windows: Vec::new() });
    assert_eq!(ruled("+442079460958", &rules), Some(Rule::Hours));
}

#[test]
fn a_number_that_may_be_in_several_zones_is_called_when_all_of_them_allow_it() {
    let mut rules = Rules::of_country(country("US"));
    rules.hours = vec![HoursRule {
        windows: vec![Window { day: Day::Monday, from: 8 * 60, until: 21 * 60 }],
        ..nine_to_six(&["US"])
    }];
    let at = |to, hour| {
        let now = Utc.with_ymd_and_hms(2026, 11, 30, hour, 0, 0).unwrap();
        decide(&Attempt { to, queue: None, now }, &rules, &Listed::default(), &Load::default()).is_allowed()
    };
    assert!(at("+12125550123", 15), "10 in New York");
    assert!(!at("+18005550123", 15), "5 in Honolulu");
    assert!(!at("+18005550123", 20), "10 in Honolulu and 15 in New York, but 6 on Tuesday on Guam");
}

#[test]
fn caps_count_calls_and_minutes() {
    let mut rules = italy();
    rules.countries.insert(country("GB"));
    rules.caps.concurrent = Some(2);
    rules.caps.per_hour_per_agent = Some(3);
    rules.caps.international_minutes_per_hour = Some(10);
    let (now, agent) = (monday_morning(), Uuid::from_u128(7));
    let mut ledger = Ledger::default();
    let call = |number: u128, minutes_ago: i64, ended: bool, international: bool| Usage {
        call: Uuid::from_u128(number),
        agent: Some(agent),
        international,
        began: now - chrono::Duration::minutes(minutes_ago),
        answered: Some(now - chrono::Duration::minutes(minutes_ago)),
        ended: ended.then_some(now),
    };
    let decided = |ledger: &Ledger, to: &str| match with(to, &rules, &Listed::default(), &ledger.load(now, Some(agent)))
    {
        Decision::Allowed { .. } => None,
        Decision::Denied { rule, .. } => Some(rule),
    };
    ledger.note(call(1, 5, false, false));
    assert_eq!(decided(&ledger, ROME), None);
    ledger.note(call(2, 5, false, false));
    assert_eq!(decided(&ledger, ROME), Some(Rule::Concurrent));
    ledger.ended(Uuid::from_u128(2), now);
    assert_eq!(decided(&ledger, ROME), None);
    ledger.note(call(3, 11, true, true));
    assert_eq!(decided(&ledger, ROME), Some(Rule::PerHourAgent));
    ledger.note(call(1, 70, true, false));
    assert_eq!(decided(&ledger, ROME), None, "international minutes hold no call at home back");
    assert_eq!(decided(&ledger, "+442079460958"), Some(Rule::InternationalMinutes));
    ledger.prune(now + chrono::Duration::days(2));
    assert_eq!(ledger, Ledger::default());
}

#[test]
fn the_queue_s_number_is_shown_before_the_tenant_s() {
    let mut rules = italy();
    let queue = Uuid::from_u128(1);
    let shown = |rules: &Rules, queue| match decide(
        &Attempt { to: ROME, queue, now: monday_morning() },
        rules,
        &Listed::default(),
        &Load::default(),
    ) {
        Decision::Allowed { caller_id, .. } => caller_id,
        Decision::Denied { words, .. } => panic!("{words}"),
    };
    assert_eq!(shown(&rules, Some(queue)), None);
    rules.caller_id = Some("+390611111111".to_owned());
    rules.queue_caller_ids = vec![QueueCallerId { queue_id: queue, number: "+390622222222".to_owned() }];
    assert_eq!(shown(&rules, Some(queue)).as_deref(), Some("+390622222222"));
    assert_eq!(shown(&rules, None).as_deref(), Some("+390611111111"));
    assert_eq!(shown(&rules, Some(Uuid::from_u128(2))).as_deref(), Some("+390611111111"));
}

#[test]
fn what_is_wrong_with_rules_is_named() {
    let field = |change: fn(&mut Rules)| {
        let mut rules = italy();
        change(&mut rules);
        rules.check().map_err(|invalid| invalid.field)
    };
    assert_eq!(field(|_| {}), Ok(()));
    let named = |name: &str| Err(name.to_owned());
    assert_eq!(
        field(|rules| rules.prefixes = vec![prefix("+39", true), prefix("39-", true)]),
        named("prefixes.1.prefix")
    );
    assert_eq!(field(|rules| rules.caller_id = Some("06 1234".to_owned())), named("caller_id"));
    assert_eq!(field(|rules| rules.caps.per_day = Some(2_000_000)), named("caps.per_day"));
    assert_eq!(
        field(|rules| rules.hours = vec![nine_to_six(&["IT"]), nine_to_six(&["FR", "IT"])]),
        named("hours.1.countries")
    );
    let backwards = |rules: &mut Rules| {
        rules.hours =
            vec![HoursRule { countries: [].into(), windows: vec![Window { day: Day::Monday, from: 600, until: 600 }] }];
    };
    assert_eq!(field(backwards), named("hours.0.windows"));
    let text = serde_json::to_string(&italy()).unwrap();
    assert_eq!(serde_json::from_str::<Rules>(&text).unwrap(), italy());
    assert!(serde_json::from_str::<Rules>(r#"{"country":"ZZ"}"#).is_err());
    assert_eq!(serde_json::from_str::<Rules>(r#"{"country":"IT"}"#).unwrap(), italy());
}
