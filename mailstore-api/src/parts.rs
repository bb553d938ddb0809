use bytes::{Bytes, BytesMut};

use crate::{AppendSpec, Body, ErrorKind, HeaderScan, IndexRow, Part, Result, Staged, StoreError};

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
        let octets = (self.octets.len() + chunk.len()) as u64;
        if self.limit.is_some_and(|limit| octets > limit) {
            return Err(ErrorKind::TooBig.into());
        }
        self.octets.extend_from_slice(chunk);
        Ok(())
    }

    async fn finish(&mut self) -> Result<u64> {
        self.finished = true;
        Ok(self.octets.len() as u64)
    }
}
