//! How names are spelled.

use auth_sasl::{Offer, Request, Step};

use crate::play::{ALL, SERVES, server_channel};

#[test]
fn a_name_is_asked_about_as_saslprep_makes_it_and_look_alikes_are_others() {
    let asked = |mechanism: &str, user: &str| {
        let mut server =
            Offer::new(ALL).serves(SERVES).clear_passwords(true).begin(mechanism, &server_channel());
        let server = server.as_mut().unwrap();
        let step = match mechanism {
            "PLAIN" => server.start(Some(format!("\0{user}\0x").as_bytes())).unwrap(),
            "LOGIN" => match server.start(Some(user.as_bytes())).unwrap() {
                Step::Challenge(_) => server.respond(b"x").unwrap(),
                step => step,
            },
            _ => server.start(Some(format!("n,,n={user},r=N").as_bytes())).unwrap(),
        };
        match step {
            Step::Need(Request::Password(l)) => Ok(l.authcid),
            Step::Need(Request::ScramKeys(r)) => Ok(r.authcid),
            Step::Failed(failure) => Err(failure),
            step => panic!("{step:?}"),
        }
    };
    for mechanism in ["PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        for (spelled, name) in [
            ("\u{ff54}\u{ff49}\u{ff4d}", Some("tim")),
            ("t\u{ad}im", Some("tim")),
            ("ti\u{1d5c6}", Some("tim")),
            ("jo\u{308}rg", Some("j\u{f6}rg")),
            ("tim\u{a0}x", Some("tim x")),
            // The Cyrillic and the Turkish one are their own; so is another case.
            ("t\u{456}m", Some("t\u{456}m")),
            ("t\u{131}m", Some("t\u{131}m")),
            ("TIM", Some("TIM")),
            // What is not seen, or turns the direction, is in no name.
            ("tim\u{200e}", None),
            ("tim\u{202e}", None),
            ("tim\u{627}", None),
            ("tim\u{7}", None),
            ("\u{ad}", None),
        ] {
            assert_eq!(asked(mechanism, spelled).ok().as_deref(), name, "{mechanism} {spelled:?}");
        }
    }
}
