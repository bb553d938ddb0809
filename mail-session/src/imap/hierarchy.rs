//! What LIST and LSUB show of an account's mailboxes (RFC 9051 section 6.3.9, RFC 5258, RFC 3501 section 6.3.9).

use std::collections::{BTreeMap, HashSet};

use imap4_proto::types::{ListSelect, MailboxAttributes};
use mailstore_api::{MailboxId, MailboxInfo, MailboxName, SpecialUse};

use super::{names, pattern::Pattern};

/// One line of the answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Row {
    pub(super) attributes: MailboxAttributes,
    pub(super) name: String,
    /// A subscribed name lies below this one, which matches for that alone (RFC 5258 section 3.5).
    pub(super) child_subscribed: bool,
    /// The mailbox, where it can be selected and is not shown for those below it alone: such a one has a STATUS (RFC 5819
    /// section 3, the second example).
    pub(super) id: Option<MailboxId>,
}

/// What is to be listed.
pub(super) struct Wanted {
    pub(super) patterns: Vec<Pattern>,
    pub(super) select: ListSelect,
    /// `\Subscribed` is to be shown.
    pub(super) show_subscribed: bool,
    pub(super) delimiter: char,
}

/// By what names are put into the order they are shown in: INBOX first.
fn place(name: &MailboxName) -> (bool, &MailboxName) {
    (!name.is_inbox(), name)
}

fn put_in_order(mailboxes: &mut [MailboxInfo]) {
    mailboxes.sort_unstable_by(|a, b| place(&a.name).cmp(&place(&b.name)));
}

/// All names that have something below them that exists.
fn parents(mailboxes: &[MailboxInfo], counts: impl Fn(&MailboxInfo) -> bool) -> HashSet<MailboxName> {
    let mut parents = HashSet::new();
    for mailbox in mailboxes.iter().filter(|m| counts(m)) {
        let mut name = mailbox.name.parent();
        while let Some(parent) = name {
            name = parent.parent();
            if !parents.insert(parent) {
                // Those above it are there already.
                break;
            }
        }
    }
    parents
}

/// The rows of LIST.
pub(super) fn list(mailboxes: Vec<MailboxInfo>, wanted: &Wanted) -> Vec<Row> {
    let parents_of_all = parents(&mailboxes, |m| m.id.is_some());
    let subscribed = wanted.select.contains(ListSelect::SUBSCRIBED);
    // SPECIAL-USE is an independent option (RFC 6154 section 6): what is to satisfy both must satisfy each.
    let only_special = wanted.select.contains(ListSelect::SPECIAL_USE);
    // A name that is only subscribed, or only a parent, is none of LIST's unless it is asked for.
    let satisfies = |m: &MailboxInfo| {
        (if subscribed { m.subscribed } else { m.id.is_some() })
            && !(only_special && special_use(m.special_use).is_empty())
    };
    let recursive = subscribed && wanted.select.contains(ListSelect::RECURSIVEMATCH);
    let parents_of_subscribed = if recursive { parents(&mailboxes, satisfies) } else { HashSet::new() };
    // RFC 5258 section 3: what does not satisfy by itself is shown only for a mailbox below it that does, and is not shown.
    // Without options those are the levels of the hierarchy (RFC 9051 section 6.3.5: after DELETE of `foo`, `*` shows
    // `foo.bar`, and `%` shows `foo`).
    let levels = recursive || (!subscribed && !only_special && mailboxes.iter().any(|m| m.id.is_none()));
    let is_shown = |name: &MailboxName| {
        let name = names::to_text(name, wanted.delimiter);
        name.is_some_and(|n| wanted.patterns.iter().any(|p| p.matches(&n)))
    };
    let parents_of_hidden =
        if levels { parents(&mailboxes, |m| satisfies(m) && !is_shown(&m.name)) } else { HashSet::new() };
    let mut all = mailboxes;
    put_in_order(&mut all);
    // RFC 5258 section 3.5: a parent may be no mailbox at all.
    let is_new = |name: &&MailboxName| all.binary_search_by(|m| place(&m.name).cmp(&place(name))).is_err();
    let new: Vec<_> = parents_of_hidden.iter().filter(is_new).map(|name| nothing(name.clone())).collect();
    if !new.is_empty() {
        all.extend(new);
        put_in_order(&mut all);
    }
    let mut rows = Vec::new();
    for mailbox in all {
        let selected = satisfies(&mailbox);
        if !selected && !parents_of_hidden.contains(&mailbox.name) {
            continue;
        }
        let Some(name) = names::to_text(&mailbox.name, wanted.delimiter) else { continue };
        if !wanted.patterns.iter().any(|p| p.matches(&name)) {
            continue;
        }
        let exists = mailbox.id.is_some();
        let mut attributes = special_use(mailbox.special_use);
        attributes |= if parents_of_all.contains(&mailbox.name) {
            MailboxAttributes::HAS_CHILDREN
        } else {
            MailboxAttributes::HAS_NO_CHILDREN
        };
        if !exists {
            // The one implies the other, but clients of RFC 3501 know the other only.
            attributes |= MailboxAttributes::NON_EXISTENT.and(MailboxAttributes::NO_SELECT);
        } else if !mailbox.selectable {
            attributes |= MailboxAttributes::NO_SELECT;
        }
        if mailbox.subscribed && (subscribed || wanted.show_subscribed) {
            attributes |= MailboxAttributes::SUBSCRIBED;
        }
        let child_subscribed = parents_of_subscribed.contains(&mailbox.name);
        let id = mailbox.id.filter(|_| mailbox.selectable && selected);
        rows.push(Row { attributes, name, child_subscribed, id });
    }
    rows
}

/// The rows of LSUB: subscribed names, and for `%` the levels above them (RFC 3501 section 6.3.9).
pub(super) fn lsub(mailboxes: Vec<MailboxInfo>, pattern: &Pattern, delimiter: char) -> Vec<Row> {
    let parents_of_subscribed = parents(&mailboxes, |m| m.subscribed);
    let mut shown: BTreeMap<(bool, MailboxName), MailboxAttributes> = BTreeMap::new();
    for mailbox in mailboxes.into_iter().filter(|m| m.subscribed) {
        // Whether it exists is not LSUB's to say, but a hint that it cannot be selected does no harm.
        let attributes = if mailbox.id.is_some() && mailbox.selectable {
            MailboxAttributes::NONE
        } else {
            MailboxAttributes::NO_SELECT
        };
        shown.insert((!mailbox.name.is_inbox(), mailbox.name), attributes);
    }
    let is_shown = |name: &MailboxName| names::to_text(name, delimiter).is_some_and(|n| pattern.matches(&n));
    // A level above is shown only where what is below it does not match by itself: `%`, not `*`.
    let hidden: Vec<MailboxName> =
        shown.keys().filter(|(_, name)| !is_shown(name)).map(|(_, name)| name.clone()).collect();
    for name in parents_of_subscribed {
        if hidden.iter().any(|h| h.is_below(&name)) {
            shown.entry((!name.is_inbox(), name)).or_insert(MailboxAttributes::NO_SELECT);
        }
    }
    shown
        .into_iter()
        .filter(|((_, name), _)| is_shown(name))
        .filter_map(|((_, name), attributes)| {
            let name = names::to_text(&name, delimiter)?;
            Some(Row { attributes, name, child_subscribed: false, id: None })
        })
        .collect()
}

fn nothing(name: MailboxName) -> MailboxInfo {
    MailboxInfo {
        id: None,
        name,
        selectable: false,
        subscribed: false,
        special_use: SpecialUse::NONE,
        rights: mailstore_api::Rights::NONE,
    }
}

const USES: [(SpecialUse, MailboxAttributes); 8] = [
    (SpecialUse::ALL, MailboxAttributes::ALL),
    (SpecialUse::ARCHIVE, MailboxAttributes::ARCHIVE),
    (SpecialUse::DRAFTS, MailboxAttributes::DRAFTS),
    (SpecialUse::FLAGGED, MailboxAttributes::FLAGGED),
    (SpecialUse::JUNK, MailboxAttributes::JUNK),
    (SpecialUse::SENT, MailboxAttributes::SENT),
    (SpecialUse::TRASH, MailboxAttributes::TRASH),
    (SpecialUse::IMPORTANT, MailboxAttributes::IMPORTANT),
];

/// The attributes of a mailbox's special uses.
pub(super) fn special_use(uses: SpecialUse) -> MailboxAttributes {
    USES.iter().filter(|(u, _)| uses.contains(*u)).fold(MailboxAttributes::NONE, |all, (_, a)| all | *a)
}

/// The special uses that attributes name.
pub(super) fn special_use_of(attributes: MailboxAttributes) -> SpecialUse {
    USES.iter().filter(|(_, a)| attributes.contains(*a)).fold(SpecialUse::NONE, |all, (u, _)| all | *u)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mailstore_api::Rights;

    fn mailbox(name: &str, exists: bool, subscribed: bool) -> MailboxInfo {
        MailboxInfo {
            id: exists.then(|| MailboxId(name.to_owned())),
            name: names::from_text(name, '/').unwrap(),
            selectable: exists,
            subscribed,
            special_use: if name == "Sent" { SpecialUse::SENT } else { SpecialUse::NONE },
            rights: Rights::OWNER,
        }
    }

    fn account() -> Vec<MailboxInfo> {
        vec![
            mailbox("a", true, true),
            mailbox("a/b", true, false),
            mailbox("p", false, false),
            mailbox("p/q", true, true),
            mailbox("gone", false, true),
            mailbox("x/y/z", true, true),
            mailbox("Sent", true, false),
            mailbox("INBOX", true, true),
        ]
    }

    fn shown(rows: &[Row]) -> Vec<String> {
        rows.iter()
            .map(|r| {
                let names: Vec<&str> = r.attributes.names().collect();
                format!("{}{} {}", r.name, if r.child_subscribed { "+" } else { "" }, names.join(" "))
            })
            .collect()
    }

    fn wanted(pattern: &str, select: ListSelect) -> Wanted {
        Wanted {
            patterns: vec![Pattern::new("", pattern, '/')],
            select,
            show_subscribed: false,
            delimiter: '/',
        }
    }

    #[test]
    fn list_shows_children_levels_and_uses() {
        assert_eq!(
            shown(&list(account(), &wanted("%", ListSelect::NONE))),
            [
                "INBOX \\HasNoChildren",
                "Sent \\HasNoChildren \\Sent",
                "a \\HasChildren",
                "p \\NonExistent \\Noselect \\HasChildren",
                "x \\NonExistent \\Noselect \\HasChildren",
            ]
        );
        // RFC 5258 section 3: no level of which all is shown.
        assert_eq!(
            shown(&list(account(), &wanted("*", ListSelect::NONE)))
                .iter()
                .filter(|row| row.contains("NonExistent"))
                .count(),
            0
        );
        assert_eq!(
            shown(&list(account(), &wanted("*/*", ListSelect::NONE))),
            ["a/b \\HasNoChildren", "p/q \\HasNoChildren", "x/y/z \\HasNoChildren"]
        );
        assert_eq!(
            shown(&list(account(), &wanted("*", ListSelect::SPECIAL_USE))),
            ["Sent \\HasNoChildren \\Sent"]
        );
        assert_eq!(
            shown(&list(account(), &wanted("%", ListSelect::SUBSCRIBED.and(ListSelect::RECURSIVEMATCH)))),
            [
                "INBOX \\HasNoChildren \\Subscribed",
                "a \\HasChildren \\Subscribed",
                "gone \\NonExistent \\Noselect \\HasNoChildren \\Subscribed",
                "p+ \\NonExistent \\Noselect \\HasChildren",
                "x+ \\NonExistent \\Noselect \\HasChildren",
            ]
        );
    }

    #[test]
    fn lsub_shows_subscribed_names_and_levels_above_them() {
        assert_eq!(
            shown(&lsub(account(), &Pattern::new("", "%", '/'), '/')),
            ["INBOX ", "a ", "gone \\Noselect", "p \\Noselect", "x \\Noselect"]
        );
        assert_eq!(
            shown(&lsub(account(), &Pattern::new("", "*", '/'), '/')),
            ["INBOX ", "a ", "gone \\Noselect", "p/q ", "x/y/z "]
        );
    }
}
