//! One order: account, challenges, certificate.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use instant_acme::{
    Account, AuthorizationStatus, ChallengeHandle, ChallengeType, Identifier, NewAccount, NewOrder, OrderStatus,
    RetryPolicy,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use super::super::certificates::Challenges;
use super::super::provider;
use super::keep::Keep;
use crate::config::AcmeConfig;

/// How long the server may take to validate, and then to certify.
const PATIENCE: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(90));

/// What an order gives, in PEM.
pub(super) struct Ordered {
    pub(super) chain: String,
    pub(super) key: String,
}

/// Runs an order through. `plain_http`: answer by http-01; else by tls-alpn-01.
pub(super) async fn run(
    config: &AcmeConfig,
    keep: &Keep,
    challenges: &Challenges,
    plain_http: bool,
) -> anyhow::Result<Ordered> {
    let account = account(config, keep).await.context("no account")?;
    let identifiers: Vec<Identifier> = config.domains.iter().cloned().map(Identifier::Dns).collect();
    let mut order = account.new_order(&NewOrder::new(&identifiers)).await.context("the order was refused")?;
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.context("an authorization cannot be read")?;
        match authorization.status {
            AuthorizationStatus::Valid => continue,
            AuthorizationStatus::Pending => {}
            other => bail!("an authorization is {other:?}"),
        }
        let kind = if plain_http { ChallengeType::Http01 } else { ChallengeType::TlsAlpn01 };
        let mut challenge =
            authorization.challenge(kind.clone()).with_context(|| format!("the server does not offer {kind:?}"))?;
        let host = challenge.identifier().to_string();
        if plain_http {
            challenges.answer_over_http(&challenge.token, challenge.key_authorization().as_str());
        } else {
            challenges.answer_over_tls(&host, answer(&host, &challenge)?);
        }
        challenge.set_ready().await.with_context(|| format!("the challenge for {host} was refused"))?;
    }
    let status = order.poll_ready(&PATIENCE).await.context("the domains were not validated")?;
    if status != OrderStatus::Ready {
        bail!("{}", why_not(&mut order).await);
    }
    let key = order.finalize().await.context("the certificate was refused")?;
    let chain = order.poll_certificate(&PATIENCE).await.context("the certificate did not come")?;
    Ok(Ordered { chain, key })
}

/// What the server found at the domains, in its own words.
async fn why_not(order: &mut instant_acme::Order) -> String {
    let mut words = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        // Read anew: the state from before the challenge says nothing yet.
        let Ok(state) = authorization.refresh().await else { continue };
        let errors = state.challenges.iter().filter_map(|challenge| challenge.error.as_ref());
        words.extend(errors.map(|error| format!("{}: {error}", state.identifier())));
    }
    if words.is_empty() { "the server refuses the order and does not say why".to_owned() } else { words.join("; ") }
}

async fn account(config: &AcmeConfig, keep: &Keep) -> anyhow::Result<Account> {
    let builder = match &config.ca_file {
        Some(path) => Account::builder_with_root(path).with_context(|| format!("acme_ca_file {}", path.display()))?,
        None => Account::builder()?,
    };
    if let Some(known) = keep.account()? {
        return Ok(builder.from_credentials(known).await?);
    }
    let contact = config.email.as_ref().map(|email| format!("mailto:{email}"));
    let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
    let wanted = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let (account, credentials) = builder.create(&wanted, config.directory.to_string(), None).await?;
    keep.keep_account(&credentials)?;
    Ok(account)
}

/// The self-signed certificate that answers tls-alpn-01 (RFC 8737 §3).
fn answer(host: &str, challenge: &ChallengeHandle<'_>) -> anyhow::Result<Arc<CertifiedKey>> {
    let key = rcgen::KeyPair::generate()?;
    let mut wanted = rcgen::CertificateParams::new([host.to_owned()])?;
    wanted.custom_extensions =
        vec![rcgen::CustomExtension::new_acme_identifier(challenge.key_authorization().digest().as_ref())];
    let certificate = wanted.self_signed(&key)?;
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    // Not `from_der`, which reads the certificate and refuses the critical extension that is its purpose.
    let key = provider().key_provider.load_private_key(der)?;
    Ok(Arc::new(CertifiedKey::new(vec![certificate.der().clone()], key)))
}
