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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{AuthError, AuthErrorKind, Identity};
    use std::{
        borrow::Cow,
        sync::atomic::{AtomicBool, Ordering},
    };

    /// Serves passwords while it is open.
    struct Door(AtomicBool);
    impl Authority for Door {
        async fn password(
            &self,
            _: &LoginContext,
            _: &str,
            _: Option<&str>,
            _: &[u8],
        ) -> Result<Identity, AuthError> {
            Err(AuthErrorKind::Wrong.into())
        }
        fn mechanisms(&self, _: &LoginContext) -> &[auth::Mechanism] {
            &[auth::Mechanism::SCRAM_SHA_1_PLUS, auth::Mechanism::PLAIN]
        }
        fn credentials(&self, _: &LoginContext) -> Cow<'_, [Credential]> {
            Cow::Borrowed(match self.0.load(Ordering::Relaxed) {
                true => &[Credential::Password, Credential::ScramKeys(auth::Hash::Sha1)],
                false => &[Credential::ScramKeys(auth::Hash::Sha1)],
            })
        }
    }

    #[test]
    fn what_is_listed_follows_the_authority_and_the_connection() {
        let (config, door) = (Config::new("mail.example.test"), Door(AtomicBool::new(true)));
        let machine = |encryption| {
            let mut context = LoginContext::new(auth::Protocol::Imap4, "[::1]:1", "s1");
            context.encryption = encryption;
            let machine = config.machine(&door, &context, encryption);
            let names: Vec<_> = machine.mechanisms.iter().map(|m| m.name.clone()).collect();
            (names, machine)
        };
        for _ in 0..2 {
            // One kind of connection takes nothing from another that came first.
            assert_eq!(machine(Encryption::None).0, [""; 0]);
            assert_eq!(machine(Encryption::Implicit).0, ["SCRAM-SHA-1-PLUS", "PLAIN"]);
            assert_eq!(machine(Encryption::OnRequest).0, ["SCRAM-SHA-1-PLUS", "PLAIN"]);
        }
        assert!(Arc::ptr_eq(&machine(Encryption::Implicit).1, &machine(Encryption::Implicit).1));
        let before = machine(Encryption::Implicit).1;
        door.0.store(false, Ordering::Relaxed);
        let (names, after) = machine(Encryption::Implicit);
        assert_eq!(names, ["SCRAM-SHA-1-PLUS"]);
        assert_eq!((before.passwords, after.passwords), (Passwords::TlsOnly, Passwords::Never));
        assert_eq!(config.machines.lock().unwrap().len(), 4);
    }
}
