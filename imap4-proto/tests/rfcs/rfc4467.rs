//! RFC 4467: URLAUTH.

use imap4_proto::types::{
    AString, Capabilities, Code, Command, ListOf, MechanismName, UrlData, UrlMechanism, UrlRump,
};

use crate::duet::{Duet, off, ok};

const RUMP: &str = "imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred";
const FULL: &str = "imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred:internal:91354a473744909de610943775f92038";

#[test]
fn section_7_genurlauth_and_urlfetch() {
    let mut duet = Duet::selected();
    let heard = duet.ask(
        &format!("GENURLAUTH \"{RUMP}\" INTERNAL"),
        |s, c| {
            assert_eq!(
                c,
                Command::GenUrlAuth(ListOf::new(&[UrlRump::new(AString::new(RUMP.as_bytes()), "INTERNAL")]))
            );
            s.genurlauth(&[AString::new(FULL.as_bytes())]).unwrap();
            s.ok(None, "GENURLAUTH completed").unwrap();
        },
        &format!("* GENURLAUTH {FULL}\n$ OK GENURLAUTH completed"),
    );
    assert!(heard[0].contains(FULL), "{heard:?}");
    duet.ask(
        "GENURLAUTH \"imap://joe@example.com/INBOX/;uid=20/;section=1.2\" INTERNAL",
        |s, _| s.bad(None, "missing access identifier in supplied URL").unwrap(),
        "$ BAD missing access identifier in supplied URL",
    );
    let heard = duet.ask(
        &format!("URLFETCH \"{FULL}\" x"),
        |s, c| {
            let Command::UrlFetch(urls) = c else { panic!() };
            assert_eq!(urls.iter().count(), 2);
            let text = AString::new(b"Si vis pacem, para bellum.\r\n");
            let url = AString::new(FULL.as_bytes());
            s.urlfetch(&[UrlData::new(url, Some(text)), UrlData::new(AString::new(b"x"), None)]).unwrap();
            s.ok(None, "URLFETCH completed").unwrap();
        },
        &format!("* URLFETCH {FULL} {{28}}\nSi vis pacem, para bellum.\n| x NIL\n$ OK URLFETCH completed"),
    );
    assert!(heard[0].contains("UrlFetch("), "{heard:?}");
    assert!(heard[0].contains("data: None"), "{heard:?}");
}

#[test]
fn section_7_resetkey() {
    let mut duet = Duet::selected();
    duet.ask("RESETKEY", |s, _| s.ok(None, "All keys removed").unwrap(), "$ OK All keys removed");
    let internal = [UrlMechanism::new("INTERNAL", None)];
    duet.ask(
        "RESETKEY INBOX",
        |s, _| s.ok(Some(Code::UrlMech(ListOf::new(&internal))), "mechs").unwrap(),
        "$ OK [URLMECH INTERNAL] mechs",
    );
    let both = [internal[0], UrlMechanism::new("XSAMPLE", Some("P34OKhO7VEkCbsiYY8rGEg=="))];
    let heard = duet.ask(
        "RESETKEY INBOX XSAMPLE",
        |s, c| {
            let Command::ResetKey { mechanisms, .. } = c else { panic!() };
            assert!(mechanisms.iter().eq([MechanismName("XSAMPLE")]));
            s.ok(Some(Code::UrlMech(ListOf::new(&both))), "done").unwrap();
        },
        "$ OK [URLMECH INTERNAL XSAMPLE=P34OKhO7VEkCbsiYY8rGEg==] done",
    );
    assert!(heard[0].contains("data: Some(\"P34OKhO7VEkCbsiYY8rGEg==\")"), "{heard:?}");
    duet.done("RESETKEY", |s, _| ok(s));
    duet.refused("URLFETCH", "BAD A space is missing");
    duet.refused("GENURLAUTH x", "BAD A space is missing");
    off(
        Capabilities::URLAUTH,
        &[
            ("RESETKEY", "BAD Unknown command"),
            ("GENURLAUTH x INTERNAL", "BAD Unknown command"),
            ("URLFETCH x", "BAD Unknown command"),
        ],
    );
}

#[test]
fn its_examples_on_both_machines() {
    crate::dialogue::file(include_str!("../dialogues/rfc4467.txt"));
}
