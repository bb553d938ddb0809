use alloc::vec::Vec;

use bytes::Bytes;
use mail_wire::{Misuse, OutputQueue};

use super::{
    answer::Answer,
    machine::{Server, Turn},
};
use crate::{
    encode,
    types::{Capabilities, DateTime, FetchItem, SystemFlags},
};

/// Where in a FETCH response the output stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FetchState {
    Closed,
    /// Between items; whether one was written.
    Open {
        first: bool,
    },
    /// In a literal: so many octets are owed.
    Literal {
        left: u64,
    },
}

impl FetchState {
    pub(super) const fn is_closed(self) -> bool {
        matches!(self, Self::Closed)
    }
}

/// One FETCH response that is being written, item by item (RFC 9051 section 7.5.2).
///
/// It can be dropped and taken up again with [`Server::resume_fetch`]; [`finish`](Self::finish) ends the response.
#[derive(Debug)]
pub struct FetchWriter<'m> {
    out: &'m mut OutputQueue,
    state: &'m mut FetchState,
    /// As `state` says: here it stays in a register.
    first: bool,
    utf8: bool,
    rev2: bool,
}

impl Server {
    /// Begins `* n FETCH (`. `n` is the message's number in the client's view.
    ///
    /// # Errors
    /// [`Misuse`] where a response is open already, the connection ends, or the client has enabled UIDONLY: then it is
    /// [`uid_fetch`](Self::uid_fetch).
    #[inline]
    pub fn fetch(&mut self, n: u32) -> Result<FetchWriter<'_>, Misuse> {
        if self.enabled.contains(Capabilities::UIDONLY) {
            return self.misuse("fetch");
        }
        self.may_write("fetch")?;
        self.out.write_with(|out| encode::numbered(out, n, b" FETCH ("));
        Ok(self.open())
    }

    /// Begins `* uid UIDFETCH (` (RFC 9586 section 3.3): the same as FETCH, for a client that has enabled UIDONLY.
    ///
    /// # Errors
    /// [`Misuse`] where UIDONLY is not enabled, a response is open already, or the connection ends.
    pub fn uid_fetch(&mut self, uid: u32) -> Result<FetchWriter<'_>, Misuse> {
        if !self.enabled.contains(Capabilities::UIDONLY) {
            return self.misuse("uid_fetch");
        }
        self.may_write("uid_fetch")?;
        self.out.write_with(|out| {
            out.extend_from_slice(b"* ");
            encode::number(out, uid);
            out.extend_from_slice(b" UIDFETCH (");
        });
        Ok(self.open())
    }

    #[inline]
    const fn open(&mut self) -> FetchWriter<'_> {
        self.fetch = FetchState::Open { first: true };
        self.writer(true)
    }

    /// Goes on with the response that is open, after its literal is whole.
    ///
    /// # Errors
    /// [`Misuse`] where none is open, or octets of a literal are owed.
    pub fn resume_fetch(&mut self) -> Result<FetchWriter<'_>, Misuse> {
        let first = match self.fetch {
            FetchState::Open { first } if self.turn != Turn::Closing => first,
            FetchState::Literal { left: 0 } if self.turn != Turn::Closing => false,
            _ => return self.misuse("resume_fetch"),
        };
        self.fetch = FetchState::Open { first };
        Ok(self.writer(first))
    }

    /// Octets of the literal that [`FetchWriter::begin_literal`] announced; shared, not copied.
    ///
    /// # Errors
    /// [`Misuse`] where there are more than announced, or no literal is open. Who cannot deliver what was announced has to
    /// [`abort`](Self::abort).
    pub fn literal(&mut self, octets: Bytes) -> Answer {
        let FetchState::Literal { left } = self.fetch else { return self.misuse("literal") };
        match u64::try_from(octets.len()).ok().and_then(|n| left.checked_sub(n)) {
            Some(left) if self.turn != Turn::Closing => {
                self.fetch = FetchState::Literal { left };
                self.out.put_shared(octets);
                Ok(())
            }
            _ => self.misuse("literal"),
        }
    }

    /// The octets still owed of an open literal.
    #[must_use]
    pub const fn literal_left(&self) -> u64 {
        match self.fetch {
            FetchState::Literal { left } => left,
            _ => 0,
        }
    }

    /// What was announced cannot be delivered: the connection ends without another octet. Nothing else can be said in the
    /// middle of a literal.
    pub fn abort(&mut self) {
        self.close();
    }

    #[inline]
    const fn writer(&mut self, first: bool) -> FetchWriter<'_> {
        FetchWriter {
            first,
            utf8: self.enabled.intersects(Capabilities::IMAP4REV2.and(Capabilities::UTF8_ACCEPT)),
            rev2: self.enabled.contains(Capabilities::IMAP4REV2),
            out: &mut self.out,
            state: &mut self.fetch,
        }
    }
}

impl FetchWriter<'_> {
    /// Writes the space between items and what `write` writes.
    #[inline]
    fn item(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        let first = core::mem::replace(&mut self.first, false);
        *self.state = FetchState::Open { first: false };
        self.out.write_with(|out| {
            if !first {
                out.push(b' ');
            }
            write(out);
        });
        self
    }

    /// `UID n`
    #[inline]
    pub fn uid(&mut self, uid: u32) -> &mut Self {
        self.item(|out| {
            out.extend_from_slice(b"UID ");
            encode::number(out, uid);
        })
    }

    /// `FLAGS (...)`. `\Recent` is left out for an IMAP4rev2 client.
    #[inline]
    pub fn flags<K: AsRef<str>>(
        &mut self,
        system: SystemFlags,
        keywords: impl IntoIterator<Item = K>,
    ) -> &mut Self {
        let system = if self.rev2 { system.without(SystemFlags::RECENT) } else { system };
        self.item(|out| encode::flags(out, system, keywords))
    }

    /// `INTERNALDATE "..."`
    pub fn internal_date(&mut self, at: DateTime) -> &mut Self {
        self.item(|out| {
            out.extend_from_slice(b"INTERNALDATE ");
            encode::date_time(out, at);
        })
    }

    /// `RFC822.SIZE n`, in octets
    #[inline]
    pub fn rfc822_size(&mut self, octets: u64) -> &mut Self {
        self.item(|out| {
            out.extend_from_slice(b"RFC822.SIZE ");
            encode::number64(out, octets);
        })
    }

    /// `MODSEQ (n)` (RFC 7162 section 3.1.4.2)
    #[inline]
    pub fn modseq(&mut self, modseq: u64) -> &mut Self {
        self.item(|out| {
            out.extend_from_slice(b"MODSEQ (");
            encode::number64(out, modseq);
            out.push(b')');
        })
    }

    /// `SAVEDATE "..."`, or NIL where the mailbox keeps none (RFC 8514 section 4.2)
    pub fn save_date(&mut self, at: Option<DateTime>) -> &mut Self {
        self.item(|out| {
            out.extend_from_slice(b"SAVEDATE ");
            match at {
                Some(at) => encode::date_time(out, at),
                None => encode::nil(out),
            }
        })
    }

    /// `PREVIEW "..."`, or NIL where there is none yet (RFC 8970 section 3.2). It has 256 characters at most, which the host sees to.
    pub fn preview(&mut self, text: Option<&str>) -> &mut Self {
        let utf8 = self.utf8;
        self.item(|out| {
            out.extend_from_slice(b"PREVIEW ");
            encode::nstring(out, text.map(str::as_bytes), utf8);
        })
    }

    /// `EMAILID (id)` (RFC 8474 section 5.1)
    pub fn email_id(&mut self, id: &str) -> &mut Self {
        self.item(|out| {
            out.extend_from_slice(b"EMAILID ");
            encode::object_id(out, id);
        })
    }

    /// `THREADID (id)`, or NIL where the server knows no threads (RFC 8474 section 5.2)
    pub fn thread_id(&mut self, id: Option<&str>) -> &mut Self {
        self.item(|out| {
            out.extend_from_slice(b"THREADID ");
            match id {
                Some(id) => encode::object_id(out, id),
                None => encode::nil(out),
            }
        })
    }

    /// An item whose value is encoded already, as [`Envelope::encode`](crate::types::Envelope::encode) and
    /// [`BodyStructure::encode`](crate::types::BodyStructure::encode) do. `item` is one of those that take a value.
    pub fn raw(&mut self, item: &FetchItem<'_>, value: &[u8]) -> &mut Self {
        self.item(|out| {
            encode::item_name(out, item);
            out.push(b' ');
            out.extend_from_slice(value);
        })
    }

    /// `BINARY.SIZE[part] n` and other items with a number
    pub fn number(&mut self, item: &FetchItem<'_>, n: u64) -> &mut Self {
        self.item(|out| {
            encode::item_name(out, item);
            out.push(b' ');
            encode::number64(out, n);
        })
    }

    /// A body section that is at hand, or NIL where the message has none such: the item's name without `.PEEK`, with the
    /// offset of its partial.
    pub fn nstring(&mut self, item: &FetchItem<'_>, value: Option<&[u8]>) -> &mut Self {
        let utf8 = self.utf8;
        self.item(|out| {
            encode::item_name(out, item);
            out.push(b' ');
            match value {
                Some(value) => {
                    encode::body_string(out, value, utf8, matches!(item, FetchItem::Binary { .. }))
                }
                None => encode::nil(out),
            }
        })
    }

    /// A body section that follows as [`Server::literal`]s, `octets` in all; a literal8 for BINARY. Then
    /// [`Server::resume_fetch`] goes on.
    pub fn begin_literal(mut self, item: &FetchItem<'_>, octets: u64) {
        self.item(|out| {
            encode::item_name(out, item);
            out.extend_from_slice(if matches!(item, FetchItem::Binary { .. }) { b" ~{" } else { b" {" });
            encode::number64(out, octets);
            out.extend_from_slice(b"}\r\n");
        });
        *self.state = FetchState::Literal { left: octets };
    }

    /// Ends the response: `)`.
    #[inline]
    pub fn finish(self) {
        *self.state = FetchState::Closed;
        self.out.put(b")\r\n");
    }
}
