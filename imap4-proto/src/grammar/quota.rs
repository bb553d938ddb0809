use super::{
    Context, Parse,
    list::mailbox,
    list_of::in_parentheses,
    number::number64,
    response::sp_or_more,
    sp,
    string::{astring, atom},
};
use crate::types::{Command, QuotaLimit, QuotaResource, Reading};

/// `getquota = "GETQUOTA" SP quota-root-name` and `getquotaroot = "GETQUOTAROOT" SP mailbox` (RFC 9208 section 7); after the name.
pub(super) fn get(i: &[u8], of_mailbox: bool, context: Context) -> Parse<'_, Command<'_>> {
    let (i, ()) = sp(i)?;
    if of_mailbox {
        mailbox(i, context).map(|(i, m)| (i, Command::GetQuotaRoot(m)))
    } else {
        astring(i).map(|(i, root)| (i, Command::GetQuota(root)))
    }
}

/// `setquota = "SETQUOTA" SP quota-root-name SP setquota-list`, with
/// `setquota-list = "(" [setquota-resource *(SP setquota-resource)] ")"` (RFC 9208 section 7); after the name.
pub(super) fn set(i: &[u8]) -> Parse<'_, Command<'_>> {
    let (i, root) = astring(sp(i)?.0)?;
    let (i, limits) = in_parentheses(sp(i)?.0, false, true, limit)?;
    Ok((i, Command::SetQuota { root, limits }))
}

/// `setquota-resource = resource-name SP resource-limit` (RFC 9208 section 7)
pub(crate) fn limit(i: &[u8]) -> Parse<'_, QuotaLimit<'_>> {
    let (i, name) = atom(i)?;
    let (i, limit) = number64(sp(i)?.0)?;
    Ok((i, QuotaLimit::new(name, limit)))
}

/// `quota-resource = resource-name SP resource-usage SP resource-limit` (RFC 9208 section 7)
pub(crate) fn resource(i: &[u8], reading: Reading) -> Parse<'_, QuotaResource<'_>> {
    let (i, name) = atom(i)?;
    let (i, usage) = number64(sp_or_more(i, reading)?.0)?;
    let (i, limit) = number64(sp_or_more(i, reading)?.0)?;
    Ok((i, QuotaResource::new(name, usage, limit)))
}
