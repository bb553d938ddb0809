use bytes::Bytes;
use futures_io::{AsyncRead, AsyncWrite};
use futures_rustls::{
    TlsAcceptor, TlsConnector,
    client::TlsStream as ClientStream,
    rustls::{
        ClientConfig, CommonState, ProtocolVersion, ServerConfig,
        pki_types::{CertificateDer, ServerName},
    },
    server::TlsStream as ServerStream,
};
use mail_wire::TlsInfo;
use std::{io, sync::Arc};

use crate::{Accept, end_point::end_point};

/// RFC 9266 section 2. Its context value is the zero-length string, not none.
const EXPORTER: &[u8] = b"EXPORTER-Channel-Binding";

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Accept<S> for TlsAcceptor {
    type Tls = ServerStream<S>;

    async fn accept(self, stream: S) -> io::Result<(Self::Tls, TlsInfo)> {
        let stream = Self::accept(&self, stream).await?;
        let info = server_info(&stream, false);
        Ok((stream, info))
    }
}

/// The accepting side of TLS, with what a `TlsAcceptor` alone cannot tell a session.
#[derive(Clone)]
pub struct Acceptor {
    acceptor: TlsAcceptor,
    require_ems: bool,
    server_end_point: Option<Bytes>,
}

impl core::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Acceptor").field("server_end_point", &self.server_end_point).finish_non_exhaustive()
    }
}

impl Acceptor {
    /// Accepts with `config`. With `config.require_ems`, connections over TLS 1.2 have a `tls-exporter`
    /// channel binding too (RFC 9266 section 2).
    #[must_use]
    pub fn new(config: Arc<ServerConfig>) -> Self {
        Self { require_ems: config.require_ems, acceptor: config.into(), server_end_point: None }
    }

    /// Adds the `tls-server-end-point` channel binding (RFC 5929 section 4.1): the hash of the server's
    /// certificate by [`end_point_hash`](crate::end_point_hash). Only for a configuration with one certificate.
    #[must_use]
    pub fn with_server_end_point(mut self, hash: Bytes) -> Self {
        self.server_end_point = Some(hash);
        self
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Accept<S> for Acceptor {
    type Tls = ServerStream<S>;

    async fn accept(self, stream: S) -> io::Result<(Self::Tls, TlsInfo)> {
        let stream = TlsAcceptor::accept(&self.acceptor, stream).await?;
        let mut info = server_info(&stream, self.require_ems);
        info.server_end_point = self.server_end_point;
        Ok((stream, info))
    }
}

/// The connecting side of TLS, to a server of this name.
#[derive(Clone)]
pub struct Connect {
    connector: TlsConnector,
    name: ServerName<'static>,
    /// With which a certificate is hashed.
    config: Option<Arc<ClientConfig>>,
}

impl core::fmt::Debug for Connect {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Connect").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Connect {
    /// Connects to the server called `name`, which its certificate has to bear.
    #[must_use]
    pub const fn new(connector: TlsConnector, name: ServerName<'static>) -> Self {
        Self { connector, name, config: None }
    }

    /// The same by this configuration. So there is the `tls-server-end-point` channel binding too, where the
    /// configuration's crypto provider has the certificate's hash: what SCRAM is bound by over TLS 1.2.
    #[must_use]
    pub fn from_config(config: Arc<ClientConfig>, name: ServerName<'static>) -> Self {
        Self { connector: Arc::clone(&config).into(), name, config: Some(config) }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Accept<S> for Connect {
    type Tls = ClientStream<S>;

    async fn accept(self, stream: S) -> io::Result<(Self::Tls, TlsInfo)> {
        let name = match &self.name {
            ServerName::DnsName(name) => Some(name.as_ref().to_owned()),
            _ => None, // an address is not sent as SNI (RFC 6066 section 3)
        };
        let stream = self.connector.connect(self.name, stream).await?;
        let (_, session) = stream.get_ref();
        let mut info = common_info(session);
        info.server_name = name;
        info.server_end_point = self
            .config
            .zip(info.peer_certificate.as_ref())
            .and_then(|(config, certificate)| end_point(certificate, config.crypto_provider()));
        info.exporter = exporter(session, false, |out| {
            session.export_keying_material(out, EXPORTER, Some(&[])).map(|_| ())
        });
        Ok((stream, info))
    }
}

fn server_info<S>(stream: &ServerStream<S>, ems: bool) -> TlsInfo {
    let (_, session) = stream.get_ref();
    let mut info = common_info(session);
    info.server_name = session.server_name().map(str::to_owned);
    info.exporter =
        exporter(session, ems, |out| session.export_keying_material(out, EXPORTER, Some(&[])).map(|_| ()));
    info
}

fn common_info(session: &CommonState) -> TlsInfo {
    let mut info = TlsInfo::default();
    info.version = session.protocol_version().and_then(|version| match version {
        ProtocolVersion::TLSv1_2 => Some("TLSv1.2"),
        ProtocolVersion::TLSv1_3 => Some("TLSv1.3"),
        _ => None,
    });
    // rustls marks the version in the names of the suites of TLS 1.3; IANA does not.
    info.cipher_suite = session
        .negotiated_cipher_suite()
        .and_then(|suite| suite.suite().as_str())
        .map(|name| name.replacen("TLS13_", "TLS_", 1));
    info.peer_certificate = session
        .peer_certificates()
        .and_then(<[CertificateDer<'_>]>::first)
        .map(|certificate| Bytes::copy_from_slice(certificate));
    info
}

/// The binding is defined for TLS 1.3, and for TLS 1.2 with the extended master secret only (RFC 9266
/// section 2).
fn exporter<E>(
    session: &CommonState,
    ems: bool,
    export: impl FnOnce(&mut [u8; 32]) -> Result<(), E>,
) -> Option<[u8; 32]> {
    if !ems && session.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
        return None;
    }
    let mut out = [0; 32];
    export(&mut out).ok().map(|()| out)
}
