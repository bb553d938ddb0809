//! The values of the protocol, borrowed from the frame where they come from the wire.

mod address;
mod command;
mod parameter;
mod reply;
mod sasl;

pub use address::{ForwardPath, LocalPart, Mailbox, MailboxBuf, ReversePath};
pub use command::{Command, Verb};
pub use parameter::{BodyType, MailParams, RcptParams, Submitter, Xtext};
pub use reply::{Status, status};
pub use sasl::SaslData;

pub(crate) use parameter::Parameter;
