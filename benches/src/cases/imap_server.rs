//! IMAP as a server hears and speaks it.

use std::{hint::black_box, sync::Arc};

use imap_codec::{
    CommandCodec, ResponseCodec,
    decode::Decoder as _,
    encode::Encoder as _,
    fragmentizer::Fragmentizer,
    imap_types::{
        core::Vec1,
        fetch::MessageDataItem,
        flag::{Flag, FlagFetch},
        response::{Data, Response},
    },
};
use imap4_proto::{
    server::{Answered, Config, Event, Server},
    types::{Command, CommandKind, SystemFlags},
};
use mail_wire::Machine as _;

use crate::{IMAP_COMMANDS, case::Job, run_in_pieces, sent, take_all};

fn server() -> Server {
    let mut server = Server::preauthenticated(Arc::new(Config::default()));
    // The greeting.
    run_in_pieces(&mut server, b"", usize::MAX, |_, _| {});
    server
}

fn server_with_mailbox() -> Server {
    let mut config = Config::default();
    config.limits.line = 65_536;
    let mut server = Server::preauthenticated(Arc::new(config));
    serve(&mut server, b"a SELECT INBOX\r\n", usize::MAX);
    server
}

/// Hears `wire` in pieces, and gives each command a short answer. Returns how many were understood.
fn serve(server: &mut Server, wire: &[u8], piece: usize) -> usize {
    let mut understood = 0;
    run_in_pieces(server, wire, piece, |server, frame| match server.event(frame) {
        Event::Command(command) => {
            let answered = match command.kind() {
                CommandKind::Select => server.selected(false, "done"),
                CommandKind::Close => server.closed("done"),
                _ => server.ok(None, "done"),
            };
            understood += usize::from(answered.is_ok());
        }
        Event::Answered(Answered::Done(_)) => understood += 1,
        _ => {}
    });
    understood
}

/// A UID FETCH whose set makes the line `octets` long.
fn long_command(octets: usize) -> String {
    let mut set = String::new();
    let mut n = 100_000;
    while set.len() + 30 < octets {
        set += &format!("{n},");
        n += 2;
    }
    format!("a UID FETCH {set}999999 FLAGS\r\n")
}

fn commands() -> Job {
    let n = IMAP_COMMANDS.len();
    let whole: &'static str = IMAP_COMMANDS.concat().leak();
    let mut quick = server();
    let mut bytewise = server();
    Job::new("IMAP, client's trace of 20 commands", "command", n)
        .side("imap4-proto, grammar", &n, || {
            let body = |c: &&&'static str| c.trim_end().split_once(' ').map(|(_, body)| body.as_bytes());
            black_box(IMAP_COMMANDS)
                .iter()
                .filter(|c| body(c).is_some_and(|wire| Command::parse(black_box(wire), false).is_some()))
                .count()
        })
        .side("imap-codec, grammar", &n, || {
            let codec = CommandCodec::default();
            IMAP_COMMANDS.iter().filter(|c| codec.decode(black_box(c.as_bytes())).is_ok()).count()
        })
        .side("imap4-proto, machine with answers", &n, move || {
            serve(&mut quick, black_box(whole.as_bytes()), usize::MAX)
        })
        .side("imap-codec, with its framing", &n, move || {
            let codec = CommandCodec::default();
            let mut fragments = Fragmentizer::without_max_message_size();
            fragments.enqueue_bytes(black_box(whole.as_bytes()));
            let mut understood = 0;
            while fragments.progress().is_some() {
                if fragments.is_message_complete() {
                    understood += usize::from(fragments.decode_message(&codec).is_ok());
                }
            }
            understood
        })
        .side("imap4-proto, machine, octet by octet", &n, move || {
            serve(&mut bytewise, black_box(whole.as_bytes()), 1)
        })
}

pub(super) fn long(name: &'static str, octets: usize) -> Job {
    let wire: &'static str = long_command(octets).leak();
    let (mut whole, mut pieces, mut bytewise) =
        (server_with_mailbox(), server_with_mailbox(), server_with_mailbox());
    Job::new(name, "octet", wire.len())
        .side("imap4-proto, whole", &1, move || serve(&mut whole, black_box(wire.as_bytes()), usize::MAX))
        .side("imap4-proto, in 64s", &1, move || serve(&mut pieces, black_box(wire.as_bytes()), 64))
        .side("imap4-proto, octet by octet", &1, move || serve(&mut bytewise, black_box(wire.as_bytes()), 1))
}

fn fetch_written() -> Job {
    const LINE: &[u8] = b"* 4711 FETCH (FLAGS (\\Answered \\Seen $Forwarded))\r\n";
    let mut server = server();
    let flags = || -> Option<Vec<FlagFetch<'static>>> {
        let keyword = Flag::keyword(imap_codec::imap_types::core::Atom::try_from("$Forwarded").ok()?);
        Some(vec![FlagFetch::Flag(Flag::Answered), FlagFetch::Flag(Flag::Seen), FlagFetch::Flag(keyword)])
    };
    let items = flags().and_then(|flags| Vec1::try_from(vec![MessageDataItem::Flags(flags)]).ok());
    let response =
        items.zip(4711.try_into().ok()).map(|(items, seq)| Response::Data(Data::Fetch { seq, items }));
    // What is written is compared before it is counted, and its length after.
    assert_eq!(write_fetch(&mut server), Some(LINE.len()), "a FETCH line is written");
    assert_eq!(sent(server.output()), LINE, "a FETCH line is written");
    take_all(server.output());
    let codec = ResponseCodec::new();
    assert_eq!(
        response.as_ref().map(|r| codec.encode(r).dump()),
        Some(LINE.to_vec()),
        "a FETCH line is written"
    );
    Job::new("IMAP, FETCH FLAGS line written", "line", 1)
        .side("imap4-proto", &Some(LINE.len()), move || {
            let written = write_fetch(black_box(&mut server));
            take_all(server.output());
            written
        })
        .side("imap-codec", &Some(LINE.len()), move || {
            black_box(response.as_ref()).map(|r| codec.encode(r).dump().len())
        })
}

fn write_fetch(server: &mut Server) -> Option<usize> {
    let mut response = server.fetch(black_box(4711)).ok()?;
    response.flags(black_box(SystemFlags::SEEN | SystemFlags::ANSWERED), black_box(["$Forwarded"]));
    response.finish();
    Some(server.output().len())
}

pub(super) fn jobs() -> Vec<Job> {
    vec![
        commands(),
        fetch_written(),
        long("IMAP, a command of 20 KB", 20_000),
        long("IMAP, a command of 40 KB", 40_000),
    ]
}
