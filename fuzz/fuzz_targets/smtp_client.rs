//! Raw octets into the SMTP client machine, which gives commands as it goes.
#![no_main]
use libfuzzer_sys::fuzz_target;
use mail_wire::Machine;
use smtp_submit_proto::client::{Client, Config};

fuzz_target!(|data: &[u8]| {
    let mut turn = 0_u32;
    mail_fuzz::drive_client(Client::new(Config::new("client.test")), data, |client, frame| {
        let _ = client.event(frame);
        turn = turn.wrapping_add(1);
        let _ = match turn % 5 {
            0 => client.hello(),
            1 => client.auth("PLAIN", Some(b"\0me\0secret")),
            2 => client.noop(),
            3 => client.vrfy("me"),
            _ => client.start_tls(),
        };
    });
});
