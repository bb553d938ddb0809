//! IMAP4rev1 (RFC 3501) and IMAP4rev2 (RFC 9051) with their extensions, sans-IO.
//!
//! Layers, each usable without those below it in this list:
//!
//! - [`types`]: commands, flags, sections, sets, envelopes, as values that borrow from the frame;
//!   [`Command::parse`](types::Command::parse) reads one, [`Command::encode`](types::Command::encode) writes it.
//!   [`Response::parse`](types::Response::parse) reads what a server says.
//!   Envelopes and body structures in it are views ([`WireEnvelope`](types::WireEnvelope), [`WireStructure`](types::WireStructure)): checked
//!   once, read where asked for, turned into values where those are wanted.
//! - [`client`]: the state machine of the connecting side. Any number of commands in flight, bodies streamed both ways.
//! - [`server`]: the state machine of the accepting side. It does no IO, and allocates nothing for a simple command.
//! - [`mutf7`]: mailbox names in IMAP4rev1.
//!
//! # What is spoken
//!
//! Every row is read and written in both directions, by both machines. A server takes and shows what its
//! [`Config::capabilities`](server::Config::capabilities) has, and answers BAD to the rest as to unknown commands.
//!
//! | | RFC |
//! |---|---|
//! | the protocol | IMAP4rev1 3501, IMAP4rev2 9051; modified UTF-7, UTF8=ACCEPT 6855, response codes 5530, STARTTLS |
//! | the connection | SASL-IR 4959, LITERAL+ and LITERAL- 7888, ENABLE 5161, ID 2971, IDLE 2177, NOTIFY 5465, COMPRESS=DEFLATE 4978, UNAUTHENTICATE 8437, UIDONLY 9586, INPROGRESS 9585, MESSAGELIMIT and SAVELIMIT 9738, JMAPACCESS 9698 |
//! | mailboxes | NAMESPACE 2342, UNSELECT 3691, CHILDREN 3348, LIST-EXTENDED 5258, SPECIAL-USE and CREATE-SPECIAL-USE 6154, LIST-STATUS 5819, LIST-METADATA 9590, LIST-MYRIGHTS 8440, STATUS=SIZE 8438, QUOTA 9208 and 2087, ACL 4314, METADATA 5464 |
//! | messages in | MULTIAPPEND 3502, APPENDLIMIT 7889, CATENATE 4469, REPLACE 8508, UIDPLUS 4315, MOVE 6851, URLAUTH 4467 |
//! | messages out | BINARY 3516, CONDSTORE and QRESYNC 7162, OBJECTID 8474, PREVIEW 8970, SAVEDATE 8514 |
//! | searches | ESEARCH 4731, SEARCHRES 5182, WITHIN 5032, SORT and THREAD 5256, SORT=DISPLAY 5957, ESORT, CONTEXT=SEARCH and CONTEXT=SORT 5267, PARTIAL 9394, MULTISEARCH 7377, SEARCH=FUZZY 6203 |
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
//! A message that CATENATE puts together comes in steps: each says which URLs come next, and what then: a text of so many octets, which
//! come as `AppendChunk`s, or the message's end.
//!
//! ```
//! # use imap4_proto::{server::{Config, Event, Server}, types::Capabilities};
//! # use mail_wire::{Instant, Machine, Poll};
//! # let mut config = Config::default();
//! # config.capabilities = Capabilities::IMAP4REV1 | Capabilities::LITERAL_PLUS | Capabilities::CATENATE;
//! # let mut server = Server::preauthenticated(config);
//! let mut input: &[u8] = b"a APPEND Sent CATENATE (URL \"/Drafts/;UID=20\" TEXT {4+}\r\n--b\n URL \"/Drafts/;UID=30\")\r\n";
//! let mut parts = Vec::new();
//! while let Poll::Frame(n) = server.poll(input, Instant::ZERO)? {
//!     let (frame, rest) = input.split_at(n);
//!     input = rest;
//!     let part = match server.event(frame) {
//!         Event::AppendBegin(begin) => begin.message.catenate,
//!         Event::AppendPart(part) => Some(part),
//!         Event::AppendChunk(octets) => {
//!             parts.push(octets.to_vec());
//!             continue;
//!         }
//!         Event::AppendEnd => {
//!             server.ok(None, "Sent")?;
//!             continue;
//!         }
//!         _ => continue,
//!     };
//!     parts.extend(part.into_iter().flat_map(|part| part.urls).map(|url| url.0.bytes().into_owned()));
//!     server.accept_literal()?;
//! }
//! assert_eq!(parts, [&b"/Drafts/;UID=20"[..], b"--b\n", b"/Drafts/;UID=30"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
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

mod calm;
pub mod client;
mod encode;
mod grammar;
pub mod mutf7;
pub mod server;
pub mod types;
