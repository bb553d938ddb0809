use std::{
    collections::{BTreeSet, HashSet},
    fs::File,
    io::{self, Read as _},
};

use mailstore_api::{MailboxName, StoreError};
use rusqlite::{Connection, Row, params};

use super::{
    CheckReport, FindingKind, Progress, begin_read, changes::wrong_changes, files_of, open_control, pin,
};
use crate::{error::Res, ops::hierarchy::stored_name, store::Shared};

use FindingKind::{Counter, Dangling, Orphan, Size};

/// How often each body is referred to. In memory: a query for each body would read all messages.
pub(super) const COUNT_REFERENCES: &str = "
    CREATE TEMP TABLE refs(body INTEGER PRIMARY KEY, n INTEGER NOT NULL);
    INSERT INTO refs SELECT body, count(*) FROM (SELECT body FROM msg UNION ALL SELECT body FROM queue) GROUP BY body;
    CREATE TEMP TABLE figures(mailbox INTEGER PRIMARY KEY, messages, unseen, deleted, octets, modseq, uid);
    INSERT INTO figures SELECT mailbox, count(*), sum(flags & 1 = 0), sum(flags & 8 <> 0), sum(size), max(modseq),
        max(uid) FROM msg GROUP BY mailbox;";

/// Live mailboxes with a wrong counter. Those being deleted go in small steps that do not count.
pub(super) const WRONG_COUNTERS: &str = "
    SELECT b.id FROM mailbox b LEFT JOIN figures f ON f.mailbox = b.id
    WHERE b.name IS NOT NULL AND ((b.messages, b.unseen, b.deleted, b.octets) IS NOT
        (coalesce(f.messages, 0), coalesce(f.unseen, 0), coalesce(f.deleted, 0), coalesce(f.octets, 0))
        OR coalesce(f.modseq, 0) > b.modseq OR coalesce(f.uid, 0) >= b.uidnext
        OR b.tombstones <> (SELECT count(*) FROM expunged WHERE mailbox = b.id))";

/// Accounts whose use is not the sum of their mailboxes.
pub(super) const WRONG_USE: &str = "
    SELECT a.id FROM account a LEFT JOIN
        (SELECT account, sum(octets) AS octets, sum(messages) AS messages, count(*) AS mailboxes
         FROM mailbox WHERE name IS NOT NULL GROUP BY account) s ON s.account = a.id
    WHERE (a.used_octets, a.used_messages, a.used_mailboxes) IS NOT
        (coalesce(s.octets, 0), coalesce(s.messages, 0), coalesce(s.mailboxes, 0))";

/// Bodies whose count of references is wrong.
pub(super) const WRONG_REFERENCES: &str = "
    SELECT r.body FROM refs r LEFT JOIN shared s ON s.body = r.body WHERE r.n <> 1 + coalesce(s.more, 0)
    UNION SELECT body FROM shared WHERE body NOT IN (SELECT body FROM refs)";

pub(super) const ORPHAN_BODIES: &str = "SELECT id FROM body WHERE id NOT IN (SELECT body FROM refs)";

pub(super) const LOW_NEXT_BODY: &str = "SELECT max(id) FROM body
    HAVING max(id) >= coalesce((SELECT value FROM meta WHERE key = 'next_body'), 1)";

/// Tables whose rows belong to something, what that is, and which do not.
pub(super) const BELONGING: &[(&str, &str)] = &[
    ("keyword", "mailbox NOT IN (SELECT id FROM mailbox)"),
    ("expunged", "mailbox NOT IN (SELECT id FROM mailbox)"),
    ("packed", "mailbox NOT IN (SELECT id FROM mailbox)"),
    ("changed", "mailbox NOT IN (SELECT id FROM mailbox)"),
    ("derived", "body NOT IN (SELECT id FROM body)"),
    ("queue_recipient", "queue NOT IN (SELECT id FROM queue)"),
    ("acl", "mailbox NOT IN (SELECT id FROM mailbox)"),
    (
        "annotation",
        "CASE mailbox WHEN 0 THEN account NOT IN (SELECT id FROM account)
         ELSE (mailbox, account) NOT IN (SELECT id, account FROM mailbox) END",
    ),
];

/// Rows that name a number, what kind of fault they are, and what is said of it.
const NUMBERS: &[(FindingKind, &str, &str)] = &[
    (Counter, "a counter of mailbox {} is wrong", WRONG_COUNTERS),
    (Counter, "the use of account {} is not what it keeps", WRONG_USE),
    (Counter, "the references to body {} are miscounted", WRONG_REFERENCES),
    (Counter, "the number of body {} would be given again", LOW_NEXT_BODY),
    (Orphan, "no message has body {}", ORPHAN_BODIES),
    (
        Dangling,
        "entry {} of the queue has no body",
        "SELECT id FROM queue WHERE body NOT IN (SELECT id FROM body)",
    ),
    (
        Dangling,
        "entry {} of the queue has no recipient",
        "SELECT id FROM queue WHERE id NOT IN (SELECT queue FROM queue_recipient)",
    ),
    (
        Size,
        "entry {} of the queue is not as long as its body",
        "SELECT q.id FROM queue q JOIN body b ON b.id = q.body WHERE q.size <> b.size",
    ),
    (
        Dangling,
        "messages of mailbox {}, which is not there",
        "SELECT mailbox FROM figures WHERE mailbox NOT IN (SELECT id FROM mailbox)",
    ),
];

/// Messages, by mailbox and UID.
const MESSAGES: &[(FindingKind, &str, &str)] = &[
    (Dangling, "has no body", "SELECT mailbox, uid FROM msg WHERE body NOT IN (SELECT id FROM body)"),
    (
        Size,
        "is not as long as its body",
        "SELECT m.mailbox, m.uid FROM msg m JOIN body b ON b.id = m.body
         WHERE m.size <> b.size + coalesce(length(m.prefix), 0)",
    ),
    (
        Dangling,
        "is there although it was expunged",
        "SELECT m.mailbox, m.uid FROM expunged e JOIN msg m ON m.mailbox = e.mailbox AND m.uid BETWEEN e.first AND e.last",
    ),
];

pub(super) fn check(shared: &Shared, progress: &mut dyn FnMut(Progress)) -> Res<CheckReport> {
    let mut report = CheckReport::default();
    let mut accounts = None;
    match control(shared, &mut report) {
        Ok(found) => accounts = Some(found),
        Err(fault) => report.add(FindingKind::Database, None, StoreError::from(fault).to_string()),
    }
    for n in 0..shared.shards.len() {
        if let Err(fault) = shard(shared, n, accounts.as_ref(), &mut report, progress) {
            report.add(FindingKind::Database, Some(n), StoreError::from(fault).to_string());
        }
    }
    Ok(report)
}

/// Accounts by number and shard: those that are there, and those that are going.
struct Accounts {
    here: BTreeSet<(i64, usize)>,
    going: BTreeSet<i64>,
    /// Numbers above were given to nobody: an account's making was cut short, and whoever gets the number clears it.
    last: i64,
}

fn control(shared: &Shared, report: &mut CheckReport) -> Res<Accounts> {
    let conn = open_control(&shared.dir, shared.options.busy_timeout)?;
    begin_read(&conn)?;
    integrity(&conn, None, report)?;
    let here: BTreeSet<(i64, usize)> =
        list(&conn, "SELECT id, shard FROM account", |r| Ok((r.get(0)?, r.get(1)?)))?;
    for (id, shard) in here.iter().filter(|(_, shard)| *shard >= shared.shards.len()) {
        report.add(Dangling, None, format!("account {id} is in shard {shard}, which is not there"));
    }
    let going = list(&conn, "SELECT id FROM removed", |r| r.get(0))?;
    let last = conn.query_row(
        "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'account'",
        [],
        |r| r.get(0),
    )?;
    Ok(Accounts { here, going, last })
}

fn list<T, C: FromIterator<T>>(
    conn: &Connection,
    sql: &str,
    row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Res<C> {
    let mut query = conn.prepare(sql)?;
    let all = query.query_map([], row)?.collect::<Result<C, _>>()?;
    Ok(all)
}

fn integrity(conn: &Connection, shard: Option<usize>, report: &mut CheckReport) -> Res<()> {
    let said: Vec<String> = list(conn, "PRAGMA integrity_check(100)", |r| r.get(0))?;
    for line in said.into_iter().filter(|l| l != "ok") {
        report.add(FindingKind::Database, shard, line);
    }
    Ok(())
}

fn shard(
    shared: &Shared,
    n: usize,
    accounts: Option<&Accounts>,
    report: &mut CheckReport,
    progress: &mut dyn FnMut(Progress),
) -> Res<()> {
    let (conn, files) = pin(&shared.dir, n, shared.options.busy_timeout, |_| files_of(&shared.dir, n))?;
    integrity(&conn, Some(n), report)?;
    conn.execute_batch(COUNT_REFERENCES)?;
    report.messages +=
        conn.query_row("SELECT coalesce(sum(messages), 0) FROM figures", [], |r| r.get::<_, u64>(0))?;
    for (kind, text, sql) in NUMBERS {
        for id in list::<i64, Vec<_>>(&conn, sql, |r| r.get(0))? {
            report.add(*kind, Some(n), text.replace("{}", &id.to_string()));
        }
    }
    for (kind, text, sql) in MESSAGES {
        for (mailbox, uid) in list::<(i64, i64), Vec<_>>(&conn, sql, |r| Ok((r.get(0)?, r.get(1)?)))? {
            report.add(*kind, Some(n), format!("message {uid} of mailbox {mailbox} {text}"));
        }
    }
    for (table, alone) in BELONGING {
        let sql = format!("SELECT count(*) FROM {table} WHERE {alone}");
        let rows: i64 = conn.query_row(&sql, [], |r| r.get(0))?;
        if rows > 0 {
            report.add(Orphan, Some(n), format!("{rows} rows of the table {table} belong to nothing"));
        }
    }
    for (mailbox, why) in damaged_packed(&conn)? {
        report.add(FindingKind::Packed, Some(n), format!("the packed index of mailbox {mailbox} {why}"));
    }
    for mailbox in wrong_changes(&conn)? {
        report.add(
            FindingKind::Changes,
            Some(n),
            format!("the log of changes of mailbox {mailbox} is not whole"),
        );
    }
    for path in orphan_files(&conn, &files)? {
        report.add(Orphan, Some(n), format!("no message has the file bodies/{path}"));
    }
    if let Some(accounts) = accounts {
        owners(shared, &conn, n, accounts, report)?;
    }
    bodies(shared, &conn, n, report, progress)
}

fn owners(
    shared: &Shared,
    conn: &Connection,
    n: usize,
    accounts: &Accounts,
    report: &mut CheckReport,
) -> Res<()> {
    let owners: BTreeSet<i64> =
        list(conn, "SELECT account FROM mailbox WHERE name IS NOT NULL", |r| r.get(0))?;
    for id in &owners {
        if *id <= accounts.last && !accounts.going.contains(id) && !accounts.here.contains(&(*id, n)) {
            report.add(Dangling, Some(n), format!("mailboxes of account {id}, which is not there"));
        }
    }
    let inbox = stored_name(&MailboxName::inbox());
    let mut found = conn.prepare("SELECT count(*) FROM mailbox WHERE account = ?1 AND name = ?2")?;
    for (id, _) in accounts.here.iter().filter(|(_, shard)| *shard == n) {
        if found.query_row(params![id, inbox], |r| r.get::<_, i64>(0))? == 0 && is_here(shared, *id)? {
            report.add(Dangling, Some(n), format!("account {id} has no INBOX"));
        }
    }
    Ok(())
}

/// An account that was removed since the accounts were listed lacks nothing.
fn is_here(shared: &Shared, account: i64) -> Res<bool> {
    let conn = open_control(&shared.dir, shared.options.busy_timeout)?;
    Ok(conn.query_row("SELECT count(*) FROM account WHERE id = ?1", [account], |r| r.get::<_, i64>(0))? > 0)
}

/// Packed indexes that are damaged, or newer than their mailbox.
pub(super) fn damaged_packed(conn: &Connection) -> Res<Vec<(i64, &'static str)>> {
    let mut bad = Vec::new();
    let mut read = conn.prepare(
        "SELECT p.mailbox, p.crc, p.data, p.modseq > b.modseq FROM packed p JOIN mailbox b ON b.id = p.mailbox",
    )?;
    let mut rows = read.query([])?;
    while let Some(r) = rows.next()? {
        let (mailbox, crc): (i64, i64) = (r.get(0)?, r.get(1)?);
        if i64::from(crc32fast::hash(r.get_ref(2)?.as_bytes()?)) != crc {
            bad.push((mailbox, "is damaged"));
        } else if r.get(3)? {
            bad.push((mailbox, "is newer than the mailbox"));
        }
    }
    Ok(bad)
}

/// Of these files, those the database does not know.
pub(super) fn orphan_files(conn: &Connection, files: &[String]) -> Res<Vec<String>> {
    let sql = "SELECT path FROM body WHERE path IS NOT NULL UNION SELECT path FROM unlink_later";
    let known: HashSet<String> = list(conn, sql, |r| r.get(0))?;
    Ok(files.iter().filter(|path| !known.contains(*path)).cloned().collect())
}

/// Reads all octets.
fn bodies(
    shared: &Shared,
    conn: &Connection,
    n: usize,
    report: &mut CheckReport,
    progress: &mut dyn FnMut(Progress),
) -> Res<()> {
    let total = conn.query_row("SELECT count(*) FROM body", [], |r| r.get(0))?;
    let mut read = conn.prepare("SELECT id, size, crc, path, data FROM body ORDER BY id")?;
    let mut rows = read.query([])?;
    let mut done = 0;
    while let Some(r) = rows.next()? {
        let (id, size, crc): (i64, u64, i64) = (r.get(0)?, r.get(1)?, r.get(2)?);
        let path: Option<String> = r.get(3)?;
        let found = match &path {
            None => {
                let data = r.get_ref(4)?.as_bytes_or_null()?.unwrap_or_default();
                Ok((data.len() as u64, crc32fast::hash(data)))
            }
            Some(path) => match shared.files.resolve(path) {
                Some(full) => File::open(full).and_then(digest),
                None => Err(io::ErrorKind::InvalidFilename.into()),
            },
        };
        match found {
            Ok((octets, _)) if octets != size => {
                report.add(Size, Some(n), format!("body {id} has {octets} octets, and should have {size}"));
            }
            Ok((_, is)) if i64::from(is) != crc => {
                report.add(FindingKind::Checksum, Some(n), format!("body {id} is not what was stored"));
            }
            Ok(_) => {}
            // Expunged since the check began: not missing.
            Err(e) if e.kind() == io::ErrorKind::NotFound && !still_there(shared, n, id)? => {}
            Err(e) => {
                let path = path.unwrap_or_default();
                report.add(FindingKind::MissingFile, Some(n), format!("body {id}: bodies/{path}: {e}"));
            }
        }
        report.bodies += 1;
        done += 1;
        progress(Progress { done, total, shard: n });
    }
    Ok(())
}

fn still_there(shared: &Shared, n: usize, body: i64) -> Res<bool> {
    let conn = super::open_shard(&shared.dir, n, shared.options.busy_timeout)?;
    Ok(conn.query_row("SELECT count(*) FROM body WHERE id = ?1", [body], |r| r.get::<_, i64>(0))? > 0)
}

fn digest(mut file: File) -> io::Result<(u64, u32)> {
    let mut buf = vec![0; 64 * 1024];
    let (mut octets, mut crc) = (0, crc32fast::Hasher::new());
    loop {
        let n = file.read(&mut buf)?;
        if n == 0 {
            return Ok((octets, crc.finalize()));
        }
        crc.update(buf.get(..n).unwrap_or_default());
        octets += n as u64;
    }
}
