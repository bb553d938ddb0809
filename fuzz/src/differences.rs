//! Where this family and its peers differ on purpose. A difference that no row explains is a find: ours to mend, or a row to be written.

/// Who takes the line that the other does not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taker {
    /// This family.
    Ours,
    /// The peer.
    Peer,
}

/// A kind of difference.
#[derive(Debug)]
pub struct Difference {
    taker: Taker,
    /// Why it is so.
    why: &'static str,
    /// Whether a line, in capitals and without its end, is of this kind.
    is_it: fn(&[u8]) -> bool,
}

const fn row(taker: Taker, why: &'static str, is_it: fn(&[u8]) -> bool) -> Difference {
    Difference { taker, why, is_it }
}

fn has(line: &[u8], what: &str) -> bool {
    line.windows(what.len()).any(|w| w == what.as_bytes())
}

fn has_any(line: &[u8], of: &[&str]) -> bool {
    of.iter().any(|what| has(line, what))
}

fn starts(line: &[u8], of: &[&str]) -> bool {
    of.iter().any(|what| line.starts_with(what.as_bytes()))
}

use Taker::{Ours, Peer};

/// Commands of IMAP, against imap-codec.
pub const IMAP: &[Difference] = &[
    row(Ours, "extensions that imap-codec does not know", |l| {
        starts(
            l,
            &[
                "UID SORT",
                "UID THREAD",
                "SORT",
                "THREAD",
                "NOTIFY",
                "GENURLAUTH",
                "RESETKEY",
                "URLFETCH",
                "CANCELUPDATE",
                "ESEARCH",
                "GETACL",
                "SETACL",
                "DELETEACL",
                "LISTRIGHTS",
                "MYRIGHTS",
                "GETJMAPACCESS",
                "UNAUTHENTICATE",
                "LIST",
                "GETMETADATA",
                "SETMETADATA",
                "CREATE",
                "SETQUOTA",
                "GETQUOTA",
                "COMPRESS",
                "ENABLE",
                "NAMESPACE",
            ],
        )
    }),
    row(Ours, "search keys and return options of RFC 3516 to RFC 9586 that imap-codec does not know", |l| {
        has(l, "SEARCH")
    }),
    row(Ours, "fetch items of later extensions, `CHANGEDSINCE`, `VANISHED`, `PARTIAL`", |l| has(l, "FETCH")),
    row(Ours, "`$`, the saved search result (RFC 5182)", |l| has(l, "$")),
    row(Ours, "STATUS items of later extensions", |l| starts(l, &["STATUS"])),
    row(Ours, "octets beyond ASCII in quoted strings, which real clients send: passwords, names", |l| {
        !l.is_ascii()
    }),
    row(Ours, "APPEND and its parts are read by the machine, and not by `Command`", |l| {
        starts(l, &["APPEND"])
    }),
    row(
        Ours,
        "an initial response is decoded by the machine, which answers what is no base64 with BAD",
        |l| starts(l, &["AUTHENTICATE "]),
    ),
    row(Peer, "an empty initial response is `=` (RFC 4959 section 3), and not nothing behind a space", |l| {
        starts(l, &["AUTHENTICATE "]) && l.ends_with(b" ")
    }),
    row(Peer, "FETCH asks for something: `fetch-att *(SP fetch-att)` (RFC 9051 section 9)", |l| {
        has(l, "FETCH") && has(l, "()")
    }),
    row(Peer, "STATUS asks for something: `status-att *(SP status-att)` (RFC 9051 section 9)", |l| {
        starts(l, &["STATUS"]) && has(l, "()")
    }),
    row(Ours, "STARTTLS, which imap-codec leaves to others", |l| l == b"STARTTLS"),
    row(
        Peer,
        "entries of METADATA begin with a slash (RFC 5464 section 3.1), which imap-codec does not ask for",
        |l| starts(l, &["GETMETADATA", "SETMETADATA"]),
    ),
    row(Peer, "APPEND and REPLACE come in parts and are read by the machine, and not by `Command`", |l| {
        starts(l, &["APPEND", "UID REPLACE", "REPLACE"])
    }),
];

/// Commands of SMTP, against smtp-proto.
pub const SMTP: &[Difference] = &[
    row(Peer, "ETRN and ATRN are for relays", |l| starts(l, &["ETRN", "ATRN"])),
    row(Peer, "parameters of extensions for relays: SOLICIT, MTRK, CONPERM, CONNEG, ...", |l| {
        has_any(l, &["SOLICIT", "MTRK", "CONPERM", "CONNEG", "RRVS", "TRANSID"])
    }),
    row(Peer, "smtp-proto does not look into addresses", |l| starts(l, &["MAIL", "RCPT"])),
    row(Ours, "spaces and forms that real clients send", |l| starts(l, &["MAIL", "RCPT"])),
    row(Peer, "smtp-proto takes any octets for a name", |l| starts(l, &["EHLO", "HELO", "LHLO"])),
    row(Peer, "smtp-proto passes over what follows a command that has no arguments", |l| {
        starts(l, &["DATA", "QUIT", "RSET", "STARTTLS"])
    }),
    row(Peer, "smtp-proto takes spaces before a command", |l| l.starts_with(b" ")),
    row(Peer, "smtp-proto does not look into mechanisms, base64 and URLs", |l| starts(l, &["AUTH", "BURL"])),
    row(Peer, "smtp-proto takes any number of spaces, before the end too", |l| {
        has(l, "  ") || l.ends_with(b" ") || starts(l, &["BDAT"])
    }),
    row(Peer, "smtp-proto takes octets beyond ASCII, and control characters, in any argument", |l| {
        l.iter().any(|c| !(b' '..=b'~').contains(c))
    }),
    row(Peer, "VRFY, EXPN and HELP ask for something, and quotes close", |l| {
        starts(l, &["VRFY", "EXPN", "HELP", "NOOP"])
    }),
    row(
        Ours,
        "smtp-proto takes no chunk of 2^64-1 octets: `chunk-size ::= 1*DIGIT` (RFC 3030 section 2)",
        |l| starts(l, &["BDAT"]) && has(l, "18446744073709551615"),
    ),
    row(Ours, "spaces before an argument, which real clients send", |l| has(l, "  ")),
    row(Ours, "what VRFY and EXPN ask for is not looked into", |l| starts(l, &["VRFY", "EXPN"])),
    row(Ours, "a client may call itself what it likes: the name is not trusted", |l| {
        starts(l, &["EHLO", "HELO", "LHLO"])
    }),
    row(Ours, "BURL's URL is not looked into", |l| starts(l, &["BURL"])),
    row(Ours, "XCLIENT", |l| starts(l, &["XCLIENT"])),
    row(Ours, "mechanisms that smtp-proto does not know", |l| starts(l, &["AUTH"])),
];

/// Why one takes `line` and the other does not; `None` where nobody knows.
#[must_use]
pub fn explain(rows: &[Difference], taker: Taker, line: &[u8]) -> Option<&'static str> {
    let line = line.to_ascii_uppercase();
    rows.iter().find(|row| row.taker == taker && (row.is_it)(&line)).map(|row| row.why)
}

/// Stops at a difference that is not explained, or prints it where the environment has `DIFFERENCES`: for whoever writes the next rows.
///
/// # Panics
/// For a difference that no row explains.
pub fn differ(rows: &[Difference], ours: bool, peer: bool, line: &[u8]) {
    let taker = match (ours, peer) {
        (true, false) => Ours,
        (false, true) => Peer,
        _ => return,
    };
    if explain(rows, taker, line).is_some() {
        return;
    }
    assert!(std::env::var_os("DIFFERENCES").is_some(), "taken by {taker:?} alone: {}", line.escape_ascii());
    println!("{taker:?}: {}", line.escape_ascii());
}
