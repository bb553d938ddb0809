//! Out to other servers: what the queue holds is carried to a smart host, tried again, given up, reported.
//!
//! [`Outbound`] works off the queue of a store ([`MailStore::queue`]), which [`submission`](crate::submission) fills: each
//! recipient is routed anew ([`Router::route`]), delivered into a mailbox here, or carried over a [`Link`] to the smart
//! host that [`Connect`] leads to. It runs on no runtime: [`Outbound::run`] is one worker, and a host spawns as many as
//! messages are to travel at once.
//!
//! ```no_run
//! use std::{io, sync::Arc};
//! use mail_drive::{NoTls, Timer};
//! use mail_session::{Encryption, outbound::{Config, Connect, LinkConfig, Outbound}, submission::Router};
//! use mailstore_api::MailStore;
//! use smol::net::TcpStream;
//!
//! struct SmartHost;
//! impl Connect for SmartHost {
//!     type Stream = TcpStream;
//!     type Tls = NoTls;
//!     fn name(&self) -> &str {
//!         "smarthost.example.test"
//!     }
//!     async fn connect(&self) -> io::Result<(TcpStream, NoTls)> {
//!         Ok((TcpStream::connect("127.0.0.1:25").await?, NoTls))
//!     }
//!     async fn link(&self) -> io::Result<LinkConfig> {
//!         Ok(LinkConfig::new("mail.example.test", Encryption::None))
//!     }
//! }
//!
//! fn start(store: impl MailStore, router: impl Router, timer: impl Timer + Clone) {
//!     let config = Config::new("mail.example.test");
//!     let outbound = Arc::new(Outbound::new(store, router, Some(SmartHost), timer, config));
//!     for _ in 0..4 {
//!         let worker = Arc::clone(&outbound);
//!         smol::spawn(async move { worker.run(std::future::pending::<()>()).await }).detach();
//!     }
//! }
//! ```
//!
//! # What is promised
//! - Each recipient is served, or its sender told, at least once: nobody's state is written down before the server's
//!   250, or before the mailbox is durable; a crash between leads to a second copy, never to none (RFC 5321
//!   section 6.1).
//! - A report and what it reports are one step of the store. A report is sent to nobody but the sender, never about
//!   a message from `<>`, and as NOTIFY, RET, ENVID and ORCPT ask (RFC 3461 section 5 and 6).
//! - REQUIRETLS (RFC 8689), BINARYMIME (RFC 3030) and SMTPUTF8 (RFC 6531) go on only to a server that offers them;
//!   otherwise the message is returned. DELIVERBY (RFC 2852) ends the attempts, or tells the sender, in time.
//! - What fails with 4yz, or because the host cannot be reached, is tried again by [`Config::retry_first`], until the
//!   entry expires.

mod config;
mod envelope;
mod link;
mod post;
mod runner;
mod send;
mod work;

pub use config::Config;
pub use envelope::{Content, Deadline, Envelope, Wishes};
pub use link::{Link, LinkConfig, LinkError};
pub(crate) use post::{Original, send_report};
pub use runner::{Connect, Outbound};
pub use send::{Answer, Letter};

#[cfg(doc)]
use {crate::submission::Router, mailstore_api::MailStore};
