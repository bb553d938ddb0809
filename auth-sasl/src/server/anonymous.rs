use alloc::borrow::ToOwned as _;

use super::ServerMechanism;
use crate::{AnonymousLogin, Failure, Request, Step, prepare};

/// ANONYMOUS (RFC 4505), accepting side: anybody, who may say what he is called.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Anonymous;

impl ServerMechanism for Anonymous {
    fn name(&self) -> &'static str {
        "ANONYMOUS"
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
}
