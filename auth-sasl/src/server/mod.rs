//! The accepting side of each mechanism.

mod anonymous;
mod bearer;
mod cram_md5;
mod external;
mod login;
mod plain;

use alloc::{
    boxed::Box,
    string::{String, ToString as _},
    vec::Vec,
};
use core::fmt;

pub use anonymous::Anonymous;
pub use bearer::Bearer;
pub use cram_md5::CramMd5;
pub use external::External;
pub use login::Login;
pub use plain::Plain;

use crate::{
    Answer, Failure, MAX_FIELD, MAX_MESSAGE, MAX_ROUNDS, Secret, Step, prepare,
    prepare::{Purpose, saslprep},
};

/// One exchange of one mechanism, server side: a value stepped with octets.
///
/// Called through a [`ServerExchange`], which sees to it that `start` comes first and once, that
/// `respond` follows a [`Step::Challenge`] and `answer` a [`Step::Need`], that no message is
/// longer than [`MAX_MESSAGE`], and that an identity that was asked for is honoured or the login refused.
/// An implementation need not check that again.
pub trait ServerMechanism: Send + fmt::Debug {
    /// Its registered name.
    fn name(&self) -> &'static str;

    /// The client asked for this mechanism; `initial` is its initial response where it sent one
    /// (`Some(b"")`: an empty one, which is not the same).
    ///
    /// Unless overridden, the client speaks first: an empty challenge asks for its message (RFC 4422 section 5, 2(b)).
    fn start(&mut self, initial: Option<&[u8]>) -> Step {
        match initial {
            Some(message) => self.respond(message),
            None => Step::Challenge(Vec::new()),
        }
    }

    /// The client's response to the last challenge.
    fn respond(&mut self, response: &[u8]) -> Step;

    /// The host's answer to the last request. Unless overridden, it decides: there was one question.
    fn answer(&mut self, answer: Answer) -> Step {
        conclude(answer)
    }
}

/// An exchange under way: a mechanism with its order and bounds kept.
#[derive(Debug)]
pub struct ServerExchange {
    mechanism: Box<dyn ServerMechanism>,
    state: State,
    rounds: u8,
    /// Whom the client wants to act as, where that is not himself: the next answer has to say so.
    acts_as: Option<Box<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    AwaitsResponse,
    AwaitsAnswer,
    Over,
}

/// A step was made out of turn. It is the calling program's mistake; the exchange stays as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{called}` has no place in the exchange's present state ({state})")]
pub struct Misuse {
    /// The method.
    pub called: &'static str,
    /// The state the exchange is in.
    pub state: &'static str,
}

impl ServerExchange {
    /// An exchange of `mechanism`, not yet started.
    #[must_use]
    pub fn new(mechanism: Box<dyn ServerMechanism>) -> Self {
        Self { mechanism, state: State::New, rounds: 0, acts_as: None }
    }

    /// The mechanism's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.mechanism.name()
    }

    /// Begins, with the client's initial response where it sent one.
    ///
    /// # Errors
    /// [`Misuse`] when it has begun already.
    pub fn start(&mut self, initial: Option<&[u8]>) -> Result<Step, Misuse> {
        self.expect("start", State::New)?;
        let step = if initial.is_some_and(|i| i.len() > MAX_MESSAGE) {
            Step::Failed(Failure::TooLong)
        } else {
            self.mechanism.start(initial)
        };
        Ok(self.after(step))
    }

    /// The client's response to a challenge, decoded.
    ///
    /// # Errors
    /// [`Misuse`] when the last step was no challenge.
    pub fn respond(&mut self, response: &[u8]) -> Result<Step, Misuse> {
        self.expect("respond", State::AwaitsResponse)?;
        let step = if response.len() > MAX_MESSAGE {
            Step::Failed(Failure::TooLong)
        } else {
            self.mechanism.respond(response)
        };
        Ok(self.after(step))
    }

    /// The host's answer to a request.
    ///
    /// # Errors
    /// [`Misuse`] when the last step was no request.
    pub fn answer(&mut self, answer: Answer) -> Result<Step, Misuse> {
        self.expect("answer", State::AwaitsAnswer)?;
        let answer = match (answer, self.acts_as.take()) {
            (Answer::Accepted(identity), Some(asked)) if !identity.is(&asked) => {
                Answer::Refused(Failure::NotAuthorized)
            }
            (answer, _) => answer,
        };
        let step = self.mechanism.answer(answer);
        Ok(self.after(step))
    }

    /// The client cancelled (`*` in the mail protocols): the exchange is over.
    pub fn cancel(&mut self) -> Failure {
        self.state = State::Over;
        Failure::Cancelled
    }

    fn expect(&self, called: &'static str, state: State) -> Result<(), Misuse> {
        if self.state == state {
            return Ok(());
        }
        let state = match self.state {
            State::New => "not started",
            State::AwaitsResponse => "waits for the client's response",
            State::AwaitsAnswer => "waits for the host's answer",
            State::Over => "over",
        };
        Err(Misuse { called, state })
    }

    fn after(&mut self, step: Step) -> Step {
        self.state = match &step {
            Step::Challenge(_) if self.rounds >= MAX_ROUNDS => {
                self.state = State::Over;
                return Step::Failed(Failure::TooLong);
            }
            Step::Challenge(_) => {
                self.rounds += 1;
                State::AwaitsResponse
            }
            Step::Need(request) => {
                self.acts_as = request.acts_as().map(Box::from);
                State::AwaitsAnswer
            }
            Step::Done(_) | Step::Failed(_) => State::Over,
        };
        step
    }
}

/// A user name or authorization identity: UTF-8 without NUL, not empty, not too long.
fn name(octets: &[u8]) -> Result<&str, Failure> {
    match core::str::from_utf8(octets) {
        _ if octets.len() > MAX_FIELD => Err(Failure::TooLong),
        Ok(name) if !name.is_empty() && !octets.contains(&0) => Ok(name),
        _ => Err(Failure::Malformed),
    }
}

/// What a mechanism does with the answer to its only request.
fn conclude(answer: Answer) -> Step {
    match answer {
        Answer::Accepted(identity) => Step::Done(identity),
        Answer::Refused(failure) | Answer::BearerRefused(failure, _) => Step::Failed(failure),
        Answer::ScramKeys(_) | Answer::Other(_) => Step::Failed(Failure::Unsupported),
    }
}

/// A user name prepared by SASLprep, as compared with what is stored.
fn user(octets: &[u8]) -> Result<String, Failure> {
    if octets.len() <= MAX_FIELD && prepare::is_prepared(octets) {
        return core::str::from_utf8(octets).map(String::from).map_err(|_| Failure::Malformed);
    }
    let prepared = saslprep(name(octets)?, Purpose::Query).map_err(|_| Failure::Credentials)?;
    Ok(prepared.to_string())
}

/// A password as compared with what is stored: without NUL, not empty, not too long (RFC 4616 section 2: one that
/// cannot be prepared is wrong).
fn password(octets: &[u8]) -> Result<Secret, Failure> {
    match octets.len() {
        0 => Err(Failure::Malformed),
        1..=MAX_FIELD if prepare::is_prepared(octets) => Ok(Secret::new(octets)),
        1..=MAX_FIELD if octets.contains(&0) => Err(Failure::Malformed),
        1..=MAX_FIELD => prepare::password(octets, Purpose::Query).map_err(|_| Failure::Credentials),
        _ => Err(Failure::TooLong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Identity, Mechanism};

    #[test]
    fn a_step_out_of_turn_is_misuse_and_changes_nothing() {
        let mut e = Mechanism::PLAIN.begin(&crate::Channel::default());
        assert!(e.respond(b"").is_err());
        assert!(e.answer(Answer::Refused(Failure::Credentials)).is_err());
        assert!(matches!(e.start(None), Ok(Step::Challenge(c)) if c.is_empty()));
        assert!(e.start(None).is_err());
        assert!(matches!(e.respond(b"\0u\0p"), Ok(Step::Need(_))));
        assert_eq!(
            e.respond(b"\0u\0p").unwrap_err(),
            Misuse { called: "respond", state: "waits for the host's answer" }
        );
        assert!(matches!(e.answer(Answer::Accepted(Identity::new("u", None))), Ok(Step::Done(_))));
        assert!(e.respond(b"").is_err());
    }

    #[test]
    fn a_cancelled_exchange_is_over() {
        let mut e = Mechanism::LOGIN.begin(&crate::Channel::default());
        let _ = e.start(None).unwrap();
        assert_eq!(e.cancel(), Failure::Cancelled);
        assert!(e.respond(b"u").is_err());
    }

    #[test]
    fn an_endless_mechanism_is_ended() {
        #[derive(Debug)]
        struct Endless;
        impl ServerMechanism for Endless {
            fn name(&self) -> &'static str {
                "X-ENDLESS"
            }
            fn start(&mut self, _: Option<&[u8]>) -> Step {
                Step::Challenge(Vec::new())
            }
            fn respond(&mut self, _: &[u8]) -> Step {
                Step::Challenge(Vec::new())
            }
            fn answer(&mut self, _: Answer) -> Step {
                Step::Challenge(Vec::new())
            }
        }
        let mut e = ServerExchange::new(Box::new(Endless));
        let mut step = e.start(None).unwrap();
        let mut rounds = 0;
        while matches!(step, Step::Challenge(_)) {
            rounds += 1;
            step = e.respond(b"").unwrap();
        }
        assert_eq!(rounds, MAX_ROUNDS);
        assert!(matches!(step, Step::Failed(Failure::TooLong)));
    }

    #[test]
    fn an_over_long_message_fails_before_the_mechanism_sees_it() {
        for m in [Mechanism::PLAIN, Mechanism::LOGIN, Mechanism::XOAUTH2] {
            let long = alloc::vec![b'a'; MAX_MESSAGE + 1];
            let mut e = m.begin(&crate::Channel::default());
            assert!(matches!(e.start(Some(&long)), Ok(Step::Failed(Failure::TooLong))));
            let mut e = m.begin(&crate::Channel::default());
            let _ = e.start(None).unwrap();
            assert!(matches!(e.respond(&long), Ok(Step::Failed(Failure::TooLong))));
        }
    }
}
