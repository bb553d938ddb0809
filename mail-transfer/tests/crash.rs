//! Kill -9 in the middle of imports: whole messages only, nothing twice, and what is missing comes with the next try.
#![allow(missing_docs, reason = "the cases say what they are about")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use common::{
    OpenNow as _, Seen, SeenMailbox, account, all, block_on, check, fill, loose, name, open_store, rounds,
};
use mail_transfer::{
    ExportOptions, ImportOptions,
    archive::{ArchiveReader, ArchiveWriter, PartialFile, RestoreOptions, restore},
    export, import,
    mbox::{MboxFolder, MboxKind, MboxSource},
};
use mailstore_api::{Account, AppendSpec, InternalDate, MailboxName, SpecialUse, Staged};

const DIR: &str = "TRANSFER_CRASH_DIR";
const HOW: &str = "TRANSFER_CRASH_HOW";

fn archive(dir: &Path) -> ArchiveReader<File> {
    ArchiveReader::new(File::open(dir.join("a.tar")).unwrap(), "a.tar", None).unwrap()
}

/// Goes on with an import, to its end.
fn go_on(dir: &Path, how: &str) {
    let store = open_store(&dir.join("store"));
    let anna = block_on(store.open_account_now("anna"));
    let mut options = ImportOptions::default();
    options.resume = true;
    block_on(async {
        match how {
            "restore" => {
                let mut exactly = RestoreOptions::default();
                exactly.resume = true;
                restore(&anna, &mut archive(dir), &exactly, &mut |_| {}).await.unwrap();
            }
            "merge" => drop(import(&anna, &mut archive(dir), &options, &mut |_| {}).await.unwrap()),
            _ => {
                let mut source = MboxSource::folder(dir.join("mbox"), MboxKind::Mboxrd).unwrap();
                import(&anna, &mut source, &options, &mut |_| {}).await.unwrap();
            }
        }
    });
}

/// Not a test: what the parent kills.
#[test]
fn child() {
    let (Some(dir), Ok(how)) = (std::env::var_os(DIR), std::env::var(HOW)) else { return };
    go_on(Path::new(&dir), &how);
}

/// Each message by its text, how often it is there.
fn counted(of: &BTreeMap<MailboxName, Vec<Seen>>) -> BTreeMap<(&MailboxName, &[u8]), usize> {
    let mut all = BTreeMap::new();
    for (name, m) in of.iter().flat_map(|(name, all)| all.iter().map(move |m| (name, m))) {
        *all.entry((name, &m.octets[..])).or_default() += 1;
    }
    all
}

fn killed(how: &str) {
    let (_dir, _store, old) = account();
    block_on(async {
        fill(&old, 21, common::regular, false).await;
        for parts in [&["INBOX"][..], &["Many"]] {
            let id = common::ensure(&old, &name(parts), SpecialUse::NONE).await;
            let mut group = Vec::new();
            for n in 0..1_200 {
                let date = Some(InternalDate { seconds: 1_000_000_000 + n, zone_minutes: 0 });
                let spec = AppendSpec { internal_date: date, ..AppendSpec::default() };
                let mut staged = old.stage(&id, spec).await.unwrap();
                let filler = "0123456789abcdef\r\n".repeat(if n % 40 == 0 { 9_000 } else { 20 });
                staged
                    .write(format!("Subject: {parts:?} {}\r\n\r\n{filler}", n / 2).as_bytes())
                    .await
                    .unwrap();
                staged.finish().await.unwrap();
                group.push(staged);
            }
            old.commit(&id, group, None).await.unwrap();
        }
    });
    let dir = tempfile::tempdir().unwrap();
    block_on(async {
        let mut out = ArchiveWriter::new(PartialFile::create(dir.path().join("a.tar")).unwrap());
        export(&old, "anna", &ExportOptions::default(), &mut out, &mut |_| {}).await.unwrap();
        out.into_inner().keep().unwrap();
        let mut out = MboxFolder::create(dir.path().join("mbox")).unwrap();
        export(&old, "anna", &ExportOptions::default(), &mut out, &mut |_| {}).await.unwrap();
    });
    let exactly: BTreeMap<MailboxName, SeenMailbox> = block_on(all(&old));
    let loosely = block_on(loose(&old));
    let wanted = counted(&loosely);
    let begin = Instant::now();
    open_store(&dir.path().join("store")).create_account("anna", None).unwrap();
    let mut seen = BTreeSet::new();
    let mut complete = 0;
    let rounds = rounds(4);
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child", "--exact", "--nocapture"])
            .env(DIR, dir.path())
            .env(HOW, how)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Another moment each time.
        thread::sleep(Duration::from_millis(60 + (round * 271) % 1_300));
        child.kill().unwrap();
        child.wait().unwrap();
        let store = open_store(&dir.path().join("store"));
        check(&store);
        let anna = block_on(store.open_account_now("anna"));
        let there = block_on(loose(&anna));
        let messages: usize = there.values().map(Vec::len).sum();
        // What nobody sees yet counts as well.
        let hidden = anna.restore(archive(dir.path()).manifest().id.as_str()).unwrap();
        let hidden = block_on(hidden.unfinished()).unwrap();
        seen.insert(
            messages + hidden.iter().filter_map(|h| h.last).map(|uid| uid.get() as usize).sum::<usize>(),
        );
        if how == "restore" && messages > 0 {
            // All of it, in one step.
            assert_eq!(block_on(all(&anna)), exactly);
            complete += 1;
            break;
        }
        for (message, n) in counted(&there) {
            assert!(wanted.get(&message).is_some_and(|w| n <= *w), "round {round}: not whole, or twice");
        }
    }
    if complete == 0 {
        go_on(dir.path(), how);
    }
    let store = open_store(&dir.path().join("store"));
    check(&store);
    let anna = block_on(store.open_account_now("anna"));
    if how == "restore" {
        assert_eq!(block_on(all(&anna)), exactly);
    }
    assert_eq!(block_on(loose(&anna)), loosely);
    println!("{how}: {rounds} rounds, states seen: {seen:?}, {:?}", begin.elapsed());
}

#[test]
fn an_archive_that_comes_back_is_killed_and_goes_on() {
    killed("restore");
}

#[test]
fn an_archive_that_is_merged_is_killed_and_goes_on() {
    killed("merge");
}

#[test]
fn an_mbox_import_is_killed_and_goes_on() {
    killed("mbox");
}
