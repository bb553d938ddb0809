//! decode(encode(x)) = x for every command, and encode(decode(w)) decodes equal.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

use imap4_proto::types::{
    AString, AppendMessage, CapabilityList, Command, Create, Date, DateTime, Fetch, FetchItems, FlagList,
    List, ListReturn, ListSelect, MailboxArg, MailboxAttributes, Patterns, QResync, Search, SearchKey,
    SearchReturn, Select, SequenceSet, StatusItems, Store, StoreMode, SystemFlags,
};
use proptest::prelude::*;

/// Values that commands borrow live as long as the test: they are few and small.
fn leak<T: ?Sized>(value: Box<T>) -> &'static T {
    Box::leak(value)
}

fn octets() -> impl Strategy<Value = &'static [u8]> {
    prop_oneof![
        "[a-zA-Z0-9]{1,8}".prop_map(String::into_bytes),
        "[ -~]{0,12}".prop_map(String::into_bytes),
        proptest::collection::vec(1u8..=255, 0..12),
        Just(b"NIL".to_vec()),
    ]
    .prop_map(|v| leak(v.into_boxed_slice()))
}

fn astring() -> impl Strategy<Value = AString<'static>> {
    octets().prop_map(AString::new)
}

fn text(regex: &'static str) -> impl Strategy<Value = &'static str> {
    regex.prop_map(|s| leak(s.into_boxed_str()))
}

fn keyword() -> impl Strategy<Value = &'static str> {
    text("[$A-Za-z0-9_.-]{1,8}")
}

fn mailbox(utf8: bool) -> impl Strategy<Value = MailboxArg<'static>> {
    astring().prop_map(move |s| MailboxArg::new(s, utf8))
}

fn set() -> impl Strategy<Value = SequenceSet<'static>> {
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

fn plain_set() -> impl Strategy<Value = SequenceSet<'static>> {
    proptest::collection::vec(1u32.., 1..4)
        .prop_map(|v| v.iter().map(u32::to_string).collect::<Vec<_>>().join(","))
        .prop_map(|s| SequenceSet::parse(leak(s.into_bytes().into_boxed_slice())).unwrap())
}

fn modseq() -> impl Strategy<Value = u64> {
    1..=i64::MAX.cast_unsigned()
}

fn flags() -> impl Strategy<Value = FlagList<'static>> {
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

fn items() -> impl Strategy<Value = FetchItems<'static>> {
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

fn date() -> impl Strategy<Value = Date> {
    (-719_528i64..=2_932_896).prop_map(|d| Date::from_days(d).unwrap())
}

fn key() -> impl Strategy<Value = SearchKey<'static>> {
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
    ];
    leaf.prop_recursive(6, 40, 4, |inner| {
        prop_oneof![
            // In the one form that the grammar gives them: NOT NOT is nothing, a chain of OR is one.
            inner.clone().prop_map(|k| if let K::Not(k) = k { *k } else { K::Not(Box::new(k)) }),
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

fn search() -> impl Strategy<Value = Command<'static>> {
    (any::<bool>(), proptest::option::of(1u8..32), proptest::option::of(text("[A-Z0-9-]{1,9}")), key())
        .prop_map(|(uid, returns, charset, key)| {
            let mut search = Search::new(uid, key);
            search.returns = returns.map(SearchReturn::from_bits);
            search.charset = charset.map(|c| AString::new(c.as_bytes()));
            Command::Search(search)
        })
}

fn list(utf8: bool) -> impl Strategy<Value = Command<'static>> {
    let options =
        (0u8..16, any::<bool>(), any::<(bool, bool, bool, bool)>(), proptest::option::of(1u16..512));
    let patterns = proptest::collection::vec("[A-Za-z*%/]{1,8}|\"[a-z*% ]{0,5}\"", 1..4);
    (mailbox(utf8), patterns, any::<bool>(), options).prop_map(move |(reference, patterns, many, options)| {
        let (select, extended, (subscribed, children, special_use, given), status) = options;
        let text = if many || patterns.len() > 1 {
            format!("({})", patterns.join(" "))
        } else {
            patterns[0].clone()
        };
        let patterns = Patterns::parse(leak(text.into_bytes().into_boxed_slice()), utf8).unwrap();
        let mut list = List::new(reference, patterns);
        let mut select = ListSelect::from_bits(select);
        if select.contains(ListSelect::RECURSIVEMATCH) {
            select |= ListSelect::SUBSCRIBED;
        }
        if extended || !select.is_empty() {
            list.select = select | ListSelect::EXTENDED;
        }
        if given {
            let mut returns = ListReturn::NONE;
            returns.given = true;
            returns.subscribed = subscribed;
            returns.children = children;
            returns.special_use = special_use;
            returns.status = status.map(StatusItems::from_bits);
            list.returns = returns;
        }
        Command::List(list)
    })
}

fn simple() -> impl Strategy<Value = Command<'static>> {
    proptest::sample::select(vec![
        Command::Capability,
        Command::Noop,
        Command::Logout,
        Command::StartTls,
        Command::Namespace,
        Command::Idle,
        Command::Check,
        Command::Close,
        Command::Unselect,
        Command::Expunge,
    ])
}

fn command(utf8: bool) -> impl Strategy<Value = Command<'static>> {
    let select = (
        mailbox(utf8),
        any::<bool>(),
        any::<bool>(),
        proptest::option::of((
            1u32..,
            modseq(),
            proptest::option::of(plain_set()),
            proptest::option::of((plain_set(), plain_set())),
        )),
    )
        .prop_map(|(m, read_only, condstore, qresync)| {
            let mut select = Select::new(m, read_only);
            select.condstore = condstore;
            select.qresync = qresync.map(|(v, n, known, matched)| {
                let mut q = QResync::new(v, n);
                q.known_uids = known;
                q.sequence_match = matched;
                q
            });
            Command::Select(select)
        });
    let fetch = (any::<bool>(), set(), items(), proptest::option::of(modseq()), any::<bool>()).prop_map(
        |(uid, set, items, since, vanished)| {
            let mut fetch = Fetch::new(uid, set, items);
            fetch.changed_since = since;
            fetch.vanished = vanished && uid && since.is_some();
            Command::Fetch(fetch)
        },
    );
    let mode = proptest::sample::select(vec![StoreMode::Replace, StoreMode::Add, StoreMode::Remove]);
    let store = (
        any::<bool>(),
        set(),
        mode,
        any::<bool>(),
        flags(),
        proptest::option::of(0..=i64::MAX.cast_unsigned()),
    )
        .prop_map(|(uid, set, mode, silent, flags, since)| {
            let mut store = Store::new(uid, set, mode, flags);
            store.silent = silent;
            store.unchanged_since = since;
            Command::Store(store)
        });
    let create = (mailbox(utf8), any::<u32>()).prop_map(|(m, bits)| {
        let mut create = Create::new(m);
        create.special_use = MailboxAttributes::from_bits(bits) & MailboxAttributes::SPECIAL_USE;
        Command::Create(create)
    });
    prop_oneof![
        simple(),
        search(),
        list(utf8),
        select,
        fetch,
        store,
        create,
        (astring(), astring()).prop_map(|(user, password)| Command::Login { user, password }),
        (keyword(), proptest::option::of(text("[A-Za-z0-9+/]{4,8}={0,2}"))).prop_map(
            |(mechanism, initial)| Command::Authenticate { mechanism, initial: initial.map(str::as_bytes) }
        ),
        text("[A-Z0-9=-]{1,8}( [A-Z0-9=-]{1,8}){0,3}")
            .prop_map(|s| Command::Enable(CapabilityList::parse(s.as_bytes()).unwrap())),
        mailbox(utf8).prop_map(Command::Delete),
        mailbox(utf8).prop_map(Command::Subscribe),
        mailbox(utf8).prop_map(Command::Unsubscribe),
        (mailbox(utf8), mailbox(utf8)).prop_map(|(from, to)| Command::Rename { from, to }),
        (mailbox(utf8), mailbox(utf8)).prop_map(|(reference, pattern)| Command::Lsub { reference, pattern }),
        (mailbox(utf8), 1u16..512)
            .prop_map(|(mailbox, items)| Command::Status { mailbox, items: StatusItems::from_bits(items) }),
        set().prop_map(Command::UidExpunge),
        (any::<bool>(), set(), mailbox(utf8)).prop_map(|(uid, set, mailbox)| Command::Copy {
            uid,
            set,
            mailbox
        }),
        (any::<bool>(), set(), mailbox(utf8)).prop_map(|(uid, set, mailbox)| Command::Move {
            uid,
            set,
            mailbox
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn commands_come_back(command in any::<bool>().prop_flat_map(|utf8| (Just(utf8), command(utf8)))) {
        let (utf8, command) = command;
        let mut wire = Vec::new();
        command.encode(&mut wire);
        let back = Command::parse(&wire, utf8);
        prop_assert_eq!(back.as_ref(), Some(&command), "{}", wire.escape_ascii());
        let owned = command.clone().into_owned();
        prop_assert_eq!(owned.get(), Some(command));
    }

    #[test]
    fn octets_never_panic_and_what_decodes_comes_back(wire in "(UID )?(FETCH|STORE|SEARCH|LIST|SELECT|COPY|ID|STATUS|CREATE|LOGIN) [ -~]{0,30}") {
        if let Some(command) = Command::parse(wire.as_bytes(), false) {
            let mut again = Vec::new();
            command.encode(&mut again);
            // A special use that is not known is told, not kept.
            if !matches!(&command, Command::Create(c) if c.unknown_use) {
                prop_assert_eq!(Command::parse(&again, false), Some(command), "{}", again.escape_ascii());
            }
        }
    }

    #[test]
    fn append_messages_come_back_as_events(flags in flags(), date in proptest::option::of((-62_167_000_000i64..253_402_000_000, -800i16..800)), len in 0u64..5, utf8 in any::<bool>(), binary in any::<bool>(), synchronizing in any::<bool>()) {
        use imap4_proto::server::{Config, Event, Passwords, Server};
        use mail_wire::Machine;

        let mut message = AppendMessage::new(len);
        message.flags = flags;
        message.date = date.map(|(s, z)| DateTime::new(s, z));
        message.utf8 = utf8;
        message.binary = binary || utf8;
        message.synchronizing = synchronizing;
        let mut config = Config::default();
        config.capabilities = imap4_proto::types::Capabilities::from_bits(u128::MAX);
        config.passwords = Passwords::Always;
        let mut server = Server::preauthenticated(config);
        let mut wire = b"a APPEND x".to_vec();
        message.encode(&mut wire);
        let n = wire.len();
        prop_assert_eq!(server.poll(&wire, mail_wire::Instant::ZERO), Ok(mail_wire::Poll::Frame(n)));
        match server.event(&wire) {
            Event::AppendBegin(begin) => prop_assert_eq!(begin.message, message),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
