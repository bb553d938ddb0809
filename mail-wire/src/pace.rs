use core::{num::NonZeroU32, time::Duration};

use crate::Instant;

/// How long a peer may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaceLimits {
    /// Between one frame and the first octet of the next.
    pub idle: Duration,
    /// From the first octet of a frame to its last.
    pub frame: Duration,
    /// How far a payload may fall behind `rate`, at its start and at any time.
    pub grace: Duration,
    /// The least octets per second of a payload, on the whole.
    pub rate: NonZeroU32,
}

impl Default for PaceLimits {
    /// 10 minutes idle (RFC 1939 section 3), 2 minutes a frame, 3 minutes grace (RFC 5321
    /// section 4.5.3.2.5), 64 octets per second.
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(600),
            frame: Duration::from_secs(120),
            grace: Duration::from_secs(180),
            rate: NonZeroU32::MIN.saturating_add(63),
        }
    }
}

/// What a machine waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// A frame of which nothing has come.
    Idle,
    /// A frame that has begun: its octets are in the input, or dropped as over-long.
    Frame,
    /// More of a payload.
    Payload,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing is awaited from the peer.
    Off,
    Waiting(Wait, Instant),
    /// Inside a payload, while the last part is being handled: this much time is left.
    Paused(Duration),
}

/// Turns the peer's progress into one deadline.
///
/// Progress is a whole frame or a minimum rate, never a mere octet: a peer that sends an octet now and
/// then does not move the deadline. Time that the program takes to handle a frame is not the peer's.
///
/// - When a machine answers `NeedInput`, it calls [`wait`](Self::wait).
/// - When it has a frame, it calls [`frame`](Self::frame); a part of a payload, [`payload`](Self::payload).
///
/// ```
/// use {core::time::Duration, mail_wire::{Instant, Pace, PaceLimits, Wait}};
/// let limits = PaceLimits { frame: Duration::from_secs(10), ..PaceLimits::default() };
/// let at = |s| Instant::from_start(Duration::from_secs(s));
/// let mut pace = Pace::new(limits);
/// pace.wait(at(0), Wait::Frame);
/// pace.wait(at(9), Wait::Frame); // more octets, but not all
/// assert_eq!(pace.deadline(), Some(at(10)));
/// pace.frame();
/// assert_eq!(pace.deadline(), None);
/// ```
#[derive(Clone, Debug)]
pub struct Pace {
    limits: PaceLimits,
    state: State,
}

impl Pace {
    /// No deadline yet.
    #[must_use]
    pub const fn new(limits: PaceLimits) -> Self {
        Self { limits, state: State::Off }
    }

    /// The peer is waited for, from `now` unless it was waited for in the same way already.
    pub fn wait(&mut self, now: Instant, what: Wait) {
        let left = match (self.state, what) {
            (State::Waiting(before, _), _) if before == what => return,
            (State::Paused(left), Wait::Payload) => left,
            (_, Wait::Payload) => self.limits.grace,
            (_, Wait::Frame) => self.limits.frame,
            (_, Wait::Idle) => self.limits.idle,
        };
        self.state = State::Waiting(what, now + left);
    }

    /// A whole frame has come: nothing is awaited until the next [`wait`](Self::wait).
    pub const fn frame(&mut self) {
        self.state = State::Off;
    }

    /// `n` octets of a payload have come. They buy `n / rate` seconds, and no more than the grace in
    /// all; the clock stands until the next [`wait`](Self::wait).
    pub fn payload(&mut self, now: Instant, n: usize) {
        let left = match self.state {
            State::Waiting(Wait::Payload, until) => until.saturating_since(now),
            State::Paused(left) => left,
            _ => self.limits.grace,
        };
        let rate = u64::from(self.limits.rate.get());
        let n = u64::try_from(n).unwrap_or(u64::MAX);
        // Less than `rate` octets remain after whole seconds, so the product fits.
        let bought = Duration::from_secs(n / rate) + Duration::from_nanos(n % rate * 1_000_000_000 / rate);
        self.state = State::Paused(left.saturating_add(bought).min(self.limits.grace));
    }

    /// When the peer is too late.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Waiting(_, until) => Some(until),
            State::Off | State::Paused(_) => None,
        }
    }

    /// What the peer is late with, where `now` is at or past the deadline.
    #[must_use]
    pub fn expired(&self, now: Instant) -> Option<Wait> {
        match self.state {
            State::Waiting(what, until) if until <= now => Some(what),
            _ => None,
        }
    }

    /// Changes the limits, from the next change of what is waited for.
    pub const fn set_limits(&mut self, limits: PaceLimits) {
        self.limits = limits;
    }
}
