use bytes::{Bytes, BytesMut};

use crate::{
    Account, AppendOutcome, AppendSpec, Body, Delivery, ErrorKind, HeaderScan, IndexRow, MailStore, Part,
    Recipient, Result, Staged, StoreError,
};

/// An open message whose octets are in memory: shared, and there as long as it is held.
#[derive(Clone, Debug)]
pub struct BytesBody(Bytes);

impl BytesBody {
    /// This part of the octets.
    #[must_use]
    pub fn new(mut octets: Bytes, part: Part) -> Self {
        match part {
            Part::Whole => {}
            Part::Header => octets.truncate(HeaderScan::split(&octets)),
            Part::Text => octets = octets.split_off(HeaderScan::split(&octets)),
        }
        Self(octets)
    }
}

impl Body for BytesBody {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    async fn read_at(&mut self, offset: u64, max: usize) -> Result<Bytes> {
        let len = self.0.len();
        let from = usize::try_from(offset).unwrap_or(len).min(len);
        Ok(self.0.slice(from..from.saturating_add(max).min(len)))
    }
}

fn check_size(octets: usize, limit: Option<u64>) -> Result<()> {
    match limit {
        Some(limit) if octets as u64 > limit => Err(ErrorKind::TooBig.into()),
        _ => Ok(()),
    }
}

/// A message that is gathered in memory until it is committed: for stores whose messages are small, or bounded by a limit.
#[derive(Debug)]
pub struct Buffered {
    spec: AppendSpec,
    limit: Option<u64>,
    octets: BytesMut,
    finished: bool,
}

impl Buffered {
    /// One that may have so many octets.
    #[must_use]
    pub fn new(spec: AppendSpec, limit: Option<u64>) -> Self {
        Self { spec, limit, octets: BytesMut::new(), finished: false }
    }

    /// What goes into the mailbox.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when it is not finished.
    pub fn into_row(self) -> Result<IndexRow<Bytes>> {
        match self.finished {
            true => Ok(IndexRow::new(self.spec, self.octets.freeze())),
            false => Err(StoreError::new(ErrorKind::Internal, "commit of a message that is not finished")),
        }
    }
}

impl Staged for Buffered {
    async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        check_size(self.octets.len() + chunk.len(), self.limit)?;
        self.octets.extend_from_slice(chunk);
        Ok(())
    }

    async fn finish(&mut self) -> Result<u64> {
        self.finished = true;
        Ok(self.octets.len() as u64)
    }
}

/// A message for several accounts that is gathered in memory, and appended to the mailbox of each as if its owner did it: for
/// stores that share no octets between accounts, and whose messages are small, or bounded by a limit.
///
/// ```
/// use mailstore_api::{AppendSpec, BufferedDelivery, Delivery, MailboxName, MemoryStore, Recipient, Result};
///
/// async fn example(store: MemoryStore) -> Result<()> {
///     // What `MailStore::deliver` of a store may answer.
///     let mut delivery = BufferedDelivery::new(store, AppendSpec::default(), None);
///     delivery.write(b"Subject: hello\r\n\r\nworld\r\n").await?;
///     let anna = Recipient { account: "anna".into(), mailbox: MailboxName::inbox(), prefix: Vec::new() };
///     for answer in delivery.commit(&[anna]).await {
///         println!("stored as {:?}", answer?.uids);
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct BufferedDelivery<S> {
    store: S,
    spec: AppendSpec,
    limit: Option<u64>,
    octets: Vec<u8>,
}

impl<S: MailStore> BufferedDelivery<S> {
    /// One into the accounts of this store, of at most so many octets.
    #[must_use]
    pub const fn new(store: S, spec: AppendSpec, limit: Option<u64>) -> Self {
        Self { store, spec, limit, octets: Vec::new() }
    }

    async fn append(&self, to: &Recipient) -> Result<AppendOutcome> {
        let account = self.store.open_account(&to.account).await?;
        let id = account.find(&to.mailbox).await?.and_then(|mailbox| mailbox.id);
        let id = id.ok_or_else(|| StoreError::from(ErrorKind::NotFound))?;
        let octets = (to.prefix.len() + self.octets.len()) as u64;
        let spec = AppendSpec { declared_len: Some(octets), ..self.spec.clone() };
        let mut staged = account.stage(&id, spec).await?;
        staged.write(&to.prefix).await?;
        staged.write(&self.octets).await?;
        staged.finish().await?;
        account.commit(&id, vec![staged], None).await
    }
}

impl<S: MailStore> Delivery for BufferedDelivery<S> {
    async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        check_size(self.octets.len() + chunk.len(), self.limit)?;
        self.octets.extend_from_slice(chunk);
        Ok(())
    }

    async fn commit(self, to: &[Recipient]) -> Vec<Result<AppendOutcome>> {
        let mut answers = Vec::with_capacity(to.len());
        for recipient in to {
            answers.push(self.append(recipient).await);
        }
        answers
    }
}
