use rusqlite::Connection;

use super::{
    changes::wrong_changes,
    check::{
        BELONGING, COUNT_REFERENCES, LOW_NEXT_BODY, ORPHAN_BODIES, WRONG_COUNTERS, WRONG_REFERENCES,
        WRONG_USE, damaged_packed, orphan_files,
    },
    files_of, open_shard,
};
use crate::{error::Res, store::Shared};

/// Counters anew. The modseq goes up, so that open indexes look again; rows of messages stay as they are.
const MEND_COUNTERS: &str = "
    UPDATE mailbox SET
        messages = coalesce((SELECT messages FROM figures WHERE mailbox = id), 0),
        unseen = coalesce((SELECT unseen FROM figures WHERE mailbox = id), 0),
        deleted = coalesce((SELECT deleted FROM figures WHERE mailbox = id), 0),
        octets = coalesce((SELECT octets FROM figures WHERE mailbox = id), 0),
        modseq = max(modseq, coalesce((SELECT modseq FROM figures WHERE mailbox = id), 0)) + 1,
        changed_floor = max(modseq, coalesce((SELECT modseq FROM figures WHERE mailbox = id), 0)) + 1,
        uidnext = max(uidnext, coalesce((SELECT uid FROM figures WHERE mailbox = id), 0) + 1),
        tombstones = (SELECT count(*) FROM expunged WHERE mailbox = id)
    WHERE id IN wrong;
    DELETE FROM packed WHERE mailbox IN wrong;
    DELETE FROM changed WHERE mailbox IN wrong;
    DROP TABLE temp.wrong;";

const MEND_USE: &str = "
    UPDATE account SET (used_octets, used_messages, used_mailboxes) =
        (SELECT coalesce(sum(b.octets), 0), coalesce(sum(b.messages), 0), count(*)
         FROM mailbox b WHERE b.account = account.id AND b.name IS NOT NULL)
    WHERE id IN wrong;
    DROP TABLE temp.wrong;";

pub(super) fn repair(shared: &Shared) -> Res<u64> {
    let mut mended = 0;
    for n in 0..shared.shards.len() {
        let conn = open_shard(&shared.dir, n, shared.options.busy_timeout)?;
        conn.execute_batch("BEGIN IMMEDIATE")?;
        mended += rows(&conn)?;
        // Nobody places a file without this lock, so what is unknown now stays unknown.
        let orphans = orphan_files(&conn, &files_of(&shared.dir, n)?)?;
        for path in &orphans {
            conn.execute("INSERT OR IGNORE INTO unlink_later(path) VALUES (?1)", [path])?;
        }
        mended += orphans.len() as u64;
        conn.execute_batch("COMMIT")?;
        unlink(shared, &conn)?;
    }
    Ok(mended)
}

fn count(conn: &Connection, sql: &str) -> Res<u64> {
    Ok(conn.query_row(&format!("SELECT count(*) FROM ({sql})"), [], |r| r.get(0))?)
}

fn rows(conn: &Connection) -> Res<u64> {
    conn.execute_batch(COUNT_REFERENCES)?;
    let mut mended = 0_u64;
    // First what belongs to nothing: it is not counted.
    conn.execute_batch(&format!(
        "INSERT OR IGNORE INTO unlink_later SELECT path FROM body WHERE path IS NOT NULL AND id IN ({ORPHAN_BODIES})"
    ))?;
    mended += conn.execute(&format!("DELETE FROM body WHERE id IN ({ORPHAN_BODIES})"), [])? as u64;
    for (table, alone) in BELONGING {
        mended += conn.execute(&format!("DELETE FROM {table} WHERE {alone}"), [])? as u64;
    }
    for (mailbox, _) in damaged_packed(conn)? {
        mended += conn.execute("DELETE FROM packed WHERE mailbox = ?1", [mailbox])? as u64;
    }
    for mailbox in wrong_changes(conn)? {
        mended += 1;
        conn.execute("UPDATE mailbox SET changed_floor = modseq WHERE id = ?1", [mailbox])?;
        conn.execute("DELETE FROM changed WHERE mailbox = ?1", [mailbox])?;
    }
    let wrong = count(conn, WRONG_REFERENCES)?;
    if wrong > 0 {
        conn.execute_batch(
            "DELETE FROM shared; INSERT INTO shared(body, more) SELECT body, n - 1 FROM refs WHERE n > 1",
        )?;
        mended += wrong;
    }
    if count(conn, LOW_NEXT_BODY)? > 0 {
        conn.execute_batch("INSERT OR REPLACE INTO meta SELECT 'next_body', max(id) + 1 FROM body")?;
        mended += 1;
    }
    let wrong = count(conn, WRONG_COUNTERS)?;
    if wrong > 0 {
        conn.execute_batch(&format!("CREATE TEMP TABLE wrong AS {WRONG_COUNTERS}; {MEND_COUNTERS}"))?;
        mended += wrong;
    }
    // After the counters they are the sums of.
    let wrong = count(conn, WRONG_USE)?;
    if wrong > 0 {
        conn.execute_batch(&format!("CREATE TEMP TABLE wrong AS {WRONG_USE}; {MEND_USE}"))?;
        mended += wrong;
    }
    Ok(mended)
}

fn unlink(shared: &Shared, conn: &Connection) -> Res<()> {
    let mut all = conn.prepare("SELECT path FROM unlink_later")?;
    let paths = all.query_map([], |r| r.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    for path in paths {
        // A name this crate does not write is left to its owner; the row would come again with each repair.
        let gone = match shared.files.resolve(&path).map(std::fs::remove_file) {
            Some(Err(e)) => e.kind() == std::io::ErrorKind::NotFound,
            Some(Ok(())) | None => true,
        };
        if gone {
            conn.execute("DELETE FROM unlink_later WHERE path = ?1", [path])?;
        }
    }
    Ok(())
}
