use std::{borrow::Cow, time::Duration};

use smtp_submit_proto as smtp;

use crate::Network;

/// How submission sessions behave; shared by all of them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The protocol machine's part. Its mechanisms and STARTTLS are the session's to set: they follow from the
    /// authority and from the connection. So are DELIVERBY, FUTURERELEASE and MT-PRIORITY: they want a
    /// [queue](crate::outbound).
    pub smtp: smtp::Config,
    /// Octets of a message's header that are looked at and held in memory meanwhile.
    pub header_limit: usize,
    /// What is put right in a header.
    pub repairs: Repairs,
    /// What becomes of a message whose `From:` is not the user's to use.
    pub header_from: HeaderFrom,
    /// The longest time in seconds for which a message is held back (FUTURERELEASE, RFC 4865), where there is a
    /// queue; `None`: not offered.
    pub hold_limit: Option<u32>,
    /// The least time in seconds a sender may give for delivery (DELIVERBY, RFC 2852), where there is a queue;
    /// `None`: not offered.
    pub deliver_by_least: Option<u32>,
    /// How long a message is tried that cannot be delivered, before its sender gets it back.
    pub retention: Duration,
    /// From where XCLIENT is taken: a front end there may say for whom it speaks, and whom it has
    /// authenticated. Nowhere by default.
    pub front_ends: Vec<Network>,
    /// How a mailbox that is full refuses.
    pub over_quota: OverQuota,
    /// Nothing goes elsewhere from or to a domain that is a single label (`bob@sales`): it is refused with 554 5.1.8 or 5.1.2
    /// (RFC 6409 section 4.2: "MUST ensure that all domains in the SMTP envelope are fully qualified"). Mailboxes here may be called
    /// so. `true` unless changed.
    pub qualified_domains: bool,
    /// A message with more `Received:` fields than so many goes round in circles, and is refused with 554 5.4.6
    /// (RFC 5321 section 6.3: "normally at least 100"). 100.
    pub hops: usize,
    /// Whether `Received:` names the client's address.
    pub trace_address: bool,
    /// What the client reads when the server stops.
    pub goodbye: Cow<'static, str>,
    /// This client is not served at all.
    pub(crate) closed_door: bool,
}

impl Config {
    /// A submission server of this name.
    pub fn new(hostname: impl Into<String>) -> Self {
        let mut smtp = smtp::Config::new(hostname);
        smtp.chunking = true;
        smtp.binary_mime = true;
        smtp.dsn = true;
        smtp.smtp_utf8 = true;
        smtp.tell_limits = true;
        smtp.require_tls = true;
        Self {
            smtp,
            header_limit: 64 * 1024,
            repairs: Repairs::default(),
            header_from: HeaderFrom::default(),
            hold_limit: Some(30 * 86_400),
            deliver_by_least: Some(60),
            retention: Duration::from_secs(5 * 86_400),
            front_ends: Vec::new(),
            over_quota: OverQuota::default(),
            qualified_domains: true,
            hops: 100,
            trace_address: true,
            goodbye: Cow::Borrowed("shutting down"),
            closed_door: false,
        }
    }

    /// Seconds.
    pub(super) fn keep_for(&self) -> i64 {
        i64::try_from(self.retention.as_secs()).unwrap_or(i64::MAX)
    }
}

/// What is put right in a header (RFC 6409 section 8). A field without a value counts as missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Repairs {
    /// `Date:` is added (section 8.2). On by default.
    pub date: bool,
    /// `Message-ID:` is added, and put in place of one that is none: without `<`, `@` and `>`, or with a space between them
    /// (section 8.3). On by default.
    pub message_id: bool,
    /// `From:` is added, with the address of MAIL (RFC 5322 section 3.6 wants one). On by default.
    pub from: bool,
    /// `Bcc:` and `Resent-Bcc:` are taken out, for clients that do not do so themselves (RFC 5322 section
    /// 3.6.3). Off by default.
    pub strip_bcc: bool,
}

impl Default for Repairs {
    fn default() -> Self {
        Self { date: true, message_id: true, from: true, strip_bcc: false }
    }
}

/// What becomes of a message whose `From:` names somebody the user may not send as
/// ([`Router::sender`](super::Router::sender) says who that is).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum HeaderFrom {
    /// Nothing: `From:` is not looked at.
    Any,
    /// `Sender:` says who sent it: the address of MAIL (RFC 6409 section 8.1).
    #[default]
    NameSender,
    /// It is refused with 550 5.7.1 (RFC 6409 section 6.1).
    Refuse,
}

/// How a mailbox over its quota refuses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum OverQuota {
    /// 452 4.2.2: the sender tries again.
    #[default]
    Temporary,
    /// 552 5.2.2: the sender is told at once.
    Permanent,
}
