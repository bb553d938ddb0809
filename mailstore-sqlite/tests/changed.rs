//! What another process changed is found by a log of ranges, or, where that does not go back far enough, by reading all.
#![allow(missing_docs, reason = "the cases say what they are about")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod common;

use std::{collections::BTreeMap, path::Path};

use common::{append, block_on, check, inbox};
use mailstore_api::{
    Account, Changes, FlagOp, Flags, MailStore, Mailbox, MetaItems, ModSeq, OpenMode, SystemFlags, Uid,
    UidSet,
};
use mailstore_sqlite::{Options, SqliteAccount, SqliteMailbox, SqliteStore};
use rusqlite::Connection;

/// A handle of its own on the same files is to SQLite what another process is.
fn open(dir: &Path) -> SqliteStore {
    SqliteStore::open(dir, Options { shards: Some(1), reserve: 0, ..Options::default() }).unwrap()
}

async fn mailbox(store: &SqliteStore) -> (SqliteAccount, SqliteMailbox) {
    let account = store.open_account("anna").await.unwrap();
    let id = inbox(&account).await;
    let (_, mailbox) = account.open(&id, OpenMode::Select).await.unwrap();
    (account, mailbox)
}

type Rows = BTreeMap<u32, (u64, Flags)>;

/// Every message as the store says it, with a fresh eye.
async fn all(mailbox: &SqliteMailbox) -> Rows {
    let batch = mailbox.meta(&UidSet::all(), MetaItems::FLAGS, None, usize::MAX).await.unwrap();
    batch.items.into_iter().map(|m| (m.uid.get(), (m.modseq.0, m.flags))).collect()
}

fn absorb(view: &mut Rows, changes: Changes) -> ModSeq {
    view.retain(|uid, _| !changes.vanished.contains(Uid::new(*uid).unwrap()));
    view.extend(changes.changed.into_iter().map(|c| (c.uid.get(), (c.modseq.0, c.flags))));
    changes.upto
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(n)).unwrap()
    }
}

/// Some change: of many or few messages, near each other or scattered, with keywords beyond those that are bits.
async fn change(account: &SqliteAccount, mailbox: &SqliteMailbox, random: &mut Random) {
    let uids = mailbox.snapshot().await.unwrap().uids;
    let some = |random: &mut Random, one_of: u32| -> UidSet {
        uids.iter().copied().filter(|_| random.below(one_of) == 0).collect()
    };
    match random.below(8) {
        0 => _ = append(account, &inbox(account).await, b"a message").await.unwrap(),
        1 if uids.len() > 60 => {
            let doomed = some(random, 15);
            mailbox.expunge(Some(&doomed), false).await.unwrap();
        }
        2 => {
            let copied = some(random, 30);
            let id = inbox(account).await;
            account.copy(&id, &copied, &id).await.unwrap();
        }
        3 => {
            let flags = Flags { keywords: vec![format!("k{}", random.below(40))], ..Flags::default() };
            let op = if random.below(3) == 0 { FlagOp::Remove } else { FlagOp::Add };
            let set = some(random, 10);
            mailbox.set_flags(&set, op, &flags, None).await.unwrap();
        }
        n => {
            let flag =
                [SystemFlags::SEEN, SystemFlags::FLAGGED, SystemFlags::ANSWERED][random.below(3) as usize];
            let op = if random.below(2) == 0 { FlagOp::Remove } else { FlagOp::Add };
            let set = match n {
                4 => UidSet::all(),
                5 => some(random, 3),
                _ => uids
                    .get(random.below(u32::try_from(uids.len().max(1)).unwrap()) as usize)
                    .copied()
                    .into_iter()
                    .collect(),
            };
            mailbox.set_flags(&set, op, &Flags::system(flag), None).await.unwrap();
        }
    }
}

/// One process changes, the other looks now and then: sometimes after so much that the log has forgotten it.
#[test]
fn another_process_sees_every_change_whatever_the_log_has_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, reader) = (open(dir.path()), open(dir.path()));
    writer.create_account("anna", None).unwrap();
    block_on(async {
        let (account, here) = mailbox(&writer).await;
        let (_account, there) = mailbox(&reader).await;
        let id = inbox(&account).await;
        for _ in 0..50 {
            append(&account, &id, b"one of the first").await.unwrap();
        }
        let mut view = Rows::new();
        let mut at = absorb(&mut view, there.changes(ModSeq(0), usize::MAX).await.unwrap());
        let mut random = Random(11);
        for round in 0..40 {
            let times = if round % 8 == 7 { 120 } else { random.below(12) };
            for _ in 0..times {
                change(&account, &here, &mut random).await;
            }
            at = absorb(&mut view, there.changes(at, usize::MAX).await.unwrap());
            assert_eq!(view, all(&there).await);
            assert_eq!(view, all(&here).await, "round {round}");
        }
        // And one that opens it now.
        let (_account, new) = mailbox(&open(dir.path())).await;
        assert_eq!(all(&new).await, view);
    });
    assert!(writer.check(&mut |_| {}).unwrap().is_clean());
    drop((writer, reader));
    check(dir.path());
}

/// Of the rows in the log, how many there are.
fn noted(dir: &Path) -> u32 {
    let db = Connection::open(dir.join("shard-00.db")).unwrap();
    db.query_row("SELECT count(*) FROM changed", [], |r| r.get(0)).unwrap()
}

#[test]
fn the_log_stays_small_however_much_is_changed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.create_account("anna", None).unwrap();
    block_on(async {
        let (account, mailbox) = mailbox(&store).await;
        let id = inbox(&account).await;
        for _ in 0..60 {
            append(&account, &id, b"x").await.unwrap();
        }
        assert_eq!(noted(dir.path()), 0, "what came is not noted");
        let scattered: UidSet = (1..=60).step_by(3).filter_map(Uid::new).collect();
        let mut most = 0;
        for n in 0..400 {
            let op = if n % 2 == 0 { FlagOp::Add } else { FlagOp::Remove };
            mailbox.set_flags(&scattered, op, &Flags::system(SystemFlags::SEEN), None).await.unwrap();
            most = most.max(noted(dir.path()));
        }
        // 64 changes and a quarter more, of eight ranges each.
        assert!((8 * 64..=8 * 81).contains(&most), "{most}");
        let all = UidSet::all();
        mailbox.set_flags(&all, FlagOp::Add, &Flags::system(SystemFlags::DELETED), None).await.unwrap();
        drop((mailbox, account));
    });
    store.remove_account("anna").unwrap();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while noted(dir.path()) > 0 {
        assert!(std::time::Instant::now() < end, "it goes with its mailbox");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
