use super::{
    Context, Fault, Parse, before, fault, fetch,
    keyword::{keyword, words},
    list_of::{in_parentheses, list_of},
    octet, sp,
    string::{astring, atom},
};
use crate::types::{Capabilities, EventGroup, ListOf, MailboxArg, MailboxFilter, Notify, NotifyEvent};

words! {
    SET = b"SET"; NONE = b"NONE"; STATUS = b"STATUS"; SELECTED = b"SELECTED"; SELECTED_DELAYED = b"SELECTED-DELAYED";
    INBOXES = b"INBOXES"; PERSONAL = b"PERSONAL"; SUBSCRIBED = b"SUBSCRIBED"; SUBTREE = b"SUBTREE";
    SUBTREE_ONE = b"SUBTREE-ONE"; MAILBOXES = b"MAILBOXES";
}

/// `notify = "NOTIFY" SP (notify-set / notify-none)`, with `notify-set = "SET" [status-indicator] SP event-groups`,
/// `event-groups = event-group *(SP event-group)` and `notify-none = "NONE"` (RFC 5465 section 8); after the name.
pub(super) fn notify(i: &[u8], context: Context) -> Parse<'_, Notify<'_>> {
    let (i, name) = keyword(sp(i)?.0);
    match name {
        NONE => return Ok((i, Notify::None)),
        SET => {}
        _ => return fault("NOTIFY is SET or NONE"),
    }
    let (mut i, ()) = sp(i)?;
    let mut status = false;
    if let (rest, STATUS) = keyword(i) {
        status = true;
        (i, ()) = sp(rest)?;
    }
    let mut selected = false;
    let (i, groups) = list_of(i, context.utf8, |i| {
        let (rest, group) = group(i, context)?;
        if check(&group, context)? && core::mem::replace(&mut selected, true) {
            return fault("Only one group is for the selected mailbox");
        }
        Ok((rest, group))
    })?;
    Ok((i, Notify::Set { status, groups }))
}

/// What the comments of RFC 5465 section 8 and section 5 want of a group. Whether it is for the selected mailbox.
fn check(group: &EventGroup<'_>, context: Context) -> Result<bool, nom::Err<Fault>> {
    let selected = matches!(group.filter, MailboxFilter::Selected | MailboxFilter::SelectedDelayed);
    if matches!(group.filter, MailboxFilter::SubtreeOne(_)) {
        context.needs(Capabilities::MULTISEARCH, "MULTISEARCH is not on")?;
    }
    let (mut new, mut expunge, mut change) = (false, false, false);
    for event in group.events.iter().flatten() {
        match event {
            NotifyEvent::MessageNew(Some(_)) if !selected => {
                return fault("Items are fetched of the selected mailbox alone");
            }
            NotifyEvent::MessageNew(_) => new = true,
            NotifyEvent::MessageExpunge => expunge = true,
            NotifyEvent::FlagChange | NotifyEvent::AnnotationChange => change = true,
            NotifyEvent::Other(_) => {}
            _ if selected => return fault("The selected mailbox has only events of messages"),
            _ => {}
        }
    }
    if new != expunge || change && !new {
        return fault("MessageNew and MessageExpunge belong together, and to FlagChange");
    }
    Ok(selected)
}

/// `event-group`, of a command
fn group(i: &[u8], context: Context) -> Parse<'_, EventGroup<'_>> {
    group_with(i, context.utf8, context)
}

/// `event-group = "(" filter-mailboxes SP events ")"` (RFC 5465 section 8), read again
pub(crate) fn event_group(i: &[u8], utf8: bool) -> Parse<'_, EventGroup<'_>> {
    group_with(i, utf8, Context::ALL)
}

fn group_with(i: &[u8], utf8: bool, context: Context) -> Parse<'_, EventGroup<'_>> {
    let (i, filter) = filter(octet(i, b'(', "An event group is missing")?, utf8)?;
    let (i, ()) = sp(i)?;
    // `events = ("(" event *(SP event) ")") / "NONE"`
    let (i, events) = match keyword(i) {
        (i, NONE) => (i, None),
        _ => in_parentheses(i, false, false, |i| event_with(i, context)).map(|(i, e)| (i, Some(e)))?,
    };
    Ok((octet(i, b')', "An event group does not end")?, EventGroup::new(filter, events)))
}

/// `filter-mailboxes = filter-mailboxes-selected / filter-mailboxes-other`, with
/// `filter-mailboxes-other = "inboxes" / "personal" / "subscribed" / ("subtree" SP one-or-more-mailbox) /
/// ("mailboxes" SP one-or-more-mailbox)` (RFC 5465 section 8) and `("subtree-one" SP one-or-more-mailbox)` (RFC 7377 section 4)
pub(crate) fn filter(i: &[u8], utf8: bool) -> Parse<'_, MailboxFilter<'_>> {
    let (rest, name) = keyword(i);
    let make = match name {
        SELECTED => return Ok((rest, MailboxFilter::Selected)),
        SELECTED_DELAYED => return Ok((rest, MailboxFilter::SelectedDelayed)),
        INBOXES => return Ok((rest, MailboxFilter::Inboxes)),
        PERSONAL => return Ok((rest, MailboxFilter::Personal)),
        SUBSCRIBED => return Ok((rest, MailboxFilter::Subscribed)),
        SUBTREE => MailboxFilter::Subtree,
        SUBTREE_ONE => MailboxFilter::SubtreeOne,
        MAILBOXES => MailboxFilter::Mailboxes,
        _ => return fault("Unknown mailbox specifier"),
    };
    one_or_more_mailbox(sp(rest)?.0, utf8).map(|(rest, list)| (rest, make(list)))
}

/// `one-or-more-mailbox = mailbox / many-mailboxes`, with `many-mailboxes = "(" mailbox *(SP mailbox) ")"` (RFC 5465 section 8)
fn one_or_more_mailbox(i: &[u8], utf8: bool) -> Parse<'_, ListOf<'_, MailboxArg<'_>>> {
    let mailbox = |i| astring(i).map(|(rest, name)| (rest, MailboxArg::new(name, utf8)));
    if i.first() == Some(&b'(') {
        return in_parentheses(i, utf8, false, mailbox);
    }
    let (rest, _) = mailbox(i)?;
    Ok((rest, ListOf::from_wire(before(i, rest), utf8)))
}

/// `event = message-event / mailbox-event / user-event / event-ext`, with
/// `message-event = ("MessageNew" [SP "(" fetch-att *(SP fetch-att) ")"]) / ...` and `event-ext = atom` (RFC 5465 section 8), read again
pub(crate) fn event(i: &[u8]) -> Parse<'_, NotifyEvent<'_>> {
    event_with(i, Context::ALL)
}

fn event_with(i: &[u8], context: Context) -> Parse<'_, NotifyEvent<'_>> {
    const PLAIN: [NotifyEvent<'_>; 7] = [
        NotifyEvent::MessageExpunge,
        NotifyEvent::FlagChange,
        NotifyEvent::AnnotationChange,
        NotifyEvent::MailboxName,
        NotifyEvent::SubscriptionChange,
        NotifyEvent::MailboxMetadataChange,
        NotifyEvent::ServerMetadataChange,
    ];
    let (rest, name) = atom(i)?;
    if name.eq_ignore_ascii_case("MessageNew") {
        let [b' ', items @ ..] = rest else { return Ok((rest, NotifyEvent::MessageNew(None))) };
        if items.first() != Some(&b'(') {
            return Ok((rest, NotifyEvent::MessageNew(None)));
        }
        return fetch::items(items, context)
            .map(|(rest, items)| (rest, NotifyEvent::MessageNew(Some(items))));
    }
    let known = PLAIN.into_iter().find(|e| e.name().eq_ignore_ascii_case(name));
    Ok((rest, known.unwrap_or(NotifyEvent::Other(name))))
}
