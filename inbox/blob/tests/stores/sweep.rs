//! What nobody finished goes away, and nothing else.

use std::time::Duration;

use trunkline_blob::{BlobError, Expected};

use crate::bucket::PREFIX;
use crate::stores::{Store, content, key};

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn uploads_that_nobody_finished_are_swept_away_when_they_are_old() {
    for store in Store::both().await {
        let kept = key();
        store.blobs.put(&kept, &mut b"hello".as_slice(), Expected::at_most(5)).await.unwrap();
        let before = store.files_on_disk();
        let mut uploads = Vec::new();
        for _ in 0..5 {
            let mut sending = store.blobs.begin(&key(), Expected::at_most(u64::MAX)).await.unwrap();
            sending.put_part(content(1000)).await.unwrap();
            uploads.push(sending.upload().clone());
        }
        assert_eq!(store.blobs.sweep(HOUR).await.unwrap(), 0, "{store}: they are young");
        if let Some(shelf) = &store.shelf {
            shelf.grow_older(2 * HOUR);
            assert_eq!(store.blobs.sweep(HOUR).await.unwrap(), 5, "{store}");
            assert_eq!(shelf.uploads(), 0);
        } else {
            assert_eq!(store.blobs.sweep(Duration::ZERO).await.unwrap(), 5, "{store}");
        }
        assert_eq!(store.files_on_disk(), before, "{store}");
        for upload in uploads {
            assert!(matches!(store.blobs.resume(upload).await, Err(BlobError::UploadGone)), "{store}");
        }
        assert_eq!(store.everything(&kept).await.unwrap(), b"hello".as_slice());
    }
}

#[tokio::test]
async fn uploads_of_others_in_the_same_bucket_are_theirs() {
    let store = Store::s3().await;
    let shelf = store.shelf.as_ref().unwrap();
    for theirs in ["elsewhere/file", &format!("{PREFIX}file"), &format!("x{PREFIX}{}", key())] {
        shelf.begin_for_another(theirs);
    }
    assert_eq!(store.blobs.sweep(HOUR).await.unwrap(), 0);
    assert_eq!(shelf.uploads(), 3);
}
