//! What responses hold, as lines for people.

use std::io::{self, Stdout, Write as _};

use imap4_proto::types::{AString, Attribute, Attributes, Response, SystemFlags};

pub(crate) struct Shown {
    /// Octets of messages are all that is written.
    bodies: bool,
    out: Stdout,
}

impl Shown {
    pub(crate) fn new(bodies: bool) -> Self {
        Self { bodies, out: io::stdout() }
    }

    pub(crate) fn line(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{line}")
    }

    pub(crate) fn octets(&mut self, octets: &[u8]) -> io::Result<()> {
        if self.bodies { self.out.write_all(octets) } else { Ok(()) }
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    pub(crate) fn response(&mut self, response: &Response<'_>) -> io::Result<()> {
        match response {
            Response::Fetch(message) => self.message(message.number, message.items),
            _ if self.bodies => Ok(()),
            Response::List(mailbox) => {
                let name = mailbox.name.decode().map_or_else(
                    |_| mailbox.name.bytes().escape_ascii().to_string(),
                    std::borrow::Cow::into_owned,
                );
                let attributes: Vec<_> = mailbox.attributes.names().collect();
                writeln!(self.out, "{name}\t{}", attributes.join(" "))
            }
            Response::Exists(n) => writeln!(self.out, "{n} messages"),
            Response::Expunge(n) => writeln!(self.out, "message {n} is gone"),
            _ => Ok(()),
        }
    }

    /// The items of a FETCH response are read one by one, here.
    fn message(&mut self, number: u32, items: Attributes<'_>) -> io::Result<()> {
        let (mut uid, mut size, mut flags, mut envelope) = (None, None, None, None);
        for item in items.iter() {
            match item {
                Attribute::Uid(n) => uid = Some(n),
                Attribute::Rfc822Size(n) => size = Some(n),
                Attribute::Flags(f) => flags = Some(f),
                Attribute::Envelope(e) => envelope = Some(e),
                // A body so short that the server put it in quotes.
                Attribute::Body { value: Some(octets), .. } => return self.octets(&octets.bytes()),
                _ => {}
            }
        }
        if self.bodies {
            return Ok(());
        }
        write!(self.out, "{number}")?;
        if let Some(uid) = uid {
            write!(self.out, "\tuid {uid}")?;
        }
        if let Some(size) = size {
            write!(self.out, "\t{size} octets")?;
        }
        if let Some(flags) = flags {
            let system = [
                (SystemFlags::SEEN, "seen"),
                (SystemFlags::ANSWERED, "answered"),
                (SystemFlags::FLAGGED, "flagged"),
                (SystemFlags::DELETED, "deleted"),
                (SystemFlags::DRAFT, "draft"),
            ];
            let set = flags.system();
            let names = system.iter().filter(|(flag, _)| set.contains(*flag)).map(|(_, name)| *name);
            let all: Vec<_> = names.chain(flags.keywords()).collect();
            write!(self.out, "\t{}", all.join(" "))?;
        }
        // A stranger wrote it: no control characters reach the terminal.
        let shown =
            |s: Option<AString<'_>>| s.map_or_else(String::new, |s| s.bytes().escape_ascii().to_string());
        if let Some(from) = envelope.and_then(|e| e.from().first()) {
            write!(self.out, "\t{}@{}", shown(from.mailbox), shown(from.host))?;
        }
        writeln!(self.out, "\t{}", shown(envelope.and_then(|e| e.subject())))
    }
}
