//! What every adapter must do. Each describes itself as a [`Subject`] (samples of its provider, and what is to come of them) and calls [`hold`].

use http::HeaderMap;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeSet;
use trunkline_channels::Adapter;
use trunkline_channels::adapter::{Answer, Body, CannotSay, Outcome, Refused, Request, Webhook};
use trunkline_channels::model::{DeliveryState, Message, Outgoing, Status, Told, What, Why};

/// Whether it is what was expected.
pub(crate) type Check<T> = fn(&T) -> bool;

/// Lower-case, as most providers write digests.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// An adapter with an account of the tests, and samples of what its provider sends and answers.
pub(crate) struct Subject<'a> {
    pub(crate) name: &'static str,
    pub(crate) adapter: &'a dyn Adapter,
    /// `{:?}` of the adapter: it is in logs.
    pub(crate) debug: String,
    /// Never seen in `debug`, nor in a request but in its address and in headers that are marked as sensitive.
    pub(crate) secrets: Vec<&'static str>,
    /// The address and the headers with which the provider would post this body.
    pub(crate) sign: fn(&[u8]) -> (String, HeaderMap),
    /// Whether bodies are JSON: then nesting too deep is an error.
    pub(crate) json: bool,
    /// A message of each kind.
    pub(crate) received: Vec<Received>,
    /// What is not a message: its name, the body, whether this is what was told.
    pub(crate) told: Vec<(&'static str, Vec<u8>, Check<What>)>,
    /// Each state that the provider tells, in any order.
    pub(crate) statuses: Vec<(DeliveryState, Vec<u8>)>,
    /// A failed message and why it failed.
    pub(crate) failures: Vec<(Vec<u8>, Why)>,
    /// The same thing told twice in another envelope.
    pub(crate) twice: Vec<(Vec<u8>, Vec<u8>)>,
    /// Kinds that nobody knows, and a text that must be in what is kept of each.
    pub(crate) unknown: Vec<(Vec<u8>, &'static str)>,
    pub(crate) unreadable: Vec<Vec<u8>>,
    /// Each kind that can be said, by name; whether the request is the right one.
    pub(crate) says: Vec<(&'static str, Outgoing, Check<Request>)>,
    pub(crate) refuses: Vec<(&'static str, Outgoing, CannotSay)>,
    pub(crate) answers: Vec<Answered>,
}

pub(crate) struct Received {
    pub(crate) kind: &'static str,
    pub(crate) body: Vec<u8>,
    pub(crate) is_right: Check<Message>,
}

pub(crate) struct Answered {
    pub(crate) what: &'static str,
    /// Of the request: [`Request::name`].
    pub(crate) name: &'static str,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) body: Vec<u8>,
    pub(crate) is_right: Check<Outcome>,
}

/// Everything, one after the other.
pub(crate) fn hold(subject: &Subject<'_>) {
    signatures(subject);
    kinds(subject);
    states(subject);
    duplicates(subject);
    unknown_is_kept(subject);
    hostile(subject);
    sayings(subject);
    answers(subject);
    secrets(subject);
}

/// Only what carries the provider's signature of exactly this body comes in.
fn signatures(subject: &Subject<'_>) {
    let body = subject.received.first().expect("a sample").body.clone();
    let (url, headers) = (subject.sign)(&body);
    let verify = |url: &str, headers: &HeaderMap, body: &[u8]| subject.adapter.verify(Webhook { url, headers, body });
    assert_eq!(verify(&url, &headers, &body), Ok(()), "{}", subject.name);
    assert_eq!(verify(&url, &HeaderMap::new(), &body), Err(Refused::Missing), "{}", subject.name);
    for (name, value) in &headers {
        for wrong in wrong_values(value.as_bytes()) {
            let mut others = headers.clone();
            others.insert(name.clone(), http::HeaderValue::from_bytes(&wrong).unwrap());
            // Other headers than the signature's may say what they like.
            let result = verify(&url, &others, &body);
            assert!(result == Err(Refused::Wrong) || name == "content-type", "{}: {name} {wrong:?}", subject.name);
        }
    }
}

fn wrong_values(right: &[u8]) -> Vec<Vec<u8>> {
    let mut last = right.to_vec();
    let end = last.len() - 1;
    last[end] = if last[end] == b'0' { b'1' } else { b'0' };
    let shorter = right[..right.len() - 1].to_vec();
    let longer = [right, b"0"].concat();
    vec![last, shorter, longer, vec![b'\xff'; 8], b"sha256=".to_vec(), b"=".to_vec()]
}

fn parse(subject: &Subject<'_>, what: &str, body: &[u8]) -> Vec<Told> {
    let told = subject.adapter.parse(body).unwrap_or_else(|error| panic!("{} {what}: {error}", subject.name));
    for one in &told {
        assert!(!one.key.is_empty(), "{} {what}: no key", subject.name);
        let json = serde_json::to_string(one).unwrap();
        let back: Told = serde_json::from_str(&json).unwrap();
        assert_eq!(&back, one, "{} {what}: it does not survive being stored", subject.name);
    }
    let keys: BTreeSet<&str> = told.iter().map(|one| one.key.as_str()).collect();
    assert_eq!(keys.len(), told.len(), "{} {what}: two things of one webhook share a key: {told:#?}", subject.name);
    told
}

fn kinds(subject: &Subject<'_>) {
    for Received { kind, body, is_right } in &subject.received {
        let told = parse(subject, kind, body);
        let messages: Vec<&Message> = told
            .iter()
            .filter_map(|one| if let What::Message(message) = &one.what { Some(message.as_ref()) } else { None })
            .collect();
        let [message] = messages.as_slice() else { panic!("{} {kind}: {told:#?}", subject.name) };
        assert!(!message.from.identities.is_empty() && !message.chat.0.is_empty(), "{} {kind}", subject.name);
        assert!(is_right(message), "{} {kind}: {message:#?}", subject.name);
    }
    for (name, body, is_right) in &subject.told {
        let told = parse(subject, name, body);
        assert!(told.iter().any(|one| is_right(&one.what)), "{} {name}: {told:#?}", subject.name);
    }
}

fn status<'a>(subject: &Subject<'_>, told: &'a [Told]) -> &'a Status {
    let found = told.iter().find_map(|one| if let What::Status(status) = &one.what { Some(status) } else { None });
    found.unwrap_or_else(|| panic!("{}: {told:#?}", subject.name))
}

/// States may come in any order: each says what it is, and has a key of its own.
fn states(subject: &Subject<'_>) {
    let mut keys = BTreeSet::new();
    for (state, body) in subject.statuses.iter().rev().chain(&subject.statuses) {
        let told = parse(subject, "status", body);
        assert_eq!(status(subject, &told).state, *state, "{}", subject.name);
        keys.extend(told.iter().map(|one| one.key.clone()));
    }
    assert_eq!(keys.len(), subject.statuses.len(), "{}: states share a key: {keys:?}", subject.name);
    for (body, why) in &subject.failures {
        let told = parse(subject, "failure", body);
        let status = status(subject, &told);
        assert_eq!(status.state, DeliveryState::Failed, "{}", subject.name);
        assert_eq!(status.failure.as_ref().map(|failure| failure.why), Some(*why), "{}: {status:?}", subject.name);
    }
}

fn duplicates(subject: &Subject<'_>) {
    for (one, other) in &subject.twice {
        assert_ne!(one, other, "{}: another envelope is wanted", subject.name);
        let keys = |body| parse(subject, "twice", body).into_iter().map(|told| told.key).collect::<BTreeSet<_>>();
        let (one, other) = (keys(one), keys(other));
        assert!(!one.is_empty() && one.is_subset(&other), "{}: {one:?} {other:?}", subject.name);
    }
}

fn unknown_is_kept(subject: &Subject<'_>) {
    for (body, text) in &subject.unknown {
        let told = parse(subject, "unknown", body);
        let kept = told.iter().any(|one| match &one.what {
            What::Unsupported { raw, what, .. } => !what.is_empty() && raw.to_string().contains(text),
            _ => false,
        });
        assert!(kept, "{}: {told:#?}", subject.name);
    }
}

/// Nothing that anybody posts brings it down.
fn hostile(subject: &Subject<'_>) {
    for body in &subject.unreadable {
        let result = subject.adapter.parse(body);
        assert!(result.is_err(), "{}: {result:?}", subject.name);
    }
    let all = subject.received.iter().map(|one| &one.body).chain(subject.told.iter().map(|one| &one.1));
    let all: Vec<&Vec<u8>> = all.chain(subject.statuses.iter().map(|one| &one.1)).collect();
    for body in &all {
        for end in 0..body.len() {
            let _ = subject.adapter.parse(&body[..end]);
        }
    }
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        let result = subject.adapter.parse(deep.as_bytes());
        assert!(result.is_err() || !subject.json, "{}: deep JSON was read", subject.name);
    }
    // Ten megabytes of text in the place of the first letter of a sample's last text.
    let large = vec![b'x'; 10 * 1024 * 1024];
    let _ = subject.adapter.parse(&large);
    if let Some(body) = all.first() {
        let text = String::from_utf8((*body).clone()).unwrap();
        let grown = text.replacen("Hello", &"Hello ".repeat(10 * 1024 * 1024 / 6), 1);
        if grown.len() > 1024 * 1024 {
            parse(subject, "large", grown.as_bytes());
        }
    }
    let mut runner = TestRunner::new(Config { cases: 256, failure_persistence: None, ..Config::default() });
    runner
        .run(&proptest::collection::vec(any::<u8>(), 0..400), |bytes| {
            let _ = subject.adapter.parse(&bytes);
            Ok(())
        })
        .unwrap();
    // A byte of a sample is another one.
    let samples: Vec<Vec<u8>> = all.into_iter().cloned().collect();
    let strategy = (any::<proptest::sample::Index>(), any::<proptest::sample::Index>(), any::<u8>());
    runner
        .run(&strategy, |(sample, place, byte)| {
            let mut body = samples[sample.index(samples.len())].clone();
            let place = place.index(body.len());
            body[place] = byte;
            let _ = subject.adapter.parse(&body);
            Ok(())
        })
        .unwrap();
}

fn sayings(subject: &Subject<'_>) {
    for (what, outgoing, is_right) in &subject.says {
        let request = subject.adapter.render(outgoing);
        let request = request.unwrap_or_else(|error| panic!("{} {what}: {error}", subject.name));
        assert!(!request.name.is_empty());
        assert!(url::Url::parse(&request.url).is_ok(), "{} {what}", subject.name);
        assert!(is_right(&request), "{} {what}: {:#?}", subject.name, request.body);
        assert_eq!(request, subject.adapter.render(outgoing).unwrap(), "{} {what}: not the same twice", subject.name);
    }
    for (what, outgoing, why) in &subject.refuses {
        let result = subject.adapter.render(outgoing);
        assert_eq!(result.as_ref(), Err(why), "{} {what}", subject.name);
    }
}

fn answers(subject: &Subject<'_>) {
    let understand = |name, status, headers: &HeaderMap, body: &[u8]| {
        subject.adapter.understand(name, Answer { status, headers, body })
    };
    for answered in &subject.answers {
        let mut headers = HeaderMap::new();
        for (name, value) in &answered.headers {
            headers.insert(*name, http::HeaderValue::from_static(value));
        }
        let outcome = understand(answered.name, answered.status, &headers, &answered.body);
        assert!((answered.is_right)(&outcome), "{} {}: {outcome:?}", subject.name, answered.what);
        // Cut anywhere, it is never taken for a success without an id.
        for end in 0..answered.body.len() {
            let outcome = understand(answered.name, answered.status, &headers, &answered.body[..end]);
            if let (Outcome::Done { id: Some(id) }, Outcome::Done { id: Some(whole) }) =
                (&outcome, &understand(answered.name, answered.status, &headers, &answered.body))
            {
                assert_eq!(id, whole, "{} {}", subject.name, answered.what);
            }
        }
    }
    let names: BTreeSet<&'static str> = subject.answers.iter().map(|answered| answered.name).collect();
    for name in names {
        for status in [0, 100, 200, 204, 301, 400, 401, 404, 408, 418, 429, 500, 502, 503, 504, 999] {
            for body in [&b""[..], b"<html><body>Bad gateway</body></html>", b"null", b"[]", b"{}", b"\xff\xfe"] {
                let outcome = understand(name, status, &HeaderMap::new(), body);
                if (300..=999).contains(&status) {
                    assert!(!matches!(outcome, Outcome::Done { .. }), "{} {name} {status}", subject.name);
                }
            }
        }
    }
}

fn secrets(subject: &Subject<'_>) {
    for secret in &subject.secrets {
        assert!(!subject.debug.contains(secret), "{}: a secret is in {}", subject.name, subject.debug);
        for (what, outgoing, _) in &subject.says {
            let request = subject.adapter.render(outgoing).unwrap();
            assert!(!format!("{:?}", request.headers).contains(secret), "{} {what}", subject.name);
            let body = match &request.body {
                Body::Json(value) => value.to_string(),
                other => format!("{other:?}"),
            };
            assert!(!body.contains(secret), "{} {what}", subject.name);
        }
    }
}
