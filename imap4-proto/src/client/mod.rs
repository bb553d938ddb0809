//! The state machine of the connecting side.
//!
//! Methods queue commands and return their [`Tag`]; events are the server's responses, and [`Event::Done`] ends a command.
//! Any number of commands can be in flight. AUTHENTICATE, STARTTLS, COMPRESS, APPEND, REPLACE and IDLE want the connection for themselves:
//! until they are over, other commands are [`Misuse`](mail_wire::Misuse).
//!
//! A string that needs a literal waits for the server's `+` where the server has neither LITERAL+ nor LITERAL- for its
//! length; what was queued after it waits with it, and a tagged NO or BAD in place of `+` drops the rest of that command alone.

mod append;
mod command;
mod config;
mod event;
mod framer;
mod handle;
mod known;
mod machine;
mod pending;
mod raw;

pub use config::{Config, Limits, Timeouts};
pub use event::{Event, Tag};
pub use known::ServerCapabilities;
pub use machine::{Client, Fatal};
