//! Signing in, and staying signed in.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use trunkline_tests::{Sip, digest, unique};

use super::message::Request;

/// Well before Asterisk forgets a desk phone.
const REFRESH: Duration = Duration::from_secs(45);
/// After no answer, or a wrong one.
const RETRY: Duration = Duration::from_secs(2);

/// A phone's registration.
#[derive(Debug)]
pub(super) struct Registration {
    name: String,
    password: String,
    own: SocketAddr,
    server: SocketAddr,
    call_id: String,
    cseq: u32,
    /// When to say something; none before the first time.
    due: Option<Instant>,
    /// Whether the last request had the answer to a challenge.
    proved: bool,
    signed_in: bool,
}

impl Registration {
    pub(super) fn new(name: &str, password: &str, own: SocketAddr, server: SocketAddr) -> Self {
        Self {
            name: name.to_owned(),
            password: password.to_owned(),
            own,
            server,
            call_id: unique("register"),
            cseq: 0,
            due: None,
            proved: false,
            signed_in: false,
        }
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// What is to be said now.
    pub(super) fn wake(&mut self, now: Instant) -> Option<String> {
        if self.due.is_some_and(|due| due > now) {
            return None;
        }
        self.due = Some(now + RETRY);
        self.proved = false;
        Some(self.request(""))
    }

    /// Takes an answer; what is to be said to it, and whether the phone is signed in for the first time.
    pub(super) fn receive(&mut self, now: Instant, answer: &Sip) -> (Option<String>, bool) {
        match answer.status() {
            Some(401) if !self.proved => {
                self.proved = true;
                let uri = self.uri();
                let challenge = answer.header("WWW-Authenticate").unwrap_or_default();
                let proof = digest(&self.name, &self.password, challenge, "REGISTER", &uri).ok();
                (proof.map(|proof| self.request(&format!("Authorization: {proof}\r\n"))), false)
            }
            Some(200) => {
                self.due = Some(now + REFRESH);
                let first = !std::mem::replace(&mut self.signed_in, true);
                (None, first)
            }
            // It is tried again when it is due.
            _ => (None, false),
        }
    }

    fn uri(&self) -> String {
        format!("sip:{}", self.server)
    }

    fn request(&mut self, proof: &str) -> String {
        self.cseq += 1;
        let address = format!("<sip:{}@{}>", self.name, self.server);
        Request {
            method: "REGISTER",
            uri: &self.uri(),
            via: (self.own, &unique("z9hG4bK")),
            from: &format!("{address};tag={}", self.call_id),
            to: &address,
            call_id: &self.call_id,
            cseq: self.cseq,
            contact: &format!("<sip:{}@{}>;expires=120", self.name, self.own),
            more: proof,
            sdp: "",
        }
        .text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sip(text: &str) -> Sip {
        Sip::parse(text).unwrap()
    }

    #[test]
    fn it_proves_who_it_is_once_and_comes_back_in_time() {
        let address = "127.0.0.1:5060".parse().unwrap();
        let mut registration = Registration::new("ann", "secret", address, address);
        let now = Instant::now();
        let first = registration.wake(now).unwrap();
        assert!(!first.contains("Authorization:"), "{first}");
        let challenge = sip("SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n\r\n");
        let (second, signed_in) = registration.receive(now, &challenge);
        assert!(second.unwrap().contains("Authorization: Digest username=\"ann\"") && !signed_in);
        // A second challenge is not argued with.
        assert_eq!(registration.receive(now, &challenge), (None, false));
        let granted = sip("SIP/2.0 200 OK\r\nCSeq: 2 REGISTER\r\n\r\n");
        assert_eq!(registration.receive(now, &granted), (None, true));
        assert_eq!(registration.wake(now), None);
        assert_eq!(registration.due(), Some(now + REFRESH));
        assert!(registration.wake(now + REFRESH).is_some());
        assert_eq!(registration.receive(now + REFRESH, &granted), (None, false));
    }
}
