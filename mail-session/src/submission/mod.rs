//! SMTP submission (RFC 6409): from AUTH to a message that is kept.
//!
//! [`serve`] runs one connection. Who may enter is the [`Authority`]'s to say, who may send as whom and
//! where mail goes the [`Router`]'s, and the message goes into the [`MailStore`] while it comes in: no more of
//! it than its header is ever in memory.
//!
//! ```no_run
//! use mail_drive::NoTimer;
//! use mail_session::{Connection, auth::{Authority, LoginContext, Protocol}, submission::{self, Router}};
//! use mailstore_api::MailStore;
//!
//! # async fn f<S>(stream: S, store: impl MailStore, authority: impl Authority, router: impl Router)
//! # where S: futures_io::AsyncRead + futures_io::AsyncWrite + Unpin + Send + 'static {
//! let config = submission::Config::new("mail.example.test");
//! let context = LoginContext::new(Protocol::Submission, "192.0.2.1:12345", "s1");
//! let connection = Connection::plain(stream, NoTimer, context);
//! let shutdown = std::future::pending();
//! let ended = submission::serve(&store, &authority, &router, connection, &config, shutdown).await;
//! # }
//! ```
//!
//! # What 250 means
//! The store has answered `Ok` for every recipient: the message is durable in each of their mailboxes.
//! When it answered otherwise for some, the whole submission is refused, with 4yz if the same may work
//! later for any of them: nothing is acknowledged that is not kept. A client that tries again may then
//! deliver a second copy to those for whom it worked, which RFC 5321 section 6.1 prefers to a loss.
//!
//! # What is added, and that nothing else is
//! `Return-Path:` for each recipient (RFC 5321 section 4.4), `Received:`, and `Date:` and `Message-ID:` where the
//! client gave none (RFC 6409 section 8.2 and 8.3). All of it stands before the client's octets, and these are
//! kept as they are. An empty line goes between where those octets begin with no header at all, since
//! else they would become a part of ours. A header longer than [`Config::header_limit`] is passed on without
//! `Date:` and `Message-ID:`.

mod config;
mod head;
mod router;
mod serve;
mod trace;
mod transaction;

pub use config::Config;
pub use router::{Refusal, Route, Router};
pub use serve::serve;

#[cfg(doc)]
use {crate::auth::Authority, mailstore_api::MailStore};
