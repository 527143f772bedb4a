//! Letters, with a real SMTP server.

use std::process::Command;
use std::time::Duration;

use chrono::Utc;
use serde_json::{Value, json};
use trunkline::mail::{self, Language, Letter, MailError, Notice, Template};
use trunkline_db::JobId;

use crate::support::{App, Options, Smtp, free_port};

async fn app(smtp_url: String) -> App {
    let config = vec![
        ("SMTP_URL", smtp_url),
        ("MAIL_FROM", "Trunkline <trunkline@calls.example>".to_owned()),
        ("PUBLIC_URL", "https://calls.example".to_owned()),
    ];
    App::start_with(Options { config, works: true, ..Options::default() }).await
}

fn reset(to: &str, language: Language) -> Letter {
    let template = Template::PasswordReset {
        name: "Ада Лавлейс".to_owned(),
        path: "/reset-password?token=canary-token".to_owned(),
        minutes: 30,
    };
    Letter { to: to.parse().unwrap(), language, template }
}

async fn send(app: &App, letter: &Letter) -> JobId {
    let mut tx = app.state.db.tenant(app.tenant).await.unwrap();
    let id = mail::enqueue(&app.state, &mut tx, letter).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn until(app: &App, id: JobId, state: &str) -> Value {
    let admin = app.admin().await;
    let looking = async {
        loop {
            let job = admin.get_json(&format!("/api/v1/jobs/{id}")).await;
            if job["state"] == state {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), looking).await.unwrap_or_else(|_| panic!("it is never {state}"))
}

fn header<'a>(letter: &'a Value, name: &str) -> Vec<&'a str> {
    let headers = letter["headers"].as_array().unwrap();
    let named = headers.iter().filter(|header| header[0].as_str().unwrap().eq_ignore_ascii_case(name));
    named.map(|header| header[1].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_letter_arrives_and_is_right_in_three_languages() {
    let mut smtp = Smtp::start().await;
    let app = app(smtp.url()).await;
    for (language, subject, words) in [
        (Language::En, "Choose a new password", "The link works once, for 30 minutes."),
        (Language::Ru, "Новый пароль", "Здравствуйте, Ада Лавлейс!"),
        (Language::It, "Scegli una nuova password", "la tua password resta quella di prima"),
    ] {
        let id = send(&app, &reset("ada@example.org", language)).await;
        let letter = smtp.next().await;
        assert_eq!(letter["subject"], subject);
        let link = "https://calls.example/reset-password?token=canary-token";
        let (text, html) = (letter["text"].as_str().unwrap(), letter["html"].as_str().unwrap());
        assert!(text.contains(words) && text.contains(link), "{text}");
        assert!(
            html.contains(&format!("href=\"{link}\"")) && html.contains(&format!("lang=\"{}\"", language.as_str()))
        );
        assert_eq!((&letter["from"], &letter["to"]), (&"trunkline@calls.example".into(), &json!(["ada@example.org"])));
        assert_eq!(header(&letter, "from"), ["Trunkline <trunkline@calls.example>"]);
        assert_eq!(header(&letter, "message-id"), [format!("<{id}@calls.example>")]);
        assert_eq!(header(&letter, "auto-submitted"), ["auto-generated"]);
        assert_eq!(header(&letter, "date").len(), 1);
        assert_eq!(letter["helo"], "calls.example");
        until(&app, id, "done").await;
    }
}

#[tokio::test]
async fn nothing_of_a_letter_can_be_read_in_the_database_or_over_the_api() {
    let app = app(format!("smtp://127.0.0.1:{}", free_port())).await;
    let id = send(&app, &reset("ada@example.org", Language::En)).await;
    let mut owner = app.owner().await;
    let (stored,): (String,) = sqlx::query_as("SELECT row_to_json(j)::text FROM jobs j WHERE id = $1")
        .bind(id)
        .fetch_one(&mut owner)
        .await
        .unwrap();
    let shown = app.admin().await.get(&format!("/api/v1/jobs/{id}")).await.text().await.unwrap();
    for text in [stored, shown] {
        assert!(!text.contains("canary") && !text.contains("ada@example.org"), "{text}");
    }
}

#[tokio::test]
async fn a_refusal_for_now_is_tried_again_and_a_final_one_is_not() {
    let mut smtp = Smtp::start().await;
    let app = app(smtp.url()).await;
    let busy = send(&app, &reset("busy-2-ada@example.org", Language::En)).await;
    let letter = smtp.next().await;
    assert_eq!(letter["attempts"]["busy-2-ada@example.org"], 3);
    assert_eq!(until(&app, busy, "done").await["attempt"], 3);

    let nobody = send(&app, &reset("nobody@example.org", Language::En)).await;
    let dead = until(&app, nobody, "dead").await;
    assert_eq!(dead["attempt"], 1);
    assert!(dead["error"].as_str().unwrap().contains("there is no such mailbox"), "{dead}");
}

#[tokio::test]
async fn a_server_that_was_away_gets_its_letters_when_it_is_back() {
    let port = free_port();
    let app = app(format!("smtp://127.0.0.1:{port}")).await;
    let id = send(&app, &reset("ada@example.org", Language::It)).await;
    let admin = app.admin().await;
    loop {
        let job = admin.get_json(&format!("/api/v1/jobs/{id}")).await;
        if job["attempt"].as_i64().unwrap() >= 2 {
            let error = job["error"].as_str().unwrap();
            assert!(error.to_lowercase().contains("connection"), "{error}");
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut smtp = Smtp::start_at(port, &[]).await;
    assert_eq!(smtp.next().await["to"], json!(["ada@example.org"]));
    until(&app, id, "done").await;
}

#[tokio::test]
async fn whoever_signs_in_wrongly_mends_the_configuration_and_loses_no_letter() {
    let mut smtp = Smtp::start().await;
    let wrong = app(format!("smtp://ada:wrong@127.0.0.1:{}", smtp.port)).await;
    let id = send(&wrong, &reset("ada@example.org", Language::En)).await;
    let admin = wrong.admin().await;
    loop {
        let job = admin.get_json(&format!("/api/v1/jobs/{id}")).await;
        assert_ne!(job["state"], "dead");
        if job["attempt"].as_i64().unwrap() >= 2 {
            assert!(job["error"].as_str().unwrap().contains("that is not the password"), "{job}");
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let right = app(format!("smtp://ada:right@127.0.0.1:{}", smtp.port)).await;
    send(&right, &reset("ada@example.org", Language::En)).await;
    assert_eq!(smtp.next().await["user"], "ada");
}

#[tokio::test]
async fn a_letter_whose_link_has_expired_is_not_sent() {
    let app = app(format!("smtp://127.0.0.1:{}", free_port())).await;
    let mut letter = reset("ada@example.org", Language::En);
    if let Template::PasswordReset { minutes, .. } = &mut letter.template {
        *minutes = 0;
    }
    let id = send(&app, &letter).await;
    assert!(until(&app, id, "dead").await["error"].as_str().unwrap().contains("expired"));
}

#[tokio::test]
async fn a_notice_of_the_installation_is_sent_too() {
    let mut smtp = Smtp::start().await;
    let app = app(smtp.url()).await;
    let template = Template::SecurityNotice {
        name: "Eve\r\nBcc: all@example.org".to_owned(),
        what: Notice::PasswordChanged,
        at: Utc::now(),
        address: Some("192.0.2.7".to_owned()),
        path: "/settings".to_owned(),
    };
    let letter = Letter { to: "eve@example.org".parse().unwrap(), language: Language::En, template };
    let mut tx = app.state.db.system().await.unwrap();
    mail::enqueue(&app.state, &mut tx, &letter).await.unwrap();
    tx.commit().await.unwrap();
    let letter = smtp.next().await;
    assert_eq!((&letter["to"], header(&letter, "bcc").len()), (&json!(["eve@example.org"]), 0));
    assert!(letter["text"].as_str().unwrap().contains("from 192.0.2.7"), "{letter}");
}

#[tokio::test]
async fn without_a_mail_server_nothing_is_kept_for_later() {
    let app = App::start().await;
    let mut tx = app.state.db.tenant(app.tenant).await.unwrap();
    let error = mail::enqueue(&app.state, &mut tx, &reset("ada@example.org", Language::En)).await.unwrap_err();
    assert!(matches!(error, MailError::NotConfigured));
    let refused = trunkline::http::AppError::from(error).problem();
    assert_eq!((refused.status, refused.code.as_ref()), (409, "no-mail"));
    assert!(refused.detail.contains("smtp_url"), "{}", refused.detail);
}

#[tokio::test]
async fn a_letter_with_a_link_to_elsewhere_is_not_written() {
    let app = app("smtp://127.0.0.1:9".to_owned()).await;
    let template = Template::VerifyEmail { name: "Ada".to_owned(), path: "//evil.example/".to_owned(), hours: 1 };
    let letter = Letter { to: "ada@example.org".parse().unwrap(), language: Language::En, template };
    let mut tx = app.state.db.tenant(app.tenant).await.unwrap();
    assert!(matches!(mail::enqueue(&app.state, &mut tx, &letter).await, Err(MailError::Link(_))));
}

/// What `trunkline doctor` says of the mail server.
fn doctor(smtp_url: &str, environment: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_trunkline"))
        .arg("doctor")
        .current_dir(folder.path())
        .env_clear()
        .env("TRUNKLINE_SECRET_KEY", "5a".repeat(32))
        .env("TRUNKLINE_DATABASE_URL", "postgres://trunkline@127.0.0.1:9/trunkline")
        .env("TRUNKLINE_ARI_PASSWORD", "x")
        .env("TRUNKLINE_STATE_DIR", folder.path())
        .env("TRUNKLINE_SMTP_URL", smtp_url)
        .env("TRUNKLINE_MAIL_FROM", "trunkline@calls.example")
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.lines().find(|line| line.contains("smtp_url:")).unwrap_or(&said).to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_asks_the_mail_server() {
    let smtp = Smtp::start().await;
    let port = smtp.port;
    let said = doctor(&smtp.url(), &[]);
    assert!(said.starts_with("ok") && said.contains("answers"), "{said}");
    let said = doctor(&format!("smtp://ada:wrong@127.0.0.1:{port}"), &[]);
    assert!(said.starts_with("FAIL") && said.contains("that is not the password"), "{said}");
    assert!(!said.contains("wrong@"), "{said}");
    let away = free_port();
    let said = doctor(&format!("smtp://127.0.0.1:{away}"), &[]);
    assert!(said.starts_with("FAIL") && said.contains(&away.to_string()), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tls_the_servers_certificate_must_be_one_that_the_system_trusts() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let smtp = Smtp::start_at(free_port(), &[certificate, key]).await;
    let url = format!("smtps://ada:right@localhost:{}", smtp.port);
    let said = doctor(&url, &[("SSL_CERT_FILE", certificate)]);
    assert!(said.starts_with("ok"), "{said}");
    let said = doctor(&url, &[]);
    assert!(said.starts_with("FAIL") && said.to_lowercase().contains("certificate"), "{said}");
}
