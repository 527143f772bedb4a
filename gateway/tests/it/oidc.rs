//! Signing in through a real OpenID provider.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{App, Browser, CLIENT, Options, Provider, User, free_port, problem};

async fn start() -> (App, Provider) {
    let address = format!("127.0.0.1:{}", free_port());
    let provider = Provider::start(&format!("http://{address}")).await;
    let config = vec![
        ("HTTP_LISTEN", address.clone()),
        ("PUBLIC_URL", format!("http://{address}")),
        ("PRIVATE_IDENTITY_PROVIDERS", "true".to_owned()),
    ];
    (App::start_with(Options { config, ..Options::default() }).await, provider)
}

fn wanted(provider: &Provider) -> Value {
    json!({ "name": "Example", "issuer": provider.issuer, "client_id": CLIENT.0, "client_secret": CLIENT.1,
            "allowed_domains": ["demo.test", "example.org"], "auto_role": "operator" })
}

async fn set(admin: &User, wanted: &Value) -> reqwest::Response {
    admin.request(Method::PUT, "/api/v1/identity-provider").json(wanted).send().await.unwrap()
}

/// The access token that the browser's refresh cookie gives.
async fn user(app: &App, browser: &Browser) -> User {
    let answer = browser.client.post(app.url("/api/v1/auth/refresh")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    app.user_of(&answer.json().await.unwrap())
}

#[tokio::test]
async fn members_and_newcomers_sign_in_through_the_tenants_provider() {
    let (app, provider) = start().await;
    let admin = app.admin().await;
    let set = set(&admin, &wanted(&provider)).await;
    assert_eq!(set.status(), StatusCode::OK);
    let set: Value = set.json().await.unwrap();
    assert_eq!((&set["has_client_secret"], &set.get("client_secret")), (&true.into(), &None));
    let methods: Value = app.client.get(app.url("/api/v1/auth/methods")).send().await.unwrap().json().await.unwrap();
    assert_eq!(methods["provider"], json!({ "name": "Example", "tenant": "demo" }));

    let browser = Browser::new();
    let (next, answer) = browser.sign_in(&app, "demo", "operator@demo.test").await;
    assert_eq!(next, "/calls");
    let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().map(|one| one.to_str().unwrap()).collect();
    assert!(
        cookies.iter().any(|one| one.starts_with("trunkline_refresh=") && one.contains("SameSite=Strict")),
        "{cookies:?}"
    );
    let operator = user(&app, &browser).await;
    let me = operator.get_json("/api/v1/me").await;
    assert_eq!((&me["user"]["email"], &me["user"]["role"]), (&"operator@demo.test".into(), &"operator".into()));
    assert_eq!(operator.get_json("/api/v1/me/sessions").await["items"][0]["method"], "oidc");
    assert_eq!(
        operator.post("/api/v1/auth/switch", &json!({ "tenant": "demo" })).await.status(),
        StatusCode::FORBIDDEN
    );

    let newcomer = Browser::new();
    assert_eq!(newcomer.sign_in(&app, "demo", "ada@example.org").await.0, "/calls");
    let me = user(&app, &newcomer).await.get_json("/api/v1/me").await;
    assert_eq!(
        (&me["user"]["name"], &me["user"]["email_verified"]),
        (&"Name of ada@example.org".into(), &false.into())
    );
    let again = Browser::new();
    again.sign_in(&app, "demo", "ada@example.org").await;
    assert_eq!(user(&app, &again).await.get_json("/api/v1/me").await["user"]["id"], me["user"]["id"]);

    let admin_path = format!("/api/v1/members/{}/deactivate", me["user"]["id"].as_str().unwrap());
    assert_eq!(admin.post(&admin_path, &json!({})).await.status(), StatusCode::OK);
    assert_eq!(Browser::new().sign_in(&app, "demo", "ada@example.org").await.0, "/sign-in?problem=no-member");
}

#[tokio::test]
async fn whoever_the_tenant_does_not_mean_is_not_let_in() {
    let (app, provider) = start().await;
    app.other_tenant().await;
    let admin = app.admin().await;
    let nowhere = app.client.get(app.url("/api/v1/auth/oidc/start?tenant=demo")).send();
    // The client follows, to the panel: what matters is where to.
    assert!(nowhere.await.unwrap().url().as_str().ends_with("/sign-in?problem=no-provider"));
    set(
        &admin,
        &json!({ "name": "Example", "issuer": provider.issuer, "client_id": CLIENT.0, "client_secret": CLIENT.1,
        "allowed_domains": ["demo.test", "other.test"] }),
    )
    .await;
    for (login, why) in [
        ("ada@elsewhere.example", "address"),
        ("unproved-operator@demo.test", "address"),
        ("nobody@demo.test", "no-member"),
        ("admin@other.test", "no-member"),
    ] {
        let (next, _) = Browser::new().sign_in(&app, "demo", login).await;
        assert_eq!(next, format!("/sign-in?problem={why}"), "{login}");
    }
}

#[tokio::test]
async fn a_way_back_belongs_to_the_browser_that_left_and_works_once() {
    let (app, provider) = start().await;
    set(&app.admin().await, &wanted(&provider)).await;
    let place = async |browser: &Browser, url: reqwest::Url| -> String {
        let answer = browser.client.get(url).send().await.unwrap();
        answer.headers()["location"].to_str().unwrap().to_owned()
    };
    let browser = Browser::new();
    let lured =
        browser.client.get(app.url("/api/v1/auth/oidc/start?tenant=demo")).header("sec-fetch-site", "cross-site");
    let lured = lured.send().await.unwrap();
    assert_eq!(lured.headers()["location"], "/sign-in?tenant=demo", "another site signs nobody in");
    let back = browser.callback(&app, "demo", "operator@demo.test").await;
    // A victim's browser, which an attacker sends the attacker's way back to.
    assert_eq!(place(&Browser::new(), back.clone()).await, "/sign-in?problem=stale");
    let mut bent = back.clone();
    let pairs: Vec<_> = back.query_pairs().into_owned().collect();
    bent.query_pairs_mut().clear().extend_pairs(
        pairs.iter().map(|(name, value)| (name, if name == "iss" { "https://evil.example" } else { value.as_str() })),
    );
    assert_eq!(place(&browser, bent).await, "/sign-in?problem=provider");
    // The cookie was used up by that: nothing is tried twice.
    assert_eq!(place(&browser, back).await, "/sign-in?problem=stale");
}

#[tokio::test]
async fn a_provider_is_asked_before_it_is_named_and_never_in_a_private_network() {
    let app = App::start().await;
    let admin = app.admin().await;
    for issuer in
        ["http://127.0.0.1:9", "https://127.0.0.1:9", "https://169.254.169.254", "file:///etc/passwd", "example"]
    {
        let wanted = json!({ "name": "X", "issuer": issuer, "client_id": "x", "allowed_domains": ["example.org"] });
        let refused = problem(set(&admin, &wanted).await).await;
        assert_eq!(refused["errors"][0]["field"], "issuer", "{issuer}");
    }
    let operator = app.operator().await;
    assert_eq!(operator.get("/api/v1/identity-provider").await.status(), StatusCode::FORBIDDEN);
    assert_eq!(admin.get("/api/v1/identity-provider").await.status(), StatusCode::NOT_FOUND);
}
