//! The queue of messages to be handed on: skipped where the store returns none.

use std::collections::BTreeSet;

use super::{
    block_on,
    scene::{Folder, Scene, kind, message, name},
};
use crate::{
    AnyBody, AnyStore, AppendSpec, Body, Delivery, ErrorKind, Lease, MailQueue, MailStore, NewEntry,
    NewRecipient, Next, OpenMode, QueueEntry, QueueId, Recipient, RecipientState, RecipientUpdate, Result,
    Settlement, Submission, Submitted,
};

/// Runs the case on the store's queue, or skips it.
macro_rules! queue_of {
    ($scene:expr, $store:ident, $queue:ident) => {
        let $store = $scene.store();
        let Some($queue) = $store.queue() else { return $scene.skip("no queue") };
    };
}

const NOW: i64 = 1_000_000;
const LATER: i64 = NOW + 600;

fn to(account: &str, path: &str, prefix: &[u8]) -> Recipient {
    Recipient { account: account.into(), mailbox: name(path), prefix: prefix.to_vec() }
}

fn remote(address: &str) -> NewRecipient {
    let data = format!("NOTIFY=NEVER ORCPT=rfc822;{address}\0\u{ff}").into_bytes();
    NewRecipient { address: address.to_owned(), data, unless_delivered: None }
}

fn unless(address: &str, place: usize) -> NewRecipient {
    NewRecipient { unless_delivered: Some(place), ..remote(address) }
}

fn entry(due: i64, recipients: Vec<NewRecipient>) -> NewEntry {
    NewEntry {
        sender: "anna@example.test".into(),
        data: b"RET=HDRS ENVID=1\0\xff".to_vec(),
        created: NOW - 5,
        due,
        expires: NOW + 400_000,
        recipients,
    }
}

async fn submit(store: &AnyStore, octets: &[u8], to: &[Recipient], what: Submission) -> Submitted {
    let mut delivery = store.deliver(AppendSpec::default()).await.unwrap();
    for part in octets.chunks(70_000) {
        delivery.write(part).await.unwrap();
    }
    delivery.submit(to, what).await
}

/// Queues a message for these alone.
async fn queue(store: &AnyStore, octets: &[u8], new: NewEntry) -> QueueId {
    let what = Submission { entry: Some(new), settle: None };
    submit(store, octets, &[], what).await.queued.unwrap().expect("somebody is in it")
}

async fn queue_one(store: &AnyStore, due: i64) -> QueueId {
    queue(store, &message(1), entry(due, vec![remote("bo@elsewhere.test")])).await
}

async fn read(mut body: AnyBody) -> Vec<u8> {
    let mut octets = Vec::new();
    while (octets.len() as u64) < body.len() {
        octets.extend_from_slice(&body.read_at(octets.len() as u64, 100_000).await.unwrap());
    }
    octets
}

async fn take_one(queue: &dyn MailQueue, now: i64, until: i64) -> QueueEntry {
    let mut taken = queue.take(now, until, 10).await.unwrap();
    assert_eq!(taken.len(), 1, "{taken:?}");
    taken.remove(0)
}

fn settlement(lease: Lease, next: Next) -> Settlement {
    Settlement { lease, recipients: Vec::new(), data: None, next }
}

async fn all(queue: &dyn MailQueue) -> Vec<QueueEntry> {
    queue.list(None, usize::MAX).await.unwrap()
}

async fn inbox(store: &AnyStore, who: &str) -> Folder {
    Folder::of(store, who, "INBOX", OpenMode::Select).await
}

pub(super) async fn an_entry_comes_back_as_it_was_made(t: &Scene) {
    queue_of!(t, store, q);
    let new = entry(NOW, vec![remote("bo@elsewhere.test"), remote("Gr\u{fc}\u{df}e@elsewhere.test")]);
    let id = queue(&store, &message(1), new.clone()).await;
    assert!(!id.0.is_empty() && id.0.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{id:?}");
    let got = q.get(&id).await.unwrap();
    assert_eq!((&got.id, &got.sender, &got.data), (&id, &new.sender, &new.data));
    assert_eq!((got.created, got.due, got.expires), (new.created, NOW, new.expires));
    assert_eq!((got.attempts, got.leased, got.size), (0, false, message(1).len() as u64));
    assert_eq!(got.recipients.len(), 2);
    for (got, new) in got.recipients.iter().zip(&new.recipients) {
        assert_eq!((&got.address, &got.data), (&new.address, &new.data));
        assert_eq!((got.state, &got.error), (RecipientState::Waiting, &None));
    }
    assert_eq!(all(q).await, [got]);
    assert_eq!(kind(q.get(&QueueId("q0-0".into())).await), Err(ErrorKind::NotFound));
    assert_eq!(kind(q.get(&QueueId("x/../y".into())).await), Err(ErrorKind::NotFound));
}

pub(super) async fn the_octets_are_those_written(t: &Scene) {
    queue_of!(t, store, q);
    for octets in [Vec::new(), message(1), vec![b'x'; 300_000]] {
        let recipients = [to("anna", "INBOX", b"X: y\r\n"), to("bert", "INBOX", b"")];
        let what = Submission { entry: Some(entry(NOW, vec![remote("bo@elsewhere.test")])), settle: None };
        let done = submit(&store, &octets, &recipients, what).await;
        let id = done.queued.unwrap().unwrap();
        assert_eq!(read(q.body(&id).await.unwrap()).await, octets);
        let uids: Vec<_> = done.local.into_iter().map(|answer| answer.unwrap().uids[0]).collect();
        assert_eq!(inbox(&store, "anna").await.read(uids[0]).await, [b"X: y\r\n", &*octets].concat());
        assert_eq!(inbox(&store, "bert").await.read(uids[1]).await, octets);
        // None of the three references is another's.
        q.remove(&id).await.unwrap();
        assert_eq!(kind(q.body(&id).await), Err(ErrorKind::NotFound));
        inbox(&store, "anna").await.expunge(&[uids[0]]).await;
        assert_eq!(inbox(&store, "bert").await.read(uids[1]).await, octets);
    }
}

pub(super) async fn the_queue_keeps_what_mailboxes_lose(t: &Scene) {
    queue_of!(t, store, q);
    for size in [1_000, 300_000] {
        let octets = vec![b'x'; size];
        let what = Submission { entry: Some(entry(NOW, vec![remote("bo@elsewhere.test")])), settle: None };
        let done = submit(&store, &octets, &[to("anna", "INBOX", b"")], what).await;
        let uid = done.local[0].as_ref().unwrap().uids[0];
        inbox(&store, "anna").await.expunge(&[uid]).await;
        assert_eq!(read(q.body(&done.queued.unwrap().unwrap()).await.unwrap()).await, octets);
    }
}

pub(super) async fn an_open_body_stays_readable(t: &Scene) {
    queue_of!(t, store, q);
    for size in [1_000, 300_000] {
        let id = queue(&store, &vec![b'x'; size], entry(NOW, vec![remote("a@b.test")])).await;
        let body = q.body(&id).await.unwrap();
        q.remove(&id).await.unwrap();
        assert_eq!(read(body).await, vec![b'x'; size]);
    }
}

pub(super) async fn who_was_not_served_is_queued_and_nobody_else(t: &Scene) {
    queue_of!(t, store, q);
    let recipients = [to("anna", "INBOX", b""), to("anna", "No/Such", b""), to("nobody", "INBOX", b"")];
    let new = vec![
        unless("anna@example.test", 0),
        unless("anna+no@example.test", 1),
        remote("bo@elsewhere.test"),
        unless("nobody@example.test", 2),
        unless("a place that is not there", 3),
    ];
    let what = Submission { entry: Some(entry(NOW, new)), settle: None };
    let done = submit(&store, &message(1), &recipients, what).await;
    let answers: Vec<_> = done.local.into_iter().map(kind).collect();
    assert_eq!(answers, [Ok(()), Err(ErrorKind::NotFound), Err(ErrorKind::NotFound)]);
    let got = q.get(&done.queued.unwrap().unwrap()).await.unwrap();
    let waits: Vec<_> = got.recipients.iter().map(|r| (&*r.address, r.error.is_some())).collect();
    assert_eq!(
        waits,
        [
            ("anna+no@example.test", true),
            ("bo@elsewhere.test", false),
            ("nobody@example.test", true),
            ("a place that is not there", true)
        ]
    );
    assert_eq!(inbox(&store, "anna").await.snapshot.uids.len(), 1);
}

pub(super) async fn without_anybody_there_is_no_entry(t: &Scene) {
    queue_of!(t, store, q);
    for (new, recipients) in [
        (Some(entry(NOW, vec![])), vec![]),
        (Some(entry(NOW, vec![unless("anna@example.test", 0)])), vec![to("anna", "INBOX", b"")]),
        (None, vec![to("anna", "INBOX", b"")]),
    ] {
        let done = submit(&store, &message(1), &recipients, Submission { entry: new, settle: None }).await;
        assert_eq!(done.queued, Ok(None));
        assert!(done.local.iter().all(Result::is_ok));
    }
    assert_eq!(q.status().await.unwrap().entries, 0);
    assert_eq!(inbox(&store, "anna").await.snapshot.uids.len(), 2);
}

pub(super) async fn a_dropped_delivery_queues_nothing(t: &Scene) {
    queue_of!(t, store, q);
    let mut delivery = store.deliver(AppendSpec::default()).await.unwrap();
    delivery.write(&vec![b'x'; 200_000]).await.unwrap();
    drop(delivery);
    assert_eq!(q.status().await.unwrap(), crate::QueueStatus::default());
}

pub(super) async fn what_is_due_is_taken_and_nothing_else(t: &Scene) {
    queue_of!(t, store, q);
    assert_eq!(q.next_due().await.unwrap(), None);
    let later = queue_one(&store, LATER).await;
    let second = queue_one(&store, NOW).await;
    let first = queue_one(&store, NOW - 10).await;
    let status = q.status().await.unwrap();
    assert_eq!((status.entries, status.next_due), (3, Some(NOW - 10)));
    assert_eq!(status.octets, 3 * message(1).len() as u64);
    assert!(q.take(NOW - 11, LATER, 10).await.unwrap().is_empty());
    let taken = q.take(NOW, LATER + 10, 10).await.unwrap();
    assert_eq!(taken.iter().map(|e| &e.id).collect::<Vec<_>>(), [&first, &second]);
    assert!(taken.iter().all(|e| e.leased && e.attempts == 1 && e.due == LATER + 10));
    assert!(q.take(NOW, LATER, 10).await.unwrap().is_empty());
    assert_eq!(q.next_due().await.unwrap(), Some(LATER));
    assert_eq!(take_one(q, LATER, LATER + 10).await.id, later);
}

pub(super) async fn no_more_are_taken_than_asked(t: &Scene) {
    queue_of!(t, store, q);
    let mut ids = Vec::new();
    for n in 0..7 {
        ids.push(queue_one(&store, NOW - n).await);
    }
    ids.reverse();
    let mut got = Vec::new();
    for count in [3, 3, 1, 0] {
        let taken = q.take(NOW, LATER, 3).await.unwrap();
        assert_eq!(taken.len(), count);
        got.extend(taken.into_iter().map(|e| e.id));
    }
    assert_eq!(got, ids);
}

pub(super) async fn a_lease_that_ends_comes_back(t: &Scene) {
    queue_of!(t, store, q);
    let id = queue_one(&store, NOW).await;
    let one = take_one(q, NOW, NOW + 60).await;
    assert!(q.take(NOW + 59, LATER, 10).await.unwrap().is_empty());
    assert_eq!(q.next_due().await.unwrap(), Some(NOW + 60));
    let two = take_one(q, NOW + 60, NOW + 120).await;
    assert_eq!((&two.id, two.attempts), (&id, 2));
    // The first runner was only slow: what it has to say comes too late.
    let late = settlement(one.lease(), Next::Remove);
    assert_eq!(kind(q.settle(&late).await), Err(ErrorKind::Gone));
    q.settle(&settlement(two.lease(), Next::At(LATER))).await.unwrap();
    assert_eq!(kind(q.settle(&settlement(two.lease(), Next::Remove)).await), Err(ErrorKind::Gone));
    assert_eq!(q.get(&id).await.unwrap().due, LATER);
}

pub(super) async fn a_lease_nobody_took_over_still_holds(t: &Scene) {
    queue_of!(t, store, q);
    let id = queue_one(&store, NOW).await;
    let lease = take_one(q, NOW, NOW + 60).await.lease();
    q.settle(&settlement(lease.clone(), Next::Hold(NOW + 300))).await.unwrap();
    assert!(q.take(NOW + 299, LATER, 10).await.unwrap().is_empty());
    assert!(q.get(&id).await.unwrap().leased);
    q.settle(&settlement(lease, Next::Remove)).await.unwrap();
    assert_eq!(kind(q.get(&id).await), Err(ErrorKind::NotFound));
    assert_eq!(q.status().await.unwrap(), crate::QueueStatus::default());
}

pub(super) async fn of_many_takers_each_entry_has_one(t: &Scene) {
    queue_of!(t, store, q);
    let second = t.second().unwrap_or_else(|| t.store());
    let count = t.rounds(60).max(12) as usize;
    for _ in 0..count {
        queue_one(&store, NOW).await;
    }
    let taken: Vec<QueueId> = std::thread::scope(|s| {
        let threads: Vec<_> = (0..4)
            .map(|n| {
                let store = if n % 2 == 0 { store.clone() } else { second.clone() };
                s.spawn(move || {
                    let q = store.queue().unwrap();
                    let mut mine = Vec::new();
                    loop {
                        let taken = block_on(q.take(NOW, LATER, 2)).unwrap();
                        if taken.is_empty() || mine.len() > count {
                            return mine;
                        }
                        mine.extend(taken.into_iter().map(|e| e.id));
                    }
                })
            })
            .collect();
        threads.into_iter().flat_map(|t| t.join().unwrap()).collect()
    });
    assert_eq!(taken.len(), count, "an entry was taken twice, or never");
    assert_eq!(taken.into_iter().collect::<BTreeSet<_>>().len(), count);
    assert!(all(q).await.iter().all(|e| e.attempts == 1));
}

pub(super) async fn what_became_of_recipients_is_kept(t: &Scene) {
    queue_of!(t, store, q);
    let new = entry(NOW, vec![remote("a@b.test"), remote("c@d.test"), remote("e@f.test")]);
    let id = queue(&store, &message(1), new.clone()).await;
    let taken = take_one(q, NOW, NOW + 60).await;
    let update = |place, state, data: Option<&[u8]>, error: Option<&str>| RecipientUpdate {
        place,
        state,
        data: data.map(<[u8]>::to_vec),
        error: error.map(str::to_owned),
    };
    let mut what = settlement(taken.lease(), Next::At(LATER));
    what.recipients = vec![
        update(2, RecipientState::Failed, None, Some("550 no such user")),
        update(0, RecipientState::Waiting, Some(b"451\0"), Some("451 later")),
    ];
    what.data = Some(b"changed".to_vec());
    q.settle(&what).await.unwrap();
    let got = q.get(&id).await.unwrap();
    assert_eq!((&*got.data, got.leased, got.due, got.attempts), (&b"changed"[..], false, LATER, 1));
    let states: Vec<_> = got.recipients.iter().map(|r| (r.state, r.error.as_deref())).collect();
    let expected = [
        (RecipientState::Waiting, Some("451 later")),
        (RecipientState::Waiting, None),
        (RecipientState::Failed, Some("550 no such user")),
    ];
    assert_eq!(states, expected);
    assert_eq!(got.recipients[0].data, b"451\0");
    assert_eq!(got.recipients[2].data, new.recipients[2].data);

    let again = take_one(q, LATER, LATER + 60).await;
    let mut what = settlement(again.lease(), Next::At(LATER + 100));
    what.recipients = vec![update(0, RecipientState::Done, None, None)];
    q.settle(&what).await.unwrap();
    let got = q.get(&id).await.unwrap();
    assert_eq!((got.recipients[0].state, &got.recipients[0].error), (RecipientState::Done, &None));
    assert_eq!((&*got.recipients[0].data, &*got.data), (&b"451\0"[..], &b"changed"[..]));
}

pub(super) async fn a_report_and_its_cause_are_one_step(t: &Scene) {
    queue_of!(t, store, q);
    let cause = queue_one(&store, NOW).await;
    let lease = take_one(q, NOW, NOW + 60).await.lease();
    let report = |lease: &Lease| Submission {
        entry: Some(entry(NOW, vec![remote("boss@elsewhere.test")])),
        settle: Some(settlement(lease.clone(), Next::Remove)),
    };
    // A lease that is not held undoes all of it.
    let stale = Lease { attempt: lease.attempt + 1, ..lease.clone() };
    let done = submit(&store, &message(2), &[to("anna", "INBOX", b"")], report(&stale)).await;
    assert_eq!(kind(done.queued), Err(ErrorKind::Gone));
    assert_eq!(q.status().await.unwrap().entries, 1);

    let done = submit(&store, &message(2), &[to("anna", "INBOX", b"")], report(&lease)).await;
    let id = done.queued.unwrap().unwrap();
    let uid = done.local.into_iter().next().unwrap().unwrap().uids[0];
    assert_eq!(inbox(&store, "anna").await.read(uid).await, message(2));
    assert_eq!(all(q).await.into_iter().map(|e| e.id).collect::<Vec<_>>(), std::slice::from_ref(&id));
    assert_eq!(kind(q.get(&cause).await), Err(ErrorKind::NotFound));
    assert_eq!(read(q.body(&id).await.unwrap()).await, message(2));
}

pub(super) async fn an_entry_can_be_rescheduled(t: &Scene) {
    queue_of!(t, store, q);
    let id = queue_one(&store, LATER).await;
    q.reschedule(&id, NOW, NOW).await.unwrap();
    let taken = take_one(q, NOW, NOW + 60).await;
    assert_eq!(taken.id, id);
    assert_eq!(kind(q.reschedule(&id, NOW + 59, NOW).await), Err(ErrorKind::InUse));
    q.reschedule(&id, NOW + 60, LATER).await.unwrap();
    // Whoever had it has it no more.
    assert_eq!(kind(q.settle(&settlement(taken.lease(), Next::Remove)).await), Err(ErrorKind::Gone));
    assert!(q.take(NOW + 60, LATER, 10).await.unwrap().is_empty());
    assert_eq!(kind(q.reschedule(&QueueId("q0-0".into()), NOW, NOW).await), Err(ErrorKind::NotFound));
}

pub(super) async fn a_removed_entry_is_gone(t: &Scene) {
    queue_of!(t, store, q);
    let id = queue_one(&store, NOW).await;
    let lease = take_one(q, NOW, NOW + 60).await.lease();
    q.remove(&id).await.unwrap();
    assert_eq!(kind(q.settle(&settlement(lease, Next::At(NOW))).await), Err(ErrorKind::Gone));
    assert_eq!(kind(q.remove(&id).await), Err(ErrorKind::NotFound));
    assert_eq!(kind(q.body(&id).await), Err(ErrorKind::NotFound));
    assert!(all(q).await.is_empty());
    assert_ne!(queue_one(&store, NOW).await, id, "an identity was given twice");
}

pub(super) async fn a_list_in_pages_has_each_once(t: &Scene) {
    queue_of!(t, store, q);
    let mut ids = BTreeSet::new();
    for n in 0..12 {
        ids.insert(queue_one(&store, NOW - n).await);
    }
    let mut got: Vec<QueueId> = Vec::new();
    loop {
        let page = q.list(got.last(), 5).await.unwrap();
        assert!(page.len() <= 5);
        if page.is_empty() {
            break;
        }
        got.extend(page.into_iter().map(|e| e.id));
    }
    assert_eq!(got.len(), 12);
    assert_eq!(got.into_iter().collect::<BTreeSet<_>>(), ids);
}

pub(super) async fn a_new_entry_is_hinted(t: &Scene) {
    queue_of!(t, store, q);
    let mut watch = q.watch().await.unwrap();
    let id = queue_one(&store, LATER).await;
    assert!(t.hinted(&mut watch).is_some(), "no hint for a new entry");
    q.reschedule(&id, NOW, NOW).await.unwrap();
    assert!(t.hinted(&mut watch).is_some(), "no hint for an earlier time");
    let lease = take_one(q, NOW, NOW + 60).await.lease();
    while crate::conformance::block_on_for(std::time::Duration::ZERO, crate::Watch::changed(&mut watch))
        .is_some()
    {}
    q.settle(&settlement(lease, Next::At(NOW))).await.unwrap();
    assert!(t.hinted(&mut watch).is_some(), "no hint for an entry that is due again");
}

pub(super) async fn a_second_handle_sees_and_hears_it(t: &Scene) {
    queue_of!(t, store, q);
    let Some(other) = t.second() else { return };
    let theirs = other.queue().expect("the same store");
    let mut watch = theirs.watch().await.unwrap();
    let id = queue_one(&store, NOW).await;
    assert!(t.hinted(&mut watch).is_some(), "no hint from the other handle");
    assert_eq!(read(theirs.body(&id).await.unwrap()).await, message(1));
    let lease = take_one(theirs, NOW, NOW + 60).await.lease();
    assert!(q.take(NOW, LATER, 10).await.unwrap().is_empty());
    theirs.settle(&settlement(lease, Next::Remove)).await.unwrap();
    assert!(all(q).await.is_empty());
}

pub(super) async fn it_is_there_after_a_restart(t: &Scene) {
    let (mut before, ids) = {
        queue_of!(t, store, q);
        let big = vec![b'x'; 300_000];
        let one = queue(&store, &big, entry(NOW, vec![remote("a@b.test"), remote("c@d.test")])).await;
        let two = queue_one(&store, NOW).await;
        let taken = q.take(NOW, LATER + 60, 10).await.unwrap();
        let lease = taken.iter().find(|e| e.id == one).unwrap().lease();
        let mut what = settlement(lease, Next::At(NOW));
        what.recipients =
            vec![RecipientUpdate { place: 1, state: RecipientState::Done, data: None, error: None }];
        q.settle(&what).await.unwrap();
        (all(q).await, [one, two])
    };
    if !t.reopen() {
        return;
    }
    queue_of!(t, store, q);
    let mut after = all(q).await;
    before.sort_by(|a, b| a.id.cmp(&b.id));
    after.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(after, before);
    assert_eq!(read(q.body(&ids[0]).await.unwrap()).await, vec![b'x'; 300_000]);
    // The runner that held it is gone: its lease ends by itself.
    assert_eq!(take_one(q, LATER, LATER + 120).await.id, ids[0]);
    assert_eq!(take_one(q, LATER + 60, LATER + 120).await.id, ids[1]);
    for id in &ids {
        q.remove(id).await.unwrap();
    }
    let store = t.store();
    assert!(!ids.contains(&queue_one(&store, NOW).await), "an identity was given twice");
}

pub(super) async fn submitters_and_runners_lose_and_double_none(t: &Scene) {
    queue_of!(t, store, q);
    let each = t.rounds(40);
    let (submitters, runners) = (3_u32, 3_u32);
    let delivered: Vec<String> = std::thread::scope(|s| {
        for n in 0..submitters {
            let store = store.clone();
            s.spawn(move || {
                for i in 0..each {
                    let new = entry(NOW, vec![remote(&format!("{n}.{i}@b.test"))]);
                    block_on(queue(&store, &message(i), new));
                }
            });
        }
        let total = (submitters * each) as usize;
        let done = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        for _ in 0..runners {
            let (store, done) = (store.clone(), done.clone());
            s.spawn(move || {
                let q = store.queue().unwrap();
                while done.lock().unwrap().len() < total {
                    for e in block_on(q.take(NOW, LATER, 3)).unwrap() {
                        block_on(q.settle(&settlement(e.lease(), Next::Remove))).unwrap();
                        done.lock().unwrap().push(e.recipients[0].address.clone());
                    }
                    std::thread::yield_now();
                }
            });
        }
        done
    })
    .lock()
    .unwrap()
    .clone();
    assert_eq!(delivered.len(), (submitters * each) as usize);
    assert_eq!(delivered.iter().collect::<BTreeSet<_>>().len(), delivered.len());
    assert_eq!(q.status().await.unwrap().entries, 0);
}
