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
#[derive(Clone, Debug, PartialEq, Eq)]
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
        if left >= self.limits.grace {
            // There is no more of it to be bought.
            self.state = State::Paused(self.limits.grace);
            return;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Instant {
        Instant::from_start(Duration::from_secs(seconds))
    }

    fn pace() -> Pace {
        Pace::new(PaceLimits {
            idle: Duration::from_secs(600),
            frame: Duration::from_secs(60),
            grace: Duration::from_secs(30),
            rate: NonZeroU32::new(100).unwrap(),
        })
    }

    #[test]
    fn octets_of_a_frame_do_not_move_its_deadline() {
        let mut pace = pace();
        pace.wait(at(0), Wait::Idle);
        assert_eq!(pace.deadline(), Some(at(600)));
        pace.wait(at(599), Wait::Frame);
        for now in 599..659 {
            pace.wait(at(now), Wait::Frame);
            assert_eq!(pace.expired(at(now)), None);
        }
        assert_eq!(pace.expired(at(659)), Some(Wait::Frame));
    }

    #[test]
    fn waiting_again_for_nothing_does_not_move_the_idle_deadline() {
        let mut pace = pace();
        pace.wait(at(0), Wait::Idle);
        pace.wait(at(500), Wait::Idle);
        assert_eq!(pace.deadline(), Some(at(600)));
        pace.frame();
        pace.wait(at(501), Wait::Idle);
        assert_eq!(pace.deadline(), Some(at(1101)));
    }

    #[test]
    fn a_payload_below_the_rate_ends_and_one_at_the_rate_goes_on() {
        for (each_second, lasts) in [(99u32, false), (100, true), (1, false)] {
            let mut pace = pace();
            let mut expired = false;
            for now in 0..10_000 {
                pace.wait(at(now), Wait::Payload);
                expired |= pace.expired(at(now + 1)).is_some();
                pace.payload(at(now + 1), usize::try_from(each_second).unwrap());
                assert_eq!(pace.deadline(), None);
            }
            assert_eq!(!expired, lasts, "{each_second}");
        }
    }

    #[test]
    fn a_burst_buys_no_more_than_the_grace() {
        let mut pace = pace();
        pace.wait(at(0), Wait::Payload);
        pace.payload(at(1), usize::MAX);
        pace.wait(at(2), Wait::Payload);
        assert_eq!(pace.deadline(), Some(at(32)));
    }

    #[test]
    fn the_program_s_own_time_does_not_count() {
        let mut pace = pace();
        pace.wait(at(0), Wait::Payload);
        pace.payload(at(10), 100); // 20 s left and 1 s bought
        pace.wait(at(1000), Wait::Payload);
        assert_eq!(pace.deadline(), Some(at(1021)));
    }
}
