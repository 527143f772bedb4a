//! Streams that are reordered, repeated, thinned, wrapped, restarted.

use std::time::Duration;

use proptest::prelude::*;
use rtp_rs::RtpPacketBuilder;

use super::*;

const PATIENCE: Duration = Duration::from_millis(250);

/// What came out: (epoch, unwrapped timestamp, first octet).
#[derive(Debug, Default)]
struct Out(Vec<(u32, i64, u8)>);

impl Out {
    fn tags(&self) -> Vec<u8> {
        self.0.iter().map(|(_, _, tag)| *tag).collect()
    }
}

fn datagram(ssrc: u32, sequence: u16, timestamp: u32, tag: u8) -> Vec<u8> {
    RtpPacketBuilder::new()
        .payload_type(0)
        .ssrc(ssrc)
        .sequence(sequence.into())
        .timestamp(timestamp)
        .payload(&[tag; 160])
        .build()
        .expect("sound packet")
}

/// The nth packet of a stream of 20 ms packets that begins shortly before both counters wrap.
fn nth(n: u32) -> Vec<u8> {
    datagram(7, 65_530_u16.wrapping_add(n as u16), 0xffff_fe00_u32.wrapping_add(n * 160), n as u8)
}

fn at(n: u32) -> Duration {
    Duration::from_millis(u64::from(n) * 20)
}

fn run(receiver: &mut Receiver, packets: &[(Duration, Vec<u8>)]) -> Out {
    let mut out = Out::default();
    for (arrival, octets) in packets {
        receiver.poll(*arrival, |block| out.0.push((block.epoch, block.timestamp, block.payload[0])));
        receiver.receive(*arrival, octets, |block| out.0.push((block.epoch, block.timestamp, block.payload[0])));
    }
    receiver.flush(|block| out.0.push((block.epoch, block.timestamp, block.payload[0])));
    out
}

#[test]
fn numbers_and_timestamps_may_wrap() {
    let mut receiver = Receiver::new(PATIENCE);
    let packets: Vec<_> = (0..20).map(|n| (at(n), nth(n))).collect();
    let out = run(&mut receiver, &packets);
    assert_eq!(out.tags(), (0..20).collect::<Vec<u8>>());
    for (n, (epoch, timestamp, _)) in out.0.iter().enumerate() {
        assert_eq!((*epoch, *timestamp), (0, 0xffff_fe00 + n as i64 * 160));
    }
    let report = receiver.report();
    assert_eq!((report.packets, report.lost, report.reordered, report.restarts), (20, 0, 0, 0));
}

#[test]
fn packets_out_of_order_are_put_in_order() {
    let mut receiver = Receiver::new(PATIENCE);
    let order = [1_u32, 0, 2, 5, 4, 3, 6, 20, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19];
    let packets: Vec<_> = order.iter().map(|&n| (Duration::from_millis(5), nth(n))).collect();
    let out = run(&mut receiver, &packets);
    assert_eq!(out.tags(), (0..=20).collect::<Vec<u8>>());
    let report = receiver.report();
    assert_eq!((report.lost, report.late), (0, 0));
    assert!(report.reordered >= 3, "{report:?}");
}

#[test]
fn a_lost_packet_is_waited_for_and_then_given_up() {
    let mut receiver = Receiver::new(PATIENCE);
    let mut tags = Vec::new();
    for n in [0, 1, 2, 3, 5, 6] {
        receiver.receive(at(n), &nth(n), |block| tags.push(block.payload[0]));
    }
    receiver.poll(at(5) + Duration::from_millis(249), |block| tags.push(block.payload[0]));
    assert_eq!(tags, [0, 1, 2, 3]);
    receiver.poll(at(5) + PATIENCE, |block| tags.push(block.payload[0]));
    assert_eq!(tags, [0, 1, 2, 3, 5, 6]);
    assert_eq!(receiver.report().lost, 1);
    // And when it comes after all, it is late, once, then a duplicate.
    receiver.receive(at(20), &nth(4), |_| panic!("its turn is over"));
    receiver.receive(at(20), &nth(4), |_| panic!("its turn is over"));
    assert_eq!((receiver.report().late, receiver.report().duplicate), (1, 1));
}

#[test]
fn repeated_packets_count_once() {
    let mut receiver = Receiver::new(PATIENCE);
    let packets: Vec<_> = (0..50).flat_map(|n| [(at(n), nth(n)), (at(n), nth(n))]).collect();
    assert_eq!(run(&mut receiver, &packets).tags(), (0..50).collect::<Vec<u8>>());
    let report = receiver.report();
    assert_eq!((report.packets, report.duplicate, report.lost, report.reordered), (100, 50, 0, 0));
}

#[test]
fn another_ssrc_begins_a_new_epoch_and_loses_nothing() {
    let mut receiver = Receiver::new(PATIENCE);
    let mut packets: Vec<_> = (0..10).map(|n| (at(n), nth(n))).collect();
    packets.extend((10..20).map(|n| (at(n), datagram(99, 400 + n as u16, 5_000 + n * 160, n as u8))));
    let out = run(&mut receiver, &packets);
    assert_eq!(out.tags(), (0..20).collect::<Vec<u8>>());
    assert_eq!(out.0[9].0, 0);
    assert_eq!((out.0[10].0, out.0[10].1), (1, 6_600));
    assert_eq!((receiver.report().restarts, receiver.report().lost), (1, 0));
}

#[test]
fn a_replaced_sender_may_look_like_the_old_one() {
    let mut receiver = Receiver::new(PATIENCE);
    let mut out = Vec::new();
    for n in 0..10 {
        receiver.receive(at(n), &nth(n), |block| out.push((block.epoch, block.payload[0])));
    }
    receiver.restart(|block| out.push((block.epoch, block.payload[0])));
    for n in 0..10 {
        receiver.receive(at(10 + n), &nth(n), |block| out.push((block.epoch, block.payload[0])));
    }
    receiver.flush(|block| out.push((block.epoch, block.payload[0])));
    assert_eq!(out, [0, 1].into_iter().flat_map(|epoch| (0..10).map(move |n| (epoch, n))).collect::<Vec<_>>());
    assert_eq!((receiver.report().restarts, receiver.report().duplicate), (1, 0));
}

#[test]
fn a_stray_packet_of_another_stream_does_not_take_over() {
    let mut receiver = Receiver::new(PATIENCE);
    let mut packets = Vec::new();
    for n in 0..30 {
        packets.push((at(n), nth(n)));
        packets.push((at(n), datagram(99, n as u16, 0, 200)));
    }
    assert_eq!(run(&mut receiver, &packets).tags(), (0..30).collect::<Vec<u8>>());
    assert_eq!((receiver.report().restarts, receiver.report().stray), (0, 30));
}

#[test]
fn a_jump_of_the_sequence_numbers_is_believed_at_the_second_packet() {
    let mut receiver = Receiver::new(PATIENCE);
    let mut packets: Vec<_> = (0..10).map(|n| (at(n), datagram(7, n as u16, n * 160, n as u8))).collect();
    packets.extend((10..20).map(|n| (at(n), datagram(7, 30_000 + n as u16, n * 160, n as u8))));
    let out = run(&mut receiver, &packets);
    assert_eq!(out.tags(), (0..20).collect::<Vec<u8>>());
    assert_eq!((receiver.report().restarts, receiver.report().lost), (1, 0));
}

#[test]
fn a_long_drop_out_is_counted_and_passed_over() {
    let mut receiver = Receiver::new(PATIENCE);
    let mut packets: Vec<_> = (0..10).map(|n| (at(n), nth(n))).collect();
    packets.extend((1_010..1_020).map(|n| (at(n), nth(n))));
    let out = run(&mut receiver, &packets);
    assert_eq!(out.0.len(), 20);
    assert_eq!(out.0[10].1 - out.0[9].1, 1_001 * 160);
    assert_eq!((receiver.report().lost, receiver.report().restarts), (1_000, 0));
}

#[test]
fn other_payloads_keep_their_place_in_the_row() {
    let mut receiver = Receiver::new(PATIENCE);
    let mut kinds = Vec::new();
    for n in 0..6_u16 {
        let octets = RtpPacketBuilder::new()
            .payload_type(if n == 3 { 101 } else { 8 })
            .sequence(n.into())
            .timestamp(u32::from(n) * 160)
            .payload(&[0xd5; 160])
            .build()
            .expect("sound packet");
        receiver.receive(at(u32::from(n)), &octets, |block| kinds.push(block.codec));
    }
    receiver.flush(|block| kinds.push(block.codec));
    let alaw = Some(Codec::Pcma);
    assert_eq!(kinds, [alaw, alaw, alaw, None, alaw, alaw]);
    assert_eq!((receiver.report().other_payload, receiver.report().lost), (1, 0));
}

#[test]
fn what_is_not_rtp_is_counted_and_harmless() {
    let mut receiver = Receiver::new(PATIENCE);
    receiver.receive(at(0), b"\x00\x01not rtp at all", |_| panic!("no block"));
    receiver.receive(at(0), &[0x80, 200, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0], |_| panic!("RTCP is no block"));
    assert_eq!((receiver.report().malformed, receiver.report().packets), (1, 0));
}

proptest! {
    /// Any order within the window: everything comes out once and in order.
    #[test]
    fn jitter_shorter_than_the_patience_loses_nothing(
        first in any::<u16>(),
        start in any::<u32>(),
        delays in proptest::collection::vec(0_u64..=200, 1..300),
        repeats in proptest::collection::vec(any::<bool>(), 300),
    ) {
        // The very first packet waits only 60 ms for ones that it overtook.
        let mut packets: Vec<_> = delays
            .iter()
            .enumerate()
            .map(|(n, &delay)| {
                let delay = if n == 0 { 0 } else { delay };
                let octets = datagram(1, first.wrapping_add(n as u16), start.wrapping_add(n as u32 * 160), n as u8);
                (Duration::from_millis(n as u64 * 20 + delay), octets)
            })
            .collect();
        let copies: Vec<_> =
            packets.iter().zip(&repeats).filter(|(_, repeat)| **repeat).map(|(packet, _)| packet.clone()).collect();
        packets.extend(copies.iter().cloned());
        packets.sort_by_key(|(arrival, _)| *arrival);
        let mut receiver = Receiver::new(PATIENCE);
        let out = run(&mut receiver, &packets);
        prop_assert_eq!(out.tags(), (0..delays.len()).map(|n| n as u8).collect::<Vec<_>>());
        prop_assert!(out.0.windows(2).all(|pair| pair[1].1 - pair[0].1 == 160));
        let report = receiver.report();
        prop_assert_eq!((report.lost, report.late, report.restarts), (0, 0, 0));
        prop_assert_eq!(report.duplicate, copies.len() as u64);
    }

    /// Whatever is lost, repeated and delayed: timestamps of one epoch only grow, and the books balance.
    #[test]
    fn every_packet_is_accounted_for(
        packets in proptest::collection::vec((0_u32..600, 0_u64..2_000), 1..400),
    ) {
        let mut packets: Vec<_> =
            packets.iter().map(|&(n, delay)| (at(n) + Duration::from_millis(delay), nth(n))).collect();
        packets.sort_by_key(|(arrival, _)| *arrival);
        let mut receiver = Receiver::new(PATIENCE);
        let out = run(&mut receiver, &packets);
        prop_assert!(out.0.windows(2).all(|pair| pair[1].0 > pair[0].0 || pair[1].1 > pair[0].1));
        let report = receiver.report();
        prop_assert_eq!(report.packets, packets.len() as u64);
        prop_assert_eq!(report.packets, out.0.len() as u64 + report.late + report.duplicate + report.stray);
    }

    /// Random datagrams among a stream's never make it panic.
    #[test]
    fn noise_never_panics(
        noise in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..64)), 0..200),
    ) {
        let mut receiver = Receiver::new(PATIENCE);
        for (n, (rtp_like, mut octets)) in noise.into_iter().enumerate() {
            if rtp_like && octets.len() >= 2 {
                octets[0] = 0x80;
                octets[1] = 0;
            }
            receiver.receive(at(n as u32), &octets, |_| {});
            receiver.receive(at(n as u32), &nth(n as u32), |_| {});
            receiver.poll(at(n as u32), |_| {});
        }
        receiver.flush(|_| {});
    }
}
