//! Reading numbers.

use trunkline_dialing::{Country, Kind, NotANumber, normalise};

fn country(letters: &str) -> Country {
    letters.parse().unwrap()
}

fn read(text: &str, home: &str) -> (String, Option<String>, Kind) {
    let number = normalise(text, country(home)).unwrap_or_else(|error| panic!("{text}: {error}"));
    (number.text, number.country.map(|country| country.to_string()), number.kind)
}

#[test]
fn a_number_is_read_whichever_way_people_write_it() {
    for text in [
        "06 4412 1234",
        "+39 06 4412.1234",
        "0039 06 44121234",
        "tel:+39-06-4412-1234",
        "\u{202a}+39 06 44121234\u{202c}",
    ] {
        assert_eq!(read(text, "IT"), ("+390644121234".to_owned(), Some("IT".to_owned()), Kind::FixedLine), "{text}");
    }
    assert_eq!(read("(0)20 7946 0958", "GB").0, "+442079460958");
    assert_eq!(read("+44 (0)20 7946 0958", "IT").0, "+442079460958");
    assert_eq!(read("8 495 123-45-67", "RU").0, "+74951234567");
    assert_eq!(read("1 (212) 555-0123", "US").0, "+12125550123");
    assert_eq!(read("011 39 06 44121234", "US").0, "+390644121234");
}

#[test]
fn the_plan_tells_country_and_kind() {
    for (text, home, place, kind) in [
        ("+390644121234", "US", Some("IT"), Kind::FixedLine),
        ("+393331234567", "US", Some("IT"), Kind::Mobile),
        ("+39800123456", "IT", Some("IT"), Kind::TollFree),
        ("899123456", "IT", Some("IT"), Kind::Premium),
        ("+39848123456", "IT", Some("IT"), Kind::SharedCost),
        ("+447400123456", "IT", Some("GB"), Kind::Mobile),
        ("+16137827274", "US", Some("CA"), Kind::FixedLineOrMobile),
        ("+18765551234", "US", Some("JM"), Kind::Mobile),
        ("+19005551234", "US", Some("US"), Kind::Premium),
        ("+77012345678", "RU", Some("KZ"), Kind::Mobile),
        ("+74951234567", "RU", Some("RU"), Kind::FixedLine),
        ("+870773111632", "IT", None, Kind::Satellite),
        ("+881612345678", "IT", None, Kind::Satellite),
        ("+979123456789", "IT", None, Kind::Premium),
        ("+80012345678", "IT", None, Kind::TollFree),
        ("+15550100", "IT", Some("US"), Kind::Unknown),
    ] {
        let (_, country, found) = read(text, home);
        assert_eq!((country.as_deref(), found), (place, kind), "{text}");
    }
}

#[test]
fn emergency_numbers_are_those_of_the_own_country() {
    assert_eq!(read("112", "IT"), ("112".to_owned(), Some("IT".to_owned()), Kind::Emergency));
    assert_eq!(read("1-1-8", "IT").2, Kind::Emergency);
    assert_eq!(read("911", "US").2, Kind::Emergency);
    assert_eq!(read("118", "US").2, Kind::ShortCode);
}

#[test]
fn what_is_no_number_is_refused() {
    for text in [
        "",
        "+",
        "  ",
        "abc",
        "06 CALL ME",
        "1-800-FLOWERS",
        "+0123456789",
        "++39",
        "12+34",
        "+39",
        "+3906123;ext=5",
        "*21*0612345#",
        "00",
    ] {
        let read = normalise(text, country("IT"));
        assert!(read == Err(NotANumber) || text == "00", "{text}: {read:?}");
    }
    assert_eq!(normalise(&"1".repeat(65), country("IT")), Err(NotANumber));
    for text in ["it", "ITA", "ZZ", "", "00"] {
        assert!(text.parse::<Country>().is_err(), "{text}");
    }
}
