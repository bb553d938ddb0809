//! An `Index` made again from what a store wrote down.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::num::NonZeroU32;

use bytes::Bytes;
use mailstore_api::{
    AppendSpec, ErrorKind, FlagOp, Flags, Index, IndexLimits, IndexRow, MailboxId, MetaItems, ModSeq,
    OpenMode, SystemFlags, Uid, UidSet, UidValidity,
};

const LIMITS: IndexLimits = IndexLimits { history: 2, keywords: 3 };

fn uids(range: std::ops::RangeInclusive<u32>) -> UidSet {
    UidSet::from_ranges([(*range.start(), *range.end())])
}

fn empty() -> Index<Bytes> {
    Index::with_limits(UidValidity(NonZeroU32::new(7).unwrap()), LIMITS)
}

fn message(text: &'static str) -> IndexRow<Bytes> {
    IndexRow::new(AppendSpec::default(), Bytes::from_static(text.as_bytes()))
}

fn keyword(name: &str) -> Flags {
    Flags { keywords: vec![name.to_owned()], ..Flags::default() }
}

/// A mailbox with a past: messages come, change and go, and of its three expunges two are remembered.
fn lived() -> (Index<Bytes>, Vec<(ModSeq, UidSet)>) {
    let mut index = empty();
    index.insert((0..6).map(|_| message("a: b\r\n\r\n")).collect()).unwrap();
    let mut expunged = Vec::new();
    for n in [1, 6, 3] {
        let outcome = index.expunge(&uids(n..=n), false);
        expunged.push((outcome.at, outcome.vanished));
    }
    index.set_flags(&uids(2..=2), FlagOp::Add, &Flags::system(SystemFlags::SEEN), None).unwrap();
    index.set_flags(&uids(4..=4), FlagOp::Add, &keyword("Urgent"), None).unwrap();
    (index, expunged)
}

/// What a store would have written, read again.
fn restored(index: &Index<Bytes>, expunged: &[(ModSeq, UidSet)]) -> Index<Bytes> {
    let metas = index.meta(&UidSet::all(), MetaItems::from_bits(u32::MAX), None, 100);
    let rows = metas.items.iter().map(|m| {
        let mut row = index.get(m.uid).unwrap().clone();
        row.derived = *m.more.clone().unwrap();
        (m.uid, m.modseq, row)
    });
    let status = index.status(&MailboxId("x".into()));
    let (forgotten, kept) = expunged.split_first().unwrap();
    empty().restored(status.uid_next, index.modseq(), rows, kept.to_vec(), forgotten.0)
}

#[test]
fn an_index_that_is_restored_is_the_one_it_was() {
    let (mut old, expunged) = lived();
    // What is restored is nobody's news.
    old.claim_recent(true);
    let new = restored(&old, &expunged);
    let id = MailboxId("x".into());
    assert_eq!(new.status(&id), old.status(&id));
    assert_eq!((new.uid_validity(), new.modseq()), (old.uid_validity(), old.modseq()));
    let shown = |i: &Index<Bytes>| format!("{:?}", i.snapshot(OpenMode::Select));
    assert_eq!(shown(&new), shown(&old));
    let metas =
        |i: &Index<Bytes>| format!("{:?}", i.meta(&UidSet::all(), MetaItems::from_bits(u32::MAX), None, 100));
    assert_eq!(metas(&new), metas(&old));
    // At each cursor, and cut at each length.
    for after in 0..=old.modseq().0 {
        for limit in [1, 2, 100] {
            let cut = |i: &Index<Bytes>| i.changes(ModSeq(after), limit).map_err(|e| e.kind);
            assert_eq!(format!("{:?}", cut(&new)), format!("{:?}", cut(&old)), "{after} {limit}");
        }
        let gone = |i: &Index<Bytes>| i.vanished_since(ModSeq(after), &uids(1..=9)).map_err(|e| e.kind);
        assert_eq!(gone(&new), gone(&old), "{after}");
    }
    // The first expunge is forgotten, and that is not.
    let before = ModSeq(expunged[0].0.0 - 1);
    assert_eq!(new.changes(before, 9).unwrap_err().kind, ErrorKind::HistoryLost);
    assert_eq!(new.changes(expunged[0].0, 9).unwrap().vanished, UidSet::from_ranges([(3, 3), (6, 6)]));
}

#[test]
fn what_is_restored_goes_on_where_it_was() {
    let (old, expunged) = lived();
    let mut new = restored(&old, &expunged);
    let at = new.modseq();
    assert_eq!(new.claim_recent(true), None);
    // UIDs are not given a second time, not even that of the last message, which is gone.
    let came = new.insert(vec![message("c: d\r\n\r\n")]).unwrap();
    assert_eq!((came.uids, came.at), (vec![Uid::new(7).unwrap()], ModSeq(at.0 + 1)));
    assert_eq!(new.claim_recent(true), Uid::new(7));
    // A keyword is in the case in which it was first written, and counts for the limit.
    new.set_flags(&uids(7..=7), FlagOp::Add, &keyword("URGENT"), None).unwrap();
    assert_eq!(new.get(Uid::new(7).unwrap()).unwrap().flags.keywords, ["Urgent"]);
    for (name, fits) in [("b", true), ("c", true), ("d", false)] {
        let set = new.set_flags(&uids(7..=7), FlagOp::Add, &keyword(name), None);
        assert_eq!(set.is_ok(), fits, "{name}");
    }
    // One more expunge than is remembered: the older one goes.
    let cut = new.expunge(&uids(2..=2), false);
    assert_eq!(new.changes(expunged[0].0, 9).unwrap_err().kind, ErrorKind::HistoryLost);
    assert_eq!(new.changes(expunged[1].0, 9).unwrap().vanished, UidSet::from_ranges([(2, 3)]));
    assert_eq!(cut.at, new.modseq());
}
