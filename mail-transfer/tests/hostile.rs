//! What is damaged, cut off, or made to harm: refused in words, or read without harm.
#![allow(missing_docs, reason = "the cases say what they are about")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::{fs, io::Cursor};

use common::{Random, account, all, append, block_on, ensure, name, rounds};
use mail_transfer::{
    ExportOptions, ImportOptions, Report, Result, TransferErrorKind,
    archive::{ArchiveReader, ArchiveWriter, RestoreOptions, restore},
    export, import,
    maildir::{MaildirFolder, MaildirSource},
    mbox::{MboxFolder, MboxKind, MboxReader, MboxSource, MboxWriter},
};
use mailstore_api::{
    AppendSpec, Flags, InternalDate, MailStore, MailboxName, MemoryStore, SpecialUse, SystemFlags,
};
use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};

fn sample() -> Vec<u8> {
    let memory = MemoryStore::new();
    memory.create_account("anna").unwrap();
    let anna = block_on(memory.open_account("anna")).unwrap();
    block_on(async {
        for parts in [&["INBOX"][..], &["Work"]] {
            let id = ensure(&anna, &name(parts), SpecialUse::NONE).await;
            for n in 0..3 {
                append(
                    &anna,
                    &id,
                    format!("Subject: {n}\r\n\r\ntext {parts:?}\r\n").as_bytes(),
                    AppendSpec::default(),
                )
                .await;
            }
        }
    });
    let mut archive = ArchiveWriter::new(Vec::new());
    block_on(export(&anna, "anna", &ExportOptions::default(), &mut archive, &mut |_| {})).unwrap();
    archive.into_inner()
}

/// Merges into a new account; what was imported, and what the import said.
fn merge(octets: &[u8]) -> (u64, Result<Report>) {
    let memory = MemoryStore::new();
    memory.create_account("anna").unwrap();
    let anna = block_on(memory.open_account("anna")).unwrap();
    let report = block_on(async {
        let mut archive = ArchiveReader::new(octets, "x.tar", None)?;
        import(&anna, &mut archive, &ImportOptions::default(), &mut |_| {}).await
    });
    let there = block_on(all(&anna)).values().map(|m| m.messages.len() as u64).sum();
    (there, report)
}

#[test]
fn an_archive_cut_off_anywhere_is_known_to_be() {
    let whole = sample();
    let end = whole.len() - 1024;
    for cut in (0..end).step_by(97) {
        let (there, report) = merge(&whole[..cut]);
        let e = match report {
            // Only padding and the end mark are missing.
            Ok(_) if cut > end - 512 => continue,
            other => other.unwrap_err(),
        };
        assert_eq!(e.kind, TransferErrorKind::Malformed, "{cut}: {e}");
        assert!(e.to_string().contains("cut off"), "{cut}: {e}");
        assert!(there <= 6);
    }
    assert!(merge(&whole[..end]).1.is_ok(), "all is there but the end mark");
    // Cut off between two members, with the end of a tar archive put behind.
    for block in (512..end).step_by(512) {
        let mut cut = whole[..block].to_vec();
        cut.extend([0; 1024]);
        let (_, report) = merge(&cut);
        assert_eq!(report.unwrap_err().kind, TransferErrorKind::Malformed, "{block}");
    }
}

#[test]
fn any_octet_changed_is_found_and_costs_one_message_at_most() {
    let whole = sample();
    let mut random = Random::new(7);
    let mut damaged = 0;
    for n in 0..rounds(200) {
        let at = random.below(whole.len() - 1024);
        let mut changed = whole.clone();
        changed[at] ^= 1 << (n % 8);
        let (there, report) = merge(&changed);
        match report {
            Err(e) => assert_eq!(e.kind, TransferErrorKind::Malformed, "{at}: {e}"),
            Ok(report) if report.left_out > 0 => {
                damaged += 1;
                assert_eq!((report.left_out, there, report.notes.len()), (1, 5, 1));
                assert!(
                    report.notes[0].contains(".eml: its octets do not have their checksum"),
                    "{:?}",
                    report.notes
                );
            }
            // Padding, and what tar says of owner and time, are nobody's data.
            Ok(_) => assert_eq!(there, 6),
        }
    }
    assert!(damaged > 0);
}

/// Members put together by hand.
fn tar_of(members: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (path, kind, data) in members {
        let mut header = Header::new_ustar();
        // `set_path` would refuse what is tried here.
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(data.len() as u64);
        header.set_mode(0o600);
        header.set_entry_type(*kind);
        header.set_cksum();
        out.extend_from_slice(header.as_bytes());
        out.extend_from_slice(data);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

fn lines(text: &str) -> Vec<u8> {
    let sum: String = Sha256::digest(text).iter().map(|b| format!("{b:02x}")).collect();
    format!("{text}{{\"sha256\":\"{sum}\"}}\n").into_bytes()
}

const MANIFEST: &str =
    "{\"format\":\"mail-archive\",\"version\":1,\"id\":\"a1\",\"account\":\"anna\",\"created\":0}\n";
const INBOX: &str =
    "{\"name\":[\"INBOX\"],\"id\":\"m\",\"uid_validity\":7,\"uid_next\":9,\"highest_modseq\":5}\n";

#[test]
fn what_does_not_belong_into_an_archive_is_refused_in_words() {
    let (manifest, inbox) = (lines(MANIFEST), lines(INBOX));
    let index = |uid: u32, size: usize| {
        let sum: String = Sha256::digest(b"x").iter().map(|b| format!("{b:02x}")).collect();
        lines(&format!(
            "{{\"uid\":{uid},\"size\":{size},\"sha256\":\"{sum}\",\"modseq\":1,\"flags\":[],\"date\":0,\"zone\":0}}\n"
        ))
    };
    let (index1, index9, index_long) = (index(1, 1), index(9, 1), index(1, 1 << 40));
    let newer = lines(&MANIFEST.replace("\"version\":1", "\"version\":2"));
    let other = lines(&MANIFEST.replace("mail-archive", "photos"));
    let (zero, far) = (lines(&INBOX.replace(":7", ":0")), lines(&INBOX.replace(":7", ":4294967295")));
    let odd = lines(&INBOX.replace("\"INBOX\"", "\"a\\u0000b\""));
    let bomb = lines(&format!("{}{}\n", "[".repeat(100_000), "]".repeat(100_000)));
    let file = EntryType::Regular;
    let m = ("manifest.jsonl", file, &manifest[..]);
    let b = ("mailboxes/00001/mailbox.jsonl", file, &inbox[..]);
    let i = ("mailboxes/00001/000001.jsonl", file, &index1[..]);
    let eml = "mailboxes/00001/0000000001.eml";
    for (what, members, said) in [
        ("nothing", vec![], "no mail archive"),
        ("another tar", vec![("etc/passwd", file, &b"x"[..])], "no mail archive"),
        ("another format", vec![("manifest.jsonl", file, &other)], "its format is"),
        ("a newer version", vec![("manifest.jsonl", file, &newer)], "newer program"),
        ("no checksum", vec![("manifest.jsonl", file, MANIFEST.as_bytes())], "checksum"),
        ("no end", vec![m, b], "cut off"),
        ("a way out", vec![m, ("../../etc/passwd", file, b"x")], "does not belong"),
        ("an absolute path", vec![m, ("/etc/passwd", file, b"x")], "does not belong"),
        ("a link", vec![m, ("mailboxes/00001/mailbox.jsonl", EntryType::Symlink, b"")], "no ordinary file"),
        ("a hard link", vec![m, b, i, (eml, EntryType::Link, b"")], "no ordinary file"),
        ("a device", vec![m, ("x", EntryType::Char, b"")], "no ordinary file"),
        ("a sparse file", vec![m, ("x", EntryType::GNUSparse, b"")], "no ordinary file"),
        ("a long name", vec![m, ("././@LongLink", EntryType::GNULongName, b"x")], "no ordinary file"),
        ("a mailbox too early", vec![m, ("mailboxes/00002/mailbox.jsonl", file, &inbox)], "does not belong"),
        ("a message too early", vec![m, b, (eml, file, b"x")], "does not belong"),
        ("another message", vec![m, b, i, ("mailboxes/00001/0000000002.eml", file, b"x")], "belongs"),
        ("another size", vec![m, b, i, (eml, file, b"xy")], "its index says 1"),
        (
            "a UID too high",
            vec![
                m,
                b,
                ("mailboxes/00001/000001.jsonl", file, &index9),
                ("mailboxes/00001/0000000009.eml", file, b"x"),
            ],
            "its UID",
        ),
        (
            "a size too high",
            vec![m, b, ("mailboxes/00001/000001.jsonl", file, &index_long), (eml, file, b"x")],
            "its index says",
        ),
        ("no UIDVALIDITY", vec![m, ("mailboxes/00001/mailbox.jsonl", file, &zero)], "of 0"),
        ("a control character", vec![m, ("mailboxes/00001/mailbox.jsonl", file, &odd)], "control character"),
        (
            "nested without end",
            vec![m, ("mailboxes/00001/mailbox.jsonl", file, &bomb)],
            "cannot be understood",
        ),
    ] {
        let (there, report) = merge(&tar_of(&members));
        let e = report.expect_err(what).to_string();
        assert!(e.contains(said), "{what}: {e}");
        assert!(e.starts_with("x.tar, offset "), "{what}: {e}");
        assert_eq!(there, 0);
    }
    // A member that says it is huge costs no memory.
    let mut huge = tar_of(&[m]);
    huge.truncate(huge.len() - 1024);
    let mut header = Header::new_ustar();
    header.set_path("mailboxes/00001/mailbox.jsonl").unwrap();
    header.set_size(1 << 50);
    header.set_entry_type(file);
    header.set_cksum();
    huge.extend_from_slice(header.as_bytes());
    assert!(merge(&huge).1.unwrap_err().to_string().contains("at most"));

    // A UIDVALIDITY that would use up those of every account.
    let (_dir, store, anna) = account();
    let far = tar_of(&[m, ("mailboxes/00001/mailbox.jsonl", file, &far)]);
    let mut archive = ArchiveReader::new(far.as_slice(), "x.tar", None).unwrap();
    let e = block_on(restore(&anna, &mut archive, &RestoreOptions::default(), &mut |_| {})).unwrap_err();
    assert!(e.to_string().contains("too far in the future"), "{e}");
    common::check(&store);

    // What tools add when they pack again is passed over.
    let whole = sample();
    let folders = tar_of(&[("./", EntryType::Directory, b""), ("x", EntryType::XHeader, b"20 mtime=1.5\n")]);
    let packed = [&folders[..folders.len() - 1024], &whole].concat();
    assert_eq!(merge(&packed).0, 6);
}

fn read_mbox(text: &[u8], kind: MboxKind) -> Result<Vec<Vec<u8>>> {
    let mut mbox = MboxReader::new(Cursor::new(text), kind, "x.mbox");
    let mut all = Vec::new();
    while mbox.next()?.is_some() {
        let mut octets = Vec::new();
        while let Some(chunk) = mbox.octets()? {
            octets.extend_from_slice(chunk);
        }
        all.push(octets);
    }
    Ok(all)
}

#[test]
fn mbox_dialects_are_told_apart_by_name() {
    let from = "From joe Thu Jan  1 00:00:00 1970\n";
    use MboxKind::{Mboxcl, Mboxcl2, Mboxo, Mboxrd};
    let all = [Mboxrd, Mboxo, Mboxcl, Mboxcl2];
    let quoted = format!("{from}A: b\n\n>From me\n>>From you\n> From us\n\n{from}A: c\n\n\n");
    for (kind, lines) in [
        (Mboxrd, "From me\r\n>From you\r\n"),
        (Mboxo, "From me\r\n>>From you\r\n"),
        (Mboxcl, "From me\r\n>>From you\r\n"),
        (Mboxcl2, ">From me\r\n>>From you\r\n"),
    ] {
        let got = read_mbox(quoted.as_bytes(), kind).unwrap();
        assert_eq!(String::from_utf8_lossy(&got[0]), format!("A: b\r\n\r\n{lines}> From us\r\n"), "{kind:?}");
        assert_eq!(got[1], b"A: c\r\n\r\n");
    }
    // By its Content-Length, an unquoted From_ line is text.
    let body = format!("one\n\n{from}two\n");
    let counted = format!("{from}Content-Length: {}\nA: b\n\n{body}\n{from}A: c\n\nlast\n", body.len());
    for kind in all {
        let got = read_mbox(counted.as_bytes(), kind).unwrap();
        assert_eq!(got.len(), if matches!(kind, Mboxcl | Mboxcl2) { 2 } else { 3 }, "{kind:?}");
        assert_eq!(got.last().unwrap(), b"A: c\r\n\r\nlast\r\n");
    }
    // One that leads nowhere is not believed.
    for wrong in ["0", "5", "99999999999", "18446744073709551615", "-1", "x"] {
        let text = format!("{from}Content-Length: {wrong}\n\nbody of it\n\n{from}A: c\n\nlast\n");
        for kind in all {
            let got = read_mbox(text.as_bytes(), kind).unwrap();
            assert_eq!(got, [&b"\r\nbody of it\r\n"[..], b"A: c\r\n\r\nlast\r\n"], "{kind:?} {wrong}");
        }
    }
    // CRLF line ends; From_ lines without dates; an empty line missing; a server's own first message.
    let crlf = quoted.replace('\n', "\r\n");
    assert_eq!(read_mbox(crlf.as_bytes(), Mboxrd).unwrap(), read_mbox(quoted.as_bytes(), Mboxrd).unwrap());
    let undated = "From joe\nA: b\n\nFrom\nFrom here\n\nFrom jane\nA: c\n\n";
    assert_eq!(
        read_mbox(undated.as_bytes(), Mboxrd).unwrap(),
        [&b"A: b\r\n\r\nFrom\r\nFrom here\r\n"[..], b"A: c\r\n"]
    );
    let tight = format!("{from}A: b\n\nx\n{from}A: c\n\ny\n");
    assert_eq!(read_mbox(tight.as_bytes(), Mboxrd).unwrap().len(), 2);
    let own = format!("{from}X-IMAP: 1234 0000\nSubject: DON'T DELETE\n\ninternal\n\n{from}A: c\n\ny\n");
    assert_eq!(read_mbox(own.as_bytes(), Mboxrd).unwrap(), [b"A: c\r\n\r\ny\r\n"]);
}

#[test]
fn what_is_no_mbox_is_refused_in_words() {
    for text in [&b"Subject: x\n\nbody\n"[..], b"\0\0\0", b"from joe\n", b"\n\n\nFrom\n"] {
        let e = read_mbox(text, MboxKind::Mboxrd).unwrap_err();
        assert!(e.to_string().contains("does not begin with a From_ line"), "{e}");
        assert!(e.to_string().starts_with("x.mbox, offset "), "{e}");
    }
    assert_eq!(read_mbox(b"", MboxKind::Mboxrd).unwrap().len(), 0);
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.txt"), "x").unwrap();
    let e = MboxSource::folder(dir.path(), MboxKind::Mboxrd).unwrap_err();
    assert!(e.to_string().contains("has no mbox file"), "{e}");
    let e = MaildirSource::open(dir.path()).unwrap_err();
    assert!(e.to_string().contains("is no Maildir"), "{e}");
    assert!(MboxFolder::create(dir.path()).unwrap_err().to_string().contains("has something in it"));
    assert!(MaildirFolder::create(dir.path()).unwrap_err().to_string().contains("has something in it"));
}

/// Reads a file a few octets at a time, at changing places.
struct Slow<R>(R, Random);

impl<R: std::io::Read> std::io::Read for Slow<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let n = (1 + self.1.below(7)).min(into.len());
        self.0.read(&mut into[..n])
    }
}

impl<R: std::io::Seek> std::io::Seek for Slow<R> {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn any_message_goes_through_an_mbox_however_it_is_cut() {
    let mut random = Random::new(11);
    for round in 0..rounds(1_000) {
        let messages: Vec<Vec<u8>> = (0..1 + random.below(4)).map(|_| common::regular(&mut random)).collect();
        let mut writer = MboxWriter::new(Vec::new());
        for m in &messages {
            let flags = Flags::system(SystemFlags::from_bits(u8::try_from(random.below(32)).unwrap()));
            writer.message(&flags, InternalDate { seconds: 5, zone_minutes: 0 });
            let mut rest = &m[..];
            while !rest.is_empty() {
                let (piece, more) = rest.split_at((1 + random.below(9)).min(rest.len()));
                writer.octets(if rest.len() > 5_000 { rest } else { piece }).unwrap();
                rest = if rest.len() > 5_000 { &[] } else { more };
            }
            writer.end().unwrap();
        }
        let file = writer.finish().unwrap();
        assert_eq!(read_mbox(&file, MboxKind::Mboxrd).unwrap(), messages, "round {round}");
        if file.len() > 10_000 {
            continue;
        }
        let slow = Slow(Cursor::new(&file), Random::new(round));
        let mut mbox = MboxReader::new(slow, MboxKind::Mboxrd, "x");
        for m in &messages {
            mbox.next().unwrap().unwrap();
            let mut octets = Vec::new();
            while let Some(chunk) = mbox.octets().unwrap() {
                octets.extend_from_slice(chunk);
            }
            assert_eq!(octets, *m, "round {round}");
        }
        assert_eq!(mbox.next().unwrap(), None);
    }
}

#[test]
fn garbage_never_panics_an_mbox_reader() {
    let mut random = Random::new(13);
    for _ in 0..rounds(1_000) {
        let mut text = b"From joe Thu Jan  1 00:00:00 1970\n".to_vec();
        let words: [&[u8]; 9] = [
            b"From ",
            b">",
            b"\n",
            b"\r\n",
            b"\r",
            b"Content-Length: 12\n",
            b"X-IMAP: \n",
            b"From a Thu Jan  1 00:00:00 1970\n",
            b"x",
        ];
        for _ in 0..random.below(40) {
            text.extend_from_slice(random.pick(&words));
        }
        for kind in [MboxKind::Mboxrd, MboxKind::Mboxo, MboxKind::Mboxcl, MboxKind::Mboxcl2] {
            read_mbox(&text, kind).unwrap();
        }
    }
}

#[cfg(unix)]
#[test]
fn links_and_pipes_in_folders_are_not_followed() {
    let secret = tempfile::tempdir().unwrap();
    fs::write(secret.path().join("secret"), "From joe Thu Jan  1 00:00:00 1970\n\nsecret\n").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let link = |to: &std::path::Path, at: &str| std::os::unix::fs::symlink(to, dir.path().join(at)).unwrap();
    fs::write(dir.path().join("a.mbox"), "From joe Thu Jan  1 00:00:00 1970\n\nplain\n").unwrap();
    link(&secret.path().join("secret"), "b.mbox");
    link(secret.path(), "folder");
    let (_dir, _store, anna) = account();
    let mut source = MboxSource::folder(dir.path(), MboxKind::Mboxrd).unwrap();
    let report = block_on(import(&anna, &mut source, &ImportOptions::default(), &mut |_| {})).unwrap();
    assert_eq!((report.messages, report.notes.len()), (1, 2), "{:?}", report.notes);

    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("cur")).unwrap();
    fs::write(dir.path().join("cur/1.a:2,S"), "plain\n").unwrap();
    std::os::unix::fs::symlink(secret.path(), dir.path().join(".Link")).unwrap();
    let mut source = MaildirSource::open(dir.path()).unwrap();
    let report = block_on(import(&anna, &mut source, &ImportOptions::default(), &mut |_| {})).unwrap();
    assert_eq!((report.messages, report.notes.len()), (1, 1));
    std::os::unix::fs::symlink(secret.path().join("secret"), dir.path().join("cur/2.b:2,S")).unwrap();
    let mut source = MaildirSource::open(dir.path()).unwrap();
    let mut options = ImportOptions::default();
    options.resume = true;
    let e = block_on(import(&anna, &mut source, &options, &mut |_| {})).unwrap_err();
    assert!(e.to_string().contains("2.b:2,S: is no ordinary file"), "{e}");
    let inbox = &block_on(all(&anna))[&MailboxName::inbox()];
    assert!(inbox.messages.iter().all(|m| !m.octets.ends_with(b"secret\r\n")));
}

#[test]
fn a_message_too_big_is_left_out_and_the_others_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let options =
        mailstore_sqlite::Options { append_limit: Some(1000), shards: Some(1), ..Default::default() };
    let store = mailstore_sqlite::SqliteStore::open(dir.path().join("store"), options).unwrap();
    store.create_account("anna", None).unwrap();
    let anna = block_on(store.open_account("anna")).unwrap();
    let message = |len| format!("From joe Thu Jan  1 00:00:00 1970\nA: b\n\n{}\n\n", "x".repeat(len));
    let file = dir.path().join("x.mbox");
    fs::write(&file, [message(10), message(5_000), message(20)].concat()).unwrap();
    let mut source = MboxSource::file(&file, MboxKind::Mboxrd, MailboxName::inbox()).unwrap();
    let report = block_on(import(&anna, &mut source, &ImportOptions::default(), &mut |_| {})).unwrap();
    assert_eq!((report.messages, report.left_out), (2, 1));
    assert!(report.notes[0].contains("x.mbox, message 2 at offset 52: left out"), "{:?}", report.notes);
}
