//! The way out: the queue's workers, and the smart host they carry mail to.

use std::{io, path::Path, sync::Arc, time::Duration};

use auth_sasl::ClientLogin;
use futures_rustls::TlsConnector;
use mail_drive::Connect as ConnectTls;
use mail_session::{
    Encryption,
    outbound::{self, Connect, LinkConfig, Outbound},
};
use mailstore_sqlite::SqliteStore;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::{Config, Relay, Secret, Security},
    fault::{Fault, Result},
    router::Routes,
    session::Clock,
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
    fn new(relay: Relay, hostname: String) -> Result<Self> {
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

    /// The login, with what its file says now.
    fn login(&self) -> io::Result<Option<ClientLogin>> {
        let Some(user) = &self.relay.username else { return Ok(None) };
        // A line: it takes no time worth another thread.
        let read = |file: &Path| {
            let text = std::fs::read(file)
                .map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", file.display())))?;
            Ok::<_, io::Error>(auth_sasl::Secret::new(zeroize::Zeroizing::new(text).trim_ascii()))
        };
        let login = match &self.relay.secret {
            Secret::None => return Ok(None),
            Secret::Password(password) => ClientLogin::password(user, password.clone()),
            Secret::PasswordFile(file) => ClientLogin::password(user, read(file)?),
            Secret::TokenFile(file) => ClientLogin::token(user, read(file)?),
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
        link.login = self.login()?;
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

/// The workers, made before the server serves.
pub(crate) struct Workers {
    outbound: Arc<Outbound<SqliteStore, Routes, SmartHost, Clock>>,
    count: usize,
}

impl Workers {
    /// They work also without a smart host: on what waits for mailboxes here, and on reports.
    pub(crate) fn new(config: &Config, store: SqliteStore, routes: Routes, clock: Clock) -> Result<Self> {
        let mut settings = outbound::Config::new(&config.hostname);
        let relay = config.post.relay.clone();
        let count = relay.as_ref().map_or(1, |relay| relay.concurrency);
        if let Some(relay) = &relay {
            settings.retry_first = relay.retry_first;
            settings.retry_longest = relay.retry_longest;
            settings.delay_notice = relay.delay_notice;
            settings.retention = relay.expires;
        }
        let host = relay.map(|relay| SmartHost::new(relay, config.hostname.clone())).transpose()?;
        Ok(Self { outbound: Arc::new(Outbound::new(store, routes, host, clock, settings)), count })
    }

    pub(crate) async fn start(self, tracker: &TaskTracker, stopping: &CancellationToken) -> Result<()> {
        let fault = |e| Fault::new(format!("cannot read the queue in the store: {e}"));
        let recovered = self.outbound.recover().await.map_err(fault)?;
        if recovered > 0 {
            tracing::info!(recovered, "the queue has messages that were under way");
        }
        for _ in 0..self.count {
            let (outbound, stopping) = (Arc::clone(&self.outbound), stopping.clone());
            tracker.spawn(async move {
                if let Err(error) = outbound.run(stopping.cancelled()).await {
                    tracing::error!(%error, "the queue is not worked off");
                }
            });
        }
        Ok(())
    }
}
