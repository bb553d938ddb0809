/// A day without time and zone: `date` (RFC 9051 section 9), as in SEARCH.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Date {
    /// 0 to 9999.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31, and one the month has.
    pub day: u8,
}

const fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

impl Date {
    /// A day of the Gregorian calendar; `None` where there is none such.
    #[must_use]
    pub const fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let days = match month {
            4 | 6 | 9 | 11 => 30,
            2 if is_leap(year) => 29,
            2 => 28,
            1..=12 => 31,
            _ => return None,
        };
        if day == 0 || day > days || year > 9999 {
            return None;
        }
        Some(Self { year, month, day })
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub fn days(self) -> i64 {
        // Years that begin in March put the leap day at the end; an era is 400 years, 146,097 days.
        let (y, m, d) = (i64::from(self.year), i64::from(self.month), i64::from(self.day));
        let y = if m <= 2 { y - 1 } else { y };
        let era = y.div_euclid(400);
        let year_of_era = y.rem_euclid(400);
        let day_of_year = (153 * ((m + 9) % 12) + 2) / 5 + d - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
    }

    /// The day this many days after 1970-01-01; `None` outside of the years 0 to 9999.
    #[must_use]
    pub fn from_days(days: i64) -> Option<Self> {
        let z = days.checked_add(719_468)?;
        let era = z.div_euclid(146_097);
        let day_of_era = z.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let m = (5 * day_of_year + 2) / 153;
        let month = if m < 10 { m + 3 } else { m - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self::new(
            u16::try_from(year).ok()?,
            u8::try_from(month).ok()?,
            u8::try_from(day_of_year - (153 * m + 2) / 5 + 1).ok()?,
        )
    }
}

/// A point in time and the zone it was given in: `date-time` (RFC 9051 section 9), as in INTERNALDATE and APPEND.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct DateTime {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Minutes east of UTC.
    pub zone_minutes: i16,
}

impl DateTime {
    /// From seconds since 1970-01-01T00:00:00Z and minutes east of UTC.
    #[must_use]
    pub const fn new(seconds: i64, zone_minutes: i16) -> Self {
        Self { seconds, zone_minutes }
    }

    /// The day and the second of the day on the clock of its zone; a time that `date-time` cannot say is
    /// moved to the nearest it can.
    pub(crate) fn local(self) -> (Date, u32, i16) {
        const LAST: i64 = 253_402_300_799;
        const FIRST: i64 = -62_167_219_200;
        let zone = self.zone_minutes.clamp(-5999, 5999);
        let local = self.seconds.saturating_add(i64::from(zone) * 60).clamp(FIRST, LAST);
        let date = Date::from_days(local.div_euclid(86_400)).unwrap_or(Date { year: 1970, month: 1, day: 1 });
        (date, u32::try_from(local.rem_euclid(86_400)).unwrap_or(0), zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_from_1970_both_ways() {
        for (y, m, d, days) in [
            (1970, 1, 1, 0),
            (1969, 12, 31, -1),
            (2000, 2, 29, 11_016),
            (2024, 12, 31, 20_088),
            (0, 1, 1, -719_528),
            (9999, 12, 31, 2_932_896),
        ] {
            let date = Date::new(y, m, d).unwrap();
            assert_eq!(date.days(), days, "{date:?}");
            assert_eq!(Date::from_days(days), Some(date));
        }
        assert_eq!(Date::from_days(2_932_897), None);
        for (y, m, d) in
            [(2023, 2, 29), (1900, 2, 29), (2024, 4, 31), (2024, 13, 1), (2024, 0, 1), (2024, 1, 0)]
        {
            assert_eq!(Date::new(y, m, d), None);
        }
    }
}
