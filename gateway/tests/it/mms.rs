//! Pictures by SMS: Twilio fetches them by a signed link that ends.

use chrono::{TimeDelta, Utc};
use reqwest::StatusCode;
use serde_json::json;
use trunkline_blob::link::{self, Link};
use trunkline_blob::serve::Use;
use trunkline_providers::Standin as _;
use trunkline_providers::twilio::{Receipts, Said};

use crate::support::standins::{Inbox, PIXEL, PUBLIC, SOON};

#[tokio::test]
async fn a_picture_goes_as_mms_by_a_link_that_ends_and_that_nobody_can_change() {
    let inbox = Inbox::twilio(json!({})).await;
    inbox.standin.set_receipts(Receipts::Delivered);
    inbox.standin.person_says("+15557650009", Said::text("What does it look like?")).await.unwrap();
    let conversation = inbox.conversation().await;
    let file = inbox.upload("image/png", "boat.png", PIXEL).await;
    let sent = inbox.say(&conversation, &json!({ "text": "Like this", "attachments": [file] })).await;
    let taken = inbox.standin.next_message(SOON).await.unwrap();
    assert_eq!((taken.body.as_str(), taken.media.len()), ("Like this", 1));
    assert!(taken.sid.starts_with("MM"), "{}", taken.sid);
    let url = taken.media[0].clone();
    assert!(url.starts_with(&format!("{PUBLIC}/files/shared?")), "{url}");

    // The provider has it, with nothing of ours in its hand.
    let fetched = inbox.standin.fetched().find(SOON, |fetched| fetched.url == url).await.unwrap();
    assert_eq!((fetched.status, fetched.mime.as_deref()), (Some(200), Some("image/png")));
    assert_eq!(fetched.content.as_ref(), PIXEL);
    inbox.comes_to(&conversation, &sent, "delivered").await;

    let here = |url: &str| url.replace(PUBLIC, &inbox.app.url(""));
    let get = async |url: &str| inbox.app.client.get(here(url)).send().await.unwrap();
    let head = inbox.app.client.head(here(&url)).send().await.unwrap();
    assert_eq!(
        (head.status(), &head.headers()["content-length"]),
        (StatusCode::OK, &PIXEL.len().to_string().parse().unwrap())
    );

    // Every letter of it counts, and so does every further one.
    let query = url.split_once('?').unwrap().1;
    let parts: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    for place in 0..parts.len() {
        let mut forged = parts.clone();
        let value = &mut forged[place].1;
        let last = value.pop().unwrap();
        value.push(if last == '1' { '2' } else { '1' });
        let forged = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&forged).finish();
        let refused = get(&format!("{PUBLIC}/files/shared?{forged}")).await;
        assert_eq!(refused.status(), StatusCode::NOT_FOUND, "{forged}");
        assert_ne!(refused.bytes().await.unwrap().as_ref(), PIXEL);
    }
    for wrong in [String::new(), format!("{query}&use=save"), query.replace("signature=", "signature=AA")] {
        assert_eq!(get(&format!("{PUBLIC}/files/shared?{wrong}")).await.status(), StatusCode::NOT_FOUND, "{wrong}");
    }

    // The same link after its end, and one that ends in a moment.
    let secret = inbox.app.state.keys.hash_opaque("shared-files");
    let key = parts.iter().find(|(name, _)| name == "blob").unwrap().1.parse().unwrap();
    let signed = |ends| link::sign(&secret, &Link { key, ends, name: "boat.png".to_owned(), wanted: Use::Shown });
    let (past, soon) = (Utc::now() - TimeDelta::seconds(1), Utc::now() + TimeDelta::hours(1));
    assert_eq!(get(&format!("{PUBLIC}/files/shared?{}", signed(soon))).await.status(), StatusCode::OK);
    let over = get(&format!("{PUBLIC}/files/shared?{}", signed(past))).await;
    assert_eq!(over.status(), StatusCode::GONE);
}

#[tokio::test]
async fn a_file_that_no_carrier_takes_is_refused_before_it_is_sent() {
    let inbox = Inbox::twilio(json!({})).await;
    inbox.standin.person_says("+15557650010", Said::text("Send it")).await.unwrap();
    let conversation = inbox.conversation().await;
    let file = inbox.upload("application/zip", "all.zip", b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0").await;
    let path = format!("/api/v1/conversations/{conversation}/messages");
    let refused = inbox.admin.post(&path, &json!({ "attachments": [file] })).await;
    let refused = crate::support::problem(refused).await;
    assert_eq!(
        (refused["status"].as_u64(), &refused["errors"][0]["field"]),
        (Some(422), &json!("attachments")),
        "{refused}"
    );
    assert!(inbox.standin.messages().is_empty());
}
