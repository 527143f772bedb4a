//! Trunks out of an existing `pjsip.conf`.
//!
//! A trunk is spread over several sections there: an endpoint names its aor, its auth and its identify by name, and a registration belongs to
//! it by `endpoint`, by the same auth, or by the same host. Endpoints that phones sign in to are no trunks.

mod conf;
mod uri;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use trunkline_calls::lines::{Kind, Transport, TrunkSettings, is_password};
use trunkline_db::Secret;

use self::conf::{Conf, Entry, Note, Section};
use self::uri::SipUri;
use super::model::ImportNote;

/// What an endpoint says and every trunk of ours has in its own way, or needs not.
const OURS: &[&str] = &[
    "type",
    "disallow",
    "allow",
    "aors",
    "auth",
    "outbound_auth",
    "direct_media",
    "dtmf_mode",
    "rtp_symmetric",
    "force_rport",
    "rewrite_contact",
    "trust_id_inbound",
    "trust_id_outbound",
    "send_pai",
    "identify_by",
    "from_user",
    "from_domain",
    "outbound_proxy",
    "transport",
    "allow_subscribe",
    "message_context",
    "rtp_timeout",
    "rtp_timeout_hold",
    "disable_direct_media_on_nat",
    "allow_transfer",
];
/// The same of the other sections.
const OF_AOR: &[&str] = &["type", "contact", "qualify_frequency", "qualify_timeout", "outbound_proxy", "max_contacts"];
const OF_AUTH: &[&str] = &["type", "auth_type", "username", "password"];
const OF_IDENTIFY: &[&str] = &["type", "endpoint", "match", "srv_lookups"];
const OF_REGISTRATION: &[&str] = &[
    "type",
    "server_uri",
    "client_uri",
    "contact_user",
    "outbound_auth",
    "outbound_proxy",
    "expiration",
    "transport",
    "retry_interval",
    "forbidden_retry_interval",
    "fatal_retry_interval",
    "max_retries",
    "auth_rejection_permanent",
    "line",
    "endpoint",
];
const CODECS: [&str; 5] = ["ulaw", "alaw", "g722", "opus", "gsm"];

/// A trunk that the file describes.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(super) struct Proposal {
    /// Its name: the endpoint's, with a number behind it if there is a trunk of that name.
    pub(super) name: String,
    /// How it would be connected.
    pub(super) settings: TrunkSettings,
    /// Whether the file has its password.
    pub(super) has_password: bool,
    /// The lines at which its sections begin.
    pub(super) lines: Vec<u32>,
    /// What of it is not taken over, line by line.
    pub(super) notes: Vec<ImportNote>,
    /// Why it cannot be connected like that; null: it can.
    pub(super) problem: Option<ImportProblem>,
}

/// Why a trunk cannot be connected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct ImportProblem {
    /// Which setting.
    pub(super) field: String,
    /// What is wrong with it.
    pub(super) message: String,
}

/// A proposal with the password that nobody is shown.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) proposal: Proposal,
    pub(super) password: Option<Secret>,
}

/// What a file says.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) trunks: Vec<Found>,
    pub(super) not_understood: Vec<ImportNote>,
}

/// Reads a file. An error is about the whole of it.
pub(super) fn read(text: &str) -> Result<Read, String> {
    let Conf { sections, notes } = conf::parse(text)?;
    let mut file = File { sections: &sections, used: BTreeSet::new(), notes: notes.into_iter().map(shown).collect() };
    let mut trunks = Vec::new();
    for (index, endpoint) in file.of_type("endpoint") {
        file.used.insert(index);
        match file.trunk(endpoint) {
            Ok(found) => trunks.push(found),
            Err(why) => file.say(endpoint, why),
        }
    }
    for (index, registration) in file.of_type("registration") {
        if file.used.insert(index) {
            trunks.push(file.lone_registration(registration));
        }
    }
    file.leftovers();
    let mut not_understood = file.notes;
    not_understood.sort_by_key(|note| note.line);
    Ok(Read { trunks, not_understood })
}

fn shown(Note { line, text, message }: Note) -> ImportNote {
    ImportNote { line, text, message }
}

fn kind_of(section: &Section) -> &str {
    section.get("type").unwrap_or_default()
}

struct File<'a> {
    sections: &'a [Section],
    /// Those that became part of a trunk, or of which something was said.
    used: BTreeSet<usize>,
    notes: Vec<ImportNote>,
}

impl<'a> File<'a> {
    fn of_type(&self, kind: &str) -> Vec<(usize, &'a Section)> {
        self.sections.iter().enumerate().filter(|(_, section)| kind_of(section) == kind).collect()
    }

    fn say(&mut self, section: &Section, message: &str) {
        let text = format!("[{}]", section.name);
        self.notes.push(ImportNote { line: section.line, text, message: message.to_owned() });
    }

    fn named(&mut self, kind: &str, name: &str) -> Option<&'a Section> {
        let (index, section) = self.of_type(kind).into_iter().find(|(_, section)| section.name == name)?;
        self.used.insert(index);
        Some(section)
    }

    /// The trunk that an endpoint is, or why it is none.
    fn trunk(&mut self, endpoint: &'a Section) -> Result<Found, &'static str> {
        let aor_name = endpoint.all("aors").next().unwrap_or(&endpoint.name).to_owned();
        let aor = self.named("aor", &aor_name);
        let contact = aor.and_then(|aor| aor.all("contact").next()).and_then(SipUri::parse);
        let auth = endpoint.all("outbound_auth").next().map(str::to_owned).and_then(|name| self.named("auth", &name));
        let registration = self.registration_of(endpoint, contact.as_ref());
        let identifies: Vec<&Section> = self
            .of_type("identify")
            .into_iter()
            .filter(|(_, identify)| identify.get("endpoint") == Some(endpoint.name.as_str()))
            .map(|(index, identify)| {
                self.used.insert(index);
                identify
            })
            .collect();
        if registration.is_none() && contact.is_none() && identifies.is_empty() {
            for auth in endpoint.all("auth").map(str::to_owned).collect::<Vec<_>>() {
                self.named("auth", &auth);
            }
            return Err("a phone signs in to this endpoint: phones are made for agents, and need no import");
        }
        let mut draft =
            Draft::new(&endpoint.name, if registration.is_some() { Kind::Registration } else { Kind::Address });
        draft.endpoint(endpoint, self);
        if let Some(aor) = aor {
            draft.aor(aor, contact.as_ref());
        }
        for identify in identifies {
            draft.identify(identify);
        }
        let auth = match registration {
            Some(registration) => {
                draft.registration(registration, self);
                let own = registration.all("outbound_auth").next().map(str::to_owned);
                own.and_then(|name| self.named("auth", &name)).or(auth)
            }
            None => auth,
        };
        if let Some(auth) = auth {
            draft.auth(auth);
        }
        Ok(draft.finish())
    }

    /// A registration whose calls come in without an endpoint of their own, or to one that is not in the text.
    fn lone_registration(&mut self, registration: &'a Section) -> Found {
        let mut draft = Draft::new(&registration.name, Kind::Registration);
        draft.registration(registration, self);
        let auth = registration.all("outbound_auth").next().map(str::to_owned);
        if let Some(auth) = auth.and_then(|name| self.named("auth", &name)) {
            draft.auth(auth);
        }
        draft.finish()
    }

    fn registration_of(&mut self, endpoint: &Section, contact: Option<&SipUri>) -> Option<&'a Section> {
        let free: Vec<_> =
            self.of_type("registration").into_iter().filter(|(index, _)| !self.used.contains(index)).collect();
        let host = |it: &Section| it.get("server_uri").and_then(SipUri::parse).map(|uri| uri.host);
        let auth = endpoint.get("outbound_auth");
        let ways: [&dyn Fn(&Section) -> bool; 4] = [
            &|it| it.get("endpoint") == Some(endpoint.name.as_str()),
            &|it| it.name == endpoint.name,
            &|it| auth.is_some() && it.get("outbound_auth") == auth,
            &|it| {
                it.get("endpoint").is_none() && contact.is_some_and(|contact| host(it).as_ref() == Some(&contact.host))
            },
        ];
        let (index, found) =
            ways.iter().find_map(|way| free.iter().find(|(_, registration)| way(registration)).copied())?;
        self.used.insert(index);
        Some(found)
    }

    /// What a transport section travels over.
    fn transport(&mut self, name: &str) -> Option<Transport> {
        let protocol = self.named("transport", name)?.get("protocol")?.to_ascii_lowercase();
        transport(&protocol)
    }

    /// What belongs to no trunk.
    fn leftovers(&mut self) {
        for (index, section) in self.sections.iter().enumerate().filter(|(_, section)| kind_of(section) != "endpoint") {
            if self.used.contains(&index) {
                continue;
            }
            let message = match kind_of(section) {
                "transport" | "global" | "system" => "what holds for the whole Asterisk stays in its pjsip.conf",
                "aor" | "auth" | "identify" => "no endpoint of a trunk refers to this",
                "acl" | "domain_alias" | "phoneprov" | "resource_list" | "inbound-publication" | "outbound-publish" => {
                    "this is no part of a trunk"
                }
                "wizard" => "wizards are not read: `pjsip show endpoint` tells what they make",
                "" => "the section has no type",
                _ => "this type is not known",
            };
            self.say(section, message);
        }
    }
}

fn transport(word: &str) -> Option<Transport> {
    match word {
        "udp" => Some(Transport::Udp),
        "tcp" => Some(Transport::Tcp),
        "tls" => Some(Transport::Tls),
        _ => None,
    }
}

/// A trunk that is being put together.
struct Draft {
    name: String,
    settings: TrunkSettings,
    password: Option<Secret>,
    lines: Vec<u32>,
    notes: BTreeMap<u32, ImportNote>,
}

impl Draft {
    fn new(name: &str, kind: Kind) -> Self {
        let name: String = name.chars().filter(|it| !it.is_control()).take(50).collect();
        let name = if name.trim().is_empty() { "Trunk".to_owned() } else { name.trim().to_owned() };
        let settings = TrunkSettings::new(kind, "");
        Self { name, settings, password: None, lines: Vec::new(), notes: BTreeMap::new() }
    }

    fn note(&mut self, entry: &Entry, message: &str) {
        let note = ImportNote { line: entry.line, text: entry.shown(), message: message.to_owned() };
        self.notes.entry(entry.line).or_insert(note);
    }

    fn begin(&mut self, section: &Section, known: &[&str]) {
        self.lines.push(section.line);
        for entry in section.entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            let message = match entry.key.as_str() {
                "context" => "calls go where their numbers lead, not to a context",
                "callerid" => "which number is shown is set by the rules for calls out, or by `shown`",
                "set_var" => "variables are not set per trunk",
                _ => "this is not taken over",
            };
            self.note(entry, message);
        }
    }

    fn endpoint(&mut self, endpoint: &Section, file: &mut File<'_>) {
        self.begin(endpoint, OURS);
        let mut codecs: Vec<String> = Vec::new();
        for entry in &endpoint.entries {
            let words = entry.value.split(',').map(str::trim);
            match entry.key.as_str() {
                "disallow" if entry.value.trim() == "all" => codecs.clear(),
                "disallow" => codecs.retain(|codec| !words.clone().any(|word| word == codec)),
                "allow" => {
                    for word in words.map(|word| word.trim_start_matches('!')) {
                        if word == "all" {
                            codecs = CODECS.iter().map(|codec| (*codec).to_owned()).collect();
                        } else if CODECS.contains(&word) && !codecs.iter().any(|codec| codec == word) {
                            codecs.push(word.to_owned());
                        } else if !CODECS.contains(&word) {
                            self.note(entry, "not all of these codecs are offered here");
                        }
                    }
                }
                _ => {}
            }
        }
        if !codecs.is_empty() {
            self.settings.codecs = codecs;
        }
        endpoint.get("from_user").unwrap_or_default().clone_into(&mut self.settings.from_user);
        endpoint.get("from_domain").unwrap_or_default().clone_into(&mut self.settings.from_domain);
        self.proxy(endpoint);
        if let Some(named) = endpoint.get("transport").map(str::to_owned).and_then(|name| file.transport(&name)) {
            self.settings.transport = named;
        }
    }

    fn proxy(&mut self, section: &Section) {
        let Some(entry) = section.entries.iter().rev().find(|entry| entry.key == "outbound_proxy") else { return };
        match SipUri::parse(&entry.value) {
            Some(uri) => {
                self.settings.outbound_proxy = match uri.port {
                    Some(port) => format!("{}:{port}", uri.host),
                    None => uri.host,
                };
            }
            None => self.note(entry, "this is no SIP address"),
        }
    }

    fn place(&mut self, uri: &SipUri) {
        self.settings.host.clone_from(&uri.host);
        self.settings.port = uri.port;
        if let Some(transport) = uri.transport.as_deref().and_then(transport) {
            self.settings.transport = transport;
        } else if uri.is_secure {
            self.settings.transport = Transport::Tls;
        }
    }

    fn aor(&mut self, aor: &Section, contact: Option<&SipUri>) {
        self.begin(aor, OF_AOR);
        if let Some(contact) = contact {
            self.place(contact);
        }
        if aor.all("contact").count() > 1
            && let Some(second) = aor.entries.iter().filter(|entry| entry.key == "contact").nth(1)
        {
            self.note(
                second,
                "a trunk leads to one place: make another trunk with a higher priority number for this one",
            );
        }
        if let Some(seconds) = aor.get("qualify_frequency").and_then(|seconds| seconds.parse::<u16>().ok()) {
            self.settings.qualify_seconds = if seconds == 0 { 0 } else { seconds.clamp(5, 600) };
        }
        self.proxy(aor);
    }

    fn identify(&mut self, identify: &Section) {
        self.begin(identify, OF_IDENTIFY);
        for source in identify.all("match") {
            // 192.0.2.0/255.255.255.0 is a way to write it too.
            let source = match source.split_once('/') {
                Some((network, mask)) => match mask.parse::<std::net::Ipv4Addr>() {
                    Ok(mask) => format!("{network}/{}", mask.to_bits().leading_ones()),
                    Err(_) => source.to_owned(),
                },
                None => source.to_owned(),
            };
            if !self.settings.sources.contains(&source) {
                self.settings.sources.push(source);
            }
        }
        if self.settings.host.is_empty()
            && let Some(first) = self.settings.sources.first()
        {
            // Calls only come in by it, as far as the file says.
            self.settings.host = first.split('/').next().unwrap_or_default().to_owned();
            self.settings.outbound = false;
        }
    }

    fn registration(&mut self, registration: &Section, file: &mut File<'_>) {
        self.begin(registration, OF_REGISTRATION);
        if let Some(named) = registration.get("transport").map(str::to_owned).and_then(|name| file.transport(&name)) {
            self.settings.transport = named;
        }
        for entry in &registration.entries {
            match (entry.key.as_str(), SipUri::parse(&entry.value)) {
                ("server_uri", Some(server)) => self.place(&server),
                ("client_uri", Some(client)) => {
                    self.settings.username = client.user.unwrap_or_default();
                    if self.settings.from_domain.is_empty() && client.host != self.settings.host {
                        self.settings.from_domain = client.host;
                    }
                }
                ("server_uri" | "client_uri", None) => self.note(entry, "this is no SIP address"),
                ("expiration", _) => match entry.value.parse::<u16>() {
                    Ok(seconds) => self.settings.expires_seconds = seconds.clamp(30, 7200),
                    Err(_) => self.note(entry, "this is no number of seconds"),
                },
                _ => {}
            }
        }
        if self.settings.from_domain == self.settings.host {
            self.settings.from_domain.clear();
        }
        self.proxy(registration);
    }

    fn auth(&mut self, auth: &Section) {
        self.begin(auth, OF_AUTH);
        let username = auth.get("username").unwrap_or_default();
        if self.settings.username.is_empty() {
            username.clone_into(&mut self.settings.username);
        } else if self.settings.username != username {
            username.clone_into(&mut self.settings.auth_username);
        }
        self.password = auth.get("password").filter(|password| is_password(password)).map(Secret::new);
    }

    fn finish(self) -> Found {
        let Self { name, settings, password, lines, notes } = self;
        let invalid = settings
            .check()
            .err()
            .map(|invalid| ImportProblem { field: format!("settings.{}", invalid.field), message: invalid.message });
        let unsigned = (settings.kind == Kind::Registration && password.is_none()).then(|| ImportProblem {
            field: "password".to_owned(),
            message: "must be given: the file has none that can be used".to_owned(),
        });
        let proposal = Proposal {
            name,
            settings,
            has_password: password.is_some(),
            lines,
            notes: notes.into_values().collect(),
            problem: invalid.or(unsigned),
        };
        Found { proposal, password }
    }
}

#[cfg(test)]
mod tests;
