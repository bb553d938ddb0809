//! From a host name to a driver with the right kind of TLS.

use std::{future::Future, sync::Arc};

use auth_sasl::ClientLogin;
use futures_rustls::TlsConnector;
use imap4_proto::client::{Client, Config};
use mail_drive::{Connect, Driver, Instant, NoTls, Timer};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{net::TcpStream, time};
use tokio_util::compat::TokioAsyncReadCompatExt as _;

use crate::{Cli, Fault, Tls, talk::Talk};

/// Tokio's clock, from when this was made.
struct Clock(time::Instant);

impl Timer for Clock {
    fn now(&self) -> Instant {
        Instant::from_start(self.0.elapsed())
    }

    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + Send {
        time::sleep_until(self.0 + at.since_start())
    }
}

pub(crate) async fn run(cli: &Cli, who: ClientLogin) -> Result<(), Fault> {
    let port = cli.port.unwrap_or(if cli.tls == Tls::Implicit { 993 } else { 143 });
    let stream = TcpStream::connect((cli.host.as_str(), port))
        .await
        .map_err(|e| format!("no connection to {}, port {port}: {e}. Check --host and --port", cli.host))?;
    // Commands are small, and each is waited for.
    stream.set_nodelay(true)?;
    let stream = stream.compat();
    let clock = Clock(time::Instant::now());
    let machine = Client::new(Config::default());
    let talk = Talk::new(cli, who);
    match cli.tls {
        Tls::None => talk.run(Driver::new(machine, stream, clock, NoTls)).await,
        Tls::Starttls => talk.run(Driver::new(machine, stream, clock, trust(cli)?)).await,
        Tls::Implicit => talk.run(Driver::tls(machine, stream, clock, trust(cli)?)).await,
    }
}

/// TLS to a server whose certificate one of the trusted ones has signed.
fn trust(cli: &Cli) -> Result<Connect, Fault> {
    let mut roots = RootCertStore::empty();
    let unreadable = |e| format!("{}: {e}. --ca names a file of trusted certificates", cli.ca.display());
    for certificate in CertificateDer::pem_file_iter(&cli.ca).map_err(unreadable)? {
        // A root that cannot be used is not trusted, that is all.
        _ = roots.add(certificate.map_err(unreadable)?);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(cli.host.clone())?;
    Ok(Connect::new(TlsConnector::from(Arc::new(config)), name))
}
