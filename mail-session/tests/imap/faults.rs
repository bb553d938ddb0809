//! On a store that fails at the worst moment.

use mail_session::auth::Plaintext;

use crate::{broken::Broken, support::Server};

#[tokio::test]
async fn less_than_the_announced_literal_ends_the_connection() {
    let server = Server::on(Broken);
    let mut client = server.select().await;
    client.send("a FETCH 1 BODY.PEEK[]\r\n").await;
    assert_eq!(client.rest().await, format!("* 1 FETCH (BODY[] {{100}}\r\n{}", "x".repeat(40)).into_bytes());
}

#[tokio::test]
async fn a_failure_before_the_literal_is_a_no() {
    let server = Server::on(Broken);
    let mut client = server.select().await;
    assert!(client.fails("FETCH 1 BODY.PEEK[HEADER]").await.starts_with("NO [UNAVAILABLE]"));
    assert!(client.fails("FETCH 1 ENVELOPE").await.starts_with("NO [UNAVAILABLE]"));
    assert!(client.fails("FETCH 1 BODYSTRUCTURE").await.starts_with("NO [CORRUPTION]"));
    // \Seen cannot be set, and changes are not known: the mail is read all the same.
    assert_eq!(client.ok("FETCH 1 (FLAGS RFC822.SIZE)").await, ["* 1 FETCH (FLAGS () RFC822.SIZE 100)"]);
    assert!(client.fails("STORE 1 +FLAGS (\\Seen)").await.starts_with("NO [UNAVAILABLE]"));
    assert!(client.fails("EXPUNGE").await.starts_with("NO [UNAVAILABLE]"));
    assert!(client.fails("COPY 1 INBOX").await.contains("NO"), "the changes before are not known");
    assert!(client.fails("UID COPY 1 INBOX").await.starts_with("NO [OVERQUOTA]"));
    assert!(client.fails("CLOSE").await.starts_with("NO [UNAVAILABLE]"));
    client.ok("NOOP").await;
}

#[tokio::test]
async fn what_is_the_servers_own_is_not_shown() {
    let server = Server::on(Broken);
    let mut client = server.login().await;
    let answer = client.fails("STATUS INBOX (MESSAGES)").await;
    assert!(answer.starts_with("NO [SERVERBUG]") && !answer.contains("secret"), "{answer}");
}

/// RFC 5819 section 2.
#[tokio::test]
async fn list_with_status_says_noselect_of_what_is_gone_meanwhile_and_leaves_out_what_fails() {
    let server = Server::on(Broken);
    let mut client = server.login().await;
    assert_eq!(
        client.ok("LIST \"\" * RETURN (STATUS (MESSAGES))").await,
        [
            "* LIST (\\HasNoChildren) \"/\" INBOX",
            "* STATUS INBOX (MESSAGES 1)",
            "* LIST (\\Noselect \\HasNoChildren) \"/\" Closed",
            "* LIST (\\Noselect \\HasNoChildren) \"/\" Gone",
        ]
    );
    let lines = client.ok("LIST \"\" INBOX RETURN (STATUS (MESSAGES))").await;
    assert_eq!(lines, ["* LIST (\\HasNoChildren) \"/\" INBOX"], "unexpected problems: no STATUS, and OK");
}

/// RFC 3502 section 6.3.11: TRYCREATE unless "it is certain that the destination mailbox can not be created".
#[tokio::test]
async fn a_target_that_is_there_and_takes_nothing_is_not_to_be_created() {
    let server = Server::on(Broken);
    let mut client = server.select().await;
    assert!(client.append("Closed", "x").await.starts_with("NO [CANNOT]"));
    assert!(client.append("Other", "x").await.starts_with("NO [TRYCREATE]"));
    assert!(client.fails("UID COPY 1 Closed").await.starts_with("NO [CANNOT]"));
    assert!(client.fails("UID MOVE 1 Other").await.starts_with("NO [TRYCREATE]"));
}

#[tokio::test]
async fn an_append_that_fails_half_way_is_refused_and_drained() {
    let server = Server::on(Broken);
    let mut client = server.login().await;
    assert!(client.append("INBOX", "x NOOP\r\n".repeat(1000)).await.starts_with("NO [OVERQUOTA]"));
    client.ok("NOOP").await;
}

#[tokio::test]
async fn idle_without_a_watch_ends_with_bye() {
    let server = Server::on(Broken);
    let mut client = server.select().await;
    client.send("a IDLE\r\n").await;
    assert!(client.line().await.starts_with('+'));
    assert!(client.line().await.starts_with("* BYE"));
}

#[tokio::test]
async fn without_tls_no_password_is_taken() {
    let server = Server::on(Broken);
    let mut client = server.connect_with(Plaintext::TlsOnly).await;
    assert!(client.fails("LOGIN anna secret").await.starts_with("NO [PRIVACYREQUIRED]"));
    assert!(client.fails("AUTHENTICATE PLAIN AGFubmEAc2VjcmV0").await.starts_with("NO"));
}

#[tokio::test]
async fn a_store_without_lasting_modseqs_says_so() {
    let server = Server::on(Broken);
    let mut client = server.login().await;
    client.ok("ENABLE QRESYNC").await;
    // RFC 7162 section 3.1.2.2
    let lines = client.ok("SELECT INBOX (QRESYNC (1 1))").await;
    assert!(lines.iter().any(|l| l.starts_with("* OK [NOMODSEQ]")), "{lines:?}");
    assert!(!lines.iter().any(|l| l.contains("HIGHESTMODSEQ") || l.contains("VANISHED")), "{lines:?}");
    for command in [
        "FETCH 1 MODSEQ",
        "FETCH 1 FLAGS (CHANGEDSINCE 1)",
        "UID FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)",
        "STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)",
        "SEARCH MODSEQ 1",
    ] {
        let answer = client.fails(command).await;
        assert!(answer.starts_with("BAD This mailbox keeps no modseqs"), "{command}: {answer}");
    }
    assert_eq!(client.ok("FETCH 1 FLAGS").await, ["* 1 FETCH (FLAGS ())"], "and shows none");
}
