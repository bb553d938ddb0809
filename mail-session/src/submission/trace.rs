use std::{
    fmt::Write as _,
    net::{IpAddr, SocketAddr},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use smtp_submit_proto::is_domain_or_literal;

/// Makes identifiers differ that were made at the same time.
static COUNTER: AtomicU64 = AtomicU64::new(0);
/// Its number. To ask for it is a system call.
static PROCESS: LazyLock<u32> = LazyLock::new(std::process::id);
/// Octets of a `Received:`, and of what else is put before a header, as they mostly are.
const USUAL: usize = 512;

/// What `Received:` tells.
pub(crate) struct Received<'a> {
    /// The client's name by EHLO.
    pub(crate) client: &'a str,
    /// The client's address, as the connection has it.
    pub(crate) peer: Option<&'a str>,
    pub(crate) hostname: &'a str,
    /// The client's host name, as a front end reports it.
    pub(crate) name: Option<&'a str>,
    pub(crate) with: With,
    pub(crate) id: &'a str,
    /// The recipient, where there is but one: several would tell of each other (RFC 5321 section 7.2).
    pub(crate) recipient: Option<&'a str>,
}

/// How a message came, for `with` in `Received:` (RFC 3848, RFC 6531 section 4.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct With {
    /// EHLO, or LHLO; not HELO.
    pub(crate) extended: bool,
    pub(crate) lmtp: bool,
    pub(crate) utf8: bool,
    pub(crate) encrypted: bool,
    pub(crate) authenticated: bool,
}

impl Received<'_> {
    /// ```abnf
    /// Time-stamp-line = "Received:" FWS Stamp <CRLF>
    /// Stamp = From-domain By-domain Opt-info [CFWS] ";" FWS date-time     ; RFC 5321 section 4.4
    /// ```
    ///
    /// There will be room for so many octets behind it.
    pub(crate) fn field(&self, room: usize) -> String {
        let literal = self.peer.and_then(address_literal);
        let mut out = String::with_capacity(USUAL.saturating_add(room));
        out.push_str("Received: from ");
        let name = self.name.filter(|n| is_domain_or_literal(n.as_bytes()));
        match (is_domain_or_literal(self.client.as_bytes()), &literal) {
            (true, Some(literal)) => {
                out.push_str(self.client);
                out.push_str(" (");
                if let Some(name) = name {
                    out.push_str(name);
                    out.push(' ');
                }
                out.push_str(literal);
                out.push(')');
            }
            (true, None) => out.push_str(self.client),
            (false, Some(literal)) => {
                let _ = write!(out, "{literal} ({literal})");
            }
            (false, None) => out.push_str("unknown"),
        }
        for part in ["\r\n\tby ", self.hostname, " with "] {
            out.push_str(part);
        }
        for part in self.with.word() {
            out.push_str(part);
        }
        for part in [" id ", self.id] {
            out.push_str(part);
        }
        if let Some(recipient) = self.recipient {
            for part in ["\r\n\tfor <", recipient, ">"] {
                out.push_str(part);
            }
        }
        out.push_str(";\r\n\t");
        push_date_time(&mut out, now().0);
        out.push_str("\r\n");
        out
    }
}

impl With {
    /// For HELO there is but one word.
    pub(crate) const fn word(self) -> [&'static str; 3] {
        if !self.extended {
            return ["SMTP", "", ""];
        }
        let base = match (self.utf8, self.lmtp) {
            (false, false) => "ESMTP",
            (false, true) => "LMTP",
            (true, false) => "UTF8SMTP",
            (true, true) => "UTF8LMTP",
        };
        let s = if self.encrypted { "S" } else { "" };
        let a = if self.authenticated { "A" } else { "" };
        [base, s, a]
    }
}

/// The address in `1.2.3.4`, `1.2.3.4:5`, `[::1]:5` and their like.
pub(crate) fn peer_address(peer: &str) -> Option<IpAddr> {
    let ip = peer.parse::<SocketAddr>().map(|a| a.ip()).or_else(|_| peer.parse::<IpAddr>()).ok()?;
    Some(ip.to_canonical())
}

/// `address-literal` (RFC 5321 section 4.1.3) of `1.2.3.4`, `1.2.3.4:5`, `[::1]:5` and their like.
fn address_literal(peer: &str) -> Option<String> {
    Some(match peer_address(peer)? {
        IpAddr::V4(ip) => {
            let mut out = String::with_capacity(17);
            for (before, octet) in ['[', '.', '.', '.'].into_iter().zip(ip.octets()) {
                out.push(before);
                push_octet(&mut out, octet);
            }
            out.push(']');
            out
        }
        IpAddr::V6(ip) => format!("[IPv6:{ip}]"),
    })
}

/// Seconds since 1970.
pub(crate) fn seconds() -> i64 {
    now().0
}

/// Seconds and nanoseconds since 1970.
fn now() -> (i64, u32) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_nanos())
}

/// What no other message here was ever called: an atom.
pub(crate) fn unique() -> String {
    let (seconds, nanos) = now();
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let mut out = String::with_capacity(40);
    push_hex(&mut out, seconds.unsigned_abs());
    for part in [u64::from(nanos), u64::from(*PROCESS), count] {
        out.push('.');
        push_hex(&mut out, part);
    }
    out
}

/// Hexadecimal digits, without the machinery of `write!`: it is done for each message.
fn push_hex(out: &mut String, number: u64) {
    let digits = (u64::BITS - number.leading_zeros()).div_ceil(4).max(1);
    for at in (0..digits).rev() {
        let digit = u32::try_from(number >> (4 * at) & 15).unwrap_or(0);
        out.extend(char::from_digit(digit, 16));
    }
}

/// Decimal digits.
fn push_octet(out: &mut String, octet: u8) {
    if octet >= 100 {
        out.push(char::from(b'0' + octet / 100));
    }
    if octet >= 10 {
        out.push(char::from(b'0' + octet / 10 % 10));
    }
    out.push(char::from(b'0' + octet % 10));
}

/// The last two decimal digits.
fn push_two(out: &mut String, number: i64) {
    for digit in [number / 10 % 10, number % 10] {
        out.extend(u32::try_from(digit).ok().and_then(|digit| char::from_digit(digit, 10)));
    }
}

/// `Date:` for a message that has none (RFC 6409 section 8.2).
pub(crate) fn date_field() -> String {
    format!("Date: {}\r\n", date_time(now().0))
}

/// `Message-ID:` for a message that has none (RFC 6409 section 8.3).
pub(crate) fn message_id_field(hostname: &str) -> String {
    format!("Message-ID: <{}@{hostname}>\r\n", unique())
}

/// `Internet-style-date-time-UTC` of RFC 4865 section 4: `2007-04-12T15:46:17Z`.
pub(crate) fn utc(seconds: i64) -> String {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// The seconds of an `Internet-style-date-time-UTC`; parts of a second count as none.
pub(crate) fn seconds_of_utc(text: &str) -> Option<i64> {
    let number = |from: usize, upto: usize| text.get(from..upto)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    // The inverse of `civil`: years begin in March.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = y * 365 + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (153 * m + 2) / 5 + day
        - 1
        - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

/// `date-time` of RFC 5322 section 3.3, in UTC.
pub(crate) fn date_time(seconds: i64) -> String {
    let mut out = String::with_capacity(31);
    push_date_time(&mut out, seconds);
    out
}

fn push_date_time(out: &mut String, seconds: i64) {
    const DAYS: [&str; 7] = ["Thu, ", "Fri, ", "Sat, ", "Sun, ", "Mon, ", "Tue, ", "Wed, "];
    const MONTHS: [&str; 12] = [
        " Jan ", " Feb ", " Mar ", " Apr ", " May ", " Jun ", " Jul ", " Aug ", " Sep ", " Oct ", " Nov ",
        " Dec ",
    ];
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let name = |names: &[&'static str], at: i64| {
        usize::try_from(at).ok().and_then(|at| names.get(at).copied()).unwrap_or_default()
    };
    out.push_str(name(&DAYS, days.rem_euclid(7)));
    push_two(out, day);
    out.push_str(name(&MONTHS, month - 1));
    match year {
        0..=9999 => {
            push_two(out, year / 100);
            push_two(out, year);
        }
        _ => _ = write!(out, "{year:04}"),
    }
    for (before, number) in [(' ', second / 3600), (':', second / 60 % 60), (':', second % 60)] {
        out.push(before);
        push_two(out, number);
    }
    out.push_str(" +0000");
}

/// Year, month and day of a day since 1970-01-01, in the Gregorian calendar. Years begin in March here, so
/// that the leap day is the last.
const fn civil(days: i64) -> (i64, i64, i64) {
    const ERA: i64 = 146_097; // days of 400 years
    let since = days + 719_468; // 0000-03-01
    let (era, day) = (since.div_euclid(ERA), since.rem_euclid(ERA));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 +0000"),
            (1_672_625_045, "Mon, 02 Jan 2023 02:04:05 +0000"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 +0000"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 +0000"),
            (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 +0000"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 +0000"),
            (-1, "Wed, 31 Dec 1969 23:59:59 +0000"),
            (253_402_300_800, "Sat, 01 Jan 10000 00:00:00 +0000"),
        ] {
            assert_eq!(date_time(seconds), text);
        }
    }

    #[test]
    fn received_lines() {
        let line = |client, peer, extended, encrypted, authenticated| {
            let field = Received {
                client,
                peer,
                hostname: "mail.example.test",
                name: None,
                with: With { extended, encrypted, authenticated, ..With::default() },
                id: "1.2",
                recipient: Some("b@example.test"),
            }
            .field(0);
            let (before, date) = field.split_once(";\r\n\t").unwrap();
            assert!(date.ends_with(" +0000\r\n"));
            before.to_owned()
        };
        assert_eq!(
            line("me.example", Some("127.0.0.1:5"), true, true, true),
            "Received: from me.example ([127.0.0.1])\r\n\tby mail.example.test with ESMTPSA id 1.2\r\n\tfor <b@example.test>"
        );
        for (client, peer, from) in [
            ("my_pc", Some("[::1]:5"), "[IPv6:::1] ([IPv6:::1])"),
            ("[1.2.3.4]", Some("::ffff:9.8.7.6"), "[1.2.3.4] ([9.8.7.6])"),
            ("x", Some("1.20.203.250"), "x ([1.20.203.250])"),
            ("x(y)", None, "unknown"),
            ("x", Some("a socket"), "x"),
        ] {
            let got = line(client, peer, true, false, false);
            assert!(got.starts_with(&format!("Received: from {from}\r\n\tby ")), "{got}");
        }
        for (flags, word) in [
            ((false, true, true), "SMTP"),
            ((true, false, false), "ESMTP"),
            ((true, false, true), "ESMTPA"),
            ((true, true, false), "ESMTPS"),
        ] {
            assert!(line("x", None, flags.0, flags.1, flags.2).contains(&format!("with {word} id")));
        }
    }

    #[test]
    fn keywords_of_rfc_3848_and_rfc_6531() {
        let with = |lmtp, utf8, encrypted, authenticated| {
            With { extended: true, lmtp, utf8, encrypted, authenticated }.word().concat()
        };
        assert_eq!(with(true, false, true, false), "LMTPS");
        assert_eq!(with(true, true, false, false), "UTF8LMTP");
        assert_eq!(with(false, true, true, true), "UTF8SMTPSA");
        assert_eq!(with(false, true, false, true), "UTF8SMTPA");
    }

    #[test]
    fn times_of_rfc_4865_come_and_go() {
        for seconds in [0, 1_672_625_045, 951_782_400, 951_868_799, 4_107_542_400, 1_709_164_800, 68_169_600]
        {
            assert_eq!(seconds_of_utc(&utc(seconds)), Some(seconds), "{}", utc(seconds));
        }
        assert_eq!(seconds_of_utc("2007-04-12T15:46:17.9Z"), Some(1_176_392_777));
        assert_eq!(seconds_of_utc("2007-04-12"), None);
    }

    #[test]
    fn hexadecimal_digits_are_as_format_writes_them() {
        for number in [0, 1, 9, 10, 15, 16, 255, 256, 0xdead_beef, u64::MAX] {
            let mut out = String::new();
            push_hex(&mut out, number);
            assert_eq!(out, format!("{number:x}"));
        }
    }

    #[test]
    fn identifiers_differ() {
        let ids: std::collections::BTreeSet<String> = (0..100).map(|_| unique()).collect();
        assert_eq!(ids.len(), 100);
    }
}
