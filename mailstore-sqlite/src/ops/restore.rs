//! Mailboxes that come back with the UIDs they had.
//!
//! A mailbox that is being restored is a row whose name no [`MailboxName`] can be, so nobody sees it; the name
//! holds the restoration's key and the name the mailbox is going to have.

use mailstore_api::{Derived, ErrorKind, Flags, InternalDate, MailboxName, QuotaUsage, UidSet};
use rusqlite::{OptionalExtension, params};

use super::{
    Incoming,
    append::{NewMessage, add_body},
    copy, derived, ensure_keywords,
    hierarchy::{check_account, find, read_name, stored_name},
    insert_as, notes, share,
};
use crate::{
    bits,
    error::{Res, refused},
    index::{Effect, MailboxRow},
    txn::{Notice, Txn},
};

/// Before and behind the key in a hidden name.
const MARK: char = '\u{1e}';
const MODSEQ_MAX: u64 = 1 << 62;

/// What a mailbox is to be.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) name: MailboxName,
    pub(crate) uses: u16,
    pub(crate) uidvalidity: u32,
    pub(crate) uidnext: u32,
    pub(crate) modseq: u64,
}

/// Where the octets come from.
#[derive(Debug)]
pub(crate) enum From {
    New(NewMessage),
    /// The body of a message of the account that is there already.
    Copy {
        mailbox: i64,
        uid: u32,
        flags: Flags,
        date: InternalDate,
    },
}

#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) uid: u32,
    pub(crate) modseq: u64,
    pub(crate) saved: i64,
    pub(crate) pop3_uidl: Option<String>,
    pub(crate) thread_id: Option<String>,
    pub(crate) from: From,
}

/// A mailbox that is not restored wholly.
#[derive(Clone, Debug)]
pub(crate) struct Hidden {
    pub(crate) id: i64,
    pub(crate) name: MailboxName,
    pub(crate) uidvalidity: u32,
    pub(crate) last: Option<u32>,
}

fn hidden_name(key: &str, name: &MailboxName) -> String {
    format!("{MARK}{key}{MARK}{}", stored_name(name))
}

/// Of one restoration (`Some(key)`) or of all.
pub(crate) fn hidden(conn: &rusqlite::Connection, account: i64, key: Option<&str>) -> Res<Vec<Hidden>> {
    // U+001F follows the mark.
    let mut read = conn.prepare_cached(
        "SELECT id, name, uidvalidity, (SELECT max(uid) FROM msg WHERE mailbox = m.id) FROM mailbox m \
         WHERE account = ?1 AND name >= char(0x1e) AND name < char(0x1f) ORDER BY id",
    )?;
    let mut rows = read.query([account])?;
    let mut all = Vec::new();
    while let Some(r) = rows.next()? {
        let stored = r.get_ref(1)?.as_str()?;
        let Some((its_key, name)) = stored.strip_prefix(MARK).and_then(|s| s.split_once(MARK)) else {
            continue;
        };
        if key.is_none_or(|key| key == its_key)
            && let Some(name) = read_name(name)
        {
            all.push(Hidden { id: r.get(0)?, name, uidvalidity: r.get(2)?, last: r.get(3)? });
        }
    }
    Ok(all)
}

/// Makes a mailbox that nobody sees.
pub(crate) fn begin(txn: &mut Txn<'_>, account: i64, key: &str, spec: &Spec) -> Res<i64> {
    check_account(txn, account)?;
    if spec.uidvalidity == 0 || spec.uidnext == 0 || spec.modseq == 0 || spec.modseq > MODSEQ_MAX {
        return Err(refused(ErrorKind::Cannot, "no UIDVALIDITY, UIDNEXT or modseq a mailbox can have"));
    }
    let name = hidden_name(key, &spec.name);
    let there = txn
        .conn
        .prepare_cached("SELECT 1 FROM mailbox WHERE account = ?1 AND name = ?2")?
        .exists(params![account, name])?;
    if there {
        return Err(ErrorKind::Exists.into());
    }
    // One that takes another's place is not one more, in the end.
    let mailboxes = u64::from(find(txn, account, &spec.name)?.is_none());
    txn.check_quota(account, &QuotaUsage { mailboxes, ..QuotaUsage::default() })?;
    txn.count_mailbox(account);
    // What was expunged before is not known; and no message is recent.
    txn.conn
        .prepare_cached(
            "INSERT INTO mailbox(account, name, uses, uidvalidity, uidnext, modseq, expunged_floor, changed_floor, recent) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?6, ?5)",
        )?
        .execute(params![account, name, spec.uses, spec.uidvalidity, spec.uidnext, spec.modseq])?;
    Ok(txn.conn.last_insert_rowid())
}

/// Puts messages into a mailbox that is being restored, ascending by UID.
pub(crate) fn put(txn: &mut Txn<'_>, account: i64, key: &str, mailbox: i64, messages: &[Placed]) -> Res<()> {
    let row = hidden_row(txn, account, key, mailbox)?;
    let mut last: u32 = txn
        .conn
        .prepare_cached("SELECT coalesce(max(uid), 0) FROM msg WHERE mailbox = ?1")?
        .query_row([mailbox], |r| r.get(0))?;
    for m in messages {
        if m.uid <= last || m.uid >= row.uidnext {
            return Err(refused(ErrorKind::Cannot, format!("UID {} is not in its place", m.uid)));
        }
        if m.modseq == 0 || m.modseq > MODSEQ_MAX {
            return Err(refused(ErrorKind::Cannot, format!("UID {} has no modseq there can be", m.uid)));
        }
        last = m.uid;
    }
    let mut effect = Effect::new(row);
    let octets = row.octets;
    let flags: Vec<&Flags> = messages.iter().map(Placed::flags).collect();
    let keywords = ensure_keywords(txn, &mut effect, &flags)?;
    for m in messages {
        let mut bits = keywords.bits(m.flags());
        let (body, size, crlf, date) = match &m.from {
            From::New(new) => (add_body(txn, &new.body)?, new.body.size, new.body.ends_with_crlf, new.date),
            From::Copy { mailbox, uid, date, .. } => {
                let (body, size, crlf) = find_body(txn, account, *mailbox, *uid)?;
                share(txn.conn, body)?;
                (body, size, crlf, *date)
            }
        };
        bits.bits |= if crlf { bits::CRLF } else { 0 };
        let incoming = Incoming { bits, size, date, body, prefix: None, pop3_uidl: m.pop3_uidl.as_deref() };
        insert_as(txn.conn, &mut effect, &incoming, m.uid, m.modseq, m.saved)?;
        effect.row.modseq = effect.row.modseq.max(m.modseq);
        if let Some(thread_id) = &m.thread_id {
            let known = Derived { thread_id: Some(thread_id.clone()), ..Derived::default() };
            derived::keep(txn.conn, mailbox, m.uid, &known)?;
        }
    }
    let octets = effect.row.octets.saturating_sub(octets);
    let more = QuotaUsage { octets, messages: messages.len() as u64, mailboxes: 0 };
    txn.check_quota(account, &more)?;
    (effect.row.floor, effect.row.changed_floor) = (effect.row.modseq, effect.row.modseq);
    txn.change_unseen(effect.row);
    Ok(())
}

impl Placed {
    fn flags(&self) -> &Flags {
        match &self.from {
            From::New(new) => &new.flags,
            From::Copy { flags, .. } => flags,
        }
    }
}

fn hidden_row(txn: &mut Txn<'_>, account: i64, key: &str, mailbox: i64) -> Res<MailboxRow> {
    let row = txn.mailbox(account, mailbox, ErrorKind::NotFound)?;
    let name: String = txn
        .conn
        .prepare_cached("SELECT name FROM mailbox WHERE id = ?1")?
        .query_row([mailbox], |r| r.get(0))?;
    if !name.starts_with(&format!("{MARK}{key}{MARK}")) {
        return Err(refused(ErrorKind::Cannot, "the mailbox is not being restored"));
    }
    Ok(row)
}

/// The body of a message without a prefix of its own, its size, and whether it ends with CRLF.
fn find_body(txn: &mut Txn<'_>, account: i64, mailbox: i64, uid: u32) -> Res<(i64, u64, bool)> {
    txn.mailbox(account, mailbox, ErrorKind::NotFound)?;
    txn.conn
        .prepare_cached(
            "SELECT body, size, flags FROM msg WHERE mailbox = ?1 AND uid = ?2 AND prefix IS NULL",
        )?
        .query_row(params![mailbox, uid], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get::<_, u32>(2)? & bits::CRLF != 0))
        })
        .optional()?
        .ok_or_else(|| ErrorKind::NotFound.into())
}

/// Shows all mailboxes of a restoration under their names, in one step. A mailbox of the same name goes; messages
/// that came into it meanwhile are moved, and get new UIDs.
pub(crate) fn publish(txn: &mut Txn<'_>, account: i64, key: &str) -> Res<()> {
    for hidden in hidden(txn.conn, account, Some(key))? {
        let stored = stored_name(&hidden.name);
        if let Some(old) = find(txn, account, &hidden.name)? {
            replace(txn, account, old, hidden.id)?;
        }
        txn.conn
            .prepare_cached("UPDATE mailbox SET name = ?2 WHERE id = ?1")?
            .execute(params![hidden.id, stored])?;
    }
    txn.after.notices.push(Notice::Hierarchy { account });
    Ok(())
}

fn replace(txn: &mut Txn<'_>, account: i64, old: i64, new: i64) -> Res<()> {
    let there = txn.mailbox(account, old, ErrorKind::NotFound)?;
    let mut row = txn.mailbox(account, new, ErrorKind::NotFound)?;
    if there.uidvalidity == row.uidvalidity {
        // The same incarnation went on after it was exported: no UID or modseq is given twice.
        row.uidnext = row.uidnext.max(there.uidnext);
        row.modseq = row.modseq.max(there.modseq);
        (row.floor, row.changed_floor) = (row.modseq, row.modseq);
        txn.change_unseen(row);
    }
    copy::copy(txn, account, old, &UidSet::all(), new, true)?;
    notes::hand_over(txn, old, new)?;
    let there = txn.mailbox(account, old, ErrorKind::NotFound)?;
    txn.conn.prepare_cached("UPDATE mailbox SET name = NULL WHERE id = ?1")?.execute([old])?;
    txn.forget(there);
    Ok(())
}

/// Takes away what unfinished restorations of an account have left.
pub(crate) fn abandon(txn: &mut Txn<'_>, account: i64) -> Res<()> {
    for hidden in hidden(txn.conn, account, None)? {
        let row = txn.mailbox(account, hidden.id, ErrorKind::NotFound)?;
        txn.conn.prepare_cached("UPDATE mailbox SET name = NULL WHERE id = ?1")?.execute([hidden.id])?;
        txn.forget(row);
    }
    Ok(())
}
