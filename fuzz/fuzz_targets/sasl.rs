//! SASL steps, server and client: whatever the other side says, an exchange ends, nobody gets in whom the host did not accept, and a SCRAM client
//! believes no server without its signature.
#![no_main]
use std::sync::LazyLock;

use auth_sasl::{
    Answer, Authorization, Channel, ClientLogin, ClientMethod, ClientPolicy, Failure, Identity, Mechanism,
    Request, Secret, Step, choose,
    prepare::{Purpose, saslprep},
    scram::{Decoy, Hash, StoredKeys},
};
use libfuzzer_sys::fuzz_target;

const MECHANISMS: &[Mechanism] = &[
    Mechanism::PLAIN,
    Mechanism::LOGIN,
    Mechanism::XOAUTH2,
    Mechanism::OAUTHBEARER,
    Mechanism::SCRAM_SHA_1,
    Mechanism::SCRAM_SHA_256,
    Mechanism::SCRAM_SHA_256_PLUS,
    Mechanism::SCRAM_SHA_512,
    Mechanism::EXTERNAL,
    Mechanism::ANONYMOUS,
    Mechanism::CRAM_MD5,
];

static KEYS: LazyLock<StoredKeys> =
    LazyLock::new(|| StoredKeys::derive(Hash::Sha256, b"tanstaaf", b"sixteen octets..", 4096).expect("keys"));

fn channel() -> Channel<'static> {
    let mut channel = Channel::default();
    channel.random = Some(b"eighteen or more octets");
    channel.decoy = Some(Decoy { key: b"k", iterations: 4096 });
    channel.client_certificate = Some(b"certificate");
    channel.tls_exporter = Some(b"binding");
    channel
}

/// Accepts `tim` with his password, and him alone. `true` with it where it accepted somebody.
fn host(request: Request) -> (Answer, bool) {
    match request {
        Request::Password(l) if l.authcid == "tim" && l.password.expose() == b"p" => {
            (Answer::Accepted(Identity::new("tim", l.authzid)), true)
        }
        Request::ScramKeys(r) if r.authcid == "tim" && r.hash == Hash::Sha256 => {
            (Answer::ScramKeys(Some(KEYS.clone())), false)
        }
        Request::ScramKeys(_) => (Answer::ScramKeys(None), false),
        Request::Authorize(Authorization { authcid, authzid, .. }) => {
            (Answer::Accepted(Identity::new(authcid, authzid)), true)
        }
        Request::CramMd5(l) if l.verify(b"p") => (Answer::Accepted(Identity::new("tim", None)), true),
        Request::Anonymous(_) => (Answer::Accepted(Identity::new("anonymous", None)), true),
        _ => (Answer::Refused(Failure::Credentials), false),
    }
}

fn server(mechanism: &Mechanism, responses: &[&[u8]]) {
    let mut exchange = mechanism.begin(&channel());
    let mut responses = responses.iter();
    let initial = responses.next().filter(|r| **r != b"-");
    let mut step = exchange.start(initial.copied()).expect("the beginning");
    let (mut accepted, mut turns) = (false, 0);
    loop {
        turns += 1;
        assert!(turns < 100, "{} does not end", exchange.name());
        step = match step {
            Step::Challenge(_) => match responses.next() {
                Some(r) => exchange.respond(r).expect("its place"),
                None => return,
            },
            Step::Need(request) => {
                let (answer, yes) = host(request);
                accepted |= yes;
                exchange.answer(answer).expect("its place")
            }
            Step::Done(identity) => {
                assert!(accepted, "{} let {} in", exchange.name(), identity.authcid);
                return;
            }
            Step::Failed(_) => return,
        };
    }
}

fn client(which: usize, challenges: &[&[u8]]) {
    let mut login = ClientLogin::password("tim", Secret::new(b"p"));
    login.token = Some(Secret::new(b"t"));
    login.external = true;
    login.anonymous = Some("".into());
    let mut policy = ClientPolicy::encrypted(true);
    policy.cram_md5 = true;
    let method = ClientMethod::BEST_FIRST[which % ClientMethod::BEST_FIRST.len()];
    let mut client = choose(&[method], [method.name()], &login, &channel(), &policy).expect("chosen");
    let _ = client.initial().expect("its place");
    for challenge in challenges {
        if client.step(challenge).is_err() {
            assert!(client.step(b"").is_err() && client.success(None).is_err());
            break;
        }
    }
    if method.name().starts_with("SCRAM") {
        // Nobody guesses a signature.
        assert!(client.success(None).is_err(), "{} believed a server without proof", method.name());
    }
}

fn texts(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    if let Ok(keys) = StoredKeys::from_text(text) {
        assert_eq!(keys.to_text().as_str(), text);
    }
    for purpose in [Purpose::Stored, Purpose::Query] {
        if let Ok(once) = saslprep(text, purpose) {
            assert_eq!(saslprep(&once, purpose), Ok(once.clone()), "what is prepared once stays");
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((which, rest)) = input.split_first() else { return };
    // Messages with an octet between them that none of them has.
    let messages: Vec<&[u8]> = rest.split(|c| *c == b'\n').collect();
    match usize::from(*which) {
        n @ 0..100 => server(&MECHANISMS[n % MECHANISMS.len()], &messages),
        n @ 100..200 => client(n, &messages),
        _ => texts(rest),
    }
});
