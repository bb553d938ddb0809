//! Other programs read what this crate writes, and it reads what they write: Python's `mailbox`, Dovecot's `doveadm`.
#![allow(missing_docs, reason = "the cases say what they are about")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use common::{account, append, block_on, ensure, loose, name};
use mail_transfer::{
    ExportOptions, ImportOptions, export, import,
    maildir::{MaildirFolder, MaildirSource},
    mbox::{MboxFolder, MboxKind, MboxSource},
};
use mailstore_api::{AppendSpec, Flags, InternalDate, MailboxName, SpecialUse, SystemFlags};
use mailstore_sqlite::SqliteAccount;

/// Runs a Python program; `None` where there is no Python.
fn python(program: &str, args: &[&Path]) -> Option<String> {
    let mut child = match Command::new("python3")
        .arg("-")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
    {
        Ok(child) => child,
        Err(e) => {
            println!("skipped: python3 is absent ({e})");
            return None;
        }
    };
    child.stdin.take().unwrap().write_all(program.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success());
    Some(String::from_utf8(out.stdout).unwrap())
}

const DATE: i64 = 1_700_000_000;

/// Three messages in INBOX, two in a mailbox with an odd name.
fn sample() -> (tempfile::TempDir, mailstore_sqlite::SqliteStore, SqliteAccount) {
    let (dir, store, anna) = account();
    block_on(async {
        let inbox = ensure(&anna, &MailboxName::inbox(), SpecialUse::NONE).await;
        let below = ensure(&anna, &name(&["Arbeit", "Entw\u{fc}rfe"]), SpecialUse::NONE).await;
        let seen = SystemFlags::SEEN | SystemFlags::ANSWERED | SystemFlags::FLAGGED;
        for (id, n, system, keywords) in [
            (&inbox, 0, SystemFlags::NONE, vec![]),
            (&inbox, 1, seen, vec!["work".to_owned(), "$Forwarded".to_owned()]),
            (&inbox, 2, SystemFlags::DELETED, vec![]),
            (&below, 3, SystemFlags::DRAFT, vec!["work".to_owned()]),
            (&below, 4, SystemFlags::SEEN, vec![]),
        ] {
            let octets = format!(
                "Return-Path: <joe@example.org>\r\nSubject: number {n}\r\nMessage-ID: <{n}@x>\r\n\r\nline\r\nFrom here\r\n>From there\r\n\r\n"
            );
            let spec = AppendSpec {
                flags: Flags { system, keywords },
                internal_date: Some(InternalDate { seconds: DATE + n, zone_minutes: 0 }),
                declared_len: None,
            };
            append(&anna, id, octets.as_bytes(), spec).await;
        }
    });
    (dir, store, anna)
}

fn to_mbox(anna: &SqliteAccount, to: &Path) {
    let mut folder = MboxFolder::create(to).unwrap();
    block_on(export(anna, "anna", &ExportOptions::default(), &mut folder, &mut |_| {})).unwrap();
}

fn to_maildir(anna: &SqliteAccount, to: &Path) {
    let mut folder = MaildirFolder::create(to).unwrap();
    block_on(export(anna, "anna", &ExportOptions::default(), &mut folder, &mut |_| {})).unwrap();
}

#[test]
fn python_reads_our_mbox() {
    let (_dir, _store, anna) = sample();
    let dir = tempfile::tempdir().unwrap();
    to_mbox(&anna, &dir.path().join("out"));
    let program = "
import mailbox, sys
box = mailbox.mbox(sys.argv[1], create=False)
for m in box:
    print(m.get_from(), '|', m.get_flags(), '|', m['subject'], '|', m['x-keywords'], '|', m.get_payload().split('\\n'))
";
    let Some(said) = python(program, &[&dir.path().join("out/INBOX.mbox")]) else { return };
    let body = "['line', '>From here', '>>From there', '', '']";
    let line = |n, second, flags, keywords| {
        format!(
            "joe@example.org Tue Nov 14 22:13:{second} 2023 | {flags} | number {n} | {keywords} | {body}\n"
        )
    };
    let want = [line(0, 20, "O", "None"), line(1, 21, "ROAF", "work $Forwarded"), line(2, 22, "OD", "None")];
    assert_eq!(said, want.concat());
}

#[test]
fn python_reads_our_maildir() {
    let (_dir, _store, anna) = sample();
    let dir = tempfile::tempdir().unwrap();
    to_maildir(&anna, &dir.path().join("out"));
    let program = "
import mailbox, sys
box = mailbox.Maildir(sys.argv[1], create=False)
for b in [box] + [box.get_folder(n) for n in sorted(box.list_folders())]:
    for m in sorted(b, key=lambda m: m['subject']):
        print(m.get_subdir(), m.get_flags(), int(m.get_date()), m['subject'], m.get_payload().split('\\n'))
print(sorted(box.list_folders()))
";
    let Some(said) = python(program, &[&dir.path().join("out")]) else { return };
    let body = "['line', 'From here', '>From there', '', '']";
    let want = format!(
        "cur  1700000000 number 0 {body}\ncur FPRSab 1700000001 number 1 {body}\ncur T 1700000002 number 2 {body}\n\
         cur Da 1700000003 number 3 {body}\ncur S 1700000004 number 4 {body}\n['Arbeit', 'Arbeit.Entw&APw-rfe']\n"
    );
    assert_eq!(said, want);
}

#[test]
fn what_python_writes_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let program = "
import mailbox, sys, os
body = 'Subject: %s\\nX: y\\n\\nline\\nFrom here on Thu Jan  1 00:00:00 1970\\n>From me\\n\\n\\n'
box = mailbox.mbox(sys.argv[1] + '/x.mbox')
for n in range(3):
    m = mailbox.mboxMessage((body % n).encode())
    m.set_from('joe@example.org', True if n == 0 else (2001, 9, 9, 1, 46, 40 + n, 0, 0, 0))
    m.set_flags(['', 'RO', 'ROAFD'][n])
    box.add(m)
box.flush()
dir = mailbox.Maildir(sys.argv[1] + '/d')
sub = dir.add_folder('Work.2024')
for n in range(3):
    m = mailbox.MaildirMessage((body % n).encode())
    m.set_date(1000000000 + n)
    m.set_flags(['', 'S', 'FRST'][n])
    if n: m.set_subdir('cur')
    (sub if n == 2 else dir).add(m)
";
    if python(program, &[dir.path()]).is_none() {
        return;
    }
    let text = |n, second: &str| {
        format!("Subject: {n}\r\nX: y\r\n\r\nline\r\n{second}From here on Thu Jan  1 00:00:00 1970\r\n>From me\r\n\r\n\r\n")
            .into_bytes()
    };
    let (_dir, _store, anna) = account();
    let mut source =
        MboxSource::file(dir.path().join("x.mbox"), MboxKind::Mboxo, MailboxName::inbox()).unwrap();
    block_on(import(&anna, &mut source, &ImportOptions::default(), &mut |_| {})).unwrap();
    let seen = block_on(loose(&anna)).remove(&MailboxName::inbox()).unwrap();
    assert_eq!(seen.len(), 3);
    for (n, (m, system)) in seen.iter().zip([0, 1, 15]).enumerate() {
        // Python quotes `From ` and not `>From `, so mboxo cannot tell them apart.
        let want = String::from_utf8(text(n, "")).unwrap().replace(">From me", "From me");
        assert_eq!((String::from_utf8_lossy(&m.octets).as_ref(), m.system), (want.as_str(), system));
    }
    assert_eq!(seen[2].date.seconds, 1_000_000_002);

    let (_dir, _store, anna) = account();
    let mut source = MaildirSource::open(dir.path().join("d")).unwrap();
    block_on(import(&anna, &mut source, &ImportOptions::default(), &mut |_| {})).unwrap();
    let seen = block_on(loose(&anna));
    let all: Vec<_> = seen.values().flatten().collect();
    assert_eq!(
        seen.keys().cloned().collect::<Vec<_>>(),
        [MailboxName::inbox(), name(&["Work"]), name(&["Work", "2024"])]
    );
    let flags = [0, 1, 1 | 2 | 4 | 8];
    for (n, m) in all.iter().enumerate() {
        assert_eq!(m.octets, text(n, ""));
        assert_eq!((m.system, m.date.seconds), (flags[n], 1_000_000_000 + i64::try_from(n).unwrap()));
    }
    assert_eq!(all.len(), 3);
}

/// `doveadm` on one mail location, as the user who runs the test; `None` where it is absent.
fn doveadm(home: &Path, location: &str, args: &[&str]) -> Option<String> {
    let id = |what: &str| {
        String::from_utf8(Command::new("id").arg(what).output().unwrap().stdout).unwrap().trim().to_owned()
    };
    // It does not work as root.
    let (user, group) = match id("-u").as_str() {
        "0" => ("nobody".to_owned(), "nogroup".to_owned()),
        _ => (id("-un"), id("-gn")),
    };
    if user == "nobody" {
        Command::new("chown").args(["-R", "nobody:nogroup"]).arg(home).status().unwrap();
    }
    let config = home.join("dovecot.conf");
    let conf = format!(
        "base_dir = {0}/run\nlog_path = {0}/log\nmail_home = {0}\nmail_location = {location}\nmail_uid = {user}\nmail_gid = {group}\n\
         first_valid_uid = 1\nfirst_valid_gid = 1\nmail_plugins = listescape\nnamespace inbox {{\n  inbox = yes\n  separator = /\n}}\n\
         default_internal_user = {user}\ndefault_login_user = {user}\ndefault_internal_group = {group}\n",
        home.display()
    );
    fs::write(&config, conf).unwrap();
    let mut command = Command::new("doveadm");
    command.arg("-c").arg(&config).args(args).env("USER", &user).env("HOME", home);
    let out = match command.output() {
        Ok(out) => out,
        Err(e) => {
            println!("skipped: doveadm is absent ({e})");
            return None;
        }
    };
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    let log = fs::read_to_string(home.join("log")).unwrap_or_default();
    assert!(out.status.success(), "{args:?}: {} {} {log}", text(&out.stdout), text(&out.stderr));
    assert!(!log.contains("Error"), "{log}");
    Some(text(&out.stdout))
}

#[test]
fn dovecot_reads_our_maildir_and_goes_on_with_its_uids() {
    let (_dir, _store, anna) = sample();
    block_on(async {
        mailstore_api::Account::subscribe(&anna, &name(&["Arbeit", "Entw\u{fc}rfe"]), true).await.unwrap();
        let odd = ensure(&anna, &name(&["odd.name"]), SpecialUse::NONE).await;
        append(&anna, &odd, b"Subject: odd\r\n\r\n", AppendSpec::default()).await;
        // A hole among the UIDs.
        let inbox = ensure(&anna, &MailboxName::inbox(), SpecialUse::NONE).await;
        let (_, mailbox) =
            mailstore_api::Account::open(&anna, &inbox, mailstore_api::OpenMode::Select).await.unwrap();
        let first = mailstore_api::UidSet::from_ranges([(1, 1)]);
        mailstore_api::Mailbox::expunge(&mailbox, Some(&first), false).await.unwrap();
    });
    let validity = block_on(common::all(&anna))[&MailboxName::inbox()].uid_validity;
    let home = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .tempdir()
        .unwrap();
    to_maildir(&anna, &home.path().join("mail"));
    let location = format!("maildir:{}/mail", home.path().display());
    let run = |args: &[&str]| doveadm(home.path(), &location, args);
    let Some(fetched) =
        run(&["fetch", "uid flags date.received.unixtime size.virtual hdr.subject", "mailbox", "INBOX"])
    else {
        return;
    };
    let octets = block_on(loose(&anna))[&MailboxName::inbox()][0].octets.len();
    assert!(fetched.contains("uid: 2\n"), "{fetched}");
    assert!(fetched.contains("flags: \\Answered \\Flagged \\Seen work $Forwarded"), "{fetched}");
    assert!(fetched.contains("date.received.unixtime: 1700000001"), "{fetched}");
    assert!(fetched.contains(&format!("size.virtual: {octets}")), "{fetched}");
    assert!(fetched.contains("uid: 3\n") && fetched.contains("flags: \\Deleted"), "{fetched}");
    let status = run(&["mailbox", "status", "messages uidnext uidvalidity", "INBOX"]).unwrap();
    assert_eq!(status.trim(), format!("INBOX messages=2 uidnext=4 uidvalidity={validity}"));
    let mut names: Vec<_> = run(&["mailbox", "list"]).unwrap().lines().map(str::to_owned).collect();
    names.sort();
    assert_eq!(names, ["Arbeit", "Arbeit/Entw\u{fc}rfe", "INBOX", "odd.name"]);
    assert_eq!(run(&["mailbox", "list", "-s"]).unwrap().trim(), "Arbeit/Entw\u{fc}rfe");

    // And what Dovecot made of it is read again, flags and all.
    run(&["flags", "add", "\\Seen newword", "mailbox", "INBOX", "uid", "3"]).unwrap();
    run(&["mailbox", "create", "made/by.dovecot"]).unwrap();
    let (_dir, _store, new) = account();
    let mut source = MaildirSource::open(home.path().join("mail")).unwrap();
    let report = block_on(import(&new, &mut source, &ImportOptions::default(), &mut |_| {})).unwrap();
    assert_eq!(report.notes, Vec::<String>::new());
    let (mut before, after) = (block_on(loose(&anna)), block_on(loose(&new)));
    let last = &mut before.get_mut(&MailboxName::inbox()).unwrap()[1];
    last.system |= 1;
    last.keywords.push("newword".to_owned());
    before.insert(name(&["made", "by.dovecot"]), Vec::new());
    for (mailbox, messages) in &before {
        assert_eq!(after.get(mailbox), Some(messages), "{mailbox}");
    }
}

#[test]
fn dovecot_reads_our_mbox() {
    let (_dir, _store, anna) = sample();
    let home = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .tempdir()
        .unwrap();
    to_mbox(&anna, &home.path().join("out"));
    fs::create_dir(home.path().join("mail")).unwrap();
    fs::copy(home.path().join("out/INBOX.mbox"), home.path().join("mail/inbox")).unwrap();
    let location = format!("mbox:{0}/mail:INBOX={0}/mail/inbox", home.path().display());
    let fields = "flags date.received.unixtime hdr.subject text";
    let Some(fetched) = doveadm(home.path(), &location, &["fetch", fields, "mailbox", "INBOX"]) else {
        return;
    };
    let messages: Vec<_> = fetched.split('\u{c}').collect();
    assert_eq!(messages.len(), 3, "{fetched}");
    // It passes over X-Keywords in a file it has not written itself.
    assert!(messages[1].contains("flags: \\Answered \\Flagged \\Seen"), "{fetched}");
    assert!(messages[1].contains("date.received.unixtime: 1700000001"), "{fetched}");
    assert!(messages[2].contains("\\Deleted"), "{fetched}");
    assert!(!messages[1].contains("Status:"), "{fetched}");
}
