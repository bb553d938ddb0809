use alloc::vec::Vec;

use super::{nil, nstring};
use crate::types::{Address, Envelope};

impl Envelope<'_> {
    /// Appends `envelope` (RFC 9051 section 9). With `utf8`, non-ASCII text may stand in quotes.
    pub fn encode(&self, out: &mut Vec<u8>, utf8: bool) {
        out.push(b'(');
        nstring(out, self.date.as_deref(), utf8);
        out.push(b' ');
        nstring(out, self.subject.as_deref(), utf8);
        for list in [&self.from, &self.sender, &self.reply_to, &self.to, &self.cc, &self.bcc] {
            out.push(b' ');
            addresses(out, list, utf8);
        }
        out.push(b' ');
        nstring(out, self.in_reply_to.as_deref(), utf8);
        out.push(b' ');
        nstring(out, self.message_id.as_deref(), utf8);
        out.push(b')');
    }
}

/// `"(" 1*address ")" / nil`
fn addresses(out: &mut Vec<u8>, list: &[Address<'_>], utf8: bool) {
    if list.is_empty() {
        nil(out);
        return;
    }
    out.push(b'(');
    for a in list {
        a.encode(out, utf8);
    }
    out.push(b')');
}

impl Address<'_> {
    /// Appends `address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"`.
    pub fn encode(&self, out: &mut Vec<u8>, utf8: bool) {
        out.push(b'(');
        for (i, part) in [&self.name, &self.route, &self.mailbox, &self.host].into_iter().enumerate() {
            if i > 0 {
                out.push(b' ');
            }
            nstring(out, part.as_deref(), utf8);
        }
        out.push(b')');
    }
}
