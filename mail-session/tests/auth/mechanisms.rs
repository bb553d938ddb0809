//! Every mechanism of `auth-sasl`, client against the authority of a server, and APOP.

use auth_sasl::{Channel, ClientLogin, ClientMethod, ClientPolicy, choose};
use bytes::Bytes;
use mail_session::{Encryption, auth::*};
use mail_wire::TlsInfo;

use crate::host::Host;

fn encrypted() -> LoginContext {
    let mut context = LoginContext::new(Protocol::Imap4, "[::1]:1", "s1");
    context.encryption = Encryption::Implicit;
    let mut tls = TlsInfo::default();
    tls.exporter = Some([9; 32]);
    tls.server_end_point = Some(Bytes::from_static(b"hash"));
    tls.peer_certificate = Some(Bytes::from_static(b"tim's"));
    context.tls = Some(tls);
    context
}

/// A client's exchange with the host by one mechanism, over the same TLS connection or, with another `exporter`,
/// over somebody else's. `plus` names a -PLUS mechanism the client saw listed.
async fn play(
    host: &Host,
    mechanism: &str,
    login: &ClientLogin,
    exporter: u8,
    plus: bool,
) -> Result<Identity, AuthErrorKind> {
    let context = encrypted();
    let exporter = [exporter; 32];
    let mut channel = Channel::default();
    channel.tls_exporter = Some(&exporter);
    channel.random = Some(&[3; 24]);
    let mut policy = ClientPolicy::encrypted(true);
    policy.cram_md5 = true;
    let names = [mechanism].into_iter().chain(plus.then_some("SCRAM-SHA-512-PLUS"));
    let methods: Vec<_> =
        ClientMethod::BEST_FIRST.iter().filter(|m| m.name() == mechanism).copied().collect();
    let mut client = choose(&methods, names, login, &channel, &policy).unwrap();
    let mut exchange = Exchange::new(host, &context, mechanism).map_err(|e| e.kind)?;
    let initial = client.initial().unwrap();
    let mut outcome = exchange.start(host, &context, initial.as_ref().map(Secret::expose)).await;
    loop {
        match outcome {
            Outcome::Challenge(challenge) => {
                let Ok(response) = client.step(&challenge) else { return Err(exchange.cancel().kind) };
                outcome = exchange.respond(host, &context, response.expose()).await;
            }
            Outcome::Done(identity) => {
                client.success(None).unwrap();
                return Ok(identity);
            }
            Outcome::Failed(error) => return Err(error.kind),
        }
    }
}

fn login(mechanism: &str, user: &str, secret: &[u8]) -> ClientLogin {
    let secret = Secret::new(secret);
    match mechanism {
        "EXTERNAL" => ClientLogin::external(),
        "ANONYMOUS" => ClientLogin::anonymous("somebody"),
        "OAUTHBEARER" | "XOAUTH2" => ClientLogin::token(user, secret),
        _ => ClientLogin::password(user, secret),
    }
}

#[test]
fn every_mechanism_lets_in_who_may_and_nobody_else() {
    smol::block_on(async {
        for mechanism in Mechanism::ALL.iter().map(Mechanism::name) {
            let host = Host::default();
            let play = async |login: &ClientLogin| play(&host, mechanism, login, 9, true).await;
            let right = play(&login(mechanism, "tim", b"tanstaaf")).await;
            if mechanism == "ANONYMOUS" {
                assert_eq!(right, Ok(Identity::new("anonymous")));
                continue;
            }
            assert_eq!(right, Ok(Identity::new("tim")), "{mechanism}");
            // OAUTHBEARER and XOAUTH2 say whose mailbox they want by the user, LOGIN and CRAM-MD5 nothing.
            let can_act = mechanism.contains("SCRAM") || matches!(mechanism, "PLAIN" | "EXTERNAL");
            if can_act {
                let shared = play(&login(mechanism, "tim", b"tanstaaf").acting_as("shared")).await;
                assert_eq!(shared, Ok(Identity::acting("tim", "shared", "shared")), "{mechanism}");
                let boss = play(&login(mechanism, "tim", b"tanstaaf").acting_as("boss")).await;
                assert_eq!(boss, Err(AuthErrorKind::NotAllowed), "{mechanism}");
            }
            if mechanism == "EXTERNAL" {
                continue;
            }
            assert!(host.disproved.lock().unwrap().is_empty(), "{mechanism}");
            for (user, secret) in [("tim", &b"wrong"[..]), ("nobody", b"tanstaaf")] {
                let wrong = play(&login(mechanism, user, secret)).await;
                assert_eq!(wrong, Err(AuthErrorKind::Wrong), "{mechanism} {user}");
            }
            // An authority that saw no password is told of the wrong proofs, to count them.
            let told = std::mem::take(&mut *host.disproved.lock().unwrap());
            let proof = mechanism.contains("SCRAM") || mechanism == "CRAM-MD5";
            assert_eq!(told, if proof { vec!["tim", "nobody"] } else { vec![] }, "{mechanism}");
        }
    });
}

#[test]
fn somebody_in_between_is_noticed() {
    smol::block_on(async {
        let host = Host::default();
        let tim = login("", "tim", b"tanstaaf");
        for hash in ["512", "256", "1"] {
            let plus = format!("SCRAM-SHA-{hash}-PLUS");
            // Two TLS connections where there should be one.
            assert_eq!(play(&host, &plus, &tim, 8, true).await, Err(AuthErrorKind::ChannelBinding));
            // The client, which could bind, saw no -PLUS mechanism listed: somebody removed them.
            let plain = format!("SCRAM-SHA-{hash}");
            assert_eq!(play(&host, &plain, &tim, 9, false).await, Err(AuthErrorKind::ChannelBinding));
        }
        assert!(host.disproved.lock().unwrap().is_empty(), "that is no guess at a password");
    });
}

#[test]
fn what_is_listed_follows_the_connection() {
    let host = Host::default();
    let names = |context: &LoginContext| offered(&host, context).collect::<Vec<_>>();
    let all: Vec<_> = Mechanism::ALL.iter().map(Mechanism::name).collect();
    let without = |what: &[&str]| {
        all.iter().copied().filter(|n| !what.iter().any(|w| n.contains(w))).collect::<Vec<_>>()
    };
    let mut context = encrypted();
    assert_eq!(names(&context), all);
    context.tls.as_mut().unwrap().peer_certificate = None;
    assert_eq!(names(&context), without(&["EXTERNAL"]));
    context.tls = None;
    context.encryption = Encryption::OnRequest;
    let shows = ["EXTERNAL", "OAUTH", "LOGIN", "PLAIN"];
    assert_eq!(names(&context), without(&shows), "before TLS, -PLUS is listed already");
    context.encryption = Encryption::None;
    assert_eq!(names(&context), without(&["EXTERNAL", "OAUTH", "LOGIN", "PLAIN", "-PLUS"]));
    // And for machines that decide themselves.
    context.encryption = Encryption::OnRequest;
    for m in listed(&host, &context) {
        assert_eq!(m.needs_tls, matches!(m.name, "OAUTHBEARER" | "XOAUTH2" | "PLAIN" | "LOGIN"), "{m:?}");
        assert_eq!(m.needs_certificate, m.name == "EXTERNAL");
    }
    assert_eq!(listed(&host, &context).len(), all.len());
}

#[test]
fn apop_takes_the_shared_secret() {
    smol::block_on(async {
        let host = Host::default();
        let context = encrypted();
        let timestamp = apop_timestamp(&host, &context).unwrap();
        assert_eq!(timestamp, format!("<{}@localhost>", "07".repeat(16)));
        for (user, secret, result) in [
            (&b"tim"[..], &b"tanstaaf"[..], Ok(Identity::new("tim"))),
            (b"tim", b"wrong", Err(AuthErrorKind::Wrong)),
            (b"nobody", b"tanstaaf", Err(AuthErrorKind::Wrong)),
            (b"\xff", b"tanstaaf", Err(AuthErrorKind::Wrong)),
        ] {
            let digest = auth_sasl::apop::digest(timestamp.as_bytes(), secret);
            let got = apop(&host, &context, user, timestamp.as_bytes(), &digest).await;
            assert_eq!(got.map_err(|e| e.kind), result);
        }
        assert_eq!(*host.disproved.lock().unwrap(), ["tim", "nobody", ""]);
    });
}

#[test]
fn a_host_that_knows_passwords_alone_serves_nothing_else() {
    struct Small;
    impl Authority for Small {
        async fn password(
            &self,
            _: &LoginContext,
            user: &str,
            _: Option<&str>,
            _: &[u8],
        ) -> Result<Identity, AuthError> {
            Ok(Identity::new(user))
        }
        fn mechanisms(&self, _: &LoginContext) -> &[Mechanism] {
            Mechanism::ALL
        }
    }
    let context = encrypted();
    assert_eq!(offered(&Small, &context).collect::<Vec<_>>(), ["PLAIN", "LOGIN"]);
    assert_eq!(apop_timestamp(&Small, &context), None);
    let refused = smol::block_on(apop(&Small, &context, b"tim", b"<1@h>", &[0; 16]));
    assert_eq!(refused.unwrap_err().kind, AuthErrorKind::Unsupported);
}
