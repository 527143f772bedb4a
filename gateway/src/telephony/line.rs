//! In which order the requests of one call go out: those about the same channel, bridge or playback one after the other, all others side by
//! side. Pure.
//!
//! A phone that is to ring need not wait until the caller's channel was answered and hears music.

use std::collections::VecDeque;

use crate::calls::center::Request;

/// The requests of a call that are not answered yet.
#[derive(Debug, Default)]
pub(super) struct Line {
    waiting: VecDeque<Request>,
    /// Sent, and not answered. Few: a search is quicker than a set.
    sent: Vec<Request>,
}

impl Line {
    /// One more request; gives back those that can be sent now.
    pub(super) fn join(&mut self, request: Request) -> Vec<Request> {
        self.waiting.push_back(request);
        self.ready()
    }

    /// A request was answered; gives back those that can be sent now.
    pub(super) fn answered(&mut self, request: &Request) -> Vec<Request> {
        if let Some(index) = self.sent.iter().position(|sent| sent == request) {
            self.sent.swap_remove(index);
        }
        self.ready()
    }

    fn ready(&mut self) -> Vec<Request> {
        let mut ready = Vec::new();
        let mut still_waiting = VecDeque::with_capacity(self.waiting.len());
        while let Some(request) = self.waiting.pop_front() {
            let earlier = self.sent.iter().chain(&still_waiting);
            if earlier.into_iter().any(|earlier| follows(&request, earlier)) {
                still_waiting.push_back(request);
            } else {
                self.sent.push(request.clone());
                ready.push(request);
            }
        }
        self.waiting = still_waiting;
        ready
    }
}

/// Whether a request has to wait for the answer of an earlier one.
fn follows(later: &Request, earlier: &Request) -> bool {
    // Destroying a bridge whose channels are being hung up overwrites their causes.
    let last = |request: &Request| matches!(request, Request::DestroyBridge { .. });
    last(later) || last(earlier) || touches(later).any(|id| touches(earlier).any(|other| id == other))
}

/// The channels, bridges and playbacks that a request makes or changes.
fn touches(request: &Request) -> impl Iterator<Item = &str> {
    let (one, two, more): (&str, Option<&str>, &[String]) = match request {
        Request::CreateBridge { bridge } | Request::DestroyBridge { bridge } => (bridge, None, &[]),
        Request::AddChannels { bridge, channels } | Request::RemoveChannels { bridge, channels } => {
            (bridge, None, channels)
        }
        Request::Play { channel, playback, .. } => (channel, Some(playback), &[]),
        Request::TakeMessage { channel, name, .. } => (channel, Some(name), &[]),
        Request::StopPlayback { playback } => (playback, None, &[]),
        Request::Snoop { channel, snoop, .. } | Request::Spy { channel, snoop, .. } => (channel, Some(snoop), &[]),
        // The channel for which a leg is made is not changed by it.
        Request::Originate { channel, .. }
        | Request::CreateTrunkLeg { channel, .. }
        | Request::Answer { channel }
        | Request::StartMusic { channel }
        | Request::StopMusic { channel }
        | Request::Mute { channel }
        | Request::Unmute { channel }
        | Request::Dtmf { channel, .. }
        | Request::Dial { channel, .. }
        | Request::Referred { channel, .. }
        | Request::Ring { channel }
        | Request::StopRing { channel }
        | Request::Hangup { channel, .. }
        | Request::SendMedia { channel }
        | Request::MediaSource { channel }
        | Request::Continue { channel, .. } => (channel, None, &[]),
    };
    std::iter::once(one).chain(two).chain(more.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(channel: &str) -> Request {
        Request::Answer { channel: channel.to_owned() }
    }

    fn add(bridge: &str, channels: &[&str]) -> Request {
        let channels = channels.iter().map(|channel| (*channel).to_owned()).collect();
        Request::AddChannels { bridge: bridge.to_owned(), channels }
    }

    #[test]
    fn what_has_nothing_in_common_goes_side_by_side_and_the_rest_in_order() {
        let mut line = Line::default();
        assert_eq!(line.join(answer("a")), [answer("a")]);
        assert_eq!(line.join(answer("b")), [answer("b")]);
        assert_eq!(line.join(add("x", &["a", "b"])), []);
        // It stands behind one that waits.
        assert_eq!(line.join(Request::CreateBridge { bridge: "x".to_owned() }), []);
        assert_eq!(line.answered(&answer("a")), []);
        assert_eq!(line.answered(&answer("b")), [add("x", &["a", "b"])]);
        assert_eq!(line.answered(&add("x", &["a", "b"])).len(), 1);
    }

    #[test]
    fn a_bridge_is_destroyed_last() {
        let mut line = Line::default();
        let destroy = Request::DestroyBridge { bridge: "x".to_owned() };
        line.join(answer("a"));
        assert_eq!(line.join(destroy.clone()), []);
        assert_eq!(line.join(answer("b")), []);
        assert_eq!(line.answered(&answer("a")), std::slice::from_ref(&destroy));
        assert_eq!(line.answered(&destroy), [answer("b")]);
    }

    fn requests() -> impl Strategy<Value = Vec<Request>> {
        let name = prop::sample::select(vec!["a", "b", "c", "d"]).prop_map(str::to_owned);
        let request = prop_oneof![
            name.clone().prop_map(|channel| Request::Answer { channel }),
            name.clone().prop_map(|channel| Request::StartMusic { channel }),
            (name.clone(), prop::collection::vec(name.clone(), 1..3))
                .prop_map(|(bridge, channels)| Request::AddChannels { bridge, channels }),
            name.prop_map(|bridge| Request::DestroyBridge { bridge }),
        ];
        prop::collection::vec(request, 1..30)
    }

    proptest! {
        #[test]
        fn each_is_sent_once_and_what_belongs_together_in_order(all in requests(), picks in prop::collection::vec(any::<prop::sample::Index>(), 200)) {
            let mut line = Line::default();
            let (mut open, mut order) = (Vec::new(), Vec::new());
            let mut picks = picks.into_iter();
            for request in all.clone() {
                let ready = line.join(request);
                order.extend(ready.clone());
                open.extend(ready);
                // Some answers come in between.
                if let Some(pick) = picks.next() && !open.is_empty() && pick.index(2) == 0 {
                    let request = open.remove(pick.index(open.len()));
                    let ready = line.answered(&request);
                    order.extend(ready.clone());
                    open.extend(ready);
                }
            }
            while !open.is_empty() {
                let index = picks.next().map_or(0, |pick| pick.index(open.len()));
                let request = open.remove(index);
                let ready = line.answered(&request);
                order.extend(ready.clone());
                open.extend(ready);
            }
            prop_assert_eq!(order.len(), all.len());
            // Of each name the requests are in the order in which they came.
            for name in ["a", "b", "c", "d"] {
                let of = |list: &[Request]| -> Vec<Request> {
                    list.iter().filter(|request| touches(request).any(|id| id == name)).cloned().collect()
                };
                prop_assert_eq!(of(&order), of(&all));
            }
        }
    }
}
