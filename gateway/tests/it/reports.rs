//! Reports: what rows say, by whom they may be read, and as which files.

use std::io::Cursor;
use std::path::Path;

use calamine::{Data, Reader as _, Xlsx};
use chrono::{DateTime, Utc};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trunkline::roles::Assignment;
use trunkline_db::QueueId;
use trunkline_figures::{Derived, FIGURES};
use trunkline_journal::{Kind, NewEvent, Ref};
use uuid::Uuid;

use crate::calls::queue;
use crate::figures::count;
use crate::roles::{assign, custom, principal, until_status};
use crate::support::{App, User, problem};

fn event(at: &str, kind: &'static str, call: u128, data: Value) -> NewEvent {
    let at: DateTime<Utc> = at.parse().unwrap();
    NewEvent::new(Kind::from_static(kind), Ref::new("call", Uuid::from_u128(call)), data).at(at)
}

/// A call that an agent answers after 10 s, holds for 5 s, and ends after a minute.
fn answered(day: &str, call: u128, queue: QueueId, agent: &User) -> Vec<NewEvent> {
    let at = |time: &str| format!("{day}T{time}Z");
    let of = json!({ "agent_id": agent.id, "queue_id": queue });
    vec![
        event(&at("10:00:00"), "call.queued", call, json!({ "queue_id": queue })),
        event(&at("10:00:00"), "call.offered", call, of.clone()),
        event(&at("10:00:10"), "call.answered", call, of.clone()),
        event(&at("10:00:20"), "call.held", call, of.clone()),
        event(&at("10:00:25"), "call.resumed", call, of),
        event(&at("10:01:10"), "call.ended", call, json!({ "end_reason": "completed_customer" })),
    ]
}

fn abandoned(at: (&str, &str), call: u128, queue: QueueId) -> Vec<NewEvent> {
    vec![
        event(at.0, "call.queued", call, json!({ "queue_id": queue })),
        event(at.1, "call.ended", call, json!({ "end_reason": "abandoned_queue" })),
    ]
}

/// Two days of two queues; the first is the day on which Rome's clock goes back.
async fn two_days(app: &App) -> (User, User, QueueId, QueueId) {
    let (admin, operator) = (app.admin().await, app.operator().await);
    let (sales, support) = (queue(&admin, "sales").await, queue(&admin, "support").await);
    let mut events = answered("2026-10-25", 1, sales, &operator);
    // 23:30 UTC of the 25th is the 26th in Rome, and so is no hour before.
    events.extend(abandoned(("2026-10-25T22:59:00Z", "2026-10-25T22:59:40Z"), 2, sales));
    events.extend(abandoned(("2026-10-25T23:30:00Z", "2026-10-25T23:30:02Z"), 3, support));
    events.extend(answered("2026-10-26", 4, support, &operator));
    app.state.journal.append(app.tenant, events).await.unwrap();
    count(app, app.tenant).await;
    sqlx::query("UPDATE tenants SET time_zone = 'Europe/Rome' WHERE id = $1")
        .bind(app.tenant)
        .execute(&mut app.owner().await)
        .await
        .unwrap();
    (admin, operator, sales, support)
}

const RANGE: &str = "/api/v1/reports/calls?from=2026-10-25&to=2026-10-26";

#[tokio::test]
async fn days_are_those_of_the_tenants_time_zone() {
    let app = App::start().await;
    let (admin, ..) = two_days(&app).await;
    let report = admin.get_json(RANGE).await;
    assert_eq!(
        (&report["time_zone"], &report["interval"], &report["by"]),
        (&"Europe/Rome".into(), &"day".into(), &"none".into())
    );
    assert_eq!(report["as_of_seq"], 16);
    let days = report["items"].as_array().unwrap();
    assert_eq!(days.len(), 2);
    assert_eq!((&days[0]["from"], &days[0]["to"]), (&"2026-10-24T22:00:00Z".into(), &"2026-10-25T23:00:00Z".into()));
    let first = &days[0]["figures"];
    assert_eq!((&first["offered"], &first["answered"], &first["abandoned"]), (&2.into(), &1.into(), &1.into()));
    assert_eq!(
        (&first["talk_ms"], &first["hold_ms"], &first["longest_wait_ms"]),
        (&55_000.into(), &5_000.into(), &40_000.into())
    );
    let derived = &days[0]["derived"];
    assert_eq!((&derived["service_level"], &derived["abandon_rate"]), (&0.5.into(), &0.5.into()));
    assert_eq!(
        (&derived["asa_ms"], &derived["aht_ms"], &derived["adherence"]),
        (&10_000.into(), &60_000.into(), &1.0.into())
    );
    let second = &days[1];
    assert_eq!((&second["figures"]["short_abandoned"], &second["derived"]["service_level"]), (&1.into(), &1.0.into()));

    // A day of 25 hours has 25 rows, and quarter hours make the same sums.
    let hours = admin.get_json("/api/v1/reports/calls?from=2026-10-25&to=2026-10-25&interval=hour").await;
    assert_eq!(hours["items"].as_array().unwrap().len(), 25);
    let quarters = admin.get_json("/api/v1/reports/calls?from=2026-10-25&to=2026-10-25&interval=quarter").await;
    let quarters = quarters["items"].as_array().unwrap();
    assert_eq!(quarters.len(), 100);
    for (name, _) in FIGURES.iter().filter(|(name, _)| *name != "longest_wait_ms") {
        let sum: i64 = quarters.iter().map(|row| row["figures"][name].as_i64().unwrap()).sum();
        assert_eq!(sum, days[0]["figures"][name].as_i64().unwrap(), "{name}");
    }
    let total = admin.get_json(&format!("{RANGE}&interval=total")).await;
    assert_eq!(total["items"][0]["figures"]["offered"], 4);
    let moments = "/api/v1/reports/calls?from=2026-10-24T22:00:00Z&to=2026-10-26T23:00:00Z&interval=month";
    assert_eq!(admin.get_json(moments).await["items"][0]["figures"], total["items"][0]["figures"]);
}

#[tokio::test]
async fn rows_are_of_queues_or_agents_and_filtered_by_them() {
    let app = App::start().await;
    let (admin, operator, sales, support) = two_days(&app).await;
    let by_queue = admin.get_json(&format!("{RANGE}&interval=total&by=queue")).await;
    let rows = by_queue["items"].as_array().unwrap();
    let of = |row: &Value| {
        (row["queue"]["name"].clone(), row["figures"]["offered"].clone(), row["figures"]["on_contact_ms"].clone())
    };
    assert_eq!(of(&rows[0]), ("Sales".into(), 2.into(), 0.into()));
    assert_eq!(of(&rows[1]), ("Support".into(), 2.into(), 0.into()));
    // An agent's time is no queue's.
    assert_eq!(
        (rows.len(), &rows[2]["queue"], &rows[2]["figures"]["on_contact_ms"]),
        (3, &Value::Null, &120_000.into())
    );

    let by_agent = admin.get_json(&format!("{RANGE}&interval=total&by=agent")).await;
    let rows = by_agent["items"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["agent"]["id"]), (2, &json!(operator.id)));
    let figures = &rows[0]["figures"];
    assert_eq!((&figures["answered"], &figures["contacts"], &figures["offers"]), (&2.into(), &2.into(), &2.into()));
    assert_eq!((&rows[1]["agent"], &rows[1]["figures"]["abandoned"]), (&Value::Null, &2.into()));

    let one = admin.get_json(&format!("{RANGE}&interval=total&queue_id={sales}")).await;
    assert_eq!(
        (&one["items"][0]["figures"]["offered"], &one["items"][0]["derived"]["occupancy"]),
        (&2.into(), &Value::Null)
    );
    let one = admin.get_json(&format!("{RANGE}&interval=total&agent_id={}&queue_id={support}", operator.id)).await;
    assert_eq!(one["items"][0]["figures"]["contacts"], 1);
    let nobody = admin.get_json(&format!("{RANGE}&by=agent&agent_id={}", Uuid::now_v7())).await;
    assert_eq!(nobody["items"], json!([]));
}

#[tokio::test]
async fn what_agents_do_right_now_counts_up_to_now() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    operator.set_state("available").await;
    count(&app, app.tenant).await;
    let from = (Utc::now() - chrono::TimeDelta::days(1)).format("%Y-%m-%d");
    let to = (Utc::now() + chrono::TimeDelta::days(1)).format("%Y-%m-%d");
    let path = format!("/api/v1/reports/calls?from={from}&to={to}&interval=total&by=agent");
    let report = admin.get_json(&path).await;
    let figures = &report["items"][0]["figures"];
    let since = app.state.db.ping().await.map(|()| figures["available_ms"].as_i64().unwrap()).unwrap();
    assert!((0..60_000).contains(&since), "{figures}");
    assert_eq!(report["items"][0]["agent"]["id"], json!(operator.id));
}

#[tokio::test]
async fn files_hold_the_same_rows_and_no_formula() {
    let app = App::start().await;
    let (admin, operator, ..) = two_days(&app).await;
    sqlx::query("UPDATE queues SET name = '=HYPERLINK(\"http://x.test\")' WHERE slug = 'sales'")
        .execute(&mut app.owner().await)
        .await
        .unwrap();
    let pause = |state: &str, at: &str| {
        let data = json!({ "state": state, "reason": "@lunch" });
        NewEvent::new(Kind::from_static("agent.state_changed"), Ref::new("agent", operator.id), data)
            .at(at.parse().unwrap())
    };
    let paused = vec![
        pause("paused", "2026-10-26T12:00:00Z"),
        pause("available", "2026-10-26T12:30:00Z"),
        pause("offline", "2026-10-26T12:40:00Z"),
    ];
    app.state.journal.append(app.tenant, paused).await.unwrap();
    count(&app, app.tenant).await;

    let asked = admin.request(Method::GET, &format!("{RANGE}&by=queue")).header("accept", "text/csv");
    let answer = asked.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/csv; charset=utf-8");
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"calls-2026-10-25.csv\"");
    let csv = answer.text().await.unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert!(
        lines[0].starts_with("from,to,queue,queue_id,offered,answered,")
            && lines[0].ends_with(",adherence,\"paused_ms: @lunch\""),
        "{}",
        lines[0]
    );
    assert!(
        lines[1]
            .starts_with("2026-10-25T00:00:00+02:00,2026-10-26T00:00:00+01:00,\"'=HYPERLINK(\"\"http://x.test\"\")\","),
        "{}",
        lines[1]
    );
    assert!(lines[1].contains(",2,1,1,1,0,"), "{}", lines[1]);
    assert!(csv.contains("1800000"), "{csv}");

    let answer = admin.get(&format!("{RANGE}&by=queue&format=xlsx")).await;
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"calls-2026-10-25.xlsx\"");
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(answer.bytes().await.unwrap().to_vec())).unwrap();
    let sheet = book.worksheet_range("Calls").unwrap();
    let rows: Vec<&[Data]> = sheet.rows().collect();
    assert_eq!(rows.len(), lines.len());
    assert_eq!((&rows[0][4], &rows[1][4]), (&Data::String("offered".to_owned()), &Data::Float(2.0)));
    assert_eq!(rows[1][2], Data::String("=HYPERLINK(\"http://x.test\")".to_owned()), "a text, not a formula");
    let formulas = book.worksheet_formula("Calls").unwrap();
    assert!(formulas.used_cells().all(|(_, _, formula)| formula.is_empty()));
    let level = rows[0].iter().position(|name| *name == Data::String("service_level".to_owned())).unwrap();
    assert_eq!(rows[1][level], Data::Float(0.5));
}

#[tokio::test]
async fn what_does_not_fit_is_told_by_field() {
    let app = App::start().await;
    let admin = app.admin().await;
    for (query, field) in [
        ("from=yesterday&to=2026-10-26", "from"),
        ("from=2026-10-25&to=2026-10-25T10:05:00Z", "to"),
        ("from=2026-10-25&to=2026-10-24", "to"),
        ("from=2001-01-01&to=2026-10-24", "to"),
        ("from=2026-10-25&to=2026-10-26&interval=fortnight", "interval"),
        ("from=2026-10-25&to=2026-10-26&by=team", "by"),
        ("from=2026-10-25&to=2026-10-26&format=pdf", "format"),
        ("from=2024-10-25&to=2026-10-26&interval=quarter", "interval"),
    ] {
        let refused = problem(admin.get(&format!("/api/v1/reports/calls?{query}")).await).await;
        assert_eq!((&refused["status"], &refused["errors"][0]["field"]), (&400.into(), &field.into()), "{query}");
    }
    for query in ["", "from=2026-10-25", "from=2026-10-25&to=2026-10-26&queue_id=sales"] {
        assert_eq!(problem(admin.get(&format!("/api/v1/reports/calls?{query}")).await).await["status"], 400, "{query}");
    }
}

#[tokio::test]
async fn everybody_reads_what_is_in_their_sight() {
    let app = App::start().await;
    let (admin, operator, ..) = two_days(&app).await;
    let total = format!("{RANGE}&interval=total");
    assert_eq!(app.sign_in("manager@demo.test").await.get_json(&total).await["items"][0]["figures"]["offered"], 4);
    assert_eq!(problem(operator.get(&total).await).await["status"], 403);

    // A role that reads reports and sees no more than a member does: the second operator's queues, and nobody else's time.
    let second = app.sign_in("operator2@demo.test").await;
    let role = custom(&admin, "Reader", &["reports:read"], "member").await;
    assign(&app, principal(&app, &admin), second.id, Assignment::Custom(role)).await.unwrap();
    until_status(&second, &total, StatusCode::OK).await;
    let seen = second.get_json(&total).await["items"][0]["figures"].clone();
    assert_eq!((&seen["offered"], &seen["contacts"], &seen["on_contact_ms"]), (&4.into(), &2.into(), &0.into()));
    sqlx::query(
        "DELETE FROM queue_members m USING queues q WHERE q.id = m.queue_id AND q.slug = 'sales' AND m.agent_id = $1",
    )
    .bind(second.id)
    .execute(&mut app.owner().await)
    .await
    .unwrap();
    let seen = second.get_json(&total).await["items"][0]["figures"].clone();
    assert_eq!((&seen["offered"], &seen["contacts"]), (&2.into(), &1.into()));
    let agents = second.get_json(&format!("{total}&by=agent")).await;
    assert_eq!(agents["items"][0]["figures"]["paused_ms"], 0);

    // Another tenant sees nothing of it.
    let (_, stranger) = app.other_tenant().await;
    let theirs = stranger.get_json(&total).await;
    assert_eq!((&theirs["items"][0]["figures"]["offered"], &theirs["as_of_seq"]), (&0.into(), &0.into()));
    for by in ["queue", "agent"] {
        assert_eq!(stranger.get_json(&format!("{RANGE}&by={by}")).await["items"], json!([]), "{by}");
    }
}

/// The names of figures in docs/metrics.md are those of the API, and none is missing.
#[test]
fn the_documentation_names_every_figure_and_no_other() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/metrics.md");
    let text = std::fs::read_to_string(path).unwrap();
    // A row of a table that begins with one name in code is about a figure.
    let mut told: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |").map(|(name, _)| name)).collect();
    let mut ours: Vec<&str> = FIGURES.iter().chain(Derived::NAMES).map(|(name, _)| *name).chain(["pauses"]).collect();
    told.sort_unstable();
    ours.sort_unstable();
    assert_eq!(told, ours);
    // And every formula stands in the API's document as it stands here.
    let document = serde_json::to_value(trunkline::http::openapi()).unwrap();
    let derived = &document["components"]["schemas"]["Derived"]["properties"];
    for (name, _) in Derived::NAMES {
        let described = derived[name]["description"].as_str().unwrap_or_else(|| panic!("{name}: {derived}"));
        let formula = described.split('`').nth(1).unwrap();
        assert!(text.contains(formula), "{name}: {formula}");
    }
}
