//! Length, alignment, gaps, pauses and continuation, in virtual time.

use std::time::Duration;

use proptest::prelude::*;
use rtp_rs::RtpPacketBuilder;

use super::*;
use crate::recorder::SAMPLE_RATE;

/// A loud µ-law octet and a silent one.
const CLICK: u8 = 0x80;
const SILENT: u8 = 0xff;
/// 40 ms.
const ALIGNED: u64 = 320;

#[derive(Debug, Default)]
struct Tape {
    frames: Vec<[i16; 2]>,
    long_silences: Vec<u64>,
}

impl StereoSink for Tape {
    fn audio(&mut self, frames: &[[i16; 2]]) {
        self.frames.extend_from_slice(frames);
    }

    fn silence(&mut self, frames: u64) {
        self.long_silences.push(frames);
        self.frames.resize(self.frames.len() + frames as usize, [0, 0]);
    }
}

impl Tape {
    /// Where a channel is loud.
    fn clicks(&self, channel: usize) -> Vec<u64> {
        (0_u64..).zip(&self.frames).filter(|(_, frame)| frame[channel].abs() > 20_000).map(|(n, _)| n).collect()
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A sender of 20 ms packets that clicks in the middle of one every half second.
#[derive(Debug, Clone, Copy)]
struct Sender {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    /// Clock error in parts per million: its 20 ms are that much shorter.
    fast: i64,
}

impl Sender {
    fn packet(&self, n: u32) -> Vec<u8> {
        let mut payload = [SILENT; 160];
        if n.is_multiple_of(25) {
            payload[80] = CLICK;
        }
        RtpPacketBuilder::new()
            .payload_type(0)
            .ssrc(self.ssrc)
            .sequence(self.sequence.wrapping_add(n as u16).into())
            .timestamp(self.timestamp.wrapping_add(n * 160))
            .payload(&payload)
            .build()
            .expect("sound packet")
    }

    /// When the nth packet is sent, in µs.
    fn sent(&self, n: u32) -> Duration {
        let micros = i64::from(n) * 20_000;
        Duration::from_micros((micros - micros * self.fast / 1_000_000) as u64)
    }
}

const AGENT: Sender = Sender { ssrc: 1, sequence: 65_500, timestamp: 0xffff_f000, fast: 0 };
const CUSTOMER: Sender = Sender { ssrc: 2, sequence: 7, timestamp: 1_000, fast: 0 };

type Arrival = (Duration, Side, Vec<u8>);

/// The packets `numbers` of a sender, each `delay(n)` on its way.
fn stream(sender: Sender, side: Side, numbers: std::ops::Range<u32>, delay: impl Fn(u32) -> Duration) -> Vec<Arrival> {
    numbers.map(|n| (sender.sent(n) + delay(n), side, sender.packet(n))).collect()
}

/// Plays arrivals, with the caller's tick every 100 ms.
fn play(timeline: &mut Timeline, tape: &mut Tape, mut arrivals: Vec<Arrival>, from: Duration, until: Duration) {
    arrivals.sort_by_key(|(at, _, _)| *at);
    let mut tick = from;
    for (at, side, datagram) in arrivals.into_iter().filter(|(at, _, _)| *at <= until) {
        while tick < at {
            timeline.advance(tick, tape);
            tick += ms(100);
        }
        timeline.receive(side, at, &datagram);
    }
    while tick <= until {
        timeline.advance(tick, tape);
        tick += ms(100);
    }
}

fn record(arrivals: Vec<Arrival>, until: Duration) -> (Tape, Timeline) {
    let (mut timeline, mut tape) = (Timeline::new(), Tape::default());
    play(&mut timeline, &mut tape, arrivals, Duration::ZERO, until);
    timeline.finish(until, &mut tape);
    (tape, timeline)
}

fn both(numbers: std::ops::Range<u32>, delay: impl Fn(u32) -> Duration) -> Vec<Arrival> {
    let mut arrivals = stream(AGENT, Side::Agent, numbers.clone(), &delay);
    arrivals.extend(stream(CUSTOMER, Side::Customer, numbers, &delay));
    arrivals
}

/// A recording is as long as the time; the packet that was under way at its end is kept whole.
fn assert_length(tape: &Tape, duration: Duration) {
    let over = (tape.frames.len() as u64).checked_sub(frames_of(duration));
    assert!(over.is_some_and(|over| over <= 160), "{} frames for {duration:?}", tape.frames.len());
}

fn frames_of(duration: Duration) -> u64 {
    duration.as_millis() as u64 * u64::from(SAMPLE_RATE) / 1_000
}

#[test]
fn left_is_the_agent_and_right_the_customer() {
    let arrivals = stream(AGENT, Side::Agent, 0..50, |_| ms(4));
    let (tape, timeline) = record(arrivals, ms(1_000));
    assert_length(&tape, ms(1_000));
    assert_eq!(tape.clicks(0), [112, 4_112]);
    assert!(tape.clicks(1).is_empty());
    assert!(
        matches!(timeline.gaps(), [Gap { from_ms: 0, to_ms: 1_000..=1_020, reason: GapReason::NoCustomerAudio }]),
        "{:?}",
        timeline.gaps()
    );
}

#[test]
fn a_quiet_network_gives_every_sample_where_it_was_spoken() {
    let (tape, timeline) = record(both(0..500, |_| ms(5)), ms(10_000));
    let expected: Vec<u64> = (0..20).map(|n| 120 + n * 4_000).collect();
    assert_eq!(tape.clicks(0), expected);
    assert_eq!(tape.clicks(1), expected);
    assert_length(&tape, ms(10_000));
    assert_eq!(timeline.gaps(), []);
}

#[test]
fn frames_leave_on_time_whether_packets_come_or_not() {
    let (mut timeline, mut tape) = (Timeline::new(), Tape::default());
    for tick in 0..100 {
        timeline.advance(ms(tick * 100), &mut tape);
        assert_eq!(timeline.frames(), frames_of(ms((tick * 100).saturating_sub(600))));
        assert_eq!(tape.frames.len() as u64, timeline.frames());
    }
}

#[test]
fn a_stalled_reader_loses_nothing() {
    // Nothing is read between 2 s and 7 s; then all of it at once, before time goes on.
    let arrivals = both(0..500, |n| {
        let sent = ms(u64::from(n) * 20 + 5);
        if (ms(2_000)..ms(7_000)).contains(&sent) { ms(7_000 - u64::from(n) * 20) } else { ms(5) }
    });
    let (mut timeline, mut tape) = (Timeline::new(), Tape::default());
    let (before, after): (Vec<_>, Vec<_>) = arrivals.into_iter().partition(|(at, _, _)| *at < ms(2_000));
    play(&mut timeline, &mut tape, before, Duration::ZERO, ms(2_000));
    play(&mut timeline, &mut tape, after, ms(7_000), ms(10_000));
    timeline.finish(ms(10_000), &mut tape);
    let expected: Vec<u64> = (0..20).map(|n| 120 + n * 4_000).collect();
    assert_eq!(tape.clicks(0), expected);
    assert_eq!(tape.clicks(1), expected);
}

#[test]
fn a_sender_that_pauses_goes_on_at_the_time_at_which_it_comes_back() {
    for timestamps_go_on in [true, false] {
        let mut arrivals = stream(AGENT, Side::Agent, 0..100, |_| ms(5));
        let timestamp = if timestamps_go_on { AGENT.timestamp.wrapping_add(3 * 8_000) } else { AGENT.timestamp };
        let later = Sender { timestamp, ..AGENT };
        arrivals.extend(stream(later, Side::Agent, 100..200, |_| ms(3_005)));
        let (tape, timeline) = record(arrivals, ms(7_000));
        let mut expected: Vec<u64> = (0..4).map(|n| 120 + n * 4_000).collect();
        expected.extend((4..8).map(|n| 120 + n * 4_000 + 24_000));
        assert_eq!(tape.clicks(0), expected, "timestamps go on: {timestamps_go_on}");
        let gap = Gap { from_ms: 2_005, to_ms: 5_005, reason: GapReason::NoAgentAudio };
        assert!(timeline.gaps().contains(&gap), "{:?}", timeline.gaps());
    }
}

#[test]
fn a_jump_of_the_timestamps_moves_nothing() {
    for jump in [0x8000_0000, 80_000, 0_u32.wrapping_sub(80_000), 0_u32.wrapping_sub(2_400), 2_400] {
        let mut arrivals = stream(AGENT, Side::Agent, 0..100, |_| ms(5));
        let later = Sender { timestamp: AGENT.timestamp.wrapping_add(jump), ..AGENT };
        arrivals.extend(stream(later, Side::Agent, 100..200, |_| ms(5)));
        let (tape, _) = record(arrivals, ms(4_000));
        let expected: Vec<u64> = (0..8).map(|n| 120 + n * 4_000).collect();
        assert_eq!(tape.clicks(0), expected, "jump {jump}");
    }
}

#[test]
fn a_new_ssrc_goes_on_without_a_hole() {
    let mut arrivals = stream(AGENT, Side::Agent, 0..100, |_| ms(5));
    let later = Sender { ssrc: 77, sequence: 3, timestamp: 12_345, fast: 0 };
    arrivals.extend(stream(later, Side::Agent, 100..200, |_| ms(5)));
    let (tape, timeline) = record(arrivals, ms(4_000));
    let expected: Vec<u64> = (0..8).map(|n| 120 + n * 4_000).collect();
    assert_eq!(tape.clicks(0), expected);
    assert_eq!(timeline.report(Side::Agent).restarts, 1);
}

#[test]
fn a_pause_is_silent_and_listed() {
    let (mut timeline, mut tape) = (Timeline::new(), Tape::default());
    play(&mut timeline, &mut tape, both(0..100, |_| ms(5)), Duration::ZERO, ms(2_000));
    timeline.pause(ms(2_000));
    assert!(timeline.is_paused());
    play(&mut timeline, &mut tape, both(100..200, |_| ms(5)), ms(2_000), ms(4_000));
    timeline.end_pause_at(ms(4_000));
    play(&mut timeline, &mut tape, both(200..300, |_| ms(5)), ms(4_000), ms(6_000));
    timeline.finish(ms(6_000), &mut tape);
    let expected: Vec<u64> = (0..12).filter(|n| !(4..8).contains(n)).map(|n| 120 + n * 4_000).collect();
    assert_eq!(tape.clicks(0), expected);
    assert_eq!(tape.clicks(1), expected);
    assert_length(&tape, ms(6_000));
    assert_eq!(timeline.gaps(), [Gap { from_ms: 2_000, to_ms: 4_000, reason: GapReason::Paused }]);
}

/// A process dies at 3 s and another goes on at 8 s with what is in the file.
fn die_and_resume(delay_after: Duration) -> (Tape, Timeline) {
    let (mut timeline, mut tape) = (Timeline::new(), Tape::default());
    play(&mut timeline, &mut tape, both(0..150, |_| ms(5)), Duration::ZERO, ms(3_000));
    let resume = Resume {
        frames: timeline.frames(),
        anchors: timeline.anchors(),
        gaps: timeline.gaps().to_vec(),
        paused_since: timeline.paused_since(),
    };
    drop(timeline);
    let mut timeline = Timeline::resume(resume, ms(8_000));
    play(&mut timeline, &mut tape, both(400..600, |_| delay_after), ms(8_000), ms(12_000));
    timeline.finish(ms(12_000), &mut tape);
    (tape, timeline)
}

#[test]
fn another_process_goes_on_with_silence_of_exactly_the_right_length() {
    let (tape, timeline) = die_and_resume(ms(5));
    assert_length(&tape, ms(12_000));
    assert_eq!(tape.clicks(0), tape.clicks(1));
    let expected: Vec<u64> = (0..24).filter(|n| !(5..16).contains(n)).map(|n| 120 + n * 4_000).collect();
    assert_eq!(tape.clicks(0), expected);
    assert_eq!(timeline.gaps(), [Gap { from_ms: 2_400, to_ms: 8_000, reason: GapReason::Outage }]);
    assert_eq!(tape.long_silences.len(), 1, "a long silence is a number: {:?}", tape.long_silences);
}

#[test]
fn the_anchor_of_the_dead_process_wins_over_the_arrival_of_slow_packets() {
    // All packets after the outage are 30 ms slower; where they belong is known from before.
    let (tape, _) = die_and_resume(ms(35));
    let first_after = tape.clicks(0).into_iter().find(|click| *click > 60_000);
    assert_eq!(first_after, Some(120 + 16 * 4_000));
}

#[test]
fn a_paused_recording_stays_paused_in_another_process() {
    let resume = Resume { frames: 8_000, paused_since: Some(8_000), ..Resume::default() };
    let mut tape = Tape::default();
    let mut timeline = Timeline::resume(resume, ms(2_000));
    play(&mut timeline, &mut tape, both(100..200, |_| ms(5)), ms(2_000), ms(4_000));
    timeline.finish(ms(4_000), &mut tape);
    assert!(tape.clicks(0).is_empty());
    let paused: Vec<_> = timeline.gaps().iter().filter(|gap| gap.reason == GapReason::Paused).collect();
    assert!(matches!(paused[..], [Gap { from_ms: 1_000, to_ms: 4_000..=4_020, .. }]), "{paused:?}");
}

#[test]
fn drifting_clocks_stay_aligned_for_an_hour() {
    let minutes = 60;
    let agent = Sender { fast: 100, ..AGENT };
    let customer = Sender { fast: -100, ..CUSTOMER };
    let count = minutes * 60 * 50;
    let mut arrivals = stream(agent, Side::Agent, 0..count, |_| ms(4));
    arrivals.extend(stream(customer, Side::Customer, 0..count, |_| ms(8)));
    let end = ms(u64::from(minutes) * 60_000);
    let (tape, _) = record(arrivals, end);
    assert_length(&tape, end);
    for (channel, sender) in [(0, agent), (1, customer)] {
        let clicks = tape.clicks(channel);
        // The last few of the slow one come after the end.
        assert!(clicks.len() + 2 >= count as usize / 25, "{}", clicks.len());
        for (n, click) in (0..).zip(clicks) {
            let spoken = position(sender.sent(n * 25)) as u64 + 80;
            assert!(click.abs_diff(spoken) <= ALIGNED, "click {n} of channel {channel}: {click}, spoken at {spoken}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Jitter, reordering and repetition: nothing is lost, and the sides are within 40 ms of each other and of the truth.
    /// (Of eight packets one is quick: a stream of which all are slow is a stream that was spoken later.)
    #[test]
    fn sides_stay_aligned_under_jitter(
        jitter in proptest::collection::vec(0_u64..=80, 997),
        repeats in proptest::collection::vec(proptest::bool::weighted(0.1), 991),
        starts in any::<(u16, u32, u16, u32)>(),
    ) {
        let pick = |n: u32, salt: usize| {
            let delay = jitter[(n as usize * 2 + salt) % jitter.len()];
            ms(4 + if n % 8 == 5 { delay / 4 } else { delay })
        };
        let agent = Sender { sequence: starts.0, timestamp: starts.1, ..AGENT };
        let customer = Sender { sequence: starts.2, timestamp: starts.3, ..CUSTOMER };
        let mut arrivals = stream(agent, Side::Agent, 0..500, |n| pick(n, 0));
        arrivals.extend(stream(customer, Side::Customer, 0..500, |n| pick(n, 331)));
        let copies: Vec<_> =
            arrivals.iter().zip(repeats.iter().cycle()).filter(|(_, repeat)| **repeat).map(|(a, _)| a.clone()).collect();
        arrivals.extend(copies);
        let (tape, timeline) = record(arrivals, ms(10_100));
        assert_length(&tape, ms(10_100));
        let (left, right) = (tape.clicks(0), tape.clicks(1));
        for (n, channel) in [&left, &right].into_iter().enumerate() {
            // The first click may lie before the beginning, if its packet was slow.
            let first = channel.len().saturating_sub(20);
            prop_assert!(channel.len() == 20 || channel.len() == 19, "{} clicks", channel.len());
            for (click, spoken) in channel[first..].iter().rev().zip((0..20_u64).rev().map(|n| n * 4_000 + 112)) {
                prop_assert!(click.abs_diff(spoken) <= ALIGNED, "channel {n}: {click} instead of {spoken}");
            }
        }
        for (left, right) in left.iter().rev().zip(right.iter().rev()) {
            prop_assert!(left.abs_diff(*right) <= ALIGNED, "{left} and {right}");
        }
        prop_assert_eq!(timeline.report(Side::Agent).lost + timeline.report(Side::Customer).lost, 0);
    }

    /// Whatever happens to the packets, the file is as long as the time, and nothing panics.
    #[test]
    fn length_is_time_whatever_comes(
        fate in proptest::collection::vec((0_u8..10, 0_u64..3_000, any::<u32>(), any::<u16>()), 400),
        end in 1_000_u64..12_000,
    ) {
        let mut arrivals = Vec::new();
        let mut sender = AGENT;
        for (n, &(kind, delay, timestamp, sequence)) in (0..).zip(&fate) {
            match kind {
                0 => continue,
                1 => sender = Sender { timestamp, ..sender },
                2 if delay < 300 => sender = Sender { sequence, ..sender },
                3 if delay < 100 => sender = Sender { ssrc: timestamp, ..sender },
                4 => arrivals.push((ms(u64::from(n) * 20), Side::Agent, sender.packet(n))),
                5 => arrivals.push((ms(u64::from(n) * 20), Side::Agent, delay.to_le_bytes().to_vec())),
                _ => {}
            }
            let delay = if kind > 7 { delay } else { delay / 50 };
            arrivals.push((ms(u64::from(n) * 20 + delay), Side::Agent, sender.packet(n)));
            arrivals.push((ms(u64::from(n) * 20 + delay / 2), Side::Customer, sender.packet(n)));
        }
        let (tape, timeline) = record(arrivals, ms(end));
        assert_length(&tape, ms(end));
        prop_assert_eq!(tape.frames.len() as u64, timeline.frames());
    }

    /// A process that dies at any time and one that goes on at any later time make one file as long as the time.
    #[test]
    fn length_is_time_across_processes(died in 600_u64..4_000, away in 0_u64..100_000) {
        let (mut timeline, mut tape) = (Timeline::new(), Tape::default());
        let packets = (died / 20) as u32;
        play(&mut timeline, &mut tape, both(0..packets, |_| ms(5)), Duration::ZERO, ms(died));
        let resume = Resume { frames: timeline.frames(), anchors: timeline.anchors(), ..Resume::default() };
        let back = died + away;
        let mut timeline = Timeline::resume(resume, ms(back));
        let first = (back / 20 + 1) as u32;
        play(&mut timeline, &mut tape, both(first..first + 100, |_| ms(5)), ms(back), ms(back + 2_000));
        timeline.finish(ms(back + 2_000), &mut tape);
        assert_length(&tape, ms(back + 2_000));
        prop_assert_eq!(tape.clicks(0), tape.clicks(1));
        for click in tape.clicks(0) {
            prop_assert_eq!(click % 4_000, 120);
        }
    }
}
