//! Raw octets into the IMAP client machine, with each kind of command waiting for them; after every event it may issue another.
#![no_main]
use imap4_proto::{
    client::{Client, Config, Event},
    types::{AppendMessage, Command, Fetch, FetchItems, Reading, Select, SequenceSet},
};
use libfuzzer_sys::fuzz_target;
use mail_fuzz::Tape;
use mail_wire::Machine;

/// What the server has said before.
const STARTS: &[&str] = &[
    "",
    "* OK [CAPABILITY IMAP4rev1 LITERAL+ SASL-IR IDLE COMPRESS=DEFLATE] hi\r\n",
    "* PREAUTH [CAPABILITY IMAP4rev2 IDLE COMPRESS=DEFLATE] hi\r\n",
    "* PREAUTH [CAPABILITY IMAP4rev1 IDLE] hi\r\n",
    "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL-] hi\r\n",
];

/// What the client does next. What has no place is a `Misuse`, and nothing is written.
fn act(client: &mut Client, what: u8) {
    let set = SequenceSet::parse(b"1:*").expect("a set");
    let items = FetchItems::parse(b"(UID FLAGS BODY.PEEK[] ENVELOPE BODYSTRUCTURE)").expect("items");
    let name = client.mailbox(b"na{me");
    let (select, fetch) =
        (Command::Select(Select::new(name, false)), Command::Fetch(Fetch::new(true, set, items)));
    let _ = match what % 16 {
        0 => client.login("me", "sec\"ret").map(drop),
        1 => client.authenticate("PLAIN", Some(b"\0me\0secret")).map(drop),
        2 => client.authenticate("LOGIN", None).map(drop),
        3 => client.respond(b"octets"),
        4 => client.cancel(),
        5 => client.idle().map(drop),
        6 => client.idle_done(),
        7 => client.start_tls().map(drop),
        8 => client.compress().map(drop),
        9 => client.append(&name, &AppendMessage::new(5)).map(drop),
        10 => client.append_chunk(bytes::Bytes::from_static(b"hello")),
        11 => client.append_end(),
        12 => client.command(&select).map(drop),
        13 => client.command(&fetch).map(drop),
        14 => client.login("m\r\ne", "\u{e4}").map(drop),
        _ => client.command(&Command::Noop).map(drop),
    };
}

fuzz_target!(|input: &[u8]| {
    let Some(tape) = Tape::new(input) else { return };
    let prefix = tape.choose(STARTS);
    let mut client = Client::new(Config::default());
    let mut turn = usize::from(tape.start) / STARTS.len();
    if prefix.is_empty() {
        act(&mut client, tape.start);
    }
    mail_fuzz::drive_client(client, prefix.as_bytes(), &tape, |client, frame| {
        if let Event::Response(response) = client.event(frame) {
            mail_fuzz::comes_back(&response, Reading::TOLERANT);
        }
        turn += 7;
        // Each octet of the wire is also a choice.
        act(client, tape.wire.get(turn % tape.wire.len().max(1)).copied().unwrap_or(0));
        if turn % 3 == 0 {
            act(client, 13);
        }
    });
});
