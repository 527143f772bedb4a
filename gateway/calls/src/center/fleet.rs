//! The Asterisk servers and the phones at each. A call lives on one server and rings phones where they are: on its own server, or on
//! another that it is linked with.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use trunkline_db::CallId;
use trunkline_routing as routing;

use super::Center;
use super::call::Call;
use super::io::Output;
use crate::model::{CallState, Server};

/// The servers and their phones.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    /// Phones that can ring, by user name, and the servers at which they are signed in.
    online: BTreeMap<String, BTreeSet<Server>>,
    /// Servers that do not answer.
    away: BTreeSet<Server>,
    /// Servers that pass calls on to phones for each other.
    linked: BTreeSet<Server>,
}

impl Fleet {
    pub(super) fn link(&mut self, servers: impl IntoIterator<Item = Server>) {
        self.linked.extend(servers);
    }

    /// A phone came or went at a server. Whether that is news.
    pub(super) fn set(&mut self, server: &Server, username: &str, online: bool) -> bool {
        if online {
            return self.online.entry(username.to_owned()).or_default().insert(server.clone());
        }
        let Some(at) = self.online.get_mut(username) else { return false };
        let gone = at.remove(server);
        if at.is_empty() {
            self.online.remove(username);
        }
        gone
    }

    fn at(&self, username: &str) -> impl Iterator<Item = &Server> {
        self.online.get(username).into_iter().flatten().filter(|server| !self.away.contains(*server))
    }

    /// Where a phone rings for a call of this server; none where it cannot.
    pub(super) fn place(&self, username: &str, of: &Server) -> Option<Server> {
        let links = |at: &&Server| self.linked.contains(of) && self.linked.contains(*at);
        let mut elsewhere = self.at(username).filter(links);
        self.at(username).find(|at| *at == of).or_else(|| elsewhere.next()).cloned()
    }

    /// Whether a phone can ring at all.
    pub(super) fn is_online(&self, username: &str) -> bool {
        self.at(username).next().is_some()
    }

    /// The server at which a call to the outside begins best: where most of these phones are.
    pub(super) fn home<'a>(&self, usernames: impl Iterator<Item = &'a str>) -> Option<Server> {
        let mut count: BTreeMap<&Server, usize> = BTreeMap::new();
        for server in usernames.flat_map(|username| self.at(username)) {
            *count.entry(server).or_default() += 1;
        }
        // The first of those with as many.
        count.into_iter().rev().max_by_key(|(_, phones)| *phones).map(|(server, _)| server.clone())
    }

    pub(super) fn online(&self) -> impl Iterator<Item = &str> {
        self.online.keys().map(String::as_str).filter(|username| self.is_online(username))
    }

    pub(super) fn is_away(&self, server: &Server) -> bool {
        self.away.contains(server)
    }
}

impl Center {
    /// A server does not answer. Its phones are nobody's until it does, and what waits there is offered to nobody; what runs there runs on.
    pub(super) fn server_away(&mut self, now: DateTime<Utc>, server: &Server, out: &mut Vec<Output>) {
        if !self.fleet.away.insert(server.clone()) {
            return;
        }
        tracing::warn!(%server, "the server is away");
        let waits =
            |call: &&Call| call.row.server == *server && call.row.state == CallState::Queued && call.closing.is_none();
        let waiting: Vec<_> = self.calls.values().filter(waits).map(|call| (call.tenant, call.id())).collect();
        for (tenant, call) in waiting {
            self.route(now, tenant, [routing::Input::Withdraw { work: call.into() }], out);
        }
        self.phones_changed(now, server, out);
    }

    /// It answers again. What waits there is brought back by its snapshot.
    pub(super) fn server_back(&mut self, now: DateTime<Utc>, server: &Server, out: &mut Vec<Output>) {
        if self.fleet.away.remove(server) {
            self.phones_changed(now, server, out);
        }
    }

    /// Whether a call is on a server that is away.
    pub(super) fn is_out_of_reach(&self, call: CallId) -> bool {
        self.calls.get(&call).is_some_and(|call| self.fleet.is_away(&call.row.server))
    }

    fn phones_changed(&mut self, now: DateTime<Utc>, server: &Server, out: &mut Vec<Output>) {
        let there = self.fleet.online.iter().filter(|(_, at)| at.contains(server)).map(|(username, _)| username);
        let devices = there.filter_map(|username| self.directory.devices.get(username));
        let agents: BTreeSet<_> = devices.map(|device| (device.tenant, device.agent)).collect();
        for (tenant, agent) in agents {
            self.phone_changed(now, tenant, agent, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers() -> [Server; 3] {
        ["a", "b", "c"].map(Server::new)
    }

    #[test]
    fn a_phone_rings_on_the_calls_own_server_before_another_and_never_on_one_that_is_away() {
        let [a, b, c] = servers();
        let mut fleet = Fleet::default();
        fleet.link([a.clone(), b.clone()]);
        assert!(fleet.set(&b, "p", true));
        assert!(!fleet.set(&b, "p", true));
        assert_eq!(fleet.place("p", &a), Some(b.clone()));
        // It is linked with nobody.
        assert_eq!(fleet.place("p", &c), None);
        assert!(fleet.set(&a, "p", true));
        assert_eq!(fleet.place("p", &a), Some(a.clone()));
        fleet.away.insert(a.clone());
        assert_eq!(fleet.place("p", &a), Some(b.clone()));
        fleet.away.insert(b.clone());
        assert!(!fleet.is_online("p"));
        assert_eq!(fleet.online().count(), 0);
    }

    #[test]
    fn a_call_begins_where_most_of_the_phones_are() {
        let [a, b, _] = servers();
        let mut fleet = Fleet::default();
        fleet.set(&b, "p", true);
        fleet.set(&b, "q", true);
        fleet.set(&a, "r", true);
        assert_eq!(fleet.home(["p", "q", "r"].into_iter()), Some(b.clone()));
        assert_eq!(fleet.home(["p", "r"].into_iter()), Some(a));
        fleet.set(&b, "p", false);
        assert_eq!(fleet.home(["p"].into_iter()), None);
    }
}
