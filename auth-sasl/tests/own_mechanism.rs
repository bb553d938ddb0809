//! A mechanism from outside the crate, on both sides, listed and chosen beside those of the crate.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use auth_sasl::{
    Answer, Channel, ChooseError, ClientError, ClientLogin, ClientMechanism, ClientMethod, ClientPolicy,
    ClientStep, Credential, Failure, Identity, Mechanism, Offer, Request, Secret, ServerMechanism, Step,
    choose,
};

/// A one-time code: the server says which one it wants, and asks its host whether it was that.
const NAME: &str = "X-CODE";
const SERVED: Credential = Credential::Other(NAME);
const CODE: Mechanism = Mechanism::new(NAME, SERVED, true, |_| Box::new(CodeServer));
const METHOD: ClientMethod = ClientMethod::new(NAME, true, |setup| match &setup.login.password {
    Some(_) => Ok(Box::new(CodeClient(setup.login.clone()))),
    None => Err(ClientError::Unusable),
});

/// What its host is asked, by [`Request::Other`].
#[derive(Debug, PartialEq)]
struct Code(String, String);

#[derive(Debug)]
struct CodeServer;

impl ServerMechanism for CodeServer {
    fn name(&self) -> &'static str {
        NAME
    }
    fn start(&mut self, _: Option<&[u8]>) -> Step {
        Step::Challenge(b"code 17".to_vec())
    }
    fn respond(&mut self, message: &[u8]) -> Step {
        let text = core::str::from_utf8(message).ok().and_then(|text| text.split_once(' '));
        match text {
            Some((user, code)) => Step::Need(Request::Other(Box::new(Code(user.into(), code.into())))),
            None => Step::Failed(Failure::Malformed),
        }
    }
    fn answer(&mut self, answer: Answer) -> Step {
        match answer {
            Answer::Accepted(identity) => Step::Done(identity),
            Answer::Other(user) => match user.downcast::<String>() {
                Ok(user) => Step::Done(Identity::new(*user, None)),
                Err(_) => Step::Failed(Failure::Unsupported),
            },
            _ => Step::Failed(Failure::Credentials),
        }
    }
}

#[derive(Debug)]
struct CodeClient(ClientLogin);

impl ClientMechanism for CodeClient {
    fn name(&self) -> &'static str {
        NAME
    }
    fn client_first(&self) -> bool {
        false
    }
    fn step(&mut self, challenge: &[u8]) -> Result<ClientStep, ClientError> {
        let code =
            self.0.password.as_ref().filter(|_| challenge == b"code 17").ok_or(ClientError::Malformed)?;
        let message = [self.0.authcid.as_bytes(), b" ", code.expose()].concat();
        Ok(ClientStep::Last(Secret::from(message)))
    }
}

fn enters(code: &[u8], answer: impl Fn(&Code) -> Answer) -> Result<Identity, Failure> {
    let offer = [CODE, Mechanism::PLAIN];
    let serves = [SERVED, Credential::Password];
    let offer = Offer::new(&offer).serves(&serves).clear_passwords(true);
    assert_eq!(offer.names().collect::<Vec<_>>(), [NAME, "PLAIN"]);
    let methods = [&[METHOD][..], ClientMethod::BEST_FIRST].concat();
    let login = ClientLogin::password("tim", Secret::new(code));
    let channel = Channel::default();
    let mut client =
        choose(&methods, offer.names(), &login, &channel, &ClientPolicy::encrypted(true)).unwrap();
    assert_eq!(client.name(), NAME);
    assert!(client.initial().unwrap().is_none());
    let mut server = offer.begin("x-code", &channel).unwrap();
    let Step::Challenge(challenge) = server.start(None).unwrap() else { panic!() };
    assert_eq!(client.success(None), Err(ClientError::NotProven));
    let mut client =
        choose(&methods, offer.names(), &login, &channel, &ClientPolicy::encrypted(true)).unwrap();
    assert!(client.initial().unwrap().is_none());
    let response = client.step(&challenge).unwrap();
    let Step::Need(Request::Other(question)) = server.respond(response.expose()).unwrap() else { panic!() };
    match server.answer(answer(&question.downcast::<Code>().unwrap())).unwrap() {
        Step::Done(identity) => {
            assert_eq!(client.success(None), Ok(()));
            Ok(identity)
        }
        Step::Failed(failure) => Err(failure),
        step => panic!("{step:?}"),
    }
}

#[test]
fn a_mechanism_of_the_users_own_is_listed_chosen_and_played() {
    let host = |code: &Code| match *code == Code("tim".into(), "4711".into()) {
        true => Answer::Other(Box::new("tim".to_owned())),
        false => Answer::Refused(Failure::Credentials),
    };
    assert_eq!(enters(b"4711", host), Ok(Identity::new("tim", None)));
    assert_eq!(enters(b"4712", host), Err(Failure::Credentials));
    // The crate's own mechanisms do not take an answer that was made for another.
    let mut plain = Mechanism::PLAIN.begin(&Channel::default());
    let Step::Need(_) = plain.start(Some(b"\0tim\0x")).unwrap() else { panic!() };
    let step = plain.answer(Answer::Other(Box::new(()))).unwrap();
    assert!(matches!(step, Step::Failed(Failure::Unsupported)), "{step:?}");
}

#[test]
fn the_rules_hold_for_it_as_for_the_others() {
    // What shows a secret is neither offered nor chosen in the clear; what the host cannot verify is not offered.
    let offer = [CODE];
    assert_eq!(Offer::new(&offer).serves(&[SERVED]).names().count(), 0);
    assert_eq!(
        Offer::new(&offer).serves(&[Credential::Other("X-ELSE")]).clear_passwords(true).names().count(),
        0
    );
    let login = ClientLogin::password("tim", Secret::new(b"4711"));
    let got = choose(&[METHOD], [NAME], &login, &Channel::default(), &ClientPolicy::default());
    assert_eq!(got.unwrap_err(), ChooseError::WantsEncryption);
}
