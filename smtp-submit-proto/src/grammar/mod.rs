//! One whole line in, a value out. Each function quotes its production.
//!
//! The line comes without its CRLF. Errors carry the reply that answers them.

mod address;
mod class;
mod command;
mod extension;
mod parameter;
mod plain;
mod reply;

pub use address::{AddressError, is_domain_or_literal};
pub(crate) use address::{AddressRules, mailbox};
pub(crate) use command::{AuthLine, auth_response, command, verb_of};
pub use command::{Rules, SyntaxError, Tolerances};
pub(crate) use extension::{is_addr_type, is_date_time, is_xclient, xclient_attribute};
pub(crate) use reply::{enhanced, reply_line};
