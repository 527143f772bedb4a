//! Who somebody is, given who holds what.

use proptest::prelude::*;
use trunkline_channels::model::Identity;
use trunkline_db::ContactId;
use trunkline_people::{Holder, Known, decide};
use uuid::Uuid;

fn known(identities: &[Identity]) -> Vec<Known> {
    Known::of_seen(identities, None)
}

fn holder(contact: u128, person: u128) -> Holder {
    Holder { contact: ContactId(Uuid::from_u128(contact)), person: ContactId(Uuid::from_u128(person)) }
}

fn told() -> Vec<Known> {
    known(&[Identity::WhatsappId("393331234567".to_owned()), Identity::WhatsappUser("IT.1".to_owned())])
}

#[test]
fn nobody_holds_anything_it_is_somebody_new() {
    let decision = decide(&told(), &[None, None, None]);
    assert_eq!((decision.contact, decision.learn.len(), decision.doubts.len()), (None, 3, 0));
}

#[test]
fn one_is_recognised_and_the_rest_is_learned() {
    let decision = decide(&told(), &[None, None, Some(holder(1, 1))]);
    assert_eq!(decision.contact, Some(holder(1, 1).contact));
    assert_eq!(decision.learn, [0, 1]);
    assert!(decision.doubts.is_empty());
}

#[test]
fn of_several_the_providers_own_is_who_wrote_and_the_others_are_doubts() {
    let decision = decide(&told(), &[Some(holder(1, 1)), Some(holder(2, 2)), Some(holder(3, 2))]);
    assert_eq!(decision.contact, Some(holder(1, 1).contact));
    assert_eq!(decision.doubts, [(ContactId(Uuid::from_u128(2)), 1)], "each person once");
    assert!(decision.learn.is_empty());
}

#[test]
fn contacts_of_one_person_are_no_doubt() {
    let decision = decide(&told(), &[Some(holder(1, 9)), Some(holder(2, 9)), None]);
    assert_eq!(decision.contact, Some(holder(1, 9).contact));
    assert!(decision.doubts.is_empty());
}

#[test]
fn nobody_is_recognised_by_a_user_name() {
    let told = known(&[Identity::Username("anna".to_owned()), Identity::TelegramId(7)]);
    let decision = decide(&told, &[Some(holder(1, 1)), None]);
    assert_eq!(decision.contact, None);
    assert_eq!(decision.learn, [0, 1]);
}

proptest! {
    #[test]
    fn what_is_decided_holds_together(held in prop::collection::vec(prop::option::of((1..5u128, 1..3u128)), 0..6)) {
        let told: Vec<Known> = (0..held.len()).flat_map(|n| known(&[Identity::TelegramId(n as i64)])).collect();
        // A contact is of one person.
        let held: Vec<_> = held.into_iter().map(|one| one.map(|(contact, persons)| holder(contact, contact % persons + 10))).collect();
        let consistent: Vec<Option<Holder>> = held
            .iter()
            .map(|one| one.map(|one| *held.iter().flatten().find(|first| first.contact == one.contact).unwrap()))
            .collect();
        let decision = decide(&told, &consistent);
        let first = consistent.iter().flatten().next();
        prop_assert_eq!(decision.contact, first.map(|holder| holder.contact));
        let free: Vec<usize> = consistent.iter().enumerate().filter(|(_, one)| one.is_none()).map(|(place, _)| place).collect();
        prop_assert_eq!(&decision.learn, &free);
        for (contact, place) in &decision.doubts {
            let holder = consistent[*place].unwrap();
            prop_assert_eq!(holder.contact, *contact);
            prop_assert_ne!(holder.person, first.unwrap().person);
        }
        let mut people: Vec<_> = consistent.iter().flatten().map(|holder| holder.person).collect();
        people.sort();
        people.dedup();
        prop_assert_eq!(decision.doubts.len(), people.len().saturating_sub(1));
    }
}
