//! What somebody is known by, in its one form.

use proptest::prelude::*;
use trunkline_channels::model::Identity;
use trunkline_people::{IdentityType, Known, are_alike, name};

fn pairs(identities: &[Identity]) -> Vec<(IdentityType, String)> {
    Known::of_seen(identities, Some("BR")).into_iter().map(|known| (known.kind, known.value)).collect()
}

#[test]
fn a_whatsapp_id_is_a_number_too() {
    let known = Known::of_seen(&[Identity::WhatsappId("553196883193".to_owned())], None);
    assert_eq!(known[0].kind, IdentityType::WhatsappId);
    assert_eq!(known[0].value, "553196883193");
    assert_eq!((known[1].kind, known[1].value.as_str()), (IdentityType::Phone, "+5531996883193"));
    assert!(known[1].implied && !known[0].implied);
}

#[test]
fn what_is_told_twice_is_kept_once() {
    let told = [Identity::WhatsappId("553196883193".to_owned()), Identity::Phone("+5531996883193".to_owned())];
    assert_eq!(
        pairs(&told),
        [(IdentityType::WhatsappId, "553196883193".to_owned()), (IdentityType::Phone, "+5531996883193".to_owned())]
    );
    assert!(Known::of_seen(&told, None).iter().all(|known| !known.implied), "the number was told itself");
}

#[test]
fn a_bsuid_is_no_number() {
    let told = [Identity::WhatsappUser("BR.1234567890".to_owned())];
    assert_eq!(pairs(&told), [(IdentityType::WhatsappUser, "BR.1234567890".to_owned())]);
}

#[test]
fn an_address_is_one_however_it_is_written() {
    let read = |text| Known::read(IdentityType::Email, text, None).map(|known| (known.value, known.shown));
    assert_eq!(read(" Anna@Example.ORG "), Some(("anna@example.org".to_owned(), "Anna@Example.ORG".to_owned())));
    for wrong in ["anna", "@example.org", "anna@example", "a b@example.org", "anna@.org", ""] {
        assert_eq!(read(wrong), None, "{wrong:?}");
    }
}

#[test]
fn a_user_name_is_known_without_its_sign() {
    assert_eq!(pairs(&[Identity::Username("@Anna".to_owned())]), [(IdentityType::Username, "anna".to_owned())]);
    assert!(!IdentityType::Username.recognises());
    assert_eq!(pairs(&[Identity::Username("@".to_owned())]), []);
}

#[test]
fn what_grows_past_its_room_when_it_is_made_small_is_left_out() {
    let longest = "Ⱥ".repeat(85);
    assert_eq!(pairs(&[Identity::Username(longest.clone())]), [(IdentityType::Username, "ⱥ".repeat(85))]);
    assert_eq!(pairs(&[Identity::Username(longest + "Ⱥ")]), []);
    assert_eq!(pairs(&[Identity::Phone("Ⱥ".repeat(128))]), []);
    let with_its_sign = "a".repeat(255);
    assert_eq!(pairs(&[Identity::Username(with_its_sign.clone())]), [(IdentityType::Username, with_its_sign)]);
    assert_eq!(pairs(&[Identity::Username("@ @ Anna".to_owned())]), [(IdentityType::Username, "anna".to_owned())]);
}

#[test]
fn a_senders_name_is_kept_as_it_is() {
    assert_eq!(pairs(&[Identity::Phone("ACME".to_owned())]), [(IdentityType::Phone, "acme".to_owned())]);
}

#[test]
fn names_are_freed_of_what_cannot_be_seen() {
    assert_eq!(name("  Anna \u{0}\n Berg "), Some("Anna Berg".to_owned()));
    assert_eq!(name("\u{202e}anna\u{202c}"), Some("anna".to_owned()));
    assert_eq!(name("\u{200b}\u{200d}\u{feff}"), None);
    assert_eq!(name("\u{3164}"), None);
    assert_eq!(name("👩‍💻"), Some("👩‍💻".to_owned()));
    assert_eq!(name(&"x".repeat(500)).unwrap().chars().count(), 200);
}

#[test]
fn names_are_alike_by_words_or_by_a_slip() {
    assert!(are_alike("Anna Berg", "berg, anna"));
    assert!(are_alike("Anna", "Anna Berg"));
    assert!(are_alike("Annabell Berg", "Anabell Berg"));
    assert!(!are_alike("Anna Berg", "Otto Berg"));
    assert!(!are_alike("A", "A B"));
    assert!(!are_alike("", "Anna"));
}

proptest! {
    #[test]
    fn nothing_told_is_kept_that_the_table_refuses(text in "[\\PC\u{0}-\u{20}]{0,400}", kind in 0..7usize) {
        let kinds = ["phone", "whatsapp_id", "whatsapp_user", "telegram_id", "username", "email", "visitor"];
        let kind = IdentityType::parse(kinds[kind]).unwrap();
        if let Some(known) = Known::read(kind, &text, Some("BR")) {
            for text in [&known.value, &known.shown] {
                let holds_nul = text.contains('\u{0}');
                prop_assert!(!text.is_empty() && text.len() <= 256 && !holds_nul);
            }
            // What was normal stays what it is.
            let again = Known::read(kind, &known.value, None);
            prop_assert_eq!(again.map(|again| again.value), Some(known.value));
        }
        if let Some(name) = name(&text) {
            prop_assert!(!name.is_empty() && name.chars().count() <= 200);
            let again = trunkline_people::name(&name);
            prop_assert_eq!(again.as_deref(), Some(name.as_str()));
        }
    }

    #[test]
    fn likeness_has_no_direction(one in "[a-zA-Z ]{0,20}", other in "[a-zA-Z ]{0,20}") {
        prop_assert_eq!(are_alike(&one, &other), are_alike(&other, &one));
    }
}
