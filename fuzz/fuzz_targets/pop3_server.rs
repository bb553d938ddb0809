//! Raw octets into the POP3 server machine, in each of its states.
#![no_main]
use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use mail_fuzz::Tape;
use mail_wire::Machine;
use pop3_proto::{Config, Event, Passwords, Server, Tolerance};

const STARTS: &[&str] = &[
    "",
    "USER a\r\n",
    "USER a\r\nPASS b\r\n",
    "AUTH PLAIN\r\n",
    "USER a\r\nPASS b\r\nDELE 1\r\n",
    "UTF8\r\nLANG *\r\n",
];

fn config(tolerance: Tolerance) -> Arc<Config> {
    let mut config = Config::default();
    config.passwords = Passwords::Always;
    config.tolerance = tolerance;
    config.limits.line = 80;
    config.limits.skipped = 300;
    Arc::new(config)
}
static TOLERANT: LazyLock<Arc<Config>> = LazyLock::new(|| config(Tolerance::TOLERANT));
static STRICT: LazyLock<Arc<Config>> = LazyLock::new(|| config(Tolerance::STRICT));

fn host() -> impl FnMut(&mut Server, &[u8]) {
    let mut logins = 0;
    move |server, frame| {
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
    }
}

fuzz_target!(|input: &[u8]| {
    let Some(tape) = Tape::new(input) else { return };
    let config = if tape.start >= 128 { &STRICT } else { &TOLERANT };
    mail_fuzz::drive(|| Server::new(Arc::clone(config)), tape.choose(STARTS).as_bytes(), &tape, host);
});
