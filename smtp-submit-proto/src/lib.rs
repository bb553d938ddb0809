#![doc = include_str!("guide.md")]
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

pub mod client;
mod encode;
mod grammar;
mod server;
mod types;

pub use encode::Unencodable;
pub use grammar::{AddressError, Rules, SyntaxError, Tolerances, is_domain_or_literal};
pub use server::{
    Answered, BareNewlines, Config, DataRefusal, DeliverByOffer, Error, Event, FutureReleaseOffer, Limits,
    Mechanism, Server,
};
pub use types::{
    BodyType, ByMode, Capabilities, Command, DateTime, DeliverBy, ForwardPath, Hold, LocalPart, MailParams,
    Mailbox, MailboxBuf, Notify, OriginalRecipient, Priority, RcptParams, Reply, Reported, Ret, ReversePath,
    SaslData, Status, Submitter, Verb, Xclient, XclientAttribute, Xtext, status,
};

pub(crate) use grammar::AddressRules;

impl<'b> Command<'b> {
    /// Reads a command line, with or without its CRLF.
    ///
    /// # Errors
    /// The reply that answers it; see [`SyntaxError`].
    pub fn parse(line: &'b [u8], rules: &Rules) -> Result<Self, SyntaxError> {
        let line = line.strip_suffix(b"\r\n").unwrap_or(line);
        grammar::command(line, rules)
    }
}
