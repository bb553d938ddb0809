//! IMAP commands that we take and imap-codec does not, and the other way: each such line is explained in `differences.rs`, or a find.
#![no_main]
use imap_codec::{CommandCodec, decode::Decoder as _};
use imap4_proto::types::Command;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    // One line: with literals the two frame differently.
    if input.is_empty() || input.iter().any(|c| matches!(c, b'\r' | b'\n')) || input.ends_with(b"}") {
        return;
    }
    let ours = Command::parse(input, false).is_some();
    let wire = [b"a ", input, b"\r\n"].concat();
    let peer = matches!(CommandCodec::default().decode(&wire), Ok((rest, _)) if rest.is_empty());
    mail_fuzz::differ(mail_fuzz::IMAP, ours, peer, input);
});
