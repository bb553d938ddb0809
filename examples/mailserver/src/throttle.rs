//! Wrong logins: each makes the next wait longer, for its mailbox and for its address.
//!
//! Who waits is answered as if the password were wrong, after the same time, whatever it is. Memory is fixed: two
//! tables of places; in a full row the least guilty makes room.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher as _, Hash},
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Rows of a table, and places in a row.
const ROWS: usize = 4096;
const PLACES: usize = 8;
/// Without another failure for this long, half of the failures are forgiven.
const FORGIVEN: Duration = Duration::from_secs(10 * 60);

/// How much is free, and what comes then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Limit {
    /// Failures without a consequence.
    pub(crate) free: u32,
    /// The wait after the next one; each further doubles it.
    pub(crate) first: Duration,
    /// The longest wait.
    pub(crate) longest: Duration,
}

impl Limit {
    /// The waits; how much is free is configured.
    pub(crate) const USUAL: Self =
        Self { free: 10, first: Duration::from_secs(1), longest: Duration::from_secs(15 * 60) };
}

/// Which limit a login is held back by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Held {
    ByMailbox(Duration),
    ByAddress(Duration),
}

impl std::fmt::Display for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ByMailbox(wait) => {
                write!(f, "too many wrong logins to this mailbox, {} s to wait", wait.as_secs())
            }
            Self::ByAddress(wait) => {
                write!(f, "too many wrong logins from this address, {} s to wait", wait.as_secs())
            }
        }
    }
}

/// Counts wrong logins.
pub(crate) struct Throttle {
    mailbox: Limit,
    address: Limit,
    hasher: RandomState,
    mailboxes: Mutex<Table>,
    addresses: Mutex<Table>,
    /// Who logged in well from where: another's guesses do not lock him out.
    known: Mutex<Table>,
}

#[derive(Clone, Copy)]
struct Place {
    key: u64,
    failures: u32,
    last: Instant,
}

struct Table(Box<[[Option<Place>; PLACES]]>);

impl Throttle {
    pub(crate) fn new(mailbox: Limit, address: Limit) -> Self {
        let table = || Mutex::new(Table(vec![[None; PLACES]; ROWS].into_boxed_slice()));
        Self {
            mailbox,
            address,
            hasher: RandomState::new(),
            mailboxes: table(),
            addresses: table(),
            known: table(),
        }
    }

    /// Whether a login to this mailbox (as the client names it, or as it is called) from this address is to be
    /// refused unseen.
    pub(crate) fn held(&self, mailbox: &str, from: Option<IpAddr>, now: Instant) -> Option<Held> {
        let held = self.held_from(from, now);
        if held.is_some() {
            return held;
        }
        let wait = lock(&self.mailboxes).wait(self.key(mailbox), self.mailbox, now)?;
        (!self.is_known(mailbox, from)).then_some(Held::ByMailbox(wait))
    }

    /// Whether a login to this mailbox from this address was right before.
    pub(crate) fn is_known(&self, mailbox: &str, from: Option<IpAddr>) -> bool {
        lock(&self.known).find(self.key(&(mailbox, from.map(network)))).is_some()
    }

    /// The same for a login that names no mailbox.
    pub(crate) fn held_from(&self, from: Option<IpAddr>, now: Instant) -> Option<Held> {
        let from = from.map(network).filter(|from| !from.is_loopback())?;
        lock(&self.addresses).wait(self.key(&from), self.address, now).map(Held::ByAddress)
    }

    /// A login was wrong. One that was held counts for nothing: or else guesses would hold it for ever.
    pub(crate) fn failed(&self, mailbox: &str, from: Option<IpAddr>, now: Instant) {
        lock(&self.mailboxes).add(self.key(mailbox), now);
        self.failed_from(from, now);
    }

    /// The same for a login that names no mailbox.
    pub(crate) fn failed_from(&self, from: Option<IpAddr>, now: Instant) {
        if let Some(from) = from.map(network).filter(|from| !from.is_loopback()) {
            lock(&self.addresses).add(self.key(&from), now);
        }
    }

    /// A login was right.
    pub(crate) fn succeeded(&self, mailbox: &str, from: Option<IpAddr>, now: Instant) {
        lock(&self.mailboxes).clear(self.key(mailbox));
        lock(&self.known).add(self.key(&(mailbox, from.map(network))), now);
    }

    /// Names are kept as keyed hashes: what was typed into the wrong field is not kept.
    fn key(&self, of: &(impl Hash + ?Sized)) -> u64 {
        self.hasher.hash_one(of)
    }
}

impl std::fmt::Debug for Throttle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Throttle")
    }
}

impl Place {
    /// The failures that are not forgiven yet.
    fn guilt(&self, now: Instant) -> u32 {
        let halvings = now.saturating_duration_since(self.last).as_secs() / FORGIVEN.as_secs();
        u32::try_from(halvings).ok().and_then(|n| self.failures.checked_shr(n)).unwrap_or(0)
    }
}

impl Table {
    fn row(&mut self, key: u64) -> &mut [Option<Place>] {
        let rows = u64::try_from(self.0.len()).unwrap_or(1).max(1);
        let row = usize::try_from(key % rows).unwrap_or(0);
        self.0.get_mut(row).map_or(&mut [], |row| row.as_mut_slice())
    }

    fn find(&mut self, key: u64) -> Option<&mut Place> {
        self.row(key).iter_mut().flatten().find(|place| place.key == key)
    }

    /// How long it still waits.
    fn wait(&mut self, key: u64, limit: Limit, now: Instant) -> Option<Duration> {
        let place = self.find(key)?;
        let over = place.guilt(now).checked_sub(limit.free)?.checked_sub(1)?;
        let wait = limit.first.saturating_mul(1_u32.checked_shl(over).unwrap_or(u32::MAX)).min(limit.longest);
        wait.checked_sub(now.saturating_duration_since(place.last)).filter(|left| !left.is_zero())
    }

    fn add(&mut self, key: u64, now: Instant) {
        if let Some(place) = self.find(key) {
            // A count that says no more than "the longest wait" need not grow.
            place.failures = place.guilt(now).saturating_add(1).min(1 << 20);
            place.last = now;
            return;
        }
        let least = self.row(key).iter_mut().min_by_key(|p| p.map(|p| (p.guilt(now), p.last)));
        if let Some(place) = least {
            *place = Some(Place { key, failures: 1, last: now });
        }
    }

    fn clear(&mut self, key: u64) {
        for place in self.row(key).iter_mut().filter(|p| p.is_some_and(|p| p.key == key)) {
            *place = None;
        }
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One customer's network: an IPv4 address, an IPv6 /64.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn throttle() -> Throttle {
        let limit = |free| Limit { free, first: S, longest: S * 60 };
        Throttle::new(limit(3), limit(10))
    }

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn the_wait_of_a_mailbox_doubles_and_ends() {
        let t = throttle();
        let mut now = Instant::now();
        let from = |n: u32| ip(&format!("192.0.2.{n}"));
        for n in 0..3 {
            assert_eq!(t.held("alice", from(n), now), None);
            t.failed("alice", from(n), now);
        }
        assert_eq!(t.held("alice", from(9), now), None, "three are free");
        for (n, wait) in [1, 2, 4, 8, 16, 32, 60, 60].into_iter().enumerate() {
            t.failed("alice", from(u32::try_from(n).unwrap()), now);
            assert_eq!(t.held("alice", from(9), now), Some(Held::ByMailbox(S * wait)));
            assert!(t.held("alice", from(9), now + S * wait - S / 2).is_some());
            now += S * wait;
            assert_eq!(t.held("alice", from(9), now), None);
        }
        assert_eq!(t.held("bob", from(9), now), None);
        t.succeeded("alice", from(9), now);
        t.failed("alice", from(9), now);
        assert_eq!(t.held("alice", from(8), now), None, "a right login clears the mailbox");
    }

    #[test]
    fn an_address_waits_for_all_mailboxes_and_a_slash_64_is_one() {
        let t = throttle();
        let now = Instant::now();
        for n in 0..11 {
            t.failed(&format!("user{n}"), ip(&format!("2001:db8::{n}")), now);
        }
        assert_eq!(t.held("other", ip("2001:db8::ffff"), now), Some(Held::ByAddress(S)));
        assert_eq!(t.held("other", ip("2001:db8:0:1::1"), now), None);
        for _ in 0..11 {
            t.failed_from(ip("::ffff:192.0.2.7"), now);
            t.failed_from(ip("127.0.0.1"), now);
        }
        assert_eq!(t.held("other", ip("192.0.2.7"), now), Some(Held::ByAddress(S)));
        assert_eq!(
            t.held("other", ip("127.0.0.1"), now),
            None,
            "a front end on this machine speaks for many"
        );
        t.succeeded("other", ip("192.0.2.7"), now);
        assert!(t.held("other", ip("192.0.2.7"), now).is_some(), "an own account does not buy more guesses");
    }

    #[test]
    fn guesses_do_not_lock_out_who_was_there_before() {
        let t = throttle();
        let now = Instant::now();
        t.succeeded("alice", ip("198.51.100.1"), now);
        for n in 0..9 {
            t.failed("alice", ip(&format!("192.0.2.{n}")), now);
        }
        assert!(t.held("alice", ip("192.0.2.200"), now).is_some());
        assert_eq!(t.held("alice", ip("198.51.100.1"), now), None);
    }

    #[test]
    fn failures_are_forgiven_with_time() {
        let t = throttle();
        let now = Instant::now();
        for _ in 0..6 {
            t.failed("alice", None, now);
        }
        t.failed("alice", None, now + FORGIVEN);
        assert!(t.held("alice", None, now + FORGIVEN).is_some(), "3 of 6, and one");
        assert_eq!(t.held("alice", None, now + FORGIVEN * 40), None);
    }

    #[test]
    fn memory_is_fixed_and_the_guiltiest_are_kept() {
        let t = throttle();
        let now = Instant::now();
        for _ in 0..10 {
            t.failed("alice", None, now);
        }
        for n in 0..200_000 {
            t.failed(&format!("user{n}"), None, now + S);
        }
        assert!(t.held("alice", None, now + S).is_some());
    }
}
