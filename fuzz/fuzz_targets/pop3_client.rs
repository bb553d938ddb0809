//! Raw octets into the POP3 client machine, which gives commands as it goes.
#![no_main]
use libfuzzer_sys::fuzz_target;
use mail_wire::Machine;
use pop3_proto::client::{Client, Config};

fuzz_target!(|data: &[u8]| {
    let mut turn = 0_u32;
    mail_fuzz::drive_client(Client::new(Config::default()), data, |client, frame| {
        let _ = client.event(frame);
        turn = turn.wrapping_add(1);
        let _ = match turn % 6 {
            0 => client.capa(),
            1 => client.user(b"me"),
            2 => client.stat(),
            3 => client.list(None),
            4 => client.uidl(None),
            _ => client.stls(),
        };
    });
});
