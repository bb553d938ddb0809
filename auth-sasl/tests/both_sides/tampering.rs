//! Messages that were heard, changed or cut short on their way.

use auth_sasl::{Failure, Mechanism, Offer, Step};
use proptest::prelude::*;

use crate::play::{ALL, End, Play, SERVES, host, server_channel, tim};

/// What a client sent in an exchange that let it in, sent again by somebody who heard it.
#[test]
fn a_recorded_login_opens_nothing_again() {
    let names = ALL.iter().map(Mechanism::name).filter(|n| n.starts_with("SCRAM") || *n == "CRAM-MD5");
    for name in names {
        let (mut sent, mut challenges) = (vec![], vec![]);
        let first_is_clients = name != "CRAM-MD5";
        let end = Play::of(name).tampered(&mut |n, message| {
            let list = if (n % 2 == 0) == first_is_clients { &mut sent } else { &mut challenges };
            list.push(message.clone());
        });
        assert!(matches!(end, End::In(_)), "{name}: {end:?}");
        for random in [&b"the server's random octets"[..], b"others, as they should be"] {
            let again = random == server_channel().random.unwrap();
            let mut channel = server_channel();
            channel.random = Some(random);
            let offer = Offer::new(ALL).serves(SERVES).clear_passwords(true);
            let mut server = offer.begin(name, &channel).unwrap();
            let mut messages = sent.iter();
            let mut step = match first_is_clients {
                true => server.start(Some(messages.next().unwrap())).unwrap(),
                false => server.start(None).unwrap(),
            };
            let mut seen = vec![];
            let end = loop {
                step = match step {
                    Step::Need(request) => server.answer(host(request)).unwrap(),
                    Step::Challenge(challenge) => {
                        seen.push(challenge);
                        server.respond(messages.next().unwrap()).unwrap()
                    }
                    Step::Done(_) => break None,
                    Step::Failed(failure) => break Some(failure),
                };
            };
            if again {
                // Only because the same random octets came in twice, as they never do.
                assert_eq!(end, None, "{name}");
                assert_eq!(seen, challenges, "{name}");
            } else {
                assert!(end.is_some(), "{name}");
                assert_ne!(seen[0], challenges[0], "{name}: the server's part is its own");
            }
        }
        // With the new nonce written into the old proof, it is no proof.
        if first_is_clients {
            let mut channel = server_channel();
            channel.random = Some(b"others, as they should be");
            let offer = Offer::new(ALL).serves(SERVES);
            let mut server = offer.begin(name, &channel).unwrap();
            let Step::Need(request) = server.start(Some(&sent[0])).unwrap() else { panic!() };
            let Step::Challenge(challenge) = server.answer(host(request)).unwrap() else { panic!() };
            let nonce = |message: &[u8]| {
                let text = String::from_utf8(message.to_vec()).unwrap();
                text.split(',').find_map(|f| f.strip_prefix("r=")).unwrap().to_owned()
            };
            let last = String::from_utf8(sent[1].clone()).unwrap();
            let last = last.replace(&nonce(&challenges[0]), &nonce(&challenge));
            let step = server.respond(last.as_bytes()).unwrap();
            assert!(matches!(step, Step::Failed(Failure::Credentials)), "{name}: {step:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Any one octet of any message of a SCRAM exchange, changed: nobody is in, on neither side.
    #[test]
    fn no_octet_of_a_scram_exchange_can_be_changed(
        which in 0_usize..4, message in 0_usize..4, at in any::<prop::sample::Index>(), xor in 1_u8..,
    ) {
        let name = ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-512"][which];
        let mut changed = false;
        let play = Play { login: tim().acting_as("shared"), ..Play::of(name) };
        let end = play.tampered(&mut |n, octets| {
            if n == message {
                let at = at.index(octets.len());
                octets[at] ^= xor;
                changed = true;
            }
        });
        prop_assert!(changed);
        prop_assert!(!matches!(end, End::In(_)), "{:?}", end);
    }

    /// The same for the others: names, secrets and structure. (LOGIN's challenges nobody reads.)
    #[test]
    fn no_octet_of_another_login_can_be_changed(
        which in 0_usize..7, at in any::<prop::sample::Index>(), xor in 1_u8..,
    ) {
        let (name, message) = [
            ("PLAIN", 0),
            ("LOGIN", 1),
            ("LOGIN", 3),
            ("CRAM-MD5", 0),
            ("CRAM-MD5", 1),
            ("XOAUTH2", 0),
            ("OAUTHBEARER", 0),
        ][which];
        let (mut changed, mut same) = (false, false);
        let end = Play::of(name).tampered(&mut |n, octets| {
            if n == message {
                let at = at.index(octets.len());
                let before = octets[at];
                octets[at] ^= xor;
                changed = true;
                // The scheme's name in another case, and `y` for `n`, say the same.
                let scheme = octets.windows(6).position(|w| w.eq_ignore_ascii_case(b"Bearer"));
                same = (before ^ octets[at] == 0x20 && scheme.is_some_and(|s| (s..s + 6).contains(&at)))
                    || octets.starts_with(b"y,");
            }
        });
        prop_assert!(changed);
        prop_assert_eq!(matches!(end, End::In(_)), same, "{} {:?}", name, end);
    }
}

#[test]
fn a_message_cut_short_lets_nobody_in() {
    // One SCRAM hash does; LOGIN's challenges and ANONYMOUS's trace may be anything.
    let left_out =
        ["ANONYMOUS", "LOGIN", "SCRAM-SHA-512", "SCRAM-SHA-512-PLUS", "SCRAM-SHA-1", "SCRAM-SHA-256"];
    for mechanism in ALL.iter().filter(|m| !left_out.contains(&m.name())) {
        for message in 0..4 {
            // Each key derivation costs; cuts in steps do for SCRAM.
            for keep in (0..200).step_by(if mechanism.name().starts_with("SCRAM") { 9 } else { 1 }) {
                let mut cut = false;
                let end = Play::of(mechanism.name()).tampered(&mut |n, octets| {
                    if n == message && keep < octets.len() {
                        octets.truncate(keep);
                        cut = true;
                    }
                });
                assert!(!cut || !matches!(end, End::In(_)), "{mechanism:?} {message} {keep} {end:?}");
                if !cut {
                    break;
                }
            }
        }
    }
}
