//! decode(encode(x)) = x for every command and response of the extensions.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

#[path = "common/strategies.rs"]
mod strategies;

use imap4_proto::types::{
    AString, AclEntry, Code, Command, ContextUpdate, Element, Esearch, EsearchItem, EventGroup, Fetched,
    GetMetadata, ListOf, MailboxArg, MailboxFilter, MechanismName, MetadataData, MetadataDepth,
    MetadataEntry, MultiSearch, Notify, NotifyEvent, Numbers, PartialRange, Progress, QuotaLimit,
    QuotaResource, Reading, Response, ResponseCode, ResponseText, Rights, RightsChange, SearchReturn, Sort,
    SortCriterion, SortKey, Status, Thread, ThreadAlgorithm, Threads, UrlData, UrlMechanism, UrlRump,
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use strategies::*;

fn list<T: Element<'static>>(
    element: impl Strategy<Value = T>,
    at_least: usize,
) -> impl Strategy<Value = ListOf<'static, T>> {
    vec(element, at_least..4).prop_map(|v| ListOf::new(leak(v.into_boxed_slice())))
}

fn entry_name() -> impl Strategy<Value = AString<'static>> {
    text("/(shared|private)(/[a-z\"\\\\ ]{1,6}){1,2}").prop_map(|s| AString::new(s.as_bytes()))
}

fn metadata_entry() -> impl Strategy<Value = MetadataEntry<'static>> {
    (entry_name(), option::of(vec(any::<u8>(), 0..12)))
        .prop_map(|(name, v)| MetadataEntry::new(name, v.map(|v| AString::new(leak(v.into_boxed_slice())))))
}

fn rights() -> impl Strategy<Value = Rights> {
    any::<u64>().prop_map(Rights::from_bits)
}

fn filter(utf8: bool) -> impl Strategy<Value = MailboxFilter<'static>> {
    prop_oneof![
        Just(MailboxFilter::Inboxes),
        Just(MailboxFilter::Personal),
        Just(MailboxFilter::Subscribed),
        list(mailbox(utf8), 1).prop_map(MailboxFilter::Subtree),
        list(mailbox(utf8), 1).prop_map(MailboxFilter::SubtreeOne),
        list(mailbox(utf8), 1).prop_map(MailboxFilter::Mailboxes),
    ]
}

/// Groups that RFC 5465 section 8 allows.
fn groups(utf8: bool) -> impl Strategy<Value = ListOf<'static, EventGroup<'static>>> {
    let others = select(vec![
        NotifyEvent::MailboxName,
        NotifyEvent::SubscriptionChange,
        NotifyEvent::MailboxMetadataChange,
        NotifyEvent::ServerMetadataChange,
        NotifyEvent::Other("X-Thing"),
    ]);
    let group = (filter(utf8), option::of((any::<bool>(), any::<bool>(), vec(others, 1..3)))).prop_map(
        |(filter, events)| {
            let events = events.map(|(messages, flags, mut all)| {
                if messages {
                    all.extend([NotifyEvent::MessageNew(None), NotifyEvent::MessageExpunge]);
                    all.extend(flags.then_some(NotifyEvent::FlagChange));
                }
                ListOf::new(leak(all.into_boxed_slice()))
            });
            EventGroup::new(filter, events)
        },
    );
    let selected = (any::<bool>(), option::of(items())).prop_map(|(delayed, items)| {
        let filter = if delayed { MailboxFilter::SelectedDelayed } else { MailboxFilter::Selected };
        let events =
            vec![NotifyEvent::MessageExpunge, NotifyEvent::MessageNew(items), NotifyEvent::AnnotationChange];
        EventGroup::new(filter, Some(ListOf::new(leak(events.into_boxed_slice()))))
    });
    (option::of(selected), vec(group, 1..3)).prop_map(|(selected, mut all)| {
        all.extend(selected);
        ListOf::new(leak(all.into_boxed_slice()))
    })
}

fn criterion() -> impl Strategy<Value = SortCriterion> {
    (select(SortKey::EACH.to_vec()), any::<bool>())
        .prop_map(|(key, reverse)| SortCriterion::new(key, reverse))
}

fn algorithm() -> impl Strategy<Value = ThreadAlgorithm<'static>> {
    select(vec![ThreadAlgorithm::OrderedSubject, ThreadAlgorithm::References, ThreadAlgorithm::Other("REFS")])
}

fn searching(utf8: bool) -> impl Strategy<Value = Command<'static>> {
    let sources = option::of(list(prop_oneof![filter(utf8), Just(MailboxFilter::Selected)], 1));
    prop_oneof![
        (list(criterion(), 1), astring(), any_search())
            .prop_map(|(criteria, charset, s)| Command::Sort(Box::new(Sort::new(criteria, charset, s)))),
        (algorithm(), astring(), any_search()).prop_map(|(algorithm, charset, mut s)| {
            (s.returns, s.window) = Default::default();
            Command::Thread(Box::new(Thread::new(algorithm, charset, s)))
        }),
        (sources, any_search()).prop_map(|(sources, mut s)| {
            // RFC 7377 section 2.2: they are for the selected mailbox alone.
            if let Some(returns) = s.returns {
                s.window.update_items = None;
                let kept = returns.without(SearchReturn::SAVE | SearchReturn::UPDATE);
                s.returns = Some(if kept.is_empty() { SearchReturn::MIN } else { kept });
            }
            Command::MultiSearch(Box::new(MultiSearch::new(sources, s)))
        }),
        list(text("[A-Za-z0-9.]{1,8}").prop_map(|t| AString::new(t.as_bytes())), 1)
            .prop_map(Command::CancelUpdate),
    ]
}

fn command(utf8: bool) -> impl Strategy<Value = Command<'static>> {
    let number = || 0..1u64 << 63;
    let limit = (text("[A-Z-]{1,9}"), number()).prop_map(|(n, l)| QuotaLimit::new(n, l));
    let depth = select(vec![MetadataDepth::Zero, MetadataDepth::One, MetadataDepth::Infinity]);
    let get = (mailbox(utf8), list(entry_name(), 1), option::of(any::<u32>()), depth).prop_map(
        |(mailbox, entries, max_size, depth)| {
            let mut get = GetMetadata::new(mailbox, entries);
            (get.max_size, get.depth) = (max_size, depth);
            Command::GetMetadata(get)
        },
    );
    let change = (0..3, rights()).prop_map(|(how, rights)| match how {
        0 => RightsChange::Replace(rights),
        1 => RightsChange::Add(rights),
        _ => RightsChange::Remove(rights),
    });
    let mechanism = || text("[A-Z0-9.-]{1,8}");
    let rump = (astring(), mechanism()).prop_map(|(url, m)| UrlRump::new(url, m));
    prop_oneof![
        searching(utf8),
        select(vec![Command::GetJmapAccess, Command::Compress, Command::Unauthenticate]),
        astring().prop_map(Command::GetQuota),
        mailbox(utf8).prop_map(Command::GetQuotaRoot),
        (astring(), list(limit, 0)).prop_map(|(root, limits)| Command::SetQuota { root, limits }),
        get,
        (mailbox(utf8), list(metadata_entry(), 1))
            .prop_map(|(mailbox, entries)| Command::SetMetadata { mailbox, entries }),
        (mailbox(utf8), astring(), change).prop_map(|(mailbox, identifier, change)| Command::SetAcl {
            mailbox,
            identifier,
            change
        }),
        (mailbox(utf8), astring())
            .prop_map(|(mailbox, identifier)| Command::DeleteAcl { mailbox, identifier }),
        (mailbox(utf8), astring())
            .prop_map(|(mailbox, identifier)| Command::ListRights { mailbox, identifier }),
        mailbox(utf8).prop_map(Command::GetAcl),
        mailbox(utf8).prop_map(Command::MyRights),
        Just(Command::Notify(Notify::None)),
        (any::<bool>(), groups(utf8))
            .prop_map(|(status, groups)| Command::Notify(Notify::Set { status, groups })),
        list(rump, 1).prop_map(Command::GenUrlAuth),
        option::of((mailbox(utf8), list(mechanism().prop_map(MechanismName), 0))).prop_map(|m| {
            let (mailbox, mechanisms) = m.map_or((None, ListOf::EMPTY), |(m, l)| (Some(m), l));
            Command::ResetKey { mailbox, mechanisms }
        }),
        list(astring(), 1).prop_map(Command::UrlFetch),
    ]
}

fn thread_text() -> impl Strategy<Value = Threads<'static>> {
    let chain = || vec(1u32.., 1..4).prop_map(|v| v.iter().map(u32::to_string).collect::<Vec<_>>().join(" "));
    let thread = chain().prop_map(|c| format!("({c})")).prop_recursive(4, 20, 3, move |inner| {
        prop_oneof![
            (chain(), vec(inner.clone(), 2..4)).prop_map(|(c, lists)| format!("({c} {})", lists.concat())),
            vec(inner, 2..4).prop_map(|lists| format!("({})", lists.concat())),
        ]
    });
    vec(thread, 0..4).prop_map(|v| Threads::parse(leak(v.concat().into_bytes().into_boxed_slice())).unwrap())
}

fn numbers() -> impl Strategy<Value = Numbers<'static>> {
    vec(1u32..101, 0..5).prop_map(|v| {
        let text = v.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
        if text.is_empty() {
            Numbers::default()
        } else {
            Numbers::parse(leak(text.into_bytes().into_boxed_slice())).unwrap()
        }
    })
}

fn esearch() -> impl Strategy<Value = Esearch<'static>> {
    let updates = || list((0u32.., plain_set()).prop_map(|(p, s)| ContextUpdate::new(p, s)), 1);
    let item = prop_oneof![
        (partial_range(), option::of(plain_set()))
            .prop_map(|(range, found): (PartialRange, _)| EsearchItem::Partial { range, found }),
        updates().prop_map(EsearchItem::AddTo),
        updates().prop_map(EsearchItem::RemoveFrom),
        numbers().prop_map(EsearchItem::Relevancy),
    ];
    let correlators = (option::of(astring()), option::of(mailbox(false)), option::of(1u32..));
    (correlators, any::<bool>(), option::of(any::<u32>()), option::of(plain_set()), list(item, 0)).prop_map(
        |((tag, mailbox, uid_validity), uid, count, all, more)| {
            let mut data = Esearch::default();
            (data.tag, data.mailbox, data.uid_validity) = (tag, mailbox, uid_validity);
            (data.uid, data.count, data.all, data.more) = (uid, count, all, more);
            data
        },
    )
}

fn code() -> impl Strategy<Value = Code<'static>> {
    let tag = || text("[A-Za-z0-9.]{1,8}");
    let mechanism = (text("[A-Z]{1,8}"), option::of(text("[A-Za-z0-9+/]{4}=?")))
        .prop_map(|(n, d)| UrlMechanism::new(n, d));
    let progress =
        (option::of(tag()), option::of((any::<u32>(), option::of(1u32..)))).prop_map(|(tag, counts)| {
            let (done, goal) = counts.map_or((None, None), |(done, goal)| (Some(done), goal));
            Code::InProgress(Some(Progress::new(tag, done, goal)))
        });
    prop_oneof![
        select(vec![
            Code::CompressionActive,
            Code::NotificationOverflow,
            Code::MetadataTooMany,
            Code::MetadataNoPrivate,
            Code::UidRequired,
            Code::InProgress(None),
            Code::BadEvent(ListOf::new(&[NotifyEvent::MessageNew(None), NotifyEvent::FlagChange])),
        ]),
        object_id().prop_map(Code::MailboxId),
        tag().prop_map(Code::NoUpdate),
        text("/[!-Z^-~]{1,20}").prop_map(Code::BadUrl),
        list(mechanism, 1).prop_map(Code::UrlMech),
        any::<u32>().prop_map(Code::MetadataLongEntries),
        any::<u32>().prop_map(Code::MetadataMaxSize),
        progress,
        (1u32.., option::of(1u32..)).prop_map(|(limit, uid)| Code::MessageLimit { limit, uid }),
    ]
}

fn response() -> impl Strategy<Value = Response<'static>> {
    let number = || 0..1u64 << 63;
    let resource =
        (text("[A-Z-]{1,9}"), number(), number()).prop_map(|(n, u, l)| QuotaResource::new(n, u, l));
    let entry = (astring(), rights()).prop_map(|(i, r)| AclEntry::new(i, r));
    let url = (astring(), option::of(octets())).prop_map(|(u, d)| UrlData::new(u, d.map(AString::new)));
    let name = || mailbox(false);
    let sort = (vec(1u32.., 0..6), option::of(number())).prop_map(|(v, modseq)| {
        let text = v.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
        let found = if text.is_empty() {
            Numbers::default()
        } else {
            Numbers::parse(leak(text.into_bytes().into_boxed_slice())).unwrap()
        };
        Response::Sort { found, modseq }
    });
    prop_oneof![
        sort,
        thread_text().prop_map(Response::Thread),
        esearch().prop_map(Response::Esearch),
        (astring(), list(resource, 0)).prop_map(|(root, resources)| Response::Quota { root, resources }),
        (name(), list(astring(), 0)).prop_map(|(mailbox, roots)| Response::QuotaRoot { mailbox, roots }),
        (name(), list(metadata_entry(), 1))
            .prop_map(|(mailbox, v)| Response::Metadata { mailbox, data: MetadataData::Values(v) }),
        (name(), list(entry_name(), 1))
            .prop_map(|(mailbox, v)| Response::Metadata { mailbox, data: MetadataData::Changed(v) }),
        (name(), list(entry, 0)).prop_map(|(mailbox, entries)| Response::Acl { mailbox, entries }),
        (name(), astring(), rights(), list(rights(), 0)).prop_map(
            |(mailbox, identifier, required, optional)| {
                Response::ListRights { mailbox, identifier, required, optional }
            }
        ),
        (name(), rights()).prop_map(|(mailbox, rights)| Response::MyRights { mailbox, rights }),
        list(astring(), 1).prop_map(Response::GenUrlAuth),
        list(url, 1).prop_map(Response::UrlFetch),
        text("https://[a-z./]{1,12}").prop_map(|u| Response::JmapAccess(AString::new(u.as_bytes()))),
        code().prop_map(|code| Response::Condition {
            status: Status::Ok,
            text: ResponseText::new(Some(ResponseCode::Plain(code)), b"words")
        }),
        (1u32..).prop_map(|uid| {
            let items = imap4_proto::types::Attributes::new(b"FLAGS (\\Seen) EMAILID (M1)", Reading::STRICT);
            Response::UidFetch(Fetched::new(uid, items))
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
    fn responses_come_back(response in response()) {
        let mut wire = Vec::new();
        response.encode(&mut wire);
        for reading in [Reading::STRICT, Reading::TOLERANT] {
            prop_assert_eq!(Response::parse(&wire, reading), Ok(response), "{}", wire.escape_ascii());
        }
    }

    #[test]
    fn octets_never_panic_and_what_decodes_comes_back(wire in "(UID )?(SORT|THREAD|NOTIFY|ESEARCH|GETMETADATA|SETMETADATA|SETACL|LISTRIGHTS|SETQUOTA|GENURLAUTH|RESETKEY|CANCELUPDATE) [ -~]{0,30}") {
        if let Some(command) = Command::parse(wire.as_bytes(), false) {
            let mut again = Vec::new();
            command.encode(&mut again);
            prop_assert_eq!(Command::parse(&again, false), Some(command), "{}", again.escape_ascii());
        }
    }

    #[test]
    fn answers_never_panic_and_what_decodes_comes_back(wire in "(THREAD|SORT|ESEARCH|QUOTA|QUOTAROOT|METADATA|ACL|LISTRIGHTS|MYRIGHTS|URLFETCH|GENURLAUTH|1 UIDFETCH)( [ -~]{0,30})?") {
        let wire = format!("* {wire}\r\n");
        if let Ok(response) = Response::parse(wire.as_bytes(), Reading::TOLERANT) {
            let mut again = Vec::new();
            response.encode(&mut again);
            prop_assert_eq!(Response::parse(&again, Reading::TOLERANT), Ok(response), "{}", again.escape_ascii());
        }
    }
}

#[test]
fn mailboxes_are_compared_by_what_they_mean() {
    let one = [MailboxArg::new(AString::new(b"a b"), false)];
    assert_eq!(MailboxFilter::Subtree(ListOf::new(&one)), MailboxFilter::Subtree(ListOf::new(&one)));
}
