use memchr::memchr;

use super::trace;

/// A message's header while it comes in: held until it is known whether `Date:` and `Message-ID:` are in it.
///
/// It only looks. What [`push`](Self::push) or [`finish`](Self::finish) give back is what was given to it,
/// behind what is added.
pub(super) struct Head {
    /// `Received:`, then what is missing.
    added: Vec<u8>,
    held: Vec<u8>,
    limit: usize,
    /// So much of `held` was searched for a line end.
    searched: usize,
    /// Where the present line begins.
    line: usize,
    has_date: bool,
    has_message_id: bool,
    hostname: String,
}

impl Head {
    pub(super) const fn new(received: Vec<u8>, hostname: String, limit: usize) -> Self {
        Self {
            added: received,
            held: Vec::new(),
            limit,
            searched: 0,
            line: 0,
            has_date: false,
            has_message_id: false,
            hostname,
        }
    }

    /// The next octets. Once the header has ended, or is too long to wait for: all octets so far, behind what
    /// is added. Nothing is to be pushed after that.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Option<Vec<u8>> {
        self.held.extend_from_slice(chunk);
        while let Some(at) = self.held.get(self.searched..).and_then(|rest| memchr(b'\n', rest)) {
            self.searched += at + 1;
            let ended = self.look(self.searched);
            self.line = self.searched;
            if ended {
                return Some(self.whole(true));
            }
        }
        self.searched = self.held.len();
        (self.held.len() > self.limit).then(|| self.whole(false))
    }

    /// The message has ended within its header.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        self.look(self.held.len());
        self.whole(true)
    }

    /// Looks at the line that ends at `upto`. Whether the header ends with it or before it.
    fn look(&mut self, upto: usize) -> bool {
        let line = self.held.get(self.line..upto).unwrap_or(&[]);
        match field_name(line) {
            _ if matches!(line, b"\n" | b"\r\n") => return true,
            Some(name) => {
                self.has_date |= name.eq_ignore_ascii_case(b"Date");
                self.has_message_id |= name.eq_ignore_ascii_case(b"Message-ID");
            }
            // The first line of a message from an mbox is no field either, but a header follows it.
            None if self.line == 0 && !line.is_empty() && !is_mbox_line(line) => {
                // There is no header: what we add needs an end of its own.
                self.add_missing();
                self.has_date = true;
                self.has_message_id = true;
                self.added.extend_from_slice(b"\r\n");
                return true;
            }
            None => {}
        }
        false
    }

    fn add_missing(&mut self) {
        if !self.has_date {
            self.added.extend_from_slice(trace::date_field().as_bytes());
        }
        if !self.has_message_id {
            self.added.extend_from_slice(trace::message_id_field(&self.hostname).as_bytes());
        }
    }

    fn whole(&mut self, repaired: bool) -> Vec<u8> {
        if repaired {
            self.add_missing();
        }
        let mut whole = core::mem::take(&mut self.added);
        whole.append(&mut self.held);
        whole
    }
}

/// `field-name = 1*ftext`, before `:`; white space between is obsolete and read (RFC 5322 section 3.6.8, 4.5).
fn field_name(line: &[u8]) -> Option<&[u8]> {
    let (before, _) = line.split_at_checked(memchr(b':', line)?)?;
    let name = before.trim_ascii_end();
    (!name.is_empty() && name.iter().all(|c| matches!(c, 33..=126))).then_some(name)
}

fn is_mbox_line(line: &[u8]) -> bool {
    line.starts_with(b"From ") || line.starts_with(b">From ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATED: &[u8] = b"Subject: x\r\nDATE: now\r\nmessage-id : <a@b>\r\n\r\nbody\r\n";

    fn pass(message: &[u8], piece: usize, limit: usize) -> Vec<u8> {
        let mut head = Some(Head::new(b"Received: r\r\n".to_vec(), "host".to_owned(), limit));
        let mut out = vec![];
        for chunk in message.chunks(piece) {
            match head.as_mut().map(|h| h.push(chunk)) {
                None => out.extend_from_slice(chunk),
                Some(None) => {}
                Some(Some(whole)) => {
                    out.extend(whole);
                    head = None;
                }
            }
        }
        out.extend(head.iter_mut().flat_map(Head::finish));
        out
    }

    fn added(message: &[u8], limit: usize) -> Vec<String> {
        let mut names = None;
        for piece in [1, 2, 3, 5, 1000] {
            let out = pass(message, piece, limit);
            assert!(out.ends_with(message), "{:?}", out.escape_ascii());
            let before = String::from_utf8(out[..out.len() - message.len()].to_vec()).unwrap();
            let now: Vec<String> = before
                .lines()
                .filter(|l| !l.starts_with('\t'))
                .map(|l| l.split(':').next().unwrap().to_owned())
                .collect();
            assert_eq!(names.get_or_insert_with(|| now.clone()), &now);
        }
        names.unwrap()
    }

    #[test]
    fn only_what_is_missing_is_added_and_nothing_is_changed() {
        for (message, names) in [
            (DATED, &["Received"][..]),
            (b"Date: x\r\n\r\nMessage-ID: in the body\r\n", &["Received", "Message-ID"]),
            (b"Message-ID: x\r\nX: y\r\n Date: folded\r\n\r\n", &["Received", "Date"]),
            (b"Subject: x\r\n", &["Received", "Date", "Message-ID"]),
            (b"Subject: x", &["Received", "Date", "Message-ID"]),
            (b"\r\nDate: x\r\n", &["Received", "Date", "Message-ID"]),
            (b"", &["Received", "Date", "Message-ID"]),
            (b"Date", &["Received", "Date", "Message-ID", ""]),
            (b"Hello,\r\nDate: x\r\n", &["Received", "Date", "Message-ID", ""]),
            (b"From a@b today\r\nDate: x\r\nMessage-ID: y\r\n\r\n", &["Received"]),
            (b"Resent-Date: x\r\nX-Message-ID: y\r\n\r\n", &["Received", "Date", "Message-ID"]),
            (b"Date: x\nMessage-ID: y\n\nbare\n", &["Received"]),
        ] {
            assert_eq!(added(message, 1000), names, "{:?}", message.escape_ascii());
        }
    }

    #[test]
    fn a_header_over_the_limit_passes_without_repair() {
        let long = [&b"X: "[..], &[b'x'; 3000], b"\r\n\r\n"].concat();
        assert_eq!(added(&long, 1000), ["Received"]);
        assert_eq!(added(&long, 4000), ["Received", "Date", "Message-ID"]);
    }
}
