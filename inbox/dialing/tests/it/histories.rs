//! What holds for any text, any rules and any load.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeZone, Utc};
use proptest::prelude::*;
use trunkline_dialing::{
    Attempt, Caps, CostlyKind, Country, Decision, Kind, Lists, Load, PrefixRule, Rule, Rules, decide, is_e164,
    normalise,
};

struct Nobody;

impl Lists for Nobody {
    fn do_not_call(&self, _e164: &str, _now: DateTime<Utc>) -> bool {
        false
    }

    fn blocked(&self, _e164: &str) -> bool {
        false
    }
}

struct Everybody;

impl Lists for Everybody {
    fn do_not_call(&self, _e164: &str, _now: DateTime<Utc>) -> bool {
        true
    }

    fn blocked(&self, _e164: &str) -> bool {
        true
    }
}

fn countries() -> impl Strategy<Value = Country> {
    prop::sample::select(vec!["IT", "US", "RU", "GB", "DE", "BR", "MX", "AR", "KZ", "VA", "SM", "IN", "JM"])
        .prop_map(|letters| letters.parse().unwrap())
}

/// Texts as people and machines write numbers, and any text at all.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[+]?[0-9]{1,17}",
        2 => "(\\+|00)?(1|7|39|44|49|55|52|54|870|881|979|800)[0-9]{3,13}",
        2 => "(tel:)?\\+?[0-9 ()./-]{1,30}",
        1 => any::<String>(),
    ]
}

fn rules() -> impl Strategy<Value = Rules> {
    let prefixes = prop::collection::vec(("\\+?[0-9]{1,6}", any::<bool>()), 0..6);
    let costly = prop::collection::btree_set(
        prop::sample::select(vec![
            CostlyKind::Premium,
            CostlyKind::SharedCost,
            CostlyKind::Satellite,
            CostlyKind::Personal,
        ]),
        0..4,
    );
    (countries(), prop::collection::btree_set(countries(), 0..5), prefixes, costly, any::<bool>()).prop_map(
        |(country, countries, prefixes, costly, emergency)| Rules {
            countries,
            prefixes: prefixes
                .into_iter()
                .map(|(prefix, allow)| PrefixRule { prefix, allow, note: String::new() })
                .collect(),
            costly,
            emergency,
            caps: Caps::default(),
            ..Rules::of_country(country)
        },
    )
}

fn now() -> DateTime<Utc> {
    Utc.timestamp_opt(1_790_000_000, 0).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_is_read_or_refused_and_reading_twice_changes_nothing(text in texts(), home in countries()) {
        if let Ok(number) = normalise(&text, home) {
            prop_assert_eq!(normalise(&number.text, home), Ok(number.clone()));
            let is_short = matches!(number.kind, Kind::Emergency | Kind::ShortCode);
            prop_assert_eq!(is_e164(&number.text), !is_short, "{:?}", number);
        }
    }

    #[test]
    fn an_international_number_is_the_same_from_everywhere(text in "\\+[0-9]{1,16}", one in countries(), other in countries()) {
        prop_assert_eq!(normalise(&text, one), normalise(&text, other));
    }

    #[test]
    fn a_denied_prefix_is_never_allowed_whatever_else_is_set(text in texts(), mut rules in rules(), length in 1..16_usize) {
        if let Ok(number) = normalise(&text, rules.country)
            && number.kind != Kind::Emergency
            && let Some(prefix) = number.text.get(..length.min(number.text.len()))
            && prefix != "+"
        {
            // As long as every other that fits, or longer.
            rules.prefixes.retain(|rule| rule.prefix.len() <= prefix.len());
            rules.prefixes.push(PrefixRule { prefix: prefix.to_owned(), allow: false, note: String::new() });
            let decision = decide(&Attempt { to: &text, queue: None, now: now() }, &rules, &Nobody, &Load::default());
            prop_assert!(matches!(decision, Decision::Denied { rule: Rule::Prefix, .. }), "{:?}", decision);
        }
    }

    #[test]
    fn what_is_allowed_is_allowed_by_name(text in texts(), rules in rules()) {
        let decision = decide(&Attempt { to: &text, queue: None, now: now() }, &rules, &Nobody, &Load::default());
        if let Decision::Allowed { number, .. } = decision {
            let open: BTreeSet<_> = rules.countries.iter().copied().chain([rules.country]).collect();
            let by_prefix = rules.prefixes.iter().any(|rule| rule.allow && number.text.starts_with(&rule.prefix));
            let by_country = number.country.is_some_and(|country| open.contains(&country));
            let costly = CostlyKind::of(number.kind);
            prop_assert!(costly.is_none_or(|costly| rules.costly.contains(&costly)));
            prop_assert!(by_prefix || by_country || costly.is_some());
            prop_assert!(number.kind != Kind::Emergency || rules.emergency);
        }
    }

    #[test]
    fn nobody_on_a_list_is_called_and_no_cap_is_passed(text in texts(), rules in rules()) {
        let attempt = Attempt { to: &text, queue: None, now: now() };
        let full = Load { concurrent: u32::MAX, ..Load::default() };
        for decision in [
            decide(&attempt, &rules, &Everybody, &Load::default()),
            decide(&attempt, &rules, &Nobody, &full),
        ] {
            if let Decision::Allowed { number, .. } = decision {
                prop_assert_eq!(number.kind, Kind::Emergency);
            }
        }
    }
}
