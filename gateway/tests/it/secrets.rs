//! Secrets at rest: sealed, moved over from what was plain, and sealed anew when the master key changes.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};
use trunkline::config::{Config, Source};
use trunkline::secrets::{self, KeySource, Vault};

use crate::support::App;

fn config_with(app: &App, key: &str, value: &str) -> Config {
    let values = [
        ("TRUNKLINE_DATABASE_URL", app.state.config.database_url.expose()),
        ("TRUNKLINE_SECRET_KEY", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
        ("TRUNKLINE_ARI_PASSWORD", "secret"),
        (key, value),
    ];
    let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Source::read(None, values).unwrap().config().unwrap()
}

fn write_keys(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn digests_of_an_earlier_version_are_sealed_at_the_start() {
    let app = App::start().await;
    let operator = app.operator().await;
    let mut owner = app.owner().await;
    let digest = "0123456789abcdef0123456789abcdef";
    for number in 0..3 {
        sqlx::query("INSERT INTO devices (tenant_id, id, agent_id, name, username, ha1) VALUES ($1, gen_random_uuid(), $2, 'old', $3, $4)")
            .bind(app.tenant)
            .bind(operator.id)
            .bind(format!("demo-old{number}"))
            .bind(digest)
            .execute(&mut owner)
            .await
            .unwrap();
    }
    assert_eq!(secrets::seal_what_is_plain(&app.state.db, &app.state.vault).await.unwrap(), 3);
    assert_eq!(secrets::seal_what_is_plain(&app.state.db, &app.state.vault).await.unwrap(), 0);
    let left: (i64,) =
        sqlx::query_as("SELECT count(*) FROM devices WHERE ha1 IS NOT NULL").fetch_one(&mut owner).await.unwrap();
    assert_eq!(left.0, 0);
}

#[tokio::test]
async fn a_rotation_leaves_nothing_under_the_old_key_and_everything_open() {
    let app = App::start().await;
    let operator = app.operator().await;
    let path = format!("/api/v1/agents/{}/devices", operator.id);
    let first =
        operator.request(reqwest::Method::POST, &path).header("idempotency-key", "k").json(&json!({ "name": "phone" }));
    let first: Value = first.send().await.unwrap().json().await.unwrap();
    crate::accounts::set_up(&operator).await;
    let provider = secrets::Place {
        tenant: Some(app.tenant),
        table: "identity_providers",
        column: "client_secret_sealed",
        row: app.tenant.to_string(),
    };
    let sql =
        "INSERT INTO identity_providers (tenant_id, name, issuer, client_id, client_secret_sealed, allowed_domains)
               VALUES ($1, 'X', 'https://id.example', 'x', $2, '{}')";
    let sealed = app.state.vault.seal(&provider, b"a client's secret").into_bytes();
    sqlx::query(sql).bind(app.tenant).bind(sealed).execute(&mut app.owner().await).await.unwrap();

    let bot = json!({ "type": "telegram", "name": "Bot", "settings": { "bot_token": "1:abc", "api_base": "http://127.0.0.1:9" } });
    assert_eq!(app.admin().await.post("/api/v1/channel-accounts", &bot).await.status(), reqwest::StatusCode::CREATED);

    let settings = json!({ "kind": "registration", "host": "sip.example.net", "username": "me" });
    let trunk = json!({ "name": "Trunk", "settings": settings, "password": "a carrier's secret" });
    assert_eq!(app.admin().await.post("/api/v1/trunks", &trunk).await.status(), reqwest::StatusCode::CREATED);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    write_keys(&file, &format!("first:{}\n", "1".repeat(64)));
    let config = config_with(&app, "TRUNKLINE_MASTER_KEY_FILE", file.to_str().unwrap());
    assert!(matches!(config.master_key, KeySource::File(_)));
    let vault = Vault::unlock(&config).await.unwrap();
    let counts = async || secrets::under_old_keys(&vault, &app.state.db).await.unwrap();
    let all = |n: i64| {
        ["devices", "account_totp", "identity_providers", "channel_accounts", "trunks", "idempotency_keys"]
            .map(|table| (table, n))
    };
    assert_eq!(counts().await, all(1), "under the key that secret_key implies");
    assert_eq!(secrets::reseal_all(&vault, &app.state.db).await.unwrap(), 6);
    assert_eq!(counts().await, all(0));

    // The next rotation, with the vault in use; a broken file in between changes nothing.
    let before = vault.newest();
    write_keys(&file, "not a key\n");
    assert!(vault.reload().await.is_err());
    assert_eq!(vault.newest(), before);
    write_keys(&file, &format!("second:{}\nfirst:{}\n", "2".repeat(64), "1".repeat(64)));
    assert!(vault.reload().await.unwrap());
    assert_ne!(vault.newest(), before);
    assert_eq!(counts().await, all(1));
    assert_eq!(secrets::reseal_all(&vault, &app.state.db).await.unwrap(), 6);

    // The first key may go now.
    write_keys(&file, &format!("second:{}\n", "2".repeat(64)));
    vault.reload().await.unwrap();
    let mut owner = app.owner().await;
    let (id, sealed): (String, Vec<u8>) =
        sqlx::query_as("SELECT id::text, ha1_sealed FROM devices").fetch_one(&mut owner).await.unwrap();
    assert_eq!(Some(id.as_str()), first["id"].as_str());
    let place = secrets::Place { tenant: Some(app.tenant), table: "devices", column: "ha1_sealed", row: id };
    assert_eq!(vault.open_text(&place, &sealed.into()).unwrap().expose().len(), 32);
    let sql = "SELECT client_secret_sealed FROM identity_providers";
    let (sealed,): (Vec<u8>,) = sqlx::query_as(sql).fetch_one(&mut owner).await.unwrap();
    assert_eq!(vault.open_text(&provider, &sealed.into()).unwrap().expose(), "a client's secret");
}
