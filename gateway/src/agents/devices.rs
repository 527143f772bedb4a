//! Making a device: user name, password, and the digest that is kept of it.

use http::StatusCode;
use md5::{Digest as _, Md5};
use trunkline_db::{AgentId, DeviceId, TenantId, TenantTx};

use super::model::NewDevice;
use super::{SIP_REALM, device_store, store};
use crate::calls::{DeviceKind, DirectoryDevice};
use crate::config::Config;
use crate::http::AppError;
use crate::http::idempotency::Effect;
use crate::secrets::{Place, Secret, Vault};

/// Most devices of one agent: they all ring together.
const MAX_DEVICES: i64 = 10;
/// No letters or digits that are mistaken for one another when typed into a phone.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Characters of the random part of a user name (40 bits).
const USERNAME_CHARS: usize = 8;
/// Characters of a password (100 bits: HA1 is MD5, so the password itself has to withstand guessing).
const PASSWORD_CHARS: usize = 20;

/// Random letters and digits for names and passwords that may have to be typed: five bits each.
pub(crate) fn random_text(chars: usize) -> String {
    (0..chars).map(|_| char::from(ALPHABET[usize::from(rand::random::<u8>()) % ALPHABET.len()])).collect()
}

/// Hex MD5 of `username:realm:password` (RFC 7616 §3.4.2): all that digest authentication needs of the password.
pub(crate) fn digest_password(username: &str, password: &str) -> Secret {
    use std::fmt::Write as _;
    let digest = Md5::digest(format!("{username}:{SIP_REALM}:{password}"));
    Secret::new(digest.iter().fold(String::with_capacity(32), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

/// Where a phone's digest lies sealed: who has it can sign in as that phone.
pub(crate) fn digest_place(tenant: TenantId, device: DeviceId) -> Place {
    Place { tenant: Some(tenant), table: "devices", column: "ha1_sealed", row: device.to_string() }
}

/// Makes a device for `agent` within the transaction.
pub(super) async fn create(
    tx: &mut TenantTx<'_>,
    config: &Config,
    vault: &Vault,
    tenant_slug: &str,
    agent: AgentId,
    name: &str,
) -> Result<Effect<NewDevice, DirectoryDevice>, AppError> {
    if !store::exists(tx, agent).await? {
        return Err(AppError::not_found("agent"));
    }
    if device_store::count(tx, agent).await? >= MAX_DEVICES {
        return Err(AppError::conflict(
            "too-many-devices",
            format!("an agent may have {MAX_DEVICES} devices; remove one first"),
        ));
    }
    let id = DeviceId::new();
    let username = format!("{tenant_slug}-{}", random_text(USERNAME_CHARS));
    let password = random_text(PASSWORD_CHARS);
    let ha1 = digest_password(&username, &password);
    let sealed = vault.seal(&digest_place(tx.tenant(), id), ha1.expose().as_bytes());
    let row = device_store::NewRow { id, agent, name, username: &username, ha1: sealed.bytes() };
    device_store::insert(tx, &row).await?;
    let device =
        DirectoryDevice { id, tenant: tx.tenant(), agent, username: username.clone(), ha1, kind: DeviceKind::Desk };
    let body = NewDevice {
        id,
        name: name.to_owned(),
        username,
        password,
        domain: config.asterisks[0].sip_domain.clone(),
        port: config.asterisks[0].sip_port,
        transports: vec!["udp", "tcp"],
    };
    Ok(Effect { status: StatusCode::CREATED, body, value: device })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ha1_is_what_a_phone_computes() {
        // `printf 'demo-7f3k2p9q:trunkline:secret' | md5sum`
        assert_eq!(digest_password("demo-7f3k2p9q", "secret").expose(), "18633d134d8a48cbb08bce0da7e70977");
        assert_ne!(digest_password("a", "b"), digest_password("b", "a"));
    }

    #[test]
    fn random_texts_use_every_letter_alike() {
        let text = random_text(32_000);
        for letter in ALPHABET {
            let count = text.bytes().filter(|byte| byte == letter).count();
            assert!((700..1300).contains(&count), "{}: {count}", char::from(*letter));
        }
    }
}
