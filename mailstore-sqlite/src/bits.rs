//! A message's flags in one 32-bit number, in memory as in the database.
//!
//! Bits 0 to 4 are the system flags, bit 5 tells that the octets end with CRLF, bit 6 that there are keywords
//! beyond the bits, and bits 7 to 31 are the mailbox's keywords 0 to 24. Further keywords are a list of 16-bit
//! numbers, kept apart: almost no message has one.

use std::sync::Arc;

use mailstore_api::{Flags, SystemFlags};

pub(crate) const SYSTEM: u32 = 0x1f;
pub(crate) const CRLF: u32 = 1 << 5;
pub(crate) const MORE: u32 = 1 << 6;
pub(crate) const SEEN: u32 = SystemFlags::SEEN.bits() as u32;
pub(crate) const DELETED: u32 = SystemFlags::DELETED.bits() as u32;
const FIRST_KEYWORD: u32 = 7;
const KEYWORD_BITS: u16 = 25;

/// The keywords of one mailbox by number. A number that is free again is `None`.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Keywords {
    pub(crate) names: Vec<Option<String>>,
}

/// Flags as a mailbox stores them. `more` is sorted, and holds keyword numbers from 25 on.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Bits {
    pub(crate) bits: u32,
    pub(crate) more: Option<Arc<[u16]>>,
}

impl Keywords {
    pub(crate) fn number(&self, name: &str) -> Option<u16> {
        let at = self.names.iter().position(|k| k.as_ref().is_some_and(|k| k.eq_ignore_ascii_case(name)))?;
        u16::try_from(at).ok()
    }

    pub(crate) fn name(&self, number: u16) -> Option<&str> {
        self.names.get(usize::from(number))?.as_deref()
    }

    /// The flags these bits stand for.
    pub(crate) fn flags(&self, bits: u32, more: Option<&[u16]>) -> Flags {
        let mut flags = Flags::system(system(bits));
        let mut rest = bits >> FIRST_KEYWORD;
        let mut number = 0;
        while rest != 0 {
            if rest & 1 == 1 {
                flags.keywords.extend(self.name(number).map(str::to_owned));
            }
            rest >>= 1;
            number += 1;
        }
        flags.keywords.extend(more.unwrap_or(&[]).iter().filter_map(|n| self.name(*n)).map(str::to_owned));
        flags
    }

    /// Flags of which every keyword is known; others are left out.
    pub(crate) fn bits(&self, flags: &Flags) -> Bits {
        let mut bits = u32::from(flags.system.bits());
        let mut more: Vec<u16> = Vec::new();
        for number in flags.keywords.iter().filter_map(|k| self.number(k)) {
            if number < KEYWORD_BITS { bits |= bit(number) } else { more.push(number) }
        }
        more.sort_unstable();
        more.dedup();
        Bits::new(bits, more)
    }

    pub(crate) fn put(&mut self, number: u16, name: String) {
        let at = usize::from(number);
        if self.names.len() <= at {
            self.names.resize(at + 1, None);
        }
        if let Some(slot) = self.names.get_mut(at) {
            *slot = Some(name);
        }
    }
}

impl Bits {
    pub(crate) fn new(bits: u32, more: Vec<u16>) -> Self {
        if more.is_empty() {
            Self { bits: bits & !MORE, more: None }
        } else {
            Self { bits: bits | MORE, more: Some(more.into()) }
        }
    }

    fn list(&self) -> &[u16] {
        self.more.as_deref().unwrap_or(&[])
    }

    /// These with `other`'s flags added.
    pub(crate) fn with(&self, other: &Self) -> Self {
        let bits = self.bits | (other.bits & !CRLF);
        if other.more.is_none() {
            return Self { bits, more: self.more.clone() };
        }
        let mut more: Vec<u16> = self.list().iter().chain(other.list()).copied().collect();
        more.sort_unstable();
        more.dedup();
        Self::new(bits, more)
    }

    /// These without `other`'s flags.
    pub(crate) fn without(&self, other: &Self) -> Self {
        let bits = self.bits & !(other.bits & !CRLF & !MORE);
        if self.more.is_none() || other.more.is_none() {
            return Self { bits, more: self.more.clone() };
        }
        Self::new(bits, self.list().iter().copied().filter(|n| !other.list().contains(n)).collect())
    }

    /// `other`'s flags on this message.
    pub(crate) fn replaced(&self, other: &Self) -> Self {
        Self { bits: (self.bits & CRLF) | (other.bits & !CRLF), more: other.more.clone() }
    }
}

/// A keyword's bit; 0 for one beyond the bits.
pub(crate) const fn bit(number: u16) -> u32 {
    if number < KEYWORD_BITS { 1 << (FIRST_KEYWORD + number as u32) } else { 0 }
}

/// The numbers of the keywords in the bits.
pub(crate) fn keyword_bits(bits: u32) -> impl Iterator<Item = u16> {
    (0..KEYWORD_BITS).filter(move |n| bits & bit(*n) != 0)
}

pub(crate) fn system(bits: u32) -> SystemFlags {
    // Only five bits are left, so the conversion keeps all.
    SystemFlags::from_bits(u8::try_from(bits & SYSTEM).unwrap_or(0))
}

/// The list as the database has it.
pub(crate) fn to_blob(more: Option<&[u16]>) -> Option<Vec<u8>> {
    more.map(|list| list.iter().flat_map(|n| n.to_le_bytes()).collect())
}

pub(crate) fn from_blob(blob: Option<&[u8]>) -> Option<Arc<[u16]>> {
    let (pairs, _) = blob?.as_chunks::<2>();
    (!pairs.is_empty()).then(|| pairs.iter().map(|p| u16::from_le_bytes(*p)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_survive_the_way_into_bits_and_back_with_a_hundred_keywords() {
        let mut known = Keywords::default();
        for n in 0..100 {
            known.put(n, format!("k{n}"));
        }
        for pick in [vec![], vec![0], vec![24], vec![25], vec![3, 24, 25, 99]] {
            let mut flags = Flags::system(SystemFlags::SEEN | SystemFlags::DRAFT);
            flags.keywords = pick.iter().map(|n| format!("K{n}")).collect();
            let bits = known.bits(&flags);
            assert!(known.flags(bits.bits, bits.more.as_deref()).same_as(&flags), "{pick:?}");
            assert_eq!(from_blob(to_blob(bits.more.as_deref()).as_deref()), bits.more);
        }
    }

    #[test]
    fn changes_of_bits_agree_with_changes_of_flags() {
        let mut known = Keywords::default();
        (0..40).for_each(|n| known.put(n, format!("k{n}")));
        let make = |system: u8, keywords: &[u16]| {
            let mut flags = Flags::system(SystemFlags::from_bits(system));
            flags.keywords = keywords.iter().map(|n| format!("k{n}")).collect();
            flags
        };
        let samples = [make(0, &[]), make(3, &[1, 30]), make(9, &[30, 31, 2]), make(31, &[39, 1, 2, 3])];
        for a in &samples {
            for b in &samples {
                let old = Bits { bits: known.bits(a).bits | CRLF, more: known.bits(a).more };
                let new = known.bits(b);
                let check = |got: Bits, want: Flags| {
                    assert!(known.flags(got.bits, got.more.as_deref()).same_as(&want), "{a:?} {b:?}");
                    assert!(got.bits & CRLF != 0 && (got.bits & MORE != 0) == got.more.is_some());
                };
                let (mut added, mut removed) = (a.clone(), a.clone());
                added.add(b);
                removed.remove(b);
                check(old.with(&new), added);
                check(old.without(&new), removed);
                check(old.replaced(&new), b.clone());
            }
        }
    }
}
