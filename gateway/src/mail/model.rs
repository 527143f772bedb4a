//! What is written to whom.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use lettre::Address;
use serde::{Deserialize, Serialize};

/// A language that letters are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    En,
    /// Russian.
    Ru,
    /// Italian.
    It,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 3] = [Self::En, Self::Ru, Self::It];

    /// Its code, as users and tenants have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ru => "ru",
            Self::It => "it",
        }
    }

    /// The language of this code; English for one that is not known.
    pub fn of(code: &str) -> Self {
        code.parse().unwrap_or(Self::En)
    }
}

impl FromStr for Language {
    type Err = ();

    fn from_str(code: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|language| language.as_str() == code).ok_or(())
    }
}

/// A letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// One address, without a name.
    pub to: Address,
    /// What it is written in.
    pub language: Language,
    /// What it says.
    pub template: Template,
}

/// What a letter says. A `path` begins with `/` and leads to a place of the panel, on `public_url`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// Somebody, presumably the user, wants a new password.
    PasswordReset {
        /// The user's name.
        name: String,
        /// Where the new password is chosen, with the token.
        path: String,
        /// For how long that works.
        minutes: u32,
    },
    /// An address is to be proved.
    VerifyEmail {
        /// The user's name.
        name: String,
        /// Where following the link proves it, with the token.
        path: String,
        /// For how long that works.
        hours: u32,
    },
    /// Somebody is asked to join a tenant.
    Invitation {
        /// The tenant's name.
        tenant: String,
        /// Who invites.
        inviter: String,
        /// Where the invitation is accepted, with the token.
        path: String,
        /// For how long that works.
        days: u32,
    },
    /// Something happened to an account that its owner should know of.
    SecurityNotice {
        /// The user's name.
        name: String,
        /// What happened.
        what: Notice,
        /// When.
        at: DateTime<Utc>,
        /// From which address, where known.
        address: Option<String>,
        /// Where to look after one's account.
        path: String,
    },
}

/// What happened to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// Its password was changed.
    PasswordChanged,
    /// Its address was changed; told to the old one.
    EmailChanged,
    /// One-time codes were switched on.
    TotpEnabled,
    /// One-time codes were switched off.
    TotpDisabled,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// Somebody signed in from where nobody had before.
    NewSignIn,
    /// A refresh token was used twice: all sign-ins were ended.
    SignInStolen,
    /// Many wrong passwords.
    ManyFailures,
}

impl Notice {
    /// Every notice.
    pub const ALL: [Self; 8] = [
        Self::PasswordChanged,
        Self::EmailChanged,
        Self::TotpEnabled,
        Self::TotpDisabled,
        Self::RecoveryCodeUsed,
        Self::NewSignIn,
        Self::SignInStolen,
        Self::ManyFailures,
    ];
}

impl Template {
    /// When a letter that was written at `written` is of no use any more.
    pub(super) fn useless_from(&self, written: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let life = match self {
            Self::PasswordReset { minutes, .. } => TimeDelta::minutes(i64::from(*minutes)),
            Self::VerifyEmail { hours, .. } => TimeDelta::hours(i64::from(*hours)),
            Self::Invitation { days, .. } => TimeDelta::days(i64::from(*days)),
            Self::SecurityNotice { .. } => return None,
        };
        written.checked_add_signed(life)
    }
}
