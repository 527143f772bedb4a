//! The people who call and write.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trunkline_db::{ContactId, TenantId};
use trunkline_journal::{Fault, Outcome};
use trunkline_people::{Evidence, Identity, Seen, resolve};
use uuid::Uuid;

use crate::calls::{Made, make_call, queue};
use crate::conversations::Desk;
use crate::platform::{ok, send};
use crate::support::{App, problem};

/// Somebody was met.
pub(crate) async fn meet(app: &App, tenant: TenantId, identities: Vec<Identity>, name: Option<&str>) -> ContactId {
    let seen = Seen {
        identities,
        name: name.map(str::to_owned),
        language: None,
        country: None,
        evidence: Evidence { by: "whatsapp".to_owned(), ..Evidence::default() },
        at: chrono::Utc::now(),
    };
    let committed = app.state.journal.command(tenant, move |tx| {
        let seen = seen.clone();
        Box::pin(async move {
            let resolved = resolve(tx, &seen).await?;
            Ok::<_, Fault<std::convert::Infallible>>(Outcome::new(resolved.contact).events(resolved.events))
        })
    });
    committed.await.unwrap().value
}

fn whatsapp(id: &str) -> Identity {
    Identity::WhatsappId(id.to_owned())
}

/// A conversation in writing, with a queue or for everybody.
async fn make_conversation(app: &App, contact: ContactId, queue: Option<Uuid>, at: &str) -> Uuid {
    let (account, id) = (Uuid::now_v7(), Uuid::now_v7());
    let mut tx = app.state.db.tenant(app.tenant).await.unwrap();
    sqlx::query(
        "INSERT INTO channel_accounts (tenant_id, id, type, name, settings, secrets_sealed) VALUES ($1, $2, 'whatsapp', 'Line', '{}', '')",
    )
    .bind(app.tenant)
    .bind(account)
    .execute(tx.conn())
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO conversations (tenant_id, id, channel, account_id, contact_id, address, queue_id, opened_at, last_at, preview)
         VALUES ($1, $2, 'whatsapp', $3, $4, '393331234567', $5, $6::timestamptz, $6::timestamptz, 'Hello')",
    )
    .bind(app.tenant)
    .bind(id)
    .bind(account)
    .bind(contact)
    .bind(queue)
    .bind(at.parse::<chrono::DateTime<chrono::Utc>>().unwrap())
    .execute(tx.conn())
    .await
    .unwrap();
    tx.commit().await.unwrap();
    id
}

fn names(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn people_are_listed_found_and_shown_with_the_evidence() {
    let app = App::start().await;
    let operator = app.operator().await;
    let bia = meet(&app, app.tenant, vec![whatsapp("553196883193")], Some("Bia Souza")).await;
    meet(&app, app.tenant, vec![Identity::TelegramId(7), Identity::Username("Anna_B".to_owned())], Some("Anna")).await;
    meet(&app, app.tenant, vec![Identity::Phone("+393339999999".to_owned())], None).await;

    let first = operator.get_json("/api/v1/contacts?limit=2").await;
    assert_eq!(names(&first), ["+393339999999", "Anna"]);
    let next = first["next_cursor"].as_str().unwrap();
    assert_eq!(names(&operator.get_json(&format!("/api/v1/contacts?limit=2&cursor={next}")).await), ["Bia Souza"]);
    // By a part of the name, by a number in any of its forms, by its beginning, by a user name; wildcards are letters.
    for (q, found) in [
        ("souza", "Bia Souza"),
        ("%2B55%2031%2099688-3193", "Bia Souza"),
        ("%2B5531968", "Bia Souza"),
        ("5531 9968", "Bia Souza"),
        ("%2B39333", "+393339999999"),
        ("@anna_b", "Anna"),
        ("%25", ""),
    ] {
        let page = operator.get_json(&format!("/api/v1/contacts?q={q}")).await;
        assert_eq!(names(&page).first().copied().unwrap_or_default(), found, "{q}");
    }
    assert_eq!(problem(operator.get(&format!("/api/v1/contacts?q={}", "x".repeat(101))).await).await["status"], 400);

    let shown = operator.get_json(&format!("/api/v1/contacts/{bia}")).await;
    let identities = shown["identities"].as_array().unwrap();
    let of = |kind: &str| identities.iter().find(|identity| identity["type"] == kind).unwrap();
    assert_eq!(of("whatsapp_id")["evidence"], "WhatsApp told it with a message");
    assert_eq!(of("whatsapp_id")["name"], "Bia Souza");
    assert_eq!((&of("phone")["value"], &of("phone")["shown"]), (&"+5531996883193".into(), &"+553196883193".into()));
    assert_eq!(of("phone")["evidence"], "it follows from the WhatsApp id, which is a number");
}

#[tokio::test]
async fn a_name_that_an_agent_gave_stays() {
    let app = App::start().await;
    let operator = app.operator().await;
    let anna = meet(&app, app.tenant, vec![whatsapp("393331234567")], Some("anna 🌸")).await;
    let path = format!("/api/v1/contacts/{anna}");
    let read = operator.get(&path).await;
    let tag = read.headers()["etag"].to_str().unwrap().to_owned();
    let change = |tag: &str, body: Value| {
        operator.request(Method::PATCH, &path).header("If-Match", tag.to_owned()).json(&body).send()
    };
    let changed = change(&tag, json!({ "name": " Anna  Berg ", "language": "pt-BR" })).await.unwrap();
    assert_eq!(changed.status(), StatusCode::OK);
    let changed: Value = changed.json().await.unwrap();
    assert_eq!((&changed["name"], &changed["named_by"]), (&"Anna Berg".into(), &"agent".into()));
    assert_eq!(change(&tag, json!({ "name": "Otto" })).await.unwrap().status(), StatusCode::PRECONDITION_FAILED);
    for (body, field) in [(json!({ "name": "\u{200b}" }), "name"), (json!({ "language": "no language" }), "language")] {
        let refused = problem(send(&operator, Method::PATCH, &path, &body).await).await;
        assert_eq!((refused["status"].as_u64(), &refused["errors"][0]["field"]), (Some(422), &field.into()));
    }
    meet(&app, app.tenant, vec![whatsapp("393331234567")], Some("annie")).await;
    assert_eq!(operator.get_json(&path).await["name"], "Anna Berg");
    let events = operator.get_json("/api/v1/events?kinds=contact.created,contact.updated").await;
    let changed: Vec<&Value> = events["items"].as_array().unwrap().iter().map(|one| &one["data"]["changed"]).collect();
    assert_eq!(changed, [&Value::Null, &json!(["name"]), &json!(["language"])]);
    let audit = app.admin().await.get_json("/api/v1/audit?action=contact.updated").await;
    assert_eq!(audit["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn two_are_merged_on_a_suggestion_and_taken_apart_again() {
    let app = App::start().await;
    let operator = app.operator().await;
    let caller = meet(&app, app.tenant, vec![Identity::Phone("+393331234567".to_owned())], None).await;
    let writer = meet(&app, app.tenant, vec![Identity::TelegramId(7)], Some("Anna")).await;
    // Somebody of ours knows Anna's number: it is the caller's.
    let path = format!("/api/v1/contacts/{writer}/identities");
    let number = json!({ "type": "phone", "value": "+39 333 1234567" });
    let taken = problem(operator.post(&path, &number).await).await;
    assert_eq!((taken["status"].as_u64(), &taken["code"]), (Some(409), &"identity-taken".into()));
    let suggestions = operator.get_json("/api/v1/merge-suggestions").await;
    let suggestion = &suggestions["items"][0];
    assert_eq!(suggestion["proof"], json!(["both have the number +393331234567"]));
    assert_eq!(suggestions["items"].as_array().unwrap().len(), 1);

    let accept = format!("/api/v1/merge-suggestions/{}/accept", suggestion["id"].as_str().unwrap());
    let key = "accept-once";
    let once = || operator.request(Method::POST, &accept).header("Idempotency-Key", key).send();
    let merged = once().await.unwrap();
    assert_eq!(merged.status(), StatusCode::CREATED);
    let merged: Value = merged.json().await.unwrap();
    assert_eq!(merged["contact"]["name"], "Anna", "a name stands before a number");
    assert_eq!(merged["contact"]["contact_ids"].as_array().unwrap().len(), 2);
    assert_eq!(once().await.unwrap().json::<Value>().await.unwrap(), merged, "the same answer again");
    assert_eq!(problem(operator.post(&accept, &json!({})).await).await["code"], "decided");
    assert_eq!(operator.get_json(&format!("/api/v1/contacts/{caller}")).await["id"], writer.to_string());
    assert_eq!(names(&operator.get_json("/api/v1/contacts").await), ["Anna"]);
    assert_eq!(names(&operator.get_json("/api/v1/contacts?q=%2B39333").await), ["Anna"]);

    let undo = format!("/api/v1/contact-merges/{}/undo", merged["merge_id"].as_str().unwrap());
    let apart = ok(operator.post(&undo, &json!({})).await).await;
    assert_eq!((&apart["contact"]["id"], &apart["other"]["id"]), (&json!(writer), &json!(caller)));
    assert_eq!(problem(operator.post(&undo, &json!({})).await).await["code"], "already-so");
    assert_eq!(names(&operator.get_json("/api/v1/contacts").await), ["+393331234567", "Anna"]);
    assert!(operator.get_json("/api/v1/merge-suggestions").await["items"].as_array().unwrap().is_empty());

    // By hand, with a reason; a ring is none.
    let by_hand = format!("/api/v1/contacts/{caller}/merge");
    let merged = ok(operator.post(&by_hand, &json!({ "with": writer, "proof": "she said so" })).await).await;
    assert_eq!(merged["contact"]["merges"][0]["proof"], json!(["somebody of ours says so: “she said so”"]));
    let ring = operator.post(&format!("/api/v1/contacts/{writer}/merge"), &json!({ "with": caller })).await;
    assert_eq!(problem(ring).await["code"], "already-so");
    let kinds = operator.get_json("/api/v1/events?kinds=contact.merged,contact.unmerged,contact.merge_suggested").await;
    let kinds: Vec<&str> =
        kinds["items"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["contact.merge_suggested", "contact.merged", "contact.unmerged", "contact.merged"]);
}

#[tokio::test]
async fn a_suggestion_that_is_wrong_is_not_made_again() {
    let app = App::start().await;
    let operator = app.operator().await;
    meet(&app, app.tenant, vec![Identity::Phone("+393331234567".to_owned())], None).await;
    meet(&app, app.tenant, vec![Identity::TelegramId(7)], Some("Anna")).await;
    let both = vec![Identity::TelegramId(7), Identity::Phone("+393331234567".to_owned())];
    meet(&app, app.tenant, both.clone(), Some("Anna")).await;
    let suggestions = operator.get_json("/api/v1/merge-suggestions").await;
    let path = format!("/api/v1/merge-suggestions/{}/dismiss", suggestions["items"][0]["id"].as_str().unwrap());
    assert_eq!(ok(operator.post(&path, &json!({})).await).await["state"], "dismissed");
    meet(&app, app.tenant, both, Some("Anna")).await;
    assert_eq!(operator.get_json("/api/v1/merge-suggestions").await["items"], json!([]));
}

#[tokio::test]
async fn who_is_blocked_is_not_let_in_by_phone_either() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let anna = meet(&app, app.tenant, vec![whatsapp("12125550123")], Some("Anna")).await;
    let blocked = ok(operator.post(&format!("/api/v1/contacts/{anna}/block"), &json!({})).await).await;
    assert_eq!(blocked["blocked_by"], json!(operator.id));
    let marks = admin.get_json("/api/v1/caller-marks").await;
    assert_eq!((&marks["items"][0]["number"], &marks["items"][0]["mark"]), (&"+12125550123".into(), &"blocked".into()));
    let again = ok(operator.post(&format!("/api/v1/contacts/{anna}/block"), &json!({})).await).await;
    assert_eq!(again, blocked);
    let heard = ok(operator.post(&format!("/api/v1/contacts/{anna}/unblock"), &json!({})).await).await;
    assert_eq!(heard["blocked_at"], Value::Null);
    assert_eq!(admin.get_json("/api/v1/caller-marks").await["items"], json!([]));
    let kinds = operator.get_json("/api/v1/events?kinds=contact.blocked,contact.unblocked").await;
    assert_eq!(kinds["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_who_is_blocked_has_to_say_is_out_of_the_way_and_comes_back_with_them() {
    let desk = Desk::open().await;
    let id = desk.hear(1, "Buy now").await;
    let contact = desk.admin.get_json(&format!("/api/v1/conversations/{id}")).await["contact"]["id"].clone();
    let act = |what: &str| format!("/api/v1/contacts/{}/{what}", contact.as_str().unwrap());
    ok(desk.operator.post(&act("block"), &json!({})).await).await;
    desk.hear_quietly(2, "Buy more").await;
    let listed = async |query: &str| {
        let list = desk.operator.get_json(&format!("/api/v1/conversations?{query}")).await;
        list["items"].as_array().unwrap().len()
    };
    assert_eq!((listed("state=open").await, listed("state=all&spam=true").await), (0, 1));
    ok(desk.operator.post(&act("unblock"), &json!({})).await).await;
    assert_eq!((listed("state=open").await, listed("state=all&spam=true").await), (1, 0));
}

#[tokio::test]
async fn an_identity_is_given_and_taken() {
    let app = App::start().await;
    let operator = app.operator().await;
    let anna = meet(&app, app.tenant, vec![Identity::TelegramId(7)], Some("Anna")).await;
    let path = format!("/api/v1/contacts/{anna}/identities");
    let given = operator.post(&path, &json!({ "type": "email", "value": "Anna@Example.org" })).await;
    assert_eq!(given.status(), StatusCode::CREATED);
    let given: Value = given.json().await.unwrap();
    let email = given["identities"].as_array().unwrap().iter().find(|one| one["type"] == "email").unwrap();
    assert_eq!(email["value"], "anna@example.org");
    assert_eq!(email["evidence_data"]["user_id"], json!(operator.id));
    let refused = problem(operator.post(&path, &json!({ "type": "email", "value": "nobody" })).await).await;
    assert_eq!((refused["status"].as_u64(), &refused["errors"][0]["field"]), (Some(422), &"value".into()));
    let theirs = format!("{path}/{}", email["id"].as_str().unwrap());
    assert_eq!(operator.request(Method::DELETE, &theirs).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(operator.request(Method::DELETE, &theirs).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    let shown = operator.get_json(&format!("/api/v1/contacts/{anna}")).await;
    let ended = shown["identities"].as_array().unwrap().iter().find(|one| one["type"] == "email").unwrap();
    assert!(ended["ended_at"].is_string(), "it is kept as evidence");
}

#[tokio::test]
async fn the_timeline_has_what_one_may_see_of_calls_and_conversations() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let colleague = app.sign_in("operator2@demo.test").await;
    let sales = queue(&operator, "sales").await;
    let anna = meet(&app, app.tenant, vec![whatsapp("393331234567")], Some("Anna")).await;
    let other = meet(&app, app.tenant, vec![Identity::TelegramId(7)], Some("Anna T.")).await;
    let theirs = make_conversation(&app, anna, Some(sales.uuid()), "2026-11-20T09:00:00Z").await;
    let open = make_conversation(&app, other, None, "2026-11-20T11:00:00Z").await;
    let call = make_call(&app, Made { from: "+393331234567", agent: Some(colleague.id), ..Made::default() }).await;
    make_call(&app, Made { from: "+3933312345678", ..Made::default() }).await;
    ok(admin.post(&format!("/api/v1/contacts/{anna}/merge"), &json!({ "with": other })).await).await;

    let path = format!("/api/v1/contacts/{other}/timeline");
    let ids = |page: &Value| -> Vec<String> {
        let id = |item: &Value| item[item["type"].as_str().unwrap()]["id"].as_str().unwrap().to_owned();
        page["items"].as_array().unwrap().iter().map(id).collect()
    };
    let all = admin.get_json(&path).await;
    assert_eq!(ids(&all), [open.to_string(), call.to_string(), theirs.to_string()]);
    assert_eq!((&all["items"][1]["type"], &all["items"][1]["call"]["from"]), (&"call".into(), &"+393331234567".into()));
    let mut paged = Vec::new();
    let mut next = admin.get_json(&format!("{path}?limit=1")).await;
    loop {
        paged.extend(ids(&next));
        let Some(cursor) = next["next_cursor"].as_str() else { break };
        next = admin.get_json(&format!("{path}?limit=1&cursor={cursor}")).await;
    }
    assert_eq!(paged, ids(&all));
    // Another's call is out of the operator's sight.
    assert_eq!(ids(&operator.get_json(&path).await), [open.to_string(), theirs.to_string()]);
}

#[tokio::test]
async fn another_tenants_people_are_nobody() {
    let app = App::start().await;
    let (tenant, stranger) = app.other_tenant().await;
    let told = vec![Identity::Phone("+393331234567".to_owned())];
    let anna = meet(&app, app.tenant, told.clone(), Some("Anna")).await;
    let theirs = meet(&app, tenant, told, Some("Anna elsewhere")).await;
    assert_eq!(names(&stranger.get_json("/api/v1/contacts").await), ["Anna elsewhere"]);
    assert_eq!(names(&stranger.get_json("/api/v1/contacts?q=anna").await), ["Anna elsewhere"]);
    assert_eq!(names(&stranger.get_json("/api/v1/contacts?q=%2B39333").await), ["Anna elsewhere"]);
    let merge = stranger.post(&format!("/api/v1/contacts/{theirs}/merge"), &json!({ "with": anna })).await;
    assert_eq!(problem(merge).await["status"], 404);
    assert_eq!(problem(stranger.get(&format!("/api/v1/contacts/{anna}/timeline")).await).await["status"], 404);
}
