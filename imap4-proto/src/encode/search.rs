use alloc::vec::Vec;

use super::{number, number64, quoted, ranges};
use crate::types::EsearchData;

/// `esearch-response = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)`
pub(crate) fn esearch(out: &mut Vec<u8>, tag: &[u8], data: &EsearchData<'_>) {
    out.extend_from_slice(b"ESEARCH (TAG ");
    quoted(out, tag);
    out.push(b')');
    if data.uid {
        out.extend_from_slice(b" UID");
    }
    for (name, value) in [(&b" MIN "[..], data.min), (b" MAX ", data.max)] {
        if let Some(n) = value {
            out.extend_from_slice(name);
            number(out, n);
        }
    }
    if let Some(all) = data.all
        && !all.is_empty()
    {
        out.extend_from_slice(b" ALL ");
        ranges(out, all.iter().copied());
    }
    if let Some(n) = data.count {
        out.extend_from_slice(b" COUNT ");
        number(out, n);
    }
    if let Some(n) = data.modseq {
        out.extend_from_slice(b" MODSEQ ");
        number64(out, n);
    }
}
