//! One number, however it is written.

use proptest::prelude::*;
use trunkline_people::phone::{Phone, variants};

fn value(text: &str) -> String {
    Phone::read(text, None).unwrap_or_else(|| panic!("{text} is a number")).value().to_owned()
}

#[test]
fn a_brazilian_mobile_is_one_with_and_without_its_ninth_digit() {
    assert_eq!(value("+55 31 9 9688-3193"), "+5531996883193");
    assert_eq!(value("+55 31 9688-3193"), "+5531996883193");
    assert_eq!(variants("+553196883193"), ["+5531996883193", "+553196883193"]);
}

#[test]
fn a_brazilian_house_gets_no_ninth_digit() {
    assert_eq!(value("+554532782153"), "+554532782153");
    assert_eq!(variants("+554532782153"), ["+554532782153"]);
    // A 9 before what was never a mobile's number belongs to another number.
    assert_eq!(variants("+5545932782153"), ["+5545932782153"]);
}

#[test]
fn a_mexican_mobile_is_one_with_and_without_the_1() {
    assert_eq!(value("+52 1 55 1234 5678"), "+525512345678");
    assert_eq!(variants("+525512345678"), ["+525512345678", "+5215512345678"]);
}

#[test]
fn an_argentine_mobile_is_one_with_the_9_with_the_15_and_without() {
    for written in ["+54 9 11 5493-3738", "+54 11 15 5493-3738", "+54 11 5493-3738"] {
        assert_eq!(value(written), "+541154933738", "{written}");
    }
    assert_eq!(value("+54 9 221 555-1234"), "+542215551234");
    assert_eq!(value("+54 221 15 555-1234"), "+542215551234");
    assert_eq!(value("+54 2901 15 41-2345"), "+542901412345");
    assert!(variants("+541154933738").contains(&"+54111554933738".to_owned()));
}

#[test]
fn numbers_of_before_a_new_plan_are_those_of_after() {
    assert_eq!(value("+225 47 12 34 56"), "+2250747123456");
    assert_eq!(value("+225 05 12 34 56"), "+2250505123456");
    assert_eq!(value("+225 01 12 34 56"), "+2250101123456");
    assert_eq!(variants("+2250747123456"), ["+2250747123456", "+22547123456"]);
    assert_eq!(value("+229 97 12 34 56"), "+2290197123456");
    assert_eq!(value("+229 01 97 12 34 56"), "+2290197123456");
}

#[test]
fn a_national_number_is_read_by_its_country() {
    assert_eq!(Phone::read("06 1234 5678", Some("IT")).unwrap().value(), "+390612345678");
    assert_eq!(Phone::read("(11) 98765-4321", Some("BR")).unwrap().value(), "+5511987654321");
    assert_eq!(Phone::read("06 1234 5678", None), None, "of no country it is no number");
    assert_eq!(Phone::read("12345", None).unwrap().value(), "12345");
    assert_eq!(Phone::read("anonymous", Some("IT")), None);
}

fn e164() -> impl Strategy<Value = String> {
    let codes = prop::sample::select(vec!["55", "52", "521", "54", "549", "225", "229", "39", "44", "1", ""]);
    (codes, "[0-9]{4,13}").prop_map(|(code, rest)| format!("+{code}{rest}"))
}

proptest! {
    #[test]
    fn the_one_form_is_its_own(text in e164()) {
        if let Some(phone) = Phone::read(&text, None) {
            let again = Phone::read(phone.value(), None).expect("the one form is a number");
            prop_assert_eq!(again.value(), phone.value());
            let forms = phone.variants();
            prop_assert_eq!(forms[0].as_str(), phone.value());
        }
    }

    #[test]
    fn every_form_leads_to_every_other(text in e164()) {
        let forms = variants(&text);
        for form in &forms {
            prop_assert_eq!(&variants(form), &forms, "{} of {}", form, text);
        }
        let mut once = forms.clone();
        once.sort();
        once.dedup();
        prop_assert_eq!(once.len(), forms.len());
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,80}", country in "[A-Z]{0,3}") {
        let _ = Phone::read(&text, Some(&country));
        let _ = Phone::read(&text, None);
        let _ = variants(&text);
    }

    #[test]
    fn nothing_that_begins_with_a_plus_panics(text in "\\+[0-9９+é]{0,20}") {
        let _ = Phone::read(&text, None);
        let _ = variants(&text);
    }
}
