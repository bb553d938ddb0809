use std::{
    pin::pin,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    task::{Context, Waker},
    thread,
};

use super::block_on;
use super::scene::{Folder, Scene, message, name};
use crate::{
    Account, AnyWatch, AppendSpec, Delivery, FlagOp, Flags, Hint, Interest, MailStore, Mailbox, MailboxName,
    OpenMode, Recipient, SpecialUse, SystemFlags, Watch,
};

async fn watch(t: &Scene, folder: &Folder) -> AnyWatch {
    t.anna().await.watch(Interest::Mailboxes(vec![folder.id.clone()])).await.unwrap()
}

pub(super) async fn an_append_is_hinted(t: &Scene) {
    let folder = t.inbox().await;
    let mut watch = watch(t, &folder).await;
    folder.append(&message(1)).await;
    t.expect_hint(&mut watch, &folder.id);
    assert_eq!(folder.since(folder.snapshot.at).await.changed.len(), 1, "what is hinted is visible");
}

pub(super) async fn a_flag_change_is_hinted(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(1).await;
    let mut watch = watch(t, &folder).await;
    folder.add(&m, SystemFlags::SEEN).await;
    t.expect_hint(&mut watch, &folder.id);
}

pub(super) async fn an_expunge_is_hinted(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(1).await;
    let mut watch = watch(t, &folder).await;
    folder.expunge(&m).await;
    t.expect_hint(&mut watch, &folder.id);
}

pub(super) async fn a_copy_is_hinted_to_its_target(t: &Scene) {
    let (from, to) = (t.inbox().await, t.folder("To").await);
    let m = from.fill(1).await;
    let mut watch = watch(t, &to).await;
    from.copy(&m, &to).await;
    t.expect_hint(&mut watch, &to.id);
}

pub(super) async fn a_move_is_hinted_on_both_sides(t: &Scene) {
    let (from, to) = (t.inbox().await, t.folder("To").await);
    let m = from.fill(1).await;
    let (mut one, mut two) = (watch(t, &from).await, watch(t, &to).await);
    from.relocate(&m, &to).await;
    t.expect_hint(&mut one, &from.id);
    t.expect_hint(&mut two, &to.id);
}

pub(super) async fn a_delivery_is_hinted(t: &Scene) {
    let folder = t.inbox().await;
    let mut watch = watch(t, &folder).await;
    let mut delivery = t.store().deliver(AppendSpec::default()).await.unwrap();
    delivery.write(&message(1)).await.unwrap();
    let to = Recipient { account: "anna".into(), mailbox: MailboxName::inbox(), prefix: Vec::new() };
    delivery.commit(&[to]).await.remove(0).unwrap();
    t.expect_hint(&mut watch, &folder.id);
}

pub(super) async fn a_deletion_is_hinted(t: &Scene) {
    let folder = t.folder("Work").await;
    let mut watch = watch(t, &folder).await;
    folder.account.delete(&folder.id).await.unwrap();
    t.expect_hint(&mut watch, &folder.id);
}

pub(super) async fn a_whole_account_is_watched(t: &Scene) {
    let (a, b) = (t.folder("A").await, t.folder("B").await);
    let mut watch = t.anna().await.watch(Interest::Account).await.unwrap();
    a.append(&message(1)).await;
    t.expect_hint(&mut watch, &a.id);
    b.append(&message(1)).await;
    t.expect_hint(&mut watch, &b.id);
}

pub(super) async fn the_hierarchy_is_hinted(t: &Scene) {
    let anna = t.anna().await;
    let expect = |watch: &mut AnyWatch, what: &str| {
        for _ in 0..20 {
            match t.hinted(watch) {
                Some(Hint::Hierarchy | Hint::Everything) => return,
                Some(Hint::Mailboxes(_)) => {}
                other => panic!("{other:?} after {what}"),
            }
        }
        panic!("no hint after {what}");
    };
    let mut watch = anna.watch(Interest::Account).await.unwrap();
    let id = anna.create(&name("A"), SpecialUse::NONE).await.unwrap();
    expect(&mut watch, "create");
    anna.subscribe(&name("A"), true).await.unwrap();
    expect(&mut watch, "subscribe");
    anna.rename(&id, &name("B")).await.unwrap();
    expect(&mut watch, "rename");
    anna.delete(&id).await.unwrap();
    expect(&mut watch, "delete");
}

pub(super) async fn one_who_waits_is_woken(t: &Scene) {
    let folder = t.inbox().await;
    for n in 0..t.rounds(100) {
        let mut watch = watch(t, &folder).await;
        let store = t.store();
        thread::scope(|s| {
            s.spawn(move || {
                block_on(async {
                    Folder::of(&store, "anna", "INBOX", OpenMode::Select).await.append(&message(n)).await;
                });
            });
            t.expect_hint(&mut watch, &folder.id);
        });
    }
}

pub(super) async fn a_dropped_future_loses_no_hint(t: &Scene) {
    let folder = t.inbox().await;
    let mut watch = watch(t, &folder).await;
    {
        let mut changed = pin!(watch.changed());
        assert!(changed.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    folder.append(&message(1)).await;
    {
        // Made, never polled, dropped.
        let _changed = watch.changed();
    }
    {
        let mut changed = pin!(watch.changed());
        if changed.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return; // handed over, not lost
        }
    }
    t.expect_hint(&mut watch, &folder.id);
}

pub(super) async fn a_thousand_changes_are_found_behind_few_hints(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(1).await;
    let mut watch = watch(t, &folder).await;
    let at = folder.now().await.at;
    for n in 0..t.rounds(1000) {
        let op = if n % 2 == 0 { FlagOp::Add } else { FlagOp::Remove };
        folder.store(&m, op, Flags::system(SystemFlags::SEEN)).await;
    }
    folder.append(&message(2)).await;
    t.expect_hint(&mut watch, &folder.id);
    assert_eq!(folder.since(at).await.changed.len(), 2);
}

pub(super) async fn everyone_who_watches_is_hinted(t: &Scene) {
    let folder = t.inbox().await;
    let mut all = Vec::new();
    for _ in 0..20 {
        all.push(watch(t, &folder).await);
    }
    drop(all.pop());
    folder.append(&message(1)).await;
    for watch in &mut all {
        t.expect_hint(watch, &folder.id);
    }
}

pub(super) async fn between_watch_and_change_nothing_is_lost(t: &Scene) {
    let folder = t.inbox().await;
    let mut watch = watch(t, &folder).await;
    let (mut at, rounds) = (folder.snapshot.at, t.rounds(200));
    let (seen, over) = (AtomicU32::new(0), AtomicBool::new(false));
    thread::scope(|s| {
        let _over = Over(&over);
        let (store, seen, over) = (t.store(), &seen, &over);
        s.spawn(move || {
            block_on(async {
                let folder = Folder::of(&store, "anna", "INBOX", OpenMode::Select).await;
                for n in 1..=rounds {
                    folder.append(&message(n)).await;
                    // No later hint makes up for this one.
                    while seen.load(Ordering::SeqCst) < n && !over.load(Ordering::SeqCst) {
                        thread::yield_now();
                    }
                }
            });
        });
        // A session asleep until a hint comes: one that is lost leaves it asleep for ever.
        while seen.load(Ordering::SeqCst) < rounds {
            t.expect_hint(&mut watch, &folder.id);
            let c = block_on(folder.mailbox.changes(at, usize::MAX)).unwrap();
            seen.fetch_add(c.changed.len() as u32, Ordering::SeqCst);
            at = c.upto;
        }
    });
}

/// Tells the other thread that this one is done, or has failed.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

pub(super) async fn a_change_through_a_second_handle_is_hinted(t: &Scene) {
    let folder = t.inbox().await;
    let Some(second) = t.second() else { return };
    let mut watch = watch(t, &folder).await;
    Folder::of(&second, "anna", "INBOX", OpenMode::Select).await.append(&message(1)).await;
    t.expect_hint(&mut watch, &folder.id);
    assert_eq!(folder.since(folder.snapshot.at).await.changed.len(), 1);
}
