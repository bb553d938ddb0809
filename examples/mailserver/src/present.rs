//! Who is in: the open sessions, so that those which are no longer permitted can be ended.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mail_session::{
    Farewell,
    policy::{Attempt, Policy},
};
use tokio_util::sync::CancellationToken;

/// The open sessions, by their identifiers.
#[derive(Debug, Default)]
pub(crate) struct Present {
    sessions: Mutex<HashMap<String, Session>>,
}

#[derive(Debug)]
struct Session {
    /// By what it logged in; `None` before.
    login: Option<Attempt>,
    /// Cancelled: it is to end.
    ended: CancellationToken,
}

/// A session that is counted; dropped, it is not any more.
#[derive(Debug)]
pub(crate) struct Place {
    of: Arc<Present>,
    session: String,
    ended: CancellationToken,
}

impl Present {
    pub(crate) fn add(self: &Arc<Self>, session: &str) -> Place {
        let ended = CancellationToken::new();
        let entry = Session { login: None, ended: ended.clone() };
        self.lock().insert(session.to_owned(), entry);
        Place { of: Arc::clone(self), session: session.to_owned(), ended }
    }

    /// The session logged in.
    pub(crate) fn entered(&self, session: &str, login: Attempt) {
        if let Some(session) = self.lock().get_mut(session) {
            session.login = Some(login);
        }
    }

    /// Ends the sessions this policy does not permit; how many those are.
    pub(crate) fn review(&self, policy: &Policy) -> usize {
        let mut ended = 0;
        for (id, session) in self.lock().iter() {
            let Some(login) = &session.login else { continue };
            let decision = policy.decide(login);
            if !decision.permitted && !session.ended.is_cancelled() {
                tracing::info!(session = id, login = login.login, rule = %decision.rule, "no longer permitted");
                session.ended.cancel();
                ended += 1;
            }
        }
        ended
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Waits until the session is to end, for the server's sake or its own.
    pub(crate) async fn farewell(&self, stopping: &CancellationToken) -> Farewell {
        tokio::select! {
            () = stopping.cancelled() => Farewell::Stopping,
            () = self.ended.cancelled() => Farewell::NotPermitted,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.of.lock().remove(&self.session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail_session::{
        auth::Protocol,
        policy::{Mailbox, Proof},
    };

    #[tokio::test]
    async fn only_sessions_that_are_not_permitted_end() {
        let present = Arc::new(Present::default());
        let stopping = CancellationToken::new();
        let [a, b, c] = ["a", "b", "c"].map(|id| present.add(id));
        let login = |who: &str| Attempt::new(Protocol::Imap4, who, Proof::Password, 100);
        present.entered("a", login("alice@example.test"));
        present.entered("b", login("bob@example.test"));
        let mut policy = Policy::default();
        let mailbox = Mailbox { valid_from: Some(200), ..Mailbox::default() };
        policy.mailboxes.insert("alice@example.test".to_owned(), mailbox);
        assert_eq!(present.review(&policy), 1);
        assert_eq!(present.review(&policy), 0, "once");
        assert_eq!(a.farewell(&stopping).await, Farewell::NotPermitted);
        assert!(!b.ended.is_cancelled() && !c.ended.is_cancelled());
        drop((a, b));
        assert_eq!(present.lock().len(), 1);
        stopping.cancel();
        assert_eq!(c.farewell(&stopping).await, Farewell::Stopping);
    }
}
