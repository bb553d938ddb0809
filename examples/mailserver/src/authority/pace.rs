//! When it is answered what should not tell by its time.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Failed logins (and SCRAM's first messages) are answered a whole number of periods after they came, so that the time
/// tells neither which of the steps failed nor how long it took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace(Duration);

impl Pace {
    pub(super) const fn new(period: Duration) -> Self {
        Self(period)
    }

    /// Waits until what came at `begun` may be answered.
    pub(super) async fn wait(self, begun: Instant) {
        if let Some(at) = self.due(begun, Instant::now()) {
            sleep_until(at).await;
        }
    }

    fn due(self, begun: Instant, now: Instant) -> Option<Instant> {
        let period = self.0.as_nanos();
        let periods = now.saturating_duration_since(begun).as_nanos().checked_div(period)?;
        begun.checked_add(self.0.saturating_mul(u32::try_from(periods).ok()?.saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_come_at_whole_periods() {
        let (pace, begun) = (Pace::new(Duration::from_millis(500)), Instant::now());
        let at = |ms| begun + Duration::from_millis(ms);
        for (now, due) in [(0, 500), (1, 500), (499, 500), (500, 1000), (1700, 2000)] {
            assert_eq!(pace.due(begun, at(now)), Some(at(due)), "{now}");
        }
        assert_eq!(Pace::new(Duration::ZERO).due(begun, begun), None);
    }
}
