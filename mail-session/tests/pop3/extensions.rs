//! RFC 2449 and RFC 6856 at the level of the session, and APOP.

use crate::harness::*;
use mail_session::{
    auth::Plaintext,
    pop3::{Config, Internationalised},
};
use std::time::Duration;

const GLOBAL: &[u8] = "Subject: ünï\r\n\r\nbody\r\n".as_bytes();

#[test]
fn capa_tells_the_truth_before_and_after_login_and_after_stls() {
    on(&[], async |h, _| {
        let mut c = h.connect_as(Plaintext::TlsOnly, false, |_| ());
        c.ok("").await;
        c.ok("CAPA").await;
        let before = c.lines().await;
        for line in [
            "TOP",
            "UIDL",
            "RESP-CODES",
            "AUTH-RESP-CODE",
            "PIPELINING",
            "STLS",
            "EXPIRE NEVER",
            "UTF8 USER",
            "LANG",
        ] {
            assert!(before.iter().any(|l| l == line), "{line} in {before:?}");
        }
        assert!(!before.iter().any(|l| l.starts_with("USER") || l.starts_with("SASL")), "{before:?}");
        c.ok("STLS").await;
        c.ok("CAPA").await;
        let under_tls = c.lines().await;
        assert!(
            under_tls.iter().any(|l| l == "USER") && under_tls.iter().any(|l| l.starts_with("SASL PLAIN"))
        );
        assert!(!under_tls.iter().any(|l| l == "STLS"), "{under_tls:?}");
        c.ok("USER alice").await;
        c.ok("PASS secret").await;
        c.ok("CAPA").await;
        assert!(!c.lines().await.iter().any(|l| l == "STLS"));
    });
}

#[test]
fn who_comes_too_soon_is_told_to_wait() {
    on(&[], async |h, _| {
        let mut shared = Config::new("mail.example.test");
        shared.set_login_delay(Duration::from_secs(600));
        let with = |config: &mut Config| config.clone_from(&shared);
        let mut c = h.connect_with(with);
        c.ok("").await;
        c.ok("CAPA").await;
        assert!(c.lines().await.iter().any(|l| l == "LOGIN-DELAY 600"));
        c.ok("USER alice").await;
        c.err("PASS wrong").await;
        c.ok("USER alice").await;
        c.ok("PASS secret").await;
        c.ok("QUIT").await;
        let mut c = h.connect_with(with);
        c.ok("").await;
        c.ok("USER alice").await;
        assert!(c.err("PASS secret").await.starts_with("-ERR [LOGIN-DELAY] "));
        assert!(c.err("AUTH PLAIN AGFsaWNlAHNlY3JldA==").await.starts_with("-ERR [LOGIN-DELAY] "));
    });
}

#[test]
fn expire_0_removes_what_was_fetched_and_only_at_quit() {
    on(&[b"A: 1\r\n\r\n", b"A: 2\r\n\r\n"], async |h, first| {
        drop(first);
        let expire = |config: &mut Config| config.set_expire_days(0);
        let mut c = h.connect_with(expire);
        c.login().await;
        c.ok("CAPA").await;
        assert!(c.lines().await.iter().any(|l| l == "EXPIRE 0"));
        c.ok("RETR 1").await;
        c.body().await;
        drop(c);
        h.all_ended().await;
        assert_eq!(h.count().await, 2, "a lost connection removes nothing");
        let mut c = h.connect_with(expire);
        c.login().await;
        c.ok("TOP 1 0").await;
        c.body().await;
        c.ok("RETR 2").await;
        c.body().await;
        c.ok("QUIT").await;
        assert_eq!(h.count().await, 1);
        let mut c = h.connect_with(|config| config.set_expire_days(30));
        c.login().await;
        c.ok("RETR 1").await;
        c.body().await;
        c.ok("QUIT").await;
        assert_eq!(h.count().await, 1);
    });
}

#[test]
fn utf8_is_taken_before_login_and_after_it() {
    on(&[GLOBAL], async |h, mut c| {
        c.ok("").await;
        c.ok("UTF8").await;
        c.ok("USER alice").await;
        c.ok("PASS secret").await;
        // Outlook says it only now.
        c.ok("UTF8").await;
        c.ok("RETR 1").await;
        assert_eq!(c.body().await, GLOBAL);
        c.ok("QUIT").await;
        let mut c = h.connect();
        c.login().await;
        c.ok("RETR 1").await;
        assert_eq!(c.body().await, GLOBAL, "as it is, by default");
        c.ok("QUIT").await;
        let mut c = h.connect_with(|config| config.internationalised = Internationalised::Refuse);
        c.login().await;
        assert!(c.err("RETR 1").await.starts_with("-ERR [UTF8] "));
        assert!(c.err("TOP 1 0").await.starts_with("-ERR [UTF8] "));
        c.ok("UTF8").await;
        c.ok("RETR 1").await;
        assert_eq!(c.body().await, GLOBAL);
    });
}

#[test]
fn lang_knows_english() {
    on(&[], async |_, mut c| {
        c.ok("").await;
        c.ok("LANG").await;
        assert_eq!(c.lines().await, ["en English"]);
        for range in ["en", "EN-gb", "*"] {
            assert!(c.ok(&format!("LANG {range}")).await.starts_with("+OK en "));
        }
        c.err("LANG de").await;
        c.ok("USER alice").await;
        c.ok("PASS secret").await;
        c.ok("LANG *").await;
    });
}

#[test]
fn without_secrets_there_is_no_apop() {
    on(&[], async |_, mut c| {
        assert!(!c.ok("").await.contains('<'));
        c.err("APOP alice c4c9334bac560ecc979e58001b3e22fb").await;
    });
}
