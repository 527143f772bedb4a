//! `trunkline user`: the users that an administrator makes without signing in.

use std::io::{IsTerminal as _, Read as _};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use trunkline_db::{PoolOptions, Role};

use crate::auth::{Passwords, random_token};
use crate::config::Source;
use crate::provision::{self, NewMember, ProvisionError};

#[derive(Debug, Subcommand)]
pub(super) enum UserWord {
    /// Make a user a member of a tenant.
    Add(Add),
    /// Give a user a new password: the one on standard input, or a random one that is printed.
    SetPassword {
        /// E-mail address.
        email: String,
    },
    /// Let a user run the platform: make, suspend and limit tenants. Their rights within tenants stay what they are.
    Superadmin {
        /// E-mail address.
        email: String,
        /// Take it back.
        #[arg(long)]
        revoke: bool,
    },
    /// List all members of all tenants.
    List,
}

#[derive(Debug, Args)]
pub(super) struct Add {
    /// E-mail address.
    email: String,
    /// Name as colleagues see it.
    #[arg(long)]
    name: String,
    /// Slug of the tenant.
    #[arg(long)]
    tenant: String,
    /// Make the tenant with this name if it is not there.
    #[arg(long, value_name = "NAME")]
    new_tenant: Option<String>,
    /// admin, manager or operator.
    #[arg(long, default_value = "operator")]
    role: Role,
    /// Takes work although no operator.
    #[arg(long)]
    takes_work: bool,
}

pub(super) async fn run(source: &Source, word: UserWord) -> anyhow::Result<()> {
    let db = super::connect(&source.database_url()?, PoolOptions::default()).await?;
    match word {
        UserWord::Add(add) => {
            let tenant = match &add.new_tenant {
                Some(name) => provision::create_tenant(&db, &add.tenant, name).await?,
                None => provision::find_tenant(&db, &add.tenant).await.map_err(|error| match error {
                    ProvisionError::NoTenant(_) => {
                        anyhow::anyhow!("{error}; make it with --new-tenant NAME")
                    }
                    other => other.into(),
                })?,
            };
            let (password, shown) = password()?;
            let takes_work = add.takes_work || add.role.takes_work();
            let member = NewMember { email: &add.email, name: &add.name, role: add.role, takes_work };
            let added = provision::add_member(&db, &Passwords::new(), tenant, member, &password).await?;
            if added.is_none() {
                return Err(ProvisionError::AlreadyMember { email: add.email, tenant: add.tenant }.into());
            }
            println!("{} is a member of {} as {}{shown}", add.email, add.tenant, add.role);
        }
        UserWord::SetPassword { email } => {
            let (password, shown) = password()?;
            provision::set_password(&db, &Passwords::new(), &email, &password).await?;
            println!("{email} has a new password{shown}");
        }
        UserWord::Superadmin { email, revoke } => {
            provision::set_superadmin(&db, &email, !revoke).await?;
            println!("{email} {} the platform", if revoke { "no longer runs" } else { "may run" });
        }
        UserWord::List => {
            for member in provision::list_members(&db).await? {
                let disabled = if member.disabled { "  (may not sign in)" } else { "" };
                let superadmin = if member.superadmin { "  (runs the platform)" } else { "" };
                println!(
                    "{:<20} {:<32} {:<9} {}{superadmin}{disabled}",
                    member.tenant, member.email, member.role, member.name
                );
            }
        }
    }
    Ok(())
}

/// The password on standard input, or a random one and the words that show it. Never from the command line, where every user of the
/// machine could read it.
fn password() -> anyhow::Result<(String, String)> {
    let mut input = std::io::stdin();
    if !input.is_terminal() {
        let mut text = String::new();
        input.read_to_string(&mut text).context("cannot read the password from standard input")?;
        let text = text.trim_end_matches(['\r', '\n']).to_owned();
        if !text.is_empty() {
            return Ok((text, String::new()));
        }
    }
    let random = random_token().chars().filter(char::is_ascii_alphanumeric).take(20).collect::<String>();
    let shown = format!("; password: {random}");
    Ok((random, shown))
}
