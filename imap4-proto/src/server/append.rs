//! The parts of APPEND and REPLACE.

use super::{
    allowed::allowed,
    event::{Answered, AppendBegin, Event},
    handle::reason,
    machine::{AppendOpen, Framed, Server, Turn},
};
use crate::{
    grammar,
    types::{AppendMessage, Capabilities, CatenatePart, Code, CommandKind, MailboxArg, Replaced},
};

/// Whether the frame ends where the message's head does: at the parenthesis that closes CATENATE, or at a literal's header.
pub(super) fn fits(part: Option<&CatenatePart<'_>>, framed: Framed) -> bool {
    let whole = part.is_some_and(|p| p.text.is_none());
    match framed {
        Framed::Closed => whole,
        Framed::Head => !whole,
        _ => false,
    }
}

impl Server {
    pub(super) fn append_begins<'b>(
        &mut self,
        replaces: Option<Replaced>,
        mailbox: MailboxArg<'b>,
        message: AppendMessage<'b>,
    ) -> Event<'b> {
        let kind = match replaces {
            None => CommandKind::Append,
            Some(r) if r.uid => CommandKind::UidReplace,
            Some(_) => CommandKind::Replace,
        };
        if !allowed(kind, self.state) {
            self.framer.refuse();
            return self.out_of_place(kind);
        }
        if kind == CommandKind::Replace && self.enabled.contains(Capabilities::UIDONLY) {
            self.framer.refuse();
            return self.uid_required(kind);
        }
        self.kind = Some(kind);
        self.turn = Turn::Deciding;
        self.append_open = AppendOpen::of(&message);
        self.append_total = 0;
        if self.over_limit(message.len) {
            self.too_big();
            return Event::Answered(Answered::TooBig);
        }
        self.bad_commands = 0;
        Event::AppendBegin(AppendBegin::new(mailbox, message, replaces))
    }

    /// Whether so many octets more are too many for one message.
    fn over_limit(&mut self, octets: u64) -> bool {
        self.append_total = self.append_total.saturating_add(octets);
        self.config.append_limit.is_some_and(|most| self.append_total > most)
    }

    /// RFC 7889 section 4: said before the client sends it, where it waits.
    fn too_big(&mut self) {
        self.framer.refuse();
        self.tagged(b" NO ", Some(Code::TooBig), "The message is too large");
    }

    /// What stands behind a payload, or behind the end of a message: the next part, the end of the command, or one more message
    /// (RFC 3502).
    pub(super) fn append_goes_on<'b>(&mut self, frame: &'b [u8], framed: Framed) -> Event<'b> {
        self.turn = Turn::Answering;
        let goes_on = framed != Framed::Line;
        let open = core::mem::replace(&mut self.append_open, AppendOpen::NONE);
        let rest = match frame {
            // `"UTF8" SP "(" literal8 ")"` (RFC 6855 section 4)
            [b')', rest @ ..] if open.utf8 => rest,
            _ if open.utf8 => &[],
            _ => frame,
        };
        let rest = match rest {
            // The parts end here, and something follows: behind `UTF8 (...)` the framer finds the end by itself.
            [b')', rest @ ..] if open.catenate && (framed != Framed::Closed || !rest.is_empty()) => rest,
            _ if open.catenate => return self.append_part(rest, framed),
            _ => rest,
        };
        if !goes_on && grammar::line_end(rest).is_ok() {
            return Event::AppendEnd;
        }
        let context = self.context();
        let one = matches!(self.kind, Some(CommandKind::Replace | CommandKind::UidReplace));
        let next = if one { Capabilities::NONE } else { Capabilities::MULTIAPPEND };
        let next = context
            .needs(next, "Something follows the message")
            .and_then(|()| grammar::append::append_message(rest, context));
        match next {
            Ok(([], message)) if fits(message.catenate.as_ref(), framed) => {
                self.append_open = AppendOpen::of(&message);
                self.append_total = 0;
                self.turn = Turn::Deciding;
                if self.over_limit(message.len) {
                    self.too_big();
                    return Event::AppendAbort;
                }
                Event::AppendNext(message)
            }
            Ok(_) => self.append_aborts("Something follows the message", goes_on),
            Err(e) => self.append_aborts(reason(&e), goes_on),
        }
    }

    /// `*(SP cat-part) [")"]` (RFC 4469 section 5)
    fn append_part<'b>(&mut self, frame: &'b [u8], framed: Framed) -> Event<'b> {
        let goes_on = framed != Framed::Line;
        match grammar::catenate::more_parts(frame, self.context()) {
            Ok(([], part)) if fits(Some(&part), framed) => {
                self.append_open = AppendOpen::of_part(&part);
                self.turn = Turn::Deciding;
                if self.over_limit(part.text.unwrap_or(0)) {
                    self.too_big();
                    return Event::AppendAbort;
                }
                Event::AppendPart(part)
            }
            Ok(_) => self.append_aborts("The parts of a message do not end", goes_on),
            Err(e) => self.append_aborts(reason(&e), goes_on),
        }
    }

    fn append_aborts<'b>(&mut self, why: &'static str, goes_on: bool) -> Event<'b> {
        self.reject(why, goes_on);
        Event::AppendAbort
    }
}
