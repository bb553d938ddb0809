//! Delivery status notifications: what a sender is told of his message (RFC 3464, RFC 6522, RFC 6533).
//!
//! A [`Report`] writes the message in two pieces; between them goes what is returned of the original, in
//! portions of any size. Whether a report is due, and what it returns, RFC 3461 decides:
//! [`Wishes`](crate::outbound::Wishes) knows the first, [`Report::returns`] the second.
//!
//! ```
//! use mail_session::{outbound::Envelope, report::{Action, Fate, Report, Returned}};
//!
//! let mut envelope = Envelope::default();
//! envelope.sender = Some("alice@example.test".into());
//! let fate = Fate::new("bob@elsewhere.test", Action::Failed, (5, 1, 1)).with_reply("mx.elsewhere.test", "550 5.1.1 nobody");
//! let report = Report::new("mail.example.test", &envelope, 0, vec![fate]).unwrap();
//! let mut message = report.before(Returned::Header);
//! message.extend_from_slice(b"Subject: hello\r\n");
//! message.extend_from_slice(&report.after());
//! let text = String::from_utf8(message).unwrap();
//! assert!(text.contains("To: <alice@example.test>\r\n") && text.contains("Action: failed\r\nStatus: 5.1.1\r\n"));
//! ```

mod text;

use std::{borrow::Cow, fmt::Write as _};

use smtp_submit_proto::{Ret, Xtext};

use crate::{
    outbound::{Content, Envelope},
    submission::trace,
};

use text::{clean, fold};

/// Octets of the longest address that is shown whole (RFC 5321 section 4.5.3.1 allows 254; a line holds 998).
const LONGEST: usize = 900;

/// What has become of a message for one recipient.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Fate {
    /// The recipient's address (`Final-Recipient`).
    pub address: String,
    /// `ORCPT`: kind, and address as on the wire (`Original-Recipient`).
    pub original: Option<(String, String)>,
    /// What has happened.
    pub action: Action,
    /// The status code (RFC 3463): class, subject, detail.
    pub status: (u16, u16, u16),
    /// The server that said so.
    pub remote: Option<String>,
    /// What it said (an SMTP reply), or what went wrong.
    pub diagnostic: Option<String>,
    /// The reply came from an SMTP server.
    pub replied: bool,
    /// When it was last tried, in seconds since 1970.
    pub last_attempt: Option<i64>,
    /// Until when it will be tried.
    pub retry_until: Option<i64>,
}

/// What has happened (RFC 3464 section 2.3.3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Action {
    /// Given up.
    Failed,
    /// Not yet, but it is tried further.
    Delayed,
    /// It is in the recipient's mailbox.
    Delivered,
    /// It is in the hands of a server that reports no deliveries.
    Relayed,
}

impl Action {
    const fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Relayed => "relayed",
        }
    }

    const fn headline(self) -> &'static str {
        match self {
            Self::Failed => "Undelivered mail returned to sender",
            Self::Delayed => "Delayed mail (still being retried)",
            Self::Delivered => "Successful mail delivery report",
            Self::Relayed => "Mail relayed to a server that reports no deliveries",
        }
    }

    const fn explanation(self) -> &'static str {
        match self {
            Self::Failed => "Your message could not be delivered to:",
            Self::Delayed => {
                "Your message could not be delivered yet. You need not send it again; it is tried further for:"
            }
            Self::Delivered => "Your message was delivered to:",
            Self::Relayed => {
                "Your message was handed to a mail server that will not report its delivery, for:"
            }
        }
    }
}

impl Fate {
    /// What has become of this recipient.
    pub fn new(address: impl Into<String>, action: Action, status: (u16, u16, u16)) -> Self {
        Self {
            address: address.into(),
            original: None,
            action,
            status,
            remote: None,
            diagnostic: None,
            replied: false,
            last_attempt: None,
            retry_until: None,
        }
    }

    /// As this server replied.
    #[must_use]
    pub fn with_reply(self, remote: impl Into<String>, reply: impl Into<String>) -> Self {
        Self { remote: Some(remote.into()), diagnostic: Some(reply.into()), replied: true, ..self }
    }

    /// For this reason.
    #[must_use]
    pub fn because(self, reason: impl Into<String>) -> Self {
        Self { diagnostic: Some(reason.into()), ..self }
    }
}

/// What of the original follows [`Report::before`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Returned {
    /// All of it.
    Message,
    /// Its header, without the empty line after it.
    Header,
}

/// A report to the sender of a message.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    hostname: &'a str,
    to: &'a str,
    envelope: &'a Envelope,
    arrived: i64,
    fates: Vec<Fate>,
    boundary: String,
    /// It holds UTF-8 (RFC 6533).
    global: bool,
}

impl<'a> Report<'a> {
    /// A report by this server about these recipients of a message that arrived then. `None` where there is nobody
    /// to report to: reports are never answered (RFC 3461 section 6, RFC 5321 section 6.1).
    #[must_use]
    pub fn new(
        hostname: &'a str,
        envelope: &'a Envelope,
        arrived: i64,
        mut fates: Vec<Fate>,
    ) -> Option<Self> {
        let to = envelope.sender.as_deref()?;
        fates.sort_by_key(|f| f.action);
        let global = envelope.smtp_utf8
            || !to.is_ascii()
            || fates
                .iter()
                .any(|f| !f.address.is_ascii() || f.original.as_ref().is_some_and(|o| !o.1.is_ascii()));
        Some(Self { hostname, to, envelope, arrived, fates, boundary: trace::unique(), global })
    }

    /// How much of the original it returns: all where there is a failure, unless the header was asked for, the message is larger
    /// than `limit` octets, or no lines (RFC 3461 section 6.2).
    #[must_use]
    pub fn returns(&self, size: u64, limit: u64) -> Returned {
        let failed = self.fates.iter().any(|f| f.action == Action::Failed);
        let whole = failed
            && self.envelope.ret != Some(Ret::Headers)
            && self.envelope.content != Content::Binary
            && size <= limit;
        if whole { Returned::Message } else { Returned::Header }
    }

    /// Who gets it.
    #[must_use]
    pub const fn to(&self) -> &'a str {
        self.to
    }

    /// Its own envelope: from nobody.
    #[must_use]
    pub fn envelope(&self) -> Envelope {
        Envelope {
            sender: None,
            id: self.boundary.clone(),
            content: if self.global {
                Content::EightBit
            } else {
                self.envelope.content.min(Content::EightBit)
            },
            smtp_utf8: self.global,
            // RFC 8689 section 5: a report about such a message is no safer to show.
            require_tls: self.envelope.require_tls,
            ..Envelope::default()
        }
    }

    /// The message up to what is returned.
    #[must_use]
    pub fn before(&self, returned: Returned) -> Vec<u8> {
        let mut out = String::new();
        let Self { hostname, boundary, .. } = self;
        let to = address(self.to);
        let first = self.fates.first().map_or(Action::Failed, |f| f.action);
        let _ = write!(
            out,
            "From: Mail Delivery System <MAILER-DAEMON@{hostname}>\r\nTo: <{to}>\r\nSubject: {}\r\n{}{}\
             Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"{boundary}\"\r\n",
            first.headline(),
            trace::date_field(),
            trace::message_id_field(hostname),
        );
        let eight_bit = self.global || self.envelope.content == Content::EightBit;
        let encoding = if eight_bit { "Content-Transfer-Encoding: 8bit\r\n" } else { "" };
        let _ = write!(out, "{encoding}\r\nThis is a report in MIME format.\r\n");
        let _ = write!(out, "\r\n--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\n{encoding}\r\n");
        self.for_people(&mut out);
        let kind = if self.global { "global-delivery-status" } else { "delivery-status" };
        let _ = write!(out, "\r\n--{boundary}\r\nContent-Type: message/{kind}\r\n{encoding}\r\n");
        self.for_programs(&mut out);
        let kind = match (returned, self.envelope.smtp_utf8) {
            (Returned::Message, false) => "message/rfc822",
            (Returned::Message, true) => "message/global",
            (Returned::Header, false) => "text/rfc822-headers",
            (Returned::Header, true) => "message/global-headers",
        };
        let _ = write!(out, "\r\n--{boundary}\r\nContent-Type: {kind}\r\n{encoding}\r\n");
        out.into_bytes()
    }

    /// The message after what is returned.
    #[must_use]
    pub fn after(&self) -> Vec<u8> {
        format!("\r\n--{}--\r\n", self.boundary).into_bytes()
    }

    fn for_people(&self, out: &mut String) {
        let _ = write!(out, "This is the mail server {}.\r\n", self.hostname);
        let mut action = None;
        for fate in &self.fates {
            if action != Some(fate.action) {
                action = Some(fate.action);
                let _ = write!(out, "\r\n{}\r\n\r\n", fate.action.explanation());
            }
            let _ = write!(out, "  <{}>\r\n", address(&fate.address));
            match (&fate.remote, &fate.diagnostic) {
                (Some(remote), Some(said)) if fate.replied => {
                    let _ = write!(out, "    {} said: {}\r\n", remote, fold(&clean(said, true), "      "));
                }
                (_, Some(reason)) => {
                    let _ = write!(out, "    {}\r\n", fold(&clean(reason, true), "      "));
                }
                _ => {}
            }
            if let Some(until) = fate.retry_until {
                let _ = write!(out, "    It is tried until {}.\r\n", trace::date_time(until));
            }
        }
    }

    /// `delivery-status-content = per-message-fields 1*( CRLF per-recipient-fields )` (RFC 3464 section 2.1)
    fn for_programs(&self, out: &mut String) {
        let mut put = |name: &str, value: &str| {
            let _ = write!(out, "{name}: {}\r\n", fold(&clean(value, self.global), "\t"));
        };
        if let Some(envid) = &self.envelope.envid {
            put("Original-Envelope-Id", &decoded(envid));
        }
        put("Reporting-MTA", &format!("dns; {}", self.hostname));
        put("Arrival-Date", &trace::date_time(self.arrived));
        if let Some(by) = &self.envelope.deliver_by {
            // RFC 2852 section 5
            put("Deliver-By-Date", &trace::date_time(by.at));
        }
        for fate in &self.fates {
            put_fate(fate, out, self.global);
        }
    }
}

fn put_fate(fate: &Fate, out: &mut String, global: bool) {
    out.push_str("\r\n");
    let mut put = |name: &str, value: &str| {
        let _ = write!(out, "{name}: {}\r\n", fold(&clean(value, global), "\t"));
    };
    if let Some((kind, original)) = &fate.original {
        put("Original-Recipient", &format!("{kind}; {}", decoded(original)));
    }
    let kind = if fate.address.is_ascii() { "rfc822" } else { "utf-8" };
    // Not folded: a quoted local part has its spaces where it has them (RFC 5321 section 4.1.2).
    let _ = write!(out, "Final-Recipient: {kind}; {}\r\n", address(&fate.address));
    let mut put = |name: &str, value: &str| {
        let _ = write!(out, "{name}: {}\r\n", fold(&clean(value, global), "\t"));
    };
    put("Action", fate.action.word());
    let (class, subject, detail) = fate.status;
    put("Status", &format!("{class}.{subject}.{detail}"));
    if let Some(remote) = &fate.remote {
        put("Remote-MTA", &format!("dns; {remote}"));
    }
    if let Some(said) = &fate.diagnostic {
        let kind = if fate.replied { "smtp" } else { "x-local" };
        put("Diagnostic-Code", &format!("{kind}; {said}"));
    }
    if let Some(at) = fate.last_attempt {
        put("Last-Attempt-Date", &trace::date_time(at));
    }
    if let Some(until) = fate.retry_until {
        put("Will-Retry-Until", &trace::date_time(until));
    }
}

/// An address in a line of its own: no octet of it ends the line. One that came by SMTP has no such.
fn address(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST && !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|c| !c.is_control()).take(LONGEST / 4).collect())
}

/// xtext, decoded; what is none as it stands there.
fn decoded(xtext: &str) -> String {
    Xtext::new(xtext).and_then(Xtext::decoded).map_or_else(|| xtext.to_owned(), Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            sender: Some("alice@example.test".into()),
            envid: Some("a+3Db".into()),
            ..Envelope::default()
        }
    }

    fn whole(report: &Report<'_>, returned: Returned, original: &str) -> String {
        let mut octets = report.before(returned);
        octets.extend_from_slice(original.as_bytes());
        octets.extend_from_slice(&report.after());
        String::from_utf8(octets).unwrap()
    }

    #[test]
    fn a_report_has_the_three_parts_of_rfc_6522() {
        let envelope = envelope();
        let mut fate = Fate::new("bob@x.test", Action::Failed, (5, 1, 1))
            .with_reply("mx.x.test", "550-5.1.1 no\r\n550 5.1.1 such\u{7}user");
        fate.original = Some(("rfc822".into(), "Bob+2B@y.test".into()));
        fate.last_attempt = Some(0);
        let other = Fate::new("carol@x.test", Action::Delayed, (4, 4, 1)).because("it does not answer");
        let report = Report::new("h.test", &envelope, 0, vec![other, fate]).unwrap();
        assert_eq!(report.returns(10, 10), Returned::Message);
        let text = whole(&report, Returned::Message, "Subject: x\r\n\r\nbody\r\n");
        let kinds: Vec<_> = crate::mime::fields(text.as_bytes()).filter(|f| f.is("Content-Type")).collect();
        assert_eq!(kinds.len(), 1, "the header is whole");
        assert_eq!(text.matches(&format!("--{}", report.boundary)).count(), 4, "three parts and an end");
        for line in [
            "Subject: Undelivered mail returned to sender",
            "Original-Envelope-Id: a=b",
            "Reporting-MTA: dns; h.test",
            "Arrival-Date: Thu, 01 Jan 1970 00:00:00 +0000",
            "Original-Recipient: rfc822; Bob+@y.test",
            "Final-Recipient: rfc822; bob@x.test",
            "Action: failed",
            "Status: 5.1.1",
            "Remote-MTA: dns; mx.x.test",
            "Diagnostic-Code: smtp; 550-5.1.1 no 550 5.1.1 such user",
            "Action: delayed",
            "Diagnostic-Code: x-local; it does not answer",
            "Content-Type: message/rfc822",
        ] {
            assert!(text.contains(&format!("\r\n{line}\r\n")), "{line:?} in {text}");
        }
        assert!(text.is_ascii() && !text.replace("\r\n", "").contains(['\r', '\n']));
        assert!(text.lines().all(|l| l.len() <= 998));
    }

    #[test]
    fn nobody_is_told_of_a_report() {
        assert!(Report::new("h", &Envelope::default(), 0, vec![]).is_none());
        let envelope = envelope();
        assert_eq!(Report::new("h", &envelope, 0, vec![]).unwrap().envelope().sender, None);
    }

    #[test]
    fn what_is_returned_follows_rfc_3461() {
        for (ret, action, content, size, returned) in [
            (None, Action::Failed, Content::SevenBit, 100, Returned::Message),
            (Some(Ret::Full), Action::Failed, Content::EightBit, 100, Returned::Message),
            (Some(Ret::Full), Action::Failed, Content::SevenBit, 101, Returned::Header),
            (Some(Ret::Headers), Action::Failed, Content::SevenBit, 1, Returned::Header),
            (Some(Ret::Full), Action::Delivered, Content::SevenBit, 1, Returned::Header),
            (Some(Ret::Full), Action::Failed, Content::Binary, 1, Returned::Header),
        ] {
            let envelope = Envelope { ret, content, ..envelope() };
            let report = Report::new("h", &envelope, 0, vec![Fate::new("a@b", action, (5, 0, 0))]).unwrap();
            assert_eq!(report.returns(size, 100), returned);
        }
    }

    #[test]
    fn addresses_beyond_ascii_make_it_a_report_of_rfc_6533() {
        let envelope = Envelope { smtp_utf8: true, ..envelope() };
        let fate = Fate::new("jörg@bücher.test", Action::Failed, (5, 6, 7));
        let report = Report::new("h", &envelope, 0, vec![fate]).unwrap();
        let text = whole(&report, Returned::Header, "Subject: ü\r\n");
        assert!(text.contains("message/global-delivery-status") && text.contains("message/global-headers"));
        assert!(text.contains("Final-Recipient: utf-8; jörg@bücher.test\r\n"), "{text}");
        assert!(report.envelope().smtp_utf8);
    }
}
