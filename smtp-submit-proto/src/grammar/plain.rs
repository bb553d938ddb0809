//! The mailboxes that nearly all are, each octet looked at once: `Dot-string "@" Domain` in ASCII.
//!
//! What is not taken here is left to the grammar of `address.rs`, which takes all of this too.

use super::{
    address::{LABEL, LOCAL_PART},
    class::is_atext,
};

/// What an octet may be, and what may follow it if it is that.
#[derive(Clone, Copy)]
struct Step {
    is: u8,
    then: u8,
}

/// Part of an atom.
const TEXT: u8 = 1;
/// A dot between atoms or labels.
const DOT: u8 = 2;
/// The `-` of a label, with which none begins or ends.
const HYPHEN: u8 = 4;

static LOCAL: [Step; 256] = table(true);
static DOMAIN: [Step; 256] = table(false);

const fn table(local: bool) -> [Step; 256] {
    let mut table = [Step { is: 0, then: 0 }; 256];
    let mut c = 0_u8;
    loop {
        #[allow(clippy::indexing_slicing, reason = "every index is below 256, the length of the table")]
        {
            table[c as usize] = step(c, local);
        }
        if c == u8::MAX {
            return table;
        }
        c += 1;
    }
}

const fn step(c: u8, local: bool) -> Step {
    match c {
        b'.' => Step { is: DOT, then: TEXT },
        b'-' if !local => Step { is: HYPHEN, then: TEXT | HYPHEN },
        _ if !local && c.is_ascii_alphanumeric() => Step { is: TEXT, then: TEXT | HYPHEN | DOT },
        _ if local && is_atext(c) => Step { is: TEXT, then: TEXT | DOT },
        _ => Step { is: 0, then: 0 },
    }
}

/// How many octets at the start are atoms or labels with dots between them; 0 where they would end in what must not be the last.
#[inline]
fn dotted(input: &[u8], table: &[Step; 256]) -> usize {
    let (mut allowed, mut n) = (TEXT, 0);
    for c in input {
        #[allow(
            clippy::indexing_slicing,
            reason = "a u8 is below 256, the length of the table; the bounds check goes away"
        )]
        let step = table[usize::from(*c)];
        if step.is & allowed == 0 {
            break;
        }
        allowed = step.then;
        n += 1;
    }
    // What a dot may follow may be the last.
    if allowed & DOT == 0 { 0 } else { n }
}

/// `Mailbox` with no label longer than RFC 1035 has it: where its `@` stands, and how long it is. `None` says nothing.
#[inline]
pub(super) fn mailbox(input: &[u8]) -> Option<(usize, usize)> {
    let local = dotted(input, &LOCAL);
    let (_, rest) = input.split_at_checked(local)?;
    let [b'@', domain @ ..] = rest else { return None };
    let host = dotted(domain, &DOMAIN);
    // No longer than one label may be, so that none needs a count.
    ((1..=LOCAL_PART).contains(&local) && (1..=LABEL).contains(&host)).then_some((local, local + 1 + host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::address::{AddressRules, any_mailbox};

    /// What is taken here the grammar takes too, and what it takes of these letters is taken here.
    #[test]
    fn it_takes_what_the_grammar_takes() {
        let mut taken = 0;
        mail_wire::every_split(
            (),
            b"a-.@_",
            7,
            |_, _| (),
            |text, _| {
                let plain = mailbox(text).filter(|(_, len)| *len == text.len());
                let grammar = any_mailbox(text, AddressRules::default());
                let grammar = grammar.ok().filter(|(_, _, rest)| rest.is_empty()).map(|(_, at, _)| at);
                assert_eq!(plain.map(|(at, _)| at), grammar, "{}", text.escape_ascii());
                taken += usize::from(plain.is_some());
            },
        );
        assert!(taken > 1000, "{taken}");
    }
}
