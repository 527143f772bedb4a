use std::collections::HashMap;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trunkline_jobs::NewJob;
use trunkline_journal::{Kind, NewEvent, Ref};
use trunkline_people::Identity;

use crate::calls::{Made, make_call, queue};
use crate::contacts::meet;
use crate::permissions::operations;
use crate::recordings::make_recording;
use crate::support::{App, User, problem};

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

/// A real thing of the demo tenant for each parameter of a path, by the path's first word and the parameter's name. An operation that
/// is added without one fails the test.
async fn things(app: &App) -> HashMap<&'static str, String> {
    let (admin, operator) = (app.admin().await, app.operator().await);
    let queue = queue(&admin, "sales").await;
    let recording = make_recording(app, operator.id, Some(queue)).await;
    let call = make_call(app, Made { agent: Some(operator.id), queue: Some(queue), ..Made::default() }).await;
    let made = async |user: &User, path: &str, body: Value| -> String {
        let made: Value = user.post(path, &body).await.json().await.unwrap();
        let places = [&made["id"], &made["api_key"]["id"], &made["hook_token"]["id"]];
        let id = places.into_iter().find(|id| id.is_string()).unwrap_or(&Value::Null);
        id.as_str().unwrap_or_else(|| panic!("{path}: {made}")).to_owned()
    };
    let device = made(&operator, &format!("/api/v1/agents/{}/devices", operator.id), json!({ "name": "phone" })).await;
    let role = json!({ "name": "Role", "permissions": ["calls:read"], "reach": "all" });
    let invitation = json!({ "email": "grace@example.org", "role": "viewer" });
    let sign_in = operator.get_json("/api/v1/me/sessions").await["items"][0]["id"].as_str().unwrap().to_owned();
    let team = made(&admin, "/api/v1/teams", json!({ "name": "Team" })).await;
    let member = format!("/api/v1/teams/{team}/members/{}", operator.id);
    let joined = admin.request(Method::PUT, &member).json(&json!({ "lead": false })).send().await.unwrap();
    assert_eq!(joined.status(), StatusCode::OK);
    let mut tx = app.state.db.tenant(app.tenant).await.unwrap();
    let job = trunkline_jobs::enqueue(&mut tx, NewJob::new("test.job", Value::Null)).await.unwrap();
    tx.commit().await.unwrap();
    let contact = meet(app, app.tenant, vec![Identity::TelegramId(1)], Some("Anna")).await;
    let other = meet(app, app.tenant, vec![Identity::TelegramId(2)], Some("Otto")).await;
    let third = meet(app, app.tenant, vec![Identity::TelegramId(3)], Some("Ada")).await;
    // Both of whom hold one of what is told together now.
    meet(app, app.tenant, vec![Identity::TelegramId(1), Identity::TelegramId(3)], Some("Anna")).await;
    let suggestion = admin.get_json("/api/v1/merge-suggestions").await["items"][0]["id"].as_str().unwrap().to_owned();
    let merge = format!("/api/v1/contacts/{contact}/merge");
    let merge: Value = admin.post(&merge, &json!({ "with": other })).await.json().await.unwrap();
    let known = admin.get_json(&format!("/api/v1/contacts/{third}")).await;
    let (account, conversation, message) = inbox(app, &admin).await;
    let webhook = admin.get_json(&format!("/api/v1/inbound-webhooks?account_id={account}")).await;
    let file = operator.request(Method::POST, "/api/v1/attachments?file_name=a.txt&sort=document");
    let file = file.header("content-type", "text/plain").body("A file");
    let file: Value = file.send().await.unwrap().json().await.unwrap();
    let step = json!({ "name": "Macro", "steps": [{ "do": "resolve" }] });
    HashMap::from([
        ("attachments/{id}", file["id"].as_str().unwrap_or_else(|| panic!("{file}")).to_owned()),
        (
            "canned-replies/{id}",
            made(&admin, "/api/v1/canned-replies", json!({ "shortcut": "hi", "text": "Hello" })).await,
        ),
        ("channel-accounts/{id}", account),
        ("channel-accounts/{chat}", "-100123".to_owned()),
        ("conversations/{id}", conversation.clone()),
        ("conversation", conversation),
        ("inbound-webhooks/{id}", webhook["items"][0]["id"].as_str().unwrap().to_owned()),
        ("push/{id}", crate::push::subscribed(&admin).await),
        ("inbox-views/{id}", made(&admin, "/api/v1/inbox-views", json!({ "name": "View", "filter": {} })).await),
        ("labels/{id}", made(&admin, "/api/v1/labels", json!({ "name": "Label" })).await),
        ("macros/{id}", made(&admin, "/api/v1/macros", step).await),
        ("messages/{id}", message),
        (
            "sla-policies/{id}",
            made(&admin, "/api/v1/sla-policies", json!({ "name": "Level", "first_reply_minutes": 5 })).await,
        ),
        ("contacts/{id}", contact.to_string()),
        ("contacts/{identity_id}", known["identities"][0]["id"].as_str().unwrap().to_owned()),
        ("contact-merges/{id}", merge["merge_id"].as_str().unwrap().to_owned()),
        ("merge-suggestions/{id}", suggestion),
        ("contact", third.to_string()),
        ("agents/{id}", operator.id.to_string()),
        ("agents/{device_id}", device),
        (
            "api-keys/{id}",
            made(&admin, "/api/v1/api-keys", json!({ "name": "Key", "permissions": ["calls:read"] })).await,
        ),
        ("calls/{id}", call.to_string()),
        (
            "calls/{note_id}",
            made(&operator, &format!("/api/v1/calls/{call}/notes"), json!({ "text": "Call back" })).await,
        ),
        ("callbacks/{id}", crate::callbacks::listed(app, call.uuid(), queue).await.to_string()),
        (
            "voicemails/{id}",
            crate::voicemails::left(app, call.uuid(), Some(queue), chrono::TimeDelta::zero()).await.to_string(),
        ),
        ("caller-marks/{number}", "+12125550123".to_owned()),
        ("dnc/{number}", {
            let added = admin.post("/api/v1/dnc", &json!({ "number": "+12125550124" })).await;
            assert_eq!(added.status(), StatusCode::CREATED);
            "+12125550124".to_owned()
        }),
        ("flows/{id}", made(&admin, "/api/v1/flows", json!({ "name": "Flow" })).await),
        ("flows/{version}", "1".to_owned()),
        ("hook-tokens/{id}", made(&admin, "/api/v1/hook-tokens", json!({ "name": "Token" })).await),
        ("invitations/{id}", made(&admin, "/api/v1/invitations", invitation).await),
        ("jobs/{id}", job.to_string()),
        ("me/{id}", sign_in),
        ("members/{id}", operator.id.to_string()),
        ("numbers/{number}", "+15550100".to_owned()),
        ("queues/{id}", queue.to_string()),
        ("recordings/{id}", recording.to_string()),
        (
            "schedules/{id}",
            made(&admin, "/api/v1/schedules", json!({ "name": "Hours", "time_zone": "UTC", "week": [] })).await,
        ),
        ("roles/{id}", made(&admin, "/api/v1/roles", role).await),
        ("sites/{id}", made(&admin, "/api/v1/sites", json!({ "name": "Site" })).await),
        ("platform/{id}", app.tenant.to_string()),
        ("platform/{key}", "looks.theme".to_owned()),
        ("sounds/{id}", crate::sounds::spoken_to_by(&admin).await),
        ("sounds/{language}", "en".to_owned()),
        ("skills/{id}", made(&admin, "/api/v1/skills", json!({ "name": "Italian" })).await),
        ("teams/{id}", team),
        ("teams/{user_id}", operator.id.to_string()),
        ("trunks/{id}", {
            let settings = json!({ "kind": "address", "host": "192.0.2.1" });
            made(&admin, "/api/v1/trunks", json!({ "name": "Trunk", "settings": settings })).await
        }),
        // Not in a path, but in a body.
        ("queue", queue.to_string()),
    ])
}

/// A WhatsApp account that was told something, and a conversation with its message.
async fn inbox(app: &App, admin: &User) -> (String, String, String) {
    let made: Value = admin.post("/api/v1/channel-accounts", &crate::channels::whatsapp()).await.json().await.unwrap();
    let account = made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    let bot = json!({ "type": "telegram", "name": "Bot", "settings": { "bot_token": "1:abc", "api_base": "http://127.0.0.1:9" } });
    let bot: Value = admin.post("/api/v1/channel-accounts", &bot).await.json().await.unwrap();
    app.state.channels.refresh(&app.state, None).await.unwrap();
    let hello = crate::channels::hello("wamid.1", "Hello");
    let told = crate::channels::tell(app, &account, hello, crate::channels::SECRET).await;
    assert_eq!(told.status(), StatusCode::OK);
    // Nobody works here: it is applied by hand.
    crate::conversations::hear(app, bot["id"].as_str().unwrap().parse().unwrap(), 1, "Hello").await;
    let list = admin.get_json("/api/v1/conversations").await;
    let conversation = list["items"][0]["id"].as_str().unwrap().to_owned();
    let thread = admin.get_json(&format!("/api/v1/conversations/{conversation}/messages")).await;
    let message = thread["items"][0]["id"].as_str().unwrap().to_owned();
    (account, conversation, message)
}

/// A body that fits, for operations on one thing.
fn body(operation: &str, things: &HashMap<&'static str, String>) -> Option<Value> {
    Some(match operation {
        "createDevice" => json!({ "name": "phone" }),
        "updateApiKey"
        | "updateRole"
        | "updateTeam"
        | "updateSite"
        | "updateSkill"
        | "updateSound"
        | "updateTenant"
        | "updateContact"
        | "updateChannelAccount"
        | "updateLabel"
        | "updateSchedule"
        | "renameFlow"
        | "updateTrunk" => json!({ "name": "Mine" }),
        "overrideSchedule" => json!({ "state": "closed" }),
        "putFlowDraft" => json!({ "definition": { "start": "a", "nodes": [] } }),
        "simulateCall" => json!({ "flow_id": things["flows/{id}"] }),
        "updateNumber" => json!({ "label": "Mine" }),
        "suspendTenant" => json!({ "reason": "mine" }),
        "deleteTenant" => json!({ "slug": "demo" }),
        "setPlatformSetting" => json!({ "value": "dark" }),
        "switchTenant" => json!({ "tenant": "demo" }),
        "publishFlow" | "restoreFlowVersion" | "simulateFlow" | "rotateApiKey" | "assignConversation" => json!({}),
        "updateMember" => json!({ "role": "viewer" }),
        "setAgentState" => json!({ "state": "paused" }),
        "setAgentSkills" => json!({ "skills": [] }),
        "setAgentExtension" => json!({ "extension": "2999" }),
        "setAgentChatCapacity" => json!({ "chat_capacity": 3 }),
        "setQueueRouting" => json!({ "ring_seconds": 10 }),
        "transferCall" => json!({ "kind": "blind", "to": { "queue_id": things["queue"] } }),
        "conferenceCall" => json!({ "agent_id": things["agents/{id}"] }),
        "sendDtmf" => json!({ "digits": "1" }),
        "superviseCall" => json!({ "mode": "listen" }),
        "disposeCall" => json!({ "code": "sale" }),
        "closeCallback" => json!({ "note": "mine" }),
        "tagCall" => json!({ "tags": ["mine"] }),
        "updateCannedReply" => json!({ "shortcut": "mine", "text": "Mine" }),
        "updateInboxView" => json!({ "name": "Mine", "filter": {} }),
        "updateMacro" => json!({ "name": "Mine", "steps": [{ "do": "resolve" }] }),
        "updateSlaPolicy" => json!({ "name": "Mine", "first_reply_minutes": 5 }),
        "runMacro" => json!({ "conversation_ids": [things["conversation"]] }),
        "sendChannelTestMessage" => json!({ "to": "+12125550123" }),
        "updateConversation" => json!({ "priority": 4 }),
        "writeCallNote" | "putDraft" | "writeMessage" | "editMessage" | "putSoundFile" => json!({ "text": "Mine" }),
        "bePresent" => json!({ "typing": true }),
        "snoozeConversation" => json!({ "until": chrono::Utc::now() + chrono::TimeDelta::hours(1) }),
        "reactToMessage" => json!({ "emoji": "👍" }),
        "mergeContacts" => json!({ "with": things["contact"] }),
        "addContactIdentity" => json!({ "type": "email", "value": "mine@example.org" }),
        "setTeamMember" => json!({ "lead": true }),
        "moveCall" | "placeTestCall" => json!({ "queue_id": things["queue"] }),
        _ => return None,
    })
}

#[tokio::test]
async fn every_operation_on_another_tenants_thing_is_404() {
    let app = App::start().await;
    let (_, stranger) = app.other_tenant().await;
    let things = things(&app).await;
    let mut asked = 0;
    for operation in operations(&app).await {
        let names_a_thing =
            !operation.parameters.is_empty() || ["placeTestCall", "switchTenant"].contains(&operation.id.as_str());
        // A setting's key is a word of the registry, and a caller's number is nobody's: whose they are, the sign-in says alone.
        let is_said_by_the_sign_in = operation.path.starts_with("/api/v1/settings/") || operation.id == "setCallerMark";
        if !names_a_thing || is_said_by_the_sign_in {
            continue;
        }
        let area = operation.path.trim_start_matches("/api/v1/").split('/').next().unwrap();
        let mut path = operation.path.clone();
        for parameter in &operation.parameters {
            let thing = things.get(format!("{area}/{{{parameter}}}").as_str());
            let thing =
                thing.unwrap_or_else(|| panic!("no sample of another tenant for {parameter} of {}", operation.path));
            path = path.replace(&format!("{{{parameter}}}"), thing);
        }
        let mut request = stranger.request(operation.method.clone(), &path);
        if operation.has_body {
            let body = body(&operation.id, &things).unwrap_or_else(|| panic!("no sample body for {}", operation.id));
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        // Tenants as such are for those alone who run the platform, which does not depend on whose it is.
        let refused = if area == "platform" { StatusCode::FORBIDDEN } else { StatusCode::NOT_FOUND };
        assert_eq!(answer.status(), refused, "{} {}", operation.method, operation.path);
        asked += 1;
    }
    assert!(asked >= 28, "{asked}");
    // And none of it had an effect: everything is still there for its own.
    let admin = app.admin().await;
    for area in ["api-keys", "calls", "jobs", "recordings"] {
        let path = format!("/api/v1/{area}/{}", things[format!("{area}/{{id}}").as_str()]);
        assert_eq!(admin.get(&path).await.status(), StatusCode::OK, "{path}");
    }
    let teams = admin.get_json("/api/v1/teams").await;
    let member = json!({ "user_id": things["teams/{user_id}"], "lead": false });
    assert_eq!((&teams["items"][0]["name"], &teams["items"][0]["members"]), (&"Team".into(), &json!([member])));
    assert_eq!(admin.get_json("/api/v1/roles").await["items"][0]["name"], "Role");
    assert_eq!(admin.get_json("/api/v1/invitations").await["items"][0]["email"], "grace@example.org");
    assert_eq!(admin.get_json("/api/v1/sites").await["items"][0]["name"], "Site");
    assert_eq!(admin.get_json("/api/v1/hook-tokens").await["items"][0]["name"], "Token");
}

#[tokio::test]
async fn what_is_ones_own_takes_nothing_of_another_tenants_in() {
    let app = App::start().await;
    let (_, stranger) = app.other_tenant().await;
    let operator = app.operator().await;
    let team: Value = stranger.post("/api/v1/teams", &json!({ "name": "Ours" })).await.json().await.unwrap();
    let path = format!("/api/v1/teams/{}/members/{}", team["id"].as_str().unwrap(), operator.id);
    let joined = stranger.request(Method::PUT, &path).json(&json!({ "lead": false })).send().await.unwrap();
    assert_eq!(problem(joined).await["status"], 404);
    let number = json!({ "name": "Ours", "numbers": ["+15550100"] });
    let refused = problem(stranger.post("/api/v1/sites", &number).await).await;
    assert_eq!((&refused["status"], &refused["errors"][0]["field"]), (&422.into(), &"numbers".into()));
    for area in ["api-keys", "calls", "flows", "hook-tokens", "roles", "schedules", "sites", "numbers"] {
        assert_eq!(stranger.get_json(&format!("/api/v1/{area}")).await["items"], json!([]), "{area}");
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
