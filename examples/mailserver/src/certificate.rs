//! The certificate: the one configured, or a self-signed one in the data folder.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use ring::digest;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, hash::HashAlgorithm},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    server::{ParsedCertificate, WebPkiClientVerifier, danger::ClientCertVerifier},
};

use crate::{
    config::Config,
    fault::{Fault, Result},
};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Some mail programs refuse certificates that are valid for more than 825 days.
const VALID: Duration = DAY.saturating_mul(820);
/// A self-signed certificate older than this is made anew at the next start.
const RENEW: Duration = DAY.saturating_mul(730);

/// What the TLS side of every listener needs.
pub(crate) struct Tls {
    pub(crate) config: Arc<ServerConfig>,
    /// The `tls-server-end-point` channel binding, where the certificate has one.
    pub(crate) server_end_point: Option<Bytes>,
    /// The certificate's file, for those who want to trust it.
    pub(crate) certificate: PathBuf,
    pub(crate) self_signed: bool,
}

/// Loads the configured certificate, or the self-signed one, which is made where it is missing.
pub(crate) fn load(config: &Config) -> Result<Tls> {
    let (certificate, key, self_signed) = match &config.tls {
        Some((certificate, key)) => (certificate.clone(), key.clone(), false),
        None => {
            let (certificate, key) = (config.data.join("cert.pem"), config.data.join("key.pem"));
            if !serves(&certificate, &key, &config.hostname) {
                make(&certificate, &key, &config.hostname)?;
            }
            (certificate, key, true)
        }
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&certificate)
        .and_then(Iterator::collect)
        .map_err(|e| unreadable("certificate", &certificate, &e))?;
    if chain.is_empty() {
        return Err(Fault::new(format!(
            "no certificate in {}; tls.certificate wants a PEM file with the chain, the server's own first",
            certificate.display()
        )));
    }
    let private = PrivateKeyDer::from_pem_file(&key).map_err(|e| unreadable("key", &key, &e))?;
    let server_end_point = chain.first().and_then(|own| end_point(own));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| Fault::new(format!("TLS cannot be set up: {e}")))?;
    let builder = match &config.client_ca {
        Some(ca) => builder.with_client_cert_verifier(client_verifier(ca, provider)?),
        None => builder.with_no_client_auth(),
    };
    let mut tls = builder.with_single_cert(chain, private).map_err(|e| {
        Fault::new(format!(
            "the key {} and the certificate {} do not go together: {e}; give a pair",
            key.display(),
            certificate.display()
        ))
    })?;
    // One ticket is enough for one mail program to come back with, and each costs a connection memory.
    tls.send_tls13_tickets = 1;
    Ok(Tls { config: Arc::new(tls), server_end_point, certificate, self_signed })
}

/// Takes certificates that these authorities signed. A client may also show none: it logs in by something else.
fn client_verifier(ca: &Path, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>> {
    let fault = |what: String| Fault::new(format!("{}: {what} (tls.client_ca)", ca.display()));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).map_err(|e| fault(e.to_string()))? {
        let certificate = certificate.map_err(|e| fault(e.to_string()))?;
        roots.add(certificate).map_err(|e| fault(e.to_string()))?;
    }
    if roots.is_empty() {
        return Err(fault("no certificate in it; it must be PEM".to_owned()));
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .allow_unauthenticated()
        .build()
        .map_err(|e| fault(e.to_string()))
}

/// The `tls-server-end-point` channel binding of this certificate, where it has one.
fn end_point(certificate: &[u8]) -> Option<Bytes> {
    let algorithm = match mail_drive::end_point_hash(certificate)? {
        HashAlgorithm::SHA256 => &digest::SHA256,
        HashAlgorithm::SHA384 => &digest::SHA384,
        HashAlgorithm::SHA512 => &digest::SHA512,
        _ => return None,
    };
    Some(Bytes::copy_from_slice(digest::digest(algorithm, certificate).as_ref()))
}

fn unreadable(what: &str, path: &Path, e: &rustls::pki_types::pem::Error) -> Fault {
    let hint = match e {
        rustls::pki_types::pem::Error::Io(_) => "make it readable for this user, or name another file",
        _ => "it must be PEM",
    };
    Fault::new(format!("cannot read the TLS {what} {}: {e}; {hint} (tls.{what})", path.display()))
}

/// Whether the self-signed pair is there, young enough, and covers the host name.
fn serves(certificate: &Path, key: &Path, hostname: &str) -> bool {
    let young = fs::metadata(certificate)
        .and_then(|m| m.modified())
        .is_ok_and(|made| made.elapsed().unwrap_or_default() < RENEW);
    let covers = || {
        let der = CertificateDer::from_pem_file(certificate).ok()?;
        let parsed = ParsedCertificate::try_from(&der).ok()?;
        let name = ServerName::try_from(hostname).ok()?;
        rustls::client::verify_server_name(&parsed, &name).ok()
    };
    young && key.exists() && covers().is_some()
}

fn make(certificate: &Path, key: &Path, hostname: &str) -> Result<()> {
    let fault = |e: rcgen::Error| Fault::new(format!("cannot make a self-signed certificate: {e}"));
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    if hostname != "localhost" {
        names.push(hostname.to_owned());
    }
    let mut params = CertificateParams::new(names).map_err(fault)?;
    params.distinguished_name.push(DnType::CommonName, hostname);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let now = SystemTime::now();
    params.not_before = (now - DAY).into();
    params.not_after = (now + VALID).into();
    let pair = KeyPair::generate().map_err(fault)?;
    let cert = params.self_signed(&pair).map_err(fault)?;
    // The key first: a certificate without its key would be taken for a pair.
    write(key, 0o600, &pair.serialize_pem())?;
    write(certificate, 0o644, &cert.pem())
}

/// Writes a file whole or not at all.
pub(crate) fn write(path: &Path, mode: u32, text: &str) -> Result<()> {
    let fault = |e: std::io::Error| {
        Fault::new(format!(
            "cannot write {}: {e}; make the folder writable or choose another by --data",
            path.display()
        ))
    };
    let fresh = path.with_extension("new");
    let _ = fs::remove_file(&fresh);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&fresh).map_err(fault)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(fault)?;
    fs::rename(&fresh, path).map_err(fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_self_signed_pair_is_made_once_and_covers_all_names() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::load(None, Some(dir.path())).unwrap();
        let tls = load(&config).unwrap();
        let made = fs::read(&tls.certificate).unwrap();
        assert_eq!(fs::metadata(dir.path().join("key.pem")).unwrap().permissions().mode() & 0o777, 0o600);
        let der = CertificateDer::from_pem_file(&tls.certificate).unwrap();
        let parsed = ParsedCertificate::try_from(&der).unwrap();
        for name in ["localhost", "127.0.0.1", "::1", "mail.example.test"] {
            let name = ServerName::try_from(name).unwrap();
            rustls::client::verify_server_name(&parsed, &name).unwrap();
        }
        load(&config).unwrap();
        assert_eq!(fs::read(&tls.certificate).unwrap(), made, "kept");
        config.hostname = "other.example.test".to_owned();
        load(&config).unwrap();
        assert_ne!(fs::read(&tls.certificate).unwrap(), made, "made anew for another host name");
    }

    #[test]
    fn a_missing_or_foreign_file_is_said_in_one_line() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::load(None, Some(dir.path())).unwrap();
        load(&config).unwrap();
        let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
        let garbage = dir.path().join("garbage.pem");
        fs::write(&garbage, "no PEM").unwrap();
        let other = tempfile::tempdir().unwrap();
        load(&Config::load(None, Some(other.path())).unwrap()).unwrap();
        for (certificate, private, part) in [
            (dir.path().join("none.pem"), key.clone(), "cannot read the TLS certificate"),
            (garbage.clone(), key, "no certificate in"),
            (cert.clone(), garbage, "cannot read the TLS key"),
            (cert, other.path().join("key.pem"), "do not go together"),
        ] {
            config.tls = Some((certificate, private));
            let line = load(&config).err().unwrap().to_string();
            assert!(line.contains(part) && !line.contains('\n'), "{line}");
        }
    }
}
