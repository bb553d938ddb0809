use alloc::{string::String, vec::Vec};

use super::Reply;
use crate::FutureReleaseOffer;

/// What a server said it can in its answer to EHLO or LHLO (RFC 5321 section 4.1.1.1).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Capabilities {
    /// The server's name.
    pub domain: String,
    /// It answered EHLO or LHLO, not HELO.
    pub extended: bool,
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// SIZE (RFC 1870).
    pub size: bool,
    /// The largest message in octets, where SIZE says one.
    pub size_limit: Option<u64>,
    /// 8BITMIME (RFC 6152).
    pub eight_bit_mime: bool,
    /// SMTPUTF8 (RFC 6531).
    pub smtp_utf8: bool,
    /// ENHANCEDSTATUSCODES (RFC 2034).
    pub enhanced_status_codes: bool,
    /// CHUNKING (RFC 3030).
    pub chunking: bool,
    /// BINARYMIME (RFC 3030).
    pub binary_mime: bool,
    /// DSN (RFC 3461).
    pub dsn: bool,
    /// STARTTLS (RFC 3207).
    pub starttls: bool,
    /// The mechanisms of AUTH in upper case (RFC 4954); empty where there is none.
    pub auth: Vec<String>,
    /// MAILMAX of LIMITS (RFC 9422 section 4.1).
    pub mail_max: Option<u32>,
    /// RCPTMAX of LIMITS (RFC 9422 section 4.2).
    pub rcpt_max: Option<u32>,
    /// RCPTDOMAINMAX of LIMITS (RFC 9422 section 4.3).
    pub rcpt_domain_max: Option<u32>,
    /// REQUIRETLS (RFC 8689).
    pub require_tls: bool,
    /// DELIVERBY (RFC 2852).
    pub deliver_by: bool,
    /// The least seconds of DELIVERBY, where it says so.
    pub deliver_by_least: Option<u32>,
    /// FUTURERELEASE (RFC 4865).
    pub future_release: Option<FutureReleaseOffer>,
    /// MT-PRIORITY with its profile, which may be empty (RFC 6710).
    pub mt_priority: Option<String>,
    /// The attributes of XCLIENT in upper case; empty where it is not offered.
    pub xclient: Vec<String>,
    /// BURL (RFC 4468).
    pub burl: bool,
    /// Lines that are none of these, as they stand there.
    pub other: Vec<String>,
}

impl Capabilities {
    /// Reads the answer to EHLO or LHLO: a line with the server's name, and one for each extension.
    #[must_use]
    pub fn read(reply: Reply<'_>) -> Self {
        let mut all = Self { extended: true, ..Self::default() };
        for (i, line) in reply.lines().enumerate() {
            let line = String::from_utf8_lossy(line);
            if i == 0 {
                all.domain = line.split(' ').next().unwrap_or("").into();
            } else {
                all.line(line.trim_end());
            }
        }
        all
    }

    /// `ehlo-line = ehlo-keyword *( SP ehlo-param )`, in any case.
    fn line(&mut self, line: &str) {
        let (keyword, params) = line.split_once(' ').unwrap_or((line, ""));
        let words = || params.split(' ').filter(|w| !w.is_empty());
        let upper = |w: &str| w.to_ascii_uppercase();
        match in_upper_case(keyword, &mut [0; 20]) {
            b"PIPELINING" => self.pipelining = true,
            b"SIZE" => {
                self.size = true;
                // RFC 1870 section 4: 0 is no limit.
                self.size_limit = words().next().and_then(|n| n.parse().ok()).filter(|n| *n != 0);
            }
            b"8BITMIME" => self.eight_bit_mime = true,
            b"SMTPUTF8" => self.smtp_utf8 = true,
            b"ENHANCEDSTATUSCODES" => self.enhanced_status_codes = true,
            b"CHUNKING" => self.chunking = true,
            b"BINARYMIME" => self.binary_mime = true,
            b"DSN" => self.dsn = true,
            b"STARTTLS" => self.starttls = true,
            b"AUTH" => self.auth.extend(words().map(upper)),
            b"LIMITS" => words().for_each(|w| self.limit(w)),
            b"REQUIRETLS" => self.require_tls = true,
            b"DELIVERBY" => {
                self.deliver_by = true;
                self.deliver_by_least = params.split([' ', ',']).next().and_then(|n| n.parse().ok());
            }
            b"FUTURERELEASE" => {
                let mut words = words();
                let longest = words.next().and_then(|n| n.parse().ok());
                self.future_release = longest
                    .zip(words.next())
                    .map(|(longest, latest)| FutureReleaseOffer { longest, latest: latest.into() });
            }
            b"MT-PRIORITY" => self.mt_priority = Some(params.into()),
            b"XCLIENT" => self.xclient.extend(words().map(upper)),
            b"BURL" => self.burl = true,
            // `AUTH=LOGIN` of servers before RFC 2554 says what another line says too.
            _ if keyword.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("AUTH=")) => {}
            _ => self.other.push(line.into()),
        }
    }

    /// A limit with a faulty value, and one that is not known, are as if they were not there
    /// (RFC 9422 section 3.7).
    fn limit(&mut self, word: &str) {
        let Some((name, value)) = word.split_once('=') else { return };
        let value = value.parse().ok().filter(|n| (1..=999_999).contains(n));
        match &*name.to_ascii_uppercase() {
            "MAILMAX" => self.mail_max = value,
            "RCPTMAX" => self.rcpt_max = value,
            "RCPTDOMAINMAX" => self.rcpt_domain_max = value,
            _ => {}
        }
    }
}

/// A keyword as this crate writes them; nothing where it is longer than any of them.
fn in_upper_case<'r>(keyword: &str, room: &'r mut [u8; 20]) -> &'r [u8] {
    match room.get_mut(..keyword.len()) {
        Some(word) => {
            word.copy_from_slice(keyword.as_bytes());
            word.make_ascii_uppercase();
            word
        }
        None => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_in_any_case() {
        let frame = b"250-mx.example.org Hello\r\n250-size 100\r\n250-8bitmime\r\n250-AUTH=LOGIN\r\n250-Auth plain LOGIN\r\n\
            250-LIMITS RCPTMAX=20 MAILMAX=5 X=1 RCPTDOMAINMAX=0\r\n250-DELIVERBY 240\r\n250-MT-PRIORITY NSEP\r\n\
            250-FUTURERELEASE 60 2007-04-12T15:46:17Z\r\n250-XFOO bar\r\n250 CHUNKING\r\n";
        let all = Capabilities::read(Reply::parse(frame).unwrap());
        assert_eq!(
            (all.domain.as_str(), all.size_limit, all.eight_bit_mime),
            ("mx.example.org", Some(100), true)
        );
        assert_eq!((all.mail_max, all.rcpt_max, all.rcpt_domain_max), (Some(5), Some(20), None));
        assert_eq!(
            (all.auth, all.other),
            (["PLAIN", "LOGIN"].map(String::from).into(), ["XFOO bar"].map(String::from).into())
        );
        assert_eq!(
            (all.deliver_by_least, all.mt_priority.as_deref(), all.chunking),
            (Some(240), Some("NSEP"), true)
        );
        assert_eq!(all.future_release.unwrap().longest, 60);
        assert!(!all.starttls && !all.dsn);
    }
}
