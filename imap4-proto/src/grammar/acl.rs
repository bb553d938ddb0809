use super::{Context, Parse, fault, list::mailbox, sp, string::astring};
use crate::types::{AString, AclEntry, Command, MailboxArg, Rights, RightsChange};

/// `SP mailbox SP identifier`, with `identifier = astring` (RFC 4314 section 7)
pub(super) fn mailbox_and_identifier(i: &[u8], context: Context) -> Parse<'_, (MailboxArg<'_>, AString<'_>)> {
    let (i, mailbox) = mailbox(sp(i)?.0, context)?;
    let (i, identifier) = astring(sp(i)?.0)?;
    Ok((i, (mailbox, identifier)))
}

/// `setacl = "SETACL" SP mailbox SP identifier SP mod-rights`, with `mod-rights = astring ;; +rights to add, -rights to remove`
/// (RFC 4314 section 7); after the name.
pub(super) fn set_acl(i: &[u8], context: Context) -> Parse<'_, Command<'_>> {
    let (i, (mailbox, identifier)) = mailbox_and_identifier(i, context)?;
    let (i, text) = astring(sp(i)?.0)?;
    let text = text.bytes();
    let change = match text.as_ref() {
        [b'+', letters @ ..] => RightsChange::Add(of_letters(letters)?),
        [b'-', letters @ ..] => RightsChange::Remove(of_letters(letters)?),
        letters => RightsChange::Replace(of_letters(letters)?),
    };
    Ok((i, Command::SetAcl { mailbox, identifier, change }))
}

/// `rights = astring ;; only lowercase ASCII letters and digits are allowed.` (RFC 4314 section 7)
pub(crate) fn rights(i: &[u8]) -> Parse<'_, Rights> {
    let (rest, text) = astring(i)?;
    Ok((rest, of_letters(&text.bytes())?))
}

fn of_letters(letters: &[u8]) -> Result<Rights, nom::Err<super::Fault>> {
    match Rights::parse(letters) {
        Some(rights) => Ok(rights),
        None if letters.iter().any(u8::is_ascii_uppercase) => fault("Uppercase rights are not allowed"),
        None => fault("Rights are lowercase letters and digits"),
    }
}

/// `identifier SP rights` (RFC 4314 section 7)
pub(crate) fn entry(i: &[u8]) -> Parse<'_, AclEntry<'_>> {
    let (i, identifier) = astring(i)?;
    let (i, rights) = rights(sp(i)?.0)?;
    Ok((i, AclEntry::new(identifier, rights)))
}
