use alloc::{borrow::Cow, vec::Vec};

use crate::{encode, types::Capabilities};

/// What CAPABILITY shows at one time.
pub(crate) struct Listing {
    pub(super) capabilities: Capabilities,
    pub(super) append_limit: Option<u64>,
    pub(super) starttls: bool,
    pub(super) login_disabled: bool,
    pub(super) mechanisms: Vec<Cow<'static, str>>,
}

impl Listing {
    /// `capability-data = "CAPABILITY" *(SP capability)`
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"CAPABILITY");
        for (capability, name) in Capabilities::NAMES {
            if self.capabilities.contains(*capability) {
                out.push(b' ');
                out.extend_from_slice(name.as_bytes());
                if let (Capabilities::APPENDLIMIT, Some(n)) = (*capability, self.append_limit) {
                    out.push(b'=');
                    encode::number64(out, n);
                }
            }
        }
        if self.starttls {
            out.extend_from_slice(b" STARTTLS");
        }
        if self.login_disabled {
            out.extend_from_slice(b" LOGINDISABLED");
        }
        for name in &self.mechanisms {
            out.extend_from_slice(b" AUTH=");
            encode::atom(out, name.as_bytes());
        }
    }
}
