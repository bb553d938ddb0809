//! SEARCH and what it is made of.
use std::num::NonZeroU32;

use arbitrary::Result;
use imap4_proto::types::{AString, FetchItems, PartialRange, Search, SearchKey, SearchReturn, SystemFlags};

use super::Source;

/// `1:5`, `-1:-5`
pub(super) fn partial_range(s: &mut Source<'_>) -> Result<PartialRange> {
    let end = |n| NonZeroU32::new(n).expect("not 0");
    Ok(PartialRange::new(end(s.nz_number()?), end(s.nz_number()?), s.coin()?))
}

/// Items of FETCH.
pub(super) fn items<'a>(s: &mut Source<'a>) -> Result<FetchItems<'a>> {
    const SIMPLE: &[&str] = &[
        "ENVELOPE",
        "FLAGS",
        "INTERNALDATE",
        "RFC822",
        "RFC822.HEADER",
        "RFC822.TEXT",
        "RFC822.SIZE",
        "BODY",
        "BODYSTRUCTURE",
        "UID",
        "MODSEQ",
        "SAVEDATE",
        "PREVIEW",
        "PREVIEW (LAZY)",
        "EMAILID",
        "THREADID",
        "BINARY.SIZE[1.2]",
        "BINARY.SIZE[]",
    ];
    const SECTIONS: &[&str] = &[
        "",
        "1",
        "1.2.3",
        "HEADER",
        "TEXT",
        "4.HEADER",
        "4.MIME",
        "2.TEXT",
        "HEADER.FIELDS (a \"b c\" D)",
        "1.HEADER.FIELDS.NOT (X-a {3}\r\na b)",
    ];
    let all = s.several(1, 4, |s| {
        let partial = match s.maybe(|s| Ok((s.number64()?, s.number64()?.max(1))))? {
            Some((from, n)) => format!("<{from}.{n}>"),
            None => String::new(),
        };
        Ok(match s.u.int_in_range(0..=3)? {
            0 => format!("BODY[{}]{partial}", s.u.choose(SECTIONS)?),
            1 => format!("BODY.PEEK[{}]{partial}", s.u.choose(SECTIONS)?),
            2 => format!("BINARY[{}]{partial}", s.u.choose(&["", "1", "2.3"])?),
            _ => (*s.u.choose(SIMPLE)?).to_owned(),
        })
    })?;
    Ok(FetchItems::parse(s.keep(&format!("({})", all.join(" "))).as_bytes()).expect("items"))
}

fn leaf<'a>(s: &mut Source<'a>) -> Result<SearchKey<'a>> {
    use SearchKey as K;
    let flag = |s: &mut Source<'a>| {
        Ok::<_, arbitrary::Error>(SystemFlags::from_bits(1 << s.u.int_in_range(0..=5_u8)?))
    };
    Ok(match s.u.int_in_range(0..=34)? {
        0 => K::New,
        1 => K::Flag(flag(s)?),
        2 => K::NotFlag(flag(s)?),
        3 => K::Keyword(s.atom()?),
        4 => K::NotKeyword(s.atom()?),
        5 => K::Bcc(s.astring()?),
        6 => K::Cc(s.astring()?),
        7 => K::From(s.astring()?),
        8 => K::To(s.astring()?),
        9 => K::Subject(s.astring()?),
        10 => K::Body(s.astring()?),
        11 => K::Text(s.astring()?),
        12 => K::Header(s.astring()?, s.astring()?),
        13 => K::Before(s.date()?),
        14 => K::On(s.date()?),
        15 => K::Since(s.date()?),
        16 => K::SentBefore(s.date()?),
        17 => K::SentOn(s.date()?),
        18 => K::SentSince(s.date()?),
        19 => K::Larger(s.number64()?),
        20 => K::Smaller(s.number64()?),
        21 => K::Sequence(s.set()?),
        22 => K::Uid(s.set()?),
        23 => K::ModSeq(s.number64()?.max(1), None),
        24 => K::Older(s.nz_number()?),
        25 => K::Younger(s.nz_number()?),
        26 => K::SavedBefore(s.date()?),
        27 => K::SavedOn(s.date()?),
        28 => K::SavedSince(s.date()?),
        29 => K::SaveDateSupported,
        30 => K::EmailId(s.word_of(b"aZ09_-", 20)?),
        31 => K::ThreadId(s.word_of(b"aZ09_-", 20)?),
        32 => K::UidAfter(s.nz_number()?),
        33 => K::UidBefore(s.nz_number()?),
        _ => K::All,
    })
}

/// A key in the one form that the grammar gives it: NOT NOT is nothing, a chain of OR is one.
fn key<'a>(s: &mut Source<'a>, depth: usize) -> Result<SearchKey<'a>> {
    use SearchKey as K;
    if depth == 0 || s.u.is_empty() {
        return leaf(s);
    }
    Ok(match s.u.int_in_range(0..=9)? {
        0 => match key(s, depth - 1)? {
            K::Not(inner) => *inner,
            inner => K::Not(Box::new(inner)),
        },
        1 => match key(s, depth - 1)? {
            inner @ K::Fuzzy(_) => inner,
            inner => K::Fuzzy(Box::new(inner)),
        },
        2 => K::And(s.several(2, 4, |s| key(s, depth - 1))?),
        3 => {
            let mut keys = s.several(2, 4, |s| key(s, depth - 1))?;
            while let Some(K::Or(last)) = keys.pop_if(|k| matches!(k, K::Or(_))) {
                keys.extend(last);
            }
            K::Or(keys)
        }
        _ => leaf(s)?,
    })
}

/// A search, with or without return options.
pub(super) fn search<'a>(s: &mut Source<'a>) -> Result<Search<'a>> {
    let uid = s.coin()?;
    let mut search = Search::new(uid, key(s, 8)?);
    if s.coin()? {
        let partial = s.maybe(partial_range)?;
        let mut returns = SearchReturn::from_bits(s.u.arbitrary()?);
        if partial.is_some() {
            // RFC 9394 section 3.1: one of both at most.
            returns = returns.without(SearchReturn::ALL);
        }
        if returns.contains(SearchReturn::UPDATE) {
            search.window.update_items = s.maybe(items)?;
        }
        if returns.is_empty() && partial.is_none() {
            returns = SearchReturn::COUNT;
        }
        search.window.partial = partial;
        search.returns = Some(returns);
    }
    search.charset = s.maybe(|s| s.word_of(b"UTF-8X", 9))?.map(|c| AString::new(c.as_bytes()));
    Ok(search)
}
