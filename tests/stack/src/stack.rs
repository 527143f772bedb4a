//! All parts together, from an empty folder to a gateway that takes calls.

use std::path::{Path, PathBuf};

use crate::asterisk::{Asterisk, AsteriskOptions};
use crate::error::{IoContext, Result};
use crate::files;
use crate::gateway::{Environment, Gateway, GatewayOptions};
use crate::ports::Ports;
use crate::postgres::{Postgres, PostgresOptions};

/// Name of the database.
const DATABASE: &str = "trunkline";

/// What of a stack is wanted, and how.
#[derive(Debug)]
pub struct StackOptions {
    /// Where everything is kept, or a temporary folder.
    pub dir: Option<PathBuf>,
    /// The database.
    pub postgres: PostgresOptions,
    /// The telephony server.
    pub asterisk: AsteriskOptions,
    /// Port of the gateway's HTTP edge, or any free one.
    pub http_port: Option<u16>,
    /// Whether the demo tenant is made.
    pub demo: bool,
    /// Whether the gateway is started too; else it is only prepared.
    pub start_gateway: bool,
    /// Further configuration of the gateway, over what the stack sets.
    pub env: Environment,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            dir: None,
            postgres: PostgresOptions::default(),
            asterisk: AsteriskOptions::default(),
            http_port: None,
            demo: true,
            start_gateway: true,
            env: Vec::new(),
        }
    }
}

/// Everything running; dropping it stops everything, the gateway first.
#[derive(Debug)]
pub struct Stack {
    /// The gateway.
    pub gateway: Gateway,
    /// The telephony server.
    pub asterisk: Asterisk,
    /// The database.
    pub postgres: Postgres,
    dir: PathBuf,
    // Removed last.
    _temporary: Option<tempfile::TempDir>,
}

impl Stack {
    /// Starts a stack.
    pub async fn start(options: StackOptions) -> Result<Self> {
        Self::start_telling(options, |_| {}).await
    }

    /// Starts a stack and says before each step what it is about to do.
    pub async fn start_telling(options: StackOptions, tell: impl Fn(&str)) -> Result<Self> {
        let (dir, temporary) = if let Some(dir) = options.dir {
            (dir, None)
        } else {
            let made = tempfile::Builder::new().prefix("trunkline-").tempdir();
            let made = made.context(|| "cannot create a temporary folder".to_owned())?;
            (made.path().to_owned(), Some(made))
        };
        files::private_dir(&dir)?;
        let dir = dir.canonicalize().context(|| format!("cannot read {}", dir.display()))?;
        let secrets = Secrets::kept_in(&dir)?;

        tell("starting PostgreSQL and Asterisk");
        let mut asterisk_options = options.asterisk;
        asterisk_options.ari_password.get_or_insert_with(|| secrets.ari.clone());
        let (postgres_dir, asterisk_dir) = (dir.join("postgresql"), dir.join("asterisk"));
        let (postgres, asterisk) = tokio::join!(
            Postgres::start_with(&postgres_dir, options.postgres),
            Asterisk::start(&asterisk_dir, asterisk_options)
        );
        let (postgres, asterisk) = (postgres?, asterisk?);

        let http_port = options.http_port.map_or_else(Ports::free, Ok)?;
        let mut env = environment(&dir, &secrets, &postgres, &asterisk, http_port)?;
        env.extend(options.env);
        let gateway = Gateway::prepare(&dir.join("gateway"), GatewayOptions { env, http_port, binary: None })?;
        let mut stack = Self { gateway, asterisk, postgres, dir, _temporary: temporary };

        tell("bringing the database up to date");
        stack.bootstrap(&secrets)?;
        stack.gateway.command(&["migrate"]).await?;
        if options.demo {
            tell("seeding the demo tenant");
            stack.gateway.command(&["demo-seed"]).await?;
        }
        if options.start_gateway {
            tell("starting the gateway");
            stack.gateway.start_again().await?;
        }
        Ok(stack)
    }

    /// Roles and database, as the superuser.
    fn bootstrap(&self, secrets: &Secrets) -> Result<()> {
        // The same file that an administrator of a PostgreSQL of their own runs. The passwords are hexadecimal: nothing to escape.
        let roles = include_str!("../../../migrations/bootstrap.sql")
            .replace("{owner_password}", &format!("'{}'", secrets.owner))
            .replace("{login_password}", &format!("'{}'", secrets.login));
        self.postgres.psql("postgres", &roles)?;
        let exists =
            self.postgres.psql("postgres", &format!("SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"))?;
        if exists.is_empty() {
            self.postgres.psql("postgres", &format!("CREATE DATABASE {DATABASE} OWNER trunkline_owner"))?;
        }
        Ok(())
    }

    /// Ends what an earlier run in `dir` left behind when it was killed, so that its ports are free again.
    pub fn end_leftovers(dir: &Path) {
        for part in ["gateway", "asterisk", "postgresql"] {
            crate::process::end_leftover(&dir.join(part).join("pid"));
        }
    }

    /// The folder that everything is kept in.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Name of the database.
    pub fn database(&self) -> &'static str {
        DATABASE
    }
}

/// Made once and kept: tokens and phones survive a restart.
struct Secrets {
    owner: String,
    login: String,
    ari: String,
    key: String,
}

impl Secrets {
    fn kept_in(dir: &Path) -> Result<Self> {
        let folder = dir.join("secrets");
        files::private_dir(&folder)?;
        let secret = |name: &str, bytes: usize| files::kept_secret(&folder.join(name), bytes);
        Ok(Self {
            owner: secret("database-owner", 16)?,
            login: secret("database-login", 16)?,
            ari: secret("ari", 16)?,
            key: secret("secret-key", 32)?,
        })
    }
}

/// The gateway's whole configuration.
fn environment(
    dir: &Path,
    secrets: &Secrets,
    postgres: &Postgres,
    asterisk: &Asterisk,
    http_port: u16,
) -> Result<Environment> {
    let path = |path: PathBuf| path.display().to_string();
    let state = dir.join("state");
    files::private_dir(&state)?;
    let config = asterisk.config();
    let values = [
        ("HTTP_LISTEN", format!("127.0.0.1:{http_port}")),
        ("DATABASE_URL", postgres.url("trunkline", &secrets.login, DATABASE)),
        ("DATABASE_OWNER_URL", postgres.url("trunkline_owner", &secrets.owner, DATABASE)),
        ("SECRET_KEY", secrets.key.clone()),
        ("STATE_DIR", path(state)),
        ("RECORDINGS_DIR", path(dir.join("recordings"))),
        ("ARI_URL", asterisk.ari_url()),
        ("ARI_USERNAME", config.ari_username.clone()),
        ("ARI_PASSWORD", config.ari_password.clone()),
        ("ARI_APP", config.ari_app.clone()),
        ("AGI_LISTEN", format!("{}:{}", config.listen, config.agi_port)),
        ("AMI_ADDRESS", format!("{}:{}", config.listen, config.ami_port)),
        ("AMI_USERNAME", config.ami_username.clone()),
        ("AMI_PASSWORD", config.ami_password.clone()),
        ("RTP_LISTEN", format!("127.0.0.1:{}", Ports::free()?)),
        ("SIP_DOMAIN", "127.0.0.1".to_owned()),
        ("SIP_PORT", config.sip_port.to_string()),
        ("OUTBOUND_TRUNK", "Local/{number}@trunkline-demo-outside/n".to_owned()),
    ];
    Ok(values.into_iter().map(|(key, value)| (format!("TRUNKLINE_{key}"), value)).collect())
}
