//! Where values come from, and their refusal.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use url::Url;

use trunkline_blob::{BlobConfig, S3Config, SecretText};
use trunkline_calls::model::Server;

use super::asterisk::{AsteriskConfig, SERVER_KEYS, server_name};
use super::{Config, EdgeConfig, HooksConfig, KEYS, Key, Secret, SecretKey};
use crate::limits::{RateLimits, parse_limit};
use crate::mail::{MailConfig, SmtpServer};
use crate::secrets::{KeySource, Ring};
use crate::softphone::IceServers;

/// Environment variables with this prefix override the file.
const PREFIX: &str = "TRUNKLINE_";

/// Variables with our prefix that are not configuration keys.
const NOT_KEYS: &[&str] = &["CONFIG", "BIN"];

/// What is wrong with the configuration, in words for the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file named on the command line cannot be read.
    #[error("cannot read the configuration file {path}: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// The system's words.
        reason: String,
    },
    /// The file is not TOML.
    #[error("{path} is not valid TOML: {reason}")]
    Syntax {
        /// The file.
        path: String,
        /// The parser's words, with line and column.
        reason: String,
    },
    /// One line for each wrong or missing value.
    #[error("the configuration is not usable:{}", lines(.0))]
    Values(Vec<String>),
}

fn lines(problems: &[String]) -> String {
    problems.iter().fold(String::new(), |mut text, problem| {
        let _ = write!(text, "\n  - {problem}");
        text
    })
}

#[derive(Debug, Clone)]
struct Given {
    text: String,
    from_environment: bool,
}

/// The values as given, not yet judged.
#[derive(Debug, Clone, Default)]
pub struct Source {
    given: BTreeMap<&'static str, Given>,
    /// The `[[asterisk]]` tables, with their names.
    servers: Vec<(Server, BTreeMap<&'static str, Given>)>,
    problems: Vec<String>,
    warnings: Vec<String>,
}

impl Source {
    /// Reads `file` (when given) and then `environment` over it.
    pub fn read(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut source = Self::default();
        if let Some(path) = file {
            let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
                path: path.display().to_string(),
                reason: error.to_string(),
            })?;
            source.take_file(path, &text)?;
        }
        source.take_environment(environment);
        Ok(source)
    }

    fn take_file(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| ConfigError::Syntax {
            path: path.display().to_string(),
            reason: error.message().to_owned(),
        })?;
        for (name, value) in table {
            if name == "asterisk" {
                self.take_servers(&value);
                continue;
            }
            let Some(key) = KEYS.iter().find(|key| key.name == name) else {
                self.problems.push(format!("{name}: there is no such key{}", suggestion(&name)));
                continue;
            };
            match text_of(&value) {
                Some(text) => {
                    self.given.insert(key.name, Given { text, from_environment: false });
                }
                None => self.problems.push(format!("{name}: expected {}", key.expected)),
            }
        }
        Ok(())
    }

    fn take_servers(&mut self, value: &toml::Value) {
        let tables: Option<Vec<&toml::Table>> =
            value.as_array().and_then(|items| items.iter().map(toml::Value::as_table).collect());
        let Some(tables) = tables else {
            self.problems.push("asterisk: expected tables, each headed [[asterisk]]".to_owned());
            return;
        };
        for table in tables {
            let name = table.get("name").and_then(toml::Value::as_str).and_then(server_name);
            let Some(name) = name else {
                self.problems.push(
                    "[[asterisk]] name: expected 1 to 32 letters a-z, digits and `-`, such as \"west-1\"".to_owned(),
                );
                continue;
            };
            if self.servers.iter().any(|(known, _)| *known == name) {
                self.problems.push(format!("[[asterisk]] name = {:?}: there are two of this name", name.as_str()));
                continue;
            }
            let mut given = BTreeMap::new();
            for (key, value) in table.iter().filter(|(key, _)| *key != "name") {
                let known = SERVER_KEYS.iter().find(|known| *known == key);
                match (known, text_of(value)) {
                    (Some(known), Some(text)) => {
                        given.insert(*known, Given { text, from_environment: false });
                    }
                    (Some(known), None) => {
                        let expected = Reader::key(known).expected;
                        self.problems.push(format!("{key} of the server {name}: expected {expected}"));
                    }
                    (None, _) if KEYS.iter().any(|known| known.name == key) => {
                        self.problems.push(format!(
                            "{key} of the server {name}: it is the whole gateway's; set it outside the tables"
                        ));
                    }
                    (None, _) => {
                        self.problems
                            .push(format!("{key} of the server {name}: there is no such key{}", suggestion(key)));
                    }
                }
            }
            if !given.contains_key("ari_url") {
                self.problems.push(format!(
                    "ari_url of the server {name} is not set: expected {}",
                    Reader::key("ari_url").expected
                ));
            }
            self.servers.push((name, given));
        }
    }

    /// The server of the plain keys, or those of the tables.
    fn asterisks(&self, reader: &mut Reader<'_>) -> Option<Vec<AsteriskConfig>> {
        if self.servers.is_empty() {
            return Some(vec![AsteriskConfig::read(reader, Server::default())?]);
        }
        let read = self.servers.iter().map(|(name, given)| {
            let mut source = Self { given: self.given.clone(), ..Self::default() };
            source.given.extend(given.clone());
            let mut own = Reader { source: &source, problems: Vec::new() };
            let server = AsteriskConfig::read(&mut own, name.clone());
            reader.problems.extend(own.problems.into_iter().map(|problem| format!("the server {name}: {problem}")));
            server
        });
        read.collect::<Vec<_>>().into_iter().collect()
    }

    fn take_environment(&mut self, environment: impl IntoIterator<Item = (String, String)>) {
        for (variable, text) in environment {
            let Some(name) = variable.strip_prefix(PREFIX) else {
                continue;
            };
            if NOT_KEYS.contains(&name) {
                continue;
            }
            let name = name.to_ascii_lowercase();
            match KEYS.iter().find(|key| key.name == name) {
                Some(key) => {
                    self.given.insert(key.name, Given { text, from_environment: true });
                }
                // The environment is shared with other programs of ours: a stranger there is no error.
                None => self.warnings.push(format!("{variable} is set, but there is no such key{}", suggestion(&name))),
            }
        }
    }

    /// Things worth a line in the log that do not stop the start.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The owner's database address: all that `migrate` needs.
    pub fn database_owner_url(&self) -> Result<Secret, ConfigError> {
        let mut reader = Reader { source: self, problems: Vec::new() };
        match reader.optional_with("database_owner_url", postgres_url) {
            Some(url) => Ok(url),
            None if reader.problems.is_empty() => Err(ConfigError::Values(vec![
                "database_owner_url (TRUNKLINE_DATABASE_OWNER_URL) is not set: it is the database address of the schema's owner"
                    .to_owned(),
            ])),
            None => Err(ConfigError::Values(reader.problems)),
        }
    }

    /// The application's database address: all that `user` and `demo-seed` need.
    pub fn database_url(&self) -> Result<Secret, ConfigError> {
        let mut reader = Reader { source: self, problems: Vec::new() };
        match reader.required("database_url", postgres_url) {
            Some(url) => Ok(url),
            None => Err(ConfigError::Values(reader.problems)),
        }
    }

    /// Judges every value; all that is wrong is told together.
    pub fn config(&self) -> Result<Config, ConfigError> {
        let mut reader = Reader { source: self, problems: self.problems.clone() };
        let http_listen: Option<SocketAddr> = reader.parsed("http_listen");
        let public_url = reader.optional_with("public_url", web_url);
        let trusted_proxies = reader.required("trusted_proxies", addresses);
        let edge = EdgeConfig::read(&mut reader, public_url.as_ref());
        let max_streams_per_user = reader.required("max_streams_per_user", |text| bounded::<usize>(text, 1, 1_000_000));
        let limit = |text: &str| parse_limit(text).ok();
        let address = reader.required("rate_limit_address", limit);
        let user = reader.required("rate_limit_user", limit);
        let key = reader.required("rate_limit_key", limit);
        let tenant = reader.required("rate_limit_tenant", limit);
        let sign_in = reader.required("rate_limit_sign_in", limit);
        let webhook = reader.required("rate_limit_webhook", limit);
        let sip = reader.required("rate_limit_sip", limit);
        let stream = reader.required("rate_limit_stream", limit);
        let secret_key: Option<SecretKey> = reader.parsed("secret_key");
        let master_key = reader.master_key();
        let master_keys_old = reader.optional_with("master_keys_old", |text| {
            Ring::parse(&text.replace(',', "\n")).ok().map(|_| Secret::new(text))
        });
        let database_url = reader.required("database_url", postgres_url);
        let database_owner_url = reader.optional_with("database_owner_url", postgres_url);
        let database_connections = reader.required("database_connections", |text| bounded::<u32>(text, 2, 1000));
        let state_dir = reader.required("state_dir", absolute);
        let recordings_dir = reader.optional_with("recordings_dir", absolute);
        let files_dir = reader.optional_with("files_dir", absolute);
        let files = files_config(&mut reader, files_dir.or_else(|| Some(state_dir.as_ref()?.join("files"))));
        let hooks = HooksConfig::read(&mut reader);
        let rtp_listen = reader.parsed("rtp_listen");
        let asterisks = self.asterisks(&mut reader);
        let ice_urls = reader.required("ice_servers", ice_addresses);
        let turn_secret = reader.optional_with("turn_secret", |text| not_empty(text).map(Secret::new));
        let smtp_server = reader.optional_with("smtp_url", SmtpServer::parse);
        let mail_from = reader.optional_with("mail_from", |text| text.parse().ok());
        if reader.is_given("smtp_url") && !reader.is_given("mail_from") {
            reader.problems.push(format!(
                "mail_from (or {}) is not set: smtp_url needs it, expected {}",
                variable("mail_from"),
                Reader::key("mail_from").expected
            ));
        }
        let private_identity_providers = reader.parsed("private_identity_providers");
        let private_push_services = reader.parsed("private_push_services");
        let private_flow_requests = reader.parsed("private_flow_requests");
        let log =
            reader.required("log", |text| tracing_subscriber::EnvFilter::try_new(text).ok().map(|_| text.to_owned()));
        let log_format = reader.parsed("log_format");

        let problems = reader.problems;
        let whole = move || {
            let http_listen = http_listen?;
            let state_dir = state_dir?;
            Some(Config {
                http_listen,
                public_url: public_url.or_else(|| Url::parse(&format!("http://{http_listen}")).ok())?,
                trusted_proxies: trusted_proxies?,
                edge: edge?,
                max_streams_per_user: max_streams_per_user?,
                rate_limits: RateLimits {
                    address: address?,
                    user: user?,
                    key: key?,
                    tenant: tenant?,
                    sign_in: sign_in?,
                    webhook: webhook?,
                    sip: sip?,
                    stream: stream?,
                },
                secret_key: secret_key?,
                master_key,
                master_keys_old,
                database_url: database_url?,
                database_owner_url,
                database_connections: database_connections?,
                files: files?,
                recordings_dir: recordings_dir.unwrap_or_else(|| state_dir.join("recordings")),
                state_dir,
                asterisks: asterisks?,
                hooks: hooks?,
                rtp_listen: rtp_listen?,
                ice_servers: IceServers { urls: ice_urls?, turn_secret },
                mail: smtp_server.zip(mail_from).map(|(server, from)| MailConfig { server, from }),
                private_identity_providers: private_identity_providers?,
                private_push_services: private_push_services?,
                private_flow_requests: private_flow_requests?,
                log: log?,
                log_format: log_format?,
            })
        };
        match whole() {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(ConfigError::Values(problems)),
        }
    }
}

/// Reads values one by one and gathers what is wrong.
/// Where files of messages are kept: a bucket if one is named, else `folder`.
fn files_config(reader: &mut Reader<'_>, folder: Option<PathBuf>) -> Option<BlobConfig> {
    let bucket = reader.optional_with("s3_bucket", not_empty);
    let region = reader.required("s3_region", not_empty);
    let endpoint = reader.optional_with("s3_endpoint", not_empty);
    let path_style = reader.parsed("s3_path_style");
    let access_key = reader.optional_with("s3_access_key", not_empty);
    let secret_key = reader.optional_with("s3_secret_key", |text| not_empty(text).map(SecretText::new));
    let prefix = reader.required("s3_prefix", |text| Some(text.to_owned()));
    let Some(bucket) = bucket else { return folder.map(|path| BlobConfig::Local { path }) };
    let config = BlobConfig::S3(S3Config {
        bucket,
        region: region?,
        endpoint,
        path_style: path_style?,
        access_key,
        secret_key,
        prefix: prefix?,
        part_mib: 8,
    });
    match config.check() {
        Ok(()) => Some(config),
        Err(wrong) => reader.refuse(&format!("s3_{}: {}", wrong.key, wrong.problem)),
    }
}

pub(super) struct Reader<'a> {
    source: &'a Source,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn key(name: &str) -> &'static Key {
        KEYS.iter().find(|key| key.name == name).expect("every key that is read stands in KEYS")
    }

    /// Whether a key is set to something.
    fn is_given(&self, name: &str) -> bool {
        self.source.given.get(name).is_some_and(|given| !given.text.trim().is_empty())
    }

    /// What is wrong with several values together. Gives `None`, for the one who cannot go on.
    pub(super) fn refuse<T>(&mut self, problem: &str) -> Option<T> {
        self.problems.push(problem.to_owned());
        None
    }

    pub(super) fn parsed<T: FromStr>(&mut self, name: &str) -> Option<T> {
        self.required(name, |text| text.parse().ok())
    }

    /// One of three, or none.
    fn master_key(&mut self) -> KeySource {
        let key = self
            .optional_with("master_key", |text| Ring::parse(text).ok().map(|_| KeySource::Given(Secret::new(text))));
        let file = self.optional_with("master_key_file", |text| absolute(text).map(KeySource::File));
        let command = self.optional_with("master_key_command", |text| {
            not_empty(text).map(|text| KeySource::Command(Secret::new(text)))
        });
        let mut given = [key, file, command].into_iter().flatten();
        let first = given.next();
        if given.next().is_some() {
            self.problems.push("only one of master_key, master_key_file and master_key_command may be set".to_owned());
        }
        first.unwrap_or(KeySource::Derived)
    }

    pub(super) fn required<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let key = Self::key(name);
        if !self.source.given.contains_key(name)
            && let Some(default) = key.default
        {
            return Some(parse(default).expect("defaults fit their own keys; a test reads them all"));
        }
        if self.source.given.contains_key(name) {
            return self.optional_with(name, parse);
        }
        self.problems.push(format!("{name} (or {}) is not set: expected {}", variable(name), key.expected));
        None
    }

    pub(super) fn optional_with<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let key = Self::key(name);
        let given = self.source.given.get(name)?;
        if key.optional && given.text.trim().is_empty() {
            return None;
        }
        let value = parse(given.text.trim());
        if value.is_none() {
            let shown = if key.secret { String::new() } else { format!(" = {:?}", given.text) };
            let place = if given.from_environment { variable(name) } else { name.to_owned() };
            self.problems.push(format!("{place}{shown}: expected {}", key.expected));
        }
        value
    }
}

fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.to_ascii_uppercase())
}

/// A TOML value as the text that the environment would hold.
fn text_of(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .map(|all| all.join(",")),
        _ => None,
    }
}

fn suggestion(name: &str) -> String {
    let near = KEYS.iter().map(|key| (distance(name, key.name), key.name)).min();
    match near {
        Some((steps, key)) if steps <= 3 => format!("; did you mean {key}?"),
        _ => String::new(),
    }
}

/// Levenshtein distance, for the "did you mean" of a mistyped key.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

pub(super) fn not_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

pub(super) fn bounded<T: FromStr + PartialOrd + Copy>(text: &str, low: T, high: T) -> Option<T> {
    text.parse().ok().filter(|number| *number >= low && *number <= high)
}

pub(super) fn absolute(text: &str) -> Option<PathBuf> {
    let path = PathBuf::from(text);
    path.is_absolute().then_some(path)
}

fn addresses(text: &str) -> Option<Vec<IpAddr>> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(|item| item.parse().ok()).collect()
}

fn ice_addresses(text: &str) -> Option<Vec<String>> {
    let addresses = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    addresses.map(|item| IceServers::is_address(item).then(|| item.to_owned())).collect()
}

pub(super) fn web_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

fn postgres_url(text: &str) -> Option<Secret> {
    let url = Url::parse(text).ok()?;
    matches!(url.scheme(), "postgres" | "postgresql").then(|| Secret::new(text))
}

pub(super) fn app_name(text: &str) -> Option<String> {
    not_empty(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')))
}

/// A dial string with the number's place in it. It is the operator's own text, and still holds nothing that ends one.
pub(super) fn dial_string(text: &str) -> Option<String> {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '&' | ',' | '"');
    (text.contains('/') && text.contains("{number}") && text.chars().all(plain)).then(|| text.to_owned())
}
