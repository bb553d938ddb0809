//! Raw octets into the SMTP client machine, which gives commands as it goes.
#![no_main]
use libfuzzer_sys::fuzz_target;
use mail_fuzz::Tape;
use mail_wire::Machine;
use smtp_submit_proto::{
    ForwardPath, MailParams, Mailbox, RcptParams, ReversePath,
    client::{Client, Config},
};

const STARTS: &[&str] = &[
    "",
    "220 hi\r\n",
    "220 hi\r\n250-x\r\n250-PIPELINING\r\n250-STARTTLS\r\n250-AUTH PLAIN\r\n250-CHUNKING\r\n250 SIZE 100\r\n",
    "220 hi\r\n250-x\r\n250 DSN\r\n",
];

/// What has no place now is a `Misuse`, and nothing is written.
fn act(client: &mut Client, what: u8) {
    let to = ForwardPath::Mailbox(Mailbox::parse("b@example.test").expect("an address"));
    let _ = match what % 16 {
        0 => client.hello(),
        1 => client.auth("PLAIN", Some(b"\0me\0secret")),
        2 => client.auth("LOGIN", None),
        3 => client.auth_response(b"octets"),
        4 => client.auth_cancel(),
        5 => client.noop(),
        6 => client.vrfy("me"),
        7 => client.start_tls(),
        8 => client.mail(ReversePath::Null, &MailParams::default()),
        9 => client.rcpt(to, &RcptParams::default()).map(drop),
        10 => client.data(),
        11 => client.body(bytes::Bytes::from_static(b".a\r\n.\r\nb")),
        12 => client.end_body(),
        13 => client.rset(),
        14 => client.help(Some("me")),
        _ => client.quit(),
    };
}

fuzz_target!(|input: &[u8]| {
    let Some(tape) = Tape::new(input) else { return };
    let client = Client::new(Config::new("client.test"));
    let mut turn = usize::from(tape.start);
    mail_fuzz::drive_client(client, tape.choose(STARTS).as_bytes(), &tape, |client, frame| {
        let _ = client.event(frame);
        turn += 5;
        let next = tape.wire.get(turn % tape.wire.len().max(1)).copied().unwrap_or(0);
        if next < 32 {
            // A whole transaction at once.
            for what in [8, 9, 9, 10, 11, 12] {
                act(client, what);
            }
        } else {
            act(client, if next == 255 { 15 } else { next % 15 });
        }
    });
});
