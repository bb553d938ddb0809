//! SMTP as a server hears it.

use std::{hint::black_box, sync::Arc};

use mail_wire::Machine as _;
use smtp_submit_proto::{Command, Config, Event, Rules, Server};

use crate::{SMTP_COMMANDS, case::Job, run_in_pieces};

pub(super) fn server() -> Server {
    let mut config = Config::new("mx.example.test");
    config.auth_required = false;
    Server::new(Arc::new(config))
}

fn serve(server: &mut Server, wire: &[u8], piece: usize) -> usize {
    let mut understood = 0;
    run_in_pieces(server, wire, piece, |server, frame| {
        understood += usize::from(match server.event(frame) {
            Event::Mail { .. } => server.accept_mail().is_ok(),
            Event::Rcpt { .. } => server.accept_rcpt().is_ok(),
            Event::Answered(a) => a.code < 400,
            Event::Reset => true,
            _ => false,
        });
    });
    understood
}

fn commands() -> Job {
    let n = SMTP_COMMANDS.len();
    let whole: &'static str = SMTP_COMMANDS.concat().leak();
    let (mut quick, mut bytewise) = (server(), server());
    let rules = Rules::default();
    Job::new("SMTP, client's trace", "command", n)
        .side("smtp-submit-proto, grammar", &n, move || {
            SMTP_COMMANDS.iter().filter(|c| Command::parse(black_box(c.as_bytes()), &rules).is_ok()).count()
        })
        .side("smtp-proto, grammar", &n, || {
            SMTP_COMMANDS
                .iter()
                .filter(|c| smtp_proto::Request::parse(&mut black_box(c.as_bytes()).iter()).is_ok())
                .count()
        })
        .side("smtp-submit-proto, machine with answers", &n, move || {
            serve(&mut quick, black_box(whole.as_bytes()), usize::MAX)
        })
        .side("smtp-submit-proto, machine, octet by octet", &n, move || {
            serve(&mut bytewise, black_box(whole.as_bytes()), 1)
        })
}

pub(super) fn jobs() -> Vec<Job> {
    vec![commands()]
}
