//! Two and more clients on one mailbox: each test is a rule, or a fault that was seen elsewhere.

use crate::support::Server;

#[tokio::test]
async fn an_expunge_is_not_told_during_fetch_store_and_search_by_number() {
    let server = Server::new();
    let mut one = server.select().await;
    one.fill(4).await;
    let mut two = server.select().await;
    one.ok("STORE 2 +FLAGS.SILENT (\\Deleted)").await;
    one.ok("EXPUNGE").await;
    // RFC 2180 section 4.1.2: the messages that are there, and NO.
    let lines = two.run("FETCH 1:3 UID").await;
    assert_eq!(&lines[..2], ["* 1 FETCH (UID 1)", "* 3 FETCH (UID 3)"]);
    assert!(lines[2].starts_with("NO [EXPUNGEISSUED]"), "{lines:?}");
    assert_eq!(two.ok("SEARCH ALL").await, ["* SEARCH 1 3 4"], "numbers are still the client's");
    let lines = two.run("STORE 2:3 +FLAGS (\\Seen)").await;
    assert_eq!(lines[0], "* 3 FETCH (FLAGS (\\Seen))");
    assert!(lines[1].starts_with("NO [EXPUNGEISSUED]"), "{lines:?}");
    assert_eq!(two.ok("STORE 2:3 +FLAGS.SILENT (\\Seen)").await, [""; 0], "RFC 2180 section 4.2.1");
    assert_eq!(two.ok("FETCH 4 UID").await, ["* 4 FETCH (UID 4)"]);
    assert_eq!(two.ok("UID FETCH 4 UID").await, ["* 4 FETCH (UID 4)", "* 2 EXPUNGE"]);
    assert_eq!(two.ok("FETCH 3 UID").await, ["* 3 FETCH (UID 4)"]);
}

#[tokio::test]
async fn exists_counts_what_the_client_counts() {
    let server = Server::new();
    let mut one = server.select().await;
    one.fill(3).await;
    let mut two = server.select().await;
    one.ok("STORE 1 +FLAGS.SILENT (\\Deleted)").await;
    one.ok("EXPUNGE").await;
    one.append("INBOX", "new").await;
    let lines = two.ok("FETCH 2 UID").await;
    assert_eq!(lines, ["* 2 FETCH (UID 2)", "* 4 EXISTS"], "the withheld one still counts");
    assert_eq!(two.ok("NOOP").await, ["* 1 EXPUNGE"], "EXISTS does not fall without EXPUNGE");
    assert_eq!(two.ok("UID SEARCH ALL").await, ["* SEARCH 2 3 4"]);
}

#[tokio::test]
async fn numbers_mean_what_the_client_was_told_when_it_sent_them() {
    let server = Server::new();
    let mut one = server.select().await;
    one.fill(4).await;
    let mut two = server.select().await;
    one.ok("STORE 1 +FLAGS.SILENT (\\Deleted)").await;
    one.ok("EXPUNGE").await;
    assert_eq!(two.ok("STORE 2 +FLAGS (\\Flagged)").await, ["* 2 FETCH (FLAGS (\\Flagged))"]);
    assert_eq!(one.ok("FETCH 1 (UID FLAGS)").await, ["* 1 FETCH (UID 2 FLAGS (\\Flagged \\Recent))"]);
}

#[tokio::test]
async fn the_same_change_is_told_once_and_never_to_who_made_it() {
    let server = Server::new();
    let mut one = server.select().await;
    one.fill(2).await;
    let mut two = server.select().await;
    assert_eq!(one.ok("STORE 1 +FLAGS (\\Seen)").await.len(), 1);
    assert_eq!(one.ok("NOOP").await, [""; 0]);
    assert_eq!(two.ok("NOOP").await, ["* 1 FETCH (FLAGS (\\Seen))"]);
    assert_eq!(two.ok("NOOP").await, [""; 0]);
    one.ok("STORE 2 +FLAGS.SILENT (\\Seen)").await;
    assert_eq!(two.ok("FETCH 2 FLAGS").await, ["* 2 FETCH (FLAGS (\\Seen))"]);
    assert_eq!(two.ok("NOOP").await, [""; 0], "a FETCH has told it");
}

#[tokio::test]
async fn a_silent_store_does_not_hide_somebody_elses_change() {
    let server = Server::new();
    let mut one = server.select().await;
    one.fill(1).await;
    let mut two = server.select().await;
    one.ok("STORE 1 +FLAGS.SILENT (\\Flagged)").await;
    assert_eq!(two.ok("STORE 1 +FLAGS.SILENT (\\Seen)").await, ["* 1 FETCH (FLAGS (\\Flagged \\Seen))"]);
}

#[tokio::test]
async fn idle_is_woken_by_the_store() {
    let server = Server::new();
    let mut one = server.select().await;
    let mut two = server.select().await;
    two.send("i IDLE\r\n").await;
    assert!(two.line().await.starts_with('+'));
    one.append("INBOX", "Subject: x\r\n\r\n").await;
    assert_eq!(two.line().await, "* 1 EXISTS");
    one.ok("STORE 1 +FLAGS (\\Deleted)").await;
    // Whose it is to call the message recent is a race.
    let line = two.line().await;
    let line = if line.ends_with("RECENT") { two.line().await } else { line };
    assert!(line.starts_with("* 1 FETCH (FLAGS (\\Deleted"), "{line}");
    one.ok("EXPUNGE").await;
    assert_eq!(two.line().await, "* 1 EXPUNGE");
    two.send("done\r\n").await;
    let last = two.until("i ").await.pop().unwrap();
    assert!(last.starts_with("OK"), "DONE in any case: {last}");
    // Without a mailbox, IDLE waits for nothing.
    let mut three = server.login().await;
    three.send("i IDLE\r\n").await;
    assert!(three.line().await.starts_with('+'));
    three.send("DONE\r\n").await;
    assert!(three.until("i ").await[0].starts_with("OK"));
}

#[tokio::test(start_paused = true)]
async fn idle_is_not_ended_by_a_short_timeout() {
    let server = Server::new();
    let mut one = server.select().await;
    let mut two = server.select().await;
    two.send("i IDLE\r\n").await;
    two.line().await;
    tokio::time::sleep(std::time::Duration::from_secs(29 * 60)).await;
    one.append("INBOX", "x").await;
    assert_eq!(two.line().await, "* 1 EXISTS");
}

#[tokio::test]
async fn what_comes_between_select_and_idle_is_told() {
    let server = Server::new();
    let mut one = server.select().await;
    let mut two = server.select().await;
    one.append("INBOX", "x").await;
    two.send("i IDLE\r\n").await;
    assert!(two.line().await.starts_with('+'));
    assert_eq!(two.line().await, "* 1 EXISTS");
}

#[tokio::test]
async fn a_mailbox_deleted_under_a_session_is_an_empty_one() {
    let server = Server::new();
    let mut one = server.login().await;
    one.ok("CREATE x").await;
    one.append("x", "1").await;
    one.append("x", "2").await;
    let mut two = server.login().await;
    two.ok("SELECT x").await;
    one.ok("DELETE x").await;
    let lines = two.run("FETCH 1:2 FLAGS").await;
    assert!(lines[0].starts_with("NO [EXPUNGEISSUED]"), "{lines:?}");
    let lines = two.ok("NOOP").await;
    assert_eq!(&lines[..2], ["* 2 EXPUNGE", "* 1 EXPUNGE"]);
    two.ok("NOOP").await;
    two.ok("SELECT INBOX").await;
}

#[tokio::test]
async fn lost_history_shows_the_same_as_the_delta() {
    let options = mailstore_api::MemoryOptions { history: 1, ..mailstore_api::MemoryOptions::default() };
    let server = Server::with_options(options);
    let mut one = server.select().await;
    one.fill(6).await;
    let mut two = server.select().await;
    for n in [2, 3, 3] {
        one.ok(&format!("STORE {n} +FLAGS.SILENT (\\Deleted)")).await;
        one.ok("EXPUNGE").await;
    }
    one.ok("STORE 1 +FLAGS.SILENT (\\Flagged)").await;
    one.append("INBOX", "x").await;
    assert_eq!(
        two.ok("NOOP").await,
        ["* 5 EXPUNGE", "* 4 EXPUNGE", "* 2 EXPUNGE", "* 4 EXISTS", "* 1 FETCH (FLAGS (\\Flagged))"]
    );
}

#[tokio::test]
async fn copies_crossing_each_other_end() {
    let server = Server::new();
    let mut one = server.select().await;
    one.fill(20).await;
    one.ok("CREATE b").await;
    one.ok("COPY 1:20 b").await;
    let mut two = server.login().await;
    two.ok("SELECT b").await;
    for _ in 0..10 {
        tokio::join!(async { one.ok("UID COPY 1:20 b").await }, async {
            two.ok("UID COPY 1:20 INBOX").await
        });
    }
}

#[tokio::test]
async fn a_slow_reader_holds_up_nobody() {
    let server = Server::new();
    let mut slow = server.select().await;
    let big = vec![b'x'; 1_000_000];
    slow.append("INBOX", &big).await;
    // It asks for a megabyte and reads nothing.
    slow.send("a FETCH 1 BODY.PEEK[]\r\n").await;
    let mut other = server.select().await;
    other.ok("STORE 1 +FLAGS (\\Seen)").await;
    other.append("INBOX", "more").await;
    other.ok("FETCH 1:2 FLAGS").await;
    let answer = slow.octets().await;
    assert!(answer.len() > 1_000_000);
    assert_eq!(slow.line().await, "* 2 EXISTS");
}

#[tokio::test]
async fn pipelined_commands_are_answered_in_order() {
    let server = Server::new();
    let mut client = server.select().await;
    client.fill(3).await;
    client.send("a FETCH 1 UID\r\nb UID FETCH 2 UID\r\nc STORE 3 +FLAGS.SILENT (\\Deleted)\r\nd EXPUNGE\r\ne FETCH 1:* UID\r\n").await;
    assert!(client.until("a ").await.pop().unwrap().starts_with("OK"));
    assert!(client.until("b ").await.pop().unwrap().starts_with("OK"));
    client.until("c ").await;
    assert!(client.until("d ").await.contains(&"* 3 EXPUNGE".to_owned()));
    assert_eq!(client.until("e ").await.len(), 3);
}
