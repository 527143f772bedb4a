//! Flows, keys, and messages that are left.

use std::collections::BTreeMap;
use std::sync::Arc;

use trunkline_db::{CallId, FlowId};
use uuid::Uuid;

use super::{Input, Report, World};
use crate::center::Request;
use crate::directory::Target;
use crate::flow::Flow;
use crate::flow::walk::{Answer, Fetch, Media, Published};
use crate::model::Server;

/// What flows ask for, and who is known.
#[derive(Debug, Default)]
pub(in crate::center::tests) struct Flows {
    /// What the database knows of callers, by their number. Of others it does not answer.
    pub(in crate::center::tests) callers: BTreeMap<String, BTreeMap<String, String>>,
    /// What programs elsewhere were asked.
    pub(in crate::center::tests) fetches: Vec<(CallId, Fetch)>,
    /// Messages that are written, and whose.
    pub(in crate::center::tests) taking: BTreeMap<String, String>,
}

/// Whether a request says this first.
pub(in crate::center::tests) fn says(request: &Request, sound: &str) -> bool {
    matches!(request, Request::Play { sounds, .. } if sounds.first() == Some(&Media::Builtin(sound.to_owned())))
}

impl World {
    /// The number leads to this flow from now on.
    pub(in crate::center::tests) fn number_leads_to_flow(&mut self, flow: &serde_json::Value) -> FlowId {
        let id = FlowId::new();
        let flow: Flow = serde_json::from_value(flow.clone()).unwrap();
        let published = Published { id: id.uuid(), version: 1, name: "Front".to_owned(), flow };
        let tenant = self.tenant;
        self.change_directory(|directory| {
            directory.flows.insert(id, (tenant, Arc::new(published)));
        });
        self.number_leads_to(Target::Flow(id));
        id
    }

    pub(in crate::center::tests) fn presses(&mut self, channel: &str, keys: &str) {
        for digit in keys.chars() {
            let report = Report::Dtmf { channel: channel.to_owned(), digit };
            self.feed(Input::Report(Server::default(), report));
        }
    }

    /// What was said last.
    pub(in crate::center::tests) fn said_last(&self) -> Vec<Media> {
        let said = self.requests.iter().rev().find_map(|request| match request {
            Request::Play { sounds, .. } => Some(sounds.clone()),
            _ => None,
        });
        said.unwrap_or_default()
    }

    /// What was said last to one of them.
    pub(in crate::center::tests) fn said_to(&self, whom: &str) -> Vec<Media> {
        let said = self.requests.iter().rev().find_map(|request| match request {
            Request::Play { sounds, channel, .. } if channel == whom => Some(sounds.clone()),
            _ => None,
        });
        said.unwrap_or_default()
    }

    /// A program elsewhere answers the oldest question.
    pub(in crate::center::tests) fn program_answers(&mut self, answer: Result<&str, &str>) -> Fetch {
        let (call, fetch) = self.flows.fetches.remove(0);
        let answer = answer.map(|body| Answer { status: 200, body: body.to_owned() }).map_err(str::to_owned);
        self.feed(Input::Fetched { call, answer });
        fetch
    }

    /// Asterisk closes the message that is being written.
    pub(in crate::center::tests) fn message_is_over(&mut self) {
        let Some((name, _)) = self.flows.taking.pop_first() else { panic!("no message is written") };
        self.feed(Input::Report(Server::default(), Report::MessageTaken { name }));
    }

    /// The decisions that were kept, in a word each.
    pub(in crate::center::tests) fn decisions(&self) -> Vec<String> {
        self.database.steps.iter().map(|step| step.what.clone()).collect()
    }

    pub(in crate::center::tests) fn queue_uuid(&self) -> Uuid {
        self.queue.uuid()
    }
}
