//! Memory is bounded, whatever the sizes.
#![allow(missing_docs, reason = "the cases say what they are about")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![cfg(target_os = "linux")]

mod common;

use std::{fs, fs::File, io::BufReader, path::Path, process::Command};

use common::{OpenNow as _, block_on, ensure, open_store};
use mail_transfer::{
    ExportOptions, ImportOptions,
    archive::{ArchiveReader, ArchiveWriter, PartialFile, RestoreOptions, restore},
    export, import,
    maildir::{MaildirFolder, MaildirSource},
    mbox::{MboxFolder, MboxKind, MboxSource},
};
use mailstore_api::{Account, AppendSpec, MailboxName, SpecialUse, Staged};
use mailstore_sqlite::SqliteStore;

const DIR: &str = "TRANSFER_MEMORY_DIR";
/// Octets of the largest messages: one of lines, one of one line alone. The long run takes 50 MB.
const BIG: usize = 16_000_000;

/// Not a test: what is measured, since memory is a process's.
#[test]
fn child() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let dir = Path::new(&dir);
    let store = open_store(&dir.join("store"));
    let anna = block_on(store.open_account_now("anna"));
    let new = |store: &SqliteStore, name: &str| {
        store.create_account(name, None).unwrap();
        block_on(store.open_account_now(name))
    };
    let (exported, plain) = (ExportOptions::default(), ImportOptions::default());
    let mut resumed = ImportOptions::default();
    resumed.resume = true;
    block_on(async {
        let mut archive = ArchiveWriter::new(PartialFile::create(dir.join("a.tar")).unwrap());
        export(&anna, "anna", &exported, &mut archive, &mut |_| {}).await.unwrap();
        archive.into_inner().keep().unwrap();
        say("archive written");
        let archive = || {
            let file = BufReader::new(File::open(dir.join("a.tar")).unwrap());
            ArchiveReader::new(file, "a.tar", None).unwrap()
        };
        let exactly = RestoreOptions::default();
        restore(&new(&store, "b"), &mut archive(), &exactly, &mut |_| {}).await.unwrap();
        say("archive restored");
        let mut maildir = MaildirFolder::create(dir.join("d")).unwrap();
        export(&anna, "anna", &exported, &mut maildir, &mut |_| {}).await.unwrap();
        say("Maildir written");
        let mut source = MaildirSource::open(dir.join("d")).unwrap();
        let c = new(&store, "c");
        import(&c, &mut source, &plain, &mut |_| {}).await.unwrap();
        say("Maildir read");
        let report = import(&c, &mut archive(), &resumed, &mut |_| {}).await.unwrap();
        assert_eq!(report.messages, 0);
        say("archive compared");
        let mut mbox = MboxFolder::create(dir.join("m")).unwrap();
        export(&anna, "anna", &exported, &mut mbox, &mut |_| {}).await.unwrap();
        say("mbox written");
        let mut source = MboxSource::folder(dir.join("m"), MboxKind::Mboxrd).unwrap();
        import(&new(&store, "d"), &mut source, &plain, &mut |_| {}).await.unwrap();
        say("mbox read");
    });
}

/// The most memory this process ever had, in KiB.
fn say(what: &str) {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap().trim();
    println!("peak {} {what}", peak.strip_suffix(" kB").unwrap());
}

#[test]
fn memory_is_bounded_for_big_messages_and_for_many() {
    let dir = tempfile::tempdir().unwrap();
    let big: usize = std::env::var("TRANSFER_BIG").map_or(BIG, |n| n.parse().unwrap());
    let many: usize = std::env::var("TRANSFER_MANY").map_or(1_000, |n| n.parse().unwrap());
    {
        let store = open_store(&dir.path().join("store"));
        store.create_account("anna", None).unwrap();
        let anna = block_on(store.open_account_now("anna"));
        block_on(async {
            let id = ensure(&anna, &MailboxName::inbox(), SpecialUse::NONE).await;
            let lines = [&[b'y'; 998][..], b"\r\n"].concat().repeat(64);
            for chunk in [&lines[..], &[b'x'; 65_536]] {
                let mut staged = anna.stage(&id, AppendSpec::default()).await.unwrap();
                staged.write(b"Subject: big\r\n\r\n").await.unwrap();
                for _ in 0..big / chunk.len() {
                    staged.write(chunk).await.unwrap();
                }
                staged.write(b"\r\n").await.unwrap();
                staged.finish().await.unwrap();
                anna.commit(&id, vec![staged], None).await.unwrap();
            }
            for group in 0..many / 200 {
                let mut all = Vec::new();
                for n in 0..200 {
                    let mut staged = anna.stage(&id, AppendSpec::default()).await.unwrap();
                    let text = format!("Subject: {group} {n}\r\n\r\n{}\r\n", "text ".repeat(800));
                    staged.write(text.as_bytes()).await.unwrap();
                    staged.finish().await.unwrap();
                    all.push(staged);
                }
                anna.commit(&id, all, None).await.unwrap();
            }
        });
    }
    let out = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture"])
        .env(DIR, dir.path())
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    print!("{text}");
    let peaks =
        text.lines().filter_map(|l| l.strip_prefix("peak ")?.split(' ').next()?.parse::<usize>().ok());
    let peaks: Vec<usize> = peaks.collect();
    assert_eq!(peaks.len(), 7);
    // One message more would show; what a store takes for its threads and caches is in it.
    let allowed = 44_000 + many / 4;
    assert!(peaks.iter().all(|kib| *kib < allowed), "over {allowed} KiB: {text}");
}
