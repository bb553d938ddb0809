//! SMTP submission (RFC 6409): from AUTH to a message that is kept.
//!
//! [`serve()`] runs one connection. Who may enter is the [`Authority`]'s to say, who may send as whom and
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
//! let shutdown = std::future::pending::<()>();
//! let ended = submission::serve(&store, &authority, &router, connection, &config, shutdown).await;
//! # }
//! ```
//!
//! # What 250 means
//! The message is durable in each recipient's mailbox, or, where the store has a [queue](MailStore::queue), in the
//! queue for whoever could not be served at once: recipients elsewhere ([`Route::Elsewhere`]), mailboxes here
//! that did not take it now, and everybody when it is to be held back (FUTURERELEASE). Both happen in one step
//! of the store. What the queue holds is [`outbound`](crate::outbound)'s to carry further, and to report.
//!
//! Without a queue, a store that answers otherwise than `Ok` for some recipient has the whole submission refused,
//! with 4yz if the same may work later for any of them: nothing is acknowledged that is not kept. A client that tries
//! again may then deliver a second copy to those for whom it worked, which RFC 5321 section 6.1 prefers to a loss.
//!
//! # What is added, and that nothing else is
//! `Return-Path:` for each recipient (RFC 5321 section 4.4), `Received:`, and by [`Repairs`] and [`HeaderFrom`] what
//! RFC 6409 section 8 permits: `From:`, `Sender:`, `Date:` and `Message-ID:` where the client gave none or a wrong one. All
//! of it stands before the client's octets, and these are kept as they are, but for `Bcc:` where it is to be taken out,
//! a `Sender:` that is replaced, and a field without a value whose place is taken. An empty line goes between where
//! those octets begin with no header at all, since else they would become a part of ours. A header longer than
//! [`Config::header_limit`] is passed on without repair; refused with 552, where who is named in it matters.

mod census;
mod config;
mod front_end;
mod head;
mod login;
mod receive;
mod repair;
mod router;
mod serve;
pub(crate) mod trace;
mod transaction;

pub use config::{Config, HeaderFrom, OverQuota, Repairs};
pub use router::{Refusal, Route, Router};
pub use serve::serve;

pub(crate) use serve::run;
pub(crate) use transaction::return_path;

#[cfg(doc)]
use {crate::auth::Authority, mailstore_api::MailStore};
