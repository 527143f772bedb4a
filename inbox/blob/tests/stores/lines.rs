//! Stores that are not there, and configurations that cannot be right.

use tokio::net::TcpListener;
use trunkline_blob::{BlobConfig, BlobError, Blobs, Expected};

use crate::bucket::SECRET_KEY;
use crate::stores::{Store, key};

#[tokio::test]
async fn a_server_that_is_away_is_unavailable_and_no_secret_is_told() {
    let mut store = Store::s3().await;
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let BlobConfig::S3(config) = &mut store.config else { panic!("{store}") };
    config.endpoint = Some(format!("http://{address}"));
    let blobs = Blobs::connect(&store.config).await.unwrap();
    let error = blobs.put(&key(), &mut b"x".as_slice(), Expected::at_most(1)).await.unwrap_err();
    assert!(matches!(error, BlobError::Unavailable(_)) && error.may_pass(), "{error:?}");
    assert!(blobs.probe().await.is_err());
    assert!(!format!("{blobs:?} {error:?} {error} {:?}", store.config).contains(SECRET_KEY));
}

#[tokio::test]
async fn a_wrong_secret_is_refused_and_not_tried_for_ever() {
    let mut store = Store::s3().await;
    let BlobConfig::S3(config) = &mut store.config else { panic!("{store}") };
    config.secret_key = Some(trunkline_blob::SecretText::new("wrong"));
    let blobs = Blobs::connect(&store.config).await.unwrap();
    let error = blobs.put(&key(), &mut b"x".as_slice(), Expected::at_most(1)).await.unwrap_err();
    assert!(matches!(error, BlobError::Refused(_)) && !error.may_pass(), "{error:?}");
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_no_file_that_is_not_there() {
    let mut store = Store::s3().await;
    let BlobConfig::S3(config) = &mut store.config else { panic!("{store}") };
    config.bucket = "nowhere".to_owned();
    let blobs = Blobs::connect(&store.config).await.unwrap();
    let error = blobs.put(&key(), &mut b"x".as_slice(), Expected::at_most(1)).await.unwrap_err();
    assert!(matches!(&error, BlobError::Refused(words) if words.contains("NoSuchBucket")), "{error:?}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_refused_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Blobs::connect(&BlobConfig::Local { path: file.join("files") }).await.unwrap_err();
    assert!(matches!(error, BlobError::Refused(_)), "{error:?}");
    let error = Blobs::connect(&BlobConfig::Local { path: "files".into() }).await.unwrap_err();
    assert!(matches!(error, BlobError::Config(_)), "{error:?}");
}
