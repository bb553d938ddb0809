use alloc::vec::Vec;

use super::{Element, FetchItems, ListOf, MailboxArg};
use crate::{encode, grammar::notify};

/// NOTIFY (RFC 5465 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notify<'b> {
    /// `NONE`: no events at all.
    None,
    /// `SET`: these events from now on, instead of those before.
    Set {
        /// `STATUS`: a STATUS response for each mailbox, at once.
        status: bool,
        /// Where what is to be told, at least one.
        groups: ListOf<'b, EventGroup<'b>>,
    },
}

impl Notify<'_> {
    /// Whether expunged messages of the selected mailbox may be told at any time (RFC 5465 section 5.3): SELECTED with MessageExpunge.
    #[must_use]
    pub fn expunges_at_once(&self) -> bool {
        let Self::Set { groups, .. } = self else { return false };
        groups.iter().any(|g| {
            g.filter == MailboxFilter::Selected
                && g.events.is_some_and(|e| e.iter().any(|e| e == NotifyEvent::MessageExpunge))
        })
    }
}

/// `event-group` (RFC 5465 section 8): mailboxes, and what is to be told of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventGroup<'b> {
    /// Which mailboxes.
    pub filter: MailboxFilter<'b>,
    /// Which events; `None` is NONE.
    pub events: Option<ListOf<'b, NotifyEvent<'b>>>,
}

impl<'b> EventGroup<'b> {
    /// These events of these mailboxes.
    #[must_use]
    pub const fn new(filter: MailboxFilter<'b>, events: Option<ListOf<'b, NotifyEvent<'b>>>) -> Self {
        Self { filter, events }
    }
}

impl<'b> Element<'b> for EventGroup<'b> {
    fn read(i: &'b [u8], utf8: bool) -> Option<(&'b [u8], Self)> {
        notify::event_group(i, utf8).ok()
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'(');
        self.filter.write(out);
        match self.events {
            Some(events) => {
                out.extend_from_slice(b" (");
                encode::list_of(out, events);
                out.extend_from_slice(b"))");
            }
            None => out.extend_from_slice(b" NONE)"),
        }
    }
}

/// `filter-mailboxes` (RFC 5465 section 6, RFC 7377 section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MailboxFilter<'b> {
    /// `selected`: whatever mailbox is selected; events at once.
    Selected,
    /// `selected-delayed`: the same, but EXPUNGE waits for a command. Not in ESEARCH.
    SelectedDelayed,
    /// `inboxes`: where mail is delivered to.
    Inboxes,
    /// `personal`: all of the user's own.
    Personal,
    /// `subscribed`
    Subscribed,
    /// `subtree`: these and all below them.
    Subtree(ListOf<'b, MailboxArg<'b>>),
    /// `subtree-one`: these and their children (RFC 7377).
    SubtreeOne(ListOf<'b, MailboxArg<'b>>),
    /// `mailboxes`: just these.
    Mailboxes(ListOf<'b, MailboxArg<'b>>),
}

impl MailboxFilter<'_> {
    /// Whether it names mailboxes, and does so in UTF-8.
    pub(crate) fn uses_utf8(&self) -> bool {
        match self {
            Self::Subtree(list) | Self::SubtreeOne(list) | Self::Mailboxes(list) => {
                list.first().is_some_and(|m| m.is_utf8())
            }
            _ => false,
        }
    }
}

impl<'b> Element<'b> for MailboxFilter<'b> {
    fn read(i: &'b [u8], utf8: bool) -> Option<(&'b [u8], Self)> {
        notify::filter(i, utf8).ok()
    }
    fn write(&self, out: &mut Vec<u8>) {
        let (name, mailboxes) = match *self {
            Self::Selected => (&b"selected"[..], None),
            Self::SelectedDelayed => (&b"selected-delayed"[..], None),
            Self::Inboxes => (&b"inboxes"[..], None),
            Self::Personal => (&b"personal"[..], None),
            Self::Subscribed => (&b"subscribed"[..], None),
            Self::Subtree(list) => (&b"subtree"[..], Some(list)),
            Self::SubtreeOne(list) => (&b"subtree-one"[..], Some(list)),
            Self::Mailboxes(list) => (&b"mailboxes"[..], Some(list)),
        };
        out.extend_from_slice(name);
        if let Some(list) = mailboxes {
            out.extend_from_slice(b" (");
            encode::list_of(out, list);
            out.push(b')');
        }
    }
}

/// `event` (RFC 5465 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotifyEvent<'b> {
    /// `MessageNew`, and for the selected mailbox what is to be fetched of the message.
    MessageNew(Option<FetchItems<'b>>),
    /// `MessageExpunge`
    MessageExpunge,
    /// `FlagChange`
    FlagChange,
    /// `AnnotationChange`
    AnnotationChange,
    /// `MailboxName`: created, deleted, renamed.
    MailboxName,
    /// `SubscriptionChange`
    SubscriptionChange,
    /// `MailboxMetadataChange`
    MailboxMetadataChange,
    /// `ServerMetadataChange`
    ServerMetadataChange,
    /// Another one: answer `NO [BADEVENT (...)]` with those that are known.
    Other(&'b str),
}

impl NotifyEvent<'_> {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &str {
        match self {
            Self::MessageNew(_) => "MessageNew",
            Self::MessageExpunge => "MessageExpunge",
            Self::FlagChange => "FlagChange",
            Self::AnnotationChange => "AnnotationChange",
            Self::MailboxName => "MailboxName",
            Self::SubscriptionChange => "SubscriptionChange",
            Self::MailboxMetadataChange => "MailboxMetadataChange",
            Self::ServerMetadataChange => "ServerMetadataChange",
            Self::Other(name) => name,
        }
    }

    /// Whether it is a `message-event`: those alone are allowed for the selected mailbox.
    #[must_use]
    pub const fn is_message_event(&self) -> bool {
        matches!(self, Self::MessageNew(_) | Self::MessageExpunge | Self::FlagChange | Self::AnnotationChange)
    }
}

impl<'b> Element<'b> for NotifyEvent<'b> {
    fn read(i: &'b [u8], _utf8: bool) -> Option<(&'b [u8], Self)> {
        notify::event(i).ok()
    }
    fn write(&self, out: &mut Vec<u8>) {
        encode::atom(out, self.name().as_bytes());
        if let Self::MessageNew(Some(items)) = self {
            out.push(b' ');
            encode::fetch_items(out, *items);
        }
    }
}
