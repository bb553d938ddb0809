//! How many connections there are, in all and from one address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{config::Limits, throttle::network};

/// Counts the connections.
#[derive(Debug)]
pub(crate) struct Connections {
    limits: Limits,
    now: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    all: u32,
    by_address: HashMap<IpAddr, u32>,
}

/// A connection that is counted; dropped, it is not any more.
#[derive(Debug)]
pub(crate) struct Place {
    of: Arc<Connections>,
    /// `None`: exempt from the limit per address.
    address: Option<IpAddr>,
}

/// Why there is no place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Full {
    InAll,
    FromThisAddress,
}

impl Connections {
    pub(crate) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, now: Mutex::default() })
    }

    pub(crate) fn enter(self: &Arc<Self>, peer: IpAddr) -> Result<Place, Full> {
        let peer = peer.to_canonical();
        let address = (!peer.is_loopback()).then(|| network(peer));
        let mut now = self.lock();
        if now.all >= self.limits.connections {
            return Err(Full::InAll);
        }
        if let Some(address) = address {
            let count = now.by_address.entry(address).or_insert(0);
            if *count >= self.limits.connections_per_address {
                return Err(Full::FromThisAddress);
            }
            *count += 1;
        }
        now.all += 1;
        Ok(Place { of: Arc::clone(self), address })
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut now = self.of.lock();
        now.all = now.all.saturating_sub(1);
        if let Some(address) = self.address
            && let Some(count) = now.by_address.get_mut(&address)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                now.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(all: u32, each: u32) -> Arc<Connections> {
        Connections::new(Limits { connections: all, connections_per_address: each, ..Limits::default() })
    }

    #[test]
    fn an_address_has_its_limit_and_gets_its_place_back() {
        let c = connections(100, 2);
        let ip = |s: &str| s.parse::<IpAddr>().unwrap();
        let _a = c.enter(ip("192.0.2.1")).unwrap();
        let b = c.enter(ip("::ffff:192.0.2.1")).unwrap();
        assert_eq!(c.enter(ip("192.0.2.1")).unwrap_err(), Full::FromThisAddress);
        let _other = c.enter(ip("192.0.2.2")).unwrap();
        drop(b);
        let _again = c.enter(ip("192.0.2.1")).unwrap();
        let _x = c.enter(ip("2001:db8::1")).unwrap();
        let _y = c.enter(ip("2001:db8::2")).unwrap();
        assert_eq!(c.enter(ip("2001:db8::3")).unwrap_err(), Full::FromThisAddress);
        let _z = c.enter(ip("2001:db8:0:1::3")).unwrap();
    }

    #[test]
    fn loopback_counts_only_in_all() {
        let c = connections(3, 1);
        let held: Vec<_> =
            ["127.0.0.1", "127.0.0.1", "::1"].map(|s| c.enter(s.parse().unwrap()).unwrap()).into();
        assert_eq!(c.enter("127.0.0.1".parse().unwrap()).unwrap_err(), Full::InAll);
        drop(held);
        assert!(c.lock().by_address.is_empty());
        assert_eq!(c.lock().all, 0);
    }
}
