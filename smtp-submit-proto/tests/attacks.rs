//! What somebody tries who means no good: to end a message early, to have content read as commands, to speak for others,
//! to bring octets where none belong.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop where they fail"
)]

mod common;

use common::{Host, open_config, submission_config};
use smtp_submit_proto::{BareNewlines, Config, Rules};

const SMUGGLED: &[u8] =
    b"MAIL FROM:<evil@example.test>\r\nRCPT TO:<victim@example.test>\r\nDATA\r\nevil\r\n.\r\n";

/// Ends of data that others have taken for one; none is (RFC 5321 section 4.1.1.4 and 2.3.8).
const FALSE_ENDS: [&[u8]; 22] = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r.\r\n",
    b"\r\n.\r",
    b"\r\n.\r\r\n",
    b"\r\r\n.\r\r\n",
    b"\n\n.\r\n",
    b"\r\n\0.\r\n",
    b"\r\n.\0\r\n",
    b"\r\n.\r\0\n",
    b"\r\n. \r\n",
    b"\r\n .\r\n",
    b"\r\n.\t\r\n",
    b"\r\n..\r\n",
    b"\r\n.\x0b\r\n",
    b"\r\n.\xc2\x85",
    b"\xe2\x80\xa8.\xe2\x80\xa8",
    b"\r\n\x2e\x0d\x0d\x0a",
    b"\r\n.\r\x08\n",
    b"\x85.\x85",
];

fn in_data(policy: BareNewlines) -> Host {
    let mut config = open_config();
    config.bare_newlines = policy;
    let mut host = Host::new(config);
    host.feed(b"EHLO x\r\nMAIL FROM:<a@example.test>\r\nRCPT TO:<b@example.test>\r\nDATA\r\n");
    host.log.clear();
    host.out.clear();
    host
}

#[test]
fn nothing_but_crlf_dot_crlf_lets_a_second_message_in() {
    for policy in [BareNewlines::Refuse, BareNewlines::Keep] {
        for false_end in FALSE_ENDS {
            let wire = [b"Subject: x\r\n\r\nfirst", false_end, SMUGGLED].concat();
            for cut in 0..=wire.len() {
                let mut host = in_data(policy);
                host.feed(&wire[..cut]);
                host.feed(&wire[cut..]);
                let events = host.log.join("\n");
                assert!(!events.contains("evil"), "{} cut at {cut}: {events}", false_end.escape_ascii());
                // The only end is that of the smuggled message; all before it is one content, or refused as one.
                assert_eq!(host.sent().lines().count(), 1, "{} {events}", false_end.escape_ascii());
            }
        }
    }
}

#[test]
fn after_every_true_end_there_is_a_new_transaction() {
    let mut host = in_data(BareNewlines::Refuse);
    host.feed(&[b"first\r\n.\r\n", SMUGGLED].concat());
    assert_eq!(
        host.messages,
        [b"first\r\n".to_vec(), b"evil\r\n".to_vec()],
        "pipelined, and its own message"
    );
}

fn chunked() -> Config {
    let mut config = open_config();
    config.chunking = true;
    config.size_limit = Some(100);
    config.limits.drained = 1000;
    config
}

fn in_transaction(config: Config) -> Host {
    let mut host = Host::new(config);
    host.feed(b"EHLO x\r\nMAIL FROM:<a@example.test>\r\nRCPT TO:<b@example.test>\r\n");
    host.out.clear();
    host.log.clear();
    host
}

#[test]
fn chunks_are_counted_and_nothing_in_them_is_a_command() {
    // An empty message; and one of several empty chunks.
    for (wire, message) in [
        (&b"BDAT 0 LAST\r\n"[..], &b""[..]),
        (b"BDAT 0\r\nBDAT 0\r\nBDAT 0 LAST\r\n", b""),
        (b"BDAT 5\r\nQUIT\r\nBDAT 1\r\n\nBDAT 0 LAST\r\n", b""),
        (b"BDAT 6\r\nQUIT\r\nBDAT 3 LAST\r\n.\r\n", b"QUIT\r\n.\r\n"),
        (b"BDAT 0000000000000000006 LAST\r\nRSET\r\n", b"RSET\r\n"),
    ] {
        for cut in 0..=wire.len() {
            let mut host = in_transaction(chunked());
            host.feed(&wire[..cut]);
            host.feed(&wire[cut..]);
            assert!(host.ended.is_none(), "{}", wire.escape_ascii());
            let events = host.log.join("\n");
            match message {
                // A chunk that ends within a line end is one with a bare CR until the next one comes.
                b"" if wire.starts_with(b"BDAT 5") => assert!(!events.contains("Quit"), "{events}"),
                _ => assert_eq!(host.messages, [message.to_vec()], "{} {events}", wire.escape_ascii()),
            }
        }
    }
}

#[test]
fn chunks_that_are_refused_are_read_to_their_end() {
    // Over the size limit: at once, in the middle, by its sum; the commands behind are answered, those within are not.
    for (wire, replies) in [(&b"BDAT 101 LAST\r\n"[..], 1), (b"BDAT 60\r\n", 1), (b"BDAT 1000\r\n", 1)] {
        let mut host = in_transaction(chunked());
        host.feed(wire);
        let size: usize = wire[5..]
            .iter()
            .take_while(|c| c.is_ascii_digit())
            .fold(0, |n, c| n * 10 + usize::from(c - b'0'));
        let mut content = b"QUIT\r\n".repeat(size / 6 + 1);
        content.truncate(size);
        if wire.starts_with(b"BDAT 60") {
            host.feed(&content);
            host.feed(b"BDAT 41 LAST\r\n");
            content.truncate(41);
        }
        host.feed(&content);
        let answer = host.sent();
        assert!(answer.contains("552 5.3.4"), "{answer}");
        assert!(host.messages.is_empty() && host.ended.is_none() && replies == 1);
        host.expect("NOOP", "250");
        host.expect("MAIL FROM:<c@example.test>", "250");
    }
    // More than is drained ends the connection rather than to leave it among the commands.
    for size in ["1101", "18446744073709551615", "99999999999999999999"] {
        let mut host = in_transaction(chunked());
        host.feed(format!("BDAT {size} LAST\r\nQUIT\r\nMAIL FROM:<evil@example.test>\r\n").as_bytes());
        assert!(host.ended.is_some() && !host.log.join("").contains("evil"), "{size}");
    }
}

#[test]
fn reset_between_chunks_forgets_what_came() {
    let mut host = in_transaction(chunked());
    host.feed(b"BDAT 4\r\nold\nRSET\r\n");
    host.feed(b"BDAT 4 LAST\r\nQUIT");
    let answer = host.sent();
    assert!(answer.ends_with("503 5.5.1 MAIL comes first\r\n"), "{answer}");
    assert!(host.messages.is_empty() && host.ended.is_none());
    host.feed(b"MAIL FROM:<a@example.test>\r\nRCPT TO:<b@example.test>\r\nBDAT 5 LAST\r\nnew\r\n");
    assert_eq!(host.messages.last().map(Vec::as_slice), Some(&b"new\r\n"[..]));
    // STARTTLS is no chunk's business either, and EHLO ends the transaction as RSET does.
    let mut host = in_transaction(chunked());
    host.feed(b"BDAT 2\r\nabEHLO y\r\nBDAT 2 LAST\r\ncd");
    assert!(host.messages.is_empty());
}

#[test]
fn octets_beyond_ascii_are_refused_in_every_parameter_and_word() {
    let octets: [&[u8]; 6] =
        [b"\x80", b"\xff", b"\xc3\xa4", b"\xf0\x9f\x98\x80", b"\xc0\xaf", b"\xed\xa0\x80"];
    let lines: [&[u8]; 22] = [
        b"MAIL FROM:<a@b> SIZE=1@",
        b"MAIL FROM:<a@b> BODY=7BIT@",
        b"MAIL FROM:<a@b> AUTH=a@",
        b"MAIL FROM:<a@b> RET=FULL@",
        b"MAIL FROM:<a@b> ENVID=a@",
        b"MAIL FROM:<a@b> SMTPUTF8@",
        b"MAIL FROM:<a@b> REQUIRETLS=@",
        b"MAIL FROM:<a@b> BY=1;R@",
        b"MAIL FROM:<a@b> HOLDFOR=1@",
        b"MAIL FROM:<a@b> HOLDUNTIL=2027-01-01T00:00:00Z@",
        b"MAIL FROM:<a@b> MT-PRIORITY=1@",
        b"MAIL FROM:<a@b> @=1",
        b"MAIL FROM:<a@b>@",
        b"RCPT TO:<a@b> NOTIFY=NEVER@",
        b"RCPT TO:<a@b> ORCPT=rfc822;a@",
        b"RCPT TO:<a@b> ORCPT=@;a",
        b"BDAT @1",
        b"BDAT 1 LAST@",
        b"XCLIENT NAME=@",
        b"AUTH PL@ AAAA",
        b"AUTH PLAIN @AAA",
        b"EHLO @x",
    ];
    for line in lines {
        for replacement in octets {
            let at = line.iter().rposition(|c| *c == b'@').unwrap();
            let wire = [&line[..at], replacement, &line[at + 1..]].concat();
            for utf8 in [false, true] {
                let mut rules = Rules::all();
                rules.smtp_utf8 = utf8;
                let read = smtp_submit_proto::Command::parse(&wire, &rules);
                let code = read.as_ref().map_or_else(|e| e.status.code(), |_| 250);
                assert!((500..=555).contains(&code), "{} {read:?}", wire.escape_ascii());
            }
        }
    }
    // Addresses are where UTF-8 belongs, with SMTPUTF8, and nothing that is not UTF-8 ever does.
    for (address, good) in
        [(&b"\xc3\xa4@b"[..], true), (b"\xe4@b", false), (b"\xed\xa0\x80@b", false), (b"a@\xc0\xaf", false)]
    {
        let wire = [b"RCPT TO:<", address, b">"].concat();
        assert_eq!(
            smtp_submit_proto::Command::parse(&wire, &Rules::all()).is_ok(),
            good,
            "{}",
            wire.escape_ascii()
        );
        assert!(smtp_submit_proto::Command::parse(&wire, &Rules::default()).is_err());
    }
}

#[test]
fn a_front_end_that_is_not_trusted_speaks_for_nobody() {
    let mut host = Host::new(submission_config());
    host.feed(b"EHLO x\r\n");
    assert!(!host.sent().contains("XCLIENT"));
    for line in [
        "XCLIENT LOGIN=tim",
        "xclient NAME=localhost ADDR=127.0.0.1",
        "XCLIENT PROTO=ESMTP HELO=x LOGIN=root",
    ] {
        host.expect(line, "502 5.5.1");
    }
    assert!(!host.server.is_authenticated());
    host.expect("MAIL FROM:<tim@example.test>", "530");
}

#[test]
fn what_is_pipelined_behind_starttls_is_never_read() {
    for behind in ["EHLO evil\r\n", "MAIL FROM:<evil@x>\r\n", "\r\n", "Q", "AUTH PLAIN AGV2aWwAZXZpbA==\r\n"]
    {
        let wire = format!("EHLO x\r\nSTARTTLS\r\n{behind}");
        for cut in 0..wire.len() - behind.len() {
            let mut host = Host::new(submission_config());
            host.feed(&wire.as_bytes()[..cut]);
            host.feed(&wire.as_bytes()[cut..]);
            assert!(host.ended.is_some() && host.upgrades == 0, "{behind:?} {cut}");
            assert!(!host.log.join("").contains("evil"));
            assert!(!host.sent().contains("220 2.0.0"), "no handshake is begun");
        }
    }
}

#[test]
fn an_exchange_that_is_broken_off_leaves_nothing_behind() {
    let mut host = Host::tls(submission_config());
    host.feed(b"EHLO x\r\n");
    host.out.clear();
    // A command in the place of a response is no command, and no login.
    host.expect("AUTH LOGIN", "334");
    host.expect("NOOP x", "501 5.5.2");
    host.expect("AUTH LOGIN", "334");
    host.expect("QUIT", "535");
    assert!(host.ended.is_none() && !host.server.is_authenticated());
    host.expect("AUTH LOGIN", "334");
    host.expect("*", "501 5.7.0");
    // Longer than any token; the rest of it is neither a response nor a command.
    host.expect("AUTH LOGIN", "334");
    let long = "A".repeat(20_000);
    let answer = host.say(&long);
    assert!(answer.starts_with("500 5.5.6") && answer.lines().count() == 1, "{answer}");
    host.expect("NOOP", "250");
    host.expect(&format!("AUTH PLAIN {long}"), "500");
    host.expect("MAIL FROM:<tim@example.test>", "530");
    assert!(!host.server.is_authenticated());
}
