//! Small commands: framing, parsing and a short answer, beside peers that parse only.
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench that is wrong should stop")]

use std::{hint::black_box, sync::Arc};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mail_benches::{IMAP_COMMANDS, POP3_COMMANDS, SMTP_COMMANDS, run};
use mail_wire::Machine as _;

fn imap(c: &mut Criterion) {
    use imap_codec::{CommandCodec, decode::Decoder as _};
    use imap4_proto::{
        server::{Config, Event, Server},
        types::CommandKind,
    };
    let all = IMAP_COMMANDS.concat();
    let config = Arc::new(Config::default());
    let serve = || {
        let mut understood = 0;
        let mut server = Server::preauthenticated(Arc::clone(&config));
        run(&mut server, black_box(all.as_bytes()), |server, frame| match server.event(frame) {
            Event::Command(command) => {
                understood += 1;
                match command.kind() {
                    CommandKind::Select => server.selected(false, "done").unwrap(),
                    CommandKind::Close => server.closed("done").unwrap(),
                    _ => server.ok(None, "done").unwrap(),
                }
            }
            Event::Answered(imap4_proto::server::Answered::Done(_)) => understood += 1,
            other => panic!("{other:?}"),
        });
        understood
    };
    let peer = || {
        let codec = CommandCodec::default();
        IMAP_COMMANDS.iter().filter(|c| codec.decode(black_box(c.as_bytes())).is_ok()).count()
    };
    assert_eq!(
        (serve(), peer()),
        (IMAP_COMMANDS.len(), IMAP_COMMANDS.len()),
        "each side understands the input"
    );
    let mut group = c.benchmark_group("imap commands");
    group.throughput(Throughput::Elements(IMAP_COMMANDS.len() as u64));
    group.bench_function("imap4-proto: frame, parse, answer", |b| b.iter(serve));
    group.bench_function("imap-codec: parse", |b| b.iter(peer));
    group.finish();
}

fn smtp(c: &mut Criterion) {
    use smtp_submit_proto::{Config, Event, Server};
    let all = SMTP_COMMANDS.concat();
    let mut config = Config::new("mx.example.test");
    config.auth_required = false;
    let config = Arc::new(config);
    let serve = || {
        run(&mut Server::new(Arc::clone(&config)), black_box(all.as_bytes()), |server, frame| {
            match server.event(frame) {
                Event::Mail { .. } => server.accept_mail().unwrap(),
                Event::Rcpt { .. } => server.accept_rcpt().unwrap(),
                Event::Answered(a) => assert!(a.code < 400),
                Event::Reset => {}
                other => panic!("{other:?}"),
            }
        })
    };
    let peer = || {
        SMTP_COMMANDS
            .iter()
            .filter(|c| smtp_proto::Request::parse(&mut black_box(c.as_bytes()).iter()).is_ok())
            .count()
    };
    assert_eq!(
        (serve(), peer()),
        (SMTP_COMMANDS.len(), SMTP_COMMANDS.len()),
        "each side understands the input"
    );
    let mut group = c.benchmark_group("smtp commands");
    group.throughput(Throughput::Elements(SMTP_COMMANDS.len() as u64));
    group.bench_function("smtp-submit-proto: frame, parse, answer", |b| b.iter(serve));
    group.bench_function("smtp-proto: parse", |b| b.iter(peer));
    group.finish();
}

fn pop3(c: &mut Criterion) {
    use pop3_proto::{Config, Event, Passwords, Server};
    let all = format!("USER tim\r\nPASS secret\r\n{}", POP3_COMMANDS.concat());
    let mut config = Config::default();
    config.passwords = Passwords::Always;
    let config = Arc::new(config);
    let serve = || {
        run(&mut Server::new(Arc::clone(&config)), black_box(all.as_bytes()), |server, frame| {
            match server.event(frame) {
                Event::Pass(_) => server.logged_in("in").unwrap(),
                Event::Capa => server.capabilities(&["PLAIN"]).unwrap(),
                Event::Stat => server.drop_listing(17, 12_345).unwrap(),
                Event::List(Some(n)) => server.scan_listing(n, 12_345).unwrap(),
                Event::Uidl(Some(n)) => server.unique_id_listing(n, "0000000100000011").unwrap(),
                Event::Dele(_) => server.ok("done").unwrap(),
                Event::Retr(_) | Event::Top(..) => {
                    server.begin_body("here").unwrap();
                    server.end_body().unwrap();
                }
                Event::Answered(pop3_proto::Answered::Done(_)) => {}
                other => panic!("{other:?}"),
            }
        })
    };
    assert_eq!(serve(), POP3_COMMANDS.len() + 2, "the input is understood");
    let mut group = c.benchmark_group("pop3 commands");
    group.throughput(Throughput::Elements(POP3_COMMANDS.len() as u64 + 2));
    group.bench_function("pop3-proto: frame, parse, answer", |b| b.iter(serve));
    group.finish();
}

criterion_group!(benches, imap, smtp, pop3);
criterion_main!(benches);
