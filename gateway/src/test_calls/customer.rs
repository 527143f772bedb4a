//! The simulated customer, as Asterisk is asked for it.

use trunkline_ari::{Client, Error, channels};
use trunkline_db::TenantId;
use uuid::Uuid;

/// Most test calls of a tenant at the same time.
pub(super) const MOST_AT_ONCE: usize = 3;
/// Contexts in `extensions.conf.in`: the half that comes in, and the half that plays the customer.
const INCOMING: &str = "trunkline-test-call";
const CUSTOMER: &str = "trunkline-test-customer";
/// How long the customer waits for an answer, in seconds; a little more than the dialplan's own limit of the whole call.
const PATIENCE_S: i64 = 125;

/// Why no customer calls.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    /// There are enough of them.
    #[error("{MOST_AT_ONCE} test calls are running already")]
    TooMany,
    /// Asterisk is away, or will not.
    #[error("Asterisk did not place the call: {0}")]
    Asterisk(#[from] Error),
}

/// The beginning of the ids of a tenant's simulated customers. Not one of the names that call control gives: what carries such a
/// name and belongs to no call is removed.
fn prefix(tenant: TenantId) -> String {
    format!("test-customer-{tenant}-")
}

/// Lets a customer call `number` from `caller`. Asterisk itself is asked how many there are: a restart of the gateway forgets none.
pub(super) async fn call(
    client: &Client,
    app: &str,
    tenant: TenantId,
    number: &str,
    caller: &str,
) -> Result<(), Refused> {
    let prefix = prefix(tenant);
    let running = client.channels().list().await?.iter().filter(|channel| channel.id.starts_with(&prefix)).count();
    if running >= MOST_AT_ONCE {
        return Err(Refused::TooMany);
    }
    let id = Uuid::now_v7();
    let incoming = format!("test-call-{id}");
    let params = channels::OriginateWithId::default()
        .context(CUSTOMER)
        .extension("s")
        .priority(1)
        .caller_id(format!("\"\" <{caller}>"))
        .formats("ulaw")
        .other_channel_id(&incoming)
        .timeout(PATIENCE_S);
    // "/n": both halves stay, so that the call looks the same from its first to its last moment.
    let endpoint = format!("Local/{number}@{INCOMING}/n");
    client.channels().originate_with_id(&format!("{prefix}{id}"), &endpoint, params).await?;
    // A channel that leaves the application is told of no more, and only PJSIP's are followed by their endpoints: without this call
    // control would wait for the end of this one.
    if let Err(error) = client.applications().subscribe(app, &[format!("channel:{incoming}").as_str()]).await {
        tracing::debug!(%error, incoming, "Asterisk would not tell of the end of a test call; it will be noticed later");
    }
    Ok(())
}

/// A number that nobody has (North America keeps 555-01xx for stories), so that several customers can be told apart.
pub(super) fn some_caller() -> String {
    format!("+1555019{:04}", rand::random::<u16>() % 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::names::ResourceName;

    #[test]
    fn a_customer_is_not_taken_for_a_leftover_of_ours() {
        let id = format!("{}{}", prefix(TenantId::new()), Uuid::now_v7());
        assert!(id.parse::<ResourceName>().is_err());
        assert!(!id.starts_with("tl-"));
    }

    #[test]
    fn a_caller_is_a_whole_number() {
        for _ in 0..50 {
            let caller = some_caller();
            assert!(caller.len() == 12 && caller[1..].bytes().all(|byte| byte.is_ascii_digit()), "{caller}");
        }
    }
}
