use std::net::{IpAddr, SocketAddr};

use mail_wire::Misuse;
use mailstore_api::MailStore;
use smtp_submit_proto::{Reported, Server, Xclient, XclientAttribute, Xtext};
use tracing::info;

use super::{Router, serve::Session};
use crate::auth::{Authority, Identity};

/// For whom a front end speaks, as far as it says so.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct FrontEnd {
    address: Option<IpAddr>,
    port: Option<u16>,
    pub(super) name: Option<String>,
    pub(super) helo: Option<String>,
    login: Option<String>,
}

impl FrontEnd {
    /// What was said before stays until it is said otherwise.
    fn hear(&mut self, attribute: XclientAttribute<'_>) {
        match attribute {
            XclientAttribute::Name(name) => self.name = known(name).and_then(decoded),
            XclientAttribute::Addr(address) => self.address = known(address),
            XclientAttribute::Port(port) => self.port = known(port),
            XclientAttribute::Helo(helo) => self.helo = known(helo).and_then(decoded),
            XclientAttribute::Login(login) => self.login = known(login).and_then(decoded),
            _ => {}
        }
    }

    /// The client's address, as a connection has it.
    pub(super) fn peer(&self) -> Option<String> {
        let address = self.address?;
        Some(match self.port {
            Some(port) => SocketAddr::new(address, port).to_string(),
            None => address.to_string(),
        })
    }
}

fn known<T>(value: Reported<T>) -> Option<T> {
    match value {
        Reported::Known(value) => Some(value),
        _ => None,
    }
}

fn decoded(value: Xtext<'_>) -> Option<String> {
    value.decoded().map(std::borrow::Cow::into_owned)
}

impl<St: MailStore, A: Authority, R: Router> Session<'_, St, A, R> {
    /// XCLIENT: the session begins anew for the client the front end names. Its login is believed: it names an
    /// account, as the authority would have.
    pub(super) fn xclient(&mut self, attributes: Xclient<'_>, machine: &mut Server) -> Result<(), Misuse> {
        let mut front_end = self.front_end.take().unwrap_or_default();
        for attribute in attributes.attributes() {
            front_end.hear(attribute);
        }
        if let Some(peer) = front_end.peer() {
            self.context.peer = peer;
        }
        info!(client = self.context.peer, login = front_end.login, "a front end speaks for another");
        self.transaction = None;
        self.exchange = None;
        self.identity = front_end.login.clone().map(Identity::new);
        self.front_end = Some(front_end);
        machine.accept_xclient(self.identity.is_some())
    }
}
