//! Mailboxes whose modseqs do not outlast a session (RFC 7162 section 3.1.2.2).

use mailstore_api::MemoryOptions;

use crate::support::Server;

fn server() -> Server {
    Server::with_options(MemoryOptions { modseq_persistent: false, ..MemoryOptions::default() })
}

#[tokio::test]
async fn select_and_status_say_that_there_are_none() {
    let server = server();
    let mut one = server.login().await;
    for command in ["SELECT INBOX", "EXAMINE INBOX", "SELECT INBOX (CONDSTORE)"] {
        let lines = one.ok(command).await;
        assert!(lines.iter().any(|l| l.starts_with("* OK [NOMODSEQ]")), "{command}: {lines:?}");
        assert!(!lines.iter().any(|l| l.contains("HIGHESTMODSEQ")), "{command}: {lines:?}");
    }
    // Section 3.1.7
    for command in ["STATUS INBOX (HIGHESTMODSEQ)", "LIST \"\" INBOX RETURN (STATUS (HIGHESTMODSEQ))"] {
        let lines = one.ok(command).await;
        assert!(lines.contains(&"* STATUS INBOX (HIGHESTMODSEQ 0)".to_owned()), "{command}: {lines:?}");
    }
}

#[tokio::test]
async fn what_needs_modseqs_is_bad_and_changes_nothing() {
    let server = server();
    let mut one = server.select().await;
    one.fill(2).await;
    for command in [
        "FETCH 1 FLAGS (CHANGEDSINCE 1)",
        "UID FETCH 1 FLAGS (CHANGEDSINCE 1)",
        "FETCH 1 MODSEQ",
        "FETCH 1 (FLAGS MODSEQ)",
        "STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)",
        "UID STORE 1 (UNCHANGEDSINCE 0) +FLAGS.SILENT (\\Seen)",
        "SEARCH MODSEQ 1",
        "SEARCH OR SEEN NOT (MODSEQ 1)",
        "UID SEARCH RETURN (ALL) MODSEQ 1",
    ] {
        let answer = one.fails(command).await;
        assert!(answer.starts_with("BAD"), "{command}: {answer}");
    }
    assert_eq!(one.ok("FETCH 1 FLAGS").await, ["* 1 FETCH (FLAGS (\\Recent))"]);
}

#[tokio::test]
async fn who_enabled_modseqs_is_not_shown_any() {
    let server = server();
    let mut one = server.select().await;
    one.fill(3).await;
    let mut two = server.login().await;
    assert_eq!(two.ok("ENABLE CONDSTORE QRESYNC").await, ["* ENABLED CONDSTORE QRESYNC"]);
    // Section 3.2.5.1: the parameters are passed over.
    let lines = two.ok("SELECT INBOX (QRESYNC (1 1 1:9))").await;
    assert!(lines.iter().any(|l| l.starts_with("* OK [NOMODSEQ]")), "{lines:?}");
    assert!(!lines.iter().any(|l| l.contains("VANISHED") || l.contains("FETCH")), "{lines:?}");
    assert_eq!(two.ok("FETCH 1 FLAGS").await, ["* 1 FETCH (FLAGS ())"]);
    assert_eq!(two.ok("STORE 1 +FLAGS (\\Seen)").await, ["* 1 FETCH (FLAGS (\\Seen))"]);
    assert_eq!(two.ok("STORE 1 +FLAGS.SILENT (\\Draft)").await, [""; 0]);
    one.ok("STORE 2 +FLAGS.SILENT (\\Deleted)").await;
    assert_eq!(two.ok("NOOP").await, ["* 2 FETCH (FLAGS (\\Deleted))"]);
    // Section 3.2.10: EXPUNGE, where NOMODSEQ was said.
    assert_eq!(two.run("EXPUNGE").await, ["* 2 EXPUNGE", "OK EXPUNGE completed"]);
    assert!(two.fails("UID FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)").await.starts_with("BAD"));
}
