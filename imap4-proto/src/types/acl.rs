use alloc::vec::Vec;

use super::{AString, Element, bits};
use crate::{encode, grammar::acl};

/// The rights with, for each, its letter.
macro_rules! rights {
    ($($(#[$doc:meta])* $const:ident = $bit:literal, $letter:literal;)*) => {
        bits! {
            /// Rights on a mailbox (RFC 4314 section 2): a set of letters and digits. Those without a name here are kept, too.
            Rights(u64) {
                $($(#[$doc])* $const = 1u64 << $bit;)*
                /// The digits for local use, and letters that have no meaning yet.
                OTHER = 0x7f_ffff << 13;
            }
        }
        /// Letter and bit of each right, in the order they are written.
        const LETTERS: &[(u8, u64)] = &[$(($letter, 1u64 << $bit)),*];
    };
}

rights! {
    /// `l`: the mailbox is visible to LIST, SUBSCRIBE and the like.
    LOOKUP = 0, b'l';
    /// `r`: SELECT, STATUS, FETCH.
    READ = 1, b'r';
    /// `s`: `\Seen` is kept.
    SEEN = 2, b's';
    /// `w`: flags other than `\Seen` and `\Deleted` can be changed.
    WRITE = 3, b'w';
    /// `i`: APPEND, COPY into it.
    INSERT = 4, b'i';
    /// `p`: mail can be sent to its submission address.
    POST = 5, b'p';
    /// `k`: mailboxes can be created in it.
    CREATE = 6, b'k';
    /// `x`: it can be deleted.
    DELETE_MAILBOX = 7, b'x';
    /// `t`: `\Deleted` can be changed.
    DELETE_MESSAGES = 8, b't';
    /// `e`: EXPUNGE.
    EXPUNGE = 9, b'e';
    /// `c` of RFC 2086.
    OBSOLETE_CREATE = 10, b'c';
    /// `d` of RFC 2086.
    OBSOLETE_DELETE = 11, b'd';
    /// `a`: the access list can be read and changed.
    ADMINISTER = 12, b'a';
}

/// What has no name: ten digits and the other letters, from bit 13 up.
const UNNAMED: &[u8; 23] = b"0123456789bfghjmnoquvyz";

impl Rights {
    /// All rights that have a meaning in RFC 4314 section 2.1.
    pub const STANDARD: Self = Self::LOOKUP
        .and(Self::READ)
        .and(Self::SEEN)
        .and(Self::WRITE)
        .and(Self::INSERT)
        .and(Self::POST)
        .and(Self::CREATE)
        .and(Self::DELETE_MAILBOX)
        .and(Self::DELETE_MESSAGES)
        .and(Self::EXPUNGE)
        .and(Self::ADMINISTER);

    /// The right of this letter or digit; `None` for anything else, and for upper case.
    #[must_use]
    pub fn by_letter(letter: u8) -> Option<Self> {
        if let Some((_, bit)) = LETTERS.iter().find(|(l, _)| *l == letter) {
            return Some(Self(*bit));
        }
        UNNAMED.iter().position(|l| *l == letter).map(|n| Self(1 << (13 + n)))
    }

    /// The rights of these letters and digits; `None` where there is anything else.
    #[must_use]
    pub fn parse(letters: &[u8]) -> Option<Self> {
        letters.iter().try_fold(Self::NONE, |all, l| Some(all | Self::by_letter(*l)?))
    }

    /// Their letters and digits, in the order of RFC 4314 section 2.1.
    pub fn letters(self) -> impl Iterator<Item = char> + Clone {
        let named = LETTERS.iter().filter(move |(_, bit)| self.0 & bit != 0).map(|(l, _)| char::from(*l));
        let unnamed = UNNAMED.iter().enumerate().filter(move |(n, _)| self.0 >> (13 + n) & 1 != 0);
        named.chain(unnamed.map(|(_, l)| char::from(*l)))
    }
}

impl<'b> Element<'b> for Rights {
    fn read(i: &'b [u8], _utf8: bool) -> Option<(&'b [u8], Self)> {
        acl::rights(i).ok()
    }
    fn write(&self, out: &mut Vec<u8>) {
        encode::rights(out, *self);
    }
}

/// What SETACL does with the rights of an identifier (RFC 4314 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RightsChange {
    /// Just these from now on.
    Replace(Rights),
    /// `+`: these, too.
    Add(Rights),
    /// `-`: without these.
    Remove(Rights),
}

/// One entry of an access list: an identifier, and its rights. One that begins with `-` takes rights away (RFC 4314 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AclEntry<'b> {
    /// Whose.
    pub identifier: AString<'b>,
    /// Which.
    pub rights: Rights,
}

impl<'b> AclEntry<'b> {
    /// These rights for this identifier.
    #[must_use]
    pub const fn new(identifier: AString<'b>, rights: Rights) -> Self {
        Self { identifier, rights }
    }
}

impl<'b> Element<'b> for AclEntry<'b> {
    fn read(i: &'b [u8], _utf8: bool) -> Option<(&'b [u8], Self)> {
        acl::entry(i).ok()
    }
    fn write(&self, out: &mut Vec<u8>) {
        self.identifier.write(out);
        out.push(b' ');
        self.rights.write(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    #[test]
    fn every_letter_and_digit_is_a_right_of_its_own() {
        let mut all = Rights::NONE;
        for l in (b'a'..=b'z').chain(b'0'..=b'9') {
            let right = Rights::by_letter(l).unwrap();
            assert!(!all.intersects(right), "{}", char::from(l));
            assert_eq!(right.letters().collect::<String>(), String::from(char::from(l)));
            assert_eq!(Rights::from_bits(right.bits()), right);
            all |= right;
        }
        assert_eq!(Rights::parse(b"lrQ"), None);
        assert_eq!(Rights::STANDARD.letters().collect::<String>(), "lrswipkxtea");
        assert_eq!(Rights::parse(b"ea0lr").unwrap().letters().collect::<String>(), "lrea0");
    }
}
