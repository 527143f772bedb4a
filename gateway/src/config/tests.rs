use std::path::Path;

use super::*;

fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let least = [
        ("TRUNKLINE_SECRET_KEY", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
        ("TRUNKLINE_DATABASE_URL", "postgres://trunkline:x@127.0.0.1/trunkline"),
        ("TRUNKLINE_ARI_PASSWORD", "secret"),
    ];
    least.iter().chain(pairs).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn refusal(pairs: &[(&str, &str)]) -> String {
    Source::read(None, environment(pairs)).unwrap().config().unwrap_err().to_string()
}

#[test]
fn the_least_configuration_is_enough() {
    let config = Source::read(None, environment(&[])).unwrap().config().unwrap();
    assert_eq!(config.http_listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.public_url.as_str(), "http://127.0.0.1:8080/");
    assert_eq!(config.recordings_dir, Path::new("/var/lib/trunkline/recordings"));
    assert_eq!(config.secret_key.bytes().len(), 32);
}

#[test]
fn wrong_values_are_refused_by_name_with_what_was_expected_all_at_once() {
    insta::assert_snapshot!(refusal(&[
        ("TRUNKLINE_ARI_TRANSPORT", "udp"),
        ("TRUNKLINE_SIP_PORT", "0"),
        ("TRUNKLINE_SECRET_KEY", "too-short"),
        ("TRUNKLINE_STATE_DIR", "here"),
        ("TRUNKLINE_DATABASE_URL", "mysql://root:hunter2@db"),
        ("TRUNKLINE_TRUSTED_PROXIES", "10.0.0.1, proxy"),
    ]), @r#"
    the configuration is not usable:
      - TRUNKLINE_TRUSTED_PROXIES = "10.0.0.1, proxy": expected a list of IP addresses such as ["10.0.0.2"]
      - TRUNKLINE_SECRET_KEY: expected at least 32 random bytes, in hex or base64 (`openssl rand -hex 32`)
      - TRUNKLINE_DATABASE_URL: expected a PostgreSQL address such as postgres://trunkline:password@127.0.0.1:5432/trunkline
      - TRUNKLINE_STATE_DIR = "here": expected an absolute folder
      - TRUNKLINE_ARI_TRANSPORT = "udp": expected "websocket" (REST over the same WebSocket) or "http"
      - TRUNKLINE_SIP_PORT = "0": expected a port from 1 to 65535
    "#);
}

#[test]
fn a_missing_value_is_named() {
    let text = Source::read(None, Vec::new()).unwrap().config().unwrap_err().to_string();
    for name in ["secret_key", "TRUNKLINE_SECRET_KEY", "database_url", "ari_password"] {
        assert!(text.contains(name), "{name} is missing in {text}");
    }
}

#[test]
fn a_mistyped_key_in_the_file_is_refused_and_in_the_environment_only_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trunkline.toml");
    std::fs::write(&file, "http_listn = \"127.0.0.1:1\"\n").unwrap();
    let text = Source::read(Some(&file), environment(&[])).unwrap().config().unwrap_err().to_string();
    assert!(text.contains("http_listn: there is no such key; did you mean http_listen?"), "{text}");

    let source = Source::read(None, environment(&[("TRUNKLINE_SIP_PROT", "1")])).unwrap();
    assert!(source.config().is_ok());
    assert_eq!(source.warnings(), ["TRUNKLINE_SIP_PROT is set, but there is no such key; did you mean sip_port?"]);
}

#[test]
fn the_environment_wins_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trunkline.toml");
    std::fs::write(&file, "sip_port = 5070\ntrusted_proxies = [\"10.0.0.2\", \"::1\"]\nsip_domain = \"file.test\"\n")
        .unwrap();
    let config =
        Source::read(Some(&file), environment(&[("TRUNKLINE_SIP_DOMAIN", "env.test")])).unwrap().config().unwrap();
    assert_eq!(config.asterisks[0].sip_port, 5070);
    assert_eq!(config.asterisks[0].sip_domain, "env.test");
    assert_eq!(config.trusted_proxies.len(), 2);
}

#[test]
fn the_example_file_names_every_key_with_its_default_and_loads() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trunkline.example.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    // Keys without a default are shown set to an example; the others are shown as comments with their default.
    let uncommented: String = text
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| is_assignment(rest)).unwrap_or(line))
        .filter(|line| is_assignment(line))
        .collect::<Vec<_>>()
        .join("\n");
    let table: toml::Table = uncommented.parse().unwrap();
    let in_example: std::collections::BTreeSet<&str> = table.keys().map(String::as_str).collect();
    let known: std::collections::BTreeSet<&str> = KEYS.iter().map(|key| key.name).collect();
    assert_eq!(in_example, known);
    for key in KEYS {
        if let Some(default) = key.default {
            let shown = match &table[key.name] {
                toml::Value::String(text) => text.clone(),
                toml::Value::Array(items) if items.is_empty() => String::new(),
                other => other.to_string(),
            };
            assert_eq!(shown, default, "default of {}", key.name);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trunkline.toml");
    // Keys of the example that are placeholders, or of which only one may be set.
    let uncommented: Vec<&str> = uncommented.lines().filter(|line| !line.starts_with("master_key")).collect();
    std::fs::write(&file, uncommented.join("\n")).unwrap();
    // Its key is public: nobody may run with it.
    let refusal = Source::read(Some(&file), Vec::new()).unwrap().config().unwrap_err().to_string();
    assert!(refusal.contains("secret_key"), "{refusal}");
    let own_key = ("TRUNKLINE_SECRET_KEY".to_owned(), "5a".repeat(32));
    Source::read(Some(&file), vec![own_key]).unwrap().config().unwrap();
}

fn is_assignment(line: &str) -> bool {
    line.split_once(" = ").is_some_and(|(name, _)| KEYS.iter().any(|key| key.name == name))
}

#[test]
fn one_master_key_may_be_named_and_is_never_told() {
    let given =
        Source::read(None, environment(&[("TRUNKLINE_MASTER_KEY", &"1".repeat(64))])).unwrap().config().unwrap();
    assert!(matches!(given.master_key, KeySource::Given(_)));
    assert!(!format!("{given:?}").contains("1111"));
    let none = Source::read(None, environment(&[])).unwrap().config().unwrap();
    assert_eq!(none.master_key, KeySource::Derived);
    insta::assert_snapshot!(refusal(&[
        ("TRUNKLINE_MASTER_KEY_FILE", "/etc/keys"),
        ("TRUNKLINE_MASTER_KEY_COMMAND", "print-the-key hunter2"),
        ("TRUNKLINE_MASTER_KEYS_OLD", "hunter2"),
    ]), @r#"
    the configuration is not usable:
      - only one of master_key, master_key_file and master_key_command may be set
      - TRUNKLINE_MASTER_KEYS_OLD: expected a list of keys that were master keys before
    "#);
}

#[test]
fn secrets_never_show() {
    let config = Source::read(None, environment(&[("TRUNKLINE_ARI_PASSWORD", "hunter2")])).unwrap().config().unwrap();
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("trunkline:x@"), "{shown}");
}

#[test]
fn a_key_is_read_from_hex_and_from_base64() {
    let hex: SecretKey = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f".parse().unwrap();
    let base64: SecretKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".parse().unwrap();
    assert_eq!(hex, base64);
    assert!("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==".parse::<SecretKey>().is_err(), "31 bytes");
}

#[test]
fn a_mail_server_needs_a_sender_and_a_way_on_which_its_password_is_safe() {
    let server = ("TRUNKLINE_SMTP_URL", "smtps://ada:hunter2@mail.example.org");
    let refused = refusal(&[server]);
    assert!(refused.contains("mail_from (or TRUNKLINE_MAIL_FROM) is not set: smtp_url needs it"), "{refused}");
    let refused =
        refusal(&[("TRUNKLINE_SMTP_URL", "smtp://ada:hunter2@relay.lan?tls=off"), ("TRUNKLINE_MAIL_FROM", "me")]);
    assert!(refused.contains("TRUNKLINE_SMTP_URL: expected a mail server"), "{refused}");
    assert!(
        refused.contains("TRUNKLINE_MAIL_FROM = \"me\": expected an address") && !refused.contains("hunter2"),
        "{refused}"
    );
    let sender = ("TRUNKLINE_MAIL_FROM", "Trunkline <trunkline@example.org>");
    let config = Source::read(None, environment(&[server, sender])).unwrap().config().unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    assert_eq!(config.mail.unwrap().server.place(), "mail.example.org:465");
    assert!(Source::read(None, environment(&[sender])).unwrap().config().unwrap().mail.is_none());
}

#[test]
fn the_certificate_comes_from_one_place_and_people_come_over_https_then() {
    let (public, certificate, key, domains) = (
        ("TRUNKLINE_PUBLIC_URL", "https://calls.test"),
        ("TRUNKLINE_TLS_CERTIFICATE", "/etc/trunkline/chain.pem"),
        ("TRUNKLINE_TLS_KEY", "/etc/trunkline/key.pem"),
        ("TRUNKLINE_ACME_DOMAINS", "calls.test, phones.test"),
    );
    let plain = Source::read(None, environment(&[])).unwrap().config().unwrap();
    assert!(plain.edge.tls.is_none() && plain.edge.https_listen().is_none());
    let files = Source::read(None, environment(&[public, certificate, key])).unwrap().config().unwrap();
    assert!(matches!(files.edge.tls.unwrap().certificate, CertificateSource::Files(_)));
    let acme = Source::read(None, environment(&[public, domains])).unwrap().config().unwrap();
    let Some(TlsConfig { listen, certificate: CertificateSource::Acme(acme) }) = acme.edge.tls else { panic!() };
    assert_eq!((listen.to_string().as_str(), acme.domains.len()), ("0.0.0.0:443", 2));

    for (pairs, words) in [
        (&[public, certificate][..], "tls_key is not set, but tls_certificate is"),
        (&[public, key], "tls_certificate is not set, but tls_key is"),
        (&[public, certificate, key, domains], "acme_domains and tls_certificate are both set"),
        (&[certificate, key], "public_url: expected an https address"),
        (&[("TRUNKLINE_PUBLIC_URL", "http://calls.test"), domains], "public_url: expected an https address"),
        (&[("TRUNKLINE_PUBLIC_URL", "https://other.test"), domains], "acme_domains: expected other.test"),
        (&[("TRUNKLINE_HTTP_REDIRECT_LISTEN", "0.0.0.0:80")], "there is no https to send people to"),
        (&[("TRUNKLINE_TLS_CERTIFICATE", "chain.pem")], "expected an absolute path of a PEM file"),
        (&[("TRUNKLINE_ACME_DOMAINS", "*.calls.test")], "without addresses and wildcards"),
        (&[("TRUNKLINE_ACME_DOMAINS", "192.0.2.1")], "without addresses and wildcards"),
    ] {
        let refusal = refusal(pairs);
        assert!(refusal.contains(words), "{refusal}");
    }
}

#[test]
fn an_origin_is_an_origin_and_a_host_a_host() {
    let with = |name: &'static str, value: &str| Source::read(None, environment(&[(name, value)])).unwrap().config();
    let config = with("TRUNKLINE_CORS_ORIGINS", "https://a.test, http://b.test:8080/").unwrap();
    assert_eq!(config.edge.cors_origins, ["https://a.test", "http://b.test:8080"]);
    for wrong in ["*", "a.test", "https://a.test/path", "https://a.test?x", "null", "https://u@a.test", "ftp://a.test"]
    {
        assert!(with("TRUNKLINE_CORS_ORIGINS", wrong).is_err(), "{wrong}");
    }
    assert_eq!(
        with("TRUNKLINE_ALLOWED_HOSTS", "Inner.test, 10.0.0.2").unwrap().edge.allowed_hosts,
        ["inner.test", "10.0.0.2"]
    );
    for wrong in ["*", "*.test", "a.test:80", "https://a.test", "a b"] {
        assert!(with("TRUNKLINE_ALLOWED_HOSTS", wrong).is_err(), "{wrong}");
    }
}

fn from_file(text: &str) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trunkline.toml");
    std::fs::write(&file, text).unwrap();
    Source::read(Some(&file), environment(&[])).unwrap().config()
}

#[test]
fn several_servers_stand_in_tables_and_take_the_plain_keys_as_defaults() {
    let one = from_file("ari_app = \"line\"\n").unwrap();
    assert_eq!((one.asterisks.len(), one.asterisks[0].name.as_str()), (1, "asterisk"));
    let config = from_file(
        "ari_app = \"line\"\nsip_port = 5070\n\
         [[asterisk]]\nname = \"west\"\nari_url = \"http://10.0.0.2:8088/ari\"\nsip_peer_address = \"10.0.0.2:5060\"\n\
         [[asterisk]]\nname = \"east\"\nari_url = \"http://10.0.0.3:8088/ari\"\nsip_port = 5080\nari_password = \"other\"\n",
    )
    .unwrap();
    let [west, east] = config.asterisks.as_slice() else { panic!("two servers: {:?}", config.asterisks) };
    assert_eq!((west.name.as_str(), west.sip_port, west.ari_app.as_str()), ("west", 5070, "line"));
    assert_eq!((east.name.as_str(), east.sip_port, east.ari_password.expose()), ("east", 5080, "other"));
    assert_eq!(west.sip_websocket().as_str(), "ws://10.0.0.2:8088/ws");
    assert_eq!((west.sip_peer_address.as_deref(), east.sip_peer_address.as_deref()), (Some("10.0.0.2:5060"), None));
}

#[test]
fn what_is_wrong_with_one_of_several_servers_names_it() {
    let text = from_file(
        "[[asterisk]]\nname = \"West 1\"\n\
         [[asterisk]]\nname = \"a\"\nari_url = \"ftp://x\"\nsip_peer_address = \"10.0.0.2\"\n\
         [[asterisk]]\nname = \"a\"\nari_url = \"http://x/ari\"\n\
         [[asterisk]]\nname = \"b\"\nhttp_listen = \"127.0.0.1:1\"\nari_ulr = \"http://x/ari\"\n",
    )
    .unwrap_err()
    .to_string();
    insta::assert_snapshot!(text, @r#"
    the configuration is not usable:
      - [[asterisk]] name: expected 1 to 32 letters a-z, digits and `-`, such as "west-1"
      - [[asterisk]] name = "a": there are two of this name
      - ari_ulr of the server b: there is no such key; did you mean ari_url?
      - http_listen of the server b: it is the whole gateway's; set it outside the tables
      - ari_url of the server b is not set: expected an http or https address such as http://127.0.0.1:8088/ari
      - the server a: ari_url = "ftp://x": expected an http or https address such as http://127.0.0.1:8088/ari
      - the server a: sip_peer_address = "10.0.0.2": expected a host and port such as 10.0.0.2:5060
    "#);
    let text = from_file("asterisk = \"west\"\n").unwrap_err().to_string();
    assert!(text.contains("asterisk: expected tables, each headed [[asterisk]]"), "{text}");
}
