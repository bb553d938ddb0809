//! Raw octets into the IMAP server machine in every state: the session answers as the octets want it.
#![no_main]
use imap4_proto::server::{Config, Event, Mechanism, Passwords, Server};
use imap4_proto::types::CommandKind;
use libfuzzer_sys::fuzz_target;
use mail_wire::Machine;

fuzz_target!(|data: &[u8]| {
    // The first octet chooses where the connection begins: most commands want a login.
    let Some((start, data)) = data.split_first() else { return };
    let mut config = Config::default();
    config.passwords = Passwords::Always;
    config.mechanisms = vec![Mechanism::new("PLAIN", false)];
    let server = if start % 2 == 0 { Server::new(config) } else { Server::preauthenticated(config) };
    let mut turn = 0_u32;
    mail_fuzz::drive(server, data, |server, frame| {
        turn = turn.wrapping_add(1);
        let answered = match server.event(frame) {
            Event::Command(command) => match command.kind() {
                CommandKind::Login => server.authenticated("in"),
                CommandKind::Select => server.exists(3).and_then(|()| server.selected(false, "opened")),
                CommandKind::Close | CommandKind::Unselect => server.closed("closed"),
                CommandKind::Logout => server.logout("bye"),
                CommandKind::Idle => server.accept_idle(),
                // RFC 8437: there is no NO to it.
                CommandKind::Unauthenticate => server.ok(None, "done"),
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
    });
});
