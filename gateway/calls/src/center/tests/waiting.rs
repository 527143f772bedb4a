//! What callers are told while they wait, and which keys lead them out.

use chrono::TimeDelta;

use super::world::World;
use crate::flow::model::Part;
use crate::flow::walk::Media;
use crate::model::{CallState, EndReason, Way};
use crate::queueing::{Destination, Overflow};
use crate::while_waiting::{RecordingNotice, WhileWaiting};

fn seconds(seconds: i64) -> TimeDelta {
    TimeDelta::seconds(seconds)
}

/// One agent, who talks with somebody; and a queue whose callers are told where they stand, and may press keys.
fn busy() -> World {
    let mut world = World::with_agents(1);
    world.queue_works(|queue| {
        queue.while_waiting = WhileWaiting {
            every_seconds: Some(30),
            position: true,
            expected_wait: true,
            say: vec![Part::Text("Press 1 to leave a message".to_owned())],
            keys: [('1', Destination::Voicemail), ('2', Destination::Callback)].into(),
            ..WhileWaiting::default()
        };
    });
    world.customer_calls();
    let leg = world.ringing_legs().pop().expect("rings");
    world.answer(&leg);
    world
}

/// One of the two who talk.
fn talker(world: &World) -> String {
    let together = world.talking().into_iter().find(|together| together.len() == 2).expect("two talk");
    together.into_iter().next().expect("one of them")
}

fn hint() -> Media {
    Media::Speech { text: "Press 1 to leave a message".to_owned(), language: "en".to_owned() }
}

#[test]
fn who_waits_is_told_their_place_again_and_again_with_music_in_between() {
    let mut world = busy();
    let first = world.customer_calls();
    let second = world.customer_calls();
    world.time_passes(seconds(9));
    assert!(world.hears_music(&first) && world.hears_music(&second));
    world.time_passes(seconds(1));
    assert!(!world.hears_music(&first));
    let (of_first, of_second) = (world.said_to(&first), world.said_to(&second));
    assert_eq!(of_first, [Media::builtin(&["queue-youarenext"]), vec![hint()]].concat());
    let place = vec![
        Media::Builtin("queue-thereare".to_owned()),
        Media::Number(2),
        Media::Builtin("queue-callswaiting".to_owned()),
        hint(),
    ];
    assert_eq!(of_second, place);
    world.speeches_end_once();
    assert!(world.hears_music(&first) && world.hears_music(&second));
    world.time_passes(seconds(29));
    assert!(world.hears_music(&first));
    world.time_passes(seconds(1));
    assert!(!world.hears_music(&first));
}

#[test]
fn how_long_it_takes_is_told_once_the_queue_has_a_pace() {
    let mut world = busy();
    let callers: Vec<String> = (0..4).map(|_| world.customer_calls()).collect();
    for talk in [60, 120] {
        world.time_passes(seconds(talk));
        world.speeches_end_once();
        let talker = talker(&world);
        world.hang_up(&talker, 16);
        let leg = world.ringing_legs().pop().expect("the next one rings");
        world.answer(&leg);
    }
    // Two are served, two minutes apart; two wait.
    world.time_passes(seconds(31));
    let said = world.said_to(&callers[3]);
    let wait =
        [Media::Builtin("queue-holdtime".to_owned()), Media::Number(4), Media::Builtin("queue-minutes".to_owned())];
    assert!(said.windows(3).any(|words| words == wait), "{said:?}");
}

#[test]
fn who_presses_the_key_leaves_a_message_and_the_phone_that_rings_for_them_stops() {
    let mut world = busy();
    world.queue_works(|queue| queue.while_waiting.every_seconds = None);
    let talker = talker(&world);
    let customer = world.customer_calls();
    world.presses(&customer, "9");
    assert_eq!(world.database.voicemails.len(), 0);
    world.hang_up(&talker, 16);
    assert_eq!(world.ringing_legs().len(), 1);
    world.presses(&customer, "1");
    assert!(world.ringing_legs().is_empty());
    assert!(!world.hears_music(&customer));
    assert_eq!(world.said_to(&customer), Media::builtin(&["vm-intro", "beep"]));
    world.speeches_end_once();
    world.time_passes(seconds(5));
    world.hang_up(&customer, 16);
    assert_eq!(world.finished.last().expect("it ended").reason, EndReason::Voicemail);
    assert_eq!(world.database.voicemails.len(), 1);
    let went = world.notes_of("call.overflowed");
    assert_eq!((&went[0]["to"], &went[0]["reason"]), (&"voicemail".into(), &"key".into()));
}

#[test]
fn who_wants_to_be_called_back_is_noted_and_hears_goodbye() {
    let mut world = busy();
    let customer = world.customer_calls();
    world.presses(&customer, "2");
    world.speeches_end();
    assert_eq!(world.finished.last().expect("it ended").reason, EndReason::Callback);
    assert_eq!(world.database.callbacks.len(), 1);
    assert!(!world.parties().contains(&customer));
}

#[test]
fn a_key_leads_to_another_queue_with_the_place_that_one_had() {
    let mut world = busy();
    let second = world.second_queue();
    world.queue_works(|queue| {
        queue.while_waiting.keys.insert('3', Destination::QueueId(second.uuid()));
    });
    let customer = world.customer_calls();
    world.presses(&customer, "3");
    let (_, row) = world.database.calls.values().last().expect("a call");
    assert_eq!((row.queue_id, row.state), (Some(second), CallState::Queued));
    assert!(world.hears_music(&customer));
}

#[test]
fn whom_nobody_serves_in_time_leaves_a_message() {
    let mut world = busy();
    world.queue_works(|queue| {
        queue.overflow = Some(Overflow { after_seconds: 20, to: Destination::Voicemail });
    });
    let customer = world.customer_calls();
    world.time_passes(seconds(21));
    let (_, row) = world.database.calls.values().last().expect("a call");
    assert!(matches!(row.way, Some(Way::Voicemail(_))), "{row:?}");
    world.speeches_end_once();
    world.time_passes(seconds(4));
    world.gateway_is_killed();
    let from = world.now;
    world.connection_comes_back(from, "gateway_restart");
    world.time_passes(seconds(4));
    world.hang_up(&customer, 16);
    assert_eq!(world.database.voicemails.len(), 1);
}

#[test]
fn callers_are_told_of_the_recording_before_anybody_is_rung_for_them() {
    let notice = |world: &mut World| {
        let say = vec![Part::Text("This call is recorded".to_owned())];
        world.queue_works(|queue| queue.recording_notice = RecordingNotice { say, language: "en".to_owned() });
    };
    let mut world = World::with_agents(1);
    notice(&mut world);
    let customer = world.customer_calls();
    assert!(world.ringing_legs().is_empty());
    assert_eq!(world.said_to(&customer).len(), 1);
    // A gateway that does not know whether they heard it says it again.
    world.gateway_is_killed();
    let from = world.now;
    world.connection_comes_back(from, "gateway_restart");
    assert!(world.ringing_legs().is_empty());
    world.speeches_end();
    assert_eq!((world.ringing_legs().len(), world.the_call().may_record), (1, Some(true)));
    assert!(world.hears_music(&customer));
    // Who was told is not told again.
    world.gateway_is_killed();
    let from = world.now;
    world.connection_comes_back(from, "gateway_restart");
    assert_eq!(world.ringing_legs().len(), 1);
    let leg = world.ringing_legs().remove(0);
    world.answer(&leg);
    assert_eq!(world.the_call().state, CallState::Active);
    world.hang_up(&customer, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());

    // Who hangs up at the word has waited in the queue, and nobody was rung.
    let customer = world.customer_calls();
    world.hang_up(&customer, 16);
    assert_eq!(world.finished.last().expect("it ended").reason, EndReason::AbandonedQueue);

    // What is not recorded needs no word.
    let mut world = World::with_agents(1);
    notice(&mut world);
    let tenant = world.tenant;
    world.change_directory(|directory| _ = directory.unrecorded.insert(tenant));
    world.customer_calls();
    assert_eq!(world.ringing_legs().len(), 1);
}

#[test]
fn a_queues_own_music_is_played_over_and_over_and_gives_way_to_words_and_people() {
    let music = uuid::Uuid::from_u128(7);
    let own = || vec![Media::Sound { id: music, language: "en".to_owned() }];
    let mut world = busy();
    world.queue_works(|queue| queue.while_waiting.music = Some(music));
    let talker = talker(&world);
    let customer = world.customer_calls();
    let hears_own = |world: &World| world.playing.values().any(|hears| *hears == customer);
    assert!(hears_own(&world) && !world.hears_music(&customer));
    assert_eq!(world.said_to(&customer), own());
    for _ in 0..3 {
        world.time_passes(seconds(2));
        world.speeches_end_once();
        assert!(hears_own(&world), "it begins anew");
    }
    world.time_passes(seconds(4));
    assert_eq!(world.said_to(&customer).len(), 2, "they are told their place");
    assert_eq!(world.playing.len(), 1, "and hear nothing else");
    world.speeches_end_once();
    assert_eq!(world.said_to(&customer), own());
    // Neither a cut line nor a new life of the gateway leaves them in silence, or with two tunes at once.
    world.gateway_is_killed();
    let from = world.now;
    world.connection_comes_back(from, "gateway_restart");
    assert!(hears_own(&world) && world.playing.len() == 1);
    world.hang_up(&talker, 16);
    let leg = world.ringing_legs().remove(0);
    world.answer(&leg);
    assert!(!hears_own(&world) && !world.hears_music(&customer));
    assert!(world.talking().iter().any(|room| room.contains(&customer)));
}

#[test]
fn a_music_that_cannot_be_played_is_the_houses() {
    let mut world = busy();
    world.queue_works(|queue| queue.while_waiting.music = Some(uuid::Uuid::from_u128(7)));
    let customer = world.customer_calls();
    world.speeches_end_once();
    assert!(world.hears_music(&customer));
    world.time_passes(seconds(5));
    assert!(world.hears_music(&customer) && world.playing.is_empty());
}

#[test]
fn who_is_moved_hears_the_music_of_the_queue_that_they_wait_in() {
    let (first, other) = (uuid::Uuid::from_u128(7), uuid::Uuid::from_u128(8));
    let mut world = busy();
    let second = world.second_queue();
    world.queue_works(|queue| {
        queue.while_waiting.music = Some(first);
        queue.while_waiting.keys.insert('3', Destination::QueueId(second.uuid()));
    });
    world.change_directory(|directory| {
        directory.queues.get_mut(&second).expect("the queue").routing.while_waiting.music = Some(other);
    });
    let customer = world.customer_calls();
    world.presses(&customer, "3");
    let own = |id| vec![Media::Sound { id, language: "en".to_owned() }];
    assert_eq!((world.said_to(&customer), world.playing.len()), (own(other), 1));
}
