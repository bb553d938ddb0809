//! Raw octets into the submission server machine, before and after login.
#![no_main]
use libfuzzer_sys::fuzz_target;
use mail_wire::Machine;
use smtp_submit_proto::{Config, Event, Mechanism, Server, status};

fuzz_target!(|data: &[u8]| {
    let mut config = Config::new("mx.example.test");
    config.mechanisms = vec![Mechanism::new("PLAIN", false)];
    let mut turn = 0_u32;
    mail_fuzz::drive(Server::new(config), data, |server, frame| {
        turn = turn.wrapping_add(1);
        let answered = match server.event(frame) {
            Event::Auth { .. } => server.challenge(b""),
            Event::AuthResponse(_) => server.authenticated(),
            Event::Mail { .. } => server.accept_mail(),
            Event::Rcpt { .. } if turn % 3 == 0 => server.refuse(status::NO_SUCH_MAILBOX, "no such user"),
            Event::Rcpt { .. } => server.accept_rcpt(),
            Event::DataBegin => server.accept_data(),
            Event::DataEnd { .. } => server.end_accepted("kept"),
            Event::Vrfy(_) | Event::Expn(_) => server.refuse(status::NO_SUCH_MAILBOX, "no"),
            _ => Ok(()),
        };
        answered.expect("each answer has its place");
    });
});
