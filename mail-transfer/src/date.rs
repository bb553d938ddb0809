//! Dates of From_ lines: `Thu Jan  1 00:00:00 1970`, as `asctime` writes them, in UTC (RFC 4155 appendix A).

use mailstore_api::InternalDate;

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// 0001-01-01 and 9999-12-31T23:59:59: what four digits of a year can say.
const FIRST: i64 = -62_135_596_800;
const LAST: i64 = 253_402_300_799;

/// Days since 1970-01-01 of a civil date, by eras of 400 years.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a number of days since 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

fn name(of: &[&'static str], at: i64) -> &'static str {
    usize::try_from(at).ok().and_then(|at| of.get(at).copied()).unwrap_or("???")
}

/// `asctime` in UTC. Years beyond four digits become the first or last of them.
pub(crate) fn asctime(date: InternalDate) -> String {
    let seconds = date.seconds.clamp(FIRST, LAST);
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, of_month) = civil(day);
    format!(
        "{} {} {of_month:2} {:02}:{:02}:{:02} {year:04}",
        name(&DAYS, (day + 4).rem_euclid(7)),
        name(&MONTHS, month - 1),
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// Reads the date at the end of a From_ line: `[weekday] month day time [zone] year [zone]`, seconds optional. Without a zone
/// it is UTC.
pub(crate) fn parse(words: &str) -> Option<InternalDate> {
    let mut words = words.split_ascii_whitespace().peekable();
    if words.peek().is_some_and(|w| DAYS.iter().any(|d| d.eq_ignore_ascii_case(w.trim_end_matches(',')))) {
        words.next();
    }
    let month = words.next()?;
    let month = MONTHS.iter().position(|m| m.eq_ignore_ascii_case(month))?;
    let day = number(words.next()?, 1..=31)?;
    let mut time = words.next()?.split(':');
    let hour = number(time.next()?, 0..=23)?;
    let minute = number(time.next()?, 0..=59)?;
    let second = time.next().map_or(Some(0), |s| number(s, 0..=60))?;
    if time.next().is_some() {
        return None;
    }
    let mut year = None;
    let mut zone = None;
    for word in words {
        match number(word, 0..=9999).filter(|_| word.len() == 4) {
            Some(n) if year.is_none() => year = Some(n),
            // What else there is (a name of a zone, `remote from host`) is passed over.
            _ => zone = zone.or_else(|| parse_zone(word)),
        }
    }
    let local =
        days(year?, i64::try_from(month).ok()? + 1, day) * 86_400 + hour * 3600 + minute * 60 + second;
    let zone_minutes = zone.unwrap_or(0);
    Some(InternalDate { seconds: local - i64::from(zone_minutes) * 60, zone_minutes })
}

fn number(word: &str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    if word.is_empty() || word.len() > 4 || !word.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    word.parse().ok().filter(|n| range.contains(n))
}

/// `+hhmm` and `-hhmm`; names mean UTC.
fn parse_zone(word: &str) -> Option<i16> {
    let (sign, digits) = match word.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    if digits.len() != 4 {
        return None;
    }
    let n = number(digits, 0..=2359).filter(|n| n % 100 < 60)?;
    i16::try_from(sign * (n / 100 * 60 + n % 100)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_asctime_does_and_read_back() {
        for (seconds, text) in [
            (0, "Thu Jan  1 00:00:00 1970"),
            (951_782_400, "Tue Feb 29 00:00:00 2000"),
            (-1, "Wed Dec 31 23:59:59 1969"),
            (4_102_444_799, "Thu Dec 31 23:59:59 2099"),
            (FIRST, "Mon Jan  1 00:00:00 0001"),
            (LAST, "Fri Dec 31 23:59:59 9999"),
        ] {
            let date = InternalDate { seconds, zone_minutes: 0 };
            assert_eq!(asctime(date), text);
            assert_eq!(parse(text), Some(date), "{text}");
        }
        for n in 0..20_000 {
            let date = InternalDate { seconds: n * 7_654_321 - 60_000_000_000, zone_minutes: 0 };
            assert_eq!(parse(&asctime(date)), Some(date));
        }
    }

    #[test]
    fn dates_of_other_programs_are_read() {
        for (text, seconds, zone_minutes) in [
            ("Mon, Jan  2 12:34:56 2006", 1_136_205_296, 0),
            ("Mon Jan 2 12:34 2006", 1_136_205_240, 0),
            ("Mon Jan  2 12:34:56 +0100 2006", 1_136_201_696, 60),
            ("Mon Jan  2 12:34:56 2006 -0800", 1_136_234_096, -480),
            ("Mon Jan  2 12:34:56 PST 2006", 1_136_205_296, 0),
            ("Jan  2 12:34:56 2006 remote from host", 1_136_205_296, 0),
        ] {
            assert_eq!(parse(text), Some(InternalDate { seconds, zone_minutes }), "{text}");
        }
        for text in
            ["", "here we go", "Mon Jan 2 2006", "Mon Jan 32 12:34:56 2006", "Mon Jan 2 25:00:00 2006"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
