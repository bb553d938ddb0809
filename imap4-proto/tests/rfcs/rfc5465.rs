//! RFC 5465: NOTIFY. The examples of its section 3.1 lack the parentheses and events that its section 8 wants; they stand here with them.

use imap4_proto::types::{
    Capabilities, Code, Command, FetchItem, ListData, ListOf, MailboxAttributes, MailboxFilter, Notify,
    NotifyEvent, SearchReturn, StatusData,
};

use crate::duet::{Duet, off, ok};

#[test]
fn section_3_1_example() {
    let mut duet = Duet::selected();
    duet.ask(
        "NOTIFY SET STATUS (selected (MessageNew (uid body.peek[header.fields (from to subject)]) MessageExpunge)) (subtree Lists (MessageNew MessageExpunge))",
        |s, c| {
            let Command::Notify(notify @ Notify::Set { status: true, groups }) = c else { panic!() };
            assert!(notify.expunges_at_once());
            let groups: Vec<_> = groups.iter().collect();
            let events: Vec<_> = groups[0].events.unwrap().iter().collect();
            let NotifyEvent::MessageNew(Some(items)) = events[0] else { panic!() };
            assert_eq!(items.iter().next(), Some(FetchItem::Uid));
            assert_eq!((groups[0].filter, events[1]), (MailboxFilter::Selected, NotifyEvent::MessageExpunge));
            let MailboxFilter::Subtree(lists) = groups[1].filter else { panic!() };
            assert_eq!(lists.first().unwrap().decode().unwrap(), "Lists");
            let mut data = StatusData::default();
            (data.messages, data.uid_next, data.uid_validity) = (Some(500), Some(9999), Some(4));
            s.status("Lists/Lemonade", &data).unwrap();
            ok(s);
        },
        "* STATUS Lists/Lemonade (MESSAGES 500 UIDNEXT 9999 UIDVALIDITY 4)
         $ OK done",
    );
    // No command is in progress.
    let mut data = StatusData::default();
    data.uid_next = Some(10_002);
    let s = &mut duet.talk.server;
    s.status("Lists/Lemonade", &data).unwrap();
    s.exists(444).unwrap();
    let mut row = s.fetch(444).unwrap();
    row.uid(9999);
    row.finish();
    s.expunge(444).unwrap();
    s.vanished(false, [(5444, 5444)]).unwrap();
    let mut renamed = ListData::new(MailboxAttributes::NONE, Some('/'), "NewMailbox");
    renamed.old_name = Some("OldMailbox");
    s.list(&renamed).unwrap();
    s.list(&ListData::new(MailboxAttributes::NO_ACCESS, Some('/'), "Secret")).unwrap();
    s.untagged_ok(Some(Code::NotificationOverflow), "...A comment can go here...").unwrap();
    duet.carry(&mut |_, event| panic!("{event:?}"));
    duet.says(
        r#"* STATUS Lists/Lemonade (UIDNEXT 10002)
           * 444 EXISTS
           * 444 FETCH (UID 9999)
           * 444 EXPUNGE
           * VANISHED 5444
           * LIST () "/" NewMailbox ("OLDNAME" ("OldMailbox"))
           * LIST (\NoAccess) "/" Secret
           * OK [NOTIFICATIONOVERFLOW] ...A comment can go here..."#
            .replace("(\"OldMailbox\")", "(OldMailbox)")
            .as_str(),
    );
    let heard = std::mem::take(&mut duet.peer.heard);
    assert!(heard[5].contains("old_name: Some("), "{heard:?}");
    assert!(heard[7].contains("NotificationOverflow"), "{heard:?}");
    // NONE takes it back, once it is answered.
    duet.ask(
        "NOTIFY NONE",
        |s, c| {
            assert_eq!(c, Command::Notify(Notify::None));
            s.expunge(1).unwrap();
            ok(s);
        },
        "* 1 EXPUNGE
         $ OK done",
    );
    assert!(duet.talk.server.expunge(1).is_err());
}

#[test]
fn section_5_3_expunge_waits_with_selected_delayed_and_when_refused() {
    for (line, fine) in [
        ("NOTIFY SET (selected-delayed (MessageNew MessageExpunge))", true),
        ("NOTIFY SET (mailboxes INBOX (MessageNew MessageExpunge))", true),
        ("NOTIFY SET (selected (MessageNew MessageExpunge))", false),
    ] {
        let mut duet = Duet::selected();
        let code = if fine { "OK done" } else { "NO [NOTIFICATIONOVERFLOW] too much" };
        duet.ask(
            line,
            |s, _| {
                if fine { ok(s) } else { s.no(Some(Code::NotificationOverflow), "too much").unwrap() }
            },
            &format!("$ {code}"),
        );
        assert!(duet.talk.server.expunge(1).is_err(), "{line}");
        assert!(duet.talk.output().is_empty());
    }
}

#[test]
fn section_6_examples() {
    let mut duet = Duet::selected();
    for line in [
        "notify set (mailboxes INBOX (Messagenew messageExpunge)) (personal (SubscriptionChange))",
        "notify set (selected (Messagenew (uid flags) messageExpunge)) (personal (MessageNew FlagChange MessageExpunge))",
        "NOTIFY SET (inboxes NONE) (subscribed (MailboxName MailboxMetadataChange ServerMetadataChange)) (subtree-one (a \"b c\") NONE)",
    ] {
        duet.done(line, |s, _| ok(s));
    }
    // RFC 5465 section 3.1: an event that is not supported is refused with NO, by the host.
    let heard = duet.ask(
        "NOTIFY SET (personal (X-Moon))",
        |s, c| {
            let Command::Notify(Notify::Set { groups, .. }) = c else { panic!() };
            assert_eq!(groups.first().unwrap().events.unwrap().first(), Some(NotifyEvent::Other("X-Moon")));
            let events =
                [NotifyEvent::MessageNew(None), NotifyEvent::MessageExpunge, NotifyEvent::MailboxName];
            s.no(Some(Code::BadEvent(ListOf::new(&events))), "no").unwrap();
        },
        "$ NO [BADEVENT (MessageNew MessageExpunge MailboxName)] no",
    );
    assert!(heard[0].contains("BadEvent([MessageNew(None), MessageExpunge, MailboxName])"), "{heard:?}");
}

#[test]
fn section_7_what_update_fetches() {
    let mut duet = Duet::selected();
    duet.done(
        "SEARCH RETURN (COUNT UPDATE (UID BODY[HEADER.FIELDS (TO FROM SUBJECT)])) FROM \"boss\"",
        |s, c| {
            let Command::Search(search) = c else { panic!() };
            assert_eq!(search.returns, Some(SearchReturn::COUNT | SearchReturn::UPDATE));
            assert_eq!(search.window.update_items.unwrap().iter().count(), 2);
            ok(s);
        },
    );
    duet.done("SEARCH RETURN (UPDATE(UID) COUNT) ALL", |s, _| ok(s));
    off(Capabilities::NOTIFY, &[("SEARCH RETURN (UPDATE (UID)) ALL", "BAD NOTIFY is not on")]);
}

#[test]
fn what_has_no_place() {
    let mut duet = Duet::selected();
    for (line, why) in [
        ("NOTIFY", "A space is missing"),
        ("NOTIFY SOME", "NOTIFY is SET or NONE"),
        ("NOTIFY SET", "A space is missing"),
        ("NOTIFY SET ()", "Unknown mailbox specifier"),
        ("NOTIFY SET (personal)", "A space is missing"),
        ("NOTIFY SET (personal ())", "An atom is missing"),
        ("NOTIFY SET (selected (MailboxName))", "The selected mailbox has only events of messages"),
        (
            "NOTIFY SET (personal (MessageNew (UID) MessageExpunge))",
            "Items are fetched of the selected mailbox alone",
        ),
        (
            "NOTIFY SET (personal (MessageNew))",
            "MessageNew and MessageExpunge belong together, and to FlagChange",
        ),
        (
            "NOTIFY SET (personal (FlagChange))",
            "MessageNew and MessageExpunge belong together, and to FlagChange",
        ),
        ("NOTIFY SET (selected NONE) (selected-delayed NONE)", "Only one group is for the selected mailbox"),
    ] {
        duet.refused(line, &format!("BAD {why}"));
    }
    off(Capabilities::NOTIFY, &[("NOTIFY NONE", "BAD Unknown command")]);
    off(Capabilities::MULTISEARCH, &[("NOTIFY SET (subtree-one x NONE)", "BAD MULTISEARCH is not on")]);
}

#[test]
fn its_examples_on_both_machines() {
    crate::dialogue::file(include_str!("../dialogues/rfc5465.txt"));
}
