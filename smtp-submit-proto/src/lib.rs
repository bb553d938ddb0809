#![doc = include_str!("guide.md")]
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod encode;
mod grammar;
mod server;
mod types;

pub use encode::Unencodable;
pub use grammar::{AddressError, Rules, SyntaxError, Tolerances, is_domain_or_literal};
pub use server::{Answered, BareNewlines, Config, DataRefusal, Error, Event, Limits, Mechanism, Server};
pub use types::{
    BodyType, Command, ForwardPath, LocalPart, MailParams, Mailbox, MailboxBuf, RcptParams, ReversePath,
    SaslData, Status, Submitter, Verb, Xtext, status,
};

pub(crate) use grammar::AddressRules;

impl<'b> Command<'b> {
    /// Reads a command line, with or without its CRLF.
    ///
    /// # Errors
    /// The reply that answers it; see [`SyntaxError`].
    pub fn parse(line: &'b [u8], rules: &Rules) -> Result<Self, SyntaxError> {
        let line = line.strip_suffix(b"\r\n").unwrap_or(line);
        grammar::command(line, rules).map_err(|(_, e)| e)
    }
}
