//! Mailbox names between the wire and the store.

use std::borrow::Cow;

use imap4_proto::types::MailboxArg;
use mailstore_api::{
    Account, ErrorKind, MailboxId, MailboxInfo, MailboxName, Result as StoreResult, StoreError,
};
use unicode_normalization::{UnicodeNormalization as _, is_nfc};

/// Why a name on the wire is no mailbox's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BadName;

/// The mailbox a name on the wire means.
pub(super) fn parse(arg: &MailboxArg<'_>, delimiter: char) -> Result<MailboxName, BadName> {
    let name = arg.decode().map_err(|_| BadName)?;
    from_text(&name, delimiter)
}

/// The name of a mailbox that is to be.
pub(super) struct NewName {
    pub(super) name: MailboxName,
    /// What the client called it, where that is not Net-Unicode (RFC 5198): RFC 9051 section 6.3.4.
    pub(super) given: Option<String>,
}

/// For CREATE and RENAME: a delimiter at the end announces children and is dropped (RFC 9051 section 6.3.4), and letters are
/// composed, so that no two mailboxes look the same.
pub(super) fn parse_new(arg: &MailboxArg<'_>, delimiter: char) -> Result<NewName, BadName> {
    let given = arg.decode().map_err(|_| BadName)?;
    let composed = composed(given.strip_suffix(delimiter).unwrap_or(&given));
    let name = from_text(&composed, delimiter)?;
    let is_other = matches!(composed, Cow::Owned(_));
    Ok(NewName { name, given: is_other.then(|| given.into_owned()) })
}

/// The text with its letters composed (NFC).
pub(super) fn composed(text: &str) -> Cow<'_, str> {
    if is_nfc(text) { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}

/// The mailbox of this name; where there is none, of the name that CREATE makes of it.
pub(super) async fn find<Ac: Account>(account: &Ac, name: &MailboxName) -> StoreResult<Option<MailboxInfo>> {
    let found = account.find(name).await?;
    if found.is_some() || name.parts().iter().all(|part| is_nfc(part)) {
        return Ok(found);
    }
    match MailboxName::new(name.parts().iter().map(|part| composed(part).into_owned())) {
        Ok(composed) => account.find(&composed).await,
        Err(_) => Ok(None),
    }
}

/// The mailbox that APPEND, COPY or MOVE puts messages into.
///
/// # Errors
/// [`ErrorKind::NotFound`] where CREATE would make it. Of what is there already and takes no messages, it is "certain that the
/// destination mailbox can not be created" (RFC 3502 section 6.3.11): no TRYCREATE.
pub(super) async fn target<Ac: Account>(account: &Ac, name: &MailboxName) -> StoreResult<MailboxId> {
    match find(account, name).await? {
        Some(MailboxInfo { id: Some(id), selectable: true, .. }) => Ok(id),
        Some(MailboxInfo { id: Some(_), .. }) => {
            Err(StoreError::new(ErrorKind::Cannot, "the mailbox takes no messages"))
        }
        _ => Err(ErrorKind::NotFound.into()),
    }
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
