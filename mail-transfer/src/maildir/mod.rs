//! Maildir: a folder for each mailbox, a file for each message.
//!
//! # What is written
//! Maildir++ as Dovecot lays it out: the folder itself is INBOX, `.Work.2024` in it is the mailbox `Work/2024`, names are in modified
//! UTF-7 (RFC 3501 section 5.1.3). Where a part of a name holds `.`, `/`, `\` or begins with `~`, that is written as `\` and two
//! hexadecimal digits, as Dovecot's plugin `listescape` does. Files have LF line ends, which is what mail programs
//! on Unix expect; their time is the internal date. Flags are letters behind `:2,` (`D` draft, `F` flagged, `P` `$Forwarded`, `R` answered,
//! `S` seen, `T` deleted); keywords are the letters `a` to `z`, which the file `dovecot-keywords` explains. `dovecot-uidlist` keeps UIDVALIDITY
//! and UIDs, so that Dovecot goes on with them; `subscriptions` has the subscribed names.
//!
//! Folders are on the disk when an export ends; the messages' files may still be in the operating system's cache, as after
//! `cp -a`: `sync` waits for them.
//!
//! # What is lost
//! Keywords of a mailbox beyond 26, the zone of the internal date, whether a line ended with CRLF or LF, special uses. What must
//! come back octet by octet goes into an [`archive`](crate::archive).
//!
//! # What is read
//! Maildir++, and folders in folders (`Work/2024/cur`: Dovecot's `LAYOUT=fs`, mbsync). Line ends become CRLF: an LF
//! without CR gets one. Messages come in the order of `dovecot-uidlist`, else of the seconds in their names. Links and
//! special files are not followed. UIDs are not taken over.

mod folder;
mod name;
mod read;
mod write;

pub use folder::{folder_of, name_of};
pub use read::MaildirSource;
pub use write::MaildirFolder;
