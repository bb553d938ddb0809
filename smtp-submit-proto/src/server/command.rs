use crate::{
    Answered, BodyType, ByMode, Command, Config, Event, Hold, MailParams, Mailbox, Mechanism, ReversePath,
    SaslData, Server, Status, SyntaxError, Verb,
    encode::{ReplyWriter, ready},
    grammar,
    grammar::AuthLine,
    status,
};

use super::{
    offer::Offer,
    state::{Mode, Pending, Phase, WANTS_AUTH, is_allowed, out_of_order},
};

const HELP: &str = "commands: EHLO HELO MAIL RCPT DATA RSET NOOP VRFY EXPN HELP QUIT AUTH STARTTLS\n\
                    RFC 5321 and RFC 6409 tell what they mean";

/// Whether the line is an AUTH command, as far as can be said from its start.
pub(super) fn is_auth(input: &[u8]) -> bool {
    input.first_chunk::<4>().is_some_and(|start| start.eq_ignore_ascii_case(b"AUTH"))
}

impl Server {
    #[inline]
    pub(super) fn command<'b>(&mut self, line: &'b [u8]) -> Event<'b> {
        // A malformed AUTH line holds a password all the same.
        self.secret = is_auth(line);
        match grammar::command(line, &self.rules) {
            Ok(command) => self.dispatch(command),
            Err(error) => self.syntax_error(line, error),
        }
    }

    fn dispatch<'b>(&mut self, command: Command<'b>) -> Event<'b> {
        let verb = command.verb();
        if let Command::Bdat { size, last } = command {
            return self.bdat(size, last);
        }
        if self.config.auth_required && !self.authenticated && WANTS_AUTH.contains(&verb) {
            return self.wants_auth(verb);
        }
        if !is_allowed(verb, self.phase) {
            return self.misplaced(verb);
        }
        match command {
            Command::Ehlo(name) => self.ehlo(Verb::Ehlo, name),
            Command::Helo(name) => self.helo(name),
            Command::Mail(reverse_path, params) => {
                self.transactions = self.transactions.saturating_add(1);
                if let Some((status, text)) = self.mail_refused(reverse_path, &params) {
                    return self.answered(verb, status, text);
                }
                self.binary = params.body == Some(BodyType::BinaryMime);
                self.utf8 = params.smtp_utf8;
                self.ask(Pending::Mail, Event::Mail { reverse_path, params })
            }
            Command::Rcpt(..) if self.recipients >= self.config.limits.recipients => {
                self.answered(verb, status::TOO_MANY_RECIPIENTS, "too many recipients")
            }
            // RFC 6531 section 3.4
            Command::Rcpt(path, _)
                if !self.utf8 && path.mailbox().is_some_and(Mailbox::is_internationalised) =>
            {
                self.answered(verb, status::NON_ASCII_ADDRESS, "MAIL did not say SMTPUTF8")
            }
            Command::Rcpt(forward_path, params) => {
                self.ask(Pending::Rcpt, Event::Rcpt { forward_path, params })
            }
            // RFC 3030 section 3: DATA cannot carry it.
            Command::Data if self.binary => {
                self.answered(verb, status::OUT_OF_ORDER, "BINARYMIME wants BDAT")
            }
            Command::Data => self.ask(Pending::DataBegin, Event::DataBegin),
            Command::Rset => {
                self.end_transaction();
                self.writer().ready(ready::RESET);
                Event::Reset
            }
            Command::Noop(_) => {
                self.writer().ready(ready::OK);
                Event::Answered(Answered { command: Some(verb), code: ready::OK.status.code() })
            }
            Command::Help(_) => self.answered(verb, status::HELP, HELP),
            Command::Vrfy(text) if self.config.ask_vrfy => self.ask(Pending::Vrfy, Event::Vrfy(text)),
            Command::Expn(text) if self.config.ask_vrfy => self.ask(Pending::Vrfy, Event::Expn(text)),
            Command::Vrfy(_) => self.answered(
                verb,
                status::CANNOT_VERIFY,
                "cannot verify, but mail will be accepted or refused at RCPT",
            ),
            Command::Expn(_) => self.answered(verb, status::NOT_IMPLEMENTED, "EXPN is not implemented"),
            Command::Quit => {
                self.closing(status::CLOSING, "closing");
                Event::Quit
            }
            Command::Auth { mechanism, initial } => self.auth(mechanism, initial),
            Command::StartTls => self.start_tls(),
            Command::Lhlo(name) => self.ehlo(Verb::Lhlo, name),
            Command::Xclient(client) => self.ask(Pending::Xclient, Event::Xclient(client)),
            // BDAT is dealt with above; BURL is never known here.
            Command::Bdat { .. } | Command::Burl { .. } => {
                self.answered(verb, status::NOT_IMPLEMENTED, "this command is not implemented")
            }
        }
    }

    /// What the parameters of MAIL ask that cannot be had.
    fn mail_refused(&self, path: ReversePath<'_>, params: &MailParams<'_>) -> Option<(Status, &'static str)> {
        let Config { size_limit, limits, deliver_by, future_release, .. } = &*self.config;
        if limits.transactions != 0 && self.transactions > limits.transactions {
            return Some((status::TOO_MANY_TRANSACTIONS, "too many transactions"));
        }
        // RFC 1870 section 6.1
        if params.size.zip(*size_limit).is_some_and(|(size, limit)| size > limit) {
            return Some((status::TOO_BIG, "the message is larger than the size limit"));
        }
        // RFC 6531 section 3.4
        if !params.smtp_utf8 && path.mailbox().is_some_and(Mailbox::is_internationalised) {
            return Some((status::NON_ASCII_ADDRESS, "an address outside ASCII wants SMTPUTF8"));
        }
        // RFC 2852 section 3: 55z
        let least = deliver_by.and_then(|offer| offer.least).and_then(|n| i32::try_from(n).ok());
        if params
            .deliver_by
            .zip(least)
            .is_some_and(|(by, least)| by.mode() == ByMode::Return && by.seconds() < least)
        {
            return Some((status::UNKNOWN_PARAMETER, "the time for delivery is too short"));
        }
        // RFC 4865 section 4
        let too_long = match (params.hold, future_release) {
            (Some(Hold::For(seconds)), Some(offer)) => seconds > offer.longest,
            // To the second: so much of both texts has one form.
            (Some(Hold::Until(time)), Some(offer)) => time.as_str().get(..19) > offer.latest.get(..19),
            _ => false,
        };
        too_long.then_some((status::BAD_ARGUMENTS, "the message cannot be held for so long"))
    }

    fn ask<'b>(&mut self, pending: Pending, event: Event<'b>) -> Event<'b> {
        self.pending = pending;
        event
    }

    fn answered<'b>(&mut self, verb: Verb, status: Status, text: &str) -> Event<'b> {
        self.writer().reply(status, text);
        Event::Answered(Answered { command: Some(verb), code: status.code() })
    }

    /// A fault of the client's. After too many, the connection ends.
    fn fault<'b>(&mut self, verb: Option<Verb>, status: Status, text: &str) -> Event<'b> {
        let too_many = self.too_many_faults();
        if !too_many {
            // RFC 2034 section 4: no enhanced code in "any response to HELO or EHLO".
            if matches!(verb, Some(Verb::Ehlo | Verb::Helo | Verb::Lhlo)) {
                self.writer().plain(status.code(), text);
            } else {
                self.writer().reply(status, text);
            }
        }
        let code = if too_many { status::TOO_MANY_ERRORS.code() } else { status.code() };
        Event::Answered(Answered { command: verb, code })
    }

    fn too_many_faults(&mut self) -> bool {
        self.bad_commands = self.bad_commands.saturating_add(1);
        let too_many = self.bad_commands > self.config.limits.bad_commands;
        if too_many {
            self.closing(status::TOO_MANY_ERRORS, "too many errors");
        }
        too_many
    }

    #[cold]
    fn syntax_error<'b>(&mut self, line: &[u8], error: SyntaxError) -> Event<'b> {
        let verb = grammar::verb_of(line, &self.rules);
        let event = self.fault(verb, error.status, error.text);
        // How much content follows is not known, and it must not become commands.
        if verb == Some(Verb::Bdat) && self.mode != Mode::Closing {
            self.closing(status::TOO_MANY_ERRORS, "a BDAT without its size");
        }
        event
    }

    fn misplaced<'b>(&mut self, verb: Verb) -> Event<'b> {
        // RFC 5321 section 3.3, RFC 2920 section 3.2(3): in a pipelined group, every RCPT was refused.
        if verb == Verb::Data && self.phase == Phase::Mail && self.refused_recipient {
            return self.answered(verb, status::NO_VALID_RECIPIENTS, "no valid recipients");
        }
        self.fault(Some(verb), status::OUT_OF_ORDER, out_of_order(verb, self.phase))
    }

    fn wants_auth<'b>(&mut self, verb: Verb) -> Event<'b> {
        let text = if self.offered().next().is_none() && self.starttls_offered() {
            "a STARTTLS command must be issued first"
        } else {
            "authentication required"
        };
        self.answered(verb, status::AUTH_REQUIRED, text)
    }

    pub(super) fn too_long<'b>(&mut self) -> Event<'b> {
        if self.mode == Mode::AuthResponse {
            self.mode = Mode::Command;
            if !self.too_many_faults() {
                self.writer().reply(status::AUTH_LINE_TOO_LONG, "the line is too long");
            }
            return Event::AuthCancelled;
        }
        self.fault(None, status::BAD_LINE, "the line is too long")
    }

    fn ehlo<'b>(&mut self, verb: Verb, name: &str) -> Event<'b> {
        let offer = Offer {
            config: &self.config,
            starttls: self.starttls_offered(),
            tls: self.is_encrypted(),
            certificate: self.has_certificate(),
            xclient: self.rules.xclient,
        };
        offer.write(name, &mut self.out);
        self.extended = true;
        self.hello(verb, name)
    }

    fn helo<'b>(&mut self, name: &str) -> Event<'b> {
        let config = &self.config;
        ReplyWriter::new(&mut self.out).line(250, b' ', &[config.hostname.as_bytes()]);
        self.extended = false;
        self.hello(Verb::Helo, name)
    }

    /// RFC 5321 section 4.1.4: EHLO clears "exactly as if a RSET command had been issued". Who the client
    /// is stays known.
    fn hello<'b>(&mut self, verb: Verb, name: &str) -> Event<'b> {
        self.client.clear();
        self.client.push_str(name);
        let open = self.in_transaction();
        self.end_transaction();
        self.phase = Phase::Ready;
        if open { Event::Reset } else { Event::Answered(Answered { command: Some(verb), code: 250 }) }
    }

    /// The mechanisms to be had on this transport.
    fn offered(&self) -> impl Iterator<Item = &Mechanism> {
        let certificate = self.has_certificate();
        self.config
            .mechanisms
            .iter()
            .filter(move |m| (self.is_encrypted() || !m.needs_tls) && (certificate || !m.needs_certificate))
    }

    /// RFC 3207 section 4.2: never under TLS.
    fn starttls_offered(&self) -> bool {
        self.config.starttls && !self.is_encrypted()
    }

    fn auth<'b>(&mut self, mechanism: &'b str, initial: Option<SaslData<'b>>) -> Event<'b> {
        let verb = Verb::Auth;
        if self.authenticated {
            return self.fault(Some(verb), status::OUT_OF_ORDER, "already authenticated");
        }
        let known = self.config.mechanisms.iter().find(|m| m.name.eq_ignore_ascii_case(mechanism));
        match known.filter(|m| !m.needs_certificate || self.has_certificate()) {
            Some(m) if m.needs_tls && !self.is_encrypted() => {
                self.fault(Some(verb), status::ENCRYPTION_REQUIRED, "this mechanism wants TLS first")
            }
            Some(_) => self.ask(Pending::Auth, Event::Auth { mechanism, initial }),
            None => self.fault(Some(verb), status::UNKNOWN_MECHANISM, "this mechanism is not known"),
        }
    }

    pub(super) fn auth_line<'b>(&mut self, line: &'b [u8]) -> Event<'b> {
        self.secret = true;
        self.mode = Mode::Command;
        match grammar::auth_response(line) {
            Ok(AuthLine::Response(data)) => self.ask(Pending::Auth, Event::AuthResponse(data)),
            Ok(AuthLine::Cancel) => {
                if !self.too_many_faults() {
                    self.writer().reply(status::AUTH_CANCELLED, "authentication cancelled");
                }
                Event::AuthCancelled
            }
            Err(error) => {
                if !self.too_many_faults() {
                    self.writer().reply(error.status, error.text);
                }
                Event::AuthCancelled
            }
        }
    }

    fn start_tls<'b>(&mut self) -> Event<'b> {
        let verb = Some(Verb::StartTls);
        if self.is_encrypted() {
            return self.fault(verb, status::OUT_OF_ORDER, "TLS is active already");
        }
        if !self.config.starttls {
            return self.fault(verb, status::NOT_IMPLEMENTED, "STARTTLS is not available");
        }
        self.mode = Mode::TlsWanted;
        Event::StartTls
    }
}
