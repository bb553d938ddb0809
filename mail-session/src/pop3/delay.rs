use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Beyond so many accounts, those whose delay is over are forgotten.
const MANY: usize = 1024;

/// When each account was opened last: POP3 clients that come too often are sent away (LOGIN-DELAY, RFC 2449
/// section 6.5).
#[derive(Debug)]
pub struct LoginDelays {
    delay: Duration,
    last: Mutex<HashMap<String, Instant>>,
}

impl LoginDelays {
    /// At least so long between two logins.
    #[must_use]
    pub fn new(delay: Duration) -> Self {
        Self { delay, last: Mutex::default() }
    }

    /// Whether the account may be opened at this time, and it is from now on counted as opened; a refusal does not
    /// lengthen the delay.
    pub(super) fn admits(&self, account: &str, now: Instant) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |at: &Instant| now.saturating_duration_since(*at) < self.delay;
        if last.get(account).is_some_and(waits) {
            return false;
        }
        if last.len() >= MANY {
            last.retain(|_, at| waits(at));
        }
        last.insert(account.to_owned(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_too_soon_waits_no_longer_for_it() {
        let delays = LoginDelays::new(Duration::from_secs(60));
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(delays.admits("a", at(0)) && delays.admits("b", at(1)));
        assert!(!delays.admits("a", at(30)) && !delays.admits("a", at(59)));
        assert!(delays.admits("a", at(60)) && !delays.admits("a", at(61)));
        for n in 0..3000 {
            assert!(delays.admits(&n.to_string(), at(1000 + n)));
        }
        assert!(delays.last.lock().unwrap().len() <= MANY + 1, "those whose delay is over are forgotten");
    }
}
