use memchr::memmem;

use super::{address::encoded_word_len, decode_base64, decode_charset, decode_quoted_printable};

/// A header field's value as text: unfolded, encoded words (RFC 2047) decoded, white space between
/// two of them taken out. What is not ASCII outside of them is read as UTF-8.
#[must_use]
pub fn decode_words(value: &[u8]) -> String {
    let value = super::unfold(value);
    let mut out = String::with_capacity(value.len());
    let mut rest: &[u8] = &value;
    let mut after_word = false;
    while let Some(at) = memmem::find(rest, b"=?") {
        let (plain, from) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        let word = encoded_word_len(from).and_then(|n| from.split_at_checked(n));
        let decoded = word.and_then(|(word, tail)| Some((decode_word(word)?, tail)));
        if let Some((text, tail)) = decoded {
            // RFC 2047 section 6.2: white space between two encoded words is not shown.
            if !(after_word && plain.iter().all(u8::is_ascii_whitespace)) {
                out.push_str(&String::from_utf8_lossy(plain));
            }
            out.push_str(&text);
            rest = tail;
            after_word = true;
        } else {
            out.push_str(&String::from_utf8_lossy(plain));
            out.push_str("=?");
            rest = from.get(2..).unwrap_or_default();
            after_word = false;
        }
    }
    out.push_str(&String::from_utf8_lossy(rest));
    out
}

fn decode_word(word: &[u8]) -> Option<String> {
    let inner = word.strip_prefix(b"=?")?.strip_suffix(b"?=")?;
    let mut pieces = inner.splitn(3, |b| *b == b'?');
    let (charset, encoding, text) = (pieces.next()?, pieces.next()?, pieces.next()?);
    // RFC 2231 section 5: a language may follow the charset.
    let charset = charset.split(|b| *b == b'*').next()?;
    let octets = match encoding {
        b"B" | b"b" => decode_base64(text),
        b"Q" | b"q" => {
            let spaced: Vec<u8> = text.iter().map(|b| if *b == b'_' { b' ' } else { *b }).collect();
            decode_quoted_printable(&spaced)
        }
        _ => return None,
    };
    Some(decode_charset(charset, &octets).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words_are_decoded_and_what_is_none_stays() {
        for (value, text) in [
            ("plain", "plain"),
            ("=?utf-8?q?J=C3=B6rg?= <a@b>", "J\u{f6}rg <a@b>"),
            ("=?ISO-8859-1?Q?a_b?=\r\n =?iso-8859-1*de?B?5A==?= c", "a b\u{e4} c"),
            ("x =?a?= y", "x =?a?= y"),
            ("=?utf-8?x?y?=", "=?utf-8?x?y?="),
            ("=?utf-8?q?open", "=?utf-8?q?open"),
            ("=?no-such?q?abc?=", "abc"),
            ("raw \u{e4}", "raw \u{e4}"),
        ] {
            assert_eq!(decode_words(value.as_bytes()), text, "{value:?}");
        }
    }
}
