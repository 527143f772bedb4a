//! Somebody is met, and met again.

use trunkline_channels::model::{Card, Identity};
use trunkline_db::TenantTx;
use trunkline_people::{By, MergeError, Resolved, Seen, merge, moved, opt_out, resolve, shared_card};

use crate::support::{World, evidence, kinds, make_tenant, minute, seen};

fn whatsapp(id: &str) -> Identity {
    Identity::WhatsappId(id.to_owned())
}

fn phone(number: &str) -> Identity {
    Identity::Phone(number.to_owned())
}

/// A provider's word that one number is another's now.
async fn tell_move(tx: &mut TenantTx<'_>) -> Resolved {
    let (old, new) = (whatsapp("393331111111"), whatsapp("393332222222"));
    moved(tx, &old, &new, "Anna changed", &evidence("whatsapp"), minute(1)).await.unwrap()
}

#[tokio::test]
async fn who_is_told_twice_is_one_and_nothing_happens_the_second_time() {
    let world = World::new().await;
    let told = seen(vec![whatsapp("393331234567"), Identity::Username("anna".to_owned())], Some("Anna"));
    let first = world.meet(told.clone()).await;
    assert!(first.new);
    assert_eq!(first.name, "Anna");
    assert_eq!(kinds(&first), ["contact.created"]);
    let again = world.meet(told).await;
    assert_eq!((again.contact, again.new, kinds(&again).len()), (first.contact, false, 0));
    assert_eq!(world.count("contact_identities").await, 3);
}

#[tokio::test]
async fn a_caller_who_writes_is_recognised_by_the_number() {
    let world = World::new().await;
    let mut call = seen(vec![phone("(31) 99688-3193")], None);
    call.country = Some("BR".to_owned());
    let caller = world.meet(call).await;
    assert_eq!(caller.name, "+5531996883193", "the number is the name of who has none");
    // WhatsApp's id has not the ninth digit.
    let writer = world.meet(seen(vec![whatsapp("553196883193")], Some("Bia"))).await;
    assert_eq!((writer.contact, writer.new), (caller.contact, false));
    assert_eq!(writer.name, "Bia");
    assert_eq!(kinds(&writer), ["contact.updated"]);
    let changed = &writer.events[0].data["changed"];
    assert_eq!(changed, &serde_json::json!(["identities", "name"]));
}

#[tokio::test]
async fn strangers_that_are_met_at_once_are_one() {
    let world = World::new().await;
    let told = |n: usize| {
        let (wa, number) = (whatsapp("393331234567"), phone("+393331234567"));
        seen(if n.is_multiple_of(2) { vec![wa, number] } else { vec![number, wa] }, Some("Anna"))
    };
    let meeting: Vec<_> = (0..8)
        .map(|n| {
            let (db, tenant, told) = (world.db.clone(), world.tenant, told(n));
            tokio::spawn(async move {
                let mut tx = db.tenant(tenant).await.unwrap();
                let resolved = loop {
                    match resolve(&mut tx, &told).await {
                        Ok(resolved) => break resolved,
                        Err(error) if error.is_contention() => tx = db.tenant(tenant).await.unwrap(),
                        Err(error) => panic!("{error}"),
                    }
                };
                tx.commit().await.unwrap();
                (resolved.contact, resolved.new)
            })
        })
        .collect();
    let mut met = Vec::new();
    for one in meeting {
        met.push(one.await.unwrap());
    }
    assert!(met.iter().all(|(contact, _)| *contact == met[0].0), "{met:?}");
    assert_eq!(met.iter().filter(|(_, new)| *new).count(), 1);
    assert_eq!(world.count("contacts").await, 1);
}

#[tokio::test]
async fn of_two_people_the_providers_own_stays_and_a_merge_is_suggested() {
    let world = World::new().await;
    let caller = world.meet(seen(vec![phone("+393331234567")], None)).await;
    let hidden = world.meet(seen(vec![Identity::WhatsappUser("IT.77".to_owned())], Some("Anna"))).await;
    assert_ne!(caller.contact, hidden.contact);
    // Both are told in one message now.
    let told = seen(vec![Identity::WhatsappUser("IT.77".to_owned()), phone("+39 333 1234567")], Some("Anna"));
    let met = world.meet(told.clone()).await;
    assert_eq!((met.contact, met.person), (hidden.contact, hidden.contact));
    assert_eq!(kinds(&met), ["contact.merge_suggested"]);
    assert_eq!(met.events[0].data["proof"][0]["what"], "same_phone");
    assert_eq!(world.count("contact_merges").await, 0, "nobody is merged by itself");
    assert!(kinds(&world.meet(told).await).is_empty(), "suggested once");
}

#[tokio::test]
async fn names_are_as_new_as_the_provider_told_them_and_an_agents_stays() {
    let world = World::new().await;
    let told = |name: &str, at: i64| Seen { at: minute(at), ..seen(vec![whatsapp("393331234567")], Some(name)) };
    let met = world.meet(told("Anna", 10)).await;
    assert_eq!(world.meet(told("Older", 5)).await.name, "Anna", "what is told late is no news");
    assert_eq!(world.meet(told("Anna B.", 20)).await.name, "Anna B.");
    // Another provider has a name of its own: told the same again, it does not take turns with this one.
    let telegram = |name: &str, at: i64| {
        let identities = vec![Identity::TelegramId(7), phone("+393331234567")];
        Seen { at: minute(at), ..seen(identities, Some(name)) }
    };
    assert_eq!(world.meet(telegram("Anna (TG)", 30)).await.name, "Anna (TG)");
    assert_eq!(world.meet(told("Anna B.", 40)).await.name, "Anna (TG)");
    let mut tx = world.db.tenant(world.tenant).await.unwrap();
    sqlx::query("UPDATE contacts SET display_name = 'Frau Berg', named_by = 'agent' WHERE id = $1")
        .bind(met.contact)
        .execute(tx.conn())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let after = world.meet(told("Anna C.", 50)).await;
    assert_eq!((after.name.as_str(), kinds(&after).len()), ("Frau Berg", 0));
}

#[tokio::test]
async fn a_user_name_is_followed_and_recognises_nobody() {
    let world = World::new().await;
    let named = |id: i64, username: &str, name: &str| {
        seen(vec![Identity::TelegramId(id), Identity::Username(username.to_owned())], Some(name))
    };
    let anna = world.meet(named(1, "Anna", "Anna Berg")).await.contact;
    world.meet(named(1, "anna_b", "Anna Berg")).await;
    assert_eq!(
        world.identities(anna).await,
        [
            ("telegram_id".to_owned(), "1".to_owned(), true),
            ("username".to_owned(), "anna".to_owned(), false),
            ("username".to_owned(), "anna_b".to_owned(), true),
        ]
    );
    let other = world.meet(named(2, "anna_b", "Otto Klein")).await;
    assert_ne!(other.contact, anna);
    assert_eq!(kinds(&other), ["contact.created"], "who is called otherwise is not suggested");
    let alike = world.meet(named(3, "ANNA_B", "Berg, Anna")).await;
    assert_eq!(kinds(&alike), ["contact.created", "contact.merge_suggested"]);
    assert_eq!(alike.events[1].data["proof"][0]["what"], "same_username");
}

#[tokio::test]
async fn who_moves_is_the_same_person_and_their_old_number_is_free() {
    let world = World::new().await;
    let anna = world.meet(seen(vec![whatsapp("393331111111")], Some("Anna"))).await.contact;
    let mut tx = world.db.tenant(world.tenant).await.unwrap();
    let told = tell_move(&mut tx).await;
    tx.commit().await.unwrap();
    assert_eq!(told.contact, anna);
    assert_eq!(kinds(&told), ["contact.updated"]);
    assert_eq!(
        world.identities(anna).await,
        [
            ("phone".to_owned(), "+393331111111".to_owned(), false),
            ("phone".to_owned(), "+393332222222".to_owned(), true),
            ("whatsapp_id".to_owned(), "393331111111".to_owned(), false),
            ("whatsapp_id".to_owned(), "393332222222".to_owned(), true),
        ]
    );
    let next = world.meet(seen(vec![whatsapp("393331111111")], Some("Otto"))).await;
    assert!(next.new, "whoever gets the number is somebody else");
}

#[tokio::test]
async fn who_moves_to_where_they_were_known_is_merged_by_the_providers_word() {
    let world = World::new().await;
    let old = world.meet(seen(vec![whatsapp("393331111111")], Some("Anna"))).await.contact;
    let new = world.meet(seen(vec![whatsapp("393332222222")], Some("Anna"))).await.contact;
    let mut tx = world.db.tenant(world.tenant).await.unwrap();
    let told = tell_move(&mut tx).await;
    tx.commit().await.unwrap();
    assert_eq!((told.contact, told.person), (new, old));
    assert_eq!(kinds(&told), ["contact.merged", "contact.updated"]);
    assert_eq!(told.events[0].data["proof"][0]["evidence"]["text"], "Anna changed");
}

#[tokio::test]
async fn a_number_that_somebody_else_called_from_is_no_word_of_the_provider() {
    let world = World::new().await;
    let writer = world.meet(seen(vec![whatsapp("393331111111")], Some("Anna"))).await.contact;
    let caller = world.meet(seen(vec![phone("+393332222222")], None)).await.contact;
    let mut tx = world.db.tenant(world.tenant).await.unwrap();
    let told = tell_move(&mut tx).await;
    tx.commit().await.unwrap();
    assert_eq!((told.contact, told.person), (writer, writer));
    assert!(kinds(&told).contains(&"contact.merge_suggested"), "{:?}", kinds(&told));
    assert_eq!(world.count("contact_merges").await, 0);
    assert_eq!(world.identities(caller).await, [("phone".to_owned(), "+393332222222".to_owned(), true)]);
}

#[tokio::test]
async fn a_card_of_their_own_suggests_who_they_are() {
    let world = World::new().await;
    let caller = world.meet(seen(vec![phone("+393331234567")], None)).await.contact;
    let writer = world.meet(seen(vec![Identity::TelegramId(7)], Some("Anna Berg"))).await.contact;
    let card = |name: &str| Card {
        name: name.to_owned(),
        phones: vec!["333 1234567".to_owned()],
        emails: vec!["anna@example.org".to_owned()],
        organisation: None,
    };
    let mut tx = world.db.tenant(world.tenant).await.unwrap();
    let of_another =
        shared_card(&mut tx, writer, &card("Otto Klein"), Some("IT"), &evidence("telegram")).await.unwrap();
    assert!(of_another.is_empty());
    let events = shared_card(&mut tx, writer, &card("Anna Berg"), Some("IT"), &evidence("telegram")).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].data["proof"][0]["what"], "shared_card");
    assert_eq!(events[0].data["other"]["id"], caller.to_string());
}

#[tokio::test]
async fn who_wants_nothing_any_more_is_noted_once() {
    let world = World::new().await;
    let anna = world.somebody(1).await;
    let mut tx = world.db.tenant(world.tenant).await.unwrap();
    assert_eq!(opt_out(&mut tx, anna, false, minute(1)).await.unwrap().len(), 1);
    assert_eq!(opt_out(&mut tx, anna, false, minute(2)).await.unwrap().len(), 0);
    assert_eq!(opt_out(&mut tx, anna, true, minute(3)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn tenants_know_nothing_of_each_others_people() {
    let world = World::new().await;
    let told = seen(vec![whatsapp("393331234567")], Some("Anna"));
    let anna = world.meet(told.clone()).await.contact;
    let other = make_tenant(&world.db).await;
    let mut tx = world.db.tenant(other).await.unwrap();
    let met = resolve(&mut tx, &told).await.unwrap();
    assert!(met.new);
    assert_ne!(met.contact, anna);
    let refused = merge(&mut tx, met.contact, anna, Vec::new(), &By::default()).await;
    assert!(matches!(refused, Err(MergeError::Unknown)), "{refused:?}");
}

#[tokio::test]
async fn whatever_is_told_is_kept_or_left_out_but_never_fails() {
    let world = World::new().await;
    for text in ["", " ", "\u{0}", "\u{202e}", "+", "0", "💥", &"9".repeat(3000), "+00000000000", "a@b@c", "\u{200b}"]
    {
        let identities = vec![
            whatsapp(text),
            phone(text),
            Identity::WhatsappUser(text.to_owned()),
            Identity::Username(text.to_owned()),
        ];
        let mut told = seen(identities, Some(text));
        told.language = Some(text.to_owned());
        told.country = Some(text.to_owned());
        told.evidence.text = Some(text.to_owned());
        let met = world.meet(told).await;
        assert!(!met.name.is_empty());
    }
}
