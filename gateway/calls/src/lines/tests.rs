use proptest::prelude::*;

use super::*;

fn line(country: Option<&str>) -> Line {
    let mut settings = TrunkSettings::new(Kind::Registration, "sip.example.net");
    settings.username = "account".to_owned();
    settings.country = country.map(|country| country.parse().unwrap());
    Line { id: TrunkId::new(), tenant: TenantId::new(), name: "A".to_owned(), priority: 0, settings, password: None }
}

#[test]
fn callers_are_read_as_their_carriers_country_writes_them() {
    let italy = line(Some("IT"));
    for (received, read) in [
        ("0644121234", "+390644121234"),
        ("3331234567", "+393331234567"),
        ("393331234567", "+393331234567"),
        ("+393331234567", "+393331234567"),
        ("00393331234567", "+393331234567"),
        ("00442079460123", "+442079460123"),
        ("442079460123", "+442079460123"),
        ("112", "112"),
        ("sales", "sales"),
        ("99", "99"),
    ] {
        assert_eq!(italy.read(received), read, "{received}");
    }
    let germany = line(Some("DE"));
    assert_eq!(germany.read("030901820"), "+4930901820");
    assert_eq!(germany.read("01711234567"), "+491711234567");
    let america = line(Some("US"));
    assert_eq!(america.read("2125550123"), "+12125550123");
    assert_eq!(america.read("12125550123"), "+12125550123");
    assert_eq!(line(None).read("0644121234"), "0644121234");
    assert_eq!(line(None).read("15550100"), "+15550100");
}

#[test]
fn who_does_not_say_who_they_are_is_anonymous() {
    let italy = line(Some("IT"));
    for received in ["", " ", "anonymous", "Anonymous", "Unknown", "restricted", "PRIVATE"] {
        assert_eq!(caller(received, Some(&italy)), ANONYMOUS);
        assert_eq!(caller(received, None), ANONYMOUS);
    }
    assert_eq!(caller("0644121234", Some(&italy)), "+390644121234");
    assert_eq!(caller("0644121234", None), "0644121234");
}

#[test]
fn numbers_are_written_as_the_carrier_wants_them() {
    let mut italy = line(Some("IT"));
    assert_eq!(italy.dialled("+390644121234"), "+390644121234");
    italy.settings.dial_format = DialFormat::Digits;
    assert_eq!(italy.dialled("+390644121234"), "390644121234");
    italy.settings.dial_format = DialFormat::National;
    assert_eq!(italy.dialled("+390644121234"), "0644121234");
    assert_eq!(italy.dialled("+393331234567"), "3331234567");
    assert_eq!(italy.dialled("+442079460123"), "00442079460123");
    assert_eq!(italy.dialled("112"), "112");
    let mut germany = line(Some("DE"));
    germany.settings.dial_format = DialFormat::National;
    assert_eq!(germany.dialled("+4930901820"), "030901820");
    germany.settings.dial_format = DialFormat::Digits;
    (germany.settings.dial_strip, germany.settings.dial_prefix) = (2, "9*".to_owned());
    assert_eq!(germany.dialled("+4930901820"), "9*30901820");
    germany.settings.dial_strip = 15;
    assert_eq!(germany.dialled("+4930901820"), "4930901820", "nothing would be left");
}

#[test]
fn what_is_shown_is_chosen_fixed_or_withheld() {
    let mut italy = line(Some("IT"));
    assert_eq!(italy.shown(Some("+390644121234")).as_deref(), Some("+390644121234"));
    assert_eq!(italy.shown(None), None);
    italy.settings.dial_format = DialFormat::Digits;
    italy.settings.shown = Shown::Number { number: "+390644120000".to_owned() };
    assert_eq!(italy.shown(Some("+390644121234")).as_deref(), Some("390644120000"));
    italy.settings.shown = Shown::Withheld;
    assert_eq!(italy.shown(Some("+390644121234")), None);
}

#[test]
fn channels_and_endpoints_say_which_trunk_they_are_on() {
    let id = TrunkId::new();
    let endpoint = endpoint_name(id);
    assert_eq!(trunk_of_endpoint(&endpoint), Some(id));
    assert_eq!(trunk_of_channel(&format!("PJSIP/{endpoint}-0000002a")), Some(id));
    for other in ["", "PJSIP/demo-trunk-00000001", "PJSIP/trunk-1-00000001", "Local/x@y-00000001;1", "trunk-"] {
        assert_eq!(trunk_of_channel(other), None, "{other}");
    }
}

#[test]
fn what_cannot_work_is_named() {
    let field = |change: fn(&mut TrunkSettings)| {
        let mut settings = line(None).settings;
        change(&mut settings);
        settings.check().map_err(|invalid| invalid.field).unwrap_err()
    };
    assert_eq!(line(None).settings.check(), Ok(()));
    assert_eq!(field(|it| it.host = "a b".to_owned()), "host");
    assert_eq!(field(|it| it.host = "x;transport=tcp".to_owned()), "host");
    assert_eq!(field(|it| it.username = "a@b".to_owned()), "username");
    assert_eq!(field(|it| it.username = String::new()), "username");
    assert_eq!(field(|it| it.auth_username = "a\"b".to_owned()), "auth_username");
    assert_eq!(field(|it| it.from_domain = "x\r\ny".to_owned()), "from_domain");
    assert_eq!(field(|it| it.outbound_proxy = "x:0".to_owned()), "outbound_proxy");
    assert_eq!(field(|it| it.codecs = vec!["mp3".to_owned()]), "codecs");
    assert_eq!(field(|it| it.codecs.clear()), "codecs");
    assert_eq!(field(|it| it.sources = vec!["10.0.0.0/8".to_owned(), "0.0.0.0/0".to_owned()]), "sources.1");
    assert_eq!(field(|it| it.max_channels = Some(0)), "max_channels");
    assert_eq!(field(|it| it.dial_format = DialFormat::National), "country");
    assert_eq!(field(|it| it.dial_prefix = "a".to_owned()), "dial_prefix");
    assert_eq!(field(|it| it.shown = Shown::Number { number: "06".to_owned() }), "shown.number");
    assert_eq!(field(|it| it.qualify_seconds = 1), "qualify_seconds");
    assert_eq!(field(|it| it.expires_seconds = 0), "expires_seconds");
    assert_eq!(field(|it| it.servers = Some([].into())), "servers");
}

proptest! {
    #[test]
    fn whatever_comes_is_read_without_harm(received in "\\PC{0,40}|[+0-9]{0,20}") {
        for line in [line(None), line(Some("IT")), line(Some("US"))] {
            let read = line.read(&received);
            prop_assert_eq!(line.read(&read), read);
        }
    }

    #[test]
    fn nothing_is_dialled_but_what_can_be(number in "\\+[1-9][0-9]{6,14}", strip in 0_u8..16, format in 0_usize..3) {
        let mut line = line(Some("DE"));
        line.settings.dial_strip = strip;
        line.settings.dial_format = [DialFormat::E164, DialFormat::Digits, DialFormat::National][format];
        let dialled = line.dialled(&number);
        prop_assert!(!dialled.is_empty() && dialled.chars().all(|it| it.is_ascii_digit() || it == '+'));
    }

    #[test]
    fn settings_that_pass_hold_nothing_that_begins_something_else(
        host in "[a-z0-9.;@: \\r\\n-]{0,20}", user in "[a-z0-9.;@:<> \\r\\n+-]{0,12}",
    ) {
        let mut settings = TrunkSettings::new(Kind::Registration, host);
        settings.username = user;
        if settings.check().is_ok() {
            let uri = format!("sip:{}@{}", settings.username, settings.host);
            prop_assert!(!uri.contains([';', '\r', '\n', ' ', '<', '>']) && uri.matches('@').count() == 1, "{}", uri);
        }
    }
}
