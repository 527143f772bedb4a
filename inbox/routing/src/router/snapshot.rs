//! The router as the inputs that rebuild it.

use super::Router;
use super::agents::Phase;
use crate::config::Queue;
use crate::io::{By, Input};
use crate::model::{Domain, Medium, Presence, Stay};

impl<D: Domain> Router<D> {
    /// Inputs for [`Router::handle_all`] that rebuild this router in an empty one: queues, agents and what they have in
    /// hand, waiting work in its order with what it has been through. Offers, rests after a pass, what was announced and
    /// how long somebody has been out of reach begin anew.
    pub fn snapshot(&self) -> Vec<Input<D>> {
        let mut inputs = Vec::new();
        for (queue, book) in &self.queues {
            inputs.push(Input::Queue { queue: *queue, config: Queue::clone(&book.config) });
            if !book.open {
                inputs.push(Input::Hours { queue: *queue, open: false });
            }
        }
        for (id, agent) in &self.agents {
            inputs.push(Input::Agent { agent: *id, profile: agent.profile.clone(), history: agent.history });
            for medium in Medium::ALL {
                if agent.here[medium.index()] {
                    inputs.push(Input::Reach { agent: *id, medium, here: true });
                }
            }
            if agent.presence != Presence::Offline {
                // As the router did it: what somebody chose would clear the count of misses.
                inputs.push(Input::Presence { agent: *id, presence: agent.presence, by: By::Router });
            }
            for (work, hold) in &agent.in_hand {
                let (work, agent, medium, queue) = (*work, *id, hold.medium, hold.queue);
                match (hold.phase, queue) {
                    (Phase::Working { disposed }, _) => {
                        inputs.push(Input::Engaged { work, agent, medium, queue });
                        if disposed {
                            inputs.push(Input::Disposed { work, agent });
                        }
                    }
                    (Phase::WrapUp { until, disposed }, Some(queue)) => {
                        inputs.push(Input::WrappingUp { work, agent, medium, queue, until, disposed });
                    }
                    (Phase::Offered | Phase::WrapUp { .. }, _) => {}
                }
            }
        }
        let mut waiting: Vec<_> = self.waiting.iter().collect();
        waiting.sort_unstable_by_key(|(_, it)| it.place.arrival);
        for (work, it) in waiting {
            let stay = Stay { joined: it.joined, been: it.been.clone(), passes: it.passes.clone() };
            inputs.push(Input::Enqueue { work: *work, item: it.item.clone(), stay: Some(stay) });
        }
        inputs
    }
}
