use std::{any::Any, borrow::Cow, fmt, future::Future};

use auth_sasl::{
    Credential, Mechanism, Secret,
    scram::{Decoy, Hash, StoredKeys},
};

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

/// The answer to what a mechanism from outside `auth-sasl` asked ([`Authority::other`]).
#[non_exhaustive]
pub enum Reply {
    /// The credential is right; this is whom it proves.
    Entered(Identity),
    /// What the mechanism asked for, keys for instance: it goes on with that, and asks
    /// [`authorize`](Authority::authorize) once the client has proved himself.
    Given {
        /// Of the type that the mechanism wants.
        answer: Box<dyn Any + Send>,
        /// Whom the client is about to prove to be. Where he fails,
        /// [`disproved`](Authority::disproved) is told so.
        proving: Option<String>,
    },
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entered(identity) => f.debug_tuple("Entered").field(identity).finish(),
            Self::Given { proving, .. } => {
                f.debug_struct("Given").field("proving", proving).finish_non_exhaustive()
            }
        }
    }
}

/// Decides who may enter.
///
/// Passwords are all it must know; whatever else it can serve, it names in
/// [`credentials`](Self::credentials) and answers by the method for it, and each mechanism that needs no more
/// is offered.
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

    /// Whether `token` is valid and opens the mailbox `user` ([`Credential::Bearer`]). The token's owner opens
    /// his own mailbox, or one that is shared with him. An empty token asks what is wanted (RFC 7628
    /// section 4.3): it is refused.
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

    /// The SCRAM keys of this user for this hash ([`Credential::ScramKeys`]), which the client's proof is
    /// checked with. `None` for an unknown user, for one without keys, and for one who tries too often: the
    /// exchange goes on as with a wrong password. Then comes [`authorize`](Self::authorize) or
    /// [`disproved`](Self::disproved). It needs [`decoy`](Self::decoy) and [`random`](Self::random).
    ///
    /// # Errors
    /// [`AuthErrorKind::Unavailable`]; no other, as it would tell something.
    fn scram_keys(
        &self,
        context: &LoginContext,
        user: &str,
        hash: Hash,
    ) -> impl Future<Output = Result<Option<StoredKeys>, AuthError>> + Send {
        let _ = (context, user, hash);
        async { Ok(None) }
    }

    /// The secret that the server knows in the clear, for CRAM-MD5 and APOP ([`Credential::CramMd5`]); `None` as
    /// for [`scram_keys`](Self::scram_keys). Then comes `secret_proved` or `disproved`. It needs
    /// [`random`](Self::random). What takes long is found out in [`secret_proved`](Self::secret_proved): here, its time
    /// would tell who has a secret.
    ///
    /// # Errors
    /// As [`scram_keys`](Self::scram_keys).
    fn shared_secret(
        &self,
        context: &LoginContext,
        user: &str,
    ) -> impl Future<Output = Result<Option<Secret>, AuthError>> + Send {
        let _ = (context, user);
        async { Ok(None) }
    }

    /// `user` has proved to have the password without showing it (SCRAM, CRAM-MD5, APOP): may he log in, and act
    /// as `authzid`?
    ///
    /// # Errors
    /// [`AuthErrorKind::NotAllowed`], [`AuthErrorKind::Unavailable`].
    fn authorize(
        &self,
        context: &LoginContext,
        user: &str,
        authzid: Option<&str>,
    ) -> impl Future<Output = Result<Identity, AuthError>> + Send {
        let _ = (context, user, authzid);
        async { Err(AuthErrorKind::Unsupported.into()) }
    }

    /// The proof made with `user`'s [`shared_secret`](Self::shared_secret) was right. Unless overridden,
    /// [`authorize`](Self::authorize) decides.
    ///
    /// # Errors
    /// As [`authorize`](Self::authorize); [`AuthErrorKind::Wrong`] where the secret is his no more.
    fn secret_proved(
        &self,
        context: &LoginContext,
        user: &str,
    ) -> impl Future<Output = Result<Identity, AuthError>> + Send {
        self.authorize(context, user, None)
    }

    /// The proof made with `user`'s keys or secret was wrong: for whoever counts attempts. Unknown users come
    /// here too.
    fn disproved(&self, context: &LoginContext, user: &str) -> impl Future<Output = ()> + Send {
        let _ = (context, user);
        async {}
    }

    /// Whom this client certificate (DER, verified by TLS) stands for, and whether he may act as `authzid`
    /// ([`Credential::Certificate`]).
    ///
    /// # Errors
    /// As [`password`](Self::password).
    fn certificate(
        &self,
        context: &LoginContext,
        certificate: &[u8],
        authzid: Option<&str>,
    ) -> impl Future<Output = Result<Identity, AuthError>> + Send {
        let _ = (context, certificate, authzid);
        async { Err(AuthErrorKind::Unsupported.into()) }
    }

    /// Whether anybody may in ([`Credential::Anonymous`]). `trace` is what he calls himself.
    ///
    /// # Errors
    /// As [`password`](Self::password).
    fn anonymous(
        &self,
        context: &LoginContext,
        trace: &str,
    ) -> impl Future<Output = Result<Identity, AuthError>> + Send {
        let _ = (context, trace);
        async { Err(AuthErrorKind::Unsupported.into()) }
    }

    /// What a mechanism from outside `auth-sasl` asks by [`Request::Other`](auth_sasl::Request::Other)
    /// ([`Credential::Other`]): the mechanism's documentation names the type of the question, and of an answer other than
    /// [`Reply::Entered`]. Where a question holds an authorization identity, the authority sees to it that the identity
    /// it answers with honours it, or refuses.
    ///
    /// # Errors
    /// As [`password`](Self::password); [`AuthErrorKind::Unsupported`] for a question of a type it does not know.
    fn other(
        &self,
        context: &LoginContext,
        question: Box<dyn Any + Send>,
    ) -> impl Future<Output = Result<Reply, AuthError>> + Send {
        let _ = (context, question);
        async { Err(AuthErrorKind::Unsupported.into()) }
    }

    /// With what SCRAM answers unknown users, so that they look like known ones: a secret that stays the same
    /// over restarts. `None`: no SCRAM exchange succeeds.
    fn decoy(&self) -> Option<Decoy<'_>> {
        None
    }

    /// Fills with random octets from a good source; `false` where there is none, and then no mechanism with a
    /// nonce or a challenge succeeds.
    fn random(&self, octets: &mut [u8]) -> bool {
        let _ = octets;
        false
    }

    /// The server's name in challenges.
    fn host(&self) -> &str {
        "localhost"
    }

    /// The mechanisms this authority knows, best first. [`Mechanism::BEST_FIRST`] is a good answer: what
    /// [`credentials`](Self::credentials) do not cover is not offered.
    fn mechanisms(&self, context: &LoginContext) -> &[Mechanism] {
        let _ = context;
        &[Mechanism::PLAIN, Mechanism::LOGIN]
    }

    /// What it can verify: only mechanisms that need no more are offered. It may change at any time; sessions
    /// that begin later follow.
    fn credentials(&self, context: &LoginContext) -> Cow<'_, [Credential]> {
        let _ = context;
        Cow::Borrowed(&[Credential::Password])
    }
}
