//! SCRAM bound to a real TLS connection, by all three protocols: rustls on both sides, and on those of somebody in between.

use std::sync::Arc;

use auth_sasl::{ClientLogin, Secret};
use bytes::Bytes;
use mail_drive::{Acceptor, Connect, end_point_hash};
use mail_wire::TlsInfo;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::{CryptoProvider, hash::HashAlgorithm, ring},
    pki_types::{CertificateDer, PrivateKeyDer},
    version::{TLS12, TLS13},
};

use crate::{
    clients::{self, Entered, Login, Protocol, Sasl, Way},
    host::Host,
    memory::{Passing, play, session},
};

const PLUS: [&str; 3] = ["SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-512-PLUS"];

/// A server's certificate, and its side of TLS.
struct Identity {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Identity {
    fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["mail.test".to_owned()]).unwrap();
        Self { certificate: made.cert.der().clone(), key: made.signing_key.serialize_der() }
    }

    fn end_point(&self) -> Bytes {
        assert_eq!(end_point_hash(&self.certificate), Some(HashAlgorithm::SHA256));
        Bytes::copy_from_slice(::ring::digest::digest(&::ring::digest::SHA256, &self.certificate).as_ref())
    }

    fn acceptor(&self, version: &'static SupportedProtocolVersion) -> Acceptor {
        let key = PrivateKeyDer::Pkcs8(self.key.clone().into());
        let config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], key)
            .unwrap();
        Acceptor::new(Arc::new(config)).with_server_end_point(self.end_point())
    }

    /// A client that trusts it.
    fn connect(&self) -> Connect {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Connect::from_config(Arc::new(config), "mail.test".try_into().unwrap())
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// What a client knows of its connection, changed before its mechanism sees it.
struct Seeing<'l, F> {
    inner: Login<'l>,
    see: F,
}

impl<F: FnMut(&mut TlsInfo)> Sasl for Seeing<'_, F> {
    fn begin(
        &mut self,
        offered: &[String],
        tls: Option<&TlsInfo>,
    ) -> Result<(&'static str, Option<Secret>), String> {
        let mut tls = tls.cloned().unwrap();
        (self.see)(&mut tls);
        self.inner.begin(offered, Some(&tls))
    }
    fn step(&mut self, challenge: &[u8]) -> Result<Secret, String> {
        self.inner.step(challenge)
    }
    fn accepted(&mut self) -> Entered {
        self.inner.accepted()
    }
    fn refused(&mut self, words: &[u8]) -> Entered {
        self.inner.refused(words)
    }
}

fn enter(
    protocol: Protocol,
    version: &'static SupportedProtocolVersion,
    mechanism: &str,
    see: impl FnMut(&mut TlsInfo),
) -> Entered {
    let server = Identity::new();
    let login = ClientLogin::password("tim", Secret::new(b"tanstaaf"));
    let mut sasl = Seeing { inner: Login::new(mechanism, &login), see };
    let host = Arc::new(Host::default());
    let accept = server.acceptor(version);
    let client = async |stream| clients::enter(protocol, stream, Way::Tls, server.connect(), &mut sasl).await;
    play(|stream| session(protocol, host, accept, stream), client, Passing::AsTheyCome).0
}

#[test]
fn scram_is_bound_to_the_connection_or_to_the_servers_certificate() {
    for protocol in Protocol::ALL {
        for mechanism in PLUS {
            // RFC 9266: over TLS 1.3 by exported key material.
            let mut seen = None;
            let entered = enter(protocol, &TLS13, mechanism, |tls| seen = Some(tls.clone()));
            assert_eq!(entered, Ok(()), "{protocol:?} {mechanism}");
            assert!(seen.unwrap().exporter.is_some());
            // A client that has none of that, by the certificate; over TLS 1.2 there is nothing else.
            let entered = enter(protocol, &TLS13, mechanism, |tls| tls.exporter = None);
            assert_eq!(entered, Ok(()), "{protocol:?} {mechanism}");
            let mut seen = None;
            let entered = enter(protocol, &TLS12, mechanism, |tls| seen = Some(tls.clone()));
            assert_eq!(entered, Ok(()), "{protocol:?} {mechanism}");
            let seen = seen.unwrap();
            assert!(seen.exporter.is_none() && seen.server_end_point.is_some());
        }
    }
}

/// Somebody has a certificate that the client trusts, and passes on every octet between two TLS connections: the client
/// sees the bindings of the one, the server those of the other.
#[test]
fn who_sits_between_two_connections_gets_nowhere() {
    let (theirs, other) = (Identity::new(), enter_and_see());
    for protocol in Protocol::ALL {
        for mechanism in PLUS {
            for version in [&TLS13, &TLS12] {
                let refused = enter(protocol, version, mechanism, |tls| {
                    if tls.exporter.is_some() {
                        tls.exporter = other.exporter;
                    }
                    tls.server_end_point = Some(theirs.end_point());
                });
                let refused = refused.unwrap_err();
                assert!(refused.starts_with("refused: "), "{protocol:?} {mechanism}: {refused}");
            }
        }
    }
}

/// A connection's bindings that is another one.
fn enter_and_see() -> TlsInfo {
    let mut seen = None;
    assert_eq!(enter(Protocol::Imap, &TLS13, PLUS[1], |tls| seen = Some(tls.clone())), Ok(()));
    seen.unwrap()
}

/// He takes the -PLUS names from the list, so that the client does not bind: it says that it could have.
#[test]
fn who_takes_the_binding_mechanisms_from_the_list_is_noticed() {
    /// Sees a list without them.
    struct Stripped<'l>(Login<'l>);
    impl Sasl for Stripped<'_> {
        fn begin(
            &mut self,
            offered: &[String],
            tls: Option<&TlsInfo>,
        ) -> Result<(&'static str, Option<Secret>), String> {
            let left: Vec<_> = offered.iter().filter(|name| !name.ends_with("-PLUS")).cloned().collect();
            assert!(left.len() < offered.len());
            let (name, initial) = self.0.begin(&left, tls)?;
            assert!(initial.as_ref().unwrap().expose().starts_with(b"y,,"));
            Ok((name, initial))
        }
        fn step(&mut self, challenge: &[u8]) -> Result<Secret, String> {
            self.0.step(challenge)
        }
        fn accepted(&mut self) -> Entered {
            self.0.accepted()
        }
        fn refused(&mut self, words: &[u8]) -> Entered {
            self.0.refused(words)
        }
    }
    for protocol in Protocol::ALL {
        for mechanism in PLUS.map(|plus| plus.trim_end_matches("-PLUS")) {
            let server = Identity::new();
            let login = ClientLogin::password("tim", Secret::new(b"tanstaaf"));
            let host = Arc::new(Host::default());
            let told = Arc::clone(&host);
            let accept = server.acceptor(&TLS13);
            let mut sasl = Stripped(Login::new(mechanism, &login));
            let client =
                async |stream| clients::enter(protocol, stream, Way::Tls, server.connect(), &mut sasl).await;
            let refused = play(|stream| session(protocol, host, accept, stream), client, Passing::AsTheyCome);
            assert!(refused.0.unwrap_err().starts_with("refused: "), "{protocol:?} {mechanism}");
            assert!(told.disproved.lock().unwrap().is_empty(), "no guess at a password");
        }
    }
}
