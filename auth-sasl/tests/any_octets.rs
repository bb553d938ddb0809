//! Whatever octets a client sends, a mechanism answers, ends, and reads what it took as it was sent.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use auth_sasl::{
    Answer, Channel, ClientLogin, ClientMethod, ClientPolicy, Failure, Mechanism, Request, Secret, Step,
    choose,
    prepare::{Purpose, saslprep},
    scram::{Decoy, StoredKeys},
};
use proptest::prelude::*;

const MECHANISMS: &[Mechanism] = &[
    Mechanism::PLAIN,
    Mechanism::LOGIN,
    Mechanism::XOAUTH2,
    Mechanism::OAUTHBEARER,
    Mechanism::SCRAM_SHA_256,
    Mechanism::SCRAM_SHA_256_PLUS,
    Mechanism::EXTERNAL,
    Mechanism::ANONYMOUS,
    Mechanism::CRAM_MD5,
];

/// Octets, or something like what a server says.
fn challenge() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..64),
        "(r=[A-Za-z0-9]{0,40},s=[A-Za-z0-9]{4},i=[0-9]{1,4}|v=[A-Za-z0-9]{27}=|e=x|\\{\"status\":\"[0-9\\\\u\"]{0,9})"
            .prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn no_octets_keep_an_exchange_from_ending(
        which in 0..MECHANISMS.len(),
        initial in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..64)),
        responses in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..64), 20),
    ) {
        let mut channel = Channel::default();
        channel.random = Some(b"eighteen or more octets");
        channel.decoy = Some(Decoy { key: b"k", iterations: 4096 });
        channel.client_certificate = Some(b"certificate");
        channel.tls_exporter = Some(b"binding");
        let mut exchange = MECHANISMS[which].begin(&channel);
        let mut step = exchange.start(initial.as_deref()).unwrap();
        let mut responses = responses.iter();
        loop {
            step = match step {
                Step::Challenge(_) => exchange.respond(responses.next().unwrap()).unwrap(),
                Step::Need(_) => exchange.answer(Answer::Refused(Failure::Credentials)).unwrap(),
                Step::Done(_) => panic!("nobody accepted"),
                Step::Failed(_) => break,
            };
        }
    }

    #[test]
    fn no_challenges_upset_a_client_or_make_it_believe_a_server_without_proof(
        which in 0..ClientMethod::BEST_FIRST.len(),
        challenges in proptest::collection::vec(challenge(), 1..20),
    ) {
        let mut login = ClientLogin::password("tim", Secret::new(b"p"));
        login.token = Some(Secret::new(b"t"));
        login.external = true;
        login.anonymous = Some("".into());
        let mut channel = Channel::default();
        channel.random = Some(b"eighteen or more octets");
        channel.tls_exporter = Some(b"binding");
        let mut policy = ClientPolicy::encrypted(true);
        policy.cram_md5 = true;
        let method = ClientMethod::BEST_FIRST[which];
        let mut client = choose(&[method], [method.name()], &login, &channel, &policy).unwrap();
        let _ = client.initial().unwrap();
        for challenge in &challenges {
            if client.step(challenge).is_err() {
                prop_assert!(client.step(b"").is_err());
                prop_assert!(client.success(None).is_err());
                break;
            }
        }
        if method.name().starts_with("SCRAM") {
            prop_assert!(client.success(None).is_err());
        }
    }

    #[test]
    fn no_text_upsets_the_reader_of_stored_keys(
        text in "(SCRAM-SHA-(1|256)\\$)?[0-9]{0,12}:[A-Za-z0-9+/=]{0,30}\\$[A-Za-z0-9+/=:]{0,60}",
    ) {
        if let Ok(keys) = StoredKeys::from_text(&text) {
            let written = keys.to_text();
            prop_assert_eq!(written.as_str(), text);
        }
    }

    #[test]
    fn what_is_prepared_once_stays_as_it_is(text in "\\PC{0,12}") {
        for purpose in [Purpose::Stored, Purpose::Query] {
            if let Ok(once) = saslprep(&text, purpose) {
                prop_assert_eq!(saslprep(&once, purpose), Ok(once.clone()));
            }
        }
    }

    #[test]
    fn plain_gives_the_fields_that_need_no_preparation_as_they_were_sent(
        authzid in "[^\0]{0,20}", authcid in "[ -~]{1,20}",
        password in proptest::collection::vec(1_u8.., 1..40),
    ) {
        // Not UTF-8, or nothing for SASLprep to change.
        prop_assume!(password.iter().all(|b| matches!(b, b' '..=b'~')) || str::from_utf8(&password).is_err());
        let message = [authzid.as_bytes(), b"\0", authcid.as_bytes(), b"\0", &password].concat();
        let mut exchange = Mechanism::PLAIN.begin(&Channel::default());
        let Step::Need(Request::Password(login)) = exchange.start(Some(&message)).unwrap() else { panic!() };
        prop_assert_eq!(login.authzid.unwrap_or_default(), authzid);
        prop_assert_eq!(login.authcid, authcid);
        prop_assert_eq!(login.password.expose(), password);
    }
}
