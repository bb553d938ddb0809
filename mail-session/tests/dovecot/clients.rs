//! A login by each of our client machines at Dovecot.

#[path = "../clients/mod.rs"]
mod machines;

use std::{sync::Arc, time::Duration};

use auth_sasl::ClientLogin;
use futures_rustls::TlsConnector;
use mail_drive::Connect;
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use smol::net::TcpStream;

use crate::server::Dovecot;
use machines::{Entered, Login};
pub(crate) use machines::{Protocol, Way};

pub(crate) fn enter(
    dovecot: &Dovecot,
    protocol: Protocol,
    way: Way,
    mechanism: &str,
    login: &ClientLogin,
) -> Entered {
    let late = async {
        smol::Timer::after(Duration::from_secs(5)).await;
        Err("no answer in 5 s".to_owned())
    };
    smol::block_on(smol::future::or(
        async {
            let port = dovecot.port(protocol, way == Way::Tls);
            let stream = TcpStream::connect(("127.0.0.1", port)).await.map_err(|e| e.to_string())?;
            let tls = connect(dovecot, mechanism == "EXTERNAL");
            machines::enter(protocol, stream, way, tls, &mut Login::new(mechanism, login)).await
        },
        late,
    ))
}

fn connect(dovecot: &Dovecot, shown: bool) -> Connect {
    let mut roots = RootCertStore::empty();
    roots.add(dovecot.root.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match shown {
        true => config.with_client_auth_cert(vec![dovecot.user.0.clone()], dovecot.user_key()).unwrap(),
        false => config.with_no_client_auth(),
    };
    Connect::new(TlsConnector::from(Arc::new(config)), ServerName::try_from("localhost").unwrap())
}
