//! mbox: all messages of a mailbox in one file (RFC 4155).
//!
//! # What is written
//! The form called mboxrd: before each message a line `From sender date` (the sender of Return-Path, else
//! `MAILER-DAEMON`; the internal date in UTC), lines ended by LF, lines that begin with `From ` or `>From ` (with any number of
//! `>`) with one more `>` before them, an empty line after each message. Flags stand in the header as Dovecot
//! and mutt write them: `Status:` (`R` seen, `O` old), `X-Status:` (`A` answered, `F` flagged, `T` draft, `D` deleted),
//! `X-Keywords:`.
//!
//! An account is a folder: mailbox `Work/2024` is the file `Work/2024.mbox` in it, [`file_of`] tells how.
//!
//! # What is lost
//! UIDs, the zone of the internal date, whether a line ended with CRLF or LF (all end with CRLF when they come
//! back), a missing end of the last line; and the fields that mbox programs take for their own:
//! Status, X-Status, X-Keywords, Content-Length, X-UID, X-IMAP, X-IMAPbase. What must come back octet by octet goes
//! into an [`archive`](crate::archive).
//!
//! # What is read
//! A line is a From_ line when it begins with `From ` and a date in one of the usual forms follows the
//! sender. Quoting is undone as [`MboxKind`] says. Flags are read from the fields above, which are taken out; the internal
//! date is the From_ line's. A folder is read with the files of Thunderbird (`Work.sbd/2024`) and Apple Mail
//! (`Work.mbox/mbox`) as well. The first message of some servers' files, which has an X-IMAP field and says that it is
//! internal data, is passed over.

mod folder;
mod from_line;
mod header;
mod read;
mod status;
mod write;

pub use folder::{MboxFolder, MboxSource, file_of, name_of};
pub use read::{MboxMessage, MboxReader};
pub use write::MboxWriter;

/// How an mbox file that is read tells a body's line that begins with `From ` from the beginning of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MboxKind {
    /// Lines `>From `, with any number of `>`, have lost one `>` when they come back: mutt, qmail, this crate.
    #[default]
    Mboxrd,
    /// Lines `>From ` have lost their `>`; `>>From ` stays. The oldest form; Python and many others write it.
    Mboxo,
    /// As [`Mboxo`](Self::Mboxo), and a Content-Length field says how long the text is (System V). One that is wrong is
    /// not believed.
    Mboxcl,
    /// Content-Length alone; nothing is quoted.
    Mboxcl2,
}
