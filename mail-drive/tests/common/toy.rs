//! Lines and dotted data, with all that a mail protocol asks of a driver.

use bytes::Bytes;
use core::{num::NonZeroU32, time::Duration};
use mail_drive::{Instant, Machine, TlsInfo};
use mail_wire::{
    Dot, DotDecoder, LineEnd, LineScanner, OutputQueue, Pace, PaceLimits, Poll, Scan, Upgrade, Upgraded,
    Wait, strip_line_end,
};

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event<'b> {
    Echo(&'b [u8]),
    Password(&'b [u8]),
    Body(usize),
    Put,
    Chunk(&'b [u8]),
    PutEnd,
    StartTls,
    Compress,
    Quit,
    /// A line that the machine answered by itself.
    Ignored,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("toy: {0}")]
pub(crate) struct ToyError(pub(crate) &'static str);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Command,
    /// The event waits for its answer.
    Answer,
    Data,
    Upgrading(Upgrade),
    Closing,
}

#[derive(Debug)]
pub(crate) struct Toy {
    state: State,
    scanner: LineScanner,
    dots: DotDecoder,
    /// What the frame just found is, inside data.
    ended: bool,
    secret: bool,
    fatal: bool,
    out: OutputQueue,
    pace: Pace,
    pub(crate) tls: Option<TlsInfo>,
    /// The deadline stays where it is after it has passed: what no machine should do.
    pub(crate) deaf: bool,
    pub(crate) timeouts: usize,
}

impl Toy {
    pub(crate) fn new() -> Self {
        let mut out = OutputQueue::new();
        out.put(b"hello\r\n");
        Self {
            state: State::Command,
            scanner: LineScanner::new(LineEnd::Strict, 1000),
            dots: DotDecoder::new(),
            ended: false,
            secret: false,
            fatal: false,
            out,
            pace: Pace::new(PaceLimits {
                idle: Duration::from_secs(100),
                frame: Duration::from_secs(10),
                grace: Duration::from_secs(10),
                rate: NonZeroU32::new(100).unwrap(),
            }),
            tls: None,
            deaf: false,
            timeouts: 0,
        }
    }

    pub(crate) fn say(&mut self, text: &[u8]) {
        self.out.put(text);
        self.out.put(b"\r\n");
        self.state = State::Command;
    }

    pub(crate) fn body(&mut self, part: Bytes) {
        self.out.put_shared(part);
    }

    pub(crate) fn accept_data(&mut self) {
        self.say(b"go on");
        self.state = State::Data;
    }

    pub(crate) fn start_tls(&mut self) {
        self.say(b"go ahead");
        self.state = State::Upgrading(Upgrade::Tls);
    }

    pub(crate) fn compress(&mut self) {
        self.say(b"deflate");
        self.state = State::Upgrading(Upgrade::Deflate);
    }

    pub(crate) fn quit(&mut self) {
        self.say(b"bye");
        self.state = State::Closing;
    }

    pub(crate) fn queued(&self) -> usize {
        self.out.len()
    }

    fn frame(&mut self, n: usize) -> Poll {
        self.pace.frame();
        Poll::Frame(n)
    }
}

impl Machine for Toy {
    type Event<'b> = Event<'b>;
    type Error = ToyError;

    fn poll(&mut self, input: &[u8], now: Instant) -> Result<Poll, ToyError> {
        if self.fatal {
            self.state = State::Closing;
            return Err(ToyError("fatal"));
        }
        match self.state {
            State::Command => match self.scanner.scan(input) {
                Scan::Line(line) => Ok(self.frame(line.len)),
                Scan::TooLong => {
                    self.out.put(b"too long\r\n");
                    self.poll(input, now)
                }
                Scan::Skip(n) => Ok(Poll::Skip(n)),
                _ => {
                    let begun = !input.is_empty() || self.scanner.is_skipping();
                    self.pace.wait(now, if begun { Wait::Frame } else { Wait::Idle });
                    Ok(Poll::NeedInput { hint: 1 })
                }
            },
            State::Data => match self.dots.step(input) {
                Dot::Payload(n) => {
                    self.pace.payload(now, n);
                    Ok(Poll::Frame(n))
                }
                Dot::Skip(n) => Ok(Poll::Skip(n)),
                Dot::End(n) => {
                    self.ended = true;
                    Ok(self.frame(n))
                }
                _ => {
                    self.pace.wait(now, Wait::Payload);
                    Ok(Poll::NeedInput { hint: 1 })
                }
            },
            State::Answer => Ok(Poll::Blocked),
            State::Upgrading(what) => Ok(Poll::Upgrade(what)),
            State::Closing => Ok(Poll::Close),
        }
    }

    fn event<'b>(&mut self, frame: &'b [u8]) -> Event<'b> {
        self.secret = false;
        if self.state == State::Data {
            if core::mem::take(&mut self.ended) {
                self.state = State::Answer;
                return Event::PutEnd;
            }
            return Event::Chunk(frame);
        }
        self.state = State::Answer;
        let line = strip_line_end(frame);
        match line {
            [b'E', b'C', b'H', b'O', b' ', text @ ..] => Event::Echo(text),
            [b'P', b'A', b'S', b'S', b' ', secret @ ..] => {
                self.secret = true;
                Event::Password(secret)
            }
            [b'B', b'O', b'D', b'Y', b' ', n @ ..] => {
                Event::Body(core::str::from_utf8(n).unwrap().parse().unwrap())
            }
            b"PUT" => Event::Put,
            b"STARTTLS" => Event::StartTls,
            b"COMPRESS" => Event::Compress,
            b"QUIT" => Event::Quit,
            b"FATAL" => {
                self.say(b"that was fatal");
                self.fatal = true;
                Event::Ignored
            }
            _ => {
                self.say(b"what?");
                Event::Ignored
            }
        }
    }

    fn frame_is_secret(&self) -> bool {
        self.secret
    }

    fn output(&mut self) -> &mut OutputQueue {
        &mut self.out
    }

    fn deadline(&self) -> Option<Instant> {
        self.pace.deadline()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.timeouts += 1;
        if !self.deaf && self.pace.expired(now).is_some() {
            self.say(b"too late");
            self.state = State::Closing;
        }
    }

    fn upgraded(&mut self, transport: Upgraded) {
        if let Upgraded::Tls(info) = transport {
            self.tls = Some(info);
        }
        self.state = State::Command;
    }
}
