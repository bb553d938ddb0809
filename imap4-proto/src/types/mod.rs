//! The values commands and responses are made of. What comes from the wire borrows the frame.

mod acl;
mod append;
mod astring;
mod body;
mod capability;
mod catenate;
mod code;
mod command;
mod command_kind;
mod date;
mod envelope;
mod fetch;
mod fetched;
mod flag;
mod id;
mod list;
mod list_of;
mod listed;
mod mailbox;
mod metadata;
mod notify;
mod partial_range;
mod quota;
mod reading;
mod response;
mod search;
mod select;
mod sequence;
mod sort;
mod status;
mod threads;
mod urlauth;
mod wire_envelope;
mod wire_structure;

pub use crate::encode::MalformedResponse;
pub use acl::{AclEntry, Rights, RightsChange};
pub use append::AppendMessage;
pub use astring::{AString, Form, NString};
pub use body::{BodyKind, BodyStructure, Disposition, Multipart, Parameters, SinglePart};
pub use capability::{Capabilities, CapabilityList};
pub use catenate::{CatenatePart, CatenateUrl, Replaced};
pub use code::{Code, Progress};
pub use command::{Command, OwnedCommand};
pub use command_kind::CommandKind;
pub use date::{Date, DateTime};
pub use envelope::{Address, Envelope};
pub use fetch::{
    Fetch, FetchItem, FetchItems, HeaderList, PartPath, Partial, Section, SectionText, Store, StoreMode,
};
pub use fetched::{Attribute, Attributes, BodyLiteral, BodyName, Fetched};
pub use flag::{Flag, FlagList, SystemFlags};
pub use id::IdParameters;
pub use list::{Create, List, ListData, ListReturn, ListSelect, MailboxAttributes, Patterns};
pub use list_of::{Element, ListIter, ListOf};
pub use listed::{Listed, Namespaces, Numbers};
pub use mail_wire::SecretBuf;
pub use mailbox::{MailboxArg, MalformedName};
pub use metadata::{GetMetadata, MetadataData, MetadataDepth, MetadataEntry};
pub use notify::{EventGroup, MailboxFilter, Notify, NotifyEvent};
pub use partial_range::{ContextUpdate, EsearchExtra, EsearchItem, PartialRange, SearchWindow};
pub use quota::{QuotaLimit, QuotaResource};
pub use reading::{Quirks, Reading};
pub use response::{Esearch, Response, ResponseCode, ResponseText, Status};
pub use search::{EsearchData, ModSeqEntry, Search, SearchKey, SearchReturn};
pub use select::{QResync, Select};
pub use sequence::{SeqNumber, SeqRange, SequenceSet};
pub use sort::{MultiSearch, Sort, SortCriterion, SortKey, Thread, ThreadAlgorithm};
pub use status::{StatusData, StatusItems};
pub use threads::{ThreadMessage, ThreadMessages, ThreadToken, Threads, Tokens};
pub use urlauth::{MechanismName, UrlData, UrlMechanism, UrlRump};
pub use wire_envelope::{WireAddress, WireAddresses, WireEnvelope};
pub use wire_structure::{
    WireBody, WireDisposition, WireKind, WireMulti, WirePart, WireSingle, WireStrings, WireStructure,
};

/// A set of named bits.
macro_rules! bits {
    ($(#[$doc:meta])* $name:ident($int:ty) { $($(#[$cdoc:meta])* $const:ident = $value:expr;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug)]
        pub struct $name($int);
        impl $name {
            /// None.
            pub const NONE: Self = Self(0);
            $($(#[$cdoc])* pub const $const: Self = Self($value);)*
            /// The bits.
            #[must_use]
            pub const fn bits(self) -> $int { self.0 }
            /// From bits; unknown ones are dropped.
            #[must_use]
            pub const fn from_bits(bits: $int) -> Self { Self(bits & (0 $(| $value)*)) }
            /// Whether all of `other` are in this.
            #[must_use]
            pub const fn contains(self, other: Self) -> bool { self.0 & other.0 == other.0 }
            /// Whether any of `other` is in this.
            #[must_use]
            pub const fn intersects(self, other: Self) -> bool { self.0 & other.0 != 0 }
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
        impl core::ops::BitOr for $name { type Output = Self; fn bitor(self, o: Self) -> Self { Self(self.0 | o.0) } }
        impl core::ops::BitAnd for $name { type Output = Self; fn bitand(self, o: Self) -> Self { Self(self.0 & o.0) } }
        impl core::ops::BitOrAssign for $name { fn bitor_assign(&mut self, o: Self) { self.0 |= o.0; } }
    };
}
pub(crate) use bits;
