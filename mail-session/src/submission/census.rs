use crate::outbound::Content;

/// What the octets of a message are, while they come in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Census {
    eight_bit: bool,
    /// A NUL, or a CR or LF that stands alone: these are no lines.
    odd: bool,
    cr: bool,
    any: bool,
    ends_line: bool,
}

impl Census {
    /// `binary`: it may be something else than lines, so that is looked at as well.
    pub(super) fn look(&mut self, octets: &[u8], binary: bool) {
        self.eight_bit |= !octets.is_ascii();
        if !binary {
            return;
        }
        for &octet in octets {
            self.odd |= octet == 0 || self.cr != (octet == b'\n');
            self.cr = octet == b'\r';
            self.ends_line = octet == b'\n';
            self.any = true;
        }
    }

    /// BINARYMIME that is but lines may travel as such.
    pub(super) const fn content(self, bare_newline: bool, binary: bool) -> Content {
        let lines = !(bare_newline || binary && (self.odd || self.cr || self.any && !self.ends_line));
        match (lines, self.eight_bit) {
            (false, _) => Content::Binary,
            (true, true) => Content::EightBit,
            (true, false) => Content::SevenBit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_what_it_is_for_every_split() {
        for (octets, binary, content) in [
            (&b"a\r\n"[..], false, Content::SevenBit),
            (b"\xff\r\n", false, Content::EightBit),
            (b"a\r\nb\r\n", true, Content::SevenBit),
            (b"\xffb\r\n", true, Content::EightBit),
            (b"a\nb\r\n", true, Content::Binary),
            (b"a\r\r\n", true, Content::Binary),
            (b"a\0\r\n", true, Content::Binary),
            (b"a", true, Content::Binary),
            (b"a\r", true, Content::Binary),
            (b"", true, Content::SevenBit),
        ] {
            for piece in 1..4 {
                let mut census = Census::default();
                octets.chunks(piece).for_each(|chunk| census.look(chunk, binary));
                assert_eq!(census.content(false, binary), content, "{}", octets.escape_ascii());
            }
        }
        assert_eq!(Census::default().content(true, false), Content::Binary);
    }
}
