use super::{Address, fields, parse_addresses, unfold};

/// What ENVELOPE shows of a message's header (RFC 9051 section 7.5.2). Text is as it stands in
/// the header, unfolded, encoded words not decoded.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Envelope {
    /// `Date`, raw.
    pub date: Option<Vec<u8>>,
    /// `Subject`.
    pub subject: Option<Vec<u8>>,
    /// `From`.
    pub from: Vec<Address>,
    /// `Sender`; where absent or empty, `From`.
    pub sender: Vec<Address>,
    /// `Reply-To`; where absent or empty, `From`.
    pub reply_to: Vec<Address>,
    /// `To`.
    pub to: Vec<Address>,
    /// `Cc`.
    pub cc: Vec<Address>,
    /// `Bcc`.
    pub bcc: Vec<Address>,
    /// `In-Reply-To`.
    pub in_reply_to: Option<Vec<u8>>,
    /// `Message-ID`.
    pub message_id: Option<Vec<u8>>,
}

impl Envelope {
    /// The envelope of the message with this header. Of a field that may stand once the first counts;
    /// several lists of recipients are one list.
    #[must_use]
    pub fn from_header(header: &[u8]) -> Self {
        let mut envelope = Self::default();
        for field in fields(header) {
            // Fields ENVELOPE does not show are most of them.
            let mut name = [0_u8; 11];
            let Some(folded) = name.get_mut(..field.name.len()) else { continue };
            folded.copy_from_slice(field.name);
            folded.make_ascii_lowercase();
            let text = || Some(unfold(field.value).into_owned());
            let list = || parse_addresses(field.value);
            match &*folded {
                b"date" if envelope.date.is_none() => envelope.date = text(),
                b"subject" if envelope.subject.is_none() => envelope.subject = text(),
                b"from" if envelope.from.is_empty() => envelope.from = list(),
                b"sender" if envelope.sender.is_empty() => envelope.sender = list(),
                b"reply-to" if envelope.reply_to.is_empty() => envelope.reply_to = list(),
                b"to" => envelope.to.append(&mut list()),
                b"cc" => envelope.cc.append(&mut list()),
                b"bcc" => envelope.bcc.append(&mut list()),
                b"in-reply-to" if envelope.in_reply_to.is_none() => envelope.in_reply_to = text(),
                b"message-id" if envelope.message_id.is_none() => envelope.message_id = text(),
                _ => {}
            }
        }
        if envelope.sender.is_empty() {
            envelope.sender.clone_from(&envelope.from);
        }
        if envelope.reply_to.is_empty() {
            envelope.reply_to.clone_from(&envelope.from);
        }
        envelope
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_sender_and_reply_to_are_from() {
        let e = Envelope::from_header(
            b"From: a@b\r\nSender:\r\nsubject: =?utf-8?q?x?=\r\n y\r\nSubject: second\r\n\
              To: c@d\r\nTo: e@f\r\nMESSAGE-ID: <1@x>\r\nDate:  Mon, 7 Feb 1994 21:52:25 -0800 (PST)\r\n\r\n",
        );
        assert_eq!(e.sender, e.from);
        assert_eq!(e.reply_to, e.from);
        assert_eq!(e.to.len(), 2);
        assert_eq!(e.subject.unwrap(), b"=?utf-8?q?x?= y");
        assert_eq!(e.message_id.unwrap(), b"<1@x>");
        assert_eq!(e.date.unwrap(), b"Mon, 7 Feb 1994 21:52:25 -0800 (PST)");
        assert_eq!(e.in_reply_to, None);
        assert!(e.cc.is_empty());
    }
}
