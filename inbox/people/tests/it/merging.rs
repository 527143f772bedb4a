//! Which contacts are one person, whatever was merged and undone.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;
use trunkline_db::ContactId;
use trunkline_people::{By, MergeError, merge, suggest, undo};
use uuid::Uuid;

use crate::support::World;

#[tokio::test]
async fn a_merge_is_taken_back_with_what_it_brought() {
    let world = World::new().await;
    let (a, b, c) = (world.somebody(1).await, world.somebody(2).await, world.somebody(3).await);
    let mut tx = world.db.tenant(world.tenant).await.unwrap();
    let by = By::default();
    let first = merge(&mut tx, a, b, vec![json!({"what": "agent"})], &by).await.unwrap();
    let second = merge(&mut tx, b, c, Vec::new(), &by).await.unwrap();
    assert_eq!((first.person, second.person), (a, a));
    assert_eq!(first.events[0].kind.as_str(), "contact.merged");
    assert!(matches!(merge(&mut tx, c, a, Vec::new(), &by).await, Err(MergeError::Already)), "no ring");
    let undone = undo(&mut tx, first.id, &by).await.unwrap();
    assert_eq!(undone.events[0].kind.as_str(), "contact.unmerged");
    assert!(matches!(undo(&mut tx, first.id, &by).await, Err(MergeError::Already)));
    assert!(matches!(undo(&mut tx, Uuid::now_v7(), &by).await, Err(MergeError::Unknown)));
    assert_eq!(persons(&mut tx).await, BTreeMap::from([(a, a), (b, b), (c, b)]), "c was merged with b, and stays so");
}

#[tokio::test]
async fn suggestions_follow_what_is_decided() {
    let world = World::new().await;
    let (a, b) = (world.somebody(1).await, world.somebody(2).await);
    let mut tx = world.db.tenant(world.tenant).await.unwrap();
    let by = By::default();
    assert!(suggest(&mut tx, b, a, vec![json!({"what": "same_phone"})]).await.unwrap().is_some());
    assert!(suggest(&mut tx, a, b, Vec::new()).await.unwrap().is_none(), "once for a pair");
    let merged = merge(&mut tx, a, b, Vec::new(), &by).await.unwrap();
    assert_eq!(state(&mut tx).await, "merged");
    undo(&mut tx, merged.id, &by).await.unwrap();
    assert_eq!(state(&mut tx).await, "dismissed", "who takes a merge back does not want it suggested");
}

async fn state(tx: &mut trunkline_db::TenantTx<'_>) -> String {
    sqlx::query_scalar("SELECT state FROM merge_suggestions").fetch_one(tx.conn()).await.unwrap()
}

async fn persons(tx: &mut trunkline_db::TenantTx<'_>) -> BTreeMap<ContactId, ContactId> {
    let rows: Vec<(ContactId, ContactId)> =
        sqlx::query_as("SELECT id, person_id FROM contacts").fetch_all(tx.conn()).await.unwrap();
    rows.into_iter().collect()
}

/// Any sequence of merges and undos, in any order: each contact has as its person the one that is found by climbing the merges that hold.
#[tokio::test]
async fn everybody_has_the_person_that_the_merges_tell() {
    let seed: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random);
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let world = World::new().await;
    for round in 0..4 {
        let mut contacts = Vec::new();
        for n in 0..random.random_range(2..14) {
            contacts.push(world.somebody(round * 100 + n).await);
        }
        // (id, winner, loser, holds)
        let mut model: Vec<(Uuid, ContactId, ContactId, bool)> = Vec::new();
        let mut tx = world.db.tenant(world.tenant).await.unwrap();
        for _ in 0..random.random_range(20..120) {
            let by = By::default();
            if random.random_bool(0.6) {
                let (one, other) = (*contacts.choose(&mut random).unwrap(), *contacts.choose(&mut random).unwrap());
                let root = climb(&model, other);
                match merge(&mut tx, one, other, vec![json!({"what": "test"})], &by).await {
                    Ok(merged) => {
                        assert_ne!(climb(&model, one), root);
                        model.push((merged.id, one, root, true));
                        assert_eq!(merged.person, climb(&model, one));
                    }
                    Err(MergeError::Already) => assert_eq!(climb(&model, one), root),
                    Err(error) => panic!("{error}"),
                }
            } else if let Some(at) = (0..model.len()).collect::<Vec<_>>().choose(&mut random) {
                match undo(&mut tx, model[*at].0, &by).await {
                    Ok(_) => assert!(std::mem::take(&mut model[*at].3)),
                    Err(MergeError::Already) => assert!(!model[*at].3),
                    Err(error) => panic!("{error}"),
                }
            }
            let stored = persons(&mut tx).await;
            for contact in &contacts {
                assert_eq!(stored[contact], climb(&model, *contact), "seed {seed}");
            }
        }
        tx.commit().await.unwrap();
    }
}

fn climb(model: &[(Uuid, ContactId, ContactId, bool)], from: ContactId) -> ContactId {
    let mut at = from;
    while let Some((_, winner, _, _)) = model.iter().find(|(_, _, loser, holds)| *holds && *loser == at) {
        at = *winner;
    }
    at
}
