//! RFC 7377: MULTISEARCH.

use imap4_proto::types::{Capabilities, Command, EsearchData, MailboxFilter};

use crate::{
    common::config,
    duet::{Duet, off, ok},
};

#[test]
fn section_3_example() {
    let mut duet = Duet::selected();
    let heard = duet.ask(
        "ESEARCH IN (mailboxes \"folder1\" subtree \"folder2\") unseen",
        |s, c| {
            let Command::MultiSearch(search) = c else { panic!() };
            let sources: Vec<_> = search.sources.unwrap().iter().collect();
            assert!(matches!(sources[..], [MailboxFilter::Mailboxes(_), MailboxFilter::Subtree(_)]));
            assert!(search.search.uid && !search.needs_selected());
            for (mailbox, all) in [
                (("folder1", 1), &[(4001u32, 4001u32), (4003, 4003)][..]),
                (("folder2/banana", 503), &[(3002, 3002), (4004, 4004)]),
            ] {
                let mut data = EsearchData::default();
                (data.uid, data.mailbox, data.all) = (true, Some(mailbox), Some(all));
                s.esearch(&data).unwrap();
            }
            ok(s);
        },
        "* ESEARCH (TAG \"$\" MAILBOX folder1 UIDVALIDITY 1) UID ALL 4001,4003
         * ESEARCH (TAG \"$\" MAILBOX folder2/banana UIDVALIDITY 503) UID ALL 3002,4004
         $ OK done",
    );
    assert!(heard[1].contains("uid_validity: Some(503), uid: true"), "{heard:?}");
    duet.done("ESEARCH IN (mailboxes folder1 subtree-one \"folder2\") RETURN (MIN COUNT) CHARSET UTF-8 subject \"chad\"", |s, c| {
        let Command::MultiSearch(search) = c else { panic!() };
        assert!(search.search.returns.is_some() && search.search.charset.is_some());
        ok(s);
    });
}

#[test]
fn section_2_2_the_selected_mailbox() {
    // Without sources, or with the selected mailbox among them, one must be selected.
    let mut duet = Duet::with(config(), false);
    for line in
        ["ESEARCH ALL", "ESEARCH IN (selected) ALL", "ESEARCH IN (personal selected) RETURN (COUNT) ALL"]
    {
        duet.refused(line, "BAD Select a mailbox first");
    }
    duet.done("ESEARCH IN (personal) ALL", |s, _| ok(s));
    let mut duet = Duet::selected();
    for line in ["ESEARCH ALL", "ESEARCH IN (selected) RETURN (SAVE) ALL"] {
        duet.done(line, |s, _| ok(s));
    }
    duet.refused(
        "ESEARCH IN (personal) RETURN (SAVE) ALL",
        "BAD SAVE and UPDATE are for the selected mailbox alone",
    );
    duet.refused("ESEARCH IN (selected-delayed) ALL", "BAD selected-delayed has no place here");
    duet.refused("ESEARCH IN (personal (X 1)) ALL", "BAD Unknown mailbox specifier");
    duet.refused("ESEARCH IN personal ALL", "BAD Sources are missing");
    off(Capabilities::MULTISEARCH, &[("ESEARCH ALL", "BAD Unknown command")]);
}

#[test]
fn its_examples_on_both_machines() {
    crate::dialogue::file(include_str!("../dialogues/rfc7377.txt"));
}
