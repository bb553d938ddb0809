//! Faults seen in other servers' framing, limits and states: none of them here.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{Talk, config, trace};
use imap4_proto::{
    server::{Event, Fatal, Server, State},
    types::{Command, FetchItem, FetchItems, SystemFlags},
};
use mail_wire::{Instant, Machine, Poll, TlsInfo, Upgraded};

fn host(s: &mut Server, event: Event<'_>) {
    match event {
        Event::Command(Command::Login { .. }) => s.authenticated("in").unwrap(),
        Event::Command(Command::Select(_)) => s.selected(false, "selected").unwrap(),
        Event::Command(Command::Idle) => s.accept_idle().unwrap(),
        Event::Command(Command::Logout) => s.logout("bye").unwrap(),
        Event::Command(_) | Event::IdleDone | Event::AppendEnd => s.ok(None, "done").unwrap(),
        Event::AppendBegin(_) | Event::AppendNext(_) => s.accept_literal().unwrap(),
        Event::Auth { .. } | Event::AuthResponse(_) => s.challenge(b"").unwrap(),
        _ => {}
    }
}

#[test]
fn a_brace_in_quotes_or_within_a_line_is_no_literal() {
    let mut talk = Talk::logged_in(config(), true);
    for (wire, answer) in [
        ("a SEARCH TEXT \"{5}\"\r\n", "a OK done\r\n"),
        ("a SEARCH TEXT \"{5}\" SUBJECT \"x {3}\"\r\n", "a OK done\r\n"),
        ("a SEARCH TEXT {5} x\r\n", "a BAD A literal's header does not end the line\r\n"),
        ("a SEARCH TEXT x{5}\r\n", "+ Ready for literal data\r\n"),
    ] {
        assert_eq!(talk.send(wire.as_bytes(), &mut host), answer, "{wire}");
    }
    assert!(talk.send(b"12345\r\n", &mut host).starts_with("a BAD "));
}

#[test]
fn literals_of_no_length_of_too_much_and_with_nul() {
    let mut talk = Talk::new(config());
    talk.send(b"", &mut host);
    assert!(talk.send(b"a LOGIN {0+}\r\n {0+}\r\n\r\n", &mut host).starts_with("a OK "));
    for (wire, answer) in [
        (&b"a SELECT {4294967296}\r\n"[..], "a BAD The literal is too long\r\n"),
        (b"a SELECT {18446744073709551617}\r\n", "a BAD The literal is too long\r\n"),
        (b"a SELECT {1+}\r\n\0\r\n", "a BAD A literal must not contain NUL\r\n"),
        (b"a SELECT \"\0\"\r\n", "a BAD A quoted string must not contain NUL or CR\r\n"),
        (b"a SELECT a\0\r\n", "a BAD Something follows the command\r\n"),
        (b"a SELECT {1-}\r\n", "a BAD A literal's header does not end the line\r\n"),
        (b"a SELECT {}\r\n", "a BAD A number is missing\r\n"),
    ] {
        assert_eq!(talk.send(wire, &mut host), answer, "{}", wire.escape_ascii());
    }
}

#[test]
fn every_fault_gets_bad_with_its_tag() {
    let mut c = config();
    c.limits.bad_commands = 100;
    let mut talk = Talk::new(c);
    talk.send(b"", &mut host);
    for (wire, start) in [
        ("\r\n", "* BAD "),
        (" NOOP\r\n", "* BAD "),
        ("+x NOOP\r\n", "* BAD "),
        ("a1\r\n", "a1 BAD A command is missing"),
        ("a1 \r\n", "a1 BAD Unknown command"),
        ("a2 XYZZY\r\n", "a2 BAD Unknown command"),
        ("a3 NOOP x\r\n", "a3 BAD Something follows the command"),
        ("a4 NOOP \r\n", "a4 BAD Something follows the command"),
        ("a5 SELECT INBOX\r\n", "a5 BAD Log in first"),
        ("a6 LOGIN x\r\n", "a6 BAD A space is missing"),
        ("a7 UID NOOP\r\n", "a7 BAD Unknown UID command"),
        ("a8 UID UID UID FETCH 1 FLAGS\r\n", "a8 BAD Unknown UID command"),
        ("a9 APPEND x {3}\r\n", "a9 BAD Log in first"),
        ("b1 IDLE\r\n", "b1 BAD Log in first"),
        ("b2 CLOSE\r\n", "b2 BAD Log in first"),
    ] {
        let answer = talk.send(wire.as_bytes(), &mut host);
        assert!(answer.starts_with(start) && answer.lines().count() == 1, "{wire:?}: {answer}");
    }
    let tag = "t".repeat(65);
    assert_eq!(talk.send(format!("{tag} NOOP\r\n").as_bytes(), &mut host), "* BAD The tag is too long\r\n");
    let tag = "t".repeat(64);
    assert_eq!(talk.send(format!("{tag} NOOP\r\n").as_bytes(), &mut host), format!("{tag} OK done\r\n"));
}

#[test]
fn a_command_that_is_too_long_gets_bad_at_once_and_its_rest_is_dropped() {
    let mut talk = Talk::logged_in(config(), true);
    let mut answer = talk.send(b"long SEARCH TEXT ", &mut host);
    let piece = [b'x'; 1000];
    let mut sent = 0;
    while answer.is_empty() {
        answer = talk.send(&piece, &mut host);
        sent += piece.len();
        assert!(sent < 70_000);
    }
    assert_eq!(answer, "long BAD The line is too long\r\n");
    assert_eq!(talk.send(&piece, &mut host), "");
    assert!(talk.input.len() < 10, "the rest is dropped as it comes");
    assert_eq!(talk.send(b" {3}\r\nb NOOP\r\n", &mut host), "b OK done\r\n");
    // Limits are smaller before login.
    let mut talk = Talk::new(config());
    talk.send(b"", &mut host);
    assert_eq!(talk.send(&[b'x'; 20_000], &mut host), "* BAD The line is too long\r\n");
}

#[test]
fn too_many_bad_commands_end_the_connection() {
    let mut c = config();
    c.limits.bad_commands = 3;
    let mut talk = Talk::new(c.clone());
    talk.send(b"", &mut host);
    let answer = talk.send(b"a X\r\nb Y\r\nc NOOP\r\nd X\r\ne X\r\nf X\r\ng NOOP\r\n", &mut host);
    assert!(answer.ends_with("f BAD Unknown command\r\n* BYE Too many bad commands\r\n"), "{answer}");
    assert!(talk.closed && talk.server.state() == State::Logout);
    c.limits.failed_logins = 2;
    let mut talk = Talk::new(c);
    let answer =
        talk.send(b"a LOGIN x y\r\nb LOGIN x y\r\nc NOOP\r\n", &mut |s, _| s.no(None, "no").unwrap());
    assert!(answer.ends_with("a NO no\r\nb NO no\r\n* BYE Too many failed logins\r\n"), "{answer}");
}

#[test]
fn nesting_is_bounded_on_a_small_stack() {
    std::thread::Builder::new()
        .stack_size(256 * 1024)
        .spawn(|| {
            let mut c = config();
            c.limits.line = 1 << 20;
            let mut talk = Talk::logged_in(c, true);
            for (depth, taken) in [(64, true), (10_000, false)] {
                for (open, close) in [("(", ")"), ("NOT (SEEN ", ")"), ("OR ", " ALL"), ("OR (", ") SEEN")] {
                    let wire = format!("a SEARCH {}ALL{}\r\n", open.repeat(depth), close.repeat(depth));
                    let answer = talk.send(wire.as_bytes(), &mut |s, event| {
                        if let Event::Command(command) = &event {
                            assert_eq!(command.clone().into_owned().get().as_ref(), Some(command));
                        }
                        host(s, event);
                    });
                    let wanted = if taken { "a OK done\r\n" } else { "a BAD The search nests too deep\r\n" };
                    assert_eq!(answer, wanted, "{open} {depth}");
                }
                let wire = format!("a SEARCH {}ALL\r\n", "NOT ".repeat(depth));
                assert_eq!(talk.send(wire.as_bytes(), &mut host), "a OK done\r\n");
                let wire = format!("a {}FETCH 1 FLAGS\r\n", "UID ".repeat(depth));
                assert_eq!(talk.send(wire.as_bytes(), &mut host), "a BAD Unknown UID command\r\n");
            }
        })
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn commands_behind_starttls_are_not_carried_out() {
    let mut talk = Talk::new(config());
    let answer = talk.send(b"a STARTTLS\r\nb LOGIN x y\r\n", &mut host);
    assert!(answer.ends_with("a OK Begin TLS negotiation now\r\n"), "{answer}");
    assert!(talk.fatal && !talk.upgrade);
    assert_eq!(talk.server.poll(b"", Instant::ZERO), Ok(Poll::Close));
    let mut server = Server::new(config());
    let _ = server.poll(b"", Instant::ZERO);
    let wire = b"a STARTTLS\r\nb";
    assert_eq!(server.poll(wire, Instant::ZERO), Ok(Poll::Frame(12)));
    server.event(&wire[..12]);
    assert_eq!(server.poll(&wire[12..], Instant::ZERO), Err(Fatal::PlaintextAfterStartTls));
}

#[test]
fn implicit_tls_comes_before_the_greeting() {
    let mut c = config();
    c.passwords = imap4_proto::server::Passwords::TlsOnly;
    c.mechanisms.truncate(1);
    c.capabilities = imap4_proto::types::Capabilities::IMAP4REV1;
    let mut talk = Talk::new(c.clone());
    talk.server.upgraded(Upgraded::Tls(TlsInfo::default()));
    assert_eq!(talk.send(b"", &mut host), "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n");
    let mut talk = Talk::with(Server::preauthenticated(c.clone()));
    assert_eq!(
        talk.send(b"a SELECT x\r\n", &mut host),
        "* PREAUTH [CAPABILITY IMAP4rev1] ready\r\na OK [READ-WRITE] selected\r\n"
    );
    let mut talk = Talk::with(Server::refused(c));
    assert_eq!(talk.send(b"a SELECT x\r\n", &mut host), "* BYE ready\r\n");
    assert!(talk.closed);
}

#[test]
fn a_slow_client_does_not_hold_a_deadline_open() {
    let mut talk = Talk::logged_in(config(), true);
    talk.send(b"a SEA", &mut host);
    let deadline = talk.server.deadline().unwrap();
    for _ in 0..10 {
        talk.wait(Duration::from_secs(10));
        talk.send(b"x", &mut host);
        assert_eq!(talk.server.deadline(), Some(deadline));
    }
    talk.wait(Duration::from_secs(21));
    talk.server.handle_timeout(talk.now);
    assert_eq!(talk.send(b"", &mut host), "* BYE Autologout; idle for too long\r\n");
    // The login has one deadline, whatever is sent.
    let mut talk = Talk::new(config());
    talk.send(b"", &mut host);
    for _ in 0..4 {
        talk.wait(Duration::from_secs(40));
        talk.send(b"a NOOP\r\n", &mut host);
    }
    assert_eq!(talk.server.deadline(), Some(Instant::from_start(Duration::from_secs(180))));
    // No deadline runs while the host works.
    let _ = talk.server.poll(b"a NOOP\r\n", talk.now);
    talk.server.event(b"a NOOP\r\n");
    assert_eq!(talk.server.deadline(), None);
}

#[test]
fn octets_that_come_one_by_one_change_neither_deadline_nor_limit_nor_end() {
    let answer = |s: &mut Server, input: &[u8], now| s.poll(input, now).unwrap();
    let line = b"tag1 UID FETCH 1:* (FLAGS BODY.PEEK[HEADER])\r";
    let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
    let mut talk = Talk::logged_in(config(), true);
    let mut until = None;
    for n in 1..=line.len() {
        assert_eq!(answer(&mut talk.server, &line[..n], at(n as u64)), Poll::NeedInput { hint: 1 }, "{n}");
        until = until.or_else(|| talk.server.deadline());
        assert_eq!(talk.server.deadline(), until, "{n}");
    }
    let whole = [&line[..], b"\n"].concat();
    assert_eq!(answer(&mut talk.server, &whole, at(99)), Poll::Frame(whole.len()));
    // What ends the connection in the middle of a line is seen at its next octet.
    for end in 1..line.len() {
        let mut talk = Talk::logged_in(config(), true);
        for n in 1..=end {
            _ = answer(&mut talk.server, &line[..n], at(1));
        }
        if end % 2 == 0 {
            talk.server.shutdown("Bye");
        } else {
            let late = talk.server.deadline().unwrap();
            talk.server.handle_timeout(late);
        }
        assert_eq!(answer(&mut talk.server, &line[..=end], at(2)), Poll::Close, "{end}");
    }
    // The limit is passed at the same octet as at once, in tag, verb and arguments.
    let most = 100;
    for long in ["t".repeat(200), format!("t {}", "U".repeat(200)), format!("t NOOP {}", "x".repeat(200))] {
        let refused = |piece: usize| {
            let mut config = config();
            config.limits.line = most;
            let mut talk = Talk::logged_in(config, true);
            let mut upto = 0;
            while upto < long.len() {
                upto = usize::min(upto + piece, long.len());
                if let Poll::Frame(n) = answer(&mut talk.server, &long.as_bytes()[..upto], at(1)) {
                    return Some((n, upto));
                }
            }
            None
        };
        assert_eq!(refused(1), Some((most + 1, most + 1)));
        assert_eq!(refused(most + 1), refused(1));
    }
}

#[test]
fn a_literal_that_is_not_delivered_whole_ends_the_connection() {
    let mut talk = Talk::logged_in(config(), true);
    let items = FetchItems::parse(b"BODY.PEEK[]<5.100>").unwrap();
    let item = items.iter().next().unwrap();
    let mut host = |s: &mut Server, _: Event<'_>| {
        let mut w = s.fetch(1).unwrap();
        w.uid(7);
        w.begin_literal(&item, 10);
        s.literal(Bytes::from_static(b"01234")).unwrap();
        assert_eq!(s.literal_left(), 5);
        // Neither more than announced, nor anything else.
        s.literal(Bytes::from_static(b"012345")).unwrap_err();
        s.ok(None, "done").unwrap_err();
        s.exists(1).unwrap_err();
        s.fetch(2).unwrap_err();
        s.resume_fetch().unwrap_err();
        s.abort();
        s.literal(Bytes::from_static(b"01234")).unwrap_err();
    };
    assert_eq!(talk.send(b"a FETCH 1 BODY[]\r\n", &mut host), "* 1 FETCH (UID 7 BODY[]<5> {10}\r\n01234");
    assert!(talk.closed);
}

#[test]
fn a_response_that_was_left_before_its_first_item_is_taken_up_there() {
    let mut talk = Talk::logged_in(config(), true);
    let answer = talk.send(b"a FETCH 1 FLAGS\r\n", &mut |s, _| {
        assert!(s.fetch(1).is_ok());
        assert!(s.resume_fetch().is_ok());
        s.resume_fetch().unwrap().uid(7);
        s.resume_fetch().unwrap().flags(SystemFlags::SEEN, [""; 0]);
        s.resume_fetch().unwrap().finish();
        s.ok(None, "done").unwrap();
    });
    assert_eq!(answer, "* 1 FETCH (UID 7 FLAGS (\\Seen))\r\na OK done\r\n");
}

#[test]
fn body_sections_of_every_kind_are_written() {
    let mut talk = Talk::logged_in(config(), true);
    let answer = talk.send(
        b"a FETCH 1 (BODY[HEADER.FIELDS (\"To\" {2+}\r\nCc \"X Y\")] BINARY.PEEK[2] BINARY.SIZE[2] RFC822.HEADER BODY[1.MIME])\r\n",
        &mut |s, event| {
            let Event::Command(Command::Fetch(fetch)) = event else { panic!("{event:?}") };
            let items: Vec<FetchItem<'_>> = fetch.items.iter().collect();
            let mut w = s.fetch(1).unwrap();
            w.nstring(&items[0], Some(b"To: x\r\n\r\n")).nstring(&items[1], Some(b"a\0b")).number(&items[2], 3);
            w.nstring(&items[3], None).nstring(&items[4], Some(b""));
            w.begin_literal(&items[1], 0);
            let mut w = s.resume_fetch().unwrap();
            w.modseq(5).flags(SystemFlags::SEEN, ["$X"]);
            w.finish();
            s.ok(None, "done").unwrap();
        },
    );
    assert_eq!(
        answer,
        "* 1 FETCH (BODY[HEADER.FIELDS (To Cc \"X Y\")] {9}\r\nTo: x\r\n\r\n BINARY[2] ~{3}\r\na\0b BINARY.SIZE[2] 3 RFC822.HEADER NIL BODY[1.MIME] \"\" BINARY[2] ~{0}\r\n MODSEQ (5) FLAGS (\\Seen $X))\r\na OK done\r\n"
    );
}

#[test]
fn a_wrong_order_is_misuse_and_writes_nothing() {
    let mut talk = Talk::logged_in(config(), false);
    let s = &mut talk.server;
    s.ok(None, "x").unwrap_err();
    s.no(None, "x").unwrap_err();
    s.bad(None, "x").unwrap_err();
    s.authenticated("x").unwrap_err();
    s.selected(true, "x").unwrap_err();
    s.closed("x").unwrap_err();
    s.logout("x").unwrap_err();
    s.accept_idle().unwrap_err();
    s.accept_literal().unwrap_err();
    s.refuse_literal(None, "x").unwrap_err();
    s.challenge(b"x").unwrap_err();
    s.literal(Bytes::new()).unwrap_err();
    s.resume_fetch().unwrap_err();
    s.enable(imap4_proto::types::Capabilities::CONDSTORE).unwrap_err();
    s.vanished(false, [(1, 2)]).unwrap_err();
    assert_eq!(talk.output(), "");
    let answer = talk.send(b"a SELECT x\r\n", &mut |s, _| {
        s.ok(None, "x").unwrap_err();
        s.authenticated("x").unwrap_err();
        s.accept_idle().unwrap_err();
        s.selected(true, "[x] y").unwrap();
        s.selected(true, "x").unwrap_err();
    });
    assert_eq!(answer, "a OK [READ-ONLY] [x] y\r\n");
    let error = talk.server.logout("x").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`logout` has no place in the connection's present state (no command in progress)"
    );
    talk.server.shutdown("Server is going down");
    talk.server.shutdown("Server is going down");
    assert_eq!(talk.send(b"b NOOP\r\n", &mut host), "* BYE Server is going down\r\n");
}

#[test]
fn every_split_of_a_session_gives_the_same_events() {
    let wire = b"a CAPABILITY\r\nb LOGIN {1}\r\nu \"p\\\\w{3}\"\r\nc SELECT INBOX\r\n\r\nd UID FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS ({4+}\r\nFrom)])\r\ne SEARCH TEXT {300000+}\r\n";
    let tail = b"f IDLE\r\nDONE\r\ng APPEND x {3}\r\nabc\r\nh STORE 1 +FLAGS (\\Seen)\r\ni LOGOUT\r\n";
    let make = || Talk::new(config());
    let mut wire = wire.to_vec();
    wire.truncate(wire.len() - "e SEARCH TEXT {300000+}\r\n".len());
    wire.extend_from_slice(tail);
    let whole = trace(&make, &wire, &[], &mut host);
    assert_eq!(whole.0.len(), 12, "{:#?}", whole.0);
    assert!(whole.1.ends_with("i OK LOGOUT completed\r\n"), "{}", whole.1);
    for a in 0..=wire.len() {
        assert_eq!(trace(&make, &wire, &[a], &mut host), whole, "{a}");
        for b in (a..=wire.len()).step_by(11) {
            assert_eq!(trace(&make, &wire, &[a, b], &mut host), whole, "{a} {b}");
        }
    }
    assert_eq!(trace(&make, &wire, &(1..wire.len()).collect::<Vec<_>>(), &mut host), whole);
}

#[test]
fn octets_at_random_never_stop_the_machine() {
    // A small generator of its own: the same octets each time.
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let words = [
        "a ",
        "LOGIN ",
        "FETCH ",
        "UID ",
        "APPEND ",
        "x ",
        "{3}\r\n",
        "{5+}\r\n",
        "~{2+}\r\n",
        "(",
        ")",
        "\"",
        "\\",
        "\r\n",
        "\n",
        "1:* ",
        "SEARCH ",
        "OR ",
        "NOT ",
        "IDLE\r\n",
        "DONE\r\n",
        "AUTHENTICATE PLAIN\r\n",
        "BODY[",
        "]",
        "<1.2>",
        "\0",
        "\u{e4}",
        "SELECT ",
        "STORE ",
        "FLAGS ",
        "abc",
        "*",
        "{99999999999999999999+}\r\n",
        "UTF8 (",
    ];
    for round in 0..400 {
        let mut talk = match round % 3 {
            0 => Talk::new(config()),
            1 => Talk::logged_in(config(), false),
            _ => Talk::logged_in(config(), true),
        };
        for _ in 0..60 {
            let word = words[usize::try_from(next() % words.len() as u64).unwrap()];
            talk.send(word.as_bytes(), &mut host);
            if talk.closed || talk.fatal {
                break;
            }
        }
    }
}
