use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trunkline_db::{JobId, TenantId};
use trunkline_jobs::NewJob;

use crate::support::{App, User, problem};

async fn enqueue(app: &App, tenant: TenantId, job: NewJob) -> JobId {
    let mut tx = app.state.db.tenant(tenant).await.unwrap();
    let id = trunkline_jobs::enqueue(&mut tx, job).await.unwrap();
    tx.commit().await.unwrap();
    id
}

fn job(n: usize) -> NewJob {
    NewJob::new("test.job", json!({ "n": n }))
}

/// Moves a job to a state as a worker would have.
async fn set(app: &App, id: JobId, state: &str) {
    let mut owner = app.owner().await;
    sqlx::query(
        "UPDATE jobs SET state = $2, attempt = 3, error = CASE WHEN $2 = 'dead' THEN 'no such mailbox' END,
                owner = CASE WHEN $2 = 'running' THEN id END, lease_until = CASE WHEN $2 = 'running' THEN now() + interval '1 h' END,
                finished_at = CASE WHEN $2 IN ('done', 'dead') THEN now() END WHERE id = $1",
    )
    .bind(id)
    .bind(state)
    .execute(&mut owner)
    .await
    .unwrap();
}

async fn ids(admin: &User, query: &str) -> Vec<JobId> {
    let page = admin.get_json(&format!("/api/v1/jobs{query}")).await;
    page["items"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn admins_see_their_tenants_jobs_by_state_and_kind_the_newest_first() {
    let app = App::start().await;
    let admin = app.admin().await;
    let mut made = Vec::new();
    for n in 0..5 {
        made.push(enqueue(&app, app.tenant, job(n)).await);
    }
    let other = enqueue(&app, app.tenant, NewJob::new("test.other", Value::Null).key("a").priority(3)).await;
    set(&app, made[0], "dead").await;
    set(&app, made[1], "running").await;
    set(&app, made[2], "done").await;
    let (theirs, stranger) = app.other_tenant().await;
    let foreign = enqueue(&app, theirs, job(9)).await;

    assert_eq!(ids(&admin, "").await, [other, made[4], made[3], made[2], made[1], made[0]]);
    assert_eq!(ids(&admin, "?state=waiting").await, [other, made[4], made[3]]);
    assert_eq!(ids(&admin, "?state=running").await, [made[1]]);
    assert_eq!(ids(&admin, "?state=done").await, [made[2]]);
    assert_eq!(ids(&admin, "?state=dead").await, [made[0]]);
    assert_eq!(ids(&admin, "?kind=test.other").await, [other]);
    assert_eq!(ids(&admin, "?state=dead&kind=test.other").await, []);
    let first = admin.get_json("/api/v1/jobs?limit=4").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(ids(&admin, &format!("?limit=4&cursor={cursor}")).await, [made[1], made[0]]);
    assert!(first["as_of_seq"].is_number());
    assert_eq!(ids(&stranger, "").await, [foreign]);

    let one = admin.get_json(&format!("/api/v1/jobs/{other}")).await;
    assert_eq!(
        (&one["state"], &one["waits_for"], &one["key"], &one["priority"]),
        (&"waiting".into(), &"turn".into(), &"a".into(), &3.into())
    );
    let dead = admin.get_json(&format!("/api/v1/jobs/{}", made[0])).await;
    assert_eq!(
        (&dead["error"], &dead["payload"], &dead["attempt"]),
        (&"no such mailbox".into(), &json!({ "n": 0 }), &3.into())
    );
    assert_eq!(problem(admin.get(&format!("/api/v1/jobs/{foreign}")).await).await["status"], 404);
    assert_eq!(problem(admin.get("/api/v1/jobs?state=sleeping").await).await["status"], 400);
    assert_eq!(problem(admin.get("/api/v1/jobs?kind=%00").await).await["status"], 400);
}

#[tokio::test]
async fn what_is_sealed_is_shown_to_nobody() {
    let app = App::start().await;
    let admin = app.admin().await;
    let id = enqueue(&app, app.tenant, NewJob::new("test.job", json!({ "token": "canary" })).sealed()).await;
    for path in [format!("/api/v1/jobs/{id}"), "/api/v1/jobs".to_owned()] {
        let body = admin.get(&path).await.text().await.unwrap();
        assert!(!body.contains("canary") && body.contains("\"sealed\":true"), "{body}");
    }
}

#[tokio::test]
async fn a_dead_job_is_run_again_and_a_waiting_one_at_once() {
    let app = App::start().await;
    let admin = app.admin().await;
    let retry = async |id: JobId| admin.post(&format!("/api/v1/jobs/{id}/retry"), &json!({})).await;
    let dead = enqueue(&app, app.tenant, job(1).max_attempts(3)).await;
    set(&app, dead, "dead").await;
    let answer = retry(dead).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!((&answer["state"], &answer["last_attempt"]), (&"waiting".into(), &6.into()));

    let later = chrono::Utc::now() + chrono::TimeDelta::hours(3);
    let waits = enqueue(&app, app.tenant, job(2).run_at(later)).await;
    assert_eq!(admin.get_json(&format!("/api/v1/jobs/{waits}")).await["waits_for"], "time");
    assert_eq!(retry(waits).await.json::<Value>().await.unwrap()["waits_for"], "turn");

    for (state, code) in [("running", "job-running"), ("done", "job-done")] {
        set(&app, waits, state).await;
        let refused = problem(retry(waits).await).await;
        assert_eq!((&refused["status"], &refused["code"]), (&409.into(), &code.into()));
    }
    assert_eq!(problem(retry(JobId::new()).await).await["status"], 404);
}

#[tokio::test]
async fn a_job_is_dropped_unless_it_runs() {
    let app = App::start().await;
    let admin = app.admin().await;
    let drop = async |id: JobId| admin.request(Method::DELETE, &format!("/api/v1/jobs/{id}")).send().await.unwrap();
    let id = enqueue(&app, app.tenant, job(1)).await;
    set(&app, id, "running").await;
    let refused = problem(drop(id).await).await;
    assert_eq!((&refused["status"], &refused["code"]), (&409.into(), &"job-running".into()));
    set(&app, id, "dead").await;
    assert_eq!(drop(id).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(problem(drop(id).await).await["status"], 404);
}

#[tokio::test]
async fn jobs_are_for_admins_and_of_ones_own_tenant() {
    let app = App::start().await;
    let id = enqueue(&app, app.tenant, job(1)).await;
    let (_, stranger) = app.other_tenant().await;
    let operations = [
        (Method::GET, "/api/v1/jobs".to_owned()),
        (Method::GET, format!("/api/v1/jobs/{id}")),
        (Method::POST, format!("/api/v1/jobs/{id}/retry")),
        (Method::DELETE, format!("/api/v1/jobs/{id}")),
    ];
    let (operator, manager) = (app.operator().await, app.sign_in("manager@demo.test").await);
    for (method, path) in operations {
        for user in [&operator, &manager] {
            let answer = user.request(method.clone(), &path).json(&json!({})).send().await.unwrap();
            assert_eq!(problem(answer).await["status"], 403, "{method} {path}");
        }
        if path != "/api/v1/jobs" {
            let answer = stranger.request(method.clone(), &path).json(&json!({})).send().await.unwrap();
            assert_eq!(problem(answer).await["status"], 404, "{method} {path}");
        }
    }
    assert_eq!(ids(&app.admin().await, "").await, [id]);
}

/// Whatever waits, a page of the list reads about as many rows as it shows.
#[tokio::test]
async fn a_page_of_jobs_is_read_by_its_index() {
    let app = App::start().await;
    let mut owner = app.owner().await;
    sqlx::query(
        "INSERT INTO jobs (id, tenant_id, kind, priority, payload, sealed, state, max_attempts, last_attempt, run_at, finished_at)
         SELECT gen_random_uuid(), $1, 'test.job', 0, 'null', false, CASE WHEN n % 2 = 0 THEN 'dead' ELSE 'done' END, 1, 1, now(), now()
           FROM generate_series(1, 20000) AS n",
    )
    .bind(app.tenant)
    .execute(&mut owner)
    .await
    .unwrap();
    sqlx::query("ANALYZE jobs").execute(&mut owner).await.unwrap();
    for (condition, index) in [("true", "jobs_list"), ("state = 'dead'", "jobs_list_dead")] {
        let mut tx = app.state.db.tenant(app.tenant).await.unwrap();
        let plan: Vec<(String,)> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "EXPLAIN SELECT id FROM jobs WHERE {condition} ORDER BY id DESC LIMIT 50"
        )))
        .fetch_all(tx.conn())
        .await
        .unwrap();
        let plan: String = plan.into_iter().map(|(line,)| line + "\n").collect();
        assert!(plan.contains(index) && !plan.contains("Seq Scan"), "{condition}:\n{plan}");
    }
}

#[tokio::test]
async fn what_has_ended_is_swept_by_a_job() {
    let app = App::start_with(crate::support::Options { works: true, ..Default::default() }).await;
    let mut tx = app.state.db.system().await.unwrap();
    trunkline_jobs::enqueue_system(&mut tx, NewJob::new("system.sweep", Value::Null)).await.unwrap();
    tx.commit().await.unwrap();
    let mut owner = app.owner().await;
    let swept = async {
        loop {
            let done: i64 =
                sqlx::query_scalar("SELECT count(*) FROM jobs WHERE kind = 'system.sweep' AND state = 'done'")
                    .fetch_one(&mut owner)
                    .await
                    .unwrap();
            if done > 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), swept).await.unwrap();
    let metrics = app.client.get(app.url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains(r#"trunkline_job_attempts_total{kind="system.sweep",outcome="done"} 1"#), "{metrics}");
    let (scheduled,): (String,) =
        sqlx::query_as("SELECT rule FROM job_schedules WHERE name = 'sweep'").fetch_one(&mut owner).await.unwrap();
    assert_eq!(scheduled, "every 600000 ms");
}
