//! What holds for every mechanism.

use auth_sasl::{ChooseError, ClientLogin, ClientMethod, Failure, Identity, Secret, choose};

use crate::play::{ALL, End, PASSWORD, Play, client_channel, policy, tim};

#[test]
fn every_mechanism_lets_the_right_one_in_with_and_without_an_initial_response() {
    for mechanism in ALL {
        for initial in [true, false] {
            let name = mechanism.name();
            let who = if name == "ANONYMOUS" { "anonymous" } else { "tim" };
            let play = Play { initial, ..Play::of(name) };
            assert_eq!(play.end(), End::In(Identity::new(who, None)), "{name} {initial}");
        }
    }
}

#[test]
fn a_wrong_password_or_token_is_refused_and_an_unknown_user_looks_the_same() {
    let wrong = |user: &str| {
        let mut login = tim();
        login.password = Some(Secret::new(b"wrong"));
        login.token = Some(Secret::new(b"wrong"));
        login.authcid = user.into();
        login
    };
    for mechanism in ALL.iter().filter(|m| !matches!(m.name(), "EXTERNAL" | "ANONYMOUS")) {
        for user in ["tim", "nobody"] {
            let mut lengths = vec![];
            let play = Play { login: wrong(user), ..Play::of(mechanism.name()) };
            let end = play.tampered(&mut |_, m| lengths.push(m.len()));
            assert_eq!(end, End::Refused(Failure::Credentials), "{mechanism:?} {user}");
            if mechanism.name().starts_with("SCRAM") {
                assert_eq!(lengths.len(), 3, "an unknown user gets a challenge too");
            }
        }
    }
    // Nobody's own password opens nothing, though the decoy is a key like others.
    let play =
        Play { login: ClientLogin::password("nobody", Secret::new(PASSWORD)), ..Play::of("SCRAM-SHA-256") };
    assert_eq!(play.end(), End::Refused(Failure::Credentials));
}

#[test]
fn an_authorization_identity_is_honoured_or_refused() {
    for mechanism in ALL {
        let name = mechanism.name();
        if !(name == "PLAIN" || name == "EXTERNAL" || name.starts_with("SCRAM")) {
            // It cannot be said: the mechanism is not used.
            let offer = [name];
            let chosen = choose(
                ClientMethod::BEST_FIRST,
                offer,
                &tim().acting_as("shared"),
                &client_channel(),
                &policy(),
            );
            assert_eq!(chosen.unwrap_err(), ChooseError::NoneUsable, "{name}");
            continue;
        }
        for (authzid, end) in [
            ("shared", End::In(Identity::new("tim", Some("shared".into())))),
            ("boss", End::Refused(Failure::NotAuthorized)),
            // The host forgot it: not the mechanism.
            ("careless", End::Refused(Failure::NotAuthorized)),
        ] {
            let play = Play { login: tim().acting_as(authzid), ..Play::of(name) };
            assert_eq!(play.end(), end, "{name} {authzid}");
        }
    }
}
