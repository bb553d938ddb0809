//! What several test programs need: accounts full of odd mail, and what is in them.
#![allow(dead_code, reason = "not every one needs all of it")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub(crate) use mailstore_api::conformance::block_on;
use mailstore_api::{
    Account, Annotation, AppendSpec, Body, Flags, InternalDate, Mailbox, MailboxId, MailboxName, MetaItems,
    OpenMode, Part, Rights, SpecialUse, Staged, StatusItems, SystemFlags, UidSet,
};
use mailstore_sqlite::{Options, SqliteAccount, SqliteStore};

pub(crate) fn name(parts: &[&str]) -> MailboxName {
    MailboxName::new(parts.iter().copied()).unwrap()
}

pub(crate) fn open_store(dir: &Path) -> SqliteStore {
    SqliteStore::open(dir, Options { shards: Some(1), ..Options::default() }).unwrap()
}

/// A new account in a store of its own.
pub(crate) fn account() -> (tempfile::TempDir, SqliteStore, SqliteAccount) {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(dir.path());
    store.create_account("anna", None).unwrap();
    let anna = block_on(store.open_account_now("anna"));
    (dir, store, anna)
}

pub(crate) trait OpenNow {
    async fn open_account_now(&self, name: &str) -> SqliteAccount;
}

impl OpenNow for SqliteStore {
    async fn open_account_now(&self, name: &str) -> SqliteAccount {
        mailstore_api::MailStore::open_account(self, name).await.unwrap()
    }
}

pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % n
    }
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

const HEADERS: [&str; 8] = [
    "Subject: x",
    "Return-Path: <joe@example.org>",
    "From joe to me: not a field",
    ">From a: b",
    "X-Long: a\r\n b\r\n\tc",
    "Status-Quo: R",
    "no field at all",
    "Date: Thu, 1 Jan 1970 00:00:00 +0000",
];
const LINES: [&str; 10] = [
    "",
    "text",
    "From joe Thu Jan  1 00:00:00 1970",
    ">From joe Thu Jan  1 00:00:00 1970",
    ">>>From here",
    "From ",
    ".",
    "Status: RO",
    "\u{e4}\u{f6}\u{fc} 8bit",
    "F",
];

/// A message with CRLF line ends, the last one too.
pub(crate) fn regular(random: &mut Random) -> Vec<u8> {
    let mut text = String::new();
    for _ in 0..random.below(4) {
        text.push_str(random.pick(&HEADERS));
        text.push_str("\r\n");
    }
    if random.below(8) > 0 {
        text.push_str("\r\n");
        for _ in 0..random.below(6) {
            text.push_str(random.pick(&LINES));
            text.push_str("\r\n");
        }
    }
    if random.below(20) == 0 {
        text.push_str(&"0123456789abcdef\r\n".repeat(3_000 + random.below(12_000)));
    }
    text.into_bytes()
}

/// Any octets.
pub(crate) fn wild(random: &mut Random) -> Vec<u8> {
    if random.below(2) == 0 {
        return regular(random);
    }
    let len = if random.below(20) == 0 { random.below(300_000) } else { random.below(600) };
    (0..len).map(|_| random.pick(b"\r\n\r\n\0\xff aF:>From Status: R\x1e")).collect()
}

pub(crate) fn flags(random: &mut Random) -> Flags {
    let mut flags = Flags::system(SystemFlags::from_bits(u8::try_from(random.below(32)).unwrap()));
    for keyword in ["$Forwarded", "work", "NonJunk", "k1"] {
        if random.below(4) == 0 {
            flags.keywords.push(keyword.to_owned());
        }
    }
    flags
}

pub(crate) const NAMES: [&[&str]; 8] = [
    &["INBOX"],
    &["Sent"],
    &["Work", "2024"],
    &["Work", "a.b"],
    &["Entw\u{fc}rfe", "\u{53f0}\u{5317}"],
    &["odd %/\\:", "~x&y", "z.mbox"],
    &["INBOX", "below"],
    &["Drafts"],
];

pub(crate) async fn ensure(account: &impl Account, name: &MailboxName, uses: SpecialUse) -> MailboxId {
    match account.find(name).await.unwrap().and_then(|m| m.id) {
        Some(id) => id,
        None => account.create(name, uses).await.unwrap(),
    }
}

pub(crate) async fn append(account: &impl Account, id: &MailboxId, octets: &[u8], spec: AppendSpec) {
    let mut staged = account.stage(id, spec).await.unwrap();
    staged.write(octets).await.unwrap();
    staged.finish().await.unwrap();
    account.commit(id, vec![staged], None).await.unwrap();
}

/// Mailboxes and messages at random; with holes among the UIDs, copies, changed flags, subscriptions, uses.
pub(crate) async fn fill<A: Account>(
    account: &A,
    seed: u64,
    make: impl Fn(&mut Random) -> Vec<u8>,
    zones: bool,
) {
    let mut random = Random::new(seed);
    for parts in NAMES {
        if random.below(4) == 0 {
            continue;
        }
        let name = name(parts);
        let uses = if parts == ["Drafts"] { SpecialUse::DRAFTS } else { SpecialUse::NONE };
        let id = ensure(account, &name, uses).await;
        if random.below(2) == 0 {
            account.subscribe(&name, true).await.unwrap();
        }
        let mut staged: Vec<A::Staged> = Vec::new();
        for _ in 0..random.below(12) {
            let seconds = i64::try_from(random.below(2_000_000_000)).unwrap();
            let zone_minutes = if zones { random.pick(&[0, 60, -480, 345]) } else { 0 };
            let date = InternalDate { seconds, zone_minutes };
            let (octets, flags) = (make(&mut random), flags(&mut random));
            let spec = AppendSpec { flags, internal_date: Some(date), declared_len: None };
            let mut one = account.stage(&id, spec).await.unwrap();
            one.write(&octets).await.unwrap();
            one.finish().await.unwrap();
            staged.push(one);
        }
        account.commit(&id, staged, None).await.unwrap();
        if let Some(metadata) = account.metadata() {
            let value = if random.below(2) == 0 { b"text".to_vec() } else { vec![0xff, 0, 10] };
            let entries = [
                ("/private/comment".to_owned(), Some(value)),
                ("/shared/comment".to_owned(), Some(Vec::new())),
            ];
            metadata.set(Some(&id), &entries).await.unwrap();
            metadata.set(None, &entries).await.unwrap();
        }
        if let Some(acl) = account.acl()
            && random.below(2) == 0
        {
            let rights = Rights::LOOKUP | Rights::READ | Rights::SEEN;
            acl.set(&id, "bert@example.org", Some(rights | Rights::ADMIN)).await.unwrap();
            acl.set(&id, "-anyone", Some(rights)).await.unwrap();
        }
        let (_, mailbox) = account.open(&id, OpenMode::Select).await.unwrap();
        let some = |random: &mut Random| {
            let first = u32::try_from(1 + random.below(12)).unwrap();
            UidSet::from_ranges([(first, first + u32::try_from(random.below(3)).unwrap())])
        };
        let (flags, set) = (flags(&mut random), some(&mut random));
        mailbox.set_flags(&set, mailstore_api::FlagOp::Add, &flags, None).await.unwrap();
        mailbox.expunge(Some(&some(&mut random)), false).await.unwrap();
        let target = ensure(account, &MailboxName::inbox(), SpecialUse::NONE).await;
        account.copy(&id, &some(&mut random), &target).await.unwrap();
    }
    account.subscribe(&name(&["only", "subscribed"]), true).await.unwrap();
}

/// A message, without what a format may lose.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Seen {
    pub(crate) uid: u32,
    pub(crate) modseq: u64,
    pub(crate) system: u8,
    pub(crate) keywords: Vec<String>,
    pub(crate) date: InternalDate,
    pub(crate) octets: Vec<u8>,
}

impl Seen {
    /// Without UID and modseq.
    pub(crate) fn loose(mut self) -> Self {
        (self.uid, self.modseq) = (0, 0);
        self
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SeenMailbox {
    pub(crate) uid_validity: u32,
    pub(crate) uid_next: u32,
    pub(crate) highest_modseq: u64,
    pub(crate) special_use: SpecialUse,
    pub(crate) subscribed: bool,
    pub(crate) unseen: u32,
    pub(crate) annotations: Vec<Annotation>,
    pub(crate) acl: Vec<(String, Rights)>,
    pub(crate) messages: Vec<Seen>,
}

pub(crate) async fn messages(account: &impl Account, id: &MailboxId) -> Vec<Seen> {
    let (_, mailbox) = account.open(id, OpenMode::Examine).await.unwrap();
    let want = MetaItems::FLAGS | MetaItems::INTERNAL_DATE | MetaItems::SIZE;
    let mut all = Vec::new();
    for m in mailbox.meta(&UidSet::all(), want, None, usize::MAX).await.unwrap().items {
        let mut body = mailbox.body(m.uid, Part::Whole).await.unwrap();
        let mut octets = Vec::new();
        while (octets.len() as u64) < body.len() {
            octets.extend_from_slice(&body.read_at(octets.len() as u64, 1 << 20).await.unwrap());
        }
        assert_eq!(octets.len() as u64, m.size);
        let mut keywords = m.flags.keywords.clone();
        keywords.sort();
        let (uid, modseq, system) = (m.uid.get(), m.modseq.0, m.flags.system.bits());
        all.push(Seen { uid, modseq, system, keywords, date: m.internal_date, octets });
    }
    all
}

/// What a store keeps of annotations, if it keeps any.
pub(crate) async fn annotations(account: &impl Account, id: Option<&MailboxId>) -> Vec<Annotation> {
    let Some(metadata) = account.metadata() else { return Vec::new() };
    metadata.get(id, &["/private".to_owned(), "/shared".to_owned()], u8::MAX).await.unwrap()
}

/// Who but the owner may do what with a mailbox.
pub(crate) async fn access_list(account: &impl Account, id: &MailboxId) -> Vec<(String, Rights)> {
    let Some(acl) = account.acl() else { return Vec::new() };
    acl.get(id).await.unwrap().split_off(1)
}

/// All an account has.
pub(crate) async fn all(account: &impl Account) -> BTreeMap<MailboxName, SeenMailbox> {
    let mut found = BTreeMap::new();
    for info in account.list().await.unwrap() {
        let Some(id) = info.id else { continue };
        let items = StatusItems::MESSAGES | StatusItems::UNSEEN;
        let status = account.status(std::slice::from_ref(&id), items).await.unwrap().remove(0);
        let mailbox = SeenMailbox {
            uid_validity: status.uid_validity.get(),
            uid_next: status.uid_next,
            highest_modseq: status.highest_modseq.0,
            special_use: info.special_use,
            subscribed: info.subscribed,
            unseen: status.unseen,
            annotations: annotations(account, Some(&id)).await,
            acl: access_list(account, &id).await,
            messages: messages(account, &id).await,
        };
        found.insert(info.name, mailbox);
    }
    found
}

/// Mailboxes and messages alone, as formats keep them that know no UIDs.
pub(crate) async fn loose(account: &impl Account) -> BTreeMap<MailboxName, Vec<Seen>> {
    let all = all(account).await.into_iter();
    all.map(|(name, m)| (name, m.messages.into_iter().map(Seen::loose).collect())).collect()
}

pub(crate) async fn subscriptions(account: &impl Account) -> Vec<MailboxName> {
    let mut names: Vec<_> =
        account.list().await.unwrap().into_iter().filter(|m| m.subscribed).map(|m| m.name).collect();
    names.sort();
    names
}

/// A long run takes so many times as many.
pub(crate) fn rounds(few: u64) -> u64 {
    few * std::env::var("TRANSFER_TIMES").map_or(1, |n| n.parse::<u64>().unwrap())
}

pub(crate) fn shared() -> Option<PathBuf> {
    let given = std::env::var_os("MAIL_SHARED").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    given.into_iter().chain([beside]).find(|p| p.is_dir())
}

pub(crate) fn check(store: &SqliteStore) {
    let report = store.check(&mut |_| {}).unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
}
