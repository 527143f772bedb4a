use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trunkline_journal::{Kind, NewEvent, Ref};

use crate::recordings::make_recording;
use crate::support::{App, problem};

#[tokio::test]
async fn another_tenants_things_are_not_there() {
    let app = App::start().await;
    let (_, stranger) = app.other_tenant().await;
    let operator = app.operator().await;
    let recording = make_recording(&app, operator.id, None).await;
    let device = operator.post(&format!("/api/v1/agents/{}/devices", operator.id), &json!({ "name": "phone" })).await;
    let device: Value = device.json().await.unwrap();
    app.append(trunkline_journal::Scope::Tenant).await;

    for path in [
        format!("/api/v1/recordings/{recording}"),
        format!("/api/v1/recordings/{recording}/audio"),
        format!("/api/v1/agents/{}/devices", operator.id),
    ] {
        assert_eq!(problem(stranger.get(&path).await).await["status"], 404, "{path}");
    }
    let path = format!("/api/v1/agents/{}/devices/{}", operator.id, device["id"].as_str().unwrap());
    assert_eq!(problem(stranger.request(Method::DELETE, &path).send().await.unwrap()).await["status"], 404);
    let path = format!("/api/v1/agents/{}/devices", operator.id);
    assert_eq!(problem(stranger.post(&path, &json!({ "name": "phone" })).await).await["status"], 404);
    assert_eq!(stranger.get_json("/api/v1/agents").await["items"].as_array().unwrap().len(), 1);
    assert_eq!(stranger.get_json("/api/v1/queues").await["items"], json!([]));
    let events = stranger.get_json("/api/v1/events").await;
    assert_eq!((&events["items"], &events["as_of_seq"]), (&json!([]), &0.into()));
}

#[tokio::test]
async fn each_tenant_counts_its_own_events() {
    let app = App::start().await;
    let (other, stranger) = app.other_tenant().await;
    app.append(trunkline_journal::Scope::Tenant).await;
    let event = NewEvent::new(Kind::from_static("call.started"), Ref::new("call", uuid::Uuid::now_v7()), json!({}));
    app.state.journal.append(other, vec![event]).await.unwrap();
    assert_eq!(stranger.get_json("/api/v1/events").await["items"][0]["seq"], 1);
}

/// Every operation of the document names its permission; without a token each but the public ones is 401.
#[tokio::test]
async fn every_operation_names_its_permission_and_holds_it() {
    let app = App::start().await;
    let document: Value = app.client.get(app.url("/dev/openapi.json")).send().await.unwrap().json().await.unwrap();
    let id = uuid::Uuid::now_v7().to_string();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let permission = operation["x-permission"].as_str().unwrap_or_else(|| panic!("{method} {path} names none"));
            let url = app.url(&path.replace("{id}", &id).replace("{device_id}", &id));
            let method: Method = method.to_uppercase().parse().unwrap();
            let mut request = app.client.request(method.clone(), url).json(&json!({}));
            if path.ends_with("/stream") {
                let handshake = [
                    ("upgrade", "websocket"),
                    ("sec-websocket-version", "13"),
                    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
                ];
                request = request.header("connection", "upgrade");
                for (name, value) in handshake {
                    request = request.header(name, value);
                }
            }
            let status = request.send().await.unwrap().status();
            if permission == "public" {
                assert_ne!(status, StatusCode::NOT_FOUND, "{method} {path}");
            } else {
                assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path}");
                let known = trunkline::http::Permission::ALL.iter().any(|known| known.as_str() == permission);
                assert!(known || permission == "signed-in", "{method} {path}: {permission}");
            }
        }
    }
}

#[tokio::test]
async fn metrics_are_open_on_loopback_and_show_routes_not_addresses() {
    let app = App::start().await;
    let operator = app.operator().await;
    operator.get(&format!("/api/v1/recordings/{}", uuid::Uuid::now_v7())).await;
    let text = app.client.get(app.url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(text.contains(r#"route="/api/v1/recordings/{id}",status="404""#), "{text}");
    assert!(text.contains(r#"trunkline_logins_total{result="ok"} 1"#), "{text}");
    assert!(text.contains("trunkline_journal_events_total"), "{text}");
    // A proxy on this machine passes on what comes from elsewhere.
    let passed_on = app.client.get(app.url("/metrics")).header("x-forwarded-for", "192.0.2.1");
    assert_eq!(passed_on.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let of_operator = operator.request(Method::GET, "/metrics").header("x-forwarded-for", "192.0.2.1");
    assert_eq!(of_operator.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let of_admin = app.admin().await.request(Method::GET, "/metrics").header("x-forwarded-for", "192.0.2.1");
    assert_eq!(of_admin.send().await.unwrap().status(), StatusCode::OK);
}
