//! DEFLATE in both directions (RFC 1951) between a machine and its stream, as COMPRESS=DEFLATE of IMAP wants it
//! (RFC 4978): raw, without the header of zlib; what is sent is compressed before TLS encrypts it.

use core::{
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll, ready},
};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use futures_io::{AsyncRead, AsyncWrite};
use std::{
    io::{self, ErrorKind},
    vec::Vec,
};

/// Compressed octets read at once.
const READ: usize = 4 * 1024;
/// With so many compressed octets unsent, no more are made.
const UNSENT: usize = 16 * 1024;
/// Octets compressed at once; they fit a stored block.
const PIECE: usize = 16 * 1024;

/// The compressors of all connections of this process.
static COMPRESSORS: AtomicUsize = AtomicUsize::new(0);

/// One of them.
struct Compressor(Compress);

impl Compressor {
    /// One more, unless there are `most`.
    fn new(most: usize) -> Option<Self> {
        COMPRESSORS
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < most).then_some(n + 1))
            .ok()
            .map(|_| Self(Compress::new(Compression::default(), false)))
    }
}

impl Drop for Compressor {
    fn drop(&mut self) {
        COMPRESSORS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The state of both directions. The stream is passed to each call.
///
/// Memory: 43 KiB to read, which hold the last 32 KiB that the peer may refer to, taken at the first octet; some 300 KiB to
/// write, taken at the first octet and given back by [`rest`](Self::rest); what is compressed and unsent, at most
/// [`UNSENT`] and what one piece makes. Where there are too many compressors already, what is written goes out as it is, in
/// stored blocks (RFC 1951 section 3.2.4), up to the next flush. What is read is inflated into the room the reader has, and no
/// further: a small input that stands for a large one takes time, not memory.
#[derive(Default)]
pub(crate) struct Deflate {
    inflate: Option<Decompress>,
    /// Compressed octets that are not inflated yet; the first `taken` are.
    input: Vec<u8>,
    taken: usize,
    /// The last read filled its buffer: more may come of what is taken already.
    more: bool,
    /// The peer's last block has come.
    ended: bool,
    compressor: Option<Compressor>,
    /// How many compressors there may be in the process.
    compressors: usize,
    /// Compressed octets; the first `sent` are sent.
    output: Vec<u8>,
    sent: usize,
    /// Octets were compressed since the last flush.
    dirty: bool,
}

impl Deflate {
    /// `early` came already, behind what asked for compression. Beside `compressors` in the process there is none here.
    pub(crate) fn new(early: &[u8], compressors: usize) -> Self {
        Self { input: early.to_vec(), compressors, ..Self::default() }
    }

    /// Reads and inflates. `Ok(0)` is the end: of the stream, or of the last block.
    pub(crate) fn poll_read<S: AsyncRead>(
        &mut self,
        mut stream: Pin<&mut S>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            if self.ended {
                return Poll::Ready(Ok(0));
            }
            if self.more || self.taken < self.input.len() {
                let n = self.inflate(buf)?;
                if n > 0 {
                    return Poll::Ready(Ok(n));
                }
                continue;
            }
            let mut scratch = [0; READ];
            let n = ready!(stream.as_mut().poll_read(cx, &mut scratch))?;
            if n == 0 {
                return Poll::Ready(Ok(0));
            }
            self.input.extend_from_slice(scratch.get(..n).unwrap_or(&scratch));
        }
    }

    /// Inflates what was read into `buf`.
    fn inflate(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let inflate = self.inflate.get_or_insert_with(|| Decompress::new(false));
        let input = self.input.get(self.taken..).unwrap_or(&[]);
        let before = (inflate.total_in(), inflate.total_out());
        let status = inflate
            .decompress(input, buf, FlushDecompress::Sync)
            .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        let count = |after: u64, before: u64| usize::try_from(after - before).unwrap_or(usize::MAX);
        let taken = count(inflate.total_in(), before.0);
        let made = count(inflate.total_out(), before.1);
        self.more = made == buf.len();
        self.ended = status == Status::StreamEnd;
        self.taken += taken;
        if self.taken == self.input.len() {
            self.input = Vec::new();
            self.taken = 0;
        } else if taken == 0 && made == 0 {
            return Err(io::Error::new(ErrorKind::InvalidData, "the compressed stream makes no progress"));
        }
        Ok(made)
    }

    /// Takes octets to be compressed, unless too many wait to be sent.
    pub(crate) fn poll_write<S: AsyncWrite>(
        &mut self,
        stream: Pin<&mut S>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let waiting = self.poll_send(stream, cx)?.is_pending();
        if waiting && self.output.len() - self.sent >= UNSENT {
            return Poll::Pending;
        }
        let piece = octets.get(..PIECE).unwrap_or(octets);
        self.compress(piece, FlushCompress::None)?;
        self.dirty |= !piece.is_empty();
        Poll::Ready(Ok(piece.len()))
    }

    /// The same of the first slice that has octets, and what more fits a piece.
    pub(crate) fn poll_write_vectored<S: AsyncWrite>(
        &mut self,
        mut stream: Pin<&mut S>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut all = 0;
        for slice in slices.iter().filter(|slice| !slice.is_empty()) {
            let n = match self.poll_write(stream.as_mut(), cx, slice) {
                Poll::Ready(Ok(n)) => n,
                _ if all > 0 => break,
                other => return other,
            };
            all += n;
            if n < slice.len() || all >= PIECE {
                break;
            }
        }
        Poll::Ready(Ok(all))
    }

    /// Ends the block, so that the peer can read all that was written, and sends it.
    pub(crate) fn poll_flush<S: AsyncWrite>(
        &mut self,
        mut stream: Pin<&mut S>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_end(stream.as_mut(), cx))?;
        stream.poll_flush(cx)
    }

    /// Ends the block and sends it.
    fn poll_end<S: AsyncWrite>(&mut self, stream: Pin<&mut S>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.dirty {
            self.compress(&[], FlushCompress::Sync)?;
            self.dirty = false;
        }
        self.poll_send(stream, cx)
    }

    /// Ends the block, sends it, and closes the stream.
    pub(crate) fn poll_close<S: AsyncWrite>(
        &mut self,
        mut stream: Pin<&mut S>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_end(stream.as_mut(), cx))?;
        stream.poll_close(cx)
    }

    fn compress(&mut self, mut octets: &[u8], flush: FlushCompress) -> io::Result<()> {
        if self.compressor.is_none() && !self.dirty {
            self.compressor = Compressor::new(self.compressors);
        }
        let Some(Compressor(compress)) = &mut self.compressor else {
            self.store(octets);
            return Ok(());
        };
        loop {
            self.output.reserve(READ);
            let before = compress.total_in();
            compress
                .compress_vec(octets, &mut self.output, flush)
                .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
            let taken = usize::try_from(compress.total_in() - before).unwrap_or(usize::MAX);
            octets = octets.get(taken..).unwrap_or(&[]);
            // Room left over says that there was no more to be written.
            if octets.is_empty() && self.output.len() < self.output.capacity() {
                return Ok(());
            }
        }
    }

    /// Writes a stored block: what stands before it is whole octets, as it is after each flush and each such block.
    fn store(&mut self, octets: &[u8]) {
        if let Some(len) = u16::try_from(octets.len()).ok().filter(|len| *len > 0) {
            self.output.push(0);
            self.output.extend_from_slice(&len.to_le_bytes());
            self.output.extend_from_slice(&(!len).to_le_bytes());
            self.output.extend_from_slice(octets);
        }
    }

    fn poll_send<S: AsyncWrite>(
        &mut self,
        mut stream: Pin<&mut S>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while let Some(unsent) = self.output.get(self.sent..).filter(|unsent| !unsent.is_empty()) {
            let n = ready!(stream.as_mut().poll_write(cx, unsent))?;
            if n == 0 {
                return Poll::Ready(Err(ErrorKind::WriteZero.into()));
            }
            self.sent += n;
        }
        self.output = Vec::new();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }

    /// Gives the memory of the compressor back, where all it was given is flushed; whether there is none now. The next block is
    /// made by a new one: it refers to nothing before it, which the peer cannot tell.
    pub(crate) fn rest(&mut self) -> bool {
        if !self.dirty {
            self.compressor = None;
        }
        self.compressor.is_none()
    }

    /// Whether [`rest`](Self::rest) has something to give back.
    pub(crate) const fn is_awake(&self) -> bool {
        self.compressor.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::task::Waker;

    /// A stream that gives what it has, takes a few octets at once, and keeps what was written.
    #[derive(Default)]
    struct Wire {
        to_read: Vec<u8>,
        written: Vec<u8>,
        /// The most octets of one read or write; 0 is Pending.
        most: usize,
        ended: bool,
    }

    impl AsyncRead for Wire {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            let n = buf.len().min(self.most).min(self.to_read.len());
            if n == 0 && !self.ended {
                return Poll::Pending;
            }
            for (to, octet) in buf.iter_mut().zip(self.to_read.drain(..n)) {
                *to = octet;
            }
            Poll::Ready(Ok(n))
        }
    }

    impl AsyncWrite for Wire {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            let n = buf.len().min(self.most);
            if n == 0 {
                return Poll::Pending;
            }
            self.written.extend_from_slice(&buf[..n]);
            Poll::Ready(Ok(n))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn compressing() -> Deflate {
        Deflate::new(b"", usize::MAX)
    }

    fn cx() -> Context<'static> {
        Context::from_waker(Waker::noop())
    }

    fn write(deflate: &mut Deflate, wire: &mut Wire, mut octets: &[u8]) {
        while !octets.is_empty() {
            let Poll::Ready(n) = deflate.poll_write(Pin::new(wire), &mut cx(), octets) else { panic!() };
            octets = &octets[n.unwrap()..];
        }
        assert!(matches!(deflate.poll_flush(Pin::new(wire), &mut cx()), Poll::Ready(Ok(()))));
    }

    /// What can be read now, in reads of `room` octets; `true` is the end.
    fn read(deflate: &mut Deflate, wire: &mut Wire, room: usize) -> (Vec<u8>, bool) {
        let (mut all, mut buf) = (Vec::new(), vec![0; room]);
        loop {
            match deflate.poll_read(Pin::new(wire), &mut cx(), &mut buf) {
                Poll::Ready(Ok(0)) => return (all, true),
                Poll::Ready(Ok(n)) => all.extend_from_slice(&buf[..n]),
                Poll::Ready(Err(error)) => panic!("{error}"),
                Poll::Pending => return (all, false),
            }
        }
    }

    /// Hard to compress, and the same at each call.
    fn noise(len: usize) -> Vec<u8> {
        let mut x = 1u32;
        (0..len)
            .map(|_| {
                x ^= x << 13;
                x ^= x >> 17;
                x ^= x << 5;
                x.to_le_bytes()[0]
            })
            .collect()
    }

    #[test]
    fn each_flush_can_be_read_at_once_whatever_the_pieces() {
        let parts = [b"a1 OK done\r\n".to_vec(), noise(100_000), vec![b'x'; 300_000], b"*".to_vec()];
        for (most, room) in [(1, 1000), (7, 1), (usize::MAX, 1 << 20)] {
            let (mut ours, mut theirs) = (compressing(), compressing());
            for part in &parts {
                let mut wire = Wire { most, ..Wire::default() };
                write(&mut ours, &mut wire, part);
                wire.to_read = core::mem::take(&mut wire.written);
                assert_eq!(read(&mut theirs, &mut wire, room), (part.clone(), false), "{most} {room}");
                // Between parts the compressor's memory may go.
                assert!(ours.is_awake() && ours.rest() && !ours.is_awake());
            }
        }
    }

    #[test]
    fn beyond_the_most_compressors_octets_go_out_as_they_are() {
        let (mut ours, mut theirs) = (Deflate::new(b"", 0), compressing());
        let mut wire = Wire { most: 1000, ..Wire::default() };
        let all = noise(70_000);
        for part in [&all[..], b"x", &all[..20_000]] {
            write(&mut ours, &mut wire, part);
            let blocks = part.len().div_ceil(PIECE);
            assert_eq!(wire.written.len(), part.len() + 5 * blocks);
            wire.to_read = core::mem::take(&mut wire.written);
            assert_eq!(read(&mut theirs, &mut wire, 1000), (part.to_vec(), false));
            assert!(!ours.is_awake());
        }
        // The next block is compressed where there is room for it; not before the present one is flushed.
        assert!(ours.poll_write(Pin::new(&mut wire), &mut cx(), b"stored ").is_ready());
        ours.compressors = usize::MAX;
        write(&mut ours, &mut wire, b"stored");
        assert!(!ours.is_awake());
        write(&mut ours, &mut wire, b" compressed");
        assert!(ours.is_awake());
        wire.to_read = core::mem::take(&mut wire.written);
        assert_eq!(read(&mut theirs, &mut wire, 1000), (b"stored stored compressed".to_vec(), false));
        let before = COMPRESSORS.load(Ordering::Relaxed);
        assert!(before > 0 && ours.rest());
    }

    #[test]
    fn a_flush_without_anything_new_writes_nothing() {
        let (mut deflate, mut wire) = (compressing(), Wire { most: 100, ..Wire::default() });
        assert!(matches!(deflate.poll_flush(Pin::new(&mut wire), &mut cx()), Poll::Ready(Ok(()))));
        assert!(wire.written.is_empty() && !deflate.is_awake());
        write(&mut deflate, &mut wire, b"x");
        let n = wire.written.len();
        assert!(n > 0 && matches!(deflate.poll_flush(Pin::new(&mut wire), &mut cx()), Poll::Ready(Ok(()))));
        assert_eq!(wire.written.len(), n);
        // What is not flushed keeps its compressor.
        assert!(deflate.poll_write(Pin::new(&mut wire), &mut cx(), b"y").is_ready() && !deflate.rest());
    }

    #[test]
    fn a_peer_that_does_not_read_makes_the_writer_wait() {
        let (mut deflate, mut wire) = (compressing(), Wire::default());
        let noise = noise(1 << 20);
        let mut taken = 0;
        while let Poll::Ready(n) = deflate.poll_write(Pin::new(&mut wire), &mut cx(), &noise[taken..]) {
            taken += n.unwrap();
            assert!(taken < 1 << 18, "it never waits");
        }
        assert!(deflate.output.capacity() < 256 * 1024, "{}", deflate.output.capacity());
    }

    #[test]
    fn a_bomb_takes_no_memory() {
        let mut bomb = Wire { most: usize::MAX, ..Wire::default() };
        let mut made = compressing();
        let zeros = vec![0; 1 << 20];
        for _ in 0..64 {
            write(&mut made, &mut bomb, &zeros);
        }
        assert!(bomb.written.len() < 100_000, "{}", bomb.written.len());
        bomb.to_read = core::mem::take(&mut bomb.written);
        let (mut deflate, mut buf, mut all) = (compressing(), [0; 1000], 0);
        while let Poll::Ready(n) = deflate.poll_read(Pin::new(&mut bomb), &mut cx(), &mut buf) {
            all += n.unwrap();
            assert!(deflate.input.capacity() <= 2 * READ, "{}", deflate.input.capacity());
        }
        assert_eq!(all, 64 << 20);
        assert_eq!(deflate.input.capacity(), 0);
    }

    #[test]
    fn ends_clean_cut_short_and_broken() {
        let mut wire = Wire { most: usize::MAX, ended: true, ..Wire::default() };
        write(&mut compressing(), &mut wire, b"whole");
        let whole = core::mem::take(&mut wire.written);
        // Cut where nothing of it can be known, in the middle, and at the end.
        for (cut, readable) in [(0, &b""[..]), (whole.len(), b"whole")] {
            wire.to_read = whole[..cut].to_vec();
            assert_eq!(read(&mut compressing(), &mut wire, 100), (readable.to_vec(), true));
        }
        for cut in 0..whole.len() {
            wire.to_read = whole[..cut].to_vec();
            let (octets, ended) = read(&mut compressing(), &mut wire, 100);
            assert!(ended && b"whole".starts_with(&octets));
        }
        // A last block: what follows it is not read.
        let mut last = Vec::with_capacity(100);
        Compress::new(Compression::fast(), false)
            .compress_vec(b"last", &mut last, FlushCompress::Finish)
            .unwrap();
        last.extend_from_slice(b"more");
        assert_eq!(read(&mut Deflate::new(&last, 0), &mut wire, 100), (b"last".to_vec(), true));
        // Plain text in place of a compressed stream: a block of an unknown type.
        let mut broken = Deflate::new(b"a1 NOOP\r\nwhat", 0);
        let mut buf = [0; 100];
        loop {
            match broken.poll_read(Pin::new(&mut wire), &mut cx(), &mut buf) {
                Poll::Ready(Ok(n)) => assert!(n > 0, "it is taken for a stream that was cut short"),
                Poll::Ready(Err(error)) => break assert_eq!(error.kind(), ErrorKind::InvalidData),
                Poll::Pending => panic!("it waits"),
            }
        }
    }
}
