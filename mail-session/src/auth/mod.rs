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
//!
//! # A mechanism of one's own
//! [`auth_sasl`]'s set is open, and the sessions' too: an authority that lists a mechanism from outside, serves its
//! [`Credential::Other`] and answers its questions in [`Authority::other`] offers it by all three protocols. Here a
//! client shows the code its owner was sent:
//! ```
//! use std::{any::Any, borrow::Cow};
//! use auth_sasl::{Answer, Failure, Request, ServerMechanism, Step};
//! use mail_session::auth::*;
//!
//! /// One message: the name, a space, the code.
//! #[derive(Debug)]
//! struct Code;
//! /// What it asks.
//! struct IsSent { name: String, code: Secret }
//!
//! impl ServerMechanism for Code {
//!     fn name(&self) -> &'static str { "X-CODE" }
//!     fn respond(&mut self, message: &[u8]) -> Step {
//!         let at = message.iter().position(|b| *b == b' ');
//!         match at.and_then(|at| Some((str::from_utf8(&message[..at]).ok()?, &message[at + 1..]))) {
//!             Some((name, code)) => Step::Need(Request::Other(Box::new(IsSent {
//!                 name: name.to_owned(),
//!                 code: Secret::new(code),
//!             }))),
//!             None => Step::Failed(Failure::Malformed),
//!         }
//!     }
//! }
//!
//! const SERVED: Credential = Credential::Other("X-CODE");
//! /// It shows a secret, so it wants TLS.
//! const X_CODE: Mechanism = Mechanism::new("X-CODE", SERVED, true, |_| Box::new(Code));
//!
//! struct Door;
//! impl Authority for Door {
//!     async fn password(&self, _: &LoginContext, _: &str, _: Option<&str>, _: &[u8]) -> Result<Identity, AuthError> {
//!         Err(AuthErrorKind::Wrong.into())
//!     }
//!     async fn other(&self, _: &LoginContext, question: Box<dyn Any + Send>) -> Result<Reply, AuthError> {
//!         let asked = question.downcast::<IsSent>().map_err(|_| AuthErrorKind::Unsupported)?;
//!         // Secrets compare in constant time.
//!         if asked.name == "tim" && asked.code == Secret::new(b"4711") {
//!             Ok(Reply::Entered(Identity::new("tim")))
//!         } else {
//!             Err(AuthErrorKind::Wrong.into())
//!         }
//!     }
//!     fn mechanisms(&self, _: &LoginContext) -> &[Mechanism] {
//!         &[X_CODE, Mechanism::PLAIN]
//!     }
//!     fn credentials(&self, _: &LoginContext) -> Cow<'_, [Credential]> {
//!         Cow::Borrowed(&[SERVED, Credential::Password])
//!     }
//! }
//!
//! # futures_lite_block(async {
//! let context = LoginContext::new(Protocol::Imap4, "[::1]:1", "s1").with_plaintext(Plaintext::Always);
//! assert_eq!(offered(&Door, &context).collect::<Vec<_>>(), ["X-CODE", "PLAIN"]);
//! let mut exchange = Exchange::new(&Door, &context, "X-CODE")?;
//! let outcome = exchange.start(&Door, &context, Some(b"tim 4711")).await;
//! assert!(matches!(outcome, Outcome::Done(who) if who.account == "tim"));
//! # Ok::<(), AuthError>(())
//! # }).unwrap();
//! # fn futures_lite_block<T>(f: impl Future<Output = T>) -> T { smol::block_on(f) }
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
pub use authority::{Authority, Identity, Reply};
pub use context::{LoginContext, Plaintext, Protocol};
pub use error::{AuthError, AuthErrorKind, ImapRefusal, SmtpRefusal};
pub use exchange::{Exchange, Outcome, login};
pub use offer::{Listed, listed, offered};
