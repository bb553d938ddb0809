//! RFC 3501: its sample connection, and its examples command by command.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod common;
#[path = "common/dialogue.rs"]
mod dialogue;

use std::num::NonZeroU32;

use common::{Talk, config};
use imap4_proto::{
    server::{Event, Passwords, Server, State},
    types::{
        AString, Code, Command, DateTime, Flag, ListData, MailboxAttributes, SearchKey, SeqNumber,
        StatusData, StatusItems, StoreMode, SystemFlags as S,
    },
};

const ENVELOPE: &str = r#"("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes" (("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) ((NIL NIL "minutes" "CNRI.Reston.VA.US") ("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL "<B27397-0100000@cac.washington.edu>")"#;

#[test]
fn the_sample_connection_of_section_8() {
    let mut config = config();
    config.capabilities = imap4_proto::types::Capabilities::IMAP4REV1;
    config.mechanisms.clear();
    config.starttls = false;
    let mut talk = Talk::new(config);
    let mut host = |s: &mut Server, event: Event<'_>| {
        let Event::Command(command) = event else { panic!("{event:?}") };
        match command {
            Command::Login { user, password } => {
                assert!(user == "mrc" && password == "secret");
                s.authenticated("LOGIN completed").unwrap();
            }
            Command::Select(select) => {
                assert!(select.mailbox.is_inbox() && !select.read_only);
                s.exists(18).unwrap();
                s.flags(S::ALL, [""; 0]).unwrap();
                s.recent(2).unwrap();
                s.untagged_ok(Some(Code::Unseen(17)), "Message 17 is the first unseen message").unwrap();
                s.untagged_ok(Some(Code::UidValidity(3_857_529_045)), "UIDs valid").unwrap();
                s.selected(false, "SELECT completed").unwrap();
            }
            Command::Fetch(fetch) => {
                assert_eq!(fetch.set.resolve(18).collect::<Vec<_>>(), [(12, 12)]);
                let mut w = s.fetch(12).unwrap();
                let items: Vec<_> = fetch.items.iter().collect();
                if items.len() == 5 {
                    // The macro FULL.
                    w.flags(S::SEEN, [""; 0])
                        .internal_date(DateTime::new(837_596_665, -420))
                        .rfc822_size(4286);
                    w.raw(&items[3], ENVELOPE.as_bytes());
                    w.raw(&items[4], br#"("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 3028 92)"#);
                    w.finish();
                } else {
                    let text = "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\nFrom: Terry Gray <gray@cac.washington.edu>\r\n\r\n";
                    w.begin_literal(&items[0], text.len() as u64);
                    s.literal(bytes::Bytes::copy_from_slice(text.as_bytes())).unwrap();
                    s.resume_fetch().unwrap().finish();
                }
                s.ok(None, "FETCH completed").unwrap();
            }
            Command::Store(store) => {
                assert!(store.mode == StoreMode::Add && store.flags.iter().eq([Flag::System(S::DELETED)]));
                s.fetch(12).unwrap().flags(S::SEEN | S::DELETED, [""; 0]);
                s.resume_fetch().unwrap().finish();
                s.ok(None, "+FLAGS completed").unwrap();
            }
            Command::Logout => s.logout("IMAP4rev1 server terminating connection").unwrap(),
            other => panic!("{other:?}"),
        }
    };
    talk.play(
        &format!(
            r#"
        C>
        S: * OK [CAPABILITY IMAP4rev1] ready
        C: a001 login mrc secret
        S: a001 OK [CAPABILITY IMAP4rev1] LOGIN completed
        C: a002 select inbox
        S: * 18 EXISTS
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
        S: * 2 RECENT
        S: * OK [UNSEEN 17] Message 17 is the first unseen message
        S: * OK [UIDVALIDITY 3857529045] UIDs valid
        S: a002 OK [READ-WRITE] SELECT completed
        C: a003 fetch 12 full
        S: * 12 FETCH (FLAGS (\Seen) INTERNALDATE "17-Jul-1996 02:44:25 -0700" RFC822.SIZE 4286 ENVELOPE {ENVELOPE} BODY ("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 3028 92))
        S: a003 OK FETCH completed
        C: a004 fetch 12 body[header]
        S: * 12 FETCH (BODY[HEADER] {{91}}
        S: Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)
        S: From: Terry Gray <gray@cac.washington.edu>
        S: 
        S: )
        S: a004 OK FETCH completed
        C: a005 store 12 +flags \deleted
        S: * 12 FETCH (FLAGS (\Deleted \Seen))
        S: a005 OK +FLAGS completed
        C: a006 logout
        S: * BYE IMAP4rev1 server terminating connection
        S: a006 OK LOGOUT completed
        "#
        ),
        &mut host,
    );
    assert!(talk.closed);
    assert_eq!(talk.secret_frames, 1);
}

#[test]
fn section_6_1_commands_of_any_state() {
    let mut talk = Talk::new(config());
    talk.server.set_mechanisms([]);
    let mut host = |s: &mut Server, event: Event<'_>| match event {
        Event::Command(Command::Noop) => s.ok(None, "NOOP completed").unwrap(),
        Event::Answered(_) => {}
        other => panic!("{other:?}"),
    };
    let greeting = talk.send(b"", &mut host);
    assert!(
        greeting
            .starts_with("* OK [CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR LITERAL+ ID ENABLE IDLE NAMESPACE"),
        "{greeting}"
    );
    assert!(greeting.ends_with(" STARTTLS] ready\r\n"), "{greeting}");
    let listing = greeting.strip_prefix("* OK [").unwrap().split(']').next().unwrap().to_string();
    assert_eq!(
        talk.send(b"abcd CAPABILITY\r\n", &mut host),
        format!("* {listing}\r\nabcd OK CAPABILITY completed\r\n")
    );
    assert_eq!(talk.send(b"a002 NOOP\r\n", &mut host), "a002 OK NOOP completed\r\n");
    assert_eq!(talk.server.state(), State::NotAuthenticated);
}

#[test]
fn section_6_2_starttls_and_logindisabled() {
    let mut c = config();
    c.passwords = Passwords::TlsOnly;
    c.capabilities = imap4_proto::types::Capabilities::IMAP4REV1;
    let mut talk = Talk::new(c);
    let mut host = |s: &mut Server, event: Event<'_>| match event {
        Event::Command(Command::Login { .. }) => s.authenticated("in").unwrap(),
        Event::Answered(_) => {}
        other => panic!("{other:?}"),
    };
    talk.play(
        "
        C>
        S: * OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED AUTH=PLAIN] ready
        C: a001 CAPABILITY
        S: * CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED AUTH=PLAIN
        S: a001 OK CAPABILITY completed
        C: a001 LOGIN joe password
        S: a001 NO [PRIVACYREQUIRED] Plaintext logins are disabled here
        C: a001 AUTHENTICATE LOGIN
        S: a001 NO [PRIVACYREQUIRED] Plaintext logins are disabled here
        C: a001 AUTHENTICATE GSSAPI
        S: a001 NO [CANNOT] This mechanism is not offered
        C: a002 STARTTLS
        S: a002 OK Begin TLS negotiation now
        ",
        &mut host,
    );
    assert!(talk.upgrade);
    mail_wire::Machine::upgraded(&mut talk.server, mail_wire::Upgraded::Tls(mail_wire::TlsInfo::default()));
    talk.play(
        "
        C: a003 CAPABILITY
        S: * CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=LOGIN
        S: a003 OK CAPABILITY completed
        C: a003 STARTTLS
        S: a003 BAD STARTTLS is not offered here
        C: a004 LOGIN joe password
        S: a004 OK [CAPABILITY IMAP4rev1] in
        ",
        &mut |s, e| {
            // Out of place in the clear, and under TLS.
            host(s, e);
        },
    );
}

#[test]
fn section_6_2_2_authenticate() {
    let mut talk = Talk::new(config());
    let mut steps = Vec::new();
    let mut host = |s: &mut Server, event: Event<'_>| {
        steps.push(format!("{event:?}"));
        match event {
            Event::Auth { mechanism, initial } => {
                assert_eq!((mechanism, initial), ("plain", None));
                s.challenge(b"").unwrap();
            }
            Event::AuthResponse(secret) if secret.expose() == b"\0tim\0tanstaaftanstaaf" => {
                s.authenticated("GSSAPI authentication successful").unwrap();
            }
            Event::AuthResponse(secret) => {
                assert_eq!(secret.expose(), b"again");
                s.challenge(b"YGgGCSqGSIb3").unwrap();
            }
            Event::AuthCancel | Event::Answered(_) => {}
            other => panic!("{other:?}"),
        }
    };
    talk.send(b"", &mut host);
    talk.play(
        "
        C: A000 AUTHENTICATE plain
        S: + 
        C: *
        S: A000 BAD Authentication cancelled
        C: A001 AUTHENTICATE plain
        S: + 
        C: no base64!
        S: A001 BAD The response is no base64
        C: A001 AUTHENTICATE plain
        S: + 
        # Base64 is strict: no missing padding, no bits left over.
        C: YWdhaW4
        S: A001 BAD The response is no base64
        C: A001 AUTHENTICATE plain
        S: + 
        C: YWdhaW4=
        S: + WUdnR0NTcUdTSWIz
        ",
        &mut host,
    );
    let end = talk.send(b"AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n", &mut host);
    assert!(
        end.starts_with("A001 OK [CAPABILITY IMAP4rev1 ")
            && end.ends_with("] GSSAPI authentication successful\r\n"),
        "{end}"
    );
    assert_eq!(talk.server.state(), State::Authenticated);
    assert!(steps.iter().any(|s| s == "AuthResponse(SecretBuf(..))"), "{steps:?}");
    assert!(!steps.iter().any(|s| s.contains("tanstaaf")));
}

#[test]
fn sections_6_3_and_7_2_mailboxes() {
    let mut talk = Talk::logged_in(config(), false);
    let mut host = |s: &mut Server, event: Event<'_>| {
        let Event::Command(command) = event else { panic!("{event:?}") };
        match command {
            Command::Select(select) if select.mailbox.decode().as_deref() == Ok("gone") => {
                s.no(Some(Code::NonExistent), "No such mailbox").unwrap();
            }
            Command::Select(select) => {
                s.exists(17).unwrap();
                s.flags(S::ALL, ["$Forwarded"]).unwrap();
                s.untagged_ok(
                    Some(Code::PermanentFlags {
                        system: S::DELETED | S::SEEN,
                        keywords: &[],
                        new_keywords: true,
                    }),
                    "Limited",
                )
                .unwrap();
                s.selected(select.read_only, "done").unwrap();
            }
            Command::Create(create) => {
                assert_eq!(create.mailbox.decode().as_deref(), Ok("owatagusiam/"));
                s.ok(None, "CREATE completed").unwrap();
            }
            Command::Delete(m) => {
                assert_eq!(m.decode().as_deref(), Ok("foo"));
                s.no(None, "Name \"foo\" has inferior hierarchical names").unwrap();
            }
            Command::Rename { from, to } => {
                assert!(from.is_inbox());
                assert_eq!(to.decode().as_deref(), Ok("old-mail"));
                s.ok(None, "RENAME completed").unwrap();
            }
            Command::Subscribe(m) => {
                assert_eq!(m.decode().as_deref(), Ok("#news.comp.mail.mime"));
                s.ok(None, "SUBSCRIBE completed").unwrap();
            }
            Command::Unsubscribe(m) => {
                assert_eq!(m.bytes().as_ref(), b"a&b");
                assert!(m.decode().is_err());
                s.no(Some(Code::Cannot), "not a name").unwrap();
            }
            Command::List(list) if list.patterns.iter().all(|p| p.is_empty()) => {
                assert!(!list.is_extended());
                s.list(&ListData::new(MailboxAttributes::NO_SELECT, Some('/'), "")).unwrap();
                s.ok(None, "LIST Completed").unwrap();
            }
            Command::List(list) => {
                assert_eq!(list.reference.decode().as_deref(), Ok("~/Mail/"));
                assert!(list.patterns.iter().map(|p| p.decode().unwrap().into_owned()).eq(["%".to_string()]));
                s.list(&ListData::new(MailboxAttributes::NO_SELECT, Some('/'), "~/Mail/foo")).unwrap();
                s.list(&ListData::new(MailboxAttributes::NONE, None, "~/Mail/Entw\u{fc}rfe \"1\"")).unwrap();
                s.ok(None, "LIST completed").unwrap();
            }
            Command::Lsub { reference, pattern } => {
                assert_eq!(
                    (reference.decode().as_deref(), pattern.decode().as_deref()),
                    (Ok("#news."), Ok("comp.mail.*"))
                );
                s.lsub(&ListData::new(MailboxAttributes::NONE, Some('.'), "#news.comp.mail.mime")).unwrap();
                s.ok(None, "LSUB completed").unwrap();
            }
            Command::Status { mailbox, items } => {
                assert_eq!(items, StatusItems::UIDNEXT | StatusItems::MESSAGES);
                let mut data = StatusData::default();
                data.messages = Some(231);
                data.uid_next = Some(44292);
                s.status(&mailbox.decode().unwrap(), &data).unwrap();
                s.ok(None, "STATUS completed").unwrap();
            }
            other => panic!("{other:?}"),
        }
    };
    talk.play(
        r##"
        C: A142 SELECT INBOX
        S: * 17 EXISTS
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded)
        S: * OK [PERMANENTFLAGS (\Deleted \Seen \*)] Limited
        S: A142 OK [READ-WRITE] done
        C: A932 EXAMINE blurdybloop
        S: * OK [CLOSED] Previous mailbox is now closed
        S: * 17 EXISTS
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded)
        S: * OK [PERMANENTFLAGS (\Deleted \Seen \*)] Limited
        S: A932 OK [READ-ONLY] done
        C: A003 CREATE owatagusiam/
        S: A003 OK CREATE completed
        C: A683 DELETE foo
        S: A683 NO Name "foo" has inferior hierarchical names
        C: Z433 RENAME inBOX old-mail
        S: Z433 OK RENAME completed
        C: A002 SUBSCRIBE #news.comp.mail.mime
        S: A002 OK SUBSCRIBE completed
        C: A002 UNSUBSCRIBE a&b
        S: A002 NO [CANNOT] not a name
        C: A101 LIST "" ""
        S: * LIST (\Noselect) "/" ""
        S: A101 OK LIST Completed
        C: A202 LIST ~/Mail/ %
        S: * LIST (\Noselect) "/" ~/Mail/foo
        S: * LIST () NIL "~/Mail/Entw&APw-rfe \"1\""
        S: A202 OK LIST completed
        C: A002 LSUB "#news." "comp.mail.*"
        S: * LSUB () "." #news.comp.mail.mime
        S: A002 OK LSUB completed
        C: A042 STATUS blurdybloop (UIDNEXT MESSAGES)
        S: * STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)
        S: A042 OK STATUS completed
        C: A043 SELECT gone
        S: * OK [CLOSED] Previous mailbox is now closed
        S: A043 NO [NONEXISTENT] No such mailbox
        "##,
        &mut host,
    );
    assert_eq!(talk.server.state(), State::Authenticated);
}

#[test]
fn section_6_3_11_append() {
    let mut talk = Talk::logged_in(config(), false);
    let mut stored = Vec::new();
    let mut host = |s: &mut Server, event: Event<'_>| match event {
        Event::AppendBegin(begin) => {
            assert_eq!(begin.mailbox.decode().as_deref(), Ok("saved-messages"));
            assert!(
                begin.message.flags.system() == S::SEEN
                    && begin.message.len == 23
                    && begin.message.synchronizing
            );
            s.accept_literal().unwrap();
        }
        Event::AppendChunk(octets) => stored.extend_from_slice(octets),
        Event::AppendEnd => s.ok(None, "APPEND completed").unwrap(),
        other => panic!("{other:?}"),
    };
    talk.play(
        r"
        C: A003 APPEND saved-messages (\Seen) {23}
        S: + Ready for literal data
        C: Subject: a
        C: 
        C: A4 NOOP
        C: 
        S: A003 OK APPEND completed
        ",
        &mut host,
    );
    assert_eq!(stored, b"Subject: a\r\n\r\nA4 NOOP\r\n");
}

#[test]
fn section_6_4_messages() {
    let mut talk = Talk::logged_in(config(), true);
    let mut host = |s: &mut Server, event: Event<'_>| {
        let Event::Command(command) = event else { panic!("{event:?}") };
        match command {
            Command::Check => s.ok(None, "CHECK Completed").unwrap(),
            Command::Expunge => {
                for n in [3, 3, 5, 8] {
                    s.expunge(n).unwrap();
                }
                s.ok(None, "EXPUNGE completed").unwrap();
            }
            Command::Search(search) => {
                assert!(!search.uid && search.returns.is_none());
                let SearchKey::And(keys) = &search.key else { panic!("{search:?}") };
                assert_eq!(
                    keys.as_slice(),
                    [
                        SearchKey::Flag(S::FLAGGED),
                        SearchKey::Since(imap4_proto::types::Date::new(1994, 2, 1).unwrap()),
                        SearchKey::Not(Box::new(SearchKey::From(AString::new(b"Smith"))))
                    ]
                );
                s.search([2, 84, 882], None).unwrap();
                // Numbers must not move while a search by number runs.
                s.expunge(1).unwrap_err();
                s.ok(None, "SEARCH completed").unwrap();
            }
            Command::Copy { uid, set, mailbox } => {
                assert!(!uid && mailbox.decode().as_deref() == Ok("MEETING"));
                let range = set.ranges().next().unwrap();
                assert_eq!(range.from, SeqNumber::Number(NonZeroU32::new(2).unwrap()));
                s.ok(None, "COPY completed").unwrap();
            }
            Command::Store(store) => {
                assert!(store.uid && store.silent);
                // With UIDs they may.
                s.expunge(1).unwrap();
                s.ok(None, "STORE completed").unwrap();
            }
            Command::Close => s.ok(None, "CLOSE completed").unwrap(),
            other => panic!("{other:?}"),
        }
    };
    talk.play(
        r"
        C: FXXZ CHECK
        S: FXXZ OK CHECK Completed
        C: A202 EXPUNGE
        S: * 3 EXPUNGE
        S: * 3 EXPUNGE
        S: * 5 EXPUNGE
        S: * 8 EXPUNGE
        S: A202 OK EXPUNGE completed
        C: A282 SEARCH FLAGGED SINCE 1-Feb-1994 NOT FROM {5}
        S: + Ready for literal data
        C: Smith
        S: * SEARCH 2 84 882
        S: A282 OK SEARCH completed
        C: A003 COPY 2:4 MEETING
        S: A003 OK COPY completed
        C: A004 UID STORE 2:4 -FLAGS.SILENT ($x)
        S: * 1 EXPUNGE
        S: A004 OK STORE completed
        C: A341 CLOSE
        S: A341 OK CLOSE completed
        ",
        &mut host,
    );
    assert_eq!(talk.server.state(), State::Authenticated);
    talk.server.expunge(1).unwrap_err();
}

#[test]
fn its_examples_on_both_machines() {
    dialogue::file(include_str!("dialogues/rfc3501.txt"));
}
