//! RFC 8437: UNAUTHENTICATE.

use std::time::Duration;

use imap4_proto::{
    client::Event as Heard,
    server::{Event, Server, State},
    types::{Capabilities, Command},
};
use mail_wire::Machine;

use crate::duet::{Duet, off, ok};

#[test]
fn section_3_a_connection_serves_one_user_after_the_other() {
    let mut duet = Duet::selected();
    duet.ask(
        "ENABLE UIDONLY",
        |s, c| {
            let Command::Enable(list) = c else { panic!() };
            s.enable(list.known()).unwrap();
            ok(s);
        },
        "* ENABLED UIDONLY
         $ OK done",
    );
    // LOGIN may follow at once.
    duet.peer.client.command(&Command::Unauthenticate).unwrap();
    duet.peer.client.login("joe", "secret").unwrap();
    assert!(duet.peer.client.command(&Command::Check).is_err(), "nothing is selected any more");
    duet.carry(&mut |s, event| match event {
        Event::Command(Command::Unauthenticate) => {
            // "A NO response is not permitted."
            assert!(s.no(None, "no").is_err());
            ok(s);
            assert_eq!((s.state(), s.enabled()), (State::NotAuthenticated, Capabilities::NONE));
        }
        Event::Command(Command::Login { user, .. }) => {
            assert!(user == "joe");
            s.authenticated("in").unwrap();
        }
        other => panic!("{other:?}"),
    });
    assert_eq!(duet.peer.client.enabled(), Capabilities::NONE);
    assert_eq!(
        (duet.talk.server.state(), duet.peer.client.state()),
        (State::Authenticated, State::Authenticated)
    );
    let done = duet.peer.heard.iter().filter(|h| h.starts_with("Done")).count();
    assert_eq!(done, 2, "{:?}", duet.peer.heard);
    _ = Heard::Idling;
}

#[test]
fn the_time_to_log_in_begins_anew() {
    let mut duet = Duet::selected();
    duet.talk.wait(Duration::from_secs(3600));
    duet.done("UNAUTHENTICATE", |s, _| ok(s));
    let deadline = duet.talk.server.deadline().unwrap();
    assert_eq!(deadline, duet.talk.now + duet.talk.server.config().timeouts.login);
    duet.talk.server.handle_timeout(deadline);
    assert!(duet.talk.output().starts_with("* BYE"));
}

#[test]
fn it_has_its_place_and_its_capability() {
    let mut duet = Duet::selected();
    duet.done("UNAUTHENTICATE", |s: &mut Server, _| ok(s));
    duet.refused("UNAUTHENTICATE", "BAD Log in first");
    off(Capabilities::UNAUTHENTICATE, &[("UNAUTHENTICATE", "BAD Unknown command")]);
}
