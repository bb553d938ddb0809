use alloc::vec::Vec;

use crate::{
    Answered, Command, Event, Mechanism, SaslData, Server, Status, SyntaxError, Verb, encode::ReplyWriter,
    grammar, grammar::AuthLine, status,
};

use super::state::{Mode, Pending, Phase, WANTS_AUTH, is_allowed, out_of_order};

const HELP: &str = "commands: EHLO HELO MAIL RCPT DATA RSET NOOP VRFY EXPN HELP QUIT AUTH STARTTLS\n\
                    RFC 5321 and RFC 6409 tell what they mean";

/// Whether the line is an AUTH command, as far as can be said from its start.
pub(super) fn is_auth(input: &[u8]) -> bool {
    input.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"AUTH"))
}

impl Server {
    pub(super) fn command<'b>(&mut self, line: &'b [u8]) -> Event<'b> {
        // A malformed AUTH line holds a password all the same.
        self.secret = is_auth(line);
        match grammar::command(line, &self.rules) {
            Ok(command) => self.dispatch(command),
            Err((verb, error)) => self.syntax_error(verb, error),
        }
    }

    fn dispatch<'b>(&mut self, command: Command<'b>) -> Event<'b> {
        let verb = command.verb();
        if self.config.auth_required && !self.authenticated && WANTS_AUTH.contains(&verb) {
            return self.wants_auth(verb);
        }
        if !is_allowed(verb, self.phase) {
            return self.misplaced(verb);
        }
        match command {
            Command::Ehlo(name) => self.ehlo(name),
            Command::Helo(name) => self.helo(name),
            Command::Mail(reverse_path, params) => match (params.size, self.config.size_limit) {
                // RFC 1870 section 6.1
                (Some(size), Some(limit)) if size > limit => {
                    self.answered(verb, status::TOO_BIG, "the message is larger than the size limit")
                }
                _ => self.ask(Pending::Mail, Event::Mail { reverse_path, params }),
            },
            Command::Rcpt(..) if self.recipients >= self.config.limits.recipients => {
                self.answered(verb, status::TOO_MANY_RECIPIENTS, "too many recipients")
            }
            Command::Rcpt(forward_path, params) => {
                self.ask(Pending::Rcpt, Event::Rcpt { forward_path, params })
            }
            Command::Data => self.ask(Pending::DataBegin, Event::DataBegin),
            Command::Rset => {
                self.end_transaction();
                self.writer().reply(status::OK, "reset");
                Event::Reset
            }
            Command::Noop(_) => self.answered(verb, status::OK, "OK"),
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
        }
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
            if matches!(verb, Some(Verb::Ehlo | Verb::Helo)) {
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

    fn syntax_error<'b>(&mut self, verb: Option<Verb>, error: SyntaxError) -> Event<'b> {
        self.fault(verb, error.status, error.text)
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

    fn ehlo<'b>(&mut self, name: &str) -> Event<'b> {
        self.write_ehlo(name);
        self.extended = true;
        self.hello(Verb::Ehlo, name)
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

    /// `ehlo-ok-rsp = ( "250-" Domain [ SP ehlo-greet ] CRLF *( "250-" ehlo-line CRLF ) "250" SP ehlo-line CRLF )`
    fn write_ehlo(&mut self, name: &str) {
        let starttls = self.starttls_offered();
        let tls = self.is_encrypted();
        let Self { config, out, .. } = self;
        let mut w = ReplyWriter::new(out);
        w.line(250, b'-', &[config.hostname.as_bytes(), b" greets ", name.as_bytes()]);
        w.line(250, b'-', &[b"PIPELINING"]);
        match config.size_limit {
            Some(limit) => w.line(250, b'-', &[b"SIZE ", alloc::format!("{limit}").as_bytes()]),
            None => w.line(250, b'-', &[b"SIZE"]),
        }
        w.line(250, b'-', &[b"8BITMIME"]);
        if starttls {
            w.line(250, b'-', &[b"STARTTLS"]);
        }
        let names: Vec<&str> =
            config.mechanisms.iter().filter(|m| tls || !m.needs_tls).map(|m| &*m.name).collect();
        if !names.is_empty() {
            w.line(250, b'-', &[b"AUTH ", names.join(" ").as_bytes()]);
        }
        w.line(250, b' ', &[b"ENHANCEDSTATUSCODES"]);
    }

    /// The mechanisms to be had on this transport.
    fn offered(&self) -> impl Iterator<Item = &Mechanism> {
        self.config.mechanisms.iter().filter(|m| self.is_encrypted() || !m.needs_tls)
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
        match known {
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
