//! Untagged responses.

use mail_wire::OutputQueue;

use super::{
    answer::Answer,
    machine::{Server, Turn},
};
use crate::{
    encode,
    types::{Capabilities, Code, CommandKind, EsearchData, ListData, StatusData, SystemFlags},
};

impl Server {
    /// Untagged responses can be written from the greeting to the end, but not within a FETCH response.
    pub(super) const fn may_write(&self, called: &'static str) -> Answer {
        match self.turn {
            Turn::Greeting | Turn::Upgrading | Turn::Deflating | Turn::Closing => self.misuse(called),
            _ if !self.fetch.is_closed() => self.misuse(called),
            _ => Ok(()),
        }
    }

    /// Message numbers can change only while a command is in progress, and not while FETCH, STORE or SEARCH is
    /// (RFC 9051 section 7.5.1), or SORT or THREAD (RFC 5256 section 3), unless NOTIFY asked for it.
    const fn may_renumber(&self, called: &'static str) -> Answer {
        match self.kind {
            // RFC 5465 section 5.3: a client that asked for this uses no message numbers.
            _ if self.expunges_at_once.0 => self.may_write(called),
            None
            | Some(
                CommandKind::Fetch
                | CommandKind::Store
                | CommandKind::Search
                | CommandKind::Sort
                | CommandKind::Thread,
            ) => self.misuse(called),
            _ => self.may_write(called),
        }
    }

    #[inline]
    pub(super) fn line(
        &mut self,
        called: &'static str,
        write: impl FnOnce(&mut alloc::vec::Vec<u8>),
    ) -> Answer {
        self.may_write(called)?;
        self.out.write_with(|out| {
            out.extend_from_slice(b"* ");
            write(out);
            out.extend_from_slice(b"\r\n");
        });
        Ok(())
    }

    /// `* OK`: information, mostly for its code.
    ///
    /// # Errors
    /// [`Misuse`](mail_wire::Misuse) within a FETCH response, before the greeting or after the end; so for all untagged responses.
    pub fn untagged_ok(&mut self, code: Option<Code<'_>>, text: &str) -> Answer {
        self.may_write("untagged_ok")?;
        self.condition(b" OK ", code, text);
        Ok(())
    }

    /// `* NO`: a warning.
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok).
    pub fn untagged_no(&mut self, code: Option<Code<'_>>, text: &str) -> Answer {
        self.may_write("untagged_no")?;
        self.condition(b" NO ", code, text);
        Ok(())
    }

    /// `* n EXISTS`
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok).
    pub fn exists(&mut self, n: u32) -> Answer {
        self.line("exists", |out| {
            encode::number(out, n);
            out.extend_from_slice(b" EXISTS");
        })
    }

    /// `* n RECENT` (RFC 3501); nothing is written once IMAP4rev2 is enabled.
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok).
    pub fn recent(&mut self, n: u32) -> Answer {
        if self.enabled.contains(Capabilities::IMAP4REV2) {
            return self.may_write("recent");
        }
        self.line("recent", |out| {
            encode::number(out, n);
            out.extend_from_slice(b" RECENT");
        })
    }

    /// `* n EXPUNGE`: the message of this number is gone, and those above it have moved down.
    ///
    /// # Errors
    /// [`Misuse`](mail_wire::Misuse) also where no command is in progress, and during FETCH, STORE, SEARCH, SORT and THREAD
    /// without UID (RFC 9051 section 7.5.1), but for a client that asked for it by NOTIFY (RFC 5465 section 5.3); and after ENABLE
    /// UIDONLY, where [`vanished`](Self::vanished) takes its place.
    pub fn expunge(&mut self, n: u32) -> Answer {
        if self.enabled.contains(Capabilities::UIDONLY) {
            // RFC 9586 section 3.4: VANISHED takes its place.
            return self.misuse("expunge");
        }
        self.may_renumber("expunge")?;
        self.line("expunge", |out| {
            encode::number(out, n);
            out.extend_from_slice(b" EXPUNGE");
        })
    }

    /// `* VANISHED [(EARLIER)] uids` (RFC 7162 section 3.2.10); nothing is written for no UIDs.
    ///
    /// # Errors
    /// Without EARLIER as for [`expunge`](Self::expunge).
    pub fn vanished(&mut self, earlier: bool, uids: impl IntoIterator<Item = (u32, u32)>) -> Answer {
        let mut uids = uids.into_iter().peekable();
        // Nothing is nothing, wherever it stands: also within a FETCH by number, where nothing else may be said.
        if uids.peek().is_none() {
            return Ok(());
        }
        if earlier {
            self.may_write("vanished")?;
        } else {
            self.may_renumber("vanished")?;
        }
        self.line("vanished", |out| {
            out.extend_from_slice(if earlier { b"VANISHED (EARLIER) " } else { b"VANISHED " });
            encode::ranges(out, uids);
        })
    }

    /// `* FLAGS (...)`: the flags in use in the mailbox.
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok).
    pub fn flags<K: AsRef<str>>(
        &mut self,
        system: SystemFlags,
        keywords: impl IntoIterator<Item = K>,
    ) -> Answer {
        let system = self.visible(system);
        self.line("flags", |out| encode::flags(out, system, keywords))
    }

    /// `* LIST`
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok).
    pub fn list(&mut self, data: &ListData<'_>) -> Answer {
        let utf8 = self.utf8();
        self.line("list", |out| {
            out.extend_from_slice(b"LIST ");
            encode::list_data(out, data, utf8);
        })
    }

    /// `* LSUB` (RFC 3501 section 7.2.3)
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok).
    pub fn lsub(&mut self, data: &ListData<'_>) -> Answer {
        let utf8 = self.utf8();
        self.line("lsub", |out| {
            out.extend_from_slice(b"LSUB ");
            encode::list_data(out, data, utf8);
        })
    }

    /// `* STATUS`
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok).
    pub fn status(&mut self, mailbox: &str, data: &StatusData<'_>) -> Answer {
        let utf8 = self.utf8();
        self.line("status", |out| {
            out.extend_from_slice(b"STATUS ");
            encode::mailbox(out, mailbox, utf8);
            out.push(b' ');
            encode::status_data(out, data);
        })
    }

    /// `* SEARCH`: message numbers or UIDs, and with CONDSTORE the greatest modseq (RFC 7162 section 3.1.6).
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok).
    pub fn search(&mut self, found: impl IntoIterator<Item = u32>, modseq: Option<u64>) -> Answer {
        self.line("search", |out| encode::numbers(out, b"SEARCH", found, modseq))
    }

    /// `* ESEARCH` (RFC 9051 section 7.3.4), with the present command's tag unless `data` has one: what changes in a search that is kept up
    /// to date can be told at any time (RFC 5267 section 4.3.2).
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok).
    pub fn esearch(&mut self, data: &EsearchData<'_>) -> Answer {
        self.may_write("esearch")?;
        let utf8 = self.utf8();
        let tag = &self.tag;
        self.out.write_with(|out| {
            out.extend_from_slice(b"* ");
            encode::esearch(out, tag.as_bytes(), data, utf8);
            out.extend_from_slice(b"\r\n");
        });
        Ok(())
    }

    /// `* CAPABILITY`, as they are now. The command itself is answered by the machine.
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok).
    pub fn capability(&mut self) -> Answer {
        let listing = self.listing();
        self.line("capability", |out| listing.write(out))
    }

    /// `* NAMESPACE`: the user's own, other users' and shared namespaces, each with prefix and delimiter (RFC 2342).
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok).
    pub fn namespace(
        &mut self,
        personal: &[(&str, Option<char>)],
        other_users: &[(&str, Option<char>)],
        shared: &[(&str, Option<char>)],
    ) -> Answer {
        let utf8 = self.utf8();
        self.line("namespace", |out| {
            out.extend_from_slice(b"NAMESPACE");
            for list in [personal, other_users, shared] {
                out.push(b' ');
                encode::namespaces(out, list, utf8);
            }
        })
    }

    /// `* ID` (RFC 2971): field names and values; NIL for none.
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok).
    pub fn id(&mut self, fields: &[(&str, Option<&str>)]) -> Answer {
        self.line("id", |out| {
            out.extend_from_slice(b"ID ");
            for (i, (name, value)) in fields.iter().enumerate() {
                out.push(if i == 0 { b'(' } else { b' ' });
                encode::string(out, name.as_bytes(), false);
                out.push(b' ');
                encode::nstring(out, value.map(str::as_bytes), false);
            }
            out.extend_from_slice(if fields.is_empty() { b"NIL" } else { b")" });
        })
    }

    /// The queue itself, for a response this crate has no method for. It must be whole lines.
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok).
    pub fn raw(&mut self) -> Result<&mut OutputQueue, mail_wire::Misuse> {
        self.may_write("raw")?;
        Ok(&mut self.out)
    }
}
