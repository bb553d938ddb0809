//! The client machine: against scripted servers, and against the server machine with random splits.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop where they fail"
)]

mod common;

use std::time::Duration;

use common::{Host, open_config, submission_config};
use mail_wire::{Instant, Machine, Poll, TlsInfo, Upgraded};
use proptest::prelude::*;
use smtp_submit_proto::{
    BodyType, ForwardPath, MailParams, Mailbox, Notify, RcptParams, ReversePath, Status,
    client::{self, Client, Error},
};

/// What a sender does: logs in where it can, sends one message, quits.
struct Sender {
    client: Client,
    recipients: Vec<&'static str>,
    content: Vec<Vec<u8>>,
    mail: MailParams<'static>,
    log: Vec<String>,
    tls: bool,
    /// Sent so far.
    wire: Vec<u8>,
    input: Vec<u8>,
    closed: Option<Result<(), Error>>,
}

impl Sender {
    fn new(config: client::Config, recipients: &[&'static str], content: &[&[u8]]) -> Self {
        let mut client = Client::new(config);
        client.hello().unwrap();
        Self {
            client,
            recipients: recipients.to_vec(),
            content: content.iter().map(|c| c.to_vec()).collect(),
            mail: MailParams::default(),
            log: vec![],
            tls: false,
            wire: vec![],
            input: vec![],
            closed: None,
        }
    }

    /// Octets arrive; gives what is to be sent.
    fn feed(&mut self, octets: &[u8]) -> Vec<u8> {
        self.input.extend_from_slice(octets);
        while self.closed.is_none() {
            let input = std::mem::take(&mut self.input);
            let used = match self.client.poll(&input, Instant::ZERO) {
                Ok(Poll::Frame(n)) => {
                    let event = self.client.event(&input[..n]);
                    self.log.push(format!("{event:?}"));
                    self.act(event);
                    n
                }
                Ok(Poll::NeedInput { .. }) => {
                    self.input = input;
                    break;
                }
                Ok(Poll::Upgrade(_)) => {
                    assert!(input.is_empty());
                    self.client.upgraded(Upgraded::Tls(TlsInfo::default()));
                    self.client.hello().unwrap();
                    0
                }
                Ok(Poll::Close) => {
                    self.closed = Some(Ok(()));
                    input.len()
                }
                Ok(other) => panic!("{other:?}"),
                Err(e) => {
                    self.closed = Some(Err(e));
                    input.len()
                }
            };
            self.input = input[used..].to_vec();
        }
        let out = self.client.output();
        let sent = out.segments().collect::<Vec<_>>().concat();
        out.advance(sent.len());
        self.wire.extend_from_slice(&sent);
        sent
    }

    fn act(&mut self, event: client::Event<'_>) {
        let client = &mut self.client;
        match event {
            client::Event::Ready(_) if self.tls && !client.is_encrypted() => client.start_tls().unwrap(),
            client::Event::Ready(_) if client.capabilities().auth.iter().any(|m| m == "PLAIN") => {
                client.auth("PLAIN", None).unwrap();
            }
            client::Event::Challenge(_) => client.auth_response(b"\0tim\0tanstaaftanstaaf").unwrap(),
            client::Event::Ready(_) | client::Event::Authenticated(_) => {
                client.mail(ReversePath::Mailbox(Mailbox::parse("me@a").unwrap()), &self.mail).unwrap();
                for r in &self.recipients {
                    let path = ForwardPath::Mailbox(Mailbox::parse(r).unwrap());
                    client.rcpt(path, &RcptParams::default()).unwrap();
                }
                client.data().unwrap();
            }
            client::Event::BodyWanted => {
                for part in &self.content {
                    client.body(part.clone().into()).unwrap();
                }
                client.end_body().unwrap();
            }
            client::Event::Sent { last: true, .. } if client.quit().is_err() => {}
            client::Event::NoRecipient => client.quit().unwrap(),
            client::Event::DataRefused(_) => client.quit().unwrap(),
            _ => {}
        }
    }
}

/// Both machines, each fed in pieces of these sizes in turn, until nothing moves.
fn converse(sender: &mut Sender, host: &mut Host, pieces: &[usize]) {
    let mut sizes = pieces.iter().copied().cycle();
    let (mut to_host, mut to_client) = (sender.feed(b""), vec![]);
    host.feed(b"");
    to_client.append(&mut host.out);
    while !to_host.is_empty() || !to_client.is_empty() {
        let upgrades = host.upgrades;
        let n = sizes.next().unwrap().min(to_host.len());
        let piece: Vec<u8> = to_host.drain(..n).collect();
        host.feed(&piece);
        assert!(host.upgrades == upgrades || to_host.is_empty());
        to_client.append(&mut host.out);
        let n = sizes.next().unwrap().min(to_client.len());
        let piece: Vec<u8> = to_client.drain(..n).collect();
        to_host.extend(sender.feed(&piece));
    }
}

/// The server side of a dialogue is scripted: each line of `S:` comes when the `C:` lines before it were sent.
#[track_caller]
fn replay(sender: &mut Sender, dialogue: &str) {
    let mut sent = String::from_utf8(sender.feed(b"")).unwrap();
    for line in dialogue.lines().map(str::trim_start) {
        if let Some(expected) = line.strip_prefix("C: ") {
            let (got, rest) = sent.split_once("\r\n").unwrap_or_else(|| panic!("not sent: {expected:?}"));
            assert_eq!(got, expected);
            sent = rest.to_owned();
        } else if let Some(reply) = line.strip_prefix("S: ") {
            sent += &String::from_utf8(sender.feed(format!("{reply}\r\n").as_bytes())).unwrap();
        }
    }
    assert_eq!(sent, "");
}

fn config() -> client::Config {
    client::Config::new("bar.com")
}

/// RFC 5321 appendix D.1: without PIPELINING one command at a time.
#[test]
fn a_typical_transaction() {
    let mut sender = Sender::new(
        config(),
        &["Jones@foo.com", "Green@foo.com", "Brown@foo.com"],
        &[b"Blah\r\n.\r\n", b"etc"],
    );
    replay(
        &mut sender,
        "S: 220 foo.com Simple Mail Transfer Service Ready
         C: EHLO bar.com
         S: 250-foo.com greets bar.com
         S: 250-8BITMIME
         S: 250-SIZE
         S: 250-DSN
         S: 250 HELP
         C: MAIL FROM:<me@a>
         S: 250 OK
         C: RCPT TO:<Jones@foo.com>
         S: 250 OK
         C: RCPT TO:<Green@foo.com>
         S: 550 No such user here
         C: RCPT TO:<Brown@foo.com>
         S: 250 OK
         C: DATA
         S: 354 Start mail input; end with <CRLF>.<CRLF>
         C: Blah
         C: ..
         C: etc
         C: .
         S: 250 OK
         C: QUIT
         S: 221 foo.com Service closing transmission channel",
    );
    assert_eq!(sender.closed, Some(Ok(())));
    assert!(sender.log.iter().any(|e| e.starts_with("Rcpt { index: 1, reply: 550")), "{:?}", sender.log);
}

/// RFC 2920 section 4: the envelope and DATA in one group.
#[test]
fn a_pipelined_transaction() {
    let mut sender = Sender::new(config(), &["ned@innosoft.com", "dan@innosoft.com"], &[b"x\r\n"]);
    replay(
        &mut sender,
        "S: 220 innosoft.com SMTP service ready
         C: EHLO bar.com
         S: 250-innosoft.com
         S: 250 PIPELINING
         C: MAIL FROM:<me@a>
         C: RCPT TO:<ned@innosoft.com>
         C: RCPT TO:<dan@innosoft.com>
         C: DATA
         S: 250 sender <mrose@dbc.mtview.ca.us> OK
         S: 550 remote mail to <dan@innosoft.com> not allowed
         S: 550 no
         S: 354 enter mail, end with line containing only \".\"
         C: .
         S: 554 no valid recipients
         C: QUIT
         S: 221 bye",
    );
    assert!(sender.log.iter().any(|e| e == "NoRecipient"), "{:?}", sender.log);
}

/// RFC 3030 section 4.2.
#[test]
fn chunks_where_they_are_offered() {
    let mut sender = Sender::new(config(), &["x@y"], &[b".\n", b"b\r"]);
    sender.mail.body = Some(BodyType::BinaryMime);
    replay(
        &mut sender,
        "S: 220 cnri.reston.va.us SMTP service ready
         C: EHLO bar.com
         S: 250-cnri
         S: 250-PIPELINING
         S: 250-BINARYMIME
         S: 250 CHUNKING
         C: MAIL FROM:<me@a> BODY=BINARYMIME
         C: RCPT TO:<x@y>
         S: 250 ok",
    );
    let sent = sender.feed(b"250 ok\r\n");
    assert_eq!(sent, b"BDAT 2\r\n.\nBDAT 2\r\nb\rBDAT 0 LAST\r\n");
    assert_eq!(sender.feed(b"250 2 octets\r\n250 2 octets\r\n250 ok\r\n"), b"QUIT\r\n");
}

#[test]
fn a_refused_chunk_is_followed_by_rset() {
    let mut sender = Sender::new(config(), &["x@y"], &[b"ab", b"cd"]);
    replay(
        &mut sender,
        "S: 220 x\nC: EHLO bar.com\nS: 250-x\nS: 250-PIPELINING\nS: 250 CHUNKING\nC: MAIL FROM:<me@a>\nC: RCPT TO:<x@y>\nS: 250 a",
    );
    sender.feed(b"250 b\r\n");
    assert_eq!(sender.feed(b"552 too big\r\n503 no\r\n503 no\r\n"), b"RSET\r\n");
    assert!(sender.log.iter().any(|e| e.starts_with("Sent { recipient: None, last: true, reply: 552")));
    sender.feed(b"250 reset\r\n");
    sender.client.mail(ReversePath::Null, &MailParams::default()).unwrap();
}

#[test]
fn helo_for_an_old_server() {
    let mut sender = Sender::new(config(), &["x@y"], &[b""]);
    replay(
        &mut sender,
        "S: 220 old
         C: EHLO bar.com
         S: 502 what
         C: HELO bar.com
         S: 250 old
         C: MAIL FROM:<me@a>
         S: 421 too busy",
    );
    assert_eq!(sender.closed, Some(Ok(())));
    assert!(!sender.client.capabilities().extended);
}

#[test]
fn a_server_that_does_not_want_is_left() {
    let mut sender = Sender::new(config(), &["x@y"], &[b""]);
    replay(&mut sender, "S: 554 no SMTP here\nC: QUIT\nS: 221 bye");
    assert_eq!(sender.closed, Some(Ok(())));
}

/// RFC 3207 section 6.
#[test]
fn plaintext_after_starttls_ends_it() {
    let mut sender = Sender::new(config(), &["x@y"], &[b""]);
    sender.tls = true;
    replay(&mut sender, "S: 220 x\nC: EHLO bar.com\nS: 250-x\nS: 250 STARTTLS\nC: STARTTLS");
    sender.feed(b"220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n");
    assert_eq!(sender.closed, Some(Err(Error::PlaintextAfterStartTls)));
}

#[test]
fn tls_and_auth_against_the_server() {
    for pieces in [[1, 1], [7, 3], [1000, 1000]] {
        let mut sender = Sender::new(config(), &["x@y", "nobody@y"], &[b"Subject: a\r\n\r\n", b".\r\n"]);
        sender.tls = true;
        let mut host = Host::new(submission_config());
        converse(&mut sender, &mut host, &pieces);
        assert_eq!((host.upgrades, sender.closed), (1, Some(Ok(()))), "{:?}", sender.log);
        assert_eq!(host.messages, [b"Subject: a\r\n\r\n.\r\n"]);
        assert!(sender.client.is_authenticated());
    }
}

#[test]
fn each_recipient_of_lmtp_has_its_result() {
    let mut c = config();
    c.lmtp = true;
    let mut sender = Sender::new(c, &["a@y", "nobody@y", "b@y"], &[b"x\r\n"]);
    let mut lmtp = open_config();
    lmtp.lmtp = true;
    let mut host = Host::new(lmtp);
    host.per_recipient = vec![(Status::new(452, 2, 2).unwrap(), "full")];
    converse(&mut sender, &mut host, &[5]);
    let sent: Vec<_> = sender.log.iter().filter(|e| e.starts_with("Sent")).collect();
    assert!(sent[0].starts_with("Sent { recipient: Some(0), last: false, reply: 452"), "{sent:?}");
    assert!(sent[1].starts_with("Sent { recipient: Some(2), last: true, reply: 250"), "{sent:?}");
    assert_eq!(sent.len(), 2);
}

#[test]
fn misuse_writes_nothing() {
    let mut client = Client::new(config());
    assert!(client.mail(ReversePath::Null, &MailParams::default()).is_err());
    assert!(client.data().is_err() && client.body("x".into()).is_err() && client.end_body().is_err());
    assert!(client.start_tls().is_err() && client.auth("PLAIN", None).is_err() && client.rset().is_err());
    let mut sender = Sender::new(config(), &[], &[]);
    sender.client = client;
    sender.client.hello().unwrap();
    assert!(sender.client.hello().is_err());
    sender.input.clear();
    assert_eq!(sender.client.poll(b"220 x\r\n", Instant::ZERO), Ok(Poll::Frame(7)));
    sender.client.event(b"220 x\r\n");
    let ehlo = b"250-x\r\n250 AUTH PLAIN\r\n";
    assert_eq!(sender.client.poll(ehlo, Instant::ZERO), Ok(Poll::Frame(ehlo.len())));
    sender.client.event(ehlo);
    let n = sender.client.output().len();
    let client = &mut sender.client;
    assert!(client.auth("PLAIN", None).is_err(), "not in the clear");
    assert!(client.start_tls().is_err(), "not offered");
    let mut params = MailParams::default();
    params.smtp_utf8 = true;
    assert!(client.mail(ReversePath::Null, &params).is_err());
    params.smtp_utf8 = false;
    params.size = Some(5);
    client.mail(ReversePath::Null, &params).unwrap();
    let mut dsn = RcptParams::default();
    dsn.notify = Some(Notify::NEVER);
    assert!(client.rcpt(ForwardPath::Postmaster, &dsn).is_err());
    assert!(client.data().is_err(), "no RCPT yet");
    assert!(client.vrfy("a\r\nQUIT").is_err());
    assert_eq!(client.output().len(), n + b"MAIL FROM:<>\r\n".len(), "SIZE is not known there");
}

#[test]
fn what_is_no_reply_ends_it() {
    for (wire, error) in [
        (&b"hello\r\n"[..], Error::Malformed),
        (b"220-a\r\n221 b\r\n", Error::Malformed),
        (b"220 x\r\n250 x\r\n250 more\r\n", Error::Unexpected),
    ] {
        let mut sender = Sender::new(config(), &[], &[]);
        sender.client = Client::new(config());
        if error == Error::Unexpected {
            sender.client.hello().unwrap();
            sender.recipients.clear();
            sender.tls = false;
            let mut client = Client::new(config());
            assert_eq!(client.poll(b"220 x\r\n250 x\r\n", Instant::ZERO), Ok(Poll::Frame(7)));
            client.event(b"220 x\r\n");
            assert_eq!(client.poll(b"250 x\r\n", Instant::ZERO), Err(error));
            continue;
        }
        sender.feed(wire);
        assert_eq!(sender.closed, Some(Err(error)), "{}", wire.escape_ascii());
    }
    let mut client = Client::new(config());
    assert_eq!(client.poll(&vec![b'2'; 70_000], Instant::ZERO), Err(Error::TooLong));
}

#[test]
fn a_silent_server_is_left() {
    let mut client = Client::new(config());
    let at = |s| Instant::from_start(Duration::from_secs(s));
    assert!(matches!(client.poll(b"22", at(0)), Ok(Poll::NeedInput { .. })));
    assert!(matches!(client.poll(b"220", at(100)), Ok(Poll::NeedInput { .. })));
    assert_eq!(client.deadline(), Some(at(300)), "an octet now and then buys no time");
    client.handle_timeout(at(300));
    assert_eq!(client.poll(b"220", at(300)), Err(Error::TimedOut));
}

fn any_content() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => prop::sample::select(vec![&b"\r\n"[..], b".", b"\r", b"\n", b"\r\n.\r\n", b"..", b"a"]).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..8),
        1 => (0_usize..1500).prop_map(|n| vec![b'.'; n]),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|p| p.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// The dot-stuffing oracle: what the client is given is what the server's host gets, by DATA with the
    /// final CRLF where it lacks one, by BDAT exactly; however both are split.
    #[test]
    fn content_arrives_as_it_was_given(
        parts in prop::collection::vec(any_content(), 0..4),
        pieces in prop::collection::vec(1_usize..60, 1..12),
        pipelining: bool, chunking: bool, lmtp: bool,
    ) {
        let mut server = open_config();
        server.bare_newlines = smtp_submit_proto::BareNewlines::Keep;
        server.chunking = true;
        server.lmtp = lmtp;
        let mut host = Host::new(server);
        let mut c = config();
        (c.pipelining, c.chunking, c.lmtp) = (pipelining, chunking, lmtp);
        let refs: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let mut sender = Sender::new(c, &["a@b", "nobody@b", "c@b"], &refs);
        converse(&mut sender, &mut host, &pieces);
        let mut expected = parts.concat();
        if (!chunking || lmtp) && !(expected.is_empty() || expected.ends_with(b"\r\n")) {
            expected.extend_from_slice(b"\r\n");
        }
        prop_assert_eq!(&host.messages, &[expected]);
        prop_assert_eq!(sender.closed, Some(Ok(())));
        prop_assert_eq!(host.ended.as_deref(), Some("closed"));
        let results = sender.log.iter().filter(|e| e.starts_with("Sent")).count();
        prop_assert_eq!(results, if lmtp { 2 } else { 1 });
    }

    /// However a server's octets come, whether they are what was asked for or not, the client hears and says the same.
    #[test]
    fn any_split_gives_the_same_events_and_output(
        pieces in prop::collection::vec(prop_oneof![
            8 => prop::sample::select(vec![
                &b"220 x\r\n"[..], b"250-x\r\n250-PIPELINING\r\n250 SIZE\r\n", b"250-x\r\n250-CHUNKING\r\n250 AUTH PLAIN\r\n",
                b"250 x\r\n", b"250 x\r\n", b"250-a\r\n250 b\r\n", b"354 go\r\n", b"550 no\r\n", b"334 AAAA\r\n", b"235 ok\r\n", b"421 x\r\n",
            ]).prop_map(<[u8]>::to_vec),
            1 => prop::collection::vec(any::<u8>(), 0..6),
        ], 0..14),
        usual: bool,
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let begins: &[u8] = if usual { b"220 x\r\n250-x\r\n250 PIPELINING\r\n250 a\r\n250 b\r\n" } else { b"" };
        let wire = [begins, &pieces.concat()].concat();
        let hear = |cuts: &[usize]| {
            let mut c = config();
            c.auth_in_clear = true;
            let mut sender = Sender::new(c, &["a@b"], &[b".x", b"\r\n."]);
            let mut from = 0;
            for cut in cuts.iter().copied().chain([wire.len()]) {
                sender.feed(&wire[from..cut]);
                from = cut;
            }
            (sender.log, sender.wire, sender.closed)
        };
        let whole = hear(&[]);
        let mut cuts: Vec<usize> = cuts.iter().map(|i| i.index(wire.len() + 1)).collect();
        cuts.sort_unstable();
        prop_assert_eq!(&hear(&cuts), &whole);
        prop_assert_eq!(&hear(&(0..wire.len()).collect::<Vec<_>>()), &whole);
    }

    #[test]
    fn no_octets_make_the_client_panic(wire in prop::collection::vec(
        prop_oneof![Just(b"250 x\r\n".to_vec()), Just(b"250-x\r\n".to_vec()), Just(b"354 x\r\n".to_vec()), Just(b"550 x\r\n".to_vec()),
            Just(b"220 x\r\n".to_vec()), Just(b"334 AAAA\r\n".to_vec()), Just(b"250-PIPELINING\r\n250-CHUNKING\r\n250 AUTH PLAIN\r\n".to_vec()),
            prop::collection::vec(any::<u8>(), 0..20)], 0..30)) {
        let mut sender = Sender::new({ let mut c = config(); c.auth_in_clear = true; c }, &["a@b"], &[b"x"]);
        for piece in wire {
            sender.feed(&piece);
        }
    }
}
