//! What Asterisk has recorded, as files. They come over HTTP whatever way requests go: a `RESTResponse` of the WebSocket is text, and a file is none.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::secrets::Secret;

/// How long a connection may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// How long a file may take: ten minutes of speech are 10 MB.
const PATIENCE: Duration = Duration::from_mins(1);

/// The recorded files of one Asterisk. Cheap to clone.
#[derive(Clone)]
pub(crate) struct StoredFiles {
    client: reqwest::Client,
    root: String,
    username: String,
    password: Secret,
}

impl fmt::Debug for StoredFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredFiles").field("root", &self.root).finish_non_exhaustive()
    }
}

impl StoredFiles {
    /// Of the Asterisk that this configuration is for.
    pub(super) fn new(ari: &trunkline_ari::Config) -> Self {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_PATIENCE)
            .timeout(PATIENCE);
        Self {
            // It fails for a TLS that cannot be set up; there is none here.
            client: client.build().unwrap_or_default(),
            root: ari.base_url.trim_end_matches('/').to_owned(),
            username: ari.username.clone(),
            password: Secret::new(ari.password.clone()),
        }
    }

    /// The file with this name, one of ours: letters, digits and `-`. `None`: Asterisk has none. The error is in words.
    pub(crate) async fn get(&self, name: &str) -> Result<Option<Bytes>, String> {
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
            return Err(format!("{name:?} is no name of a recording of ours"));
        }
        let address = format!("{}/recordings/stored/{name}/file", self.root);
        let asked = self.client.get(address).basic_auth(&self.username, Some(self.password.expose()));
        let answer = asked.send().await.map_err(|error| words(&error))?;
        match answer.status().as_u16() {
            200 => answer.bytes().await.map(Some).map_err(|error| words(&error)),
            404 => Ok(None),
            status => Err(format!("Asterisk answered {status}")),
        }
    }
}

/// The outermost text names the address only; the reason is the innermost.
fn words(error: &reqwest::Error) -> String {
    let mut source: &dyn std::error::Error = error;
    while let Some(inner) = source.source() {
        source = inner;
    }
    source.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_is_none_of_ours_is_not_asked_for() {
        let ari = trunkline_ari::Config::new("http://127.0.0.1:9/ari", "user", "secret", ["app"]);
        let stored = StoredFiles::new(&ari);
        for name in ["../etc/passwd", "a/b", "a b", "a%2Fb", "a?b"] {
            assert!(stored.get(name).await.unwrap_err().contains("no name"), "{name}");
        }
        assert!(!format!("{stored:?}").contains("secret"));
    }
}
