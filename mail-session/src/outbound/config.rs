use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    time::Duration,
};

/// How the queue is worked off.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// What this server calls itself in reports.
    pub hostname: String,
    /// After the first attempt that failed, so long passes until the next; after each further one twice as
    /// long. 5 minutes.
    pub retry_first: Duration,
    /// But never longer. 2 hours.
    pub retry_longest: Duration,
    /// After so long the sender is told that it takes longer. 4 hours.
    pub delay_notice: Duration,
    /// How long a report is tried, before it is dropped. 5 days.
    pub retention: Duration,
    /// A message of more octets is not returned with a report, but its header. 256 KiB.
    pub return_limit: u64,
    /// For so long an entry belongs to who took it. 10 minutes.
    pub lease: Duration,
    /// So many entries are held ready, those of higher priority first. 256.
    pub ready: usize,
    /// A link without work is closed after so long. 10 seconds.
    pub idle: Duration,
    /// After so many messages a link is opened anew. 100.
    pub messages_per_link: u32,
    /// After the smart host could not be reached, nobody tries it for so long; after each further time twice as long, up to
    /// `retry_first`. 5 seconds.
    pub host_pause: Duration,
}

impl Config {
    /// The usual, for the host of this name.
    pub fn new(hostname: impl Into<String>) -> Self {
        Self {
            hostname: hostname.into(),
            retry_first: Duration::from_secs(300),
            retry_longest: Duration::from_secs(7200),
            delay_notice: Duration::from_secs(4 * 3600),
            retention: Duration::from_secs(5 * 86_400),
            return_limit: 256 * 1024,
            lease: Duration::from_secs(600),
            ready: 256,
            idle: Duration::from_secs(10),
            messages_per_link: 100,
            host_pause: Duration::from_secs(5),
        }
    }

    /// When to try again after so many attempts, in seconds from now: with a fifth more or less, so that what failed
    /// together does not come back together.
    pub(super) fn retry_after(&self, attempts: u32, dice: u64) -> i64 {
        let doubled = 1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
        let pause = self.retry_first.saturating_mul(doubled).min(self.retry_longest);
        seconds(pause.mul_f64(0.8 + 0.4 * fraction(dice))).max(1)
    }
}

pub(super) fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// From 0 to 1.
fn fraction(dice: u64) -> f64 {
    f64::from(u32::try_from(dice >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

/// Something nobody foresees; not for secrets.
pub(super) fn dice() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_their_bound_and_differ() {
        let config = Config::new("h");
        for (attempts, middle) in [(1, 300), (2, 600), (3, 1200), (5, 4800), (6, 7200), (90, 7200)] {
            let (least, most) = (config.retry_after(attempts, 0), config.retry_after(attempts, u64::MAX));
            assert_eq!((least, most), (middle * 8 / 10, middle * 12 / 10), "{attempts}");
        }
        assert_ne!(dice(), dice());
    }
}
