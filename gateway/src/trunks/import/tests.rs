use proptest::prelude::*;
use trunkline_calls::lines::Transport;

use super::*;

const FILE: &str = include_str!("sample.conf");

fn named<'a>(read: &'a Read, name: &str) -> &'a Found {
    read.trunks.iter().find(|found| found.proposal.name == name).unwrap_or_else(|| panic!("{name}: {:?}", read.trunks))
}

#[test]
fn a_file_as_people_have_it_becomes_its_trunks() {
    let read = read(FILE).unwrap();
    assert_eq!(read.trunks.len(), 3, "{:?}", read.trunks);
    let itsp = named(&read, "itsp");
    let settings = &itsp.proposal.settings;
    assert_eq!(
        (settings.kind, settings.host.as_str(), settings.port),
        (Kind::Registration, "sip.itsp.example", Some(5070))
    );
    assert_eq!((settings.username.as_str(), settings.auth_username.as_str()), ("390612345", "auth-390612345"));
    assert_eq!(settings.codecs, ["alaw", "ulaw"]);
    assert_eq!((settings.transport, settings.expires_seconds, settings.qualify_seconds), (Transport::Tcp, 600, 60));
    assert_eq!(settings.outbound_proxy, "proxy.itsp.example");
    assert_eq!(itsp.password.as_ref().map(Secret::expose), Some("s3cr;et"));
    assert_eq!(itsp.proposal.problem, None);
    assert!(itsp.proposal.notes.iter().any(|note| note.text == "context = from-itsp"));

    let peer = named(&read, "peer");
    let settings = &peer.proposal.settings;
    assert_eq!(
        (settings.kind, settings.host.as_str(), settings.transport),
        (Kind::Address, "192.0.2.10", Transport::Udp)
    );
    assert_eq!(settings.sources, ["192.0.2.0/28", "198.51.100.7"]);
    assert!(peer.password.is_none() && peer.proposal.problem.is_none());

    let lone = named(&read, "lone");
    let problem = lone.proposal.problem.as_ref().map(|problem| problem.field.as_str());
    assert_eq!((lone.proposal.settings.username.as_str(), problem), ("me", Some("password")));

    let said: Vec<&str> = read.not_understood.iter().map(|note| note.text.as_str()).collect();
    assert_eq!(said, ["[global]", "#include \"phones.conf\"", "[alice]", "[strange]"]);
    assert!(!format!("{:?}", read.trunks.iter().map(|found| &found.proposal).collect::<Vec<_>>()).contains("s3cr"));
}

#[test]
fn an_empty_file_has_no_trunks() {
    let read = read("; nothing\n").unwrap();
    assert!(read.trunks.is_empty() && read.not_understood.is_empty());
}

proptest! {
    #[test]
    fn any_file_is_read(lines in prop::collection::vec(
        "\\[[ab]\\](\\(!?,?[ab]?\\))?|type=(endpoint|aor|auth|identify|registration|transport)|(aors|auth|outbound_auth|endpoint|transport) = [ab]|\
         (contact|server_uri|client_uri) = sip:[a-z@:;.0-9]{0,12}|match = [0-9./]{0,12}|allow = [a-z,]{0,8}|password = x",
        0..60,
    )) {
        let read = read(&lines.join("\n")).unwrap();
        let endpoints = lines.iter().filter(|line| line.starts_with('[')).count();
        prop_assert!(read.trunks.len() <= endpoints);
        for found in read.trunks {
            prop_assert_eq!(found.proposal.has_password, found.password.is_some());
        }
    }
}
