use crate::{Capabilities, Reply, SaslData, Verb};

use super::{Client, Event, Expect, Mode, Phase};

impl Client {
    pub(super) fn reply<'b>(&mut self, reply: Reply<'b>) -> Event<'b> {
        let what = self.pending.pop_front().map(|awaited| awaited.what);
        if reply.code() == 421 || what == Some(Expect::Quit) {
            self.out.clear_held();
            self.end();
            return Event::Closing(reply);
        }
        let event = what.map_or(Event::Closing(reply), |what| self.answered(what, reply));
        if self.pending.front().is_some_and(|next| next.stopped) {
            if let Some(next) = self.pending.front_mut() {
                next.stopped = false;
            }
            self.out.release();
        }
        if self.mail_refused && self.pending.is_empty() && matches!(self.phase, Phase::Mail | Phase::Rcpt) {
            self.phase = Phase::Ready;
        }
        event
    }

    fn answered<'b>(&mut self, what: Expect, reply: Reply<'b>) -> Event<'b> {
        let good = reply.is_positive();
        match what {
            Expect::Greeting => {
                if reply.code() != 220 {
                    self.refused_at_the_door();
                }
                Event::Greeting(reply)
            }
            Expect::Hello(verb) => self.hello_answered(verb, reply),
            Expect::StartTls => {
                if reply.code() == 220 {
                    self.mode = Mode::TlsWanted;
                }
                Event::StartTls(reply)
            }
            Expect::Auth => self.auth_answered(reply),
            Expect::Mail => {
                self.mail_refused = !good;
                Event::Mail(reply)
            }
            Expect::Rcpt(index) => {
                if good {
                    self.accepted = self.accepted.saturating_add(1);
                    if self.config.lmtp {
                        self.accepted_indices.push(index);
                    }
                }
                Event::Rcpt { index, reply }
            }
            Expect::Data if reply.is_intermediate() => self.go(),
            Expect::Data => {
                self.phase = if self.mail_refused { Phase::Ready } else { Phase::Rcpt };
                Event::DataRefused(reply)
            }
            Expect::Chunk if self.failed => Event::Reply { command: Verb::Bdat, reply },
            Expect::Chunk if good => Event::Chunk(reply),
            Expect::Chunk => {
                self.failed = true;
                Event::Sent { recipient: None, last: true, reply }
            }
            Expect::End { .. } if self.failed => {
                self.reset_by_itself();
                Event::Reply { command: Verb::Bdat, reply }
            }
            Expect::End { recipient, last } => {
                if last {
                    self.phase = Phase::Ready;
                    if self.chunked && !good {
                        self.reset_by_itself();
                    }
                }
                Event::Sent { recipient, last, reply }
            }
            Expect::Other(command) => Event::Reply { command, reply },
            Expect::Quit => Event::Closing(reply),
        }
    }

    /// RFC 5321 section 3.1: after 554 nothing but QUIT.
    fn refused_at_the_door(&mut self) {
        self.out.clear_held();
        self.pending.clear();
        self.phase = Phase::Over;
        self.send(Expect::Quit, |client| client.out.put(b"QUIT\r\n"));
    }

    fn hello_answered<'b>(&mut self, verb: Verb, reply: Reply<'b>) -> Event<'b> {
        if reply.is_positive() {
            self.capabilities = match verb {
                Verb::Helo => Capabilities::default(),
                _ => Capabilities::read(reply),
            };
            if self.phase == Phase::Start {
                self.phase = Phase::Ready;
            }
            return Event::Ready(reply);
        }
        // RFC 5321 section 3.2: an older server knows HELO. What was queued behind (QUIT) makes it needless.
        if verb == Verb::Ehlo && reply.is_permanent() && self.pending.is_empty() {
            let _ = self.say_hello(Verb::Helo);
            return Event::Fallback(reply);
        }
        Event::HelloRefused(reply)
    }

    fn auth_answered<'b>(&mut self, reply: Reply<'b>) -> Event<'b> {
        if reply.code() == 334 {
            self.phase = Phase::Challenged;
            let text = reply.lines().last().unwrap_or(&[]);
            return match SaslData::from_base64(text.trim_ascii()) {
                Some(data) => Event::Challenge(data),
                None => {
                    self.auth_line(b"*");
                    Event::Reply { command: Verb::Auth, reply }
                }
            };
        }
        self.phase = Phase::Ready;
        self.authenticated = reply.code() == 235;
        if self.authenticated { Event::Authenticated(reply) } else { Event::AuthFailed(reply) }
    }
}
