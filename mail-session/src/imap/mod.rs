//! IMAP4 on a store (RFC 3501, RFC 9051): the session of one client.
//!
//! ```no_run
//! use mail_drive::NoTimer;
//! use mail_session::{Connection, auth::{Authority, LoginContext, Protocol}, imap};
//! use mailstore_api::MailStore;
//!
//! # async fn f<S>(stream: S, store: impl MailStore, authority: impl Authority)
//! # where S: futures_io::AsyncRead + futures_io::AsyncWrite + Unpin + Send + 'static {
//! let config = imap::Config::new("mail.example.test");
//! let context = LoginContext::new(Protocol::Imap4, "192.0.2.1:12345", "i1");
//! let connection = Connection::plain(stream, NoTimer, context);
//! let shutdown = std::future::pending::<()>();
//! let ended = imap::serve(&store, &authority, connection, &config, shutdown).await;
//! # }
//! ```
//!
//! # How a command becomes an answer
//! The machine of [`imap4_proto`] frames and reads the command. Here it becomes calls on the account or the
//! selected mailbox, in UIDs: what sequence numbers and `*` mean is the [`View`](crate::view::View)'s to say. Before a
//! tagged OK the session asks the store what else has changed, and tells the client what it can follow.
//!
//! One file for each group of commands; what is long or rare is a boxed future, so that a session that
//! waits is small.

mod append;
mod config;
mod copy_move;
mod failure;
mod fetch;
mod hierarchy;
mod idle;
mod login;
mod mailboxes;
mod modseq;
mod names;
mod pattern;
mod search_cmd;
mod search_key;
mod select;
mod selected;
mod serve;
mod session;
mod store_flags;

pub use config::Config;
pub use serve::serve;
