use super::{Parse, fault, octet};
use crate::types::{Date, DateTime};

/// `date-month = "Jan" / "Feb" / ...`
fn date_month(i: &[u8]) -> Parse<'_, u8> {
    let [a, b, c, rest @ ..] = i else { return fault("A month is missing") };
    let month = match &[a.to_ascii_lowercase(), b.to_ascii_lowercase(), c.to_ascii_lowercase()] {
        b"jan" => 1,
        b"feb" => 2,
        b"mar" => 3,
        b"apr" => 4,
        b"may" => 5,
        b"jun" => 6,
        b"jul" => 7,
        b"aug" => 8,
        b"sep" => 9,
        b"oct" => 10,
        b"nov" => 11,
        b"dec" => 12,
        _ => return fault("A month is missing"),
    };
    Ok((rest, month))
}

/// `2DIGIT`
const fn two(i: &[u8]) -> Parse<'_, u8> {
    match i {
        [a @ b'0'..=b'9', b @ b'0'..=b'9', rest @ ..] => Ok((rest, (*a - b'0') * 10 + (*b - b'0'))),
        _ => fault("Two digits are missing"),
    }
}

/// `"-" date-month "-" date-year`, after a day.
fn month_and_year(i: &[u8], day: u8) -> Parse<'_, Date> {
    let (i, month) = date_month(octet(i, b'-', "A date has dashes")?)?;
    let (i, century) = two(octet(i, b'-', "A date has dashes")?)?;
    let (i, year) = two(i)?;
    match Date::new(u16::from(century) * 100 + u16::from(year), month, day) {
        Some(date) => Ok((i, date)),
        None => fault("There is no such day"),
    }
}

/// `date = date-text / DQUOTE date-text DQUOTE`
///
/// `date-text = date-day "-" date-month "-" date-year`, `date-day = 1*2DIGIT`
pub(crate) fn date(i: &[u8]) -> Parse<'_, Date> {
    let (quoted, i) = match i {
        [b'"', rest @ ..] => (true, rest),
        _ => (false, i),
    };
    let (i, day) = match i {
        [d @ b'0'..=b'9', b'-', ..] => (i.get(1..).unwrap_or(&[]), *d - b'0'),
        _ => two(i)?,
    };
    let (i, date) = month_and_year(i, day)?;
    if quoted { Ok((octet(i, b'"', "A date does not end")?, date)) } else { Ok((i, date)) }
}

/// `date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE`
///
/// `date-day-fixed = (SP DIGIT) / 2DIGIT`, `time = 2DIGIT ":" 2DIGIT ":" 2DIGIT`, `zone = ("+" / "-") 4DIGIT`.
/// A day of one digit without the space before it is tolerated: clients send it.
pub(crate) fn date_time(i: &[u8]) -> Parse<'_, DateTime> {
    let i = octet(i, b'"', "A date is missing")?;
    let (i, day) = match i {
        [b' ', d @ b'0'..=b'9', rest @ ..] => (rest, *d - b'0'),
        [d @ b'0'..=b'9', b'-', ..] => (i.get(1..).unwrap_or(&[]), *d - b'0'),
        _ => two(i)?,
    };
    let (i, date) = month_and_year(i, day)?;
    let (i, hour) = two(octet(i, b' ', "A time is missing")?)?;
    let (i, minute) = two(octet(i, b':', "A time has colons")?)?;
    let (i, second) = two(octet(i, b':', "A time has colons")?)?;
    // 60 is a leap second.
    if hour > 23 || minute > 59 || second > 60 {
        return fault("There is no such time");
    }
    let i = octet(i, b' ', "A zone is missing")?;
    let (sign, i) = match i {
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return fault("A zone is missing"),
    };
    let (i, zone_hours) = two(i)?;
    let (i, zone_minutes) = two(i)?;
    if zone_minutes > 59 {
        return fault("There is no such zone");
    }
    let zone = sign * (i16::from(zone_hours) * 60 + i16::from(zone_minutes));
    let local = date.days() * 86_400 + i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    Ok((octet(i, b'"', "A date does not end")?, DateTime::new(local - i64::from(zone) * 60, zone)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times() {
        for (wire, seconds, zone) in [
            (&b"\"17-Jul-1996 02:44:25 -0700\""[..], 837_596_665, -420),
            (b"\" 1-jan-1970 00:00:00 +0000\"", 0, 0),
            (b"\"1-Jan-1970 05:30:00 +0530\"", 0, 330),
            (b"\"01-Jan-1970 00:00:60 +0000\"", 60, 0),
        ] {
            assert_eq!(date_time(wire).unwrap().1, DateTime::new(seconds, zone), "{}", wire.escape_ascii());
        }
        for wire in [
            &b"\"31-Feb-2024 00:00:00 +0000\""[..],
            b"\"01-Jan-2024 24:00:00 +0000\"",
            b"\"01-Jan-2024 00:00:00 +0060\"",
            b"\"01-Jan-2024 00:00:00 0000\"",
            b"\"  1-Jan-2024 00:00:00 +0000\"",
            b"\"01-Foo-2024 00:00:00 +0000\"",
            b"\"01-Jan-2024 00:00:00 +0000",
            b"01-Jan-2024",
        ] {
            assert!(date_time(wire).is_err(), "{}", wire.escape_ascii());
        }
        for wire in [&b"1-Feb-1994"[..], b"01-FEB-1994", b"\"1-Feb-1994\""] {
            assert_eq!(date(wire).unwrap(), (&b""[..], Date::new(1994, 2, 1).unwrap()));
        }
        for wire in [&b"1-Feb-94"[..], b"30-Feb-1994", b"\"1-Feb-1994", b"0-Feb-1994"] {
            assert!(date(wire).is_err(), "{}", wire.escape_ascii());
        }
    }
}
