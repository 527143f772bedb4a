//! The steps of every flow, and what comes of a hang-up at each.

/// Who hangs up. Agents are counted as in their scene.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Who {
    Customer,
    Agent(usize),
}
use Who::{Agent, Customer};

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    // In the queue. Agent 0 answers by themselves, 1 and 2 let it ring.
    Music,
    Announcement,
    Regret,
    RingsOne,
    RingsAll,
    BetweenOffers,
    MovedWhileWaiting,
    MovedWhileRinging,
    // With an agent, 0. Supervisors are 1, who answers by themselves, and 2, who lets it ring.
    JustAnswered,
    Talking,
    Held,
    HeldByPhone,
    Muted,
    RecordingPaused,
    SupervisorRings,
    Listened,
    Whispered,
    Barged,
    TakeOverRings,
    TakenOver,
    // Handed on by agent 0. Agent 1 answers by themselves, 2 and 3 let it ring.
    BlindRings,
    BlindAnswered,
    GivenBackRings,
    WaitsInOtherQueue,
    RingsInQueueAgain,
    ConsultRings,
    ConsultBlindRings,
    Consulted,
    Swapped,
    SwappedTwice,
    ConsultCancelled,
    Merged,
    ThirdRings,
    Three,
    ThreeOneHolds,
    // With an agent's browser.
    ReattachRings,
    Reattached,
    // Out. Agent 0 answers by themselves, 1 lets it ring.
    OwnPhoneRings,
    TrunkRings,
    TrunkRingsForPhone,
    EarlyMedia,
    OutAnswered,
}

/// A hang-up at a step, and what becomes of the call.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) step: Step,
    /// Who hangs up, one after the other, and what the journal says then; the last one ends the call.
    pub(crate) hang_ups: &'static [(Who, &'static str)],
    pub(crate) reason: &'static str,
    /// There is a recording.
    pub(crate) recorded: bool,
    /// Who has to say what the call came to: the queue's wrap-up lasts until then.
    pub(crate) wrap_up: &'static [usize],
}

const fn case(
    step: Step,
    hang_ups: &'static [(Who, &'static str)],
    reason: &'static str,
    recorded: bool,
    wrap_up: &'static [usize],
) -> Case {
    Case { step, hang_ups, reason, recorded, wrap_up }
}

pub(crate) const ENDED: &str = "call.ended";
const BY_CUSTOMER: &[(Who, &str)] = &[(Customer, ENDED)];
const BY_AGENT: &[(Who, &str)] = &[(Agent(0), ENDED)];

pub(crate) const WAITING: &[Case] = &[
    case(Step::Music, BY_CUSTOMER, "abandoned_queue", false, &[]),
    case(Step::Announcement, BY_CUSTOMER, "abandoned_queue", false, &[]),
    case(Step::Regret, BY_CUSTOMER, "abandoned_queue", false, &[]),
    case(Step::RingsOne, BY_CUSTOMER, "abandoned_queue", false, &[]),
    case(Step::RingsOne, &[(Agent(1), "call.missed_offer"), (Customer, ENDED)], "abandoned_queue", false, &[]),
    case(Step::RingsAll, BY_CUSTOMER, "abandoned_queue", false, &[]),
    case(Step::RingsAll, &[(Agent(1), "call.missed_offer"), (Customer, ENDED)], "abandoned_queue", false, &[]),
    case(Step::BetweenOffers, BY_CUSTOMER, "abandoned_queue", false, &[]),
    case(Step::MovedWhileWaiting, BY_CUSTOMER, "abandoned_queue", false, &[]),
    case(Step::MovedWhileRinging, BY_CUSTOMER, "abandoned_queue", false, &[]),
];

pub(crate) const TALKING: &[Case] = &[
    case(Step::JustAnswered, BY_CUSTOMER, "completed_customer", true, &[0]),
    case(Step::JustAnswered, BY_AGENT, "completed_agent", true, &[0]),
    case(Step::Talking, BY_CUSTOMER, "completed_customer", true, &[0]),
    case(Step::Talking, BY_AGENT, "completed_agent", true, &[0]),
    case(Step::Held, BY_CUSTOMER, "completed_customer", true, &[0]),
    case(Step::Held, BY_AGENT, "completed_agent", true, &[0]),
    case(Step::HeldByPhone, BY_CUSTOMER, "completed_customer", true, &[0]),
    case(Step::HeldByPhone, BY_AGENT, "completed_agent", true, &[0]),
    case(Step::Muted, BY_CUSTOMER, "completed_customer", true, &[0]),
    case(Step::Muted, BY_AGENT, "completed_agent", true, &[0]),
    case(Step::RecordingPaused, BY_CUSTOMER, "completed_customer", true, &[0]),
    case(Step::RecordingPaused, BY_AGENT, "completed_agent", true, &[0]),
];

pub(crate) const SUPERVISED: &[Case] = &[
    case(Step::SupervisorRings, BY_CUSTOMER, "completed_customer", true, &[0]),
    case(Step::SupervisorRings, BY_AGENT, "completed_agent", true, &[0]),
    case(Step::Listened, BY_CUSTOMER, "completed_customer", true, &[0]),
    case(Step::Listened, BY_AGENT, "completed_agent", true, &[0]),
    case(Step::Listened, &[(Agent(1), "call.supervision_ended"), (Customer, ENDED)], "completed_customer", true, &[0]),
    case(Step::Whispered, BY_CUSTOMER, "completed_customer", true, &[0]),
    case(Step::Whispered, BY_AGENT, "completed_agent", true, &[0]),
    case(Step::Barged, BY_CUSTOMER, "completed_customer", true, &[0]),
    case(Step::Barged, BY_AGENT, "completed_agent", true, &[0]),
    case(Step::Barged, &[(Agent(1), "call.supervision_ended"), (Agent(0), ENDED)], "completed_agent", true, &[0]),
    case(Step::TakeOverRings, BY_CUSTOMER, "completed_customer", true, &[0]),
    case(Step::TakeOverRings, BY_AGENT, "completed_agent", true, &[0]),
    case(Step::TakenOver, BY_CUSTOMER, "completed_customer", true, &[0, 1]),
    case(Step::TakenOver, &[(Agent(1), ENDED)], "completed_agent", true, &[0, 1]),
];

pub(crate) const HANDED_ON: &[Case] = &[
    case(Step::BlindRings, BY_CUSTOMER, "completed_customer", true, &[0]),
    // Who was to take it refuses: it goes back.
    case(Step::BlindRings, &[(Agent(2), "call.answered"), (Customer, ENDED)], "completed_customer", true, &[0]),
    case(Step::BlindAnswered, BY_CUSTOMER, "completed_customer", true, &[0, 1]),
    case(Step::BlindAnswered, &[(Agent(1), ENDED)], "completed_agent", true, &[0, 1]),
    case(Step::GivenBackRings, BY_CUSTOMER, "completed_customer", true, &[2]),
    // Neither takes it: it waits for anybody.
    case(Step::GivenBackRings, &[(Agent(2), "call.queued"), (Customer, ENDED)], "completed_customer", true, &[2]),
    case(Step::WaitsInOtherQueue, BY_CUSTOMER, "completed_customer", true, &[0]),
    case(Step::RingsInQueueAgain, BY_CUSTOMER, "completed_customer", true, &[0]),
    case(
        Step::RingsInQueueAgain,
        &[(Agent(2), "call.missed_offer"), (Customer, ENDED)],
        "completed_customer",
        true,
        &[0],
    ),
];

pub(crate) const CONSULTED: &[Case] = &[
    case(Step::ConsultRings, BY_CUSTOMER, "completed_customer", true, &[0]),
    case(Step::ConsultRings, &[(Agent(2), "call.missed_offer"), (Agent(0), ENDED)], "completed_agent", true, &[0]),
    case(Step::ConsultBlindRings, BY_CUSTOMER, "completed_customer", true, &[0]),
    case(Step::Consulted, BY_CUSTOMER, "completed_customer", true, &[0]),
    case(Step::Consulted, &[(Agent(0), "call.transferred"), (Agent(1), ENDED)], "completed_agent", true, &[0, 1]),
    case(Step::Consulted, &[(Agent(1), "call.resumed"), (Agent(0), ENDED)], "completed_agent", true, &[0]),
    case(Step::Swapped, BY_CUSTOMER, "completed_customer", true, &[0]),
    case(Step::Swapped, &[(Agent(0), "call.transferred"), (Customer, ENDED)], "completed_customer", true, &[0, 1]),
    case(Step::SwappedTwice, BY_CUSTOMER, "completed_customer", true, &[0]),
    case(Step::ConsultCancelled, BY_CUSTOMER, "completed_customer", true, &[0]),
];

pub(crate) const OF_THREE: &[Case] = &[
    case(Step::Merged, BY_CUSTOMER, "completed_customer", true, &[0, 1]),
    case(Step::Merged, &[(Agent(0), "call.transferred"), (Agent(1), ENDED)], "completed_agent", true, &[0, 1]),
    case(Step::ThirdRings, BY_CUSTOMER, "completed_customer", true, &[0]),
    case(Step::ThirdRings, BY_AGENT, "completed_agent", true, &[0]),
    case(Step::Three, BY_CUSTOMER, "completed_customer", true, &[0, 1]),
    case(Step::Three, &[(Agent(1), "call.left"), (Agent(0), ENDED)], "completed_agent", true, &[0, 1]),
    case(Step::Three, &[(Agent(0), "call.transferred"), (Customer, ENDED)], "completed_customer", true, &[0, 1]),
    case(Step::ThreeOneHolds, BY_CUSTOMER, "completed_customer", true, &[0, 1]),
    case(Step::ThreeOneHolds, &[(Agent(1), "call.left"), (Agent(0), ENDED)], "completed_agent", true, &[0, 1]),
];

pub(crate) const RELOADED: &[Case] = &[
    case(Step::ReattachRings, BY_CUSTOMER, "completed_customer", true, &[0]),
    // The old page's leg goes first; then the new one is refused.
    case(Step::ReattachRings, BY_AGENT, "completed_agent", true, &[0]),
    case(Step::Reattached, BY_CUSTOMER, "completed_customer", true, &[0]),
    case(Step::Reattached, BY_AGENT, "completed_agent", true, &[0]),
];

pub(crate) const CALLED_OUT: &[Case] = &[
    case(Step::OwnPhoneRings, &[(Agent(1), ENDED)], "no_answer", false, &[]),
    case(Step::TrunkRings, BY_CUSTOMER, "rejected", false, &[]),
    case(Step::TrunkRings, BY_AGENT, "no_answer", false, &[]),
    case(Step::TrunkRingsForPhone, BY_CUSTOMER, "rejected", false, &[]),
    case(Step::TrunkRingsForPhone, BY_AGENT, "no_answer", false, &[]),
    case(Step::EarlyMedia, BY_CUSTOMER, "rejected", false, &[]),
    case(Step::EarlyMedia, BY_AGENT, "no_answer", false, &[]),
    case(Step::OutAnswered, BY_CUSTOMER, "completed_customer", true, &[]),
    case(Step::OutAnswered, BY_AGENT, "completed_agent", true, &[]),
];
