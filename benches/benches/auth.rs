//! A login of each kind, the server's side: what the mechanism itself costs, without looking anything up and without
//! hashing a password for storage. Beside rsasl, where it does the same.
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench that is wrong should stop")]

use std::{hint::black_box, io::Cursor};

use auth_sasl::scram::{Hash, StoredKeys};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use criterion::{Criterion, criterion_group, criterion_main};
use mail_benches::logins::{MECHANISMS, PLAIN, Recorded, plain_decoded};
use rsasl::{
    callback::{Context, Request, SessionCallback, SessionData},
    mechanisms::scram::properties::ScramStoredPassword,
    prelude::{Mechname, SASLClient, SASLConfig, SASLServer, SessionError, State, Validation},
    property::{AuthId, Password},
    validate::{Validate, ValidationError},
};

struct Entered;
impl Validation for Entered {
    type Value = bool;
}

/// rsasl's host: says yes, and has the keys of one user.
struct Host {
    salt: Vec<u8>,
    stored: Vec<u8>,
    server: Vec<u8>,
}

impl SessionCallback for Host {
    fn callback(
        &self,
        _: &SessionData,
        _: &Context<'_>,
        request: &mut Request<'_>,
    ) -> Result<(), SessionError> {
        request.satisfy::<ScramStoredPassword<'_>>(&ScramStoredPassword::new(
            4096,
            &self.salt,
            &self.stored,
            &self.server,
        ))?;
        Ok(())
    }

    fn validate(
        &self,
        _: &SessionData,
        context: &Context<'_>,
        validate: &mut Validate<'_>,
    ) -> Result<(), ValidationError> {
        let known = context.get_ref::<AuthId>().is_some();
        let _ = context.get_ref::<Password>();
        validate.with::<Entered, _>(|| Ok(known))?;
        Ok(())
    }
}

fn peer() -> std::sync::Arc<SASLConfig> {
    let keys = StoredKeys::derive(Hash::Sha256, b"tanstaaftanstaaf", b"0123456789abcdef", 4096).unwrap();
    let text = keys.to_text();
    let (_, pair) = text.rsplit_once('$').unwrap();
    let (stored, server) = pair.split_once(':').unwrap();
    let decode = |text: &str| STANDARD.decode(text).unwrap();
    let host = Host { salt: keys.salt().to_vec(), stored: decode(stored), server: decode(server) };
    SASLConfig::builder().with_defaults().with_callback(host).unwrap()
}

fn plain(c: &mut Criterion) {
    let config = peer();
    let theirs = || {
        let server = SASLServer::<Entered>::new(config.clone());
        let mut session = server.start_suggested(Mechname::parse(b"PLAIN").unwrap()).unwrap();
        let mut out = Cursor::new(Vec::new());
        matches!(session.step(Some(black_box(PLAIN)), &mut out), Ok(State::Finished(_)))
            && session.validation() == Some(true)
    };
    assert!(plain_decoded(PLAIN) && theirs(), "each side understands the input");
    let mut group = c.benchmark_group("PLAIN, one message");
    group.bench_function("auth-sasl", |b| b.iter(|| plain_decoded(black_box(PLAIN))));
    group.bench_function("rsasl", |b| b.iter(theirs));
    group.finish();
}

fn each(c: &mut Criterion) {
    let mut group = c.benchmark_group("login, server side");
    for mechanism in MECHANISMS {
        let recorded = Recorded::new(*mechanism).unwrap();
        assert!(recorded.play(), "{mechanism:?}");
        group.bench_function(mechanism.name(), |b| b.iter(|| black_box(&recorded).play()));
    }
    group.finish();
}

/// Both sides, since rsasl's nonce cannot be fixed: most of it is the client's 4096 iterations.
fn scram(c: &mut Criterion) {
    let config = peer();
    let theirs = || {
        let name = Mechname::parse(b"SCRAM-SHA-256").unwrap();
        let mut server = SASLServer::<Entered>::new(config.clone()).start_suggested(name).unwrap();
        let credentials =
            SASLConfig::with_credentials(None, "tim@example.test".to_owned(), "tanstaaftanstaaf".to_owned());
        let mut client = SASLClient::new(credentials.unwrap()).start_suggested(&[name]).unwrap();
        let mut from_client = Cursor::new(Vec::new());
        client.step(None, &mut from_client).unwrap();
        loop {
            let mut from_server = Cursor::new(Vec::new());
            let state = server.step(Some(from_client.get_ref()), &mut from_server).unwrap();
            from_client = Cursor::new(Vec::new());
            client.step(Some(from_server.get_ref()), &mut from_client).unwrap();
            if !state.is_running() {
                return server.validation() == Some(true);
            }
        }
    };
    let ours = || Recorded::new(auth_sasl::Mechanism::SCRAM_SHA_256).is_some();
    assert!(ours() && theirs());
    let mut group = c.benchmark_group("SCRAM-SHA-256, both sides, 4096 iterations");
    // Ours derives the server's keys each time, too: twice the iterations.
    group.bench_function("auth-sasl, with the keys derived", |b| b.iter(ours));
    group.bench_function("rsasl", |b| b.iter(theirs));
    group.finish();
}

criterion_group!(benches, plain, each, scram);
criterion_main!(benches);
