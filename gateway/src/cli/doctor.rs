//! `trunkline doctor`: checks every dependency and says in words what to mend.

use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use chrono::Utc;
use trunkline_db::{Db, PoolOptions};

use crate::config::{AsteriskConfig, Config, ConfigError, Source, TlsConfig};
use crate::mail::Transport;
use crate::secrets::{self, Vault};
use crate::{audit, server, tls};

/// A certificate with fewer days left ought to have been renewed.
const DAYS_LEFT: i64 = 7;
/// How long Asterisk may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a check found: what is well, or what to mend.
type Finding = Result<String, String>;

pub(super) async fn run(source: &Source, with_audit: bool) -> ExitCode {
    let mut report = Report::default();
    let config = match source.config() {
        Ok(config) => config,
        Err(ConfigError::Values(problems)) => {
            for problem in problems {
                report.add("configuration", Err(problem));
            }
            return report.end();
        }
        Err(error) => {
            report.add("configuration", Err(error.to_string()));
            return report.end();
        }
    };
    report.add("configuration", Ok("every value fits".to_owned()));
    for warning in source.warnings() {
        println!("note  configuration: {warning}");
    }
    report.add("database", database(&config).await);
    report.add("schema", schema(&config).await);
    report.add("secrets", sealed(&config).await);
    if with_audit {
        audit_log(&config, &mut report).await;
    }
    report.add("state_dir", writable(&config.state_dir));
    report.add("recordings_dir", writable(&config.recordings_dir));
    report.add("files", files(&config).await);
    for server in &config.asterisks {
        let name =
            if config.asterisks.len() == 1 { "asterisk".to_owned() } else { format!("asterisk {}", server.name) };
        report.add(&name, asterisk(server).await);
    }
    report.add("smtp_url", mail(&config).await);
    report.add("http_listen", http_port(&config).await);
    if let Some(tls) = &config.edge.tls {
        report.add("tls", certificate(&config, tls));
    }
    report.add("rtp_listen", rtp_port(&config).await);
    if let Some(listen) = config.hooks.listen {
        report.add("agi_listen", agi_port(&config, listen).await);
    }
    report.end()
}

#[derive(Default)]
struct Report {
    failed: usize,
}

impl Report {
    fn add(&mut self, name: &str, finding: Finding) {
        match finding {
            Ok(words) => println!("ok    {name}: {words}"),
            Err(words) => {
                self.failed += 1;
                println!("FAIL  {name}: {words}");
            }
        }
    }

    fn end(self) -> ExitCode {
        if self.failed == 0 {
            println!("everything is well");
            return ExitCode::SUCCESS;
        }
        println!("{} to mend", self.failed);
        ExitCode::FAILURE
    }
}

/// Whether files of messages can be kept: one is, is read and is removed.
async fn files(config: &Config) -> Finding {
    let place = match &config.files {
        trunkline_blob::BlobConfig::Local { path } => format!("the folder {}", path.display()),
        trunkline_blob::BlobConfig::S3(s3) => format!("the bucket {}", s3.bucket),
    };
    let probed = async { trunkline_blob::Blobs::connect(&config.files).await?.probe().await };
    probed.await.map(|()| format!("{place} keeps files")).map_err(|error| format!("{place}: {error}"))
}

async fn database(config: &Config) -> Finding {
    let db = connect(config).await?;
    let roles = can_take_roles(&db).await;
    db.close().await;
    roles.map(|()| "it answers, and the login may take its two roles".to_owned())
}

/// The master keys, and whether anything is still sealed under an old one.
async fn sealed(config: &Config) -> Finding {
    let vault = Vault::unlock(config).await.map_err(|error| error.to_string())?;
    let db = connect(config).await?;
    let counts = secrets::under_old_keys(&vault, &db).await;
    db.close().await;
    let ring = vault.ring();
    let newest = ring.newest_in_words();
    let counts = counts.map_err(|error| error.to_string())?;
    let old: Vec<String> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(table, count)| format!("{count} rows of {table}"))
        .collect();
    if old.is_empty() {
        return Ok(format!("everything is sealed under the newest master key, {newest}; {} open", ring.len()));
    }
    // Not to be mended by hand: the gateway does it while it runs.
    Ok(format!(
        "{} are not yet sealed under the newest master key, {newest}; keep the old one until they are",
        old.join(", ")
    ))
}

/// Verifies the audit log, chain by chain.
async fn audit_log(config: &Config, report: &mut Report) {
    let db = match connect(config).await {
        Ok(db) => db,
        Err(words) => return report.add("audit", Err(words)),
    };
    let findings = audit::verify(&db, &config.state_dir).await;
    db.close().await;
    match findings {
        Err(error) => report.add("audit", Err(format!("{error:#}"))),
        Ok(findings) => {
            for finding in findings {
                let audit::Finding { chain, entries, erased, anchors, broken } = finding;
                report.add(
                    &format!("audit of {chain}"),
                    match broken {
                        Some(broken) => Err(format!("{broken}; see \"The audit log is broken\" in docs/on-call.md")),
                        None => Ok(format!(
                            "{entries} entries follow from one another, {erased} of them erased; compared with {anchors} anchors"
                        )),
                    },
                );
            }
        }
    }
}

async fn connect(config: &Config) -> Result<Db, String> {
    let options =
        PoolOptions { max_connections: 1, application_name: "trunkline-doctor".to_owned(), ..PoolOptions::default() };
    super::connect(&config.database_url, options).await.map_err(|error| error.to_string())
}

async fn can_take_roles(db: &Db) -> Result<(), String> {
    let tx = db.system().await.map_err(|error| {
        format!("the login cannot become trunkline_system ({error}); set the roles up with migrations/bootstrap.sql")
    })?;
    tx.rollback().await.map_err(|error| error.to_string())
}

async fn schema(config: &Config) -> Finding {
    let Some(url) = &config.database_owner_url else {
        return Ok("not looked at: database_owner_url is not set".to_owned());
    };
    match trunkline_db::pending_migrations(url.expose()).await {
        Ok(0) => Ok("up to date".to_owned()),
        Ok(count) => Err(format!("{count} migrations are missing; run `trunkline migrate`")),
        Err(error) => Err(super::in_words("database_owner_url", url, &error).to_string()),
    }
}

fn writable(folder: &Path) -> Finding {
    let probe = folder.join(format!(".doctor-{}", std::process::id()));
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&probe, b""))
        .and_then(|()| std::fs::remove_file(&probe))
        .map(|()| format!("{} can be written", folder.display()))
        .map_err(|error| format!("{} cannot be written: {error}", folder.display()))
}

async fn asterisk(config: &AsteriskConfig) -> Finding {
    let mut url = config.ari_url.clone();
    url.set_path(&format!("{}/asterisk/info", url.path().trim_end_matches('/')));
    let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build().map_err(|error| error.to_string())?;
    let answer =
        client.get(url).basic_auth(&config.ari_username, Some(config.ari_password.expose())).send().await.map_err(
            |_| {
                format!(
                    "nothing answers at ari_url {}; is Asterisk running, and enabled in its http.conf and ari.conf?",
                    config.ari_url
                )
            },
        )?;
    match answer.status().as_u16() {
        200 => {}
        401 | 403 => {
            return Err(format!(
                "Asterisk refuses the user {:?}; ari_username and ari_password must be those of a user in its ari.conf",
                config.ari_username
            ));
        }
        404 => return Err(format!("there is no ARI at ari_url {}; is `enabled = yes` in ari.conf?", config.ari_url)),
        status => return Err(format!("Asterisk answers {status} at ari_url {}", config.ari_url)),
    }
    let info: serde_json::Value =
        answer.json().await.map_err(|_| "what answers at ari_url is not Asterisk".to_owned())?;
    let version =
        info["system"]["version"].as_str().ok_or_else(|| "what answers at ari_url is not Asterisk".to_owned())?;
    if !version.starts_with("22.") {
        return Err(format!("Asterisk {version} answers; Trunkline is made for 22.10.1 and later of 22"));
    }
    Ok(format!("Asterisk {version} answers and knows us"))
}

async fn mail(config: &Config) -> Finding {
    let Some(mail) = &config.mail else {
        return Ok("not set: no e-mail can be sent (password resets, invitations)".to_owned());
    };
    let place = mail.server.place();
    let transport = Transport::new(mail).map_err(|error| format!("TLS cannot be set up: {error}"))?;
    match transport.check().await {
        Ok(()) => Ok(format!("the mail server answers at {place}")),
        Err(why) => Err(format!("the mail server at {place}: {why}; is smtp_url right, with user and password?")),
    }
}

/// The certificate that is served, or would be.
fn certificate(config: &Config, tls: &TlsConfig) -> Finding {
    let certificate = match tls::inspect(tls, &config.state_dir) {
        Ok(Some(certificate)) => certificate,
        Ok(None) => return Ok("no certificate yet; the running gateway asks the ACME server for one".to_owned()),
        Err(error) => return Err(error.to_string()),
    };
    let host = config.public_url.host_str().unwrap_or_default();
    if !certificate.is_for(host) {
        let names = certificate.names().join(", ");
        return Err(format!("the certificate is for {names}, and not for {host}, the host of public_url"));
    }
    let days = certificate.left(Utc::now()).num_days();
    if days < DAYS_LEFT {
        return Err(format!("the certificate ends in {days} days, on {}; renew it", certificate.ends()));
    }
    Ok(format!("the certificate for {host} holds for {days} days"))
}

/// A running gateway holds its own port: that is well, too.
async fn http_port(config: &Config) -> Finding {
    if server::bind(config.http_listen).await.is_ok() {
        return Ok(format!("{} is free", config.http_listen));
    }
    if gateway_answers(config).await {
        return Ok(format!("the gateway answers at {}", config.http_listen));
    }
    let holder = if TcpStream::connect_timeout(&config.http_listen, PATIENCE).is_ok() {
        "another program listens there"
    } else {
        "it cannot be had"
    };
    Err(format!("{}: {holder}; stop it or choose another port", config.http_listen))
}

async fn gateway_answers(config: &Config) -> bool {
    let Ok(client) = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build() else { return false };
    let Ok(answer) = client.get(format!("http://{}/health", config.http_listen)).send().await else { return false };
    answer.json::<serde_json::Value>().await.is_ok_and(|health| health["service"] == "trunkline")
}

async fn agi_port(config: &Config, listen: SocketAddr) -> Finding {
    match server::bind_for("agi_listen", listen).await {
        Ok(_) => Ok(format!("{listen} is free")),
        Err(_) if gateway_answers(config).await => Ok(format!("the running gateway holds {listen}")),
        Err(error) => Err(error.to_string()),
    }
}

async fn rtp_port(config: &Config) -> Finding {
    match UdpSocket::bind(config.rtp_listen) {
        Ok(_) => Ok(format!("{} is free", config.rtp_listen)),
        Err(_) if gateway_answers(config).await => Ok(format!("the running gateway holds {}", config.rtp_listen)),
        Err(error) => Err(format!("{} cannot be had: {error}; choose another port", config.rtp_listen)),
    }
}
