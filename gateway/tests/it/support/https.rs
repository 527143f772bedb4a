//! HTTPS as a browser speaks it, and an authority that makes certificates.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Makes certificates that those who trust its root take.
pub(crate) struct Authority {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    pub(crate) root: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut wanted = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
        wanted.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        wanted.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        let root = wanted.self_signed(&key).unwrap().pem();
        Self { issuer: rcgen::Issuer::new(wanted, key), root }
    }

    /// A certificate and its key, in PEM.
    pub(crate) fn certify(&self, names: &[&str]) -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let certificate = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

/// A client that trusts one root.
#[derive(Clone)]
pub(crate) struct Https(Arc<ClientConfig>);

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Https {
    pub(crate) fn trusting(root: &str) -> Self {
        Self::speaking(root, &[&rustls::version::TLS13, &rustls::version::TLS12])
    }

    pub(crate) fn speaking(root: &str, versions: &[&'static SupportedProtocolVersion]) -> Self {
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(root.as_bytes()) {
            roots.add(root.unwrap()).unwrap();
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self(Arc::new(config))
    }

    /// A connection, if the certificate is good for `name`.
    pub(crate) async fn connect(&self, address: SocketAddr, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(address).await?;
        let name = ServerName::try_from(name.to_owned()).unwrap();
        TlsConnector::from(Arc::clone(&self.0)).connect(name, tcp).await
    }

    /// The certificate that is shown for `name`. A session that is taken up again would show the one that it began with.
    pub(crate) async fn certificate(&self, address: SocketAddr, name: &str) -> std::io::Result<Vec<u8>> {
        let mut afresh = ClientConfig::clone(&self.0);
        afresh.resumption = Resumption::disabled();
        let stream = Self(Arc::new(afresh)).connect(address, name).await?;
        Ok(stream.get_ref().1.peer_certificates().unwrap()[0].to_vec())
    }

    /// One request on a connection of its own.
    pub(crate) async fn send(
        &self,
        address: SocketAddr,
        name: &str,
        request: Request<Body>,
    ) -> std::io::Result<Answer> {
        let mut connection = Self::over(self.connect(address, name).await?).await;
        Ok(connection.send(name, request).await)
    }

    pub(crate) async fn get(&self, address: SocketAddr, name: &str, path: &str) -> std::io::Result<Answer> {
        self.send(address, name, Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// A connection for several requests.
    pub(crate) async fn over(stream: TlsStream<TcpStream>) -> KeptOpen {
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        KeptOpen(sender)
    }
}

pub(crate) struct KeptOpen(hyper::client::conn::http1::SendRequest<Body>);

impl KeptOpen {
    pub(crate) async fn send(&mut self, name: &str, mut request: Request<Body>) -> Answer {
        request.headers_mut().entry("host").or_insert_with(|| name.parse().unwrap());
        let (parts, body) = self.0.send_request(request).await.unwrap().into_parts();
        Answer { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
    }
}
