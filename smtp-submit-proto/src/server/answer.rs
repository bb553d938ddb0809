use alloc::{boxed::Box, string::ToString};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mail_wire::Misuse;

use crate::{Server, Status, encode::ready, status};

use super::state::{Mode, Pending, Phase};

impl Server {
    fn misuse<T>(&self, called: &'static str) -> Result<T, Misuse> {
        let state = match (self.pending, self.mode) {
            (Pending::Auth, _) => "AUTH waits for its answer",
            (Pending::Mail, _) => "MAIL waits for its answer",
            (Pending::Rcpt, _) => "RCPT waits for its answer",
            (Pending::DataBegin, _) => "DATA waits for its answer",
            (Pending::DataEnd, _) => "the end of the content waits for its answer",
            (Pending::Vrfy, _) => "VRFY or EXPN waits for its answer",
            (Pending::Xclient, _) => "XCLIENT waits for its answer",
            (Pending::Nothing, Mode::Data | Mode::Chunk) => "content is coming in",
            (Pending::Nothing, Mode::TlsWanted | Mode::TlsReady) => "the TLS handshake is due",
            (Pending::Nothing, Mode::Closing) => "the connection closes",
            (Pending::Nothing, _) => "no event waits for an answer",
        };
        Err(Misuse { called, state })
    }

    fn answer(&mut self, called: &'static str, pending: Pending) -> Result<(), Misuse> {
        if self.pending == pending {
            self.pending = Pending::Nothing;
            Ok(())
        } else {
            self.misuse(called)
        }
    }

    /// Answers `Auth` or `AuthResponse` with a challenge: 334 with these octets in base64
    /// (RFC 4954 section 4). The next event is `AuthResponse` or `AuthCancelled`.
    ///
    /// # Errors
    /// [`Misuse`] when neither waits for an answer.
    pub fn challenge(&mut self, octets: &[u8]) -> Result<(), Misuse> {
        self.answer("challenge", Pending::Auth)?;
        self.writer().challenge(&STANDARD.encode(octets));
        self.mode = Mode::AuthResponse;
        Ok(())
    }

    /// Answers `Auth` or `AuthResponse`: the client is who it says (235).
    ///
    /// # Errors
    /// [`Misuse`] when neither waits for an answer.
    pub fn authenticated(&mut self) -> Result<(), Misuse> {
        self.answer("authenticated", Pending::Auth)?;
        self.authenticated = true;
        self.writer().reply(status::AUTHENTICATED, "authentication successful");
        Ok(())
    }

    /// Answers `Mail`: the transaction begins (250).
    ///
    /// # Errors
    /// [`Misuse`] when MAIL does not wait for an answer.
    pub fn accept_mail(&mut self) -> Result<(), Misuse> {
        self.answer("accept_mail", Pending::Mail)?;
        self.phase = Phase::Mail;
        self.recipients = 0;
        self.refused_recipient = false;
        self.writer().ready(ready::SENDER_OK);
        Ok(())
    }

    /// Answers `Rcpt`: one recipient more (250).
    ///
    /// # Errors
    /// [`Misuse`] when RCPT does not wait for an answer.
    pub fn accept_rcpt(&mut self) -> Result<(), Misuse> {
        self.answer("accept_rcpt", Pending::Rcpt)?;
        self.phase = Phase::Rcpt;
        self.recipients = self.recipients.saturating_add(1);
        self.writer().ready(ready::RECIPIENT_OK);
        Ok(())
    }

    /// Answers `DataBegin`: the client may send the content (354; nothing is said to BDAT). It comes in `DataChunk`s.
    ///
    /// # Errors
    /// [`Misuse`] when DATA does not wait for an answer.
    pub fn accept_data(&mut self) -> Result<(), Misuse> {
        self.answer("accept_data", Pending::DataBegin)?;
        if self.chunk.active {
            // RFC 3030 section 2: BDAT has no intermediate reply.
            self.mode = Mode::Chunk;
            return Ok(());
        }
        self.begin_content();
        self.writer().plain(354, "end data with <CR><LF>.<CR><LF>");
        Ok(())
    }

    /// Answers `DataEnd`: the message is kept (250). From here on it is the server's to deliver
    /// (RFC 5321 section 6.1).
    ///
    /// # Errors
    /// [`Misuse`] when no content waits for an answer.
    pub fn end_accepted(&mut self, text: &str) -> Result<(), Misuse> {
        self.answer("end_accepted", Pending::DataEnd)?;
        // RFC 2033 section 4.2: one for each recipient that has none yet.
        for _ in 0..self.replies_due() {
            self.writer().reply(status::MESSAGE_OK, text);
        }
        self.end_transaction();
        Ok(())
    }

    /// Answers `DataEnd` for the next recipient, with LMTP (RFC 2033 section 4.2): once for each accepted
    /// one, in their order. What is to be said of all that are left can be said with
    /// [`end_accepted`](Self::end_accepted) or [`refuse`](Self::refuse).
    ///
    /// # Errors
    /// [`Misuse`] when no content waits for an answer, and without LMTP.
    pub fn end_recipient(&mut self, status: Status, text: &str) -> Result<(), Misuse> {
        if self.pending != Pending::DataEnd || !self.rules.lmtp {
            return self.misuse("end_recipient");
        }
        self.writer().reply(status, text);
        self.replied = self.replied.saturating_add(1);
        if self.replies_due() == 0 {
            self.pending = Pending::Nothing;
            self.end_transaction();
        }
        Ok(())
    }

    /// Answers `Xclient`: the session begins anew with the greeting (220), for the client that was named;
    /// TLS stays. `authenticated`: that client's LOGIN is believed, and AUTH is not wanted any more.
    ///
    /// # Errors
    /// [`Misuse`] when XCLIENT does not wait for an answer.
    pub fn accept_xclient(&mut self, authenticated: bool) -> Result<(), Misuse> {
        self.answer("accept_xclient", Pending::Xclient)?;
        self.end_transaction();
        self.phase = Phase::Start;
        self.client.clear();
        self.extended = false;
        self.authenticated = authenticated;
        self.greet();
        Ok(())
    }

    /// Answers `Vrfy` or `Expn`; each LF in `text` begins a new line.
    ///
    /// # Errors
    /// [`Misuse`] when neither waits for an answer, or the status is not 2yz.
    pub fn reply(&mut self, status: Status, text: &str) -> Result<(), Misuse> {
        if !status.is_positive() {
            return self.misuse("reply with a refusal");
        }
        self.answer("reply", Pending::Vrfy)?;
        self.writer().reply(status, text);
        Ok(())
    }

    /// Answers the event that waits with 4yz or 5yz. While content comes in, it is refused: no more of it
    /// becomes an event, and this reply goes out after its end.
    ///
    /// An authentication refused too often ends the connection.
    ///
    /// # Errors
    /// [`Misuse`] when nothing waits for an answer, the content is refused already, or the status is 2yz.
    pub fn refuse(&mut self, status: Status, text: &str) -> Result<(), Misuse> {
        if !status.is_refusal() {
            return self.misuse("refuse with a success");
        }
        if self.pending == Pending::Nothing {
            if !matches!(self.mode, Mode::Data | Mode::Chunk) || self.content.is_refused() {
                return self.misuse("refuse");
            }
            self.content.refuse(Box::new((status, text.to_string())));
            return Ok(());
        }
        let pending = core::mem::replace(&mut self.pending, Pending::Nothing);
        if pending == Pending::DataBegin && self.chunk.active {
            // RFC 3030 section 2: the chunk is read first, whatever its answer.
            self.content.refuse(Box::new((status, text.to_string())));
            self.mode = Mode::Chunk;
            return Ok(());
        }
        let replies = if pending == Pending::DataEnd { self.replies_due() } else { 1 };
        for _ in 0..replies {
            self.writer().reply(status, text);
        }
        match pending {
            Pending::Rcpt => self.refused_recipient = true,
            // RFC 5321 section 4.1.1.4: the buffers are cleared, whatever the outcome.
            Pending::DataEnd => self.end_transaction(),
            Pending::Auth => {
                self.auth_failures = self.auth_failures.saturating_add(1);
                if self.auth_failures >= self.config.limits.auth_failures {
                    self.closing(status::TOO_MANY_ERRORS, "too many failed authentications");
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Ends the connection with 421, or another status: before the greeting, in place of an answer, at
    /// any time.
    ///
    /// # Errors
    /// [`Misuse`] during the TLS handshake and when the connection closes already.
    pub fn close(&mut self, status: Status, text: &str) -> Result<(), Misuse> {
        if matches!(self.mode, Mode::TlsReady | Mode::Closing) {
            return self.misuse("close");
        }
        self.closing(status, text);
        Ok(())
    }
}
