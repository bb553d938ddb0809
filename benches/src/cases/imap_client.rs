//! IMAP as a client hears it.

use std::hint::black_box;

use imap4_proto::{
    client::{Client, Config, Event},
    types::{Attribute, Reading, Response, SystemFlags},
};
use mail_wire::Machine as _;

use crate::{case::Job, run_in_pieces};

const FLAGS: &[u8] = b"* 4711 FETCH (UID 81234 FLAGS (\\Seen \\Answered))\r\n";

const STRUCTURE: &[u8] = b"* 12 FETCH (ENVELOPE (\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \
\"IMAP4rev1 WG mtg summary and minutes\" \
((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) \
((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) \
((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) \
((NIL NIL \"imap\" \"cac.washington.edu\")) \
((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")) NIL NIL \
\"<B27397-0100000@cac.washington.edu>\") BODYSTRUCTURE \
((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"UTF-8\") NIL NIL \"QUOTED-PRINTABLE\" 1152 23 NIL NIL NIL NIL)\
(\"TEXT\" \"HTML\" (\"CHARSET\" \"UTF-8\") NIL NIL \"QUOTED-PRINTABLE\" 4554 73 NIL NIL NIL NIL)\
(\"APPLICATION\" \"PDF\" (\"NAME\" \"minutes.pdf\") \"<960723163407.20117h@cac.washington.edu>\" NIL \
\"BASE64\" 45540 NIL (\"ATTACHMENT\" (\"FILENAME\" \"minutes.pdf\")) NIL NIL) \
\"MIXED\" (\"BOUNDARY\" \"------------0A1B2C3D\") NIL NIL NIL))\r\n";

/// What a server answers to a client that looks at a mailbox.
const TRACE: &str = "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded $Junk)\r\n\
* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded $Junk \\*)] Limited\r\n\
* 172 EXISTS\r\n\
* OK [UIDVALIDITY 3857529045] UIDs valid\r\n\
* OK [UIDNEXT 4392] Predicted next UID\r\n\
* LIST (\\HasNoChildren) \"/\" INBOX\r\n\
* LIST (\\HasNoChildren \\Sent) \"/\" \"Sent Items\"\r\n\
* STATUS \"Sent Items\" (MESSAGES 231 UIDNEXT 44292 UIDVALIDITY 3857529045 UNSEEN 2)\r\n\
* 170 FETCH (UID 4389 FLAGS (\\Seen))\r\n\
* 171 FETCH (UID 4390 FLAGS (\\Seen \\Answered) RFC822.SIZE 44827 INTERNALDATE \"17-Jul-2026 02:44:25 -0700\")\r\n\
* 172 FETCH (UID 4391 FLAGS () RFC822.SIZE 2817 INTERNALDATE \"17-Jul-2026 02:45:01 -0700\")\r\n\
* SEARCH 4389 4391\r\n\
* 170 EXPUNGE\r\n\
* OK Still here\r\n";

/// Every item of the line, down to each flag.
fn read_flags(frame: &[u8]) -> Option<(u32, u32, SystemFlags, usize)> {
    let Ok(Response::Fetch(fetched)) = Response::parse(frame, Reading::TOLERANT) else { return None };
    let (mut uid, mut system, mut keywords) = (0, SystemFlags::NONE, 0);
    for item in fetched.items.iter() {
        match item {
            Attribute::Uid(n) => uid = n,
            Attribute::Flags(list) => {
                for flag in list.iter() {
                    match flag {
                        imap4_proto::types::Flag::System(s) => system |= s,
                        _ => keywords += 1,
                    }
                }
            }
            _ => return None,
        }
    }
    Some((fetched.number, uid, system, keywords))
}

fn peer_reads_flags(frame: &[u8]) -> Option<(u32, u32, SystemFlags, usize)> {
    use imap_proto::AttributeValue;
    let Ok((_, imap_proto::Response::Fetch(number, items))) = imap_proto::Response::parse(frame) else {
        return None;
    };
    let (mut uid, mut system, mut keywords) = (0, SystemFlags::NONE, 0);
    for item in &items {
        match item {
            AttributeValue::Uid(n) => uid = *n,
            AttributeValue::Flags(flags) => {
                for flag in flags {
                    match &**flag {
                        "\\Seen" => system |= SystemFlags::SEEN,
                        "\\Answered" => system |= SystemFlags::ANSWERED,
                        _ => keywords += 1,
                    }
                }
            }
            _ => return None,
        }
    }
    Some((number, uid, system, keywords))
}

fn flags_line() -> Job {
    let read = Some((4711, 81_234, SystemFlags::SEEN | SystemFlags::ANSWERED, 0));
    let mut client = client();
    Job::new("IMAP, FETCH (UID FLAGS) line read", "line", 1)
        .side("imap4-proto, grammar", &read, || read_flags(black_box(FLAGS)))
        .side("imap-proto, grammar", &read, || peer_reads_flags(black_box(FLAGS)))
        .side("imap4-proto, machine", &1, move || hear(&mut client, black_box(FLAGS), usize::MAX))
}

/// A subject's length and the number of parts.
fn read_structure(frame: &[u8]) -> Option<(usize, usize)> {
    let Ok(Response::Fetch(fetched)) = Response::parse(frame, Reading::TOLERANT) else { return None };
    let (mut subject, mut parts) = (0, 0);
    for item in fetched.items.iter() {
        match item {
            Attribute::Envelope(e) => subject = e.subject().map_or(0, |s| s.bytes().len()),
            Attribute::Structure { body, .. } => parts = body.root().parts().count(),
            _ => {}
        }
    }
    Some((subject, parts))
}

fn peer_reads_structure(frame: &[u8]) -> Option<(usize, usize)> {
    use imap_proto::AttributeValue;
    let Ok((_, imap_proto::Response::Fetch(_, items))) = imap_proto::Response::parse(frame) else {
        return None;
    };
    let (mut subject, mut parts) = (0, 0);
    for item in &items {
        match item {
            AttributeValue::Envelope(e) => subject = e.subject.as_ref().map_or(0, |s| s.len()),
            AttributeValue::BodyStructure(imap_proto::BodyStructure::Multipart { bodies, .. }) => {
                parts = bodies.len();
            }
            _ => {}
        }
    }
    Some((subject, parts))
}

fn structure_line() -> Job {
    let read = Some((36, 3));
    Job::new("IMAP, ENVELOPE and BODYSTRUCTURE read", "line", 1)
        .side("imap4-proto, grammar", &read, || read_structure(black_box(STRUCTURE)))
        .side("imap-proto, grammar", &read, || peer_reads_structure(black_box(STRUCTURE)))
}

/// A client that has been greeted.
fn client() -> Client {
    let mut client = Client::new(Config::default());
    hear(&mut client, b"* PREAUTH [CAPABILITY IMAP4rev1] ready\r\n", usize::MAX);
    client
}

/// How many responses were heard, each of their items read.
fn hear(client: &mut Client, wire: &[u8], piece: usize) -> usize {
    let mut heard = 0;
    run_in_pieces(client, wire, piece, |client, frame| match client.event(frame) {
        Event::Response(Response::Fetch(fetched)) => {
            fetched.items.iter().for_each(|item| _ = black_box(item));
            heard += 1;
        }
        Event::Response(Response::Search { found, .. }) => {
            heard += usize::from(black_box(found.iter().count()) > 0)
        }
        Event::Response(response) => {
            black_box(&response);
            heard += 1;
        }
        _ => {}
    });
    heard
}

fn trace() -> Job {
    let n = TRACE.lines().count();
    let (mut whole, mut bytewise) = (client(), client());
    Job::new("IMAP, server's trace", "response", n)
        .side("imap4-proto, machine", &n, move || hear(&mut whole, black_box(TRACE.as_bytes()), usize::MAX))
        .side("imap4-proto, machine, octet by octet", &n, move || {
            hear(&mut bytewise, black_box(TRACE.as_bytes()), 1)
        })
        .side("imap-proto, grammar", &n, || {
            let mut rest = black_box(TRACE.as_bytes());
            let mut heard = 0;
            while let Ok((after, response)) = imap_proto::Response::parse(rest) {
                black_box(response);
                heard += 1;
                rest = after;
            }
            heard
        })
}

pub(super) fn search(name: &'static str, octets: usize) -> Job {
    let mut line = "* SEARCH".to_owned();
    let mut n = 100_000u32;
    while line.len() < octets {
        line += &format!(" {n}");
        n += 3;
    }
    let wire: &'static str = (line + "\r\n").leak();
    let (mut whole, mut pieces) = (client(), client());
    let job = Job::new(name, "octet", wire.len())
        .side("imap4-proto, machine", &1, move || hear(&mut whole, black_box(wire.as_bytes()), usize::MAX))
        .side("imap4-proto, machine, in 64s", &1, move || hear(&mut pieces, black_box(wire.as_bytes()), 64));
    job.side("imap-proto, grammar", &1, move || {
        usize::from(imap_proto::Response::parse(black_box(wire.as_bytes())).is_ok())
    })
}

/// A text part in `depth` multiparts.
pub(super) fn nested(name: &'static str, depth: usize) -> Job {
    let part = "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"UTF-8\") NIL NIL \"7BIT\" 1152 23 NIL NIL NIL NIL)";
    let mut body = part.to_owned();
    for _ in 0..depth {
        body = format!("({body} \"MIXED\" (\"BOUNDARY\" \"0A1B2C3D\") NIL NIL NIL)");
    }
    let wire: &'static str = format!("* 1 FETCH (BODYSTRUCTURE {body})\r\n").leak();
    Job::new(name, "level", depth)
        .side("imap4-proto, grammar", &Some((0, 1)), move || read_structure(black_box(wire.as_bytes())))
}

pub(super) fn jobs() -> Vec<Job> {
    vec![
        flags_line(),
        structure_line(),
        trace(),
        search("IMAP, a SEARCH answer of 70 KB", 70_000),
        search("IMAP, a SEARCH answer of 140 KB", 140_000),
        nested("IMAP, BODYSTRUCTURE 30 levels deep", 30),
        nested("IMAP, BODYSTRUCTURE 60 levels deep", 60),
    ]
}
