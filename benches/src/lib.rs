//! Inputs and drivers that the benches share.
//!
//! `cargo bench -p mail-benches` prints this family and its peers side by side, on the same inputs in the same run.
//! Before anything is timed, each side is checked to have understood the input.

pub mod budgets;
pub mod case;
pub mod cases;
pub mod logins;
pub mod sessions;
pub mod timed;

use mail_wire::{Instant, Machine, OutputQueue, Poll};

/// What a mail program says in a small session.
pub const IMAP_COMMANDS: &[&str] = &[
    "a1 CAPABILITY\r\n",
    "a2 NOOP\r\n",
    "a3 LIST \"\" \"*\"\r\n",
    "a4 STATUS \"Sent Items\" (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)\r\n",
    "a5 SELECT INBOX\r\n",
    "a6 UID FETCH 1:* (FLAGS)\r\n",
    "a7 UID FETCH 120:199 (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)\r\n",
    "a8 UID FETCH 199 (UID BODY.PEEK[HEADER.FIELDS (Date From To Cc Subject Message-ID References)])\r\n",
    "a9 UID FETCH 199 BODY.PEEK[]<0.65536>\r\n",
    "b1 UID STORE 199 +FLAGS.SILENT (\\Seen)\r\n",
    "b2 UID SEARCH UNSEEN SINCE 1-Feb-2024 NOT DELETED FROM \"Smith\"\r\n",
    "b3 UID COPY 150:160,170 Archive\r\n",
    "b4 UID STORE 150:160,170 +FLAGS (\\Deleted)\r\n",
    "b5 EXPUNGE\r\n",
    "b6 CREATE \"Projects/2026\"\r\n",
    "b7 RENAME \"Projects/2026\" \"Projects/Done\"\r\n",
    "b8 SUBSCRIBE \"Projects/Done\"\r\n",
    "b9 LSUB \"\" \"*\"\r\n",
    "c1 CHECK\r\n",
    "c2 CLOSE\r\n",
];

/// What a mail program says to send a message, up to DATA.
pub const SMTP_COMMANDS: &[&str] = &[
    "EHLO client.example.test\r\n",
    "NOOP\r\n",
    "MAIL FROM:<alice@example.test> SIZE=12345 BODY=8BITMIME\r\n",
    "RCPT TO:<bob@example.test>\r\n",
    "RCPT TO:<carol@example.test>\r\n",
    "RSET\r\n",
];

/// What a mail program says to look at a maildrop.
pub const POP3_COMMANDS: &[&str] = &[
    "CAPA\r\n",
    "STAT\r\n",
    "UIDL 17\r\n",
    "LIST 17\r\n",
    "TOP 17 0\r\n",
    "RETR 17\r\n",
    "DELE 17\r\n",
    "NOOP\r\n",
];

/// Gives `input` to a machine as it grows by `piece` octets, and each frame to `answer`.
pub fn run_in_pieces<M: Machine>(
    machine: &mut M,
    input: &[u8],
    piece: usize,
    mut answer: impl FnMut(&mut M, &[u8]),
) {
    let (mut from, mut upto) = (0, 0);
    loop {
        upto = usize::min(input.len(), piece.saturating_add(upto));
        loop {
            let there = input.get(from..upto).unwrap_or(&[]);
            match machine.poll(there, Instant::ZERO) {
                Ok(Poll::Frame(n)) => {
                    answer(machine, there.get(..n).unwrap_or(there));
                    from += n;
                    take_all(machine.output());
                }
                Ok(Poll::Skip(n)) => from += n,
                _ => break,
            }
        }
        take_all(machine.output());
        if upto == input.len() {
            return;
        }
    }
}

/// Drops all that can be sent, as if it were.
#[inline]
pub fn take_all(out: &mut OutputQueue) {
    if !out.is_empty() {
        out.advance(out.len());
    }
}

/// All that can be sent.
#[must_use]
pub fn sent(out: &OutputQueue) -> Vec<u8> {
    out.segments().flatten().copied().collect()
}

/// A body of `lines` lines of ordinary text; with `dots`, each but the first begins with a stuffed dot (smtp-proto 0.2.5
/// does not unstuff the first line).
#[must_use]
pub fn body(lines: usize, dots: bool) -> Vec<u8> {
    const TEXT: &[u8] = b"The quick brown fox jumps over the lazy dog, and the dog does not mind it.\r\n";
    const DOTS: &[u8] = b"..he quick brown fox jumps over the lazy dog, and the dog does not mind it.\r\n";
    let mut body = TEXT.to_vec();
    body.extend_from_slice(&if dots { DOTS } else { TEXT }.repeat(lines.saturating_sub(1)));
    body
}
