//! The smart host that mail is carried to.

use std::{io, path::Path, sync::Arc, time::Duration};

use auth_sasl::ClientLogin;
use futures_rustls::TlsConnector;
use mail_drive::Connect as ConnectTls;
use mail_session::{
    Encryption,
    outbound::{Connect, LinkConfig},
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{net::TcpStream, time::timeout};

use crate::{
    config::{Relay, Secret, Security},
    fault::{Fault, Result},
    secret,
    socket::Socket,
};

/// Where Linux and BSD keep the certificates they trust.
const SYSTEM: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// To make a connection.
const CONNECT: Duration = Duration::from_secs(60);

/// The smart host as it is configured.
pub(crate) struct SmartHost {
    relay: Relay,
    hostname: String,
    tls: ConnectTls,
}

impl SmartHost {
    pub(crate) fn new(relay: Relay, hostname: String) -> Result<Self> {
        let name = ServerName::try_from(relay.host.clone()).map_err(|_| {
            Fault::new(format!("relay.host = {:?} is no host name and no address", relay.host))
        })?;
        let roots = match relay.security {
            Security::None => RootCertStore::empty(),
            Security::StartTls | Security::Implicit => roots(relay.ca.as_deref())?,
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| Fault::new(format!("TLS to the smart host: {e}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tls = ConnectTls::new(TlsConnector::from(Arc::new(config)), name);
        Ok(Self { relay, hostname, tls })
    }

    /// The login, with what its file or its program says now.
    async fn login(&self) -> io::Result<Option<ClientLogin>> {
        let Some(user) = &self.relay.username else { return Ok(None) };
        let login = match &self.relay.secret {
            Secret::None => return Ok(None),
            Secret::Password(password) => ClientLogin::password(user, password.clone()),
            Secret::PasswordFrom(place) => ClientLogin::password(user, secret::read(place).await?),
            Secret::TokenFrom(place) => ClientLogin::token(user, secret::read(place).await?),
        };
        Ok(Some(login.at(&self.relay.host, self.relay.port)))
    }
}

impl Connect for SmartHost {
    type Stream = Socket<TcpStream>;
    type Tls = ConnectTls;

    fn name(&self) -> &str {
        &self.relay.host
    }

    async fn connect(&self) -> io::Result<(Self::Stream, ConnectTls)> {
        let to = (self.relay.host.as_str(), self.relay.port);
        let stream =
            timeout(CONNECT, TcpStream::connect(to)).await.map_err(|_| io::ErrorKind::TimedOut)??;
        stream.set_nodelay(true)?;
        Ok((Socket(stream), self.tls.clone()))
    }

    async fn link(&self) -> io::Result<LinkConfig> {
        let encryption = match self.relay.security {
            Security::StartTls => Encryption::OnRequest,
            Security::Implicit => Encryption::Implicit,
            Security::None => Encryption::None,
        };
        let mut link = LinkConfig::new(self.hostname.clone(), encryption);
        link.client.auth_in_clear = encryption == Encryption::None;
        link.login = self.login().await?;
        link.random = vec![0; 24];
        crate::password::fill(&mut link.random).map_err(|e| io::Error::other(e.to_string()))?;
        Ok(link)
    }
}

fn roots(file: Option<&Path>) -> Result<RootCertStore> {
    let system = || SYSTEM.iter().map(Path::new).find(|path| path.is_file());
    let Some(path) = file.or_else(system) else {
        return Err(Fault::new(
            "this system has no list of trusted certificates; name one by ca under [relay]",
        ));
    };
    let fault = |e: &dyn std::fmt::Display| {
        Fault::new(format!("cannot read the certificates in {}: {e} (relay.ca)", path.display()))
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|e| fault(&e))? {
        // A list of a system may hold what rustls has no use for.
        let added = certificate.map_err(|e| fault(&e)).map(|c| roots.add(c))?;
        if let (Err(e), true) = (added, file.is_some()) {
            return Err(fault(&e));
        }
    }
    if roots.is_empty() {
        return Err(fault(&"there is none"));
    }
    Ok(roots)
}
