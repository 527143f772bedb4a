use std::process::{Command, Output};

use crate::support::App;

pub(crate) const SECRET: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

pub(crate) fn trunkline(words: &[&str], environment: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let inherited = std::env::vars().filter(|(name, _)| !name.starts_with("TRUNKLINE_"));
    Command::new(env!("CARGO_BIN_EXE_trunkline"))
        .args(words)
        .current_dir(folder.path())
        .env_clear()
        .envs(inherited)
        .envs(environment.iter().copied())
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap()
}

pub(crate) fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn a_taken_port_is_one_clear_sentence() {
    let app = App::start().await;
    let listen = app.address.to_string();
    let folder = tempfile::tempdir().unwrap();
    let output = trunkline(
        &["serve"],
        &[
            ("TRUNKLINE_HTTP_LISTEN", &listen),
            ("TRUNKLINE_DATABASE_URL", "postgres://trunkline@127.0.0.1:9/trunkline"),
            ("TRUNKLINE_SECRET_KEY", SECRET),
            ("TRUNKLINE_ARI_PASSWORD", "x"),
            ("TRUNKLINE_STATE_DIR", folder.path().to_str().unwrap()),
        ],
    );
    assert_eq!(output.status.code(), Some(1));
    let expected =
        format!("trunkline: http_listen: {listen} is taken by another process; stop it or choose another port\n");
    assert_eq!(words(&output), expected);
}

#[test]
fn a_database_that_does_not_answer_is_one_clear_sentence_without_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let output = trunkline(
        &["serve"],
        &[
            ("TRUNKLINE_HTTP_LISTEN", "127.0.0.1:0"),
            ("TRUNKLINE_AGI_LISTEN", "127.0.0.1:0"),
            ("TRUNKLINE_DATABASE_URL", "postgres://trunkline:hunter2@127.0.0.1:9/calls"),
            ("TRUNKLINE_SECRET_KEY", SECRET),
            ("TRUNKLINE_ARI_PASSWORD", "x"),
            ("TRUNKLINE_STATE_DIR", folder.path().to_str().unwrap()),
        ],
    );
    assert_eq!(output.status.code(), Some(1));
    let said = words(&output);
    assert!(said.starts_with("trunkline: database_url: PostgreSQL does not answer for calls at 127.0.0.1:9"), "{said}");
    assert!(!said.contains("hunter2") && said.lines().count() == 1, "{said}");
}

#[test]
fn a_wrong_configuration_is_refused_by_name() {
    let output = trunkline(&["serve"], &[("TRUNKLINE_SIP_PORT", "seventy")]);
    assert_eq!(output.status.code(), Some(1));
    let said = words(&output);
    assert!(said.contains("TRUNKLINE_SIP_PORT = \"seventy\": expected a port from 1 to 65535"), "{said}");
    assert!(said.contains("secret_key (or TRUNKLINE_SECRET_KEY) is not set"), "{said}");
}

#[tokio::test]
async fn the_doctor_names_what_to_mend() {
    let app = App::start().await;
    let folder = tempfile::tempdir().unwrap();
    let url = app.state.config.database_url.expose().to_owned();
    let output = trunkline(
        &["doctor"],
        &[
            ("TRUNKLINE_HTTP_LISTEN", "127.0.0.1:0"),
            ("TRUNKLINE_AGI_LISTEN", "127.0.0.1:0"),
            ("TRUNKLINE_RTP_LISTEN", "127.0.0.1:0"),
            ("TRUNKLINE_DATABASE_URL", &url),
            ("TRUNKLINE_DATABASE_OWNER_URL", &app.owner_url),
            ("TRUNKLINE_SECRET_KEY", SECRET),
            ("TRUNKLINE_ARI_PASSWORD", "x"),
            ("TRUNKLINE_ARI_URL", "http://127.0.0.1:9/ari"),
            ("TRUNKLINE_STATE_DIR", folder.path().to_str().unwrap()),
        ],
    );
    let said = words(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("ok    database: ") && said.contains("ok    schema: up to date"), "{said}");
    assert!(said.contains("FAIL  asterisk: nothing answers at ari_url http://127.0.0.1:9/ari"), "{said}");
    assert!(said.contains("1 to mend"), "{said}");
}

#[tokio::test]
async fn users_are_made_listed_and_get_passwords_from_the_command_line() {
    let app = App::start().await;
    let url = app.state.config.database_url.expose().to_owned();
    let run = |arguments: &[&str]| trunkline(arguments, &[("TRUNKLINE_DATABASE_URL", &url)]);
    let add = ["user", "add", "new@demo.test", "--name", "Nora New", "--tenant", "demo", "--role", "manager"];
    let made = words(&run(&add));
    let password = made.trim().rsplit("password: ").next().unwrap().to_owned();
    assert!(made.starts_with("new@demo.test is a member of demo as manager; password: "), "{made}");
    assert_eq!(app.login("new@demo.test", &password).await.status(), 200);
    assert!(words(&run(&add)).contains("is a member of \"demo\" already"));
    assert!(words(&run(&["user", "list"])).contains("Nora New"));
    let changed = words(&run(&["user", "set-password", "new@demo.test"]));
    let fresh = changed.trim().rsplit("password: ").next().unwrap();
    assert_eq!(app.login("new@demo.test", fresh).await.status(), 200);
    let nowhere = words(&run(&["user", "add", "x@y.test", "--name", "X", "--tenant", "nowhere"]));
    assert!(nowhere.contains("there is no tenant \"nowhere\"; make it with --new-tenant NAME"), "{nowhere}");
    assert!(words(&run(&["demo-seed"])).contains("the demo tenant is there"));
}

#[test]
fn a_log_that_is_none_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("empty.jsonl");
    std::fs::write(&file, "").unwrap();
    let said = words(&trunkline(&["replay", file.to_str().unwrap()], &[]));
    assert!(said.contains("holds no session"), "{said}");
    let said = words(&trunkline(&["replay", "/nowhere.jsonl"], &[]));
    assert!(said.contains("cannot open /nowhere.jsonl"), "{said}");
}
