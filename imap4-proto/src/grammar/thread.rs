use alloc::vec::Vec;

use super::{Context, Parse, before, fault, number::nz_number, sort::search_criteria, sp, string::atom};
use crate::types::{Capabilities, Search, SearchKey, Thread, ThreadAlgorithm, ThreadToken, Threads};

/// `thread = ["UID" SP] "THREAD" SP thread-alg SP search-criteria` (RFC 5256 section 5), with
/// `thread-alg = "ORDEREDSUBJECT" / "REFERENCES" / thread-alg-ext` and `thread-alg-ext = atom`; after the name.
pub(super) fn thread(i: &[u8], uid: bool, context: Context) -> Parse<'_, Thread<'_>> {
    let (i, name) = atom(sp(i)?.0)?;
    let algorithm = if name.eq_ignore_ascii_case("ORDEREDSUBJECT") {
        context.needs(Capabilities::THREAD_ORDEREDSUBJECT, "THREAD=ORDEREDSUBJECT is not on")?;
        ThreadAlgorithm::OrderedSubject
    } else if name.eq_ignore_ascii_case("REFERENCES") {
        context.needs(Capabilities::THREAD_REFERENCES, "THREAD=REFERENCES is not on")?;
        ThreadAlgorithm::References
    } else {
        ThreadAlgorithm::Other(name)
    };
    let mut search = Search::new(uid, SearchKey::All);
    let (i, charset) = search_criteria(i, &mut search, context)?;
    Ok((i, Thread::new(algorithm, charset, search)))
}

/// `1*thread-list` (RFC 5256 section 5), with `thread-list = "(" (thread-members / thread-nested) ")"`,
/// `thread-members = nz-number *(SP nz-number) [SP thread-nested]` and `thread-nested = 2*thread-list`: a stack instead of recursion
pub(crate) fn threads(i: &[u8]) -> Parse<'_, Threads<'_>> {
    /// What stands in open parentheses so far: whether a number, and how many lists.
    type Open = (bool, u8);
    let mut open: Vec<Open> = Vec::new();
    let mut rest = i;
    loop {
        rest = match (rest, open.last_mut()) {
            ([b'(', tail @ ..], None | Some((false, _) | (_, 1..))) => {
                if open.len() >= Threads::MAX_DEPTH {
                    return fault("A thread nests too deep");
                }
                open.push((false, 0));
                tail
            }
            // Before the first of the nested lists there is a space.
            ([b' ', b'(', tail @ ..], Some((true, 0))) => {
                if open.len() >= Threads::MAX_DEPTH {
                    return fault("A thread nests too deep");
                }
                open.push((false, 0));
                tail
            }
            ([b' ', tail @ ..], Some((true, 0))) => nz_number(tail)?.0,
            ([b'0'..=b'9', ..], Some((number @ false, 0))) => {
                *number = true;
                nz_number(rest)?.0
            }
            ([b')', tail @ ..], Some((true, 0) | (_, 2..))) => {
                open.pop();
                if let Some((_, lists)) = open.last_mut() {
                    *lists = lists.saturating_add(1).min(2);
                }
                tail
            }
            (_, None) if rest.len() < i.len() => return Ok((rest, Threads(before(i, rest)))),
            _ => return fault("A thread cannot be read"),
        };
    }
}

/// A parenthesis or a number of what [`threads`] read, and what follows it.
pub(crate) fn token(i: &[u8]) -> Parse<'_, ThreadToken> {
    match i.strip_prefix(b" ").unwrap_or(i) {
        [b'(', rest @ ..] => Ok((rest, ThreadToken::Open)),
        [b')', rest @ ..] => Ok((rest, ThreadToken::Close)),
        i => nz_number(i).map(|(rest, n)| (rest, ThreadToken::Message(n.get()))),
    }
}
