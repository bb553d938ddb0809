//! IMAP4rev1 (RFC 3501) and IMAP4rev2 (RFC 9051) with their extensions, sans-IO.
//!
//! Layers, each usable without those below it in this list:
//!
//! - [`types`]: commands, flags, sections, sets, envelopes, as values that borrow from the frame;
//!   [`Command::parse`](types::Command::parse) reads one, [`Command::encode`](types::Command::encode) writes it.
//!   [`Response::parse`](types::Response::parse) reads what a server says.
//! - [`client`]: the state machine of the connecting side. Any number of commands in flight, bodies streamed both ways.
//! - [`server`]: the state machine of the accepting side. It does no IO, and allocates nothing for a simple command.
//! - [`mutf7`]: mailbox names in IMAP4rev1.
//!
//! # A server, by hand
//!
//! Bytes go in, events come out, answers go in, bytes come out. A driver (`mail-drive`) does this on a socket.
//!
//! ```
//! use imap4_proto::{
//!     server::{Config, Event, Passwords, Server},
//!     types::{Capabilities, Command, SystemFlags},
//! };
//! use mail_wire::{Instant, Machine, Poll};
//!
//! let mut config = Config::default();
//! config.capabilities = Capabilities::IMAP4REV1 | Capabilities::IDLE;
//! config.passwords = Passwords::Always; // without TLS, for this example
//! config.starttls = false;
//! let mut server = Server::new(config);
//!
//! let mut input: &[u8] = b"a LOGIN fred secret\r\nb SELECT INBOX\r\nc UID FETCH 1:* FLAGS\r\n";
//! while let Poll::Frame(n) = server.poll(input, Instant::ZERO)? {
//!     let (frame, rest) = input.split_at(n);
//!     input = rest;
//!     match server.event(frame) {
//!         Event::Command(Command::Login { user, password }) => {
//!             if user == "fred" && password == "secret" {
//!                 server.authenticated("Welcome")?;
//!             } else {
//!                 server.no(None, "Wrong")?;
//!             }
//!         }
//!         Event::Command(Command::Select(select)) => {
//!             server.exists(1)?;
//!             server.selected(select.read_only, "Selected")?;
//!         }
//!         Event::Command(Command::Fetch(fetch)) => {
//!             assert_eq!(fetch.set.resolve(7).collect::<Vec<_>>(), [(1, 7)]);
//!             let mut response = server.fetch(1)?;
//!             response.uid(7).flags(SystemFlags::SEEN, ["$Forwarded"]);
//!             response.finish();
//!             server.ok(None, "Fetched")?;
//!         }
//!         Event::Answered(_) => {} // the machine has answered by itself
//!         _ => server.no(None, "Not here")?,
//!     }
//! }
//!
//! let sent: Vec<u8> = server.output().segments().flatten().copied().collect();
//! assert_eq!(
//!     String::from_utf8(sent)?,
//!     "* OK [CAPABILITY IMAP4rev1 IDLE] IMAP server ready\r\n\
//!      a OK [CAPABILITY IMAP4rev1 IDLE] Welcome\r\n\
//!      * 1 EXISTS\r\n\
//!      b OK [READ-WRITE] Selected\r\n\
//!      * 1 FETCH (UID 7 FLAGS (\\Seen $Forwarded))\r\n\
//!      c OK Fetched\r\n"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A message of APPEND never stands in memory whole: it comes as `AppendBegin`, any number of `AppendChunk` and
//! `AppendEnd`, and whether it is wanted is decided before the client may send it. A body section leaves as
//! [`FetchWriter::begin_literal`](server::FetchWriter::begin_literal) and shared
//! [`Server::literal`](server::Server::literal)s.
//!
//! # A client, by hand
//!
//! Methods queue commands, events are responses.
//!
//! ```
//! use imap4_proto::{
//!     client::{Client, Config, Event},
//!     types::{Command, Fetch, FetchItems, Select, SequenceSet},
//! };
//! use mail_wire::{Instant, Machine, Poll};
//!
//! let mut client = Client::new(Config::default());
//! let mut input: &[u8] = b"* PREAUTH [CAPABILITY IMAP4rev1] ready\r\n\
//!     * 1 EXISTS\r\nA1 OK [READ-WRITE] Selected\r\n\
//!     * 1 FETCH (UID 7 BODY[] {5}\r\nhello)\r\nA2 OK Fetched\r\n";
//! let (mut body, mut uid) = (Vec::new(), None);
//! while let Poll::Frame(n) = client.poll(input, Instant::ZERO)? {
//!     let (frame, rest) = input.split_at(n);
//!     input = rest;
//!     match client.event(frame) {
//!         Event::Greeting { .. } => {
//!             // Both at once: the second has its place once the first is done.
//!             client.command(&Command::Select(Select::new(client.mailbox(b"INBOX"), false)))?;
//!             let set = SequenceSet::parse(b"1:*").unwrap();
//!             let items = FetchItems::parse(b"(UID BODY.PEEK[])").unwrap();
//!             client.command(&Command::Fetch(Fetch::new(true, set, items)))?;
//!         }
//!         Event::FetchBegin { items, .. } => uid = items.uid(),
//!         Event::FetchChunk(octets) => body.extend_from_slice(octets),
//!         Event::Done { tag, status, .. } => println!("{tag}: {status:?}"),
//!         _ => {}
//!     }
//! }
//! assert_eq!((uid, &body[..]), (Some(7), &b"hello"[..]));
//!
//! let sent: Vec<u8> = client.output().segments().flatten().copied().collect();
//! assert_eq!(sent, b"A1 SELECT INBOX\r\nA2 UID FETCH 1:* (UID BODY.PEEK[])\r\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

pub mod client;
mod encode;
mod grammar;
pub mod mutf7;
pub mod server;
pub mod types;
