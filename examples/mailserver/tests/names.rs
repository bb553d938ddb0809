//! Names in other spellings, and names that look alike.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use mailstore_sqlite::{Options, SqliteStore};
use support::{
    ALICE, Server,
    sasl::{Over, Protocol, connect, good, leave, login, with},
};

#[test]
fn a_mailbox_has_one_name_however_it_is_spelled() {
    let dir = tempfile::tempdir().unwrap();
    let more = "cram_md5 = true\n[[mailbox]]\naddress = \"j\u{f6}rg@example.test\"\npassword = \"sec ret\"\n";
    let server = Server::start(dir.path(), "always", more);
    // Two names that prepare to one are one; what only looks alike is another.
    for taken in ["jo\u{308}rg@example.test", "\u{ff41}lice@example.test", "al\u{ad}ice@example.test"] {
        let out = server.user(&["add", taken], "theirs\n");
        assert_eq!(out.status.code(), Some(1), "{out:?}");
        assert!(String::from_utf8_lossy(&out.stderr).contains("exists already"), "{out:?}");
    }
    let alike = "\u{430}lice@example.test";
    assert!(server.user(&["add", alike], "theirs\n").status.success());
    assert!(!server.user(&["add", "alice\u{200e}@example.test"], "theirs\n").status.success());

    let enters = |mechanism: &str, user: &str, password: &str| {
        let mut c = connect(&server, Protocol::Imap4, Over::Plain);
        let (_, last) = login(&mut c, Protocol::Imap4, mechanism, &with(mechanism, user, password));
        good(&last).then_some(c)
    };
    let by_command = |user: &str, password: &str| {
        let mut c = connect(&server, Protocol::Imap4, Over::Plain);
        let command = format!("LOGIN {{{}+}}\r\n{user} \"{password}\"", user.len());
        c.imap(&command).contains("t OK").then_some(c)
    };
    let mut first = enters("PLAIN", "j\u{f6}rg@example.test", "sec ret").unwrap();
    assert!(first.imap("CREATE Here").contains("t OK"));
    for spelled in ["j\u{f6}rg", "jo\u{308}rg@example.test", "J\u{d6}RG@Example.Test", "j\u{ad}\u{f6}rg"] {
        for mechanism in ["PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512", "CRAM-MD5"] {
            let mut c =
                enters(mechanism, spelled, "sec ret").unwrap_or_else(|| panic!("{mechanism} {spelled:?}"));
            assert!(c.imap("LIST \"\" *").contains("Here"), "{mechanism} {spelled:?}");
        }
        let mut c = by_command(spelled, "sec\u{a0}ret").unwrap_or_else(|| panic!("LOGIN {spelled:?}"));
        assert!(c.imap("LIST \"\" *").contains("Here"), "{spelled:?}");
    }
    // Each of the two that look alike is opened by its own password alone.
    for (user, password, right) in [
        ("alice@example.test", ALICE, true),
        ("\u{ff41}lice@example.test", ALICE, true),
        ("alice@example.test", "theirs", false),
        (alike, "theirs", true),
        (alike, ALICE, false),
        ("alice\u{200e}@example.test", ALICE, false),
        ("\u{ff41}lice@example.test", "theirs", false),
    ] {
        // No mechanism sends what cannot be prepared.
        for mechanism in ["PLAIN", "SCRAM-SHA-256"].iter().filter(|_| !user.contains('\u{200e}')) {
            assert_eq!(enters(mechanism, user, password).is_some(), right, "{mechanism} {user:?} {password}");
        }
        assert_eq!(by_command(user, password).is_some(), right, "{user:?} {password}");
    }
}

/// Names as earlier versions took them: as they were spelled.
#[test]
fn mailboxes_whose_names_were_stored_as_they_were_spelled_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let off = "[[mailbox]]\naddress = \"carol@example.test\"\npop3 = \"off\"\n";
    let server = Server::start(dir.path(), "always", off);
    for name in ["j\u{f6}rg@example.test", "dora@example.test"] {
        assert!(server.user(&["add", name], "sec ret\n").status.success());
    }
    assert!(server.user(&["passwd", "carol@example.test"], "sec ret\n").status.success());
    let config = server.config.clone();
    assert!(server.stop().0);
    let store = SqliteStore::open(dir.path().join("data"), Options::default()).unwrap();
    for (from, to) in [
        ("j\u{f6}rg@example.test", "Jo\u{308}rg@example.test"),
        ("carol@example.test", "CAROL@Example.Test"),
        // Two that are one by now; and what a login could never name.
        ("bob@example.test", "\u{ff44}ora@example.test"),
    ] {
        store.rename_account(from, to).unwrap();
    }
    store.create_account("postmaster", None).unwrap();
    store.close();
    drop(store);

    // An administrator sees it at once, without a server.
    let list = || {
        let out = support::binary().args(["user", "list", "--config"]).arg(&config).output().unwrap();
        assert!(out.status.success(), "{out:?}");
        String::from_utf8(out.stdout).unwrap()
    };
    let names = list();
    assert!(names.contains("j\u{f6}rg@example.test\n") && names.contains("carol@example.test\n"), "{names}");
    assert!(names.contains("\u{ff44}ora@example.test  (another mailbox has this name"), "{names}");
    assert!(names.contains("postmaster  (no mail address"), "{names}");

    let server = Server::start(dir.path(), "always", off);
    let enters = |protocol, user: &str, password: &str| {
        let mut c = connect(&server, protocol, Over::Plain);
        let (_, last) = login(&mut c, protocol, "PLAIN", &with("PLAIN", user, password));
        leave(&mut c, protocol, &last);
        good(&last)
    };
    for user in
        ["j\u{f6}rg@example.test", "jo\u{308}rg@example.test", "J\u{d6}RG", "carol", "CAROL@example.test"]
    {
        assert!(enters(Protocol::Imap4, user, "sec ret"), "{user:?}");
    }
    // The policy is said of the name as it is now, and holds.
    assert!(!enters(Protocol::Pop3, "carol@example.test", "sec ret"));
    assert!(enters(Protocol::Pop3, "jo\u{308}rg@example.test", "sec ret"));
    // Of the two, the one that has the name.
    assert!(enters(Protocol::Imap4, "dora@example.test", "sec ret"));
    assert!(!enters(Protocol::Imap4, "\u{ff44}ora@example.test", support::BOB));
    // Once that one is gone, the other takes its place.
    assert!(server.user(&["remove", "dora@example.test"], "").status.success());
    assert!(list().contains("dora@example.test\n"));
    assert!(enters(Protocol::Imap4, "\u{ff44}ora@example.test", support::BOB));
    assert!(server.user(&["remove", "postmaster"], "").status.success());
    assert!(!list().contains("postmaster"));
}
