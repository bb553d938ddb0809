//! What was derived from messages and asked for lately, in memory: a mailbox that is listed again costs no read.

use std::{collections::HashMap, mem};

use bytes::Bytes;
use mailstore_api::{Derived, Meta, MetaItems};

/// What is not kept here.
const IN_DATABASE: MetaItems =
    MetaItems::PREVIEW.and(MetaItems::OBJECT_IDS).and(MetaItems::POP3_UIDL).and(MetaItems::SAVE_DATE);
/// What an entry costs beside its octets.
const OVERHEAD: usize = 160;

/// By mailbox and UID, which are never used twice. Two generations of about half the room each: what is asked for moves to the
/// young one, and when that is full the old one goes.
#[derive(Debug, Default)]
pub(crate) struct AtHand {
    young: HashMap<(i64, u32), Entry>,
    old: HashMap<(i64, u32), Entry>,
    /// Of the young.
    octets: usize,
    room: usize,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    envelope: Option<Bytes>,
    structure: Option<Bytes>,
}

impl Entry {
    fn octets(&self) -> usize {
        OVERHEAD + [&self.envelope, &self.structure].into_iter().flatten().map(Bytes::len).sum::<usize>()
    }

    fn has(&self, want: MetaItems) -> bool {
        (self.envelope.is_some() || !want.contains(MetaItems::ENVELOPE))
            && (self.structure.is_some() || !want.contains(MetaItems::BODY_STRUCTURE))
    }
}

impl AtHand {
    /// With room for so many octets.
    pub(crate) fn new(room: usize) -> Self {
        Self { room, ..Self::default() }
    }

    /// Fills in those messages of which all that is wanted is here. Whether it was so of all.
    pub(crate) fn recall(&mut self, mailbox: i64, want: MetaItems, items: &mut [Meta]) -> bool {
        if !(want & IN_DATABASE).is_empty() {
            return false;
        }
        let mut all = true;
        for item in items {
            let key = (mailbox, item.uid.get());
            if !self.young.contains_key(&key)
                && let Some(entry) = self.old.remove(&key)
            {
                self.put(key, entry);
            }
            match self.young.get(&key).filter(|entry| entry.has(want)) {
                Some(entry) => {
                    let (envelope, body_structure) = (entry.envelope.clone(), entry.structure.clone());
                    item.more = Some(Box::new(Derived { envelope, body_structure, ..Derived::default() }));
                }
                None => all = false,
            }
        }
        all
    }

    /// Keeps what is known of a message; what it leaves out stays as it is.
    pub(crate) fn keep(&mut self, mailbox: i64, uid: u32, derived: &Derived) {
        if derived.envelope.is_none() && derived.body_structure.is_none() {
            return;
        }
        let key = (mailbox, uid);
        let mut entry = match self.young.remove(&key) {
            Some(entry) => {
                self.octets = self.octets.saturating_sub(entry.octets());
                entry
            }
            None => self.old.remove(&key).unwrap_or_default(),
        };
        entry.envelope = derived.envelope.clone().or(entry.envelope);
        entry.structure = derived.body_structure.clone().or(entry.structure);
        self.put(key, entry);
    }

    fn put(&mut self, key: (i64, u32), entry: Entry) {
        let octets = entry.octets();
        if octets > self.room / 8 {
            return;
        }
        if self.octets + octets > self.room / 2 {
            self.old = mem::take(&mut self.young);
            self.octets = 0;
        }
        self.octets += octets;
        self.young.insert(key, entry);
    }
}

#[cfg(test)]
mod tests {
    use mailstore_api::{Flags, InternalDate, ModSeq, Uid};

    use super::*;

    const BOTH: MetaItems = MetaItems::ENVELOPE.and(MetaItems::BODY_STRUCTURE);

    fn meta(uid: u32) -> Meta {
        Meta {
            uid: Uid::new(uid).unwrap(),
            modseq: ModSeq(1),
            flags: Flags::default(),
            internal_date: InternalDate::default(),
            size: 1,
            ends_with_crlf: true,
            more: None,
        }
    }

    fn envelope(octets: usize) -> Derived {
        Derived { envelope: Some(vec![b'e'; octets].into()), ..Derived::default() }
    }

    #[test]
    fn what_is_kept_comes_back_and_only_what_was_kept() {
        let mut at_hand = AtHand::new(1 << 20);
        at_hand.keep(1, 7, &envelope(3));
        let mut items = [meta(7)];
        assert!(!at_hand.recall(1, BOTH, &mut items), "the structure is not known");
        assert!(items[0].more.is_none());
        assert!(!at_hand.recall(2, MetaItems::ENVELOPE, &mut items), "another mailbox");
        assert!(at_hand.recall(1, MetaItems::ENVELOPE, &mut items));
        assert_eq!(items[0].more.take().unwrap().envelope.unwrap(), "eee");
        at_hand.keep(1, 7, &Derived { body_structure: Some("s".into()), ..Derived::default() });
        assert!(at_hand.recall(1, BOTH, &mut items));
        let more = items[0].more.take().unwrap();
        assert_eq!((more.envelope.unwrap(), more.body_structure.unwrap()), ("eee".into(), "s".into()));
        assert!(!at_hand.recall(1, MetaItems::PREVIEW, &mut items), "that is the database's");
    }

    #[test]
    fn its_memory_is_bounded_and_what_is_used_stays() {
        let mut at_hand = AtHand::new(100_000);
        for uid in 1..10_000 {
            at_hand.keep(1, uid, &envelope(1000));
            assert!(at_hand.recall(1, MetaItems::ENVELOPE, &mut [meta(1)]), "it is asked for all the time");
            let held: usize = at_hand.young.values().chain(at_hand.old.values()).map(Entry::octets).sum();
            assert!(held <= 100_000, "{held}");
        }
        assert!(!at_hand.recall(1, MetaItems::ENVELOPE, &mut [meta(5000)]));
        at_hand.keep(1, 1, &envelope(90_000));
        assert!(at_hand.young.values().all(|e| e.octets() < 2000), "one must not push out all others");
    }
}
