//! One step of SASL PLAIN: the message is read and the host asked.

use std::{hint::black_box, sync::Arc};

use auth_sasl::{Answer, Channel, Identity, Mechanism, Request, Secret, Step};
use rsasl::{
    callback::{Context, SessionCallback, SessionData},
    prelude::{Mechname, SASLConfig, SASLServer, State},
    property::{AuthId, Password},
    validate::{Validate, Validation, ValidationError},
};

use crate::case::Job;

const MESSAGE: &[u8] = b"\0alice@example.test\0correct horse battery";

fn verify(user: &str, password: &[u8]) -> bool {
    user == "alice@example.test" && password == b"correct horse battery"
}

/// What the host is asked.
fn read(message: &[u8]) -> Option<bool> {
    let mut exchange = Mechanism::PLAIN.begin(&Channel::default());
    match exchange.start(Some(message)) {
        Ok(Step::Need(Request::Password(login))) => Some(verify(&login.authcid, login.password.expose())),
        _ => None,
    }
}

fn exchange(message: &[u8]) -> Option<bool> {
    let mut exchange = Mechanism::PLAIN.begin(&Channel::default());
    let Ok(Step::Need(Request::Password(login))) = exchange.start(Some(message)) else { return None };
    let right = verify(&login.authcid, login.password.expose());
    let step = exchange.answer(Answer::Accepted(Identity::new(login.authcid, login.authzid)));
    matches!(step, Ok(Step::Done(_))).then_some(right)
}

#[derive(Debug)]
struct Verify;

#[derive(Debug)]
struct Verified;

impl Validation for Verified {
    type Value = bool;
}

#[derive(Debug, thiserror::Error)]
#[error("a property is missing")]
struct Missing;

impl SessionCallback for Verify {
    fn validate(
        &self,
        _: &SessionData,
        context: &Context<'_>,
        validate: &mut Validate<'_>,
    ) -> Result<(), ValidationError> {
        validate.with::<Verified, _>(|| {
            match (context.get_ref::<AuthId>(), context.get_ref::<Password>()) {
                (Some(user), Some(password)) => Ok(verify(user, password)),
                _ => Err(ValidationError::Boxed(Box::new(Missing))),
            }
        })?;
        Ok(())
    }
}

fn peer(config: &Arc<SASLConfig>, message: &[u8]) -> Option<bool> {
    let server = SASLServer::<Verified>::new(Arc::clone(config));
    let mut session = server.start_suggested(Mechname::parse(b"PLAIN").ok()?).ok()?;
    let mut out = Vec::new();
    match session.step(Some(message), &mut out) {
        Ok(State::Finished(_)) => session.validation(),
        _ => None,
    }
}

pub(super) fn jobs() -> Vec<Job> {
    let job = Job::new("SASL PLAIN", "message", 1)
        .side("auth-sasl, read and verified", &Some(true), || read(black_box(MESSAGE)))
        .side("auth-sasl, the whole exchange", &Some(true), || exchange(black_box(MESSAGE)));
    let config = SASLConfig::builder().with_default_mechanisms().with_callback(Verify);
    let job = match config {
        Ok(config) => {
            job.side("rsasl, the whole exchange", &Some(true), move || peer(&config, black_box(MESSAGE)))
        }
        Err(_) => job,
    };
    vec![job, compared()]
}

/// What differs at the first octet, at the last, or nowhere takes the same: `budgets.txt` holds it.
fn compared() -> Job {
    let of = |at: Option<usize>| {
        let mut octets = vec![b's'; 1024];
        if let Some(octet) = at.and_then(|at| octets.get_mut(at)) {
            *octet = b'x';
        }
        Secret::from(octets)
    };
    let with = |at| {
        let (one, other) = (of(None), of(at));
        move || black_box(&one) == black_box(&other)
    };
    Job::new("SASL, secrets of 1,024 octets compared", "comparison", 1)
        .side("auth-sasl, equal", &true, with(None))
        .side("auth-sasl, other at the first octet", &false, with(Some(0)))
        .side("auth-sasl, other at the last octet", &false, with(Some(1023)))
}
