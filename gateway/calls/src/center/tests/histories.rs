//! Whatever people and machines do, in any order: nothing stays behind in Asterisk, and every call has one complete record.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::world::{OUTSIDE, World};
use crate::AgentState;
use crate::center::{Ask, DialProgress, Input, OnPhone, Report, SuperviseMode, TransferKind, TransferStep, TransferTo};
use crate::model::Server;
use crate::model::{CallState, RecordingState, Subject};
use crate::queueing::{Destination, QueueRouting, Strategy as AskedBy, TooLong};
use crate::while_waiting::WhileWaiting;

#[derive(Debug, Clone)]
enum Step {
    CustomerCalls,
    PhoneDials(usize),
    PhoneDialsOut(usize),
    PhoneDialsColleague(usize, usize),
    ClicksColleague(usize, usize),
    Clicks(usize),
    Answer(prop::sample::Index),
    Refuse(prop::sample::Index),
    HangUp(prop::sample::Index),
    Hold(prop::sample::Index, bool),
    Reattach(prop::sample::Index),
    Wait(i64),
    Cut,
    Kill,
    AsteriskRestarts,
    Reconnect,
    Chooses(usize, AgentState),
    SpeechesEnd,
    HandsOn(usize, usize, TransferKind),
    HandsToQueue(usize, TransferKind, bool),
    HandsOutside(usize, TransferKind),
    Refers(prop::sample::Index, usize),
    RefersAfterAsking(usize),
    GoesOn(usize, TransferStep),
    AsksIn(usize, usize),
    Asks(usize, Ask),
    /// A supervisor, of one of the running calls.
    OfACall(usize, prop::sample::Index, Ask),
    Key(prop::sample::Index, char),
    Moves(usize, prop::sample::Index, bool),
    Announces(bool),
    Writes(bool, i16),
    TakesChat(usize, prop::sample::Index),
    GivesBack(prop::sample::Index),
    ChatIsOver(prop::sample::Index),
    ChatGoesTo(prop::sample::Index, bool),
    /// A record that was read long ago comes only now.
    LateRecord(prop::sample::Index),
    ChatsAreRead,
    ChatPlaces(usize, u8),
}

fn mode() -> impl Strategy<Value = SuperviseMode> {
    prop_oneof![Just(SuperviseMode::Listen), Just(SuperviseMode::Whisper), Just(SuperviseMode::Barge)]
}

fn control() -> impl Strategy<Value = Ask> {
    prop_oneof![
        4 => Just(Ask::Hold),
        3 => Just(Ask::Resume),
        1 => Just(Ask::Mute),
        1 => Just(Ask::Unmute),
        1 => Just(Ask::Dtmf("12#".to_owned())),
        1 => Just(Ask::PauseRecording),
        1 => Just(Ask::ResumeRecording),
    ]
}

fn supervision() -> impl Strategy<Value = Ask> {
    prop_oneof![
        6 => mode().prop_map(|mode| Ask::Supervise(mode, OnPhone::Any)),
        1 => Just(Ask::EndSupervision),
        2 => Just(Ask::TakeOver(OnPhone::Any)),
    ]
}

/// Every way of asking, and queues that hand over, give up and let wrap up.
fn works() -> impl Strategy<Value = QueueRouting> {
    let strategies = prop_oneof![
        Just(AskedBy::LongestIdle),
        Just(AskedBy::RoundRobin),
        Just(AskedBy::FewestContacts),
        Just(AskedBy::RingAll),
        Just(AskedBy::SkillBest),
    ];
    let too_long = prop::option::of((1..3u32, any::<bool>()));
    let music = prop::option::of(Just(uuid::Uuid::from_u128(7)));
    (strategies, 0..20u32, too_long, prop::option::of(1..4u32), 30..200u32, music).prop_map(
        |(strategy, wrap_up_seconds, too_long, pause_after_missed, max_wait_seconds, music)| QueueRouting {
            strategy,
            wrap_up_seconds,
            too_long: too_long.map(|(at, outside)| {
                let number = Destination::Number("+390644121234".to_owned());
                TooLong { at, to: if outside { number } else { Destination::HangUp } }
            }),
            pause_after_missed,
            max_wait_seconds,
            while_waiting: WhileWaiting {
                music,
                keys: [('2', Destination::Callback)].into(),
                ..WhileWaiting::default()
            },
            ..QueueRouting::default()
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => Just(Step::CustomerCalls),
        1 => (0..3usize).prop_map(Step::PhoneDials),
        2 => (0..3usize).prop_map(Step::PhoneDialsOut),
        2 => (0..3usize, 0..3usize).prop_map(|(by, whom)| Step::PhoneDialsColleague(by, whom)),
        2 => (0..3usize, 0..3usize).prop_map(|(by, whom)| Step::ClicksColleague(by, whom)),
        3 => (0..3usize).prop_map(Step::Clicks),
        8 => any::<prop::sample::Index>().prop_map(Step::Answer),
        2 => any::<prop::sample::Index>().prop_map(Step::Refuse),
        4 => any::<prop::sample::Index>().prop_map(Step::HangUp),
        1 => (any::<prop::sample::Index>(), any::<bool>()).prop_map(|(index, held)| Step::Hold(index, held)),
        3 => any::<prop::sample::Index>().prop_map(Step::Reattach),
        4 => (1..20_000i64).prop_map(Step::Wait),
        1 => Just(Step::Cut),
        1 => Just(Step::Kill),
        1 => Just(Step::AsteriskRestarts),
        3 => Just(Step::Reconnect),
        2 => (0..3usize, prop_oneof![
            3 => Just(AgentState::Available),
            1 => Just(AgentState::Paused),
            1 => Just(AgentState::Offline),
        ]).prop_map(|(agent, state)| Step::Chooses(agent, state)),
        2 => Just(Step::SpeechesEnd),
        3 => (0..3usize, 0..3usize, prop_oneof![Just(TransferKind::Blind), Just(TransferKind::Attended)])
            .prop_map(|(by, to, kind)| Step::HandsOn(by, to, kind)),
        2 => (0..3usize, prop_oneof![Just(TransferKind::Blind), Just(TransferKind::Attended)], any::<bool>())
            .prop_map(|(by, kind, there)| Step::HandsToQueue(by, kind, there)),
        3 => (0..3usize, prop_oneof![Just(TransferKind::Blind), Just(TransferKind::Attended)])
            .prop_map(|(by, kind)| Step::HandsOutside(by, kind)),
        2 => (any::<prop::sample::Index>(), 0..5usize).prop_map(|(party, to)| Step::Refers(party, to)),
        4 => (0..3usize).prop_map(Step::RefersAfterAsking),
        4 => (0..3usize, prop_oneof![
            Just(TransferStep::Complete),
            Just(TransferStep::Swap),
            Just(TransferStep::Merge),
            Just(TransferStep::Cancel),
        ]).prop_map(|(by, step)| Step::GoesOn(by, step)),
        2 => (0..3usize, 0..3usize).prop_map(|(by, whom)| Step::AsksIn(by, whom)),
        5 => (0..3usize, control()).prop_map(|(by, ask)| Step::Asks(by, ask)),
        6 => (0..3usize, any::<prop::sample::Index>(), supervision())
            .prop_map(|(by, call, ask)| Step::OfACall(by, call, ask)),
        2 => (any::<prop::sample::Index>(), prop_oneof![Just('*'), Just('1'), Just('2')]).prop_map(|(leg, key)| Step::Key(leg, key)),
        1 => (0..3usize, any::<prop::sample::Index>(), any::<bool>()).prop_map(|(by, call, there)| Step::Moves(by, call, there)),
        1 => any::<bool>().prop_map(Step::Announces),
        6 => (any::<bool>(), 0..5i16).prop_map(|(there, priority)| Step::Writes(there, priority)),
        1 => (0..3usize, any::<prop::sample::Index>()).prop_map(|(by, chat)| Step::TakesChat(by, chat)),
        1 => any::<prop::sample::Index>().prop_map(Step::GivesBack),
        2 => any::<prop::sample::Index>().prop_map(Step::ChatIsOver),
        1 => (any::<prop::sample::Index>(), any::<bool>()).prop_map(|(chat, there)| Step::ChatGoesTo(chat, there)),
        1 => any::<prop::sample::Index>().prop_map(Step::LateRecord),
        1 => Just(Step::ChatsAreRead),
        1 => (0..3usize, 0..4u8).prop_map(|(agent, chats)| Step::ChatPlaces(agent, chats)),
    ]
}

proptest! {
    #[test]
    fn nothing_stays_behind_and_every_record_is_complete(
        works in works(),
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut world = World::with_agents(3);
        world.queue_works(|queue| *queue = works);
        let second = world.second_queue();
        // Whom agents dial as well.
        "+390644121234".clone_into(&mut world.caller);
        let mut away_since = None;
        for step in steps {
            match step {
                Step::CustomerCalls => { world.customer_calls(); }
                Step::PhoneDials(phone) => { world.phone_dials(phone, "700"); }
                Step::PhoneDialsOut(phone) => { world.phone_dials(phone, OUTSIDE); }
                Step::PhoneDialsColleague(by, whom) => { world.phone_dials(by, &World::extension(whom)); }
                Step::ClicksColleague(by, whom) => { world.clicks(by, &World::extension(whom)); }
                Step::Clicks(agent) => { world.clicks(agent, OUTSIDE); }
                Step::Answer(index) => {
                    let mut ringing = world.ringing_legs();
                    ringing.extend(world.dialled_legs());
                    if !ringing.is_empty() {
                        let leg = &ringing[index.index(ringing.len())];
                        if !leg.contains("-leg") && !leg.contains("-sup") {
                            world.gets_on(leg, DialProgress::Answered);
                        } else {
                            world.answer(leg);
                        }
                    }
                }
                Step::Refuse(index) => {
                    let mut ringing = world.ringing_legs();
                    ringing.extend(world.dialled_legs());
                    if !ringing.is_empty() {
                        world.hang_up(&ringing[index.index(ringing.len())], 21);
                    }
                }
                Step::HangUp(index) => {
                    let parties = world.parties();
                    if !parties.is_empty() {
                        world.hang_up(&parties[index.index(parties.len())], 16);
                    }
                }
                Step::Hold(index, held) => {
                    let parties = world.parties();
                    if !parties.is_empty() {
                        let channel = parties[index.index(parties.len())].clone();
                        world.feed(Input::Report(Server::default(), Report::Hold { channel, held }));
                    }
                }
                Step::Reattach(index) => {
                    let talked: Vec<_> = world.database.calls.iter().filter_map(|(id, (_, row))| Some((*id, row.agent_id?))).collect();
                    if !talked.is_empty() {
                        let (call, by) = talked[index.index(talked.len())];
                        let phone = world.agents.iter().position(|agent| *agent == by).expect("an agent of this world");
                        let tenant = world.tenant;
                        world.feed(Input::Reattach { tenant, call, by, username: World::phone(phone) });
                    }
                }
                Step::Chooses(agent, state) => world.agent_chooses(agent, state),
                Step::SpeechesEnd => world.speeches_end(),
                // That it is refused is as well.
                Step::HandsOn(by, to, kind) => {
                    let to = TransferTo::Agent(world.agents[to]);
                    let _ = world.hands_on(by, kind, to);
                }
                Step::HandsToQueue(by, kind, there) => {
                    let to = TransferTo::Queue(if there { second } else { world.queue });
                    let _ = world.hands_on(by, kind, to);
                }
                Step::HandsOutside(by, kind) => {
                    let to = TransferTo::Number(OUTSIDE.to_owned());
                    let _ = world.hands_on(by, kind, to);
                }
                Step::Refers(party, to) => {
                    let parties = world.parties();
                    if !parties.is_empty() {
                        let to = match to {
                            3 => "700".to_owned(),
                            4 => OUTSIDE.to_owned(),
                            colleague => World::extension(colleague),
                        };
                        world.refers(&parties[party.index(parties.len())], &to, None);
                    }
                }
                Step::RefersAfterAsking(by) => {
                    // The phone itself begins the second call, and hands the first on when somebody is there.
                    if let [first, .., second] = &world.legs_of(by)[..] {
                        world.refers(first, "", Some(second));
                    }
                }
                Step::GoesOn(by, step) => {
                    let _ = world.step(by, step);
                }
                Step::AsksIn(by, whom) => {
                    let _ = world.asks_in(by, world.agents[whom]);
                }
                Step::Asks(by, ask) => {
                    let _ = world.asks(by, None, ask);
                }
                Step::OfACall(by, call, ask) => {
                    let calls: Vec<_> = world.database.calls.keys().copied().collect();
                    if !calls.is_empty() {
                        let call = calls[call.index(calls.len())];
                        let _ = match ask {
                            Ask::Supervise(mode, _) => world.supervises(by, call, mode),
                            ask => world.asks(by, Some(call), ask),
                        };
                    }
                }
                Step::Moves(by, call, there) => {
                    let calls: Vec<_> = world.database.calls.keys().copied().collect();
                    if !calls.is_empty() {
                        let queue = if there { second } else { world.queue };
                        let _ = world.asks(by, Some(calls[call.index(calls.len())]), Ask::Move(queue));
                    }
                }
                Step::Key(leg, digit) => {
                    let parties = world.parties();
                    if !parties.is_empty() {
                        let channel = parties[leg.index(parties.len())].clone();
                        world.feed(Input::Report(Server::default(), Report::Dtmf { channel, digit }));
                    }
                }
                Step::Announces(does) => {
                    let tenant = world.tenant;
                    world.change_directory(|directory| {
                        if does { directory.unannounced.remove(&tenant); } else { directory.unannounced.insert(tenant); }
                    });
                }
                Step::Writes(there, priority) => {
                    let queue = if there { second } else { world.queue };
                    world.somebody_writes(queue, priority);
                }
                Step::TakesChat(by, chat) => {
                    if let Some(chat) = world.open_chat(chat) {
                        world.takes_chat(by, chat);
                    }
                }
                Step::GivesBack(chat) => {
                    if let Some(chat) = world.open_chat(chat) {
                        world.gives_back(chat);
                    }
                }
                Step::ChatIsOver(chat) => {
                    if let Some(chat) = world.open_chat(chat) {
                        world.chat_is_over(chat);
                    }
                }
                Step::ChatGoesTo(chat, there) => {
                    if let Some(chat) = world.open_chat(chat) {
                        let queue = if there { second } else { world.queue };
                        world.chat_goes_to(chat, queue);
                    }
                }
                Step::LateRecord(which) => world.late_record(which),
                Step::ChatsAreRead => world.tell_chats(),
                Step::ChatPlaces(agent, chats) => {
                    let key = (world.tenant, world.agents[agent]);
                    world.change_directory(|directory| directory.agents.get_mut(&key).expect("the agent").chats = chats);
                }
                Step::Wait(ms) => world.time_passes(TimeDelta::milliseconds(ms)),
                Step::Cut => {
                    world.connection_is_cut();
                    world.feed(Input::Away(Server::default()));
                    away_since.get_or_insert(world.now);
                }
                Step::Kill => {
                    world.gateway_is_killed();
                    away_since.get_or_insert(world.now);
                }
                Step::AsteriskRestarts => {
                    world.connection_is_cut();
                    world.asterisk_restarts();
                    away_since.get_or_insert(world.now);
                }
                Step::Reconnect => {
                    if let Some(from) = away_since.take() {
                        world.connection_comes_back(from, "connection_lost");
                    }
                }
            }
            world.check_chats();
            if world.is_connected() {
                for members in world.talking() {
                    let customers = members.iter().filter(|member| member.starts_with("lab-")).count();
                    prop_assert!(customers <= 1, "two customers in one call: {members:?}");
                }
                let wrongly = world.wrongly_entertained();
                prop_assert!(wrongly.is_empty(), "silence while waiting, or music while talking: {wrongly:?}");
                let heard = world.wrongly_heard();
                prop_assert!(heard.is_empty(), "heard by who must not: {heard:?}");
                let outside = world.outside();
                prop_assert!(outside.is_empty(), "neither with anybody nor on hold: {outside:?}");
            }
        }
        if let Some(from) = away_since.take() {
            world.connection_comes_back(from, "connection_lost");
        }
        for party in world.parties() {
            world.hang_up(&party, 16);
        }
        world.time_passes(TimeDelta::seconds(60));
        let (tenant, number) = (world.tenant, world.caller.clone());
        world.feed(Input::CallbackSettled { tenant, number });
        for party in world.parties() {
            world.hang_up(&party, 16);
        }
        world.time_passes(TimeDelta::seconds(60));
        prop_assert!(world.nothing_is_left(), "left over: {}", world.left_overs());

        let mut ends: BTreeMap<_, usize> = BTreeMap::new();
        for (position, happening) in world.database.happenings.iter().enumerate() {
            if happening.kind == "call.ended" && let Subject::Call(call) = happening.subject {
                *ends.entry(call).or_default() += 1;
                let closed_before = world.database.happenings[..position].iter().any(|earlier| {
                    matches!(earlier.kind.as_str(), "recording.ready" | "recording.failed")
                        && earlier.data["call_id"] == serde_json::json!(call)
                });
                prop_assert!(!closed_before, "the recording was ready before its call had ended");
            }
        }
        for (id, (_, row)) in &world.database.calls {
            prop_assert_eq!(row.state, CallState::Ended);
            prop_assert_eq!(row.held_since, None);
            prop_assert!(row.end_reason.is_some() && row.ended_at.is_some());
            prop_assert_eq!(ends.get(id).copied(), Some(1), "call.ended exactly once");
        }
        let mut between = world.database.wrap_ups.values();
        prop_assert!(between.all(|row| row.ended_at.is_some()), "a wrap-up without an end");
        for leg in world.database.legs.values() {
            prop_assert!(leg.ended_at.is_some(), "a leg without an end: {leg:?}");
        }
        for recording in world.database.recordings.values() {
            prop_assert_ne!(recording.state, RecordingState::Recording);
        }
    }
}
