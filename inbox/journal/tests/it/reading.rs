//! The log by pages, and positions from which one cannot go on.

use trunkline_db::{AgentId, CallId, DbError, EventId, TenantId};
use trunkline_journal::{Filter, Frame, Kind, NewEvent, ReadError, Ref, Reset, Scope, Seq, Start, Viewer};
use uuid::Uuid;

use crate::support::{World, event, number, scoped};

fn reset(error: ReadError) -> Reset {
    match error {
        ReadError::Reset(reset) => reset,
        ReadError::Db(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_double() {
    let world = World::new().await;
    world.append(0, 1_234).await;
    let mut after = Seq(0);
    let mut numbers = Vec::new();
    let mut pages = 0;
    loop {
        let page = world.journal().read(world.tenant, after, 100, &Filter::all()).await.unwrap();
        assert_eq!((page.as_of_seq, page.oldest, page.epoch), (Seq(1_234), Seq(1), world.journal().epoch()));
        numbers.extend(page.items.iter().map(number));
        after = page.next_after;
        pages += 1;
        if after == page.as_of_seq {
            break;
        }
    }
    assert_eq!((numbers, pages), ((0..1_234).collect(), 13));
    let last = world.journal().read(world.tenant, after, 100, &Filter::all()).await.unwrap();
    assert!(last.items.is_empty() && last.next_after == Seq(1_234));
    // No more than a thousand, whatever is asked for; without a position from the oldest on.
    let page = world.journal().read(world.tenant, Start::live(), 5_000, &Filter::all()).await.unwrap();
    assert_eq!((page.items.len(), page.next_after), (1_000, Seq(1_000)));
}

#[tokio::test]
async fn a_page_of_a_reader_who_sees_little_moves_on_all_the_same() {
    let world = World::new().await;
    let mine = AgentId::new();
    for n in 0..12 {
        let who = if n % 4 == 0 { mine } else { AgentId::new() };
        let events = (0..100).map(|i| scoped(n * 100 + i, Scope::Agent(if i == 50 { who } else { AgentId::new() })));
        world.journal().append(world.tenant, events.collect()).await.unwrap();
    }
    let asked = Filter::of(Viewer::member([Scope::Agent(mine)]));
    let page = world.journal().read(world.tenant, Seq(0), 2, &asked).await.unwrap();
    assert_eq!(page.items.iter().map(number).collect::<Vec<_>>(), [50, 450]);
    assert!(page.next_after >= Seq(451) && page.next_after < page.as_of_seq);
    let rest = world.journal().read(world.tenant, page.next_after, 2, &asked).await.unwrap();
    assert_eq!(rest.items.iter().map(number).collect::<Vec<_>>(), [850]);
    assert_eq!(rest.next_after, Seq(1_200));
}

#[tokio::test]
async fn a_calls_story_is_found_whatever_happened_meanwhile_and_across_months() {
    let world = World::new().await;
    let (call, recording) = (CallId::new(), Uuid::now_v7());
    let about = async |kind: Kind, subject: Ref, n: usize| {
        let event = NewEvent::new(kind, subject, serde_json::json!({ "n": n }));
        world.journal().append(world.tenant, vec![event]).await.unwrap();
    };
    world.append(100, 50).await;
    about(Kind::from_static("call.started"), Ref::call(call), 0).await;
    // More than two steps of looking, and a month's end between.
    world.append(1_000, 6_500).await;
    let mut owner = world.database.owner().await;
    sqlx::query("UPDATE journal_heads SET recorded_at = '2031-02-01T00:00:00Z' WHERE tenant_id = $1")
        .bind(world.tenant)
        .execute(&mut owner)
        .await
        .unwrap();
    about(Kind::from_static("call.ended"), Ref::call(call), 1).await;
    world.append(8_000, 10).await;
    about(Kind::from_static("recording.ready"), Ref::new("recording", recording), 2).await;
    about(Kind::from_static("call.ended"), Ref::call(CallId::new()), 3).await;

    let story = async |tenant, call, is_whole: fn(&[Frame]) -> bool| {
        let subjects = [call, recording].map(Uuid::from);
        let about =
            world.journal().call_story(tenant, CallId(call), &subjects, &Filter::all(), is_whole).await.unwrap();
        about.items.iter().map(number).collect::<Vec<_>>()
    };
    assert_eq!(story(world.tenant, call.uuid(), |_| false).await, [0, 1, 2]);
    // Once it is whole, nothing further is read: what the same step brought is shown all the same.
    let early = story(world.tenant, call.uuid(), |frames| frames.len() == 1).await;
    assert_eq!(early, [0]);
    assert_eq!(story(world.tenant, Uuid::now_v7(), |_| false).await, Vec::<usize>::new());
    let stranger = crate::support::make_tenant(&world.node.db).await;
    assert_eq!(story(stranger, call.uuid(), |_| false).await, Vec::<usize>::new());
}

#[tokio::test]
async fn events_of_several_months_are_one_sequence() {
    let world = World::new().await;
    let mut owner = world.database.owner().await;
    for (n, time) in ["2031-01-31T23:59:59Z", "2031-02-01T00:00:00Z", "2031-05-31T12:00:00Z"].into_iter().enumerate() {
        sqlx::query("UPDATE journal_heads SET recorded_at = $2::timestamptz WHERE tenant_id = $1")
            .bind(world.tenant)
            .bind(time)
            .execute(&mut owner)
            .await
            .unwrap();
        world.append(n * 10, 10).await;
    }
    for after in [0, 5, 9, 10, 15, 20, 25, 30] {
        let page = world.journal().read(world.tenant, Seq(after), 100, &Filter::all()).await.unwrap();
        assert_eq!(page.items.iter().map(number).collect::<Vec<_>>(), (after as usize..30).collect::<Vec<_>>());
        let mut reader = world.subscribe(Start::after(Seq(after)), Filter::all()).await;
        assert_eq!(reader.until_caught_up().await, Seq(30));
        assert_eq!(reader.numbers(), (after as usize..30).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_position_that_means_nothing_here_is_a_reset_over_every_way() {
    let world = World::new().await;
    world.append(0, 20).await;
    let page = world.journal().read(world.tenant, Seq(0), 20, &Filter::all()).await.unwrap();
    let epoch = world.journal().epoch();
    let tenth = page.items[9].id();
    let start =
        |after: i64, epoch: Option<Uuid>, after_id: Option<EventId>| Start { after: Some(Seq(after)), epoch, after_id };
    sqlx::query("UPDATE journal_heads SET oldest = 5").execute(&mut world.database.owner().await).await.unwrap();
    for (start, expected) in [
        (start(10, None, None), None),
        (start(10, Some(epoch), Some(tenth)), None),
        (start(20, Some(epoch), None), None),
        (start(4, None, None), None),
        (start(10, Some(Uuid::now_v7()), None), Some(Reset::Epoch)),
        (Start { epoch: Some(Uuid::now_v7()), ..Start::live() }, Some(Reset::Epoch)),
        (start(21, None, None), Some(Reset::Ahead)),
        (start(i64::MAX - 1, None, None), Some(Reset::Ahead)),
        (start(3, None, None), Some(Reset::Truncated)),
        (start(0, None, None), Some(Reset::Truncated)),
        (start(-1, None, None), Some(Reset::Truncated)),
        (start(10, Some(epoch), Some(EventId::new())), Some(Reset::Diverged)),
        (start(11, None, Some(tenth)), Some(Reset::Diverged)),
    ] {
        let read = world.journal().read(world.tenant, start, 10, &Filter::all()).await;
        assert_eq!(read.err().map(reset), expected, "reading from {start:?}");
        let subscribed = world.journal().hub().subscribe(world.tenant, start, Filter::all()).await;
        assert_eq!(subscribed.err().map(reset), expected, "listening from {start:?}");
    }
}

#[tokio::test]
async fn a_tenant_that_does_not_exist_cannot_be_read() {
    let world = World::new().await;
    let stranger = TenantId::new();
    let read = world.journal().read(stranger, Seq(0), 10, &Filter::all()).await.unwrap_err();
    assert!(matches!(read, ReadError::Db(DbError::NoSuchTenant)));
    let joined = world.journal().hub().join(stranger).await.unwrap_err();
    assert!(matches!(joined, DbError::NoSuchTenant));
    assert_eq!(world.journal().hub().stats().tenants, 0);
}

#[tokio::test]
async fn hello_says_where_the_journal_stands() {
    let world = World::new().await;
    world.append(0, 7).await;
    let seat = world.journal().hub().join(world.tenant).await.unwrap();
    let standing = seat.standing();
    assert_eq!((standing.epoch, standing.head, standing.oldest), (world.journal().epoch(), Seq(7), Seq(1)));
    // What happens between hello and subscribe is not lost.
    world.journal().append(world.tenant, vec![event(7)]).await.unwrap();
    let start = Start { after: Some(standing.head), epoch: Some(standing.epoch), after_id: None };
    let mut reader = crate::support::Reader::new(seat.subscribe(start, Filter::all()).await.unwrap(), start);
    reader.until(8).await;
    assert_eq!(reader.numbers(), [7]);
}
