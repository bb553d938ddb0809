use crate::{ForwardPath, MailParams, RcptParams, ReversePath, SaslData};

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
    /// VRFY with a user or mailbox.
    Vrfy(&'b str),
    /// EXPN with a mailing list.
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
        }
    }
}
