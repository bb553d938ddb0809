//! What is done to many messages at once, against a plain model of them.
#![allow(missing_docs, reason = "the cases say what they are about")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::{collections::BTreeMap, time::Duration};

use common::{append, block_on, check, inbox, read};
use mailstore_api::{
    Account, Derived, FlagOp, Flags, MailStore, Mailbox, Meta, MetaItems, ModSeq, OpenMode, Part,
    SystemFlags, Uid, UidSet,
};
use mailstore_sqlite::{Options, SqliteMailbox, SqliteStore};

fn open(dir: &std::path::Path) -> SqliteStore {
    let options = Options { shards: Some(1), poll_every: Duration::from_millis(50), ..Options::default() };
    SqliteStore::open(dir, options).unwrap()
}

/// Numbers that look random, and are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn flags(&mut self) -> Flags {
        let mut flags = Flags::system(SystemFlags::from_bits(u8::try_from(self.below(32)).unwrap()));
        // More than there are bits for.
        flags.keywords = (0..self.below(3)).map(|_| format!("k{}", self.below(40))).collect();
        flags.keywords.sort_unstable();
        flags.keywords.dedup();
        flags
    }

    fn set(&mut self, last: u64) -> UidSet {
        let range = |n: &mut Self| {
            let from = u32::try_from(1 + n.below(last)).unwrap();
            (from, from + u32::try_from(n.below(30)).unwrap())
        };
        UidSet::from_ranges((0..1 + self.below(3)).map(|_| range(self)).collect::<Vec<_>>())
    }
}

async fn metas(mailbox: &SqliteMailbox) -> Vec<Meta> {
    mailbox.meta(&UidSet::all(), MetaItems::FLAGS, None, 1000).await.unwrap().items
}

/// Each operation on memory and by ranges in the database; then both are compared with the model.
#[test]
fn flags_of_many_are_what_a_plain_model_says_in_memory_and_on_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let mut model: BTreeMap<u32, (Flags, u64)> = BTreeMap::new();
    let mut numbers = Numbers(7);
    let compare = |found: Vec<Meta>, model: &BTreeMap<u32, (Flags, u64)>| {
        assert_eq!(found.len(), model.len());
        for meta in found {
            let (flags, modseq) = &model[&meta.uid.get()];
            assert!(meta.flags.same_as(flags), "{}: {:?} is not {flags:?}", meta.uid.get(), meta.flags);
            assert_eq!(meta.modseq.0, *modseq);
        }
    };
    let store = open(dir.path());
    store.create_account("anna", None).unwrap();
    block_on(async {
        let anna = store.open_account("anna").await.unwrap();
        let id = inbox(&anna).await;
        for n in 0..60 {
            let outcome = append(&anna, &id, format!("{n}\r\n").as_bytes()).await.unwrap();
            model.insert(outcome.uids[0].get(), (Flags::default(), outcome.at.0));
        }
        let (_, mailbox) = anna.open(&id, OpenMode::Select).await.unwrap();
        for round in 0..300 {
            let (flags, set) = (numbers.flags(), numbers.set(60));
            let op =
                [FlagOp::Add, FlagOp::Remove, FlagOp::Replace][usize::try_from(numbers.below(3)).unwrap()];
            let highest = model.values().map(|m| m.1).max().unwrap();
            let since = (numbers.below(3) == 0).then(|| ModSeq(highest - numbers.below(4)));
            let outcome = mailbox.set_flags(&set, op, &flags, since).await.unwrap();
            let mut conflicted = UidSet::new();
            for (uid, (have, modseq)) in &mut model {
                let uid = Uid::new(*uid).unwrap();
                if !set.contains(uid) {
                    continue;
                }
                if since.is_some_and(|since| *modseq > since.0) {
                    conflicted.insert(uid);
                    continue;
                }
                let mut new = have.clone();
                match op {
                    FlagOp::Add => _ = new.add(&flags),
                    FlagOp::Remove => _ = new.remove(&flags),
                    FlagOp::Replace => new = flags.clone(),
                }
                if !new.same_as(have) {
                    (*have, *modseq) = (new, outcome.at.0);
                }
            }
            assert_eq!(outcome.conflicted, conflicted, "round {round}");
            compare(metas(&mailbox).await, &model);
            if round % 50 == 49 {
                // A second process reads what is on the disk.
                let other = open(dir.path());
                let anna = other.open_account("anna").await.unwrap();
                let (_, theirs) = anna.open(&id, OpenMode::Examine).await.unwrap();
                compare(metas(&theirs).await, &model);
            }
        }
    });
    drop(store);
    check(dir.path());
}

#[test]
fn messages_opened_ahead_are_those_asked_for_whatever_lies_between() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.create_account("anna", None).unwrap();
    block_on(async {
        let anna = store.open_account("anna").await.unwrap();
        let id = inbox(&anna).await;
        let text =
            |n: u32| format!("Subject: {n}\r\n\r\n{}\r\n", "x".repeat(usize::try_from(n % 7 * 900).unwrap()));
        for n in 1..=50 {
            append(&anna, &id, text(n).as_bytes()).await.unwrap();
        }
        let (_, mailbox) = anna.open(&id, OpenMode::Select).await.unwrap();
        let gone = UidSet::from_ranges([(7, 9), (30, 30)]);
        mailbox.expunge(Some(&gone), false).await.unwrap();
        let every = |step: usize| (1..=50).step_by(step).filter_map(Uid::new).collect::<Vec<_>>();
        for asked in [every(1), every(2), every(6), every(49)] {
            let mut left = asked.as_slice();
            while !left.is_empty() {
                let opened = mailbox.bodies(left, Part::Whole).await.unwrap();
                let Some((last, _)) = opened.last() else { break };
                for (uid, body) in &opened {
                    assert_eq!(read(&mailbox, *uid).await, text(uid.get()).into_bytes());
                    assert_eq!(mailstore_api::Body::len(body), text(uid.get()).len() as u64);
                }
                let upto = left.iter().position(|uid| uid == last).unwrap();
                let there = left[..=upto].iter().copied().filter(|uid| !gone.contains(*uid));
                assert_eq!(opened.iter().map(|(uid, _)| *uid).collect::<Vec<_>>(), there.collect::<Vec<_>>());
                left = &left[upto + 1..];
            }
            assert!(left.iter().all(|uid| gone.contains(*uid)));
        }
    });
}

#[test]
fn what_was_derived_comes_in_any_number_of_batches_and_is_the_account_s_own() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for name in ["anna", "bert"] {
        store.create_account(name, None).unwrap();
    }
    block_on(async {
        let anna = store.open_account("anna").await.unwrap();
        let id = inbox(&anna).await;
        for n in 0..300 {
            append(&anna, &id, format!("{n}\r\n").as_bytes()).await.unwrap();
        }
        let (_, mailbox) = anna.open(&id, OpenMode::Select).await.unwrap();
        let of = |uid: Uid| bytes::Bytes::from(format!("envelope {}", uid.get()));
        for uid in (1..=300).step_by(2).filter_map(Uid::new) {
            mailbox.remember(uid, Derived { envelope: Some(of(uid)), ..Derived::default() }).await;
        }
        for _ in 0..2 {
            let (mut left, mut seen) = (UidSet::all(), 0);
            loop {
                let batch = mailbox.meta(&left, MetaItems::ENVELOPE, None, 77).await.unwrap();
                for meta in &batch.items {
                    let envelope = meta.more.as_ref().and_then(|more| more.envelope.clone());
                    assert_eq!(envelope, (meta.uid.get() % 2 == 1).then(|| of(meta.uid)));
                    seen += 1;
                }
                let Some(after) = batch.resume_after else { break };
                left = left.difference(&UidSet::from_ranges([(1, after.get())]));
            }
            assert_eq!(seen, 300);
        }
        let bert = store.open_account("bert").await.unwrap();
        let id = inbox(&bert).await;
        append(&bert, &id, b"1\r\n").await.unwrap();
        let (_, mailbox) = bert.open(&id, OpenMode::Select).await.unwrap();
        let batch = mailbox.meta(&UidSet::all(), MetaItems::ENVELOPE, None, 77).await.unwrap();
        assert!(batch.items[0].more.is_none());
    });
}
