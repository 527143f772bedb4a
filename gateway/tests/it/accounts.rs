//! Looking after one's account: forgotten passwords, one-time codes, sign-ins elsewhere, several tenants.

use std::time::{Duration, Instant};

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use trunkline::provision::{self, DEMO_PASSWORD, NewMember};
use trunkline_db::Role;

use crate::support::{App, Options, Smtp, Socket, User, free_port, problem};

const NEW: &str = "a much better password";

async fn with_mail(smtp: &Smtp) -> App {
    let config = vec![("SMTP_URL", smtp.url()), ("MAIL_FROM", "trunkline@calls.example".to_owned())];
    App::start_with(Options { config, works: true, ..Options::default() }).await
}

async fn post(app: &App, path: &str, body: Value) -> Response {
    app.client.post(app.url(path)).json(&body).send().await.unwrap()
}

/// What a letter's link carries.
fn token(letter: &Value) -> String {
    let text = letter["text"].as_str().unwrap();
    let link = text.lines().find(|line| line.starts_with("http")).unwrap();
    link.split_once('#').unwrap().1.to_owned()
}

/// The code that an authenticator shows for a secret, by a program that is not ours.
fn code(secret: &str, seconds_from_now: i64) -> String {
    const PROGRAM: &str = "import base64,hmac,hashlib,struct,sys,time\n\
        s=sys.argv[1]; k=base64.b32decode(s+'='*(-len(s)%8))\n\
        d=hmac.new(k,struct.pack('>q',(int(time.time())+int(sys.argv[2]))//30),hashlib.sha1).digest()\n\
        o=d[19]&15; print('%06d'%((struct.unpack('>I',d[o:o+4])[0]&0x7fffffff)%1000000))";
    let out = std::process::Command::new("/usr/bin/python3")
        .args(["-c", PROGRAM, secret, &seconds_from_now.to_string()])
        .output()
        .unwrap();
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

/// The cookie by which a browser is known from now on.
fn device(signed_in: &Response) -> String {
    let mut cookies = signed_in.headers().get_all("set-cookie").iter().map(|one| one.to_str().unwrap());
    let cookie = cookies.find(|one| one.starts_with("trunkline_device=")).unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

async fn login_with(app: &App, code: &str) -> Response {
    let body = json!({ "email": "operator@demo.test", "password": DEMO_PASSWORD, "totp": code });
    post(app, "/api/v1/auth/login", body).await
}

/// Sets one-time codes up; the secret and the recovery codes.
pub(crate) async fn set_up(user: &User) -> (String, Vec<String>) {
    let begun = user.post("/api/v1/me/second-step", &json!({ "password": DEMO_PASSWORD })).await;
    assert_eq!(begun.status(), StatusCode::OK);
    assert_eq!(begun.headers()["cache-control"], "no-store");
    let begun: Value = begun.json().await.unwrap();
    assert!(
        begun["picture"].as_str().unwrap().starts_with("<svg ")
            && begun["uri"].as_str().unwrap().starts_with("otpauth://totp/")
    );
    let secret = begun["secret"].as_str().unwrap().to_owned();
    // The present code: the next one is still good for signing in, whichever side of a step's end this runs on.
    let confirmed = user.post("/api/v1/me/second-step/confirm", &json!({ "code": code(&secret, 0) })).await;
    assert_eq!(confirmed.status(), StatusCode::OK);
    let confirmed: Value = confirmed.json().await.unwrap();
    let codes = confirmed["recovery_codes"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned());
    (secret, codes.collect())
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_a_link_that_works_once() {
    let mut smtp = Smtp::start().await;
    let app = with_mail(&smtp).await;
    let before = app.operator().await;
    let mut socket = Socket::open(&app, &before.token).await;
    socket.json().await;

    // Whether or not somebody has the address, the answer is the same.
    let known = post(&app, "/api/v1/auth/password/forgot", json!({ "email": "Operator@demo.test" })).await;
    let unknown = post(&app, "/api/v1/auth/password/forgot", json!({ "email": "nobody@demo.test" })).await;
    assert_eq!((known.status(), unknown.status()), (StatusCode::ACCEPTED, StatusCode::ACCEPTED));
    assert_eq!(known.text().await.unwrap(), unknown.text().await.unwrap());
    let letter = smtp.next().await;
    assert_eq!(letter["to"], json!(["operator@demo.test"]));
    let token = token(&letter);

    let weak = post(&app, "/api/v1/auth/password/reset", json!({ "token": token, "new": "operator-demo" })).await;
    assert_eq!(problem(weak).await["errors"][0]["field"], "new");
    let reset = post(&app, "/api/v1/auth/password/reset", json!({ "token": token, "new": NEW })).await;
    assert_eq!(reset.status(), StatusCode::NO_CONTENT);
    let since = Instant::now();
    assert_eq!(socket.closed().await.code, 4401);
    assert!(since.elapsed() < Duration::from_secs(1));
    assert_eq!(before.get("/api/v1/me").await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(app.login("operator@demo.test", DEMO_PASSWORD).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(app.login("operator@demo.test", NEW).await.status(), StatusCode::OK);
    let again =
        post(&app, "/api/v1/auth/password/reset", json!({ "token": token, "new": "yet another good one" })).await;
    assert_eq!(problem(again).await["code"], "link-void");
    // The owner is told.
    assert_eq!(smtp.next().await["subject"], "A change to your account");
    let me: Value = app.login("operator@demo.test", NEW).await.json().await.unwrap();
    assert_eq!(me["user"]["email_verified"], true, "the link went to the address");
}

#[tokio::test]
async fn without_a_mail_server_whoever_asks_is_told_so() {
    let app = App::start().await;
    let refused = post(&app, "/api/v1/auth/password/forgot", json!({ "email": "operator@demo.test" })).await;
    let refused = problem(refused).await;
    assert_eq!((&refused["status"], &refused["code"]), (&409.into(), &"no-mail".into()));
}

#[tokio::test]
async fn nobody_fills_a_strangers_mailbox() {
    let config = vec![
        ("SMTP_URL", format!("smtp://127.0.0.1:{}", free_port())),
        ("MAIL_FROM", "trunkline@calls.example".to_owned()),
    ];
    let app = App::start_with(Options { config, ..Options::default() }).await;
    let mut last = StatusCode::ACCEPTED;
    for _ in 0..9 {
        last = post(&app, "/api/v1/auth/password/forgot", json!({ "email": "operator@demo.test" })).await.status();
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(app.login("operator@demo.test", DEMO_PASSWORD).await.status(), StatusCode::OK, "that locks nobody out");
}

#[tokio::test]
async fn an_address_is_proved_by_a_link() {
    let mut smtp = Smtp::start().await;
    let app = with_mail(&smtp).await;
    let operator = app.operator().await;
    assert_eq!(operator.get_json("/api/v1/me").await["user"]["email_verified"], false);
    assert_eq!(operator.post("/api/v1/me/email/verification", &json!({})).await.status(), StatusCode::ACCEPTED);
    let token = token(&smtp.next().await);
    assert_eq!(
        post(&app, "/api/v1/auth/email/verify", json!({ "token": token })).await.status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(operator.get_json("/api/v1/me").await["user"]["email_verified"], true);
    let again = post(&app, "/api/v1/auth/email/verify", json!({ "token": token })).await;
    assert_eq!(problem(again).await["code"], "link-void");
}

#[tokio::test]
async fn one_time_codes_are_asked_for_and_each_works_once() {
    let app = App::start().await;
    let operator = app.operator().await;
    let wrong = operator.post("/api/v1/me/second-step", &json!({ "password": "not the password" })).await;
    assert_eq!(problem(wrong).await["errors"][0]["field"], "password");
    let (secret, recovery) = set_up(&operator).await;
    assert_eq!(recovery.len(), 10);

    let asked = problem(app.login("operator@demo.test", DEMO_PASSWORD).await).await;
    assert_eq!((&asked["status"], &asked["code"]), (&401.into(), &"second-step-required".into()));
    let unknown = problem(app.login("operator@demo.test", "wrong password").await).await;
    assert_eq!(unknown["code"], "wrong-credentials", "who does not know the password learns nothing of codes");
    assert_eq!(problem(login_with(&app, "000000").await).await["code"], "wrong-code");

    let now = code(&secret, 30);
    let signed_in = login_with(&app, &now).await;
    assert_eq!(signed_in.status(), StatusCode::OK);
    assert_eq!(problem(login_with(&app, &now).await).await["code"], "wrong-code", "it is used up");

    assert_eq!(login_with(&app, &recovery[0].to_uppercase()).await.status(), StatusCode::OK);
    assert_eq!(problem(login_with(&app, &recovery[0]).await).await["code"], "wrong-code", "once");
    assert_eq!(operator.get_json("/api/v1/me/second-step").await["recovery_codes_left"], 9);

    let fresh: Value = operator
        .post("/api/v1/me/second-step/recovery-codes", &json!({ "password": DEMO_PASSWORD }))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(problem(login_with(&app, &recovery[1]).await).await["code"], "wrong-code", "void");
    assert_eq!(login_with(&app, fresh["recovery_codes"][0].as_str().unwrap()).await.status(), StatusCode::OK);

    let off = operator.post("/api/v1/me/second-step/off", &json!({ "password": DEMO_PASSWORD })).await;
    assert_eq!(off.status(), StatusCode::NO_CONTENT);
    assert_eq!(app.login("operator@demo.test", DEMO_PASSWORD).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn codes_are_guessed_by_nobody_and_lie_sealed() {
    let app = App::start().await;
    let device = device(&app.login("operator@demo.test", DEMO_PASSWORD).await);
    let (secret, recovery) = set_up(&app.operator().await).await;
    for _ in 0..8 {
        assert_eq!(login_with(&app, "000000").await.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(login_with(&app, "000000").await.status(), StatusCode::TOO_MANY_REQUESTS);
    let body = json!({ "email": "operator@demo.test", "password": DEMO_PASSWORD, "totp": recovery[1] });
    let known = app.client.post(app.url("/api/v1/auth/login")).header("cookie", &device).json(&body).send().await;
    assert_eq!(known.unwrap().status(), StatusCode::OK, "who guesses does not keep the person's own browser out");
    let mut owner = app.owner().await;
    let (stored,): (String,) = sqlx::query_as(
        "SELECT string_agg(t.text, ' ') FROM (SELECT row_to_json(a)::text AS text FROM account_totp a
          UNION ALL SELECT row_to_json(r)::text FROM account_recovery_codes r) t",
    )
    .fetch_one(&mut owner)
    .await
    .unwrap();
    assert!(!stored.contains(&secret) && !stored.contains(&recovery[0]), "{stored}");
}

#[tokio::test]
async fn a_tenant_may_ask_for_codes_and_nothing_opens_until_they_are_set_up() {
    let app = App::start().await;
    let admin = app.admin().await;
    let set = admin.request(Method::PUT, "/api/v1/sign-in-rules").json(&json!({ "second_step_required": true }));
    assert_eq!(set.send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(admin.get_json("/api/v1/sign-in-rules").await["second_step_required"], true);
    let operator = app.operator().await;
    assert_eq!(operator.get_json("/api/v1/me").await["user"]["must_set_up_second_step"], true);
    assert_eq!(operator.get("/api/v1/calls").await.status(), StatusCode::FORBIDDEN);
    let (secret, _) = set_up(&operator).await;
    let signed_in: Value = login_with(&app, &code(&secret, 30)).await.json().await.unwrap();
    assert_eq!(app.user_of(&signed_in).get("/api/v1/calls").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn sign_ins_are_listed_and_ended_one_by_one_or_all() {
    let app = App::start().await;
    let (here, there) = (app.operator().await, app.operator().await);
    let items = here.get_json("/api/v1/me/sessions").await["items"].clone();
    let items = items.as_array().unwrap();
    assert_eq!(items.len(), 2);
    let other = items.iter().find(|one| one["present"] == false).unwrap();
    assert_eq!(
        (&other["method"], &other["address"], &other["tenant"]),
        (&"password".into(), &"127.0.0.1".into(), &"demo".into())
    );
    let (mut mine, mut others) = (Socket::open(&app, &here.token).await, Socket::open(&app, &there.token).await);
    mine.json().await;
    others.json().await;

    let path = format!("/api/v1/me/sessions/{}", other["id"].as_str().unwrap());
    let stranger = app.sign_in("operator2@demo.test").await;
    assert_eq!(stranger.request(Method::DELETE, &path).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    assert_eq!(here.request(Method::DELETE, &path).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    let since = Instant::now();
    assert_eq!(others.closed().await.code, 4401);
    assert!(since.elapsed() < Duration::from_secs(1));
    assert_eq!(there.get("/api/v1/me").await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(here.get("/api/v1/me").await.status(), StatusCode::OK);

    let everywhere = here.request(Method::DELETE, "/api/v1/me/sessions").send().await.unwrap();
    assert_eq!(everywhere.status(), StatusCode::NO_CONTENT);
    assert!(everywhere.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    let since = Instant::now();
    assert_eq!(mine.closed().await.code, 4401);
    assert!(since.elapsed() < Duration::from_secs(1));
    assert_eq!(here.get("/api/v1/me").await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_changed_password_closes_the_sockets_of_the_other_sign_ins() {
    let app = App::start().await;
    let (here, there) = (app.operator().await, app.operator().await);
    let mut socket = Socket::open(&app, &there.token).await;
    socket.json().await;
    let changed = here.post("/api/v1/auth/password", &json!({ "current": DEMO_PASSWORD, "new": NEW })).await;
    assert_eq!(changed.status(), StatusCode::OK);
    let since = Instant::now();
    assert_eq!(socket.closed().await.code, 4401);
    assert!(since.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_person_of_several_tenants_goes_from_one_to_the_other() {
    let app = App::start().await;
    let (other, _) = app.other_tenant().await;
    let member = NewMember { email: "operator@demo.test", name: "Olga", role: Role::Manager, takes_work: false };
    provision::add_member(&app.state.db, &app.state.passwords, other, member, NEW).await.unwrap();
    trunkline::roster::refresh(&app.state, None).await.unwrap();
    let operator = app.operator().await;
    let items = operator.get_json("/api/v1/me/tenants").await["items"].clone();
    assert_eq!(items.as_array().unwrap().len(), 2);
    let switched = operator.post("/api/v1/auth/switch", &json!({ "tenant": "other" })).await;
    assert_eq!(switched.status(), StatusCode::OK);
    assert!(switched.headers()["set-cookie"].to_str().unwrap().starts_with("trunkline_refresh="));
    let there: Value = switched.json().await.unwrap();
    assert_eq!((&there["tenant"]["slug"], &there["user"]["role"]), (&"other".into(), &"manager".into()));
    assert_eq!(operator.get("/api/v1/me").await.status(), StatusCode::UNAUTHORIZED, "the one before has ended");
    let nowhere = app.user_of(&there).post("/api/v1/auth/switch", &json!({ "tenant": "nowhere" })).await;
    assert_eq!(nowhere.status(), StatusCode::NOT_FOUND);
    assert_eq!(app.user_of(&there).get("/api/v1/me").await.status(), StatusCode::OK, "and goes on");
}

#[tokio::test]
async fn a_known_browser_is_let_in_while_somebody_guesses_from_the_same_address() {
    let app = App::start().await;
    let signed_in = app.login("manager@demo.test", DEMO_PASSWORD).await;
    let device = device(&signed_in);
    for _ in 0..9 {
        app.login("manager@demo.test", "guess-guess").await;
    }
    assert_eq!(app.login("manager@demo.test", DEMO_PASSWORD).await.status(), StatusCode::TOO_MANY_REQUESTS);
    let body = json!({ "email": "manager@demo.test", "password": DEMO_PASSWORD });
    let known = app.client.post(app.url("/api/v1/auth/login")).header("cookie", device);
    assert_eq!(known.json(&body).send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn what_is_wrong_with_a_password_is_told_in_words_that_can_be_translated() {
    let app = App::start().await;
    let judge = async |password: &str| -> Value {
        let body = json!({ "password": password, "own": ["Olga Operator", "operator@demo.test"] });
        post(&app, "/api/v1/auth/password/strength", body).await.json().await.unwrap()
    };
    let weak = judge("password123").await;
    assert_eq!((&weak["enough"], &weak["warning"]), (&false.into(), &"common_password".into()));
    assert_eq!(judge("operator2024").await["enough"], false);
    assert_eq!(judge(NEW).await["enough"], true);
}
