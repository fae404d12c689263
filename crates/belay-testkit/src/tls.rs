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
use rustls::RootCertStore;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::git_server::answer_at_once;

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
    /// Clients' certificates cannot be checked.
    #[error("cannot check certificates of clients")]
    Clients(#[from] rustls::server::VerifierBuilderError),
}

/// Answers whoever comes, for ever.
pub(crate) async fn serve(listener: TcpListener, tls: Arc<rustls::ServerConfig>, router: Router) {
    let acceptor = TlsAcceptor::from(tls);
    while let Ok((mut stream, _)) = listener.accept().await {
        answer_at_once(&mut stream);
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

/// Who may ask a server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Clients {
    /// Anybody.
    #[default]
    Anybody,
    /// Those who show a certificate of the server's authority.
    Certified,
}

/// A server's means, and those of a client that it knows. Certificates and keys are PEM.
pub(crate) struct Identity {
    pub(crate) authority: String,
    pub(crate) tls: Arc<rustls::ServerConfig>,
    pub(crate) client_certificate: String,
    pub(crate) client_key: String,
}

/// An authority, a server of it, and a client of it.
pub(crate) fn identity(kind: ServerCertificate, clients: Clients) -> Result<Identity, TlsServerError> {
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
    let mut client = CertificateParams::new(Vec::<String>::new())?;
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    client.distinguished_name.push(DnType::CommonName, "ada");
    let client_key = KeyPair::generate()?;
    let client = client.signed_by(&client_key, &issuer)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?;
    let builder = match clients {
        Clients::Anybody => builder.with_no_client_auth(),
        Clients::Certified => {
            let mut roots = RootCertStore::empty();
            roots.add(issuer.der().clone())?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut tls = builder.with_single_cert(vec![certificate.der().clone()], key)?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Identity {
        authority: issuer.pem(),
        tls: Arc::new(tls),
        client_certificate: client.pem(),
        client_key: client_key.serialize_pem(),
    })
}
