//! Which store, and how it is reached.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use url::Url;
use zeroize::Zeroizing;

/// Smallest part that S3 takes, but for the last one, in MiB.
const MIN_PART_MIB: u64 = 5;
/// A part is held in memory while it is sent, in MiB.
const MAX_PART_MIB: u64 = 256;

/// Where files are kept. A change moves no file: what was kept before is found in the old place alone.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "store", rename_all = "lowercase", deny_unknown_fields)]
pub enum BlobConfig {
    /// A folder of this machine, or one that all nodes share.
    Local {
        /// Absolute. It is made if it is not there.
        path: PathBuf,
    },
    /// A bucket of S3, or of whatever speaks its language.
    S3(S3Config),
}

/// A bucket and how to reach it. The SDK's own ways to find keys (its files, its variables, the machine's role) are not taken: there is
/// one configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3Config {
    /// It must be there.
    pub bucket: String,
    /// Part of the signature; where a store has no regions it does not look at it.
    #[serde(default = "default_region")]
    pub region: String,
    /// `https://s3.example.org`; without it, Amazon's of the region.
    pub endpoint: Option<String>,
    /// The bucket in the path and not in the host name: what most stores but Amazon's want.
    #[serde(default)]
    pub path_style: bool,
    /// Needed; optional only because a file may leave it to the environment.
    pub access_key: Option<String>,
    /// Needed, likewise.
    pub secret_key: Option<SecretText>,
    /// Before every key, such as `trunkline/`.
    #[serde(default)]
    pub prefix: String,
    /// Size of an upload's parts, in MiB: 5 to 256. Up to two of them are in memory for each file that is being kept.
    #[serde(default = "default_part_mib")]
    pub part_mib: u64,
}

fn default_region() -> String {
    "us-east-1".to_owned()
}

fn default_part_mib() -> u64 {
    8
}

/// A text that never shows, and is wiped from memory when it is dropped.
#[derive(Clone)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// What is wrong with it, in words for the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct ConfigError {
    /// The field.
    pub key: &'static str,
    /// What it should be.
    pub problem: &'static str,
}

impl BlobConfig {
    /// Whether it can be right; nothing is asked of the network or the disk.
    pub fn check(&self) -> Result<(), ConfigError> {
        match self {
            Self::Local { path } if !path.is_absolute() => {
                Err(ConfigError { key: "path", problem: "expected an absolute folder" })
            }
            Self::Local { .. } => Ok(()),
            Self::S3(config) => config.check(),
        }
    }
}

impl S3Config {
    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key, problem| Err(ConfigError { key, problem });
        let plain = |text: &str, more: &[u8]| {
            text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || more.contains(&byte))
        };
        if !(3..=63).contains(&self.bucket.len()) || !plain(&self.bucket, b".-") || self.bucket.contains("..") {
            return wrong("bucket", "expected 3 to 63 letters a-z, digits, `.` and `-`");
        }
        if self.region.is_empty() || self.region.len() > 64 || !plain(&self.region, b"-") {
            return wrong("region", "expected the name of a region, such as \"eu-central-1\"");
        }
        if let Some(endpoint) = &self.endpoint {
            let url = Url::parse(endpoint).ok().filter(|url| {
                matches!(url.scheme(), "http" | "https")
                    && url.has_host()
                    && url.username().is_empty()
                    && url.password().is_none()
                    && url.query().is_none()
                    && url.fragment().is_none()
            });
            if url.is_none() {
                return wrong("endpoint", "expected an address such as \"https://s3.example.org\"");
            }
        }
        if self.access_key.as_deref().unwrap_or_default().is_empty() {
            return wrong("access_key", "it is needed");
        }
        if self.secret_key.as_ref().is_none_or(|secret| secret.expose().is_empty()) {
            return wrong("secret_key", "it is needed");
        }
        let good = self.prefix.len() <= 200
            && !self.prefix.starts_with('/')
            && self.prefix.split('/').all(|step| step != "." && step != "..")
            && !self.prefix.contains("//")
            && self.prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
        if !good {
            return wrong("prefix", "expected at most 200 letters, digits and `/._-`, with no `/` in front");
        }
        if !(MIN_PART_MIB..=MAX_PART_MIB).contains(&self.part_mib) {
            return wrong("part_mib", "expected 5 to 256");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<BlobConfig, String> {
        let config: BlobConfig = toml::from_str(text).map_err(|error| error.to_string())?;
        config.check().map_err(|error| error.to_string())?;
        Ok(config)
    }

    const S3: &str = "store = \"s3\"\nbucket = \"files\"\naccess_key = \"AK\"\nsecret_key = \"hunter2\"\n";

    #[test]
    fn both_stores_are_read_and_no_secret_shows() {
        assert!(matches!(read("store = \"local\"\npath = \"/srv/files\""), Ok(BlobConfig::Local { .. })));
        let config = read(S3).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
        let BlobConfig::S3(config) = config else { panic!("{config:?}") };
        assert_eq!((config.region.as_str(), config.part_mib, config.path_style), ("us-east-1", 8, false));
    }

    #[test]
    fn what_cannot_be_right_is_refused_by_name() {
        for (more, key) in [
            ("bucket = \"No\"", "bucket"),
            ("region = \"\"", "region"),
            ("endpoint = \"s3.example.org\"", "endpoint"),
            ("endpoint = \"ftp://s3.example.org\"", "endpoint"),
            ("endpoint = \"https://me:secret@s3.example.org\"", "endpoint"),
            ("access_key = \"\"", "access_key"),
            ("secret_key = \"\"", "secret_key"),
            ("prefix = \"/a\"", "prefix"),
            ("prefix = \"a/../b/\"", "prefix"),
            ("part_mib = 4", "part_mib"),
            ("part_mib = 257", "part_mib"),
        ] {
            let name = more.split(' ').next().unwrap();
            let kept: String =
                S3.lines().filter(|line| !line.starts_with(name)).fold(String::new(), |text, line| text + line + "\n");
            let error = read(&format!("{kept}{more}\n")).unwrap_err();
            assert!(error.starts_with(&format!("{key}: ")), "{more}: {error}");
        }
        assert!(read("store = \"local\"\npath = \"files\"").unwrap_err().starts_with("path: "));
        assert!(read(&format!("{S3}buckets = 1\n")).is_err());
        assert!(read("store = \"local\"\npath = \"/srv\"\nbucket = \"x\"").is_err());
        assert!(read("store = \"ftp\"").is_err());
    }
}
