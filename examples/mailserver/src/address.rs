use std::fmt;

use auth_sasl::prepare::{Purpose, saslprep};

/// A mailbox's address, in lower case and as SASLprep makes it: what its account is called. So a name has one mailbox,
/// by whatever spelling and whatever command a client gives it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Address(String);

impl Address {
    /// `local@domain`; otherwise a line that says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let fault = || format!("{text:?} is no mail address; write one like \"alice@example.org\"");
        let (local, domain) = text.rsplit_once('@').ok_or_else(fault)?;
        // RFC 5321 section 4.5.3.1 bounds both.
        let fits =
            |local: &str, domain: &str| (1..=64).contains(&local.len()) && (1..=189).contains(&domain.len());
        if !fits(local, domain) {
            return Err(fault());
        }
        // A name that cannot be prepared could be told by no mechanism.
        let local = canonical(local).ok_or_else(fault)?;
        // By its labels, since they need not agree in their direction.
        let domain = domain.split('.').map(|l| canonical(l).unwrap_or_else(|| l.to_lowercase()));
        let domain = domain.collect::<Vec<_>>().join(".");
        let atext = |c: char| !c.is_control() && !c.is_whitespace() && !"()<>[]:;@\\,\"".contains(c);
        let label = |l: &str| !l.is_empty() && l.chars().all(|c| c.is_alphanumeric() || c == '-');
        if !fits(&local, &domain) || !local.chars().all(atext) || !domain.split('.').all(label) {
            return Err(fault());
        }
        Ok(Self(format!("{local}@{domain}")))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The domain as the mailboxes in it have it, where it is one.
    pub(crate) fn domain(text: &str) -> Option<String> {
        let address = Self::parse(&format!("x@{text}")).ok()?;
        address.0.strip_prefix("x@").map(str::to_owned)
    }
}

/// Whether a name is spelled as its mailbox is, but for its case. Who vouches for a name he was told in another
/// spelling, which he holds for another name, vouches for nobody's mailbox.
pub(crate) fn is_prepared(name: &str) -> bool {
    name.split(['@', '.'])
        .all(|part| part.is_empty() || saslprep(part, Purpose::Query).is_ok_and(|prepared| *prepared == part))
}

/// Prepared and in lower case. A capital's small letter may have to be prepared again.
fn canonical(part: &str) -> Option<String> {
    let prepare = |text: &str| saslprep(text, Purpose::Query).ok();
    let small = prepare(part)?.to_lowercase();
    Some(prepare(&small)?.to_string())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_what_is_none() {
        for (text, ok) in [
            ("alice@example.test", true),
            ("A.B+c@EXAMPLE.test", true),
            ("jörg@bücher.example", true),
            ("a@localhost", true),
            ("alice", false),
            ("@example.test", false),
            ("alice@", false),
            ("a b@example.test", false),
            ("a@b@c", false),
            ("<a@b>", false),
            ("a@b..c", false),
            ("a@b\n", false),
        ] {
            assert_eq!(Address::parse(text).is_ok(), ok, "{text:?}");
        }
        assert_eq!(Address::parse("A@B").unwrap().as_str(), "a@b");
    }

    #[test]
    fn a_name_is_one_however_it_is_spelled() {
        let read = |text: &str| Address::parse(text).ok().map(|a| a.to_string());
        for (text, name) in [
            // Composed, or not; in full width; with what is not seen; a ligature; the sign for Kelvin.
            ("jo\u{308}rg@example.test", Some("j\u{f6}rg@example.test")),
            ("J\u{d6}RG@example.test", Some("j\u{f6}rg@example.test")),
            ("\u{ff41}lice@\u{ff45}xample.test", Some("alice@example.test")),
            ("al\u{ad}ice@example.test", Some("alice@example.test")),
            ("o\u{fb03}ce@example.test", Some("office@example.test")),
            ("\u{212a}ate@example.test", Some("kate@example.test")),
            // Letters of another script are others, however alike they look.
            ("\u{430}lice@example.test", Some("\u{430}lice@example.test")),
            ("\u{639}\u{644}\u{64a}@example.test", Some("\u{639}\u{644}\u{64a}@example.test")),
            // Neither an `@` nor a space is smuggled in, nor a mark that is not seen.
            ("a\u{ff20}b@example.test", None),
            ("a\u{a0}b@example.test", None),
            ("alice\u{200e}@example.test", None),
            ("\u{ad}@example.test", None),
            ("a@example\u{2024}test\u{ff20}b", None),
        ] {
            assert_eq!(read(text).as_deref(), name, "{text:?}");
        }
        for c in '\u{21}'..='\u{ffff}' {
            if let Some(name) = read(&format!("a{c}B@x{c}.test")) {
                assert_eq!(read(&name).as_ref(), Some(&name), "{c:?}");
                assert!(is_prepared(&name), "{c:?}");
            }
        }
    }

    #[test]
    fn another_spelling_is_told_from_another_case() {
        for name in ["alice@example.test", "ALICE", "J\u{d6}RG@example.test", "\u{639}@x.test", "a..b@x"] {
            assert!(is_prepared(name), "{name:?}");
        }
        for name in ["\u{ff41}lice@x.test", "\u{212a}ate", "a@x\u{3002}test\u{ad}", "jo\u{308}rg@x.test"] {
            assert!(!is_prepared(name), "{name:?}");
        }
    }
}
