use std::fmt;

/// A mailbox's address, in lower case: what its account is called.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Address(String);

impl Address {
    /// `local@domain`; otherwise a line that says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let fault = || format!("{text:?} is no mail address; write one like \"alice@example.org\"");
        let (local, domain) = text.rsplit_once('@').ok_or_else(fault)?;
        let atext = |c: char| !c.is_control() && !c.is_whitespace() && !"()<>[]:;@\\,\"".contains(c);
        let label = |l: &str| !l.is_empty() && l.chars().all(|c| c.is_alphanumeric() || c == '-');
        // RFC 5321 section 4.5.3.1 bounds both.
        let fits = (1..=64).contains(&local.len()) && (1..=189).contains(&domain.len());
        if !fits || !local.chars().all(atext) || !domain.split('.').all(label) {
            return Err(fault());
        }
        Ok(Self(text.to_lowercase()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
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
}
