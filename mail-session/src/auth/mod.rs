//! Who may enter: an [`Authority`] answers what [`auth_sasl`] mechanisms ask, and the sessions of all
//! three protocols go through it.
//!
//! A session keeps one [`LoginContext`]. What it lists comes from [`offered`], `LOGIN` and
//! `USER`/`PASS` go to [`login`], `APOP` to [`apop()`], and AUTHENTICATE or AUTH is an [`Exchange`]:
//!
//! ```
//! # use mail_session::auth::*;
//! # async fn f(authority: impl Authority, context: LoginContext, wire: &[u8]) -> Result<(), AuthError> {
//! let mut exchange = Exchange::new(&authority, &context, "PLAIN")?;
//! match exchange.start(&authority, &context, None).await {
//!     Outcome::Challenge(octets) => { /* send; the response then goes to `exchange.respond` */ }
//!     Outcome::Done(identity) => { /* open identity.account */ }
//!     Outcome::Failed(error) => { /* error.imap(), error.pop3_code(), error.smtp() */ }
//! }
//! # Ok(()) }
//! ```

mod apop;
mod authority;
mod context;
mod error;
mod exchange;
mod offer;

pub use apop::{apop, apop_timestamp};
pub use auth_sasl::{
    BearerError, Credential, Mechanism, Secret,
    scram::{Decoy, Hash, StoredKeys},
};
pub use authority::{Authority, Identity};
pub use context::{LoginContext, Plaintext, Protocol};
pub use error::{AuthError, AuthErrorKind, ImapRefusal, SmtpRefusal};
pub use exchange::{Exchange, Outcome, login};
pub use offer::{Listed, listed, offered};
