use auth_sasl::{Answer, Failure, Request, ServerExchange, Step};

use super::{AuthError, AuthErrorKind, Authority, Identity, LoginContext, Reply, apop::prove, offer};

/// What the client of an exchange gets next.
#[must_use]
#[derive(Debug)]
pub enum Outcome {
    /// Send these octets (the protocol machine puts them in base64), and give the response to
    /// [`Exchange::respond`].
    Challenge(Vec<u8>),
    /// The client is who it says.
    Done(Identity),
    /// The login failed.
    Failed(AuthError),
}

/// One SASL exchange of a session: the mechanism's questions are put to the authority.
///
/// It holds neither the authority nor the context: a session keeps it beside them.
#[derive(Debug)]
pub struct Exchange {
    sasl: ServerExchange,
    /// Whom the authority let in, until the mechanism is done.
    entered: Option<Identity>,
    /// Why it did not.
    refused: Option<AuthError>,
    /// Whose keys the client's proof is checked with.
    proving: Option<String>,
}

/// IMAP's LOGIN, POP3's USER and PASS: a name and a password without a mechanism.
///
/// # Errors
/// Why the login failed; [`AuthErrorKind::EncryptionRequired`] before anything was asked.
pub async fn login<A: Authority>(
    authority: &A,
    context: &LoginContext,
    user: &[u8],
    password: &[u8],
) -> Result<Identity, AuthError> {
    if !context.password_allowed() {
        return Err(AuthErrorKind::EncryptionRequired.into());
    }
    // A name that is no UTF-8, or a password no mechanism would carry, is nobody's: but it takes the
    // time of a wrong password.
    let (user, password) = match str::from_utf8(user) {
        Ok(user) if user.len() <= auth_sasl::MAX_FIELD && password.len() <= auth_sasl::MAX_FIELD => {
            (user, password)
        }
        _ => ("", &b"\0"[..]),
    };
    ask_password(authority, context, user, None, password).await
}

async fn ask_password<A: Authority>(
    authority: &A,
    context: &LoginContext,
    user: &str,
    authzid: Option<&str>,
    password: &[u8],
) -> Result<Identity, AuthError> {
    // To act as oneself is no question of authorization.
    let authzid = authzid.filter(|z| *z != user);
    let identity = authority.password(context, user, authzid, password).await?;
    match authzid {
        Some(z) if identity.acts_as.as_deref() != Some(z) => Err(AuthError::new(
            AuthErrorKind::NotAllowed,
            "the authority does not honour the authorization identity",
        )),
        _ => Ok(identity),
    }
}

impl Exchange {
    /// An exchange of the mechanism of this name (in any case), if it is offered here and now.
    ///
    /// # Errors
    /// [`AuthErrorKind::EncryptionRequired`] when only TLS is missing, else
    /// [`AuthErrorKind::Unsupported`].
    pub fn new<A: Authority>(
        authority: &A,
        context: &LoginContext,
        mechanism: &str,
    ) -> Result<Self, AuthError> {
        let sasl = offer::begin(authority, context, mechanism)?;
        Ok(Self { sasl, entered: None, refused: None, proving: None })
    }

    /// The mechanism's name, for logs.
    #[must_use]
    pub fn mechanism(&self) -> &'static str {
        self.sasl.name()
    }

    /// Begins, with the initial response where the client sent one (`Some(b"")`: an empty one).
    pub async fn start<A: Authority>(
        &mut self,
        authority: &A,
        context: &LoginContext,
        initial: Option<&[u8]>,
    ) -> Outcome {
        let step = self.sasl.start(initial);
        self.drive(authority, context, step).await
    }

    /// The client's response to a challenge, decoded.
    pub async fn respond<A: Authority>(
        &mut self,
        authority: &A,
        context: &LoginContext,
        response: &[u8],
    ) -> Outcome {
        let step = self.sasl.respond(response);
        self.drive(authority, context, step).await
    }

    /// The client cancelled: what it is answered.
    pub fn cancel(&mut self) -> AuthError {
        AuthErrorKind::from(self.sasl.cancel()).into()
    }

    async fn drive<A: Authority>(
        &mut self,
        authority: &A,
        context: &LoginContext,
        mut step: Result<Step, auth_sasl::Misuse>,
    ) -> Outcome {
        loop {
            let request = match step {
                Ok(Step::Need(request)) => request,
                Ok(Step::Challenge(octets)) => return Outcome::Challenge(octets),
                Ok(Step::Done(_)) => {
                    return match self.entered.take() {
                        Some(identity) => Outcome::Done(identity),
                        // A mechanism that vouches for somebody by itself: no authority knows him.
                        None => Outcome::Failed(AuthErrorKind::NotAllowed.into()),
                    };
                }
                Ok(Step::Failed(failure)) => {
                    if failure == Failure::Credentials
                        && let Some(user) = self.proving.take()
                    {
                        authority.disproved(context, &user).await;
                    }
                    return Outcome::Failed(
                        self.refused.take().unwrap_or_else(|| AuthErrorKind::from(failure).into()),
                    );
                }
                Err(misuse) => {
                    return Outcome::Failed(AuthError::new(AuthErrorKind::Malformed, misuse.to_string()));
                }
            };
            let answer = self.ask(authority, context, request).await;
            step = self.sasl.answer(answer);
        }
    }

    async fn ask<A: Authority>(&mut self, authority: &A, context: &LoginContext, request: Request) -> Answer {
        let result = match request {
            Request::Password(l) => {
                ask_password(authority, context, &l.authcid, l.authzid.as_deref(), l.password.expose()).await
            }
            Request::Bearer(l) => authority.bearer(context, l.user.as_deref(), l.token.expose()).await,
            Request::ScramKeys(r) => match authority.scram_keys(context, &r.authcid, r.hash).await {
                Ok(keys) => {
                    self.proving = Some(r.authcid);
                    return Answer::ScramKeys(keys);
                }
                Err(error) => Err(error),
            },
            Request::Authorize(a) => {
                self.proving = None;
                let authzid = a.authzid.as_deref().filter(|z| *z != a.authcid);
                authority.authorize(context, &a.authcid, authzid).await
            }
            Request::CramMd5(l) => prove(authority, context, &l.authcid, |secret| l.verify(secret)).await,
            Request::Certificate(l) => {
                authority.certificate(context, &l.certificate, l.authzid.as_deref()).await
            }
            Request::Anonymous(l) => authority.anonymous(context, &l.trace).await,
            Request::Other(question) => match authority.other(context, question).await {
                Ok(Reply::Entered(identity)) => Ok(identity),
                Ok(Reply::Given { answer, proving }) => {
                    self.proving = proving;
                    return Answer::Other(answer);
                }
                Err(error) => Err(error),
            },
            _ => Err(AuthErrorKind::Unsupported.into()),
        };
        match result {
            Ok(identity) => {
                let known = auth_sasl::Identity::new(identity.login.clone(), identity.acts_as.clone());
                self.entered = Some(identity);
                Answer::Accepted(known)
            }
            Err(error) => {
                let failure = match error.kind {
                    AuthErrorKind::NotAllowed => Failure::NotAuthorized,
                    AuthErrorKind::Unavailable => Failure::Unavailable,
                    AuthErrorKind::Unsupported => Failure::Unsupported,
                    _ => Failure::Credentials,
                };
                let answer = match &error.bearer {
                    Some(bearer) => Answer::BearerRefused(failure, (**bearer).clone()),
                    None => Answer::Refused(failure),
                };
                self.refused = Some(error);
                answer
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{BearerError, Credential, Mechanism, Plaintext, Protocol, offered};
    use mail_wire::TlsInfo;
    use std::borrow::Cow;

    /// Knows Tim; Tim may act as `shared`; `careless` grants and forgets to say whom.
    struct Host;
    impl Authority for Host {
        async fn password(
            &self,
            _: &LoginContext,
            user: &str,
            authzid: Option<&str>,
            password: &[u8],
        ) -> Result<Identity, AuthError> {
            match (user, password, authzid) {
                ("tim", b"tanstaaf", None) | ("careless", b"x", _) => Ok(Identity::new(user)),
                ("tim", b"tanstaaf", Some("shared")) => Ok(Identity::acting("tim", "shared", "shared")),
                ("tim", b"tanstaaf", Some(_)) => Err(AuthErrorKind::NotAllowed.into()),
                ("down", ..) => Err(AuthErrorKind::Unavailable.into()),
                _ => Err(AuthErrorKind::Wrong.into()),
            }
        }
        async fn bearer(
            &self,
            _: &LoginContext,
            user: Option<&str>,
            token: &[u8],
        ) -> Result<Identity, AuthError> {
            match (user, token) {
                (Some("tim"), b"good") => Ok(Identity::new("tim")),
                _ => Err(AuthError::from(AuthErrorKind::Wrong)
                    .with_bearer(BearerError { scope: "mail".into(), ..BearerError::default() })),
            }
        }
        fn mechanisms(&self, _: &LoginContext) -> &[Mechanism] {
            &[Mechanism::PLAIN, Mechanism::LOGIN, Mechanism::XOAUTH2]
        }
        fn credentials(&self, _: &LoginContext) -> Cow<'_, [Credential]> {
            Cow::Borrowed(&[Credential::Password, Credential::Bearer])
        }
    }

    fn context() -> LoginContext {
        LoginContext::new(Protocol::Imap4, "[::1]:1", "s1").with_plaintext(Plaintext::Always)
    }

    /// Plays a whole exchange; returns its challenges and how it ended.
    fn play(mechanism: &str, messages: &[&[u8]]) -> (Vec<Vec<u8>>, Result<Identity, AuthErrorKind>) {
        smol::block_on(async {
            let context = context();
            let mut exchange = match Exchange::new(&Host, &context, mechanism) {
                Ok(exchange) => exchange,
                Err(error) => return (vec![], Err(error.kind)),
            };
            let mut challenges = vec![];
            let mut outcome = exchange.start(&Host, &context, None).await;
            for message in messages {
                let Outcome::Challenge(challenge) = outcome else { panic!("{outcome:?}") };
                challenges.push(challenge);
                outcome = exchange.respond(&Host, &context, message).await;
            }
            match outcome {
                Outcome::Challenge(c) => panic!("one more challenge {c:?}"),
                Outcome::Done(identity) => (challenges, Ok(identity)),
                Outcome::Failed(error) => (challenges, Err(error.kind)),
            }
        })
    }

    #[test]
    fn exchanges_end_as_the_authority_says() {
        use AuthErrorKind::*;
        for (mechanism, messages, end) in [
            ("PLAIN", &[&b"\0tim\0tanstaaf"[..]][..], Ok(Identity::new("tim"))),
            ("plain", &[b"tim\0tim\0tanstaaf"], Ok(Identity::new("tim"))),
            ("PLAIN", &[b"shared\0tim\0tanstaaf"], Ok(Identity::acting("tim", "shared", "shared"))),
            ("PLAIN", &[b"boss\0tim\0tanstaaf"], Err(NotAllowed)),
            ("PLAIN", &[b"boss\0careless\0x"], Err(NotAllowed)),
            ("PLAIN", &[b"\0tim\0wrong"], Err(Wrong)),
            ("PLAIN", &[b"\0nobody\0tanstaaf"], Err(Wrong)),
            ("PLAIN", &[b"\0down\0x"], Err(Unavailable)),
            ("PLAIN", &[b"tim"], Err(Malformed)),
            ("LOGIN", &[b"tim", b"tanstaaf"], Ok(Identity::new("tim"))),
            ("LOGIN", &[b"tim", b"wrong"], Err(Wrong)),
            ("XOAUTH2", &[b"user=tim\x01auth=Bearer good\x01\x01"], Ok(Identity::new("tim"))),
            ("XOAUTH2", &[b"user=tim\x01auth=Bearer bad\x01\x01", b""], Err(Wrong)),
            ("GSSAPI", &[], Err(Unsupported)),
        ] {
            assert_eq!(play(mechanism, messages).1, end, "{mechanism} {messages:?}");
        }
    }

    #[test]
    fn a_refused_token_is_told_what_it_lacks() {
        let (challenges, _) = play("XOAUTH2", &[b"user=tim\x01auth=Bearer bad\x01\x01", b""]);
        assert_eq!(challenges[1], br#"{"status":"401","schemes":"bearer","scope":"mail"}"#);
    }

    #[test]
    fn no_password_is_asked_for_before_tls() {
        let mut context = context().with_plaintext(Plaintext::TlsOnly);
        assert_eq!(offered(&Host, &context).count(), 0);
        assert_eq!(
            Exchange::new(&Host, &context, "PLAIN").unwrap_err().kind,
            AuthErrorKind::EncryptionRequired
        );
        assert_eq!(Exchange::new(&Host, &context, "NTLM").unwrap_err().kind, AuthErrorKind::Unsupported);
        let refused = smol::block_on(login(&Host, &context, b"tim", b"tanstaaf"));
        assert_eq!(refused.unwrap_err().kind, AuthErrorKind::EncryptionRequired);
        context.tls = Some(TlsInfo::default());
        assert_eq!(offered(&Host, &context).collect::<Vec<_>>(), ["PLAIN", "LOGIN", "XOAUTH2"]);
        assert!(smol::block_on(login(&Host, &context, b"tim", b"tanstaaf")).is_ok());
    }

    #[test]
    fn a_login_that_cannot_be_is_a_wrong_one() {
        for (user, password) in [(&b"\xff"[..], &b"x"[..]), (b"tim", &[b'x'; 2000]), (b"", b"")] {
            let error = smol::block_on(login(&Host, &context(), user, password)).unwrap_err();
            assert_eq!(error.kind, AuthErrorKind::Wrong);
        }
    }
}
