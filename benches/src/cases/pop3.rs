//! POP3 as a server hears it.

use std::{hint::black_box, sync::Arc};

use mail_wire::Machine as _;
use pop3_proto::{Answered, Command, Config, Event, Passwords, Server, Tolerance};

use crate::{POP3_COMMANDS, case::Job, run_in_pieces};

fn serve(server: &mut Server, wire: &[u8], piece: usize) -> usize {
    let mut understood = 0;
    run_in_pieces(server, wire, piece, |server, frame| {
        understood += usize::from(match server.event(frame) {
            Event::Pass(_) => server.logged_in("in").is_ok(),
            Event::Capa => server.capabilities(&["PLAIN"]).is_ok(),
            Event::Stat => server.drop_listing(17, 12_345).is_ok(),
            Event::List(Some(n)) => server.scan_listing(n, 12_345).is_ok(),
            Event::Uidl(Some(n)) => server.unique_id_listing(n, "0000000100000011").is_ok(),
            Event::Dele(_) => server.ok("done").is_ok(),
            Event::Retr(_) | Event::Top(..) => {
                server.begin_body("here").and_then(|()| server.end_body()).is_ok()
            }
            Event::Answered(Answered::Done(_)) => true,
            _ => false,
        });
    });
    understood
}

fn server() -> Server {
    let mut config = Config::default();
    config.passwords = Passwords::Always;
    let mut server = Server::new(Arc::new(config));
    serve(&mut server, b"USER tim\r\nPASS secret\r\n", usize::MAX);
    server
}

fn commands() -> Job {
    let n = POP3_COMMANDS.len();
    let whole: &'static str = POP3_COMMANDS.concat().leak();
    let (mut quick, mut bytewise) = (server(), server());
    Job::new("POP3, client's trace", "command", n)
        .side("pop3-proto, grammar", &n, || {
            let tolerance = Tolerance::default();
            POP3_COMMANDS
                .iter()
                .filter(|c| Command::parse(black_box(c.as_bytes()), tolerance).is_ok())
                .count()
        })
        .side("pop3-codec, grammar", &n, || {
            POP3_COMMANDS
                .iter()
                .filter(|c| pop3_codec::parse::command(black_box(c.as_bytes())).is_ok())
                .count()
        })
        .side("pop3-proto, machine with answers", &n, move || {
            serve(&mut quick, black_box(whole.as_bytes()), usize::MAX)
        })
        .side("pop3-proto, machine, octet by octet", &n, move || {
            serve(&mut bytewise, black_box(whole.as_bytes()), 1)
        })
}

pub(super) fn jobs() -> Vec<Job> {
    vec![commands()]
}
