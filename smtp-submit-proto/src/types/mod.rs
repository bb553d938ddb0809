//! The values of the protocol, borrowed from the frame where they come from the wire.

mod address;
mod capabilities;
mod command;
mod extension;
mod parameter;
mod reply;
mod response;
mod sasl;

pub use address::{ForwardPath, LocalPart, Mailbox, MailboxBuf, ReversePath};
pub use capabilities::Capabilities;
pub use command::{Command, Verb};
pub use extension::{
    ByMode, DateTime, DeliverBy, Hold, Notify, OriginalRecipient, Priority, Reported, Ret, Xclient,
    XclientAttribute,
};
pub use parameter::{BodyType, MailParams, RcptParams, Submitter, Xtext};
pub use reply::{Status, status};
pub use response::Reply;
pub use sasl::SaslData;

pub(crate) use parameter::Parameter;
