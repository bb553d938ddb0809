//! SEARCH at its edges: charsets, scripts, long texts, and `$` wherever a set may stand.

use crate::support::{Client, Server};

/// The numbers that a search for these octets finds.
async fn search(client: &mut Client, before: &str, text: &[u8]) -> String {
    client.send(format!("s SEARCH {before} {{{}+}}\r\n", text.len())).await;
    client.send(text).await;
    client.send("\r\n").await;
    let mut lines = client.until("s ").await;
    let last = lines.pop().unwrap();
    match lines.first().and_then(|l| l.strip_prefix("* SEARCH")) {
        Some(found) if last.starts_with("OK") => found.trim().to_owned(),
        _ => last,
    }
}

#[tokio::test]
async fn texts_are_converted_from_the_charset_that_is_named() {
    let server = Server::new();
    let mut client = server.select().await;
    for message in [
        &b"Subject: =?koi8-r?B?8NLJ18XU?=\r\n\r\nx"[..],
        b"Subject: =?utf-8?q?Gr=C3=BC?= =?iso-8859-1?q?=DFe_an_?=\r\n =?utf-8?b?QWxsZQ==?=\r\n\r\nx",
        b"Content-Type: text/plain; charset=windows-1251\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xcf\xf0\xe8\xe2\xe5\xf2",
        "Subject: Gr\u{fc}\u{df}e\r\n\r\nPr\u{e9}vu\r\n".as_bytes(),
        b"Subject: =?iso-2022-jp?B?GyRCRnxLXBsoQg==?=\r\n\r\nx",
    ] {
        client.append("INBOX", message).await;
    }
    let privet = "\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442}";
    for (before, text, found) in [
        ("TEXT", privet.as_bytes(), "1 3"),
        ("CHARSET UTF-8 SUBJECT", privet.to_lowercase().as_bytes(), "1"),
        ("CHARSET KOI8-R TEXT", b"\xf0\xd2\xc9\xd7\xc5\xd4", "1 3"),
        ("CHARSET windows-1251 BODY", b"\xef\xd0\xc8\xe2\xe5\xf2", "3"),
        ("CHARSET ISO-8859-1 SUBJECT", b"GR\xfc\xdfE", "2 4"),
        ("CHARSET US-ASCII SUBJECT", b"an alle", "2"),
        ("CHARSET UTF-8 SUBJECT", "gr\u{fc}\u{df}e an alle".as_bytes(), "2"),
        ("CHARSET UTF-8 BODY", "pre\u{301}VU".as_bytes(), "4"),
        ("CHARSET ISO-2022-JP SUBJECT", b"\x1b$BF|K\\\x1b(B", "5"),
        ("CHARSET UTF-8 SUBJECT", "\u{65e5}\u{672c}".as_bytes(), "5"),
        ("CHARSET UTF-8 SUBJECT", "\u{ff27}\u{ff32}u\u{308}".as_bytes(), "2 4"),
    ] {
        assert_eq!(search(&mut client, before, text).await, found, "{before} {}", text.escape_ascii());
    }
    let answer = search(&mut client, "CHARSET X-NONE SUBJECT", b"x").await;
    assert!(answer.starts_with("NO [BADCHARSET (US-ASCII UTF-8)]"), "{answer}");
}

#[tokio::test]
async fn a_text_of_17_megabytes_is_searched_to_its_end() {
    let server = Server::new();
    let mut client = server.select().await;
    let line = "0123456789 and nothing else stands in this line of many, however far one reads on\r\n";
    let lines = line.repeat(17 * 1024 * 1024 / line.len());
    let part = format!("--b\r\n\r\n{lines}G\u{c4}NZLICH am Ende\r\n--b--\r\n");
    let message = format!("Subject: long\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{part}");
    assert!(message.len() > 16 * 1024 * 1024);
    assert!(client.append("INBOX", message).await.starts_with("OK"));
    client.append("INBOX", "Subject: short\r\n\r\nam Ende\r\n").await;
    for (before, text, found) in [("BODY", "g\u{e4}nzlich AM ende", "1"), ("BODY", "AM ENDE", "1 2")] {
        assert_eq!(search(&mut client, before, text.as_bytes()).await, found, "{before} {text}");
    }
}

/// Six messages, of which `$` holds the second, fourth and fifth.
async fn saved(server: &Server) -> Client {
    let mut client = server.login().await;
    client.ok("CREATE other").await;
    client.ok("SELECT INBOX").await;
    client.fill(6).await;
    assert_eq!(client.ok("SEARCH RETURN (SAVE) UID 2,4:5").await, [""; 0]);
    client
}

#[tokio::test]
async fn the_saved_result_stands_wherever_a_set_may() {
    for (command, there) in [
        ("FETCH $ UID", vec!["* 2 FETCH (UID 2)", "* 4 FETCH (UID 4)", "* 5 FETCH (UID 5)"]),
        ("UID FETCH $ UID", vec!["* 2 FETCH (UID 2)", "* 4 FETCH (UID 4)", "* 5 FETCH (UID 5)"]),
        ("STORE $ FLAGS.SILENT (\\Seen)", vec![]),
        ("STORE $ +FLAGS (a)", vec!["* 2 FETCH (", "* 4 FETCH (", "* 5 FETCH ("]),
        (
            "UID STORE $ -FLAGS (\\Recent)",
            vec!["* 2 FETCH (UID 2 ", "* 4 FETCH (UID 4 ", "* 5 FETCH (UID 5 "],
        ),
        ("COPY $ other", vec![]),
        ("UID COPY $ other", vec![]),
        ("MOVE $ other", vec!["* OK [COPYUID ", "* 5 EXPUNGE", "* 4 EXPUNGE", "* 2 EXPUNGE", "* 3 RECENT"]),
        (
            "UID MOVE $ other",
            vec!["* OK [COPYUID ", "* 5 EXPUNGE", "* 4 EXPUNGE", "* 2 EXPUNGE", "* 3 RECENT"],
        ),
        ("UID EXPUNGE $", vec![]),
        ("SEARCH $", vec!["* SEARCH 2 4 5"]),
        ("SEARCH UID $", vec!["* SEARCH 2 4 5"]),
        ("UID SEARCH UID $ LARGER 1", vec!["* SEARCH 2 4 5"]),
        ("SEARCH NOT $", vec!["* SEARCH 1 3 6"]),
        ("SEARCH OR $ 1", vec!["* SEARCH 1 2 4 5"]),
        ("SEARCH RETURN (MIN MAX COUNT) (OR $ 6)", vec!["* ESEARCH (TAG \"t11\") MIN 2 MAX 6 COUNT 4"]),
        ("UID FETCH $ (FLAGS) (CHANGEDSINCE 1)", vec!["* 2 FETCH (", "* 4 FETCH (", "* 5 FETCH ("]),
    ] {
        let server = Server::new();
        let mut client = saved(&server).await;
        let lines = client.ok(command).await;
        let lines: Vec<&String> = lines
            .iter()
            .filter(|l| !l.contains("FLAGS (\\Answered") && !l.contains("[HIGHESTMODSEQ"))
            .collect();
        assert_eq!(lines.len(), there.len(), "{command}: {lines:?}");
        for (line, there) in lines.iter().zip(there) {
            assert!(line.starts_with(there), "{command}: {lines:?}");
        }
    }
}

#[tokio::test]
async fn the_saved_result_follows_expunges_and_may_be_empty() {
    let server = Server::new();
    let mut client = saved(&server).await;
    let mut other = server.select().await;
    other.ok("STORE 1,4 +FLAGS.SILENT (\\Deleted)").await;
    other.ok("EXPUNGE").await;
    // Gone, and not told yet: by number that is an error, by UID it is not (RFC 2180 section 4.1.2).
    let lines = client.run("FETCH $ UID").await;
    assert_eq!(lines[..2], ["* 2 FETCH (UID 2)", "* 5 FETCH (UID 5)"], "{lines:?}");
    assert!(lines.last().unwrap().starts_with("NO [EXPUNGEISSUED]"), "{lines:?}");
    client.ok("NOOP").await;
    assert_eq!(client.ok("FETCH $ UID").await, ["* 1 FETCH (UID 2)", "* 3 FETCH (UID 5)"]);
    // RFC 5182 section 2.1: what does not set it, and what empties it.
    assert!(client.fails("SEARCH RETURN (SAVE) NONSENSE").await.starts_with("BAD"));
    assert!(client.fails("SEARCH RETURN (ALL) CHARSET X-NONE TEXT x").await.starts_with("NO"));
    client.ok("SEARCH RETURN (ALL) ALL").await;
    assert_eq!(client.ok("FETCH $ UID").await.len(), 2);
    assert!(client.fails("SEARCH RETURN (SAVE) CHARSET X-NONE TEXT x").await.starts_with("NO"));
    for command in [
        "FETCH $ UID",
        "STORE $ +FLAGS (\\Seen)",
        "COPY $ other",
        "MOVE $ other",
        "UID EXPUNGE $",
        "UID FETCH $ FLAGS",
    ] {
        assert_eq!(client.ok(command).await, [""; 0], "{command}");
    }
    assert_eq!(client.ok("SEARCH $").await, ["* SEARCH"]);
    client.ok("SEARCH RETURN (SAVE) ALL").await;
    client.ok("SELECT INBOX").await;
    assert_eq!(client.ok("FETCH $ UID").await, [""; 0], "a SELECT empties it");
}

#[tokio::test]
async fn what_is_saved_depends_on_what_is_returned() {
    let server = Server::new();
    let mut client = saved(&server).await;
    // RFC 5182 section 2.4, the table
    for (options, saved) in [
        ("SAVE MIN", "2"),
        ("SAVE MAX", "5"),
        ("MAX SAVE MIN", "2 5"),
        ("SAVE MIN MAX COUNT", "2 4 5"),
        ("SAVE ALL MIN", "2 4 5"),
        ("SAVE COUNT", "2 4 5"),
        ("SAVE ALL", "2 4 5"),
        ("SAVE", "2 4 5"),
    ] {
        let lines = client.ok(&format!("SEARCH RETURN ({options}) UID 2,4:5")).await;
        assert_eq!(lines.len(), usize::from(options != "SAVE"), "{options}: {lines:?}");
        assert_eq!(client.ok("SEARCH $").await, [format!("* SEARCH {saved}")], "{options}");
    }
    // Sent together, each sees what the one before has saved (section 2.3).
    client.send("p SEARCH RETURN (SAVE) UID 1:3\r\nq SEARCH RETURN (SAVE) NOT $\r\nr FETCH $ UID\r\n").await;
    client.until("p ").await;
    client.until("q ").await;
    let lines = client.until("r ").await;
    assert_eq!(lines[..3], ["* 4 FETCH (UID 4)", "* 5 FETCH (UID 5)", "* 6 FETCH (UID 6)"]);
}
