//! CONDSTORE and QRESYNC (RFC 7162).

use mailstore_api::MemoryOptions;

use crate::support::{Client, Server};

/// The number behind `name` in one of the lines.
fn number(lines: &[String], name: &str) -> u64 {
    let line = lines.iter().find(|l| l.contains(name)).unwrap_or_else(|| panic!("{name} in {lines:?}"));
    let rest = line.split(name).nth(1).unwrap().trim_start_matches([' ', '(']);
    rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())].parse().unwrap()
}

async fn highest(client: &mut Client) -> u64 {
    number(&client.ok("STATUS INBOX (HIGHESTMODSEQ)").await, "(HIGHESTMODSEQ")
}

#[tokio::test]
async fn select_tells_highestmodseq_and_nobody_else_sees_modseqs() {
    let server = Server::new();
    let mut one = server.login().await;
    let lines = one.ok("SELECT INBOX").await;
    assert!(number(&lines, "[HIGHESTMODSEQ") >= 1, "RFC 7162 section 3.1.2.1");
    one.fill(2).await;
    let mut two = server.select().await;
    for command in ["FETCH 1:2 FLAGS", "STORE 1 +FLAGS (\\Seen)", "SEARCH ALL", "NOOP"] {
        let lines = [one.ok(command).await, two.ok(command).await].concat();
        assert!(!lines.iter().any(|l| l.contains("MODSEQ")), "{command}: {lines:?}");
    }
}

#[tokio::test]
async fn each_enabling_command_enables() {
    for (command, tells) in [
        ("FETCH 1 MODSEQ", true),
        ("FETCH 1 FLAGS (CHANGEDSINCE 1)", true),
        ("STATUS INBOX (HIGHESTMODSEQ)", true),
        ("SELECT INBOX (CONDSTORE)", true),
        ("EXAMINE INBOX (CONDSTORE)", true),
        ("ENABLE CONDSTORE", true),
        ("ENABLE QRESYNC", true),
        ("STORE 2 (UNCHANGEDSINCE 1) +FLAGS.SILENT (\\Draft)", true),
        ("SEARCH MODSEQ 1", true),
        ("NOOP", false),
    ] {
        let server = Server::new();
        let mut one = server.select().await;
        one.fill(2).await;
        let mut two = server.select().await;
        let lines = two.ok(command).await;
        assert_eq!(lines.iter().any(|l| l.contains("* OK [HIGHESTMODSEQ")), tells, "{command}: {lines:?}");
        let again = two.ok("FETCH 2 (FLAGS)").await;
        assert!(!again[0].contains("HIGHESTMODSEQ"), "only the first: {again:?}");
        one.ok("STORE 1 +FLAGS (\\Flagged)").await;
        let lines = two.ok("NOOP").await;
        assert_eq!(lines.len(), 1, "{command}: {lines:?}");
        assert_eq!(lines[0].contains(" MODSEQ ("), tells, "{command}: {lines:?}");
        assert_eq!(lines[0].contains("UID 1 "), tells, "RFC 7162 section 3.2.4: {command}: {lines:?}");
    }
}

#[tokio::test]
async fn a_conditional_store_changes_what_did_not_change() {
    let server = Server::new();
    let mut one = server.select().await;
    one.fill(3).await;
    let mut two = server.select().await;
    let at = highest(&mut one).await;
    two.ok("STORE 2 +FLAGS.SILENT (\\Flagged)").await;
    // RFC 7162 section 3.1.3, examples 3 to 6
    let lines = one.run(&format!("STORE 1:3 (UNCHANGEDSINCE {at}) +FLAGS.SILENT (\\Deleted)")).await;
    let new = number(&lines, "1 FETCH (UID 1 MODSEQ");
    assert!(new > at, "{lines:?}");
    assert_eq!(number(&lines, "3 FETCH (UID 3 MODSEQ"), new, "silent, and yet the modseq: {lines:?}");
    assert!(lines.iter().any(|l| l.starts_with("* 2 FETCH (UID 2 FLAGS (\\Flagged")), "{lines:?}");
    assert!(lines.last().unwrap().starts_with("OK [MODIFIED 2] "), "{lines:?}");
    let lines = one.run(&format!("UID STORE 1:3 (UNCHANGEDSINCE {at}) +FLAGS (\\Seen)")).await;
    assert_eq!(lines, ["OK [MODIFIED 1:3] Conditional STORE failed"]);
    // 0 matches nothing that exists.
    let lines = one.run("UID STORE 2 (UNCHANGEDSINCE 0) FLAGS (\\Seen)").await;
    assert_eq!(lines, ["OK [MODIFIED 2] Conditional STORE failed"]);
    let lines = one.ok("UID FETCH 1:3 FLAGS").await;
    assert!(lines.iter().all(|l| !l.contains("Seen") && l.contains("MODSEQ (")), "{lines:?}");
    // Where nothing changes, neither does the modseq (section 3.1.11).
    let lines = one.ok(&format!("STORE 1 (UNCHANGEDSINCE {new}) +FLAGS (\\Deleted)")).await;
    assert_eq!(lines.len(), 1);
    assert_eq!(number(&lines, "MODSEQ"), new);
}

#[tokio::test]
async fn a_conditional_store_of_what_is_gone() {
    let server = Server::new();
    let mut one = server.select().await;
    one.fill(3).await;
    let at = highest(&mut one).await;
    let mut two = server.select().await;
    two.ok("STORE 1 +FLAGS.SILENT (\\Deleted)").await;
    two.ok("EXPUNGE").await;
    two.ok("STORE 1 +FLAGS.SILENT (\\Flagged)").await;
    // RFC 7162 section 3.1.3, example 8
    let lines = one.run(&format!("STORE 1:3 (UNCHANGEDSINCE {at}) +FLAGS (\\Seen)")).await;
    assert!(lines.last().unwrap().starts_with("NO [MODIFIED 2] "), "{lines:?}");
    assert!(lines.iter().any(|l| l.starts_with("* 3 FETCH (UID 3 FLAGS (\\Seen")), "{lines:?}");
    assert!(!lines.iter().any(|l| l.contains("EXPUNGE")), "{lines:?}");
}

#[tokio::test]
async fn changedsince_fetches_what_changed() {
    let server = Server::new();
    let mut one = server.select().await;
    one.fill(3).await;
    let at = highest(&mut one).await;
    let mut two = server.select().await;
    two.ok("STORE 2 +FLAGS.SILENT (\\Flagged)").await;
    let now = highest(&mut two).await;
    let lines = one.ok(&format!("UID FETCH 1:* (FLAGS) (CHANGEDSINCE {at})")).await;
    assert_eq!(lines, [format!("* 2 FETCH (UID 2 FLAGS (\\Flagged \\Recent) MODSEQ ({now}))")]);
    assert_eq!(one.ok(&format!("FETCH 1:* (UID) (CHANGEDSINCE {now})")).await, [""; 0]);
    assert_eq!(one.ok("NOOP").await, [""; 0], "told already");
    // The body of a message that becomes seen: flags with their modseq.
    let lines = one.ok("FETCH 1 BODY[TEXT]").await;
    assert!(lines[0].contains("FLAGS (\\Seen \\Recent) MODSEQ ("), "{lines:?}");
    assert!(one.fails("FETCH 1 FLAGS (CHANGEDSINCE 0)").await.starts_with("BAD"));
    assert!(one.fails("FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)").await.starts_with("BAD"));
    assert!(one.fails("UID FETCH 1 FLAGS (VANISHED)").await.starts_with("BAD"));
    let answer = one.fails("UID FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)").await;
    assert!(answer.starts_with("BAD"), "RFC 7162 section 3.2.6: QRESYNC is not enabled: {answer}");
}

#[tokio::test]
async fn search_by_modseq_tells_the_greatest() {
    let server = Server::new();
    let mut one = server.select().await;
    one.fill(3).await;
    let at = highest(&mut one).await;
    one.ok("STORE 1 +FLAGS.SILENT (\\Flagged)").await;
    let first = highest(&mut one).await;
    one.ok("STORE 3 +FLAGS.SILENT (\\Flagged)").await;
    let last = highest(&mut one).await;
    let since = at + 1;
    assert_eq!(one.ok(&format!("SEARCH MODSEQ {since}")).await, [format!("* SEARCH 1 3 (MODSEQ {last})")]);
    assert_eq!(
        one.ok(&format!("UID SEARCH MODSEQ \"/flags/\\\\draft\" all {first} UID 1")).await,
        [format!("* SEARCH 1 (MODSEQ {first})")]
    );
    // Example 16: nothing found, no modseq.
    assert_eq!(one.ok("SEARCH OR NOT MODSEQ 1 LARGER 50000").await, ["* SEARCH"]);
    assert_eq!(one.ok("SEARCH ALL").await, ["* SEARCH 1 2 3"]);
}

#[tokio::test]
async fn vanished_replaces_expunge() {
    let server = Server::new();
    let mut one = server.login().await;
    assert_eq!(one.ok("ENABLE QRESYNC").await, ["* ENABLED QRESYNC"]);
    one.ok("SELECT INBOX").await;
    one.fill(6).await;
    let mut two = server.select().await;
    two.ok("STORE 2:4 +FLAGS.SILENT (\\Deleted)").await;
    two.ok("EXPUNGE").await;
    assert_eq!(one.ok("FETCH 6 UID").await[0], "* 6 FETCH (UID 6)", "withheld in FETCH by number");
    assert_eq!(one.ok("UID SEARCH 6").await, ["* SEARCH 6"], "and in UID SEARCH with numbers");
    assert_eq!(one.ok("NOOP").await[0], "* VANISHED 2:4");
    one.ok("STORE 1 +FLAGS.SILENT (\\Deleted)").await;
    let lines = one.run("EXPUNGE").await;
    assert_eq!(lines[..2], ["* VANISHED 1", "* 2 RECENT"]);
    assert!(lines[2].starts_with("OK [HIGHESTMODSEQ "), "RFC 7162 section 3.2.7: {lines:?}");
    assert_eq!(number(&lines, "[HIGHESTMODSEQ"), highest(&mut two).await);
    assert!(one.run("EXPUNGE").await[0].starts_with("OK EXPUNGE"), "nothing was expunged");
    one.ok("CREATE x").await;
    let lines = one.run("UID MOVE 5 x").await;
    assert!(lines[0].starts_with("* OK [COPYUID "), "{lines:?}");
    assert_eq!(lines[1], "* VANISHED 5");
    assert!(lines.last().unwrap().starts_with("OK [HIGHESTMODSEQ "), "{lines:?}");
    one.ok("STORE 1 +FLAGS.SILENT (\\Deleted)").await;
    assert_eq!(one.run("CLOSE").await, ["OK CLOSE completed"], "no code: RFC 7162 section 3.2.8");
}

/// A mailbox of ten messages, of which 2, 3 and 9 go, 5 is flagged and 11 comes; the answers of who was away.
async fn away(options: MemoryOptions) -> (Server, Client, u64) {
    let server = Server::with_options(options);
    let mut one = server.select().await;
    one.fill(10).await;
    let at = highest(&mut one).await;
    one.ok("STORE 2,3,9 +FLAGS.SILENT (\\Deleted)").await;
    one.ok("EXPUNGE").await;
    one.ok("UID STORE 5 +FLAGS.SILENT (\\Flagged)").await;
    one.fill(1).await;
    let mut back = server.login().await;
    back.ok("ENABLE QRESYNC").await;
    (server, back, at)
}

fn told(lines: &[String]) -> Vec<String> {
    let told = lines.iter().filter(|l| l.contains("VANISHED") || l.contains("FETCH"));
    told.map(|l| l.split(" MODSEQ").next().unwrap().replace(" \\Recent", "").replace("\\Recent", ""))
        .collect()
}

#[tokio::test]
async fn who_comes_back_is_told_what_was_missed() {
    for history in [1000, 0] {
        let (_server, mut back, at) = away(MemoryOptions { history, ..MemoryOptions::default() }).await;
        let validity = number(&back.ok("STATUS INBOX (UIDVALIDITY)").await, "UIDVALIDITY");
        let flags = ["* 3 FETCH (UID 5 FLAGS (\\Flagged)", "* 8 FETCH (UID 11 FLAGS ()"];
        let lines = back.ok(&format!("SELECT INBOX (QRESYNC ({validity} {at}))")).await;
        assert_eq!(told(&lines), ["* VANISHED (EARLIER) 2:3,9", flags[0], flags[1]], "{lines:?}");
        assert!(lines.iter().filter(|l| l.contains("FETCH")).all(|l| l.contains(" MODSEQ (")), "{lines:?}");
        let end = lines.iter().position(|l| l.contains("[HIGHESTMODSEQ")).unwrap();
        assert!(end < lines.iter().position(|l| l.contains("VANISHED")).unwrap());
        assert_eq!(back.ok("NOOP").await, [""; 0], "told once");
        let lines = back.ok(&format!("SELECT INBOX (QRESYNC ({validity} {at} 1:3,7))")).await;
        assert_eq!(lines[0], "* OK [CLOSED] Previous mailbox is now closed", "section 3.2.11");
        assert_eq!(told(&lines), ["* VANISHED (EARLIER) 2:3"], "only of known UIDs: {lines:?}");
        // Message sequence match data (section 3.2.5.2): the third message is 5 then as now.
        for (matched, vanished) in [
            ("(1,3 1,5)", "9"),
            ("(1:2,8 1,4,10)", "9"),
            ("(1:2 1:2)", "2:3,9"),
            ("(1:4294967295 1:4294967295)", "2:3,9"),
        ] {
            let lines = back.ok(&format!("SELECT INBOX (QRESYNC ({validity} {at} 1:10 {matched}))")).await;
            assert_eq!(told(&lines), [&format!("* VANISHED (EARLIER) {vanished}"), flags[0]], "{matched}");
        }
        let lines = back.ok(&format!("EXAMINE INBOX (QRESYNC ({} {at}))", validity + 1)).await;
        assert_eq!(told(&lines), [""; 0], "another UIDVALIDITY: as if it were not there");
        // UID FETCH ... VANISHED (section 3.2.6)
        back.ok("SELECT INBOX").await;
        let lines = back.ok(&format!("UID FETCH 3:* (FLAGS) (CHANGEDSINCE {at} VANISHED)")).await;
        assert_eq!(told(&lines), ["* VANISHED (EARLIER) 3,9", flags[0], flags[1]], "{lines:?}");
        let now = highest(&mut back).await;
        let lines = back.ok(&format!("UID FETCH 1:4294967295 FLAGS (CHANGEDSINCE {now} VANISHED)")).await;
        assert_eq!(lines, [""; 0]);
    }
}

#[tokio::test]
async fn qresync_must_be_enabled() {
    let server = Server::new();
    let mut one = server.select().await;
    assert!(one.fails("SELECT INBOX (QRESYNC (1 1))").await.starts_with("BAD"));
}

#[tokio::test]
async fn earlier_never_names_a_message_the_client_counts() {
    let server = Server::new();
    let mut one = server.login().await;
    one.ok("ENABLE QRESYNC").await;
    one.ok("SELECT INBOX").await;
    one.fill(4).await;
    let at = highest(&mut one).await;
    let mut two = server.select().await;
    two.ok("STORE 2 +FLAGS.SILENT (\\Deleted)").await;
    two.ok("EXPUNGE").await;
    two.append("INBOX", "new").await;
    two.ok("UID STORE 5 +FLAGS.SILENT (\\Deleted)").await;
    two.ok("EXPUNGE").await;
    let lines = one.ok(&format!("UID FETCH 1:9 (FLAGS) (CHANGEDSINCE {at} VANISHED)")).await;
    assert_eq!(lines, ["* VANISHED 2", "* 3 RECENT"], "what came and went was never shown");
}

/// To say that nothing vanished is to say nothing: once it broke the connection of every QRESYNC client that fetched by
/// number while news waited.
#[tokio::test]
async fn news_within_a_fetch_by_number_do_not_break_a_qresync_client() {
    let server = Server::new();
    let mut writer = server.select().await;
    writer.fill(2).await;
    let mut client = server.login().await;
    client.ok("ENABLE QRESYNC").await;
    client.ok("SELECT INBOX").await;
    writer.ok("STORE 2 +FLAGS.SILENT (\\Flagged)").await;
    writer.append("INBOX", "Subject: x\r\n\r\n").await;
    let lines = client.ok("FETCH 1 (UID)").await;
    assert!(lines.contains(&"* 3 EXISTS".to_owned()), "{lines:?}");
    assert!(lines.iter().any(|l| l.starts_with("* 2 FETCH (UID 2 FLAGS (\\Flagged")), "{lines:?}");
    client.ok("NOOP").await;
}
