//! OAUTHBEARER and XOAUTH2.

use auth_sasl::{ClientError, ClientLogin, ClientMethod, Failure, Offer, Secret, Step, choose};

use crate::play::{ALL, SERVES, client_channel, host, policy, server_channel};

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
