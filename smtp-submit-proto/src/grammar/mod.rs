//! One whole line in, a value out. Each function quotes its production.
//!
//! The line comes without its CRLF. Errors carry the reply that answers them.

mod address;
mod command;
mod parameter;

pub(crate) use address::{AddressRules, is_domain, is_domain_or_literal, mailbox};
pub use address::AddressError;
pub(crate) use command::{auth_response, command};
pub use command::{AuthLine, Rules, SyntaxError, Tolerances};
