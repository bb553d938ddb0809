//! Whatever octets a client sends, a mechanism answers, ends, and reads what it took as it was sent.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use auth_sasl::{Answer, Channel, Failure, Mechanism, Request, Step, scram::Decoy};
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
