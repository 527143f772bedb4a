//! Files of messages in a bucket: a server that speaks S3 in this process, and the edge before it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;
use tempfile::TempDir;
use trunkline_blob::BlobConfig;
use trunkline_providers::Standin as _;
use trunkline_providers::whatsapp::{Customer, Says, WhatsApp};

use crate::support::bucket::Server;
use crate::support::standins::{Inbox, PIXEL, PUBLIC, SOON};
use crate::support::{App, Node, Options};

/// A bucket, its folder, and an edge that keeps files there.
async fn open(works: bool) -> (TempDir, Server, Inbox<WhatsApp>) {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    let BlobConfig::S3(s3) = server.config() else { unreachable!("it is a bucket") };
    let config = vec![
        ("PUBLIC_URL", PUBLIC.to_owned()),
        ("S3_BUCKET", s3.bucket.clone()),
        ("S3_REGION", s3.region.clone()),
        ("S3_ENDPOINT", s3.endpoint.clone().unwrap()),
        ("S3_PATH_STYLE", "true".to_owned()),
        ("S3_ACCESS_KEY", s3.access_key.clone().unwrap()),
        ("S3_SECRET_KEY", crate::support::bucket::SECRET_KEY.to_owned()),
        ("S3_PREFIX", s3.prefix.clone()),
    ];
    let app = App::start_with(Options { config, works, ..Options::default() }).await;
    let inbox = Inbox::whatsapp_at(app, json!({})).await;
    (dir, server, inbox)
}

/// A PDF of so many bytes, no two parts of it alike.
fn pdf(size: usize) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    let mut number = 0_u64;
    while bytes.len() < size {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    bytes.truncate(size - 6);
    bytes.extend_from_slice(b"\n%%EOF");
    bytes
}

/// The files that lie in the bucket, by what is in them.
fn lies(folder: &Path, content: &[u8]) -> usize {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    walk(folder, &mut found);
    found.iter().filter(|path| std::fs::read(path).is_ok_and(|bytes| bytes == content)).count()
}

async fn get(inbox: &Inbox<WhatsApp>, path: &str, range: Option<&str>) -> (StatusCode, Vec<u8>) {
    let mut request = inbox.admin.request(Method::GET, path);
    if let Some(range) = range {
        request = request.header("range", range);
    }
    let answer = request.send().await.unwrap();
    (answer.status(), answer.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn files_of_both_sides_lie_in_the_bucket_and_come_back_whole_and_in_parts() {
    let (dir, server, inbox) = open(true).await;
    let ada = Customer::new("491700000031", "Ada");
    let file = inbox.standin.add_file("image/png", None, PIXEL);
    inbox.standin.customer_says(&ada, Says::Image { file, caption: Some("Look".to_owned()) }).await.unwrap();
    let conversation = inbox.conversation().await;
    let came = inbox.message_when(&conversation, |one| one["attachments"][0]["state"] == "stored").await;
    let picture = format!("/api/v1/attachments/{}", came["attachments"][0]["id"].as_str().unwrap());
    assert_eq!(get(&inbox, &picture, None).await, (StatusCode::OK, PIXEL.to_vec()));
    let (status, small) = get(&inbox, &format!("{picture}/thumbnail"), None).await;
    assert_eq!((status, small.is_empty()), (StatusCode::OK, false));
    assert_eq!(lies(dir.path(), PIXEL), 1, "it is in the bucket");
    assert_eq!(lies(dir.path(), &small), 1, "and so is the small one");

    // More than one part of it.
    let content = pdf(9 * 1024 * 1024 + 11);
    let upload = inbox.upload("application/pdf", "price list.pdf", &content).await;
    assert_eq!((server.shelf.parts_sent(), server.shelf.uploads()), (vec![1, 2], 0));
    let path = format!("/api/v1/attachments/{upload}");
    assert!(get(&inbox, &path, None).await == (StatusCode::OK, content.clone()));
    let middle = 8 * 1024 * 1024;
    let range = format!("bytes={}-{}", middle - 50, middle + 49);
    let (status, part) = get(&inbox, &path, Some(&range)).await;
    assert_eq!((status, &part[..]), (StatusCode::PARTIAL_CONTENT, &content[middle - 50..middle + 50]));
    let (status, part) = get(&inbox, &path, Some("bytes=-6")).await;
    assert_eq!((status, &part[..]), (StatusCode::PARTIAL_CONTENT, &b"\n%%EOF"[..]));
    let outside = get(&inbox, &path, Some(&format!("bytes={}-", content.len()))).await;
    assert_eq!(outside.0, StatusCode::RANGE_NOT_SATISFIABLE);

    let sent = inbox.say(&conversation, &json!({ "attachments": [upload] })).await;
    let taken = inbox.standin.next_message(SOON).await.unwrap();
    let id = taken.body["document"]["id"].as_str().unwrap();
    let there = inbox.standin.file(id).unwrap();
    assert!(there.content.as_ref() == content, "{} bytes of {}", there.content.len(), content.len());
    assert_eq!(taken.body["document"]["filename"], "price list.pdf");
    inbox.comes_to(&conversation, &sent, "sent").await;
}

#[tokio::test]
async fn a_bucket_that_is_away_in_the_middle_loses_nothing() {
    let (dir, server, inbox) = open(true).await;
    server.shelf.refuse("ServiceUnavailable", 503);
    let refused = inbox.admin.request(Method::POST, "/api/v1/attachments?file_name=a.png");
    let refused = refused.header("content-type", "image/png").body(PIXEL.to_vec()).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(lies(dir.path(), PIXEL), 0);

    // What they send meanwhile waits.
    let ada = Customer::new("491700000032", "Ada");
    let content = pdf(9 * 1024 * 1024);
    let file = inbox.standin.add_file("application/pdf", Some("order.pdf"), content.clone());
    let says = Says::Document { file, caption: None };
    inbox.standin.customer_says(&ada, says).await.unwrap();
    let conversation = inbox.conversation().await;
    let tried = async || {
        let jobs = inbox.admin.get_json("/api/v1/jobs?kind=media.fetch").await;
        jobs["items"][0]["attempt"].as_u64().unwrap_or(0)
    };
    inbox.until("it was tried", async || tried().await > 0).await;
    let waits = inbox.thread(&conversation).await;
    assert_eq!(waits.last().unwrap()["attachments"][0]["state"], "wanted", "{waits:?}");
    server.shelf.serve();
    let came = inbox.message_when(&conversation, |one| one["attachments"][0]["state"] == "stored").await;
    let path = format!("/api/v1/attachments/{}", came["attachments"][0]["id"].as_str().unwrap());
    assert!(get(&inbox, &path, None).await == (StatusCode::OK, content.clone()));
    assert_eq!(lies(dir.path(), &content), 1);

    // The store's last answer is lost: the file is there, and whole.
    server.shelf.lose_an_answer();
    let again = inbox.upload("application/pdf", "order again.pdf", &content).await;
    assert!(get(&inbox, &format!("/api/v1/attachments/{again}"), None).await == (StatusCode::OK, content));
}

#[tokio::test]
async fn a_gateway_that_dies_in_the_middle_of_a_file_leaves_it_to_another() {
    let (dir, server, mut inbox) = open(false).await;
    server.shelf.hold(Some(2));
    let node = Node::start(&inbox.app).await;
    let content = pdf(9 * 1024 * 1024);
    let file = inbox.standin.add_file("application/pdf", Some("plan.pdf"), content.clone());
    let ada = Customer::new("491700000033", "Ada");
    inbox.standin.customer_says(&ada, Says::Document { file, caption: None }).await.unwrap();
    inbox.until("a part is in, and another on its way", async || server.shelf.holds_one()).await;
    drop(node);
    server.shelf.hold(None);
    let conversation = inbox.conversation().await;
    assert_eq!(inbox.thread(&conversation).await.last().unwrap()["attachments"][0]["state"], "wanted");

    inbox.app.work();
    let came = inbox.message_when(&conversation, |one| one["attachments"][0]["state"] == "stored").await;
    let path = format!("/api/v1/attachments/{}", came["attachments"][0]["id"].as_str().unwrap());
    assert!(get(&inbox, &path, None).await == (StatusCode::OK, content.clone()));
    assert_eq!(lies(dir.path(), &content), 1);
    // What the dead one began is swept once it is old.
    assert_eq!(server.shelf.uploads(), 1);
    server.shelf.grow_older(Duration::from_hours(25));
    inbox.app.state.files.blobs().await.unwrap().sweep(Duration::from_hours(24)).await.unwrap();
    assert_eq!(server.shelf.uploads(), 0);
}
