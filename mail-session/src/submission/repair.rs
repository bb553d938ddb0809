//! What RFC 6409 section 8 lets a submission server do to a header.

use super::{
    config::Repairs,
    head::{Found, Gathered},
    trace,
};
use crate::mime::{Field, fields, parse_addresses, unfold};

/// Fields of a header as it mostly is.
const USUAL: usize = 24;

/// What a header lacks or has too much of, by what is known of its sender.
pub(super) struct Repair<'a> {
    pub(super) repairs: Repairs,
    pub(super) hostname: &'a str,
    /// The address the user sends as; `None` for a report, and where nobody has logged in.
    pub(super) sender: Option<&'a str>,
    /// `Sender:` is to be the user's address: `From:` does not name him.
    pub(super) name_sender: bool,
}

/// A header whose fields were read, once for all who look at them.
pub(super) struct Header<'a> {
    gathered: &'a Gathered,
    fields: Vec<Field<'a>>,
}

impl<'a> Header<'a> {
    pub(super) fn of(gathered: &'a Gathered) -> Self {
        let seen = match gathered.found {
            Found::Header(end) => gathered.octets.get(..end).unwrap_or(&[]),
            Found::NoHeader => &[],
            // So much of it as there is.
            Found::TooLong => &gathered.octets,
        };
        let mut read = Vec::with_capacity(if seen.is_empty() { 0 } else { USUAL });
        read.extend(fields(seen));
        Self { gathered, fields: read }
    }

    /// The fields, where all of them are there.
    fn fields(&self) -> &[Field<'a>] {
        if self.gathered.found == Found::TooLong { &[] } else { &self.fields }
    }

    /// Through how many servers it came (RFC 5321 section 6.3).
    pub(super) fn hops(&self) -> usize {
        self.fields.iter().filter(|f| f.is("Received")).count()
    }

    /// The mailboxes in `From:`, as text; an address that is none is an empty text. `None` where there is no such field.
    pub(super) fn authors(&self) -> Option<Vec<String>> {
        self.named("From")
    }

    /// The mailboxes in `Sender:`.
    pub(super) fn senders(&self) -> Option<Vec<String>> {
        self.named("Sender")
    }

    fn named(&self, name: &str) -> Option<Vec<String>> {
        let mut found = None;
        for field in self.fields().iter().filter(|f| f.is(name)) {
            let all = found.get_or_insert_with(Vec::new);
            // A group's end has neither part, its start no host.
            for address in parse_addresses(&unfold(field.value)).iter().filter(|a| a.host.is_some()) {
                let part = |octets: &Option<Vec<u8>>| {
                    octets.as_deref().and_then(|o| str::from_utf8(o).ok()).unwrap_or_default().to_owned()
                };
                all.push(format!("{}@{}", quoted(&part(&address.mailbox)), part(&address.host)));
            }
        }
        found
    }
}

/// A local part as SMTP writes it (RFC 5321 section 4.1.2).
fn quoted(local: &str) -> String {
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c) || !c.is_ascii();
    if !local.is_empty() && local.chars().all(atom) {
        return local.to_owned();
    }
    format!("\"{}\"", local.replace('\\', "\\\\").replace('"', "\\\""))
}

impl Repair<'_> {
    /// The client's octets with what is missing before them, and without what is to go.
    pub(super) fn apply(&self, header: &Header<'_>, mut added: Vec<u8>) -> Vec<u8> {
        let (gathered, fields) = (header.gathered, header.fields());
        if gathered.found == Found::TooLong {
            added.extend_from_slice(&gathered.octets);
            return added;
        }
        let lacks = |name| !fields.iter().any(|f| f.is(name) && !f.value.trim_ascii().is_empty());
        let mut put = |field: String| added.extend_from_slice(field.as_bytes());
        let Repairs { date, message_id, from, strip_bcc, .. } = self.repairs;
        if let Some(sender) = self.sender {
            if from && lacks("From") {
                put(format!("From: <{sender}>\r\n"));
            } else if self.name_sender {
                put(format!("Sender: <{sender}>\r\n"));
            }
        }
        if date && lacks("Date") {
            put(trace::date_field());
        }
        let bad_id = message_id && !fields.iter().any(|f| f.is("Message-ID") && is_message_id(f.value));
        if bad_id {
            put(trace::message_id_field(self.hostname));
        }
        if gathered.found == Found::NoHeader {
            // What we add needs an end of its own.
            added.extend_from_slice(b"\r\n");
        }
        // An empty field beside the one we add would be a second one (RFC 5322 section 3.6).
        let goes = |f: &Field<'_>| {
            let empty = f.value.trim_ascii().is_empty();
            (strip_bcc && (f.is("Bcc") || f.is("Resent-Bcc")))
                || (self.name_sender && self.sender.is_some() && f.is("Sender"))
                || (empty && date && f.is("Date"))
                || (bad_id && f.is("Message-ID"))
                || (empty && from && self.sender.is_some() && f.is("From"))
        };
        added.reserve(gathered.octets.len());
        if !fields.iter().any(&goes) {
            added.extend_from_slice(&gathered.octets);
            return added;
        }
        let base = gathered.octets.as_ptr().addr();
        let mut kept = 0;
        for field in fields.iter().filter(|f| goes(f)) {
            let start = field.raw.as_ptr().addr() - base;
            added.extend_from_slice(gathered.octets.get(kept..start).unwrap_or(&[]));
            kept = start + field.raw.len();
        }
        added.extend_from_slice(gathered.octets.get(kept..).unwrap_or(&[]));
        added
    }
}

/// Whether a value is `[CFWS] "<" id-left "@" id-right ">" [CFWS]` (RFC 5322 section 3.6.4), for a reader who bears with much.
fn is_message_id(value: &[u8]) -> bool {
    let inner = memchr::memchr(b'<', value).and_then(|at| value.get(at + 1..));
    let inner = inner.and_then(|rest| rest.get(..memchr::memchr(b'>', rest)?)).unwrap_or(&[]);
    matches!(memchr::memchr(b'@', inner), Some(at) if at > 0 && at + 1 < inner.len())
        && !inner.iter().any(|c| c.is_ascii_whitespace() || c.is_ascii_control())
}

#[cfg(test)]
mod tests {
    use super::{super::head::Head, *};

    fn gathered(message: &[u8]) -> Gathered {
        let mut head = Head::new(10_000);
        let Some((mut gathered, taken)) = head.push(message) else { return head.finish() };
        gathered.octets.extend_from_slice(&message[taken..]);
        gathered
    }

    fn repaired(message: &[u8], repairs: Repairs, name_sender: bool) -> String {
        let repair = Repair { repairs, hostname: "h", sender: Some("me@here.test"), name_sender };
        let gathered = gathered(message);
        String::from_utf8(repair.apply(&Header::of(&gathered), b"R: r\r\n".to_vec())).unwrap()
    }

    fn added(message: &[u8]) -> Vec<String> {
        let whole = repaired(message, Repairs::default(), false);
        let before = whole.strip_suffix(str::from_utf8(message).unwrap()).unwrap();
        before.lines().map(|l| l.split(':').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn only_what_is_missing_is_added_and_nothing_is_changed() {
        for (message, names) in [
            (&b"From: x\r\nDATE: now\r\nmessage-id : <a@b>\r\n\r\nbody\r\n"[..], &["R"][..]),
            (b"From: x\r\nDate: x\r\n\r\nMessage-ID: in the body\r\n", &["R", "Message-ID"]),
            (b"From: x\r\nMessage-ID: <x@y>\r\nX: y\r\n Date: folded\r\n\r\n", &["R", "Date"]),
            (b"Subject: x\r\n", &["R", "From", "Date", "Message-ID"]),
            (b"Subject: x", &["R", "From", "Date", "Message-ID"]),
            (b"\r\nDate: x\r\n", &["R", "From", "Date", "Message-ID"]),
            (b"", &["R", "From", "Date", "Message-ID"]),
            (b"Date", &["R", "From", "Date", "Message-ID", ""]),
            (b"Hello,\r\nDate: x\r\n", &["R", "From", "Date", "Message-ID", ""]),
            (b"From a@b today\r\nFrom: x\r\nDate: x\r\nMessage-ID: <y@z> (z)\r\n\r\n", &["R"]),
            (b"Resent-Date: x\r\nX-Message-ID: y\r\nFrom: x\r\n\r\n", &["R", "Date", "Message-ID"]),
            (b"From: x\nDate: x\nMessage-ID: <y@z>\n\nbare\n", &["R"]),
        ] {
            assert_eq!(added(message), names, "{:?}", message.escape_ascii());
        }
    }

    #[test]
    fn what_is_to_go_goes_with_its_folded_lines() {
        let mut repairs = Repairs { date: false, message_id: false, from: false, ..Repairs::default() };
        let message = b"From: a@b\r\nBcc: x@y,\r\n\tz@y\r\nTo: c@d\r\nbcc: q\r\n\r\nBcc: body\r\n";
        assert!(repaired(message, repairs, false).contains("Bcc: x@y"));
        repairs.strip_bcc = true;
        assert_eq!(repaired(message, repairs, false), "R: r\r\nFrom: a@b\r\nTo: c@d\r\n\r\nBcc: body\r\n");
        assert_eq!(
            repaired(b"Sender: other@b\r\nFrom: a@b\r\n\r\n", repairs, true),
            "R: r\r\nSender: <me@here.test>\r\nFrom: a@b\r\n\r\n"
        );
        for bad in ["", "x", "<>", "<x>", "<@y>", "<x@>", "<x @y>", "x@y", "<x@y"] {
            let message = format!("Message-ID: {bad}\r\nFrom: x\r\nDate: x\r\n\r\n");
            let whole = repaired(message.as_bytes(), Repairs::default(), false);
            assert_eq!(whole.matches("Message-ID").count(), 1, "{whole}");
            assert!(whole.ends_with("@h>\r\nFrom: x\r\nDate: x\r\n\r\n"), "RFC 6409 section 8.3: {whole}");
            let kept = Repairs { message_id: false, ..Repairs::default() };
            assert_eq!(repaired(message.as_bytes(), kept, false), format!("R: r\r\n{message}"));
        }
    }

    #[test]
    fn servers_on_the_way_are_counted() {
        assert_eq!(
            Header::of(&gathered(
                b"Received: a\r\n by b\r\nreceived : b\r\nX-Received: c\r\n\r\nReceived: d\r\n"
            ))
            .hops(),
            2
        );
        let long = [&b"Received: x\r\n".repeat(1000)[..], b"Subject: x\r\n\r\n"].concat();
        assert!(
            Header::of(&gathered(&long)).hops() > 700,
            "a header that is too long is looked at as far as it is held"
        );
    }

    #[test]
    fn authors_are_read() {
        for (message, names) in [
            (&b"From: A <a@b.test>\r\n\r\n"[..], Some(&["a@b.test"][..])),
            (b"From: a@b,\r\n \"x y\"@c (z)\r\n\r\n", Some(&["a@b", "\"x y\"@c"])),
            (b"From: group: a@b, c@d;\r\n\r\n", Some(&["a@b", "c@d"])),
            (b"From: nobody\r\n\r\n", Some(&["nobody@"])),
            (b"From: a@b\r\nFrom: c@d\r\n\r\n", Some(&["a@b", "c@d"])),
            (b"To: a@b\r\n\r\nFrom: body@c\r\n", None),
        ] {
            let gathered = gathered(message);
            let got = Header::of(&gathered).authors();
            let want = names.map(|n| n.iter().map(|&s| s.to_owned()).collect::<Vec<_>>());
            assert_eq!(got, want, "{}", message.escape_ascii());
        }
    }
}
