//! A corpus of real messages and mbox files, where it is at hand: all of it comes through, and back.
#![allow(missing_docs, reason = "the cases say what they are about")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::{fs, path::PathBuf};

use common::{account, append, block_on, check, ensure, loose, shared};
use mail_transfer::{
    ExportOptions, ImportOptions, Patterns, TransferErrorKind,
    archive::{ArchiveReader, ArchiveWriter, RestoreOptions, restore},
    export, import,
    maildir::{MaildirFolder, MaildirSource},
    mbox::{MboxFolder, MboxKind, MboxSource},
};
use mailstore_api::{AppendSpec, MailboxName, SpecialUse};

/// The files of the corpus; empty where it is absent.
fn files() -> Vec<PathBuf> {
    let Some(root) = shared().map(|s| s.join("corpus")).filter(|c| c.is_dir()) else {
        println!("skipped: no corpus in $MAIL_SHARED or ../shared");
        return Vec::new();
    };
    let (mut files, mut folders) = (Vec::new(), vec![root]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path())
            } else {
                files.push(entry.path())
            }
        }
    }
    files.sort();
    files
}

#[test]
fn real_messages_come_back_from_every_format() {
    let files = files();
    if files.is_empty() {
        return;
    }
    // Every tenth suffices; the long run takes all.
    let step = if std::env::var_os("TRANSFER_TIMES").is_some() { 1 } else { 10 };
    let (_dir, store, anna) = account();
    let id = block_on(ensure(&anna, &MailboxName::inbox(), SpecialUse::NONE));
    for file in files.iter().step_by(step) {
        block_on(append(&anna, &id, &fs::read(file).unwrap(), AppendSpec::default()));
    }
    check(&store);
    let before = block_on(common::all(&anna));
    let dir = tempfile::tempdir().unwrap();

    let mut archive = ArchiveWriter::new(Vec::new());
    block_on(export(&anna, "anna", &ExportOptions::default(), &mut archive, &mut |_| {})).unwrap();
    let octets = archive.into_inner();
    let (_dir, _store, new) = account();
    let mut archive = ArchiveReader::new(octets.as_slice(), "a.tar", None).unwrap();
    block_on(restore(&new, &mut archive, &RestoreOptions::default(), &mut |_| {})).unwrap();
    assert_eq!(block_on(common::all(&new)), before);

    // The others keep lines, not their ends: once through, nothing changes any more.
    let (_dir, _store, first) = account();
    let mut maildir = MaildirFolder::create(dir.path().join("d1")).unwrap();
    block_on(export(&anna, "anna", &ExportOptions::default(), &mut maildir, &mut |_| {})).unwrap();
    let mut source = MaildirSource::open(dir.path().join("d1")).unwrap();
    block_on(import(&first, &mut source, &ImportOptions::default(), &mut |_| {})).unwrap();
    let crlf = block_on(loose(&first));
    for (was, is) in before[&MailboxName::inbox()].messages.iter().zip(&crlf[&MailboxName::inbox()]) {
        assert_eq!(lines(&was.octets), lines(&is.octets));
    }
    let mut mbox = MboxFolder::create(dir.path().join("m1")).unwrap();
    block_on(export(&first, "anna", &ExportOptions::default(), &mut mbox, &mut |_| {})).unwrap();
    let (_dir, _store, second) = account();
    let mut source = MboxSource::folder(dir.path().join("m1"), MboxKind::Mboxrd).unwrap();
    block_on(import(&second, &mut source, &ImportOptions::default(), &mut |_| {})).unwrap();
    let through = block_on(loose(&second));
    assert_eq!(through[&MailboxName::inbox()].len(), crlf[&MailboxName::inbox()].len());
    let mut mbox = MboxFolder::create(dir.path().join("m2")).unwrap();
    block_on(export(&second, "anna", &ExportOptions::default(), &mut mbox, &mut |_| {})).unwrap();
    let (_dir, _store, third) = account();
    let mut source = MboxSource::folder(dir.path().join("m2"), MboxKind::Mboxrd).unwrap();
    block_on(import(&third, &mut source, &ImportOptions::default(), &mut |_| {})).unwrap();
    assert_eq!(block_on(loose(&third)), through);
    println!("{} messages", before[&MailboxName::inbox()].messages.len());
}

/// The lines of a message without what ends them.
fn lines(octets: &[u8]) -> Vec<&[u8]> {
    octets.split(|b| *b == b'\n').map(|l| l.strip_suffix(b"\r").unwrap_or(l)).collect()
}

#[test]
fn every_file_is_an_mbox_or_refused() {
    let (_dir, store, anna) = account();
    let (mut taken, mut messages, mut refused) = (0, 0, 0);
    for file in files() {
        let mut source = MboxSource::file(&file, MboxKind::Mboxrd, MailboxName::inbox()).unwrap();
        let mut options = ImportOptions::default();
        options.mailboxes = Patterns::default();
        options.dry_run = true;
        match block_on(import(&anna, &mut source, &options, &mut |_| {})) {
            Ok(report) => {
                taken += 1;
                messages += report.messages;
            }
            Err(e) => {
                assert_eq!(e.kind, TransferErrorKind::Malformed, "{e}");
                refused += 1;
            }
        }
    }
    println!("{taken} files with {messages} messages are mbox files, {refused} are not");
    check(&store);
}
