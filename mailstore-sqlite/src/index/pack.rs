//! An open mailbox's table as one value in the database: a big mailbox is opened by reading it, and what changed
//! since, instead of every message's row. It is only a copy: without it, or when it does not fit, the rows are read.

use std::sync::Arc;

use mailstore_api::Uid;

use super::{
    MailboxRow,
    packed::{PackedModSeq, SizeAndDate},
    table::Table,
};

/// Octets a message: the columns one after the other, little-endian.
const EACH: usize = 4 + 4 + PackedModSeq::LEN + SizeAndDate::LEN;

/// A table, packed.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) modseq: u64,
    pub(crate) data: Vec<u8>,
}

impl Table {
    pub(crate) fn pack(&self) -> Packed {
        let mut data = Vec::with_capacity(self.len() * EACH);
        self.uids.iter().for_each(|u| data.extend_from_slice(&u.get().to_le_bytes()));
        self.bits.iter().for_each(|b| data.extend_from_slice(&b.to_le_bytes()));
        self.modseqs.iter().for_each(|m| data.extend_from_slice(&m.to_bytes()));
        self.sizes.iter().for_each(|s| data.extend_from_slice(&s.to_bytes()));
        Packed { modseq: self.row.modseq, data }
    }

    /// The table at `row`'s modseq, without its keywords; `None` when the data are none.
    pub(super) fn unpack(row: MailboxRow, data: &[u8]) -> Option<Self> {
        let n = data.len() / EACH;
        let mut table = Self::empty(row, Arc::default());
        // As many as there are now, so that what is to come finds room.
        table.reserve(usize::try_from(row.messages).unwrap_or(n).clamp(n, n + n / 4 + 64));
        let (uids, rest) = data.split_at_checked(n * 4)?;
        let (bits, rest) = rest.split_at_checked(n * 4)?;
        let (modseqs, sizes) = rest.split_at_checked(n * PackedModSeq::LEN)?;
        for uid in uids.as_chunks().0 {
            table.uids.push(Uid::new(u32::from_le_bytes(*uid))?);
        }
        table.bits.extend(bits.as_chunks().0.iter().map(|b| u32::from_le_bytes(*b)));
        table.modseqs.extend(modseqs.as_chunks().0.iter().map(|m| PackedModSeq::from_bytes(*m)));
        table.sizes.extend(sizes.as_chunks().0.iter().map(|s| SizeAndDate::from_bytes(*s)));
        if data.len() != n * EACH || !table.uids.is_sorted_by(|a, b| a < b) {
            return None;
        }
        table.block_maxima(0);
        Some(table)
    }
}
