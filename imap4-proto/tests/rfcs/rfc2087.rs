//! RFC 2087: QUOTA as older servers answer it.

use imap4_proto::types::{Command, QuotaLimit, QuotaResource, Reading, Response};

use crate::duet::Duet;

#[test]
fn section_4_examples() {
    let mut duet = Duet::selected();
    duet.ask(
        "SETQUOTA \"\" (STORAGE 512)",
        |s, c| {
            let Command::SetQuota { root, limits } = c else { panic!() };
            assert!(root.is_empty() && limits.iter().eq([QuotaLimit::new("STORAGE", 512)]));
            s.quota("", &[QuotaResource::new("STORAGE", 10, 512)]).unwrap();
            s.ok(None, "Setquota completed").unwrap();
        },
        "* QUOTA \"\" (STORAGE 10 512)
         $ OK Setquota completed",
    );
    let heard = duet.ask(
        "GETQUOTAROOT INBOX",
        |s, _| {
            s.quota_root("INBOX", &[imap4_proto::types::AString::new(b"")]).unwrap();
            s.quota("", &[QuotaResource::new("STORAGE", 10, 512)]).unwrap();
            s.ok(None, "Getquota completed").unwrap();
        },
        "* QUOTAROOT INBOX \"\"
         * QUOTA \"\" (STORAGE 10 512)
         $ OK Getquota completed",
    );
    assert!(heard[0].contains("QuotaRoot") && heard[1].contains("QuotaResource"), "{heard:?}");
}

#[test]
fn lists_may_be_empty() {
    for (line, empty) in [
        ("* QUOTA \"\" ()\r\n", true),
        ("* QUOTAROOT comp.mail.mime\r\n", true),
        ("* QUOTAROOT x \"\"\r\n", false),
    ] {
        match Response::parse(line.as_bytes(), Reading::STRICT).unwrap() {
            Response::Quota { resources, .. } => assert_eq!(resources.is_empty(), empty),
            Response::QuotaRoot { roots, .. } => assert_eq!(roots.is_empty(), empty, "{line}"),
            other => panic!("{other:?}"),
        }
    }
    for line in
        ["* QUOTA x\r\n", "* QUOTA x (STORAGE 1)\r\n", "* QUOTA x (STORAGE 1 2\r\n", "* QUOTAROOT\r\n"]
    {
        assert!(Response::parse(line.as_bytes(), Reading::TOLERANT).is_err(), "{line}");
    }
}

#[test]
fn its_examples_on_both_machines() {
    crate::dialogue::file(include_str!("../dialogues/rfc2087.txt"));
}
