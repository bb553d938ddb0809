//! Runs the sans-IO mail machines over `futures-io` streams: any runtime, either side of any of the
//! protocols, with TLS from the start or in the middle.
//!
//! A [`Driver`] owns a [`Machine`] and a stream. Its [`next`](Driver::next) sends what the machine has to
//! say, reads, watches the time, does the TLS handshake when the machine asks for one, and comes back with
//! the next [`Turn`]: an event, and the [`Peer`] to answer. The event borrows the input and the peer the machine, so
//! an event can be held while the program asks its store and while it answers.
//!
//! ```
//! use futures_io::{AsyncRead, AsyncWrite};
//! use mail_drive::{Accept, DriveError, Driver, Next, NoTls, Timer, Turn};
//! # use core::future::{Future, ready};
//! # use mail_wire::{LineEnd, LineScanner, OutputQueue, Poll, Scan, Upgraded, strip_line_end};
//! # use mail_drive::{Instant, Machine};
//! # /// A machine of one command: `GET n` is answered with n octets.
//! # struct Server { output: OutputQueue, scanner: LineScanner, answered: bool }
//! # impl Server {
//! #     fn new() -> Self {
//! #         let mut output = OutputQueue::new();
//! #         output.put(b"welcome\r\n");
//! #         Server { output, scanner: LineScanner::new(LineEnd::Strict, 100), answered: true }
//! #     }
//! #     fn body(&mut self, part: &[u8]) { self.output.put(part) }
//! #     fn end_body(&mut self) { self.output.put(b"\r\n"); self.answered = true }
//! # }
//! # impl Machine for Server {
//! #     type Event<'b> = &'b str;
//! #     type Error = core::convert::Infallible;
//! #     fn poll(&mut self, input: &[u8], _: Instant) -> Result<Poll, Self::Error> {
//! #         if !self.answered { return Ok(Poll::Blocked) }
//! #         Ok(match self.scanner.scan(input) { Scan::Line(l) => Poll::Frame(l.len), _ => Poll::NeedInput { hint: 1 } })
//! #     }
//! #     fn event<'b>(&mut self, frame: &'b [u8]) -> &'b str {
//! #         self.answered = false;
//! #         core::str::from_utf8(strip_line_end(frame)).unwrap_or("")
//! #     }
//! #     fn output(&mut self) -> &mut OutputQueue { &mut self.output }
//! #     fn deadline(&self) -> Option<Instant> { None }
//! #     fn handle_timeout(&mut self, _: Instant) {}
//! #     fn upgraded(&mut self, _: Upgraded) {}
//! # }
//!
//! async fn session<S, T, A>(mut driver: Driver<Server, S, T, A>) -> Result<(), DriveError<<Server as Machine>::Error>>
//! where
//!     S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
//!     T: Timer,
//!     A: Accept<S>,
//! {
//!     while let Some(Turn { event, mut peer }) = driver.next().await? {
//!         let mut left = event.strip_prefix("GET ").and_then(|n| n.parse().ok()).unwrap_or(0);
//!         while left > 0 {
//!             let part = &[b'x'; 8192][..left.min(8192)];
//!             left -= part.len();
//!             peer.machine.body(part);
//!             peer.drain(64 * 1024).await?; // this is the backpressure
//!         }
//!         peer.machine.end_body();
//!     }
//!     Ok(())
//! }
//!
//! # struct SmolTimer(std::time::Instant);
//! # impl Timer for SmolTimer {
//! #     fn now(&self) -> Instant { Instant::from_start(self.0.elapsed()) }
//! #     async fn sleep_until(&self, at: Instant) { smol::Timer::at(self.0 + at.since_start()).await; }
//! # }
//! smol::block_on(async {
//!     let listener = smol::net::TcpListener::bind("127.0.0.1:0").await?;
//!     let address = listener.local_addr()?;
//!     let server = smol::spawn(async move {
//!         let (stream, _) = listener.accept().await?;
//!         let timer = SmolTimer(std::time::Instant::now());
//!         session(Driver::new(Server::new(), stream, timer, NoTls)).await.map_err(std::io::Error::from)
//!     });
//!
//!     use smol::io::{AsyncReadExt, AsyncWriteExt};
//!     let mut client = smol::net::TcpStream::connect(address).await?;
//!     client.write_all(b"GET 3\r\nGET 100000\r\n").await?;
//!     client.shutdown(std::net::Shutdown::Write)?;
//!     let mut answers = String::new();
//!     client.read_to_string(&mut answers).await?;
//!     assert_eq!(answers, format!("welcome\r\nxxx\r\n{}\r\n", "x".repeat(100_000)));
//!     server.await
//! })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # TLS
//! Where `NoTls` stands above goes a `futures_rustls::TlsAcceptor` or an `Acceptor` (on the connecting side a
//! `Connect`): STARTTLS and STLS then happen inside [`next`](Driver::next), and [`Driver::tls`] makes a driver with TLS
//! from the start. rustls comes without a crypto provider; the program chooses one. A peer that sends anything
//! between its request for TLS and the handshake loses the connection.
//!
//! # Compression
//! Where a machine asks for it (IMAP's COMPRESS=DEFLATE, RFC 4978), both directions are compressed from there on, over TLS or
//! over the plain stream; it needs the feature `deflate`, which is on by default. Each flush can be read whole by the peer. What
//! comes in is inflated into the room the input has, under the same limits as if it had come so. A compressor gives its
//! memory back after [`Limits::compressor_rest`] without output, and
//! there are never more than [`Limits::compressors`].
//!
//! # Time
//! The machine has its deadlines, which the driver keeps by a [`Timer`]; its docs have those for tokio and smol.
//! [`Limits`] are the driver's own: the handshake, a peer that does not read, the close. Octets now and then are
//! no progress; a rate is.
//!
//! # Waiting for something else
//! [`Driver::next_or`] also wakes for another future: a change to tell a client in IDLE, a signal to stop.
//! All futures of a driver may be dropped at any time and made anew; nothing is lost.
//!
//! # Memory
//! A waiting driver holds no input buffer. Output is bounded by [`Limits::high_water`] and what one answer puts on
//! top of it: [`Peer::drain`] while a long answer is made.
#![forbid(unsafe_code)]

mod accept;
mod ahead;
mod alarm;
mod connection;
#[cfg(feature = "deflate")]
mod deflate;
mod driver;
#[cfg(feature = "rustls")]
mod end_point;
mod error;
mod limits;
mod peer;
mod scratch;
mod timer;
#[cfg(feature = "rustls")]
mod tls;
mod transport;

pub use accept::{Accept, Never, NoTls};
pub use driver::{Driver, Next};
#[cfg(feature = "rustls")]
pub use end_point::end_point_hash;
pub use error::{DriveError, TimedOut};
pub use limits::Limits;
pub use mail_wire::{Instant, Machine, TlsInfo};
pub use peer::{Peer, Turn};
pub use timer::{NoTimer, Timer};
#[cfg(feature = "rustls")]
pub use tls::{Acceptor, Connect};
