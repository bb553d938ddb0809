use alloc::{string::String, vec::Vec};

use crate::types::{Capabilities, CapabilityList, Rights};

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
    /// `MESSAGELIMIT=` (RFC 9738): the most messages one command deals with.
    pub message_limit: Option<u32>,
    /// `SAVELIMIT=` (RFC 9738): the most messages COPY and MOVE deal with.
    pub save_limit: Option<u32>,
    /// `RIGHTS=` (RFC 4314 section 2.2): the rights the server has beyond RFC 2086's.
    pub new_rights: Rights,
    /// `THREAD=` (RFC 5256): the algorithms, in upper case.
    pub threads: Vec<String>,
}

impl ServerCapabilities {
    /// From the text of a CAPABILITY response.
    #[must_use]
    pub fn new(list: CapabilityList<'_>) -> Self {
        let mut all = Self::default();
        for name in list.names() {
            if let Some((start, algorithm)) = name.split_at_checked(7)
                && start.eq_ignore_ascii_case(b"THREAD=")
            {
                all.threads.push(String::from_utf8_lossy(algorithm).to_ascii_uppercase());
            }
            let value = |prefix: &[u8]| {
                let (start, value) = name.split_at_checked(prefix.len())?;
                start.eq_ignore_ascii_case(prefix).then_some(value)
            };
            if let Some(mechanism) = value(b"AUTH=") {
                all.mechanisms.push(String::from_utf8_lossy(mechanism).to_ascii_uppercase());
            } else if let Some(limit) = value(b"MESSAGELIMIT=") {
                all.set |= Capabilities::MESSAGELIMIT;
                all.message_limit = core::str::from_utf8(limit).ok().and_then(|n| n.parse().ok());
            } else if let Some(limit) = value(b"SAVELIMIT=") {
                all.set |= Capabilities::SAVELIMIT;
                all.save_limit = core::str::from_utf8(limit).ok().and_then(|n| n.parse().ok());
            } else if let Some(rights) = value(b"RIGHTS=") {
                all.new_rights = Rights::parse(rights).unwrap_or(Rights::NONE);
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
