//! SASL mechanisms (RFC 4422) without IO, clock, randomness or callbacks.
//!
//! A mechanism is a value. It is stepped with the octets the client sent (base64 is the protocol's
//! affair, not the mechanism's) and answers with a [`Step`]: a challenge to send, a [`Request`] its
//! host answers when it can (look a password up, ask a token's issuer), success with an
//! [`Identity`], or a [`Failure`].
//!
//! ```
//! use auth_sasl::{Answer, Channel, Failure, Identity, Mechanism, Offer, Request, Step};
//!
//! // What this connection offers: the credential source knows passwords, TLS is up.
//! let offer = Offer::new(&[Mechanism::PLAIN, Mechanism::LOGIN, Mechanism::XOAUTH2])
//!     .serves(&[auth_sasl::Credential::Password])
//!     .clear_passwords(true);
//! assert_eq!(offer.names().collect::<Vec<_>>(), ["PLAIN", "LOGIN"]);
//!
//! // The client sent `AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm`.
//! let mut exchange = offer.find("plain").expect("offered").begin(&Channel::default());
//! let mut step = exchange.start(Some(b"\0tim\0tanstaaftanstaaf"))?;
//! loop {
//!     step = match step {
//!         Step::Challenge(octets) => { /* send them, wait for the response */ exchange.respond(b"")? }
//!         Step::Need(Request::Password(login)) => {
//!             // Looked up whenever it suits the host; hashed, of course.
//!             if login.authcid == "tim" && login.password.expose() == b"tanstaaftanstaaf" {
//!                 exchange.answer(Answer::Accepted(Identity::new("tim", None)))?
//!             } else {
//!                 exchange.answer(Answer::Refused(Failure::Credentials))?
//!             }
//!         }
//!         Step::Need(_) => exchange.answer(Answer::Refused(Failure::Unsupported))?,
//!         Step::Done(identity) => { assert_eq!(identity.authcid, "tim"); break }
//!         Step::Failed(reason) => panic!("{reason}"),
//!     };
//! }
//! # Ok::<(), auth_sasl::Misuse>(())
//! ```
//!
//! # What there is
//! | mechanism | server asks its host for | client needs |
//! |---|---|---|
//! | SCRAM-SHA-512, -256, -1, each with and without -PLUS | [`Request::ScramKeys`], then [`Request::Authorize`] | name, password, random octets |
//! | OAUTHBEARER, XOAUTH2 | [`Request::Bearer`] | mailbox, token |
//! | PLAIN, LOGIN | [`Request::Password`] | name, password |
//! | EXTERNAL | [`Request::Certificate`] | to have shown a certificate |
//! | ANONYMOUS | [`Request::Anonymous`] | to want it |
//! | CRAM-MD5 | [`Request::CramMd5`] | name, password, a policy that allows it |
//!
//! [`Mechanism::BEST_FIRST`] are those to list; an [`Offer`] leaves out what the host cannot serve.
//! SCRAM wants random octets and a [`Decoy`](scram::Decoy) in the [`Channel`]; its -PLUS variants are
//! listed before TLS too, so that a client sees when somebody takes them from the list.
//!
//! The client's side begins with [`choose`], which gives a [`ClientExchange`]. A client asks
//! [`ClientExchange::success`] before it believes the server's.
//!
//! Names and passwords are prepared by SASLprep ([`prepare`]) where the RFCs ask for it: the password
//! in [`Request::Password`] is what is to be hashed and compared. Protocol commands that carry a
//! password without a mechanism (IMAP LOGIN, POP3 PASS), and the program that sets passwords, want
//! [`prepare::password`] too, or the same password will not be the same.
//!
//! # The set is open
//! [`ServerMechanism`] and [`ClientMechanism`] are object-safe: implement them anywhere, describe them
//! by [`Mechanism::new`] and [`ClientMethod::new`], and list them beside those of this crate. What one
//! needs and no [`Request`] names goes through [`Request::Other`].
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

pub mod apop;
mod client;
pub mod cram_md5;
mod json;
mod offer;
pub mod prepare;
pub mod scram;
mod secret;
mod server;
mod step;

pub use client::{
    ChooseError, ClientError, ClientExchange, ClientLogin, ClientMechanism, ClientMethod, ClientPolicy,
    ClientSetup, ClientStep, choose,
};
pub use offer::{Channel, Credential, Mechanism, Offer};
pub use secret::Secret;
pub use server::{
    Anonymous, Bearer, CramMd5, External, Login, Misuse, Plain, ServerExchange, ServerMechanism,
};
pub use step::{
    AnonymousLogin, Answer, Authorization, BearerError, BearerLogin, CertificateLogin, Failure, Identity,
    PasswordLogin, Request, Step,
};

/// Octets of a user name, an authorization identity or a password, at most.
///
/// RFC 4616 section 2 demands at least 255.
pub const MAX_FIELD: usize = 1024;
/// Octets of one client message before base64, at most: what fits the 12,288 octets RFC 4954 section
/// 4 gives an AUTH line.
pub const MAX_MESSAGE: usize = 9216;
/// Challenges of one exchange, at most.
pub const MAX_ROUNDS: u8 = 16;
