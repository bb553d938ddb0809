//! What several test programs of the store need.
#![allow(dead_code, reason = "not every one needs all of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, path::Path};

pub(crate) use mailstore_api::conformance::block_on;
use mailstore_api::{
    Account, AppendOutcome, AppendSpec, Body, Mailbox, MailboxId, MailboxName, OpenMode, Part, Result,
    Snapshot, Staged, Uid,
};
use mailstore_sqlite::{SqliteAccount, SqliteMailbox};
use rusqlite::{Connection, OptionalExtension};

/// A message that can be made again from its name. Some are bigger than a database row may be.
pub(crate) fn message(name: &str) -> Vec<u8> {
    let seed = name.bytes().fold(17_usize, |s, b| s.wrapping_mul(31).wrapping_add(usize::from(b)));
    let size = match seed % 20 {
        0 => 130_000 + seed % 90_000,
        _ => seed % 9_000,
    };
    let mut octets = format!("Message: {name}\r\nSize: {size}\r\n\r\n").into_bytes();
    octets.extend((0..size).map(|n| u8::try_from((n * 7 + seed) % 251).unwrap()));
    octets
}

/// The name in a message that is whole.
pub(crate) fn name_of(octets: &[u8]) -> String {
    let line = octets.split(|b| *b == b'\r').next().unwrap_or(&[]);
    let name = std::str::from_utf8(line).ok().and_then(|l| l.strip_prefix("Message: "));
    let name = name.unwrap_or_else(|| panic!("no message of ours: {} octets", octets.len())).to_owned();
    assert!(message(&name) == octets, "{name} is not whole");
    name
}

pub(crate) async fn inbox(account: &SqliteAccount) -> MailboxId {
    account.find(&MailboxName::inbox()).await.unwrap().unwrap().id.unwrap()
}

pub(crate) async fn append(account: &SqliteAccount, to: &MailboxId, octets: &[u8]) -> Result<AppendOutcome> {
    let mut staged = account.stage(to, AppendSpec::default()).await?;
    for chunk in octets.chunks(50_000) {
        staged.write(chunk).await?;
    }
    staged.finish().await?;
    account.commit(to, vec![staged], None).await
}

pub(crate) async fn read(mailbox: &SqliteMailbox, uid: Uid) -> Vec<u8> {
    let mut body = mailbox.body(uid, Part::Whole).await.unwrap();
    let mut octets = Vec::new();
    while (octets.len() as u64) < body.len() {
        octets.extend_from_slice(&body.read_at(octets.len() as u64, 1 << 20).await.unwrap());
    }
    octets
}

/// Every message of a mailbox by UID, each whole.
pub(crate) async fn names(account: &SqliteAccount, id: &MailboxId) -> (Snapshot, BTreeMap<u32, String>) {
    let (snapshot, mailbox) = account.open(id, OpenMode::Examine).await.unwrap();
    let mut all = BTreeMap::new();
    for uid in &snapshot.uids {
        all.insert(uid.get(), name_of(&read(&mailbox, *uid).await));
    }
    (snapshot, all)
}

/// What must hold in every database of a store at rest, whatever happened to its processes.
pub(crate) fn check(dir: &Path) {
    for n in 0.. {
        let path = dir.join(format!("shard-{n:02}.db"));
        if !path.exists() {
            break;
        }
        let db = Connection::open(path).unwrap();
        let sound: String = db.query_row("PRAGMA integrity_check", [], |r| r.get(0)).unwrap();
        assert_eq!(sound, "ok");
        for (what, wrong) in [
            ("figures", "SELECT b.id FROM mailbox b WHERE name IS NOT NULL AND (messages, unseen, deleted, octets) IS NOT
                (SELECT count(*), coalesce(sum(flags & 1 = 0), 0), coalesce(sum(flags & 8 <> 0), 0), coalesce(sum(size), 0)
                 FROM msg WHERE mailbox = b.id)"),
            ("changes of the past", "SELECT b.id FROM mailbox b JOIN changed c ON c.mailbox = b.id
                WHERE c.modseq <= b.changed_floor OR c.modseq > b.modseq"),
            ("changes that are not noted", "SELECT m.uid FROM msg m JOIN mailbox b ON b.id = m.mailbox
                WHERE m.modseq > b.changed_floor AND NOT EXISTS (SELECT 1 FROM changed c WHERE c.mailbox = m.mailbox
                    AND c.modseq = m.modseq AND m.uid BETWEEN c.first AND c.last)
                AND EXISTS (SELECT 1 FROM msg o WHERE o.mailbox = m.mailbox AND o.uid > m.uid AND o.modseq < m.modseq)"),
            ("modseqs", "SELECT m.uid FROM msg m JOIN mailbox b ON b.id = m.mailbox WHERE m.modseq > b.modseq"),
            ("UIDs", "SELECT m.uid FROM msg m JOIN mailbox b ON b.id = m.mailbox WHERE m.uid >= b.uidnext"),
            ("tombstones", "SELECT b.id FROM mailbox b WHERE tombstones <>
                (SELECT count(*) FROM expunged WHERE mailbox = b.id)"),
            ("the buried alive", "SELECT m.uid FROM expunged e JOIN msg m ON m.mailbox = e.mailbox
                AND m.uid BETWEEN e.first AND e.last"),
            ("messages without mailbox", "SELECT uid FROM msg WHERE mailbox NOT IN (SELECT id FROM mailbox)"),
            ("messages without body", "SELECT uid FROM msg WHERE body NOT IN (SELECT id FROM body)"),
            ("references", "SELECT b.id FROM body b WHERE (SELECT count(*) FROM msg WHERE body = b.id)
                + (SELECT count(*) FROM queue WHERE body = b.id) <>
                1 + coalesce((SELECT more FROM shared WHERE body = b.id), 0)"),
            ("numbers of bodies", "SELECT id FROM body WHERE id >= (SELECT value FROM meta WHERE key = 'next_body')"),
            ("sizes", "SELECT id FROM body WHERE path IS NULL AND length(data) <> size"),
            ("derived data without body", "SELECT body FROM derived WHERE body NOT IN (SELECT id FROM body)"),
        ] {
            let found: Option<i64> = db.query_row(wrong, [], |r| r.get(0)).optional().unwrap();
            assert_eq!(found, None, "{what} of shard {n}");
        }
        let mut files = db.prepare("SELECT path, size FROM body WHERE path IS NOT NULL").unwrap();
        let mut rows = files.query([]).unwrap();
        while let Some(r) = rows.next().unwrap() {
            let (path, size): (String, u64) = (r.get(0).unwrap(), r.get(1).unwrap());
            assert_eq!(dir.join("bodies").join(path).metadata().unwrap().len(), size);
        }
    }
}

/// Files below `bodies/`.
pub(crate) fn body_files(dir: &Path) -> usize {
    let buckets = std::fs::read_dir(dir.join("bodies")).unwrap();
    buckets.map(|b| std::fs::read_dir(b.unwrap().path()).unwrap().count()).sum()
}
