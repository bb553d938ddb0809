use std::sync::Arc;

use bytes::Bytes;
use mailstore_api::{
    AppendOutcome, ErrorKind, Flags, InternalDate, MailboxName, ModSeq, QuotaUsage, Result, StoreError, Uid,
};
use rusqlite::{OptionalExtension, params};

use super::{Incoming, Leaving, check_uids, ensure_keywords, insert, remove, share};
use crate::{
    bits,
    error::{Fault, Res},
    files::TempFile,
    index::Effect,
    ops::hierarchy::stored_name,
    txn::Txn,
};

/// Where a new body's octets are.
#[derive(Clone, Debug)]
pub(crate) enum Octets {
    Inline(Bytes),
    /// Written and synced; several shards may take it.
    File(Arc<TempFile>),
}

/// A body that no message has yet.
#[derive(Clone, Debug)]
pub(crate) struct NewBody {
    pub(crate) size: u64,
    pub(crate) header: u64,
    pub(crate) crc: u32,
    pub(crate) ends_with_crlf: bool,
    pub(crate) octets: Octets,
}

/// A message to append.
#[derive(Clone, Debug)]
pub(crate) struct NewMessage {
    pub(crate) flags: Flags,
    pub(crate) date: InternalDate,
    pub(crate) body: NewBody,
}

/// A recipient in this shard.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) account: i64,
    pub(crate) mailbox: MailboxName,
    pub(crate) prefix: Vec<u8>,
}

pub(super) fn add_body(txn: &mut Txn<'_>, body: &NewBody) -> Res<i64> {
    let id = txn.new_body()?;
    let (path, data) = match &body.octets {
        Octets::Inline(bytes) => (None, Some(&**bytes)),
        Octets::File(temp) => (Some(txn.place(temp, id)?), None),
    };
    txn.conn
        .prepare_cached(
            "INSERT INTO body(id, size, header, crc, path, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![id, body.size, body.header, body.crc, path, data])?;
    Ok(id)
}

/// One more reference to a body that is kept with the first of them.
pub(crate) fn refer(txn: &mut Txn<'_>, new: &NewBody, body: &mut Option<i64>) -> Res<i64> {
    match *body {
        Some(id) => {
            share(txn.conn, id)?;
            Ok(id)
        }
        None => Ok(*body.insert(add_body(txn, new)?)),
    }
}

/// Appends messages, all or none; what they replace goes in the same step.
pub(crate) fn append(
    txn: &mut Txn<'_>,
    account: i64,
    mailbox: i64,
    messages: &[NewMessage],
    replaces: Option<(i64, Uid)>,
) -> Res<AppendOutcome> {
    let row = txn.mailbox(account, mailbox, ErrorKind::NotFound)?;
    check_uids(&row, messages.len())?;
    let old = match replaces {
        Some((from, uid)) => Some((from, find_leaving(txn, account, from, uid)?)),
        None => None,
    };
    let octets: u64 = messages.iter().map(|m| m.body.size).sum();
    let (goes, one) = old.as_ref().map_or((0, 0), |(_, old)| (old.size, 1));
    let more = QuotaUsage {
        octets: octets.saturating_sub(goes),
        messages: (messages.len() as u64).saturating_sub(one),
        mailboxes: 0,
    };
    txn.check_quota(account, &more)?;
    let mut effect = Effect::new(row);
    let flags: Vec<&Flags> = messages.iter().map(|m| &m.flags).collect();
    let keywords = ensure_keywords(txn, &mut effect, &flags)?;
    let mut uids = Vec::with_capacity(messages.len());
    for m in messages {
        let mut bits = keywords.bits(&m.flags);
        bits.bits |= if m.body.ends_with_crlf { bits::CRLF } else { 0 };
        let body = add_body(txn, &m.body)?;
        let incoming =
            Incoming { bits, size: m.body.size, date: m.date, body, prefix: None, pop3_uidl: None };
        uids.extend(Uid::new(insert(txn.conn, &mut effect, incoming)?));
    }
    match old {
        Some((from, old)) if from == mailbox => {
            remove(txn, &mut effect, &[old])?;
        }
        Some((from, old)) => {
            let mut source = Effect::new(txn.mailbox(account, from, ErrorKind::Gone)?);
            remove(txn, &mut source, &[old])?;
            txn.change(source);
        }
        None => {}
    }
    let outcome = AppendOutcome { uid_validity: row.validity(), uids, at: ModSeq(effect.row.modseq) };
    txn.change(effect);
    Ok(outcome)
}

fn find_leaving(txn: &mut Txn<'_>, account: i64, mailbox: i64, uid: Uid) -> Res<Leaving> {
    txn.mailbox(account, mailbox, ErrorKind::Gone)?;
    txn.conn
        .prepare_cached("SELECT uid, flags, size, body FROM msg WHERE mailbox = ?1 AND uid = ?2")?
        .query_row(params![mailbox, uid.get()], |r| {
            Ok(Leaving { uid: r.get(0)?, bits: r.get(1)?, size: r.get(2)?, body: Some(r.get(3)?) })
        })
        .optional()?
        .ok_or_else(|| ErrorKind::Gone.into())
}

/// Puts one body into the mailboxes of several recipients: for each all or nothing.
pub(crate) fn deliver(
    txn: &mut Txn<'_>,
    message: &NewMessage,
    limit: Option<u64>,
    targets: &[Target],
    body: &mut Option<i64>,
) -> Res<Vec<Result<AppendOutcome>>> {
    let mut answers = Vec::with_capacity(targets.len());
    for target in targets {
        answers.push(match deliver_one(txn, message, limit, target, body) {
            Ok(outcome) => Ok(outcome),
            // Refused before anything was changed for it.
            Err(Fault::Refused(e)) => Err(e),
            Err(fault) => return Err(fault),
        });
    }
    Ok(answers)
}

fn deliver_one(
    txn: &mut Txn<'_>,
    message: &NewMessage,
    limit: Option<u64>,
    target: &Target,
    body: &mut Option<i64>,
) -> Res<AppendOutcome> {
    let size = message.body.size + target.prefix.len() as u64;
    if limit.is_some_and(|limit| size > limit) {
        return Err(ErrorKind::TooBig.into());
    }
    let id: Option<i64> = txn
        .conn
        .prepare_cached("SELECT id FROM mailbox WHERE account = ?1 AND name = ?2")?
        .query_row(params![target.account, stored_name(&target.mailbox)], |r| r.get(0))
        .optional()?;
    let id = id.ok_or_else(|| StoreError::new(ErrorKind::NotFound, "there is no such mailbox"))?;
    let row = txn.mailbox(target.account, id, ErrorKind::NotFound)?;
    check_uids(&row, 1)?;
    txn.check_quota(target.account, &QuotaUsage { octets: size, messages: 1, mailboxes: 0 })?;
    let mut effect = Effect::new(row);
    let keywords = ensure_keywords(txn, &mut effect, &[&message.flags])?;
    let mut bits = keywords.bits(&message.flags);
    let crlf = message.body.ends_with_crlf || (message.body.size == 0 && target.prefix.ends_with(b"\r\n"));
    bits.bits |= if crlf { bits::CRLF } else { 0 };
    let body = refer(txn, &message.body, body)?;
    let prefix = (!target.prefix.is_empty()).then_some(&*target.prefix);
    let uid = insert(
        txn.conn,
        &mut effect,
        Incoming { bits, size, date: message.date, body, prefix, pop3_uidl: None },
    )?;
    let outcome = AppendOutcome {
        uid_validity: row.validity(),
        uids: Uid::new(uid).into_iter().collect(),
        at: ModSeq(effect.row.modseq),
    };
    txn.change(effect);
    Ok(outcome)
}
