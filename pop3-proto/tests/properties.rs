//! What holds for any input.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod dialogue;

use dialogue::Host;
use pop3_proto::{Command, Digest, Encoder, MessageNumber, Secret, Tolerance};
use proptest::prelude::*;

const DIALOGUE: &[u8] = b"CAPA\r\nUSER mrose\r\nPASS  wrong \r\nAUTH PLAIN\r\n*\r\nAUTH PLAIN dGVzdAB0ZXN0AHRlc3Q=\r\nSTAT\r\n\
    LIST\r\nUIDL 1\r\nRETR 1\r\nTOP 2 1\r\nRETR 0\r\nGARBAGE\xff\0\r\n\r\nDELE 1\nRSET \nDELE 2\r\nNOOP\r\nQUIT\r\n";

/// Feeds in these parts; gives the events and all that was sent.
fn run(parts: impl IntoIterator<Item = Vec<u8>>) -> (Vec<String>, Vec<u8>) {
    let mut host = Host::with(|c| {
        c.passwords = pop3_proto::Passwords::Always;
        c.limits.line = 64;
        c.limits.skipped = 300;
    });
    for part in parts {
        host.feed(&part);
    }
    (host.events, host.sent)
}

#[test]
fn every_split_in_two_gives_the_same_events_and_output() {
    let long = [b"USER ".repeat(40), b"\r\n".to_vec(), DIALOGUE.to_vec()].concat();
    let whole = run([long.clone()]);
    assert!(whole.1.ends_with(b"+OK signing off\r\n"), "{}", whole.1.escape_ascii());
    for at in 0..=long.len() {
        assert_eq!(run([long[..at].to_vec(), long[at..].to_vec()]), whole, "split at {at}");
    }
    assert_eq!(run(long.chunks(1).map(<[u8]>::to_vec)), whole);
}

fn word() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![0x21_u8..0x7f, 0x80_u8..=0xff], 1..40)
}

fn number() -> impl Strategy<Value = MessageNumber> {
    (1..=u32::MAX).prop_map(|n| MessageNumber::new(n).unwrap())
}

fn round_trips(command: &Command<'_>) {
    let mut wire = vec![];
    Encoder::new(&mut wire).command(command);
    for tolerance in [Tolerance::STRICT, Tolerance::TOLERANT] {
        assert_eq!(Command::parse(&wire, tolerance).as_ref(), Ok(command), "{}", wire.escape_ascii());
    }
    assert_eq!(command.into_owned().as_command(), *command);
    // and what is written from what was read reads the same
    let read = Command::parse(&wire, Tolerance::STRICT).unwrap();
    let mut again = vec![];
    Encoder::new(&mut again).command(&read);
    assert_eq!(again, wire);
}

proptest! {
    #[test]
    fn commands_round_trip(
        name in word(), mut password in prop::collection::vec(any::<u8>(), 1..40), digest: [u8; 16],
        mechanism in "[A-Za-z0-9_-]{1,20}", initial in word(), n in number(), lines: u64,
        range in "[a-z]{1,8}(-[a-z0-9]{1,8}){0,3}",
    ) {
        password.retain(|b| !matches!(b, 0 | b'\r' | b'\n'));
        password.push(b'x');
        for command in [
            Command::User(&name),
            Command::Pass(Secret::new(&password)),
            Command::Apop { name: &name, digest: Digest::new(digest) },
            Command::Auth { mechanism: &mechanism, initial: None },
            Command::Auth { mechanism: &mechanism, initial: Some(Secret::new(&initial)) },
            Command::Capa, Command::Stls, Command::Stat, Command::Noop, Command::Rset, Command::Quit,
            Command::Utf8, Command::List(None), Command::List(Some(n)), Command::Uidl(None),
            Command::Uidl(Some(n)), Command::Retr(n), Command::Top(n, lines), Command::Dele(n),
            Command::Lang(None), Command::Lang(Some(&range)),
        ] {
            round_trips(&command);
        }
    }

    #[test]
    fn any_octets_in_any_split_give_the_same_and_never_panic(
        mut octets in prop::collection::vec(
            prop_oneof![4 => prop::sample::select(DIALOGUE.to_vec()), 1 => any::<u8>()], 0..300),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        from in 0..DIALOGUE.len(),
    ) {
        let mut wire = DIALOGUE[..from].to_vec();
        wire.append(&mut octets);
        let mut cuts: Vec<usize> = cuts.iter().map(|i| i.index(wire.len() + 1)).collect();
        cuts.extend([0, wire.len()]);
        cuts.sort_unstable();
        let parts: Vec<Vec<u8>> = cuts.windows(2).map(|w| wire[w[0]..w[1]].to_vec()).collect();
        // What follows STLS decides by when it arrives; everything else does not.
        prop_assume!(!wire.to_ascii_uppercase().windows(4).any(|w| w == b"STLS"));
        prop_assert_eq!(run(parts), run([wire]));
    }
}
