/// ```abnf
/// Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
/// Reply-code = %x32-35 %x30-35 %x30-39                     ; RFC 5321 section 4.2
/// ```
/// Of one line without its CRLF: the code, whether more lines follow, and the text. The second digit may
/// be any.
pub(crate) fn reply_line(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let [a @ b'2'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] = line else { return None };
    let digit = |d: &u8| u16::from(*d - b'0');
    let code = digit(a) * 100 + digit(b) * 10 + digit(c);
    match rest {
        [] => Some((code, false, &[])),
        [b' ', text @ ..] => Some((code, false, text)),
        [b'-', text @ ..] => Some((code, true, text)),
        _ => None,
    }
}

/// Class, subject, detail.
type Enhanced = (u16, u16, u16);

/// ```abnf
/// status-code = class "." subject "." detail         ; RFC 3463 section 2
/// ```
/// with the space after it. The code and what follows.
pub(crate) fn enhanced(text: &[u8]) -> Option<(Enhanced, &[u8])> {
    let end = memchr::memchr(b' ', text).unwrap_or(text.len());
    let (code, rest) = text.split_at_checked(end)?;
    let mut parts = code.split(|c| *c == b'.').map(|digits| {
        let fits = (1..=3).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
        fits.then(|| digits.iter().fold(0, |n, d| n * 10 + u16::from(*d - b'0')))
    });
    let (class, subject, detail) = (parts.next()??, parts.next()??, parts.next()??);
    let fits = parts.next().is_none() && matches!(class, 2 | 4 | 5);
    fits.then_some(((class, subject, detail), rest.strip_prefix(b" ").unwrap_or(rest)))
}
