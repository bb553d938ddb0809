//! ESEARCH, extended LIST, STATUS=SIZE, CREATE-SPECIAL-USE, MULTIAPPEND, APPENDLIMIT.

use mailstore_api::MemoryOptions;

use crate::support::Server;

#[tokio::test]
async fn esearch_returns_what_was_asked() {
    let server = Server::new();
    let mut client = server.select().await;
    client.fill(5).await;
    client.ok("STORE 2 +FLAGS.SILENT (\\Deleted)").await;
    client.ok("EXPUNGE").await;
    // RFC 4731 section 3.1
    for (command, answer) in [
        ("SEARCH RETURN (MIN COUNT) 2:*", " MIN 2 COUNT 3"),
        ("SEARCH RETURN () ALL", " ALL 1:4"),
        ("SEARCH RETURN (ALL) OR 1 3", " ALL 1,3"),
        ("UID SEARCH RETURN (MIN MAX COUNT ALL) ALL", " UID MIN 1 MAX 5 ALL 1,3:5 COUNT 4"),
        ("SEARCH RETURN (MAX) CHARSET UTF-8 SUBJECT 3", " MAX 2"),
        // Nothing found: no MIN, MAX, ALL; COUNT is 0.
        ("UID SEARCH RETURN (MIN MAX ALL) DELETED", " UID"),
        ("SEARCH RETURN (COUNT) DELETED", " COUNT 0"),
    ] {
        let lines = client.ok(command).await;
        assert_eq!(lines.len(), 1, "{command}");
        let (tag, rest) = lines[0].split_once(')').unwrap();
        assert!(tag.starts_with("* ESEARCH (TAG \"t"), "{tag}");
        assert_eq!(rest, answer, "{command}");
    }
    assert!(client.fails("SEARCH RETURN (FOO) ALL").await.starts_with("BAD"));
    // MODSEQ of what is told of (RFC 4731 section 3.2).
    let modseq =
        |lines: Vec<String>| lines.iter().find_map(|l| l.split_once(" MODSEQ ").map(|m| m.1.to_owned()));
    client.ok("STORE 1 +FLAGS.SILENT (\\Seen)").await;
    client.ok("STORE 4 +FLAGS.SILENT (\\Seen)").await;
    let one = modseq(client.ok("SEARCH RETURN (MIN) MODSEQ 1").await).unwrap();
    let both = modseq(client.ok("SEARCH RETURN (MIN MAX) MODSEQ 1").await).unwrap();
    let all = modseq(client.ok("SEARCH RETURN (COUNT) MODSEQ 1").await).unwrap();
    assert_eq!(both, all);
    assert!(one.parse::<u64>().unwrap() < both.parse::<u64>().unwrap());
    assert_eq!(modseq(client.ok("SEARCH RETURN (COUNT) MODSEQ 99999").await), None);
}

#[tokio::test]
async fn list_extended_selects_and_returns() {
    let server = Server::new();
    let mut client = server.login().await;
    for name in ["Fruit/Apple", "Fruit/Banana", "Vegetable", "Tofu"] {
        client.ok(&format!("CREATE {name}")).await;
    }
    for name in ["Fruit/Banana", "Vegetable", "Gone"] {
        client.ok(&format!("SUBSCRIBE {name}")).await;
    }
    let banana = "* LIST (\\HasNoChildren \\Subscribed) \"/\" Fruit/Banana";
    let gone = "* LIST (\\NonExistent \\Noselect \\HasNoChildren \\Subscribed) \"/\" Gone";
    let vegetable = "* LIST (\\HasNoChildren \\Subscribed) \"/\" Vegetable";
    // RFC 5258 section 5, examples 2, 3, 5, 9
    assert_eq!(sorted(client.ok("LIST (SUBSCRIBED) \"\" *").await), sorted([banana, gone, vegetable]));
    let lines = client.ok("LIST \"\" (INBOX Tofu \"Fruit/%\") RETURN (CHILDREN SUBSCRIBED)").await;
    assert_eq!(
        lines,
        [
            "* LIST (\\HasNoChildren) \"/\" INBOX",
            "* LIST (\\HasNoChildren) \"/\" Fruit/Apple",
            banana,
            "* LIST (\\HasNoChildren) \"/\" Tofu"
        ]
    );
    let lines = client.ok("LIST (SUBSCRIBED RECURSIVEMATCH) \"\" %").await;
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].ends_with("\"/\" Fruit (\"CHILDINFO\" (\"SUBSCRIBED\"))"), "{lines:?}");
    assert!(lines[0].contains("\\HasChildren") && !lines[0].contains("\\Subscribed"), "{lines:?}");
    let lines = client.ok("LIST (SUBSCRIBED RECURSIVEMATCH) \"\" *").await;
    assert_eq!(sorted(lines), sorted([banana, gone, vegetable]), "no parent of what is shown anyway");
    // RFC 9051 section 6.3.9: an empty name is ignored, whatever stands before it.
    for empty in ["LIST () Tofu \"\"", "LIST Tofu (\"\" none)", "LIST Tofu \"\" RETURN ()"] {
        assert_eq!(client.ok(empty).await, [""; 0], "{empty}");
    }
    assert_eq!(client.ok("LIST () \"\" Tofu").await, ["* LIST (\\HasNoChildren) \"/\" Tofu"]);
    assert_eq!(client.ok("LIST (SUBSCRIBED) \"\" \"\"").await, [""; 0], "section 3: no special meaning");
    for bad in ["LIST (RECURSIVEMATCH) \"\" *", "LIST (FOO) \"\" *", "LIST \"\" * RETURN (FOO)"] {
        assert!(client.fails(bad).await.starts_with("BAD"), "{bad}");
    }
}

fn sorted<S: Into<String>>(lines: impl IntoIterator<Item = S>) -> Vec<String> {
    let mut lines: Vec<String> = lines.into_iter().map(Into::into).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn list_with_status_and_sizes() {
    let server = Server::new();
    let mut client = server.login().await;
    client.ok("CREATE a/b").await;
    client.ok("DELETE a").await;
    client.append("a/b", "0123456789").await;
    client.append("a/b (\\Seen)", "01234").await;
    // RFC 5819: after each line or at the end; none for what cannot be selected.
    let lines = client.ok("LIST \"\" * RETURN (STATUS (MESSAGES UNSEEN SIZE APPENDLIMIT))").await;
    let status: Vec<_> = lines.iter().filter(|l| l.starts_with("* STATUS")).collect();
    assert_eq!(
        status,
        [
            "* STATUS INBOX (MESSAGES 0 UNSEEN 0 SIZE 0 APPENDLIMIT NIL)",
            "* STATUS a/b (MESSAGES 2 UNSEEN 1 SIZE 15 APPENDLIMIT NIL)"
        ]
    );
    assert_eq!(client.ok("STATUS a/b (SIZE)").await, ["* STATUS a/b (SIZE 15)"]);
}

#[tokio::test]
async fn a_mailbox_is_created_for_a_use() {
    let server = Server::new();
    let mut client = server.login().await;
    // RFC 6154 section 5.4
    client.ok("CREATE My/Papers (USE (\\Drafts \\Archive))").await;
    let lines = client.ok("LIST (SPECIAL-USE) \"\" *").await;
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("\\Archive") && lines[0].contains("\\Drafts"), "{lines:?}");
    assert!(client.fails("CREATE x (USE (\\Nonsense))").await.starts_with("NO [USEATTR]"));
    assert_eq!(client.ok("LIST \"\" x").await, [""; 0]);
    assert_eq!(client.ok("LIST \"\" My/% RETURN (SPECIAL-USE)").await, lines);
}

#[tokio::test]
async fn several_messages_come_all_or_none() {
    let options = MemoryOptions { append_limit: Some(100), ..MemoryOptions::default() };
    let server = Server::with_options(options);
    let mut client = server.select().await;
    let before = client.ok("STATUS INBOX (UIDNEXT APPENDLIMIT)").await;
    assert_eq!(before, ["* STATUS INBOX (UIDNEXT 1 APPENDLIMIT 100)"]);
    client
        .send("a APPEND INBOX (\\Seen) {3+}\r\none (\\Flagged) \" 7-Feb-1994 21:52:25 -0800\" {3}\r\n")
        .await;
    assert!(client.line().await.starts_with("+ "));
    client.send("two {5+}\r\nthree\r\n").await;
    let lines = client.until("a ").await;
    assert_eq!(lines[..2], ["* 3 EXISTS", "* 3 RECENT"]);
    assert!(lines[2].starts_with("OK [APPENDUID ") && lines[2].contains(" 1:3]"), "{lines:?}");
    let lines = client.ok("FETCH 1:* (FLAGS BODY.PEEK[])").await;
    assert!(lines[1].contains("\\Flagged") && lines[1].ends_with("two)"), "{lines:?}");
    // Too large, too short, no flag, cut off, no syntax: nothing of it is there.
    client.send("b APPEND INBOX {3+}\r\none {101}\r\n").await;
    assert!(client.until("b ").await[0].starts_with("NO [TOOBIG]"));
    client.send("c APPEND INBOX {3+}\r\none {0+}\r\n\r\n").await;
    assert!(client.until("c ").await[0].starts_with("NO "), "RFC 3502 section 6.3.11");
    client.send("d APPEND INBOX {3+}\r\none (\\Strange) {3+}\r\ntwo\r\n").await;
    assert!(client.until("d ").await[0].starts_with("NO "));
    client.send("e APPEND INBOX {3+}\r\none foo\r\n").await;
    assert!(client.until("e ").await[0].starts_with("BAD "));
    assert_eq!(client.ok("STATUS INBOX (MESSAGES UIDNEXT)").await, ["* STATUS INBOX (MESSAGES 3 UIDNEXT 4)"]);
    let mut other = server.login().await;
    other.send("f APPEND INBOX {3+}\r\none {3+}\r\nt").await;
    drop(other);
    assert_eq!(client.ok("NOOP").await, [""; 0]);
}

/// RFC 7889 section 2: a number in CAPABILITY is that of all mailboxes.
#[tokio::test]
async fn the_append_limit_is_announced_as_it_is() {
    for (of_store, said) in
        [(None, " APPENDLIMIT=1000 "), (Some(1000), " APPENDLIMIT=1000 "), (Some(100), " APPENDLIMIT ")]
    {
        let options = MemoryOptions { append_limit: of_store, ..MemoryOptions::default() };
        let server = Server::with_options(options).append_limit(1000);
        let mut client = server.connect_with(mail_session::auth::Plaintext::Always).await;
        let logged_in = client.run("LOGIN anna secret").await.pop().unwrap();
        let listed = client.ok("CAPABILITY").await.pop().unwrap();
        for line in [logged_in, listed] {
            assert!(format!("{} ", line.replace(']', " ")).contains(said), "{line}");
        }
        let limit = of_store.unwrap_or(1000);
        assert_eq!(
            client.ok("STATUS INBOX (APPENDLIMIT)").await,
            [format!("* STATUS INBOX (APPENDLIMIT {limit})")]
        );
    }
}

#[tokio::test]
async fn a_saved_result_stands_for_a_set() {
    let server = Server::new();
    let mut client = server.select().await;
    client.fill(6).await;
    client.ok("CREATE x").await;
    let fetched = async |client: &mut crate::support::Client| {
        let lines = client.ok("FETCH $ UID").await;
        lines.iter().map(|l| l.split(' ').nth(1).unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(fetched(&mut client).await, "", "nothing is saved yet");
    // RFC 5182 section 2.1: no answer where nothing else is asked.
    assert_eq!(client.ok("SEARCH RETURN (SAVE) 2:4").await, [""; 0]);
    assert_eq!(fetched(&mut client).await, "2 3 4");
    assert_eq!(client.ok("UID FETCH $ UID").await.len(), 3);
    assert_eq!(client.ok("SEARCH $ SUBJECT 3").await, ["* SEARCH 3"]);
    assert_eq!(client.ok("UID SEARCH UID $ NOT 2").await, ["* SEARCH 3 4"]);
    // Section 2.4: what is saved with MIN and MAX.
    for (options, saved) in [
        ("SAVE MIN", "2"),
        ("SAVE MAX", "5"),
        ("SAVE MIN MAX", "2 5"),
        ("SAVE MIN COUNT", "2 3 4 5"),
        ("SAVE ALL MIN", "2 3 4 5"),
    ] {
        let lines = client.ok(&format!("UID SEARCH RETURN ({options}) 2:5")).await;
        assert!(lines[0].starts_with("* ESEARCH"), "{lines:?}");
        assert_eq!(fetched(&mut client).await, saved, "{options}");
    }
    // Without SAVE it stays, after BAD it stays; after NO it is empty (section 2.1).
    client.ok("SEARCH RETURN (COUNT) 1").await;
    assert!(client.fails("SEARCH RETURN (SAVE) NONSENSE").await.starts_with("BAD"));
    assert_eq!(fetched(&mut client).await, "2 3 4 5");
    assert!(client.fails("SEARCH RETURN (SAVE) CHARSET X-NONE ALL").await.starts_with("NO [BADCHARSET"));
    assert_eq!(fetched(&mut client).await, "");
    // The result is used in the search that replaces it.
    client.ok("SEARCH RETURN (SAVE) 2:5").await;
    client.ok("SEARCH RETURN (SAVE) $ 1:3").await;
    assert_eq!(fetched(&mut client).await, "2 3");
    // Everywhere a set may stand.
    assert_eq!(client.ok("STORE $ +FLAGS (\\Deleted)").await.len(), 2);
    assert!(client.run("COPY $ x").await.pop().unwrap().contains(" 2:3 1:2]"));
    assert_eq!(client.ok("UID EXPUNGE $").await[..2], ["* 3 EXPUNGE", "* 2 EXPUNGE"]);
    assert_eq!(fetched(&mut client).await, "", "what is expunged is no part of it");
    client.ok("SEARCH RETURN (SAVE) UID 4").await;
    assert!(client.run("MOVE $ x").await[0].contains(" 4 3]"));
    client.ok("SEARCH RETURN (SAVE) ALL").await;
    client.ok("SELECT x").await;
    assert_eq!(fetched(&mut client).await, "", "SELECT forgets it");
}

#[tokio::test]
async fn binary_undoes_the_transfer_encoding() {
    let server = Server::new();
    let mut client = server.select().await;
    // Once small enough to be kept, once read in pieces.
    for lines in [1, 8000] {
        let base64 = "AAECaGVsbG8gd29ybGQhIQAAAAAA\r\n".repeat(lines);
        let message = format!(
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n\
             --b\r\nContent-Transfer-Encoding: BASE64\r\nContent-Type: image/gif\r\n\r\n{base64}\r\n\
             --b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A4=\r\nb\r\n\
             --b\r\nContent-Transfer-Encoding: x-strange\r\n\r\n???\r\n\
             --b\r\n\r\nplain\r\n--b--\r\n"
        );
        client.append("INBOX", &message).await;
        let size = 21 * lines;
        let seq = if lines == 1 { 1 } else { 2 };
        let sizes = client.ok(&format!("FETCH {seq} (BINARY.SIZE[1] BINARY.SIZE[2] BINARY.SIZE[4])")).await;
        assert_eq!(
            sizes[0],
            format!("* {seq} FETCH (BINARY.SIZE[1] {size} BINARY.SIZE[2] 3 BINARY.SIZE[4] 5)")
        );
        let content = "\0\u{1}\u{2}hello world!!\0\0\0\0\0".repeat(lines);
        let answer = client.ok(&format!("FETCH {seq} BINARY.PEEK[1]")).await;
        assert!(answer[0] == format!("* {seq} FETCH (BINARY[1] ~{{{size}}}\r\n{content})"), "{lines}");
        let from = size - 18;
        let answer = client.ok(&format!("FETCH {seq} BINARY.PEEK[1]<{from}.5>")).await;
        assert_eq!(answer, [format!("* {seq} FETCH (BINARY[1]<{from}> ~{{5}}\r\nhello)")]);
        let answer = client.ok(&format!("FETCH {seq} (BINARY.PEEK[2] BINARY.PEEK[9])")).await;
        assert_eq!(answer, [format!("* {seq} FETCH (BINARY[2] ~{{3}}\r\n\u{e4}b BINARY[9] NIL)")]);
        // RFC 3516 section 4.3
        let answer = client.fails(&format!("FETCH {seq} BINARY.PEEK[3]")).await;
        assert!(answer.starts_with("NO [UNKNOWN-CTE] "), "{answer}");
        let answer = client.ok(&format!("FETCH {seq} BINARY[4]")).await;
        assert_eq!(answer, [format!("* {seq} FETCH (BINARY[4] ~{{5}}\r\nplain FLAGS (\\Seen \\Recent))")]);
    }
    // Section 4.4: octets in are octets out.
    client.send(b"a APPEND INBOX ~{7+}\r\n\r\n\0a\r\n\xff\r\n").await;
    assert!(client.until("a ").await.last().unwrap().starts_with("OK [APPENDUID "));
    client.send("b FETCH 3 BINARY.PEEK[]\r\n").await;
    assert_eq!(client.octets().await, b"* 3 FETCH (BINARY[] ~{7}\r\n\r\n\0a\r\n\xff)");
    client.until("b ").await;
}

#[tokio::test]
async fn imap4rev2_is_enabled() {
    let server = Server::new();
    let mut one = server.login().await;
    one.fill(2).await;
    assert_eq!(one.ok("ENABLE IMAP4rev2").await, ["* ENABLED IMAP4rev2"]);
    // RFC 9051 section 5.1: names in UTF-8; for others they still are in modified UTF-7.
    one.ok("CREATE \"Entw\u{fc}rfe\" (USE (\\Drafts))").await;
    let mut two = server.login().await;
    assert_eq!(two.ok("LIST \"\" E%").await, ["* LIST (\\HasNoChildren \\Drafts) \"/\" Entw&APw-rfe"]);
    // Section 6.3.2: LIST, CLOSED; no RECENT, no UNSEEN.
    let lines = one.ok("SELECT INBOX").await;
    assert!(lines.contains(&"* LIST () \"/\" INBOX".to_owned()), "{lines:?}");
    assert!(!lines.iter().any(|l| l.contains("RECENT") || l.contains("UNSEEN")), "{lines:?}");
    let lines = one.ok("SELECT \"Entw\u{fc}rfe\"").await;
    assert_eq!(lines[0], "* OK [CLOSED] Previous mailbox is now closed");
    assert!(lines.contains(&"* LIST (\\Drafts) \"/\" \"Entw\u{fc}rfe\"".to_owned()), "{lines:?}");
    one.ok("SELECT INBOX").await;
    let seen = one.ok("FETCH 1:2 FLAGS").await;
    assert_eq!(seen, ["* 1 FETCH (FLAGS ())", "* 2 FETCH (FLAGS ())"]);
    // Section 6.4.4: always ESEARCH.
    let lines = one.ok("SEARCH ALL").await;
    assert!(lines[0].starts_with("* ESEARCH (TAG \"") && lines[0].ends_with(") ALL 1:2"), "{lines:?}");
    let lines = one.ok("UID SEARCH SEEN").await;
    assert!(lines[0].starts_with("* ESEARCH (TAG \"") && lines[0].ends_with(") UID"), "{lines:?}");
    one.ok("STORE 2 +FLAGS.SILENT (\\Deleted)").await;
    assert_eq!(
        one.ok("STATUS INBOX (MESSAGES DELETED SIZE)").await[0].split(" SIZE").next().unwrap(),
        "* STATUS INBOX (MESSAGES 2 DELETED 1"
    );
    assert_eq!(two.ok("SELECT INBOX").await.iter().filter(|l| l.contains("LIST")).count(), 0);
    assert_eq!(two.ok("SEARCH ALL").await, ["* SEARCH 1 2"]);
    two.fill(1).await;
    assert_eq!(one.ok("NOOP").await, ["* 3 EXISTS"], "no RECENT");
}

#[tokio::test]
async fn a_new_keyword_is_announced_before_it_is_shown() {
    let server = Server::new();
    let mut one = server.select().await;
    one.append("INBOX ($Old)", "x").await;
    let mut two = server.select().await;
    let flags = "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft";
    let lines = one.ok("STORE 1 +FLAGS ($New)").await;
    assert_eq!(lines[0], format!("{flags} $New $Old)"));
    assert_eq!(one.ok("STORE 1 -FLAGS ($New)").await.len(), 1, "told once");
    one.ok("STORE 1 +FLAGS ($New)").await;
    let lines = two.ok("NOOP").await;
    assert_eq!(lines, [format!("{flags} $New $Old)"), "* 1 FETCH (FLAGS ($Old $New))".to_owned()]);
    one.append("INBOX ($Third)", "y").await;
    two.ok("NOOP").await;
    let lines = two.ok("FETCH 2 FLAGS").await;
    assert_eq!(lines[0], format!("{flags} $New $Old $Third)"));
    assert_eq!(two.ok("FETCH 2 FLAGS").await.len(), 1);
}

/// RFC 6855 section 4; by the named policy, such a message is taken as it is.
#[tokio::test]
async fn an_eight_bit_header_wants_utf8_accept_where_the_policy_is_strict() {
    let eight = "Subject: \u{fc}ber\r\n\r\nbody\r\n";
    let tolerant = Server::new();
    let mut client = tolerant.login().await;
    assert!(client.append("INBOX", eight).await.starts_with("OK"));
    let server = Server::new().strict_headers();
    let mut client = server.login().await;
    assert!(client.append("INBOX", eight).await.starts_with("NO [CANNOT]"));
    assert!(
        client.append("INBOX", "Subject: x\r\n\r\n\u{fc}ber\r\n").await.starts_with("OK"),
        "the body is free"
    );
    client.ok("ENABLE UTF8=ACCEPT").await;
    assert!(client.append("INBOX", eight).await.starts_with("OK"));
    client.ok("NOOP").await;
}
