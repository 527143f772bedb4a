//! What outlives a restart: the account with the ACME server, and the certificate. For the gateway's own user alone.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use chrono::Utc;
use instant_acme::AccountCredentials;
use sha2::{Digest as _, Sha256};

use super::super::certificate::{Certificate, CertificateError, Named};
use super::order::Ordered;
use crate::config::AcmeConfig;

const NAMED: Named = Named { certificate: "acme_domains", key: "acme_domains" };

/// The folder, and the two names in it.
#[derive(Debug)]
pub(super) struct Keep {
    folder: PathBuf,
    account: PathBuf,
    certificate: PathBuf,
}

impl Keep {
    /// Another server means another account, and other domains another certificate: their names say which.
    pub(super) fn of(config: &AcmeConfig, state_dir: &Path) -> Self {
        let folder = state_dir.join("acme");
        let mut domains = config.domains.clone();
        domains.sort_unstable();
        let account = folder.join(format!("account-{}.json", short_hash(&[config.directory.as_str()])));
        let names: Vec<&str> =
            [config.directory.as_str()].into_iter().chain(domains.iter().map(String::as_str)).collect();
        let certificate = folder.join(format!("certificate-{}.pem", short_hash(&names)));
        Self { folder, account, certificate }
    }

    /// The account, if there is one.
    pub(super) fn account(&self) -> anyhow::Result<Option<AccountCredentials>> {
        match fs::read(&self.account) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn keep_account(&self, account: &AccountCredentials) -> anyhow::Result<()> {
        Ok(self.write(&self.account, &serde_json::to_vec(account)?)?)
    }

    /// The certificate, if there is one that still holds.
    pub(super) fn certificate(&self) -> Result<Option<Certificate>, CertificateError> {
        match fs::read(&self.certificate) {
            // Chain and key stand in one file, so that no moment sees one of them alone.
            Ok(text) => Certificate::read(&text, &text, NAMED, Utc::now()).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(CertificateError::Unreadable {
                key: NAMED.certificate,
                path: self.certificate.display().to_string(),
                reason: error.to_string(),
            }),
        }
    }

    pub(super) fn keep(&self, ordered: &Ordered) -> io::Result<()> {
        self.write(&self.certificate, format!("{}\n{}", ordered.key.trim_end(), ordered.chain).as_bytes())
    }

    /// Written beside and renamed: whoever reads sees the old one or the new one.
    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        fs::set_permissions(&self.folder, Permissions::from_mode(0o700))?;
        let beside = path.with_extension("new");
        let _ = fs::remove_file(&beside);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        io::Write::write_all(&mut file, content)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        File::open(&self.folder)?.sync_all()
    }
}

fn short_hash(parts: &[&str]) -> String {
    let digest = Sha256::digest(parts.join("\n"));
    digest.iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::certificate::tests::make;
    use super::*;

    fn config(domains: &[&str]) -> AcmeConfig {
        AcmeConfig {
            domains: domains.iter().map(|name| (*name).to_owned()).collect(),
            directory: "https://acme.test/directory".parse().unwrap(),
            email: None,
            ca_file: None,
        }
    }

    #[test]
    fn what_is_kept_is_for_nobody_else_and_for_these_domains() {
        let dir = tempfile::tempdir().unwrap();
        let keep = Keep::of(&config(&["a.test", "b.test"]), dir.path());
        assert!(keep.certificate().unwrap().is_none());
        let (chain, key) = make(&["a.test", "b.test"], -10, 3_600);
        for _ in 0..2 {
            keep.keep(&Ordered { chain: chain.clone(), key: key.clone() }).unwrap();
        }
        assert!(keep.certificate().unwrap().unwrap().is_for("a.test"));
        assert!(Keep::of(&config(&["b.test", "a.test"]), dir.path()).certificate().unwrap().is_some());
        assert!(Keep::of(&config(&["a.test"]), dir.path()).certificate().unwrap().is_none());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&keep.folder), mode(&keep.certificate)), (0o700, 0o600));
    }
}
