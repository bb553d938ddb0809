use super::scene::{Folder, Scene, find, keyword, kind, message, name};
use crate::{
    AppendOutcome, AppendSpec, Delivery, ErrorKind, InternalDate, MailStore, MetaItems, OpenMode, Recipient,
    Result,
};

fn to(account: &str, path: &str, prefix: &[u8]) -> Recipient {
    Recipient { account: account.into(), mailbox: name(path), prefix: prefix.to_vec() }
}

async fn deliver(t: &Scene, octets: &[u8], recipients: &[Recipient]) -> Vec<Result<AppendOutcome>> {
    let mut delivery = t.store().deliver(AppendSpec::default()).await.unwrap();
    for part in octets.chunks(50) {
        delivery.write(part).await.unwrap();
    }
    delivery.commit(recipients).await
}

async fn inbox_of(t: &Scene, who: &str) -> Folder {
    Folder::of(&t.store(), who, "INBOX", OpenMode::Select).await
}

pub(super) async fn to_one(t: &Scene) {
    let inbox = t.inbox().await;
    let outcome = deliver(t, &message(1), &[to("anna", "INBOX", b"")]).await.remove(0).unwrap();
    assert_eq!(outcome.uid_validity, inbox.snapshot.uid_validity);
    assert_eq!(inbox.since(inbox.snapshot.at).await.changed[0].uid, outcome.uids[0]);
    assert_eq!(inbox.now().await.at, outcome.at);
    assert_eq!(inbox.read(outcome.uids[0]).await, message(1));
}

pub(super) async fn to_many(t: &Scene) {
    let all = ["anna", "bert", "carl"];
    let recipients: Vec<_> = all.iter().map(|who| to(who, "INBOX", b"")).collect();
    let answers = deliver(t, &message(1), &recipients).await;
    assert_eq!(answers.len(), 3);
    for (who, answer) in all.iter().zip(answers) {
        assert_eq!(inbox_of(t, who).await.read(answer.unwrap().uids[0]).await, message(1));
    }
}

pub(super) async fn a_prefix_stands_before_its_recipient_alone(t: &Scene) {
    let recipients = [
        to("anna", "INBOX", b"Delivered-To: anna\r\n"),
        to("bert", "INBOX", b""),
        to("carl", "INBOX", b"Delivered-To: carl\r\n"),
    ];
    let answers = deliver(t, &message(1), &recipients).await;
    for (r, answer) in recipients.iter().zip(answers) {
        let inbox = inbox_of(t, &r.account).await;
        let uid = answer.unwrap().uids[0];
        let whole = [r.prefix.as_slice(), &message(1)].concat();
        assert_eq!(inbox.read(uid).await, whole);
        let header = inbox.read_part(uid, crate::Part::Header).await;
        assert!(header.starts_with(&r.prefix) && header.ends_with(b"\r\n\r\n"));
        assert_eq!(inbox.meta(uid, MetaItems::SIZE).await.unwrap().size, whole.len() as u64);
    }
}

pub(super) async fn one_failure_is_not_anothers(t: &Scene) {
    let recipients = [to("nobody", "INBOX", b""), to("anna", "No/Such", b""), to("bert", "INBOX", b"")];
    let answers = deliver(t, &message(1), &recipients).await;
    let kinds: Vec<_> = answers.into_iter().map(kind).collect();
    assert_eq!(kinds, [Err(ErrorKind::NotFound), Err(ErrorKind::NotFound), Ok(())]);
    assert!(find(&t.anna().await, "No/Such").await.is_none());
    assert_eq!(inbox_of(t, "bert").await.snapshot.uids.len(), 1);
    assert!(t.inbox().await.snapshot.uids.is_empty());
}

pub(super) async fn into_another_mailbox(t: &Scene) {
    let lists = t.folder("Lists/Rust").await;
    deliver(t, &message(1), &[to("anna", "Lists/Rust", b"")]).await.remove(0).unwrap();
    assert_eq!(lists.now().await.uids.len(), 1);
    assert!(t.inbox().await.snapshot.uids.is_empty());
}

pub(super) async fn one_account_twice(t: &Scene) {
    t.folder("Copy").await;
    let recipients = [to("anna", "INBOX", b""), to("anna", "Copy", b"X: y\r\n"), to("anna", "INBOX", b"")];
    let answers = deliver(t, &message(1), &recipients).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(t.inbox().await.snapshot.uids.len(), 2);
    assert_eq!(t.folder("Copy").await.snapshot.uids.len(), 1);
}

pub(super) async fn flags_and_date_are_those_given(t: &Scene) {
    let date = InternalDate { seconds: 123_456_789, zone_minutes: 345 };
    let spec = AppendSpec { flags: keyword("$Junk"), internal_date: Some(date), declared_len: None };
    let mut delivery = t.store().deliver(spec).await.unwrap();
    delivery.write(&message(1)).await.unwrap();
    let uid = delivery.commit(&[to("anna", "INBOX", b"")]).await.remove(0).unwrap().uids[0];
    let meta = t.inbox().await.meta(uid, MetaItems::FLAGS | MetaItems::INTERNAL_DATE).await.unwrap();
    assert!(meta.flags.has_keyword("$Junk"));
    assert_eq!(meta.internal_date, date);
}

pub(super) async fn dropped_it_leaves_nothing(t: &Scene) {
    let inbox = t.inbox().await;
    let mut delivery = t.store().deliver(AppendSpec::default()).await.unwrap();
    delivery.write(&vec![b'x'; 200_000]).await.unwrap();
    drop(delivery);
    assert_eq!(inbox.now().await, inbox.snapshot);
}

pub(super) async fn to_nobody_is_nothing(t: &Scene) {
    let inbox = t.inbox().await;
    assert!(deliver(t, &message(1), &[]).await.is_empty());
    assert_eq!(inbox.now().await, inbox.snapshot);
}

pub(super) async fn too_large_a_message_is_refused(t: &Scene) {
    if !t.limited() {
        return;
    }
    let inbox = t.inbox().await;
    let Some(limit) = crate::Account::append_limit(&inbox.account, Some(&inbox.id)) else {
        panic!("a limited store says its limit");
    };
    let declared = AppendSpec { declared_len: Some(limit + 1), ..AppendSpec::default() };
    assert_eq!(kind(t.store().deliver(declared).await), Err(ErrorKind::TooBig));
    let mut delivery = t.store().deliver(AppendSpec::default()).await.unwrap();
    delivery.write(&vec![b'x'; limit as usize]).await.unwrap();
    let answers = delivery.commit(&[to("anna", "INBOX", b"X: y\r\n"), to("bert", "INBOX", b"")]).await;
    assert_eq!(answers.into_iter().map(kind).collect::<Vec<_>>(), [Err(ErrorKind::TooBig), Ok(())]);
    assert!(inbox.now().await.uids.is_empty());
}
