//! Whom a tenant calls: rules, the do-not-call list, marked callers, and what would become of a call.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{App, User, problem};

const ROME: &str = "+390644121234";

async fn set_rules(user: &User, rules: &Value) -> Value {
    let set = user.request(Method::PUT, "/api/v1/dialing").json(rules).send().await.unwrap();
    assert_eq!(set.status(), StatusCode::OK);
    set.json().await.unwrap()
}

async fn check(user: &User, to: &str) -> Value {
    let answer = user.post("/api/v1/dialing/check", &json!({ "to": to })).await;
    assert_eq!(answer.status(), StatusCode::OK, "{to}");
    answer.json().await.unwrap()
}

async fn mark(user: &User, number: &str, body: &Value) -> reqwest::Response {
    let path = format!("/api/v1/caller-marks/{}", number.replace('+', "%2B"));
    user.request(Method::PUT, &path).json(body).send().await.unwrap()
}

#[tokio::test]
async fn without_rules_the_country_of_the_own_numbers_may_be_called() {
    let app = App::start().await;
    let admin = app.admin().await;
    let rules = admin.get_json("/api/v1/dialing").await;
    assert_eq!((&rules["is_set"], &rules["rules"]["country"]), (&false.into(), &"US".into()));
    assert_eq!(rules["numbers"], json!(["+15550100", "+15550101"]));
    let operator = app.operator().await;
    let allowed = check(&operator, "(212) 555-0123").await;
    assert_eq!((&allowed["allowed"], &allowed["number"]), (&true.into(), &"+12125550123".into()));
    let denied = check(&operator, ROME).await;
    assert_eq!(
        (&denied["allowed"], &denied["rule"], &denied["country"]),
        (&false.into(), &"country".into(), &"IT".into())
    );
    assert!(denied["words"].as_str().unwrap().contains("IT"), "{denied}");
    // A tenant without a number has no country, and calls nobody.
    let (_, stranger) = app.other_tenant().await;
    assert_eq!(stranger.get_json("/api/v1/dialing").await["rules"], Value::Null);
    assert_eq!(check(&stranger, "112").await["rule"], "not_set_up");
}

#[tokio::test]
async fn rules_are_set_by_admins_and_kept_with_who_set_them() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let rules = json!({
        "country": "IT", "countries": ["GB"], "caller_id": "+15550100",
        "prefixes": [{ "prefix": "+4474", "allow": false, "note": "mobile phones" }],
    });
    let refused = operator.request(Method::PUT, "/api/v1/dialing").json(&rules).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(operator.get("/api/v1/dialing").await.status(), StatusCode::FORBIDDEN);
    let set = set_rules(&admin, &rules).await;
    assert_eq!((&set["is_set"], &set["rules"]["caps"]["concurrent"]), (&true.into(), &30.into()));
    let rome = check(&operator, "06 44121234").await;
    assert_eq!((&rome["number"], &rome["caller_id"]), (&ROME.into(), &"+15550100".into()));
    assert_eq!(check(&operator, "+442079460958").await["allowed"], true);
    assert_eq!(check(&operator, "+447400123456").await["rule"], "prefix");
    let audit = admin.get_json("/api/v1/audit?action=dialing.updated").await;
    assert_eq!(audit["items"][0]["after"]["country"], "IT", "{audit}");
    let events = admin.get_json("/api/v1/events").await;
    assert!(events["items"].as_array().unwrap().iter().any(|event| event["kind"] == "dialing.updated"), "{events}");
}

#[tokio::test]
async fn rules_that_do_not_fit_are_named() {
    let app = App::start().await;
    let admin = app.admin().await;
    for (rules, field) in [
        (json!({ "country": "IT", "caller_id": "+390611111111" }), "caller_id"),
        (json!({ "country": "IT", "prefixes": [{ "prefix": "39x", "allow": true }] }), "prefixes.0.prefix"),
        (
            json!({ "country": "IT", "queue_caller_ids": [{ "queue_id": uuid::Uuid::now_v7(), "number": "+15550100" }] }),
            "queue_caller_ids",
        ),
    ] {
        let refused = problem(admin.request(Method::PUT, "/api/v1/dialing").json(&rules).send().await.unwrap()).await;
        assert_eq!((&refused["status"], &refused["errors"][0]["field"]), (&422.into(), &field.into()), "{refused}");
    }
    for rules in [json!({ "country": "ZZ" }), json!({}), json!({ "country": "IT", "premium": true })] {
        let refused = admin.request(Method::PUT, "/api/v1/dialing").json(&rules).send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{rules}");
    }
    // Who saw older rules does not overwrite newer ones.
    let first = admin.request(Method::PUT, "/api/v1/dialing").json(&json!({ "country": "IT" })).send().await.unwrap();
    let seen = first.headers()["etag"].clone();
    set_rules(&admin, &json!({ "country": "FR" })).await;
    let late = admin.request(Method::PUT, "/api/v1/dialing").header("if-match", seen);
    assert_eq!(late.json(&json!({ "country": "DE" })).send().await.unwrap().status(), StatusCode::PRECONDITION_FAILED);
}

#[tokio::test]
async fn nobody_on_the_do_not_call_list_is_called() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    set_rules(&admin, &json!({ "country": "IT" })).await;
    let refused = operator.post("/api/v1/dnc", &json!({ "number": ROME })).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let added = admin.post("/api/v1/dnc", &json!({ "number": "06 44121234", "reason": "asked us not to" })).await;
    assert_eq!(added.status(), StatusCode::CREATED);
    assert_eq!(added.json::<Value>().await.unwrap()["number"], ROME);
    assert_eq!(check(&operator, ROME).await["rule"], "do_not_call");
    let path = format!("/api/v1/dnc/{}", ROME.replace('+', "%2B"));
    let removed = admin.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(removed.status(), StatusCode::NO_CONTENT);
    assert_eq!(check(&operator, ROME).await["allowed"], true);
    // An entry that is over holds nobody back.
    admin.post("/api/v1/dnc", &json!({ "number": ROME, "until": "2020-01-01T00:00:00Z" })).await;
    assert_eq!(check(&operator, ROME).await["allowed"], true);
    let actions: Vec<Value> = admin.get_json("/api/v1/audit").await["items"].as_array().unwrap().clone();
    for action in ["dnc.added", "dnc.removed"] {
        assert!(actions.iter().any(|entry| entry["action"] == action), "{action}: {actions:?}");
    }
}

#[tokio::test]
async fn a_list_is_imported_line_by_line() {
    let app = App::start().await;
    let admin = app.admin().await;
    set_rules(&admin, &json!({ "country": "IT" })).await;
    let text = "number;reason\n06 44121234;first\n+39 333 1234567;second;2030-01-31\nnobody 1\n";
    let imported: Value = admin.post("/api/v1/dnc/import", &json!({ "text": text })).await.json().await.unwrap();
    assert_eq!((&imported["added"], &imported["updated"]), (&2.into(), &0.into()), "{imported}");
    assert_eq!((&imported["refused"][0]["line"], &imported["refused"][0]["text"]), (&4.into(), &"nobody 1".into()));
    let again: Value = admin.post("/api/v1/dnc/import", &json!({ "text": text })).await.json().await.unwrap();
    assert_eq!((&again["added"], &again["updated"]), (&0.into(), &2.into()));
    let listed = admin.get_json("/api/v1/dnc?beginning=%2B3933").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(listed["items"][0]["until"], "2030-02-01T00:00:00Z");
    let first = admin.get_json("/api/v1/dnc?limit=1").await;
    let next = admin.get_json(&format!("/api/v1/dnc?limit=1&cursor={}", first["next_cursor"].as_str().unwrap())).await;
    assert_ne!(first["items"][0]["number"], next["items"][0]["number"]);
    assert_eq!(next["next_cursor"], Value::Null);
    let long = "+390644121234\n".repeat(501);
    let refused = problem(admin.post("/api/v1/dnc/import", &json!({ "text": long })).await).await;
    assert_eq!(refused["status"], 422);
}

#[tokio::test]
async fn an_operator_blocks_a_caller_and_makes_another_a_vip() {
    let app = App::start().await;
    let operator = app.operator().await;
    let blocked: Value = mark(&operator, "+12125550123", &json!({ "mark": "blocked" })).await.json().await.unwrap();
    assert_eq!((&blocked["number"], &blocked["mark"]), (&"+12125550123".into(), &"blocked".into()));
    assert_eq!(check(&operator, "+12125550123").await["rule"], "blocked");
    mark(&operator, "(212) 555-0124", &json!({ "mark": "vip", "reason": "pays well" })).await;
    let vip = operator.get_json("/api/v1/caller-marks?number=%2B12125550124").await;
    assert_eq!((&vip["items"][0]["mark"], &vip["items"][0]["reason"]), (&"vip".into(), &"pays well".into()));
    // The last mark counts.
    mark(&operator, "+12125550123", &json!({ "mark": "vip" })).await;
    assert_eq!(check(&operator, "+12125550123").await["allowed"], true);
    let removed = operator.request(Method::DELETE, "/api/v1/caller-marks/%2B12125550123").send().await.unwrap();
    assert_eq!(removed.status(), StatusCode::NO_CONTENT);
    assert_eq!(operator.get_json("/api/v1/caller-marks").await["items"].as_array().unwrap().len(), 1);
    assert_eq!(problem(mark(&operator, "anonymous", &json!({ "mark": "vip" })).await).await["status"], 422);
    let (_, stranger) = app.other_tenant().await;
    assert_eq!(stranger.get_json("/api/v1/caller-marks").await["items"], json!([]));
}

#[tokio::test]
async fn who_clicks_a_number_is_told_what_stands_in_the_way() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let place = async |to: &str| problem(operator.post("/api/v1/calls", &json!({ "to": to })).await).await;
    let denied = place(ROME).await;
    assert_eq!((&denied["status"], &denied["type"]), (&409.into(), &"urn:trunkline:problem:call-denied".into()));
    assert!(denied["detail"].as_str().unwrap().contains("IT"), "{denied}");
    let allowed = place("+12125550123").await;
    assert_eq!(allowed["type"], "urn:trunkline:problem:phone-away");
    // What is set reaches call control, which decides without the database.
    set_rules(&admin, &json!({ "country": "US", "countries": ["IT"] })).await;
    let mut told = Value::Null;
    for _ in 0..100 {
        told = place(ROME).await;
        if told["type"] == "urn:trunkline:problem:phone-away" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(told["type"], "urn:trunkline:problem:phone-away", "{told}");
    let wrong = operator.post("/api/v1/calls", &json!({ "to": ROME, "from_device": "desk" })).await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let nobodys = json!({ "to": ROME, "from_device": uuid::Uuid::now_v7() });
    assert_eq!(operator.post("/api/v1/calls", &nobodys).await.status(), StatusCode::NOT_FOUND);
    let text = app.client.get(app.url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(text.contains(r#"trunkline_outbound_denied_total{rule="country"}"#), "{text}");
}
