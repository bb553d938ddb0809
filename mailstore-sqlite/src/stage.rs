//! Messages on their way in: up to 128 KiB in memory, the rest in a file.

use std::{io::Write, sync::Arc};

use mailstore_api::{
    AppendOutcome, AppendSpec, Delivery, ErrorKind, HeaderScan, InternalDate, Recipient, Result, Staged,
    StoreError,
};

use crate::{
    error::Res,
    files::{INLINE_MAX, TempFile},
    oneshot::Receiver,
    ops::append::{self, NewBody, NewMessage, Octets, Target},
    queue::Weight,
    store::Shared,
};

/// The octets as they come. A chunk is taken wholly or not at all, so a dropped `write` leaves no half of one.
struct Incoming {
    shared: Arc<Shared>,
    buf: Vec<u8>,
    scan: HeaderScan,
    crc: crc32fast::Hasher,
    file: Option<TempFile>,
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
                Ok(file) => self.file = Some(file),
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
                Some(temp) => temp,
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
            Some(temp) => Octets::File(Arc::new(temp)),
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

    /// Finds the recipients, and writes to each shard once.
    async fn deliver(self, to: Vec<Recipient>) -> Result<Vec<Result<AppendOutcome>>> {
        let shared = self.incoming.shared.clone();
        shared.files.reserve.admit()?;
        let message = Arc::new(self.incoming.into_message(self.spec)?);
        let (looking, names) = (shared.clone(), to.iter().map(|r| r.account.clone()).collect::<Vec<_>>());
        let places = shared
            .pool
            .files(move || names.iter().map(|n| looking.control.find(n)).collect::<Res<Vec<_>>>())
            .await?;
        let mut answers: Vec<Result<AppendOutcome>> = to
            .iter()
            .map(|_| Err(StoreError::new(ErrorKind::NotFound, "there is no such account")))
            .collect();
        let limit = shared.options.append_limit;
        let mut waiting = Vec::new();
        for shard in &shared.shards {
            let mut targets = Vec::new();
            let mut positions = Vec::new();
            for (at, (recipient, place)) in to.iter().zip(&places).enumerate() {
                if let Some(place) = place.filter(|p| p.shard == shard.number) {
                    let (mailbox, prefix) = (recipient.mailbox.clone(), recipient.prefix.clone());
                    targets.push(Target { account: place.id, mailbox, prefix });
                    positions.push(at);
                }
            }
            if !targets.is_empty() {
                let weight = Weight { rows: targets.len() as u64, bytes: message.weight() };
                let message = message.clone();
                let op = move |txn: &mut crate::txn::Txn<'_>| append::deliver(txn, &message, limit, &targets);
                waiting.push((positions, shard.begin_write(weight, op).await));
            }
        }
        for (positions, answer) in waiting {
            let answer = match answer {
                Ok(answer) => answer.await.and_then(|r| r),
                Err(e) => Err(e),
            };
            match answer {
                Ok(outcomes) => {
                    for (at, outcome) in positions.into_iter().zip(outcomes) {
                        if let Some(slot) = answers.get_mut(at) {
                            *slot = outcome;
                        }
                    }
                }
                Err(e) => {
                    for at in positions {
                        if let Some(slot) = answers.get_mut(at) {
                            *slot = Err(e.clone());
                        }
                    }
                }
            }
        }
        Ok(answers)
    }
}

impl Delivery for SqliteDelivery {
    async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        self.incoming.write(chunk).await
    }

    async fn commit(mut self, to: &[Recipient]) -> Vec<Result<AppendOutcome>> {
        let n = to.len();
        let to = to.to_vec();
        let done = match self.incoming.finish().await {
            Ok(_) => self.deliver(to).await,
            Err(e) => Err(e),
        };
        done.unwrap_or_else(|e| (0..n).map(|_| Err(e.clone())).collect())
    }
}
