use std::{collections::HashSet, sync::Mutex};

use mailstore_api::{
    Account, ErrorKind, Mailbox, MailboxName, Meta, MetaItems, OpenMode, Result, Uid, UidSet, UidValidity,
};
use pop3_proto::MessageNumber;

/// Messages asked for in one call of the store.
const BATCH: usize = 1000;
/// The bit of [`Message::size`] that says: marked as deleted.
const MARKED: u64 = 1 << 63;

/// A message of the maildrop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    pub(super) uid: Uid,
    size: u64,
}

impl Message {
    /// The octets that RETR sends, without doubled dots (RFC 1939 section 11).
    pub(super) const fn octets(self) -> u64 {
        self.size & !MARKED
    }

    const fn is_marked(self) -> bool {
        self.size & MARKED != 0
    }
}

/// INBOX as it was at login, locked for this session (RFC 1939 section 4).
pub(super) struct Maildrop<M> {
    pub(super) mailbox: M,
    validity: UidValidity,
    /// Message-number 1 first.
    messages: Vec<Message>,
    /// What an earlier server called them, by ascending UID. Of a maildrop that was never migrated: nothing.
    earlier_ids: Vec<(Uid, Box<str>)>,
    /// Those not marked as deleted, and their octets.
    left: (u32, u64),
    _lock: Option<Lock>,
}

/// The guard of the store's lock, held for its drop. The mutex is never locked: it makes the maildrop
/// `Sync`, so that a session can hold on to it over a store call.
struct Lock(#[allow(dead_code, reason = "held for its drop")] Mutex<Box<dyn Send>>);

impl<M: Mailbox> Maildrop<M> {
    /// Locks and opens an account's maildrop.
    ///
    /// # Errors
    /// [`ErrorKind::InUse`] when another session holds the lock, [`ErrorKind::NotFound`] without an INBOX.
    pub(super) async fn open<A: Account<Mailbox = M>>(account: &A) -> Result<Self> {
        let lock = match account.maildrop() {
            Some(maildrop) => Some(Lock(Mutex::new(maildrop.try_lock().await?))),
            None => None,
        };
        let inbox = account.find(&MailboxName::inbox()).await?.and_then(|inbox| inbox.id);
        let Some(inbox) = inbox else { return Err(ErrorKind::NotFound.into()) };
        let (snapshot, mailbox) = account.open(&inbox, OpenMode::Select).await?;
        let mut maildrop = Self {
            mailbox,
            validity: snapshot.uid_validity,
            messages: Vec::with_capacity(snapshot.uids.len()),
            earlier_ids: Vec::new(),
            left: (0, 0),
            _lock: lock,
        };
        maildrop.load(snapshot.uids.into_iter().collect()).await?;
        Ok(maildrop)
    }

    async fn load(&mut self, mut wanted: UidSet) -> Result<()> {
        let items = MetaItems::SIZE | MetaItems::POP3_UIDL;
        let mut earlier_ids = HashSet::new();
        while !wanted.is_empty() {
            let batch = self.mailbox.meta(&wanted, items, None, BATCH).await?;
            for meta in &batch.items {
                self.note(meta, &mut earlier_ids);
            }
            let Some(upto) = batch.resume_after else { break };
            wanted = wanted.difference(&UidSet::from_ranges([(1, upto.get())]));
        }
        self.left = self.count_left();
        Ok(())
    }

    fn note(&mut self, meta: &Meta, earlier_ids: &mut HashSet<Box<str>>) {
        // What RETR adds: the end of a last line that has none. An empty message has no line.
        let end = if meta.size == 0 || meta.ends_with_crlf { 0 } else { 2 };
        self.messages.push(Message { uid: meta.uid, size: meta.size.saturating_add(end) & !MARKED });
        let id = meta.more.as_ref().and_then(|more| more.pop3_uidl.as_deref());
        if let Some(id) = id.filter(|id| self.is_usable(id))
            && earlier_ids.insert(id.into())
        {
            self.earlier_ids.push((meta.uid, id.into()));
        }
    }

    /// "One to 70 characters in the range 0x21 to 0x7E" (RFC 1939 section 7), and none that this server
    /// could give to another message itself.
    fn is_usable(&self, id: &str) -> bool {
        let own = id.len() == 16 && id.get(..8).is_some_and(|v| v == &*hex_text(&hex(self.validity.get())));
        !own && (1..=70).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
    }

    /// The message of this number, unless it is marked as deleted.
    pub(super) fn message(&self, n: MessageNumber) -> Option<Message> {
        self.messages.get(n.index()).copied().filter(|m| !m.is_marked())
    }

    /// Those not marked as deleted, with their numbers.
    pub(super) fn messages(&self) -> impl Iterator<Item = (MessageNumber, Message)> + '_ {
        let numbers = (1..=u32::MAX).filter_map(MessageNumber::new);
        numbers.zip(self.messages.iter().copied()).filter(|(_, m)| !m.is_marked())
    }

    /// Those behind this one, as many as have no more than these octets.
    pub(super) fn coming(&self, n: MessageNumber, octets: u64) -> impl Iterator<Item = Uid> + '_ {
        let behind = self.messages.get(n.index() + 1..).unwrap_or_default().iter().filter(|m| !m.is_marked());
        let mut left = octets;
        behind.map_while(move |m| {
            left = left.checked_sub(m.octets())?;
            Some(m.uid)
        })
    }

    /// How many are not marked as deleted, and their octets.
    pub(super) const fn left(&self) -> (u32, u64) {
        self.left
    }

    fn count_left(&self) -> (u32, u64) {
        self.messages().fold((0, 0), |(n, octets), (_, m)| (n + 1, octets + m.octets()))
    }

    /// Marks a message as deleted; `false` where there is none, or it is marked already.
    pub(super) fn mark(&mut self, n: MessageNumber) -> bool {
        let Some(message) = self.messages.get_mut(n.index()).filter(|m| !m.is_marked()) else { return false };
        self.left = (self.left.0 - 1, self.left.1 - message.octets());
        message.size |= MARKED;
        true
    }

    pub(super) fn unmark_all(&mut self) {
        for message in &mut self.messages {
            message.size &= !MARKED;
        }
        self.left = self.count_left();
    }

    /// Removes what is marked, in one step. Gives how many were still there.
    pub(super) async fn remove_marked(&self) -> Result<u64> {
        let marked: UidSet = self.messages.iter().filter(|m| m.is_marked()).map(|m| m.uid).collect();
        if marked.is_empty() {
            return Ok(0);
        }
        let outcome = self.mailbox.expunge(Some(&marked), false).await?;
        Ok(outcome.vanished.len())
    }

    /// Gives `with` the unique-id: what the earlier server gave, else UIDVALIDITY and UID in fixed width, so that
    /// (1, 23) and (12, 3) differ.
    pub(super) fn unique_id<R>(&self, uid: Uid, with: impl FnOnce(&str) -> R) -> R {
        if let Ok(at) = self.earlier_ids.binary_search_by_key(&uid, |(uid, _)| *uid)
            && let Some((_, id)) = self.earlier_ids.get(at)
        {
            return with(id);
        }
        let mut id = [0; 16];
        let (validity, number) = id.split_at_mut(8);
        validity.copy_from_slice(&hex(self.validity.get()));
        number.copy_from_slice(&hex(uid.get()));
        with(&hex_text(&id))
    }
}

/// 8 hexadecimal digits.
fn hex(n: u32) -> [u8; 8] {
    let mut digits = [0; 8];
    for (digit, shift) in digits.iter_mut().zip((0..32).step_by(4).rev()) {
        let value = u8::try_from(n >> shift & 15).unwrap_or_default();
        *digit = if value < 10 { b'0' + value } else { b'a' + value - 10 };
    }
    digits
}

fn hex_text(digits: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(digits)
}
