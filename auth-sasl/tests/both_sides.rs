//! Each mechanism, client against server in memory: logins that succeed, that fail, that somebody in
//! the middle has touched.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::field_reassign_with_default,
    reason = "a test may fail"
)]

use auth_sasl::{
    Answer, Authorization, BearerError, Channel, ChooseError, ClientError, ClientLogin, ClientMethod,
    ClientPolicy, Credential, Failure, Identity, Mechanism, Offer, Request, Secret, Step, choose,
    scram::{Decoy, Hash, StoredKeys},
};
use proptest::prelude::*;
use std::sync::LazyLock;

const ALL: &[Mechanism] = &[
    Mechanism::EXTERNAL,
    Mechanism::SCRAM_SHA_512_PLUS,
    Mechanism::SCRAM_SHA_256_PLUS,
    Mechanism::SCRAM_SHA_1_PLUS,
    Mechanism::SCRAM_SHA_512,
    Mechanism::SCRAM_SHA_256,
    Mechanism::SCRAM_SHA_1,
    Mechanism::OAUTHBEARER,
    Mechanism::XOAUTH2,
    Mechanism::CRAM_MD5,
    Mechanism::PLAIN,
    Mechanism::LOGIN,
    Mechanism::ANONYMOUS,
];
const SERVES: &[Credential] = &[
    Credential::Password,
    Credential::Bearer,
    Credential::ScramKeys(Hash::Sha1),
    Credential::ScramKeys(Hash::Sha256),
    Credential::ScramKeys(Hash::Sha512),
    Credential::CramMd5,
    Credential::Certificate,
    Credential::Anonymous,
];
const PASSWORD: &[u8] = b"tanstaaf";
static KEYS: LazyLock<[StoredKeys; 3]> = LazyLock::new(|| {
    [Hash::Sha1, Hash::Sha256, Hash::Sha512]
        .map(|hash| StoredKeys::derive(hash, PASSWORD, b"sixteen octets..", 4096).unwrap())
});

/// Tim may act as `shared`; `careless` is what a host answers that forgets whom it was asked about.
fn host(request: Request) -> Answer {
    let identity = |who: &str, authzid: Option<String>| match authzid.as_deref() {
        Some("careless") => Answer::Accepted(Identity::new(who, None)),
        None | Some("shared") => Answer::Accepted(Identity::new(who, authzid)),
        Some(_) => Answer::Refused(Failure::NotAuthorized),
    };
    match request {
        Request::Password(l) if l.authcid == "tim" && l.password.expose() == PASSWORD => {
            identity("tim", l.authzid)
        }
        Request::Bearer(l) if l.user.as_deref() == Some("tim") && l.token.expose() == b"tok4711" => {
            match (l.host.as_deref(), l.port) {
                (None, None) | (Some("mail.example"), Some(993)) => identity("tim", None),
                _ => Answer::Refused(Failure::Credentials),
            }
        }
        Request::Bearer(_) => Answer::BearerRefused(
            Failure::Credentials,
            BearerError { scope: "mail".into(), ..BearerError::default() },
        ),
        Request::ScramKeys(r) => {
            let keys = KEYS.iter().find(|k| k.hash() == r.hash).filter(|_| r.authcid == "tim");
            Answer::ScramKeys(keys.cloned())
        }
        Request::Authorize(Authorization { authcid, authzid, .. }) => identity(&authcid, authzid),
        Request::CramMd5(l) if l.verify(PASSWORD) && l.authcid == "tim" => identity("tim", None),
        Request::Certificate(l) if *l.certificate == *b"tim's" => identity("tim", l.authzid),
        Request::Anonymous(_) => Answer::Accepted(Identity::new("anonymous", None)),
        _ => Answer::Refused(Failure::Credentials),
    }
}

fn server_channel() -> Channel<'static> {
    let mut channel = Channel::default();
    channel.random = Some(b"the server's random octets");
    channel.decoy = Some(Decoy { key: b"the server's own key", iterations: 4096 });
    channel.tls_exporter = Some(b"exported keying material");
    channel.tls_server_end_point = Some(b"hash of the certificate");
    channel.client_certificate = Some(b"tim's");
    channel.host = Some("mail.example");
    channel
}

fn client_channel() -> Channel<'static> {
    let mut channel = Channel::default();
    channel.random = Some(b"the client's random octets");
    channel.tls_exporter = Some(b"exported keying material");
    channel
}

/// A login that any mechanism can use.
fn tim() -> ClientLogin {
    let mut login = ClientLogin::password("tim", Secret::new(PASSWORD)).at("mail.example", 993);
    login.token = Some(Secret::new(b"tok4711"));
    login.external = true;
    login.anonymous = Some("sirhc".into());
    login
}

fn policy() -> ClientPolicy {
    let mut policy = ClientPolicy::encrypted(true);
    policy.cram_md5 = true;
    policy
}

#[derive(Debug, PartialEq)]
enum End {
    In(Identity),
    /// The server refused.
    Refused(Failure),
    /// The client gave up, or does not believe the success.
    Gave(ClientError),
}

struct Play<'a> {
    mechanism: &'a str,
    login: ClientLogin,
    client: Channel<'a>,
    server: Channel<'a>,
    policy: ClientPolicy,
    initial: bool,
}

impl Play<'_> {
    fn of(mechanism: &str) -> Play<'_> {
        Play {
            mechanism,
            login: tim(),
            client: client_channel(),
            server: server_channel(),
            policy: policy(),
            initial: true,
        }
    }

    fn end(&self) -> End {
        self.tampered(&mut |_, _| ())
    }

    /// `tamper` sees each message, with its number, on its way.
    fn tampered(&self, tamper: &mut dyn FnMut(usize, &mut Vec<u8>)) -> End {
        let offer = Offer::new(ALL).serves(SERVES).clear_passwords(true);
        // The client sees what binds in the list, and takes this one.
        let methods: Vec<_> =
            ClientMethod::BEST_FIRST.iter().filter(|m| m.name() == self.mechanism).copied().collect();
        let mut client =
            choose(&methods, offer.names(), &self.login, &self.client, &self.policy).expect("usable");
        let mut server = offer.begin(self.mechanism, &self.server).expect("offered");
        hides(&(&client, &server, &self.login));
        let mut sent = 0;
        let mut through = |message: &mut Vec<u8>| {
            tamper(sent, message);
            sent += 1;
        };
        let initial = if self.initial { client.initial().unwrap() } else { None };
        let mut step = match initial {
            Some(initial) => {
                let mut initial = initial.expose().to_vec();
                through(&mut initial);
                server.start(Some(&initial)).unwrap()
            }
            None => server.start(None).unwrap(),
        };
        loop {
            hides(&(&client, &server, &step));
            step = match step {
                Step::Challenge(mut challenge) => {
                    through(&mut challenge);
                    match client.step(&challenge) {
                        Ok(response) => {
                            hides(&response);
                            let mut response = response.expose().to_vec();
                            through(&mut response);
                            server.respond(&response).unwrap()
                        }
                        Err(error) => return End::Gave(error),
                    }
                }
                Step::Need(request) => server.answer(host(request)).unwrap(),
                Step::Done(identity) => {
                    return match client.success(None) {
                        Ok(()) => End::In(identity),
                        Err(error) => End::Gave(error),
                    };
                }
                Step::Failed(failure) => return End::Refused(failure),
            };
        }
    }
}

/// Neither as text nor as numbers is a secret in what Debug shows.
fn hides(shown: &dyn std::fmt::Debug) {
    let shown = format!("{shown:?} {shown:#?}");
    for secret in ["tanstaaf", "116, 97, 110, 115", "tok4711", "116, 111, 107, 52"] {
        assert!(!shown.contains(secret), "{secret} is in {shown}");
    }
}

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
fn an_unknown_user_has_the_same_salt_every_time() {
    let salt = |user: &str, random: &'static [u8]| {
        let mut server = server_channel();
        server.random = Some(random);
        let mut salt = vec![];
        let login = ClientLogin::password(user, Secret::new(PASSWORD));
        let _ = Play { login, server, ..Play::of("SCRAM-SHA-256") }.tampered(&mut |n, m| {
            if n == 1 {
                let text = String::from_utf8(m.clone()).unwrap();
                salt = text.split_once(",s=").unwrap().1.as_bytes().to_vec();
            }
        });
        salt
    };
    assert_eq!(salt("nobody", b"eighteen octets...."), salt("nobody", b"eighteen others...."));
    assert_ne!(salt("nobody", b"eighteen octets...."), salt("nobody2", b"eighteen octets...."));
    // As long as a known user's, with as many iterations.
    assert_eq!(salt("nobody", b"eighteen octets....").len(), salt("tim", b"eighteen octets....").len());
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

#[test]
fn names_with_commas_and_equals_signs_arrive() {
    let mut server = Mechanism::SCRAM_SHA_256.begin(&server_channel());
    let login = ClientLogin::password("a,b=c", Secret::new(PASSWORD)).acting_as("=,=");
    let mut channel = Channel::default();
    channel.random = client_channel().random;
    let mut client =
        choose(ClientMethod::BEST_FIRST, ["SCRAM-SHA-256"], &login, &channel, &policy()).unwrap();
    let first = client.initial().unwrap().unwrap();
    assert!(first.expose().starts_with(b"n,a==3D=2C=3D,n=a=2Cb=3Dc,r="));
    let Step::Need(Request::ScramKeys(request)) = server.start(Some(first.expose())).unwrap() else {
        panic!()
    };
    assert_eq!(request.authcid, "a,b=c");
}

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

#[test]
fn prepared_and_unprepared_passwords_are_the_same_and_8_bit_ones_pass() {
    for hash in [Hash::Sha1, Hash::Sha256] {
        for (stored, typed) in [
            ("I\u{ad}X".as_bytes(), "\u{2168}".as_bytes()),
            ("e\u{301}".as_bytes(), "\u{e9}".as_bytes()),
            (b"p\xe4\xff", b"p\xe4\xff"),
        ] {
            let keys = StoredKeys::derive(hash, stored, b"salt", 4096).unwrap();
            assert!(keys.verify(typed));
        }
    }
}

#[test]
fn a_wrong_channel_binding_is_refused() {
    for name in ["SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-512-PLUS"] {
        let mut end_point = client_channel();
        end_point.tls_exporter = None;
        end_point.tls_server_end_point = server_channel().tls_server_end_point;
        assert!(matches!(Play { client: end_point, ..Play::of(name) }.end(), End::In(_)));

        // Two TLS connections with somebody in between.
        let mut other = client_channel();
        other.tls_exporter = Some(b"exported keying materiam");
        let end = Play { client: other, ..Play::of(name) }.end();
        assert_eq!(end, End::Refused(Failure::ChannelBinding), "{name}");

        // A server that has no binding of the client's type, or none at all.
        let mut server = server_channel();
        server.tls_exporter = None;
        assert_eq!(Play { server, ..Play::of(name) }.end(), End::Refused(Failure::ChannelBinding));
        let mut server = server_channel();
        (server.tls_exporter, server.tls_server_end_point) = (None, None);
        assert_eq!(Play { server, ..Play::of(name) }.end(), End::Refused(Failure::ChannelBinding));
    }
}

#[test]
fn a_list_without_its_plus_names_is_noticed() {
    let offer = Offer::new(ALL).serves(SERVES).clear_passwords(true);
    // Somebody took the -PLUS names from the list; the client could bind.
    let seen = offer.names().filter(|n| !n.ends_with("-PLUS"));
    let mut login = tim();
    login.external = false;
    let mut client = choose(ClientMethod::BEST_FIRST, seen, &login, &client_channel(), &policy()).unwrap();
    assert_eq!(client.name(), "SCRAM-SHA-512");
    let first = client.initial().unwrap().unwrap();
    assert!(first.expose().starts_with(b"y,,"));
    let mut server = offer.begin("SCRAM-SHA-512", &server_channel()).unwrap();
    let step = server.start(Some(first.expose())).unwrap();
    assert!(matches!(step, Step::Failed(Failure::ChannelBinding)), "{step:?}");
    // He writes `n` in place of `y`: the client signs what it sent.
    let mut forged = first.expose().to_vec();
    forged[0] = b'n';
    let mut server = offer.begin("SCRAM-SHA-512", &server_channel()).unwrap();
    let Step::Need(request) = server.start(Some(&forged)).unwrap() else { panic!() };
    let Step::Challenge(challenge) = server.answer(host(request)).unwrap() else { panic!() };
    let last = client.step(&challenge).unwrap();
    assert!(matches!(server.respond(last.expose()).unwrap(), Step::Failed(_)));
    // A server that lists none takes `y` for what it is.
    let none: Vec<_> = ALL.iter().filter(|m| !m.name().ends_with("-PLUS")).copied().collect();
    let offer = Offer::new(&none).serves(SERVES);
    let mut server = offer.begin("SCRAM-SHA-512", &server_channel()).unwrap();
    assert!(matches!(server.start(Some(first.expose())).unwrap(), Step::Need(_)));
}

#[test]
fn a_plus_name_is_listed_before_tls_and_a_client_without_tls_says_n() {
    let offer = Offer::new(ALL).serves(SERVES);
    assert!(offer.names().any(|n| n == "SCRAM-SHA-256-PLUS"));
    let mut channel = Channel::default();
    channel.random = client_channel().random;
    let mut login = tim();
    login.external = false;
    let mut client =
        choose(ClientMethod::BEST_FIRST, offer.names(), &login, &channel, &ClientPolicy::default()).unwrap();
    assert_eq!(client.name(), "SCRAM-SHA-512");
    assert!(client.initial().unwrap().unwrap().expose().starts_with(b"n,,"));
}

#[test]
fn a_success_without_the_servers_proof_is_none() {
    for name in ["SCRAM-SHA-1", "SCRAM-SHA-256-PLUS"] {
        let new = || {
            choose(
                ClientMethod::BEST_FIRST,
                [name],
                &ClientLogin::password("tim", Secret::new(PASSWORD)),
                &client_channel(),
                &policy(),
            )
            .unwrap()
        };
        let mut client = new();
        assert_eq!(client.success(None), Err(ClientError::NotProven));
        let mut client = new();
        let _ = client.initial();
        assert_eq!(client.success(None), Err(ClientError::NotProven));
        // And there it stays.
        assert_eq!(client.success(None), Err(ClientError::NotProven));
        assert_eq!(client.step(b"").unwrap_err(), ClientError::Unexpected);
    }
}

#[test]
fn a_refused_token_is_told_to_the_client_and_a_success_after_it_is_none() {
    for (name, status, reply) in [("OAUTHBEARER", "invalid_token", &b"\x01"[..]), ("XOAUTH2", "401", b"")] {
        let login = ClientLogin::token("tim", Secret::new(b"expired"));
        let mut client =
            choose(ClientMethod::BEST_FIRST, [name], &login, &client_channel(), &policy()).unwrap();
        let first = client.initial().unwrap().unwrap();
        let offer = Offer::new(ALL).serves(SERVES).clear_passwords(true);
        let mut server = offer.begin(name, &server_channel()).unwrap();
        let Step::Need(request) = server.start(Some(first.expose())).unwrap() else { panic!() };
        let Step::Challenge(json) = server.answer(host(request)).unwrap() else { panic!() };
        assert_eq!(client.step(&json).unwrap().expose(), reply);
        assert!(matches!(server.respond(reply).unwrap(), Step::Failed(Failure::Credentials)));
        let error = client.bearer_error().unwrap();
        assert_eq!((&*error.status, &*error.scope), (status, "mail"));
        assert_eq!(client.success(None), Err(ClientError::NotProven));
        // A server that fails at once, without a challenge, leaves nothing to tell.
        let mut client =
            choose(ClientMethod::BEST_FIRST, [name], &login, &client_channel(), &policy()).unwrap();
        let _ = client.initial().unwrap();
        assert_eq!(client.bearer_error(), None);
    }
}

#[test]
fn the_best_usable_mechanism_is_chosen() {
    let password = || ClientLogin::password("tim", Secret::new(PASSWORD));
    let token = || ClientLogin::token("tim", Secret::new(b"tok4711"));
    let plain_text = ClientPolicy::default();
    let encrypted = ClientPolicy::encrypted(true);
    let mut strict = encrypted;
    strict.require_binding = true;
    let mut no_sha1 = encrypted;
    no_sha1.sha1 = false;
    let everything: Vec<_> = ALL.iter().map(Mechanism::name).collect();
    for (offered, login, policy, chosen) in [
        (&everything[..], password(), encrypted, Ok("SCRAM-SHA-512-PLUS")),
        (&everything[..], password(), plain_text, Ok("SCRAM-SHA-512-PLUS")),
        (&["SCRAM-SHA-1-PLUS", "SCRAM-SHA-256"], password(), encrypted, Ok("SCRAM-SHA-1-PLUS")),
        (&["SCRAM-SHA-1-PLUS", "SCRAM-SHA-256"], password(), no_sha1, Ok("SCRAM-SHA-256")),
        (&["LOGIN", "plain"], password(), encrypted, Ok("PLAIN")),
        (&["LOGIN", "PLAIN"], password(), plain_text, Err(ChooseError::WantsEncryption)),
        (&["SCRAM-SHA-256", "PLAIN"], password(), strict, Err(ChooseError::NoneUsable)),
        (&["SCRAM-SHA-256-PLUS"], password(), strict, Ok("SCRAM-SHA-256-PLUS")),
        (&["CRAM-MD5", "LOGIN"], password(), encrypted, Ok("LOGIN")),
        (&["CRAM-MD5"], password(), encrypted, Err(ChooseError::NoneUsable)),
        (&["ANONYMOUS", "EXTERNAL", "XOAUTH2"], password(), encrypted, Err(ChooseError::NoneUsable)),
        (&everything[..], token(), encrypted, Ok("OAUTHBEARER")),
        (&["XOAUTH2"], token(), plain_text, Err(ChooseError::WantsEncryption)),
        (&everything[..], ClientLogin::external(), encrypted, Ok("EXTERNAL")),
        (&everything[..], ClientLogin::anonymous(""), plain_text, Ok("ANONYMOUS")),
        (&["GSSAPI"], password(), encrypted, Err(ChooseError::NoneUsable)),
        (&[], password(), encrypted, Err(ChooseError::NoneUsable)),
    ] {
        let got =
            choose(ClientMethod::BEST_FIRST, offered.iter().copied(), &login, &client_channel(), &policy);
        assert_eq!(got.map(|c| c.name()), chosen, "{offered:?} {login:?}");
    }
}

#[test]
fn what_cannot_be_sent_is_not_begun() {
    for (name, login) in [
        ("PLAIN", ClientLogin::password("", Secret::new(b"p"))),
        ("PLAIN", ClientLogin::password("a\0b", Secret::new(b"p"))),
        ("PLAIN", ClientLogin::password("a", Secret::new(b"p\0"))),
        ("PLAIN", ClientLogin::password("a", Secret::new(b""))),
        ("LOGIN", ClientLogin::password("a", Secret::new(b"p\r\n"))),
        ("SCRAM-SHA-1", ClientLogin::password("a\x07", Secret::new(b"p"))),
        ("SCRAM-SHA-1", ClientLogin::password("a", Secret::new(b"\x07"))),
        ("SCRAM-SHA-1-PLUS", ClientLogin::password("", Secret::new(b"p"))),
        ("XOAUTH2", ClientLogin::token("a\x01auth=Bearer x", Secret::new(b"t"))),
        ("XOAUTH2", ClientLogin::token("a", Secret::new(b"t\x01"))),
        ("OAUTHBEARER", ClientLogin::token("a", Secret::new(b"t")).at("h\x01x", 1)),
        ("ANONYMOUS", ClientLogin::anonymous("a\n")),
        ("ANONYMOUS", ClientLogin::anonymous("a".repeat(256))),
    ] {
        let got = choose(ClientMethod::BEST_FIRST, [name], &login, &client_channel(), &policy());
        assert_eq!(got.unwrap_err(), ChooseError::NoneUsable, "{name} {login:?}");
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
