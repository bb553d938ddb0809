//! Who gets in, and how.

use crate::harness::*;
use mail_session::auth::Plaintext;

#[test]
fn wrong_password_and_unknown_user_read_the_same() {
    on(&[], async |_, mut c| {
        c.ok("").await;
        let mut answers = vec![];
        for user in ["alice", "nobody", "\u{fffd}"] {
            c.ok(&format!("USER {user}")).await;
            answers.push(c.err("PASS wrong").await);
        }
        answers.dedup();
        assert_eq!(answers, ["-ERR [AUTH] Authentication failed"]);
        c.ok("USER down").await;
        assert!(c.err("PASS x").await.starts_with("-ERR [SYS/TEMP] "), "not the credentials' fault");
        c.ok("USER noaccount").await;
        assert!(c.err("PASS secret").await.starts_with("-ERR [SYS/PERM] "));
        c.ok("USER alice@example.test").await;
        c.ok("PASS secret").await;
    });
}

#[test]
fn passwords_are_octets_with_all_their_spaces() {
    on(&[], async |_, mut c| {
        c.ok("").await;
        c.ok("USER bob").await;
        c.octets(b"PASS   two\xff  \r\n").await;
        c.ok("").await;
    });
}

#[test]
fn sasl_plain_and_login() {
    on(&[], async |h, mut c| {
        c.ok("").await;
        // \0alice\0secret
        c.ok("AUTH PLAIN AGFsaWNlAHNlY3JldA==").await;
        assert_eq!(c.ok("STAT").await, "+OK 0 0");
        c.ok("QUIT").await;
        let mut c = h.connect();
        c.ok("").await;
        c.send("AUTH plain\r\n").await;
        assert_eq!(c.line().await, b"+ ");
        c.err("*").await;
        c.send("AUTH PLAIN\r\n").await;
        assert_eq!(c.line().await, b"+ ");
        c.err("not base64!").await;
        c.err("AUTH PLAIN AGFsaWNlAHdyb25n").await;
        c.err("AUTH GSSAPI").await;
        c.err("AUTH XOAUTH2").await; // nobody here verifies tokens
        c.send("AUTH LOGIN\r\n").await;
        assert_eq!(c.line().await, b"+ VXNlcm5hbWU6");
        c.send("YWxpY2U=\r\n").await;
        assert_eq!(c.line().await, b"+ UGFzc3dvcmQ6");
        c.ok("c2VjcmV0").await;
    });
}

#[test]
fn nothing_that_shows_a_password_is_offered_or_taken_before_tls() {
    let h = Harness::new(&[b"1\r\n"]);
    h.clone().run(async {
        let mut c = h.connect_as(Plaintext::TlsOnly, false, |_| ());
        c.ok("").await;
        c.ok("CAPA").await;
        let before = c.lines().await;
        assert!(before.contains(&"STLS".to_owned()), "{before:?}");
        assert!(!before.iter().any(|l| l.starts_with("SASL") || l == "USER"), "{before:?}");
        c.err("USER alice").await;
        c.err("AUTH PLAIN AGFsaWNlAHNlY3JldA==").await;
        c.ok("AUTH").await;
        assert_eq!(c.lines().await, Vec::<String>::new());
        c.ok("STLS").await;
        c.ok("CAPA").await;
        let after = c.lines().await;
        assert!(
            after.contains(&"USER".to_owned()) && after.contains(&"SASL PLAIN LOGIN".to_owned()),
            "{after:?}"
        );
        assert!(!after.contains(&"STLS".to_owned()));
        c.ok("USER alice").await;
        c.ok("PASS secret").await;
        assert_eq!(c.ok("STAT").await, "+OK 1 3");
        c.ok("QUIT").await;

        let mut c = h.connect_as(Plaintext::TlsOnly, true, |_| ());
        c.login().await;
        assert_eq!(c.ok("STAT").await, "+OK 1 3", "implicit TLS");
    });
}

#[test]
fn what_follows_stls_in_the_clear_is_never_carried_out() {
    let h = Harness::new(&[b"1\r\n"]);
    h.clone().run(async {
        let mut c = h.connect();
        c.ok("").await;
        c.send("STLS\r\nUSER alice\r\nPASS secret\r\nDELE 1\r\nQUIT\r\n").await;
        let rest = c.rest().await;
        assert!(!rest.windows(8).any(|w| w == b"maildrop"), "{}", rest.escape_ascii());
        h.all_ended().await;
        assert_eq!(h.count().await, 1);
        assert_eq!(h.ended().len(), 1);
    });
}

#[test]
fn guessing_ends_the_connection() {
    on(&[], async |_, mut c| {
        for _ in 0..6 {
            c.send("USER alice\r\nPASS guess\r\n").await;
        }
        let all = String::from_utf8(c.rest().await).unwrap();
        assert_eq!(all.matches("[AUTH]").count(), 6);
    });
}

#[test]
fn outlook_s_utf8_after_login_is_taken() {
    on(&[], async |_, mut c| {
        c.login().await;
        c.ok("CAPA").await;
        assert!(c.lines().await.iter().any(|l| l == "UTF8 USER"));
        c.ok("UTF8").await;
        c.ok("STAT").await;
    });
}
