//! Whatever octets a client sends, a mechanism answers, ends, and reads what it took as it was sent.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use auth_sasl::{Answer, Channel, Failure, Mechanism, Request, Step};
use proptest::prelude::*;

proptest! {
    #[test]
    fn no_octets_keep_an_exchange_from_ending(
        which in 0_usize..3,
        initial in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..64)),
        responses in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..64), 20),
    ) {
        let mechanism = [Mechanism::PLAIN, Mechanism::LOGIN, Mechanism::XOAUTH2][which];
        let mut exchange = mechanism.begin(&Channel::default());
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
    fn plain_gives_the_fields_as_they_were_sent(
        authzid in "[^\0]{0,20}", authcid in "[^\0]{1,20}",
        password in proptest::collection::vec(1_u8.., 1..40),
    ) {
        let message = [authzid.as_bytes(), b"\0", authcid.as_bytes(), b"\0", &password].concat();
        let mut exchange = Mechanism::PLAIN.begin(&Channel::default());
        let Step::Need(Request::Password(login)) = exchange.start(Some(&message)).unwrap() else { panic!() };
        prop_assert_eq!(login.authzid.unwrap_or_default(), authzid);
        prop_assert_eq!(login.authcid, authcid);
        prop_assert_eq!(login.password.expose(), password);
    }
}
