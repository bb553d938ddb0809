//! Commands of IMAP.
use arbitrary::Result;
use imap4_proto::types::{
    AString, CapabilityList, Command, Create, Fetch, List, ListOf, ListReturn, ListSelect, MailboxAttributes,
    Patterns, QResync, Rights, RightsChange, Select, StatusItems, Store, StoreMode,
};

use super::{
    Source,
    search::{items, partial_range, search},
};

fn list<'a>(s: &mut Source<'a>, utf8: bool) -> Result<Command<'a>> {
    let reference = s.mailbox(utf8)?;
    let patterns = s.several(1, 3, |s| s.word_of(b"aZ*%/.", 8))?;
    let text = if patterns.len() > 1 || s.coin()? {
        format!("({})", patterns.join(" "))
    } else {
        patterns[0].to_owned()
    };
    let mut list = List::new(reference, Patterns::parse(s.keep(&text).as_bytes(), utf8).expect("patterns"));
    let mut select = ListSelect::from_bits(s.u.int_in_range(0..=15)?);
    if select.contains(ListSelect::RECURSIVEMATCH) {
        select |= ListSelect::SUBSCRIBED;
    }
    if !select.is_empty() || s.coin()? {
        list.select = select | ListSelect::EXTENDED;
    }
    if s.coin()? {
        let mut returns = ListReturn::NONE;
        returns.given = true;
        returns.subscribed = s.coin()?;
        returns.children = s.coin()?;
        returns.special_use = s.coin()?;
        returns.my_rights = s.coin()?;
        returns.status = s.maybe(|s| s.u.int_in_range(1..=2047))?.map(StatusItems::from_bits);
        let entries = s.maybe(|s| {
            s.several(1, 3, |s| {
                let entry = format!("/{}", s.atom()?);
                Ok(AString::new(s.keep(&entry).as_bytes()))
            })
        })?;
        list.metadata = entries.map(|all| ListOf::new(s.keep_all(&all)));
        list.returns = returns;
    }
    Ok(Command::List(list))
}

fn select<'a>(s: &mut Source<'a>, utf8: bool) -> Result<Command<'a>> {
    let mut select = Select::new(s.mailbox(utf8)?, s.coin()?);
    select.condstore = s.coin()?;
    if s.coin()? {
        let mut q = QResync::new(s.nz_number()?, s.number64()?.max(1));
        q.known_uids = s.maybe(Source::uid_set)?;
        q.sequence_match = s.maybe(|s| Ok((s.uid_set()?, s.uid_set()?)))?;
        select.qresync = Some(q);
    }
    Ok(Command::Select(select))
}

/// A command, as it would be read.
///
/// # Errors
/// Where the octets do not suffice.
pub fn command<'a>(s: &mut Source<'a>, utf8: bool) -> Result<Command<'a>> {
    Ok(match s.u.int_in_range(0..=27)? {
        0 => Command::Search(search(s)?),
        1 => list(s, utf8)?,
        2 => select(s, utf8)?,
        3 => {
            let mut fetch = Fetch::new(s.coin()?, s.set()?, items(s)?);
            fetch.changed_since = s.maybe(|s| Ok(s.number64()?.max(1)))?;
            fetch.vanished = fetch.uid && fetch.changed_since.is_some() && s.coin()?;
            fetch.partial = if fetch.uid { s.maybe(partial_range)? } else { None };
            Command::Fetch(fetch)
        }
        4 => {
            let mode = *s.u.choose(&[StoreMode::Replace, StoreMode::Add, StoreMode::Remove])?;
            let mut store = Store::new(s.coin()?, s.set()?, mode, s.flags()?);
            store.silent = s.coin()?;
            store.unchanged_since = s.maybe(Source::number64)?;
            Command::Store(store)
        }
        5 => {
            let mut create = Create::new(s.mailbox(utf8)?);
            create.special_use =
                MailboxAttributes::from_bits(s.u.arbitrary()?) & MailboxAttributes::SPECIAL_USE;
            Command::Create(create)
        }
        6 => Command::Login { user: s.astring()?, password: s.astring()? },
        7 => Command::Authenticate {
            mechanism: s.atom()?,
            initial: s.maybe(|s| Ok(*s.u.choose(&[&b"="[..], b"AGEAYg==", b"AA=="])?))?,
        },
        8 => {
            let names = s.several(1, 4, |s| s.word_of(b"ABX0=-", 8))?.join(" ");
            Command::Enable(CapabilityList::parse(s.keep(&names).as_bytes()).expect("names"))
        }
        9 => Command::Delete(s.mailbox(utf8)?),
        10 => Command::Subscribe(s.mailbox(utf8)?),
        11 => Command::Unsubscribe(s.mailbox(utf8)?),
        12 => Command::Rename { from: s.mailbox(utf8)?, to: s.mailbox(utf8)? },
        13 => Command::Lsub { reference: s.mailbox(utf8)?, pattern: s.mailbox(utf8)? },
        14 => Command::Status {
            mailbox: s.mailbox(utf8)?,
            items: StatusItems::from_bits(s.u.int_in_range(1..=2047)?),
        },
        15 => Command::UidExpunge(s.set()?),
        16 => Command::Copy { uid: s.coin()?, set: s.set()?, mailbox: s.mailbox(utf8)? },
        17 => Command::Move { uid: s.coin()?, set: s.set()?, mailbox: s.mailbox(utf8)? },
        18 => Command::GetQuota(s.astring()?),
        19 => Command::GetQuotaRoot(s.mailbox(utf8)?),
        20 => Command::DeleteAcl { mailbox: s.mailbox(utf8)?, identifier: s.astring()? },
        21 => Command::GetAcl(s.mailbox(utf8)?),
        22 => {
            let rights = Rights::parse(s.word_of(b"lrswipkxtea", 8)?.as_bytes()).expect("letters");
            let change = match s.u.int_in_range(0..=2)? {
                0 => RightsChange::Add(rights),
                1 => RightsChange::Remove(rights),
                _ => RightsChange::Replace(rights),
            };
            Command::SetAcl { mailbox: s.mailbox(utf8)?, identifier: s.astring()?, change }
        }
        23 => Command::MyRights(s.mailbox(utf8)?),
        24 => Command::ListRights { mailbox: s.mailbox(utf8)?, identifier: s.astring()? },
        25 => {
            let all = s.several(1, 3, Source::astring)?;
            Command::CancelUpdate(ListOf::new(s.keep_all(&all)))
        }
        26 => {
            let all = s.several(1, 3, Source::astring)?;
            Command::UrlFetch(ListOf::new(s.keep_all(&all)))
        }
        _ => {
            s.u.choose(&[
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
                Command::Compress,
                Command::Unauthenticate,
                Command::GetJmapAccess,
            ])?
            .clone()
        }
    })
}
