use std::borrow::Cow;

use super::{Encoding, Kind, Part, content::parse_token, fields};

/// Octets in this charset as text. UTF-8 where the charset is not known and the octets are such, else
/// windows-1252, in which every octet is something.
#[must_use]
pub fn decode_charset<'a>(charset: &[u8], octets: &'a [u8]) -> Cow<'a, str> {
    match encoding_rs::Encoding::for_label(charset.trim_ascii()) {
        // US-ASCII is windows-1252 to encoding_rs; UTF-8 is what wrongly labelled mail mostly is.
        Some(encoding) if encoding != encoding_rs::WINDOWS_1252 => {
            encoding.decode_without_bom_handling(octets).0
        }
        _ => std::str::from_utf8(octets)
            .map_or_else(|_| encoding_rs::WINDOWS_1252.decode_without_bom_handling(octets).0, Cow::Borrowed),
    }
}

/// How a part's body is written; `None` for an encoding that is not known. What is made of other entities is as it is
/// (RFC 2045 section 6.4).
#[must_use]
pub fn encoding_of_part(part: &Part) -> Option<Encoding> {
    if part.kind != Kind::Leaf {
        return Some(Encoding::Identity);
    }
    let Some(field) = fields(&part.header_octets).find(|f| f.is("content-transfer-encoding")) else {
        return Some(Encoding::Identity);
    };
    let name = parse_token(field.value)?;
    match Encoding::from_name(&name) {
        Encoding::Identity => [&b"7bit"[..], b"8bit", b"binary"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
            .then_some(Encoding::Identity),
        encoding => Some(encoding),
    }
}

/// How a part's body is to be read: an encoding that is not known is taken for none.
pub(crate) fn transfer_encoding_of_part(part: &Part) -> Encoding {
    let name = fields(&part.header_octets)
        .find(|f| f.is("content-transfer-encoding"))
        .and_then(|f| parse_token(f.value));
    Encoding::from_name(&name.unwrap_or_default())
}

/// The text of a part with these octets as its body, transfer encoding and charset decoded. `None` where
/// the part holds no text.
#[must_use]
pub fn text_of_part<'a>(part: &Part, body: &'a [u8]) -> Option<Cow<'a, str>> {
    if !part.content_type.is("text", "") {
        return None;
    }
    let charset = part.content_type.parameter("charset").unwrap_or_default();
    Some(match transfer_encoding_of_part(part).decode(body) {
        Cow::Borrowed(octets) => decode_charset(charset, octets),
        Cow::Owned(octets) => Cow::Owned(decode_charset(charset, &octets).into_owned()),
    })
}

/// The day a `Date` field names, disregarding time and zone, in days since 1970-01-01 (RFC 9051
/// section 6.4.4, SENTON).
#[must_use]
pub fn day_of_date_field(value: &[u8]) -> Option<i64> {
    let value = super::unfold(value);
    // The parser wants to see the line's end.
    let mut line = value.into_owned();
    line.truncate(200);
    line.push(b'\n');
    let date = mail_parser::parsers::MessageStream::new(&line).parse_date().into_datetime()?;
    let (year, month, day) = (i64::from(date.year), i64::from(date.month), i64::from(date.day));
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || year == 0 {
        return None;
    }
    Some(days_from_civil(year, month, day))
}

/// Days since 1970-01-01 of a day in the Gregorian calendar.
pub(crate) const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    // Years start in March, so that the leap day is the last.
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_dates() {
        assert_eq!(days_from_civil(1970, 1, 1), 0);
        assert_eq!(days_from_civil(2000, 2, 29), 11_016);
        assert_eq!(days_from_civil(1969, 12, 31), -1);
        for (value, day) in [
            (" Mon, 7 Feb 1994 21:52:25 -0800 (PST)", Some(days_from_civil(1994, 2, 7))),
            ("1 Jan 2020 00:30:00 +0900", Some(days_from_civil(2020, 1, 1))),
            ("nonsense", None),
            ("", None),
        ] {
            assert_eq!(day_of_date_field(value.as_bytes()), day, "{value:?}");
        }
    }

    #[test]
    fn charsets_are_decoded_by_name_and_by_guess() {
        assert_eq!(decode_charset(b"iso-8859-1", b"\xe4"), "\u{e4}");
        assert_eq!(decode_charset(b"us-ascii", "\u{e4}".as_bytes()), "\u{e4}");
        assert_eq!(decode_charset(b"koi8-r", b"\xc1"), "\u{430}");
        assert_eq!(decode_charset(b"iso-2022-jp", b"\x1b$B$\"\x1b(B"), "\u{3042}");
        assert_eq!(decode_charset(b"", b"\xff"), "\u{ff}");
    }
}
