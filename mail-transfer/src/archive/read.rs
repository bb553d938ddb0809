use std::{collections::VecDeque, io::Read};

use mailstore_api::{Annotation, Flags, InternalDate, MailboxName, ModSeq, SpecialUse, Uid, UidValidity};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::{
    VERSION,
    lines::{
        AnnotationLine, END, EndLine, FORMAT, MANIFEST, MailboxLine, ManifestLine, MessageLine, QuotaLine,
        SumLine, digest, hex, index_path, mailbox_path, message_path, read_acl, read_flags, read_uses,
        sha256,
    },
    tar_io::{Member, TarReader},
};
use crate::{
    Result, TransferError, TransferErrorKind,
    format::{AccessList, Digest, Entry, IncomingMailbox, IncomingMessage, QuotaLimit, Source},
};

fn quota_limit(line: QuotaLine) -> QuotaLimit {
    QuotaLimit { root: line.root, resource: line.resource, limit: line.limit }
}

/// The largest member of lines.
const LINES_MAX: u64 = 32 << 20;
/// Octets of a message held in memory.
const CHUNK: usize = 64 * 1024;

/// What an archive says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Manifest {
    /// Of this archive alone.
    pub id: String,
    /// The account it was made of.
    pub account: String,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// Names that are subscribed.
    pub subscriptions: Vec<MailboxName>,
    /// Annotations of the account.
    pub annotations: Vec<Annotation>,
    /// What the account might keep.
    pub quota: Vec<QuotaLimit>,
}

/// A mailbox of an archive.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ArchivedMailbox {
    /// Its name.
    pub name: MailboxName,
    /// The identity it had.
    pub id: String,
    /// Its incarnation.
    pub uid_validity: UidValidity,
    /// The next UID.
    pub uid_next: u32,
    /// Its highest modseq.
    pub highest_modseq: ModSeq,
    /// What it is for.
    pub special_use: SpecialUse,
    /// Whether it was subscribed.
    pub subscribed: bool,
    /// Its annotations.
    pub annotations: Vec<Annotation>,
    /// Its access list, without its owner.
    pub acl: AccessList,
    /// Where it is in the archive.
    pub at: String,
}

/// A message of an archive, before its octets.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ArchivedMessage {
    /// Its UID.
    pub uid: Uid,
    /// Its octets.
    pub size: u64,
    /// Their hash.
    pub digest: Digest,
    /// The modseq of its last change.
    pub modseq: ModSeq,
    /// Its flags.
    pub flags: Flags,
    /// When it arrived.
    pub internal_date: InternalDate,
    /// When it was saved into its mailbox.
    pub save_date: Option<InternalDate>,
    /// The EMAILID it had.
    pub email_id: Option<String>,
    /// Its THREADID.
    pub thread_id: Option<String>,
    /// The unique-id an earlier POP3 server gave it.
    pub pop3_uidl: Option<String>,
    /// Where it is in the archive.
    pub at: String,
}

/// What an [`ArchiveReader`] comes upon.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ArchiveEntry {
    /// A mailbox; the messages after it are of it.
    Mailbox(ArchivedMailbox),
    /// A message: [`ArchiveReader::octets`] reads it.
    Message(Box<ArchivedMessage>),
}

/// Reads a mail archive; the format is told [above](super). Streams: `input` may be a pipe. As a [`Source`] it leaves
/// UIDs away.
#[derive(Debug)]
pub struct ArchiveReader<R> {
    tar: TarReader<R>,
    manifest: Manifest,
    /// What is told before the first mailbox, for a [`Source`].
    heads: VecDeque<Entry>,
    len: Option<u64>,
    chain: Sha256,
    mailbox: u64,
    uid_next: u32,
    last: u32,
    index: u64,
    waiting: VecDeque<MessageLine>,
    messages: u64,
    octets: u64,
    present: Option<Present>,
    buffer: Vec<u8>,
    notes: Vec<String>,
    ended: bool,
}

/// The message that is read.
#[derive(Debug)]
struct Present {
    at: String,
    digest: Digest,
    hash: Sha256,
    left: u64,
}

impl<R: Read> ArchiveReader<R> {
    /// Reads `input`, which should be buffered, and its manifest. `at` names it in errors; `len` is how long it is, where
    /// that is known, for [`Source::position`].
    ///
    /// # Errors
    /// When it is no mail archive, or one of a newer version.
    pub fn new(input: R, at: impl Into<String>, len: Option<u64>) -> Result<Self> {
        let mut tar = TarReader::new(input, at.into());
        let first = tar.next()?;
        if first.is_none_or(|m| m.path != MANIFEST) {
            return Err(tar.malformed(format!("is no mail archive: its first member is not {MANIFEST}")));
        }
        let mut chain = Sha256::new();
        let line: ManifestLine = one(&mut tar, &mut chain, MANIFEST)?;
        if line.format != FORMAT {
            return Err(tar.malformed(format!("is no mail archive: its format is {:?}", line.format)));
        }
        if line.version > VERSION {
            return Err(tar.malformed(format!(
                "is of version {}, written by a newer program; this one reads up to {VERSION}",
                line.version
            )));
        }
        if line.id.is_empty() || line.id.len() > 64 || !line.id.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(tar.malformed("its manifest has no id"));
        }
        let subscriptions = line.subscriptions.into_iter().filter_map(|p| MailboxName::new(p).ok()).collect();
        let manifest = Manifest {
            id: line.id,
            account: line.account,
            created: line.created,
            subscriptions,
            annotations: line.annotations.into_iter().filter_map(AnnotationLine::annotation).collect(),
            quota: line.quota.into_iter().map(quota_limit).collect(),
        };
        let mut heads = VecDeque::new();
        if !manifest.subscriptions.is_empty() {
            heads.push_back(Entry::Subscriptions(manifest.subscriptions.clone()));
        }
        if !manifest.annotations.is_empty() {
            heads.push_back(Entry::Annotations(manifest.annotations.clone()));
        }
        Ok(Self {
            tar,
            manifest,
            heads,
            len,
            chain,
            mailbox: 0,
            uid_next: 0,
            last: 0,
            index: 0,
            waiting: VecDeque::new(),
            messages: 0,
            octets: 0,
            present: None,
            buffer: Vec::new(),
            notes: Vec::new(),
            ended: false,
        })
    }

    /// What the archive says of itself.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The next mailbox or message; what was not read of a message is passed over, and its checksum looked at all
    /// the same. `None` at the end, when all totals are right.
    ///
    /// # Errors
    /// [`TransferErrorKind::Malformed`] when the archive is cut off or damaged: nothing can be read after it.
    pub fn next_entry(&mut self) -> Result<Option<ArchiveEntry>> {
        self.pass_message()?;
        if self.ended {
            return Ok(None);
        }
        loop {
            let Some(member) = self.tar.next()? else {
                return Err(self.tar.malformed(format!("the archive ends without {END}: it is cut off")));
            };
            if let Some(line) = self.waiting.pop_front() {
                return Ok(Some(ArchiveEntry::Message(Box::new(self.message(&member, line)?))));
            }
            if member.path == index_path(self.mailbox, self.index + 1) {
                self.index += 1;
                self.waiting = lines(&mut self.tar, &mut self.chain, &member.path)?.into();
            } else if member.path == mailbox_path(self.mailbox + 1) {
                return self.enter(member.path).map(|m| Some(ArchiveEntry::Mailbox(m)));
            } else if member.path == END {
                self.end()?;
                return Ok(None);
            } else {
                let text = format!("member {:?} does not belong here", member.path);
                return Err(self.tar.malformed(text));
            }
        }
    }

    fn enter(&mut self, path: String) -> Result<ArchivedMailbox> {
        let line: MailboxLine = one(&mut self.tar, &mut self.chain, &path)?;
        self.mailbox += 1;
        (self.index, self.last, self.uid_next) = (0, 0, line.uid_next);
        let name =
            MailboxName::new(line.name).map_err(|e| self.tar.malformed(format!("member {path:?}: {e}")))?;
        let validity = std::num::NonZeroU32::new(line.uid_validity);
        let (Some(validity), true) = (validity, line.uid_next > 0 && line.highest_modseq > 0) else {
            return Err(self
                .tar
                .malformed(format!("member {path:?}: a UIDVALIDITY, UIDNEXT or modseq of 0")));
        };
        Ok(ArchivedMailbox {
            name,
            id: line.id,
            uid_validity: UidValidity(validity),
            uid_next: line.uid_next,
            highest_modseq: ModSeq(line.highest_modseq),
            special_use: read_uses(&line.special_use),
            subscribed: line.subscribed,
            annotations: line.annotations.into_iter().filter_map(AnnotationLine::annotation).collect(),
            acl: read_acl(line.acl),
            at: path,
        })
    }

    fn message(&mut self, member: &Member, line: MessageLine) -> Result<ArchivedMessage> {
        let expected = message_path(self.mailbox, line.uid);
        if member.path != expected {
            let text = format!("member {:?} is where {expected:?} belongs", member.path);
            return Err(self.tar.malformed(text));
        }
        if member.size != line.size {
            let text =
                format!("member {expected:?} has {} octets; its index says {}", member.size, line.size);
            return Err(self.tar.malformed(text));
        }
        let uid = Uid::new(line.uid).filter(|uid| uid.get() > self.last && uid.get() < self.uid_next);
        let (Some(uid), Some(digest), true) = (uid, digest(&line.sha256), line.modseq > 0) else {
            let text = format!("member {expected:?}: its UID, checksum or modseq is none there can be");
            return Err(self.tar.malformed(text));
        };
        self.last = uid.get();
        self.messages += 1;
        self.octets += line.size;
        let (flags, bad) = read_flags(&line.flags);
        if bad > 0 {
            self.notes.push(format!("{expected}: {bad} flags left out: they are none in IMAP"));
        }
        self.present = Some(Present { at: expected.clone(), digest, hash: Sha256::new(), left: line.size });
        Ok(ArchivedMessage {
            uid,
            size: line.size,
            digest,
            modseq: ModSeq(line.modseq),
            flags,
            internal_date: InternalDate { seconds: line.date, zone_minutes: line.zone },
            save_date: line.saved.map(|seconds| InternalDate { seconds, zone_minutes: 0 }),
            email_id: line.email_id,
            thread_id: line.thread_id,
            pop3_uidl: line.pop3_uidl,
            at: expected,
        })
    }

    fn end(&mut self) -> Result<()> {
        let chain = hex(&self.chain.clone().finalize());
        let end: EndLine = one(&mut self.tar, &mut self.chain, END)?;
        let agree = end.mailboxes == self.mailbox
            && end.messages == self.messages
            && end.octets == self.octets
            && end.chain == chain;
        if !agree {
            return Err(self.tar.malformed(format!("{END} does not agree with what is before it")));
        }
        self.ended = true;
        Ok(())
    }

    fn pass_message(&mut self) -> Result<()> {
        loop {
            match self.octets() {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(e) if e.kind == TransferErrorKind::Damaged => {
                    self.notes.push(e.to_string());
                    return Ok(());
                }
                Err(e) => return Err(e),
            }
        }
    }

    /// The next octets of the present message; `None` at its end.
    ///
    /// # Errors
    /// [`TransferErrorKind::Damaged`] at the end of a message that does not have its checksum: it must not be kept, and the
    /// next can be read. [`TransferErrorKind::Malformed`] when the archive is cut off.
    pub fn octets(&mut self) -> Result<Option<&[u8]>> {
        let Some(present) = &mut self.present else { return Ok(None) };
        if present.left > 0 {
            self.buffer.resize(CHUNK, 0);
            let n = self.tar.read(&mut self.buffer)?;
            let chunk = self.buffer.get(..n).unwrap_or(&[]);
            present.left -= n as u64;
            present.hash.update(chunk);
            return Ok(Some(chunk));
        }
        let Some(present) = self.present.take() else { return Ok(None) };
        let found: Digest = present.hash.finalize().into();
        if found == present.digest {
            return Ok(None);
        }
        Err(TransferError {
            kind: TransferErrorKind::Damaged,
            at: present.at,
            text: "its octets do not have their checksum: it is damaged".to_owned(),
        })
    }
}

/// The lines of the present member, whose last one is their checksum.
fn lines<T: DeserializeOwned, R: Read>(
    tar: &mut TarReader<R>,
    chain: &mut Sha256,
    path: &str,
) -> Result<Vec<T>> {
    let text = tar.whole(LINES_MAX)?;
    let damaged = |tar: &TarReader<R>, why: &str| Err(tar.malformed(format!("member {path:?} {why}")));
    let body = text.strip_suffix(b"\n").unwrap_or(&text);
    let last = memchr::memrchr(b'\n', body).map_or(0, |at| at + 1);
    let (before, sum) = text.split_at(last);
    let Ok(sum) = serde_json::from_slice::<SumLine>(sum) else {
        return damaged(tar, "does not end with its checksum");
    };
    if sum.sha256 != sha256(before) {
        return damaged(tar, "does not have its checksum: it is damaged");
    }
    chain.update(&sum.sha256);
    let mut all = Vec::new();
    for line in before.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
        match serde_json::from_slice(line) {
            Ok(line) => all.push(line),
            Err(e) => return damaged(tar, &format!("cannot be understood: {e}")),
        }
    }
    Ok(all)
}

/// The first line of the present member.
fn one<T: DeserializeOwned, R: Read>(tar: &mut TarReader<R>, chain: &mut Sha256, path: &str) -> Result<T> {
    let first = lines(tar, chain, path)?.into_iter().next();
    first.ok_or_else(|| tar.malformed(format!("member {path:?} has no line")))
}

impl<R: Read> Source for ArchiveReader<R> {
    fn next(&mut self) -> Result<Option<Entry>> {
        if let Some(head) = self.heads.pop_front() {
            return Ok(Some(head));
        }
        Ok(self.next_entry()?.map(|entry| match entry {
            ArchiveEntry::Mailbox(m) => Entry::Mailbox(IncomingMailbox {
                name: m.name,
                special_use: m.special_use,
                annotations: m.annotations,
                acl: m.acl,
                at: m.at,
            }),
            ArchiveEntry::Message(m) => Entry::Message(IncomingMessage {
                flags: m.flags,
                internal_date: Some(m.internal_date),
                at: m.at,
            }),
        }))
    }

    fn octets(&mut self) -> Result<Option<&[u8]>> {
        Self::octets(self)
    }

    fn position(&self) -> (u64, Option<u64>) {
        (self.tar.offset, self.len)
    }

    fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }
}
