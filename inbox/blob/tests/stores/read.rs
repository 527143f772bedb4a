//! Files are read whole and in ranges, and given away by signed addresses.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use trunkline_blob::serve::Use;
use trunkline_blob::{BlobError, Expected, read_part};

use crate::bucket::SECRET_KEY;
use crate::stores::{Store, content, key};

#[tokio::test]
async fn a_range_gives_its_bytes_and_the_size_of_all() {
    for store in Store::both().await {
        let (key, bytes) = (key(), content(300_000));
        store.blobs.put(&key, &mut &bytes[..], Expected::at_most(u64::MAX)).await.unwrap();
        for (asked, given) in [
            (0..1, 0..1),
            (0..300_000, 0..300_000),
            (299_999..300_000, 299_999..300_000),
            (1000..200_000, 1000..200_000),
            (299_000..u64::MAX, 299_000..300_000),
        ] {
            let mut opened = store.blobs.open(&key, Some(asked.clone())).await.unwrap();
            assert_eq!((opened.meta.size, opened.range), (300_000, given.clone()), "{store}: {asked:?}");
            let read = read_part(&mut opened.content, usize::MAX).await.unwrap();
            assert!(read == bytes[given.start as usize..given.end as usize], "{store}: {asked:?}");
        }
        for outside in [300_000..300_001, 400_000..u64::MAX, 5..5, 0..0] {
            let error = store.blobs.open(&key, Some(outside.clone())).await.unwrap_err();
            assert!(matches!(error, BlobError::Range { size: 300_000 }), "{store}: {outside:?}: {error:?}");
        }
    }
}

#[tokio::test]
async fn of_a_file_without_a_byte_there_is_no_range() {
    for store in Store::both().await {
        let key = key();
        store.blobs.put(&key, &mut b"".as_slice(), Expected::at_most(0)).await.unwrap();
        assert_eq!(store.everything(&key).await.unwrap().len(), 0);
        let error = store.blobs.open(&key, Some(0..1)).await.unwrap_err();
        assert!(matches!(error, BlobError::Range { size: 0 }), "{store}: {error:?}");
    }
}

async fn get(address: &str) -> (u16, hyper::HeaderMap, Bytes) {
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.get(address.parse().unwrap()).await.unwrap();
    let (head, body) = answer.into_parts();
    (head.status.as_u16(), head.headers, body.collect().await.unwrap().to_bytes())
}

#[tokio::test]
async fn a_signed_address_gives_the_file_under_safe_headers_and_nothing_else() {
    let store = Store::s3().await;
    let key = key();
    store.blobs.put(&key, &mut b"<script>".as_slice(), Expected::at_most(100)).await.unwrap();
    let life = Duration::from_mins(1);
    let signed = async |kind: &str, name: &str| {
        store.blobs.presigned(&key, kind, name, Use::Shown, life).await.unwrap().unwrap()
    };
    let address = signed("text/html", "Смета.html").await;
    assert!(!address.contains(SECRET_KEY));
    let (status, headers, body) = get(&address).await;
    assert_eq!((status, body.as_ref()), (200, b"<script>".as_slice()));
    assert_eq!(headers["content-type"], "application/octet-stream");
    let disposition = headers["content-disposition"].to_str().unwrap();
    assert!(disposition.starts_with("attachment; filename=\"_____.html\"; filename*=UTF-8''%D0%A1"), "{disposition}");
    assert!(headers["cache-control"].to_str().unwrap().starts_with("private"));

    let (_, headers, _) = get(&signed("image/png", "a.png").await).await;
    assert_eq!(headers["content-type"], "image/png");
    assert!(headers["content-disposition"].to_str().unwrap().starts_with("inline"));

    // Nothing of it can be changed.
    let changed = address.replace("octet-stream", "x-something");
    assert_ne!(changed, address);
    assert_eq!(get(&changed).await.0, 403);
    let other = crate::stores::key();
    assert_eq!(get(&address.replace(&key.to_string(), &other.to_string())).await.0, 403);
    let month = Duration::from_hours(24 * 30);
    assert!(store.blobs.presigned(&key, "", "", Use::Saved, month).await.is_err());
}

#[tokio::test]
async fn a_folder_gives_no_addresses() {
    let store = Store::local().await;
    let given = store.blobs.presigned(&key(), "image/png", "a", Use::Saved, Duration::from_secs(1)).await;
    assert!(matches!(given, Ok(None)));
}
