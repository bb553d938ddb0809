//! `mailserver export` and `import` beside a running server.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Output, Stdio},
};

use support::{ALICE, BOB, Server, binary};

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

fn run(config: &Path, args: &[&str]) -> Output {
    binary().args(args).arg("--config").arg(config).output().unwrap()
}

fn said(out: &Output) -> String {
    assert!(out.status.success(), "{out:?}");
    text(&out.stdout)
}

fn refused(out: &Output) -> String {
    assert_eq!(out.status.code(), Some(1), "{out:?}");
    text(&out.stderr)
}

/// Sends IMAP commands over TLS, and returns all answers.
fn imap(server: &Server, user: &str, password: &str, commands: &[&str]) -> String {
    let mut client = server.connect("imaps");
    client.line();
    let login = format!("LOGIN {user} {password}");
    let all = std::iter::once(login.as_str()).chain(commands.iter().copied());
    all.map(|command| {
        let answer = client.imap(command);
        assert!(answer.lines().last().unwrap().starts_with("t OK "), "{command}: {answer}");
        answer
    })
    .collect()
}

const FOUR: [&str; 6] = [
    "CREATE Work/2024",
    "SUBSCRIBE Work/2024",
    "APPEND INBOX (\\Seen $Forwarded) \"17-Jul-1996 02:44:25 -0700\" {15+}\r\nSubject: 1\r\n\r\nx",
    "APPEND INBOX {15+}\r\nSubject: 2\r\n\r\nx",
    "APPEND Work/2024 (\\Flagged) {15+}\r\nSubject: 3\r\n\r\nx",
    "APPEND Work/2024 {15+}\r\nSubject: 4\r\n\r\nx",
];
const ASK: [&str; 4] = [
    "SELECT INBOX",
    "UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE)",
    "STATUS Work/2024 (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)",
    "LSUB \"\" *",
];

/// What must be equal in two accounts.
fn told(server: &Server, user: &str, password: &str) -> Vec<String> {
    let answers = imap(server, user, password, &ASK);
    let wanted = ["FETCH", "UIDVALIDITY", "UIDNEXT", "STATUS", "LSUB", "EXISTS"];
    let told = answers.lines().filter(|l| l.starts_with('*') && wanted.iter().any(|w| l.contains(w)));
    // What comes back is not recent.
    told.map(|l| l.replace("\\Recent ", "").replace("\\Recent", "")).collect()
}

#[test]
fn an_archive_moves_a_mailbox_with_its_uids_while_the_server_runs() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "tls-only", "");
    imap(&server, "alice", ALICE, &FOUR);
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (config, archive) = (&server.config, at("alice.tar"));

    let out = run(config, &["export", "alice@example.test", &archive, "--dry-run"]);
    assert_eq!(said(&out), "4 messages in 8 mailboxes, 60 octets, to export\n");
    assert!(!Path::new(&archive).exists());
    let out = run(config, &["export", "alice@example.test", &archive]);
    assert_eq!(said(&out), "4 messages in 8 mailboxes, 60 octets, exported\n");
    assert_eq!(text(&out.stderr), "", "no bar and no lines where the work is short");
    assert!(refused(&run(config, &["export", "alice@example.test", &archive])).contains("exists"));

    // Ordinary tools read it.
    let listed = Command::new("tar").arg("tf").arg(&archive).output().unwrap();
    assert!(text(&listed.stdout).contains("mailboxes/00001/0000000002.eml\n"), "{listed:?}");
    let one =
        Command::new("tar").arg("xOf").args([&archive, "mailboxes/00001/0000000001.eml"]).output().unwrap();
    assert_eq!(one.stdout, b"Subject: 1\r\n\r\nx");

    let out = run(config, &["import", "bob@example.test", &archive, "--dry-run"]);
    assert_eq!(said(&out), "4 messages in 8 mailboxes, 60 octets, to import\n");
    let out = run(config, &["import", "bob@example.test", &archive]);
    assert_eq!(said(&out), "4 messages in 8 mailboxes, 60 octets, imported\n");
    assert_eq!(told(&server, "bob", BOB), told(&server, "alice", ALICE));

    // A second time is refused, and says what to do.
    let why = refused(&run(config, &["import", "bob@example.test", &archive]));
    assert!(why.contains("the account has mail in") && why.contains("--merge"), "{why}");
    let out = run(config, &["import", "bob@example.test", &archive, "--merge", "--resume"]);
    assert_eq!(said(&out), "0 messages in 8 mailboxes, 0 octets, imported; 4 were there already\n");
    let out = run(config, &["import", "bob@example.test", &archive, "--merge", "--mailbox", "Work/*"]);
    assert_eq!(said(&out), "2 messages in 1 mailboxes, 30 octets, imported\n");

    // A running session is told of what came.
    let answers = imap(&server, "bob", BOB, &["SELECT Work/2024"]);
    assert!(answers.contains("* 4 EXISTS"), "{answers}");
    assert!(run(config, &["store", "check"]).status.success());

    // Cut off and damaged.
    let whole = fs::read(&archive).unwrap();
    fs::write(&archive, &whole[..whole.len() / 2]).unwrap();
    let why = refused(&run(config, &["import", "bob@example.test", &archive, "--dry-run"]));
    assert!(why.contains("account has mail"), "{why}");
    let why = refused(&run(config, &["import", "bob@example.test", &archive, "--merge", "--dry-run"]));
    assert!(why.contains("cut off"), "{why}");
    let mut changed = whole;
    let place = memchr_of(&changed, b"Subject: 3");
    changed[place] ^= 1;
    fs::write(&archive, &changed).unwrap();
    let out = run(config, &["import", "bob@example.test", &archive, "--merge"]);
    assert_eq!(out.status.code(), Some(3), "{out:?}");
    assert!(text(&out.stdout).contains("1 LEFT OUT"), "{out:?}");
    assert!(text(&out.stderr).contains("do not have their checksum"), "{out:?}");
}

fn memchr_of(octets: &[u8], what: &[u8]) -> usize {
    octets.windows(what.len()).position(|w| w == what).unwrap()
}

#[test]
fn mail_goes_through_pipes_maildirs_and_mbox_files() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "tls-only", "");
    imap(&server, "alice", ALICE, &FOUR);
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let config = &server.config;

    let piped = |args: &[&str], input: Stdio, output: Stdio| {
        binary().args(args).arg("--config").arg(config).stdin(input).stdout(output).output().unwrap()
    };
    let file = File::create(at("piped.tar")).unwrap();
    let out = piped(&["export", "alice@example.test", "-"], Stdio::null(), file.into());
    assert!(out.status.success());
    assert_eq!(text(&out.stderr), "4 messages in 8 mailboxes, 60 octets, exported\n");
    let file = File::open(at("piped.tar")).unwrap();
    let out = piped(&["import", "bob@example.test", "-", "--into", "All/of it"], file.into(), Stdio::piped());
    assert_eq!(said(&out), "4 messages in 8 mailboxes, 60 octets, imported\n");

    for (format, place) in [("maildir", "d"), ("mbox", "m")] {
        let out = run(config, &["export", "alice@example.test", &at(place), "--format", format]);
        assert_eq!(said(&out), "4 messages in 8 mailboxes, 60 octets, exported\n");
        assert!(
            refused(&run(config, &["export", "alice@example.test", &at(place), "--format", format]))
                .contains("has something in it")
        );
        let out = run(config, &["import", "bob@example.test", &at(place), "--dry-run"]);
        assert!(said(&out).starts_with("4 messages in 8 mailboxes"), "{out:?}");
        let out = run(config, &["import", "bob@example.test", &at(place)]);
        assert!(said(&out).ends_with(" imported\n"), "{out:?}");
    }
    assert!(Path::new(&at("d/.Work.2024/cur")).is_dir() && Path::new(&at("m/Work/2024.mbox")).is_file());
    // The flags came along, twice; so did the dates.
    let answers = imap(&server, "bob", BOB, &["SELECT INBOX", "UID FETCH 1:* (FLAGS INTERNALDATE)"]);
    let first: Vec<_> = answers.lines().filter(|l| l.contains("FETCH") && l.contains("$Forwarded")).collect();
    assert_eq!(first.len(), 2, "{answers}");
    assert!(
        first.iter().all(|l| l.contains("17-Jul-1996 09:44:25 +0000") && l.contains("\\Seen")),
        "{first:?}"
    );

    // One mbox file into one mailbox, twice.
    let one = at("m/Work/2024.mbox");
    for (args, said_of) in [(&[][..], "2 messages"), (&["--resume"], "0 messages")] {
        let args = [&["import", "bob@example.test", &one, "--into", "One"][..], args].concat();
        assert!(said(&run(config, &args)).starts_with(said_of));
    }
    assert!(run(config, &["store", "check"]).status.success());
}

#[test]
fn what_cannot_be_done_is_said_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "tls-only", "");
    let config = &server.config;
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("text"), "hello\n").unwrap();
    fs::write(at("a.zst"), b"\x28\xb5\x2f\xfd....").unwrap();
    fs::create_dir(at("empty")).unwrap();
    for (args, why) in [
        (&["export", "nobody@example.test", "x"][..], "user list"),
        (&["export", "nobody", "x"], "address"),
        (&["export", "alice@example.test", "-", "--format", "mbox"], "standard output"),
        (&["export", "alice@example.test", "/nowhere/x"], "/nowhere/x"),
        (&["import", "alice@example.test", &at("none")], "none"),
        (&["import", "alice@example.test", &at("text")], "--format"),
        (&["import", "alice@example.test", &at("a.zst")], "compressed"),
        (&["import", "alice@example.test", &at("empty")], "no mbox file"),
        (
            &["import", "alice@example.test", &at("text"), "--format", "mbox"],
            "does not begin with a From_ line",
        ),
        (&["import", "alice@example.test", &at("text"), "--format", "archive"], "cut off"),
        (&["import", "alice@example.test", &at("empty"), "--format", "maildir"], "is no Maildir"),
        (&["import", "alice@example.test", &at("text"), "--into", "a//b"], "--into a//b"),
    ] {
        let said = refused(&run(config, args));
        assert!(said.contains(why), "{args:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    for command in ["export", "import"] {
        let out = binary().args([command, "--help"]).output().unwrap();
        assert!(said(&out).contains("Examples:\n  mailserver"), "{out:?}");
    }
}
