use alloc::vec::Vec;

use super::{
    astring, atom, date, date_time, extension, fetch_items, flag_list, list_of, number, number64, quoted,
    string,
};
use crate::{
    grammar::{self, Context},
    types::{
        AString, AppendMessage, Command, Create, Fetch, Flag, FlagList, List, ListSelect, MailboxArg,
        QResync, Search, SearchKey, SearchReturn, Select, StatusItems, Store, StoreMode, SystemFlags,
    },
};

impl<'b> Command<'b> {
    /// Reads a command without tag and CRLF, every extension on; `None` where it is none, or the start of APPEND.
    #[must_use]
    pub fn parse(wire: &'b [u8], utf8: bool) -> Option<Self> {
        match grammar::command(wire, Context { utf8, ..Context::ALL }) {
            Ok(([], command)) => Some(command),
            _ => None,
        }
    }

    /// Appends the command without tag and CRLF. Strings that need it are synchronizing literals.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.kind().name().as_bytes());
        match self {
            Self::Capability
            | Self::Noop
            | Self::Logout
            | Self::StartTls
            | Self::Namespace
            | Self::Idle
            | Self::Check
            | Self::Close
            | Self::Unselect
            | Self::Expunge
            | Self::GetJmapAccess
            | Self::Unauthenticate => {}
            Self::Authenticate { mechanism, initial } => {
                out.push(b' ');
                out.extend_from_slice(mechanism.as_bytes());
                if let Some(initial) = initial {
                    out.push(b' ');
                    out.extend_from_slice(initial);
                }
            }
            Self::Login { user, password } => {
                sp_astring(out, *user);
                sp_astring(out, *password);
            }
            Self::Enable(list) => sp_text(out, list.0),
            Self::Select(select) => select_arguments(out, select),
            Self::Create(create) => create_arguments(out, create),
            Self::Delete(m) | Self::Subscribe(m) | Self::Unsubscribe(m) => sp_mailbox(out, m),
            Self::Rename { from, to } => {
                sp_mailbox(out, from);
                sp_mailbox(out, to);
            }
            Self::List(list) => list_arguments(out, list),
            Self::Lsub { reference, pattern } => {
                sp_mailbox(out, reference);
                out.push(b' ');
                list_mailbox(out, pattern);
            }
            Self::Status { mailbox, items } => {
                sp_mailbox(out, mailbox);
                out.push(b' ');
                status_items(out, *items);
            }
            Self::Id(parameters) => {
                for (i, (name, value)) in parameters.iter().enumerate() {
                    out.extend_from_slice(if i == 0 { b" (" } else { b" " });
                    string(out, &name.bytes(), false);
                    out.push(b' ');
                    super::nstring(out, value.map(|v| v.bytes()).as_deref(), false);
                }
                out.extend_from_slice(if parameters.iter().next().is_none() { b" NIL" } else { b")" });
            }
            Self::UidExpunge(set) => sp_text(out, set.0),
            Self::Search(search) => search_arguments(out, search),
            Self::Fetch(fetch) => fetch_arguments(out, fetch),
            Self::Store(store) => store_arguments(out, store),
            Self::Copy { set, mailbox, .. } | Self::Move { set, mailbox, .. } => {
                sp_text(out, set.0);
                sp_mailbox(out, mailbox);
            }
            other => extension::arguments(out, other),
        }
    }
}

impl AppendMessage<'_> {
    /// Appends `[SP flag-list] [SP date-time] SP append-data` up to the payload: the line ends with the literal's header.
    pub fn encode(&self, out: &mut Vec<u8>) {
        if !self.flags.is_empty() {
            out.push(b' ');
            flags(out, self.flags);
        }
        if let Some(date) = self.date {
            out.push(b' ');
            date_time(out, date);
        }
        if let Some(part) = &self.catenate {
            out.extend_from_slice(b" CATENATE (");
            return part.encode(out);
        }
        out.extend_from_slice(match (self.utf8, self.binary) {
            (true, _) => b" UTF8 (~{",
            (false, true) => b" ~{",
            (false, false) => b" {",
        });
        number64(out, self.len);
        if !self.synchronizing {
            out.push(b'+');
        }
        out.extend_from_slice(b"}\r\n");
    }
}

fn sp_text(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b' ');
    out.extend_from_slice(text);
}

pub(super) fn sp_astring(out: &mut Vec<u8>, s: AString<'_>) {
    out.push(b' ');
    astring(out, &s.bytes(), false);
}

/// A name is written as it is: it is in the connection's encoding already.
pub(super) fn sp_mailbox(out: &mut Vec<u8>, mailbox: &MailboxArg<'_>) {
    out.push(b' ');
    astring(out, &mailbox.bytes(), mailbox.is_utf8());
}

/// `list-mailbox = 1*list-char / string`: always a string, which has room for every character.
fn list_mailbox(out: &mut Vec<u8>, pattern: &MailboxArg<'_>) {
    string(out, &pattern.bytes(), pattern.is_utf8());
}

fn flags(out: &mut Vec<u8>, list: FlagList<'_>) {
    out.push(b'(');
    for (i, flag) in list.iter().enumerate() {
        if i > 0 {
            out.push(b' ');
        }
        match flag {
            Flag::System(s) => {
                let from = out.len();
                flag_list(out, s, [""; 0], false);
                // One flag, without its parentheses.
                out.pop();
                out.remove(from);
            }
            Flag::Keyword(k) => atom(out, k.as_bytes()),
            Flag::Extension(k) => {
                out.push(b'\\');
                atom(out, k.as_bytes());
            }
        }
    }
    out.push(b')');
}

fn select_arguments(out: &mut Vec<u8>, select: &Select<'_>) {
    sp_mailbox(out, &select.mailbox);
    let mut open = false;
    if select.condstore {
        out.extend_from_slice(b" (CONDSTORE");
        open = true;
    }
    if let Some(known) = &select.qresync {
        out.extend_from_slice(if open { b" QRESYNC (" } else { b" (QRESYNC (" });
        open = true;
        qresync(out, known);
    }
    if open {
        out.push(b')');
    }
}

fn qresync(out: &mut Vec<u8>, known: &QResync<'_>) {
    number(out, known.uid_validity);
    out.push(b' ');
    number64(out, known.modseq);
    if let Some(uids) = known.known_uids {
        sp_text(out, uids.0);
    }
    if let Some((numbers, uids)) = known.sequence_match {
        out.extend_from_slice(b" (");
        out.extend_from_slice(numbers.0);
        sp_text(out, uids.0);
        out.push(b')');
    }
    out.push(b')');
}

fn create_arguments(out: &mut Vec<u8>, create: &Create<'_>) {
    sp_mailbox(out, &create.mailbox);
    if create.special_use.is_empty() {
        return;
    }
    out.extend_from_slice(b" (USE (");
    for (i, name) in create.special_use.names().enumerate() {
        if i > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(name.as_bytes());
    }
    out.extend_from_slice(b"))");
}

/// Writes words with a space between them and parentheses around.
fn words<'w>(out: &mut Vec<u8>, list: impl IntoIterator<Item = &'w [u8]>) {
    out.push(b'(');
    for (i, word) in list.into_iter().enumerate() {
        if i > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
    out.push(b')');
}

fn list_arguments(out: &mut Vec<u8>, list: &List<'_>) {
    if !list.select.is_empty() {
        out.push(b' ');
        let options = [
            (ListSelect::SUBSCRIBED, &b"SUBSCRIBED"[..]),
            (ListSelect::REMOTE, b"REMOTE"),
            (ListSelect::RECURSIVEMATCH, b"RECURSIVEMATCH"),
            (ListSelect::SPECIAL_USE, b"SPECIAL-USE"),
        ];
        words(out, options.into_iter().filter(|(o, _)| list.select.contains(*o)).map(|(_, n)| n));
    }
    sp_mailbox(out, &list.reference);
    for (i, pattern) in list.patterns.iter().enumerate() {
        out.extend_from_slice(if i == 0 && list.patterns.in_parentheses { b" (" } else { b" " });
        list_mailbox(out, &pattern);
    }
    if list.patterns.in_parentheses {
        out.push(b')');
    }
    let returns = &list.returns;
    if !returns.given {
        return;
    }
    out.extend_from_slice(b" RETURN ");
    let mut status = Vec::new();
    if let Some(items) = returns.status {
        status.extend_from_slice(b"STATUS ");
        status_items(&mut status, items);
    }
    let mut metadata = Vec::new();
    if let Some(entries) = list.metadata {
        metadata.extend_from_slice(b"METADATA (");
        list_of(&mut metadata, entries);
        metadata.push(b')');
    }
    let options = [
        (returns.subscribed, &b"SUBSCRIBED"[..]),
        (returns.children, b"CHILDREN"),
        (returns.special_use, b"SPECIAL-USE"),
        (returns.status.is_some(), &status),
        (returns.my_rights, b"MYRIGHTS"),
        (list.metadata.is_some(), &metadata),
    ];
    words(out, options.into_iter().filter(|(on, _)| *on).map(|(_, n)| n));
}

fn status_items(out: &mut Vec<u8>, items: StatusItems) {
    let all = [
        (StatusItems::MESSAGES, &b"MESSAGES"[..]),
        (StatusItems::RECENT, b"RECENT"),
        (StatusItems::UIDNEXT, b"UIDNEXT"),
        (StatusItems::UIDVALIDITY, b"UIDVALIDITY"),
        (StatusItems::UNSEEN, b"UNSEEN"),
        (StatusItems::DELETED, b"DELETED"),
        (StatusItems::SIZE, b"SIZE"),
        (StatusItems::HIGHESTMODSEQ, b"HIGHESTMODSEQ"),
        (StatusItems::APPENDLIMIT, b"APPENDLIMIT"),
        (StatusItems::MAILBOXID, b"MAILBOXID"),
        (StatusItems::DELETED_STORAGE, b"DELETED-STORAGE"),
    ];
    words(out, all.into_iter().filter(|(i, _)| items.contains(*i)).map(|(_, n)| n));
}

fn fetch_arguments(out: &mut Vec<u8>, fetch: &Fetch<'_>) {
    sp_text(out, fetch.set.0);
    out.push(b' ');
    fetch_items(out, fetch.items);
    let mut before: &[u8] = b" (";
    if let Some(range) = fetch.partial {
        out.extend_from_slice(b" (PARTIAL ");
        extension::partial_range(out, range);
        before = b" ";
    }
    if let Some(modseq) = fetch.changed_since {
        out.extend_from_slice(before);
        out.extend_from_slice(b"CHANGEDSINCE ");
        number64(out, modseq);
        if fetch.vanished {
            out.extend_from_slice(b" VANISHED");
        }
        before = b" ";
    }
    if before.len() == 1 {
        out.push(b')');
    }
}

fn store_arguments(out: &mut Vec<u8>, store: &Store<'_>) {
    sp_text(out, store.set.0);
    if let Some(modseq) = store.unchanged_since {
        out.extend_from_slice(b" (UNCHANGEDSINCE ");
        number64(out, modseq);
        out.push(b')');
    }
    out.extend_from_slice(match store.mode {
        StoreMode::Replace => b" FLAGS",
        StoreMode::Add => b" +FLAGS",
        StoreMode::Remove => b" -FLAGS",
    });
    if store.silent {
        out.extend_from_slice(b".SILENT");
    }
    out.push(b' ');
    flags(out, store.flags);
}

/// `[SP search-return-opts] SP search-program`
pub(super) fn search_arguments(out: &mut Vec<u8>, search: &Search<'_>) {
    search_return(out, search);
    if let Some(charset) = search.charset {
        out.extend_from_slice(b" CHARSET");
        sp_astring(out, charset);
    }
    search_program(out, &search.key);
}

/// `[SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"]`
pub(super) fn search_return(out: &mut Vec<u8>, search: &Search<'_>) {
    let Some(returns) = search.returns else { return };
    out.extend_from_slice(b" RETURN ");
    let mut partial = Vec::new();
    if let Some(range) = search.window.partial {
        partial.extend_from_slice(b"PARTIAL ");
        extension::partial_range(&mut partial, range);
    }
    let mut update = Vec::new();
    if returns.contains(SearchReturn::UPDATE) {
        update.extend_from_slice(b"UPDATE");
        if let Some(items) = search.window.update_items {
            update.push(b' ');
            fetch_items(&mut update, items);
        }
    }
    let options = [
        (returns.contains(SearchReturn::SAVE), &b"SAVE"[..]),
        (returns.contains(SearchReturn::MIN), b"MIN"),
        (returns.contains(SearchReturn::MAX), b"MAX"),
        (returns.contains(SearchReturn::ALL), b"ALL"),
        (returns.contains(SearchReturn::COUNT), b"COUNT"),
        (returns.contains(SearchReturn::RELEVANCY), b"RELEVANCY"),
        (returns.contains(SearchReturn::CONTEXT), b"CONTEXT"),
        (!update.is_empty(), &update),
        (!partial.is_empty(), &partial),
    ];
    words(out, options.into_iter().filter(|(on, _)| *on).map(|(_, n)| n));
}

/// `1*(SP search-key)`
pub(super) fn search_program(out: &mut Vec<u8>, key: &SearchKey<'_>) {
    out.push(b' ');
    // Keys that are all to match need no parentheses at the top.
    match key {
        SearchKey::And(keys) if !keys.is_empty() => {
            for (i, key) in keys.iter().enumerate() {
                if i > 0 {
                    out.push(b' ');
                }
                search_key(out, key);
            }
        }
        key => search_key(out, key),
    }
}

/// `search-key`, without recursion: what is left to be written waits on a stack.
fn search_key(out: &mut Vec<u8>, key: &SearchKey<'_>) {
    enum Todo<'s, 'b> {
        Key(&'s SearchKey<'b>),
        Text(&'static [u8]),
    }
    let mut todo = Vec::new();
    todo.push(Todo::Key(key));
    while let Some(next) = todo.pop() {
        let key = match next {
            Todo::Text(text) => {
                out.extend_from_slice(text);
                continue;
            }
            Todo::Key(key) => key,
        };
        match key {
            SearchKey::Not(inner) => {
                out.extend_from_slice(b"NOT ");
                todo.push(Todo::Key(inner));
            }
            SearchKey::Fuzzy(inner) => {
                out.extend_from_slice(b"FUZZY ");
                todo.push(Todo::Key(inner));
            }
            SearchKey::And(keys) | SearchKey::Or(keys) if keys.is_empty() => {
                // All of nothing is everything, any of nothing is nothing.
                out.extend_from_slice(if matches!(key, SearchKey::And(_)) { b"ALL" } else { b"NOT ALL" });
            }
            SearchKey::And(keys) => {
                out.push(b'(');
                todo.push(Todo::Text(b")"));
                for (i, key) in keys.iter().enumerate().rev() {
                    todo.push(Todo::Key(key));
                    if i > 0 {
                        todo.push(Todo::Text(b" "));
                    }
                }
            }
            SearchKey::Or(keys) => {
                let last = keys.len() - 1;
                for (i, key) in keys.iter().enumerate().rev() {
                    todo.push(Todo::Key(key));
                    if i < last {
                        todo.push(Todo::Text(b"OR "));
                    }
                    if i > 0 {
                        todo.push(Todo::Text(b" "));
                    }
                }
            }
            simple => simple_key(out, simple),
        }
    }
}

fn simple_key(out: &mut Vec<u8>, key: &SearchKey<'_>) {
    use SearchKey as K;
    let mut text = |name: &[u8], s: &AString<'_>| {
        out.extend_from_slice(name);
        sp_astring(out, *s);
    };
    match key {
        K::Bcc(s) => text(b"BCC", s),
        K::Cc(s) => text(b"CC", s),
        K::From(s) => text(b"FROM", s),
        K::To(s) => text(b"TO", s),
        K::Subject(s) => text(b"SUBJECT", s),
        K::Body(s) => text(b"BODY", s),
        K::Text(s) => text(b"TEXT", s),
        K::Header(name, s) => {
            text(b"HEADER", name);
            sp_astring(out, *s);
        }
        K::All => out.extend_from_slice(b"ALL"),
        K::New => out.extend_from_slice(b"NEW"),
        K::Flag(f) => out.extend_from_slice(flag_key(*f)),
        K::NotFlag(f) if *f == SystemFlags::RECENT => out.extend_from_slice(b"OLD"),
        K::NotFlag(f) => {
            out.extend_from_slice(b"UN");
            out.extend_from_slice(flag_key(*f));
        }
        K::Keyword(k) => {
            out.extend_from_slice(b"KEYWORD ");
            atom(out, k.as_bytes());
        }
        K::NotKeyword(k) => {
            out.extend_from_slice(b"UNKEYWORD ");
            atom(out, k.as_bytes());
        }
        K::Before(d)
        | K::On(d)
        | K::Since(d)
        | K::SentBefore(d)
        | K::SentOn(d)
        | K::SentSince(d)
        | K::SavedBefore(d)
        | K::SavedOn(d)
        | K::SavedSince(d) => {
            out.extend_from_slice(match key {
                K::Before(_) => &b"BEFORE "[..],
                K::SavedBefore(_) => b"SAVEDBEFORE ",
                K::SavedOn(_) => b"SAVEDON ",
                K::SavedSince(_) => b"SAVEDSINCE ",
                K::On(_) => b"ON ",
                K::Since(_) => b"SINCE ",
                K::SentBefore(_) => b"SENTBEFORE ",
                K::SentOn(_) => b"SENTON ",
                _ => b"SENTSINCE ",
            });
            date(out, *d);
        }
        K::Larger(n) => {
            out.extend_from_slice(b"LARGER ");
            number64(out, *n);
        }
        K::Smaller(n) => {
            out.extend_from_slice(b"SMALLER ");
            number64(out, *n);
        }
        K::Sequence(set) => out.extend_from_slice(set.0),
        K::Uid(set) => {
            out.extend_from_slice(b"UID ");
            out.extend_from_slice(set.0);
        }
        K::ModSeq(n, entry) => {
            out.extend_from_slice(b"MODSEQ ");
            if let Some(entry) = entry {
                quoted(out, &entry.name.bytes());
                sp_text(out, entry.kind.as_bytes());
                out.push(b' ');
            }
            number64(out, *n);
        }
        K::Older(n) => {
            out.extend_from_slice(b"OLDER ");
            number(out, *n);
        }
        K::Younger(n) => {
            out.extend_from_slice(b"YOUNGER ");
            number(out, *n);
        }
        K::UidAfter(n) => {
            out.extend_from_slice(b"UIDAFTER ");
            number(out, *n);
        }
        K::UidBefore(n) => {
            out.extend_from_slice(b"UIDBEFORE ");
            number(out, *n);
        }
        K::SaveDateSupported => out.extend_from_slice(b"SAVEDATESUPPORTED"),
        K::EmailId(id) => {
            out.extend_from_slice(b"EMAILID");
            sp_text(out, id.as_bytes());
        }
        K::ThreadId(id) => {
            out.extend_from_slice(b"THREADID");
            sp_text(out, id.as_bytes());
        }
        // Written by the caller.
        K::Fuzzy(_) | K::Not(_) | K::And(_) | K::Or(_) => {}
    }
}

const fn flag_key(flag: SystemFlags) -> &'static [u8] {
    match flag {
        SystemFlags::ANSWERED => b"ANSWERED",
        SystemFlags::DELETED => b"DELETED",
        SystemFlags::DRAFT => b"DRAFT",
        SystemFlags::FLAGGED => b"FLAGGED",
        SystemFlags::RECENT => b"RECENT",
        _ => b"SEEN",
    }
}
