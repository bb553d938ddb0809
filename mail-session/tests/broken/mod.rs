//! A store that fails at the worst moment.

use bytes::Bytes;
use mailstore_api::*;

/// An account with one message of 100 octets, of which 40 can be read; nothing can be changed, and later
/// changes are not known.
#[derive(Clone)]
pub(crate) struct Broken;

/// A message that breaks off.
pub(crate) struct Half;

type Answer<T> = Result<T>;

fn no<T>() -> Answer<T> {
    Err(ErrorKind::Unavailable.into())
}

impl MailStore for Broken {
    type Account = Self;
    type Delivery = Self;
    async fn open_account(&self, _: &str) -> Answer<Self> {
        Ok(Self)
    }
    async fn deliver(&self, _: AppendSpec) -> Answer<Self> {
        no()
    }
}

impl Delivery for Broken {
    async fn write(&mut self, _: &[u8]) -> Answer<()> {
        no()
    }
    async fn commit(self, _: &[Recipient]) -> Vec<Answer<AppendOutcome>> {
        vec![]
    }
}

impl Staged for Broken {
    async fn write(&mut self, _: &[u8]) -> Answer<()> {
        Err(ErrorKind::OverQuota.into())
    }
    async fn finish(&mut self) -> Answer<u64> {
        no()
    }
}

impl Watch for Broken {
    async fn changed(&mut self) -> Answer<Hint> {
        no()
    }
}

impl Account for Broken {
    type Mailbox = Self;
    type Watch = Self;
    type Staged = Self;
    async fn list(&self) -> Answer<Vec<MailboxInfo>> {
        let named = |id: &str, name, selectable| MailboxInfo {
            id: Some(MailboxId(id.into())),
            name,
            selectable,
            subscribed: true,
            special_use: SpecialUse::NONE,
            rights: Rights::OWNER,
        };
        let other = |name: &str| MailboxName::new([name]).unwrap();
        Ok(vec![
            named("1", MailboxName::inbox(), true),
            named("closed", other("Closed"), false),
            named("gone", other("Gone"), true),
        ])
    }
    async fn create(&self, _: &MailboxName, _: SpecialUse) -> Answer<MailboxId> {
        no()
    }
    async fn delete(&self, _: &MailboxId) -> Answer<()> {
        Err(StoreError::new(ErrorKind::Internal, "a secret of the implementation"))
    }
    async fn rename(&self, _: &MailboxId, _: &MailboxName) -> Answer<()> {
        no()
    }
    async fn subscribe(&self, _: &MailboxName, _: bool) -> Answer<()> {
        no()
    }
    /// Where `Gone` is asked for, it was there a moment ago; else it fails.
    async fn status(&self, ids: &[MailboxId], _: StatusItems) -> Answer<Vec<Status>> {
        if ids.iter().any(|id| id.0 == "gone") {
            let found = ids.iter().filter(|id| id.0 == "1").map(|id| Status {
                id: id.clone(),
                messages: 1,
                unseen: 0,
                deleted: 0,
                recent: 0,
                size: 100,
                uid_next: 2,
                uid_validity: UidValidity(1.try_into().unwrap()),
                highest_modseq: ModSeq(1),
            });
            return Ok(found.collect());
        }
        Err(StoreError::new(ErrorKind::Internal, "a secret of the implementation"))
    }
    async fn open(&self, _: &MailboxId, _: OpenMode) -> Answer<(Snapshot, Self)> {
        Ok((Mailbox::snapshot(self).await?, Self))
    }
    async fn stage(&self, _: &MailboxId, _: AppendSpec) -> Answer<Self> {
        Ok(Self)
    }
    async fn commit(&self, _: &MailboxId, _: Vec<Self>, _: Option<Replaces>) -> Answer<AppendOutcome> {
        no()
    }
    async fn copy(&self, _: &MailboxId, _: &UidSet, _: &MailboxId) -> Answer<CopyOutcome> {
        Err(ErrorKind::OverQuota.into())
    }
    async fn relocate(&self, _: &MailboxId, _: &UidSet, _: &MailboxId) -> Answer<CopyOutcome> {
        no()
    }
    async fn watch(&self, _: Interest) -> Answer<Self> {
        Ok(Self)
    }
}

impl Mailbox for Broken {
    type Body = Half;
    async fn changes(&self, _: ModSeq, _: usize) -> Answer<Changes> {
        no()
    }
    async fn snapshot(&self) -> Answer<Snapshot> {
        Ok(Snapshot {
            uid_validity: UidValidity(1.try_into().unwrap()),
            uid_next: 2,
            at: ModSeq(1),
            uids: Uid::new(1).into_iter().collect(),
            first_unseen: None,
            keywords: vec![],
            new_keywords_ok: true,
            read_only: false,
            modseq_persistent: false,
        })
    }
    async fn vanished_since(&self, _: ModSeq, _: &UidSet) -> Answer<UidSet> {
        no()
    }
    async fn meta(&self, _: &UidSet, _: MetaItems, _: Option<ModSeq>, _: usize) -> Answer<MetaBatch> {
        let meta = Meta {
            uid: Uid::new(1).unwrap(),
            modseq: ModSeq(1),
            flags: Flags::default(),
            internal_date: InternalDate::default(),
            size: 100,
            ends_with_crlf: true,
            more: None,
        };
        Ok(MetaBatch { items: vec![meta], resume_after: None })
    }
    async fn body(&self, _: Uid, part: Part) -> Answer<Half> {
        match part {
            Part::Header => no(),
            _ => Ok(Half),
        }
    }
    async fn set_flags(&self, _: &UidSet, _: FlagOp, _: &Flags, _: Option<ModSeq>) -> Answer<FlagOutcome> {
        no()
    }
    async fn expunge(&self, _: Option<&UidSet>, _: bool) -> Answer<ExpungeOutcome> {
        no()
    }
}

impl Body for Half {
    fn len(&self) -> u64 {
        100
    }
    async fn read_at(&mut self, offset: u64, _: usize) -> Answer<Bytes> {
        if offset < 40 { Ok(Bytes::from_static(&[b'x'; 20])) } else { Err(ErrorKind::Corrupt.into()) }
    }
}
