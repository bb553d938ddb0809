//! SMTP commands that we take and smtp-proto does not, and the other way: each such line is explained in `differences.rs`, or a find.
#![no_main]
use libfuzzer_sys::fuzz_target;
use smtp_proto::Request;
use smtp_submit_proto::{Command, Rules};

fuzz_target!(|input: &[u8]| {
    if input.iter().any(|c| matches!(c, b'\r' | b'\n')) {
        return;
    }
    let wire = [input, b"\r\n"].concat();
    let ours = Command::parse(&wire, &Rules::all()).is_ok();
    let peer = Request::parse(&mut wire.iter()).is_ok();
    mail_fuzz::differ(mail_fuzz::SMTP, ours, peer, input);
});
