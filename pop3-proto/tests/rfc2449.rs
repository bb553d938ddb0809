//! RFC 2449: CAPA, response codes, lengths, pipelining.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod dialogue;

use dialogue::{Host, play};
use pop3_proto::{Error, LoginDelay, RespCode, Retention};

#[test]
fn section_5_capa_in_both_states() {
    play(
        || {
            Host::with(|c| {
                c.passwords = pop3_proto::Passwords::Always;
                c.login_delay = Some((LoginDelay(900), true));
                c.expire = Some((Retention::Days(60), true));
                c.implementation = Some("Shlemazle-Plotz-v302".into());
            })
        },
        "S: +OK
         C: CAPA
         S: +OK Capability list follows
         S: TOP
         S: UIDL
         S: RESP-CODES
         S: AUTH-RESP-CODE
         S: PIPELINING
         S: USER
         S: SASL PLAIN DIGEST-MD5
         S: STLS
         S: EXPIRE 60 USER
         S: LOGIN-DELAY 900 USER
         S: IMPLEMENTATION Shlemazle-Plotz-v302
         S: .
         C: USER mrose
         S: +OK
         C: PASS tanstaaf
         S: +OK
         C: capa
         S: +OK
         S: TOP
         S: UIDL
         S: RESP-CODES
         S: AUTH-RESP-CODE
         S: PIPELINING
         S: USER
         S: SASL PLAIN DIGEST-MD5
         S: EXPIRE 60
         S: LOGIN-DELAY 900
         S: IMPLEMENTATION Shlemazle-Plotz-v302
         S: .",
    )
    .on_client_but(&[]);
}

#[test]
fn section_6_values_of_the_user_hold_after_login() {
    let mut host = Host::with(|c| {
        c.passwords = pop3_proto::Passwords::Always;
        c.expire = Some((Retention::Days(5), true));
    });
    host.server.set_personal(Some(Retention::Never), Some(LoginDelay(7)));
    let before = String::from_utf8(host.feed(b"CAPA\r\n")).unwrap();
    assert!(before.contains("EXPIRE 5 USER\r\n") && !before.contains("LOGIN-DELAY"));
    let after = String::from_utf8(host.feed(b"USER mrose\r\nPASS tanstaaf\r\nCAPA\r\n")).unwrap();
    assert!(after.contains("EXPIRE NEVER\r\n") && after.contains("LOGIN-DELAY 7\r\n"));
}

#[test]
fn nothing_is_announced_that_cannot_be_used_now() {
    let mut host = Host::with(|c| c.stls = false);
    host.mechanisms.clear();
    let capa = String::from_utf8(host.feed(b"CAPA\r\n")).unwrap();
    for absent in ["USER", "SASL", "STLS", "EXPIRE", "LOGIN-DELAY", "IMPLEMENTATION", "UTF8", "LANG"] {
        assert!(!capa.contains(absent), "{absent}");
    }
    for command in ["STLS", "UTF8", "LANG", "USER mrose"] {
        assert!(host.feed(format!("{command}\r\n").as_bytes()).starts_with(b"-ERR "), "{command}");
    }
}

#[test]
fn where_no_password_may_be_given_user_is_not_there() {
    let mut host = Host::with(|c| c.passwords = pop3_proto::Passwords::Never);
    host.feed(b"STLS\r\n");
    let capa = String::from_utf8(host.feed(b"CAPA\r\n")).unwrap();
    assert!(!capa.contains("USER") && capa.contains("SASL"), "{capa}");
    assert_eq!(host.feed(b"USER mrose\r\n"), b"-ERR not supported here\r\n");
}

#[test]
fn section_8_in_use() {
    play(
        || {
            let mut host = Host::plain();
            host.refuse = Some((Some(RespCode::InUse), "Do you have another POP session running?"));
            host
        },
        "S: +OK
         C: USER mrose
         S: +OK
         C: PASS tanstaaf
         S= -ERR [IN-USE] Do you have another POP session running?",
    )
    .on_client_but(&[]);
}

#[test]
fn section_4_a_command_of_255_octets_is_read_and_an_endless_one_costs_little() {
    let mut host = Host::plain();
    host.feed(b"");
    let name = "n".repeat(255 - 7);
    assert_eq!(host.feed(format!("USER {name}\r\n").as_bytes()), b"+OK send PASS\r\n");
    // Over the limit: one answer, at once, and the next command is read as one.
    let long = format!("USER {}", "n".repeat(2000));
    assert_eq!(host.feed(long.as_bytes()), b"-ERR the line is too long\r\n");
    assert!(host.input.is_empty(), "what is dropped is not kept");
    assert_eq!(host.feed(b"nnn\r\nQUIT\r\n"), b"+OK goodbye\r\n");

    let mut host = Host::plain();
    host.feed(b"");
    for _ in 0..100 {
        host.feed(&[b'x'; 1000]);
    }
    assert_eq!(host.closed, Some(Err(Error::EndlessLine)));
}

#[test]
fn too_many_bad_commands_end_the_connection() {
    let mut host = Host::plain();
    host.feed(b"");
    for i in 0..20 {
        assert_eq!(host.closed, None, "{i}");
        assert_eq!(host.feed(b"GET / HTTP/1.1\r\n"), b"-ERR unknown command\r\n");
    }
    assert_eq!(host.closed, Some(Err(Error::BadCommands)));
    // Who is logged in may try an extension now and then.
    let mut host = Host::plain();
    host.feed(b"USER mrose\r\nPASS tanstaaf\r\n");
    for _ in 0..100 {
        host.feed(b"XTND XLST\r\nNOOP\r\n");
    }
    assert_eq!(host.closed, None);
}

#[test]
fn too_many_refused_logins_end_the_connection() {
    let mut host = Host::plain();
    host.feed(b"");
    for i in 0..6 {
        assert_eq!(host.closed, None, "{i}");
        host.feed(b"USER mrose\r\nPASS wrong\r\n");
    }
    assert_eq!(host.closed, Some(Err(Error::FailedLogins)));
    assert!(host.sent.ends_with(b"-ERR [AUTH] wrong name or password\r\n"));
}

#[test]
fn a_server_that_stops_says_so() {
    let mut host = Host::plain();
    host.feed(b"");
    host.server.shutdown("the server stops");
    assert_eq!(host.feed(b"NOOP\r\n"), b"-ERR [SYS/TEMP] the server stops\r\n");
    assert_eq!(host.closed, Some(Ok(())));
}
