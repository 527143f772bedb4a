//! Flows: drawn, checked, published, rolled back, tried without a caller.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::calls::queue;
use crate::platform::{ok, send};
use crate::support::{App, User, problem};

fn menu(queue: Uuid, schedule: &Value) -> Value {
    json!({ "start": "hours", "language": "en", "nodes": [
        { "id": "hours", "do": { "type": "hours", "schedule_id": schedule, "open": "menu", "closed": "bye" } },
        { "id": "menu", "name": "Main", "x": 10, "y": 20, "do": {
            "type": "menu", "say": [{ "text": "Press 1" }], "keys": { "1": "sales" }, "timeout_seconds": 5, "tries": 2,
            "otherwise": "bye" } },
        { "id": "sales", "do": { "type": "queue", "queue_id": queue } },
        { "id": "bye", "do": { "type": "hang_up", "say": [{ "builtin": "vm-goodbye" }], "reason": "out_of_hours" } },
    ] })
}

struct Scene {
    admin: User,
    id: String,
    definition: Value,
}

impl Scene {
    async fn drawn(app: &App) -> Self {
        let admin = app.admin().await;
        let sales = queue(&admin, "sales").await;
        let opening = json!([{ "day": "monday", "from": "09:00", "to": "18:00" }]);
        let hours = json!({ "name": "Office", "time_zone": "Europe/Rome", "week": opening });
        let schedule = ok(admin.post("/api/v1/schedules", &hours).await).await["id"].clone();
        let definition = menu(sales.uuid(), &schedule);
        let wanted = json!({ "name": " Front ", "definition": definition });
        let made = ok(admin.post("/api/v1/flows", &wanted).await).await;
        assert_eq!((&made["name"], &made["published"]), (&"Front".into(), &Value::Null));
        let definition = made["draft"]["definition"].clone();
        assert_eq!(made["draft"]["faults"], json!([]));
        Self { id: made["id"].as_str().unwrap().to_owned(), admin, definition }
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/flows/{}{rest}", self.id)
    }

    async fn publish(&self, note: &str) -> Value {
        ok(self.admin.post(&self.path("/publish"), &json!({ "note": note })).await).await
    }

    async fn draw(&self, definition: &Value) -> Value {
        let draft = json!({ "definition": definition });
        ok(send(&self.admin, Method::PUT, &self.path("/draft"), &draft).await).await
    }
}

#[tokio::test]
async fn a_flow_is_drawn_published_changed_and_rolled_back() {
    let app = App::start().await;
    let scene = Scene::drawn(&app).await;
    let first = scene.publish("the first").await;
    assert_eq!((&first["published"]["version"], &first["draft"]), (&1.into(), &Value::Null));
    assert_eq!(first["published"]["definition"], scene.definition);
    let nothing = problem(scene.admin.post(&scene.path("/publish"), &json!({})).await).await;
    assert_eq!(nothing["status"], 409);

    // A draft may have faults. It is kept with them, and not published.
    let mut faulty = scene.definition.clone();
    faulty["nodes"][1]["do"]["keys"] = json!({ "1": "nowhere" });
    let drawn = scene.draw(&faulty).await;
    assert_eq!(
        (&drawn["draft"]["faults"][0]["code"], &drawn["draft"]["faults"][0]["node"]),
        (&"unknown_node".into(), &"menu".into())
    );
    assert_eq!(drawn["published"]["version"], 1);
    let refused = problem(scene.admin.post(&scene.path("/publish"), &json!({})).await).await;
    assert_eq!((&refused["status"], &refused["errors"][0]["field"]), (&422.into(), &"nodes.menu.keys.1".into()));
    let listed = scene.admin.get_json("/api/v1/flows").await;
    assert_eq!((&listed["items"][0]["draft_faults"], &listed["items"][0]["has_draft"]), (&1.into(), &true.into()));
    assert_eq!(
        scene.admin.request(Method::DELETE, &scene.path("/draft")).send().await.unwrap().status(),
        StatusCode::OK
    );

    let mut second = scene.definition.clone();
    second["nodes"][1]["do"]["tries"] = json!(3);
    scene.draw(&second).await;
    assert_eq!(scene.publish("").await["published"]["version"], 2);
    let back = ok(scene.admin.post(&scene.path("/versions/1/restore"), &json!({})).await).await;
    assert_eq!((&back["published"]["version"], &back["published"]["definition"]), (&3.into(), &scene.definition));
    let versions = scene.admin.get_json(&scene.path("/versions")).await;
    let numbers: Vec<_> = versions["items"].as_array().unwrap().iter().map(|it| it["version"].clone()).collect();
    assert_eq!(numbers, [3, 2, 1]);
    assert_eq!(scene.admin.get_json(&scene.path("/versions/2")).await["definition"], second);

    let events = scene.admin.get_json("/api/v1/events?kinds=flow.*").await;
    let kinds: Vec<_> = events["items"].as_array().unwrap().iter().map(|event| event["kind"].clone()).collect();
    let published = kinds.iter().filter(|kind| **kind == "flow.published").count();
    assert_eq!((kinds[0].clone(), published), ("flow.created".into(), 3));
}

#[tokio::test]
async fn nobody_overwrites_a_draft_that_they_have_not_seen() {
    let app = App::start().await;
    let scene = Scene::drawn(&app).await;
    let seen = scene.admin.request(Method::GET, &scene.path("")).send().await.unwrap();
    let tag = seen.headers()["etag"].to_str().unwrap().to_owned();
    scene.draw(&scene.definition).await;
    let draft = json!({ "definition": scene.definition });
    let late = scene.admin.request(Method::PUT, &scene.path("/draft")).header("if-match", tag).json(&draft);
    assert_eq!(late.send().await.unwrap().status(), StatusCode::PRECONDITION_FAILED);
}

#[tokio::test]
async fn what_is_no_flow_is_refused_and_a_name_is_given_once() {
    let app = App::start().await;
    let scene = Scene::drawn(&app).await;
    for definition in
        [json!({}), json!({ "start": "a", "nodes": [{ "id": "a", "do": { "type": "sing" } }] }), json!("x")]
    {
        let refused = scene.admin.post("/api/v1/flows", &json!({ "name": "Other", "definition": definition })).await;
        assert_eq!(problem(refused).await["status"], 422);
    }
    assert_eq!(problem(scene.admin.post("/api/v1/flows", &json!({ "name": "front" })).await).await["status"], 409);
    let operator = app.operator().await;
    assert_eq!(problem(operator.post("/api/v1/flows", &json!({ "name": "Mine" })).await).await["status"], 403);
}

#[tokio::test]
async fn a_flow_is_tried_without_a_caller() {
    let app = App::start().await;
    let scene = Scene::drawn(&app).await;
    let tried = async |more: Value| {
        let mut wanted = json!({ "version": "draft", "from": "+15550999", "to": "+15550100" });
        wanted.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ok(scene.admin.post(&scene.path("/simulate"), &wanted).await).await
    };
    // Monday at ten, and at eight in the evening.
    let open = tried(json!({ "at": "2026-11-30T09:00:00Z", "keys": [{ "digits": "1" }] })).await;
    assert_eq!(open["ends"]["type"], "queue");
    let whats: Vec<_> = open["path"].as_array().unwrap().iter().map(|step| step["what"].clone()).collect();
    assert_eq!(whats, ["started", "open", "key", "queue"]);
    let waiting = tried(json!({ "at": "2026-11-30T09:00:00Z" })).await;
    assert_eq!(waiting["ends"], json!({ "type": "waiting", "node": "menu", "for": "key" }));
    let closed = tried(json!({ "at": "2026-11-30T19:00:00Z" })).await;
    assert_eq!(closed["ends"], json!({ "type": "hang_up", "reason": "out_of_hours" }));
    // What is not even kept.
    let mut other = scene.definition.clone();
    other["start"] = json!("bye");
    let unsaved = tried(json!({ "definition": other })).await;
    assert_eq!(unsaved["ends"]["type"], "hang_up");
}

#[tokio::test]
async fn a_flow_that_something_leads_to_stays() {
    let app = App::start().await;
    let scene = Scene::drawn(&app).await;
    scene.publish("").await;
    let target = json!({ "target": { "type": "flow", "flow_id": scene.id } });
    ok(send(&scene.admin, Method::PATCH, "/api/v1/numbers/+15550100", &target).await).await;
    assert_eq!(scene.admin.get_json("/api/v1/flows").await["items"][0]["numbers"], json!(["+15550100"]));
    let refused = scene.admin.request(Method::DELETE, &scene.path("")).send().await.unwrap();
    assert_eq!(problem(refused).await["status"], 409);
    let away = json!({ "target": { "type": "hang_up" } });
    ok(send(&scene.admin, Method::PATCH, "/api/v1/numbers/+15550100", &away).await).await;
    let leads = json!({ "start": "a", "nodes": [{ "id": "a", "do": { "type": "flow", "flow_id": scene.id } }] });
    let second = ok(scene.admin.post("/api/v1/flows", &json!({ "name": "Second", "definition": leads })).await).await;
    ok(scene.admin.post(&format!("/api/v1/flows/{}/publish", second["id"].as_str().unwrap()), &json!({})).await).await;
    let refused = problem(scene.admin.request(Method::DELETE, &scene.path("")).send().await.unwrap()).await;
    assert!(refused["detail"].as_str().unwrap().contains("Second"));
    let path = format!("/api/v1/flows/{}", second["id"].as_str().unwrap());
    assert_eq!(scene.admin.request(Method::DELETE, &path).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(
        scene.admin.request(Method::DELETE, &scene.path("")).send().await.unwrap().status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(scene.admin.get_json("/api/v1/flows").await["items"], json!([]));
}
