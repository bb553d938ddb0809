use alloc::{string::String, vec::Vec};

use crate::types::{Capabilities, CapabilityList};

/// What the server has said it can do in the connection's present state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerCapabilities {
    /// Those with a name in this crate, and what they imply.
    pub set: Capabilities,
    /// The mechanisms of `AUTH=`, in upper case.
    pub mechanisms: Vec<String>,
    /// `STARTTLS`
    pub starttls: bool,
    /// `LOGINDISABLED`
    pub login_disabled: bool,
    /// `APPENDLIMIT=` (RFC 7889)
    pub append_limit: Option<u64>,
}

impl ServerCapabilities {
    /// From the text of a CAPABILITY response.
    #[must_use]
    pub fn new(list: CapabilityList<'_>) -> Self {
        let mut all = Self::default();
        for name in list.names() {
            let value = |prefix: &[u8]| {
                let (start, value) = name.split_at_checked(prefix.len())?;
                start.eq_ignore_ascii_case(prefix).then_some(value)
            };
            if let Some(mechanism) = value(b"AUTH=") {
                all.mechanisms.push(String::from_utf8_lossy(mechanism).to_ascii_uppercase());
            } else if let Some(limit) = value(b"APPENDLIMIT=") {
                all.set |= Capabilities::APPENDLIMIT;
                all.append_limit = core::str::from_utf8(limit).ok().and_then(|n| n.parse().ok());
            } else if name.eq_ignore_ascii_case(b"STARTTLS") {
                all.starttls = true;
            } else if name.eq_ignore_ascii_case(b"LOGINDISABLED") {
                all.login_disabled = true;
            } else if let Some(known) = Capabilities::by_name(name) {
                all.set |= known;
            }
        }
        all.set = all.set.implied();
        all
    }

    /// Whether the server offers this mechanism, in any case.
    #[must_use]
    pub fn offers(&self, mechanism: &str) -> bool {
        self.mechanisms.iter().any(|m| m.eq_ignore_ascii_case(mechanism))
    }

    /// The longest literal that need not wait; `None`: every literal waits (RFC 7888).
    pub(super) const fn unasked(&self) -> Option<u64> {
        if self.set.contains(Capabilities::LITERAL_PLUS) {
            Some(u64::MAX)
        } else if self.set.contains(Capabilities::LITERAL_MINUS) {
            Some(4096)
        } else {
            None
        }
    }
}
