use alloc::{boxed::Box, vec::Vec};

use super::{
    Context, Parse, date, fault,
    keyword::{keyword, words},
    number::number64,
    search_extension,
    search_return::search_return_opts,
    sequence::command_set,
    sp,
    string::{astring, atom, quoted},
};
use crate::types::{AString, Capabilities, ModSeqEntry, Search, SearchKey, SearchWindow, SystemFlags};

words! {
    ALL = b"ALL"; ANSWERED = b"ANSWERED"; BCC = b"BCC"; BEFORE = b"BEFORE"; BODY = b"BODY"; CC = b"CC";
    DELETED = b"DELETED"; DRAFT = b"DRAFT"; FLAGGED = b"FLAGGED"; FROM = b"FROM"; HEADER = b"HEADER";
    KEYWORD = b"KEYWORD"; LARGER = b"LARGER"; MODSEQ = b"MODSEQ"; NEW = b"NEW"; OLD = b"OLD"; ON = b"ON";
    RECENT = b"RECENT"; SEEN = b"SEEN"; SENTBEFORE = b"SENTBEFORE"; SENTON = b"SENTON"; SENTSINCE = b"SENTSINCE";
    SINCE = b"SINCE"; SMALLER = b"SMALLER"; SUBJECT = b"SUBJECT"; TEXT = b"TEXT"; TO = b"TO"; UID = b"UID";
    UNANSWERED = b"UNANSWERED"; UNDELETED = b"UNDELETED"; UNDRAFT = b"UNDRAFT"; UNFLAGGED = b"UNFLAGGED";
    UNKEYWORD = b"UNKEYWORD"; UNSEEN = b"UNSEEN";
    NOT = b"NOT"; FUZZY = b"FUZZY"; OR = b"OR"; RETURN = b"RETURN"; CHARSET = b"CHARSET";
}

/// What brings the return options with it (RFC 4731, RFC 5267, RFC 9394, RFC 7377).
const EXTENDED: Capabilities = Capabilities::ESEARCH
    .and(Capabilities::CONTEXT_SEARCH)
    .and(Capabilities::PARTIAL)
    .and(Capabilities::MULTISEARCH);

/// `search = "SEARCH" [search-return-opts] SP search-program`, with
/// `search-program = ["CHARSET" SP charset SP] search-key *(SP search-key)`; after the name.
pub(super) fn search(i: &[u8], uid: bool, context: Context) -> Parse<'_, Search<'_>> {
    let (mut i, ()) = sp(i)?;
    let mut returns = None;
    let mut window = SearchWindow::default();
    let mut charset = None;
    let (rest, name) = keyword(i);
    if name == RETURN {
        context.needs(EXTENDED, "ESEARCH is not on")?;
        let (rest, options) = search_return_opts(sp(rest)?.0, Capabilities::CONTEXT_SEARCH, context)?;
        returns = Some(options.0);
        window = options.1;
        (i, ()) = sp(rest)?;
    }
    let (rest, name) = keyword(i);
    if name == CHARSET {
        let (rest, name) = astring(sp(rest)?.0)?;
        charset = Some(name);
        (i, ()) = sp(rest)?;
    }
    let (i, key) = search_keys(i, context)?;
    Ok((i, Search { uid, returns, window, charset, key }))
}

/// What is open around the key being read.
enum Open<'b> {
    Parentheses(Vec<SearchKey<'b>>),
    /// Whether an odd number of NOTs stands here.
    Not(bool),
    Fuzzy,
    /// The alternatives so far, and how many must follow.
    Or(Vec<SearchKey<'b>>, u8),
}

fn all_of(mut keys: Vec<SearchKey<'_>>) -> SearchKey<'_> {
    match keys.pop() {
        Some(key) if keys.is_empty() => key,
        Some(key) => {
            keys.push(key);
            SearchKey::And(keys)
        }
        None => SearchKey::All,
    }
}

/// `search-key *(SP search-key)`, with `search-key = ... / "NOT" SP search-key / "FUZZY" SP search-key (RFC 6203) / "OR" SP search-key SP search-key /
/// "(" search-key *(SP search-key) ")"`: a stack in the heap instead of recursion.
pub(super) fn search_keys(mut i: &[u8], context: Context) -> Parse<'_, SearchKey<'_>> {
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut top: Vec<SearchKey<'_>> = Vec::new();
    loop {
        let (rest, name) = keyword(i);
        match (name, i) {
            (NOT, _) => {
                (i, ()) = sp(rest)?;
                match open.last_mut() {
                    // NOT NOT is a way to write nothing.
                    Some(Open::Not(odd)) => *odd = !*odd,
                    _ => push(&mut open, Open::Not(true))?,
                }
                continue;
            }
            (FUZZY, _) => {
                context.needs(Capabilities::SEARCH_FUZZY, "SEARCH=FUZZY is not on")?;
                (i, ()) = sp(rest)?;
                // FUZZY FUZZY says no more than FUZZY.
                if !matches!(open.last(), Some(Open::Fuzzy)) {
                    push(&mut open, Open::Fuzzy)?;
                }
                continue;
            }
            (OR, _) => {
                (i, ()) = sp(rest)?;
                match open.last_mut() {
                    // The last alternative is a choice itself: the same choice goes on, and nothing nests.
                    Some(Open::Or(_, wanted @ 1)) => *wanted = 2,
                    _ => push(&mut open, Open::Or(Vec::new(), 2))?,
                }
                continue;
            }
            (_, [b'(', rest @ ..]) => {
                i = rest;
                push(&mut open, Open::Parentheses(Vec::new()))?;
                continue;
            }
            _ => {}
        }
        let (rest, mut key) = simple_key(i, rest, name, context)?;
        i = rest;
        // A key is whole: close what it completes.
        loop {
            match open.pop() {
                None => {
                    top.push(key);
                    match i {
                        [b' ', rest @ ..] => i = rest,
                        _ => return Ok((i, all_of(top))),
                    }
                    break;
                }
                Some(Open::Parentheses(mut keys)) => {
                    keys.push(key);
                    match i {
                        [b' ', rest @ ..] => {
                            i = rest;
                            open.push(Open::Parentheses(keys));
                            break;
                        }
                        [b')', rest @ ..] => {
                            i = rest;
                            key = all_of(keys);
                        }
                        _ => return fault("Parentheses do not close"),
                    }
                }
                Some(Open::Fuzzy) => key = SearchKey::Fuzzy(Box::new(key)),
                Some(Open::Not(odd)) => key = if odd { SearchKey::Not(Box::new(key)) } else { key },
                Some(Open::Or(mut keys, wanted)) => {
                    keys.push(key);
                    if wanted > 1 {
                        open.push(Open::Or(keys, wanted - 1));
                        (i, ()) = sp(i)?;
                        break;
                    }
                    key = SearchKey::Or(keys);
                }
            }
        }
    }
}

fn push<'b>(open: &mut Vec<Open<'b>>, what: Open<'b>) -> Result<(), nom::Err<super::Fault>> {
    if open.len() >= SearchKey::MAX_DEPTH {
        return fault("The search nests too deep");
    }
    open.push(what);
    Ok(())
}

/// A key that holds no other; `rest` is what follows its name.
fn simple_key<'b>(i: &'b [u8], rest: &'b [u8], name: u128, context: Context) -> Parse<'b, SearchKey<'b>> {
    use SearchKey as K;
    use SystemFlags as S;
    let text = |make: fn(AString<'b>) -> K<'b>| {
        let (rest, s) = astring(sp(rest)?.0)?;
        Ok((rest, make(s)))
    };
    let day = |make: fn(crate::types::Date) -> K<'b>| {
        let (rest, d) = date::date(sp(rest)?.0)?;
        Ok((rest, make(d)))
    };
    let size = |make: fn(u64) -> K<'b>| {
        let (rest, n) = number64(sp(rest)?.0)?;
        Ok((rest, make(n)))
    };
    let key = match name {
        ALL => K::All,
        ANSWERED => K::Flag(S::ANSWERED),
        DELETED => K::Flag(S::DELETED),
        DRAFT => K::Flag(S::DRAFT),
        FLAGGED => K::Flag(S::FLAGGED),
        RECENT => K::Flag(S::RECENT),
        SEEN => K::Flag(S::SEEN),
        UNANSWERED => K::NotFlag(S::ANSWERED),
        UNDELETED => K::NotFlag(S::DELETED),
        UNDRAFT => K::NotFlag(S::DRAFT),
        UNFLAGGED => K::NotFlag(S::FLAGGED),
        OLD => K::NotFlag(S::RECENT),
        UNSEEN => K::NotFlag(S::SEEN),
        NEW => K::New,
        BCC => return text(K::Bcc),
        BODY => return text(K::Body),
        CC => return text(K::Cc),
        FROM => return text(K::From),
        SUBJECT => return text(K::Subject),
        TEXT => return text(K::Text),
        TO => return text(K::To),
        HEADER => {
            let (rest, field) = astring(sp(rest)?.0)?;
            let (rest, value) = astring(sp(rest)?.0)?;
            return Ok((rest, K::Header(field, value)));
        }
        BEFORE => return day(K::Before),
        ON => return day(K::On),
        SINCE => return day(K::Since),
        SENTBEFORE => return day(K::SentBefore),
        SENTON => return day(K::SentOn),
        SENTSINCE => return day(K::SentSince),
        LARGER => return size(K::Larger),
        SMALLER => return size(K::Smaller),
        KEYWORD => {
            let (rest, flag) = atom(sp(rest)?.0)?;
            return Ok((rest, K::Keyword(flag)));
        }
        UNKEYWORD => {
            let (rest, flag) = atom(sp(rest)?.0)?;
            return Ok((rest, K::NotKeyword(flag)));
        }
        UID => {
            let (rest, set) = command_set(sp(rest)?.0, context)?;
            return Ok((rest, K::Uid(set)));
        }
        MODSEQ => {
            context.needs(Capabilities::CONDSTORE, "CONDSTORE is not on")?;
            return modseq(sp(rest)?.0);
        }
        _ if matches!(i, [b'0'..=b'9' | b'*' | b'$', ..]) => {
            let (rest, set) = command_set(i, context)?;
            return Ok((rest, K::Sequence(set)));
        }
        _ => return search_extension::key(rest, name, context),
    };
    Ok((rest, key))
}

/// `[entry-name SP entry-type-req SP] mod-sequence-valzer` (RFC 7162 section 7)
fn modseq(i: &[u8]) -> Parse<'_, SearchKey<'_>> {
    let (i, entry) = if i.first() == Some(&b'"') {
        let (i, name) = quoted(i)?;
        let (i, kind) = atom(sp(i)?.0)?;
        if !["priv", "shared", "all"].iter().any(|k| k.eq_ignore_ascii_case(kind)) {
            return fault("Unknown entry type");
        }
        (sp(i)?.0, Some(ModSeqEntry { name, kind }))
    } else {
        (i, None)
    };
    let (i, n) = number64(i)?;
    Ok((i, SearchKey::ModSeq(n, entry)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::SearchReturn;
    use alloc::{format, string::String};

    fn read(wire: &str) -> Option<Search<'_>> {
        match search(wire.as_bytes(), false, Context::ALL) {
            Ok(([], s)) => Some(s),
            _ => None,
        }
    }

    #[test]
    fn programs_are_read() {
        for (wire, shown) in [
            (" ALL", "All"),
            (" 1:3,* UNSEEN", "And([Sequence(SequenceSet(1:3,*)), NotFlag(SystemFlags(1))])"),
            (" NOT SEEN", "Not(Flag(SystemFlags(1)))"),
            (" NOT NOT SEEN", "Flag(SystemFlags(1))"),
            (
                " OR FROM a OR TO b (NEW OLD)",
                "Or([From(Atom(\"a\")), To(Atom(\"b\")), And([New, NotFlag(SystemFlags(32))])])",
            ),
            (" OR OR NEW OLD ALL", "Or([Or([New, NotFlag(SystemFlags(32))]), All])"),
            (" ((((ALL))))", "All"),
            (
                " HEADER \"X\" {3}\r\na b UID $",
                "And([Header(Quoted(\"X\"), Literal(\"a b\")), Uid(SequenceSet($))])",
            ),
            (
                " SINCE 1-Feb-1994 LARGER 99",
                "And([Since(Date { year: 1994, month: 2, day: 1 }), Larger(99)])",
            ),
            (
                " MODSEQ \"/flags/\\\\draft\" all 620162338",
                "ModSeq(620162338, Some(ModSeqEntry { name: Escaped(\"/flags/\\\\\\\\draft\"), kind: \"all\" }))",
            ),
            (" keyword $Junk unkeyword b", "And([Keyword(\"$Junk\"), NotKeyword(\"b\")])"),
        ] {
            assert_eq!(format!("{:?}", read(wire).expect(wire).key), shown, "{wire}");
        }
        let s = read(" RETURN (SAVE MIN) CHARSET UTF-8 TEXT {2}\r\n\u{e4}").unwrap();
        assert_eq!(
            (s.returns, s.charset.unwrap().bytes().as_ref()),
            (Some(SearchReturn::SAVE | SearchReturn::MIN), &b"UTF-8"[..])
        );
        assert_eq!(read(" RETURN () ALL").unwrap().returns, Some(SearchReturn::ALL));
        for wire in [
            "",
            " ",
            " ()",
            " (ALL",
            " ALL)",
            " (ALL ",
            " NOT",
            " OR ALL",
            " OR ALL ",
            " FROM",
            " KEYWORD \\Seen",
            " XYZZY",
            " ALLX",
            " BEFORE 1994",
            " RETURN ALL",
            " RETURN (X) ALL",
            " CHARSET ALL",
            " SINCE \"1-Feb-1994",
            " LARGER -1",
            " ALL  ALL",
            " UID",
            " 0",
        ] {
            assert!(read(wire).is_none(), "{wire:?}");
        }
    }

    #[test]
    fn nesting_is_bounded_without_recursion() {
        let nested = |n: usize| format!(" {}ALL{}", "(".repeat(n), ")".repeat(n));
        assert!(read(&nested(128)).is_some());
        assert!(read(&nested(129)).is_none());
        assert!(read(&nested(10_000)).is_none());
        let nots = |n: usize| format!(" {}ALL{}", "NOT (SEEN ".repeat(n), ")".repeat(n));
        assert!(read(&nots(64)).is_some());
        assert!(read(&nots(10_000)).is_none());
        let chain: String = (0..10_000).map(|n| format!("OR FROM a{n} ")).collect();
        let chain = format!(" {chain}ALL");
        let Some(Search { key: SearchKey::Or(keys), .. }) = read(&chain) else {
            panic!("a long chain is one choice")
        };
        assert_eq!(keys.len(), 10_001);
        assert_eq!(
            read(&format!(" {}ALL", "NOT ".repeat(10_001))).unwrap().key,
            SearchKey::Not(Box::new(SearchKey::All))
        );
        assert!(read(&format!(" {}ALL{}", "OR ".repeat(10_000), " ALL".repeat(10_000))).is_none());
    }
}
