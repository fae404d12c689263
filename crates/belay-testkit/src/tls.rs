//! Servers over HTTPS on the loopback address, with an authority of their own.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

const HANDSHAKE: Duration = Duration::from_secs(10);

/// What a server shows of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ServerCertificate {
    /// One of its authority, for its address.
    #[default]
    Good,
    /// One of its authority, that is over.
    Expired,
    /// One of its authority, for another server.
    OtherName,
    /// One that vouches for itself.
    SelfSigned,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum TlsServerError {
    /// No port.
    #[error("cannot listen on the loopback address")]
    Listen(#[from] std::io::Error),
    /// No certificate.
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// The certificate cannot be used.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
}

/// Answers whoever comes, for ever.
pub(crate) async fn serve(listener: TcpListener, tls: Arc<rustls::ServerConfig>, router: Router) {
    let acceptor = TlsAcceptor::from(tls);
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream, acceptor.clone(), router.clone()));
    }
}

async fn answer(stream: TcpStream, acceptor: TlsAcceptor, router: Router) {
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await else { return };
    let builder = auto::Builder::new(TokioExecutor::new());
    let served = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    if let Err(error) = served.await {
        tracing::debug!(error = %error, "a connection over TLS ended early");
    }
}

/// The authority's certificate as PEM, and the server's.
pub(crate) fn identity(
    kind: ServerCertificate,
) -> Result<(String, Arc<rustls::ServerConfig>), TlsServerError> {
    let mut authority = CertificateParams::new(Vec::<String>::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    authority.distinguished_name.push(DnType::CommonName, "belay-testkit");
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let names: &[&str] = match kind {
        ServerCertificate::OtherName => &["git.example.org"],
        _ => &["127.0.0.1", "localhost"],
    };
    let mut server = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())?;
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    if kind == ServerCertificate::Expired {
        server.not_before = date_time_ymd(2020, 1, 1);
        server.not_after = date_time_ymd(2021, 1, 1);
    }
    let key = KeyPair::generate()?;
    let certificate = match kind {
        ServerCertificate::SelfSigned => server.self_signed(&key)?,
        _ => server.signed_by(&key, &issuer)?,
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((issuer.pem(), Arc::new(tls)))
}
