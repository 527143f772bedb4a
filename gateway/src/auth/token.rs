//! Access tokens: JWT (RFC 7519), HS256, verified without the database.

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use trunkline_db::{ApiKeyId, Role, TenantId, UserId};
use uuid::Uuid;

use super::Keys;
use crate::http::{Permissions, Reach, Rights};

/// Life of an access token, in seconds. Long enough for calm refreshes, short enough for a revoked user.
pub const ACCESS_TOKEN_SECONDS: i64 = 900;
/// Longest token that is looked at, in bytes.
const MAX_TOKEN_BYTES: usize = 2048;
const ISSUER: &str = "trunkline";

/// Who somebody is, as a token, ticket or link of ours says. What they may do is not in it: the [`Roster`](crate::roster::Roster) says that
/// anew for each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The tenant.
    pub tenant: TenantId,
    /// The user; an agent has the same id.
    pub user: UserId,
    /// The built-in role when the token was issued; counts only until the roster knows the member.
    pub role: Role,
    /// The sign-in (family of refresh tokens), or the API key.
    pub session: Uuid,
    /// How they came in.
    pub via: Via,
    /// The user has to choose a new password before anything else.
    pub must_change_password: bool,
    /// When the token was issued.
    #[serde(with = "chrono::serde::ts_seconds")]
    pub issued_at: DateTime<Utc>,
    /// When the token ends.
    #[serde(with = "chrono::serde::ts_seconds")]
    pub expires_at: DateTime<Utc>,
}

/// How somebody came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// A person, with a password.
    SignIn,
    /// A program, with a key that acts for the person who made it.
    ApiKey(ApiKeyId),
}

/// Who a request comes from, and what they may do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Principal {
    /// The tenant: the only source of it for everything behind the edge.
    pub tenant: TenantId,
    /// The user; an agent has the same id.
    pub user: UserId,
    /// The built-in role; that of a member with a role of the tenant's own is the least. Ask for permissions, not for roles.
    pub role: Role,
    /// What they may do.
    pub permissions: Permissions,
    /// How far they see within the tenant.
    pub reach: Reach,
    /// The sign-in (family of refresh tokens), or the API key.
    pub session: Uuid,
    /// How they came in.
    pub via: Via,
    /// The user has to choose a new password before anything else.
    pub must_change_password: bool,
    /// When the token was issued.
    pub issued_at: DateTime<Utc>,
    /// When the token ends.
    pub expires_at: DateTime<Utc>,
}

impl Identity {
    /// With what they may do.
    pub const fn with(self, role: Role, rights: Rights) -> Principal {
        Principal {
            tenant: self.tenant,
            user: self.user,
            role,
            permissions: rights.permissions,
            reach: rights.reach,
            session: self.session,
            via: self.via,
            must_change_password: self.must_change_password,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
        }
    }
}

impl Principal {
    /// Who it is, without the rights of this moment: what goes into a ticket or link.
    pub const fn identity(&self) -> Identity {
        Identity {
            tenant: self.tenant,
            user: self.user,
            role: self.role,
            session: self.session,
            via: self.via,
            must_change_password: self.must_change_password,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
        }
    }

    /// What they may give to others.
    pub const fn rights(&self) -> Rights {
        Rights { permissions: self.permissions, reach: self.reach }
    }
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: UserId,
    tid: TenantId,
    role: Role,
    sid: Uuid,
    /// Whether a new password has to be chosen first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pwd: bool,
    iat: i64,
    exp: i64,
}

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It was valid once.
    #[error("{}", self.words())]
    Expired,
    /// It is not a token of ours.
    #[error("{}", self.words())]
    Invalid,
}

impl TokenError {
    /// For the client.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Expired => "the access token has expired",
            Self::Invalid => "the access token is not valid",
        }
    }
}

/// Signs a token that ends `life` after `now`.
pub fn issue(
    keys: &Keys,
    tenant: TenantId,
    user: UserId,
    role: Role,
    session: Uuid,
    now: DateTime<Utc>,
    life: TimeDelta,
) -> String {
    sign(keys, &claims(tenant, user, role, session, now, life))
}

/// Signs a token that is good for nothing until its user has chosen a new password.
pub(super) fn issue_for_password_change(
    keys: &Keys,
    tenant: TenantId,
    user: UserId,
    role: Role,
    session: Uuid,
    now: DateTime<Utc>,
    life: TimeDelta,
) -> String {
    sign(keys, &Claims { pwd: true, ..claims(tenant, user, role, session, now, life) })
}

fn claims(tenant: TenantId, user: UserId, role: Role, session: Uuid, now: DateTime<Utc>, life: TimeDelta) -> Claims {
    Claims {
        iss: ISSUER.to_owned(),
        sub: user,
        tid: tenant,
        role,
        sid: session,
        pwd: false,
        iat: now.timestamp(),
        exp: (now + life).timestamp(),
    }
}

fn sign(keys: &Keys, claims: &Claims) -> String {
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(keys.access_token()))
        .expect("claims are plain values and HS256 takes any key")
}

/// Checks signature, issuer and time.
pub fn verify(keys: &Keys, token: &str, now: DateTime<Utc>) -> Result<Identity, TokenError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::Invalid);
    }
    let mut validation = Validation::new(Algorithm::HS256);
    // The time is checked below, against the clock that was handed in.
    validation.validate_exp = false;
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "iss", "sub"]);
    let claims = jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(keys.access_token()), &validation)
        .map_err(|_| TokenError::Invalid)?
        .claims;
    let expires_at = DateTime::from_timestamp(claims.exp, 0).ok_or(TokenError::Invalid)?;
    if expires_at <= now {
        return Err(TokenError::Expired);
    }
    Ok(Identity {
        tenant: claims.tid,
        user: claims.sub,
        role: claims.role,
        session: claims.sid,
        via: Via::SignIn,
        must_change_password: claims.pwd,
        issued_at: DateTime::from_timestamp(claims.iat, 0).ok_or(TokenError::Invalid)?,
        expires_at,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(last: u8) -> Keys {
        Keys::derive(
            &format!("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e{last:02x}").parse().unwrap(),
        )
    }

    fn token(keys: &Keys, now: DateTime<Utc>) -> (Identity, String) {
        let identity = Identity {
            tenant: TenantId::new(),
            user: UserId::new(),
            role: Role::Manager,
            session: Uuid::now_v7(),
            via: Via::SignIn,
            must_change_password: false,
            issued_at: now,
            expires_at: now + TimeDelta::seconds(900),
        };
        let life = TimeDelta::seconds(900);
        (identity, issue(keys, identity.tenant, identity.user, identity.role, identity.session, now, life))
    }

    #[test]
    fn a_token_says_who_it_is_until_it_ends() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let (identity, token) = token(&keys(1), now);
        assert_eq!(verify(&keys(1), &token, now), Ok(identity));
        assert_eq!(verify(&keys(1), &token, now + TimeDelta::seconds(900)), Err(TokenError::Expired));
        assert_eq!(verify(&keys(2), &token, now), Err(TokenError::Invalid));
    }

    #[test]
    fn an_unsigned_token_is_refused() {
        use base64::Engine as _;
        let encode = |text: String| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        let claims = format!(
            r#"{{"iss":"trunkline","sub":"{0}","tid":"{0}","role":"admin","sid":"{0}","iat":1,"exp":4000000000}}"#,
            Uuid::now_v7()
        );
        let token = format!("{}.{}.", encode(r#"{"alg":"none","typ":"JWT"}"#.to_owned()), encode(claims));
        assert_eq!(verify(&keys(1), &token, Utc::now()), Err(TokenError::Invalid));
    }

    proptest! {
        #[test]
        fn garbage_is_no_token(text in "[A-Za-z0-9_.-]{0,80}|\\PC{0,40}") {
            prop_assert!(verify(&keys(1), &text, Utc::now()).is_err());
        }
    }
}
