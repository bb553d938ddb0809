//! Where an IMAP command ends: the machine's scanner against a naive reading of lines and literals, for any split.
#![no_main]
use std::sync::{Arc, LazyLock};

use imap4_proto::{
    server::{Answered, Config, Event, Server},
    types::Capabilities,
};
use libfuzzer_sys::fuzz_target;
use mail_fuzz::Tape;
use mail_wire::{Instant, Machine, Poll};

static CONFIG: LazyLock<Arc<Config>> = LazyLock::new(|| {
    let mut config = Config::default();
    config.capabilities = Capabilities::IMAP4REV1 | Capabilities::LITERAL_PLUS;
    config.limits.bad_commands = u16::MAX;
    Arc::new(config)
});

/// The length of a literal that this line announces at its end: `{n}` or `{n+}`, with the tilde of `literal8` or without.
fn announced(line: &[u8]) -> Option<usize> {
    let inner = line.strip_suffix(b"\r\n").or_else(|| line.strip_suffix(b"\n"))?.strip_suffix(b"}")?;
    let open = inner.iter().rposition(|c| *c == b'{')?;
    let digits = inner[open + 1..].strip_suffix(b"+").unwrap_or(&inner[open + 1..]);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(str::from_utf8(digits).ok()?.parse().unwrap_or(usize::MAX))
}

/// Where the first command ends. `Err` where a literal is over a limit: what then becomes of it is the policy's to say.
fn oracle(wire: &[u8]) -> Result<Option<usize>, ()> {
    let mut at = 0;
    loop {
        let rest = wire.get(at..).unwrap_or(&[]);
        let Some(line_end) = rest.iter().position(|c| *c == b'\n').map(|n| at + n + 1) else {
            return Ok(None);
        };
        match announced(&wire[at..line_end]) {
            None => return Ok(Some(line_end)),
            Some(n) if n > 10_000 => return Err(()),
            Some(n) => at = line_end + n,
        }
    }
}

/// Where the machine ends the first frame that it answers or gives, all that was skipped before it counted.
fn machine(wire: &[u8], pieces: impl Iterator<Item = usize>) -> Option<usize> {
    let mut server = Server::preauthenticated(Arc::clone(&CONFIG));
    let (mut input, mut at, mut used) = (Vec::new(), 0, 0);
    for piece in pieces {
        input.extend_from_slice(&wire[at..at + piece]);
        at += piece;
        loop {
            match server.poll(&input, Instant::ZERO) {
                Ok(Poll::Frame(n)) => {
                    let event = server.event(&input[..n]);
                    assert!(!matches!(event, Event::Answered(Answered::TooBig)));
                    return Some(used + n);
                }
                Ok(Poll::Skip(n)) => {
                    used += n;
                    input.drain(..n);
                }
                _ => break,
            }
        }
    }
    None
}

fuzz_target!(|input: &[u8]| {
    let Some(tape) = Tape::new(input) else { return };
    // A command that streams is in parts; NOOP's and SEARCH's frames are whole. So few octets pass no limit.
    let wire = [
        tape.choose(&[&b"a NOOP "[..], b"a SEARCH TEXT ", b"a LIST ", b"a X ", b"a STORE 1 FLAGS "]),
        tape.wire,
    ]
    .concat();
    let whole = machine(&wire, [wire.len()].into_iter());
    assert_eq!(
        machine(&wire, tape.pieces(wire.len())),
        whole,
        "another split, another frame: {}",
        wire.escape_ascii()
    );
    if let Ok(end) = oracle(&wire) {
        assert_eq!(whole, end, "{}", wire.escape_ascii());
    }
});
