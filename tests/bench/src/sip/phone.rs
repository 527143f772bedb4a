//! A phone, or a trunk: calls that it makes and calls that ring, without socket and clock.
//!
//! Call [`Phone::receive`], [`Phone::call`], [`Phone::hang_up_all`] or [`Phone::wake`], then take what it [`said`](Phone::said) and what
//! [`happened`](Phone::happened); wake it at [`Phone::next`].

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use trunkline_tests::{Sip, unique};

use super::message::{Request, digits, response, sdp, uri};
use super::registration::Registration;
use super::{Answering, Happened, Manners, What};

/// RFC 3261's T1: said again after it, then after twice as long, and so on.
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
/// Nobody answers any more (64 × T1).
const LOST: Duration = Duration::from_secs(32);

pub(super) struct Phone {
    number: usize,
    name: String,
    own: SocketAddr,
    server: SocketAddr,
    audio: u16,
    registration: Option<Registration>,
    manners: Option<Manners>,
    /// By Call-ID.
    legs: BTreeMap<String, Leg>,
    /// Calls of which a late message may still come.
    over: HashSet<String>,
    said: Vec<String>,
    happened: Vec<Happened>,
}

/// One call.
struct Leg {
    stage: Stage,
    customer: String,
    /// Who we are and who they are, as From and To have it in our requests.
    ours: String,
    theirs: String,
    /// Where our requests go.
    target: String,
    cseq: u32,
    /// The INVITE's branch, if it is ours.
    branch: String,
    /// Said again until it is answered.
    again: Option<Again>,
    /// What we do next by ourselves.
    plan: Option<(Instant, Step)>,
}

enum Stage {
    /// We have sent an INVITE; whether something came back, and whether we have changed our mind.
    Calling {
        heard: bool,
        leaving: bool,
    },
    /// It rings here, because of this INVITE.
    Ringing(Box<Sip>),
    Talking,
    /// Over, but for the last answer.
    Ending,
}

#[derive(Clone, Copy)]
enum Step {
    PickUp { talk: Duration },
    Decline,
    Leave,
}

struct Again {
    text: String,
    at: Instant,
    every: Duration,
    until: Instant,
}

impl Again {
    fn new(text: String, now: Instant) -> Self {
        Self { text, at: now + T1, every: T1, until: now + LOST }
    }
}

impl Phone {
    /// `addresses`: its own, the server's, and the port for audio.
    pub(super) fn new(
        number: usize,
        name: String,
        addresses: (SocketAddr, SocketAddr, u16),
        registration: Option<Registration>,
        manners: Option<Manners>,
    ) -> Self {
        let (own, server, audio) = addresses;
        Self {
            number,
            name,
            own,
            server,
            audio,
            registration,
            manners,
            legs: BTreeMap::new(),
            over: HashSet::new(),
            said: Vec::new(),
            happened: Vec::new(),
        }
    }

    pub(super) fn said(&mut self) -> Vec<String> {
        std::mem::take(&mut self.said)
    }

    pub(super) fn happened(&mut self) -> Vec<Happened> {
        std::mem::take(&mut self.happened)
    }

    /// When it wants to be woken.
    pub(super) fn next(&self) -> Option<Instant> {
        let legs = self.legs.values().flat_map(|leg| {
            [leg.again.as_ref().map(|again| again.at), leg.plan.map(|(at, _)| at)].into_iter().flatten()
        });
        legs.chain(self.registration.as_ref().and_then(Registration::due)).min()
    }

    fn tell(&mut self, at: Instant, customer: &str, what: What) {
        self.happened.push(Happened { at, phone: self.number, customer: customer.to_owned(), what });
    }

    fn contact(&self) -> String {
        format!("<sip:{}@{}>", self.name, self.own)
    }

    /// A request within a leg.
    fn request(&self, call_id: &str, leg: &Leg, method: &str, (branch, cseq): (&str, u32), sdp: &str) -> String {
        Request {
            method,
            uri: &leg.target,
            via: (self.own, branch),
            from: &leg.ours,
            to: &leg.theirs,
            call_id,
            cseq,
            contact: &self.contact(),
            more: "",
            sdp,
        }
        .text()
    }

    /// Calls a number as the customer with another.
    pub(super) fn call(&mut self, now: Instant, to: &str, from: &str, leaves: Duration) {
        let call_id = unique("call");
        let target = format!("sip:{to}@{}", self.server);
        let mut leg = Leg {
            stage: Stage::Calling { heard: false, leaving: false },
            customer: from.chars().filter(char::is_ascii_digit).collect(),
            ours: format!("<sip:{from}@{}>;tag={}", self.own, unique("t")),
            theirs: format!("<{target}>"),
            target,
            cseq: 1,
            branch: unique("z9hG4bK"),
            again: None,
            plan: Some((now + leaves, Step::Leave)),
        };
        let invite = self.request(&call_id, &leg, "INVITE", (&leg.branch, 1), &sdp(self.own, self.audio));
        leg.again = Some(Again::new(invite.clone(), now));
        self.said.push(invite);
        self.tell(now, &leg.customer, What::Sent);
        self.legs.insert(call_id, leg);
    }

    /// Ends every call that it has.
    pub(super) fn hang_up_all(&mut self, now: Instant) {
        let ids: Vec<String> = self.legs.keys().cloned().collect();
        for id in ids {
            self.step(now, &id, Step::Leave);
        }
    }

    /// Does what is due.
    pub(super) fn wake(&mut self, now: Instant) {
        if let Some(text) = self.registration.as_mut().and_then(|registration| registration.wake(now)) {
            self.said.push(text);
        }
        let due: Vec<(String, Step)> = self
            .legs
            .iter()
            .filter_map(|(id, leg)| leg.plan.filter(|(at, _)| *at <= now).map(|(_, step)| (id.clone(), step)))
            .collect();
        for (id, step) in due {
            self.step(now, &id, step);
        }
        let mut lost = Vec::new();
        for (id, leg) in &mut self.legs {
            let Some(again) = leg.again.as_mut().filter(|again| again.at <= now) else { continue };
            if again.until <= now {
                lost.push(id.clone());
                continue;
            }
            self.said.push(again.text.clone());
            again.every = (again.every * 2).min(T2);
            again.at = now + again.every;
        }
        for id in lost {
            self.forget(now, &id, Some(408));
        }
    }

    fn step(&mut self, now: Instant, id: &str, step: Step) {
        let Some(mut leg) = self.legs.remove(id) else { return };
        leg.plan = None;
        match (&mut leg.stage, step) {
            (Stage::Calling { heard, leaving }, Step::Leave) => {
                // Nothing is cancelled before the other side has said a word (RFC 3261 section 9.1).
                *leaving = true;
                if *heard {
                    self.cancel(now, id, &mut leg);
                }
            }
            (Stage::Ringing(invite), Step::PickUp { talk }) => {
                let tag = leg.ours.rsplit_once(";tag=").map(|(_, tag)| tag.to_owned()).unwrap_or_default();
                let sdp = sdp(self.own, self.audio);
                if let Some(text) = response(invite, "200 OK", &tag, &self.contact(), &sdp) {
                    self.said.push(text.clone());
                    leg.again = Some(Again::new(text, now));
                }
                leg.stage = Stage::Talking;
                leg.plan = Some((now + talk, Step::Leave));
                self.tell(now, &leg.customer, What::Answered);
            }
            (Stage::Ringing(_), Step::Decline | Step::Leave) => {
                self.refuse(now, &mut leg, "486 Busy Here");
                self.tell(now, &leg.customer, What::Over(Some(486)));
            }
            (Stage::Talking, Step::Leave) => {
                self.bye(now, id, &mut leg);
                self.tell(now, &leg.customer, What::Over(None));
            }
            // It has come to something else meanwhile.
            _ => {}
        }
        self.legs.insert(id.to_owned(), leg);
    }

    fn cancel(&mut self, now: Instant, id: &str, leg: &mut Leg) {
        let cancel = self.request(id, leg, "CANCEL", (&leg.branch, 1), "");
        self.said.push(cancel.clone());
        leg.again = Some(Again::new(cancel, now));
    }

    fn bye(&mut self, now: Instant, id: &str, leg: &mut Leg) {
        leg.cseq += 1;
        let bye = self.request(id, leg, "BYE", (&unique("z9hG4bK"), leg.cseq), "");
        self.said.push(bye.clone());
        leg.again = Some(Again::new(bye, now));
        leg.stage = Stage::Ending;
    }

    /// Refuses what rings.
    fn refuse(&mut self, now: Instant, leg: &mut Leg, status: &str) {
        let Stage::Ringing(invite) = &leg.stage else { return };
        let tag = leg.ours.rsplit_once(";tag=").map(|(_, tag)| tag.to_owned()).unwrap_or_default();
        if let Some(text) = response(invite, status, &tag, &self.contact(), "") {
            self.said.push(text.clone());
            leg.again = Some(Again::new(text, now));
        }
        leg.stage = Stage::Ending;
    }

    /// Drops a leg; tells of its end if nobody has.
    fn forget(&mut self, now: Instant, id: &str, code: Option<u16>) {
        let Some(leg) = self.legs.remove(id) else { return };
        self.over.insert(id.to_owned());
        if !matches!(leg.stage, Stage::Ending) {
            self.tell(now, &leg.customer, What::Over(code));
        }
    }

    /// Takes a message.
    pub(super) fn receive(&mut self, now: Instant, text: &str) {
        // A keep-alive, or garbage.
        let Ok(sip) = Sip::parse(text) else { return };
        let Some(id) = sip.header("Call-ID").map(str::to_owned) else { return };
        match (sip.method().map(str::to_owned), sip.status()) {
            (Some(method), _) => self.asked(now, &id, &method, &sip),
            (None, Some(status)) => {
                let method =
                    sip.header("CSeq").and_then(|cseq| cseq.split(' ').next_back()).unwrap_or_default().to_owned();
                self.answered(now, &id, &method, status, &sip);
            }
            (None, None) => {}
        }
    }

    fn asked(&mut self, now: Instant, id: &str, method: &str, request: &Sip) {
        match method {
            "INVITE" if !self.legs.contains_key(id) => {
                if !self.over.contains(id) {
                    self.ring(now, id, request);
                }
            }
            // Again, or something new within the call: what is said is the same.
            "INVITE" => self.describe(id, request),
            "ACK" => {
                let Some(leg) = self.legs.get_mut(id) else { return };
                leg.again = None;
                if matches!(leg.stage, Stage::Ending) {
                    self.forget(now, id, None);
                }
            }
            "CANCEL" => {
                self.agree(request);
                if let Some(mut leg) = self.legs.remove(id) {
                    if matches!(leg.stage, Stage::Ringing(_)) {
                        self.refuse(now, &mut leg, "487 Request Terminated");
                        self.tell(now, &leg.customer, What::Over(Some(487)));
                        leg.plan = None;
                    }
                    self.legs.insert(id.to_owned(), leg);
                }
            }
            "BYE" => {
                self.agree(request);
                self.forget(now, id, None);
            }
            _ => self.agree(request),
        }
    }

    /// Says 200 to what needs no more.
    fn agree(&mut self, request: &Sip) {
        self.said.extend(response(request, "200 OK", &unique("t"), &self.contact(), ""));
    }

    fn describe(&mut self, id: &str, request: &Sip) {
        let Some(leg) = self.legs.get(id) else { return };
        let contact = self.contact();
        let tag = leg.ours.rsplit_once(";tag=").map_or("", |(_, tag)| tag);
        self.said.extend(match leg.stage {
            Stage::Ringing(_) => response(request, "180 Ringing", tag, &contact, ""),
            Stage::Talking => response(request, "200 OK", tag, &contact, &sdp(self.own, self.audio)),
            Stage::Ending => leg.again.as_ref().map(|again| again.text.clone()),
            Stage::Calling { .. } => None,
        });
    }

    fn ring(&mut self, now: Instant, id: &str, invite: &Sip) {
        let tag = unique("t");
        let (Some(to), Some(from)) = (invite.header("To"), invite.header("From")) else { return };
        let customer = digits(from);
        let answering = self.manners.as_mut().map_or(Answering::LetRing, |manners| manners());
        let leg = Leg {
            stage: Stage::Ringing(Box::new(invite.clone())),
            customer: customer.clone(),
            ours: format!("{to};tag={tag}"),
            theirs: from.to_owned(),
            target: uri(invite.header("Contact").unwrap_or_default()).to_owned(),
            cseq: 0,
            branch: String::new(),
            again: None,
            plan: match answering {
                Answering::PickUp { after, talk } => Some((now + after, Step::PickUp { talk })),
                Answering::Decline { after } => Some((now + after, Step::Decline)),
                Answering::LetRing => None,
            },
        };
        self.said.extend(response(invite, "180 Ringing", &tag, &self.contact(), ""));
        self.tell(now, &customer, What::Rang);
        self.legs.insert(id.to_owned(), leg);
    }

    fn answered(&mut self, now: Instant, id: &str, method: &str, status: u16, answer: &Sip) {
        match method {
            "REGISTER" => {
                let Some(registration) = &mut self.registration else { return };
                let (text, first) = registration.receive(now, answer);
                self.said.extend(text);
                if first {
                    self.tell(now, "", What::SignedIn);
                }
            }
            "INVITE" => {
                let Some(leg) = self.legs.remove(id) else { return };
                self.called(now, id, leg, status, answer);
            }
            "BYE" if status >= 200 => self.forget(now, id, None),
            "CANCEL" => {
                // What the INVITE comes to is still to be told.
                if let Some(leg) = self.legs.get_mut(id).filter(|leg| matches!(leg.stage, Stage::Calling { .. })) {
                    leg.again = None;
                }
            }
            _ => {}
        }
    }

    /// What the other side says to our INVITE.
    fn called(&mut self, now: Instant, id: &str, mut leg: Leg, status: u16, answer: &Sip) {
        match status {
            ..200 => {
                if let Stage::Calling { heard, leaving } = &mut leg.stage
                    && !std::mem::replace(heard, true)
                {
                    let leaving = *leaving;
                    leg.again = None;
                    if leaving {
                        self.cancel(now, id, &mut leg);
                    }
                }
            }
            200..300 => {
                if let Some(to) = answer.header("To") {
                    to.clone_into(&mut leg.theirs);
                }
                if let Some(contact) = answer.header("Contact") {
                    uri(contact).clone_into(&mut leg.target);
                }
                // Also to the same answer once more: the first ACK may be lost.
                let ack = self.request(id, &leg, "ACK", (&unique("z9hG4bK"), 1), "");
                self.said.push(ack);
                if let Stage::Calling { leaving, .. } = leg.stage {
                    leg.again = None;
                    leg.stage = Stage::Talking;
                    self.tell(now, &leg.customer, What::Answered);
                    if leaving {
                        // It was answered before it could be cancelled.
                        self.bye(now, id, &mut leg);
                        self.tell(now, &leg.customer, What::Over(None));
                    }
                }
            }
            _ => {
                if let Some(to) = answer.header("To") {
                    to.clone_into(&mut leg.theirs);
                }
                let ack = self.request(id, &leg, "ACK", (&leg.branch, 1), "");
                self.said.push(ack);
                self.legs.insert(id.to_owned(), leg);
                return self.forget(now, id, Some(status));
            }
        }
        self.legs.insert(id.to_owned(), leg);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SOON: Duration = Duration::from_millis(100);
    const LATER: Duration = Duration::from_secs(10);

    fn phone(manners: Option<Manners>) -> Phone {
        let address = "127.0.0.1:5060".parse().unwrap();
        Phone::new(0, "phone".to_owned(), (address, address, 4000), None, manners)
    }

    fn what(phone: &mut Phone) -> Vec<What> {
        phone.happened().into_iter().map(|happened| happened.what).collect()
    }

    /// Brings what one says to the other until nobody says anything.
    fn talk(now: Instant, one: &mut Phone, other: &mut Phone) {
        loop {
            let (said, replied) = (one.said(), other.said());
            if said.is_empty() && replied.is_empty() {
                return;
            }
            for text in said {
                other.receive(now, &text);
            }
            for text in replied {
                one.receive(now, &text);
            }
        }
    }

    fn quiet(phone: &Phone) -> bool {
        phone.legs.is_empty() && phone.next().is_none()
    }

    #[test]
    fn a_call_is_answered_and_ended_by_the_callee() {
        let now = Instant::now();
        let mut customer = phone(None);
        let mut agent = phone(Some(Box::new(|| Answering::PickUp { after: SOON, talk: SOON })));
        customer.call(now, "+1555", "+15551000001", LATER);
        talk(now, &mut customer, &mut agent);
        assert_eq!(agent.happened()[0].customer, "15551000001");
        for time in [now + SOON, now + 2 * SOON] {
            agent.wake(time);
            talk(time, &mut customer, &mut agent);
        }
        assert_eq!(what(&mut customer), [What::Sent, What::Answered, What::Over(None)]);
        assert_eq!(what(&mut agent), [What::Answered, What::Over(None)]);
        assert!(quiet(&customer) && quiet(&agent));
    }

    #[test]
    fn a_customer_who_gives_up_cancels_but_not_before_anything_was_heard() {
        let now = Instant::now();
        let (mut customer, mut agent) = (phone(None), phone(None));
        customer.call(now, "+1555", "+15551000001", SOON);
        let invite = customer.said().remove(0);
        customer.wake(now + SOON);
        assert!(customer.said().is_empty());
        agent.receive(now + SOON, &invite);
        talk(now + SOON, &mut customer, &mut agent);
        assert_eq!(what(&mut customer), [What::Sent, What::Over(Some(487))]);
        assert_eq!(what(&mut agent), [What::Rang, What::Over(Some(487))]);
        assert!(quiet(&customer) && quiet(&agent));
    }

    #[test]
    fn who_is_answered_while_giving_up_says_goodbye() {
        let now = Instant::now();
        let mut customer = phone(None);
        let mut agent = phone(Some(Box::new(|| Answering::PickUp { after: SOON, talk: LATER })));
        customer.call(now, "+1555", "+15551000001", SOON);
        talk(now, &mut customer, &mut agent);
        let time = now + SOON;
        customer.wake(time);
        agent.wake(time);
        talk(time, &mut customer, &mut agent);
        assert_eq!(what(&mut customer), [What::Sent, What::Answered, What::Over(None)]);
        assert!(quiet(&customer) && quiet(&agent));
    }

    #[test]
    fn what_nobody_answers_is_said_again_and_given_up_in_the_end() {
        let now = Instant::now();
        let mut customer = phone(None);
        customer.call(now, "+1555", "+15551000001", 2 * LOST);
        customer.said();
        let mut times = 0;
        while let Some(next) = customer.next() {
            customer.wake(next);
            times += customer.said().len();
            assert!(times < 20 && next <= now + 2 * LOST);
        }
        assert!(times >= 8, "{times}");
        assert_eq!(what(&mut customer), [What::Sent, What::Over(Some(408))]);
    }

    proptest! {
        #[test]
        fn no_message_is_too_strange(
            first in "(INVITE|BYE|ACK|CANCEL|OPTIONS|SIP/2.0) (200|180|401|sip:x@y).{0,9}",
            headers in prop::collection::vec("(Via|To|From|Call-ID|CSeq|Contact): [ -~]{0,20}", 0..8),
        ) {
            let text = format!("{first}\r\n{}\r\n\r\n", headers.join("\r\n"));
            let now = Instant::now();
            let mut phone = phone(Some(Box::new(|| Answering::Decline { after: SOON })));
            for _ in 0..2 {
                phone.receive(now, &text);
                phone.wake(now + SOON);
            }
        }
    }
}
