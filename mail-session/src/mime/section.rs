use std::ops::Range;

use super::{Kind, Structure};

/// What of a part is asked for (RFC 9051 section 6.4.5.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Item {
    /// `1.2`: its body; without part numbers the whole message.
    Content,
    /// `1.2.HEADER`: of a message within (or the message itself), its header.
    Header,
    /// `1.2.TEXT`: of a message within (or the message itself), its body.
    Text,
    /// `1.2.MIME`: the part's own header.
    Mime,
}

/// Octets of the message that a section is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Located {
    /// From where to where.
    pub range: Range<u64>,
    /// The entity whose octets they are, in [`Structure::parts`].
    pub part: usize,
}

impl Structure {
    /// The entity that these part numbers name: `1.2` is the second part of the first one. Every message has
    /// at least a part 1: of one that is no multipart it is the body (RFC 9051 section 6.4.5.1).
    #[must_use]
    pub fn find(&self, numbers: &[u32]) -> Option<usize> {
        let mut at = 0;
        // Whether `at` is a message (the outermost, or one within), whose body part 1 names.
        let mut is_message = true;
        for number in numbers {
            let mut part = self.part(at)?;
            if !is_message && part.kind == Kind::Message {
                at = *part.children.first()?;
                part = self.part(at)?;
                is_message = true;
            }
            if part.kind == Kind::Multipart {
                at = *part.children.get(usize::try_from(*number).ok()?.checked_sub(1)?)?;
                is_message = false;
            } else if is_message && *number == 1 {
                is_message = false;
            } else {
                return None;
            }
        }
        Some(at)
    }

    /// Where the section stands; `None` where the message has none such.
    #[must_use]
    pub fn locate(&self, numbers: &[u32], item: Item) -> Option<Located> {
        let at = self.find(numbers)?;
        let part = self.part(at)?;
        if numbers.is_empty() {
            let range = match item {
                Item::Content => part.header.start..part.body.end,
                Item::Header | Item::Mime => part.header.clone(),
                Item::Text => part.body.clone(),
            };
            return Some(Located { range, part: at });
        }
        match item {
            Item::Content => Some(Located { range: part.body.clone(), part: at }),
            Item::Mime => Some(Located { range: part.header.clone(), part: at }),
            Item::Header | Item::Text => {
                // Only a message has a header and text of its own.
                let inner = (part.kind == Kind::Message).then(|| part.children.first().copied()).flatten()?;
                let message = self.part(inner)?;
                let range = if item == Item::Header { &message.header } else { &message.body };
                Some(Located { range: range.clone(), part: inner })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::scan, *};

    /// The shape of the example in RFC 9051 section 6.4.5.1.
    const MESSAGE: &str = "Subject: outer\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n\
        --o\r\nContent-Type: text/plain\r\n\r\none\r\n\
        --o\r\nContent-Type: application/octet-stream\r\n\r\ntwo\r\n\
        --o\r\nContent-Type: message/rfc822\r\n\r\nSubject: three\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n\
        --i\r\n\r\nthree-one\r\n--i\r\nContent-Type: x/y\r\n\r\nthree-two\r\n--i--\r\n\
        --o\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n\
        --m\r\nContent-Type: image/gif\r\n\r\nfour-one\r\n\
        --m\r\nContent-Type: message/rfc822\r\n\r\nSubject: four-two\r\n\r\nfour-two-one\r\n--m--\r\n--o--\r\n";

    fn section<'m>(message: &'m str, numbers: &[u32], item: Item) -> Option<&'m str> {
        let range = scan(message.as_bytes()).locate(numbers, item)?.range;
        Some(&message[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()])
    }

    #[test]
    fn every_section_of_the_rfcs_example() {
        use Item::{Content, Header, Mime, Text};
        for (numbers, item, expected) in [
            (&[][..], Header, Some("Subject: outer\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n")),
            (&[], Content, Some(MESSAGE)),
            (&[], Text, MESSAGE.split_once("\r\n\r\n").map(|m| m.1)),
            (&[1], Content, Some("one")),
            (&[1], Mime, Some("Content-Type: text/plain\r\n\r\n")),
            (&[1], Header, None),
            (&[1], Text, None),
            (&[1, 1], Content, None),
            (&[2], Content, Some("two")),
            (&[3], Header, Some("Subject: three\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n")),
            (&[3], Mime, Some("Content-Type: message/rfc822\r\n\r\n")),
            (&[3, 1], Content, Some("three-one")),
            (&[3, 1], Mime, Some("\r\n")),
            (&[3, 2], Content, Some("three-two")),
            (&[3, 2], Mime, Some("Content-Type: x/y\r\n\r\n")),
            (&[3, 3], Content, None),
            (&[4, 1], Content, Some("four-one")),
            (&[4, 2], Header, Some("Subject: four-two\r\n\r\n")),
            (&[4, 2], Text, Some("four-two-one")),
            (&[4, 2, 1], Content, Some("four-two-one")),
            (&[4, 2, 2], Content, None),
            (&[4, 2, 1, 1], Content, None),
            (&[5], Content, None),
            (&[u32::MAX], Content, None),
        ] {
            assert_eq!(section(MESSAGE, numbers, item), expected, "{numbers:?} {item:?}");
        }
        let three = section(MESSAGE, &[3], Content).unwrap();
        assert!(three.starts_with("Subject: three\r\n") && three.ends_with("--i--"));
        assert!(section(MESSAGE, &[3], Text).unwrap().starts_with("--i\r\n"));
    }

    #[test]
    fn part_1_of_a_message_that_is_no_multipart_is_its_body() {
        let plain = "Subject: x\r\n\r\nbody\r\n";
        assert_eq!(section(plain, &[1], Item::Content), Some("body\r\n"));
        assert_eq!(section(plain, &[1], Item::Mime), Some("Subject: x\r\n\r\n"));
        assert_eq!(section(plain, &[2], Item::Content), None);
        assert_eq!(section(plain, &[1, 1], Item::Content), None);
        let forwarded = "Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nbody";
        assert_eq!(section(forwarded, &[1], Item::Content), Some("Subject: in\r\n\r\nbody"));
        assert_eq!(section(forwarded, &[1], Item::Header), Some("Subject: in\r\n\r\n"));
        assert_eq!(section(forwarded, &[1, 1], Item::Content), Some("body"));
        assert_eq!(section(forwarded, &[1, 1, 1], Item::Content), None);
    }
}
