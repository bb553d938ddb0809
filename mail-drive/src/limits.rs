use core::{num::NonZeroU32, time::Duration};
use mail_wire::PaceLimits;

/// What a driver grants its peer. The times for commands and payloads are the machine's own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// For the TLS handshake. 30 seconds.
    pub handshake: Duration,
    /// How far the peer's reading of what is sent may fall behind `rate`, at the start and at any time.
    /// 2 minutes.
    pub stall: Duration,
    /// The least octets per second that the peer must read on the whole, while something waits for it.
    /// 64.
    pub rate: NonZeroU32,
    /// For sending the rest of the output and closing. 10 seconds.
    pub close: Duration,
    /// How long a compressor (COMPRESS=DEFLATE, RFC 4978) keeps its memory, some 300 KiB, after the last output; the next
    /// output then begins with an empty dictionary. 5 seconds.
    pub compressor_rest: Duration,
    /// How many compressors there may be in the process, of all its drivers. A connection that finds so many sends its output in
    /// stored blocks of the same stream: uncompressed. 64, so some 20 MiB.
    pub compressors: usize,
    /// With more octets of output than this waiting, no further event is given out. 64 KiB.
    pub high_water: usize,
    /// While the peer's next frame is there already, so many octets of output may wait for more: the answers of pipelined
    /// commands then go out together. Whoever sets this calls [`Peer::push`](crate::Peer::push) before all that may take its time.
    /// 0: everything is sent before each event.
    pub gather: usize,
    /// The most octets of unconsumed input, so the longest frame. 16 MiB: a backstop, since the machines have
    /// limits of their own; memory is taken as input comes.
    pub input: usize,
    /// The most octets that are taken from a peer while it does not read what is sent to it: one that writes so many
    /// commands before it reads the first answer does not come to a stop. 4 MiB; 0 for none.
    pub read_ahead: usize,
    /// The same for all drivers of the process together. 64 MiB.
    pub read_ahead_of_all: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(30),
            stall: Duration::from_secs(120),
            rate: NonZeroU32::MIN.saturating_add(63),
            close: Duration::from_secs(10),
            compressor_rest: Duration::from_secs(5),
            compressors: 64,
            high_water: 64 * 1024,
            gather: 0,
            input: 16 * 1024 * 1024,
            read_ahead: 4 * 1024 * 1024,
            read_ahead_of_all: 64 * 1024 * 1024,
        }
    }
}

impl Limits {
    pub(crate) fn output_pace(&self) -> PaceLimits {
        PaceLimits { grace: self.stall, rate: self.rate, ..PaceLimits::default() }
    }
}
