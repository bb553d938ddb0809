use core::fmt;

use super::{AString, NString};
use crate::grammar;

/// The parameters of ID (RFC 2971 section 3.3): validated text. NIL has none.
#[derive(Clone, Copy, Default)]
pub struct IdParameters<'b>(pub(crate) &'b [u8]);

impl<'b> IdParameters<'b> {
    /// The fields and their values, in the order they were written.
    pub fn iter(&self) -> impl Iterator<Item = (AString<'b>, NString<'b>)> + Clone + 'b {
        grammar::id::Fields(self.0)
    }
}

impl PartialEq for IdParameters<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}
impl Eq for IdParameters<'_> {}

impl fmt::Debug for IdParameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
