//! Messages sent out: APPEND, REPLACE and CATENATE.

use alloc::vec::Vec;

use bytes::Bytes;
use mail_wire::Misuse;

use super::{
    event::Tag,
    machine::{AppendStep, Client, Turn},
};
use crate::{
    encode,
    server::AppendOpen,
    types::{AppendMessage, Capabilities, CatenatePart, CommandKind, MailboxArg, Replaced},
};

impl Client {
    /// Begins APPEND with its first message. Where [`append_ready`](Self::append_ready) does not say so at once,
    /// [`Event::AppendReady`](super::Event::AppendReady) tells when the server takes it; then come its octets. Whether the
    /// literal waits is decided here, not by `message`.
    ///
    /// # Errors
    /// As for [`command`](Self::command); for CATENATE where the server has it not; between the OK of COMPRESS and its effect.
    pub fn append(&mut self, mailbox: &MailboxArg<'_>, message: &AppendMessage<'_>) -> Result<Tag, Misuse> {
        self.message(CommandKind::Append, None, mailbox, message)
    }

    /// Begins REPLACE (RFC 8508): the message takes the place of another one of the selected mailbox. It goes on as
    /// [`append`](Self::append) does.
    ///
    /// # Errors
    /// As for [`append`](Self::append), and where the server has no REPLACE.
    pub fn replace(
        &mut self,
        replaced: Replaced,
        mailbox: &MailboxArg<'_>,
        message: &AppendMessage<'_>,
    ) -> Result<Tag, Misuse> {
        if !self.has(Capabilities::REPLACE) {
            return self.misuse("REPLACE");
        }
        let kind = if replaced.uid { CommandKind::UidReplace } else { CommandKind::Replace };
        self.message(kind, Some(replaced), mailbox, message)
    }

    fn message(
        &mut self,
        kind: CommandKind,
        replaced: Option<Replaced>,
        mailbox: &MailboxArg<'_>,
        message: &AppendMessage<'_>,
    ) -> Result<Tag, Misuse> {
        self.may_issue(kind)?;
        if self.deflating {
            // Whether its literal waits would be seen too late to be told.
            return Err(Misuse { called: kind.name(), state: "COMPRESS" });
        }
        if message.catenate.is_some() && !self.has(Capabilities::CATENATE) {
            return self.misuse("CATENATE");
        }
        let tag = self.issue(kind, false, |out| {
            out.extend_from_slice(kind.name().as_bytes());
            out.push(b' ');
            if let Some(replaced) = replaced {
                encode::replaced(out, replaced);
                out.push(b' ');
            }
            encode::astring(out, &mailbox.bytes(), mailbox.is_utf8());
            waiting(message).encode(out);
        });
        self.append_step(tag.0, AppendOpen::of(message), announced(message));
        Ok(tag)
    }

    fn append_step(&mut self, tag: u32, open: AppendOpen, len: u64) {
        self.append_len = len;
        let step = if self.is_held(tag) { AppendStep::Waiting } else { AppendStep::Sending(len) };
        self.turn = Turn::Append { tag, step, open };
    }

    /// Whether octets of a message can be sent now.
    #[must_use]
    pub const fn append_ready(&self) -> bool {
        matches!(self.turn, Turn::Append { step: AppendStep::Sending(_) | AppendStep::Owed(_), .. })
    }

    /// Octets of the message. The chunk is shared, not copied; send in pieces, and let the driver drain between them.
    ///
    /// # Errors
    /// [`Misuse`] where no message is being sent, or it was announced shorter.
    pub fn append_chunk(&mut self, octets: Bytes) -> Result<(), Misuse> {
        let n = u64::try_from(octets.len()).unwrap_or(u64::MAX);
        match &mut self.turn {
            Turn::Append { step: AppendStep::Sending(left) | AppendStep::Owed(left), .. } if *left >= n => {
                *left -= n;
            }
            _ => return self.misuse("append_chunk"),
        }
        self.out.put_shared(octets);
        Ok(())
    }

    /// CATENATE (RFC 4469): the next parts of the same message. The text before is whole.
    ///
    /// # Errors
    /// [`Misuse`] where octets of the text before are owed, or the message is whole already.
    pub fn append_part(&mut self, part: &CatenatePart<'_>) -> Result<(), Misuse> {
        let Turn::Append { tag, step: AppendStep::Sending(0), open } = self.turn else {
            return self.misuse("append_part");
        };
        if !open.catenate {
            return self.misuse("append_part");
        }
        let mut wire = Vec::new();
        if open.utf8 {
            wire.push(b')');
        }
        if part.text.is_some() || !part.urls.is_empty() {
            wire.push(b' ');
        }
        CatenatePart { synchronizing: true, ..*part }.encode(&mut wire);
        self.queue(tag, wire);
        self.append_step(tag, AppendOpen::of_part(part), part.text.unwrap_or(0));
        Ok(())
    }

    /// One more message in the same command (RFC 3502): the one before is whole.
    ///
    /// # Errors
    /// [`Misuse`] where octets of the message before are owed, the server has no MULTIAPPEND, or the command is REPLACE.
    pub fn append_next(&mut self, message: &AppendMessage<'_>) -> Result<(), Misuse> {
        let Turn::Append { tag, step: AppendStep::Sending(0), open } = self.turn else {
            return self.misuse("append_next");
        };
        let is_append = self.in_flight.iter().any(|c| c.tag == tag && c.kind == CommandKind::Append);
        if !is_append || !self.has(Capabilities::MULTIAPPEND) {
            return self.misuse("append_next");
        }
        if message.catenate.is_some() && !self.has(Capabilities::CATENATE) {
            return self.misuse("CATENATE");
        }
        let mut wire = Vec::new();
        wire.extend_from_slice(open.close());
        waiting(message).encode(&mut wire);
        self.queue(tag, wire);
        self.append_step(tag, AppendOpen::of(message), announced(message));
        Ok(())
    }

    /// Ends APPEND or REPLACE: all of its messages are whole. Then [`Event::Done`](super::Event::Done) tells how it went.
    ///
    /// # Errors
    /// [`Misuse`] where octets are owed.
    pub fn append_end(&mut self) -> Result<(), Misuse> {
        let Turn::Append { step: AppendStep::Sending(0) | AppendStep::Owed(0), open, .. } = self.turn else {
            return self.misuse("append_end");
        };
        self.out.put(open.close());
        self.out.put(b"\r\n");
        self.turn = Turn::Ready;
        Ok(())
    }
}

/// The message with literals that all wait, as the queue of commands wants them.
fn waiting<'b>(message: &AppendMessage<'b>) -> AppendMessage<'b> {
    let catenate = message.catenate.map(|part| CatenatePart { synchronizing: true, ..part });
    AppendMessage { synchronizing: true, catenate, ..*message }
}

/// The octets that come next.
fn announced(message: &AppendMessage<'_>) -> u64 {
    message.catenate.map_or(message.len, |part| part.text.unwrap_or(0))
}
