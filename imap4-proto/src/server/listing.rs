use alloc::{borrow::Cow, vec::Vec};

use crate::{encode, types::Capabilities};

/// What CAPABILITY shows at one time.
pub(crate) struct Listing {
    pub(super) capabilities: Capabilities,
    pub(super) append_limit: Option<u64>,
    pub(super) message_limit: Option<u32>,
    pub(super) save_limit: Option<u32>,
    pub(super) new_rights: Cow<'static, str>,
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
                let limit = match *capability {
                    Capabilities::APPENDLIMIT => self.append_limit,
                    // RFC 9738 section 5: there is none without a limit.
                    Capabilities::MESSAGELIMIT | Capabilities::SAVELIMIT => {
                        let of_messages = *capability == Capabilities::MESSAGELIMIT;
                        match if of_messages { self.message_limit } else { self.save_limit } {
                            None | Some(0) => continue,
                            Some(n) => Some(u64::from(n)),
                        }
                    }
                    _ => None,
                };
                out.push(b' ');
                out.extend_from_slice(name.as_bytes());
                if let Some(n) = limit {
                    out.push(b'=');
                    encode::number64(out, n);
                }
                if *capability == Capabilities::ACL {
                    // RFC 4314 section 2.2
                    out.extend_from_slice(b" RIGHTS=");
                    encode::atom(out, self.new_rights.as_bytes());
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
