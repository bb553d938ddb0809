//! Raw octets into the POP3 server machine, before and after login.
#![no_main]
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use mail_wire::Machine;
use pop3_proto::{Config, Event, Passwords, Server};

fuzz_target!(|data: &[u8]| {
    let mut config = Config::default();
    config.passwords = Passwords::Always;
    let mut logins = 0;
    mail_fuzz::drive(Server::new(Arc::new(config)), data, |server, frame| {
        let answered = match server.event(frame) {
            Event::Answered(_) | Event::AuthCancel => Ok(()),
            Event::Auth { .. } => server.challenge(b"go on"),
            Event::Pass(_) | Event::AuthResponse(_) | Event::Apop { .. } => {
                logins += 1;
                if logins % 3 == 0 { server.err(None, "no") } else { server.logged_in("yes") }
            }
            Event::AuthList => server.mechanisms(&["PLAIN"]),
            Event::Capa => server.capabilities(&["PLAIN"]),
            Event::Stat => server.drop_listing(1, 5),
            Event::Retr(_) | Event::Top(..) => server
                .begin_body("here")
                .and_then(|()| server.body(".a\r\n.".into()))
                .and_then(|()| server.end_body()),
            Event::List(None) | Event::Uidl(None) => {
                server.begin_list("here").and_then(|()| server.end_list())
            }
            Event::List(Some(n)) => server.scan_listing(n, 5),
            Event::Uidl(Some(n)) => server.unique_id_listing(n, "abc"),
            Event::Dele(_) | Event::Rset | Event::Quit => server.ok("done"),
            _ => server.err(None, "not here"),
        };
        answered.expect("each answer has its place");
    });
});
