//! What guards browsers: headers, hosts, origins, cookies.

use reqwest::{Method, StatusCode};

use crate::support::{App, problem};

const POST: Method = Method::POST;

#[tokio::test]
async fn every_answer_says_what_a_browser_may_not_do_with_it() {
    let app = App::start().await;
    let operator = app.operator().await;
    for path in
        ["/api/v1/me", "/api/v1/agents", "/api/v1/nothing", "/health", "/metrics", "/dev", "/dev/page.css", "/x.js"]
    {
        let answer = operator.get(path).await;
        let header = |name: &str| answer.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin", "{path}");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(header("strict-transport-security"), "", "{path}: plain HTTP here");
        let policy = header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        if path.starts_with("/api/") {
            assert_eq!(header("cache-control"), "no-store", "{path}");
        }
    }
}

#[tokio::test]
async fn under_https_the_cookie_is_bound_to_the_host_and_browsers_stay_with_https() {
    let app = App::configured(&[("PUBLIC_URL", "https://calls.test")]).await;
    let answer = app.login("operator@demo.test", "trunkline-demo").await;
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");
    let set = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(set.starts_with("__Host-trunkline_refresh="), "{set}");
    let mut flags: Vec<&str> = set.split("; ").skip(1).collect();
    flags.sort_unstable();
    assert_eq!(flags, ["HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=Strict", "Secure"]);

    let token = set.split(['=', ';']).nth(1).unwrap();
    let refresh = async |cookie: String| {
        app.client.post(app.url("/api/v1/auth/refresh")).header("cookie", cookie).send().await.unwrap().status()
    };
    assert_eq!(refresh(format!("trunkline_refresh={token}")).await, StatusCode::UNAUTHORIZED, "a planted one");
    assert_eq!(refresh(format!("__Host-trunkline_refresh={token}")).await, StatusCode::OK);

    let wider = App::configured(&[("PUBLIC_URL", "https://calls.test"), ("HSTS_INCLUDE_SUBDOMAINS", "true")]).await;
    let answer = wider.client.get(wider.url("/health")).send().await.unwrap();
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000; includeSubDomains");
}

#[tokio::test]
async fn a_request_for_another_host_is_refused() {
    let app = App::configured(&[("PUBLIC_URL", "https://calls.test"), ("ALLOWED_HOSTS", "inner.test,10.1.2.3")]).await;
    let ask = async |host: &str| app.client.get(app.url("/health")).header("host", host).send().await.unwrap();
    for ours in ["calls.test", "calls.test:8443", "inner.test", "10.1.2.3", "127.0.0.1", "localhost:8080"] {
        assert_eq!(ask(ours).await.status(), StatusCode::OK, "{ours}");
    }
    let refused = problem(ask("evil.test").await).await;
    assert_eq!((&refused["status"], &refused["code"]), (&421.into(), &"misdirected".into()));
    let metrics = app.client.get(app.url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains(r#"trunkline_http_refused_total{reason="host"} 1"#), "{metrics}");
}

#[tokio::test]
async fn only_the_origins_that_are_named_may_use_the_api_from_a_page() {
    let app = App::configured(&[("CORS_ORIGINS", "https://intranet.test,https://other.test:8443")]).await;
    let preflight = async |origin: &str, path: &str| {
        let request = app.client.request(Method::OPTIONS, app.url(path)).header("origin", origin);
        request.header("access-control-request-method", "PUT").send().await.unwrap()
    };
    let allowed = preflight("https://intranet.test", "/api/v1/agents/me/state").await;
    assert_eq!(allowed.status(), StatusCode::NO_CONTENT);
    let headers = allowed.headers();
    assert_eq!(headers["access-control-allow-origin"], "https://intranet.test");
    assert_eq!(headers["access-control-allow-credentials"], "true");
    assert!(headers["access-control-allow-methods"].to_str().unwrap().contains("PUT"));
    assert!(headers["access-control-allow-headers"].to_str().unwrap().contains("authorization"));

    for origin in [
        "https://evil.test",
        "https://intranet.test.evil.test",
        "http://intranet.test",
        "https://intranet.test:443",
        "https://sub.intranet.test",
        "https://other.test",
        "HTTPS://INTRANET.TEST",
        "null",
    ] {
        let refused = preflight(origin, "/api/v1/me").await;
        assert!(!refused.headers().keys().any(|name| name.as_str().starts_with("access-control")), "{origin}");
        assert_eq!(refused.headers()["vary"], "origin");
    }
    assert!(
        !preflight("https://intranet.test", "/metrics").await.headers().contains_key("access-control-allow-origin")
    );

    let operator = app.operator().await;
    let read =
        operator.request(Method::GET, "/api/v1/me").header("origin", "https://intranet.test").send().await.unwrap();
    assert_eq!(read.status(), StatusCode::OK);
    assert_eq!(read.headers()["access-control-allow-origin"], "https://intranet.test");
    let fault = app.client.get(app.url("/api/v1/me")).header("origin", "https://intranet.test").send().await.unwrap();
    assert_eq!(fault.headers()["access-control-allow-origin"], "https://intranet.test", "a refusal can be read, too");

    let nobody = App::start().await;
    let answer =
        nobody.client.get(nobody.url("/api/v1/me")).header("origin", "https://intranet.test").send().await.unwrap();
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn a_page_of_another_site_sends_nothing_in_a_persons_name() {
    let app = App::start().await;
    let login = app.login("operator@demo.test", "trunkline-demo").await;
    let cookie = login.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let origin = format!("http://{}", app.address);
    let send = async |path: &str, headers: &[(&str, &str)]| {
        let mut request = app.client.request(POST, app.url(path)).header("cookie", &cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    };
    for path in ["/api/v1/auth/refresh", "/api/v1/auth/logout", "/api/v1/auth/login"] {
        for headers in [
            &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")][..],
            &[("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:1")],
            &[("origin", "https://evil.test")],
            &[("origin", "null")],
        ] {
            let refused = problem(send(path, headers).await).await;
            assert_eq!(
                (&refused["status"], &refused["code"]),
                (&403.into(), &"cross-site".into()),
                "{path} {headers:?}"
            );
        }
    }
    // Nothing was ended by any of it.
    let own = send("/api/v1/auth/refresh", &[("sec-fetch-site", "same-origin"), ("origin", &origin)]).await;
    assert_eq!(own.status(), StatusCode::OK);
}
