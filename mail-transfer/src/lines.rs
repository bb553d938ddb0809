//! Line ends: the store has CRLF, files mostly LF.

use memchr::memchr;

/// CRLF becomes LF; other CRs and LFs stay. So does CRLF behind a CR: of CRCRLF nothing is lost on the way back.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ToLf {
    /// A CR is held back.
    cr: bool,
    /// Another stands before it.
    doubled: bool,
}

impl ToLf {
    pub(crate) fn push(&mut self, mut chunk: &[u8], out: &mut Vec<u8>) {
        while let Some((&first, _)) = chunk.split_first() {
            if std::mem::take(&mut self.cr) {
                if first != b'\n' || self.doubled {
                    out.push(b'\r');
                }
                self.doubled = first == b'\r';
            }
            match memchr(b'\r', chunk) {
                Some(at) => {
                    let (text, rest) = chunk.split_at(at);
                    out.extend_from_slice(text);
                    self.doubled &= at == 0;
                    self.cr = true;
                    chunk = rest.get(1..).unwrap_or(&[]);
                }
                None => {
                    out.extend_from_slice(chunk);
                    return;
                }
            }
        }
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.cr) {
            out.push(b'\r');
        }
    }
}

/// LF without CR before it becomes CRLF.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ToCrlf {
    cr: bool,
}

impl ToCrlf {
    pub(crate) fn push(&mut self, mut chunk: &[u8], out: &mut Vec<u8>) {
        while let Some(at) = memchr(b'\n', chunk) {
            let (text, rest) = chunk.split_at(at);
            out.extend_from_slice(text);
            if text.last().map_or(self.cr, |last| *last == b'\r') {
                out.push(b'\n');
            } else {
                out.extend_from_slice(b"\r\n");
            }
            self.cr = false;
            chunk = rest.get(1..).unwrap_or(&[]);
        }
        out.extend_from_slice(chunk);
        if let Some(last) = chunk.last() {
            self.cr = *last == b'\r';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(whole: &[u8], mut push: impl FnMut(&[u8], &mut Vec<u8>), at: usize) -> Vec<u8> {
        let mut out = Vec::new();
        push(&whole[..at], &mut out);
        push(&whole[at..], &mut out);
        out
    }

    #[test]
    fn line_ends_are_turned_however_the_text_is_cut() {
        for (crlf, lf) in [
            (&b"a\r\nb\r\n"[..], &b"a\nb\n"[..]),
            (b"\r\n\r\n", b"\n\n"),
            (b"a\rb\r\r\nc", b"a\rb\r\r\nc"),
            (b"\r\r\r\n\r\n\r", b"\r\r\r\n\n\r"),
            (b"a\nb\n\r\n", b"a\nb\n\n"),
            (b"a\r", b"a\r"),
            (b"", b""),
        ] {
            for at in 0..=crlf.len() {
                let mut to = ToLf::default();
                let mut got = cut(crlf, |c, o| to.push(c, o), at);
                to.finish(&mut got);
                assert_eq!(got, lf, "{crlf:?} at {at}");
            }
        }
        for (lf, crlf) in [
            (&b"a\nb\n"[..], &b"a\r\nb\r\n"[..]),
            (b"\n\n", b"\r\n\r\n"),
            (b"a\r\nb\n", b"a\r\nb\r\n"),
            (b"a\rb\n", b"a\rb\r\n"),
        ] {
            for at in 0..=lf.len() {
                let mut to = ToCrlf::default();
                assert_eq!(cut(lf, |c, o| to.push(c, o), at), crlf, "{lf:?} at {at}");
            }
        }
    }
}
