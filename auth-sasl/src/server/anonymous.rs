use alloc::{borrow::ToOwned as _, vec::Vec};

use super::{ServerMechanism, conclude};
use crate::{AnonymousLogin, Answer, Failure, Request, Step, prepare};

/// ANONYMOUS (RFC 4505), accepting side: anybody, who may say what he is called.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Anonymous;

impl ServerMechanism for Anonymous {
    fn name(&self) -> &'static str {
        "ANONYMOUS"
    }

    fn start(&mut self, initial: Option<&[u8]>) -> Step {
        match initial {
            Some(message) => self.respond(message),
            None => Step::Challenge(Vec::new()),
        }
    }

    fn respond(&mut self, message: &[u8]) -> Step {
        match core::str::from_utf8(message) {
            // RFC 4505 section 2: 255 characters. An address may be longer; nobody needs it.
            Ok(trace) if trace.chars().nth(255).is_some() => Step::Failed(Failure::TooLong),
            Ok(trace) if prepare::is_trace(trace) => {
                Step::Need(Request::Anonymous(AnonymousLogin::new(trace.to_owned())))
            }
            _ => Step::Failed(Failure::Malformed),
        }
    }

    fn answer(&mut self, answer: Answer) -> Step {
        conclude(answer)
    }
}
