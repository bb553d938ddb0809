use crate::types::CommandKind;

/// Where a session stands (RFC 1939 section 3), as far as it decides which commands have a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Before the greeting.
    Start,
    /// AUTHORIZATION.
    Authorization,
    /// AUTHORIZATION, after a USER that was answered `+OK`.
    UserGiven,
    /// Within a SASL exchange: the next line is a response (RFC 5034 section 4).
    Exchange,
    /// STLS was given; whether plaintext follows it is not known yet.
    StlsGiven,
    /// The TLS handshake runs.
    Handshake,
    /// TRANSACTION.
    Transaction,
    /// Nothing is read any more: UPDATE is over, or the connection ends for another reason.
    Ended,
}

impl State {
    /// Its name, for [`Misuse`](mail_wire::Misuse) and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "before the greeting",
            Self::Authorization => "AUTHORIZATION",
            Self::UserGiven => "AUTHORIZATION after USER",
            Self::Exchange => "SASL exchange",
            Self::StlsGiven | Self::Handshake => "STLS",
            Self::Transaction => "TRANSACTION",
            Self::Ended => "ended",
        }
    }
}

/// A set of the states in which commands are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateSet(u8);

impl StateSet {
    /// AUTHORIZATION, but not after USER.
    pub const AUTHORIZATION: Self = Self(1);
    /// After USER.
    pub const USER_GIVEN: Self = Self(2);
    /// TRANSACTION.
    pub const TRANSACTION: Self = Self(4);

    /// These and `other`.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `state` is one of these.
    #[must_use]
    pub const fn contains(self, state: State) -> bool {
        let bit = match state {
            State::Authorization => Self::AUTHORIZATION.0,
            State::UserGiven => Self::USER_GIVEN.0,
            State::Transaction => Self::TRANSACTION.0,
            _ => 0,
        };
        self.0 & bit != 0
    }
}

const BEFORE_LOGIN: StateSet = StateSet::AUTHORIZATION.or(StateSet::USER_GIVEN);
const TRANSACTION: StateSet = StateSet::TRANSACTION;
const ANY: StateSet = BEFORE_LOGIN.or(TRANSACTION);

/// Which command has a place in which state.
///
/// A command that comes after USER and is not PASS takes USER back, as "PASS may only be given
/// immediately after a successful USER" (RFC 1939 section 7), unless
/// [`loose_order`](crate::Tolerance::loose_order) is tolerated.
pub const ALLOWED: [(CommandKind, StateSet); 17] = [
    // RFC 1939 section 7. A second USER replaces the first.
    (CommandKind::User, BEFORE_LOGIN),
    (CommandKind::Pass, StateSet::USER_GIVEN),
    (CommandKind::Apop, BEFORE_LOGIN),
    // RFC 5034 section 4: "only during the AUTHORIZATION state".
    (CommandKind::Auth, BEFORE_LOGIN),
    // RFC 2449 section 5: "both the AUTHORIZATION and TRANSACTION states".
    (CommandKind::Capa, ANY),
    // RFC 2595 section 4: "only permitted in AUTHORIZATION state".
    (CommandKind::Stls, BEFORE_LOGIN),
    // RFC 1939 section 5: "may only be given in the TRANSACTION state".
    (CommandKind::Stat, TRANSACTION),
    (CommandKind::List, TRANSACTION),
    (CommandKind::Uidl, TRANSACTION),
    (CommandKind::Retr, TRANSACTION),
    (CommandKind::Top, TRANSACTION),
    (CommandKind::Dele, TRANSACTION),
    (CommandKind::Noop, TRANSACTION),
    (CommandKind::Rset, TRANSACTION),
    // RFC 1939 sections 4 and 6.
    (CommandKind::Quit, ANY),
    // RFC 6856 sections 2 and 3.1.
    (CommandKind::Utf8, BEFORE_LOGIN),
    (CommandKind::Lang, ANY),
];

/// [`ALLOWED`] by the command's place among the commands.
static BY_KIND: [StateSet; 32] = {
    let mut table = [StateSet(0); 32];
    let mut rest: &[(CommandKind, StateSet)] = &ALLOWED;
    while let [(kind, states), tail @ ..] = rest {
        #[allow(clippy::indexing_slicing, reason = "there are 17; one beyond the table would not compile")]
        {
            table[*kind as usize] = *states;
        }
        rest = tail;
    }
    table
};

/// Whether `command` has a place in `state`.
#[inline]
pub(crate) fn allowed(command: CommandKind, state: State) -> bool {
    BY_KIND.get(command as usize).is_some_and(|states| states.contains(state))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 1939 section 9, with what the extensions say of themselves.
    #[test]
    fn the_table_says_what_the_rfcs_say() {
        let before = "USER PASS QUIT APOP CAPA STLS AUTH UTF8 LANG";
        let after = "STAT LIST RETR DELE NOOP RSET QUIT TOP UIDL CAPA LANG";
        for kind in CommandKind::ALL {
            let is_in = |list: &str| list.split(' ').any(|k| k == kind.keyword());
            let before_login = allowed(*kind, State::Authorization) || allowed(*kind, State::UserGiven);
            assert_eq!(before_login, is_in(before), "{kind:?}");
            assert_eq!(allowed(*kind, State::Transaction), is_in(after), "{kind:?}");
            for state in [State::Start, State::Exchange, State::StlsGiven, State::Handshake, State::Ended] {
                assert!(!allowed(*kind, state), "{kind:?} {state:?}");
            }
            assert_eq!(ALLOWED.iter().filter(|(k, _)| k == kind).count(), 1, "{kind:?}");
        }
        assert!(!allowed(CommandKind::Pass, State::Authorization), "PASS only after USER");
    }
}
