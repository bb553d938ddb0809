use super::*;
use crate::{
    Answer, Authorization, ClientError, ClientExchange, ClientLogin, ClientPolicy, Failure, Identity,
    Request, Secret, ServerExchange, Step,
};
use alloc::boxed::Box;
use base64::{Engine as _, engine::general_purpose::STANDARD};

const RANDOM: &[u8] = b"eighteen or more octets";

fn channel() -> Channel<'static> {
    let decoy = Decoy { key: b"server's own", iterations: 4096 };
    Channel { random: Some(RANDOM), decoy: Some(decoy), ..Channel::default() }
}

struct Vector {
    hash: Hash,
    client_nonce: &'static str,
    server_nonce: &'static str,
    salt: &'static str,
    messages: [&'static str; 4],
}

const VECTORS: &[Vector] = &[
    // RFC 5802 section 5.
    Vector {
        hash: Hash::Sha1,
        client_nonce: "fyko+d2lbbFgONRv9qkxdawL",
        server_nonce: "3rfcNHYJY1ZVvWVs7j",
        salt: "QSXCR+Q6sek8bf92",
        messages: [
            "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
            "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        ],
    },
    // RFC 7677 section 3.
    Vector {
        hash: Hash::Sha256,
        client_nonce: "rOprNGfwEbeRWgbNEkqO",
        server_nonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
        salt: "W22ZaJ0SNY7soEsUEjb6gQ==",
        messages: [
            "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ],
    },
];

#[test]
fn the_rfcs_exchanges_octet_for_octet() {
    for v in VECTORS {
        let login = ClientLogin::password("user", Secret::new(b"pencil"));
        let client = Client::new(v.hash, false, &login, &channel(), false, &ClientPolicy::default()).unwrap();
        let mut client = ClientExchange::new(Box::new(client.with_nonce(v.client_nonce)));
        let mut server =
            ServerExchange::new(Box::new(Server::new(v.hash, false, &channel()).with_nonce(v.server_nonce)));
        let [first, challenge, last, proof] = v.messages;

        assert_eq!(client.initial().unwrap().unwrap().expose(), first.as_bytes());
        let Step::Need(Request::ScramKeys(request)) = server.start(Some(first.as_bytes())).unwrap() else {
            panic!()
        };
        assert_eq!((request.authcid.as_str(), request.hash), ("user", v.hash));
        let salt = STANDARD.decode(v.salt).unwrap();
        let keys = StoredKeys::derive(v.hash, b"pencil", &salt, 4096).unwrap();
        let Step::Challenge(sent) = server.answer(Answer::ScramKeys(Some(keys))).unwrap() else { panic!() };
        assert_eq!(sent, challenge.as_bytes());
        assert_eq!(client.success(None), Err(ClientError::NotProven));

        let client = Client::new(v.hash, false, &login, &channel(), false, &ClientPolicy::default()).unwrap();
        let mut client = ClientExchange::new(Box::new(client.with_nonce(v.client_nonce)));
        let _ = client.initial().unwrap();
        assert_eq!(client.step(&sent).unwrap().expose(), last.as_bytes());
        let Step::Need(Request::Authorize(question)) = server.respond(last.as_bytes()).unwrap() else {
            panic!()
        };
        assert_eq!(question, Authorization::new("user".into(), None));
        let Step::Challenge(sent) = server.answer(Answer::Accepted(Identity::new("user", None))).unwrap()
        else {
            panic!()
        };
        assert_eq!(sent, proof.as_bytes());
        assert_eq!(client.step(&sent).unwrap().expose(), b"");
        assert!(matches!(server.respond(b"").unwrap(), Step::Done(i) if i.authcid == "user"));
        assert_eq!(client.success(None), Ok(()));
    }
}

/// Protocols that carry the server's proof with its success need no empty response.
#[test]
fn a_proof_may_come_with_the_success() {
    let v = &VECTORS[1];
    for (data, end) in [
        (Some(v.messages[3]), Ok(())),
        (None, Err(ClientError::NotProven)),
        (Some("v=rmF9pqV8S7suAoZWja4dJRkFsKQ="), Err(ClientError::Malformed)),
        (Some("v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), Err(ClientError::FalseServer)),
        (Some("e=invalid-proof"), Err(ClientError::Refused)),
    ] {
        let login = ClientLogin::password("user", Secret::new(b"pencil"));
        let client = Client::new(v.hash, false, &login, &channel(), false, &ClientPolicy::default()).unwrap();
        let mut client = ClientExchange::new(Box::new(client.with_nonce(v.client_nonce)));
        let _ = client.initial().unwrap();
        let _ = client.step(v.messages[1].as_bytes()).unwrap();
        assert_eq!(client.success(data.map(str::as_bytes)), end, "{data:?}");
    }
}

#[test]
fn a_server_that_asks_too_much_or_too_little_is_refused() {
    let v = &VECTORS[0];
    for (challenge, error) in [
        ("r=N1,s=QSXC,i=4095", ClientError::Iterations(4095)),
        ("r=N1,s=QSXC,i=1000001", ClientError::Iterations(1_000_001)),
        ("r=N1,s=QSXC,i=4294967296", ClientError::Malformed),
        ("r=N1,s=QSXC,i=0", ClientError::Malformed),
        ("r=N1,s=QSXC,i=-1", ClientError::Malformed),
        ("r=N1,s=QSXC", ClientError::Malformed),
        ("r=N1,s=,i=4096", ClientError::Malformed),
        ("r=N1,s=Q,i=4096", ClientError::Malformed),
        // The server's part of the nonce is missing, or the client's is not ours.
        ("r=N,s=QSXC,i=4096", ClientError::Malformed),
        ("r=M1,s=QSXC,i=4096", ClientError::Malformed),
        // A mandatory extension.
        ("m=x,r=N1,s=QSXC,i=4096", ClientError::Malformed),
        ("r=N1,i=4096,s=QSXC", ClientError::Malformed),
        ("r=N1,s=QSXC,i=4096,", ClientError::Malformed),
        ("r=N1\u{e9},s=QSXC,i=4096", ClientError::Malformed),
        ("", ClientError::Malformed),
    ] {
        let login = ClientLogin::password("user", Secret::new(b"pencil"));
        let client = Client::new(v.hash, false, &login, &channel(), false, &ClientPolicy::default()).unwrap();
        let mut client = ClientExchange::new(Box::new(client.with_nonce("N")));
        let _ = client.initial().unwrap();
        assert_eq!(client.step(challenge.as_bytes()).unwrap_err(), error, "{challenge}");
        assert_eq!(client.step(b"").unwrap_err(), ClientError::Unexpected);
    }
}

/// Nothing is hashed before the number is looked at: the most a server can ask would take the client an hour.
#[test]
fn how_many_iterations_a_client_makes_is_its_policy() {
    let bounds =
        |least, most| ClientPolicy { min_iterations: least, max_iterations: most, ..ClientPolicy::default() };
    for hash in [Hash::Sha1, Hash::Sha256, Hash::Sha512] {
        for (policy, iterations, fits) in [
            (bounds(4096, 5000), 5000, true),
            (bounds(4096, 5000), 5001, false),
            (bounds(5000, 6000), 4999, false),
            (bounds(1, 1), 1, true),
            (bounds(1, 1), 4096, false),
            (ClientPolicy::default(), 1_000_001, false),
            (ClientPolicy::default(), u32::MAX, false),
            (bounds(4096, u32::MAX - 1), u32::MAX, false),
        ] {
            let login = ClientLogin::password("user", Secret::new(b"pencil"));
            let client = Client::new(hash, false, &login, &channel(), false, &policy).unwrap();
            let mut client = ClientExchange::new(Box::new(client.with_nonce("N")));
            let _ = client.initial().unwrap();
            let got = client.step(alloc::format!("r=N1,s=QSXC,i={iterations}").as_bytes()).map(|_| ());
            let wanted = if fits { Ok(()) } else { Err(ClientError::Iterations(iterations)) };
            assert_eq!(got, wanted, "{iterations}");
            // A success of such a server is none either.
            assert_eq!(client.success(None), Err(ClientError::NotProven));
        }
    }
}

#[test]
fn optional_extensions_are_passed_over() {
    let login = ClientLogin::password("user", Secret::new(b"pencil"));
    let client = Client::new(Hash::Sha1, false, &login, &channel(), false, &ClientPolicy::default()).unwrap();
    let mut client = ClientExchange::new(Box::new(client.with_nonce("N")));
    let _ = client.initial().unwrap();
    assert!(client.step(b"r=N1,s=QSXC,i=4096,x=y,z=a=b").is_ok());
    let mut server = ServerExchange::new(Box::new(Server::new(Hash::Sha1, false, &channel())));
    assert!(matches!(server.start(Some(b"n,,n=u,r=N,x=y")).unwrap(), Step::Need(_)));
}

#[test]
fn first_messages_the_server_refuses() {
    use Failure::{ChannelBinding, Malformed, TooLong};
    let long = [b"n,,n=", &[b'u'; 1025][..], b",r=N"].concat();
    for (plus, message, failure) in [
        (false, &b""[..], Malformed),
        (false, b"n,,", Malformed),
        (false, b"n,,n=,r=N", Malformed),
        (false, b"n,,n=u", Malformed),
        (false, b"n,,n=u,r=", Malformed),
        (false, b"n,,r=N,n=u", Malformed),
        (false, b"n,,m=x,n=u,r=N", Malformed),
        (false, b"n,,n=u=,r=N", Malformed),
        (false, b"n,,n=u=2c,r=N", Malformed),
        (false, b"n,,n=u\x07,r=N", Malformed),
        (false, b"n,,n=\xff,r=N", Malformed),
        (false, b"n,,n=u,r=N\xc3\xa9", Malformed),
        (false, b"n,,n=u,r=N,", Malformed),
        (false, b"p=tls-exporter,,n=u,r=N", Malformed),
        (true, b"n,,n=u,r=N", Malformed),
        (true, b"y,,n=u,r=N", Malformed),
        (true, b"p=tls-unique,,n=u,r=N", ChannelBinding),
        (true, b"p=tls-exporter,,n=u,r=N", ChannelBinding),
        (false, &long, TooLong),
    ] {
        let mut server = Server::new(Hash::Sha256, plus, &channel());
        let step = crate::ServerMechanism::start(&mut server, Some(message));
        assert!(matches!(step, Step::Failed(f) if f == failure), "{message:?} {step:?}");
    }
}

#[test]
fn without_random_octets_or_a_decoy_there_is_no_exchange() {
    let mut poor = [channel(), channel(), channel(), channel()];
    poor[0].random = None;
    poor[1].random = Some(b"short");
    poor[2].decoy = None;
    poor[3].decoy = Some(Decoy { key: b"", iterations: 4096 });
    for channel in poor {
        let mut server = ServerExchange::new(Box::new(Server::new(Hash::Sha1, false, &channel)));
        assert!(matches!(server.start(None).unwrap(), Step::Failed(Failure::Unavailable)));
    }
    let login = ClientLogin::password("user", Secret::new(b"pencil"));
    let client = Client::new(Hash::Sha1, false, &login, &Channel::default(), false, &ClientPolicy::default());
    assert_eq!(client.unwrap_err(), ClientError::Unusable);
}

#[test]
fn nothing_of_a_login_is_shown() {
    let login = ClientLogin::password("user", Secret::new(b"pencil"));
    let client = Client::new(Hash::Sha1, false, &login, &channel(), false, &ClientPolicy::default()).unwrap();
    let shown = alloc::format!("{client:?} {login:?} {:?}", Server::new(Hash::Sha1, true, &channel()));
    assert!(!shown.contains("pencil"), "{shown}");
}
