//! How the host answers.

use bytes::Bytes;
use mail_wire::{DotEncoder, Misuse};

use super::{Error, Pending, Server, State};
use crate::{
    encode::Encoder,
    types::{Capability, CommandKind, LoginDelay, MessageNumber, RespCode, Retention},
};

type Answer = Result<(), Misuse>;

impl Server {
    fn misuse<T>(&self, called: &'static str) -> Result<T, Misuse> {
        Err(Misuse { called, state: self.pending.name(self.state) })
    }

    fn write(&mut self, write: impl FnOnce(&mut Encoder<'_>)) {
        self.out.write_with(|out| write(&mut Encoder::new(out)));
    }

    /// `+OK`: DELE, RSET and LANG with an argument are done; QUIT, and the connection ends.
    ///
    /// # Errors
    /// [`Misuse`] where none of these waits for its answer.
    pub fn ok(&mut self, text: &str) -> Answer {
        match self.pending {
            Pending::Answer(CommandKind::Dele | CommandKind::Rset | CommandKind::Lang) => {
                self.put_ok(text);
                self.pending = Pending::Nothing;
            }
            Pending::Answer(CommandKind::Quit) => {
                self.put_ok(text);
                self.end(None);
            }
            _ => return self.misuse("ok"),
        }
        Ok(())
    }

    /// `-ERR`: whatever was asked is refused. After a login the session is where it was before;
    /// after QUIT the connection ends.
    ///
    /// # Errors
    /// [`Misuse`] where nothing waits for its answer, or the answer has begun.
    pub fn err(&mut self, code: Option<RespCode>, text: &str) -> Answer {
        let answered = self.pending;
        if !matches!(answered, Pending::Answer(_) | Pending::List(_)) {
            return self.misuse("err");
        }
        self.put_err(code, text);
        self.pending = Pending::Nothing;
        match answered {
            Pending::Answer(CommandKind::Quit) => self.end(None),
            Pending::Answer(CommandKind::Pass | CommandKind::Apop | CommandKind::Auth) => {
                self.forget_user();
                self.failed_logins = self.failed_logins.saturating_add(1);
                if self.failed_logins >= self.config.limits.failed_logins {
                    self.end(Some(Error::FailedLogins));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// `+OK`: the client is who it says, and its maildrop is locked and open. TRANSACTION begins.
    ///
    /// # Errors
    /// [`Misuse`] where no login waits for its answer.
    pub fn logged_in(&mut self, text: &str) -> Answer {
        let Pending::Answer(CommandKind::Pass | CommandKind::Apop | CommandKind::Auth) = self.pending else {
            return self.misuse("logged_in");
        };
        self.put_ok(text);
        self.forget_user();
        self.pending = Pending::Nothing;
        self.state = State::Transaction;
        self.login_by = None;
        self.bad_commands = 0;
        Ok(())
    }

    /// What EXPIRE and LOGIN-DELAY say for this user, from login on (RFC 2449 sections 6.5 and 6.7).
    pub const fn set_personal(&mut self, expire: Option<Retention>, login_delay: Option<LoginDelay>) {
        self.expire = expire;
        self.login_delay = login_delay;
    }

    /// `+` and a challenge: the SASL exchange goes on (RFC 5034 section 4).
    ///
    /// # Errors
    /// [`Misuse`] outside of an exchange.
    pub fn challenge(&mut self, challenge: &[u8]) -> Answer {
        let Pending::Answer(CommandKind::Auth) = self.pending else { return self.misuse("challenge") };
        self.write(|e| e.continue_req(challenge));
        self.pending = Pending::Nothing;
        self.state = State::Exchange;
        Ok(())
    }

    /// The answer to CAPA, with these SASL mechanisms: those that may be used on this connection as it
    /// is now (RFC 2449 section 5).
    ///
    /// # Errors
    /// [`Misuse`] where CAPA does not wait for its answer.
    pub fn capabilities(&mut self, mechanisms: &[&str]) -> Answer {
        let Pending::Answer(CommandKind::Capa) = self.pending else { return self.misuse("capabilities") };
        let before_login = self.state != State::Transaction;
        let config = &self.config;
        let stls = config.stls && self.tls.is_none() && before_login;
        let expire = match (config.expire, self.expire) {
            (_, Some(personal)) if !before_login => Some((personal, false)),
            (general, _) => general.map(|(retention, differs)| (retention, differs && before_login)),
        };
        let login_delay = match (config.login_delay, self.login_delay) {
            (_, Some(personal)) if !before_login => Some((personal, false)),
            (general, _) => general.map(|(delay, differs)| (delay, differs && before_login)),
        };
        let all = [
            Some(Capability::Top),
            Some(Capability::Uidl),
            Some(Capability::RespCodes),
            Some(Capability::AuthRespCode),
            Some(Capability::Pipelining),
            self.passwords_allowed().then_some(Capability::User),
            (!mechanisms.is_empty()).then_some(Capability::Sasl(mechanisms)),
            stls.then_some(Capability::Stls),
            expire.map(|(retention, differs)| Capability::Expire(retention, differs)),
            login_delay.map(|(delay, differs)| Capability::LoginDelay(delay, differs)),
            config.utf8.map(Capability::Utf8),
            config.lang.then_some(Capability::Lang),
            config.implementation.as_deref().map(Capability::Implementation),
        ];
        self.out.write_with(|out| {
            let mut encoder = Encoder::new(out);
            encoder.ok("capability list follows", false);
            for capability in all.iter().flatten() {
                encoder.capability(capability);
            }
            encoder.end();
        });
        self.pending = Pending::Nothing;
        Ok(())
    }

    /// The answer to AUTH without a mechanism: one name a line.
    ///
    /// # Errors
    /// [`Misuse`] where no [`AuthList`](super::Event::AuthList) waits for its answer.
    pub fn mechanisms(&mut self, mechanisms: &[&str]) -> Answer {
        let Pending::List(CommandKind::Auth) = self.pending else { return self.misuse("mechanisms") };
        self.out.write_with(|out| {
            let mut encoder = Encoder::new(out);
            encoder.ok("", false);
            for mechanism in mechanisms {
                encoder.mechanism(mechanism);
            }
            encoder.end();
        });
        self.pending = Pending::Nothing;
        Ok(())
    }

    /// The answer to STAT: messages and octets, without those marked as deleted.
    ///
    /// # Errors
    /// [`Misuse`] where STAT does not wait for its answer.
    pub fn drop_listing(&mut self, count: u32, octets: u64) -> Answer {
        let Pending::Answer(CommandKind::Stat) = self.pending else { return self.misuse("drop_listing") };
        self.write(|e| e.drop_listing(count, octets));
        self.pending = Pending::Nothing;
        Ok(())
    }

    /// A message and its octets: the answer to LIST with an argument, or a line of the one without.
    ///
    /// # Errors
    /// [`Misuse`] where LIST does not wait for it.
    pub fn scan_listing(&mut self, n: MessageNumber, octets: u64) -> Answer {
        let alone = self.listing(CommandKind::List, "scan_listing")?;
        self.write(|e| e.scan_listing(alone, n, octets));
        Ok(())
    }

    /// A message and its unique-id, of 1 to 70 characters from `!` to `~`: the answer to UIDL with an
    /// argument, or a line of the one without.
    ///
    /// # Errors
    /// [`Misuse`] where UIDL does not wait for it.
    pub fn unique_id_listing(&mut self, n: MessageNumber, unique_id: &str) -> Answer {
        let alone = self.listing(CommandKind::Uidl, "unique_id_listing")?;
        self.write(|e| e.unique_id_listing(alone, n, unique_id));
        Ok(())
    }

    /// A language's tag and its name in itself: a line of the answer to LANG without an argument.
    ///
    /// # Errors
    /// [`Misuse`] where that answer has not begun.
    pub fn language_listing(&mut self, tag: &str, description: &str) -> Answer {
        let Pending::InList(CommandKind::Lang) = self.pending else { return self.misuse("language_listing") };
        self.write(|e| e.language_listing(tag, description));
        Ok(())
    }

    /// Whether the listing is the whole answer to `kind`.
    fn listing(&mut self, kind: CommandKind, called: &'static str) -> Result<bool, Misuse> {
        match self.pending {
            Pending::Answer(asked) if asked == kind => {
                self.pending = Pending::Nothing;
                Ok(true)
            }
            Pending::InList(asked) if asked == kind => Ok(false),
            _ => self.misuse(called),
        }
    }

    /// `+OK`: the answer to LIST, UIDL or LANG without an argument begins.
    ///
    /// # Errors
    /// [`Misuse`] where none of them waits for its answer.
    pub fn begin_list(&mut self, text: &str) -> Answer {
        let Pending::List(kind @ (CommandKind::List | CommandKind::Uidl | CommandKind::Lang)) = self.pending
        else {
            return self.misuse("begin_list");
        };
        self.put_ok(text);
        self.pending = Pending::InList(kind);
        Ok(())
    }

    /// The list is complete.
    ///
    /// # Errors
    /// [`Misuse`] where no list has begun.
    pub fn end_list(&mut self) -> Answer {
        let Pending::InList(_) = self.pending else { return self.misuse("end_list") };
        self.write(|e| e.end());
        self.pending = Pending::Nothing;
        Ok(())
    }

    /// `+OK`: a message follows, for RETR or TOP.
    ///
    /// # Errors
    /// [`Misuse`] where neither waits for its answer.
    pub fn begin_body(&mut self, text: &str) -> Answer {
        let Pending::Answer(CommandKind::Retr | CommandKind::Top) = self.pending else {
            return self.misuse("begin_body");
        };
        self.put_ok(text);
        self.dots = DotEncoder::new(self.stuffing());
        self.pending = Pending::InBody;
        Ok(())
    }

    /// The next octets of the message, as they are: dots are doubled here. They are shared into the
    /// output queue; send it before it grows.
    ///
    /// # Errors
    /// [`Misuse`] where no message has begun.
    pub fn body(&mut self, octets: Bytes) -> Answer {
        let Pending::InBody = self.pending else { return self.misuse("body") };
        self.dots.put(octets, &mut self.out);
        Ok(())
    }

    /// The message is complete. A last line without an end gets one.
    ///
    /// # Errors
    /// [`Misuse`] where no message has begun.
    pub fn end_body(&mut self) -> Answer {
        let Pending::InBody = self.pending else { return self.misuse("end_body") };
        self.dots.finish(&mut self.out);
        self.pending = Pending::Nothing;
        Ok(())
    }

    /// Ends the connection once the output is sent. A message that has begun stays without its end,
    /// so that nobody takes the half for the whole.
    pub fn close(&mut self) {
        self.end(None);
    }

    /// The same for a server that stops: the client reads why, if it is not in the middle of an answer.
    pub fn shutdown(&mut self, text: &str) {
        let between = matches!(self.pending, Pending::Nothing | Pending::Answer(_) | Pending::List(_));
        let speaks = !matches!(self.state, State::Start | State::StlsGiven | State::Handshake | State::Ended);
        if between && speaks {
            self.put_err(Some(RespCode::SysTemp), text);
        }
        self.end(None);
    }
}
