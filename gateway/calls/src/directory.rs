//! Who can be called and who may call: the part of the configuration that call control keeps in memory, so that it
//! works while the database is away.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use trunkline_db::{AgentId, FlowId, QueueId, ScheduleId, SkillId, SoundId, TenantId};
use trunkline_dialing::{Mark, Policy};
use uuid::Uuid;

use crate::flow::walk::{Openness, Published, World};
use crate::lines::{Arrival, Line, trunk_of_endpoint};
use crate::model::{AgentActivity, CallRow, Direction, Server, WrapUpRow};
use crate::queueing::QueueRouting;
use crate::schedule::Schedule;
use crate::sound::Sound;
use crate::{AgentState, DirectoryDevice};

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryQueue {
    /// The queue's id.
    pub id: QueueId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What people call it.
    pub name: String,
    /// The extension that a phone of the house dials to reach it.
    pub extension: Option<String>,
    /// How long one agent is rung, in seconds.
    pub ring_seconds: u32,
    /// Who serves it.
    pub members: BTreeSet<AgentId>,
    /// How it works otherwise.
    pub routing: QueueRouting,
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryAgent {
    /// The agent's id.
    pub id: AgentId,
    /// Whose agent it is.
    pub tenant: TenantId,
    /// What customers and colleagues see.
    pub name: String,
    /// The extension that colleagues dial to reach them.
    pub extension: Option<String>,
    /// The state that the database has. Counts only for an agent not known yet: later changes come as commands.
    pub state: AgentState,
    /// Why, if they said so. Counts only for an agent not known yet.
    pub reason: Option<String>,
    /// What the database last knew them to be doing. Counts only for an agent not known yet.
    pub activity: AgentActivity,
    /// Since when the agent has had nothing to do.
    pub idle_since: DateTime<Utc>,
    /// What they can do, and how well.
    pub skills: BTreeMap<SkillId, u8>,
    /// How many chats they have at once, beside a call.
    pub chats: u8,
    /// What an earlier life of the gateway left them to finish. Counts only for an agent not known yet.
    pub wrap_ups: Vec<WrapUpRow>,
}

/// What a flow asks of one tenant's part of the directory.
#[derive(Debug, Clone, Copy)]
pub struct TenantView<'a> {
    /// The directory.
    pub directory: &'a Directory,
    /// Whose part.
    pub tenant: TenantId,
}

impl World for TenantView<'_> {
    fn openness(&self, schedule: Uuid, at: DateTime<Utc>) -> Option<Openness> {
        Some(self.directory.schedule(self.tenant, ScheduleId(schedule))?.openness(at))
    }

    fn flow(&self, id: Uuid) -> Option<Arc<Published>> {
        self.directory.flow(self.tenant, id)
    }

    fn has_queue(&self, id: Uuid) -> bool {
        self.directory.queues.get(&QueueId(id)).is_some_and(|queue| queue.tenant == self.tenant)
    }
}

/// Where a call from outside goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// It waits in a queue.
    Queue(QueueId),
    /// It takes a way that the tenant drew.
    Flow(FlowId),
    /// One agent is rung.
    Agent(AgentId),
    /// A word of regret, then it is over.
    HangUp,
}

/// A number of the public network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// Whose it is.
    pub tenant: TenantId,
    /// Where it leads while it is open.
    pub target: Target,
    /// When it is open; none: always.
    pub schedule: Option<ScheduleId>,
    /// Where it leads otherwise.
    pub closed: Target,
    /// Whether its callers may be recorded.
    pub recorded: bool,
}

impl Target {
    /// Its word in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queue(_) => "queue",
            Self::Flow(_) => "flow",
            Self::Agent(_) => "agent",
            Self::HangUp => "hang_up",
        }
    }
}

impl Number {
    /// One that is always open and has no rules of its own.
    pub fn leading_to(tenant: TenantId, target: Target) -> Self {
        Self { tenant, target, schedule: None, closed: Target::HangUp, recorded: true }
    }
}

/// Everything at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory {
    /// Tenants and their slugs.
    pub tenants: HashMap<TenantId, String>,
    /// Tenants whose calls are not recorded: they do not want it, or have no room left.
    pub unrecorded: HashSet<TenantId>,
    /// Tenants whose agents are not told that a supervisor listens.
    pub unannounced: HashSet<TenantId>,
    /// Tenants that have used up their minutes: who calls in is taken, and their own phones begin no call.
    pub spent: HashSet<TenantId>,
    /// Numbers (E.164) and where they lead.
    pub numbers: HashMap<String, Number>,
    /// Queues.
    pub queues: HashMap<QueueId, DirectoryQueue>,
    /// Agents.
    pub agents: HashMap<(TenantId, AgentId), DirectoryAgent>,
    /// Whom tenants may call, and what they do with whom.
    pub dialing: HashMap<TenantId, Arc<Policy>>,
    /// How servers reach the outside world for a tenant that has no trunks of its own: dial strings with `{number}` in them.
    pub trunks: HashMap<TenantId, BTreeMap<Server, String>>,
    /// Tenants' own trunks, by their endpoints' names.
    pub lines: HashMap<String, Arc<Line>>,
    /// Phones by their SIP user name.
    pub devices: HashMap<String, DirectoryDevice>,
    /// Opening hours that have a name.
    pub schedules: HashMap<ScheduleId, Schedule>,
    /// Published flows, and whose they are.
    pub flows: HashMap<FlowId, (TenantId, Arc<Published>)>,
    /// What tenants have for their callers to hear.
    pub sounds: HashMap<SoundId, Sound>,
}

impl Directory {
    /// Leaves out what belongs to no tenant of the directory: a tenant that is suspended, or is being
    /// removed, takes no calls and has no phones.
    pub fn forget_strangers(&mut self) {
        let Self {
            tenants,
            unrecorded,
            unannounced,
            spent,
            numbers,
            queues,
            agents,
            dialing,
            trunks,
            lines,
            devices,
            schedules,
            flows,
            sounds,
        } = self;
        unrecorded.retain(|tenant| tenants.contains_key(tenant));
        unannounced.retain(|tenant| tenants.contains_key(tenant));
        spent.retain(|tenant| tenants.contains_key(tenant));
        numbers.retain(|_, number| tenants.contains_key(&number.tenant));
        queues.retain(|_, queue| tenants.contains_key(&queue.tenant));
        agents.retain(|(tenant, _), _| tenants.contains_key(tenant));
        dialing.retain(|tenant, _| tenants.contains_key(tenant));
        trunks.retain(|tenant, _| tenants.contains_key(tenant));
        lines.retain(|_, line| tenants.contains_key(&line.tenant));
        devices.retain(|_, device| tenants.contains_key(&device.tenant));
        schedules.retain(|_, schedule| tenants.contains_key(&schedule.tenant));
        flows.retain(|_, (tenant, _)| tenants.contains_key(tenant));
        sounds.retain(|_, sound| tenants.contains_key(&sound.tenant));
    }

    /// The number that somebody outside called, whichever way the carrier writes it, and the trunk of the number's tenant by which it came.
    ///
    /// By a tenant's trunk nobody but that tenant is reached. Where two tenants have the same carrier, Asterisk cannot tell by the address
    /// whose call it is, and names either's trunk: then the number decides, if its tenant has a trunk at that address too.
    pub fn number_called(&self, arrival: &Arrival) -> Option<(&str, &Number, Option<&Arc<Line>>)> {
        let by = self.lines.get(&arrival.trunk);
        if by.is_none() && trunk_of_endpoint(&arrival.trunk).is_some() {
            // It is gone, or switched off.
            return None;
        }
        [&arrival.called, &arrival.to].into_iter().find_map(|called| {
            let Some(by) = by else {
                let (to, number) = self.numbers.get_key_value(&e164(called))?;
                return Some((to.as_str(), number, None));
            };
            let of_tenant = |line: &Arc<Line>| {
                let (to, number) = self.numbers.get_key_value(&line.read(called))?;
                (number.tenant == line.tenant).then_some((to.as_str(), number))
            };
            if let Some((to, number)) = of_tenant(by) {
                return Some((to, number, Some(by)));
            }
            let address = arrival.address?;
            let mut others = self.lines.values().filter(|line| line.tenant != by.tenant && line.covers(address));
            others.find_map(|line| of_tenant(line).map(|(to, number)| (to, number, Some(line))))
        })
    }

    /// The tenant's own trunks for calls out from a server, the first to be tried first. None: it has none of its own at all.
    pub fn lines_out(&self, tenant: TenantId, server: &Server) -> Option<Vec<&Arc<Line>>> {
        let mut own: Vec<_> =
            self.lines.values().filter(|line| line.tenant == tenant && line.settings.outbound).collect();
        if own.is_empty() {
            return None;
        }
        own.retain(|line| line.is_at(server));
        own.sort_by_key(|line| (line.priority, line.id));
        Some(own)
    }

    /// Where a call to a number goes at this moment, and whether it is because the number is closed.
    pub fn way_of(&self, number: &Number, now: DateTime<Utc>) -> (Target, bool) {
        let schedule = number.schedule.and_then(|id| self.schedule(number.tenant, id));
        match schedule {
            Some(schedule) if !schedule.openness(now).open => (number.closed, true),
            _ => (number.target, false),
        }
    }

    /// Opening hours of a tenant.
    pub fn schedule(&self, tenant: TenantId, id: ScheduleId) -> Option<&Schedule> {
        self.schedules.get(&id).filter(|schedule| schedule.tenant == tenant)
    }

    /// A published flow of a tenant.
    pub fn flow(&self, tenant: TenantId, id: Uuid) -> Option<Arc<Published>> {
        self.flows.get(&FlowId(id)).filter(|(whose, _)| *whose == tenant).map(|(_, flow)| Arc::clone(flow))
    }

    /// A sound of a tenant.
    pub fn sound(&self, tenant: TenantId, id: SoundId) -> Option<&Sound> {
        self.sounds.get(&id).filter(|sound| sound.tenant == tenant)
    }

    /// Whether a tenant marked this number as a VIP's.
    pub fn is_vip(&self, tenant: TenantId, number: &str) -> bool {
        self.dialing.get(&tenant).is_some_and(|policy| policy.mark(number) == Some(Mark::Vip))
    }

    fn queue_schedule(&self, queue: &DirectoryQueue) -> Option<&Schedule> {
        self.schedule(queue.tenant, ScheduleId(queue.routing.schedule_id?))
    }

    /// Whether a queue takes calls: by hours that have a name, or by its own.
    pub fn is_queue_open(&self, queue: &DirectoryQueue, now: DateTime<Utc>) -> bool {
        match (self.queue_schedule(queue), &queue.routing.hours) {
            (Some(schedule), _) => schedule.openness(now).open,
            (None, Some(hours)) => hours.is_open(now),
            (None, None) => true,
        }
    }

    /// When that changes next.
    pub fn queue_changes(&self, queue: &DirectoryQueue, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match (self.queue_schedule(queue), &queue.routing.hours) {
            (Some(schedule), _) => schedule.next_change(now),
            (None, Some(hours)) => hours.next_change(now),
            (None, None) => None,
        }
    }

    /// Whether what is said in a call may be recorded: neither its tenant nor the number that was called stands against it.
    pub fn is_recorded(&self, tenant: TenantId, call: &CallRow) -> bool {
        let called = self.numbers.get(&call.to_number).filter(|_| call.direction == Direction::Inbound);
        let agreed = call.may_record != Some(false);
        agreed && !self.unrecorded.contains(&tenant) && called.is_none_or(|number| number.recorded)
    }

    /// The queue that an extension of a tenant leads to.
    pub fn queue_of_extension(&self, tenant: TenantId, extension: &str) -> Option<&DirectoryQueue> {
        self.queues.values().find(|queue| queue.tenant == tenant && queue.extension.as_deref() == Some(extension))
    }

    /// The agent that an extension of a tenant leads to.
    pub fn agent_of_extension(&self, tenant: TenantId, extension: &str) -> Option<AgentId> {
        let mut agents = self.agents.values().filter(|agent| agent.tenant == tenant);
        agents.find(|agent| agent.extension.as_deref() == Some(extension)).map(|agent| agent.id)
    }

    /// The phones of an agent, in a stable order.
    pub fn devices_of(&self, tenant: TenantId, agent: AgentId) -> Vec<&DirectoryDevice> {
        let mut devices: Vec<_> =
            self.devices.values().filter(|device| device.tenant == tenant && device.agent == agent).collect();
        devices.sort_by(|a, b| a.username.cmp(&b.username));
        devices
    }
}

/// A number as E.164 (`+` and 7 to 15 digits, ITU-T E.164 §6.2.1) where it can be told from what a carrier sent:
/// `+15550100`, `0015550100` or `15550100`. Anything else comes back as it was.
pub fn e164(received: &str) -> String {
    let trimmed = received.trim();
    let digits = trimmed.strip_prefix('+').or_else(|| trimmed.strip_prefix("00")).unwrap_or(trimmed);
    let looks_international = (7..=15).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0');
    if looks_international { format!("+{digits}") } else { trimmed.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::e164;

    #[test]
    fn numbers_are_told_whichever_way_a_carrier_writes_them() {
        for received in ["+15550100", "15550100", "0015550100", " +15550100 "] {
            assert_eq!(e164(received), "+15550100");
        }
    }

    #[test]
    fn what_is_no_international_number_stays_as_received() {
        for received in ["700", "anonymous", "", "+", "01712345678", "12345678901234567890", "+1555abc"] {
            assert_eq!(e164(received), received);
        }
    }
}
