//! From the keys of a SEARCH command to a [`Query`] the store understands.

use imap4_proto::types::{AString, Date, SearchKey, SeqNumber, SequenceSet, SystemFlags as WireFlags};
use mailstore_api::{ModSeq, Query, SystemFlags, UidSet};

use crate::view::{Bound, View};

/// Why a SEARCH command is no query.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unsearchable {
    /// The charset is not known: `NO [BADCHARSET (...)]`.
    Charset,
    /// A key this version does not know.
    Key,
}

/// How the strings of a SEARCH command are written (RFC 9051 section 6.4.4).
#[derive(Clone, Copy, Debug)]
pub(super) struct Charset(&'static encoding_rs::Encoding);

impl Charset {
    /// Charsets to name when one is refused: the two every server has.
    pub(super) const KNOWN: &'static [&'static str] = &["US-ASCII", "UTF-8"];

    /// The charset of this name; without a name, UTF-8, of which US-ASCII is a part.
    pub(super) fn named(name: Option<&AString<'_>>) -> Result<Self, Unsearchable> {
        let Some(name) = name else { return Ok(Self(encoding_rs::UTF_8)) };
        // Here US-ASCII is not windows-1252, as it is in browsers: what is not ASCII is nearly always UTF-8.
        if name.eq_ignore_ascii_case(b"US-ASCII") || name.eq_ignore_ascii_case(b"ASCII") {
            return Ok(Self(encoding_rs::UTF_8));
        }
        let encoding = encoding_rs::Encoding::for_label(&name.bytes());
        encoding.filter(|e| *e != encoding_rs::REPLACEMENT).map(Self).ok_or(Unsearchable::Charset)
    }

    fn decode(self, text: &AString<'_>) -> String {
        self.0.decode_without_bom_handling(&text.bytes()).0.into_owned()
    }
}

/// The bounds of a set as the view takes them.
pub(super) fn bounds(set: &SequenceSet<'_>) -> impl Iterator<Item = (Bound, Bound)> {
    fn bound(n: SeqNumber) -> Bound {
        match n {
            SeqNumber::Number(n) => Some(n.get()),
            SeqNumber::Largest => None,
        }
    }
    set.ranges().map(|r| (bound(r.from), bound(r.to)))
}

/// The system flags a message keeps, of those on the wire.
pub(super) const fn system_flags(flags: WireFlags) -> SystemFlags {
    // The bits are the same by the definition of both (RFC 9051 section 2.3.2); `\Recent` is none of the store's.
    SystemFlags::from_bits(flags.bits())
}

/// The same the other way.
pub(super) const fn wire_flags(flags: SystemFlags) -> WireFlags {
    WireFlags::from_bits(flags.bits())
}

/// The query that a search key means in this view. Nothing recurses: a key nests as deep as the client likes.
pub(super) fn resolve(
    key: &SearchKey<'_>,
    charset: Charset,
    view: &View,
    saved: &UidSet,
) -> Result<Query, Unsearchable> {
    enum Todo<'k, 'b> {
        Visit(&'k SearchKey<'b>),
        Not,
        And(usize),
        Or(usize),
    }
    let mut todo = vec![Todo::Visit(key)];
    let mut done: Vec<Query> = Vec::new();
    while let Some(next) = todo.pop() {
        match next {
            Todo::Visit(SearchKey::Not(inner)) => todo.extend([Todo::Not, Todo::Visit(inner)]),
            Todo::Visit(SearchKey::And(all)) => {
                todo.push(Todo::And(all.len()));
                todo.extend(all.iter().rev().map(Todo::Visit));
            }
            Todo::Visit(SearchKey::Or(any)) => {
                todo.push(Todo::Or(any.len()));
                todo.extend(any.iter().rev().map(Todo::Visit));
            }
            Todo::Visit(leaf) => done.push(self::leaf(leaf, charset, view, saved)?),
            Todo::Not => {
                if let Some(inner) = done.pop() {
                    done.push(Query::Not(Box::new(inner)));
                }
            }
            Todo::And(n) => {
                let all = done.split_off(done.len().saturating_sub(n));
                done.push(Query::And(all));
            }
            Todo::Or(n) => {
                let any = done.split_off(done.len().saturating_sub(n));
                done.push(Query::Or(any));
            }
        }
    }
    done.pop().ok_or(Unsearchable::Key)
}

fn not(query: Query) -> Query {
    Query::Not(Box::new(query))
}

fn leaf(key: &SearchKey<'_>, charset: Charset, view: &View, saved: &UidSet) -> Result<Query, Unsearchable> {
    let header = |name: &str, text: &AString<'_>| Query::Header(name.to_owned(), charset.decode(text));
    Ok(match key {
        SearchKey::All => Query::All,
        SearchKey::Flag(flags) => flag(*flags, view),
        SearchKey::NotFlag(flags) => not(flag(*flags, view)),
        SearchKey::New => {
            Query::And(vec![Query::Uids(view.recent().clone()), not(Query::Flags(SystemFlags::SEEN))])
        }
        SearchKey::Keyword(k) => Query::Keyword((*k).to_owned()),
        SearchKey::NotKeyword(k) => not(Query::Keyword((*k).to_owned())),
        SearchKey::Bcc(text) => header("bcc", text),
        SearchKey::Cc(text) => header("cc", text),
        SearchKey::From(text) => header("from", text),
        SearchKey::To(text) => header("to", text),
        SearchKey::Subject(text) => header("subject", text),
        SearchKey::Body(text) => Query::Body(charset.decode(text)),
        SearchKey::Text(text) => Query::Text(charset.decode(text)),
        SearchKey::Header(name, text) => header(&String::from_utf8_lossy(&name.bytes()), text),
        SearchKey::Before(day) => Query::InternalDay(i64::MIN, days(*day)),
        SearchKey::On(day) => Query::InternalDay(days(*day), days(*day) + 1),
        SearchKey::Since(day) => Query::InternalDay(days(*day), i64::MAX),
        SearchKey::SentBefore(day) => Query::SentDay(i64::MIN, days(*day)),
        SearchKey::SentOn(day) => Query::SentDay(days(*day), days(*day) + 1),
        SearchKey::SentSince(day) => Query::SentDay(days(*day), i64::MAX),
        SearchKey::Larger(n) => Query::Larger(*n),
        SearchKey::Smaller(n) => Query::Smaller(*n),
        SearchKey::Sequence(set) | SearchKey::Uid(set) if set.is_saved() => Query::Uids(saved.clone()),
        SearchKey::Sequence(set) => Query::Uids(sequence(set, view)),
        SearchKey::Uid(set) => Query::Uids(view.by_uid(bounds(set))),
        SearchKey::ModSeq(at, _) => Query::ModSeqAtLeast(ModSeq(*at)),
        _ => return Err(Unsearchable::Key),
    })
}

fn days(date: Date) -> i64 {
    date.days()
}

fn flag(flags: WireFlags, view: &View) -> Query {
    if flags.contains(WireFlags::RECENT) {
        Query::Uids(view.recent().clone())
    } else {
        Query::Flags(system_flags(flags))
    }
}

/// In a search, a number beyond the last message is a message that does not match: clients search `1:*`
/// in empty mailboxes.
fn sequence(set: &SequenceSet<'_>, view: &View) -> UidSet {
    let last = view.exists();
    let within = bounds(set).filter_map(|(a, b)| {
        let (a, b) = (a.unwrap_or(last), b.unwrap_or(last));
        let (a, b) = (a.min(b), a.max(b));
        (a > 0 && a <= last).then_some((Some(a), Some(b.min(last))))
    });
    view.by_seq(within).unwrap_or_default()
}
