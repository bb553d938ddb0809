//! What a client says.

use alloc::{borrow::Cow, vec::Vec};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mail_wire::Misuse;
use zeroize::Zeroizing;

use super::{
    event::Tag,
    machine::{Client, IdleStep, Turn},
};
use crate::{
    mutf7,
    types::{AString, Capabilities, Command, CommandKind, MailboxArg},
};

impl Client {
    /// Issues a command. For AUTHENTICATE, APPEND and REPLACE there are methods of their own.
    ///
    /// # Errors
    /// [`Misuse`] before the greeting, where the state that the commands in flight lead to has no such command, while AUTHENTICATE,
    /// STARTTLS, APPEND or IDLE is in progress, for LOGIN where the server has said LOGINDISABLED, and for AUTHENTICATE.
    pub fn command(&mut self, command: &Command<'_>) -> Result<Tag, Misuse> {
        let kind = command.kind();
        match command {
            Command::StartTls => return self.start_tls(),
            Command::Idle => return self.idle(),
            Command::Authenticate { .. } => return self.misuse("command"),
            Command::Compress => return self.compress(),
            Command::Unauthenticate if self.compressed => {
                // RFC 8437 section 4.1 would end the compression, which no transport here can.
                return Err(Misuse { called: "UNAUTHENTICATE", state: "COMPRESS" });
            }
            Command::Login { .. } if self.known.as_ref().is_some_and(|k| k.login_disabled) => {
                return Err(Misuse { called: "LOGIN", state: "LOGINDISABLED" });
            }
            _ => self.may_issue(kind)?,
        }
        if kind == CommandKind::Login {
            self.fresh = false;
        }
        let room = match command {
            // Escaped or as literals.
            Command::Login { user, password } => 2 * (user.bytes().len() + password.bytes().len()) + 128,
            _ => 0,
        };
        Ok(self.issue_in(room, kind, true, |out| command.encode(out)))
    }

    /// LOGIN (RFC 9051 section 6.2.3)
    ///
    /// # Errors
    /// As for [`command`](Self::command).
    pub fn login(&mut self, user: &str, password: &str) -> Result<Tag, Misuse> {
        let user = AString::new(user.as_bytes());
        let password = AString::new(password.as_bytes());
        self.command(&Command::Login { user, password })
    }

    /// A mailbox's name in the encoding that the connection uses now; [`mailbox`](Self::mailbox) makes an argument of it.
    #[must_use]
    pub fn encode_name<'n>(&self, name: &'n str) -> Cow<'n, [u8]> {
        if self.utf8() {
            return Cow::Borrowed(name.as_bytes());
        }
        match mutf7::encode(name) {
            Cow::Borrowed(n) => Cow::Borrowed(n.as_bytes()),
            Cow::Owned(n) => Cow::Owned(n.into_bytes()),
        }
    }

    /// An argument of a name in the encoding that the connection uses now.
    #[must_use]
    pub const fn mailbox<'n>(&self, name: &'n [u8]) -> MailboxArg<'n> {
        MailboxArg::new(AString::new(name), self.utf8())
    }

    /// STARTTLS. After its OK the driver does the handshake; what the server said before is forgotten, and the machine asks for
    /// CAPABILITY by itself: its [`Event::Done`](super::Event::Done) tells that TLS is up.
    ///
    /// # Errors
    /// [`Misuse`] unless the connection is not authenticated, without TLS, and without commands in flight.
    pub fn start_tls(&mut self) -> Result<Tag, Misuse> {
        if self.tls.is_some() || !self.in_flight.is_empty() {
            return self.misuse("STARTTLS");
        }
        self.may_issue(CommandKind::StartTls)?;
        self.turn = Turn::Tls;
        Ok(self.issue(CommandKind::StartTls, true, |out| out.extend_from_slice(b"STARTTLS")))
    }

    /// COMPRESS DEFLATE (RFC 4978). After its OK the driver compresses; commands that are issued meanwhile wait for it.
    ///
    /// # Errors
    /// [`Misuse`] unless the connection is authenticated, without compression, without commands in flight, and the server has
    /// COMPRESS=DEFLATE.
    pub fn compress(&mut self) -> Result<Tag, Misuse> {
        if self.compressed
            || self.deflating
            || !self.in_flight.is_empty()
            || !self.has(Capabilities::COMPRESS_DEFLATE)
        {
            return self.misuse("COMPRESS");
        }
        self.may_issue(CommandKind::Compress)?;
        self.turn = Turn::Compress;
        Ok(self.issue(CommandKind::Compress, true, |out| Command::Compress.encode(out)))
    }

    /// AUTHENTICATE. The initial response is sent at once where the server has SASL-IR, else as the answer to its first, empty
    /// challenge.
    ///
    /// # Errors
    /// [`Misuse`] unless the connection is not authenticated and has no commands in flight, or where `mechanism` is no name of one.
    pub fn authenticate(&mut self, mechanism: &str, initial: Option<&[u8]>) -> Result<Tag, Misuse> {
        let is_name = !mechanism.is_empty()
            && mechanism.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !is_name || !self.in_flight.is_empty() {
            return self.misuse("AUTHENTICATE");
        }
        self.may_issue(CommandKind::Authenticate)?;
        self.fresh = false;
        let at_once = self.has(Capabilities::SASL_IR);
        let held = initial.filter(|_| !at_once).map(|i| Zeroizing::new(i.to_vec()));
        self.turn = Turn::Sasl { asked: false, initial: held };
        let room = mechanism.len() + 2 * initial.unwrap_or_default().len() + 64;
        Ok(self.issue_in(room, CommandKind::Authenticate, true, |out| {
            out.extend_from_slice(b"AUTHENTICATE ");
            out.extend_from_slice(mechanism.as_bytes());
            match initial {
                // RFC 4959 section 3: a single `=` is an initial response without octets.
                Some([]) if at_once => out.extend_from_slice(b" ="),
                Some(initial) if at_once => {
                    out.push(b' ');
                    base64_to(out, initial);
                }
                _ => {}
            }
        }))
    }

    /// Answers a challenge.
    ///
    /// # Errors
    /// [`Misuse`] where none waits for an answer.
    pub fn respond(&mut self, response: &[u8]) -> Result<(), Misuse> {
        match &mut self.turn {
            Turn::Sasl { asked, .. } if *asked => *asked = false,
            _ => return self.misuse("respond"),
        }
        self.sasl_line(response);
        Ok(())
    }

    pub(super) fn sasl_line(&mut self, response: &[u8]) {
        self.out.put_secret(Zeroizing::new(STANDARD.encode(response)).as_bytes());
        self.out.put(b"\r\n");
    }

    /// Breaks the SASL exchange off (RFC 9051 section 6.2.2); the server answers BAD.
    ///
    /// # Errors
    /// [`Misuse`] where no challenge waits for an answer.
    pub fn cancel(&mut self) -> Result<(), Misuse> {
        match &mut self.turn {
            Turn::Sasl { asked, .. } if *asked => *asked = false,
            _ => return self.misuse("cancel"),
        }
        self.out.put(b"*\r\n");
        Ok(())
    }

    /// IDLE (RFC 2177). It lasts until [`idle_done`](Self::idle_done); in time it is begun anew by itself.
    ///
    /// # Errors
    /// As for [`command`](Self::command).
    pub fn idle(&mut self) -> Result<Tag, Misuse> {
        self.may_issue(CommandKind::Idle)?;
        Ok(self.begin_idle())
    }

    pub(super) fn begin_idle(&mut self) -> Tag {
        let tag = self.issue(CommandKind::Idle, true, |out| out.extend_from_slice(b"IDLE"));
        self.turn = Turn::Idle { tag: tag.0, step: IdleStep::Asked { done: false } };
        tag
    }

    /// Ends IDLE. Where the server has not begun it yet, it is ended as soon as it has.
    ///
    /// # Errors
    /// [`Misuse`] outside of IDLE.
    pub fn idle_done(&mut self) -> Result<(), Misuse> {
        match &mut self.turn {
            Turn::Idle { step: IdleStep::Asked { done }, .. } => *done = true,
            Turn::Idle { step: IdleStep::Idling { .. }, .. } => {
                self.out.put(b"DONE\r\n");
                self.turn = Turn::Ready;
            }
            Turn::Idle { step: IdleStep::Renewing, .. } => self.turn = Turn::Ready,
            _ => return self.misuse("idle_done"),
        }
        Ok(())
    }
}

fn base64_to(out: &mut Vec<u8>, octets: &[u8]) {
    let text = Zeroizing::new(STANDARD.encode(octets));
    out.extend_from_slice(text.as_bytes());
}
