use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use trunkline_db::{QueueId, RecordingId, UserId};

use crate::support::{App, User, problem};

const AUDIO: &[u8; 100] = &{
    let mut bytes = [0; 100];
    let mut at = 0;
    while at < 100 {
        bytes[at] = at as u8;
        at += 1;
    }
    bytes
};

/// A finished recording of a call that `agent` took, and its file.
pub(crate) async fn make_recording(app: &App, agent: UserId, queue: Option<QueueId>) -> RecordingId {
    let (call, id) = (uuid::Uuid::now_v7(), RecordingId::new());
    let mut tx = app.state.db.tenant(app.tenant).await.unwrap();
    sqlx::query(
        "INSERT INTO calls (tenant_id, id, direction, from_number, to_number, state, queue_id, agent_id, started_at, ended_at)
         VALUES ($1, $2, 'inbound', '+15551234567', '+15550100', 'ended', $3, $4, now(), now())",
    )
    .bind(app.tenant)
    .bind(call)
    .bind(queue)
    .bind(agent)
    .execute(tx.conn())
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO recordings (tenant_id, id, call_id, state, path, started_at, ended_at, duration_ms, bytes, gaps)
         VALUES ($1, $2, $3, 'ready', $4, now(), now(), 1000, 100, '[{\"from_ms\":1,\"to_ms\":2,\"reason\":\"gateway_restart\"}]')",
    )
    .bind(app.tenant)
    .bind(id)
    .bind(call)
    .bind(format!("{id}.wav"))
    .execute(tx.conn())
    .await
    .unwrap();
    tx.commit().await.unwrap();
    std::fs::write(app.recordings_dir().join(format!("{id}.wav")), AUDIO).unwrap();
    id
}

async fn ranged(user: &User, id: RecordingId, headers: &[(&str, &str)]) -> Response {
    let mut request = user.request(Method::GET, &format!("/api/v1/recordings/{id}/audio"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_recording_is_described_and_heard() {
    let app = App::start().await;
    let operator = app.operator().await;
    let id = make_recording(&app, operator.id, None).await;
    let recording = operator.get_json(&format!("/api/v1/recordings/{id}")).await;
    assert_eq!((&recording["state"], &recording["duration_ms"]), (&"ready".into(), &1000.into()));
    assert_eq!(recording["gaps"], json!([{ "from_ms": 1, "to_ms": 2, "reason": "gateway_restart" }]));

    let whole = ranged(&operator, id, &[]).await;
    assert_eq!(whole.status(), StatusCode::OK);
    assert_eq!(whole.headers()["content-type"], "audio/wav");
    assert_eq!(whole.headers()["accept-ranges"], "bytes");
    assert_eq!(whole.bytes().await.unwrap(), AUDIO.as_slice());
}

#[tokio::test]
async fn one_range_is_served_and_one_outside_the_file_refused() {
    let app = App::start().await;
    let operator = app.operator().await;
    let id = make_recording(&app, operator.id, None).await;
    for (range, content_range, bytes) in [
        ("bytes=10-19", "bytes 10-19/100", &AUDIO[10..20]),
        ("bytes=90-", "bytes 90-99/100", &AUDIO[90..]),
        ("bytes=-5", "bytes 95-99/100", &AUDIO[95..]),
        ("bytes=0-1000", "bytes 0-99/100", &AUDIO[..]),
    ] {
        let part = ranged(&operator, id, &[("range", range)]).await;
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(part.headers()["content-range"], content_range);
        assert_eq!(part.headers()["content-length"], bytes.len().to_string());
        assert_eq!(part.bytes().await.unwrap(), bytes);
    }
    let outside = ranged(&operator, id, &[("range", "bytes=100-")]).await;
    assert_eq!(outside.headers()["content-range"], "bytes */100");
    assert_eq!(problem(outside).await["status"], 416);
    let several = ranged(&operator, id, &[("range", "bytes=0-1,4-5")]).await;
    assert_eq!(several.status(), StatusCode::OK, "several ranges are answered with the whole file");

    let head = operator.request(Method::HEAD, &format!("/api/v1/recordings/{id}/audio")).send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(head.headers()["content-length"], "100");
    assert!(head.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_resumed_download_gets_a_part_only_of_the_same_file() {
    let app = App::start().await;
    let operator = app.operator().await;
    let id = make_recording(&app, operator.id, None).await;
    let whole = ranged(&operator, id, &[]).await;
    let etag = whole.headers()["etag"].to_str().unwrap().to_owned();
    let modified = whole.headers()["last-modified"].to_str().unwrap().to_owned();
    let status = async |headers: &[(&str, &str)]| ranged(&operator, id, headers).await.status().as_u16();
    assert_eq!(status(&[("range", "bytes=1-"), ("if-range", &etag)]).await, 206);
    assert_eq!(status(&[("range", "bytes=1-"), ("if-range", &modified)]).await, 206);
    assert_eq!(status(&[("range", "bytes=1-"), ("if-range", "\"another\"")]).await, 200);
    assert_eq!(status(&[("if-none-match", &etag)]).await, 304);
    assert_eq!(status(&[("if-none-match", "\"another\"")]).await, 200);
}

#[tokio::test]
async fn a_download_takes_a_right_of_its_own_and_has_a_name_for_people() {
    let app = App::start().await;
    let (operator, manager) = (app.operator().await, app.sign_in("manager@demo.test").await);
    let id = make_recording(&app, operator.id, None).await;
    let path = format!("/api/v1/recordings/{id}/audio?download=true");
    assert_eq!(problem(operator.get(&path).await).await["status"], 403);
    let saved = manager.get(&path).await;
    assert_eq!(saved.status(), StatusCode::OK);
    let name = saved.headers()["content-disposition"].to_str().unwrap();
    assert!(name.starts_with("attachment; filename=\"20") && name.ends_with("-15551234567.wav\""), "{name}");
    let heard = operator.get(&format!("/api/v1/recordings/{id}/audio")).await;
    assert_eq!(heard.headers()["content-disposition"], format!("inline; filename=\"{id}.wav\""));
}

#[tokio::test]
async fn a_waveform_shows_both_sides_and_may_be_kept() {
    let app = App::start().await;
    let (operator, other) = (app.operator().await, app.sign_in("operator2@demo.test").await);
    let id = make_recording(&app, operator.id, None).await;
    // One second: the agent in its first half, the customer in its second.
    let mut wav =
        b"RIFF\x24\x7d\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0\x40\x1f\0\0\0\x7d\0\0\x04\0\x10\0data\0\x7d\0\0".to_vec();
    for frame in 0..8000 {
        let [agent, customer] = if frame < 4000 { [25_600_i16, 0] } else { [0, -12_800_i16] };
        wav.extend(agent.to_le_bytes());
        wav.extend(customer.to_le_bytes());
    }
    std::fs::write(app.recordings_dir().join(format!("{id}.wav")), wav).unwrap();

    let path = format!("/api/v1/recordings/{id}/waveform?buckets=4");
    let answer = operator.get(&path).await;
    assert_eq!(answer.headers()["cache-control"], "private, max-age=31536000, immutable");
    let etag = answer.headers()["etag"].to_str().unwrap().to_owned();
    let expected =
        json!({ "duration_ms": 1000, "buckets": 4, "agent": [200, 200, 0, 0], "customer": [0, 0, 100, 100] });
    assert_eq!(answer.json::<serde_json::Value>().await.unwrap(), expected);
    let again = operator.request(Method::GET, &path).header("if-none-match", etag).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);

    for buckets in ["0", "4001"] {
        let refused = problem(operator.get(&format!("/api/v1/recordings/{id}/waveform?buckets={buckets}")).await).await;
        assert_eq!((&refused["status"], &refused["errors"][0]["field"]), (&400.into(), &"buckets".into()));
    }
    assert_eq!(problem(other.get(&path).await).await["status"], 404);
    let (_, stranger) = app.other_tenant().await;
    assert_eq!(problem(stranger.get(&path).await).await["status"], 404);
}

#[tokio::test]
async fn a_recording_is_for_those_who_may_see_its_call() {
    let app = App::start().await;
    let (operator, other) = (app.operator().await, app.sign_in("operator2@demo.test").await);
    let manager = app.sign_in("manager@demo.test").await;
    let own = make_recording(&app, operator.id, None).await;
    let path = format!("/api/v1/recordings/{own}");
    assert_eq!(manager.get(&path).await.status(), StatusCode::OK);
    assert_eq!(problem(other.get(&path).await).await["status"], 404);
    assert_eq!(problem(other.get(&format!("{path}/audio")).await).await["status"], 404);

    let queues = manager.get_json("/api/v1/queues").await;
    let queue: uuid::Uuid = queues["items"][0]["id"].as_str().unwrap().parse().unwrap();
    let of_queue = make_recording(&app, operator.id, Some(QueueId(queue))).await;
    assert_eq!(other.get(&format!("/api/v1/recordings/{of_queue}")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_path_that_leads_out_of_the_folder_is_our_fault_and_never_opened() {
    let app = App::start().await;
    let operator = app.operator().await;
    let id = make_recording(&app, operator.id, None).await;
    let mut owner = app.owner().await;
    sqlx::query("UPDATE recordings SET path = '../../../etc/passwd'").execute(&mut owner).await.unwrap();
    let refused = problem(ranged(&operator, id, &[]).await).await;
    assert_eq!(refused["status"], 500);
    assert!(refused["request_id"].is_string());
    assert!(!refused.to_string().contains("passwd"));

    sqlx::query("UPDATE recordings SET state = 'recording', path = 'x'").execute(&mut owner).await.unwrap();
    assert_eq!(problem(ranged(&operator, id, &[]).await).await["code"], "still-recording");
}

#[tokio::test]
async fn a_link_plays_a_recording_without_a_token_and_by_ranges() {
    let app = App::start().await;
    let (operator, other) = (app.operator().await, app.sign_in("operator2@demo.test").await);
    let id = make_recording(&app, operator.id, None).await;
    let made = operator.post(&format!("/api/v1/recordings/{id}/link"), &json!({})).await;
    assert_eq!((made.status(), &made.headers()["cache-control"]), (StatusCode::CREATED, &"no-store".parse().unwrap()));
    let url = made.json::<Value>().await.unwrap()["url"].as_str().unwrap().to_owned();

    let whole = app.client.get(app.url(&url)).send().await.unwrap();
    assert_eq!((whole.status(), whole.bytes().await.unwrap().as_ref()), (StatusCode::OK, AUDIO.as_slice()));
    let part = app.client.get(app.url(&url)).header("range", "bytes=10-19").send().await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.bytes().await.unwrap(), &AUDIO[10..20]);

    let another = make_recording(&app, operator.id, None).await;
    let elsewhere = url.replace(&id.to_string(), &another.to_string());
    for refused in [elsewhere, format!("{url}&download=true"), format!("{url}x")] {
        assert_eq!(problem(app.client.get(app.url(&refused)).send().await.unwrap()).await["status"], 401, "{refused}");
    }
    let unseen = other.post(&format!("/api/v1/recordings/{id}/link"), &json!({})).await;
    assert_eq!(problem(unseen).await["status"], 404, "a link is made by who may hear it");
}

#[tokio::test]
async fn a_link_to_save_takes_the_right_of_downloads_and_ends_with_the_sign_in() {
    let app = App::start().await;
    let (operator, manager) = (app.operator().await, app.sign_in("manager@demo.test").await);
    let id = make_recording(&app, operator.id, None).await;
    let path = format!("/api/v1/recordings/{id}/link?download=true");
    assert_eq!(problem(operator.post(&path, &json!({})).await).await["status"], 403);
    let made = manager.post(&path, &json!({})).await.json::<Value>().await.unwrap();
    let url = app.url(made["url"].as_str().unwrap());
    let saved = app.client.get(&url).send().await.unwrap();
    assert!(saved.headers()["content-disposition"].to_str().unwrap().starts_with("attachment; "));

    assert!(manager.post("/api/v1/auth/logout", &json!({})).await.status().is_success());
    assert_eq!(problem(app.client.get(&url).send().await.unwrap()).await["status"], 401);
}

#[tokio::test]
async fn there_is_no_link_to_what_cannot_be_heard() {
    let app = App::start().await;
    let operator = app.operator().await;
    let id = make_recording(&app, operator.id, None).await;
    std::fs::remove_file(app.recordings_dir().join(format!("{id}.wav"))).unwrap();
    let path = format!("/api/v1/recordings/{id}/link");
    assert_eq!(problem(operator.post(&path, &json!({})).await).await["status"], 404);
    let mut tx = app.state.db.tenant(app.tenant).await.unwrap();
    let sql = "UPDATE recordings SET state = 'recording' WHERE id = $1";
    sqlx::query(sql).bind(id).execute(tx.conn()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(problem(operator.post(&path, &json!({})).await).await["code"], "still-recording");
}
