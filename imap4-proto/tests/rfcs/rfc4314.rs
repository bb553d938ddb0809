//! RFC 4314: ACL. Rights are sets: the machine writes them in the order of section 2.1, whatever the examples' order.

use imap4_proto::types::{AString, AclEntry, Capabilities, Command, Reading, Response, Rights, RightsChange};

use crate::duet::{Duet, off, ok};

fn rights(letters: &str) -> Rights {
    Rights::parse(letters.as_bytes()).unwrap()
}

fn entry<'a>(identifier: &'a str, letters: &str) -> AclEntry<'a> {
    AclEntry::new(AString::new(identifier.as_bytes()), rights(letters))
}

#[test]
fn section_3_examples() {
    let mut duet = Duet::selected();
    duet.done("SETACL INBOX/Drafts Byron lrswikda", |s, c| {
        let Command::SetAcl { change, identifier, .. } = c else { panic!() };
        assert!(identifier == "Byron" && change == RightsChange::Replace(rights("adkiwsrl")));
        ok(s);
    });
    duet.done("SETACL INBOX/Drafts Chris +cda", |s, c| {
        assert!(matches!(c, Command::SetAcl { change: RightsChange::Add(r), .. } if r == rights("cda")));
        ok(s);
    });
    duet.done("SETACL INBOX/Drafts Chris -lr", |s, _| ok(s));
    duet.done("SETACL INBOX/Drafts Chris \"\"", |s, c| {
        assert!(matches!(c, Command::SetAcl { change: RightsChange::Replace(Rights::NONE), .. }));
        ok(s);
    });
    let heard = duet.ask(
        "GETACL INBOX/Drafts",
        |s, _| {
            let entries = [
                entry("Fred", "rwipslxcetda"),
                entry("David", "lrswideta"),
                entry("-Fred", ""),
                entry("$team", "w"),
            ];
            s.acl("INBOX/Drafts", &entries).unwrap();
            s.ok(None, "Getacl complete").unwrap();
        },
        "* ACL INBOX/Drafts Fred lrswipxtecda David lrswiteda -Fred \"\" $team w
         $ OK Getacl complete",
    );
    assert!(heard[0].contains("identifier: Atom(\"-Fred\"), rights: Rights(0)"), "{heard:?}");
    duet.done("DELETEACL INBOX Fred", |s, _| ok(s));
    let heard = duet.ask(
        "LISTRIGHTS ~/Mail/saved smith",
        |s, _| {
            s.list_rights("~/Mail/saved", "smith", rights("la"), &[rights("r"), rights("swicdkxte")])
                .unwrap();
            s.ok(None, "Listrights completed").unwrap();
        },
        "* LISTRIGHTS ~/Mail/saved smith la r swikxtecd
         $ OK Listrights completed",
    );
    assert!(heard[0].contains("ListRights"), "{heard:?}");
    let heard = duet.ask(
        "MYRIGHTS INBOX",
        |s, _| {
            s.my_rights("INBOX", rights("rwiptsldaex")).unwrap();
            s.ok(None, "Myrights complete").unwrap();
        },
        "* MYRIGHTS INBOX lrswipxteda
         $ OK Myrights complete",
    );
    assert!(heard[0].contains("MyRights"), "{heard:?}");
    // The mailbox's name is in the connection's encoding.
    duet.talk.server.my_rights("Entw\u{fc}rfe", rights("lr")).unwrap();
    assert_eq!(duet.talk.output(), "* MYRIGHTS Entw&APw-rfe lr\r\n");
}

#[test]
fn what_servers_answer_in_the_examples_is_read() {
    for line in [
        "* ACL INBOX Fred rwipslxcetda David lrswideta",
        "* LISTRIGHTS archive/imap anyone \"\" lr s w i p k x t c d",
        "* LISTRIGHTS archive.imap anyone \"\" l r s w i p k x t e c d a 0 1 2 3 4 5 6 7 8 9",
        "* ACL INBOX Fred rwipslxetad -Fred wetd $team w",
        "* ACL INBOX",
        "* MYRIGHTS TargetMailbox rwis",
    ] {
        let wire = format!("{line}\r\n");
        let response = Response::parse(wire.as_bytes(), Reading::STRICT).unwrap();
        assert!(!matches!(response, Response::Other(_)), "{line}");
    }
    let Ok(Response::ListRights { required, optional, .. }) =
        Response::parse(b"* LISTRIGHTS archive/imap anyone \"\" lr s w i p k xte c d\r\n", Reading::STRICT)
    else {
        panic!()
    };
    assert!(required.is_empty());
    assert_eq!(
        optional.iter().nth(6),
        Some(Rights::DELETE_MAILBOX | Rights::DELETE_MESSAGES | Rights::EXPUNGE)
    );
}

#[test]
fn what_has_no_place() {
    let mut duet = Duet::selected();
    duet.refused("SETACL INBOX/Drafts John lrQswicda", "BAD Uppercase rights are not allowed");
    duet.refused("SETACL INBOX/Drafts John lr.s", "BAD Rights are lowercase letters and digits");
    duet.refused("SETACL INBOX/Drafts John", "BAD A space is missing");
    duet.refused("GETACL", "BAD A space is missing");
    off(
        Capabilities::ACL,
        &[
            ("SETACL x y z", "BAD Unknown command"),
            ("DELETEACL x y", "BAD Unknown command"),
            ("GETACL x", "BAD Unknown command"),
            ("LISTRIGHTS x y", "BAD Unknown command"),
            ("MYRIGHTS x", "BAD Unknown command"),
        ],
    );
}

#[test]
fn section_2_2_the_capability_rights() {
    let mut config = crate::common::config();
    config.capabilities = Capabilities::IMAP4REV1 | Capabilities::ACL;
    config.new_rights = "texk0".into();
    let mut talk = crate::common::Talk::logged_in(config, false);
    let said = talk.send(b"a CAPABILITY\r\n", &mut |_, _| {});
    assert_eq!(said, "* CAPABILITY IMAP4rev1 ACL RIGHTS=texk0\r\na OK CAPABILITY completed\r\n");
    let mut peer = crate::client::Peer::authenticated("ACL");
    peer.client.command(&Command::Capability).unwrap();
    peer.server(&said.replace("a OK", "A1 OK"));
    assert_eq!(peer.client.capabilities().unwrap().new_rights, rights("texk0"));
}

#[test]
fn its_examples_on_both_machines() {
    crate::dialogue::file(include_str!("../dialogues/rfc4314.txt"));
}
