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
//!      LOGOUT from anywhere ─► BYE ─► closed
//! ```

mod allowed;
mod answer;
mod config;
mod event;
mod fetch;
mod framer;
mod handle;
mod listing;
mod machine;
mod respond;

pub(crate) use allowed::allowed;
pub use allowed::{ALLOWED, State, States};
pub use answer::Answer;
pub use config::{Config, Limits, Mechanism, Passwords, Timeouts};
pub use event::{Answered, AppendBegin, Event};
pub use fetch::FetchWriter;
pub(crate) use listing::Listing;
pub use machine::{Fatal, Server};
