//! RFC 6154: SPECIAL-USE, with the parts of RFC 5258 and RFC 5819 it stands on.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod common;
#[path = "common/dialogue.rs"]
mod dialogue;

use common::{Talk, config};
use imap4_proto::{
    server::{Event, Server},
    types::{
        Capabilities, Code, Command, ListData, ListSelect, MailboxAttributes as A, StatusData, StatusItems,
    },
};

fn host(s: &mut Server, event: Event<'_>) {
    let Event::Command(command) = event else { return };
    match command {
        Command::List(list) if list.select.contains(ListSelect::SPECIAL_USE) || list.returns.special_use => {
            for (attributes, name) in
                [(A::SENT, "SentMail"), (A::MARKED | A::DRAFTS, "MyDrafts"), (A::TRASH, "Trash")]
            {
                s.list(&ListData::new(attributes, Some('/'), name)).unwrap();
            }
            s.ok(None, "done").unwrap();
        }
        Command::List(list) => {
            assert!(list.is_extended());
            let mut data = ListData::new(A::SUBSCRIBED | A::HAS_CHILDREN, Some('/'), "Foo");
            data.child_subscribed = list.select.contains(ListSelect::RECURSIVEMATCH);
            s.list(&data).unwrap();
            if let Some(items) = list.returns.status {
                assert_eq!(items, StatusItems::MESSAGES | StatusItems::UNSEEN);
                let mut data = StatusData::default();
                data.messages = Some(17);
                data.unseen = Some(16);
                s.status("Foo", &data).unwrap();
            }
            s.ok(
                None,
                &list.patterns.iter().map(|p| p.decode().unwrap().into_owned()).collect::<Vec<_>>().join("|"),
            )
            .unwrap();
        }
        Command::Create(create) if create.unknown_use => s.no(Some(Code::UseAttr), "not supported").unwrap(),
        Command::Create(create) => {
            let shown: Vec<_> = create.special_use.names().collect();
            s.ok(None, &shown.join(" ")).unwrap();
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn section_5_the_examples() {
    let mut talk = Talk::logged_in(config(), false);
    talk.play(
        r#"
        C: t1 LIST "" "%" RETURN (SPECIAL-USE)
        S: * LIST (\Sent) "/" SentMail
        S: * LIST (\Marked \Drafts) "/" MyDrafts
        S: * LIST (\Trash) "/" Trash
        S: t1 OK done
        C: t3 LIST (SPECIAL-USE) "" "*" RETURN (SUBSCRIBED CHILDREN)
        S: * LIST (\Sent) "/" SentMail
        S: * LIST (\Marked \Drafts) "/" MyDrafts
        S: * LIST (\Trash) "/" Trash
        S: t3 OK done
        C: t4 LIST (RECURSIVEMATCH SUBSCRIBED) "" ("INBOX" Drafts/* "Sent/%") RETURN (CHILDREN STATUS (MESSAGES UNSEEN))
        S: * LIST (\HasChildren \Subscribed) "/" Foo ("CHILDINFO" ("SUBSCRIBED"))
        S: * STATUS Foo (MESSAGES 17 UNSEEN 16)
        S: t4 OK INBOX|Drafts/*|Sent/%
        C: t4 LIST () "" x RETURN ()
        S: * LIST (\HasChildren \Subscribed) "/" Foo
        S: t4 OK x
        C: t1 CREATE MyDrafts (USE (\drafts))
        S: t1 OK \Drafts
        C: t1 CREATE Everything (USE (\All \Trash))
        S: t1 OK \All \Trash
        C: t1 CREATE Everything (USE (\All \Unheard))
        S: t1 NO [USEATTR] not supported
        C: t1 CREATE Everything (USE (\Subscribed))
        S: t1 NO [USEATTR] not supported
        C: t1 CREATE Everything (USE All)
        S: t1 BAD A list of special uses is missing
        C: t2 LIST (RECURSIVEMATCH) "" x
        S: t2 BAD RECURSIVEMATCH needs an option to modify
        C: t2 LIST (SPECIAL-USE RECURSIVEMATCH) "" x
        S: t2 BAD RECURSIVEMATCH needs an option to modify
        C: t2 LIST (BOGUS) "" x
        S: t2 BAD Unknown selection option
        C: t2 LIST "" x RETURN (BOGUS)
        S: t2 BAD Unknown return option
        C: t2 LIST "" x RETURN SUBSCRIBED
        S: t2 BAD Return options are missing
        C: t2 LIST "" ()
        S: t2 BAD A string is missing
        "#,
        &mut host,
    );
}

#[test]
fn the_extended_syntax_is_taken_only_where_it_is_on() {
    let mut c = config();
    c.capabilities = Capabilities::IMAP4REV1;
    let mut talk = Talk::logged_in(c.clone(), false);
    talk.play(
        r#"
        C: t1 LIST (SUBSCRIBED) "" x
        S: t1 BAD LIST-EXTENDED is not on
        C: t1 LIST "" (x y)
        S: t1 BAD LIST-EXTENDED is not on
        C: t1 LIST "" x RETURN (CHILDREN)
        S: t1 BAD LIST-EXTENDED is not on
        C: t1 CREATE x (USE (\All))
        S: t1 BAD CREATE-SPECIAL-USE is not on
        "#,
        &mut host,
    );
    c.capabilities |= Capabilities::SPECIAL_USE;
    let mut talk = Talk::logged_in(c, false);
    talk.play(
        r#"
        C: t1 LIST (SUBSCRIBED) "" x
        S: t1 BAD LIST-EXTENDED is not on
        C: t1 LIST "" x RETURN (STATUS (MESSAGES))
        S: t1 BAD LIST-STATUS is not on
        "#,
        &mut host,
    );
}

#[test]
fn its_examples_on_both_machines() {
    dialogue::file(include_str!("dialogues/rfc6154.txt"));
}
