//! What the cases are written with.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use super::{Fixture, Outcome, block_on_for};
use crate::{
    Account, AnyAccount, AnyMailbox, AnyStaged, AnyStore, AnyWatch, AppendOutcome, AppendSpec, Body, Changes,
    CopyOutcome, ErrorKind, ExpungeOutcome, FlagOp, FlagOutcome, Flags, Hint, MailStore, Mailbox, MailboxId,
    MailboxInfo, MailboxName, Meta, MetaItems, ModSeq, OpenMode, Part, QuotaLimits, Result, Snapshot,
    SpecialUse, Staged, Status, StatusItems, SystemFlags, Uid, UidSet, Watch,
};

/// A store and what it came from.
pub(super) struct Scene {
    fixture: RefCell<Box<dyn Fixture>>,
    store: RefCell<Option<AnyStore>>,
    skipped: RefCell<Option<String>>,
    patience: Cell<Duration>,
}

impl Scene {
    pub(super) fn new(mut fixture: Box<dyn Fixture>) -> Self {
        let (store, patience) = (fixture.fresh(), fixture.patience());
        Self {
            fixture: RefCell::new(fixture),
            store: RefCell::new(Some(store)),
            skipped: RefCell::default(),
            patience: Cell::new(patience),
        }
    }

    pub(super) fn outcome(&self) -> Outcome {
        self.skipped.borrow().clone().map_or(Outcome::Passed, Outcome::Skipped)
    }

    pub(super) fn skip(&self, why: &str) {
        *self.skipped.borrow_mut() = Some(why.to_owned());
    }

    pub(super) fn store(&self) -> AnyStore {
        self.store.borrow().clone().unwrap()
    }

    /// Forgets everything and begins again.
    pub(super) fn fresh(&self) {
        *self.store.borrow_mut() = None;
        *self.store.borrow_mut() = Some(self.fixture.borrow_mut().fresh());
    }

    /// Closes and opens the store. The caller holds no handle any more.
    pub(super) fn reopen(&self) -> bool {
        let old = self.store.borrow_mut().take();
        drop(old);
        let new = self.fixture.borrow_mut().reopen();
        let done = new.is_some();
        *self.store.borrow_mut() = new;
        if !done {
            self.skip("the fixture cannot reopen its store");
        }
        done
    }

    pub(super) fn second(&self) -> Option<AnyStore> {
        let second = self.fixture.borrow_mut().second();
        if second.is_none() {
            self.skip("the fixture has no second handle");
        }
        second
    }

    pub(super) fn forgetful(&self) -> bool {
        let store = self.fixture.borrow_mut().forgetful();
        self.replace(store, "the fixture has no forgetful store")
    }

    pub(super) fn limited(&self) -> bool {
        let store = self.fixture.borrow_mut().limited();
        self.replace(store, "the fixture has no limited store")
    }

    fn replace(&self, store: Option<AnyStore>, why: &str) -> bool {
        let there = store.is_some();
        match store {
            Some(store) => *self.store.borrow_mut() = Some(store),
            None => self.skip(why),
        }
        there
    }

    pub(super) fn limit(&self, account: &str, limits: QuotaLimits) -> bool {
        self.fixture.borrow_mut().limit(account, limits)
    }

    pub(super) fn rounds(&self, usual: u32) -> u32 {
        self.fixture.borrow().rounds(usual).max(1)
    }

    pub(super) async fn account(&self, who: &str) -> AnyAccount {
        self.store().open_account(who).await.unwrap()
    }

    pub(super) async fn anna(&self) -> AnyAccount {
        self.account("anna").await
    }

    /// Anna's mailbox of this name (parts joined by `/`), made if it is missing, through handles of its own.
    pub(super) async fn folder(&self, path: &str) -> Folder {
        Folder::of(&self.store(), "anna", path, OpenMode::Select).await
    }

    pub(super) async fn examined(&self, path: &str) -> Folder {
        Folder::of(&self.store(), "anna", path, OpenMode::Examine).await
    }

    pub(super) async fn inbox(&self) -> Folder {
        self.folder("INBOX").await
    }

    /// The next hint, or whether the store asks to be polled instead.
    pub(super) fn hinted(&self, watch: &mut AnyWatch) -> Option<Hint> {
        let hint = block_on_for(self.patience.get(), watch.changed()).map(|hint| hint.unwrap());
        hint.or_else(|| watch.poll_every().map(|_| Hint::Everything))
    }

    /// Waits until a hint names the mailbox.
    pub(super) fn expect_hint(&self, watch: &mut AnyWatch, id: &MailboxId) {
        for _ in 0..100 {
            match self.hinted(watch) {
                Some(Hint::Everything) => return,
                Some(Hint::Mailboxes(ids)) if ids.contains(id) => return,
                Some(Hint::Mailboxes(_) | Hint::Hierarchy) => {}
                other => panic!("no hint for {id:?}, but {other:?}"),
            }
        }
        panic!("a hundred hints, and none for {id:?}");
    }
}

pub(super) fn name(path: &str) -> MailboxName {
    MailboxName::new(path.split('/')).unwrap()
}

pub(super) fn kind<T>(answer: Result<T>) -> std::result::Result<(), ErrorKind> {
    answer.map(|_| ()).map_err(|e| e.kind)
}

pub(super) fn uid(n: u32) -> Uid {
    Uid::new(n).unwrap()
}

pub(super) fn set(uids: &[Uid]) -> UidSet {
    uids.iter().copied().collect()
}

pub(super) fn system(flags: SystemFlags) -> Flags {
    Flags::system(flags)
}

pub(super) fn keyword(word: &str) -> Flags {
    Flags { keywords: vec![word.to_owned()], ..Flags::default() }
}

pub(super) fn message(n: impl std::fmt::Display) -> Vec<u8> {
    format!("Subject: message {n}\r\nMessage-ID: <{n}@example>\r\n\r\nText of {n}.\r\n").into_bytes()
}

pub(super) async fn find(account: &AnyAccount, path: &str) -> Option<MailboxInfo> {
    account.find(&name(path)).await.unwrap()
}

pub(super) async fn stage(
    account: &AnyAccount,
    id: &MailboxId,
    spec: AppendSpec,
    octets: &[u8],
) -> AnyStaged {
    let mut staged = account.stage(id, spec).await.unwrap();
    staged.write(octets).await.unwrap();
    assert_eq!(staged.finish().await.unwrap(), octets.len() as u64);
    staged
}

/// One open mailbox with the account it was opened through.
pub(super) struct Folder {
    pub(super) account: AnyAccount,
    pub(super) id: MailboxId,
    pub(super) mailbox: AnyMailbox,
    pub(super) snapshot: Snapshot,
}

impl Folder {
    pub(super) async fn of(store: &AnyStore, who: &str, path: &str, mode: OpenMode) -> Self {
        let account = store.open_account(who).await.unwrap();
        let id = match account.find(&name(path)).await.unwrap().and_then(|info| info.id) {
            Some(id) => id,
            None => account.create(&name(path), SpecialUse::NONE).await.unwrap(),
        };
        let (snapshot, mailbox) = account.open(&id, mode).await.unwrap();
        Self { account, id, mailbox, snapshot }
    }

    pub(super) async fn append(&self, octets: &[u8]) -> Uid {
        self.append_as(octets, AppendSpec::default()).await
    }

    pub(super) async fn append_flagged(&self, octets: &[u8], flags: Flags) -> Uid {
        self.append_as(octets, AppendSpec { flags, ..AppendSpec::default() }).await
    }

    pub(super) async fn append_as(&self, octets: &[u8], spec: AppendSpec) -> Uid {
        let staged = stage(&self.account, &self.id, spec, octets).await;
        self.account.commit(&self.id, vec![staged], None).await.unwrap().uids[0]
    }

    /// `n` messages in one commit.
    pub(super) async fn fill(&self, n: u32) -> Vec<Uid> {
        self.commit_many(n, 0).await.uids
    }

    pub(super) async fn commit_many(&self, n: u32, first: u32) -> AppendOutcome {
        let mut staged = Vec::new();
        for i in first..first + n {
            staged.push(stage(&self.account, &self.id, AppendSpec::default(), &message(i)).await);
        }
        self.account.commit(&self.id, staged, None).await.unwrap()
    }

    pub(super) async fn store(&self, uids: &[Uid], op: FlagOp, flags: Flags) -> FlagOutcome {
        self.mailbox.set_flags(&set(uids), op, &flags, None).await.unwrap()
    }

    pub(super) async fn add(&self, uids: &[Uid], flags: SystemFlags) -> FlagOutcome {
        self.store(uids, FlagOp::Add, system(flags)).await
    }

    /// Expunges these, whatever their flags.
    pub(super) async fn expunge(&self, uids: &[Uid]) -> ExpungeOutcome {
        self.mailbox.expunge(Some(&set(uids)), false).await.unwrap()
    }

    pub(super) async fn copy(&self, uids: &[Uid], to: &Self) -> CopyOutcome {
        self.account.copy(&self.id, &set(uids), &to.id).await.unwrap()
    }

    pub(super) async fn relocate(&self, uids: &[Uid], to: &Self) -> CopyOutcome {
        self.account.relocate(&self.id, &set(uids), &to.id).await.unwrap()
    }

    pub(super) async fn read_part(&self, uid: Uid, part: Part) -> Vec<u8> {
        let mut body = self.mailbox.body(uid, part).await.unwrap();
        let mut octets = Vec::new();
        while (octets.len() as u64) < body.len() {
            let chunk = body.read_at(octets.len() as u64, 64 * 1024).await.unwrap();
            assert!(!chunk.is_empty(), "the body ends at {} of {}", octets.len(), body.len());
            octets.extend_from_slice(&chunk);
        }
        let behind = body.read_at(octets.len() as u64, 10).await.unwrap();
        assert!(behind.is_empty(), "octets behind the end that len() says");
        octets
    }

    pub(super) async fn read(&self, uid: Uid) -> Vec<u8> {
        self.read_part(uid, Part::Whole).await
    }

    pub(super) async fn meta(&self, uid: Uid, want: MetaItems) -> Option<Meta> {
        self.mailbox.meta(&uid.into(), want, None, 10).await.unwrap().items.pop()
    }

    pub(super) async fn flags(&self, uid: Uid) -> Flags {
        self.meta(uid, MetaItems::FLAGS).await.unwrap().flags
    }

    pub(super) async fn modseq(&self, uid: Uid) -> ModSeq {
        self.meta(uid, MetaItems::FLAGS).await.unwrap().modseq
    }

    pub(super) async fn now(&self) -> Snapshot {
        self.mailbox.snapshot().await.unwrap()
    }

    /// All changes, in batches of `limit`, as one.
    pub(super) async fn since_by(&self, after: ModSeq, limit: usize) -> Changes {
        let mut all = Changes { upto: after, ..Changes::default() };
        loop {
            let part = self.mailbox.changes(all.upto, limit).await.unwrap();
            assert!(!part.more || part.upto > all.upto, "a batch without progress at {after:?}");
            all.changed
                .retain(|c| part.changed.iter().all(|p| p.uid != c.uid) && !part.vanished.contains(c.uid));
            all.changed.extend(part.changed);
            all.changed.sort_by_key(|c| c.uid);
            all.vanished = all.vanished.union(&part.vanished);
            (all.upto, all.uid_next) = (part.upto, part.uid_next);
            if !part.more {
                return all;
            }
        }
    }

    pub(super) async fn since(&self, after: ModSeq) -> Changes {
        self.since_by(after, usize::MAX).await
    }

    pub(super) async fn status(&self) -> Status {
        let items = StatusItems::from_bits(u32::MAX);
        self.account.status(std::slice::from_ref(&self.id), items).await.unwrap().remove(0)
    }
}
