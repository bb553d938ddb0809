//! Raw octets into the POP3 client machine, which gives commands as it goes.
#![no_main]
use libfuzzer_sys::fuzz_target;
use mail_fuzz::Tape;
use mail_wire::Machine;
use pop3_proto::{
    Digest, MessageNumber, Secret,
    client::{Client, Config},
};

const STARTS: &[&str] = &["", "+OK hi <1@b>\r\n", "+OK hi\r\n+OK\r\n+OK in\r\n"];

/// What has no place now is a `Misuse`, and nothing is written.
fn act(client: &mut Client, what: u8) {
    let one = MessageNumber::new(u32::from(what) + 1).expect("not 0");
    let _ = match what % 20 {
        0 => client.capa(),
        1 => client.user(b"me"),
        2 => client.pass(Secret::new(b"secret")),
        3 => client.stat(),
        4 => client.list(None),
        5 => client.list(Some(one)),
        6 => client.uidl(None),
        7 => client.uidl(Some(one)),
        8 => client.retr(one),
        9 => client.top(one, 3),
        10 => client.dele(one),
        11 => client.rset(),
        12 => client.noop(),
        13 => client.auth("PLAIN", Some(b"\0me\0secret")),
        14 => client.auth("LOGIN", None),
        15 => client.auth_response(b"octets"),
        16 => client.auth_cancel(),
        17 => client.apop(b"me", Digest::new([7; 16])),
        18 => client.utf8(),
        _ => client.quit(),
    };
}

fuzz_target!(|input: &[u8]| {
    let Some(tape) = Tape::new(input) else { return };
    let mut config = Config::default();
    config.login_in_clear = true;
    config.line = 200;
    let mut client = Client::new(config);
    let prefix = tape.choose(STARTS);
    if prefix.len() > 15 {
        act(&mut client, 1);
        act(&mut client, 2);
    }
    let mut turn = usize::from(tape.start);
    mail_fuzz::drive_client(client, prefix.as_bytes(), &tape, |client, frame| {
        let _ = client.event(frame);
        turn += 5;
        let next = tape.wire.get(turn % tape.wire.len().max(1)).copied().unwrap_or(0);
        act(client, if next == 255 { 19 } else { next % 19 });
        if next % 4 == 0 {
            act(client, 8);
            let _ = client.stls();
        }
    });
});
