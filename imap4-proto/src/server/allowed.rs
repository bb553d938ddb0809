use crate::types::{CommandKind as K, bits};

/// Where a connection stands (RFC 9051 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Before LOGIN or AUTHENTICATE.
    NotAuthenticated,
    /// After it, without a mailbox.
    Authenticated,
    /// A mailbox is selected.
    Selected,
    /// The connection ends.
    Logout,
}

bits! {
    /// A set of [`State`]s.
    States(u8) {
        /// Before LOGIN or AUTHENTICATE.
        NOT_AUTHENTICATED = 1;
        /// After it, without a mailbox.
        AUTHENTICATED = 2;
        /// A mailbox is selected.
        SELECTED = 4;
    }
}

impl State {
    pub(super) const fn set(self) -> States {
        match self {
            Self::NotAuthenticated => States::NOT_AUTHENTICATED,
            Self::Authenticated => States::AUTHENTICATED,
            Self::Selected => States::SELECTED,
            Self::Logout => States::NONE,
        }
    }
}

/// RFC 9051 section 6.1: any state.
const ANY: States = States::NOT_AUTHENTICATED.and(AUTH);
/// RFC 9051 section 6.2.
const NONAUTH: States = States::NOT_AUTHENTICATED;
/// RFC 9051 section 6.3: authenticated or selected.
const AUTH: States = States::AUTHENTICATED.and(SELECT);
/// RFC 9051 section 6.4.
const SELECT: States = States::SELECTED;

/// Which command has a place in which state (RFC 9051 section 6), in the order of [`CommandKind::EACH`](K::EACH).
pub const ALLOWED: [(K, States); 61] = [
    (K::Capability, ANY),
    (K::Noop, ANY),
    (K::Logout, ANY),
    (K::Id, ANY),
    (K::StartTls, NONAUTH),
    (K::Authenticate, NONAUTH),
    (K::Login, NONAUTH),
    (K::Enable, AUTH),
    (K::Select, AUTH),
    (K::Examine, AUTH),
    (K::Create, AUTH),
    (K::Delete, AUTH),
    (K::Rename, AUTH),
    (K::Subscribe, AUTH),
    (K::Unsubscribe, AUTH),
    (K::List, AUTH),
    (K::Lsub, AUTH),
    (K::Namespace, AUTH),
    (K::Status, AUTH),
    (K::Append, AUTH),
    (K::Idle, AUTH),
    (K::Check, SELECT),
    (K::Close, SELECT),
    (K::Unselect, SELECT),
    (K::Expunge, SELECT),
    (K::UidExpunge, SELECT),
    (K::Search, SELECT),
    (K::UidSearch, SELECT),
    (K::Fetch, SELECT),
    (K::UidFetch, SELECT),
    (K::Store, SELECT),
    (K::UidStore, SELECT),
    (K::Copy, SELECT),
    (K::UidCopy, SELECT),
    (K::Move, SELECT),
    (K::UidMove, SELECT),
    (K::Sort, SELECT),
    (K::UidSort, SELECT),
    (K::Thread, SELECT),
    (K::UidThread, SELECT),
    (K::CancelUpdate, SELECT),
    (K::Replace, SELECT),
    (K::UidReplace, SELECT),
    // RFC 7377 section 2.2: only selected where its sources have the selected mailbox.
    (K::MultiSearch, AUTH),
    (K::GetQuota, AUTH),
    (K::GetQuotaRoot, AUTH),
    (K::SetQuota, AUTH),
    (K::GetMetadata, AUTH),
    (K::SetMetadata, AUTH),
    (K::SetAcl, AUTH),
    (K::DeleteAcl, AUTH),
    (K::GetAcl, AUTH),
    (K::ListRights, AUTH),
    (K::MyRights, AUTH),
    (K::Notify, AUTH),
    (K::GenUrlAuth, AUTH),
    (K::ResetKey, AUTH),
    (K::UrlFetch, AUTH),
    (K::GetJmapAccess, AUTH),
    (K::Compress, AUTH),
    (K::Unauthenticate, AUTH),
];

/// Whether `kind` has a place in `state`.
#[inline]
pub(crate) fn allowed(kind: K, state: State) -> bool {
    ALLOWED
        .get(kind as usize)
        .is_some_and(|(_, states)| states.contains(state.set()) && state != State::Logout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_kinds() {
        assert_eq!(K::EACH.len(), ALLOWED.len());
        for (kind, (in_table, _)) in K::EACH.iter().zip(ALLOWED) {
            assert_eq!(*kind, in_table);
        }
    }

    #[test]
    fn commands_have_their_place_where_rfc_9051_section_6_puts_them() {
        // The headings of section 6, and those of the extensions' texts.
        let any = "CAPABILITY NOOP LOGOUT ID";
        let not_authenticated = "STARTTLS AUTHENTICATE LOGIN";
        let authenticated = "ENABLE SELECT EXAMINE CREATE DELETE RENAME SUBSCRIBE UNSUBSCRIBE LIST NAMESPACE STATUS APPEND IDLE LSUB ESEARCH GETQUOTA GETQUOTAROOT SETQUOTA GETMETADATA SETMETADATA SETACL DELETEACL GETACL LISTRIGHTS MYRIGHTS NOTIFY GENURLAUTH RESETKEY URLFETCH GETJMAPACCESS COMPRESS UNAUTHENTICATE";
        let selected =
            "CLOSE UNSELECT EXPUNGE SEARCH FETCH STORE COPY MOVE CHECK SORT THREAD CANCELUPDATE REPLACE";
        for kind in K::EACH {
            let name = kind.name();
            let base = name.strip_prefix("UID ").unwrap_or(name);
            let is = |list: &str| list.split(' ').any(|n| n == base);
            let expected = [
                is(any) || is(not_authenticated),
                is(any) || is(authenticated),
                is(any) || is(authenticated) || is(selected),
            ];
            assert!(expected.contains(&true), "{name} has no place at all");
            let got =
                [State::NotAuthenticated, State::Authenticated, State::Selected].map(|s| allowed(*kind, s));
            assert_eq!(got, expected, "{name}");
            assert!(!allowed(*kind, State::Logout));
        }
    }
}
