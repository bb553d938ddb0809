use mail_session::auth::Plaintext;

use crate::support::Server;

#[tokio::test]
async fn capability_is_what_works() {
    let server = Server::new();
    let mut client = server.connect_with(Plaintext::Always).await;
    let mut names: Vec<String> =
        client.ok("CAPABILITY").await[0].split(' ').skip(2).map(str::to_owned).collect();
    names.sort();
    assert_eq!(
        names,
        [
            "APPENDLIMIT",
            "AUTH=LOGIN",
            "AUTH=PLAIN",
            "BINARY",
            "CHILDREN",
            "CONDSTORE",
            "CREATE-SPECIAL-USE",
            "ENABLE",
            "ESEARCH",
            "ID",
            "IDLE",
            "IMAP4rev1",
            "IMAP4rev2",
            "LIST-EXTENDED",
            "LIST-STATUS",
            "LITERAL+",
            "MOVE",
            "MULTIAPPEND",
            "NAMESPACE",
            "QRESYNC",
            "SASL-IR",
            "SEARCHRES",
            "SPECIAL-USE",
            "STATUS=SIZE",
            "UIDPLUS",
            "UNSELECT",
            "UTF8=ACCEPT",
        ]
    );
    let mut client = server.connect_with(Plaintext::TlsOnly).await;
    let line = client.ok("CAPABILITY").await.remove(0);
    assert!(line.contains("LOGINDISABLED") && !line.contains("AUTH="), "{line}");
    assert!(client.fails("LOGIN anna secret").await.starts_with("NO [PRIVACYREQUIRED]"));
}

#[tokio::test]
async fn logins() {
    let server = Server::new();
    let mut client = server.connect_with(Plaintext::Always).await;
    assert!(client.fails("LOGIN anna wrong").await.starts_with("NO [AUTHENTICATIONFAILED]"));
    assert!(client.fails("SELECT INBOX").await.starts_with("BAD"));
    assert!(
        client.fails("AUTHENTICATE PLAIN AGFubmEAd3Jvbmc=").await.starts_with("NO [AUTHENTICATIONFAILED]")
    );
    client.send("a AUTHENTICATE PLAIN\r\n").await;
    assert_eq!(client.line().await.trim_end(), "+");
    client.send("AGFubmEAc2VjcmV0\r\n").await;
    assert!(client.until("a ").await[0].starts_with("OK [CAPABILITY IMAP4rev1"));
    let mut client = server.connect_with(Plaintext::Always).await;
    client.send("a AUTHENTICATE PLAIN\r\n").await;
    client.line().await;
    client.send("*\r\n").await;
    assert!(client.until("a ").await[0].starts_with("BAD"));
    client.ok("AUTHENTICATE PLAIN AGFubmEAc2VjcmV0").await;
}

#[tokio::test]
async fn select_describes_the_mailbox() {
    let server = Server::new();
    let mut client = server.login().await;
    client.fill(2).await;
    client.append("INBOX (\\Seen $Work)", "x").await;
    let lines = client.run("SELECT INBOX").await;
    let has = |start: &str| lines.iter().any(|l| l.starts_with(start));
    assert!(has("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Work)"), "{lines:?}");
    assert!(has("* 3 EXISTS") && has("* 3 RECENT") && has("* OK [UNSEEN 1]"), "{lines:?}");
    assert!(
        has("* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Work \\*)]"),
        "{lines:?}"
    );
    assert!(has("* OK [UIDVALIDITY ") && has("* OK [UIDNEXT 4]"), "{lines:?}");
    assert!(has("* OK [HIGHESTMODSEQ "), "RFC 7162 section 3.1.2.1");
    assert!(lines.last().unwrap().starts_with("OK [READ-WRITE]"), "{lines:?}");
    let lines = client.run("EXAMINE inbox").await;
    assert!(lines.contains(&"* 0 RECENT".to_owned()) && lines.last().unwrap().starts_with("OK [READ-ONLY]"));
    assert!(lines.iter().any(|l| l.starts_with("* OK [PERMANENTFLAGS ()]")));
    assert!(client.fails("SELECT nothing").await.starts_with("NO [NONEXISTENT]"));
    assert!(
        client.fails("FETCH 1 FLAGS").await.starts_with("BAD"),
        "a refused SELECT leaves nothing selected"
    );
}

#[tokio::test]
async fn hierarchy_commands() {
    let server = Server::new();
    let mut client = server.login().await;
    client.ok("CREATE a/b/").await;
    client.ok("CREATE \"Entw&APw-rfe\"").await;
    assert!(client.fails("CREATE a/b").await.starts_with("NO [ALREADYEXISTS]"));
    assert!(client.fails("CREATE INBOX").await.starts_with("NO [ALREADYEXISTS]"));
    assert!(client.fails("CREATE \"Entw&APw\"").await.starts_with("NO [CANNOT]"));
    assert!(client.fails("CREATE a//c").await.starts_with("NO [CANNOT]"));
    client.ok("SUBSCRIBE a/b").await;
    let mut names = client.ok("LIST \"\" *").await;
    names.sort();
    assert_eq!(
        names,
        [
            "* LIST (\\HasChildren) \"/\" a",
            "* LIST (\\HasNoChildren) \"/\" Entw&APw-rfe",
            "* LIST (\\HasNoChildren) \"/\" INBOX",
            "* LIST (\\HasNoChildren) \"/\" a/b",
        ]
    );
    assert_eq!(client.ok("LIST \"\" \"\"").await, ["* LIST (\\Noselect) \"/\" \"\""]);
    assert_eq!(client.ok("LSUB \"\" %").await, ["* LSUB (\\Noselect) \"/\" a"]);
    assert_eq!(client.ok("LSUB \"\" a/%").await, ["* LSUB () \"/\" a/b"]);
    assert_eq!(client.ok("NAMESPACE").await, ["* NAMESPACE ((\"\" \"/\")) NIL NIL"]);
    client.ok("RENAME a c").await;
    assert_eq!(client.ok("LIST c/ %").await, ["* LIST (\\HasNoChildren) \"/\" c/b"]);
    assert!(client.fails("RENAME a x").await.starts_with("NO [NONEXISTENT]"));
    client.ok("DELETE c").await;
    assert_eq!(client.ok("LIST \"\" c").await, ["* LIST (\\NonExistent \\Noselect \\HasChildren) \"/\" c"]);
    assert!(client.fails("DELETE c").await.starts_with("NO [HASCHILDREN]"), "DELETE of a parent");
    assert!(client.fails("SELECT c").await.starts_with("NO [NONEXISTENT]"));
    client.ok("DELETE c/b").await;
    assert!(client.fails("DELETE c/b").await.starts_with("NO [NONEXISTENT]"));
    assert!(client.fails("DELETE INBOX").await.starts_with("NO [CANNOT]"));
    client.ok("UNSUBSCRIBE a/b").await;
    assert!(client.ok("LSUB \"\" *").await.is_empty());
    assert_eq!(client.ok("ID NIL").await, ["* ID (\"name\" \"tests\")"]);
}

#[tokio::test]
async fn uid_validity_after_delete_and_create_is_greater() {
    let server = Server::new();
    let mut client = server.login().await;
    let mut last = 0;
    for _ in 0..3 {
        client.ok("CREATE x").await;
        let line = client.ok("STATUS x (UIDVALIDITY)").await.remove(0);
        let now: u32 =
            line.strip_prefix("* STATUS x (UIDVALIDITY ").unwrap().trim_end_matches(')').parse().unwrap();
        assert!(now > last, "{now} {last}");
        last = now;
        client.ok("DELETE x").await;
    }
}

#[tokio::test]
async fn rename_of_inbox_moves_its_messages() {
    let server = Server::new();
    let mut client = server.select().await;
    client.ok("CREATE INBOX/below").await;
    client.fill(3).await;
    client.ok("NOOP").await;
    let lines = client.ok("RENAME INBOX old").await;
    assert_eq!(lines, ["* 3 EXPUNGE", "* 2 EXPUNGE", "* 1 EXPUNGE", "* 0 RECENT"]);
    assert_eq!(client.ok("STATUS old (MESSAGES)").await, ["* STATUS old (MESSAGES 3)"]);
    assert_eq!(client.ok("STATUS INBOX (MESSAGES)").await, ["* STATUS INBOX (MESSAGES 0)"]);
    assert_eq!(client.ok("LIST INBOX/ %").await.len(), 1, "what lies below stays");
    assert!(client.fails("RENAME INBOX old").await.starts_with("NO [ALREADYEXISTS]"));
}

#[tokio::test]
async fn status_counts() {
    let server = Server::new();
    let mut client = server.login().await;
    client.fill(2).await;
    client.append("INBOX (\\Seen)", "0123456789").await;
    let line = client.ok("STATUS INBOX (MESSAGES UNSEEN RECENT UIDNEXT)").await.remove(0);
    assert_eq!(line, "* STATUS INBOX (MESSAGES 3 RECENT 3 UIDNEXT 4 UNSEEN 2)");
    assert!(client.fails("STATUS nowhere (MESSAGES)").await.starts_with("NO [NONEXISTENT]"));
}

#[tokio::test]
async fn append_is_answered_before_the_literal_comes() {
    let server = Server::with_options(mailstore_api::MemoryOptions {
        append_limit: Some(1000),
        ..mailstore_api::MemoryOptions::default()
    });
    let mut client = server.select().await;
    client.send("a APPEND nowhere {10}\r\n").await;
    assert!(client.line().await.starts_with("a NO [TRYCREATE]"));
    client.send("b APPEND INBOX {1001}\r\n").await;
    assert!(client.line().await.starts_with("b NO [TOOBIG]"));
    client.send("c APPEND INBOX (\\Flagged kw) \" 7-Feb-1994 21:52:25 -0800\" {5}\r\n").await;
    assert!(client.line().await.starts_with("+ "));
    client.send("hello\r\n").await;
    let lines = client.until("c ").await;
    assert_eq!(&lines[..2], ["* 1 EXISTS", "* 1 RECENT"]);
    assert!(lines[2].starts_with("OK [APPENDUID ") && lines[2].contains(" 1] "), "{lines:?}");
    assert_eq!(
        client.ok("FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])").await,
        [
            "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft kw)",
            "* 1 FETCH (FLAGS (\\Flagged \\Recent kw) INTERNALDATE \" 7-Feb-1994 21:52:25 -0800\" RFC822.SIZE 5 BODY[] {5}\r\nhello)"
        ]
    );
    // A refused non-synchronizing literal never becomes commands.
    let answer = client.append("nowhere", "d NOOP\r\ne LOGOUT\r\n").await;
    assert!(answer.starts_with("NO [TRYCREATE]"), "{answer}");
    client.ok("NOOP").await;
    assert!(client.append("INBOX", "").await.starts_with("NO "), "RFC 3502 section 6.3.11");
}

#[tokio::test]
async fn store_in_all_its_forms() {
    let server = Server::new();
    let mut client = server.select().await;
    client.fill(3).await;
    client.ok("NOOP").await;
    assert_eq!(
        client.ok("STORE 1 +FLAGS (\\Deleted $a)").await,
        [
            "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $a)",
            "* 1 FETCH (FLAGS (\\Deleted \\Recent $a))"
        ]
    );
    assert_eq!(client.ok("STORE 1 FLAGS.SILENT (\\Seen)").await, [""; 0]);
    assert_eq!(client.ok("STORE 1:2 -FLAGS \\Draft").await.len(), 2);
    assert_eq!(client.ok("UID STORE 3 FLAGS ()").await, ["* 3 FETCH (UID 3 FLAGS (\\Recent))"]);
    assert_eq!(client.ok("FETCH 1 FLAGS").await, ["* 1 FETCH (FLAGS (\\Seen \\Recent))"]);
    assert_eq!(client.ok("STORE 1 +FLAGS (\\Recent)").await, ["* 1 FETCH (FLAGS (\\Seen \\Recent))"]);
    assert!(client.fails("STORE 1 +FLAGS (\\Strange)").await.starts_with("NO"));
    assert!(client.fails("STORE 4 +FLAGS (\\Seen)").await.starts_with("BAD"));
    assert_eq!(client.ok("UID STORE 99 +FLAGS (\\Seen)").await, [""; 0]);
    client.ok("EXAMINE INBOX").await;
    assert!(client.fails("STORE 1 +FLAGS (\\Seen)").await.starts_with("NO"));
    assert!(client.fails("EXPUNGE").await.starts_with("NO"));
    assert!(client.fails("MOVE 1 INBOX").await.starts_with("NO"));
}

#[tokio::test]
async fn copy_and_move_say_where_messages_went() {
    let server = Server::new();
    let mut client = server.select().await;
    client.fill(4).await;
    client.ok("CREATE to").await;
    let last = client.run("COPY 2:3 to").await.pop().unwrap();
    assert!(last.starts_with("OK [COPYUID ") && last.contains(" 2:3 1:2] "), "{last}");
    let lines = client.run("UID MOVE 1,4 to").await;
    assert!(lines[0].starts_with("* OK [COPYUID ") && lines[0].contains(" 1,4 3:4] "), "{lines:?}");
    assert_eq!(&lines[1..3], ["* 4 EXPUNGE", "* 1 EXPUNGE"]);
    assert!(client.fails("COPY 1 nowhere").await.starts_with("NO [TRYCREATE]"));
    assert!(client.fails("MOVE 1 nowhere").await.starts_with("NO [TRYCREATE]"));
    assert!(client.fails("COPY 9 to").await.starts_with("BAD"));
    let last = client.run("UID COPY 77 to").await.pop().unwrap();
    assert!(last.starts_with("OK COPY"), "{last}");
    // MOVE into the same mailbox.
    let lines = client.run("MOVE 1 INBOX").await;
    assert!(lines[0].contains(" 2 5] "), "{lines:?}");
    assert!(
        lines.contains(&"* 1 EXPUNGE".to_owned()) && lines.contains(&"* 2 EXISTS".to_owned()),
        "{lines:?}"
    );
    assert_eq!(client.ok("UID SEARCH ALL").await, ["* SEARCH 3 5"]);
}

#[tokio::test]
async fn expunge_close_and_unselect() {
    let server = Server::new();
    let mut client = server.select().await;
    client.fill(5).await;
    client.ok("STORE 1,3,5 +FLAGS.SILENT (\\Deleted)").await;
    assert_eq!(client.ok("UID EXPUNGE 3:4").await, ["* 3 EXPUNGE", "* 4 RECENT"]);
    assert_eq!(client.ok("EXPUNGE").await, ["* 4 EXPUNGE", "* 1 EXPUNGE", "* 2 RECENT"]);
    client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)").await;
    // CLOSE of a mailbox that was EXAMINEd.
    client.ok("EXAMINE INBOX").await;
    assert_eq!(client.ok("CLOSE").await, [""; 0]);
    assert!(client.ok("SELECT INBOX").await.contains(&"* 2 EXISTS".to_owned()));
    client.ok("UNSELECT").await;
    assert!(client.ok("SELECT INBOX").await.contains(&"* 2 EXISTS".to_owned()));
    assert_eq!(client.ok("CLOSE").await, [""; 0], "no EXPUNGE responses");
    assert!(client.fails("FETCH 1 FLAGS").await.starts_with("BAD"));
    assert!(client.ok("SELECT INBOX").await.contains(&"* 1 EXISTS".to_owned()));
}

#[tokio::test]
async fn search_keys_and_charsets() {
    let server = Server::new();
    let mut client = server.select().await;
    client
        .append("INBOX (\\Seen)", "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nFrom: a@b\r\n\r\nhello\r\n")
        .await;
    client.append("INBOX", "Subject: two\r\nTo: c@d\r\n\r\nworld\r\n").await;
    client.append("INBOX (\\Deleted kw)", "Subject: three\r\n\r\nhello world\r\n").await;
    for (keys, found) in [
        ("ALL", "1 2 3"),
        ("UNSEEN", "2 3"),
        ("SEEN DELETED", ""),
        ("OR SEEN DELETED", "1 3"),
        ("NOT (OR SEEN DELETED)", "2"),
        ("KEYWORD kw", "3"),
        ("UNKEYWORD kw", "1 2"),
        ("RECENT", "1 2 3"),
        ("OLD", ""),
        ("NEW", "2 3"),
        ("2:*", "2 3"),
        ("5:9", ""),
        ("UID 2:*", "2 3"),
        ("SUBJECT two", "2"),
        ("FROM a@", "1"),
        ("TO c@d", "2"),
        ("HEADER Subject \"\"", "1 2 3"),
        ("BODY hello", "1 3"),
        ("TEXT Subject", "1 2 3"),
        ("SINCE 1-Jan-2001", "1 2 3"),
        ("BEFORE 1-Jan-2001", ""),
        ("LARGER 10 SMALLER 40", "2 3"),
        ("CHARSET UTF-8 SUBJECT \"\u{fc}\u{df}\"", "1"),
    ] {
        let lines = client.ok(&format!("SEARCH {keys}")).await;
        assert_eq!(lines, [format!("* SEARCH {found}").trim_end()], "{keys}");
    }
    client.send(b"x SEARCH CHARSET ISO-8859-1 SUBJECT {2+}\r\n\xfc\xdf\r\n").await;
    assert_eq!(client.until("x ").await[0], "* SEARCH 1");
    assert!(client.fails("SEARCH CHARSET X-NONE ALL").await.starts_with("NO [BADCHARSET"));
    assert!(client.fails("SEARCH FOO").await.starts_with("BAD"));
    client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)").await;
    client.ok("EXPUNGE").await;
    assert_eq!(client.ok("SEARCH ALL").await, ["* SEARCH 1"]);
    assert_eq!(client.ok("UID SEARCH ALL").await, ["* SEARCH 2"]);
    client.ok("CREATE empty").await;
    client.ok("SELECT empty").await;
    assert_eq!(client.ok("SEARCH 1:* UNSEEN").await, ["* SEARCH"]);
}

#[tokio::test]
async fn logout_and_shutdown_say_bye() {
    let server = Server::new();
    let mut client = server.select().await;
    let lines = client.run("LOGOUT").await;
    assert!(lines[0].starts_with("* BYE") && lines[1].starts_with("OK"));
    assert_eq!(client.line().await, "");
    let mut idle = server.select().await;
    idle.send("a IDLE\r\n").await;
    assert!(idle.line().await.starts_with('+'));
    server.stop();
    assert!(idle.line().await.starts_with("* BYE"));
    assert_eq!(idle.line().await, "");
}
