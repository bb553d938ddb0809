//! POP3 (RFC 1939) and its extensions, without IO.
//!
//! A developer who only reads commands takes [`Command::parse`], one who only writes takes [`Encoder`],
//! and one who serves takes [`Server`], a [`mail_wire::Machine`]:
//!
//! ```
//! use std::sync::Arc;
//! use mail_wire::{Instant, Machine, Poll};
//! use pop3_proto::{Config, Event, Passwords, RespCode, Server};
//!
//! let mut config = Config::default();
//! config.passwords = Passwords::Always; // for this example; the default wants TLS
//! let mut server = Server::new(Arc::new(config));
//! let mut input = b"USER tim\r\nPASS tan staaf \r\nRETR 1\r\nQUIT\r\n".to_vec();
//! loop {
//!     match server.poll(&input, Instant::ZERO)? {
//!         Poll::Frame(n) => {
//!             // An event borrows the input and not the machine.
//!             match server.event(&input[..n]) {
//!                 Event::Pass(password) if (server.user(), password.expose()) == (b"tim", b"tan staaf ") => {
//!                     server.logged_in("1 message (16 octets)")?;
//!                 }
//!                 Event::Pass(_) => server.err(Some(RespCode::Auth), "wrong name or password")?,
//!                 Event::Retr(n) if n.get() == 1 => {
//!                     server.begin_body("16 octets")?;
//!                     server.body("Subject: a\r\n\r\n.b".into())?;
//!                     server.end_body()?;
//!                 }
//!                 Event::Quit => server.ok("goodbye")?,
//!                 Event::Answered(_) => {} // USER was
//!                 _ => server.err(None, "not in this example")?,
//!             }
//!             input.drain(..n);
//!         }
//!         Poll::Close => break,
//!         other => panic!("{other:?}"),
//!     }
//! }
//! let sent: Vec<u8> = server.output().segments().flatten().copied().collect();
//! assert!(sent.ends_with(b"+OK 16 octets\r\nSubject: a\r\n\r\n..b\r\n.\r\n+OK goodbye\r\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is spoken
//! RFC 1939 whole, CAPA (RFC 2449), STLS (RFC 2595), response codes (RFC 2449, RFC 3206), AUTH with initial
//! responses (RFC 5034), UTF8 and LANG (RFC 6856; announced only where configured).
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod encode;
mod grammar;
mod server;
mod types;

pub use encode::Encoder;
pub use server::{
    ALLOWED, Answered, Config, Error, Event, Late, Limits, Passwords, Server, State, StateSet, Timeouts,
    Timestamp,
};
pub use types::{
    Capability, Command, CommandKind, Digest, LoginDelay, MessageNumber, OwnedCommand, RespCode, Retention,
    Secret, SecretBuf, SyntaxError, Tolerance,
};
