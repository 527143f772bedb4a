//! Trunks: how numbers are written on the way to a carrier, and how those are read that come from one.

mod arrival;
mod network;
mod settings;

use std::net::IpAddr;

use trunkline_db::{Secret, TenantId, TrunkId};
use trunkline_dialing::{Country, normalise};

pub use self::arrival::Arrival;
use self::network::Source;
pub use self::settings::{DialFormat, InvalidTrunk, Kind, Shown, Transport, TrunkSettings, is_password};
use crate::directory::e164;
use crate::model::Server;

/// What a caller is called who does not say who they are (RFC 3261 §8.1.1.3).
pub const ANONYMOUS: &str = "anonymous";
/// What carriers put in the place of a number that is withheld or missing.
const WITHHELD: [&str; 7] = [ANONYMOUS, "unknown", "unavailable", "restricted", "private", "withheld", "asterisk"];
/// How the names of trunks' endpoints begin.
const ENDPOINT: &str = "trunk-";

/// A tenant's trunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The trunk.
    pub id: TrunkId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What people call it.
    pub name: String,
    /// Lower ones are tried first.
    pub priority: i32,
    /// How it is connected.
    pub settings: TrunkSettings,
    /// The password at the carrier's.
    pub password: Option<Secret>,
}

/// The name of a trunk's endpoint in Asterisk; says nothing of whose it is.
pub fn endpoint_name(trunk: TrunkId) -> String {
    format!("{ENDPOINT}{}", trunk.uuid().simple())
}

/// The trunk with an endpoint of this name, whether there still is one or not.
pub fn trunk_of_endpoint(name: &str) -> Option<TrunkId> {
    let id = name.strip_prefix(ENDPOINT).filter(|id| id.len() == 32)?;
    id.parse::<uuid::Uuid>().ok().map(TrunkId)
}

/// The trunk on which a channel of this name is: `PJSIP/trunk-…-0000002a`.
pub fn trunk_of_channel(name: &str) -> Option<TrunkId> {
    let (endpoint, _) = name.strip_prefix("PJSIP/")?.rsplit_once('-')?;
    trunk_of_endpoint(endpoint)
}

/// A calling number as it is kept: who does not say who they are is [`ANONYMOUS`].
pub fn caller(received: &str, line: Option<&Line>) -> String {
    let received = received.trim();
    if received.is_empty() || WITHHELD.iter().any(|word| received.eq_ignore_ascii_case(word)) {
        return ANONYMOUS.to_owned();
    }
    line.map_or_else(|| e164(received), |line| line.read(received))
}

impl Line {
    /// The name of its endpoint.
    pub fn endpoint(&self) -> String {
        endpoint_name(self.id)
    }

    /// Whether a server has it.
    pub fn is_at(&self, server: &Server) -> bool {
        self.settings.servers.as_ref().is_none_or(|servers| servers.contains(server))
    }

    /// Whether its carrier's calls come from this address.
    pub fn covers(&self, address: IpAddr) -> bool {
        let own = Some(&self.settings.host).filter(|_| self.settings.sources.is_empty());
        let mut sources = self.settings.sources.iter().chain(own);
        sources.any(|source| Source::parse(source).is_ok_and(|source| source.covers(address)))
    }

    /// A number that came by it, as E.164 where that can be told; else as it came. What does not begin with `+` or `00` is read as the trunk's
    /// country has it first: `3331234567` is a mobile phone in Italy before it is a number in France.
    pub fn read(&self, received: &str) -> String {
        let received = received.trim();
        let Some(country) = self.settings.country else { return e164(received) };
        if received.starts_with('+') {
            return e164(received);
        }
        let is_whole = |text: &str| text.starts_with('+') && trunkline_dialing::country_of(text).is_some();
        match normalise(received, country) {
            Ok(number) if is_whole(&number.text) && number.kind != trunkline_dialing::Kind::Unknown => number.text,
            // Of no plan's ranges: only what says itself that it is international.
            Ok(number) if number.text.starts_with('+') && received.starts_with("00") => number.text,
            _ => match e164(received) {
                international if is_known(&international) => international,
                _ => received.to_owned(),
            },
        }
    }

    /// A number that is called by it, as its carrier wants it.
    pub fn dialled(&self, number: &str) -> String {
        let settings = &self.settings;
        let written = self.written(number);
        let rest: String = written.chars().skip(usize::from(settings.dial_strip)).collect();
        // Nobody is to be called for one number too few.
        if rest.is_empty() { written } else { format!("{}{rest}", settings.dial_prefix) }
    }

    /// The number that is shown to who is called by it, as its carrier wants it; `chosen` is what the tenant's rules say.
    pub fn shown(&self, chosen: Option<&str>) -> Option<String> {
        match &self.settings.shown {
            Shown::AsChosen => chosen.map(|number| self.written(number)),
            Shown::Number { number } => Some(self.written(number)),
            Shown::Withheld => None,
        }
    }

    fn written(&self, number: &str) -> String {
        let Some(digits) = number.strip_prefix('+') else {
            // Emergency numbers and short codes are written one way.
            return number.to_owned();
        };
        match (self.settings.dial_format, self.settings.country) {
            (DialFormat::E164, _) | (DialFormat::National, None) => number.to_owned(),
            (DialFormat::Digits, _) => digits.to_owned(),
            (DialFormat::National, Some(home)) => nationally(number, digits, home),
        }
    }
}

fn is_known(number: &str) -> bool {
    let home = trunkline_dialing::country_of(number);
    home.is_some_and(|home| normalise(number, home).is_ok_and(|number| number.kind != trunkline_dialing::Kind::Unknown))
}

/// As it is dialled within a country: with the trunk prefix, or with the one for abroad.
fn nationally(number: &str, digits: &str, home: Country) -> String {
    let code = home.calling_code().to_string();
    let abroad = || format!("00{digits}");
    let Some(rest) = digits.strip_prefix(&code).filter(|_| trunkline_dialing::country_of(number) == Some(home)) else {
        return abroad();
    };
    // Italian numbers have their zero already, others get theirs: whatever reads back as the same number.
    for candidate in [format!("0{rest}"), rest.to_owned(), format!("1{rest}"), format!("8{rest}"), format!("06{rest}")]
    {
        if normalise(&candidate, home).is_ok_and(|read| read.text == number) {
            return candidate;
        }
    }
    abroad()
}

#[cfg(test)]
mod tests;
