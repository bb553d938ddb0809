use base64::{Engine as _, engine::general_purpose::STANDARD};
use mail_wire::Misuse;
use zeroize::Zeroizing;

use crate::{BodyType, Command, ForwardPath, MailParams, Mailbox, RcptParams, ReversePath, SaslData, Verb};

use super::{Awaited, Client, Expect, Mode, Phase};

impl Client {
    /// Queues what `write` writes, behind a stop point where it may not go out before other replies.
    pub(super) fn send<R>(&mut self, what: Expect, write: impl FnOnce(&mut Self) -> R) -> R {
        let pipelined = self.config.pipelining && self.capabilities.pipelining;
        let stopped = self.pending.back().is_some_and(|last| !(pipelined && last.what.may_be_followed()));
        if stopped {
            self.out.stop();
        }
        self.pending.push_back(Awaited { what, stopped });
        write(self)
    }

    /// Queues a command, which is written first: one that cannot be written changes nothing.
    fn command(&mut self, called: &'static str, what: Expect, command: &Command<'_>) -> Result<(), Misuse> {
        // Room at once: a buffer that grows leaves its octets behind.
        let room = match command {
            Command::Auth { mechanism, initial } => {
                mechanism.len() + initial.map_or(0, |i| i.as_base64().len()) + 16
            }
            _ => 0,
        };
        let mut line = Zeroizing::new(alloc::vec::Vec::with_capacity(room));
        if command.encode(&mut line).is_err() {
            return Err(Misuse { called, state: "the argument cannot be written as a command" });
        }
        let secret = matches!(command, Command::Auth { .. });
        self.send(what, |client| if secret { client.out.put_secret(&line) } else { client.out.put(&line) });
        Ok(())
    }

    fn allow(&self, called: &'static str, phases: &[Phase]) -> Result<(), Misuse> {
        if self.mode == Mode::Open && phases.contains(&self.phase) { Ok(()) } else { self.misuse(called) }
    }

    /// EHLO, or LHLO with LMTP. It may be given before the greeting, and waits for it; after STARTTLS it is
    /// to be given again, and may be given as soon as that is answered: it waits for the handshake.
    ///
    /// # Errors
    /// [`Misuse`] within a transaction, and while another EHLO waits.
    pub fn hello(&mut self) -> Result<(), Misuse> {
        if matches!(self.mode, Mode::TlsWanted | Mode::TlsReady) {
            self.hello_waits = true;
            return Ok(());
        }
        self.allow("hello", &[Phase::Start, Phase::Ready])?;
        if self.pending.iter().any(|a| a.what != Expect::Greeting) {
            return Err(Misuse { called: "hello", state: "other replies are to come" });
        }
        self.phase = Phase::Start;
        self.say_hello(if self.config.lmtp { Verb::Lhlo } else { Verb::Ehlo })
    }

    pub(super) fn say_hello(&mut self, verb: Verb) -> Result<(), Misuse> {
        let config = alloc::sync::Arc::clone(&self.config);
        let command = match verb {
            Verb::Helo => Command::Helo(&config.name),
            Verb::Lhlo => Command::Lhlo(&config.name),
            _ => Command::Ehlo(&config.name),
        };
        self.command("hello", Expect::Hello(verb), &command)
    }

    /// STARTTLS (RFC 3207).
    ///
    /// # Errors
    /// [`Misuse`] where it is not offered, TLS is up, a transaction is open, or replies are to come.
    pub fn start_tls(&mut self) -> Result<(), Misuse> {
        self.allow("start_tls", &[Phase::Ready])?;
        if self.encrypted || !self.capabilities.starttls {
            return Err(Misuse { called: "start_tls", state: "STARTTLS is not offered" });
        }
        if !self.pending.is_empty() {
            return Err(Misuse { called: "start_tls", state: "other replies are to come" });
        }
        self.command("start_tls", Expect::StartTls, &Command::StartTls)
    }

    /// AUTH (RFC 4954): the mechanism's name and its first octets, where it begins with the client.
    ///
    /// # Errors
    /// [`Misuse`] where the mechanism is not offered, after a success, within a transaction, while replies
    /// are to come, and without TLS unless [`auth_in_clear`](super::Config::auth_in_clear).
    pub fn auth(&mut self, mechanism: &str, initial: Option<&[u8]>) -> Result<(), Misuse> {
        self.allow("auth", &[Phase::Ready])?;
        let refuse = |state| Err(Misuse { called: "auth", state });
        if self.authenticated {
            return refuse("AUTH has succeeded already");
        }
        if !self.encrypted && !self.config.auth_in_clear {
            return refuse("TLS is not up");
        }
        if !self.capabilities.auth.iter().any(|m| m.eq_ignore_ascii_case(mechanism)) {
            return refuse("the mechanism is not offered");
        }
        if !self.pending.is_empty() {
            return refuse("other replies are to come");
        }
        let base64 = Zeroizing::new(initial.map(|octets| STANDARD.encode(octets)));
        let initial = base64.as_ref().and_then(|text| SaslData::from_base64(text.as_bytes()));
        self.command("auth", Expect::Auth, &Command::Auth { mechanism, initial })?;
        self.phase = Phase::Auth;
        Ok(())
    }

    /// The response to a challenge.
    ///
    /// # Errors
    /// [`Misuse`] where no challenge waits.
    pub fn auth_response(&mut self, octets: &[u8]) -> Result<(), Misuse> {
        self.allow("auth_response", &[Phase::Challenged])?;
        let text = Zeroizing::new(STANDARD.encode(octets));
        self.auth_line(text.as_bytes());
        Ok(())
    }

    /// Breaks the exchange off; [`AuthFailed`](super::Event::AuthFailed) follows.
    ///
    /// # Errors
    /// [`Misuse`] where no challenge waits.
    pub fn auth_cancel(&mut self) -> Result<(), Misuse> {
        self.allow("auth_cancel", &[Phase::Challenged])?;
        self.auth_line(b"*");
        Ok(())
    }

    pub(super) fn auth_line(&mut self, text: &[u8]) {
        self.phase = Phase::Auth;
        self.send(Expect::Auth, |client| {
            client.out.put_secret(text);
            client.out.put(b"\r\n");
        });
    }

    /// MAIL: begins a transaction. A `SIZE` is left out where the server does not know it.
    ///
    /// # Errors
    /// [`Misuse`] where a transaction is open, a parameter belongs to what the server does not offer, or an
    /// address cannot be written.
    pub fn mail(&mut self, path: ReversePath<'_>, params: &MailParams<'_>) -> Result<(), Misuse> {
        self.allow("mail", &[Phase::Ready])?;
        let mut params = *params;
        if !self.capabilities.size {
            params.size = None;
        }
        if let Some(state) = self.lacking(path, &params) {
            return Err(Misuse { called: "mail", state });
        }
        self.command("mail", Expect::Mail, &Command::Mail(path, params))?;
        self.phase = Phase::Mail;
        self.utf8 = params.smtp_utf8;
        self.mail_refused = false;
        self.failed = false;
        self.recipients = 0;
        self.accepted = 0;
        self.accepted_indices.clear();
        self.chunked = self.may_chunk();
        Ok(())
    }

    fn may_chunk(&self) -> bool {
        self.capabilities.chunking && self.config.chunking && !self.config.lmtp
    }

    fn lacking(&self, path: ReversePath<'_>, params: &MailParams<'_>) -> Option<&'static str> {
        let has = &self.capabilities;
        let international = path.mailbox().is_some_and(Mailbox::is_internationalised);
        let cases = [
            (
                params.body == Some(BodyType::BinaryMime) && !(has.binary_mime && self.may_chunk()),
                "BINARYMIME is not offered",
            ),
            (
                params.body.is_some_and(|b| b != BodyType::BinaryMime) && !has.eight_bit_mime,
                "8BITMIME is not offered",
            ),
            (params.auth.is_some() && has.auth.is_empty(), "AUTH is not offered"),
            ((params.ret.is_some() || params.envid.is_some()) && !has.dsn, "DSN is not offered"),
            (params.smtp_utf8 && !has.smtp_utf8, "SMTPUTF8 is not offered"),
            (international && !params.smtp_utf8, "the address wants SMTPUTF8"),
            (params.require_tls && !(has.require_tls && self.encrypted), "REQUIRETLS is not offered"),
            (params.deliver_by.is_some() && !has.deliver_by, "DELIVERBY is not offered"),
            (params.hold.is_some() && has.future_release.is_none(), "FUTURERELEASE is not offered"),
            (params.priority.is_some() && has.mt_priority.is_none(), "MT-PRIORITY is not offered"),
        ];
        cases.into_iter().find_map(|(lacks, what)| lacks.then_some(what))
    }

    /// RCPT: one recipient more. Gives its index, which its events have.
    ///
    /// # Errors
    /// [`Misuse`] before MAIL and after DATA, where DSN is not offered and wanted, where the address is outside ASCII and MAIL
    /// did not say SMTPUTF8, and where it cannot be written.
    pub fn rcpt(&mut self, path: ForwardPath<'_>, params: &RcptParams<'_>) -> Result<u32, Misuse> {
        self.allow("rcpt", &[Phase::Mail, Phase::Rcpt])?;
        if (params.notify.is_some() || params.orcpt.is_some()) && !self.capabilities.dsn {
            return Err(Misuse { called: "rcpt", state: "DSN is not offered" });
        }
        // RFC 6531 section 3.4: in a transaction that said it alone.
        if !self.utf8 && path.mailbox().is_some_and(Mailbox::is_internationalised) {
            return Err(Misuse { called: "rcpt", state: "the address wants SMTPUTF8" });
        }
        let index = self.recipients;
        self.command("rcpt", Expect::Rcpt(index), &Command::Rcpt(path, *params))?;
        self.recipients = index.saturating_add(1);
        self.phase = Phase::Rcpt;
        Ok(index)
    }

    /// RSET: the transaction, if any, is void.
    ///
    /// # Errors
    /// [`Misuse`] before EHLO, and from DATA until the message's reply.
    pub fn rset(&mut self) -> Result<(), Misuse> {
        self.allow("rset", &[Phase::Ready, Phase::Mail, Phase::Rcpt])?;
        self.command("rset", Expect::Other(Verb::Rset), &Command::Rset)?;
        self.phase = Phase::Ready;
        Ok(())
    }

    /// NOOP
    ///
    /// # Errors
    /// [`Misuse`] before EHLO, and from DATA until the message's reply.
    pub fn noop(&mut self) -> Result<(), Misuse> {
        self.other("noop", &Command::Noop(None))
    }

    /// VRFY
    ///
    /// # Errors
    /// [`Misuse`] as with [`noop`](Self::noop), and where the text cannot be written.
    pub fn vrfy(&mut self, text: &str) -> Result<(), Misuse> {
        self.other("vrfy", &Command::Vrfy(text))
    }

    /// EXPN
    ///
    /// # Errors
    /// [`Misuse`] as with [`noop`](Self::noop), and where the text cannot be written.
    pub fn expn(&mut self, text: &str) -> Result<(), Misuse> {
        self.other("expn", &Command::Expn(text))
    }

    /// HELP, perhaps about a command.
    ///
    /// # Errors
    /// [`Misuse`] as with [`noop`](Self::noop), and where the text cannot be written.
    pub fn help(&mut self, topic: Option<&str>) -> Result<(), Misuse> {
        self.other("help", &Command::Help(topic))
    }

    fn other(&mut self, called: &'static str, command: &Command<'_>) -> Result<(), Misuse> {
        self.allow(called, &[Phase::Ready, Phase::Mail, Phase::Rcpt])?;
        self.command(called, Expect::Other(command.verb()), command)
    }

    /// QUIT. The connection closes after its reply.
    ///
    /// # Errors
    /// [`Misuse`] from DATA until the message's reply, during AUTH, and when it was given already.
    pub fn quit(&mut self) -> Result<(), Misuse> {
        self.allow("quit", &[Phase::Start, Phase::Ready, Phase::Mail, Phase::Rcpt])?;
        self.command("quit", Expect::Quit, &Command::Quit)?;
        self.phase = Phase::Over;
        Ok(())
    }
}
