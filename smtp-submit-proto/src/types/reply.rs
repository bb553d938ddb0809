use core::fmt;

/// A reply code with its enhanced status code (RFC 5321 section 4.2, RFC 3463, RFC 2034).
///
/// The class of the enhanced code is the first digit of the reply code: they cannot disagree, as
/// RFC 2034 section 4 demands.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status {
    code: u16,
    subject: u16,
    detail: u16,
}

impl Status {
    /// A code of 2yz, 4yz or 5yz, and the enhanced code's subject and detail, each up to 999.
    #[must_use]
    pub const fn new(code: u16, subject: u16, detail: u16) -> Option<Self> {
        let class_fits = matches!(code, 200..=259 | 400..=459 | 500..=559);
        if class_fits && subject <= 999 && detail <= 999 {
            Some(Self { code, subject, detail })
        } else {
            None
        }
    }

    const fn known(code: u16, subject: u16, detail: u16) -> Self {
        Self { code, subject, detail }
    }

    /// The three-digit code.
    #[must_use]
    pub const fn code(self) -> u16 {
        self.code
    }

    /// The enhanced code: class, subject, detail.
    #[must_use]
    pub const fn enhanced(self) -> (u16, u16, u16) {
        (self.code / 100, self.subject, self.detail)
    }

    /// 2yz: done.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.code < 300
    }

    /// 4yz: trying again later may work.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(self.code, 400..=499)
    }

    /// 4yz or 5yz.
    #[must_use]
    pub const fn is_refusal(self) -> bool {
        self.code >= 400
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (class, subject, detail) = self.enhanced();
        write!(f, "{} {class}.{subject}.{detail}", self.code)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The statuses of RFC 5321 section 4.2.3, RFC 4954 section 6 and RFC 5248 section 3 that this server
/// side knows by name.
pub mod status {
    use super::Status;

    macro_rules! status {
        ($($(#[$doc:meta])* $name:ident = $code:literal, $subject:literal, $detail:literal;)*) => {
            $($(#[$doc])* pub const $name: Status = Status::known($code, $subject, $detail);)*
        };
    }
    status! {
        /// A command without anything of its own to say.
        OK = 250, 0, 0;
        /// Before the handshake (RFC 3207 section 4).
        READY_FOR_TLS = 220, 0, 0;
        /// QUIT.
        CLOSING = 221, 0, 0;
        /// HELP.
        HELP = 214, 0, 0;
        /// The sender's address is good (RFC 3463: X.1.0 with MAIL).
        SENDER_OK = 250, 1, 0;
        /// The recipient's address is good (RFC 3463 section 3.2).
        RECIPIENT_OK = 250, 1, 5;
        /// The message is taken.
        MESSAGE_OK = 250, 0, 0;
        /// VRFY without an answer (RFC 5321 section 3.5.3).
        CANNOT_VERIFY = 252, 2, 5;
        /// AUTH done (RFC 4954 section 6).
        AUTHENTICATED = 235, 7, 0;
        /// The service stops.
        SHUTTING_DOWN = 421, 3, 2;
        /// The session is not permitted any more.
        NO_LONGER_PERMITTED = 421, 7, 0;
        /// The client was too slow, or silent.
        TIMED_OUT = 421, 4, 2;
        /// Too many faulty commands.
        TOO_MANY_ERRORS = 421, 7, 0;
        /// Too many connections.
        TOO_BUSY = 421, 3, 2;
        /// The server failed; again later.
        LOCAL_ERROR = 451, 3, 0;
        /// The store is full, for now (RFC 1870 section 6.1).
        NO_STORAGE_NOW = 452, 3, 1;
        /// More recipients than one transaction takes (RFC 5321 section 4.5.3.1.10).
        TOO_MANY_RECIPIENTS = 452, 5, 3;
        /// More transactions than one connection takes (RFC 9422 section 4.1).
        TOO_MANY_TRANSACTIONS = 452, 5, 3;
        /// The recipient's mailbox is full, for now.
        MAILBOX_FULL = 452, 2, 2;
        /// The credentials could not be looked at now (RFC 4954 section 6).
        TEMPORARY_AUTH_FAILURE = 454, 7, 0;
        /// TLS is not to be had now (RFC 3207 section 4).
        TLS_NOT_AVAILABLE = 454, 7, 0;
        /// No such command.
        UNRECOGNISED = 500, 5, 2;
        /// The line is too long, or not a line.
        BAD_LINE = 500, 5, 2;
        /// An AUTH line longer than the buffer (RFC 4954 section 6).
        AUTH_LINE_TOO_LONG = 500, 5, 6;
        /// The arguments do not parse.
        BAD_ARGUMENTS = 501, 5, 4;
        /// Base64 that is none (RFC 4954 section 4).
        BAD_BASE64 = 501, 5, 2;
        /// The client ended the authentication (RFC 4954 section 4).
        AUTH_CANCELLED = 501, 7, 0;
        /// The sender's address does not parse (RFC 3463 section 3.2).
        BAD_SENDER_SYNTAX = 501, 1, 7;
        /// The recipient's address does not parse (RFC 3463 section 3.2).
        BAD_RECIPIENT_SYNTAX = 501, 1, 3;
        /// A command this server does not have.
        NOT_IMPLEMENTED = 502, 5, 1;
        /// A command in the wrong place.
        OUT_OF_ORDER = 503, 5, 1;
        /// No such mechanism (RFC 4954 section 4).
        UNKNOWN_MECHANISM = 504, 5, 4;
        /// Who are you? (RFC 4954 section 6)
        AUTH_REQUIRED = 530, 7, 0;
        /// The mechanism is too weak for this user (RFC 4954 section 6).
        MECHANISM_TOO_WEAK = 534, 7, 9;
        /// Wrong credentials (RFC 4954 section 6).
        BAD_CREDENTIALS = 535, 7, 8;
        /// The mechanism wants TLS (RFC 4954 section 6).
        ENCRYPTION_REQUIRED = 538, 7, 11;
        /// No such mailbox here (RFC 3463 section 3.2).
        NO_SUCH_MAILBOX = 550, 1, 1;
        /// Not allowed: relaying, a foreign sender (RFC 6409 section 6).
        NOT_ALLOWED = 550, 7, 1;
        /// Content that cannot be taken as it is (RFC 3463 section 3.7).
        BAD_CONTENT = 554, 6, 0;
        /// Larger than the server ever takes (RFC 1870 section 6.1).
        TOO_BIG = 552, 3, 4;
        /// The recipient's mailbox is full.
        OVER_QUOTA = 552, 2, 2;
        /// Non-ASCII in an address without SMTPUTF8 (RFC 6531 section 3.5).
        NON_ASCII_ADDRESS = 553, 6, 7;
        /// DATA without a recipient (RFC 5321 section 3.3).
        NO_VALID_RECIPIENTS = 554, 5, 1;
        /// The transaction failed.
        TRANSACTION_FAILED = 554, 3, 0;
        /// A parameter nobody knows (RFC 5321 section 4.1.1.11).
        UNKNOWN_PARAMETER = 555, 5, 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_follows_the_code() {
        let s = Status::new(550, 1, 1).unwrap();
        assert_eq!((s, s.enhanced()), (status::NO_SUCH_MAILBOX, (5, 1, 1)));
        assert!(s.is_refusal() && !s.is_transient() && !s.is_positive());
        assert!(status::LOCAL_ERROR.is_transient());
        for bad in [0, 199, 354, 334, 260, 600, 999] {
            assert_eq!(Status::new(bad, 0, 0), None);
        }
        assert_eq!(Status::new(250, 1000, 0), None);
    }
}
