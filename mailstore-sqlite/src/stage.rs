//! Messages on their way in: up to 128 KiB in memory, the rest in a file.

use std::{
    io::Write,
    sync::{Arc, atomic::Ordering},
};

use mailstore_api::{
    AppendOutcome, AppendSpec, Delivery, ErrorKind, HeaderScan, InternalDate, Recipient, Result, Staged,
    StoreError, Submission, Submitted,
};

use crate::{
    control::Place,
    error::Res,
    files::{INLINE_MAX, TempFile},
    oneshot::Receiver,
    ops::{
        append::{self, NewBody, NewMessage, Octets, Target},
        outbox,
    },
    outbox::{place_of, queue_id},
    queue::Weight,
    shard::Shard,
    store::Shared,
    txn::Txn,
};

/// So many recipients are looked up on the caller's thread.
const SOON: usize = 16;

/// The octets as they come. A chunk is taken wholly or not at all, so a dropped `write` leaves no half of one.
struct Incoming {
    shared: Arc<Shared>,
    buf: Vec<u8>,
    scan: HeaderScan,
    crc: crc32fast::Hasher,
    file: Option<Box<TempFile>>,
    /// The file, on its way back from the thread that writes it.
    writing: Option<Receiver<Result<TempFile>>>,
    /// It is a file, and no octets are to come: `writing` syncs it.
    spilled: bool,
    synced: bool,
    failed: Option<StoreError>,
    done: Option<NewBody>,
}

impl Incoming {
    fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            buf: Vec::new(),
            scan: HeaderScan::new(),
            crc: crc32fast::Hasher::new(),
            file: None,
            writing: None,
            spilled: false,
            synced: false,
            failed: None,
            done: None,
        }
    }

    async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        if self.done.is_some() || self.synced {
            return Err(StoreError::new(ErrorKind::Internal, "written to after its end"));
        }
        self.shared.check_size(self.scan.len().saturating_add(chunk.len() as u64))?;
        self.written().await?;
        // Nothing waits from here on.
        self.scan.push(chunk);
        self.crc.update(chunk);
        self.buf.extend_from_slice(chunk);
        if self.buf.len() > INLINE_MAX {
            self.spill(false);
        }
        Ok(())
    }

    /// Waits until the file is back.
    async fn written(&mut self) -> Result<()> {
        if let Some(e) = &self.failed {
            return Err(e.clone());
        }
        if let Some(writing) = &mut self.writing {
            let back = writing.await.and_then(|r| r);
            self.writing = None;
            match back {
                Ok(file) => self.file = Some(Box::new(file)),
                Err(e) => {
                    self.failed = Some(e.clone());
                    return Err(e);
                }
            }
        }
        Ok(())
    }

    /// Has a thread write what is in memory; several at once, so that only the directory's sync is left to the
    /// writer thread.
    fn spill(&mut self, sync: bool) {
        let buf = std::mem::take(&mut self.buf);
        let (file, files) = (self.file.take(), self.shared.files.clone());
        self.spilled = true;
        self.synced = sync;
        self.writing = Some(self.shared.pool.start_files(move || {
            let mut temp = match file {
                Some(temp) => *temp,
                None => files.temp()?,
            };
            temp.file.write_all(&buf)?;
            if sync {
                temp.file.sync_data()?;
            }
            Ok(temp)
        }));
    }

    /// All is written, and durable if it is a file. Dropped and called again, it goes on where it was.
    async fn finish(&mut self) -> Result<u64> {
        self.written().await?;
        if self.done.is_some() {
            return Ok(self.scan.len());
        }
        if self.spilled && !self.synced {
            self.spill(true);
            self.written().await?;
        }
        let octets = match self.file.take() {
            Some(temp) => Octets::File(Arc::new(*temp)),
            None => Octets::Inline(std::mem::take(&mut self.buf).into()),
        };
        self.done = Some(NewBody {
            size: self.scan.len(),
            header: self.scan.header_len(),
            crc: self.crc.clone().finalize(),
            ends_with_crlf: self.scan.ends_with_crlf(),
            octets,
        });
        Ok(self.scan.len())
    }

    fn into_message(mut self, spec: AppendSpec) -> Result<NewMessage> {
        let body = self.done.take().ok_or_else(|| {
            StoreError::new(ErrorKind::Internal, "commit of a message that is not finished")
        })?;
        Ok(NewMessage { flags: spec.flags, date: spec.internal_date.unwrap_or_else(InternalDate::now), body })
    }
}

impl NewMessage {
    pub(crate) fn weight(&self) -> usize {
        match &self.body.octets {
            Octets::Inline(bytes) => bytes.len(),
            Octets::File(_) => 0,
        }
    }
}

/// A message written to a [`SqliteStore`](crate::SqliteStore) and not committed. Dropping it aborts.
pub struct SqliteStaged {
    spec: AppendSpec,
    incoming: Incoming,
}

impl std::fmt::Debug for SqliteStaged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStaged").field("octets", &self.incoming.scan.len()).finish_non_exhaustive()
    }
}

impl SqliteStaged {
    pub(crate) fn new(shared: Arc<Shared>, spec: AppendSpec) -> Self {
        Self { spec, incoming: Incoming::new(shared) }
    }

    pub(crate) fn into_message(self) -> Result<NewMessage> {
        self.incoming.into_message(self.spec)
    }
}

impl Staged for SqliteStaged {
    async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        self.incoming.write(chunk).await
    }

    async fn finish(&mut self) -> Result<u64> {
        self.incoming.finish().await
    }
}

/// A message on its way into several accounts of a [`SqliteStore`](crate::SqliteStore). Dropping it aborts.
pub struct SqliteDelivery {
    spec: AppendSpec,
    incoming: Incoming,
}

impl std::fmt::Debug for SqliteDelivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteDelivery").field("octets", &self.incoming.scan.len()).finish_non_exhaustive()
    }
}

impl SqliteDelivery {
    pub(crate) fn new(shared: Arc<Shared>, spec: AppendSpec) -> Self {
        Self { spec, incoming: Incoming::new(shared) }
    }

    /// Finds the recipients, and writes to each shard once: all at the same time, but for the one with the
    /// queue's entry, which comes last and knows how the others ended.
    async fn deliver(self, to: Vec<Recipient>, what: Submission) -> Result<Submitted> {
        let shared = self.incoming.shared.clone();
        shared.files.reserve.admit()?;
        let message = Arc::new(self.incoming.into_message(self.spec)?);
        let places = if to.len() <= SOON {
            // Some microseconds each: the way to another thread would cost more.
            to.iter().map(|r| shared.control.find(&r.account)).collect::<Res<Vec<_>>>()?
        } else {
            let (looking, names) = (shared.clone(), to.iter().map(|r| r.account.clone()).collect::<Vec<_>>());
            let look = move || names.iter().map(|n| looking.control.find(n)).collect::<Res<Vec<_>>>();
            shared.pool.files(look).await?
        };
        let home = home(&shared, &what, &places).await?;
        let nobody = || Err(StoreError::new(ErrorKind::NotFound, "there is no such account"));
        let mut answers: Answers = to.iter().map(|_| nobody()).collect();
        let group = |shard: &Shard| Group::new(shard.number, &to, &places);
        let limit = shared.options.append_limit;
        let mut waiting = Vec::new();
        for shard in shared.shards.iter().filter(|s| Some(s.number) != home) {
            let Group { positions, targets } = group(shard);
            if !targets.is_empty() {
                let weight = Weight { rows: targets.len() as u64, bytes: message.weight() };
                let message = message.clone();
                let op = move |txn: &mut Txn<'_>| append::deliver(txn, &message, limit, &targets, &mut None);
                waiting.push((positions, shard.begin_write(weight, op).await));
            }
        }
        for (positions, answer) in waiting {
            let answer = match answer {
                Ok(answer) => answer.await.and_then(|r| r),
                Err(e) => Err(e),
            };
            put(&mut answers, positions, answer);
        }
        let Some(shard) = home.and_then(|n| shared.shards.get(n)) else {
            return Ok(Submitted { local: answers, queued: Ok(None) });
        };
        let Group { positions, targets } = group(shard);
        let weight = Weight { rows: targets.len() as u64 + 2, bytes: message.weight() };
        let (known, mine, number) = (answers.clone(), positions.clone(), shard.number);
        let op = move |txn: &mut Txn<'_>| {
            let (mut answers, mut body) = (known, None);
            let outcomes = append::deliver(txn, &message, limit, &targets, &mut body)?;
            put(&mut answers, mine, Ok(outcomes.clone()));
            let id = match &what.entry {
                Some(new) => outbox::add(txn, new, &answers, &message.body, &mut body)?,
                None => None,
            };
            if let Some(settle) = &what.settle {
                let (_, id) = place_of(&settle.lease.id).ok_or(ErrorKind::Gone)?;
                outbox::settle(txn, id, settle)?;
            }
            Ok((outcomes, id.map(|id| queue_id(number, id))))
        };
        let (answer, queued) = match shard.write(weight, op).await {
            Ok((outcomes, id)) => (Ok(outcomes), Ok(id)),
            Err(e) => (Err(e.clone()), Err(e)),
        };
        put(&mut answers, positions, answer);
        Ok(Submitted { local: answers, queued })
    }

    async fn finish(mut self, to: &[Recipient], what: Submission) -> Submitted {
        let n = to.len();
        let to = to.to_vec();
        let done = match self.incoming.finish().await {
            Ok(_) => self.deliver(to, what).await,
            Err(e) => Err(e),
        };
        done.unwrap_or_else(|e| Submitted { local: (0..n).map(|_| Err(e.clone())).collect(), queued: Err(e) })
    }
}

type Answers = Vec<Result<AppendOutcome>>;

/// The recipients of one shard, and where they stand among all.
struct Group {
    positions: Vec<usize>,
    targets: Vec<Target>,
}

impl Group {
    fn new(shard: usize, to: &[Recipient], places: &[Option<Place>]) -> Self {
        let mut group = Self { positions: Vec::new(), targets: Vec::new() };
        for (at, (recipient, place)) in to.iter().zip(places).enumerate() {
            if let Some(place) = place.filter(|p| p.shard == shard) {
                let (mailbox, prefix) = (recipient.mailbox.clone(), recipient.prefix.clone());
                group.targets.push(Target { account: place.id, mailbox, prefix });
                group.positions.push(at);
            }
        }
        group
    }
}

fn put(answers: &mut Answers, positions: Vec<usize>, answer: Result<Answers>) {
    let outcomes = match answer {
        Ok(outcomes) => outcomes,
        Err(e) => positions.iter().map(|_| Err(e.clone())).collect(),
    };
    for (at, outcome) in positions.into_iter().zip(outcomes) {
        if let Some(slot) = answers.get_mut(at) {
            *slot = outcome;
        }
    }
}

/// The shard of the queue's part: that of the entry that is settled, else of a recipient, so that both are one
/// transaction. Whether the lease is held is asked early, so that nothing is done in other shards for one
/// that is not; it is asked again in the transaction.
async fn home(shared: &Shared, what: &Submission, places: &[Option<Place>]) -> Result<Option<usize>> {
    if let Some(settle) = &what.settle {
        let (shard, id) = shared.queued(&settle.lease.id, ErrorKind::Gone)?;
        let (number, lease) = (shard.number, settle.lease.clone());
        shared.pool.read(number, move |conn| outbox::check_lease(conn, id, &lease)).await?;
        return Ok(Some(number));
    }
    if what.entry.is_none() {
        return Ok(None);
    }
    let next = || shared.next_queued.fetch_add(1, Ordering::Relaxed) % shared.shards.len().max(1);
    Ok(Some(places.iter().flatten().next().map_or_else(next, |place| place.shard)))
}

impl Delivery for SqliteDelivery {
    async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        self.incoming.write(chunk).await
    }

    async fn commit(self, to: &[Recipient]) -> Vec<Result<AppendOutcome>> {
        self.finish(to, Submission::default()).await.local
    }

    async fn submit(self, to: &[Recipient], what: Submission) -> Submitted {
        self.finish(to, what).await
    }
}
