use std::sync::{Arc, Mutex, PoisonError};

use imap4_proto::{
    server::{self, Mechanism, Passwords},
    types::Capabilities,
};

use crate::{
    Encryption,
    auth::{self, Authority, Credential, LoginContext, Plaintext},
};

/// What holds for every session of an IMAP service.
#[derive(Debug)]
#[non_exhaustive]
pub struct Config {
    /// The protocol's part: greeting, limits, times, the greatest message. What the session serves is in
    /// `capabilities`: take away, do not add. `starttls`, `passwords` and `mechanisms` are not looked at: the
    /// connection and the authority decide.
    pub protocol: server::Config,
    /// What stands between the levels of a mailbox's name. No part of a name that clients see holds it.
    pub delimiter: char,
    /// What ID tells (RFC 2971), as names and values.
    pub id: Vec<(String, String)>,
    /// Whether APPEND takes messages with octets from 0x80 in their header from a client that has not enabled
    /// UTF8=ACCEPT. RFC 6855 section 4 wants them refused; but clients copy such messages from other servers as they
    /// came, and would lose them. `true` unless changed.
    pub eight_bit_headers: bool,
    /// `protocol` for each kind of connection, and what the authority serves on it: nothing is made anew for one more
    /// of them.
    machines: Mutex<Vec<Arc<server::Config>>>,
}

/// Kinds of connections that are kept.
const KINDS: usize = 8;

impl Config {
    /// What the session serves from end to end.
    pub const CAPABILITIES: Capabilities = Capabilities::IMAP4REV1
        .and(Capabilities::IMAP4REV2)
        .and(Capabilities::SASL_IR)
        .and(Capabilities::LITERAL_PLUS)
        .and(Capabilities::ID)
        .and(Capabilities::ENABLE)
        .and(Capabilities::IDLE)
        .and(Capabilities::NAMESPACE)
        .and(Capabilities::UNSELECT)
        .and(Capabilities::COMPRESS_DEFLATE)
        .and(Capabilities::UIDPLUS)
        .and(Capabilities::MOVE)
        .and(Capabilities::CHILDREN)
        .and(Capabilities::SPECIAL_USE)
        .and(Capabilities::CONDSTORE)
        .and(Capabilities::QRESYNC)
        .and(Capabilities::BINARY)
        .and(Capabilities::ESEARCH)
        .and(Capabilities::SEARCHRES)
        .and(Capabilities::LIST_EXTENDED)
        .and(Capabilities::LIST_STATUS)
        .and(Capabilities::STATUS_SIZE)
        .and(Capabilities::CREATE_SPECIAL_USE)
        .and(Capabilities::MULTIAPPEND)
        .and(Capabilities::UTF8_ACCEPT)
        .and(Capabilities::APPENDLIMIT);

    /// The usual, for the host of this name.
    #[must_use]
    pub fn new(hostname: &str) -> Self {
        let mut protocol = server::Config::default();
        protocol.greeting = format!("{hostname} IMAP server ready").into();
        protocol.capabilities = Self::CAPABILITIES;
        Self { protocol, delimiter: '/', id: Vec::new(), eight_bit_headers: true, machines: Mutex::default() }
    }

    /// The machine's configuration for one connection.
    pub(super) fn machine<A: Authority>(
        &self,
        authority: &A,
        context: &LoginContext,
        encryption: Encryption,
    ) -> Arc<server::Config> {
        let starttls = encryption == Encryption::OnRequest;
        let passwords = if !authority.credentials(context).contains(&Credential::Password) {
            Passwords::Never
        } else if context.plaintext == Plaintext::Always {
            Passwords::Always
        } else {
            Passwords::TlsOnly
        };
        let mechanisms: Vec<_> = auth::listed(authority, context)
            .into_iter()
            .map(|m| Mechanism::new(m.name, m.needs_tls).with_certificate(m.needs_certificate))
            .collect();
        let mut machines = self.machines.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = |c: &&Arc<server::Config>| {
            c.starttls == starttls && c.passwords == passwords && c.mechanisms == mechanisms
        };
        if let Some(known) = machines.iter().find(is_known) {
            return Arc::clone(known);
        }
        let mut config = self.protocol.clone();
        (config.starttls, config.passwords, config.mechanisms) = (starttls, passwords, mechanisms);
        let config = Arc::new(config);
        if machines.len() == KINDS {
            machines.remove(0);
        }
        machines.push(Arc::clone(&config));
        config
    }
}
