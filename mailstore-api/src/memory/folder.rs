use std::{
    collections::BTreeMap,
    ops::{Deref, DerefMut},
};

use bytes::Bytes;

use crate::{Index, IndexRow, MailboxId, ModSeq, OpenMode, Rights, Snapshot, Status, Uid};

/// A message without a place yet.
pub(super) type NewMessage = IndexRow<Bytes>;

/// One mailbox: its messages, and what is kept of it besides.
#[derive(Debug)]
pub(super) struct Folder {
    /// Who else may do what.
    pub(super) acl: BTreeMap<String, Rights>,
    pub(super) annotations: BTreeMap<String, Vec<u8>>,
    index: Index<Bytes>,
}

impl Folder {
    pub(super) fn new(index: Index<Bytes>) -> Self {
        Self { acl: BTreeMap::new(), annotations: BTreeMap::new(), index }
    }

    pub(super) fn octets(&self, uid: Uid) -> Option<Bytes> {
        self.index.get(uid).map(|row| row.body.clone())
    }

    pub(super) fn status(&self, id: &MailboxId, persistent: bool) -> Status {
        let status = self.index.status(id);
        if persistent { status } else { Status { highest_modseq: ModSeq::default(), ..status } }
    }

    pub(super) fn snapshot(&self, mode: OpenMode, persistent: bool) -> Snapshot {
        Snapshot { modseq_persistent: persistent, ..self.index.snapshot(mode) }
    }
}

impl Deref for Folder {
    type Target = Index<Bytes>;

    fn deref(&self) -> &Index<Bytes> {
        &self.index
    }
}

impl DerefMut for Folder {
    fn deref_mut(&mut self) -> &mut Index<Bytes> {
        &mut self.index
    }
}
