//! Sites and their numbers.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::platform::{ok, send};
use crate::support::{App, problem};

#[tokio::test]
async fn a_site_has_numbers_and_a_number_has_one_site() {
    let app = App::start().await;
    let admin = app.admin().await;
    let first =
        json!({ "name": "Centro", "address": " Via Roma 1 ", "time_zone": "Europe/Rome", "numbers": ["+15550100"] });
    let first = ok(admin.post("/api/v1/sites", &first).await).await;
    assert_eq!((&first["address"], &first["numbers"]), (&"Via Roma 1".into(), &json!(["+15550100"])));
    let both = json!({ "name": "Nord", "numbers": ["+15550101", "+15550100"] });
    let second = ok(admin.post("/api/v1/sites", &both).await).await;
    assert_eq!(second["numbers"], json!(["+15550100", "+15550101"]), "whosever they were");
    let listed = app.operator().await.get_json("/api/v1/sites").await;
    let sites: Vec<(&str, usize)> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|site| (site["name"].as_str().unwrap(), site["numbers"].as_array().unwrap().len()))
        .collect();
    assert_eq!(sites, [("Centro", 0), ("Nord", 2)]);

    let path = format!("/api/v1/sites/{}", second["id"].as_str().unwrap());
    let changed =
        ok(send(&admin, Method::PATCH, &path, &json!({ "numbers": ["+15550101"], "address": "x" })).await).await;
    assert_eq!((&changed["name"], &changed["numbers"]), (&"Nord".into(), &json!(["+15550101"])));
    let numbers = admin.get_json("/api/v1/numbers").await;
    assert_eq!(numbers["items"][0]["site_id"], Value::Null);
    assert_eq!(numbers["items"][1]["site_id"], second["id"]);
    // The number goes on leading where it leads.
    let queue = numbers["items"][1]["queue_id"].clone();
    let gone = admin.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    let numbers = admin.get_json("/api/v1/numbers").await;
    assert_eq!((&numbers["items"][1]["site_id"], &numbers["items"][1]["queue_id"]), (&Value::Null, &queue));
    let kinds = admin.get_json("/api/v1/events?kinds=site.created,site.updated,site.deleted").await;
    assert_eq!(kinds["items"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let app = App::start().await;
    let admin = app.admin().await;
    let field = async |body: Value| -> Value {
        let refused = problem(admin.post("/api/v1/sites", &body).await).await;
        assert_eq!(refused["status"], 422, "{refused}");
        refused["errors"][0]["field"].clone()
    };
    assert_eq!(field(json!({ "name": " " })).await, "name");
    assert_eq!(field(json!({ "name": "A", "time_zone": "Rome" })).await, "time_zone");
    assert_eq!(field(json!({ "name": "A", "address": "x".repeat(501) })).await, "address");
    assert_eq!(field(json!({ "name": "A", "numbers": ["+15559999"] })).await, "numbers");
    assert_eq!(admin.get_json("/api/v1/sites").await["items"], json!([]));
    ok(admin.post("/api/v1/sites", &json!({ "name": "A" })).await).await;
    assert_eq!(problem(admin.post("/api/v1/sites", &json!({ "name": "a" })).await).await["code"], "name-taken");
    assert_eq!(problem(app.operator().await.post("/api/v1/sites", &json!({ "name": "B" })).await).await["status"], 403);
}
