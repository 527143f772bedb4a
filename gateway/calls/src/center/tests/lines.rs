//! Calls that come and go by tenants' own trunks.

use std::sync::Arc;

use trunkline_db::{TenantId, TrunkId};

use super::world::{FOREIGN_NUMBER, NUMBER, OUTSIDE, World};
use crate::DialRefusal;
use crate::center::{DialProgress, HangupWhy, Request, TransferKind, TransferTo};
use crate::directory::{Number, Target};
use crate::lines::{Kind, Line, TrunkSettings};
use crate::model::{Direction, EndReason};

/// Gives a tenant a trunk; gives its endpoint's name.
fn connect(world: &mut World, tenant: TenantId, priority: i32, change: impl FnOnce(&mut TrunkSettings)) -> String {
    let mut settings = TrunkSettings::new(Kind::Address, "192.0.2.1");
    settings.country = Some("IT".parse().expect("Italy"));
    change(&mut settings);
    let name = format!("Trunk {priority}");
    let line = Line { id: TrunkId::new(), tenant, name, priority, settings, password: None };
    let endpoint = line.endpoint();
    world.change_directory(|directory| {
        directory.lines.insert(endpoint.clone(), Arc::new(line));
    });
    endpoint
}

fn neighbour(world: &World) -> TenantId {
    world.directory.numbers[FOREIGN_NUMBER].tenant
}

fn dialled(world: &World) -> Vec<(String, Option<String>)> {
    let legs = world.requests.iter().filter_map(|request| match request {
        Request::CreateTrunkLeg { endpoint, caller_id, .. } => Some((endpoint.clone(), caller_id.clone())),
        _ => None,
    });
    legs.collect()
}

#[test]
fn a_trunk_reaches_the_numbers_of_its_own_tenant_alone() {
    let mut world = World::with_agents(1);
    let theirs = neighbour(&world);
    let theirs = connect(&mut world, theirs, 0, |_| ());
    let own = world.tenant;
    let own = connect(&mut world, own, 0, |settings| settings.host = "198.51.100.1".to_owned());
    let stranger = world.customer_comes(&format!("{theirs},{NUMBER},,192.0.2.1:5060,allowed"));
    assert!(world.ringing_legs().is_empty());
    assert!(world.requests.contains(&Request::Hangup { channel: stranger, why: HangupWhy::Unallocated }));
    let customer = world.customer_comes(&format!("{own},{NUMBER},,198.51.100.1:5060,allowed"));
    assert_eq!(world.ringing_legs().len(), 1);
    world.hang_up(&customer, 16);
    assert!(world.notes_of("call.started")[0]["trunk_id"].is_string());
    assert!(world.nothing_is_left(), "{}", world.left_overs());
}

#[test]
fn two_tenants_with_one_carrier_are_told_apart_by_the_number() {
    let mut world = World::with_agents(1);
    let (theirs, own) = (neighbour(&world), world.tenant);
    let theirs = connect(&mut world, theirs, 0, |_| ());
    connect(&mut world, own, 0, |settings| settings.sources = vec!["192.0.2.0/24".to_owned()]);
    // Asterisk took it for the neighbour's trunk, which has the same address.
    world.customer_comes(&format!("{theirs},{NUMBER},,192.0.2.1:5060,allowed"));
    assert_eq!(world.ringing_legs().len(), 1);
    // From where we have no trunk it is not ours.
    world.customer_comes(&format!("{theirs},{NUMBER},,203.0.113.9:5060,allowed"));
    assert_eq!(world.database.calls.len(), 1);
}

#[test]
fn a_trunk_that_is_gone_reaches_nobody() {
    let mut world = World::with_agents(1);
    let own = world.tenant;
    let own = connect(&mut world, own, 0, |_| ());
    world.change_directory(|directory| directory.lines.clear());
    world.customer_comes(&format!("{own},{NUMBER},,192.0.2.1:5060,allowed"));
    assert!(world.database.calls.is_empty());
}

#[test]
fn numbers_are_read_as_the_carrier_writes_them_and_in_to_where_it_puts_them_there() {
    let mut world = World::with_agents(1);
    let tenant = world.tenant;
    let own = connect(&mut world, tenant, 0, |_| ());
    world.change_directory(|directory| {
        let number = Number::leading_to(tenant, Target::HangUp);
        directory.numbers.insert("+390644121234".to_owned(), number);
    });
    for (called, to) in [("0644121234", ""), ("00390644121234", ""), ("5550001", "0644121234"), ("390644121234", "x")] {
        world.caller = "3331234567".to_owned();
        world.customer_comes(&format!("{own},{called},{to},192.0.2.1:5060,allowed"));
        let row = world.the_call();
        assert_eq!((row.to_number.as_str(), row.from_number.as_str()), ("+390644121234", "+393331234567"), "{called}");
        world.speeches_end();
    }
    for (says, presentation) in [("", "allowed"), ("anonymous", "unavailable"), ("3331234567", "prohib_passed_screen")]
    {
        world.caller = says.to_owned();
        world.customer_comes(&format!("{own},0644121234,,192.0.2.1:5060,{presentation}"));
        assert_eq!(world.the_call().from_number, "anonymous");
        world.speeches_end();
    }
    assert_eq!(world.database.calls.len(), 7);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
}

#[test]
fn a_trunk_takes_as_many_calls_as_it_may_also_after_a_restart_of_the_gateway() {
    let mut world = World::with_agents(1);
    let tenant = world.tenant;
    let own = connect(&mut world, tenant, 0, |settings| settings.max_channels = Some(2));
    let args = format!("{own},{NUMBER},,192.0.2.1:5060,allowed");
    let first = world.customer_comes(&args);
    world.customer_comes(&args);
    let now = world.now;
    world.gateway_is_killed();
    world.connection_comes_back(now, "gateway_restart");
    let third = world.customer_comes(&args);
    assert!(world.requests.contains(&Request::Hangup { channel: third, why: HangupWhy::Congestion }));
    assert_eq!(world.full.len(), 1);
    assert_eq!(world.the_call().end_reason, Some(EndReason::Busy));
    world.clicks(0, OUTSIDE);
    assert_eq!(world.dialled.last(), Some(&Err(DialRefusal::NoTrunk)), "nor does one go out");
    world.hang_up(&first, 16);
    world.customer_comes(&args);
    assert_eq!(world.full.len(), 1, "one is gone, one more may come");
}

#[test]
fn own_trunks_take_the_place_of_the_configurations_in_their_order() {
    let mut world = World::with_agents(1);
    let tenant = world.tenant;
    let second = connect(&mut world, tenant, 2, |_| ());
    let first = connect(&mut world, tenant, 1, |settings| {
        settings.dial_format = crate::lines::DialFormat::National;
        settings.shown = crate::lines::Shown::Number { number: "+390644120000".to_owned() };
    });
    let only_in = connect(&mut world, tenant, 0, |settings| settings.outbound = false);
    let call = world.clicks(0, OUTSIDE);
    let phone = world.ringing_legs().pop().expect("the agent's own phone");
    world.answer(&phone);
    assert_eq!(dialled(&world), [(format!("PJSIP/0644121234@{first}"), Some("0644120000".to_owned()))]);
    // It is out of order.
    let leg = world.dialled_legs().pop().expect("dialled");
    world.hang_up(&leg, 38);
    assert_eq!(dialled(&world)[1].0, format!("PJSIP/+390644121234@{second}"));
    assert!(!dialled(&world).iter().any(|(endpoint, _)| endpoint.contains(&only_in)));
    let leg = world.dialled_legs().pop().expect("dialled again");
    world.gets_on(&leg, DialProgress::Ringing);
    world.gets_on(&leg, DialProgress::Answered);
    assert_eq!(world.talking().len(), 1);
    world.hang_up(&leg, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    let (_, row) = &world.database.calls[&call];
    assert_eq!((row.direction, row.end_reason), (Direction::Outbound, Some(EndReason::CompletedCustomer)));
    assert_eq!(world.notes_of("call.dialled").len(), 2);
}

#[test]
fn a_trunk_of_which_no_channel_can_be_made_gives_way_and_the_last_one_ends_the_call() {
    let mut world = World::with_agents(1);
    let tenant = world.tenant;
    let first = connect(&mut world, tenant, 1, |_| ());
    let second = connect(&mut world, tenant, 2, |_| ());
    world.unusable = vec![first, second.clone()];
    world.clicks(0, OUTSIDE);
    let phone = world.ringing_legs().pop().expect("the agent's own phone");
    world.answer(&phone);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert_eq!(world.the_call().end_reason, Some(EndReason::Failed));
    world.unusable.pop();
    world.clicks(0, OUTSIDE);
    let phone = world.ringing_legs().pop().expect("the agent's own phone");
    world.answer(&phone);
    assert_eq!(dialled(&world).last().expect("dialled").0, format!("PJSIP/+390644121234@{second}"));
}

#[test]
fn who_was_called_and_does_not_want_it_is_not_called_by_another_trunk() {
    for (progress, cause) in [(Some(DialProgress::Ringing), 38), (None, 17), (None, 21), (None, 1)] {
        let mut world = World::with_agents(1);
        let tenant = world.tenant;
        connect(&mut world, tenant, 1, |_| ());
        connect(&mut world, tenant, 2, |_| ());
        world.clicks(0, OUTSIDE);
        let phone = world.ringing_legs().pop().expect("the agent's own phone");
        world.answer(&phone);
        let leg = world.dialled_legs().pop().expect("dialled");
        if let Some(progress) = progress {
            world.gets_on(&leg, progress);
        }
        world.hang_up(&leg, cause);
        assert_eq!(dialled(&world).len(), 1, "{progress:?} {cause}");
        assert!(world.nothing_is_left(), "{}", world.left_overs());
    }
}

#[test]
fn a_call_that_is_handed_outside_takes_the_next_trunk_too() {
    let mut world = World::with_agents(1);
    let tenant = world.tenant;
    connect(&mut world, tenant, 1, |_| ());
    let second = connect(&mut world, tenant, 2, |_| ());
    let customer = world.customer_calls();
    let leg = world.ringing_legs().pop().expect("rings");
    world.answer(&leg);
    let done = world.hands_on(0, TransferKind::Blind, TransferTo::Number(OUTSIDE.to_owned()));
    assert_eq!(done, Ok(()));
    let outside = world.dialled_legs().pop().expect("dialled");
    world.hang_up(&outside, 34);
    assert_eq!(dialled(&world)[1].0, format!("PJSIP/+390644121234@{second}"));
    let outside = world.dialled_legs().pop().expect("dialled again");
    world.gets_on(&outside, DialProgress::Answered);
    assert_eq!(world.talking().len(), 1);
    world.hang_up(&customer, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
}
