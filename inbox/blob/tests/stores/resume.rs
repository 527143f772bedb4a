//! An upload that is broken off is gone on with.

use bytes::Bytes;
use trunkline_blob::{BlobError, Blobs, Expected, PartOutcome, Sending, Stored, Sum, Upload};

use crate::stores::{PART, Store, content, key};

/// What a process keeps, and another reads.
fn through_json(upload: &Upload) -> Upload {
    serde_json::from_str(&serde_json::to_string(upload).unwrap()).unwrap()
}

fn expected(bytes: &Bytes) -> Expected {
    Expected::exactly(Stored { size: bytes.len() as u64, sha256: Sum::of(bytes) })
}

fn parts(sending: &Sending, bytes: &Bytes) -> Vec<Bytes> {
    let size = sending.part_bytes();
    (0..bytes.len()).step_by(size).map(|at| bytes.slice(at..bytes.len().min(at + size))).collect()
}

async fn give_all(sending: &mut Sending, bytes: &Bytes) -> Vec<PartOutcome> {
    let mut outcomes = Vec::new();
    for part in parts(sending, bytes) {
        outcomes.push(sending.put_part(part).await.unwrap());
    }
    outcomes
}

#[tokio::test]
async fn another_process_sends_what_is_missing_and_no_more() {
    for names in [true, false] {
        let store = Store::s3().await;
        let shelf = store.shelf.as_ref().unwrap();
        if !names {
            shelf.list_no_names();
        }
        let (key, bytes) = (key(), content(3 * PART + 100));
        let mut sending = store.blobs.begin(&key, expected(&bytes)).await.unwrap();
        let all = parts(&sending, &bytes);
        for part in &all[..2] {
            assert_eq!(sending.put_part(part.clone()).await.unwrap(), PartOutcome::Sent);
        }
        let kept = through_json(sending.upload());
        drop(sending);
        assert_eq!(shelf.parts_sent(), [1, 2]);
        assert!(matches!(store.blobs.head(&key).await, Err(BlobError::NotFound)));

        let blobs = Blobs::connect(&store.config).await.unwrap();
        let mut sending = blobs.resume(kept).await.unwrap();
        let outcomes = give_all(&mut sending, &bytes).await;
        assert_eq!(
            outcomes,
            [PartOutcome::AlreadyThere, PartOutcome::AlreadyThere, PartOutcome::Sent, PartOutcome::Sent]
        );
        assert_eq!(shelf.parts_sent(), [3, 4]);
        assert_eq!(sending.finish().await.unwrap().sha256, Sum::of(&bytes));
        assert!(store.everything(&key).await.unwrap() == bytes);
    }
}

/// The process died after the store had the part, and before it could keep that.
#[tokio::test]
async fn a_part_that_only_the_store_knows_is_believed_by_its_sum_alone() {
    for names in [true, false] {
        let store = Store::s3().await;
        let shelf = store.shelf.as_ref().unwrap();
        if !names {
            shelf.list_no_names();
        }
        let (key, bytes) = (key(), content(2 * PART + 100));
        let mut sending = store.blobs.begin(&key, expected(&bytes)).await.unwrap();
        let kept = through_json(sending.upload());
        sending.put_part(bytes.slice(..PART)).await.unwrap();
        drop(sending);
        shelf.parts_sent();

        let mut sending = store.blobs.resume(kept).await.unwrap();
        give_all(&mut sending, &bytes).await;
        assert_eq!(shelf.parts_sent(), if names { vec![2, 3] } else { vec![1, 2, 3] });
        sending.finish().await.unwrap();
        assert!(store.everything(&key).await.unwrap() == bytes);
    }
}

#[tokio::test]
async fn a_folder_goes_on_too() {
    let store = Store::local().await;
    let (key, bytes) = (key(), content(3 * 1024 * 1024 + 5));
    let mut sending = store.blobs.begin(&key, expected(&bytes)).await.unwrap();
    sending.put_part(parts(&sending, &bytes)[0].clone()).await.unwrap();
    let kept = through_json(sending.upload());
    drop(sending);
    let blobs = Blobs::connect(&store.config).await.unwrap();
    let mut sending = blobs.resume(kept).await.unwrap();
    give_all(&mut sending, &bytes).await;
    sending.finish().await.unwrap();
    assert!(store.everything(&key).await.unwrap() == bytes);
    assert_eq!(store.files_on_disk(), 1);
}

#[tokio::test]
async fn a_source_that_became_another_is_not_mixed_with_what_it_was() {
    for store in Store::both().await {
        let (key, first) = (key(), content(2 * PART + 100));
        let second: Bytes = first[..PART + 50].iter().rev().copied().collect();
        let mut sending = store.blobs.begin(&key, Expected::at_most(u64::MAX)).await.unwrap();
        give_all(&mut sending, &first).await;
        let kept = through_json(sending.upload());
        drop(sending);
        let mut sending = store.blobs.resume(kept).await.unwrap();
        let outcomes = give_all(&mut sending, &second).await;
        assert!(outcomes.iter().all(|outcome| *outcome == PartOutcome::Sent), "{store}");
        assert_eq!(sending.finish().await.unwrap(), Stored { size: second.len() as u64, sha256: Sum::of(&second) });
        assert!(store.everything(&key).await.unwrap() == second, "{store}");
    }
}

#[tokio::test]
async fn an_upload_with_a_wrong_sum_or_size_leaves_nothing() {
    for store in Store::both().await {
        let empty = store.files_on_disk();
        let (key, bytes) = (key(), content(PART + 100));
        let wrong = Expected { sha256: Some(Sum::of(b"another")), ..expected(&bytes) };
        let mut sending = store.blobs.begin(&key, wrong).await.unwrap();
        give_all(&mut sending, &bytes).await;
        assert!(matches!(sending.finish().await, Err(BlobError::Checksum)), "{store}");
        let mut sending = store.blobs.begin(&key, expected(&bytes)).await.unwrap();
        let first = parts(&sending, &bytes)[0].clone();
        sending.put_part(first).await.unwrap();
        assert!(matches!(sending.finish().await, Err(BlobError::Size { .. })), "{store}");
        assert!(matches!(store.blobs.head(&key).await, Err(BlobError::NotFound)), "{store}");
        assert_eq!(store.files_on_disk(), empty, "{store}");
    }
}

#[tokio::test]
async fn an_empty_file_may_be_an_upload() {
    for store in Store::both().await {
        let key = key();
        let sending = store.blobs.begin(&key, Expected::at_most(0)).await.unwrap();
        assert_eq!(sending.finish().await.unwrap().size, 0);
        assert_eq!(store.everything(&key).await.unwrap().len(), 0, "{store}");
    }
}

#[tokio::test]
async fn an_upload_that_is_gone_or_elsewhere_is_told_as_such() {
    let stores = Store::both().await;
    let mut kept = Vec::new();
    for store in &stores {
        let key = key();
        let sending = store.blobs.begin(&key, Expected::at_most(100)).await.unwrap();
        let upload = through_json(sending.upload());
        kept.push(upload.clone());
        for _ in 0..2 {
            store.blobs.abort(&upload).await.unwrap();
        }
        assert!(matches!(store.blobs.resume(upload).await, Err(BlobError::UploadGone)), "{store}");
        drop(sending);
    }
    for (store, upload) in stores.iter().zip(kept.into_iter().rev()) {
        assert!(matches!(store.blobs.resume(upload).await, Err(BlobError::OtherStore)), "{store}");
    }
}

#[tokio::test]
async fn parts_that_no_store_takes_are_refused() {
    for store in Store::both().await {
        let mut sending = store.blobs.begin(&key(), Expected::at_most(u64::MAX)).await.unwrap();
        let size = sending.part_bytes();
        assert!(matches!(sending.put_part(Bytes::new()).await, Err(BlobError::Part(_))), "{store}");
        assert!(matches!(sending.put_part(content(size + 1)).await, Err(BlobError::Part(_))), "{store}");
        sending.put_part(content(10)).await.unwrap();
        assert!(matches!(sending.put_part(content(10)).await, Err(BlobError::Part(_))), "{store}");
        sending.give_up().await;
    }
}

#[tokio::test]
async fn a_lost_answer_to_the_last_request_is_no_loss_of_the_file() {
    let store = Store::s3().await;
    let (key, bytes) = (key(), content(PART + 1));
    store.shelf.as_ref().unwrap().lose_an_answer();
    let kept = store.blobs.put(&key, &mut &bytes[..], expected(&bytes)).await.unwrap();
    assert_eq!(kept.sha256, Sum::of(&bytes));
    assert!(store.everything(&key).await.unwrap() == bytes);
}
