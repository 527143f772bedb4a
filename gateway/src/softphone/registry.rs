//! The softphones of this gateway, and the file that a new life of it finds them in.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SubsecRound as _, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use trunkline_db::{AgentId, DeviceId, TenantId};
use uuid::Uuid;

use super::book::{Asking, Book, Softphone, TooOften};
use crate::agents::{digest_password, random_text};
use crate::auth::Sessions;
use crate::calls::directory::Directory;
use crate::calls::{DeviceKind, DirectoryDevice};
use crate::secrets::{OpenError, Place, Sealed, Vault};

/// Characters of the random part of a user name (40 bits) and of a password (100 bits), as of desk phones.
const USERNAME_CHARS: usize = 8;
/// See [`USERNAME_CHARS`].
const PASSWORD_CHARS: usize = 20;

/// Credentials, as they are handed out once.
#[derive(Clone)]
pub(crate) struct Granted {
    pub(crate) softphone: Softphone,
    pub(crate) password: String,
    /// A new softphone, rather than a renewal.
    pub(crate) fresh: bool,
}

/// The softphones of this gateway.
#[derive(Debug)]
pub(crate) struct Softphones {
    // Held for a look or a change, never across an await.
    book: Mutex<Book>,
    changed: watch::Sender<()>,
    /// Where they are kept, and what seals their digests there; none for a gateway without telephony.
    file: Option<(PathBuf, Vault)>,
    /// Held while the file is written: the newest state is the last that is written.
    writing: tokio::sync::Mutex<()>,
}

impl Softphones {
    /// Those that the file knows. One that cannot be read costs its softphones a renewal, which they ask for by themselves.
    pub(crate) fn kept_in(path: PathBuf, vault: Vault) -> Self {
        let known = read(&path, &vault).unwrap_or_else(|error| {
            tracing::warn!(%error, path = %path.display(), "the softphones' file cannot be read; they will sign in anew");
            Vec::new()
        });
        Self { book: Mutex::new(Book::restored(known)), file: Some((path, vault)), ..Self::none() }
    }

    /// No softphones, and no file.
    pub(crate) fn none() -> Self {
        Self {
            book: Mutex::default(),
            changed: watch::Sender::new(()),
            file: None,
            writing: tokio::sync::Mutex::const_new(()),
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// New credentials for a sign-in: its softphone is made, or keeps its name and gets another password. They are in the file
    /// when this returns. `slug` is the tenant's.
    pub(crate) async fn renew(&self, asking: Asking, slug: &str) -> Result<Granted, TooOften> {
        let password = random_text(PASSWORD_CHARS);
        let now = Utc::now().trunc_subsecs(3);
        let (softphone, fresh) = self.book().renew(
            now,
            asking,
            || format!("{slug}-web-{}", random_text(USERNAME_CHARS)),
            |username| digest_password(username, &password),
        )?;
        self.changed.send_replace(());
        self.write().await;
        Ok(Granted { softphone, password, fresh })
    }

    /// Removes what has expired. Called by call control, which knows who is on a call.
    pub(crate) fn sweep(
        self: &std::sync::Arc<Self>,
        now: DateTime<Utc>,
        on_a_call: impl Fn(TenantId, AgentId) -> bool,
    ) {
        if self.book().sweep(now, on_a_call) {
            self.note_change();
        }
    }

    /// Lets the softphones of sign-ins that have ended go.
    pub(crate) fn end(self: &std::sync::Arc<Self>, is_ended: impl Fn(Uuid) -> bool) {
        if self.book().end(Utc::now(), is_ended) {
            self.note_change();
        }
    }

    /// Writes the file anew, since another key seals.
    pub(crate) async fn seal_anew(&self) {
        self.write().await;
    }

    fn note_change(self: &std::sync::Arc<Self>) {
        self.changed.send_replace(());
        let softphones = std::sync::Arc::clone(self);
        tokio::spawn(async move { softphones.write().await });
    }

    /// Whether there is one of this name.
    pub(crate) fn has(&self, username: &str) -> bool {
        self.book().has(username)
    }

    /// The user name of a sign-in's softphone.
    pub(crate) fn username_of(&self, session: Uuid) -> Option<String> {
        self.book().of_session(session).map(|phone| phone.username.clone())
    }

    /// Wakes whenever they changed.
    pub(crate) fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// The directory with these among its devices, as far as their agents are in it.
    pub(crate) fn added_to(&self, directory: &Directory) -> Directory {
        let mut whole = directory.clone();
        let book = self.book();
        let ours = book.all().filter(|phone| directory.agents.contains_key(&(phone.tenant, phone.agent)));
        whole.devices.extend(ours.map(|phone| (phone.username.clone(), device(phone))));
        whole
    }

    async fn write(&self) {
        let Some((path, vault)) = self.file.clone() else { return };
        let _writing = self.writing.lock().await;
        let all: Vec<Kept> = self.book().all().map(|phone| Kept::of(phone, &vault)).collect();
        let written = tokio::task::spawn_blocking(move || {
            let text = serde_json::to_vec(&all)?;
            let fresh = path.with_extension("new");
            write_private(&fresh, &text)?;
            std::fs::rename(&fresh, &path)
        })
        .await;
        // They work; only a restart would not know them, and they would ask anew.
        if let Err(error) = written.map_err(std::io::Error::other).and_then(|done| done) {
            tracing::warn!(%error, "the softphones cannot be kept over a restart");
        }
    }
}

/// A softphone as the file has it.
#[derive(Serialize, Deserialize)]
struct Kept {
    session: Uuid,
    device: DeviceId,
    tenant: TenantId,
    agent: AgentId,
    username: String,
    /// Base64 of an envelope.
    ha1_sealed: String,
    expires_at: DateTime<Utc>,
}

impl Kept {
    fn of(phone: &Softphone, vault: &Vault) -> Self {
        let sealed = vault.seal(&place(phone.tenant, phone.session), phone.ha1.expose().as_bytes());
        Self {
            session: phone.session,
            device: phone.device,
            tenant: phone.tenant,
            agent: phone.agent,
            username: phone.username.clone(),
            ha1_sealed: STANDARD.encode(sealed.bytes()),
            expires_at: phone.expires_at,
        }
    }

    fn open(self, vault: &Vault) -> Result<Softphone, OpenError> {
        let sealed = STANDARD.decode(&self.ha1_sealed).map_err(|_| OpenError::NoEnvelope)?;
        let ha1 = vault.open_text(&place(self.tenant, self.session), &Sealed::from(sealed))?;
        Ok(Softphone {
            session: self.session,
            device: self.device,
            tenant: self.tenant,
            agent: self.agent,
            username: self.username,
            ha1,
            expires_at: self.expires_at,
        })
    }
}

fn place(tenant: TenantId, session: Uuid) -> Place {
    Place { tenant: Some(tenant), table: "softphones.json", column: "ha1_sealed", row: session.to_string() }
}

/// What the file knows, and what in it can be opened. One of an earlier version is none: its softphones ask anew by themselves.
fn read(path: &Path, vault: &Vault) -> std::io::Result<Vec<Softphone>> {
    let text = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text?,
    };
    let kept: Vec<Kept> = serde_json::from_slice(&text)?;
    Ok(kept.into_iter().filter_map(|kept| kept.open(vault).ok()).collect())
}

/// Whoever can read a digest can sign in with it.
fn write_private(path: &Path, text: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text)
}

/// The softphone as Asterisk and call control have to know it.
pub(crate) fn device(phone: &Softphone) -> DirectoryDevice {
    DirectoryDevice {
        id: phone.device,
        tenant: phone.tenant,
        agent: phone.agent,
        username: phone.username.clone(),
        ha1: phone.ha1.clone(),
        kind: DeviceKind::Softphone,
    }
}

/// Ends softphones together with their sign-ins, until cancelled.
pub(crate) async fn end_with_sessions(
    softphones: std::sync::Arc<Softphones>,
    sessions: Sessions,
    cancel: CancellationToken,
) {
    let mut ended = sessions.watch();
    while let Some(Ok(())) = cancel.run_until_cancelled(ended.changed()).await {
        softphones.end(|session| sessions.is_ended(session));
    }
}

/// Seals the file anew whenever another master key seals, until cancelled.
pub(crate) async fn seal_with_newest(softphones: std::sync::Arc<Softphones>, vault: Vault, cancel: CancellationToken) {
    let mut changed = vault.watch();
    while let Some(Ok(())) = cancel.run_until_cancelled(changed.changed()).await {
        softphones.seal_anew().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault() -> Vault {
        Vault::derived(&"5a".repeat(32).parse().unwrap())
    }

    #[tokio::test]
    async fn a_killed_gateway_knows_its_softphones_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("softphones.json");
        let asking = Asking { session: Uuid::now_v7(), tenant: TenantId::new(), agent: AgentId::new() };
        let softphones = Softphones::kept_in(path.clone(), vault());
        let granted = softphones.renew(asking, "demo").await.unwrap();
        assert_eq!(granted.softphone.ha1, digest_password(&granted.softphone.username, &granted.password));
        assert!(granted.softphone.username.starts_with("demo-web-"));

        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains(&granted.password), "the password is nowhere");
        assert!(!text.contains(granted.softphone.ha1.expose()), "and the digest is sealed");
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);

        let again = Softphones::kept_in(path, vault());
        assert_eq!(again.username_of(asking.session), Some(granted.softphone.username.clone()));
        let renewed = again.renew(asking, "demo").await.unwrap();
        assert_eq!(renewed.softphone.username, granted.softphone.username);
        assert!(!renewed.fresh);
    }

    #[tokio::test]
    async fn a_file_that_is_no_file_of_ours_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("softphones.json");
        std::fs::write(&path, "{\"half").unwrap();
        assert_eq!(Softphones::kept_in(path, vault()).book().all().count(), 0);
    }
}
