//! Tagged answers, and what they do to the state.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mail_wire::Misuse;

use super::{
    allowed::State,
    machine::{Server, Turn},
};
use crate::{
    encode,
    types::{Capabilities, Code, CommandKind, SystemFlags},
};

/// What an answering method returns: nothing, or that it has no place here and nothing was written.
pub type Answer = Result<(), Misuse>;

impl Server {
    pub(super) const fn misuse<T>(&self, called: &'static str) -> Result<T, Misuse> {
        Err(Misuse { called, state: self.turn.name() })
    }

    /// The command is with the host, and no FETCH response is open.
    pub(super) const fn answering(&self, called: &'static str) -> Answer {
        if matches!(self.turn, Turn::Answering) && self.fetch.is_closed() {
            Ok(())
        } else {
            self.misuse(called)
        }
    }

    /// Writes `tag SP word SP resp-text CRLF`, and waits for the next command.
    #[inline]
    pub(super) fn tagged<const N: usize>(&mut self, word: &[u8; N], code: Option<Code<'_>>, text: &str) {
        let tag = &self.tag;
        let whole = self.out.write_with(|out| {
            tag.write(out);
            out.extend_from_slice(word);
            code.is_none() && encode::plain_text(out, text)
        });
        if !whole {
            self.rest_of_condition(code, text);
        }
        self.turn = Turn::Ready;
        self.kind = None;
    }

    /// `resp-text CRLF`
    #[inline(never)]
    fn rest_of_condition(&mut self, code: Option<Code<'_>>, text: &str) {
        let (utf8, listing) = match &code {
            None => (self.utf8(), None),
            Some(code) => (self.utf8(), self.listing_for(code)),
        };
        self.out.write_with(|out| {
            encode::resp_text(out, code.as_ref(), text, utf8, listing.as_deref());
            out.extend_from_slice(b"\r\n");
        });
    }

    /// Writes `* word SP resp-text CRLF`.
    pub(super) fn condition(&mut self, word: &[u8], code: Option<Code<'_>>, text: &str) {
        self.out.write_with(|out| {
            out.push(b'*');
            out.extend_from_slice(word);
        });
        self.rest_of_condition(code, text);
    }

    /// The command succeeded: tagged OK. After CLOSE and UNSELECT no mailbox is selected; after UNAUTHENTICATE (RFC 8437) the
    /// connection is as before LOGIN: the host forgets saved searches, contexts and what NOTIFY asked for.
    ///
    /// # Errors
    /// [`Misuse`] where no command waits for its end, or for one that has a method of its own: `authenticated`, `selected`,
    /// `logout`, `accept_literal`.
    pub fn ok(&mut self, code: Option<Code<'_>>, text: &str) -> Answer {
        self.answering("ok")?;
        match self.kind {
            Some(
                CommandKind::Login
                | CommandKind::Authenticate
                | CommandKind::Select
                | CommandKind::Examine
                | CommandKind::Logout,
            ) => return self.misuse("ok"),
            Some(CommandKind::Close | CommandKind::Unselect) => self.state = State::Authenticated,
            Some(CommandKind::Notify) => self.expunges_at_once.0 = self.expunges_at_once.1,
            Some(CommandKind::Unauthenticate) => {
                self.tagged(b" OK ", code, text);
                self.unauthenticated();
                return Ok(());
            }
            _ => {}
        }
        self.tagged(b" OK ", code, text);
        Ok(())
    }

    /// RFC 8437 section 3: all of the connection's state is reset but for TLS.
    #[cold]
    fn unauthenticated(&mut self) {
        self.state = State::NotAuthenticated;
        self.enabled = Capabilities::NONE;
        self.expunges_at_once = (false, false);
        self.failed_logins = 0;
        self.append_limit_varies = false;
        // The time to log in begins with the next poll.
        self.login_until = None;
        self.apply_limits();
    }

    /// The command failed: tagged NO. A refused SELECT leaves no mailbox selected (RFC 9051 section 6.3.2); a refused
    /// message of APPEND is not read, or dropped.
    ///
    /// # Errors
    /// [`Misuse`] where no command waits for its end, or it is UNAUTHENTICATE.
    pub fn no(&mut self, code: Option<Code<'_>>, text: &str) -> Answer {
        if matches!(self.turn, Turn::Deciding | Turn::Payload) {
            return self.refuse_literal(code, text);
        }
        self.answering("no")?;
        if self.kind == Some(CommandKind::Unauthenticate) {
            // RFC 8437 section 3: "A NO response is not permitted".
            return self.misuse("no");
        }
        if matches!(self.kind, Some(CommandKind::Login | CommandKind::Authenticate)) {
            self.tagged(b" NO ", code, text);
            self.failed_logins = self.failed_logins.saturating_add(1);
            if self.failed_logins >= self.config.limits.failed_logins {
                self.bye("Too many failed logins");
            }
            return Ok(());
        }
        self.tagged(b" NO ", code, text);
        Ok(())
    }

    /// The command's arguments make no sense to the host: tagged BAD.
    ///
    /// # Errors
    /// [`Misuse`] where no command waits for its end.
    pub fn bad(&mut self, code: Option<Code<'_>>, text: &str) -> Answer {
        if matches!(self.turn, Turn::Deciding) {
            self.framer.refuse();
            self.turn = Turn::Answering;
        }
        self.answering("bad")?;
        self.tagged(b" BAD ", code, text);
        Ok(())
    }

    /// LOGIN or AUTHENTICATE succeeded: tagged OK with the capabilities that hold from here.
    ///
    /// # Errors
    /// [`Misuse`] where neither waits for its end.
    pub fn authenticated(&mut self, text: &str) -> Answer {
        self.answering("authenticated")?;
        if !matches!(self.kind, Some(CommandKind::Login | CommandKind::Authenticate)) {
            return self.misuse("authenticated");
        }
        self.state = State::Authenticated;
        self.failed_logins = 0;
        self.apply_limits();
        self.tagged(b" OK ", Some(Code::Capability), text);
        Ok(())
    }

    /// SELECT or EXAMINE succeeded: tagged OK with READ-ONLY or READ-WRITE.
    ///
    /// # Errors
    /// [`Misuse`] where neither waits for its end.
    pub fn selected(&mut self, read_only: bool, text: &str) -> Answer {
        self.answering("selected")?;
        if !matches!(self.kind, Some(CommandKind::Select | CommandKind::Examine)) {
            return self.misuse("selected");
        }
        self.state = State::Selected;
        self.tagged(b" OK ", Some(if read_only { Code::ReadOnly } else { Code::ReadWrite }), text);
        Ok(())
    }

    /// CLOSE or UNSELECT succeeded: the same as [`ok`](Self::ok).
    ///
    /// # Errors
    /// [`Misuse`] where neither waits for its end.
    pub fn closed(&mut self, text: &str) -> Answer {
        match self.kind {
            Some(CommandKind::Close | CommandKind::Unselect) => self.ok(None, text),
            _ => self.misuse("closed"),
        }
    }

    /// LOGOUT: BYE with `text`, tagged OK, and the connection ends.
    ///
    /// # Errors
    /// [`Misuse`] where LOGOUT does not wait for its end.
    pub fn logout(&mut self, text: &str) -> Answer {
        self.answering("logout")?;
        if self.kind != Some(CommandKind::Logout) {
            return self.misuse("logout");
        }
        self.condition(b" BYE ", None, text);
        self.tagged(b" OK ", None, "LOGOUT completed");
        self.close();
        Ok(())
    }

    /// ENABLE: turns on those of `capabilities` that are configured and can be enabled, and writes ENABLED with those that
    /// were not on before (RFC 5161 section 3.2). [`ok`](Self::ok) is still to follow.
    ///
    /// # Errors
    /// [`Misuse`] where no command waits for its end.
    pub fn enable(&mut self, capabilities: Capabilities) -> Answer {
        self.answering("enable")?;
        let new = (capabilities & self.config.capabilities.implied() & Capabilities::ENABLEABLE)
            .without(self.enabled);
        // RFC 7162 section 3.2.3: QRESYNC enables CONDSTORE, too.
        self.set_enabled(new);
        self.out.write_with(|out| {
            out.extend_from_slice(b"* ENABLED");
            for name in new.names() {
                out.push(b' ');
                out.extend_from_slice(name.as_bytes());
            }
            out.extend_from_slice(b"\r\n");
        });
        Ok(())
    }

    /// Notes that the client has enabled `capabilities` by other means: a CONDSTORE-enabling command
    /// (RFC 7162 section 3.1). Nothing is written.
    pub fn set_enabled(&mut self, capabilities: Capabilities) {
        self.enabled |= capabilities;
        if capabilities.contains(Capabilities::QRESYNC) {
            self.enabled |= Capabilities::CONDSTORE;
        }
    }

    /// From now on CAPABILITY says `APPENDLIMIT` without the configured number: some mailbox of this account takes less, and STATUS
    /// tells how much (RFC 7889 section 2). To be said before [`authenticated`](Self::authenticated), which lists the
    /// capabilities; forgotten at UNAUTHENTICATE.
    pub fn append_limit_varies(&mut self) {
        self.append_limit_varies = true;
    }

    /// AUTHENTICATE: sends a challenge, and waits for the response.
    ///
    /// # Errors
    /// [`Misuse`] where AUTHENTICATE does not wait for an answer.
    pub fn challenge(&mut self, challenge: &[u8]) -> Answer {
        self.answering("challenge")?;
        if self.kind != Some(CommandKind::Authenticate) {
            return self.misuse("challenge");
        }
        let text = STANDARD.encode(challenge);
        self.out.write_with(|out| {
            out.extend_from_slice(b"+ ");
            out.extend_from_slice(text.as_bytes());
            out.extend_from_slice(b"\r\n");
        });
        self.turn = Turn::Sasl;
        self.framer.raw_line();
        Ok(())
    }

    /// APPEND: the message, or the next parts of one, are wanted. Its octets come as `AppendChunk`.
    ///
    /// # Errors
    /// [`Misuse`] where no message waits for a decision.
    pub fn accept_literal(&mut self) -> Answer {
        if !matches!(self.turn, Turn::Deciding) {
            return self.misuse("accept_literal");
        }
        if self.framer.is_synchronizing() {
            self.out.put(b"+ Ready for literal data\r\n");
        }
        self.turn = Turn::Payload;
        Ok(())
    }

    /// APPEND: the message is not wanted, or cannot be stored: tagged NO. What the client sends of the command all the same is
    /// dropped. It can be called at an `AppendChunk`, too, where storing fails half-way.
    ///
    /// # Errors
    /// [`Misuse`] where no message waits for a decision or is being read.
    pub fn refuse_literal(&mut self, code: Option<Code<'_>>, text: &str) -> Answer {
        match self.turn {
            Turn::Deciding => self.framer.refuse(),
            Turn::Payload => self.framer.discard(),
            _ => return self.misuse("refuse_literal"),
        }
        self.tagged(b" NO ", code, text);
        Ok(())
    }

    /// IDLE: `+`. From here to `IdleDone` untagged responses can be written at any time.
    ///
    /// # Errors
    /// [`Misuse`] where IDLE does not wait for it.
    pub fn accept_idle(&mut self) -> Answer {
        self.answering("accept_idle")?;
        if self.kind != Some(CommandKind::Idle) || self.idle_done {
            return self.misuse("accept_idle");
        }
        self.out.put(b"+ idling\r\n");
        self.turn = Turn::Idling;
        self.framer.raw_line();
        Ok(())
    }

    /// Ends the connection once all output is sent.
    pub fn close(&mut self) {
        self.turn = Turn::Closing;
        self.state = State::Logout;
    }

    /// Ends the connection from the server's side: BYE, if nothing announced is still owed (RFC 9051 section 7.1.5).
    pub fn shutdown(&mut self, text: &str) {
        if !self.fetch.is_closed() {
            // A line in the middle of a literal would be taken for the message.
            return self.close();
        }
        match self.turn {
            Turn::Closing => {}
            _ => self.bye(text),
        }
    }

    pub(super) fn bye(&mut self, text: &str) {
        self.condition(b" BYE ", None, text);
        self.close();
    }

    /// The flags a client may see: no `\Recent` with IMAP4rev2.
    pub(super) const fn visible(&self, flags: SystemFlags) -> SystemFlags {
        if self.enabled.contains(Capabilities::IMAP4REV2) {
            flags.without(SystemFlags::RECENT)
        } else {
            flags
        }
    }
}
