//! Raw octets into the IMAP client machine: after every event it issues another command, so that every kind of
//! response finds something that waits for it.
#![no_main]
use imap4_proto::client::{Client, Config};
use libfuzzer_sys::fuzz_target;
use mail_wire::Machine;

fuzz_target!(|data: &[u8]| {
    let mut turn = 0_u32;
    mail_fuzz::drive_client(Client::new(Config::default()), data, |client, frame| {
        let _ = client.event(frame);
        turn = turn.wrapping_add(1);
        // What has no place now is a `Misuse`, and writes nothing.
        let _ = match turn % 5 {
            0 => client.login("me", "secret").map(drop),
            1 => client.authenticate("PLAIN", Some(b"\0me\0secret")).map(drop),
            2 => client.idle().map(drop),
            3 => client.idle_done(),
            _ => client.start_tls().map(drop),
        };
    });
});
