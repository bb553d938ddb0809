//! Every format, out of an account and into another: what it keeps is equal.
#![allow(missing_docs, reason = "the cases say what they are about")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use common::{
    account, all, annotations, block_on, check, fill, loose, messages, name, regular, rounds, subscriptions,
    wild,
};
use mail_transfer::{
    ExportOptions, ImportOptions, Patterns, TransferErrorKind,
    archive::{ArchiveReader, ArchiveWriter, RestoreOptions, restore},
    export, import,
    maildir::{MaildirFolder, MaildirSource},
    mbox::{MboxFolder, MboxKind, MboxSource},
};
use mailstore_api::{Account, AppendSpec, MailStore, MailboxName, MemoryStore, QuotaLimits, SpecialUse};

fn archive_of(account: &impl Account) -> Vec<u8> {
    let mut archive = ArchiveWriter::new(Vec::new());
    block_on(export(account, "anna", &ExportOptions::default(), &mut archive, &mut |_| {})).unwrap();
    archive.into_inner()
}

fn reader(octets: &[u8]) -> ArchiveReader<&[u8]> {
    ArchiveReader::new(octets, "anna.tar", Some(octets.len() as u64)).unwrap()
}

#[test]
fn an_archive_brings_everything_back_as_it_was() {
    for seed in 0..rounds(3) {
        let (_dir, store, old) = account();
        block_on(fill(&old, seed, wild, true));
        let limits = QuotaLimits { octets: Some(1 << 30), messages: Some(5000), mailboxes: None };
        store.set_quota("anna", limits).unwrap();
        let octets = archive_of(&old);
        let limits: Vec<_> =
            reader(&octets).manifest().quota.iter().map(|q| (q.resource.clone(), q.limit)).collect();
        assert_eq!(limits, [("STORAGE".to_owned(), 1 << 20), ("MESSAGE".to_owned(), 5000)]);
        let (_dir, store, new) = account();
        let report =
            block_on(restore(&new, &mut reader(&octets), &RestoreOptions::default(), &mut |_| {})).unwrap();
        assert_eq!(block_on(annotations(&new, None)), block_on(annotations(&old, None)));
        assert!(!block_on(annotations(&old, None)).is_empty());
        let (old, before) = (block_on(all(&old)), block_on(subscriptions(&old)));
        let seen = block_on(all(&new));
        assert_eq!(seen, old, "seed {seed}");
        assert!(seed > 0 || seen.values().any(|m| !m.acl.is_empty()), "there are access lists");
        assert_eq!(block_on(subscriptions(&new)), before);
        assert_eq!(report.messages, old.values().map(|m| m.messages.len() as u64).sum::<u64>());
        check(&store);
        // And so does the archive of the archive.
        let again = archive_of(&new);
        let (_dir, _store, third) = account();
        block_on(restore(&third, &mut reader(&again), &RestoreOptions::default(), &mut |_| {})).unwrap();
        assert_eq!(block_on(all(&third)), old);
    }
}

#[test]
fn an_archive_merged_keeps_all_but_uids_and_repeated_adds_nothing() {
    for seed in 0..rounds(2) {
        let (_dir, _store, old) = account();
        block_on(fill(&old, seed, wild, true));
        let octets = archive_of(&old);
        // Into another kind of store as well.
        let memory = MemoryStore::new();
        memory.create_account("anna").unwrap();
        let anna = block_on(memory.open_account("anna")).unwrap();
        block_on(import(&anna, &mut reader(&octets), &ImportOptions::default(), &mut |_| {})).unwrap();
        let old = block_on(loose(&old));
        assert_eq!(block_on(loose(&anna)), old, "seed {seed}");

        let (_dir, store, new) = account();
        block_on(import(&new, &mut reader(&octets), &ImportOptions::default(), &mut |_| {})).unwrap();
        assert_eq!(block_on(loose(&new)), old, "seed {seed}");
        let mut options = ImportOptions::default();
        options.resume = true;
        let report = block_on(import(&new, &mut reader(&octets), &options, &mut |_| {})).unwrap();
        assert_eq!((report.messages, report.present), (0, old.values().map(|m| m.len() as u64).sum()));
        assert_eq!(block_on(loose(&new)), old);
        check(&store);
    }
}

#[test]
fn an_mbox_keeps_messages_flags_and_dates() {
    for seed in 0..rounds(4) {
        let (_dir, _store, old) = account();
        block_on(fill(&old, seed, regular, false));
        let dir = tempfile::tempdir().unwrap();
        let mut folder = MboxFolder::create(dir.path().join("out")).unwrap();
        block_on(export(&old, "anna", &ExportOptions::default(), &mut folder, &mut |_| {})).unwrap();
        let (_dir, _store, new) = account();
        let mut source = MboxSource::folder(dir.path().join("out"), MboxKind::Mboxrd).unwrap();
        let report = block_on(import(&new, &mut source, &ImportOptions::default(), &mut |_| {})).unwrap();
        assert_eq!(report.notes, Vec::<String>::new());
        assert_eq!(block_on(loose(&new)), block_on(loose(&old)), "seed {seed}");
    }
}

#[test]
fn a_maildir_keeps_messages_flags_and_dates() {
    for seed in 0..rounds(4) {
        let (_dir, _store, old) = account();
        block_on(fill(&old, seed, regular, false));
        let dir = tempfile::tempdir().unwrap();
        let mut folder = MaildirFolder::create(dir.path().join("out")).unwrap();
        let report =
            block_on(export(&old, "anna", &ExportOptions::default(), &mut folder, &mut |_| {})).unwrap();
        assert_eq!(report.notes, Vec::<String>::new());
        let (_dir, _store, new) = account();
        let mut source = MaildirSource::open(dir.path().join("out")).unwrap();
        let report = block_on(import(&new, &mut source, &ImportOptions::default(), &mut |_| {})).unwrap();
        assert_eq!(report.notes, Vec::<String>::new());
        assert_eq!(block_on(loose(&new)), block_on(loose(&old)), "seed {seed}");
        assert_eq!(block_on(subscriptions(&new)), block_on(subscriptions(&old)));
    }
}

#[test]
fn mail_that_arrives_while_an_archive_comes_back_stays() {
    let (_dir, _store, old) = account();
    block_on(fill(&old, 3, regular, true));
    block_on(async {
        let inbox = common::ensure(&old, &MailboxName::inbox(), SpecialUse::NONE).await;
        common::append(&old, &inbox, b"A: b\r\n\r\nold\r\n", AppendSpec::default()).await;
    });
    let octets = archive_of(&old);
    let (_dir, store, new) = account();
    let inbox = block_on(common::ensure(&new, &MailboxName::inbox(), SpecialUse::NONE));
    let mut delivered = false;
    let arriving = new.clone();
    block_on(restore(&new, &mut reader(&octets), &RestoreOptions::default(), &mut |_| {
        if !std::mem::replace(&mut delivered, true) {
            block_on(common::append(&arriving, &inbox, b"A: b\r\n\r\nnew\r\n", AppendSpec::default()));
        }
        // Nothing of it is seen yet.
        assert!(block_on(all(&arriving)).values().map(|m| m.messages.len()).sum::<usize>() <= 1);
    }))
    .unwrap();
    let (before, mut after) = (block_on(all(&old)), block_on(all(&new)));
    let inbox = after.get_mut(&MailboxName::inbox()).unwrap();
    let arrived = inbox.messages.pop().unwrap();
    assert_eq!(arrived.octets, b"A: b\r\n\r\nnew\r\n");
    let old_inbox = &before[&MailboxName::inbox()];
    assert_eq!((arrived.uid, inbox.uid_next), (old_inbox.uid_next, old_inbox.uid_next + 1));
    assert!(arrived.modseq > old_inbox.highest_modseq);
    assert_eq!(inbox.messages, old_inbox.messages);
    check(&store);
}

#[test]
fn an_account_with_mail_takes_no_uids_from_an_archive() {
    let (_dir, _store, old) = account();
    block_on(fill(&old, 5, regular, true));
    let octets = archive_of(&old);
    let before = block_on(all(&old));
    let refused = block_on(restore(&old, &mut reader(&octets), &RestoreOptions::default(), &mut |_| {}));
    let e = refused.unwrap_err();
    assert_eq!(e.kind, TransferErrorKind::Refused);
    assert!(e.to_string().contains("the account has mail") && e.to_string().contains("merge"), "{e}");
    assert_eq!(block_on(all(&old)), before);
}

#[test]
fn an_emptied_mailbox_gets_its_uids_back_and_gives_none_twice() {
    let (_dir, store, anna) = account();
    let inbox = block_on(common::ensure(&anna, &MailboxName::inbox(), SpecialUse::NONE));
    let put = |text: &str| block_on(common::append(&anna, &inbox, text.as_bytes(), AppendSpec::default()));
    put("A: 1\r\n\r\n");
    put("A: 2\r\n\r\n");
    let octets = archive_of(&anna);
    put("A: 3\r\n\r\n");
    block_on(async {
        let (_, mailbox) = anna.open(&inbox, mailstore_api::OpenMode::Select).await.unwrap();
        mailstore_api::Mailbox::expunge(&mailbox, None, false).await.unwrap();
    });
    block_on(restore(&anna, &mut reader(&octets), &RestoreOptions::default(), &mut |_| {})).unwrap();
    let inbox = &block_on(all(&anna))[&MailboxName::inbox()];
    assert_eq!(inbox.messages.iter().map(|m| m.uid).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(inbox.uid_next, 4, "UID 3 was given");
    check(&store);
}

#[test]
fn patterns_another_target_and_a_dry_run() {
    let (_dir, _store, old) = account();
    block_on(async {
        for parts in [&["INBOX"][..], &["Work"], &["Work", "2024"]] {
            let id = common::ensure(&old, &name(parts), SpecialUse::NONE).await;
            common::append(&old, &id, format!("A: {parts:?}\r\n\r\n").as_bytes(), AppendSpec::default())
                .await;
        }
    });
    let octets = archive_of(&old);
    let (_dir, _store, new) = account();
    let mut options = ImportOptions::default();
    options.mailboxes = Patterns::new(["Work*"]);
    options.dry_run = true;
    let report = block_on(import(&new, &mut reader(&octets), &options, &mut |_| {})).unwrap();
    assert_eq!((report.mailboxes, report.messages), (2, 2));
    assert_eq!(block_on(all(&new)).len(), 1);
    options.dry_run = false;
    options.into = Some(name(&["Old", "all"]));
    block_on(import(&new, &mut reader(&octets), &options, &mut |_| {})).unwrap();
    let seen = block_on(all(&new));
    assert_eq!(
        seen.keys().cloned().collect::<Vec<_>>(),
        [name(&["INBOX"]), name(&["Old"]), name(&["Old", "all"])]
    );
    assert_eq!(seen[&name(&["Old", "all"])].messages.len(), 2);

    let (_dir, _store, new) = account();
    let mut options = RestoreOptions::default();
    options.dry_run = true;
    block_on(restore(&new, &mut reader(&octets), &options, &mut |_| {})).unwrap();
    assert_eq!(block_on(all(&new)).len(), 1);
    options.dry_run = false;
    options.mailboxes = Patterns::new(["Work/%"]);
    block_on(restore(&new, &mut reader(&octets), &options, &mut |_| {})).unwrap();
    assert_eq!(
        block_on(all(&new)).keys().cloned().collect::<Vec<_>>(),
        [name(&["INBOX"]), name(&["Work", "2024"])]
    );
}

#[test]
fn copies_are_stored_once_and_keep_one_email_id() {
    let (_dir, _store, old) = account();
    block_on(async {
        let inbox = common::ensure(&old, &MailboxName::inbox(), SpecialUse::NONE).await;
        let other = common::ensure(&old, &name(&["Other"]), SpecialUse::NONE).await;
        let big = b"A: b\r\n\r\n".repeat(50_000);
        common::append(&old, &inbox, &big, AppendSpec::default()).await;
        common::append(&old, &inbox, &big, AppendSpec::default()).await;
        old.copy(&inbox, &mailstore_api::UidSet::from_ranges([(1, 1)]), &other).await.unwrap();
    });
    let octets = archive_of(&old);
    let (dir, store, new) = account();
    block_on(restore(&new, &mut reader(&octets), &RestoreOptions::default(), &mut |_| {})).unwrap();
    let buckets = std::fs::read_dir(dir.path().join("bodies")).unwrap();
    let files: usize = buckets.map(|b| std::fs::read_dir(b.unwrap().path()).unwrap().count()).sum();
    assert_eq!(files, 2, "the copy shares a file, the message that came twice does not");
    assert_eq!(block_on(all(&new)), block_on(all(&old)));
    check(&store);
}

#[test]
fn a_second_import_adds_only_what_is_missing() {
    let (_dir, _store, anna) = account();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.mbox");
    let message = |text: &str| format!("From joe Thu Jan  1 00:00:00 1970\nSubject: x\n\n{text}\n\n");
    let inbox = || MailboxName::inbox();
    let run = |resume: bool| {
        let mut source = MboxSource::file(&file, MboxKind::Mboxrd, inbox()).unwrap();
        let mut options = ImportOptions::default();
        options.resume = resume;
        let report = block_on(import(&anna, &mut source, &options, &mut |_| {})).unwrap();
        (report.messages, report.present)
    };
    // The same text twice is two messages.
    std::fs::write(&file, [message("a"), message("a"), message("b")].concat()).unwrap();
    assert_eq!(run(false), (3, 0));
    assert_eq!(run(true), (0, 3));
    std::fs::write(&file, [message("a"), message("a"), message("a"), message("c")].concat()).unwrap();
    assert_eq!(run(true), (2, 2));
    let id = block_on(common::ensure(&anna, &inbox(), SpecialUse::NONE));
    assert_eq!(block_on(messages(&anna, &id)).len(), 5);
}
