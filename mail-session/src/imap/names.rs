//! Mailbox names between the wire and the store.

use imap4_proto::types::MailboxArg;
use mailstore_api::MailboxName;

/// Why a name on the wire is no mailbox's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BadName;

/// The mailbox a name on the wire means.
pub(super) fn parse(arg: &MailboxArg<'_>, delimiter: char) -> Result<MailboxName, BadName> {
    let name = arg.decode().map_err(|_| BadName)?;
    from_text(&name, delimiter)
}

/// For CREATE: a delimiter at the end announces children and is dropped (RFC 9051 section 6.3.4).
pub(super) fn parse_new(arg: &MailboxArg<'_>, delimiter: char) -> Result<MailboxName, BadName> {
    let name = arg.decode().map_err(|_| BadName)?;
    from_text(name.strip_suffix(delimiter).unwrap_or(&name), delimiter)
}

pub(super) fn from_text(name: &str, delimiter: char) -> Result<MailboxName, BadName> {
    MailboxName::new(name.split(delimiter)).map_err(|_| BadName)
}

/// The name as it goes to the wire; `None` where a part holds the delimiter: no client could name it.
pub(super) fn to_text(name: &MailboxName, delimiter: char) -> Option<String> {
    if name.parts().iter().any(|p| p.contains(delimiter)) {
        return None;
    }
    let mut buffer = [0; 4];
    Some(name.parts().join(delimiter.encode_utf8(&mut buffer)))
}
