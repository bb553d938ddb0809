//! SCRAM, with and without channel binding.

use auth_sasl::{
    Channel, ClientError, ClientLogin, ClientMethod, ClientPolicy, Failure, Mechanism, Offer, Request,
    Secret, Step, choose,
    scram::{Hash, StoredKeys},
};

use crate::play::{ALL, End, PASSWORD, Play, SERVES, client_channel, host, policy, server_channel, tim};

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
