//! decode(encode(x)) = x for every response, and what servers write is read by the strict grammar.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

use std::borrow::Cow;

use imap4_proto::types::{
    AString, Address, Attribute, Attributes, BodyKind, BodyName, BodyStructure, CapabilityList, Code,
    DateTime, Disposition, Envelope, Esearch, Fetched, FlagList, Listed, MailboxArg, MailboxAttributes,
    Multipart, Namespaces, Numbers, PartPath, Reading, Response, ResponseCode, ResponseText, Section,
    SectionText, SequenceSet, SinglePart, Status, StatusData, WireEnvelope, WireStructure,
};
use proptest::{collection::vec, option, prelude::*, sample::select};

/// Values that responses borrow live as long as the test: they are few and small.
fn leak(value: Vec<u8>) -> &'static [u8] {
    Box::leak(value.into_boxed_slice())
}

fn octets() -> impl Strategy<Value = &'static [u8]> {
    prop_oneof![
        "[a-zA-Z0-9]{1,8}".prop_map(String::into_bytes),
        "[ -~]{0,12}".prop_map(String::into_bytes),
        vec(1u8..=255, 0..12),
        Just(b"NIL".to_vec()),
        Just(b"a{3}\r\n".to_vec()),
    ]
    .prop_map(leak)
}

fn cow() -> impl Strategy<Value = Cow<'static, [u8]>> {
    octets().prop_map(Cow::Borrowed)
}

fn text(regex: &'static str) -> impl Strategy<Value = &'static str> {
    regex.prop_map(|s| &*Box::leak(s.into_boxed_str()))
}

fn set() -> impl Strategy<Value = SequenceSet<'static>> {
    vec((1u32.., option::of(1u32..)), 1..5)
        .prop_map(|v| {
            let ranges = v.iter().map(|(a, b)| b.map_or(a.to_string(), |b| format!("{a}:{b}")));
            ranges.collect::<Vec<_>>().join(",")
        })
        .prop_map(|s| SequenceSet::parse(leak(s.into_bytes())).unwrap())
}

fn flags() -> impl Strategy<Value = FlagList<'static>> {
    vec(
        prop_oneof![
            select(vec!["\\Seen", "\\deleted", "\\Recent", "\\X", "$Junk"]).prop_map(str::to_string),
            "[a-z]{1,6}"
        ],
        0..5,
    )
    .prop_map(|v| {
        if v.is_empty() {
            FlagList::default()
        } else {
            FlagList::parse(leak(v.join(" ").into_bytes())).unwrap()
        }
    })
}

fn words() -> impl Strategy<Value = &'static [u8]> {
    "[a-zA-Z.!({][ -~]{0,20}[a-z})]".prop_map(|s| leak(s.into_bytes()))
}

fn capabilities() -> impl Strategy<Value = CapabilityList<'static>> {
    vec("[A-Z0-9]{1,6}([=+-][A-Z]{0,3})?", 1..5)
        .prop_map(|v| CapabilityList::parse(leak(v.join(" ").into_bytes())).unwrap())
}

fn code() -> impl Strategy<Value = ResponseCode<'static>> {
    use ResponseCode as R;
    prop_oneof![
        select(vec![
            Code::Alert,
            Code::Parse,
            Code::ReadOnly,
            Code::ReadWrite,
            Code::TryCreate,
            Code::UidNotSticky,
            Code::NoModSeq,
            Code::Closed,
            Code::Unavailable,
            Code::AuthenticationFailed,
            Code::AuthorizationFailed,
            Code::Expired,
            Code::PrivacyRequired,
            Code::ContactAdmin,
            Code::NoPerm,
            Code::InUse,
            Code::ExpungeIssued,
            Code::Corruption,
            Code::ServerBug,
            Code::ClientBug,
            Code::Cannot,
            Code::Limit,
            Code::OverQuota,
            Code::AlreadyExists,
            Code::NonExistent,
            Code::NotSaved,
            Code::HasChildren,
            Code::UnknownCte,
            Code::TooBig,
            Code::UseAttr,
            Code::Other("X-FOO", None),
            Code::Other("X-FOO", Some("a (b) \"c")),
        ])
        .prop_map(R::Plain),
        any::<u32>().prop_map(|n| R::Plain(Code::UidNext(n))),
        any::<u32>().prop_map(|n| R::Plain(Code::UidValidity(n))),
        any::<u32>().prop_map(|n| R::Plain(Code::Unseen(n))),
        (0..1u64 << 63).prop_map(|n| R::Plain(Code::HighestModSeq(n))),
        capabilities().prop_map(R::Capability),
        flags().prop_map(R::PermanentFlags),
        Just(R::BadCharset(b"UTF-8 \"X Y\"")),
        Just(R::BadCharset(b"")),
        (any::<u32>(), set()).prop_map(|(uid_validity, uids)| R::AppendUid { uid_validity, uids }),
        (any::<u32>(), set(), set()).prop_map(|(uid_validity, from, to)| R::CopyUid {
            uid_validity,
            from,
            to
        }),
        set().prop_map(R::Modified),
    ]
}

fn response_text() -> impl Strategy<Value = ResponseText<'static>> {
    (option::of(code()), words()).prop_map(|(code, words)| ResponseText::new(code, words))
}

fn mailbox() -> impl Strategy<Value = MailboxArg<'static>> {
    octets().prop_map(|n| MailboxArg::new(AString::new(n), false))
}

fn listed() -> impl Strategy<Value = Listed<'static>> {
    let attributes = any::<u32>().prop_map(MailboxAttributes::from_bits);
    (
        attributes,
        option::of(select(vec!['/', '.', '\\', '"'])),
        mailbox(),
        any::<bool>(),
        option::of(mailbox()),
    )
        .prop_map(|(attributes, delimiter, name, child, old)| {
            let mut listed = Listed::new(attributes, delimiter, name);
            (listed.child_subscribed, listed.old_name) = (child, old);
            listed
        })
}

fn status_data() -> impl Strategy<Value = StatusData<'static>> {
    let small = || option::of(any::<u32>());
    let large = || option::of(0..1u64 << 63);
    let ids = (large(), option::of(text("[A-Za-z0-9_-]{1,20}")));
    ((small(), small(), small(), small(), small(), small()), large(), large(), option::of(large()), ids)
        .prop_map(
            |((messages, recent, uid_next, uid_validity, unseen, deleted), size, modseq, limit, ids)| {
                let mut data = StatusData::default();
                (data.messages, data.recent, data.uid_next) = (messages, recent, uid_next);
                (data.uid_validity, data.unseen, data.deleted) = (uid_validity, unseen, deleted);
                (data.size, data.highest_modseq, data.append_limit) = (size, modseq, limit);
                (data.deleted_storage, data.mailbox_id) = ids;
                data
            },
        )
}

fn addresses() -> impl Strategy<Value = Vec<Address<'static>>> {
    let part = || option::of(cow());
    vec(
        (part(), part(), part(), part()).prop_map(|(name, route, mailbox, host)| {
            let mut a = Address::default();
            (a.name, a.route, a.mailbox, a.host) = (name, route, mailbox, host);
            a
        }),
        0..3,
    )
}

fn envelope() -> BoxedStrategy<Envelope<'static>> {
    let part = || option::of(cow());
    let lists = (addresses(), addresses(), addresses(), addresses(), addresses(), addresses());
    (part(), part(), lists, part(), part())
        .prop_map(|(date, subject, l, in_reply_to, message_id)| {
            let mut e = Envelope::default();
            (e.date, e.subject, e.in_reply_to, e.message_id) = (date, subject, in_reply_to, message_id);
            (e.from, e.sender, e.reply_to, e.to, e.cc, e.bcc) = l;
            e
        })
        .boxed()
}

type Extension = (
    Vec<(Cow<'static, [u8]>, Cow<'static, [u8]>)>,
    Option<Disposition<'static>>,
    Vec<Cow<'static, [u8]>>,
    Option<Cow<'static, [u8]>>,
);

fn extension() -> impl Strategy<Value = Extension> {
    let parameters = || vec((cow(), cow()), 0..3);
    let disposition = (cow(), parameters()).prop_map(|(kind, p)| Disposition::new(kind, p));
    (parameters(), option::of(disposition), vec(cow(), 0..3), option::of(cow()))
}

fn single(kind: BodyKind<'static>) -> BoxedStrategy<BodyStructure<'static>> {
    (cow(), cow(), cow(), 0..1u64 << 40, option::of(cow()), option::of(cow()), option::of(cow()), extension())
        .prop_map(move |(t, s, encoding, octets, id, description, md5, extension)| {
            let mut part = SinglePart::new(t, s, encoding, octets, kind.clone());
            (part.id, part.description, part.md5) = (id, description, md5);
            (part.parameters, part.disposition, part.language, part.location) = extension;
            BodyStructure::Single(part)
        })
        .boxed()
}

fn structure() -> BoxedStrategy<BodyStructure<'static>> {
    let leaf = prop_oneof![
        single(BodyKind::Basic),
        (0..1u64 << 40).prop_flat_map(|lines| single(BodyKind::Text(lines)))
    ];
    leaf.prop_recursive(4, 12, 3, |inner| {
        prop_oneof![
            (vec(inner.clone(), 1..3), cow(), extension()).prop_map(|(parts, subtype, extension)| {
                let mut multi = Multipart::new(subtype, parts);
                (multi.parameters, multi.disposition, multi.language, multi.location) = extension;
                BodyStructure::Multi(multi)
            }),
            (inner, envelope(), 0..1u64 << 40).prop_flat_map(|(body, envelope, lines)| {
                let (envelope, body) = (Box::new(envelope), Box::new(body));
                single(BodyKind::Message { envelope, body, lines })
            }),
        ]
    })
    .boxed()
}

/// BODY says less than BODYSTRUCTURE.
fn without_extension(body: BodyStructure<'static>) -> BodyStructure<'static> {
    match body {
        BodyStructure::Single(mut part) => {
            (part.md5, part.disposition, part.location) = (None, None, None);
            part.language.clear();
            if let BodyKind::Message { body, .. } = &mut part.kind {
                **body = without_extension((**body).clone());
            }
            BodyStructure::Single(part)
        }
        BodyStructure::Multi(mut multi) => {
            (multi.disposition, multi.location) = (None, None);
            multi.parameters.clear();
            multi.language.clear();
            multi.parts = multi.parts.into_iter().map(without_extension).collect();
            BodyStructure::Multi(multi)
        }
        other => other,
    }
}

/// The value on the wire, which means the same to each reading.
fn wire_envelope(envelope: &Envelope<'_>) -> WireEnvelope<'static> {
    let mut wire = Vec::new();
    envelope.encode(&mut wire, false);
    let wire = leak(wire);
    for reading in [Reading::STRICT, Reading::TOLERANT] {
        let read = WireEnvelope::parse(wire, reading).unwrap();
        assert_eq!(read.to_envelope(), *envelope, "{}", wire.escape_ascii());
        assert_eq!(read.as_bytes(), wire);
    }
    WireEnvelope::parse(wire, Reading::STRICT).unwrap()
}

/// The same of a structure.
fn wire_structure(body: &BodyStructure<'static>, extensible: bool) -> WireStructure<'static> {
    let mut wire = Vec::new();
    body.encode(&mut wire, extensible, false);
    let wire = leak(wire);
    let meant = if extensible { body.clone() } else { without_extension(body.clone()) };
    for reading in [Reading::STRICT, Reading::TOLERANT] {
        let read = WireStructure::parse(wire, reading).unwrap();
        assert_eq!(read.to_structure(), meant, "{}", wire.escape_ascii());
        assert_eq!(read.as_bytes(), wire);
    }
    WireStructure::parse(wire, Reading::STRICT).unwrap()
}

fn body_name() -> impl Strategy<Value = BodyName<'static>> {
    let part = || {
        option::of(text("[1-9](\\.[1-9]){0,2}"))
            .prop_map(|p| PartPath::parse(p.unwrap_or("").as_bytes()).unwrap())
    };
    let offset = || option::of(0..1u64 << 40);
    let what = option::of(prop_oneof![
        select(vec![SectionText::Header, SectionText::Text]),
        text("[A-Z]{1,5}( [A-Z]{1,5})?").prop_map(|names| {
            SectionText::HeaderFields(imap4_proto::types::HeaderList::parse(names.as_bytes()).unwrap())
        }),
    ]);
    prop_oneof![
        (part(), what, offset())
            .prop_map(|(part, what, offset)| BodyName::Section { section: Section::new(part, what), offset }),
        (part(), offset()).prop_map(|(part, offset)| BodyName::Binary { part, offset }),
        select(vec![BodyName::Rfc822, BodyName::Rfc822Header, BodyName::Rfc822Text]),
    ]
}

fn attribute() -> BoxedStrategy<Attribute<'static>> {
    prop_oneof![
        any::<u32>().prop_map(Attribute::Uid),
        flags().prop_map(Attribute::Flags),
        (0i64..4_000_000_000, -720i16..840).prop_map(|(s, z)| Attribute::InternalDate(DateTime::new(s, z))),
        (0..1u64 << 63).prop_map(Attribute::Rfc822Size),
        (0..1u64 << 63).prop_map(Attribute::ModSeq),
        envelope().prop_map(|e| Attribute::Envelope(wire_envelope(&e))),
        structure()
            .prop_map(|body| Attribute::Structure { extensible: true, body: wire_structure(&body, true) }),
        structure()
            .prop_map(|body| Attribute::Structure { extensible: false, body: wire_structure(&body, false) }),
        (body_name(), option::of(vec(any::<u8>(), 0..80)))
            .prop_map(|(name, value)| Attribute::Body { name, value: value.map(|v| AString::new(leak(v))) }),
        (text("[1-9](\\.[1-9])?"), 0..1u64 << 40).prop_map(|(part, octets)| {
            Attribute::BinarySize { part: PartPath::parse(part.as_bytes()).unwrap(), octets }
        }),
        option::of((0i64..4_000_000_000, -720i16..840))
            .prop_map(|d| Attribute::SaveDate(d.map(|(s, z)| DateTime::new(s, z)))),
        option::of(octets()).prop_map(|o| Attribute::Preview(o.map(AString::new))),
        text("[A-Za-z0-9_-]{1,20}").prop_map(Attribute::EmailId),
        option::of(text("[A-Za-z0-9_-]{1,20}")).prop_map(Attribute::ThreadId),
        Just(Attribute::Other { name: b"X-GM-LABELS", value: b"(\"a b\" {2}\r\n)( c)" }),
    ]
    .boxed()
}

fn namespaces() -> impl Strategy<Value = Namespaces<'static>> {
    vec("\\(\"[a-zA-Z~./ ]{0,6}\" (\"/\"|NIL)\\)", 0..3).prop_map(|v| {
        let text = if v.is_empty() { "NIL".to_string() } else { format!("({})", v.concat()) };
        Namespaces::parse(leak(text.into_bytes())).unwrap()
    })
}

fn esearch() -> impl Strategy<Value = Esearch<'static>> {
    let n = || option::of(any::<u32>());
    (option::of(octets()), any::<bool>(), n(), n(), n(), option::of(set()), option::of(0..1u64 << 63))
        .prop_map(|(tag, uid, min, max, count, all, modseq)| {
            let mut data = Esearch::default();
            (data.tag, data.uid, data.all, data.modseq) = (tag.map(AString::new), uid, all, modseq);
            (data.min, data.max, data.count) = (min, max, count);
            data
        })
}

fn response() -> BoxedStrategy<Response<'static>> {
    use Response as R;
    let status = || select(vec![Status::Ok, Status::No, Status::Bad]);
    prop_oneof![
        (text("[A-Za-z0-9.]{1,8}"), status(), response_text()).prop_map(|(tag, status, text)| R::Tagged {
            tag,
            status,
            text
        }),
        response_text().prop_map(R::Continue),
        (select(vec![Status::Ok, Status::No, Status::Bad, Status::Bye, Status::PreAuth]), response_text())
            .prop_map(|(status, text)| R::Condition { status, text }),
        capabilities().prop_map(R::Capability),
        capabilities().prop_map(R::Enabled),
        flags().prop_map(R::Flags),
        listed().prop_map(R::List),
        listed().prop_map(R::Lsub),
        (mailbox(), status_data()).prop_map(|(mailbox, data)| R::Status { mailbox, data }),
        (vec(1u32.., 0..6), option::of(0..1u64 << 63)).prop_map(|(found, modseq)| {
            let found = found.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
            let found = if found.is_empty() {
                Numbers::default()
            } else {
                Numbers::parse(leak(found.into_bytes())).unwrap()
            };
            R::Search { found, modseq }
        }),
        esearch().prop_map(R::Esearch),
        any::<u32>().prop_map(R::Exists),
        any::<u32>().prop_map(R::Recent),
        (1u32..).prop_map(R::Expunge),
        (any::<bool>(), set()).prop_map(|(earlier, uids)| R::Vanished { earlier, uids }),
        (namespaces(), namespaces(), namespaces()).prop_map(|(personal, other_users, shared)| R::Namespace {
            personal,
            other_users,
            shared
        }),
        Just(R::Other(b"X-THING (1 2) {x}")),
    ]
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_written_is_read(response in response()) {
        let mut wire = Vec::new();
        response.encode(&mut wire);
        for reading in [Reading::STRICT, Reading::TOLERANT] {
            let again = Response::parse(&wire, reading);
            prop_assert_eq!(again, Ok(response), "{}", wire.escape_ascii());
        }
    }

    #[test]
    fn what_is_said_of_a_message_is_read(number in 1u32.., items in vec(attribute(), 1..5)) {
        let mut wire = Vec::new();
        wire.extend_from_slice(format!("* {number} FETCH (").as_bytes());
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                wire.push(b' ');
            }
            item.encode(&mut wire, false);
        }
        wire.extend_from_slice(b")\r\n");
        for reading in [Reading::STRICT, Reading::TOLERANT] {
            let Ok(Response::Fetch(fetched)) = Response::parse(&wire, reading) else {
                return Err(TestCaseError::fail(wire.escape_ascii().to_string()));
            };
            prop_assert_eq!(fetched.items.iter().collect::<Vec<_>>(), items.clone(), "{}", wire.escape_ascii());
            let mut again = Vec::new();
            Response::Fetch(fetched).encode(&mut again);
            prop_assert_eq!(&again, &wire);
        }
    }

    #[test]
    fn no_octets_stop_the_grammar(wire in vec(any::<u8>(), 0..60), start in select(vec!["* ", "* 1 FETCH (", "* 1 FETCH (BODYSTRUCTURE (", "a OK [", "+ "])) {
        let wire = [start.as_bytes(), &wire, b")\r\n"].concat();
        if let Ok(response) = Response::parse(&wire, Reading::TOLERANT) {
            let _ = format!("{response:?}");
        }
    }
}

#[test]
fn items_of_no_items() {
    let Ok(Response::Fetch(f)) = Response::parse(b"* 1 FETCH ()\r\n", Reading::STRICT) else { panic!() };
    assert_eq!(f, Fetched::new(1, Attributes::new(b"", Reading::STRICT)));
}
