//! What holds for any input and any split of it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop where they fail"
)]

mod common;

use common::{Host, open_config, submission_config};
use proptest::{prelude::*, sample::subsequence};
use smtp_submit_proto::{
    BareNewlines, BodyType, Command, MailParams, Mailbox, ReversePath, Rules, SaslData, Submitter, Xtext,
};

/// Events and output for the wire cut at these places.
fn run(
    wire: &[u8],
    cuts: &[usize],
    mut host: Host,
    keeps: bool,
) -> (Vec<String>, Vec<Vec<u8>>, Vec<u8>, Option<String>) {
    let mut from = 0;
    for cut in cuts.iter().copied().chain([wire.len()]) {
        host.feed(&wire[from..cut]);
        from = cut;
    }
    // Chunks come as the cuts are; what they hold together does not, unless the content is refused: then
    // as much of it has become an event as was there before.
    if keeps && !host.incoming.is_empty() {
        host.messages.push(host.incoming.clone());
    }
    (host.log, host.messages, host.out, host.ended)
}

fn any_wire() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            &b"EHLO me\r\n"[..], b"HELO me\r\n", b"MAIL FROM:<a@b>\r\n", b"MAIL FROM: <> SIZE=5 BODY=8BITMIME\r\n",
            b"RCPT TO:<b@c>\r\n", b"RCPT TO:<nobody@c>\r\n", b"DATA\r\n", b".\r\n", b"..\r\n", b"text\r\n", b"\r\n", b"\n", b"\r",
            b".", b"RSET\r\n", b"NOOP\r\n", b"VRFY x\r\n", b"QUIT\r\n", b"AUTH PLAIN\r\n", b"AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n",
            b"AUTH LOGIN\r\n", b"dGlt\r\n", b"*\r\n", b"=\r\n", b"STARTTLS x\r\n", b"xyzzy\r\n",
            b"BDAT 3\r\n", b"BDAT 5 LAST\r\n", b"BDAT 0\r\n", b"MAIL FROM:<a@b> RET=HDRS BODY=BINARYMIME SMTPUTF8\r\n",
            b"RCPT TO:<b@c> NOTIFY=NEVER\r\n",
        ]).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..20),
        1 => (0_usize..4000).prop_map(|n| vec![b'x'; n]),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|p| p.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_the_same_events_and_output(
        (wire, cuts) in any_wire().prop_flat_map(|w| {
            let all: Vec<usize> = (0..w.len()).collect();
            let most = all.len().min(40);
            (Just(w), subsequence(all, 0..=most))
        }),
        needs_auth: bool,
    ) {
        let host = || if needs_auth {
            Host::tls(submission_config())
        } else {
            let mut config = open_config();
            config.bare_newlines = BareNewlines::Keep;
            config.chunking = true;
            config.binary_mime = true;
            config.dsn = true;
            config.smtp_utf8 = true;
            Host::new(config)
        };
        let whole = run(&wire, &[], host(), !needs_auth);
        prop_assert_eq!(&run(&wire, &cuts, host(), !needs_auth), &whole);
        let each: Vec<usize> = (0..wire.len()).collect();
        prop_assert_eq!(&run(&wire, &each, host(), !needs_auth), &whole);
    }

    #[test]
    fn commands_are_read_as_they_were_written(
        local in "[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}(\\.[a-z0-9]{1,10}){0,3}",
        quoted in "\"([ !#-\\[\\]-~]|\\\\[ -~]){0,20}\"",
        domain in "[a-z0-9]{1,20}(\\.[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?){0,4}|\\[127\\.0\\.0\\.1\\]|\\[IPv6:2001:db8::[0-9a-f]{1,4}\\]",
        text in "[!-~]([ -~äöü☃]{0,40}[!-~])?",
        octets in prop::collection::vec(any::<u8>(), 0..60),
        mechanism in "[A-Z0-9_-]{1,20}",
        size in any::<Option<u64>>(),
        pick in 0_usize..3,
    ) {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let base64 = STANDARD.encode(&octets);
        let data = SaslData::from_base64(base64.as_bytes()).unwrap();
        prop_assert_eq!(&*data.decode(), &octets);
        let (plain, odd) = (format!("{local}@{domain}"), format!("{quoted}@{domain}"));
        let (plain, odd) = (Mailbox::parse(&plain).unwrap(), Mailbox::parse(&odd).unwrap());
        let mut params = MailParams::default();
        params.size = size;
        params.body = [None, Some(BodyType::SevenBit), Some(BodyType::EightBitMime)][pick];
        params.auth = [None, Some(Submitter::Unknown), Some(Submitter::Mailbox(Xtext::new("a+2Bb@c").unwrap()))][pick];
        for command in [
            Command::Ehlo(plain.domain()),
            Command::Helo(plain.domain()),
            Command::Mail(ReversePath::Null, params),
            Command::Mail(ReversePath::Mailbox(plain), params),
            Command::Mail(ReversePath::Mailbox(odd), MailParams::default()),
            Command::Rcpt(smtp_submit_proto::ForwardPath::Mailbox(odd), Default::default()),
            Command::Rcpt(smtp_submit_proto::ForwardPath::Postmaster, Default::default()),
            Command::Data,
            Command::Rset,
            Command::Quit,
            Command::StartTls,
            Command::Noop(None),
            Command::Noop(Some(&text)),
            Command::Help(None),
            Command::Help(Some(&text)),
            Command::Vrfy(&text),
            Command::Expn(&text),
            Command::Auth { mechanism: &mechanism, initial: None },
            Command::Auth { mechanism: &mechanism, initial: Some(data) },
        ] {
            let mut wire = Vec::new();
            command.encode(&mut wire).unwrap();
            prop_assert_eq!(Command::parse(&wire, &Rules::default()), Ok(command));
        }
    }

    /// encode(decode(w)) decodes equal.
    #[test]
    fn what_parses_is_written_so_that_it_parses_equal(wire in any_wire()) {
        for line in wire.split(|c| *c == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if let Ok(command) = Command::parse(line, &Rules::all()) {
                let mut written = Vec::new();
                command.encode(&mut written).unwrap();
                prop_assert_eq!(Command::parse(&written, &Rules::all()), Ok(command));
            }
        }
    }

    /// decode(encode(x)) = x for the parameters of the extensions.
    #[test]
    fn parameters_are_read_as_they_were_written(
        bits in 0_u32..256, seconds in 1_i32..999_999_999, hold in 1_u32..999_999_999, priority in -9_i8..=9,
        xtext in "([!-*,-<>-~]|\\+2B){1,30}",
    ) {
        use smtp_submit_proto::{ByMode, DateTime, DeliverBy, ForwardPath, Hold, Notify, OriginalRecipient, Priority, RcptParams, Ret};
        let on = |bit: u32| bits & (1 << bit) != 0;
        let text = Xtext::new(&xtext).unwrap();
        let mailbox = Mailbox::parse_utf8("ä@b").unwrap();
        let mut mail = MailParams::default();
        mail.body = on(0).then_some(BodyType::BinaryMime);
        mail.ret = on(1).then_some(if on(2) { Ret::Full } else { Ret::Headers });
        mail.envid = on(2).then_some(text);
        mail.smtp_utf8 = on(3);
        mail.require_tls = on(4);
        mail.deliver_by = on(5).then(|| if on(6) {
            DeliverBy::new(seconds, ByMode::Return, on(7)).unwrap()
        } else {
            DeliverBy::new(-seconds, ByMode::Notify, on(7)).unwrap()
        });
        mail.hold = on(6).then(|| if on(7) { Hold::For(hold) } else { Hold::Until(DateTime::parse("2007-04-12T15:46:17Z").unwrap()) });
        mail.priority = on(7).then(|| Priority::new(priority).unwrap());
        let mut rcpt = RcptParams::default();
        rcpt.notify = on(0).then_some(Notify { success: on(1), failure: on(2), delay: on(3) });
        rcpt.orcpt = on(4).then(|| OriginalRecipient::new("rfc822", text).unwrap());
        for command in [
            Command::Mail(ReversePath::Mailbox(mailbox), mail),
            Command::Rcpt(ForwardPath::Mailbox(mailbox), rcpt),
            Command::Bdat { size: u64::from(hold), last: on(0) },
            Command::Burl { url: "imap://a/b", last: on(0) },
        ] {
            let mut wire = Vec::new();
            command.encode(&mut wire).unwrap();
            prop_assert_eq!(Command::parse(&wire, &Rules::all()), Ok(command));
        }
    }

    #[test]
    fn no_octets_make_the_machine_panic(wire in prop::collection::vec(any::<u8>(), 0..300), start in 0_usize..4) {
        let starts = ["", "EHLO x\r\n", "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\n", "EHLO x\r\nAUTH LOGIN\r\n"];
        let mut host = if start == 3 { Host::tls(submission_config()) } else { Host::new(open_config()) };
        host.feed(starts[start].as_bytes());
        host.feed(&wire);
    }
}

/// Lines of clients in other suites, as far as they are there.
#[test]
fn lines_of_other_suites_are_answered() {
    let shared = std::env::var("MAIL_SHARED").map_or_else(
        |_| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        std::path::PathBuf::from,
    );
    let Ok(folders) = std::fs::read_dir(shared.join("transcripts")) else {
        println!("no transcripts at {}: nothing is tested", shared.display());
        return;
    };
    let (mut lines, mut commands) = (0, 0);
    for file in folders.flatten().map(|f| f.path().join("smtp-client.txt")) {
        let Ok(text) = std::fs::read(&file) else { continue };
        for line in text.split(|c| *c == b'\n') {
            lines += 1;
            if Command::parse(line, &Rules::default()).is_ok() {
                commands += 1;
            }
            for mut host in [Host::new(open_config()), Host::tls(submission_config())] {
                host.feed(b"EHLO x\r\n");
                host.out.clear();
                host.feed(line);
                host.feed(b"\r\n");
                assert!(!host.out.is_empty(), "{:?}", line.escape_ascii());
            }
        }
    }
    println!("{lines} lines, {commands} of them commands");
    assert!(lines == 0 || commands * 4 > lines, "{commands} of {lines}");
}
