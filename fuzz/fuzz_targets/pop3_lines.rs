//! POP3 commands and replies: what is made comes back from the wire, what is read is written so that it reads the same, and what a server
//! writes its client reads.
#![no_main]
use arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use mail_wire::{Instant, Machine, Poll};
use pop3_proto::{
    Command, Digest, Encoder, MessageNumber, RespCode, Secret, Tolerance,
    client::{Client, Config, Event},
};

fn octets<'a>(u: &mut Unstructured<'a>, spaces: bool) -> Result<&'a [u8]> {
    let n = u.int_in_range(1..=40)?;
    let all = u.bytes(n)?;
    // Up to the first octet that has no place.
    let end = all.iter().position(|c| c.is_ascii_control() || (*c == b' ' && !spaces)).unwrap_or(all.len());
    if end == 0 { Err(arbitrary::Error::IncorrectFormat) } else { Ok(&all[..end]) }
}

fn word<'a>(u: &mut Unstructured<'a>, most: usize) -> Result<&'a str> {
    let all = str::from_utf8(octets(u, false)?).map_err(|_| arbitrary::Error::IncorrectFormat)?;
    let fits = all.len() <= most && all.bytes().all(|c| c.is_ascii_alphanumeric());
    if fits { Ok(all) } else { Err(arbitrary::Error::IncorrectFormat) }
}

fn number(u: &mut Unstructured<'_>) -> Result<MessageNumber> {
    MessageNumber::new(u.arbitrary()?).ok_or(arbitrary::Error::IncorrectFormat)
}

fn command<'a>(u: &mut Unstructured<'a>) -> Result<Command<'a>> {
    Ok(match u.int_in_range(0..=16)? {
        0 => Command::User(octets(u, false)?),
        1 => Command::Pass(Secret::new(octets(u, true)?)),
        2 => Command::Apop { name: octets(u, false)?, digest: Digest::new(u.arbitrary()?) },
        3 => Command::Auth { mechanism: word(u, 20)?, initial: None },
        4 => Command::Auth { mechanism: word(u, 20)?, initial: Some(Secret::new(octets(u, false)?)) },
        5 => Command::List(Some(number(u)?)),
        6 => Command::Uidl(Some(number(u)?)),
        7 => Command::Retr(number(u)?),
        8 => Command::Top(number(u)?, u.arbitrary()?),
        9 => Command::Dele(number(u)?),
        10 => Command::Lang(Some(*u.choose(&["en", "en-GB", "*", "de-1996"])?)),
        _ => *u.choose(&[
            Command::Capa,
            Command::Stls,
            Command::Stat,
            Command::List(None),
            Command::Uidl(None),
            Command::Noop,
            Command::Rset,
            Command::Quit,
            Command::Utf8,
            Command::Lang(None),
        ])?,
    })
}

fn comes_back(command: &Command<'_>, tolerances: &[Tolerance]) {
    let mut wire = Vec::new();
    Encoder::new(&mut wire).command(command);
    for tolerance in tolerances {
        assert_eq!(Command::parse(&wire, *tolerance).as_ref(), Ok(command), "{}", wire.escape_ascii());
    }
    assert_eq!(command.into_owned().as_command(), *command);
}

/// What the encoder writes for any text is one line that says what it was meant to say.
fn reply(u: &mut Unstructured<'_>) -> Result<()> {
    let (code, ok, utf8) =
        (*u.choose(&[None, Some(RespCode::InUse), Some(RespCode::Auth)])?, u.arbitrary()?, u.arbitrary()?);
    let text: &str = u.arbitrary()?;
    let mut wire = Vec::new();
    let mut encoder = Encoder::new(&mut wire);
    encoder.greeting(text, Some("<1.2@h>"));
    if ok {
        encoder.ok(text, utf8)
    } else {
        encoder.err(code, text, utf8)
    }
    let mut client = Client::new({
        let mut config = Config::default();
        config.login_in_clear = true;
        config
    });
    let mut input = wire.as_slice();
    let mut turn = 0;
    while let Ok(Poll::Frame(n)) = client.poll(input, Instant::ZERO) {
        let (frame, rest) = input.split_at(n);
        input = rest;
        turn += 1;
        match client.event(frame) {
            Event::Greeting { timestamp, .. } => {
                assert_eq!((timestamp, turn), (Some("<1.2@h>"), 1), "{}", wire.escape_ascii());
                client.user(b"me").expect("its place");
            }
            Event::Ok { .. } => assert!(ok && turn == 2, "{}", wire.escape_ascii()),
            Event::Err { code: read, .. } => assert!(!ok && read == code, "{}", wire.escape_ascii()),
            other => panic!("{other:?} {}", wire.escape_ascii()),
        }
    }
    assert!(turn == 2 && input.is_empty(), "{}", wire.escape_ascii());
    Ok(())
}

fuzz_target!(|input: &[u8]| {
    let Some((mode, input)) = input.split_first() else { return };
    let mut u = Unstructured::new(input);
    match mode % 3 {
        0 => {
            if let Ok(command) = command(&mut u) {
                comes_back(&command, &[Tolerance::STRICT, Tolerance::TOLERANT]);
            }
        }
        1 => {
            for tolerance in [Tolerance::STRICT, Tolerance::TOLERANT] {
                if let Ok(command) = Command::parse(input, tolerance) {
                    comes_back(&command, &[tolerance]);
                }
            }
        }
        _ => {
            let _ = reply(&mut u);
        }
    }
});
