//! Untagged responses of the extensions.

use alloc::borrow::Cow;

use super::{answer::Answer, machine::Server};
use crate::{
    encode, mutf7,
    types::{
        AString, AclEntry, ListOf, MailboxArg, MetadataData, MetadataEntry, QuotaResource, Response, Rights,
        ThreadToken, UrlData,
    },
};

impl Server {
    /// Writes any untagged response that this crate has a type for; the methods named after responses say more of when they have a
    /// place.
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok), and for tagged responses and `+`, which have methods of their own.
    pub fn untagged(&mut self, response: &Response<'_>) -> Answer {
        if matches!(response, Response::Tagged { .. } | Response::Continue(_)) {
            return self.misuse("untagged");
        }
        self.may_write("untagged")?;
        self.out.write_with(|out| response.encode(out));
        Ok(())
    }

    /// A mailbox's name in the connection's encoding.
    fn wire_name<'n>(&self, name: &'n str) -> Cow<'n, str> {
        if self.utf8() { Cow::Borrowed(name) } else { mutf7::encode(name) }
    }

    const fn argument<'n>(&self, name: &'n str) -> MailboxArg<'n> {
        MailboxArg::new(AString::new(name.as_bytes()), self.utf8())
    }

    /// `* SORT` (RFC 5256 section 4): message numbers or UIDs in the order asked for, and with CONDSTORE the greatest modseq.
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok).
    pub fn sort(&mut self, found: impl IntoIterator<Item = u32>, modseq: Option<u64>) -> Answer {
        self.line("sort", |out| encode::numbers(out, b"SORT", found, modseq))
    }

    /// `* THREAD` (RFC 5256 section 4), as the tokens stand on the wire. They must be well formed: what is not comes out as it is.
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok).
    pub fn thread(&mut self, tokens: impl IntoIterator<Item = ThreadToken>) -> Answer {
        self.line("thread", |out| encode::thread(out, tokens))
    }

    /// `* QUOTA` (RFC 9208 section 4.2.1)
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok).
    pub fn quota(&mut self, root: &str, resources: &[QuotaResource<'_>]) -> Answer {
        let root = AString::new(root.as_bytes());
        self.untagged(&Response::Quota { root, resources: ListOf::new(resources) })
    }

    /// `* QUOTAROOT` (RFC 9208 section 4.2.2)
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok).
    pub fn quota_root(&mut self, mailbox: &str, roots: &[AString<'_>]) -> Answer {
        let name = self.wire_name(mailbox);
        self.untagged(&Response::QuotaRoot { mailbox: self.argument(&name), roots: ListOf::new(roots) })
    }

    /// `* METADATA` with values (RFC 5464 section 4.4.1); the empty name is the server. Nothing is written for no entries.
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok).
    pub fn metadata(&mut self, mailbox: &str, entries: &[MetadataEntry<'_>]) -> Answer {
        self.metadata_data(mailbox, MetadataData::Values(ListOf::new(entries)), entries.is_empty())
    }

    /// `* METADATA` with the names of entries that have changed (RFC 5464 section 4.4.2). It is for clients that have enabled METADATA or
    /// METADATA-SERVER, or asked for it by NOTIFY, which the host sees to. Nothing is written for no entries.
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok).
    pub fn metadata_changed(&mut self, mailbox: &str, entries: &[AString<'_>]) -> Answer {
        self.metadata_data(mailbox, MetadataData::Changed(ListOf::new(entries)), entries.is_empty())
    }

    fn metadata_data(&mut self, mailbox: &str, data: MetadataData<'_>, none: bool) -> Answer {
        if none {
            return self.may_write("metadata");
        }
        let name = self.wire_name(mailbox);
        self.untagged(&Response::Metadata { mailbox: self.argument(&name), data })
    }

    /// `* ACL` (RFC 4314 section 3.6)
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok).
    pub fn acl(&mut self, mailbox: &str, entries: &[AclEntry<'_>]) -> Answer {
        let name = self.wire_name(mailbox);
        self.untagged(&Response::Acl { mailbox: self.argument(&name), entries: ListOf::new(entries) })
    }

    /// `* LISTRIGHTS` (RFC 4314 section 3.7): the rights that `identifier` always has, and groups of those it can be given.
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok).
    pub fn list_rights(
        &mut self,
        mailbox: &str,
        identifier: &str,
        required: Rights,
        optional: &[Rights],
    ) -> Answer {
        let name = self.wire_name(mailbox);
        let identifier = AString::new(identifier.as_bytes());
        let optional = ListOf::new(optional);
        self.untagged(&Response::ListRights { mailbox: self.argument(&name), identifier, required, optional })
    }

    /// `* MYRIGHTS` (RFC 4314 section 3.8)
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok).
    pub fn my_rights(&mut self, mailbox: &str, rights: Rights) -> Answer {
        let name = self.wire_name(mailbox);
        self.untagged(&Response::MyRights { mailbox: self.argument(&name), rights })
    }

    /// `* GENURLAUTH` (RFC 4467 section 8)
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok).
    pub fn genurlauth(&mut self, urls: &[AString<'_>]) -> Answer {
        self.untagged(&Response::GenUrlAuth(ListOf::new(urls)))
    }

    /// `* URLFETCH` (RFC 4467 section 8)
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok).
    pub fn urlfetch(&mut self, urls: &[UrlData<'_>]) -> Answer {
        self.untagged(&Response::UrlFetch(ListOf::new(urls)))
    }

    /// `* JMAPACCESS` (RFC 9698 section 4): the JMAP session's URL.
    ///
    /// # Errors
    /// As for [`untagged_ok`](Self::untagged_ok).
    pub fn jmap_access(&mut self, url: &str) -> Answer {
        self.untagged(&Response::JmapAccess(AString::new(url.as_bytes())))
    }
}
