//! The way to the mail server: `smtp_url` and `mail_from`.

use std::fmt;
use std::time::Duration;

use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, Message, SmtpTransport, Transport as _};
use trunkline_db::JobId;
use trunkline_jobs::Failure;
use url::{Host, Url};

use super::render::Rendered;

/// How long the server may take for each answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// And for all of them.
const PATIENCE_IN_ALL: Duration = Duration::from_mins(1);

/// How letters leave.
#[derive(Debug, Clone)]
pub struct MailConfig {
    /// The server.
    pub server: SmtpServer,
    /// Who writes.
    pub from: Mailbox,
}

/// What protects the way to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protection {
    /// TLS from the first byte (`smtps://`).
    Tls,
    /// STARTTLS, or nothing is sent.
    StartTls,
    /// None: the server is on this machine, or somebody asked for it.
    Nothing,
}

/// A mail server. Its password never shows.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpServer {
    host: String,
    port: u16,
    protection: Protection,
    credentials: Option<(String, String)>,
}

impl fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpServer")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("protection", &self.protection)
            .finish_non_exhaustive()
    }
}

impl SmtpServer {
    /// Reads `smtps://user:password@host:465` or `smtp://user:password@host:587`.
    ///
    /// `smtp` means STARTTLS, and nothing is sent without it, but to this machine itself; `?tls=off` allows it to others, but no
    /// password is sent over such a way.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let host = url.host_str().filter(|host| !host.is_empty())?.to_owned();
        let plain = match url.query() {
            None | Some("") => false,
            Some("tls=off") => true,
            Some(_) => return None,
        };
        let (protection, port) = match (url.scheme(), plain) {
            ("smtps", false) => (Protection::Tls, 465),
            ("smtp", false) if is_this_machine(&host) => (Protection::Nothing, 25),
            ("smtp", false) => (Protection::StartTls, 587),
            ("smtp", true) => (Protection::Nothing, 25),
            _ => return None,
        };
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return None;
        }
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, Some(password)) if !user.is_empty() => Some((decoded(user)?, decoded(password)?)),
            _ => return None,
        };
        if credentials.is_some() && protection == Protection::Nothing && !is_this_machine(&host) {
            return None;
        }
        Some(Self { port: url.port().unwrap_or(port), host, protection, credentials })
    }

    /// Where it is, for people.
    pub fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

fn is_this_machine(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Ipv6(address)) => address.is_loopback(),
        Ok(Host::Domain(name)) => name == "localhost",
        Err(_) => false,
    }
}

/// `%41` is `A`.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// A way to a mail server. Each letter takes a connection of its own, and a thread while it is sent: lettre's asynchronous way would need
/// a dependency more, and a letter is nothing to hurry for.
#[derive(Clone)]
pub struct Transport {
    smtp: SmtpTransport,
    from: Mailbox,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("from", &self.from).finish_non_exhaustive()
    }
}

impl Transport {
    /// Sets it up; nothing is sent yet.
    pub fn new(config: &MailConfig) -> Result<Self, lettre::transport::smtp::Error> {
        let SmtpServer { host, port, protection, credentials } = &config.server;
        // A name in brackets is an address, of which certificates speak without them.
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = match protection {
            Protection::Tls => Tls::Wrapper(TlsParameters::new(name.clone())?),
            Protection::StartTls => Tls::Required(TlsParameters::new(name.clone())?),
            Protection::Nothing => Tls::None,
        };
        let mut builder = SmtpTransport::builder_dangerous(name)
            .port(*port)
            .tls(tls)
            .timeout(Some(PATIENCE))
            .hello_name(ClientId::Domain(config.from.email.domain().to_owned()));
        if let Some((user, password)) = credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
        }
        Ok(Self { smtp: builder.build(), from: config.from.clone() })
    }

    /// Sends one letter.
    pub async fn send(&self, to: &Address, letter: &Rendered, id: JobId) -> Result<(), Failure> {
        // The same for each attempt: who gets it twice can tell.
        let message_id = format!("<{id}@{}>", self.from.email.domain());
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to.clone()))
            .subject(letter.subject.as_str())
            .message_id(Some(message_id))
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(letter.text.clone(), letter.html.clone()))
            .map_err(Failure::dead)?;
        let smtp = self.smtp.clone();
        let sending = tokio::task::spawn_blocking(move || smtp.send(&message));
        match tokio::time::timeout(PATIENCE_IN_ALL, sending).await {
            Ok(Ok(Ok(_))) => Ok(()),
            Ok(Ok(Err(error))) => Err(judge(&error)),
            Ok(Err(panicked)) => Err(Failure::retry(panicked)),
            Err(_) => Err(Failure::retry("the mail server takes too long")),
        }
    }

    /// Whether the server answers, and takes our credentials where we have some.
    pub async fn check(&self) -> Result<(), String> {
        let smtp = self.smtp.clone();
        let asking = tokio::task::spawn_blocking(move || smtp.test_connection());
        match tokio::time::timeout(PATIENCE, asking).await {
            Ok(Ok(Ok(true))) => Ok(()),
            Ok(Ok(Ok(false))) => Err("it answers, but not as a mail server does".to_owned()),
            Ok(Ok(Err(error))) => Err(in_words(&error)),
            Ok(Err(panicked)) => Err(panicked.to_string()),
            Err(_) => Err("it does not answer in time".to_owned()),
        }
    }
}

/// Nobody's holiday assistant answers it (RFC 3834, section 5).
#[derive(Debug, Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// A 5xx is the server's last word about this letter, unless it is about ourselves: who we are (530, 534, 535, 538; RFC 4954) or what we
/// may send (454 and 4xx are for later anyway). Those are mended in the configuration, and then the letter goes.
fn judge(error: &lettre::transport::smtp::Error) -> Failure {
    let words = in_words(error);
    let about_us = error.status().is_some_and(|code| [530, 534, 535, 538].contains(&u16::from(code)));
    if error.is_permanent() && !about_us { Failure::dead(words) } else { Failure::retry(words) }
}

/// With what lies beneath: "connection error: connection refused".
fn in_words(error: &lettre::transport::smtp::Error) -> String {
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_words = cause.to_string();
        if !words.contains(&cause_words) {
            words = format!("{words}: {cause_words}");
        }
        source = cause.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_mail_servers() {
        let server = SmtpServer::parse("smtps://ada%40example.org:p%3Aw@mail.example.org").unwrap();
        assert_eq!((server.place().as_str(), server.protection), ("mail.example.org:465", Protection::Tls));
        assert_eq!(server.credentials, Some(("ada@example.org".to_owned(), "p:w".to_owned())));
        assert!(!format!("{server:?}").contains("p:w"));
        let server = SmtpServer::parse("smtp://user:pw@mail.example.org").unwrap();
        assert_eq!((server.port, server.protection), (587, Protection::StartTls));
        let server = SmtpServer::parse("smtp://127.0.0.1:2525").unwrap();
        assert_eq!((server.port, server.protection, server.credentials), (2525, Protection::Nothing, None));
        assert_eq!(SmtpServer::parse("smtp://relay.lan?tls=off").unwrap().protection, Protection::Nothing);
    }

    #[test]
    fn a_password_never_goes_over_a_way_that_nothing_protects() {
        assert_eq!(SmtpServer::parse("smtp://user:pw@relay.lan?tls=off"), None);
        assert!(SmtpServer::parse("smtp://user:pw@localhost").is_some());
    }

    #[test]
    fn what_is_no_mail_server_is_refused() {
        for wrong in [
            "",
            "mail.example.org",
            "http://mail.example.org",
            "smtp://",
            "smtps://a@b",
            "smtps://a?tls=off",
            "smtp://a/b",
            "smtp://a?x=1",
        ] {
            assert_eq!(SmtpServer::parse(wrong), None, "{wrong}");
        }
    }
}
