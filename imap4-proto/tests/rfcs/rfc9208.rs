//! RFC 9208: QUOTA.

use bytes::Bytes;
use imap4_proto::{
    server::Event,
    types::{AString, AppendMessage, Capabilities, Code, Command, QuotaResource, StatusData, StatusItems},
};

use crate::duet::{Duet, off, ok};

#[test]
fn section_4_examples() {
    let mut duet = Duet::selected();
    let heard = duet.ask(
        "GETQUOTA \"!partition/sda4\"",
        |s, c| {
            assert_eq!(c, Command::GetQuota(AString::new(b"!partition/sda4")));
            s.quota("!partition/sda4", &[QuotaResource::new("STORAGE", 104, 10_923_847)]).unwrap();
            s.ok(None, "Getquota complete").unwrap();
        },
        "* QUOTA !partition/sda4 (STORAGE 104 10923847)
         $ OK Getquota complete",
    );
    assert!(heard[0].contains("usage: 104, limit: 10923847"), "{heard:?}");
    duet.ask(
        "GETQUOTAROOT INBOX",
        |s, _| {
            s.quota_root("INBOX", &[AString::new(b"#user/alice"), AString::new(b"!partition/sda4")]).unwrap();
            s.quota("#user/alice", &[QuotaResource::new("MESSAGE", 42, 1000)]).unwrap();
            s.ok(None, "Getquotaroot complete").unwrap();
        },
        "* QUOTAROOT INBOX #user/alice !partition/sda4
         * QUOTA #user/alice (MESSAGE 42 1000)
         $ OK Getquotaroot complete",
    );
    duet.ask(
        "SETQUOTA \"!partition/sda4\" (STORAGE 99999999)",
        |s, _| {
            s.quota("!partition/sda4", &[QuotaResource::new("STORAGE", 104, 10_923_847)]).unwrap();
            s.no(None, "Cannot change system limit").unwrap();
        },
        "* QUOTA !partition/sda4 (STORAGE 104 10923847)
         $ NO Cannot change system limit",
    );
    duet.done("SETQUOTA x ()", |s, _| ok(s));
    let heard = duet.ask(
        "STATUS INBOX (MESSAGES DELETED DELETED-STORAGE)",
        |s, c| {
            let Command::Status { items, .. } = c else { panic!() };
            assert!(items.contains(StatusItems::DELETED_STORAGE));
            let mut data = StatusData::default();
            (data.messages, data.deleted, data.deleted_storage) = (Some(12), Some(4), Some(8));
            s.status("INBOX", &data).unwrap();
            s.ok(None, "Status complete.").unwrap();
        },
        "* STATUS INBOX (MESSAGES 12 DELETED 4 DELETED-STORAGE 8)
         $ OK Status complete.",
    );
    assert!(heard[0].contains("deleted_storage: Some(8)"), "{heard:?}");
}

#[test]
fn section_4_3_1_overquota() {
    let mut duet = Duet::selected();
    let mailbox = duet.peer.client.mailbox(b"saved-messages");
    duet.peer.client.append(&mailbox, &AppendMessage::new(3)).unwrap();
    let mut host = |s: &mut imap4_proto::server::Server, event: Event<'_>| match event {
        Event::AppendBegin(_) => s.accept_literal().unwrap(),
        Event::AppendEnd => s.no(Some(Code::OverQuota), "APPEND Failed").unwrap(),
        Event::AppendChunk(_) => {}
        other => panic!("{other:?}"),
    };
    duet.carry(&mut host);
    duet.peer.client.append_chunk(Bytes::from_static(b"abc")).unwrap();
    duet.peer.client.append_end().unwrap();
    duet.carry(&mut host);
    assert!(duet.peer.heard.last().unwrap().contains("status: No, text: [Plain(OverQuota)]"));
    duet.peer.server("* NO [OVERQUOTA] Soft quota has been exceeded\r\n");
    assert!(duet.peer.heard.last().unwrap().contains("OverQuota"));
}

#[test]
fn each_part_has_its_capability() {
    off(
        Capabilities::QUOTA,
        &[("GETQUOTA x", "BAD Unknown command"), ("GETQUOTAROOT x", "BAD Unknown command")],
    );
    off(Capabilities::QUOTASET, &[("SETQUOTA x ()", "BAD Unknown command")]);
    off(Capabilities::QUOTA_STORAGE, &[("STATUS x (DELETED-STORAGE)", "BAD QUOTA=RES-STORAGE is not on")]);
    off(
        Capabilities::QUOTA_MESSAGE | Capabilities::IMAP4REV2,
        &[("STATUS x (DELETED)", "BAD IMAP4rev2 is not on")],
    );
}

#[test]
fn its_examples_on_both_machines() {
    crate::dialogue::file(include_str!("../dialogues/rfc9208.txt"));
}
