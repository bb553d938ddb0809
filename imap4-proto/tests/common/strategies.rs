//! Strategies for the elements of commands.
#![allow(dead_code, unreachable_pub, reason = "each test file uses some of it")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

use std::num::NonZeroU32;

use imap4_proto::types::{
    AString, Command, Date, FetchItems, FlagList, MailboxArg, PartialRange, Search, SearchKey, SearchReturn,
    SequenceSet, SystemFlags,
};
use proptest::prelude::*;

/// Values that commands borrow live as long as the test: they are few and small.
pub fn leak<T: ?Sized>(value: Box<T>) -> &'static T {
    Box::leak(value)
}

pub fn octets() -> impl Strategy<Value = &'static [u8]> {
    prop_oneof![
        "[a-zA-Z0-9]{1,8}".prop_map(String::into_bytes),
        "[ -~]{0,12}".prop_map(String::into_bytes),
        proptest::collection::vec(1u8..=255, 0..12),
        Just(b"NIL".to_vec()),
    ]
    .prop_map(|v| leak(v.into_boxed_slice()))
}

pub fn astring() -> impl Strategy<Value = AString<'static>> {
    octets().prop_map(AString::new)
}

pub fn text(regex: &'static str) -> impl Strategy<Value = &'static str> {
    regex.prop_map(|s| leak(s.into_boxed_str()))
}

pub fn keyword() -> impl Strategy<Value = &'static str> {
    text("[$A-Za-z0-9_.-]{1,8}")
}

pub fn mailbox(utf8: bool) -> impl Strategy<Value = MailboxArg<'static>> {
    astring().prop_map(move |s| MailboxArg::new(s, utf8))
}

pub fn set() -> impl Strategy<Value = SequenceSet<'static>> {
    let number = prop_oneof![(1u32..).prop_map(|n| n.to_string()), Just("*".to_string())];
    let range = (number.clone(), proptest::option::of(number)).prop_map(|(a, b)| match b {
        Some(b) => format!("{a}:{b}"),
        None => a,
    });
    prop_oneof![
        9 => proptest::collection::vec(range, 1..5).prop_map(|v| v.join(",")),
        1 => Just("$".to_string())
    ]
    .prop_map(|s| SequenceSet::parse(leak(s.into_bytes().into_boxed_slice())).unwrap())
}

pub fn plain_set() -> impl Strategy<Value = SequenceSet<'static>> {
    proptest::collection::vec(1u32.., 1..4)
        .prop_map(|v| v.iter().map(u32::to_string).collect::<Vec<_>>().join(","))
        .prop_map(|s| SequenceSet::parse(leak(s.into_bytes().into_boxed_slice())).unwrap())
}

pub fn modseq() -> impl Strategy<Value = u64> {
    1..=i64::MAX.cast_unsigned()
}

pub fn flags() -> impl Strategy<Value = FlagList<'static>> {
    let flag = prop_oneof![
        proptest::sample::select(vec![
            "\\Seen",
            "\\deleted",
            "\\Answered",
            "\\FLAGGED",
            "\\Draft",
            "\\Recent",
            "\\Ext"
        ])
        .prop_map(str::to_string),
        keyword().prop_map(str::to_string)
    ];
    proptest::collection::vec(flag, 0..5).prop_map(|v| {
        if v.is_empty() {
            FlagList::default()
        } else {
            FlagList::parse(leak(v.join(" ").into_bytes().into_boxed_slice())).unwrap()
        }
    })
}

pub fn items() -> impl Strategy<Value = FetchItems<'static>> {
    let part = "[1-9][0-9]?(\\.[1-9]){0,2}";
    let partial = prop_oneof![
        Just(String::new()),
        (0u64..1 << 40, 1u64..1 << 40).prop_map(|(a, b)| format!("<{a}.{b}>"))
    ];
    let fields = proptest::collection::vec(
        prop_oneof!["[A-Za-z-]{1,9}", "\"[a-z \\\\\\\\]{0,3}\"", Just("{3}\r\na b".to_string())],
        1..4,
    )
    .prop_map(|v| v.join(" "));
    let fields = fields.prop_filter("an escape must escape", |f| {
        FetchItems::parse(format!("BODY[HEADER.FIELDS ({f})]").as_bytes()).is_some()
    });
    let section = (
        part,
        prop_oneof![
            Just("HEADER".to_string()),
            Just("TEXT".into()),
            fields.clone().prop_map(|f| format!("HEADER.FIELDS ({f})")),
            fields.prop_map(|f| format!("header.fields.not ({f})"))
        ],
    )
        .prop_flat_map(|(p, t)| {
            prop_oneof![
                Just(String::new()),
                Just(p.clone()),
                Just(t.clone()),
                Just(format!("{p}.{t}")),
                Just(format!("{p}.MIME"))
            ]
        });
    let simple = proptest::sample::select(vec![
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
    ]);
    let item = prop_oneof![
        simple.prop_map(str::to_string),
        (section, partial.clone(), any::<bool>())
            .prop_map(|(s, p, peek)| format!("BODY{}[{s}]{p}", if peek { ".PEEK" } else { "" })),
        (part, partial, any::<bool>())
            .prop_map(|(s, p, peek)| format!("BINARY{}[{s}]{p}", if peek { ".PEEK" } else { "" })),
    ];
    prop_oneof![
        proptest::collection::vec(item, 1..5).prop_map(|v| format!("({})", v.join(" "))),
        Just("FULL".to_string())
    ]
    .prop_map(|s| FetchItems::parse(leak(s.clone().into_bytes().into_boxed_slice())).expect(&s))
}

pub fn date() -> impl Strategy<Value = Date> {
    (-719_528i64..=2_932_896).prop_map(|d| Date::from_days(d).unwrap())
}

pub fn key() -> impl Strategy<Value = SearchKey<'static>> {
    use SearchKey as K;
    let flag = || (0u8..6).prop_map(|n| SystemFlags::from_bits(1 << n));
    let leaf = prop_oneof![
        Just(K::All),
        Just(K::New),
        flag().prop_map(K::Flag),
        flag().prop_map(K::NotFlag),
        keyword().prop_map(K::Keyword),
        keyword().prop_map(K::NotKeyword),
        astring().prop_map(K::Bcc),
        astring().prop_map(K::Cc),
        astring().prop_map(K::From),
        astring().prop_map(K::To),
        astring().prop_map(K::Subject),
        astring().prop_map(K::Body),
        astring().prop_map(K::Text),
        (astring(), astring()).prop_map(|(a, b)| K::Header(a, b)),
        date().prop_map(K::Before),
        date().prop_map(K::On),
        date().prop_map(K::Since),
        date().prop_map(K::SentBefore),
        date().prop_map(K::SentOn),
        date().prop_map(K::SentSince),
        modseq().prop_map(K::Larger),
        modseq().prop_map(K::Smaller),
        set().prop_map(K::Sequence),
        set().prop_map(K::Uid),
        modseq().prop_map(|n| K::ModSeq(n, None)),
        (1u32..).prop_map(K::Older),
        (1u32..).prop_map(K::Younger),
        date().prop_map(K::SavedBefore),
        date().prop_map(K::SavedOn),
        date().prop_map(K::SavedSince),
        Just(K::SaveDateSupported),
        object_id().prop_map(K::EmailId),
        object_id().prop_map(K::ThreadId),
        (1u32..).prop_map(K::UidAfter),
        (1u32..).prop_map(K::UidBefore),
    ];
    leaf.prop_recursive(6, 40, 4, |inner| {
        prop_oneof![
            // In the one form that the grammar gives them: NOT NOT is nothing, a chain of OR is one.
            inner.clone().prop_map(|k| if let K::Not(k) = k { *k } else { K::Not(Box::new(k)) }),
            inner.clone().prop_map(|k| if let K::Fuzzy(_) = k { k } else { K::Fuzzy(Box::new(k)) }),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(K::And),
            proptest::collection::vec(inner, 2..4).prop_map(|mut keys| {
                while let Some(K::Or(last)) = keys.pop_if(|k| matches!(k, K::Or(_))) {
                    keys.extend(last);
                }
                K::Or(keys)
            }),
        ]
    })
}

pub fn object_id() -> impl Strategy<Value = &'static str> {
    text("[A-Za-z0-9_-]{1,20}")
}

pub fn partial_range() -> impl Strategy<Value = PartialRange> {
    (1u32.., 1u32.., any::<bool>()).prop_map(|(a, b, from_end)| {
        PartialRange::new(NonZeroU32::new(a).unwrap(), NonZeroU32::new(b).unwrap(), from_end)
    })
}

/// A search, with or without return options.
pub fn any_search() -> impl Strategy<Value = Search<'static>> {
    let options = (1u8.., proptest::option::of(partial_range()), proptest::option::of(items()));
    (any::<bool>(), proptest::option::of(options), proptest::option::of(text("[A-Z0-9-]{1,9}")), key())
        .prop_map(|(uid, options, charset, key)| {
            let mut search = Search::new(uid, key);
            if let Some((bits, partial, items)) = options {
                let mut returns = SearchReturn::from_bits(bits);
                if partial.is_some() {
                    // RFC 9394 section 3.1: one of both at most.
                    returns = returns.without(SearchReturn::ALL);
                }
                if returns.contains(SearchReturn::UPDATE) {
                    search.window.update_items = items;
                }
                if returns.is_empty() && partial.is_none() {
                    returns = SearchReturn::COUNT;
                }
                search.window.partial = partial;
                search.returns = Some(returns);
            }
            search.charset = charset.map(|c| AString::new(c.as_bytes()));
            search
        })
}

/// decode(encode(x)) = x, at once and from the copy that outlives the frame.
pub fn comes_back(command: &Command<'static>, utf8: bool) -> Result<(), TestCaseError> {
    let mut wire = Vec::new();
    command.encode(&mut wire);
    let back = Command::parse(&wire, utf8);
    prop_assert_eq!(back.as_ref(), Some(command), "{}", wire.escape_ascii());
    let owned = command.clone().into_owned();
    prop_assert_eq!(owned.get(), Some(command.clone()));
    Ok(())
}
