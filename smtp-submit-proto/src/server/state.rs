use crate::Verb;

/// Where a connection stands (RFC 5321 section 4.1.4). AUTH's exchange and DATA's content are no
/// commands, so they are no phases.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// Before EHLO or HELO.
    Start,
    /// After it, no transaction.
    Ready,
    /// MAIL was accepted, no recipient yet.
    Mail,
    /// At least one recipient was accepted.
    Rcpt,
    /// BDAT has begun the content.
    Chunks,
}

/// A set of phases.
#[derive(Clone, Copy)]
pub(super) struct Phases(u8);

impl Phases {
    const fn of(phases: &[Phase]) -> Self {
        let mut bits = 0;
        let mut rest = phases;
        while let [phase, tail @ ..] = rest {
            bits |= 1 << *phase as u8;
            rest = tail;
        }
        Self(bits)
    }

    const fn contains(self, phase: Phase) -> bool {
        self.0 & (1 << phase as u8) != 0
    }
}

use Phase::{Chunks, Mail, Rcpt, Ready, Start};

const ANY: Phases = Phases::of(&[Start, Ready, Mail, Rcpt, Chunks]);

/// Which command has its place where. A command out of its place is answered with 503.
pub(super) const ALLOWED: [(Verb, Phases); 16] = [
    // RFC 5321 section 4.1.4: "may be issued by a client later in the session".
    (Verb::Ehlo, ANY),
    (Verb::Helo, ANY),
    // "A session that will contain mail transactions MUST first be initialized by the use of the EHLO
    // command"; "MAIL MUST NOT be sent if a mail transaction is already open".
    (Verb::Mail, Phases::of(&[Ready])),
    (Verb::Rcpt, Phases::of(&[Mail, Rcpt])),
    (Verb::Data, Phases::of(&[Rcpt])),
    // "The NOOP, HELP, EXPN, VRFY, and RSET commands can be used at any time during a session".
    (Verb::Rset, ANY),
    (Verb::Vrfy, ANY),
    (Verb::Expn, ANY),
    (Verb::Help, ANY),
    (Verb::Noop, ANY),
    (Verb::Quit, ANY),
    // RFC 4954 section 4: "not permitted during a mail transaction".
    (Verb::Auth, Phases::of(&[Ready])),
    // RFC 3207 section 4 names no place where it is wrong, but under TLS.
    (Verb::StartTls, ANY),
    // RFC 2033 section 4.1: as EHLO.
    (Verb::Lhlo, ANY),
    // RFC 3030 section 2; RCPT and DATA have no place once it has begun.
    (Verb::Bdat, Phases::of(&[Rcpt, Chunks])),
    // Postfix: "503 mail transaction in progress".
    (Verb::Xclient, Phases::of(&[Start, Ready])),
];

/// What has its place only after AUTH, where authentication is required: "any command other than AUTH,
/// EHLO, HELO, NOOP, RSET, or QUIT" (RFC 4954 section 6), of which HELP and STARTTLS do no harm.
pub(super) const WANTS_AUTH: [Verb; 5] = [Verb::Mail, Verb::Rcpt, Verb::Data, Verb::Vrfy, Verb::Expn];

/// [`ALLOWED`] by the command's place among the verbs.
static BY_VERB: [Phases; 32] = {
    let mut table = [Phases(0); 32];
    let mut rest: &[(Verb, Phases)] = &ALLOWED;
    while let [(verb, phases), tail @ ..] = rest {
        #[allow(
            clippy::indexing_slicing,
            reason = "there are 17 verbs; a constant beyond the table would not compile"
        )]
        {
            table[*verb as usize] = *phases;
        }
        rest = tail;
    }
    table
};

#[inline]
pub(super) fn is_allowed(verb: Verb, phase: Phase) -> bool {
    BY_VERB.get(verb as usize).is_some_and(|phases| phases.contains(phase))
}

/// What 503 says.
pub(super) const fn out_of_order(verb: Verb, phase: Phase) -> &'static str {
    match (verb, phase) {
        (_, Start) => "EHLO comes first",
        (Verb::Data, Chunks) => "the content has begun with BDAT",
        (Verb::Rcpt, Chunks) => "the content has begun",
        (Verb::Mail, _) => "a transaction is open already; RSET ends it",
        (Verb::Rcpt, _) => "MAIL comes first",
        (Verb::Data | Verb::Bdat, Ready) => "MAIL comes first",
        (Verb::Data | Verb::Bdat, _) => "RCPT comes first",
        (Verb::Xclient, _) => "a transaction is open",
        (Verb::Auth, _) => "AUTH has no place in a transaction",
        _ => "this command has no place here",
    }
}

/// Which event waits for its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pending {
    Nothing,
    Auth,
    Mail,
    Rcpt,
    DataBegin,
    DataEnd,
    Vrfy,
    Xclient,
}

/// What the next octets are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    /// Nothing was said yet.
    Greeting,
    Command,
    AuthResponse,
    Data,
    /// A chunk of BDAT.
    Chunk,
    /// STARTTLS was read; it is answered when it is known that nothing follows it.
    TlsWanted,
    /// The handshake is to be done.
    TlsReady,
    Closing,
}

/// A frame that `poll` found and `event` is to read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Frame {
    None,
    /// A line with this many octets of line end.
    Line(usize),
    /// The start of an over-long line.
    TooLong,
    Chunk,
    EndOfData,
    /// No octets: a chunk of BDAT is all there.
    EndOfChunk,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5321 section 4.1.4 and 3.3, RFC 4954 section 4, by command and phase.
    #[test]
    fn the_table_is_that_of_the_rfcs() {
        let cases = [
            (Verb::Ehlo, [true; 5]),
            (Verb::Helo, [true; 5]),
            (Verb::Mail, [false, true, false, false, false]),
            (Verb::Rcpt, [false, false, true, true, false]),
            (Verb::Data, [false, false, false, true, false]),
            (Verb::Rset, [true; 5]),
            (Verb::Vrfy, [true; 5]),
            (Verb::Expn, [true; 5]),
            (Verb::Help, [true; 5]),
            (Verb::Noop, [true; 5]),
            (Verb::Quit, [true; 5]),
            (Verb::Auth, [false, true, false, false, false]),
            (Verb::StartTls, [true; 5]),
            (Verb::Lhlo, [true; 5]),
            (Verb::Bdat, [false, false, false, true, true]),
            (Verb::Xclient, [true, true, false, false, false]),
        ];
        assert_eq!(cases.len(), ALLOWED.len());
        for (verb, expected) in cases {
            let got = [Start, Ready, Mail, Rcpt, Chunks].map(|phase| is_allowed(verb, phase));
            assert_eq!(got, expected, "{verb:?}");
        }
    }
}
