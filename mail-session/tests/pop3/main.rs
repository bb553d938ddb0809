//! POP3 sessions on the memory store, over pipes in memory.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]
#![allow(unreachable_pub, reason = "the modules below are this test's alone")]

#[path = "../broken/mod.rs"]
mod broken;
mod extensions;
mod faults;
mod harness;
mod logins;
mod logs;

use harness::*;
use mailstore_api::{Derived, Flags, Mailbox, OpenMode, Part, SystemFlags};
use std::time::Duration;

const ODD: [&[u8]; 9] = [
    b"",
    b".",
    b".dot first\r\n",
    b"Subject: a\r\n\r\n.\r\n..\r\n.x\r\n",
    b"Subject: no end of line\r\n\r\ntext",
    b"Subject: bare\n\nline\n.\nmore\n",
    b"Subject: header alone\r\n",
    b"Subject: empty body\r\n\r\n",
    b"Subject: 8bit\r\n\r\n\xff\xfe\0\r\n",
];

#[test]
fn sizes_are_the_octets_that_retr_sends_and_bodies_are_exact() {
    on(&ODD, async |_, mut c| {
        c.login().await;
        let mut total = 0;
        for (i, message) in ODD.iter().enumerate() {
            let n = i + 1;
            let listed: usize =
                c.ok(&format!("LIST {n}")).await[format!("+OK {n} ").len()..].parse().unwrap();
            c.ok(&format!("RETR {n}")).await;
            let got = c.body().await;
            total += listed;
            let mut wanted = message.to_vec();
            if !message.is_empty() && !message.ends_with(b"\r\n") {
                wanted.extend_from_slice(b"\r\n");
            }
            assert_eq!(listed, wanted.len(), "{}", message.escape_ascii());
            // Where LF alone ends a line, a dot is doubled too, for clients that split there, as this does not.
            let bare_dot =
                message.windows(2).any(|w| w == b"\n.") && !message.windows(2).any(|w| w == b"\r\n");
            if bare_dot {
                wanted = String::from_utf8(wanted).unwrap().replace("\n.", "\n..").into_bytes();
            }
            assert_eq!(got.escape_ascii().to_string(), wanted.escape_ascii().to_string());
        }
        assert_eq!(c.ok("STAT").await, format!("+OK {} {total}", ODD.len()));
        c.ok("LIST").await;
        let sum: usize =
            c.lines().await.iter().map(|l| l.split(' ').nth(1).unwrap().parse::<usize>().unwrap()).sum();
        assert_eq!(sum, total);
    });
}

#[test]
fn top_counts_lines_of_the_body_alone() {
    let message = b"A: 1\r\nB: 2\r\n\r\none\r\n.two\r\nthree\r\n";
    on(&[message, b"A: header alone\r\n", b"A: b\r\n\r\nno end"], async |_, mut c| {
        c.login().await;
        for (command, wanted) in [
            ("TOP 1 0", "A: 1\r\nB: 2\r\n\r\n"),
            ("TOP 1 1", "A: 1\r\nB: 2\r\n\r\none\r\n"),
            ("TOP 1 2", "A: 1\r\nB: 2\r\n\r\none\r\n.two\r\n"),
            ("TOP 1 3", "A: 1\r\nB: 2\r\n\r\none\r\n.two\r\nthree\r\n"),
            ("TOP 1 99999999999999999999", "A: 1\r\nB: 2\r\n\r\none\r\n.two\r\nthree\r\n"),
            ("TOP 2 5", "A: header alone\r\n"),
            ("TOP 3 0", "A: b\r\n\r\n"),
            ("TOP 3 1", "A: b\r\n\r\nno end\r\n"),
        ] {
            c.ok(command).await;
            assert_eq!(String::from_utf8(c.body().await).unwrap(), wanted, "{command}");
        }
        for command in ["TOP 4 0", "TOP 0 0", "TOP 1", "TOP"] {
            c.err(command).await;
        }
    });
}

#[test]
fn unique_ids_are_of_fixed_width_persist_and_come_from_an_earlier_server_where_known() {
    on(
        &[b"a: 1\r\n\r\n", b"a: 2\r\n\r\n", b"a: 3\r\n\r\n", b"a: 4\r\n\r\n", b"a: 5\r\n\r\n"],
        async |h, mut c| {
            let (snapshot, inbox) = h.inbox(OpenMode::Select).await;
            let own = |i: usize| format!("{:08x}{:08x}", snapshot.uid_validity.get(), snapshot.uids[i].get());
            // The third repeats the second's, the fourth cannot be sent, the fifth looks like the first's own.
            for (i, id) in [(1, "earlier!"), (2, "earlier!"), (3, "two words"), (4, &own(0))] {
                let derived = Derived { pop3_uidl: Some(id.to_owned()), ..Derived::default() };
                inbox.remember(snapshot.uids[i], derived).await;
            }
            c.login().await;
            c.ok("UIDL").await;
            let ids = c.lines().await;
            let wanted = [own(0), "earlier!".into(), own(2), own(3), own(4)];
            assert_eq!(
                ids,
                wanted.iter().enumerate().map(|(i, id)| format!("{} {id}", i + 1)).collect::<Vec<_>>()
            );
            assert_eq!(c.ok("UIDL 2").await, "+OK 2 earlier!");
            assert_eq!(c.ok("UIDL 5").await, format!("+OK 5 {}", own(4)));
            c.err("UIDL 6").await;
            c.ok("DELE 1").await;
            c.ok("QUIT").await;
            let mut c = h.connect();
            c.login().await;
            c.ok("UIDL").await;
            let again: Vec<_> =
                c.lines().await.iter().map(|l| l.split(' ').nth(1).unwrap().to_owned()).collect();
            assert_eq!(again, wanted[1..]);
        },
    );
}

#[test]
fn what_is_marked_is_left_out_and_comes_back_by_rset() {
    on(&[b"12\r\n", b"123\r\n", b"1234\r\n"], async |_, mut c| {
        c.login().await;
        assert_eq!(c.ok("STAT").await, "+OK 3 15");
        c.ok("DELE 2").await;
        c.err("DELE 2").await;
        for command in ["RETR 2", "TOP 2 0", "LIST 2", "UIDL 2"] {
            c.err(command).await;
        }
        assert_eq!(c.ok("STAT").await, "+OK 2 10");
        c.ok("LIST").await;
        assert_eq!(c.lines().await, ["1 4", "3 6"]);
        c.ok("UIDL").await;
        assert_eq!(c.lines().await.len(), 2);
        c.ok("RSET").await;
        assert_eq!(c.ok("STAT").await, "+OK 3 15");
        c.ok("RETR 2").await;
        assert_eq!(c.body().await, b"123\r\n");
    });
}

#[test]
fn only_quit_removes() {
    on(&[b"1\r\n", b"2\r\n", b"3\r\n"], async |h, mut c| {
        c.login().await;
        c.ok("DELE 1").await;
        drop(c);
        h.all_ended().await;
        assert_eq!(h.count().await, 3, "a dropped connection");

        let mut c = h.connect();
        c.login().await;
        c.ok("DELE 1").await;
        c.send("QUIT").await; // without its CRLF
        drop(c);
        h.all_ended().await;
        assert_eq!(h.count().await, 3, "half a QUIT");

        let mut c = h.connect();
        c.login().await;
        c.ok("DELE 1").await;
        c.ok("RSET").await;
        c.ok("DELE 3").await;
        c.ok("QUIT").await;
        assert_eq!(c.rest().await, b"");
        let (snapshot, _) = h.inbox(OpenMode::Examine).await;
        assert_eq!(snapshot.uids.iter().map(|u| u.get()).collect::<Vec<_>>(), [1, 2]);
    });
}

#[test]
fn the_maildrop_is_locked_for_one_session_and_free_when_it_is_over() {
    on(&[b"1\r\n"], async |h, mut first| {
        first.login().await;
        let mut second = h.connect();
        second.ok("").await;
        second.ok("USER alice").await;
        let refused = second.err("PASS secret").await;
        assert!(refused.starts_with("-ERR [IN-USE] "), "{refused}");
        // Free when QUIT is answered: a client may be back at once, while the old connection lingers for what
        // was pipelined behind.
        first.send("QUIT\r\nNOOP\r\n").await;
        first.ok("").await;
        second.ok("USER alice").await;
        second.ok("PASS secret").await;
        drop(second);
        h.all_ended().await;
        let mut third = h.connect();
        third.login().await;
    });
}

#[test]
fn the_view_is_frozen_at_login() {
    on(&[b"a: 1\r\n\r\nx\r\n", b"a: 2\r\n\r\nx\r\n"], async |h, mut c| {
        c.login().await;
        let (snapshot, inbox) = h.inbox(OpenMode::Select).await;
        h.append(b"late\r\n").await;
        inbox.expunge(Some(&snapshot.uids[0].into()), false).await.unwrap();
        assert_eq!(c.ok("STAT").await, "+OK 2 22", "nothing is renumbered");
        for command in ["RETR 1", "TOP 1 0", "TOP 1 5"] {
            let gone = c.err(command).await;
            assert!(!gone.contains("[SYS"), "gone is no system error: {gone}");
        }
        c.ok("RETR 2").await;
        assert_eq!(c.body().await, b"a: 2\r\n\r\nx\r\n");
        c.err("RETR 3").await;
        c.ok("DELE 1").await;
        c.ok("DELE 2").await;
        c.ok("QUIT").await;
        let (snapshot, _) = h.inbox(OpenMode::Examine).await;
        assert_eq!(snapshot.uids.iter().map(|u| u.get()).collect::<Vec<_>>(), [3], "what came later stays");
    });
}

#[test]
fn no_command_changes_a_flag() {
    on(&[b"a: b\r\n\r\nc\r\n"], async |h, mut c| {
        c.login().await;
        c.ok("RETR 1").await;
        c.body().await;
        c.ok("TOP 1 1").await;
        c.body().await;
        c.ok("DELE 1").await;
        let (snapshot, inbox) = h.inbox(OpenMode::Examine).await;
        let changes = inbox.changes(mailstore_api::ModSeq(0), 10).await.unwrap();
        assert!(
            changes.changed.iter().all(|c| c.flags.same_as(&Flags::system(SystemFlags::NONE))),
            "{changes:?}"
        );
        assert_eq!(snapshot.uids.len(), 1);
    });
}

#[test]
fn a_deleted_maildrop_is_reported_at_quit() {
    on(&[b"1\r\n"], async |h, mut c| {
        c.login().await;
        c.ok("DELE 1").await;
        h.store.delete_account("alice").unwrap();
        assert!(c.err("QUIT").await.starts_with("-ERR [SYS/"), "the removal failed");
        assert_eq!(c.rest().await, b"");
    });
}

#[test]
fn a_pipelined_session_is_answered_in_order() {
    on(&[b"a: b\r\n\r\n.c\r\n"], async |_, mut c| {
        c.send("CAPA\r\nUSER alice\r\nPASS secret\r\nSTAT\r\nLIST\r\nRETR 1\r\nRETR 0\r\nDELE 1\r\nRSET\r\nNOOP\r\nQUIT\r\n").await;
        let all = String::from_utf8(c.rest().await).unwrap();
        let after_login = all.split_once("+OK maildrop has 1 messages (12 octets)\r\n").unwrap().1;
        assert_eq!(
            after_login,
            "+OK 1 12\r\n+OK 1 messages (12 octets)\r\n1 12\r\n.\r\n+OK 12 octets\r\na: b\r\n\r\n..c\r\n.\r\n\
             -ERR message numbers begin at 1\r\n+OK message deleted\r\n+OK maildrop has 1 messages (12 octets)\r\n\
             +OK\r\n+OK goodbye\r\n"
        );
    });
}

#[test]
fn many_messages_and_a_long_one_go_through_a_narrow_pipe() {
    let mut messages: Vec<Vec<u8>> = (0..2500).map(|i| format!("n: {i}\r\n\r\n").into_bytes()).collect();
    let mut long = b"a: b\r\n\r\n".to_vec();
    while long.len() < 3_000_000 {
        long.extend_from_slice(b"....+....1....+....2....+....3\r\n.\r\n");
    }
    messages.push(long.clone());
    let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    on(&messages, async |_, mut c| {
        c.login().await;
        c.ok("LIST").await;
        assert_eq!(c.lines().await.len(), 2501);
        c.ok("UIDL").await;
        let mut ids = c.lines().await;
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 2501);
        c.ok("RETR 2501").await;
        assert!(c.body().await == long);
        c.ok("TOP 2501 10").await;
        assert_eq!(c.body().await.split(|b| *b == b'\n').count() - 1, 12);
    });
}

#[test]
fn a_server_that_stops_says_so_and_removes_nothing() {
    on(&[b"1\r\n"], async |h, mut c| {
        c.login().await;
        c.ok("DELE 1").await;
        h.stop();
        assert_eq!(c.rest().await, b"-ERR [SYS/TEMP] The server is shutting down\r\n");
        h.all_ended().await;
        assert_eq!(h.count().await, 1);
    });
}

#[test]
fn a_silent_client_is_let_go_without_a_word() {
    let h = Harness::new(&[b"1\r\n"]);
    h.clone().run(async {
        let mut c = h.connect();
        c.login().await;
        c.ok("DELE 1").await;
        h.pass(Duration::from_secs(500));
        c.ok("NOOP").await;
        h.pass(Duration::from_secs(500));
        c.ok("NOOP").await;
        // RFC 1939 section 3: ten minutes.
        h.pass(Duration::from_secs(600));
        assert_eq!(c.rest().await, b"");
        h.all_ended().await;
        assert_eq!(h.count().await, 1);
        assert_eq!(h.ended(), ["the client was too slow with the next command"]);
    });
}

#[test]
fn the_session_is_small_and_runs_on_any_runtime() {
    let h = Harness::new(&[b"a: b\r\n\r\nc\r\n"]);
    let (future, client) = h.session(|_| ());
    let size = size_of_val(&future); // with the test's own configuration in it
    println!("session future: {size} octets");
    assert!(size <= 4096, "{size}");
    // smol
    smol::block_on(async {
        let task = smol::spawn(future);
        let mut c = client;
        c.login().await;
        c.ok("RETR 1").await;
        c.body().await;
        c.ok("QUIT").await;
        assert!(task.await.is_ok());
    });
}

#[test]
fn a_body_is_read_as_it_is() {
    on(&[ODD[5]], async |h, _| {
        let (snapshot, inbox) = h.inbox(OpenMode::Examine).await;
        let body = inbox.body(snapshot.uids[0], Part::Whole).await.unwrap();
        assert_eq!(mailstore_api::Body::len(&body), ODD[5].len() as u64);
    });
}
