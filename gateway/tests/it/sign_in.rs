use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use trunkline_db::Role;

use crate::support::{App, problem};

/// The refresh cookie that an answer sets, as `name=value`.
fn cookie(answer: &Response) -> String {
    let header = answer.headers()["set-cookie"].to_str().unwrap();
    header.split(';').next().unwrap().to_owned()
}

async fn refresh(app: &App, cookie: &str) -> Response {
    app.client.post(app.url("/api/v1/auth/refresh")).header("cookie", cookie).send().await.unwrap()
}

#[tokio::test]
async fn signing_in_gives_a_token_and_a_cookie_that_scripts_cannot_read() {
    let app = App::start().await;
    let answer = app.login("Operator@Demo.Test", "trunkline-demo").await;
    assert_eq!(answer.status(), StatusCode::OK);
    let header = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/api/v1/auth"] {
        assert!(header.contains(part), "{header}");
    }
    let body: Value = answer.json().await.unwrap();
    assert_eq!((&body["token_type"], &body["user"]["role"]), (&"Bearer".into(), &"operator".into()));
    assert!(body["expires_in"].as_i64().unwrap() >= 900);
    assert_eq!(body["tenant"]["slug"], "demo");

    let me = app.operator().await.get_json("/api/v1/me").await;
    assert_eq!(me["user"]["email"], "operator@demo.test");
    assert!(me["permissions"].as_array().unwrap().contains(&"events:read".into()));
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_are_answered_alike() {
    let app = App::start().await;
    let wrong = problem(app.login("operator@demo.test", "wrong-password").await).await;
    let unknown = problem(app.login("nobody@demo.test", "wrong-password").await).await;
    assert_eq!(wrong, unknown);
    assert_eq!((&wrong["status"], &wrong["code"]), (&401.into(), &"wrong-credentials".into()));
}

#[tokio::test]
async fn guessing_is_limited_and_locks_nobody_else_out() {
    let app = App::start().await;
    for _ in 0..8 {
        assert_eq!(app.login("manager@demo.test", "guess-guess").await.status(), StatusCode::UNAUTHORIZED);
    }
    let limited = app.login("manager@demo.test", "trunkline-demo").await;
    assert_eq!(limited.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(limited.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(app.login("operator@demo.test", "trunkline-demo").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_reuse_ends_the_whole_sign_in() {
    let app = App::start().await;
    let first = cookie(&app.login("operator@demo.test", "trunkline-demo").await);
    let answer = refresh(&app, &first).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let second = cookie(&answer);
    assert_ne!(first, second);
    let token = answer.json::<Value>().await.unwrap()["access_token"].as_str().unwrap().to_owned();

    // A thief's copy, or a browser that was put back: nobody can tell, so the sign-in ends.
    let reused = refresh(&app, &first).await;
    assert!(reused.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(problem(reused).await["status"], 401);
    assert_eq!(refresh(&app, &second).await.status(), StatusCode::UNAUTHORIZED);
    let me = app.client.get(app.url("/api/v1/me")).bearer_auth(token).send().await.unwrap();
    assert_eq!(problem(me).await["detail"], "the access token was revoked");
    assert_eq!(refresh(&app, "trunkline_refresh=nonsense").await.status(), StatusCode::UNAUTHORIZED);
    let none = app.client.post(app.url("/api/v1/auth/refresh")).send().await.unwrap();
    assert_eq!(none.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn of_two_refreshes_at_once_one_is_the_second() {
    let app = App::start().await;
    let first = cookie(&app.login("operator@demo.test", "trunkline-demo").await);
    let (left, right) = tokio::join!(refresh(&app, &first), refresh(&app, &first));
    let mut statuses = [left.status().as_u16(), right.status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
}

#[tokio::test]
async fn signing_out_ends_cookie_and_token() {
    let app = App::start().await;
    let answer = app.login("operator@demo.test", "trunkline-demo").await;
    let cookie = cookie(&answer);
    let token = answer.json::<Value>().await.unwrap()["access_token"].as_str().unwrap().to_owned();
    let logout = app.client.post(app.url("/api/v1/auth/logout")).header("cookie", &cookie).send().await.unwrap();
    assert_eq!(logout.status(), StatusCode::NO_CONTENT);
    assert_eq!(refresh(&app, &cookie).await.status(), StatusCode::UNAUTHORIZED);
    let me = app.client.get(app.url("/api/v1/me")).bearer_auth(token).send().await.unwrap();
    assert_eq!(me.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn tokens_need_our_signature_and_their_time() {
    let app = App::start().await;
    let operator = app.operator().await;
    let get = async |token: &str| app.client.get(app.url("/api/v1/agents")).bearer_auth(token).send().await.unwrap();
    assert_eq!(get(&operator.token).await.status(), StatusCode::OK);
    let expired = problem(get(&app.token(operator.id, Role::Operator, -1)).await).await;
    assert_eq!(expired["detail"], "the access token has expired");
    let mut bent = operator.token.clone();
    bent.pop();
    assert_eq!(get(&bent).await.status(), StatusCode::UNAUTHORIZED);
    let none = app.client.get(app.url("/api/v1/agents")).send().await.unwrap();
    assert_eq!(none.headers()["www-authenticate"], "Bearer");
    assert_eq!(problem(none).await["code"], "unauthorized");
}

#[tokio::test]
async fn bad_input_names_its_fields() {
    let app = App::start().await;
    let post = async |body: &str, content_type: &str| {
        let request = app.client.post(app.url("/api/v1/auth/login")).header("content-type", content_type.to_owned());
        problem(request.body(body.to_owned()).send().await.unwrap()).await
    };
    let missing = post(r#"{"email":"a@b.test"}"#, "application/json").await;
    assert_eq!((&missing["status"], &missing["errors"][0]["field"]), (&422.into(), &"password".into()));
    assert_eq!(post("{", "application/json").await["status"], 400);
    assert_eq!(post("{}", "text/plain").await["status"], 415);
    let large = json!({ "email": "a@b.test", "password": "x".repeat(300_000) }).to_string();
    assert_eq!(post(&large, "application/json").await["status"], 413);
    let wrong_method = app.client.get(app.url("/api/v1/auth/login")).send().await.unwrap();
    assert_eq!(problem(wrong_method).await["status"], 405);
    let nowhere = app.client.get(app.url("/api/v1/nowhere")).send().await.unwrap();
    assert_eq!(problem(nowhere).await["status"], 404);
}
