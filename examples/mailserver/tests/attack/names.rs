//! Names of mailboxes that mean something else to a file system, a terminal or a program in C.

use std::{collections::BTreeSet, path::Path};

use crate::ground::{Ground, IMAP};

fn names() -> Vec<String> {
    let mut all: Vec<String> = [
        "..",
        ".",
        "../..",
        "../../../../etc/passwd",
        "/",
        "//",
        "/etc/passwd",
        "a/../../b",
        "a/./b",
        "a//b",
        "/a",
        "a/",
        "a/ /b",
        "~",
        "~root",
        "$HOME",
        "`id`",
        "$(id)",
        ";id",
        "|id",
        "a\\\\..\\\\b",
        "C:\\\\x",
        "con",
        "nul",
        "INBOX/..",
        "inbox/x",
        "INBOX/",
        "%",
        "*",
        "a%b",
        "a*b",
        "a.b",
        " ",
        " a",
        "a ",
        "-rf",
        "--help",
        "&",
        "&-",
        "&AAA-",
        "&AAAALgAu-",
        "&AC4ALg-",
        "&AC8-",
        "a&AC8-b",
        "&2AA-",
        "&3AA-",
        "&IK4-",
        "&IAsgDg-",
        "mail.db",
        "cert.pem",
        "data",
        "tmp",
        "bodies",
        "'; DROP TABLE mailbox; --",
        "\\\"",
        "%s%n",
        "NIL",
    ]
    .map(str::to_owned)
    .into();
    all.push("x".repeat(10_000));
    all.push("x/".repeat(5000) + "x");
    all.push("../".repeat(3000));
    all
}

/// Every file below `dir`, but those of the store, whose names are its own.
fn files(dir: &Path) -> BTreeSet<String> {
    std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn no_name_of_a_mailbox_leads_out_of_the_store() {
    let mut ground = Ground::new();
    let (dir, data) = (ground.dir.path().to_owned(), ground.dir.path().join("data"));
    let before = (files(dir.parent().unwrap()).len(), files(&dir), files(&data));
    let mut raw = ground.alice(IMAP);
    let mut made = 0;
    for name in names() {
        for command in [
            "CREATE",
            "SUBSCRIBE",
            "SELECT",
            "STATUS",
            "RENAME a",
            "RENAME",
            "APPEND",
            "COPY 1",
            "UNSUBSCRIBE",
            "DELETE",
        ] {
            let rest = match command {
                "STATUS" => " (MESSAGES)",
                "RENAME" => " renamed",
                "APPEND" => " {3+}\r\nabc",
                _ => "",
            };
            // Ten wrong ones in a row may end the connection.
            if !raw.send(format!("a {command} \"{name}\"{rest}\r\n")) || !raw.answered(b"a ") {
                raw = ground.alice(IMAP);
            }
            made += usize::from(command == "CREATE" && raw.said.starts_with(b"a OK"));
            raw.said.clear();
        }
        // As a literal anything goes, control characters and NUL too.
        for bad in [format!("{name}\0"), format!("{name}\r\n"), format!("\x01{name}"), format!("{name}\x7f")]
        {
            raw.send(format!("a CREATE {{{}+}}\r\n{bad}\r\n", bad.len()));
            if !raw.answered(b"a ") {
                raw = ground.alice(IMAP);
            }
            assert!(!raw.said.windows(4).any(|w| w == b"a OK"), "{bad:?}");
            raw.said.clear();
        }
    }
    println!("{made} of {} names were made", names().len());
    raw.send("b LIST \"\" *\r\n");
    assert!(raw.answered(b"b OK"));
    // What is shown is one line each: nothing that was made breaks it.
    for line in raw.said.split(|c| *c == b'\n').filter(|l| !l.is_empty()) {
        assert!(line.starts_with(b"* LIST (") || line.starts_with(b"b OK"), "{}", line.escape_ascii());
    }
    assert_eq!(files(&dir), before.1, "nothing beside the store");
    let new: Vec<_> = files(&data).difference(&before.2).cloned().collect();
    assert!(new.iter().all(|n| !n.contains("..") && !n.contains("renamed") && n.len() < 40), "{new:?}");
    drop(raw);
    ground.serves();
    ground.held(48);
}
