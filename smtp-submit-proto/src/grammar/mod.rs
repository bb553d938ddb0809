//! One whole line in, a value out. Each function quotes its production.
//!
//! The line comes without its CRLF. Errors carry the reply that answers them.

mod address;
mod command;
mod parameter;

pub use address::{AddressError, is_domain_or_literal};
pub(crate) use address::{AddressRules, mailbox};
pub(crate) use command::{AuthLine, auth_response, command};
pub use command::{Rules, SyntaxError, Tolerances};
