//! The client machine: against scripted servers, and against the server machine with random splits.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop where they fail"
)]

mod dialogue;

use std::{sync::Arc, time::Duration};

use dialogue::Host;
use mail_wire::{Instant, Machine, Poll, Stuffing, TlsInfo, Upgraded};
use pop3_proto::{
    Digest, MessageNumber, Passwords, RespCode, Secret, Server,
    client::{Client, Config, Error, Event},
};
use proptest::prelude::*;

/// How a fetcher logs in.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Login {
    Pass,
    Apop,
    Plain,
    LongPlain,
    None,
}

/// Logs in, lists, fetches all, deletes the first, quits.
struct Fetcher {
    client: Client,
    login: Login,
    stls: bool,
    log: Vec<String>,
    messages: Vec<Vec<u8>>,
    input: Vec<u8>,
    closed: Option<Result<(), Error>>,
}

fn n(n: u32) -> MessageNumber {
    MessageNumber::new(n).unwrap()
}

fn clear() -> Config {
    let mut config = Config::default();
    config.login_in_clear = true;
    config
}

impl Fetcher {
    fn new(config: Config, login: Login) -> Self {
        Self {
            client: Client::new(config),
            login,
            stls: false,
            log: vec![],
            messages: vec![],
            input: vec![],
            closed: None,
        }
    }

    fn feed(&mut self, octets: &[u8]) -> Vec<u8> {
        self.input.extend_from_slice(octets);
        while self.closed.is_none() {
            let input = std::mem::take(&mut self.input);
            let used = match self.client.poll(&input, Instant::ZERO) {
                Ok(Poll::Frame(n)) => {
                    let event = self.client.event(&input[..n]);
                    self.act(event);
                    n
                }
                Ok(Poll::Skip(n)) => n,
                Ok(Poll::NeedInput { .. }) => {
                    self.input = input;
                    break;
                }
                Ok(Poll::Upgrade(_)) => {
                    assert!(input.is_empty());
                    self.client.upgraded(Upgraded::Tls(TlsInfo::default()));
                    assert!(self.client.capabilities() == &Default::default());
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
        sent
    }

    fn act(&mut self, event: Event<'_>) {
        let client = &mut self.client;
        match event {
            Event::BodyBegin(_) => self.messages.push(vec![]),
            Event::BodyChunk(octets) => {
                self.messages.last_mut().unwrap().extend_from_slice(octets);
                return;
            }
            Event::Greeting { .. } => client.capa().unwrap(),
            Event::Capabilities if self.stls && !client.is_encrypted() => client.stls().unwrap(),
            Event::Capabilities => match self.login {
                Login::Pass => client.user(b"mrose").unwrap(),
                Login::Apop => {
                    let md5 = 0xc4c9_334b_ac56_0ecc_979e_5800_1b3e_22fb_u128.to_be_bytes();
                    client.apop(b"mrose", Digest::new(md5)).unwrap();
                }
                Login::Plain => client.auth("PLAIN", Some(b"test\0test\0test")).unwrap(),
                Login::LongPlain => client.auth("plain", Some(&[b'x'; 300])).unwrap(),
                Login::None => {}
            },
            // It waits for the handshake.
            Event::Ok { command: pop3_proto::CommandKind::Stls, .. } => client.capa().unwrap(),
            Event::Ok { command: pop3_proto::CommandKind::User, .. } => {
                client.pass(Secret::new(b"tanstaaf")).unwrap();
            }
            Event::LoggedIn(_) => {
                client.stat().unwrap();
                client.list(None).unwrap();
                client.uidl(None).unwrap();
                client.list(Some(n(1))).unwrap();
                client.uidl(Some(n(1))).unwrap();
            }
            Event::DropListing { count, .. } => {
                for i in 1..=count {
                    client.retr(n(i)).unwrap();
                }
                client.retr(n(1_000_000)).unwrap(); // there is none
                if count > 0 {
                    client.dele(n(1)).unwrap();
                }
                client.quit().unwrap();
            }
            _ => {}
        }
        self.log.push(format!("{event:?}"));
    }
}

fn converse(fetcher: &mut Fetcher, host: &mut Host, pieces: &[usize]) {
    let mut sizes = pieces.iter().copied().cycle();
    let (mut to_host, mut to_client) = (fetcher.feed(b""), host.feed(b""));
    while !to_host.is_empty() || !to_client.is_empty() {
        let k = sizes.next().unwrap().min(to_client.len());
        let piece: Vec<u8> = to_client.drain(..k).collect();
        to_host.extend(fetcher.feed(&piece));
        let k = sizes.next().unwrap().min(to_host.len());
        let piece: Vec<u8> = to_host.drain(..k).collect();
        to_client.extend(host.feed(&piece));
    }
}

#[test]
fn a_session_with_the_server() {
    for (login, pipelining) in
        [(Login::Pass, true), (Login::Pass, false), (Login::Apop, true), (Login::Plain, false)]
    {
        for pieces in [[1, 1], [7, 2], [9000, 9000]] {
            let mut host = Host::plain();
            let stamp = pop3_proto::Timestamp::new("<1896.697170952@dbc.mtview.ca.us>").unwrap();
            host.server = Server::new(Arc::new({
                let mut c = pop3_proto::Config::default();
                c.passwords = Passwords::Always;
                c
            }))
            .with_apop(stamp);
            let mut config = clear();
            config.pipelining = pipelining;
            let mut fetcher = Fetcher::new(config, login);
            converse(&mut fetcher, &mut host, &pieces);
            assert_eq!(fetcher.closed, Some(Ok(())), "{login:?} {:?}", fetcher.log);
            assert_eq!((&fetcher.messages, host.removed), (&host.messages, 1));
            assert!(fetcher.log[0].contains("timestamp: Some(\"<1896.697170952@dbc.mtview.ca.us>\")"));
            for expected in [
                "DropListing { count: 2, octets: 320 }",
                "ScanListing { number: MessageNumber(2), octets: 200 }",
                "UniqueId { number: MessageNumber(2), unique_id: \"uid-2\" }",
                "ListEnd(List)",
                "BodyEnd { bare_newline: false }",
            ] {
                assert!(fetcher.log.iter().any(|e| e == expected), "{expected} {:?}", fetcher.log);
            }
            assert!(fetcher.log.iter().any(|e| e.starts_with("Err { command: Some(Retr)")));
            assert!(fetcher.client.capabilities().uidl && fetcher.client.capabilities().pipelining);
        }
    }
}

#[test]
fn stls_with_the_server() {
    let mut host = Host::with(|c| c.stls = true);
    let mut fetcher = Fetcher::new(Config::default(), Login::Pass);
    fetcher.stls = true;
    converse(&mut fetcher, &mut host, &[3]);
    assert_eq!((fetcher.closed, host.handshakes.len()), (Some(Ok(())), 1), "{:?}", fetcher.log);
    assert_eq!(fetcher.messages, host.messages);
}

/// RFC 2595 section 4, as with STARTTLS: what follows in the clear was put there by somebody.
#[test]
fn plaintext_after_stls_ends_it() {
    let mut fetcher = Fetcher::new(clear(), Login::Pass);
    fetcher.stls = true;
    fetcher.feed(b"+OK hi\r\n");
    assert_eq!(fetcher.feed(b"+OK\r\nSTLS\r\n.\r\n"), b"STLS\r\n");
    fetcher.feed(b"+OK go\r\n+OK\r\n.\r\n");
    assert_eq!(fetcher.closed, Some(Err(Error::PlaintextAfterStls)));
}

/// RFC 5034 section 4: an initial response too long for 255 octets goes after an empty challenge.
#[test]
fn a_long_initial_response_waits_for_the_challenge() {
    let mut fetcher = Fetcher::new(clear(), Login::LongPlain);
    fetcher.feed(b"+OK hi\r\n");
    assert_eq!(fetcher.feed(b"+OK\r\nSASL PLAIN\r\n.\r\n"), b"AUTH plain\r\n");
    let sent = fetcher.feed(b"+ \r\n");
    assert!(sent.len() == 402 && sent.starts_with(b"eHh4"));
    fetcher.feed(b"-ERR [AUTH] no\r\n");
    assert_eq!(
        fetcher.log.last().unwrap(),
        "Err { command: Some(Auth), code: Some(Auth), text: [110, 111] }"
    );
    // Another try, with a challenge that is none.
    fetcher.client.auth("PLAIN", None).unwrap();
    assert_eq!(fetcher.feed(b"+ x\r\n"), b"AUTH PLAIN\r\n*\r\n");
}

/// Without PIPELINING nothing is sent before the answer.
#[test]
fn one_command_at_a_time() {
    let mut fetcher = Fetcher::new(clear(), Login::Pass);
    fetcher.feed(b"+OK hi\r\n");
    assert_eq!(fetcher.feed(b"-ERR what\r\n"), b"", "CAPA is not known to old servers");
    fetcher.client.user(b"mrose").unwrap();
    assert_eq!(fetcher.feed(b""), b"USER mrose\r\n");
    assert_eq!(fetcher.feed(b"+OK\r\n"), b"PASS tanstaaf\r\n");
    assert_eq!(fetcher.feed(b"+OK\r\n"), b"STAT\r\n");
    assert_eq!(fetcher.feed(b"+OK 1 5\r\n"), b"LIST\r\n");
    assert_eq!(fetcher.feed(b"+OK\r\n1 5\r\n"), b"");
    assert_eq!(fetcher.feed(b"..odd\r\n.\r\n"), b"UIDL\r\n");
    assert!(fetcher.log.iter().any(|e| e.starts_with("ListLine { command: List, line: [46, 111")));
}

#[test]
fn misuse_writes_nothing() {
    let mut client = Client::new(Config::default());
    assert!(client.capa().is_err() && client.stat().is_err() && client.quit().is_err());
    assert_eq!(client.poll(b"+OK hi\r\n", Instant::ZERO), Ok(Poll::Frame(8)));
    client.event(b"+OK hi\r\n");
    assert!(client.user(b"x").is_err(), "no password in the clear");
    assert!(client.stls().is_err() && client.utf8().is_err() && client.lang(None).is_err(), "not offered");
    assert!(client.pass(Secret::new(b"x")).is_err() && client.retr(n(1)).is_err());
    assert!(client.auth_response(b"").is_err() && client.auth_cancel().is_err());
    client.upgraded(Upgraded::Tls(TlsInfo::default()));
    assert!(client.user(b"a\r\nQUIT").is_err() && client.user(b"").is_err());
    assert!(client.auth("PLAIN", None).is_err());
    assert!(client.output().is_empty());
    client.user(b"a b").unwrap();
    assert!(client.user(b"c").is_err(), "the first is not answered yet");
    assert!(!format!("{client:?}").contains("a b"));
}

#[test]
fn what_is_no_response_ends_it() {
    for (wire, error) in [
        (&b"220 SMTP\r\n"[..], Error::Malformed),
        (b"+OK hi\r\n+OK\r\n.\r\n+OK no more\r\n", Error::Unexpected),
    ] {
        let mut fetcher = Fetcher::new(clear(), Login::None);
        fetcher.feed(wire);
        assert_eq!(fetcher.closed, Some(Err(error)), "{:?}", fetcher.log);
    }
    let mut fetcher = Fetcher::new(clear(), Login::Pass);
    fetcher.feed(&[b'+'; 9000]);
    assert_eq!(fetcher.closed, Some(Err(Error::TooLong)));
    let mut fetcher = Fetcher::new(clear(), Login::Pass);
    fetcher.feed(b"-ERR [SYS/TEMP] busy\r\n");
    assert_eq!(fetcher.closed, Some(Ok(())));
    assert!(fetcher.log[0].starts_with("Err { command: None, code: Some(SysTemp)"));
    assert_eq!(RespCode::from_name("sys/temp"), Some(RespCode::SysTemp));
}

#[test]
fn a_slow_server_is_left() {
    let mut config = Config::default();
    config.reply = Duration::from_secs(60);
    let mut client = Client::new(config);
    let at = |s| Instant::from_start(Duration::from_secs(s));
    assert!(client.poll(b"+", at(0)).is_ok() && client.poll(b"+O", at(50)).is_ok());
    assert_eq!(client.deadline(), Some(at(60)));
    client.handle_timeout(at(60));
    assert_eq!(client.poll(b"+O", at(60)), Err(Error::TimedOut));
}

fn any_message() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => prop::sample::select(vec![&b"\r\n"[..], b".", b"\r", b"\n", b"\r\n.\r\n", b"..", b"a"]).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..8),
        1 => (0_usize..1500).prop_map(|n| vec![b'.'; n]),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|p| p.concat())
}

fn with_line_end(message: &[u8]) -> Vec<u8> {
    let mut m = message.to_vec();
    if !(m.is_empty() || m.ends_with(b"\r\n")) {
        m.extend_from_slice(b"\r\n");
    }
    m
}

fn exact_host() -> Host {
    Host::with(|c| {
        c.passwords = Passwords::Always;
        c.stuffing = Stuffing::AfterCrlf;
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    /// The dot-stuffing oracle, from server to client.
    #[test]
    fn messages_arrive_as_they_are(
        messages in prop::collection::vec(any_message(), 0..5),
        pieces in prop::collection::vec(1_usize..60, 1..12),
        pipelining: bool,
    ) {
        let mut host = exact_host().messages(messages.clone());
        let mut config = clear();
        config.pipelining = pipelining;
        let mut fetcher = Fetcher::new(config, Login::Pass);
        converse(&mut fetcher, &mut host, &pieces);
        let expected: Vec<_> = messages.iter().map(|m| with_line_end(m)).collect();
        prop_assert_eq!(&fetcher.messages, &expected);
        prop_assert_eq!(fetcher.closed, Some(Ok(())));
    }

    /// However a server's octets come, whether they are what was asked for or not, the client hears and says the same.
    #[test]
    fn any_split_gives_the_same_events_and_output(
        pieces in prop::collection::vec(prop_oneof![
            8 => prop::sample::select(vec![
                &b"+OK\r\n"[..], b"+OK 1 2\r\n", b"+OK 3 4\r\n1 2\r\n2 2\r\n.\r\n", b".\r\n", b"..\r\n", b"1 uid\r\n", b"-ERR [AUTH] x\r\n",
                b"+ AAAA\r\n", b"text\r\n", b"\r", b"\n",
            ]).prop_map(<[u8]>::to_vec),
            1 => prop::collection::vec(any::<u8>(), 0..6),
        ], 0..20),
        pipelining: bool,
        login in 0_usize..3,
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let capa: &[u8] = if pipelining { b"+OK\r\nSASL PLAIN\r\nPIPELINING\r\n.\r\n" } else { b"+OK\r\nSASL PLAIN\r\n.\r\n" };
        let wire = [b"+OK <a@b>\r\n", capa, &pieces.concat()].concat();
        let hear = |cuts: &[usize]| {
            let mut fetcher = Fetcher::new(clear(), [Login::Pass, Login::Apop, Login::Plain][login]);
            let (mut from, mut sent) = (0, fetcher.feed(b""));
            for cut in cuts.iter().copied().chain([wire.len()]) {
                sent.extend(fetcher.feed(&wire[from..cut]));
                from = cut;
            }
            (fetcher.log, fetcher.messages, sent, fetcher.closed)
        };
        let whole = hear(&[]);
        let mut cuts: Vec<usize> = cuts.iter().map(|i| i.index(wire.len() + 1)).collect();
        cuts.sort_unstable();
        prop_assert_eq!(&hear(&cuts), &whole);
        prop_assert_eq!(&hear(&(0..wire.len()).collect::<Vec<_>>()), &whole);
    }

    #[test]
    fn no_octets_make_the_client_panic(wire in prop::collection::vec(
        prop_oneof![Just(b"+OK 1 2\r\n".to_vec()), Just(b"-ERR x\r\n".to_vec()), Just(b"+ \r\n".to_vec()), Just(b".\r\n".to_vec()),
            Just(b"SASL PLAIN\r\nPIPELINING\r\n".to_vec()), Just(b"1 2\r\n".to_vec()),
            prop::collection::vec(any::<u8>(), 0..20)], 0..30), login in 0_usize..4) {
        let login = [Login::Pass, Login::Apop, Login::None, Login::Pass][login];
        let mut fetcher = Fetcher::new(clear(), login);
        for piece in wire {
            fetcher.feed(&piece);
        }
    }
}
