use std::{fs::File, io, sync::Arc};

use bytes::Bytes;
use mailstore_api::{Body, ErrorKind, Part, Result, Uid};
use rusqlite::{Connection, Row, params};

use crate::{
    error::{Res, damaged},
    files::{self, BodyFiles},
    pool::{Budget, Pool},
};

/// UIDs so near to each other are read as one range.
const NEAR: u32 = 4;
/// Octets read from a file at once, at most.
const READ_MAX: usize = 256 * 1024;

/// An open message of a [`SqliteStore`](crate::SqliteStore): small ones are in memory, of big ones the file is
/// held open, so that either stays readable when the message is expunged.
#[derive(Debug)]
pub struct SqliteBody {
    /// What stands before the stored octets: a delivery's prefix, cut to the part.
    prefix: Bytes,
    stored: Stored,
    len: u64,
}

#[derive(Debug)]
enum Stored {
    Memory(Bytes),
    File { pool: Pool, file: Arc<File>, start: u64 },
}

impl SqliteBody {
    /// Octets of it that are held in memory.
    pub(crate) fn in_memory(&self) -> usize {
        self.prefix.len()
            + match &self.stored {
                Stored::Memory(octets) => octets.len(),
                Stored::File { .. } => 0,
            }
    }
}

impl Body for SqliteBody {
    fn len(&self) -> u64 {
        self.len
    }

    async fn read_at(&mut self, offset: u64, max: usize) -> Result<Bytes> {
        if offset >= self.len || max == 0 {
            return Ok(Bytes::new());
        }
        let Some(offset) = offset.checked_sub(self.prefix.len() as u64) else {
            return Ok(slice(&self.prefix, offset, max));
        };
        match &self.stored {
            Stored::Memory(octets) => Ok(slice(octets, offset, max)),
            Stored::File { pool, file, start } => {
                let left = self.len - self.prefix.len() as u64 - offset;
                let want = usize::try_from(left).unwrap_or(usize::MAX).min(max).min(READ_MAX);
                let (file, at) = (file.clone(), start + offset);
                pool.files(move || read_file(&file, at, want)).await
            }
        }
    }
}

fn slice(octets: &Bytes, offset: u64, max: usize) -> Bytes {
    let from = usize::try_from(offset).unwrap_or(octets.len()).min(octets.len());
    octets.slice(from..from.saturating_add(max).min(octets.len()))
}

fn read_file(file: &File, at: u64, want: usize) -> Res<Bytes> {
    let mut buf = vec![0; want];
    loop {
        match files::read_at(file, &mut buf, at) {
            Ok(0) => return Err(damaged("a message's file is shorter than the message")),
            Ok(n) => {
                buf.truncate(n);
                return Ok(buf.into());
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
}

/// Opens a part of a message within a read transaction; `None` when its file is missing.
pub(crate) fn open(
    conn: &Connection,
    files: &BodyFiles,
    pool: &Pool,
    mailbox: i64,
    uid: Uid,
    part: Part,
) -> Res<Option<SqliteBody>> {
    let mut read = conn.prepare_cached(
        "SELECT m.prefix, b.size, b.header, b.path, b.data FROM msg m JOIN body b ON b.id = m.body \
         WHERE m.mailbox = ?1 AND m.uid = ?2",
    )?;
    let mut rows = read.query(params![mailbox, uid.get()])?;
    let Some(r) = rows.next()? else { return Err(ErrorKind::Gone.into()) };
    open_row(r, files, pool, part)
}

/// Opens a part of each of these messages, ascending, as far as the budget and `octets` go, within a read transaction. What cannot be opened
/// is left out: whoever asks for that one is told why.
pub(crate) fn open_many(
    conn: &Connection,
    files: &BodyFiles,
    pool: &Pool,
    mailbox: i64,
    (uids, part): (&[Uid], Part),
    (budget, octets): (Budget, usize),
) -> Res<Vec<(Uid, SqliteBody)>> {
    let mut read = conn.prepare_cached(
        "SELECT m.prefix, b.size, b.header, b.path, b.data, m.uid FROM msg m CROSS JOIN body b ON b.id = m.body \
         WHERE m.mailbox = ?1 AND m.uid BETWEEN ?2 AND ?3 ORDER BY m.uid",
    )?;
    let mut opened = Vec::with_capacity(uids.len());
    let mut held = 0;
    // Neighbours are one range: found by one search of the tree.
    for run in uids.chunk_by(|a, b| b.get() - a.get() <= NEAR) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        let mut wanted = run.iter().copied().peekable();
        let mut rows = read.query(params![mailbox, first.get(), last.get()])?;
        while let Some(r) = rows.next()? {
            let Some(uid) = Uid::new(r.get(5)?) else { continue };
            while wanted.next_if(|w| *w < uid).is_some() {}
            if wanted.next_if_eq(&uid).is_none() {
                continue;
            }
            if let Ok(Some(body)) = open_row(r, files, pool, part) {
                held += body.in_memory();
                opened.push((uid, body));
            }
            if held >= octets || budget.is_spent() {
                return Ok(opened);
            }
        }
    }
    Ok(opened)
}

/// Opens the message of a queue's entry within a read transaction; `None` when its file is missing.
pub(crate) fn open_queued(
    conn: &Connection,
    files: &BodyFiles,
    pool: &Pool,
    entry: i64,
) -> Res<Option<SqliteBody>> {
    let mut read = conn.prepare_cached(
        "SELECT NULL, b.size, b.header, b.path, b.data FROM queue q JOIN body b ON b.id = q.body WHERE q.id = ?1",
    )?;
    let mut rows = read.query([entry])?;
    let Some(r) = rows.next()? else { return Err(ErrorKind::NotFound.into()) };
    open_row(r, files, pool, Part::Whole)
}

/// A row of prefix, size, header, path, data.
fn open_row(r: &Row<'_>, files: &BodyFiles, pool: &Pool, part: Part) -> Res<Option<SqliteBody>> {
    let prefix = r.get_ref(0)?.as_blob_or_null()?.unwrap_or(&[]);
    let (size, header): (u64, u64) = (r.get(1)?, r.get(2)?);
    // The prefix is header lines.
    let (prefix, start, end) = match part {
        Part::Whole => (prefix, 0, size),
        Part::Header => (prefix, 0, header),
        Part::Text => (&[][..], header, size),
        _ => return Err(ErrorKind::Unsupported.into()),
    };
    if start > end || end > size {
        return Err(damaged("a message's header is longer than the message"));
    }
    let len = prefix.len() as u64 + end - start;
    let prefix = Bytes::copy_from_slice(prefix);
    let path: Option<String> = r.get(3)?;
    let stored = match path {
        None => {
            let data = r.get_ref(4)?.as_blob_or_null()?.unwrap_or(&[]);
            let span = usize::try_from(start).ok().zip(usize::try_from(end).ok());
            let part = span.and_then(|(start, end)| data.get(start..end));
            if data.len() as u64 != size {
                return Err(damaged("a stored message has not the size it should have"));
            }
            Stored::Memory(Bytes::copy_from_slice(part.unwrap_or(&[])))
        }
        Some(path) => {
            let full = files.resolve(&path).ok_or_else(|| damaged("a message's file has no name of ours"))?;
            let file = match File::open(full) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
                other => other?,
            };
            if file.metadata()?.len() != size {
                return Err(damaged("a message's file has not the size it should have"));
            }
            Stored::File { pool: pool.clone(), file: Arc::new(file), start }
        }
    };
    Ok(Some(SqliteBody { prefix, stored, len }))
}
