//! Certificates for tests.

use futures_rustls::{TlsAcceptor, TlsConnector};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
};
use std::sync::{Arc, LazyLock};

struct Authority {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| {
    let made = rcgen::generate_simple_self_signed(["mail.test".to_owned()]).unwrap();
    Authority { certificate: made.cert.der().clone(), key: made.signing_key.serialize_der() }
});

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

pub(crate) fn certificate() -> CertificateDer<'static> {
    AUTHORITY.certificate.clone()
}

pub(crate) fn server_config(versions: &[&'static SupportedProtocolVersion]) -> ServerConfig {
    let key = PrivateKeyDer::Pkcs8(AUTHORITY.key.clone().into());
    ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate()], key)
        .unwrap()
}

pub(crate) fn acceptor() -> TlsAcceptor {
    Arc::new(server_config(rustls::ALL_VERSIONS)).into()
}

pub(crate) fn connector() -> TlsConnector {
    client_config().into()
}

pub(crate) fn client_config() -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate()).unwrap();
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

pub(crate) fn name() -> ServerName<'static> {
    "mail.test".try_into().unwrap()
}
