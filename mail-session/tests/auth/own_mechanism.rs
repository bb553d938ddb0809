//! Mechanisms from outside `auth-sasl`, end to end by all three protocols: one that shows a code, and one whose server
//! asks for a key and checks a proof itself.

use std::{
    any::Any,
    borrow::Cow,
    sync::{Arc, Mutex},
};

use auth_sasl::{
    Answer, Authorization, Channel, ClientError, ClientLogin, ClientMechanism, ClientMethod, ClientStep,
    Failure, Request, ServerMechanism, Step,
};
use mail_session::auth::*;

use crate::{
    clients::{self, Entered, Login, Protocol as By, Way},
    host,
    memory::{FakeTls, Passing, play, session},
};

const CODE: &str = "X-CODE";
const SUM: &str = "X-SUM";
const OFFERED: &[Mechanism] = &[
    Mechanism::new(CODE, Credential::Other(CODE), true, |_| Box::new(CodeServer)),
    Mechanism::new(SUM, Credential::Other(SUM), false, |channel| Box::new(SumServer::new(channel))),
    Mechanism::PLAIN,
];
const METHODS: &[ClientMethod] = &[
    ClientMethod::new(CODE, true, |setup| Ok(Box::new(CodeClient(setup.login.clone())))),
    ClientMethod::new(SUM, false, |setup| Ok(Box::new(SumClient(setup.login.clone())))),
];

/// `name SP code`, and the host says whether that is the code it sent.
#[derive(Debug)]
struct CodeServer;
struct IsSent(String, Secret);

impl ServerMechanism for CodeServer {
    fn name(&self) -> &'static str {
        CODE
    }
    fn respond(&mut self, message: &[u8]) -> Step {
        match str::from_utf8(message).ok().and_then(|text| text.split_once(' ')) {
            Some((name, code)) => {
                let question = IsSent(name.to_owned(), Secret::new(code.as_bytes()));
                Step::Need(Request::Other(Box::new(question)))
            }
            None => Step::Failed(Failure::Malformed),
        }
    }
}

#[derive(Debug)]
struct CodeClient(ClientLogin);

impl ClientMechanism for CodeClient {
    fn name(&self) -> &'static str {
        CODE
    }
    fn client_first(&self) -> bool {
        true
    }
    fn step(&mut self, _: &[u8]) -> Result<ClientStep, ClientError> {
        let code = self.0.password.as_ref().ok_or(ClientError::Unusable)?;
        Ok(ClientStep::Last(Secret::from([self.0.authcid.as_bytes(), b" ", code.expose()].concat())))
    }
}

/// The server sends a number; the client answers with its name and the sum of the number and the octets of its
/// password. The server asks its host for the latter, checks, and asks whether he may enter. (Nobody should use it.)
#[derive(Debug)]
struct SumServer {
    number: Option<u8>,
    given: Option<(String, Option<String>, u64)>,
}
struct OctetsOf(String);

fn sum(octets: &[u8]) -> u64 {
    octets.iter().map(|b| u64::from(*b)).sum()
}

impl SumServer {
    fn new(channel: &Channel<'_>) -> Self {
        Self { number: channel.random.and_then(|r| r.first().copied()), given: None }
    }
}

impl ServerMechanism for SumServer {
    fn name(&self) -> &'static str {
        SUM
    }
    fn start(&mut self, _: Option<&[u8]>) -> Step {
        match self.number {
            Some(number) => Step::Challenge(vec![number]),
            None => Step::Failed(Failure::Unavailable),
        }
    }
    fn respond(&mut self, message: &[u8]) -> Step {
        let text = str::from_utf8(message).unwrap_or_default();
        let mut words = text.split(' ');
        let (Some(name), Some(authzid), Some(Ok(given))) =
            (words.next(), words.next(), words.next().map(str::parse))
        else {
            return Step::Failed(Failure::Malformed);
        };
        let authzid = (!authzid.is_empty()).then(|| authzid.to_owned());
        self.given = Some((name.to_owned(), authzid, given));
        Step::Need(Request::Other(Box::new(OctetsOf(name.to_owned()))))
    }
    fn answer(&mut self, answer: Answer) -> Step {
        match (answer, self.given.take()) {
            (Answer::Other(octets), Some((name, authzid, given))) => match octets.downcast::<Option<u64>>() {
                Ok(octets) if *octets == Some(given - u64::from(self.number.unwrap())) => {
                    Step::Need(Request::Authorize(Authorization::new(name, authzid)))
                }
                Ok(_) => Step::Failed(Failure::Credentials),
                Err(_) => Step::Failed(Failure::Unsupported),
            },
            (Answer::Accepted(identity), None) => Step::Done(identity),
            (Answer::Refused(failure), _) => Step::Failed(failure),
            _ => Step::Failed(Failure::Unsupported),
        }
    }
}

#[derive(Debug)]
struct SumClient(ClientLogin);

impl ClientMechanism for SumClient {
    fn name(&self) -> &'static str {
        SUM
    }
    fn client_first(&self) -> bool {
        false
    }
    fn step(&mut self, challenge: &[u8]) -> Result<ClientStep, ClientError> {
        let sum = sum(challenge) + sum(self.0.password.as_ref().unwrap().expose());
        let authzid = self.0.authzid.as_deref().unwrap_or_default();
        let message = format!("{} {authzid} {sum}", self.0.authcid);
        Ok(ClientStep::Last(Secret::from(message.into_bytes())))
    }
}

#[derive(Default)]
struct Door {
    disproved: Mutex<Vec<String>>,
}

impl Authority for Door {
    async fn password(
        &self,
        _: &LoginContext,
        _: &str,
        _: Option<&str>,
        _: &[u8],
    ) -> Result<Identity, AuthError> {
        Err(AuthErrorKind::Wrong.into())
    }
    async fn authorize(
        &self,
        _: &LoginContext,
        user: &str,
        authzid: Option<&str>,
    ) -> Result<Identity, AuthError> {
        // Forgets whom it was asked about.
        let authzid = authzid.filter(|authzid| *authzid != "careless");
        host::enter(user, authzid)
    }
    async fn disproved(&self, _: &LoginContext, user: &str) {
        self.disproved.lock().unwrap().push(user.to_owned());
    }
    async fn other(&self, _: &LoginContext, question: Box<dyn Any + Send>) -> Result<Reply, AuthError> {
        let question = match question.downcast::<IsSent>() {
            Ok(asked) if (&*asked.0, &asked.1) == ("tim", &Secret::new(b"4711")) => {
                return Ok(Reply::Entered(Identity::new("tim")));
            }
            Ok(_) => return Err(AuthErrorKind::Wrong.into()),
            Err(question) => question,
        };
        let asked = question.downcast::<OctetsOf>().map_err(|_| AuthErrorKind::Unsupported)?;
        let answer: Option<u64> = (asked.0 == "tim").then(|| sum(b"4711"));
        Ok(Reply::Given { answer: Box::new(answer), proving: Some(asked.0) })
    }
    fn random(&self, octets: &mut [u8]) -> bool {
        octets.fill(7);
        true
    }
    fn mechanisms(&self, _: &LoginContext) -> &[Mechanism] {
        OFFERED
    }
    fn credentials(&self, _: &LoginContext) -> Cow<'_, [Credential]> {
        Cow::Borrowed(&[Credential::Password, Credential::Other(CODE), Credential::Other(SUM)])
    }
}

fn enter<A: Authority>(door: &Arc<A>, by: By, mechanism: &str, login: &ClientLogin) -> Entered {
    let server = |stream| session(by, Arc::clone(door), FakeTls::good(), stream);
    let client = async |stream| {
        let mut sasl = Login::new(mechanism, login).with_methods(METHODS);
        clients::enter(by, stream, Way::Tls, FakeTls::good(), &mut sasl).await
    };
    play(server, client, Passing::AsTheyCome).0
}

#[test]
fn a_mechanism_of_the_users_own_opens_every_protocol() {
    for by in By::ALL {
        for mechanism in [CODE, SUM] {
            let door = Arc::new(Door::default());
            let login = |user: &str, code: &[u8]| ClientLogin::password(user, Secret::new(code));
            assert_eq!(enter(&door, by, mechanism, &login("tim", b"4711")), Ok(()), "{by:?} {mechanism}");
            assert!(door.disproved.lock().unwrap().is_empty());
            for wrong in [login("tim", b"4712"), login("tom", b"4711")] {
                let refused = enter(&door, by, mechanism, &wrong).unwrap_err();
                assert!(refused.starts_with("refused: "), "{by:?} {mechanism}: {refused}");
            }
            // Whoever counts attempts is told of proofs the mechanism checked itself.
            let told = door.disproved.lock().unwrap().clone();
            assert_eq!(told, if mechanism == SUM { vec!["tim", "tom"] } else { vec![] });
        }
    }
}

#[test]
fn what_holds_for_the_others_holds_for_it() {
    for by in By::ALL {
        let door = Arc::new(Door::default());
        for (authzid, right) in [("shared", true), ("boss", false), ("careless", false)] {
            let login = ClientLogin::password("tim", Secret::new(b"4711")).acting_as(authzid);
            assert_eq!(enter(&door, by, SUM, &login).is_ok(), right, "{by:?} {authzid}");
        }
    }
    // What shows a secret waits for TLS, what the authority does not serve is not listed.
    let context = LoginContext::new(Protocol::Imap4, "[::1]:1", "s1");
    assert_eq!(offered(&Door::default(), &context).collect::<Vec<_>>(), [SUM]);
    struct Small;
    impl Authority for Small {
        async fn password(
            &self,
            _: &LoginContext,
            _: &str,
            _: Option<&str>,
            _: &[u8],
        ) -> Result<Identity, AuthError> {
            Err(AuthErrorKind::Wrong.into())
        }
        fn mechanisms(&self, _: &LoginContext) -> &[Mechanism] {
            OFFERED
        }
        fn credentials(&self, _: &LoginContext) -> Cow<'_, [Credential]> {
            Cow::Borrowed(&[Credential::Other(CODE)])
        }
    }
    // One that lists it and has forgotten to answer: refused, politely.
    for by in By::ALL {
        let login = ClientLogin::password("tim", Secret::new(b"4711"));
        let refused = enter(&Arc::new(Small), by, CODE, &login).unwrap_err();
        assert!(refused.starts_with("refused: "), "{by:?}: {refused}");
    }
}
