//! What a client says.

use alloc::{borrow::Cow, vec::Vec};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use mail_wire::Misuse;
use zeroize::Zeroizing;

use super::{
    event::Tag,
    machine::{AppendStep, Client, IdleStep, Turn},
};
use crate::{
    encode, mutf7,
    types::{AString, AppendMessage, Capabilities, Command, CommandKind, MailboxArg},
};

impl Client {
    /// Issues a command. For AUTHENTICATE and APPEND there are methods of their own.
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
            Command::Login { .. } if self.known.as_ref().is_some_and(|k| k.login_disabled) => {
                return Err(Misuse { called: "LOGIN", state: "LOGINDISABLED" });
            }
            _ => self.may_issue(kind)?,
        }
        if kind == CommandKind::Login {
            self.fresh = false;
        }
        Ok(self.issue(kind, true, |out| command.encode(out)))
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
        Ok(self.issue(CommandKind::Authenticate, true, |out| {
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
        self.out.write_with(|out| {
            base64_to(out, response);
            out.extend_from_slice(b"\r\n");
        });
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

    /// Begins APPEND with its first message. Where [`append_ready`](Self::append_ready) does not say so at once,
    /// [`Event::AppendReady`](super::Event::AppendReady) tells when the server takes it; then come its octets. Whether the
    /// literal waits is decided here, not by `message`.
    ///
    /// # Errors
    /// As for [`command`](Self::command).
    pub fn append(&mut self, mailbox: &MailboxArg<'_>, message: &AppendMessage<'_>) -> Result<Tag, Misuse> {
        self.may_issue(CommandKind::Append)?;
        let waits = AppendMessage { synchronizing: true, ..*message };
        let tag = self.issue(CommandKind::Append, false, |out| {
            out.extend_from_slice(b"APPEND ");
            encode::astring(out, &mailbox.bytes(), mailbox.is_utf8());
            waits.encode(out);
        });
        self.append_step(tag.0, message);
        Ok(tag)
    }

    fn append_step(&mut self, tag: u32, message: &AppendMessage<'_>) {
        self.append_len = message.len;
        let step = if self.is_held(tag) { AppendStep::Waiting } else { AppendStep::Sending(message.len) };
        self.turn = Turn::Append { tag, step, utf8: message.utf8 };
    }

    /// Whether octets of a message can be sent now.
    #[must_use]
    pub const fn append_ready(&self) -> bool {
        matches!(self.turn, Turn::Append { step: AppendStep::Sending(_) | AppendStep::Owed(_), .. })
    }

    /// Octets of the message. The chunk is shared, not copied; send in pieces, and let the driver drain between them.
    ///
    /// # Errors
    /// [`Misuse`] where no message is being sent, or it was announced shorter.
    pub fn append_chunk(&mut self, octets: Bytes) -> Result<(), Misuse> {
        let n = u64::try_from(octets.len()).unwrap_or(u64::MAX);
        match &mut self.turn {
            Turn::Append { step: AppendStep::Sending(left) | AppendStep::Owed(left), .. } if *left >= n => {
                *left -= n;
            }
            _ => return self.misuse("append_chunk"),
        }
        self.out.put_shared(octets);
        Ok(())
    }

    /// One more message in the same command (RFC 3502): the one before is whole.
    ///
    /// # Errors
    /// [`Misuse`] where octets of the message before are owed, or the server has no MULTIAPPEND.
    pub fn append_next(&mut self, message: &AppendMessage<'_>) -> Result<(), Misuse> {
        let Turn::Append { tag, step: AppendStep::Sending(0), utf8 } = self.turn else {
            return self.misuse("append_next");
        };
        if !self.has(Capabilities::MULTIAPPEND) {
            return self.misuse("append_next");
        }
        let mut wire = Vec::new();
        if utf8 {
            wire.push(b')');
        }
        AppendMessage { synchronizing: true, ..*message }.encode(&mut wire);
        self.queue(tag, wire);
        self.append_step(tag, message);
        Ok(())
    }

    /// Ends APPEND: all of its messages are whole. Then [`Event::Done`](super::Event::Done) tells how it went.
    ///
    /// # Errors
    /// [`Misuse`] where octets are owed.
    pub fn append_end(&mut self) -> Result<(), Misuse> {
        let Turn::Append { step: AppendStep::Sending(0) | AppendStep::Owed(0), utf8, .. } = self.turn else {
            return self.misuse("append_end");
        };
        self.out.put(if utf8 { b")\r\n" } else { b"\r\n" });
        self.turn = Turn::Ready;
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
