use std::{future::Future, sync::Arc};

use auth_sasl::{Credential, Mechanism};

use super::{AuthError, AuthErrorKind, LoginContext};

/// Who a client has proved to be, and what that opens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The account to open, as [`MailStore::open_account`](mailstore_api::MailStore::open_account) takes it.
    pub account: String,
    /// Who logged in, for logs: not what the client wrote, but what the authority calls him.
    pub login: String,
    /// The authorization identity that was asked for and is granted. An authority that does not set
    /// it has not honoured it, and the login fails.
    pub acts_as: Option<String>,
}

impl Identity {
    /// Somebody who opens his own account.
    pub fn new(account: impl Into<String>) -> Self {
        let account = account.into();
        Self { login: account.clone(), account, acts_as: None }
    }

    /// `login` opens another's account, granted as the authorization identity `acts_as`.
    pub fn acting(login: impl Into<String>, account: impl Into<String>, acts_as: impl Into<String>) -> Self {
        Self { account: account.into(), login: login.into(), acts_as: Some(acts_as.into()) }
    }
}

/// Decides who may enter.
///
/// The same answer, after the same time, for an unknown user and for a wrong password: the
/// implementor sees to it (by hashing the password against a fixed hash when there is no user).
///
/// ```
/// use mail_session::auth::*;
///
/// struct OnlyAlice;
/// impl Authority for OnlyAlice {
///     async fn password(
///         &self, _: &LoginContext, user: &str, _: Option<&str>, password: &[u8],
///     ) -> Result<Identity, AuthError> {
///         if user == "alice" && password == b"secret" {
///             Ok(Identity::new("alice"))
///         } else {
///             Err(AuthErrorKind::Wrong.into())
///         }
///     }
/// }
/// ```
pub trait Authority: Send + Sync + 'static {
    /// Whether `password` is this user's, and, with `authzid`, whether he may act as that identity
    /// (then [`Identity::acts_as`] repeats it). The name is the client's: an address, a local part.
    ///
    /// # Errors
    /// [`AuthErrorKind::Wrong`] for a wrong password and for an unknown user;
    /// [`AuthErrorKind::NotAllowed`] when the password is right but the login is not permitted;
    /// [`AuthErrorKind::Unavailable`] when it cannot be found out now.
    fn password(
        &self,
        context: &LoginContext,
        user: &str,
        authzid: Option<&str>,
        password: &[u8],
    ) -> impl Future<Output = Result<Identity, AuthError>> + Send;

    /// Whether `token` is valid and opens the mailbox `user`.
    ///
    /// # Errors
    /// As [`password`](Self::password); [`AuthError::bearer`] is what the client is told of it.
    fn bearer(
        &self,
        context: &LoginContext,
        user: Option<&str>,
        token: &[u8],
    ) -> impl Future<Output = Result<Identity, AuthError>> + Send {
        let _ = (context, user, token);
        async { Err(AuthErrorKind::Unsupported.into()) }
    }

    /// The mechanisms this authority knows, best first.
    fn mechanisms(&self, context: &LoginContext) -> &[Mechanism] {
        let _ = context;
        &[Mechanism::PLAIN, Mechanism::LOGIN]
    }

    /// What it can verify: only mechanisms that need no more are offered.
    fn credentials(&self, context: &LoginContext) -> &[Credential] {
        let _ = context;
        &[Credential::Password]
    }
}

impl<A: Authority> Authority for Arc<A> {
    fn password(
        &self,
        context: &LoginContext,
        user: &str,
        authzid: Option<&str>,
        password: &[u8],
    ) -> impl Future<Output = Result<Identity, AuthError>> + Send {
        (**self).password(context, user, authzid, password)
    }

    fn bearer(
        &self,
        context: &LoginContext,
        user: Option<&str>,
        token: &[u8],
    ) -> impl Future<Output = Result<Identity, AuthError>> + Send {
        (**self).bearer(context, user, token)
    }

    fn mechanisms(&self, context: &LoginContext) -> &[Mechanism] {
        (**self).mechanisms(context)
    }

    fn credentials(&self, context: &LoginContext) -> &[Credential] {
        (**self).credentials(context)
    }
}
