//! Raw octets into the IMAP server machine in every state: the session answers as the octets want it.
#![no_main]
use std::sync::{Arc, LazyLock};

use imap4_proto::{
    server::{Config, Event, Mechanism, Passwords, Server},
    types::{Capabilities, CommandKind},
};
use libfuzzer_sys::fuzz_target;
use mail_fuzz::Tape;
use mail_wire::Machine;

/// Where the connection begins: whether it is logged in, and what was said so far.
const STARTS: &[(bool, &str)] = &[
    (false, ""),
    (true, ""),
    (true, "a SELECT INBOX\r\n"),
    (true, "a APPEND x {9+}\r\n"),
    (true, "a APPEND x (\\Seen) {9}\r\n12345"),
    (false, "a AUTHENTICATE PLAIN\r\n"),
    (false, "a LOGIN {3+}\r\n"),
    (true, "a IDLE\r\n"),
    (true, "a SELECT INBOX\r\nb IDLE\r\n"),
    (true, "a APPEND x CATENATE (URL /a TEXT {4+}\r\n"),
    (true, "a SELECT x\r\nb REPLACE 1 x {5+}\r\n"),
    (true, "a ENABLE UTF8=ACCEPT\r\nb APPEND x UTF8 (~{4+}\r\n"),
    (true, "a ENABLE UIDONLY\r\nb SELECT x\r\n"),
    (true, "a SELECT x\r\nb SEARCH CHARSET UTF-8 OR TEXT {3+}\r\nabc "),
];

static CONFIG: LazyLock<Arc<Config>> = LazyLock::new(|| {
    let mut config = Config::default();
    config.capabilities = Capabilities::from_bits(u128::MAX).without(Capabilities::LITERAL_MINUS);
    config.passwords = Passwords::Always;
    config.mechanisms = vec![Mechanism::new("PLAIN", false)];
    config.append_limit = Some(1000);
    // So that they are passed by inputs of the size a fuzzer makes.
    config.limits.line = 600;
    config.limits.login_line = 200;
    config.limits.literals = 300;
    config.limits.login_literals = 60;
    config.limits.dropped = 200;
    Arc::new(config)
});

/// Answers every event: what is refused is refused by turns.
fn host() -> impl FnMut(&mut Server, &[u8]) {
    let mut turn = 0_u32;
    move |server, frame| {
        let event = server.event(frame);
        // Chunks come as the cuts are.
        turn = turn.wrapping_add(u32::from(!matches!(event, Event::AppendChunk(_))));
        let answered = match event {
            Event::Command(command) => match command.kind() {
                CommandKind::Login => server.authenticated("in"),
                CommandKind::Select | CommandKind::Examine if turn % 7 == 6 => server.no(None, "no"),
                CommandKind::Select => server.exists(3).and_then(|()| server.selected(false, "opened")),
                CommandKind::Examine => server.exists(3).and_then(|()| server.selected(true, "opened")),
                CommandKind::Close | CommandKind::Unselect => server.closed("closed"),
                CommandKind::Logout => server.logout("bye"),
                CommandKind::Idle => server.accept_idle(),
                // RFC 8437: there is no NO to it.
                CommandKind::Unauthenticate => server.ok(None, "done"),
                CommandKind::Enable => {
                    let all = Capabilities::UTF8_ACCEPT | Capabilities::UIDONLY | Capabilities::QRESYNC;
                    server.enable(all).and_then(|()| server.ok(None, "enabled"))
                }
                _ if turn % 5 == 0 => server.no(None, "no"),
                _ => server.ok(None, "done"),
            },
            Event::Auth { .. } => server.challenge(b"go on"),
            Event::AuthResponse(_) => server.authenticated("in"),
            Event::AppendBegin(_) | Event::AppendPart(_) | Event::AppendNext(_) if turn % 4 == 0 => {
                server.refuse_literal(None, "no")
            }
            Event::AppendBegin(_) | Event::AppendPart(_) | Event::AppendNext(_) => server.accept_literal(),
            Event::AppendEnd | Event::IdleDone => server.ok(None, "done"),
            _ => Ok(()),
        };
        answered.expect("each answer has its place");
    }
}

fuzz_target!(|input: &[u8]| {
    let Some(tape) = Tape::new(input) else { return };
    let (logged_in, prefix) = tape.choose(STARTS);
    let server = || {
        let config = Arc::clone(&CONFIG);
        if logged_in { Server::preauthenticated(config) } else { Server::new(config) }
    };
    mail_fuzz::drive(server, prefix.as_bytes(), &tape, host);
});
