macro_rules! bits {
    ($(#[$doc:meta])* $name:ident($int:ty) { $($(#[$cdoc:meta])* $const:ident = $value:expr;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug)]
        pub struct $name($int);
        impl $name {
            /// None.
            pub const NONE: Self = Self(0);
            $($(#[$cdoc])* pub const $const: Self = Self($value);)*
            /// The bits, for storing.
            #[must_use]
            pub const fn bits(self) -> $int { self.0 }
            /// From stored bits; unknown ones are dropped.
            #[must_use]
            pub const fn from_bits(bits: $int) -> Self { Self(bits & (0 $(| $value)*)) }
            /// Whether all of `other` are in this.
            #[must_use]
            pub const fn contains(self, other: Self) -> bool { self.0 & other.0 == other.0 }
            /// Whether none is set.
            #[must_use]
            pub const fn is_empty(self) -> bool { self.0 == 0 }
            /// These without `other`.
            #[must_use]
            pub const fn without(self, other: Self) -> Self { Self(self.0 & !other.0) }
            /// These and `other`, in constants.
            #[must_use]
            pub const fn and(self, other: Self) -> Self { Self(self.0 | other.0) }
        }
        impl std::ops::BitOr for $name { type Output = Self; fn bitor(self, o: Self) -> Self { Self(self.0 | o.0) } }
        impl std::ops::BitAnd for $name { type Output = Self; fn bitand(self, o: Self) -> Self { Self(self.0 & o.0) } }
        impl std::ops::BitOrAssign for $name { fn bitor_assign(&mut self, o: Self) { self.0 |= o.0 } }
    };
}
pub(crate) use bits;

bits! {
    /// The system flags a message keeps (RFC 9051 section 2.3.2). `\Recent` is no flag of the message.
    SystemFlags(u8) {
        /// `\Seen`
        SEEN = 1;
        /// `\Answered`
        ANSWERED = 2;
        /// `\Flagged`
        FLAGGED = 4;
        /// `\Deleted`
        DELETED = 8;
        /// `\Draft`
        DRAFT = 16;
    }
}

bits! {
    /// What a mailbox is for (RFC 6154 section 2).
    SpecialUse(u16) {
        /// `\All`
        ALL = 1;
        /// `\Archive`
        ARCHIVE = 2;
        /// `\Drafts`
        DRAFTS = 4;
        /// `\Flagged`
        FLAGGED = 8;
        /// `\Junk`
        JUNK = 16;
        /// `\Sent`
        SENT = 32;
        /// `\Trash`
        TRASH = 64;
        /// `\Important` (RFC 8457)
        IMPORTANT = 128;
    }
}

bits! {
    /// What an account may do with a mailbox (RFC 4314 section 2.1).
    Rights(u32) {
        /// `l`: it is listed.
        LOOKUP = 1;
        /// `r`: SELECT, STATUS, FETCH.
        READ = 2;
        /// `s`: keep `\Seen`.
        SEEN = 4;
        /// `w`: set other flags.
        WRITE = 8;
        /// `i`: APPEND, COPY into it.
        INSERT = 16;
        /// `p`: submit mail to its address.
        POST = 32;
        /// `k`: create below it.
        CREATE = 64;
        /// `x`: delete or rename it.
        DELETE_MAILBOX = 128;
        /// `t`: set `\Deleted`.
        DELETE_MESSAGE = 256;
        /// `e`: EXPUNGE.
        EXPUNGE = 512;
        /// `a`: change its access list.
        ADMIN = 1024;
    }
}

impl Rights {
    /// An owner's rights: all of them.
    pub const OWNER: Self = Self(0x7ff);

    /// What an access list grants to somebody who goes by these identifiers (a name, its groups; `anyone` is
    /// everybody's): the union of their rights, without the union of those taken away by `-identifier` (RFC 4314
    /// section 2).
    #[must_use]
    pub fn granted<'a>(list: impl IntoIterator<Item = (&'a str, Self)>, identifiers: &[&str]) -> Self {
        let applies = |who: &str| who == "anyone" || identifiers.contains(&who);
        let (mut given, mut taken) = (Self::NONE, Self::NONE);
        for (who, rights) in list {
            match who.strip_prefix('-') {
                Some(who) if applies(who) => taken |= rights,
                None if applies(who) => given |= rights,
                _ => {}
            }
        }
        given.without(taken)
    }
}

/// A message's flags: system flags and keywords.
///
/// Keywords keep the case they were first set in and compare without case (RFC 9051 section 2.3.2).
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Flags {
    /// The system flags.
    pub system: SystemFlags,
    /// The keywords, no two equal but for case.
    pub keywords: Vec<String>,
}

impl Flags {
    /// System flags alone.
    #[must_use]
    pub const fn system(system: SystemFlags) -> Self {
        Self { system, keywords: Vec::new() }
    }

    /// Whether `keyword` is among them, without case.
    #[must_use]
    pub fn has_keyword(&self, keyword: &str) -> bool {
        self.keywords.iter().any(|k| k.eq_ignore_ascii_case(keyword))
    }

    /// Adds all of `other`. Returns whether anything changed.
    pub fn add(&mut self, other: &Self) -> bool {
        let before = (self.system, self.keywords.len());
        self.system |= other.system;
        for k in &other.keywords {
            if !self.has_keyword(k) {
                self.keywords.push(k.clone());
            }
        }
        before != (self.system, self.keywords.len())
    }

    /// Takes all of `other` away. Returns whether anything changed.
    pub fn remove(&mut self, other: &Self) -> bool {
        let before = (self.system, self.keywords.len());
        self.system = self.system.without(other.system);
        self.keywords.retain(|k| !other.has_keyword(k));
        before != (self.system, self.keywords.len())
    }

    /// Whether both hold the same flags, whatever the order and case of keywords.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.system == other.system
            && self.keywords.len() == other.keywords.len()
            && self.keywords.iter().all(|k| other.has_keyword(k))
    }
}

#[cfg(test)]
mod tests {
    use super::Rights;

    #[test]
    fn what_is_granted_is_what_is_given_without_what_is_taken_away() {
        let (r, s, w) = (Rights::READ, Rights::SEEN, Rights::WRITE);
        let list = [("anyone", r), ("bert", r | s | w), ("-bert", w), ("-staff", r), ("carl", w)];
        for (identifiers, rights) in [
            (&["bert"][..], r | s),
            (&["bert", "staff"], s),
            (&["carl"], r | w),
            (&["anyone"], r),
            (&[], r),
            (&["-bert"], r),
        ] {
            assert_eq!(Rights::granted(list, identifiers), rights, "{identifiers:?}");
        }
        assert_eq!(Rights::granted([("-anyone", r), ("bert", r | w)], &["bert"]), w);
    }
}
