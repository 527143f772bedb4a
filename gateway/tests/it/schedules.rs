//! Opening hours with a name.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::platform::{ok, send};
use crate::support::{App, User, problem};

fn office() -> Value {
    json!({
        "name": "Office", "time_zone": "Europe/Rome",
        "week": [{ "day": "monday", "from": "00:00", "to": "24:00" }, { "day": "tuesday", "from": "00:00", "to": "24:00" },
                 { "day": "wednesday", "from": "00:00", "to": "24:00" }, { "day": "thursday", "from": "00:00", "to": "24:00" },
                 { "day": "friday", "from": "00:00", "to": "24:00" }, { "day": "saturday", "from": "00:00", "to": "24:00" },
                 { "day": "sunday", "from": "00:00", "to": "24:00" }],
        "special": [{ "name": "New Year", "from": "2031-01-01", "to": "2031-01-01" }],
    })
}

async fn made(admin: &User) -> (Value, String) {
    let made = ok(admin.post("/api/v1/schedules", &office()).await).await;
    let path = format!("/api/v1/schedules/{}", made["id"].as_str().unwrap());
    (made, path)
}

#[tokio::test]
async fn opening_hours_are_made_changed_and_removed() {
    let app = App::start().await;
    let admin = app.admin().await;
    let (made, path) = made(&admin).await;
    assert_eq!((&made["open_now"], &made["why"], &made["override"]), (&true.into(), &"week".into(), &Value::Null));
    let changed = ok(send(&admin, Method::PATCH, &path, &json!({ "week": [] })).await).await;
    assert_eq!((&changed["open_now"], &changed["week"]), (&false.into(), &json!([])));
    for bad in [
        json!({ "time_zone": "Rome" }),
        json!({ "week": [{ "day": "monday", "from": "18:00", "to": "09:00" }] }),
        json!({ "special": [{ "name": "X", "from": "2031-01-02", "to": "2031-01-01" }] }),
        json!({ "name": " " }),
    ] {
        assert_eq!(problem(send(&admin, Method::PATCH, &path, &bad).await).await["status"], 422, "{bad}");
    }
    assert_eq!(problem(admin.post("/api/v1/schedules", &office()).await).await["status"], 409);
    assert_eq!(admin.request(Method::DELETE, &path).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(problem(admin.request(Method::DELETE, &path).send().await.unwrap()).await["status"], 404);
}

#[tokio::test]
async fn everything_is_closed_in_one_request_and_opened_again() {
    let app = App::start().await;
    let admin = app.admin().await;
    let (_, path) = made(&admin).await;
    let storm = json!({ "state": "closed", "note": "Storm" });
    let all = ok(send(&admin, Method::PUT, "/api/v1/schedules/override", &storm).await).await;
    assert_eq!((&all[0]["open_now"], &all[0]["why"]), (&false.into(), &"override".into()));
    assert_eq!((&all[0]["override"]["note"], &all[0]["override"]["state"]), (&"Storm".into(), &"closed".into()));
    let opened = ok(send(&admin, Method::PUT, &format!("{path}/override"), &json!({ "state": "open" })).await).await;
    assert_eq!(opened["open_now"], true);
    let ended = admin.request(Method::DELETE, "/api/v1/schedules/override").send().await.unwrap();
    assert_eq!(ok(ended).await[0]["override"], Value::Null);
    let past = json!({ "state": "closed", "until": "2020-01-01T00:00:00Z" });
    let refused = problem(send(&admin, Method::PUT, &format!("{path}/override"), &past).await).await;
    assert_eq!(refused["errors"][0]["field"], "until");
}

#[tokio::test]
async fn hours_that_a_number_goes_by_stay() {
    let app = App::start().await;
    let admin = app.admin().await;
    let (made, path) = made(&admin).await;
    let by = json!({ "schedule_id": made["id"] });
    ok(send(&admin, Method::PATCH, "/api/v1/numbers/+15550100", &by).await).await;
    assert_eq!(admin.get_json(&path).await["used_by"]["numbers"], json!(["+15550100"]));
    assert_eq!(problem(admin.request(Method::DELETE, &path).send().await.unwrap()).await["status"], 409);
}
