//! decode(encode(x)) = x for every command of the base protocol, and encode(decode(w)) decodes equal.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

#[path = "common/strategies.rs"]
mod strategies;

use imap4_proto::types::{
    AppendMessage, CapabilityList, Command, Create, DateTime, Fetch, List, ListOf, ListReturn, ListSelect,
    MailboxAttributes, Patterns, QResync, Select, StatusItems, Store, StoreMode,
};
use proptest::prelude::*;
use strategies::*;

fn search() -> impl Strategy<Value = Command<'static>> {
    any_search().prop_map(Command::Search)
}

fn list(utf8: bool) -> impl Strategy<Value = Command<'static>> {
    let options =
        (0u8..16, any::<bool>(), any::<(bool, bool, bool, bool)>(), proptest::option::of(1u16..2048));
    let entries =
        proptest::option::of(proptest::collection::vec(text("/(shared|private)/[a-z ]{1,9}"), 1..3));
    let patterns = proptest::collection::vec("[A-Za-z*%/]{1,8}|\"[a-z*% ]{0,5}\"", 1..4);
    (mailbox(utf8), patterns, any::<bool>(), options, entries, any::<bool>()).prop_map(
        move |(reference, patterns, many, options, entries, my_rights)| {
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
                returns.my_rights = my_rights;
                list.metadata = entries.map(|all| {
                    let all: Vec<_> =
                        all.iter().map(|e| imap4_proto::types::AString::new(e.as_bytes())).collect();
                    ListOf::new(leak(all.into_boxed_slice()))
                });
                list.returns = returns;
            }
            Command::List(list)
        },
    )
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
    let partial = proptest::option::of(partial_range());
    let fetch = (any::<bool>(), set(), items(), proptest::option::of(modseq()), any::<bool>(), partial)
        .prop_map(|(uid, set, items, since, vanished, partial)| {
            let mut fetch = Fetch::new(uid, set, items);
            fetch.changed_since = since;
            fetch.vanished = vanished && uid && since.is_some();
            fetch.partial = partial.filter(|_| uid);
            Command::Fetch(fetch)
        });
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
        (mailbox(utf8), 1u16..2048)
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
        comes_back(&command.1, command.0)?;
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
