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

use Phase::{Mail, Rcpt, Ready, Start};

const ANY: Phases = Phases::of(&[Start, Ready, Mail, Rcpt]);

/// Which command has its place where. A command out of its place is answered with 503.
pub(super) const ALLOWED: [(Verb, Phases); 13] = [
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
];

/// What has its place only after AUTH, where authentication is required: "any command other than AUTH,
/// EHLO, HELO, NOOP, RSET, or QUIT" (RFC 4954 section 6), of which HELP and STARTTLS do no harm.
pub(super) const WANTS_AUTH: [Verb; 5] = [Verb::Mail, Verb::Rcpt, Verb::Data, Verb::Vrfy, Verb::Expn];

pub(super) fn is_allowed(verb: Verb, phase: Phase) -> bool {
    ALLOWED.iter().any(|(v, phases)| *v == verb && phases.contains(phase))
}

/// What 503 says.
pub(super) const fn out_of_order(verb: Verb, phase: Phase) -> &'static str {
    match (verb, phase) {
        (_, Start) => "EHLO comes first",
        (Verb::Mail, _) => "a transaction is open already; RSET ends it",
        (Verb::Rcpt, _) => "MAIL comes first",
        (Verb::Data, Ready) => "MAIL comes first",
        (Verb::Data, _) => "RCPT comes first",
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
}

/// What the next octets are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    /// Nothing was said yet.
    Greeting,
    Command,
    AuthResponse,
    Data,
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
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5321 section 4.1.4 and 3.3, RFC 4954 section 4, by command and phase.
    #[test]
    fn the_table_is_that_of_the_rfcs() {
        let cases = [
            (Verb::Ehlo, [true; 4]),
            (Verb::Helo, [true; 4]),
            (Verb::Mail, [false, true, false, false]),
            (Verb::Rcpt, [false, false, true, true]),
            (Verb::Data, [false, false, false, true]),
            (Verb::Rset, [true; 4]),
            (Verb::Vrfy, [true; 4]),
            (Verb::Expn, [true; 4]),
            (Verb::Help, [true; 4]),
            (Verb::Noop, [true; 4]),
            (Verb::Quit, [true; 4]),
            (Verb::Auth, [false, true, false, false]),
            (Verb::StartTls, [true; 4]),
        ];
        assert_eq!(cases.len(), ALLOWED.len());
        for (verb, expected) in cases {
            let got = [Start, Ready, Mail, Rcpt].map(|phase| is_allowed(verb, phase));
            assert_eq!(got, expected, "{verb:?}");
        }
    }
}
