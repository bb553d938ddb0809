//! RFC 8474: OBJECTID.

use imap4_proto::types::{
    Capabilities, Code, Command, FetchItem, ListData, MailboxAttributes, SearchKey, StatusData, StatusItems,
};

use crate::duet::{Duet, off, ok};

const FOO: &str = "F2212ea87-6097-4256-9d51-71338625";

#[test]
fn section_4_identifiers_of_mailboxes() {
    let mut duet = Duet::selected();
    let heard = duet.ask(
        "CREATE foo",
        |s, _| s.ok(Some(Code::MailboxId(FOO)), "Completed").unwrap(),
        "$ OK [MAILBOXID (F2212ea87-6097-4256-9d51-71338625)] Completed",
    );
    assert!(heard[0].contains(&format!("MailboxId({FOO:?})")), "{heard:?}");
    duet.ask(
        "SELECT foo",
        |s, _| {
            s.untagged_ok(Some(Code::MailboxId(FOO)), "Ok").unwrap();
            s.selected(false, "Completed").unwrap();
        },
        "* OK [CLOSED] Previous mailbox is now closed
         * OK [MAILBOXID (F2212ea87-6097-4256-9d51-71338625)] Ok
         $ OK [READ-WRITE] Completed",
    );
    let status = |s: &mut imap4_proto::server::Server| {
        let mut data = StatusData::default();
        data.mailbox_id = Some(FOO);
        s.status("foo", &data).unwrap();
    };
    let heard = duet.ask(
        "STATUS foo (mailboxid)",
        |s, c| {
            assert!(matches!(c, Command::Status { items: StatusItems::MAILBOXID, .. }));
            status(s);
            s.ok(None, "Completed").unwrap();
        },
        "* STATUS foo (MAILBOXID (F2212ea87-6097-4256-9d51-71338625))
         $ OK Completed",
    );
    assert!(heard[0].contains(&format!("mailbox_id: Some({FOO:?})")), "{heard:?}");
    duet.ask(
        "LIST \"\" \"*\" RETURN (STATUS (MAILBOXID))",
        |s, _| {
            s.list(&ListData::new(MailboxAttributes::HAS_NO_CHILDREN, Some('.'), "foo")).unwrap();
            status(s);
            s.ok(None, "Completed (0.001 secs 3 calls)").unwrap();
        },
        "* LIST (\\HasNoChildren) \".\" foo
         * STATUS foo (MAILBOXID (F2212ea87-6097-4256-9d51-71338625))
         $ OK Completed (0.001 secs 3 calls)",
    );
}

#[test]
fn sections_5_and_6_identifiers_of_messages_and_threads() {
    let mut duet = Duet::selected();
    let heard = duet.ask(
        "FETCH 1:* (EMAILID THREADID)",
        |s, c| {
            let Command::Fetch(fetch) = c else { panic!() };
            assert!(fetch.items.iter().eq([FetchItem::EmailId, FetchItem::ThreadId]));
            for (n, email, thread) in
                [(1, "M6d99ac3275bb4e", Some("T64b478a75b7ea9")), (2, "M288836c4c7a762", None)]
            {
                let mut row = s.fetch(n).unwrap();
                row.email_id(email).thread_id(thread);
                row.finish();
            }
            s.ok(None, "Completed (0.000 sec)").unwrap();
        },
        "* 1 FETCH (EMAILID (M6d99ac3275bb4e) THREADID (T64b478a75b7ea9))
         * 2 FETCH (EMAILID (M288836c4c7a762) THREADID NIL)
         $ OK Completed (0.000 sec)",
    );
    assert!(
        heard[0].contains("[EmailId(\"M6d99ac3275bb4e\"), ThreadId(Some(\"T64b478a75b7ea9\"))]"),
        "{heard:?}"
    );
    assert!(heard[1].contains("ThreadId(None)"), "{heard:?}");
    for (line, key) in [
        ("SEARCH EMAILID M6d99ac3275bb4e", SearchKey::EmailId("M6d99ac3275bb4e")),
        ("SEARCH THREADID T64b478a75b7ea9", SearchKey::ThreadId("T64b478a75b7ea9")),
    ] {
        duet.ask(
            line,
            |s, c| {
                let Command::Search(search) = c else { panic!() };
                assert_eq!(search.key, key);
                s.search([1, 2], None).unwrap();
                ok(s);
            },
            "* SEARCH 1 2
             $ OK done",
        );
    }
    duet.refused("SEARCH EMAILID \"x\"", "BAD An identifier has 1 to 255 characters");
    duet.refused(&format!("SEARCH EMAILID {}", "a".repeat(256)), "BAD An identifier has 1 to 255 characters");
    off(
        Capabilities::OBJECTID,
        &[
            ("SEARCH EMAILID x", "BAD OBJECTID is not on"),
            ("FETCH 1 THREADID", "BAD OBJECTID is not on"),
            ("STATUS x (MAILBOXID)", "BAD OBJECTID is not on"),
        ],
    );
}

#[test]
fn its_examples_on_both_machines() {
    crate::dialogue::file(include_str!("../dialogues/rfc8474.txt"));
}
