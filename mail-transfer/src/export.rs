use mailstore_api::{
    Account, Annotation, Body, ErrorKind, Mailbox, MailboxId, MailboxInfo, MailboxName, Meta, MetaItems,
    OpenMode, Part, StatusItems, UidSet,
};
use sha2::{Digest as _, Sha256};

use crate::{
    Progress, Report, Result, TransferError,
    format::{AccessList, AccountHead, Digest, MailboxHead, MessageHead, QuotaLimit, Sink},
    names::Patterns,
};

/// Messages looked at in one step. Their bodies are opened together, so that what one step writes is one cut.
const BATCH: usize = 64;
/// Octets read from the store at once.
const CHUNK: usize = 256 * 1024;

/// What an [`export`] takes along.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct ExportOptions {
    /// Which mailboxes.
    pub mailboxes: Patterns,
    /// Only count: nothing is written.
    pub dry_run: bool,
}

/// Writes an account's mailboxes to `sink`; `name` is what the sink is told the account is called.
///
/// Each mailbox is written as it was when its turn came: what arrives later is left out, what is expunged
/// meanwhile too. A message the store finds damaged is left out and counted in [`Report::left_out`].
///
/// Memory: some dozens of open messages of at most 128 KiB each, and what the store holds for an open mailbox.
/// Blocks on the sink's files, so it belongs on a thread of its own.
///
/// # Errors
/// When the store or the sink fails.
pub async fn export<A: Account>(
    account: &A,
    name: &str,
    options: &ExportOptions,
    sink: &mut dyn Sink,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<Report> {
    let fault = |e| TransferError::store(format!("account {name}"), &e);
    let all = account.list().await.map_err(fault)?;
    let subscriptions = subscriptions(&all, &options.mailboxes);
    let mut wanted: Vec<(MailboxInfo, MailboxId)> = all
        .into_iter()
        .filter(|m| m.selectable && options.mailboxes.matches(&m.name))
        .filter_map(|m| m.id.clone().map(|id| (m, id)))
        .collect();
    // INBOX, then by name, so that parents come before what is below them.
    wanted.sort_by(|(a, _), (b, _)| (!a.name.is_inbox(), &a.name).cmp(&(!b.name.is_inbox(), &b.name)));
    let ids: Vec<MailboxId> = wanted.iter().map(|(_, id)| id.clone()).collect();
    let figures = account.status(&ids, StatusItems::MESSAGES | StatusItems::SIZE).await.map_err(fault)?;
    let mut run = Run {
        report: Report::default(),
        done: 0,
        total: figures.iter().map(|s| s.size + u64::from(s.messages)).sum(),
    };
    if options.dry_run {
        run.report.mailboxes = wanted.len() as u64;
        run.report.messages = figures.iter().map(|s| u64::from(s.messages)).sum();
        run.report.octets = figures.iter().map(|s| s.size).sum();
        return Ok(run.report);
    }
    let annotations = annotations(account, None).await?;
    let quota = match ids.first() {
        Some(id) => quota(account, id).await?,
        None => Vec::new(),
    };
    sink.account(&AccountHead { name: name.to_owned(), annotations, subscriptions, quota })?;
    for (info, id) in &wanted {
        run.mailbox(account, info, id, sink, progress).await?;
    }
    sink.finish()?;
    run.report.add_notes(sink.take_notes());
    Ok(run.report)
}

fn subscriptions(all: &[MailboxInfo], wanted: &Patterns) -> Vec<MailboxName> {
    let mut names: Vec<MailboxName> =
        all.iter().filter(|m| m.subscribed && wanted.matches(&m.name)).map(|m| m.name.clone()).collect();
    names.sort();
    names
}

async fn annotations<A: Account>(account: &A, id: Option<&MailboxId>) -> Result<Vec<Annotation>> {
    let Some(metadata) = account.metadata() else { return Ok(Vec::new()) };
    // Every entry lies below one of these (RFC 5464 section 3.2).
    let roots = ["/private".to_owned(), "/shared".to_owned()];
    metadata.get(id, &roots, u8::MAX).await.map_err(|e| TransferError::store("annotations", &e))
}

/// The limits of the roots that hold for the first mailbox: INBOX, where it is exported.
async fn quota<A: Account>(account: &A, id: &MailboxId) -> Result<Vec<QuotaLimit>> {
    let Some(quota) = account.quota() else { return Ok(Vec::new()) };
    let uses = quota.roots(id).await.map_err(|e| TransferError::store("the quota", &e))?;
    Ok(uses.into_iter().map(|u| QuotaLimit { root: u.root, resource: u.resource, limit: u.limit }).collect())
}

/// Without the owner, who stands first and has all rights.
async fn access_list<A: Account>(account: &A, id: &MailboxId) -> Result<AccessList> {
    let Some(acl) = account.acl() else { return Ok(Vec::new()) };
    let list = acl.get(id).await.map_err(|e| TransferError::store("an access list", &e))?;
    Ok(list.into_iter().skip(1).collect())
}

struct Run {
    report: Report,
    done: u64,
    total: u64,
}

impl Run {
    async fn mailbox<A: Account>(
        &mut self,
        account: &A,
        info: &MailboxInfo,
        id: &MailboxId,
        sink: &mut dyn Sink,
        progress: &mut dyn FnMut(&Progress<'_>),
    ) -> Result<()> {
        let fault = |e| TransferError::store(format!("mailbox {}", info.name), &e);
        let (snapshot, mailbox) = match account.open(id, OpenMode::Examine).await {
            Err(e) if matches!(e.kind, ErrorKind::NotFound | ErrorKind::Gone) => {
                self.report.add_notes([format!("mailbox {}: deleted meanwhile", info.name)]);
                return Ok(());
            }
            other => other.map_err(fault)?,
        };
        sink.mailbox(&MailboxHead {
            name: info.name.clone(),
            id: id.clone(),
            uid_validity: snapshot.uid_validity,
            uid_next: snapshot.uid_next,
            highest_modseq: snapshot.at,
            special_use: info.special_use,
            subscribed: info.subscribed,
            keywords: snapshot.keywords,
            annotations: annotations(account, Some(id)).await?,
            acl: access_list(account, id).await?,
        })?;
        let want = MetaItems::FLAGS
            | MetaItems::SIZE
            | MetaItems::INTERNAL_DATE
            | MetaItems::OBJECT_IDS
            | MetaItems::POP3_UIDL
            | MetaItems::SAVE_DATE;
        let mut from = 1;
        while from < snapshot.uid_next {
            let uids = UidSet::from_ranges([(from, snapshot.uid_next - 1)]);
            let batch = match mailbox.meta(&uids, want, None, BATCH).await {
                Err(e) if e.kind == ErrorKind::Gone => {
                    self.report.add_notes([format!("mailbox {}: deleted meanwhile", info.name)]);
                    break;
                }
                other => other.map_err(fault)?,
            };
            self.batch(&mailbox, &info.name, batch.items, sink, progress).await?;
            let Some(last) = batch.resume_after else { break };
            from = last.get().saturating_add(1);
        }
        sink.mailbox_end()?;
        self.report.add_notes(sink.take_notes());
        self.report.mailboxes += 1;
        Ok(())
    }

    async fn batch<M: Mailbox>(
        &mut self,
        mailbox: &M,
        name: &MailboxName,
        items: Vec<Meta>,
        sink: &mut dyn Sink,
        progress: &mut dyn FnMut(&Progress<'_>),
    ) -> Result<()> {
        let fault = |e| TransferError::store(format!("mailbox {name}"), &e);
        let uids: Vec<_> = items.iter().map(|m| m.uid).collect();
        let mut ahead = mailbox.bodies(&uids, Part::Whole).await.map_err(fault)?.into_iter().peekable();
        let (mut heads, mut bodies) = (Vec::new(), Vec::new());
        for meta in items {
            // Those that were opened ahead are in the order asked.
            let opened = match ahead.next_if(|(uid, _)| *uid == meta.uid) {
                Some((_, body)) => Ok(body),
                None => mailbox.body(meta.uid, Part::Whole).await,
            };
            let mut body = match opened {
                Ok(body) => body,
                Err(e) if e.kind == ErrorKind::Gone => continue,
                Err(e) if e.kind == ErrorKind::Corrupt => {
                    self.leave_out(name, &meta, &e.to_string());
                    continue;
                }
                Err(e) => return Err(fault(e)),
            };
            let digest = match sink.wants_digests() {
                true => match digest(&mut body).await {
                    Err(e) if e.kind == ErrorKind::Corrupt => {
                        self.leave_out(name, &meta, &e.to_string());
                        continue;
                    }
                    other => Some(other.map_err(fault)?),
                },
                false => None,
            };
            heads.push(MessageHead { meta, octets: body.len(), digest });
            bodies.push(body);
        }
        sink.batch(&heads)?;
        for (head, mut body) in heads.iter().zip(bodies) {
            sink.message(head)?;
            let mut at = 0;
            while at < head.octets {
                let chunk = body.read_at(at, CHUNK).await.map_err(|e| {
                    TransferError::store(format!("mailbox {name}, UID {}", head.meta.uid), &e)
                })?;
                if chunk.is_empty() {
                    return Err(fault(ErrorKind::Corrupt.into()));
                }
                at += chunk.len() as u64;
                sink.octets(&chunk)?;
            }
            sink.message_end()?;
            self.report.messages += 1;
            self.report.octets += head.octets;
            self.done += head.octets + 1;
            progress(&Progress {
                mailbox: name,
                messages: self.report.messages,
                octets: self.report.octets,
                done: self.done.min(self.total),
                total: Some(self.total),
            });
        }
        Ok(())
    }

    fn leave_out(&mut self, name: &MailboxName, meta: &Meta, why: &str) {
        self.report.leave_out(format!("mailbox {name}, UID {}: left out: {why}", meta.uid));
    }
}

pub(crate) async fn digest<B: Body>(body: &mut B) -> mailstore_api::Result<Digest> {
    let mut hash = Sha256::new();
    let mut at = 0;
    while at < body.len() {
        let chunk = body.read_at(at, CHUNK).await?;
        if chunk.is_empty() {
            return Err(ErrorKind::Corrupt.into());
        }
        at += chunk.len() as u64;
        hash.update(&chunk);
    }
    Ok(hash.finalize().into())
}
