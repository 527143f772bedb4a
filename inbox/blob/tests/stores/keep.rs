//! Files are kept whole or not at all.

use bytes::Bytes;
use trunkline_blob::{BlobError, Expected, Stored, Sum};

use crate::stores::{MIB, PART, Store, breaks_after, content, key};

fn stored(bytes: &Bytes) -> Stored {
    Stored { size: bytes.len() as u64, sha256: Sum::of(bytes) }
}

#[tokio::test]
async fn a_file_of_any_size_comes_back_as_it_was() {
    for store in Store::both().await {
        for size in [0, 1, 4096, MIB + 1, PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 7] {
            let (key, bytes) = (key(), content(size));
            let expected = Expected::at_most(u64::MAX);
            let kept = store.blobs.put(&key, &mut &bytes[..], expected).await.unwrap();
            assert_eq!(kept, stored(&bytes), "{store}");
            assert_eq!(store.blobs.head(&key).await.unwrap().size, size as u64, "{store}");
            assert!(store.everything(&key).await.unwrap() == bytes, "{store}: {size} bytes came back otherwise");
            let again = store.blobs.put(&key, &mut &bytes[..], Expected::exactly(kept)).await.unwrap();
            assert_eq!(again, kept, "{store}");
        }
    }
}

#[tokio::test]
async fn small_files_go_in_one_piece_and_large_ones_in_parts() {
    let store = Store::s3().await;
    let shelf = store.shelf.as_ref().unwrap();
    for (size, parts) in [(PART, vec![]), (PART + 1, vec![1, 2]), (2 * PART, vec![1, 2])] {
        store.blobs.put(&key(), &mut &content(size)[..], Expected::at_most(u64::MAX)).await.unwrap();
        assert_eq!(shelf.parts_sent(), parts, "{size}");
    }
}

#[tokio::test]
async fn of_a_file_that_is_not_as_expected_nothing_stays() {
    for store in Store::both().await {
        let empty = store.files_on_disk();
        for size in [1000, 2 * PART + 1] {
            let bytes = content(size);
            let told = Expected::exactly(stored(&bytes));
            let shorter = bytes.slice(..size - 1);
            let mut changed = bytes.to_vec();
            changed[size - 1] ^= 1;
            let changed = Bytes::from(changed);
            let longer: Bytes = [&bytes[..], b"x"].concat().into();
            let limit = Expected::at_most(size as u64 - 1);
            let cases: [(&str, &Bytes, Expected); 5] = [
                ("truncated", &shorter, told),
                ("longer", &longer, Expected { max_bytes: u64::MAX, ..told }),
                ("changed", &changed, told),
                ("too large", &bytes, limit),
                ("told to be too large", &shorter, Expected { size: Some(size as u64), ..limit }),
            ];
            for (what, given, expected) in cases {
                let key = key();
                let error = store.blobs.put(&key, &mut &given[..], expected).await.unwrap_err();
                let right = match what {
                    "truncated" => matches!(error, BlobError::Size { told, got } if got + 1 == told),
                    "longer" => matches!(error, BlobError::Size { told, .. } if told == size as u64),
                    "changed" => matches!(error, BlobError::Checksum),
                    _ => matches!(error, BlobError::TooLarge { limit } if limit == size as u64 - 1),
                };
                assert!(right, "{store}: {what}, {size} bytes: {error:?}");
                assert!(matches!(store.blobs.head(&key).await, Err(BlobError::NotFound)), "{store}: {what}");
            }
            let key = key();
            let error = store.blobs.put(&key, &mut breaks_after(&bytes), Expected::at_most(u64::MAX)).await;
            assert!(matches!(error, Err(BlobError::Source(_))), "{store}: {error:?}");
            assert!(matches!(store.blobs.head(&key).await, Err(BlobError::NotFound)), "{store}");
        }
        assert_eq!(store.files_on_disk(), empty, "{store}");
        assert!(store.shelf.as_ref().is_none_or(|shelf| shelf.uploads() == 0), "{store}");
    }
}

#[tokio::test]
async fn a_file_is_replaced_by_itself_and_never_by_half_of_another() {
    for store in Store::both().await {
        let (key, first, second) = (key(), content(3000), content(2 * PART + 9));
        store.blobs.put(&key, &mut &first[..], Expected::at_most(u64::MAX)).await.unwrap();
        store.blobs.put(&key, &mut breaks_after(&second), Expected::at_most(u64::MAX)).await.unwrap_err();
        assert_eq!(store.everything(&key).await.unwrap(), first, "{store}");
        store.blobs.put(&key, &mut &second[..], Expected::at_most(u64::MAX)).await.unwrap();
        assert!(store.everything(&key).await.unwrap() == second, "{store}");
    }
}

#[tokio::test]
async fn a_file_is_removed_once_and_asked_for_in_vain() {
    for store in Store::both().await {
        let (key, other) = (key(), key());
        for key in [&key, &other] {
            store.blobs.put(key, &mut b"hello".as_slice(), Expected::at_most(5)).await.unwrap();
        }
        for _ in 0..2 {
            store.blobs.delete(&key).await.unwrap();
            assert!(matches!(store.blobs.head(&key).await, Err(BlobError::NotFound)), "{store}");
            assert!(matches!(store.blobs.open(&key, None).await, Err(BlobError::NotFound)), "{store}");
            assert!(matches!(store.blobs.open(&key, Some(0..1)).await, Err(BlobError::NotFound)), "{store}");
        }
        assert_eq!(store.everything(&other).await.unwrap(), b"hello".as_slice());
    }
}

#[tokio::test]
async fn a_store_that_works_says_so() {
    for store in Store::both().await {
        let before = store.files_on_disk();
        store.blobs.probe().await.unwrap();
        assert_eq!(store.files_on_disk(), before, "{store}");
    }
}

#[tokio::test]
async fn what_a_full_or_closed_bucket_says_is_understood() {
    let store = Store::s3().await;
    let shelf = store.shelf.as_ref().unwrap();
    for size in [10, PART + 1] {
        let put = async || store.blobs.put(&key(), &mut &content(size)[..], Expected::at_most(u64::MAX)).await;
        shelf.refuse("XMinioStorageFull", 507);
        let error = put().await.unwrap_err();
        assert!(matches!(error, BlobError::Full) && error.may_pass(), "{error:?}");
        shelf.refuse("AccessDenied", 403);
        let error = put().await.unwrap_err();
        assert!(matches!(error, BlobError::Refused(_)) && !error.may_pass(), "{error:?}");
        shelf.refuse("SlowDown", 503);
        let error = put().await.unwrap_err();
        assert!(matches!(error, BlobError::Unavailable(_)) && error.may_pass(), "{error:?}");
    }
}
