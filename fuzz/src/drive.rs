use std::hint::black_box;

use mail_wire::{Instant, Machine, Poll, TlsInfo, Upgrade, Upgraded};

use crate::Tape;

/// More polls than input octets plus this many means that the machine makes no progress.
const SLACK: usize = 4096;

/// What a machine did with an input.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// All it sent.
    pub sent: Vec<u8>,
    /// It went over to TLS or to compression: what it does with the octets after that depends on when they come.
    pub changed: bool,
    /// Whether it ended the connection.
    pub ended: bool,
}

/// Feeds `prefix` and then the tape's wire to machines that `machine` makes: in the pieces that the tape says, and whole. `answer` makes
/// what answers each event, and must answer it wholly.
///
/// # Panics
/// When the machine breaks its contract: a frame longer than the input, no progress, `Blocked` though everything was answered,
/// another answer for another split.
pub fn drive<M: Machine, A: FnMut(&mut M, &[u8])>(
    machine: impl Fn() -> M,
    prefix: &[u8],
    tape: &Tape<'_>,
    answer: impl Fn() -> A,
) -> Report {
    let wire = [prefix, tape.wire].concat();
    // Also where there is nothing to say, a server greets.
    let pieces = [prefix.len()].into_iter().chain(tape.pieces(tape.wire.len()));
    let cut = run(machine(), &wire, pieces, scribbling(answer(), 0), false);
    let whole = run(machine(), &wire, [wire.len()].into_iter(), scribbling(answer(), 1), false);
    if !cut.changed && !whole.changed {
        assert_eq!(
            cut.sent.escape_ascii().to_string(),
            whole.sent.escape_ascii().to_string(),
            "another split, another answer"
        );
        assert_eq!(cut.ended, whole.ended, "another split, another end");
    }
    cut
}

/// As [`drive`], in the tape's pieces alone, for a client machine: its host may leave a question of the server's without an answer.
///
/// # Panics
/// As [`drive`] does, but for `Blocked`.
pub fn drive_client<M: Machine>(
    machine: M,
    prefix: &[u8],
    tape: &Tape<'_>,
    event: impl FnMut(&mut M, &[u8]),
) -> Report {
    let wire = [prefix, tape.wire].concat();
    run(machine, &wire, [prefix.len()].into_iter().chain(tape.pieces(tape.wire.len())), event, true)
}

/// Leaves these octets on the stack before each event. A program that reads what it has not written is no program of safe Rust, but one that a
/// compiler made wrong: of that was the first find of `imap_server`, and it was seen only where the stack happened to be the other way.
fn scribbling<M>(mut answer: impl FnMut(&mut M, &[u8]), octet: u8) -> impl FnMut(&mut M, &[u8]) {
    move |machine, frame| {
        scribble(octet);
        answer(machine, frame);
    }
}

#[inline(never)]
fn scribble(octet: u8) {
    black_box(&mut [octet; 8192]);
}

fn run<M: Machine>(
    mut machine: M,
    wire: &[u8],
    pieces: impl Iterator<Item = usize>,
    mut answer: impl FnMut(&mut M, &[u8]),
    may_block: bool,
) -> Report {
    let (mut input, mut polls, mut report, mut at) = (Vec::new(), 0, Report::default(), 0);
    'pieces: for piece in pieces {
        input.extend_from_slice(&wire[at..at + piece]);
        at += piece;
        loop {
            polls += 1;
            assert!(polls <= 4 * wire.len() + SLACK, "the machine makes no progress");
            let turn = machine.poll(&input, Instant::ZERO);
            let stop = match turn {
                Ok(Poll::Frame(n)) => {
                    assert!(n <= input.len(), "a frame longer than the input");
                    answer(&mut machine, &input[..n]);
                    input.drain(..n);
                    false
                }
                Ok(Poll::Skip(n)) => {
                    assert!(n <= input.len() && n > 0, "nothing is skipped, or more than there is");
                    input.drain(..n);
                    false
                }
                Ok(Poll::NeedInput { hint }) => {
                    assert!(hint > 0, "no input is needed");
                    true
                }
                Ok(Poll::Upgrade(Upgrade::Tls)) => {
                    report.changed = true;
                    report.ended = !input.is_empty(); // the driver ends such a connection
                    if !report.ended {
                        machine.upgraded(Upgraded::Tls(TlsInfo::default()));
                    }
                    false
                }
                Ok(Poll::Upgrade(Upgrade::Deflate)) => {
                    report.changed = true;
                    machine.upgraded(Upgraded::Deflate);
                    false
                }
                Ok(Poll::Blocked) if may_block => {
                    report.ended = true;
                    false
                }
                Ok(Poll::Blocked) => panic!("an event was left without an answer"),
                Ok(_) | Err(_) => {
                    report.ended = true;
                    false
                }
            };
            let out = machine.output();
            report.sent.extend(out.segments().flatten());
            let sent = out.len();
            out.advance(sent);
            if report.ended {
                break 'pieces;
            }
            if stop {
                break;
            }
        }
    }
    report
}
