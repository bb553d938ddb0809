//! FETCH and UID FETCH (RFC 9051 section 6.4.5): in batches, rows straight into the output, bodies in pieces.

mod binary;
mod derived;
mod message;

use std::{borrow::Cow, ops::Deref};

use imap4_proto::types::{
    Capabilities, Code, DateTime, Fetch, FetchItem, PartPath, Partial, Section, SectionText,
};
use mailstore_api::{
    FlagOp, Flags, InternalDate, MailStore, Mailbox, Meta, MetaItems, ModSeq, Part, StoreError, SystemFlags,
    Uid, UidSet,
};

use self::{
    binary::Decoding,
    message::{Message, Octets, Source},
};
use super::{
    modseq::{Style, missed, no_modseqs},
    search_key::bounds,
    selected::{Selected, after_uid, is_gone},
    session::{Answer, Client, EXPUNGED, HIGH_WATER, LINES, Session, no_such_message, shown_flags},
};
use crate::{ahead::Ahead, auth::Authority, mime::Structure, view::Expunges};

/// Messages asked for at once, where only what the store knows of them is wanted.
const ROWS: usize = 1000;
/// The same where what was derived from them is wanted.
const DERIVED: usize = 200;
/// The same where their octets are wanted: so many are marked as seen before the first is sent.
const BODIES: usize = 32;

/// What FETCH asks for, read once for all messages.
struct Plan<'b> {
    uid: bool,
    items: Items<'b>,
    want: MetaItems,
    /// Some item needs the message's octets, or what was remembered of them.
    reads: bool,
    /// The part of every message that is needed first, whatever is remembered.
    opens: Option<Part>,
    sets_seen: bool,
    shows_flags: bool,
    /// Only what changed after it (RFC 7162 section 3.1.4.1).
    changed_since: Option<ModSeq>,
    style: Style,
}

/// So many items are kept in place.
const FEW: usize = 4;

/// The items of a FETCH: most have few.
struct Items<'b> {
    few: [FetchItem<'b>; FEW],
    /// How many of `few` there are.
    count: usize,
    /// All, where they are more.
    many: Vec<FetchItem<'b>>,
}

impl Default for Items<'_> {
    fn default() -> Self {
        Self { few: [FetchItem::Uid; FEW], count: 0, many: Vec::new() }
    }
}

impl<'b> Items<'b> {
    fn push(&mut self, item: FetchItem<'b>) {
        match self.few.get_mut(self.count) {
            Some(place) => {
                *place = item;
                self.count += 1;
            }
            None => {
                if self.many.is_empty() {
                    self.many.extend_from_slice(&self.few);
                }
                self.many.push(item);
            }
        }
    }
}

impl<'b> Deref for Items<'b> {
    type Target = [FetchItem<'b>];

    fn deref(&self) -> &[FetchItem<'b>] {
        if self.many.is_empty() { self.few.get(..self.count).unwrap_or_default() } else { &self.many }
    }
}

impl<'b> Plan<'b> {
    fn new(fetch: &Fetch<'b>, read_only: bool, style: Style) -> Self {
        let mut items = Items::default();
        fetch.items.iter().for_each(|item| items.push(item));
        // RFC 7162 section 3.1: a client that knows modseqs gets them with the flags.
        let implied = fetch.changed_since.is_some() || (style.modseq && items.contains(&FetchItem::Flags));
        if implied && !items.contains(&FetchItem::ModSeq) {
            items.push(FetchItem::ModSeq);
        }
        let mut want = MetaItems::NONE;
        let mut reads = false;
        let mut opens = None;
        for item in items.iter() {
            match item {
                FetchItem::Uid => {}
                FetchItem::Flags | FetchItem::ModSeq => want |= MetaItems::FLAGS,
                FetchItem::InternalDate => want |= MetaItems::INTERNAL_DATE,
                FetchItem::Rfc822Size => want |= MetaItems::SIZE,
                FetchItem::Envelope => {
                    want |= MetaItems::ENVELOPE;
                    reads = true;
                }
                FetchItem::Body | FetchItem::BodyStructure => {
                    want |= MetaItems::BODY_STRUCTURE;
                    reads = true;
                }
                _ => {
                    reads = true;
                    opens = opens.or_else(|| first_part(item));
                }
            }
        }
        let sets_seen = !read_only && items.iter().any(FetchItem::sets_seen);
        if sets_seen {
            want |= MetaItems::FLAGS;
        }
        let shows_flags = items.contains(&FetchItem::Flags);
        let changed_since = fetch.changed_since.map(ModSeq);
        Self { uid: fetch.uid, items, want, reads, opens, sets_seen, shows_flags, changed_since, style }
    }
}

/// What an item that reads octets opens first.
fn first_part(item: &FetchItem<'_>) -> Option<Part> {
    Some(match item {
        FetchItem::Rfc822 | FetchItem::Binary { .. } | FetchItem::BinarySize { .. } => Part::Whole,
        FetchItem::Rfc822Header => Part::Header,
        FetchItem::Rfc822Text => Part::Text,
        FetchItem::BodySection { section, .. } if !section.part.is_empty() => Part::Whole,
        FetchItem::BodySection { section, .. } => match section.text {
            None => Part::Whole,
            Some(SectionText::Text) => Part::Text,
            Some(_) => Part::Header,
        },
        _ => return None,
    })
}

/// How it went with one message.
enum Sent {
    Yes,
    /// It is not there any more.
    Gone,
    /// The store could not read it.
    Failed(StoreError),
    /// Of a part, the transfer encoding is not known.
    UnknownEncoding,
    /// The connection ends: a literal was announced and could not be delivered.
    Cut,
}

/// How it went with all of them.
#[derive(Default)]
struct Tally {
    sent: usize,
    failed: Option<StoreError>,
    cut: bool,
    unknown_encoding: bool,
}

impl<St: MailStore, A: Authority> Session<'_, St, A> {
    pub(super) async fn fetch(&mut self, fetch: Fetch<'_>, peer: &mut Client<'_>) -> Answer {
        let Some(selected) = self.selected.as_deref_mut() else {
            return Ok(peer.machine.bad(None, "No mailbox is selected")?);
        };
        let Ok(set) = selected.named(fetch.uid, &fetch.set) else { return no_such_message(peer) };
        let wants_modseqs =
            fetch.changed_since.is_some() || fetch.items.iter().any(|item| item == FetchItem::ModSeq);
        if wants_modseqs && !selected.keeps_modseqs {
            return no_modseqs(peer);
        }
        // RFC 7162 section 3.2.6
        if fetch.vanished && !peer.machine.enabled().contains(Capabilities::QRESYNC) {
            return Ok(peer.machine.bad(None, "QRESYNC is not enabled")?);
        }
        if wants_modseqs {
            self.enable_modseqs(peer)?;
        }
        let Some(selected) = self.selected.as_deref_mut() else {
            return Ok(peer.machine.bad(None, "No mailbox is selected")?);
        };
        if let (true, Some(since)) = (fetch.vanished, fetch.changed_since) {
            // All that is gone before the rows: in between the client would count wrong.
            let asked = if fetch.set.is_saved() {
                selected.saved.clone()
            } else {
                selected.view.uid_ranges(bounds(&fetch.set))
            };
            match missed(selected, ModSeq(since), &asked).await {
                Ok(gone) => peer.machine.vanished(true, gone.ranges().iter().copied())?,
                Err(error) => return self.fail(&error, peer),
            }
        }
        let plan = Plan::new(&fetch, selected.read_only, Style::of(selected, peer));
        let tally = match send_all(selected, &plan, &set, peer).await? {
            Ok(tally) => tally,
            Err(error) => return self.fail(&error, peer),
        };
        if tally.cut {
            return Ok(());
        }
        let asked = set.select(selected.view.uids()).count();
        self.tell(if fetch.uid { Expunges::Told } else { Expunges::Withheld }, peer).await?;
        if let Some(error) = tally.failed {
            return self.fail(&error, peer);
        }
        if tally.unknown_encoding {
            let code = Code::UnknownCte;
            return Ok(peer.machine.no(Some(code), "A part's transfer encoding is not known")?);
        }
        // RFC 2180 section 4.1.2. A UID that is not there is no error (RFC 9051 section 6.4.9).
        if tally.sent < asked && !fetch.uid && fetch.changed_since.is_none() {
            let (code, text) = EXPUNGED;
            return Ok(peer.machine.no(Some(code), text)?);
        }
        Ok(peer.machine.ok(None, "FETCH completed")?)
    }
}

async fn send_all<M: Mailbox>(
    selected: &mut Selected<M>,
    plan: &Plan<'_>,
    set: &UidSet,
    peer: &mut Client<'_>,
) -> Answer<Result<Tally, StoreError>> {
    let mut tally = Tally::default();
    let mut left = Cow::Borrowed(set);
    while !left.is_empty() {
        let limit = match (plan.reads, plan.opens) {
            (false, _) => ROWS,
            (true, None) => DERIVED,
            (true, Some(_)) => BODIES,
        };
        let mut batch = match selected.mailbox.meta(&left, plan.want, plan.changed_since, limit).await {
            Ok(batch) => batch,
            Err(error) if is_gone(&error) => break,
            Err(error) => return Ok(Err(error)),
        };
        let newly_seen =
            if plan.sets_seen { set_seen(selected, &mut batch.items).await } else { UidSet::new() };
        if plan.shows_flags || plan.sets_seen {
            selected.tell_keywords(batch.items.iter().map(|m| &m.flags), peer)?;
        }
        if plan.reads {
            let mut ahead = None;
            for (n, meta) in batch.items.iter().enumerate() {
                if plan.opens.is_none() && send_remembered(selected, plan, meta, peer)? {
                    tally.sent += 1;
                    peer.drain(HIGH_WATER).await?;
                    continue;
                }
                let mut last_read = selected.last_read.take();
                let coming = batch.items.get(n + 1..).unwrap_or(&[]);
                let newly_seen = newly_seen.contains(meta.uid);
                let sent =
                    send_one(selected, &mut last_read, &mut ahead, plan, (meta, coming), newly_seen, peer);
                let sent = sent.await?;
                selected.last_read = last_read;
                match sent {
                    Sent::Yes => tally.sent += 1,
                    Sent::Gone => {}
                    Sent::Failed(error) => tally.failed = Some(error),
                    Sent::UnknownEncoding => tally.unknown_encoding = true,
                    Sent::Cut => {
                        tally.cut = true;
                        return Ok(Ok(tally));
                    }
                }
            }
        } else {
            tally.sent += send_rows(selected, plan, &batch.items, peer).await?;
        }
        if plan.shows_flags {
            selected.view.told_flags(batch.items.iter().map(|m| (m.uid, m.modseq)));
        }
        match batch.resume_after {
            Some(after) => left = Cow::Owned(after_uid(&left, after)),
            None => break,
        }
    }
    Ok(Ok(tally))
}

/// Sets `\Seen` on those of the batch that lack it, and shows it in their flags. Returns which they are.
async fn set_seen<M: Mailbox>(selected: &mut Selected<M>, batch: &mut [Meta]) -> UidSet {
    let unseen: UidSet =
        batch.iter().filter(|m| !m.flags.system.contains(SystemFlags::SEEN)).map(|m| m.uid).collect();
    if unseen.is_empty() {
        return unseen;
    }
    let seen = Flags::system(SystemFlags::SEEN);
    match selected.mailbox.set_flags(&unseen, FlagOp::Add, &seen, None).await {
        Ok(outcome) => {
            selected.view.own_flags(&outcome.changed, false);
            for change in outcome.changed {
                if let Ok(at) = batch.binary_search_by_key(&change.uid, |m| m.uid)
                    && let Some(meta) = batch.get_mut(at)
                {
                    meta.flags = change.flags;
                    meta.modseq = change.modseq;
                }
            }
            unseen
        }
        Err(error) => {
            // Reading goes before marking: an account without the right gets its mail all the same.
            tracing::debug!(%error, "\\Seen is not set");
            UidSet::new()
        }
    }
}

/// Rows without octets of the messages.
async fn send_rows<M: Mailbox>(
    selected: &Selected<M>,
    plan: &Plan<'_>,
    batch: &[Meta],
    peer: &mut Client<'_>,
) -> Answer<usize> {
    let mut sent = 0;
    for lines in batch.chunks(LINES) {
        for meta in lines {
            let Some(seq) = selected.view.seq_of(meta.uid) else { continue };
            let mut row = peer.machine.fetch(seq)?;
            if plan.uid && !plan.items.contains(&FetchItem::Uid) {
                row.uid(meta.uid.get());
            }
            for item in plan.items.iter() {
                write_known(&mut row, item, meta, selected);
            }
            row.finish();
            sent += 1;
        }
        peer.drain(HIGH_WATER).await?;
    }
    Ok(sent)
}

/// A row of which all is known: what was derived from the message is remembered. Returns whether it is so and the row is written.
fn send_remembered<M: Mailbox>(
    selected: &Selected<M>,
    plan: &Plan<'_>,
    meta: &Meta,
    peer: &mut Client<'_>,
) -> Answer<bool> {
    if derived::missing(&plan.items, meta).is_some() {
        return Ok(false);
    }
    let Some(seq) = selected.view.seq_of(meta.uid) else { return Ok(false) };
    let mut row = peer.machine.fetch(seq)?;
    if plan.uid && !plan.items.contains(&FetchItem::Uid) {
        row.uid(meta.uid.get());
    }
    for item in plan.items.iter() {
        match derived::remembered(item, meta) {
            Some(value) => {
                row.raw(item, value);
            }
            None => {
                write_known(&mut row, item, meta, selected);
            }
        }
    }
    row.finish();
    Ok(true)
}

/// An item that the meta answers. Returns whether it does.
fn write_known<M: Mailbox>(
    row: &mut imap4_proto::server::FetchWriter<'_>,
    item: &FetchItem<'_>,
    meta: &Meta,
    selected: &Selected<M>,
) -> bool {
    match item {
        FetchItem::Uid => row.uid(meta.uid.get()),
        FetchItem::Flags => {
            row.flags(shown_flags(&meta.flags, selected.view.is_recent(meta.uid)), &meta.flags.keywords)
        }
        FetchItem::InternalDate => row.internal_date(date_time(meta.internal_date)),
        FetchItem::Rfc822Size => row.rfc822_size(meta.size),
        FetchItem::ModSeq => row.modseq(meta.modseq.0),
        _ => return false,
    };
    true
}

const fn date_time(date: InternalDate) -> DateTime {
    DateTime::new(date.seconds, date.zone_minutes)
}

/// What was made ready for one item before the response begins: from then on there is no way back.
enum Ready {
    /// The meta has it.
    Known,
    /// A value that is encoded already.
    Encoded(bytes::Bytes),
    Octets(Octets),
    /// The part's transfer encoding is not known (RFC 3516 section 4.3).
    UnknownEncoding,
    /// BINARY.SIZE
    Number(u64),
}

async fn send_one<M: Mailbox>(
    selected: &Selected<M>,
    last_read: &mut Option<(Uid, Structure)>,
    ahead: &mut Option<Ahead<M>>,
    plan: &Plan<'_>,
    (meta, coming): (&Meta, &[Meta]),
    newly_seen: bool,
    peer: &mut Client<'_>,
) -> Answer<Sent> {
    let Some(seq) = selected.view.seq_of(meta.uid) else { return Ok(Sent::Gone) };
    let known = last_read.take_if(|(uid, _)| *uid == meta.uid).map(|(_, structure)| structure);
    let mut message = Message::new(&selected.mailbox, meta.uid, known);
    if let Some(part) = plan.opens.or_else(|| derived::missing(&plan.items, meta)) {
        let ahead = match ahead {
            Some(ahead) if ahead.part() == part => ahead,
            _ => ahead.insert(Ahead::new(part)),
        };
        let needed = |m: &&Meta| plan.opens.is_some() || derived::missing(&plan.items, m) == Some(part);
        match ahead.open(&selected.mailbox, meta.uid, coming.iter().filter(needed).map(|m| m.uid)).await {
            Ok(body) => message = message.with_open(part, body),
            Err(error) if is_gone(&error) => return Ok(Sent::Gone),
            Err(error) => return Ok(Sent::Failed(error)),
        }
    }
    let mut ready = Vec::with_capacity(plan.items.len());
    for item in plan.items.iter() {
        match make_ready(&mut message, item, meta).await {
            Ok(Ready::UnknownEncoding) => return Ok(Sent::UnknownEncoding),
            Ok(made) => ready.push(made),
            Err(error) if is_gone(&error) => return Ok(Sent::Gone),
            Err(error) => return Ok(Sent::Failed(error)),
        }
    }
    let mut row = peer.machine.fetch(seq)?;
    if (plan.uid || (newly_seen && plan.style.uid)) && !plan.items.contains(&FetchItem::Uid) {
        row.uid(meta.uid.get());
    }
    for (item, ready) in plan.items.iter().zip(ready) {
        match ready {
            Ready::Number(n) => {
                row.number(item, n);
            }
            Ready::Known | Ready::UnknownEncoding => {
                write_known(&mut row, item, meta, selected);
            }
            Ready::Encoded(value) => {
                row.raw(item, &value);
            }
            Ready::Octets(Octets::Nil) => {
                row.nstring(item, None);
            }
            Ready::Octets(octets) => {
                // Always a literal: scripts look for one.
                row.begin_literal(item, octets.len());
                if let Err(error) = send_octets(&mut message, octets, peer).await? {
                    tracing::error!(uid = meta.uid.get(), %error, "a message cannot be read to its end");
                    peer.machine.abort();
                    return Ok(Sent::Cut);
                }
                row = peer.machine.resume_fetch()?;
            }
        }
    }
    if newly_seen && !plan.shows_flags {
        row.flags(shown_flags(&meta.flags, selected.view.is_recent(meta.uid)), &meta.flags.keywords);
        if plan.style.modseq && !plan.items.contains(&FetchItem::ModSeq) {
            row.modseq(meta.modseq.0);
        }
    }
    row.finish();
    peer.drain(HIGH_WATER).await?;
    if let Some(structure) = message.into_known() {
        *last_read = Some((meta.uid, structure));
    }
    Ok(Sent::Yes)
}

async fn send_octets<M: Mailbox>(
    message: &mut Message<'_, M>,
    octets: Octets,
    peer: &mut Client<'_>,
) -> Answer<Result<(), StoreError>> {
    match octets {
        Octets::Nil => {}
        Octets::Here(octets) => peer.machine.literal(octets)?,
        Octets::There(source, mut range) => {
            while range.start < range.end {
                let chunk = match message.next(source, &range).await {
                    Ok(chunk) => chunk,
                    Err(error) => return Ok(Err(error)),
                };
                range.start += chunk.len() as u64;
                peer.machine.literal(chunk)?;
                peer.drain(HIGH_WATER).await?;
            }
        }
        Octets::Decoded(decoding, from, range) => {
            return send_decoded(message, decoding, from, range, peer).await;
        }
    }
    Ok(Ok(()))
}

/// Decodes from the start, and sends those octets that are wanted.
async fn send_decoded<M: Mailbox>(
    message: &mut Message<'_, M>,
    decoding: Decoding,
    mut from: std::ops::Range<u64>,
    wanted: std::ops::Range<u64>,
    peer: &mut Client<'_>,
) -> Answer<Result<(), StoreError>> {
    let mut decoder = Some(decoding.begin());
    let mut at = 0_u64;
    while at < wanted.end
        && let Some(mut decoding) = decoder.take()
    {
        let octets = if from.start < from.end {
            let chunk = match message.next(Source::Whole, &from).await {
                Ok(chunk) => chunk,
                Err(error) => return Ok(Err(error)),
            };
            from.start += chunk.len() as u64;
            let octets = decoding.feed(&chunk).into_owned();
            decoder = Some(decoding);
            octets
        } else {
            decoding.finish()
        };
        let end = at + octets.len() as u64;
        let place = |n: u64| usize::try_from(n.clamp(at, end) - at).unwrap_or(usize::MAX);
        if let Some(octets) = octets.get(place(wanted.start)..place(wanted.end))
            && !octets.is_empty()
        {
            peer.machine.literal(bytes::Bytes::copy_from_slice(octets))?;
        }
        at = end;
        peer.drain(HIGH_WATER).await?;
    }
    Ok(Ok(()))
}

async fn make_ready<M: Mailbox>(
    message: &mut Message<'_, M>,
    item: &FetchItem<'_>,
    meta: &Meta,
) -> Result<Ready, StoreError> {
    let whole = |text| Section::new(PartPath::default(), text);
    let (section, partial): (Section<'_>, Option<Partial>) = match *item {
        FetchItem::Envelope => return Ok(Ready::Encoded(derived::envelope(message, meta).await?)),
        FetchItem::BodyStructure => {
            return Ok(Ready::Encoded(derived::structure(message, meta, true).await?));
        }
        FetchItem::Body => return Ok(Ready::Encoded(derived::structure(message, meta, false).await?)),
        FetchItem::Rfc822 => (whole(None), None),
        FetchItem::Rfc822Header => (whole(Some(SectionText::Header)), None),
        FetchItem::Rfc822Text => (whole(Some(SectionText::Text)), None),
        FetchItem::BodySection { section, partial, .. } => (section, partial),
        FetchItem::Binary { part, partial, .. } => {
            let octets = message.binary(part, partial).await?;
            return Ok(octets.map_or(Ready::UnknownEncoding, Ready::Octets));
        }
        FetchItem::BinarySize { part } => {
            let octets = message.binary(part, None).await?;
            return Ok(octets.map_or(Ready::UnknownEncoding, |octets| Ready::Number(octets.len())));
        }
        _ => return Ok(Ready::Known),
    };
    message.section(&section, partial).await.map(Ready::Octets)
}
