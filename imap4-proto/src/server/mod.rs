//! The state machine of the accepting side.
//!
//! ```text
//!                    greeting
//!             OK │             │ PREAUTH        BYE ─► closed
//!                ▼             │
//!      Not authenticated ──┐   │
//!        │ STARTTLS ─► TLS │   │
//!        └──────▲──────────┘   │
//!      LOGIN, AUTHENTICATE     │
//!                ▼             ▼
//!            Authenticated ◄───┘ ◄── CLOSE, UNSELECT, refused SELECT ──┐
//!                └── SELECT, EXAMINE ─► Selected ──────────────────────┘
//!      UNAUTHENTICATE ─► Not authenticated
//!      LOGOUT from anywhere ─► BYE ─► closed
//! ```

mod allowed;
mod answer;
mod append;
mod config;
mod event;
mod fetch;
mod framer;
mod handle;
mod listing;
mod machine;
mod respond;
mod respond_extension;

pub(crate) use allowed::allowed;
pub use allowed::{ALLOWED, State, States};
pub use answer::Answer;
pub use config::{Config, Limits, Mechanism, Passwords, Timeouts};
pub use event::{Answered, AppendBegin, Event};
pub use fetch::FetchWriter;
pub(crate) use listing::Listing;
pub(crate) use machine::AppendOpen;
pub use machine::{Fatal, Server};
