//! The command line of `mailserver export` and `mailserver import`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mail_transfer::mbox::MboxKind;

const EXPORT: &str = "\
Examples:
  mailserver export alice@example.test alice.tar
        everything, in one file: import brings it back as it was, UIDs and all
  mailserver export alice@example.test - | zstd > alice.tar.zst
        the same through a pipe
  mailserver export alice@example.test alice-mail --format maildir
        for Dovecot or mutt: INBOX in alice-mail, its other mailboxes in alice-mail/.Sent and so on
  mailserver export alice@example.test alice-mbox --format mbox --mailbox 'Archive/*' --mailbox INBOX
        some mailboxes, each in a file: alice-mbox/Archive/2024.mbox
  tar tvf alice.tar
        what is in an archive; its format is told in mail-transfer/ARCHIVE.md

What the formats keep:
  archive   everything: octets, UIDs, flags, dates with zones, subscriptions, special uses, annotations
  maildir   messages, flags, 26 keywords a mailbox, dates (in UTC), subscriptions; UIDs for Dovecot. Files have LF line ends
  mbox      messages, flags, keywords, dates (in UTC). LF line ends; lines `From ` are quoted (mboxrd). Fields of mbox programs
            (Status, X-Status, X-Keywords, Content-Length ...) are written anew

Passwords are not exported. Ends with 0, with 3 when damaged messages were left out, with 1 when it could not be done.";

const IMPORT: &str = "\
Examples:
  mailserver import alice@example.test alice.tar
        into a mailbox that has no mail: with the UIDs it had. It is seen when all of it is there
  mailserver import alice@example.test alice.tar --merge
        into a mailbox that has mail: with new UIDs
  mailserver import alice@example.test ~/Maildir
        a Maildir with all its folders, added to what is there
  mailserver import alice@example.test old.mbox --into 'Old mail/2019'
        one mbox file into one mailbox
  mailserver import alice@example.test Profile/Mail/'Local Folders' --into Thunderbird
        a folder of mbox files, all into one mailbox
  mailserver import alice@example.test alice.tar --dry-run
        read and check everything, change nothing
  mailserver import alice@example.test ~/Maildir --resume
        go on after an interruption

How an import goes on: with --resume, a message whose octets are already in its mailbox is passed over, as many times as it
is there. An archive that comes back with its UIDs goes on behind the last message that is there; without --resume it
begins anew. What is killed in the middle leaves whole messages only.

Line ends become CRLF, as mail has them, but for archives, which keep every octet. Links are not followed.
Ends with 0, with 3 when messages were left out (too big, or damaged), with 1 when it could not be done.";

/// A format on the command line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Format {
    /// One tar file with everything
    Archive,
    /// A folder of mbox files, or one mbox file
    Mbox,
    /// A Maildir++ folder
    Maildir,
}

#[derive(Args, Debug)]
#[command(after_long_help = EXPORT)]
pub(crate) struct Export {
    /// The mailbox owner's address
    pub(crate) address: String,
    /// The file (archive; `-` is standard output) or the new folder (mbox, maildir) to write
    #[arg(value_name = "TO")]
    pub(crate) to: PathBuf,
    /// In which form
    #[arg(long, value_enum, default_value_t = Format::Archive)]
    pub(crate) format: Format,
    /// Only mailboxes of this name; `*` is any text, `%` any but `/`. May stand several times
    #[arg(long, value_name = "PATTERN")]
    pub(crate) mailbox: Vec<String>,
    /// Say what there is to export, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Args, Debug)]
#[command(after_long_help = IMPORT)]
pub(crate) struct Import {
    /// The mailbox owner's address
    pub(crate) address: String,
    /// The file or folder to read; `-` is an archive on standard input
    #[arg(value_name = "FROM")]
    pub(crate) from: PathBuf,
    /// In which form it is; otherwise it is looked at
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// How lines `From ` are told from the beginnings of messages in mbox files
    #[arg(long, value_enum, default_value_t = Kind::Mboxrd)]
    pub(crate) mbox_kind: Kind,
    /// Only mailboxes of this name, as the source has them; `*` is any text, `%` any but `/`. May stand several times
    #[arg(long, value_name = "PATTERN")]
    pub(crate) mailbox: Vec<String>,
    /// Put everything into this mailbox; `/` parts it from those above
    #[arg(long, value_name = "MAILBOX")]
    pub(crate) into: Option<String>,
    /// Add an archive to what is there, with new UIDs; mbox and Maildir are always added
    #[arg(long)]
    pub(crate) merge: bool,
    /// Go on with an import that was cut short
    #[arg(long)]
    pub(crate) resume: bool,
    /// Read and check everything, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// A dialect of mbox on the command line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Kind {
    /// `>From ` and `>>From ` lose one `>` (mutt, qmail, this program)
    Mboxrd,
    /// Only `>From ` loses its `>` (Python and many others)
    Mboxo,
    /// As mboxo, with Content-Length fields (System V)
    Mboxcl,
    /// Content-Length fields, and nothing quoted
    Mboxcl2,
}

impl From<Kind> for MboxKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Mboxrd => Self::Mboxrd,
            Kind::Mboxo => Self::Mboxo,
            Kind::Mboxcl => Self::Mboxcl,
            Kind::Mboxcl2 => Self::Mboxcl2,
        }
    }
}
