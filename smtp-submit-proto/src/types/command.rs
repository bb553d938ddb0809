use crate::{ForwardPath, MailParams, RcptParams, ReversePath, SaslData, Xclient};

/// The name of a command.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Verb {
    /// RFC 5321 section 4.1.1.1
    Ehlo,
    /// RFC 5321 section 4.1.1.1
    Helo,
    /// RFC 5321 section 4.1.1.2
    Mail,
    /// RFC 5321 section 4.1.1.3
    Rcpt,
    /// RFC 5321 section 4.1.1.4
    Data,
    /// RFC 5321 section 4.1.1.5
    Rset,
    /// RFC 5321 section 4.1.1.6
    Vrfy,
    /// RFC 5321 section 4.1.1.7
    Expn,
    /// RFC 5321 section 4.1.1.8
    Help,
    /// RFC 5321 section 4.1.1.9
    Noop,
    /// RFC 5321 section 4.1.1.10
    Quit,
    /// RFC 4954 section 4
    Auth,
    /// RFC 3207 section 4
    StartTls,
    /// RFC 2033 section 4.1
    Lhlo,
    /// RFC 3030 section 2
    Bdat,
    /// RFC 4468 section 3
    Burl,
    /// Postfix's XCLIENT
    Xclient,
}

impl Verb {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ehlo => "EHLO",
            Self::Helo => "HELO",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Data => "DATA",
            Self::Rset => "RSET",
            Self::Vrfy => "VRFY",
            Self::Expn => "EXPN",
            Self::Help => "HELP",
            Self::Noop => "NOOP",
            Self::Quit => "QUIT",
            Self::Auth => "AUTH",
            Self::StartTls => "STARTTLS",
            Self::Lhlo => "LHLO",
            Self::Bdat => "BDAT",
            Self::Burl => "BURL",
            Self::Xclient => "XCLIENT",
        }
    }
}

/// A command line, read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Command<'b> {
    /// EHLO with the client's name: a domain, an address literal, or what the client thinks is one.
    Ehlo(&'b str),
    /// HELO with the client's name.
    Helo(&'b str),
    /// MAIL: begins a transaction.
    Mail(ReversePath<'b>, MailParams<'b>),
    /// RCPT: adds a recipient.
    Rcpt(ForwardPath<'b>, RcptParams<'b>),
    /// DATA
    Data,
    /// RSET
    Rset,
    /// VRFY with a user or mailbox. ` SMTPUTF8` at its end is the parameter of RFC 6531 section 3.7.4.2: it can be
    /// written, and is dropped where it is read.
    Vrfy(&'b str),
    /// EXPN with a mailing list; as for VRFY.
    Expn(&'b str),
    /// HELP, perhaps with a topic.
    Help(Option<&'b str>),
    /// NOOP, perhaps with words that mean nothing.
    Noop(Option<&'b str>),
    /// QUIT
    Quit,
    /// AUTH with the mechanism's name, and an initial response where the client sent one.
    Auth {
        /// The mechanism's name as written.
        mechanism: &'b str,
        /// The initial response; `=` is one of no octets.
        initial: Option<SaslData<'b>>,
    },
    /// STARTTLS
    StartTls,
    /// LHLO with the client's name: EHLO of LMTP (RFC 2033 section 4.1).
    Lhlo(&'b str),
    /// BDAT: so many octets of content follow the line (RFC 3030 section 2).
    Bdat {
        /// Octets.
        size: u64,
        /// It is the last chunk.
        last: bool,
    },
    /// BURL: the content, or a part of it, is to be fetched (RFC 4468 section 3).
    Burl {
        /// From where: an absolute URI.
        url: &'b str,
        /// It is the last part.
        last: bool,
    },
    /// XCLIENT: a front end says who its client is.
    Xclient(Xclient<'b>),
}

impl Command<'_> {
    /// Its name.
    #[must_use]
    pub const fn verb(&self) -> Verb {
        match self {
            Self::Ehlo(_) => Verb::Ehlo,
            Self::Helo(_) => Verb::Helo,
            Self::Mail(..) => Verb::Mail,
            Self::Rcpt(..) => Verb::Rcpt,
            Self::Data => Verb::Data,
            Self::Rset => Verb::Rset,
            Self::Vrfy(_) => Verb::Vrfy,
            Self::Expn(_) => Verb::Expn,
            Self::Help(_) => Verb::Help,
            Self::Noop(_) => Verb::Noop,
            Self::Quit => Verb::Quit,
            Self::Auth { .. } => Verb::Auth,
            Self::StartTls => Verb::StartTls,
            Self::Lhlo(_) => Verb::Lhlo,
            Self::Bdat { .. } => Verb::Bdat,
            Self::Burl { .. } => Verb::Burl,
            Self::Xclient(_) => Verb::Xclient,
        }
    }
}
