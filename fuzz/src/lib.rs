//! Drives a machine as a host would, with input cut into pieces by the fuzzer.
#![forbid(unsafe_code)]

use mail_wire::{Instant, Machine, Poll, TlsInfo, Upgrade, Upgraded};

/// More polls than input octets plus this many means that the machine makes no progress.
const SLACK: usize = 4096;

/// Feeds `data` to a machine in pieces: the first octet says how long they are. `answer` answers each
/// event, and must answer it wholly.
///
/// # Panics
/// When the machine breaks its contract: a frame longer than the input, no progress, or `Blocked`
/// though everything was answered.
pub fn drive<M: Machine>(machine: M, data: &[u8], answer: impl FnMut(&mut M, &[u8])) {
    run(machine, data, answer, false);
}

/// As [`drive`], for a client machine: its host may leave a question of the server's without an answer.
///
/// # Panics
/// As [`drive`] does, but for `Blocked`.
pub fn drive_client<M: Machine>(machine: M, data: &[u8], event: impl FnMut(&mut M, &[u8])) {
    run(machine, data, event, true);
}

fn run<M: Machine>(mut machine: M, data: &[u8], mut answer: impl FnMut(&mut M, &[u8]), may_block: bool) {
    let Some((piece, data)) = data.split_first() else { return };
    let piece = usize::from(*piece).max(1);
    let (mut input, mut polls) = (Vec::new(), 0);
    for chunk in data.chunks(piece) {
        input.extend_from_slice(chunk);
        loop {
            polls += 1;
            assert!(polls <= 4 * data.len() + SLACK, "the machine makes no progress");
            match machine.poll(&input, Instant::ZERO) {
                Ok(Poll::Frame(n)) => {
                    assert!(n <= input.len(), "a frame longer than the input");
                    answer(&mut machine, &input[..n]);
                    input.drain(..n);
                }
                Ok(Poll::Skip(n)) => {
                    assert!(n <= input.len() && n > 0);
                    input.drain(..n);
                }
                Ok(Poll::NeedInput { hint }) => {
                    assert!(hint > 0);
                    break;
                }
                Ok(Poll::Upgrade(Upgrade::Tls)) => {
                    if !input.is_empty() {
                        return; // the driver ends such a connection
                    }
                    machine.upgraded(Upgraded::Tls(TlsInfo::default()));
                }
                Ok(Poll::Upgrade(Upgrade::Deflate)) => machine.upgraded(Upgraded::Deflate),
                Ok(Poll::Blocked) if may_block => return,
                Ok(Poll::Blocked) => panic!("an event was left without an answer"),
                Ok(_) | Err(_) => return,
            }
            let sent = machine.output().len();
            machine.output().advance(sent);
        }
    }
}
