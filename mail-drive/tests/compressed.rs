//! COMPRESS=DEFLATE in the driver, over a plain stream and over TLS, against zlib by hand on the other side.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]
#![cfg(feature = "deflate")]

mod common;

use common::{HandClock, ask, pipe::pipe, rest, serve, toy::Toy};
use core::time::Duration;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use futures_io::{AsyncRead, AsyncWrite};
use mail_drive::{DriveError, Driver, Limits, NoTimer, NoTls};
use smol::{
    future::{block_on, zip},
    io::{AsyncReadExt, AsyncWriteExt},
};

/// The other side: whole buffers, one flush for each line.
struct Zlib<S> {
    stream: S,
    compress: Compress,
    inflate: Decompress,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Zlib<S> {
    async fn begin(mut stream: S, greeting: &str) -> Self {
        ask(&mut stream, b"COMPRESS\r\n", &format!("{greeting}deflate\r\n")).await;
        Self::over(stream)
    }

    fn over(stream: S) -> Self {
        Self { stream, compress: Compress::new(Compression::best(), false), inflate: Decompress::new(false) }
    }

    fn compressed(&mut self, octets: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(octets.len() + 1000);
        self.compress.compress_vec(octets, &mut out, FlushCompress::Sync).unwrap();
        out
    }

    async fn say(&mut self, octets: &[u8]) {
        let out = self.compressed(octets);
        self.stream.write_all(&out).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// No octet follows but what ends the block.
    async fn end(&mut self) {
        let (mut rest, mut more) = (Vec::new(), Vec::with_capacity(100));
        self.stream.read_to_end(&mut rest).await.unwrap();
        self.inflate.decompress_vec(&rest, &mut more, FlushDecompress::Sync).unwrap();
        assert_eq!(more, b"");
    }

    async fn hear(&mut self, expected: &str) {
        let mut got = Vec::with_capacity(expected.len());
        let mut one = [0; 1];
        while got.len() < expected.len() {
            self.stream.read_exact(&mut one).await.unwrap();
            self.inflate.decompress_vec(&one, &mut got, FlushDecompress::Sync).unwrap();
        }
        assert_eq!(String::from_utf8_lossy(&got), expected);
    }
}

#[test]
fn both_directions_are_compressed_in_any_pieces() {
    for (most, capacity) in [(1, 10), (100, 5000), (usize::MAX, 1 << 20)] {
        let (client, server) = pipe(capacity);
        let mut driver = Driver::new(Toy::new(), server.at_most(most).coy(), NoTimer, NoTls);
        let (served, ()) = block_on(zip(serve(&mut driver), async {
            let mut client = Zlib::begin(client, "hello\r\n").await;
            client.say(b"ECHO one\r\nECHO two\r\n").await;
            client.hear("one\r\ntwo\r\n").await;
            client.say(b"BODY 400000\r\n").await;
            client.hear(&format!("{}sent\r\n", "x".repeat(400_000))).await;
            let data = format!("PUT\r\n{}\r\n.\r\n", "y\r\n".repeat(100_000));
            client.say(data.as_bytes()).await;
            client.hear("go on\r\nstored 300002\r\n").await;
            client.say(b"QUIT\r\n").await;
            client.hear("bye\r\n").await;
            // The stream is closed in order.
            client.end().await;
        }));
        assert_eq!(served.unwrap().len(), 300_002);
    }
}

#[test]
fn octets_behind_the_command_are_compressed_already() {
    let (mut client, server) = pipe(1 << 20);
    let mut driver = Driver::new(Toy::new(), server, NoTimer, NoTls);
    let (served, ()) = block_on(zip(serve(&mut driver), async {
        let mut zlib = Zlib::over(&mut client);
        let early = zlib.compressed(b"ECHO early\r\n");
        zlib.stream.write_all(&[b"COMPRESS\r\n", &early[..]].concat()).await.unwrap();
        let mut plain = [0; 16];
        zlib.stream.read_exact(&mut plain).await.unwrap();
        assert_eq!(&plain, b"hello\r\ndeflate\r\n");
        zlib.hear("early\r\n").await;
        zlib.say(b"QUIT\r\n").await;
        zlib.hear("bye\r\n").await;
    }));
    served.unwrap();
}

#[test]
fn plain_text_and_a_cut_stream_end_the_connection() {
    let (client, server) = pipe(1 << 20);
    let mut driver = Driver::new(Toy::new(), server, NoTimer, NoTls);
    let (served, ()) = block_on(zip(serve(&mut driver), async {
        let mut client = Zlib::begin(client, "hello\r\n").await;
        client.stream.write_all(b"ECHO in plain text\r\n").await.unwrap();
        assert_eq!(rest(&mut client.stream).await, "");
    }));
    assert!(
        matches!(&served, Err(DriveError::Io(error)) if error.kind() == std::io::ErrorKind::InvalidData),
        "{served:?}"
    );

    let (client, server) = pipe(1 << 20);
    let mut driver = Driver::new(Toy::new(), server, NoTimer, NoTls);
    let (served, ()) = block_on(zip(serve(&mut driver), async {
        let mut client = Zlib::begin(client, "hello\r\n").await;
        let half = client.compressed(b"ECHO this comes by half\r\n");
        client.stream.write_all(&half[..half.len() / 2]).await.unwrap();
        client.stream.close().await.unwrap();
        assert_eq!(rest(&mut client.stream).await, "");
    }));
    served.unwrap();
}

#[test]
fn twice_is_an_error_of_the_machine_s() {
    let (client, server) = pipe(1 << 20);
    let mut driver = Driver::new(Toy::new(), server, NoTimer, NoTls);
    let (served, ()) = block_on(zip(serve(&mut driver), async {
        let mut client = Zlib::begin(client, "hello\r\n").await;
        client.say(b"COMPRESS\r\n").await;
        client.hear("deflate\r\n").await;
    }));
    assert!(matches!(served, Err(DriveError::Unsupported(_))), "{served:?}");
}

/// A line without end, of which a kilobyte on the wire is a megabyte: the machine refuses it, and no memory grows.
#[test]
fn a_bomb_is_refused_like_any_other_line() {
    let (client, server) = pipe(1 << 20);
    let mut limits = Limits::default();
    limits.input = 20_000;
    let mut driver = Driver::with_limits(Toy::new(), server, NoTimer, NoTls, limits);
    let (served, ()) = block_on(zip(serve(&mut driver), async {
        let mut client = Zlib::begin(client, "hello\r\n").await;
        let bomb = vec![b'x'; 32 << 20];
        client.say(&bomb).await;
        client.hear("too long\r\n").await;
        client.say(b"\r\nECHO still here\r\nQUIT\r\n").await;
        client.hear("still here\r\nbye\r\n").await;
    }));
    served.unwrap();
    assert!(driver.input_capacity() <= 20_000);
}

/// The compressor's memory goes and comes; no deadline of the machine's is mistaken for it.
#[test]
fn a_silent_connection_gives_the_compressor_back() {
    let (client, server) = pipe(1 << 20);
    let clock = HandClock::default();
    let mut driver = Driver::new(Toy::new(), server, clock.clone(), NoTls);
    let (served, ()) = block_on(zip(serve(&mut driver), async {
        let mut client = Zlib::begin(client, "hello\r\n").await;
        for _ in 0..3 {
            client.say(b"ECHO one\r\n").await;
            client.hear("one\r\n").await;
            smol::future::yield_now().await;
            clock.advance(Duration::from_secs(6));
            smol::future::yield_now().await;
        }
        client.say(b"QUIT\r\n").await;
        client.hear("bye\r\n").await;
    }));
    served.unwrap();
    assert_eq!(driver.machine().timeouts, 0);
}

#[cfg(feature = "rustls")]
#[test]
fn over_tls_it_is_compressed_before_it_is_encrypted() {
    use common::tls::{acceptor, connector, name};
    let (mut client, server) = pipe(5000);
    let mut driver = Driver::new(Toy::new(), server.at_most(50).coy(), NoTimer, acceptor());
    let (served, ()) = block_on(zip(serve(&mut driver), async {
        ask(&mut client, b"STARTTLS\r\n", "hello\r\ngo ahead\r\n").await;
        let tls = connector().connect(name(), client).await.unwrap();
        let mut client = Zlib::begin(tls, "").await;
        client.say(b"BODY 100000\r\n").await;
        client.hear(&format!("{}sent\r\n", "x".repeat(100_000))).await;
        client.say(b"QUIT\r\n").await;
        client.hear("bye\r\n").await;
        client.end().await;
    }));
    served.unwrap();
    assert!(driver.machine().tls.is_some() && driver.is_compressed());
}
