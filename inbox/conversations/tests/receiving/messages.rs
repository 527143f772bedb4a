//! Messages of every kind, and what is said of them afterwards.

use serde_json::{Value, json};
use trunkline_channels::model::{
    By, Card, Content, Identity, Media, MediaAt, MediaSort, OrderItem, Party, Referral, What,
};
use trunkline_conversations::{Channel, Shown};
use trunkline_people::{Evidence, Seen, resolve};

use crate::support::{World, ada, address, came, echoed, id, kinds, message, minute, said, text, told, us};

const TG: Channel = Channel::Telegram;
const WA: Channel = Channel::Whatsapp;

fn photo(at: MediaAt, caption: &str) -> Content {
    Content::Media(Media {
        sort: MediaSort::Image,
        at,
        mime: Some("image/jpeg".to_owned()),
        file_name: None,
        caption: Some(caption.to_owned()),
        size: Some(1_000),
        seconds: None,
        sha256: Some("ab".repeat(32)),
    })
}

#[tokio::test]
async fn a_first_message_makes_a_contact_a_conversation_and_a_message() {
    let world = World::telegram().await;
    let received = world.tell(said(TG, 1, "Hello,\nis anybody there?")).await;
    assert_eq!(kinds(&received), ["contact.created", "conversation.opened", "message.received"]);
    assert_eq!(received.shown, Shown::Applied);
    let row = world.conversation().await;
    assert_eq!((row["state"].as_str(), row["address"].as_str()), (Some("open"), Some("7")));
    assert_eq!((row["preview"].as_str(), row["messages"].as_i64()), (Some("Hello, is anybody there?"), Some(1)));
    for time in ["waiting_since", "last_in_at", "last_at", "opened_at"] {
        assert_eq!(row[time].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap(), minute(1), "{time}");
    }
    let told = &received.events[2];
    assert_eq!(told.data["conversation"]["contact"]["name"], "Ada");
    assert_eq!(told.data["conversation"]["version"], row["version"]);
    assert_eq!(told.data["preview"], "Hello, is anybody there?");
    assert_eq!(told.data.get("quiet"), None);
    assert_eq!(told.actor.as_ref().unwrap().kind, "contact");
    let usage = world.one("SELECT sum(messages) AS n FROM tenant_usage").await;
    assert_eq!(usage["n"], 1);
}

#[tokio::test]
async fn the_same_told_again_changes_nothing() {
    let world = World::telegram().await;
    world.tell(said(TG, 1, "Hello")).await;
    let before = world.conversation().await;
    let again = world.tell(said(TG, 1, "Hello")).await;
    assert_eq!((again.events.len(), again.shown), (0, Shown::Applied));
    // The same message under another key, as the history brings it.
    let mut other = said(TG, 1, "Hello");
    other.key = "history:1".to_owned();
    assert!(world.tell(other).await.events.is_empty());
    assert_eq!(world.conversation().await, before);
    assert_eq!(world.all("SELECT 1 FROM messages").await.len(), 1);
}

#[tokio::test]
async fn who_sends_a_card_of_their_own_may_be_whom_it_names() {
    let world = World::telegram().await;
    let card = |name: &str| Content::Contacts {
        cards: vec![Card {
            name: name.to_owned(),
            phones: vec!["+12125550111".to_owned()],
            emails: vec![],
            organisation: None,
        }],
    };
    let caller = Seen {
        identities: vec![Identity::Phone("+12125550111".to_owned())],
        name: None,
        language: None,
        country: None,
        evidence: Evidence { by: "call".to_owned(), account_id: None, call_id: None, user_id: None, text: None },
        at: minute(0),
    };
    let mut tx = world.db.tenant(world.account.tenant).await.unwrap();
    resolve(&mut tx, &caller).await.unwrap();
    tx.commit().await.unwrap();
    let received = world.tell(came(1, message(TG, 1, By::Customer, card("Bob")))).await;
    assert!(!kinds(&received).contains(&"contact.merge_suggested"), "somebody else's card");
    let received = world.tell(came(2, message(TG, 2, By::Customer, card("Ada")))).await;
    assert!(kinds(&received).contains(&"contact.merge_suggested"), "{:?}", kinds(&received));
}

#[tokio::test]
async fn every_kind_of_content_is_kept_and_has_its_line() {
    let world = World::telegram().await;
    let card = Card {
        name: "Bob".to_owned(),
        phones: vec!["+15550111".to_owned()],
        emails: vec![],
        organisation: Some("Acme".to_owned()),
    };
    let item = OrderItem { product: "mug".to_owned(), quantity: 2.0, price: 4.5, currency: "EUR".to_owned() };
    let contents = [
        (text("plain"), "text", "plain"),
        (photo(MediaAt::Id("F1".to_owned()), "look"), "media", "look"),
        (
            Content::Location { latitude: 1.5, longitude: 2.5, name: Some("Home".to_owned()), address: None },
            "location",
            "Home",
        ),
        (Content::Contacts { cards: vec![card] }, "contacts", "Bob"),
        (Content::Choice { title: "Yes".to_owned(), payload: "y".to_owned() }, "choice", "Yes"),
        (Content::Form { name: Some("Booking".to_owned()), answers: json!({"day": "Monday"}) }, "form", "Booking"),
        (Content::Order { items: vec![item], note: None, catalogue: None }, "order", "mug"),
        (Content::Command { name: "price".to_owned(), argument: "mug".to_owned() }, "command", "/price mug"),
        (Content::Notice { what: "dice".to_owned(), text: "🎲 6".to_owned() }, "notice", "🎲 6"),
        (Content::Template { name: Some("hello".to_owned()), text: Some("Hi Ada".to_owned()) }, "template", "Hi Ada"),
    ];
    for (n, (content, kind, preview)) in contents.into_iter().enumerate() {
        let n = u32::try_from(n).unwrap() + 1;
        let received = world.tell(came(i64::from(n), message(TG, n, By::Customer, content))).await;
        assert!(kinds(&received).contains(&"message.received"), "{kind}");
        let row = world.conversation().await;
        assert_eq!((row["preview_kind"].as_str(), row["preview"].as_str()), (Some(kind), Some(preview)));
    }
    let kept = world.all("SELECT kind, content FROM messages ORDER BY at").await;
    assert_eq!(kept[5]["content"]["answers"], json!({"day": "Monday"}));
    assert_eq!(kept[6]["content"]["items"][0]["price"], 4.5);
    assert_eq!(kept[4]["content"], json!({"title": "Yes", "payload": "y"}));
}

#[tokio::test]
async fn a_file_is_wanted_and_fetched_by_a_job() {
    let world = World::telegram().await;
    world.tell(came(1, message(TG, 1, By::Customer, photo(MediaAt::Id("F1".to_owned()), "")))).await;
    world.tell(came(2, message(TG, 2, By::Customer, photo(MediaAt::Gone, "")))).await;
    let files = world.all("SELECT state, sort, source, declared_mime, bytes FROM attachments ORDER BY id").await;
    let source = json!({"by": "id", "value": "F1", "sha256": "ab".repeat(32), "size": 1000});
    assert_eq!(
        files[0],
        json!({"state": "wanted", "sort": "image", "source": source, "declared_mime": "image/jpeg", "bytes": null})
    );
    assert_eq!((&files[1]["state"], &files[1]["source"]), (&json!("gone"), &Value::Null));
    assert_eq!(world.jobs("media.fetch").await, 1);
}

#[tokio::test]
async fn an_album_keeps_together_and_a_referral_is_told() {
    let world = World::telegram().await;
    for n in 1..=3 {
        let mut one =
            message(TG, n, By::Customer, photo(MediaAt::Id(format!("F{n}")), if n == 1 { "three" } else { "" }));
        one.album = Some("A1".to_owned());
        one.forwarded = n == 1;
        one.referral =
            Some(Referral { url: None, title: Some("Ad".to_owned()), body: None, source: Some("9".to_owned()) });
        world.tell(came(1, one)).await;
    }
    let rows = world.all("SELECT album, forwarded, content FROM messages ORDER BY id").await;
    assert!(rows.iter().all(|row| row["album"] == "A1"));
    assert_eq!((&rows[0]["forwarded"], &rows[1]["forwarded"]), (&json!(true), &json!(false)));
    assert_eq!(rows[0]["content"]["referral"], json!({"title": "Ad", "source": "9"}));
}

#[tokio::test]
async fn what_was_written_in_the_providers_app_is_ours_and_wakes_nobody() {
    let world = World::whatsapp().await;
    let received = world.tell(echoed(WA, 1, "We are here")).await;
    assert_eq!(kinds(&received), ["contact.created", "conversation.opened", "message.sent"]);
    assert_eq!(received.events[2].data["quiet"], true);
    let row = world.conversation().await;
    assert_eq!((row["state"].as_str(), row["waiting_since"].as_str()), (Some("resolved"), None));
    let line = world.one("SELECT direction, author_type, state FROM messages").await;
    assert_eq!(line, json!({"direction": "out", "author_type": "app", "state": "sent"}));
    // The contact is the customer, not our own number.
    let who = world.one("SELECT string_agg(value, ' ' ORDER BY value) AS who FROM contact_identities").await;
    assert_eq!(who["who"], "+14155550107 14155550107");

    let received = world.tell(said(WA, 2, "Good")).await;
    assert!(kinds(&received).contains(&"conversation.reopened"), "{:?}", kinds(&received));
    assert_eq!(world.conversation().await["state"], "open");
    let received = world.tell(echoed(WA, 3, "How can we help?")).await;
    assert_eq!(kinds(&received), ["message.sent"]);
    let row = world.conversation().await;
    assert_eq!((&row["state"], &row["waiting_since"]), (&json!("open"), &Value::Null));
    let at = |name: &str| row[name].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!((at("first_reply_at"), at("last_out_at")), (minute(1), minute(3)));
}

#[tokio::test]
async fn a_bot_in_a_group_wakes_nobody_and_one_for_a_business_is_ours() {
    let world = World::telegram().await;
    let mut robot = message(TG, 1, By::Bot, text("beep"));
    (robot.chat.0, robot.id.0, robot.title) = ("-5".to_owned(), "-5/1".to_owned(), Some("Board".to_owned()));
    world.tell(came(1, robot)).await;
    let mut ours = message(TG, 2, By::Bot, text("We open at nine"));
    (ours.chat.0, ours.id.0) = ("7@Biz".to_owned(), "7@Biz/2".to_owned());
    world.tell(came(2, ours)).await;
    let rows = world.all("SELECT m.direction, m.author_type, c.state FROM messages m JOIN conversations c ON c.id = m.conversation_id ORDER BY m.at");
    assert_eq!(
        rows.await,
        [
            json!({"direction": "in", "author_type": "bot", "state": "resolved"}),
            json!({"direction": "out", "author_type": "bot", "state": "resolved"}),
        ]
    );
}

#[tokio::test]
async fn the_history_is_shown_and_opens_nothing() {
    let world = World::whatsapp().await;
    let mut old = message(WA, 1, By::Customer, text("long ago"));
    old.history = true;
    let received = world.tell(came(1, old)).await;
    assert_eq!(received.events.last().unwrap().data["quiet"], true);
    let row = world.conversation().await;
    assert_eq!(
        (&row["state"], &row["waiting_since"], &row["last_in_at"]),
        (&json!("resolved"), &Value::Null, &Value::Null)
    );
    assert_eq!(world.one("SELECT history FROM messages").await["history"], true);
    assert_eq!(world.all("SELECT 1 FROM tenant_usage").await.len(), 0);
}

#[tokio::test]
async fn the_historys_file_takes_the_place_of_its_line() {
    let world = World::whatsapp().await;
    let mut line = message(WA, 1, By::Customer, photo(MediaAt::Gone, ""));
    line.history = true;
    let mut placeholder = came(1, line.clone());
    placeholder.key = "placeholder:1".to_owned();
    line.content = photo(MediaAt::Id("M1".to_owned()), "the roof");
    let file = came(1, line);
    world.tell(placeholder.clone()).await;
    world.tell(file).await;
    placeholder.key = "placeholder:again".to_owned();
    world.tell(placeholder).await;
    let row = world.one("SELECT m.text, a.state FROM messages m JOIN attachments a ON a.message_id = m.id").await;
    assert_eq!(row, json!({"text": "the roof", "state": "wanted"}));
    assert_eq!(world.jobs("media.fetch").await, 1);
}

#[tokio::test]
async fn an_edit_changes_the_text_and_the_list() {
    let world = World::telegram().await;
    world.tell(said(TG, 1, "helo")).await;
    let edit = |minutes, words: &str| {
        told(
            minutes,
            &format!("edit{minutes}"),
            What::Edited { message: id(TG, 1), chat: address(TG), content: text(words) },
        )
    };
    let received = world.tell(edit(3, "hello")).await;
    assert_eq!(kinds(&received), ["message.edited"]);
    assert!(world.tell(edit(2, "hallo")).await.events.is_empty(), "an older edit comes late");
    let row = world.one("SELECT text, edited_at IS NOT NULL AS edited FROM messages").await;
    assert_eq!(row, json!({"text": "hello", "edited": true}));
    assert_eq!(world.conversation().await["preview"], "hello");
}

#[tokio::test]
async fn an_edit_with_another_picture_fetches_that_one() {
    let world = World::telegram().await;
    world.tell(came(1, message(TG, 1, By::Customer, photo(MediaAt::Id("F1".to_owned()), "one")))).await;
    for (minutes, file) in [(2, "F1"), (3, "F2")] {
        let content = photo(MediaAt::Id(file.to_owned()), "two");
        let what = What::Edited { message: id(TG, 1), chat: address(TG), content };
        world.tell(told(minutes, &format!("edit{minutes}"), what)).await;
    }
    let files =
        world.all("SELECT source->>'value' AS file, message_id IS NULL AS loose FROM attachments ORDER BY id").await;
    assert_eq!(files, [json!({"file": "F1", "loose": true}), json!({"file": "F2", "loose": false})]);
}

#[tokio::test]
async fn what_was_taken_back_is_marked_and_leaves_the_list() {
    let world = World::telegram().await;
    world.tell(said(TG, 1, "oops")).await;
    let what = What::Deleted { messages: vec![id(TG, 1), id(TG, 5)], chat: address(TG) };
    let received = world.tell(told(2, "del", what)).await;
    assert_eq!(kinds(&received), ["message.deleted"]);
    assert!(!received.events[0].data.to_string().contains("oops"), "{}", received.events[0].data);
    let row = world.conversation().await;
    assert_eq!((&row["preview"], &row["preview_kind"]), (&json!(""), &json!("deleted")));
    // The other one comes later, and was taken back before.
    let received = world.tell(said(TG, 5, "oops again")).await;
    assert!(kinds(&received).contains(&"message.deleted"));
    assert_eq!(world.all("SELECT 1 FROM messages WHERE deleted_at IS NOT NULL").await.len(), 2);
    assert_eq!(world.all("SELECT 1 FROM inbound_waiting").await.len(), 0);
}

#[tokio::test]
async fn reactions_are_ones_own_and_the_last_counts() {
    let world = World::whatsapp().await;
    world.tell(said(WA, 1, "hi")).await;
    let react = |minutes, from: Option<Party>, emoji: &[&str]| {
        let emoji = emoji.iter().map(|one| (*one).to_owned()).collect();
        told(minutes, &format!("r{minutes}"), What::Reacted { message: id(WA, 1), from, chat: address(WA), emoji })
    };
    assert_eq!(kinds(&world.tell(react(3, Some(ada(WA)), &["👍"])).await), ["message.reacted"]);
    world.tell(react(4, Some(us(WA)), &["❤️"])).await;
    assert!(world.tell(react(2, Some(ada(WA)), &["👎"])).await.events.is_empty(), "an older one comes late");
    let marks = world.one("SELECT reactions FROM messages").await["reactions"].clone();
    let short: Vec<_> =
        marks.as_array().unwrap().iter().map(|mark| (mark["by"].clone(), mark["emoji"].clone())).collect();
    assert_eq!(short, [(json!("contact"), json!(["👍"])), (json!("us"), json!(["❤️"]))]);
    world.tell(react(5, Some(ada(WA)), &[])).await;
    assert_eq!(world.one("SELECT reactions FROM messages").await["reactions"][0]["emoji"], json!([]));
    assert_eq!(world.all("SELECT 1 FROM contacts").await.len(), 1, "our own number is no contact");
}

#[tokio::test]
async fn an_answer_finds_its_question_in_either_order() {
    let world = World::telegram().await;
    let mut answer = message(TG, 2, By::Customer, text("to that"));
    answer.reply_to = Some(id(TG, 1));
    world.tell(came(2, answer)).await;
    assert_eq!(world.one("SELECT reply_to FROM messages").await["reply_to"], Value::Null);
    world.tell(said(TG, 1, "question")).await;
    let mut later = message(TG, 3, By::Customer, text("and that"));
    later.reply_to = Some(id(TG, 1));
    world.tell(came(3, later)).await;
    let rows = world.all("SELECT q.text FROM messages m LEFT JOIN messages q ON q.id = m.reply_to ORDER BY m.at").await;
    assert_eq!(rows, [json!({"text": null}), json!({"text": "question"}), json!({"text": "question"})]);
}

#[tokio::test]
async fn what_is_not_known_is_kept_raw_and_shown_in_its_chat() {
    let world = World::telegram().await;
    let unsupported =
        |chat, from| What::Unsupported { what: "hologram".to_owned(), from, chat, raw: json!({"a": [1, "b\0"]}) };
    let shown = world.tell(told(1, "u1", unsupported(Some(address(TG)), Some(ada(TG))))).await;
    assert_eq!(shown.shown, Shown::Unsupported);
    assert!(kinds(&shown).contains(&"message.received"));
    let row = world.one("SELECT kind, content FROM messages").await;
    assert_eq!(row, json!({"kind": "unsupported", "content": {"what": "hologram", "raw": {"a": [1, "b"]}}}));
    let nowhere = world.tell(told(2, "u2", unsupported(None, None))).await;
    assert_eq!((nowhere.shown, nowhere.events.len()), (Shown::Unsupported, 0));
    let ignored = world.tell(told(3, "i", What::Ignored { what: "poll".to_owned() })).await;
    assert_eq!((ignored.shown, ignored.events.len()), (Shown::Ignored, 0));
}

#[tokio::test]
async fn a_group_is_one_conversation_in_which_many_speak() {
    let world = World::telegram().await;
    for (n, who) in [(1, 7), (2, 8), (3, 7)] {
        let mut line = message(TG, n, By::Customer, text("hi"));
        line.from =
            Party { identities: vec![Identity::TelegramId(who)], name: Some(format!("U{who}")), language: None };
        (line.chat.0, line.id.0, line.title) = ("-5".to_owned(), format!("-5/{n}"), Some("Board".to_owned()));
        world.tell(came(i64::from(n), line)).await;
    }
    let row = world
        .one("SELECT c.title, k.display_name, c.messages FROM conversations c JOIN contacts k ON k.id = c.contact_id")
        .await;
    assert_eq!(row, json!({"title": "Board", "display_name": "Board", "messages": 3}));
    let names = world.all("SELECT author_name FROM messages ORDER BY at").await;
    assert_eq!(names.iter().map(|row| row["author_name"].as_str().unwrap()).collect::<Vec<_>>(), ["U7", "U8", "U7"]);
    assert_eq!(world.all("SELECT DISTINCT author_id FROM messages").await.len(), 2);
}
