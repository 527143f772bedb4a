//! Limits on how often somebody may ask: apart by address, user, key, tenant and class of route.

use reqwest::{Method, Response, StatusCode};
use serde_json::json;

use crate::support::{App, Options, problem};

async fn app(settings: &[(&'static str, &'static str)]) -> App {
    App::start_with(Options {
        config: settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
        ..Options::default()
    })
    .await
}

async fn limited(answer: Response, name: &str) {
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS, "{name}");
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert!(header("retry-after").parse::<u64>().unwrap() >= 1);
    assert!(header("ratelimit-policy").starts_with(&format!("\"{name}\";q=")), "{}", header("ratelimit-policy"));
    assert!(header("ratelimit").starts_with(&format!("\"{name}\";r=0;t=")), "{}", header("ratelimit"));
    assert_eq!(problem(answer).await["code"], "too-many");
}

#[tokio::test]
async fn a_user_has_so_many_requests_and_is_told_how_many_are_left() {
    let app = app(&[("RATE_LIMIT_USER", "3/h")]).await;
    let (operator, admin) = (app.operator().await, app.admin().await);
    for left in [2, 1, 0] {
        let answer = operator.get("/api/v1/queues").await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["ratelimit-policy"], "\"user\";q=3;w=3600");
        let state = answer.headers()["ratelimit"].to_str().unwrap();
        assert!(state.starts_with(&format!("\"user\";r={left};t=")), "{state}");
    }
    limited(operator.get("/api/v1/queues").await, "user").await;
    limited(operator.get("/api/v1/calls").await, "user").await;
    assert_eq!(admin.get("/api/v1/queues").await.status(), StatusCode::OK, "another user");
    let metrics = app.client.get(app.url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains(r#"trunkline_rate_limited_total{class="api",kind="user"} 2"#));
    assert!(metrics.contains(r#"trunkline_rate_limited_total{class="webhook",kind="account"} 0"#));
}

#[tokio::test]
async fn a_tenant_has_a_limit_beyond_its_users() {
    let app = app(&[("RATE_LIMIT_TENANT", "2/h")]).await;
    let (operator, admin) = (app.operator().await, app.admin().await);
    let (_, stranger) = app.other_tenant().await;
    operator.get("/api/v1/queues").await;
    admin.get("/api/v1/queues").await;
    limited(operator.get("/api/v1/queues").await, "tenant").await;
    assert_eq!(stranger.get("/api/v1/queues").await.status(), StatusCode::OK, "another tenant");
}

#[tokio::test]
async fn an_address_is_limited_before_anybody_is_known() {
    let settings = [("RATE_LIMIT_ADDRESS", "2/h"), ("TRUSTED_PROXIES", "127.0.0.1")];
    let app = app(&settings).await;
    let ask = async |address: &str| {
        let request = app.client.request(Method::GET, app.url("/api/v1/me")).header("x-forwarded-for", address);
        request.bearer_auth("nonsense").send().await.unwrap()
    };
    for _ in 0..2 {
        assert_eq!(ask("2001:db8:0:1::1").await.status(), StatusCode::UNAUTHORIZED);
    }
    limited(ask("2001:db8:0:1::2").await, "address").await;
    assert_eq!(ask("2001:db8:0:2::1").await.status(), StatusCode::UNAUTHORIZED, "another network");
}

#[tokio::test]
async fn sign_ins_streams_and_softphones_have_limits_of_their_own() {
    let settings = [("RATE_LIMIT_SIGN_IN", "2/h"), ("RATE_LIMIT_STREAM", "1/h"), ("RATE_LIMIT_SIP", "1/h")];
    let app = app(&settings).await;
    let operator = app.operator().await;
    app.admin().await;
    let answer = app.login("operator@demo.test", "trunkline-demo").await;
    limited(answer, "sign_in-address").await;
    let refresh = app.client.post(app.url("/api/v1/auth/refresh")).send().await.unwrap();
    limited(refresh, "sign_in-address").await;
    assert_eq!(operator.get("/api/v1/queues").await.status(), StatusCode::OK, "the others are not held up");

    assert_eq!(operator.get("/api/v1/stream").await.status(), StatusCode::UPGRADE_REQUIRED);
    limited(operator.get("/api/v1/stream").await, "stream-address").await;
    let sip = async || app.client.get(app.url("/ws/sip?name=nobody&key=nothing")).send().await.unwrap();
    assert_ne!(sip().await.status(), StatusCode::TOO_MANY_REQUESTS);
    limited(sip().await, "sip-address").await;
}

#[tokio::test]
async fn a_limit_can_be_taken_away() {
    let off = ["RATE_LIMIT_ADDRESS", "RATE_LIMIT_USER", "RATE_LIMIT_TENANT"].map(|name| (name, "off"));
    let app = app(&off).await;
    let answer = app.operator().await.get("/api/v1/queues").await;
    assert!(!answer.headers().contains_key("ratelimit"));
}

/// INTERFACES: the demo takes at least 600 requests a second of one user.
#[tokio::test]
async fn six_hundred_requests_at_once_pass_by_default() {
    let app = App::start().await;
    let operator = app.operator().await;
    for _ in 0..600 {
        let answer = operator.request(Method::GET, "/api/v1/permissions").json(&json!({})).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
}
