/// Recognises `{n}` and `{n+}` at the end of a line, one octet at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    at: At,
    /// The number read so far; it saturates.
    pub(super) len: u64,
    /// No `+` was read.
    pub(super) synchronizing: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Outside,
    Open,
    Digits,
    Plus,
    Closed,
    Cr,
}

impl Header {
    pub(super) const NONE: Self = Self { at: At::Outside, len: 0, synchronizing: true };

    /// Whether no header has begun: until `{` or LF nothing changes.
    #[inline]
    pub(super) fn is_outside(&self) -> bool {
        self.at == At::Outside
    }

    /// Takes one octet of a line. Returns whether the line ends with it, and if so whether it ends with a header.
    #[inline]
    pub(super) fn octet(&mut self, b: u8) -> Option<bool> {
        if b == b'\n' {
            let is_header = matches!(self.at, At::Closed | At::Cr);
            self.at = At::Outside;
            return Some(is_header);
        }
        self.at = match (self.at, b) {
            (_, b'{') => {
                self.len = 0;
                self.synchronizing = true;
                At::Open
            }
            (At::Open | At::Digits, b'0'..=b'9') => {
                self.len = self.len.saturating_mul(10).saturating_add(u64::from(b - b'0'));
                At::Digits
            }
            (At::Digits, b'+') => {
                self.synchronizing = false;
                At::Plus
            }
            (At::Digits | At::Plus, b'}') => At::Closed,
            (At::Closed, b'\r') => At::Cr,
            _ => At::Outside,
        };
        None
    }
}
