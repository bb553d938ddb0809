use mailstore_api::{ErrorKind, MailboxName, QuotaUsage, SpecialUse};
use rusqlite::{OptionalExtension, params};

use crate::{
    DefaultMailbox,
    error::{Res, refused},
    txn::{Notice, Txn},
};

/// Between the parts of a stored name: no part can hold it.
const SEPARATOR: char = '\u{1f}';

pub(crate) fn stored_name(name: &MailboxName) -> String {
    name.parts().join("\u{1f}")
}

pub(crate) fn read_name(stored: &str) -> Option<MailboxName> {
    MailboxName::new(stored.split(SEPARATOR)).ok()
}

/// UIDVALIDITY values that `control.db` gave for one request.
pub(crate) struct Validities {
    pub(crate) first: u32,
}

/// What a request that makes mailboxes came to.
pub(crate) enum Made<T> {
    Done(T),
    /// The values are older than one that was used meanwhile: the request has to be made again with new ones.
    Stale,
}

/// Takes the next value for a new mailbox; `None` when a later one was used by somebody else since.
fn next_validity(txn: &Txn<'_>, given: &mut Validities) -> Res<Option<u32>> {
    let last: Option<u32> = txn
        .conn
        .prepare_cached("SELECT value FROM meta WHERE key = 'uidvalidity'")?
        .query_row([], |r| r.get(0))
        .optional()?;
    let next = given.first;
    if last.is_some_and(|last| last >= next) {
        return Ok(None);
    }
    txn.conn.prepare_cached("INSERT OR REPLACE INTO meta VALUES ('uidvalidity', ?1)")?.execute([next])?;
    given.first = next.saturating_add(1);
    Ok(Some(next))
}

fn insert(txn: &mut Txn<'_>, account: i64, name: &MailboxName, uses: SpecialUse, validity: u32) -> Res<i64> {
    txn.conn
        .prepare_cached("INSERT INTO mailbox(account, name, uses, uidvalidity) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![account, stored_name(name), uses.bits(), validity])?;
    txn.count_mailbox(account);
    Ok(txn.conn.last_insert_rowid())
}

pub(super) fn find(txn: &Txn<'_>, account: i64, name: &MailboxName) -> Res<Option<i64>> {
    Ok(txn
        .conn
        .prepare_cached("SELECT id FROM mailbox WHERE account = ?1 AND name = ?2")?
        .query_row(params![account, stored_name(name)], |r| r.get(0))
        .optional()?)
}

pub(super) fn check_account(txn: &Txn<'_>, account: i64) -> Res<()> {
    let there: Option<i64> = txn
        .conn
        .prepare_cached("SELECT id FROM account WHERE id = ?1")?
        .query_row([account], |r| r.get(0))
        .optional()?;
    match there {
        Some(_) => Ok(()),
        None => Err(refused(ErrorKind::NotFound, "the account is gone")),
    }
}

/// Parents that are missing, outermost first.
fn missing_parents(txn: &Txn<'_>, account: i64, name: &MailboxName) -> Res<Vec<MailboxName>> {
    let mut missing = Vec::new();
    for parent in std::iter::successors(name.parent(), MailboxName::parent) {
        if find(txn, account, &parent)?.is_none() {
            missing.push(parent);
        }
    }
    missing.reverse();
    Ok(missing)
}

/// Makes what is missing above a name, if that and `more` mailboxes are within the quota.
fn make_parents(
    txn: &mut Txn<'_>,
    account: i64,
    name: &MailboxName,
    more: u64,
    given: &mut Validities,
) -> Res<Option<()>> {
    let missing = missing_parents(txn, account, name)?;
    let mailboxes = missing.len() as u64 + more;
    txn.check_quota(account, &QuotaUsage { mailboxes, ..QuotaUsage::default() })?;
    for parent in missing {
        let Some(validity) = next_validity(txn, given)? else { return Ok(None) };
        insert(txn, account, &parent, SpecialUse::NONE, validity)?;
    }
    Ok(Some(()))
}

pub(crate) fn create(
    txn: &mut Txn<'_>,
    account: i64,
    name: &MailboxName,
    uses: SpecialUse,
    mut given: Validities,
) -> Res<Made<i64>> {
    check_account(txn, account)?;
    if find(txn, account, name)?.is_some() {
        return Err(ErrorKind::Exists.into());
    }
    if make_parents(txn, account, name, 1, &mut given)?.is_none() {
        return Ok(Made::Stale);
    }
    let Some(validity) = next_validity(txn, &mut given)? else { return Ok(Made::Stale) };
    let id = insert(txn, account, name, uses, validity)?;
    txn.after.notices.push(Notice::Hierarchy { account });
    Ok(Made::Done(id))
}

pub(crate) fn delete(txn: &mut Txn<'_>, account: i64, id: i64) -> Res<()> {
    let row = txn.mailbox(account, id, ErrorKind::NotFound)?;
    let name: String =
        txn.conn.prepare_cached("SELECT name FROM mailbox WHERE id = ?1")?.query_row([id], |r| r.get(0))?;
    if read_name(&name).is_some_and(|n| n.is_inbox()) {
        return Err(refused(ErrorKind::Cannot, "INBOX stays"));
    }
    txn.conn.prepare_cached("UPDATE mailbox SET name = NULL WHERE id = ?1")?.execute([id])?;
    txn.forget(row);
    txn.after.notices.push(Notice::Hierarchy { account });
    Ok(())
}

pub(crate) fn rename(
    txn: &mut Txn<'_>,
    account: i64,
    id: i64,
    to: &MailboxName,
    mut given: Validities,
) -> Res<Made<()>> {
    txn.mailbox(account, id, ErrorKind::NotFound)?;
    let all = names(txn, account)?;
    let Some(from) = all.iter().find(|(i, _)| *i == id).map(|(_, name)| name.clone()) else {
        return Err(ErrorKind::NotFound.into());
    };
    if from.is_inbox() || to.is_below(&from) {
        return Err(ErrorKind::Cannot.into());
    }
    let moved: Vec<(i64, MailboxName)> =
        all.iter().filter_map(|(id, name)| Some((*id, name.moved(&from, to)?))).collect();
    let taken: std::collections::HashSet<&MailboxName> = all.iter().map(|(_, name)| name).collect();
    if moved.iter().any(|(_, name)| taken.contains(name)) || taken.contains(to) {
        return Err(ErrorKind::Exists.into());
    }
    // Joined below a longer name, those below may be too long themselves.
    if moved.iter().any(|(_, name)| MailboxName::new(name.parts().iter().cloned()).is_err()) {
        return Err(refused(ErrorKind::Cannot, "a name below it would be too long"));
    }
    if make_parents(txn, account, to, 0, &mut given)?.is_none() {
        return Ok(Made::Stale);
    }
    for (id, name) in moved {
        txn.conn
            .prepare_cached("UPDATE mailbox SET name = ?2 WHERE id = ?1")?
            .execute(params![id, stored_name(&name)])?;
    }
    txn.after.notices.push(Notice::Hierarchy { account });
    Ok(Made::Done(()))
}

fn names(txn: &Txn<'_>, account: i64) -> Res<Vec<(i64, MailboxName)>> {
    let mut read =
        txn.conn.prepare_cached("SELECT id, name FROM mailbox WHERE account = ?1 AND name IS NOT NULL")?;
    let mut rows = read.query([account])?;
    let mut all = Vec::new();
    while let Some(r) = rows.next()? {
        all.extend(
            read_name(r.get_ref(1)?.as_str()?)
                .map(|name| Ok::<_, rusqlite::Error>((r.get(0)?, name)))
                .transpose()?,
        );
    }
    Ok(all)
}

pub(crate) fn subscribe(txn: &mut Txn<'_>, account: i64, name: &MailboxName, on: bool) -> Res<()> {
    check_account(txn, account)?;
    let sql = if on {
        "INSERT OR IGNORE INTO subscription(account, name) VALUES (?1, ?2)"
    } else {
        "DELETE FROM subscription WHERE account = ?1 AND name = ?2"
    };
    if txn.conn.prepare_cached(sql)?.execute(params![account, stored_name(name)])? > 0 {
        txn.after.notices.push(Notice::Hierarchy { account });
    }
    Ok(())
}

pub(crate) fn set_special_use(txn: &mut Txn<'_>, account: i64, id: i64, uses: SpecialUse) -> Res<()> {
    txn.mailbox(account, id, ErrorKind::NotFound)?;
    txn.conn
        .prepare_cached("UPDATE mailbox SET uses = ?2 WHERE id = ?1")?
        .execute(params![id, uses.bits()])?;
    txn.after.notices.push(Notice::Hierarchy { account });
    Ok(())
}

/// UIDVALIDITY values [`fill`] needs at most.
pub(crate) fn validities_for(mailboxes: &[DefaultMailbox]) -> u32 {
    let parts: usize = mailboxes.iter().map(|m| m.name.parts().len()).sum();
    u32::try_from(parts).unwrap_or(u32::MAX - 1).saturating_add(1)
}

/// The first mailboxes of a new account.
pub(crate) fn fill(
    txn: &mut Txn<'_>,
    account: i64,
    mailboxes: &[DefaultMailbox],
    mut given: Validities,
) -> Res<Made<()>> {
    // A number whose account was never finished is given again: what it left goes.
    remove_account(txn, account)?;
    txn.conn.prepare_cached("INSERT INTO account(id) VALUES (?1)")?.execute([account])?;
    let inbox =
        DefaultMailbox { name: MailboxName::inbox(), special_use: SpecialUse::NONE, subscribed: false };
    for m in std::iter::once(&inbox).chain(mailboxes) {
        match find(txn, account, &m.name)? {
            Some(id) => set_special_use(txn, account, id, m.special_use)?,
            None => match create(txn, account, &m.name, m.special_use, Validities { first: given.first })? {
                Made::Done(_) => {
                    given.first =
                        given.first.saturating_add(u32::try_from(m.name.parts().len()).unwrap_or(0));
                }
                Made::Stale => return Ok(Made::Stale),
            },
        }
        if m.subscribed {
            subscribe(txn, account, &m.name, true)?;
        }
    }
    Ok(Made::Done(()))
}

/// All mailboxes of an account are deleted; their rows go in small steps.
pub(crate) fn remove_account(txn: &mut Txn<'_>, account: i64) -> Res<()> {
    // Also those that are only being restored.
    let ids: Vec<i64> = txn
        .conn
        .prepare_cached("SELECT id FROM mailbox WHERE account = ?1 AND name IS NOT NULL")?
        .query_map([account], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    for id in ids {
        let row = txn.mailbox(account, id, ErrorKind::NotFound)?;
        txn.conn.prepare_cached("UPDATE mailbox SET name = NULL WHERE id = ?1")?.execute([id])?;
        txn.forget(row);
    }
    txn.conn.prepare_cached("DELETE FROM subscription WHERE account = ?1")?.execute([account])?;
    txn.conn
        .prepare_cached("DELETE FROM annotation WHERE account = ?1 AND mailbox = 0")?
        .execute([account])?;
    txn.conn.prepare_cached("DELETE FROM account WHERE id = ?1")?.execute([account])?;
    txn.forget_account(account);
    txn.after.notices.push(Notice::Hierarchy { account });
    Ok(())
}
