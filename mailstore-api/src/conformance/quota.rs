//! Quota: skipped where the store has none, or none that the suite can set.

use std::sync::Barrier;

use super::{
    block_on,
    scene::{Folder, Scene, kind, message, name, set, stage},
};
use crate::{
    Account, AppendSpec, Delivery, ErrorKind, MailStore, NewEntry, NewRecipient, OpenMode, QuotaLimits,
    QuotaUse, Recipient, Replaces, SpecialUse, Submission, SystemFlags as F,
};

const NONE: QuotaLimits = QuotaLimits { octets: None, messages: None, mailboxes: None };

fn octets(kib: u64) -> QuotaLimits {
    QuotaLimits { octets: Some(kib * 1024), ..NONE }
}

fn messages(n: u64) -> QuotaLimits {
    QuotaLimits { messages: Some(n), ..NONE }
}

fn mailboxes(n: u64) -> QuotaLimits {
    QuotaLimits { mailboxes: Some(n), ..NONE }
}

/// Gives Anna these limits, by the fixture or by the store itself.
async fn limited(t: &Scene, limits: QuotaLimits) -> bool {
    let anna = t.anna().await;
    let mut done = t.limit("anna", limits);
    if !done && let Some(quota) = anna.quota() {
        let inbox = anna.find(&name("INBOX")).await.unwrap().and_then(|m| m.id).unwrap();
        let roots = quota.roots(&inbox).await.unwrap();
        let root = roots.first().map_or(QuotaLimits::ROOT, |r| &r.root);
        let named = [
            ("STORAGE", limits.octets.map(|n| n / QuotaLimits::UNIT)),
            ("MESSAGE", limits.messages),
            ("MAILBOX", limits.mailboxes),
        ];
        let named: Vec<_> = named.into_iter().filter_map(|(r, n)| Some((r.to_owned(), n?))).collect();
        done = quota.set(root, &named).await.is_ok();
    }
    if !done {
        t.skip("no quota that can be set");
    }
    done
}

fn of<'a>(uses: &'a [QuotaUse], resource: &str) -> &'a QuotaUse {
    uses.iter().find(|u| u.resource == resource).unwrap_or_else(|| panic!("no {resource} in {uses:?}"))
}

async fn used(folder: &Folder, resource: &str) -> u64 {
    of(&folder.account.quota().unwrap().roots(&folder.id).await.unwrap(), resource).used
}

async fn append_kib(folder: &Folder, kib: usize) -> crate::Result<()> {
    let staged = stage(&folder.account, &folder.id, AppendSpec::default(), &vec![b'x'; kib * 1024]).await;
    folder.account.commit(&folder.id, vec![staged], None).await.map(|_| ())
}

pub(super) async fn what_is_there_is_counted(t: &Scene) {
    let folder = t.inbox().await;
    let limits = QuotaLimits { octets: Some(1000 * 1024), messages: Some(50), mailboxes: Some(9) };
    if !limited(t, limits).await {
        return;
    }
    let uses = folder.account.quota().unwrap().roots(&folder.id).await.unwrap();
    for (resource, used, limit) in [("STORAGE", 0, 1000), ("MESSAGE", 0, 50), ("MAILBOX", 1, 9)] {
        assert_eq!((of(&uses, resource).used, of(&uses, resource).limit), (used, limit), "{resource}");
    }
    let m = folder.append(&vec![b'x'; 100 * 1024]).await;
    assert_eq!((used(&folder, "STORAGE").await, used(&folder, "MESSAGE").await), (100, 1));
    let other = t.folder("Deep/Other").await;
    assert_eq!(used(&folder, "MAILBOX").await, 3);
    folder.copy(&[m, m], &other).await;
    assert_eq!((used(&folder, "STORAGE").await, used(&folder, "MESSAGE").await), (200, 2));
    folder.relocate(&[m], &other).await;
    assert_eq!((used(&folder, "STORAGE").await, used(&folder, "MESSAGE").await), (200, 2));
    let all = other.now().await.uids;
    other.expunge(&all[..1]).await;
    assert_eq!((used(&folder, "STORAGE").await, used(&folder, "MESSAGE").await), (100, 1));
    other.account.delete(&other.id).await.unwrap();
    let left: Vec<u64> =
        [used(&folder, "STORAGE").await, used(&folder, "MESSAGE").await, used(&folder, "MAILBOX").await]
            .to_vec();
    assert_eq!(left, [0, 0, 2], "a deleted mailbox gives its room back at once");
}

pub(super) async fn a_root_is_found_by_its_name(t: &Scene) {
    let folder = t.inbox().await;
    if !limited(t, octets(1000)).await {
        return;
    }
    let quota = folder.account.quota().unwrap();
    let uses = quota.roots(&folder.id).await.unwrap();
    assert_eq!(uses.len(), 1, "what has no limit is not listed: {uses:?}");
    assert_eq!(quota.root(&uses[0].root).await.unwrap(), uses);
    assert_eq!(kind(quota.root("no such root").await), Err(ErrorKind::NotFound));
    assert_eq!(kind(quota.roots(&crate::MailboxId("m0-0".into())).await), Err(ErrorKind::NotFound));
}

pub(super) async fn over_quota_nothing_is_appended(t: &Scene) {
    let folder = t.inbox().await;
    if !limited(t, octets(100)).await {
        return;
    }
    folder.append(&vec![b'x'; 60 * 1024]).await;
    let before = folder.now().await;
    let large = AppendSpec { declared_len: Some(60 * 1024), ..AppendSpec::default() };
    assert_eq!(kind(folder.account.stage(&folder.id, large).await), Err(ErrorKind::OverQuota));
    let mut staged = Vec::new();
    for _ in 0..3 {
        staged.push(stage(&folder.account, &folder.id, AppendSpec::default(), &vec![b'y'; 20 * 1024]).await);
    }
    assert_eq!(kind(folder.account.commit(&folder.id, staged, None).await), Err(ErrorKind::OverQuota));
    assert_eq!(folder.now().await, before);
    append_kib(&folder, 40).await.expect("what fits exactly fits");
}

pub(super) async fn over_quota_nothing_is_copied(t: &Scene) {
    let (folder, to) = (t.inbox().await, t.folder("To").await);
    let mut m = Vec::new();
    for _ in 0..3 {
        m.push(folder.append(&vec![b'x'; 20 * 1024]).await);
    }
    if !limited(t, octets(100)).await {
        return;
    }
    let answer = folder.account.copy(&folder.id, &set(&m), &to.id).await;
    assert_eq!(kind(answer), Err(ErrorKind::OverQuota));
    assert_eq!(to.now().await, to.snapshot);
    assert_eq!(folder.relocate(&m, &to).await.pairs.len(), 3, "a move needs no more room");
}

pub(super) async fn messages_are_limited(t: &Scene) {
    let folder = t.inbox().await;
    if !limited(t, messages(2)).await {
        return;
    }
    let m = folder.append(b"").await;
    let two = [
        stage(&folder.account, &folder.id, AppendSpec::default(), b"").await,
        stage(&folder.account, &folder.id, AppendSpec::default(), b"").await,
    ];
    let answer = folder.account.commit(&folder.id, two.into(), None).await;
    assert_eq!(kind(answer), Err(ErrorKind::OverQuota));
    folder.append(b"").await;
    let answer = folder.account.copy(&folder.id, &set(&[m]), &folder.id).await;
    assert_eq!(kind(answer), Err(ErrorKind::OverQuota));
    assert_eq!(folder.now().await.uids.len(), 2);
    folder.expunge(&[m]).await;
    folder.append(b"").await;
}

pub(super) async fn mailboxes_are_limited(t: &Scene) {
    let anna = t.anna().await;
    if !limited(t, mailboxes(3)).await {
        return;
    }
    // Its two parents count too.
    let answer = anna.create(&name("A/B/C"), SpecialUse::NONE).await;
    assert_eq!(kind(answer), Err(ErrorKind::OverQuota));
    assert!(anna.find(&name("A")).await.unwrap().is_none(), "half of a hierarchy was made");
    anna.create(&name("A"), SpecialUse::NONE).await.unwrap();
    let b = anna.create(&name("B"), SpecialUse::NONE).await.unwrap();
    assert_eq!(kind(anna.create(&name("C"), SpecialUse::NONE).await), Err(ErrorKind::OverQuota));
    assert_eq!(kind(anna.rename(&b, &name("X/B")).await), Err(ErrorKind::OverQuota));
    anna.rename(&b, &name("A/B")).await.unwrap();
    anna.delete(&b).await.unwrap();
    anna.create(&name("C"), SpecialUse::NONE).await.unwrap();
}

pub(super) async fn a_replacement_counts_the_difference(t: &Scene) {
    let folder = t.inbox().await;
    if !limited(t, QuotaLimits { messages: Some(1), ..octets(100) }).await {
        return;
    }
    let uid = folder.append(&vec![b'x'; 80 * 1024]).await;
    let replaces = |uid| Some(Replaces { mailbox: folder.id.clone(), uid });
    let new = stage(&folder.account, &folder.id, AppendSpec::default(), &vec![b'y'; 100 * 1024]).await;
    let done = folder.account.commit(&folder.id, vec![new], replaces(uid)).await.unwrap();
    let new = stage(&folder.account, &folder.id, AppendSpec::default(), &vec![b'z'; 100 * 1024 + 1]).await;
    let answer = folder.account.commit(&folder.id, vec![new], replaces(done.uids[0])).await;
    assert_eq!(kind(answer), Err(ErrorKind::OverQuota));
    assert_eq!(folder.now().await.uids, done.uids);
}

pub(super) async fn who_is_over_may_still_tidy_up(t: &Scene) {
    let (folder, to) = (t.inbox().await, t.folder("To").await);
    let mut m = Vec::new();
    for _ in 0..4 {
        m.push(folder.append(&vec![b'x'; 20 * 1024]).await);
    }
    // Lowered below what is there.
    if !limited(t, QuotaLimits { octets: Some(1024), messages: Some(1), mailboxes: Some(1) }).await {
        return;
    }
    assert_eq!(kind(append_kib(&folder, 0).await), Err(ErrorKind::OverQuota));
    folder.add(&m, F::SEEN).await;
    assert_eq!(folder.relocate(&m[..2], &to).await.pairs.len(), 2);
    folder.account.rename(&to.id, &name("Elsewhere")).await.unwrap();
    assert_eq!(folder.expunge(&m[2..]).await.vanished.len(), 2);
    folder.account.delete(&to.id).await.unwrap();
    append_kib(&folder, 1).await.unwrap();
}

fn to(account: &str) -> Recipient {
    Recipient { account: account.into(), mailbox: name("INBOX"), prefix: b"X: 1\r\n".to_vec() }
}

pub(super) async fn who_is_full_gets_no_delivery_and_others_do(t: &Scene) {
    let folder = t.inbox().await;
    if !limited(t, octets(10)).await {
        return;
    }
    let mut delivery = t.store().deliver(AppendSpec::default()).await.unwrap();
    // With the line that stands before it, it is too much.
    delivery.write(&vec![b'x'; 10 * 1024 - 5]).await.unwrap();
    let answers = delivery.commit(&[to("bert"), to("anna"), to("carl")]).await;
    let kinds: Vec<_> = answers.into_iter().map(kind).collect();
    assert_eq!(kinds, [Ok(()), Err(ErrorKind::OverQuota), Ok(())]);
    assert!(folder.now().await.uids.is_empty());

    let store = t.store();
    let Some(queue) = store.queue() else { return };
    let recipient = NewRecipient { unless_delivered: Some(0), ..NewRecipient::default() };
    let entry = Some(NewEntry { recipients: vec![recipient], ..NewEntry::default() });
    let mut delivery = store.deliver(AppendSpec::default()).await.unwrap();
    delivery.write(&vec![b'x'; 11 * 1024]).await.unwrap();
    let done = delivery.submit(&[to("anna")], Submission { entry, settle: None }).await;
    assert_eq!(kind(done.local.into_iter().next().unwrap()), Err(ErrorKind::OverQuota));
    let id = done.queued.unwrap().expect("who is full waits in the queue, which is nobody's quota");
    assert_eq!(queue.get(&id).await.unwrap().size, 11 * 1024);
}

pub(super) async fn one_message_twice_in_a_delivery_counts_twice(t: &Scene) {
    let folder = t.inbox().await;
    if !limited(t, octets(15)).await {
        return;
    }
    let mut delivery = t.store().deliver(AppendSpec::default()).await.unwrap();
    delivery.write(&vec![b'x'; 10 * 1024]).await.unwrap();
    let answers = delivery.commit(&[to("anna"), to("anna")]).await;
    let kinds: Vec<_> = answers.into_iter().map(kind).collect();
    assert_eq!(kinds, [Ok(()), Err(ErrorKind::OverQuota)]);
    assert_eq!(folder.now().await.uids.len(), 1);
}

pub(super) async fn anothers_quota_is_not_mine(t: &Scene) {
    if !limited(t, QuotaLimits { octets: Some(0), messages: Some(0), mailboxes: Some(1) }).await {
        return;
    }
    let theirs = Folder::of(&t.store(), "bert", "Folder", OpenMode::Select).await;
    append_kib(&theirs, 10).await.unwrap();
    assert_eq!(kind(append_kib(&t.inbox().await, 1).await), Err(ErrorKind::OverQuota));
}

pub(super) async fn of_many_who_append_no_more_succeed_than_there_is_room(t: &Scene) {
    let folder = t.inbox().await;
    let room = 7;
    if !limited(t, messages(room)).await {
        return;
    }
    // Together, or one has filled it before the others begin.
    let ready = Barrier::new(4);
    let done: u64 = std::thread::scope(|s| {
        let threads: Vec<_> = (0..4)
            .map(|n| {
                let store = if n % 2 == 0 { Some(t.store()) } else { t.second() };
                let (store, ready) = (store.unwrap_or_else(|| t.store()), &ready);
                s.spawn(move || {
                    block_on(async {
                        let mine = Folder::of(&store, "anna", "INBOX", OpenMode::Select).await;
                        ready.wait();
                        let mut done = 0;
                        for i in 0..6 {
                            let staged =
                                stage(&mine.account, &mine.id, AppendSpec::default(), &message(i)).await;
                            match mine.account.commit(&mine.id, vec![staged], None).await {
                                Ok(_) => done += 1,
                                Err(e) => assert_eq!(e.kind, ErrorKind::OverQuota),
                            }
                        }
                        done
                    })
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    });
    assert_eq!(done, room);
    assert_eq!(folder.now().await.uids.len() as u64, room);
}

pub(super) async fn limits_and_use_are_there_after_a_restart(t: &Scene) {
    {
        let folder = t.inbox().await;
        folder.append(&vec![b'x'; 5 * 1024]).await;
        if !limited(t, QuotaLimits { messages: Some(3), ..octets(10) }).await {
            return;
        }
        folder.append(&vec![b'x'; 4 * 1024]).await;
    }
    if !t.reopen() {
        return;
    }
    let folder = t.inbox().await;
    let uses = folder.account.quota().unwrap().roots(&folder.id).await.unwrap();
    assert_eq!((of(&uses, "STORAGE").used, of(&uses, "STORAGE").limit), (9, 10));
    assert_eq!((of(&uses, "MESSAGE").used, of(&uses, "MESSAGE").limit), (2, 3));
    assert_eq!(kind(append_kib(&folder, 2).await), Err(ErrorKind::OverQuota));
    append_kib(&folder, 1).await.unwrap();
    assert_eq!(kind(append_kib(&folder, 0).await), Err(ErrorKind::OverQuota));
    if limited(t, NONE).await {
        append_kib(&folder, 100).await.unwrap();
    }
}
