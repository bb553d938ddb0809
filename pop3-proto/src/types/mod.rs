//! The values of POP3, borrowed from the frame where they come from the wire.

mod capability;
mod command;
mod digest;
mod number;
mod response;
mod secret;

pub use capability::{Capability, LoginDelay, Retention};
pub use command::{Command, CommandKind, OwnedCommand, SyntaxError, Tolerance};
pub use digest::Digest;
pub use mail_wire::SecretBuf;
pub use number::MessageNumber;
pub use response::RespCode;
pub use secret::Secret;
