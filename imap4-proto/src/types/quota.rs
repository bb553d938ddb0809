use alloc::vec::Vec;

use super::{Element, Reading};
use crate::{encode, grammar::quota};

/// `quota-resource` (RFC 9208 section 7): a resource of a quota root and its figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QuotaResource<'b> {
    /// `STORAGE` (in units of 1024 octets), `MESSAGE`, `MAILBOX`, `ANNOTATION-STORAGE` or another (RFC 9208 section 5).
    pub name: &'b str,
    /// How much is used.
    pub usage: u64,
    /// How much may be used.
    pub limit: u64,
}

impl<'b> QuotaResource<'b> {
    /// A resource of this name.
    #[must_use]
    pub const fn new(name: &'b str, usage: u64, limit: u64) -> Self {
        Self { name, usage, limit }
    }
}

impl<'b> Element<'b> for QuotaResource<'b> {
    fn read(i: &'b [u8], _utf8: bool) -> Option<(&'b [u8], Self)> {
        // What is tolerated was decided when the response was read.
        quota::resource(i, Reading::TOLERANT).ok()
    }
    fn write(&self, out: &mut Vec<u8>) {
        encode::atom(out, self.name.as_bytes());
        out.push(b' ');
        encode::number64(out, self.usage);
        out.push(b' ');
        encode::number64(out, self.limit);
    }
}

/// `setquota-resource` (RFC 9208 section 7)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QuotaLimit<'b> {
    /// The resource, as in [`QuotaResource::name`].
    pub name: &'b str,
    /// How much may be used.
    pub limit: u64,
}

impl<'b> QuotaLimit<'b> {
    /// A limit for this resource.
    #[must_use]
    pub const fn new(name: &'b str, limit: u64) -> Self {
        Self { name, limit }
    }
}

impl<'b> Element<'b> for QuotaLimit<'b> {
    fn read(i: &'b [u8], _utf8: bool) -> Option<(&'b [u8], Self)> {
        quota::limit(i).ok()
    }
    fn write(&self, out: &mut Vec<u8>) {
        encode::atom(out, self.name.as_bytes());
        out.push(b' ');
        encode::number64(out, self.limit);
    }
}
