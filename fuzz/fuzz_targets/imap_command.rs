//! IMAP commands: what is made comes back from the wire; what is read from any octets is written so that it reads the same.
#![no_main]
use bumpalo::Bump;
use imap4_proto::types::Command;
use libfuzzer_sys::fuzz_target;
use mail_fuzz::arb::{self, Source};

fn comes_back(command: &Command<'_>, utf8: bool) {
    let mut wire = Vec::new();
    command.encode(&mut wire);
    let back = Command::parse(&wire, utf8);
    assert_eq!(back.as_ref(), Some(command), "{}", wire.escape_ascii());
    assert_eq!(command.clone().into_owned().get().as_ref(), Some(command), "{}", wire.escape_ascii());
}

fuzz_target!(|input: &[u8]| {
    let Some((mode, input)) = input.split_first() else { return };
    let utf8 = mode & 1 == 1;
    if mode & 2 == 0 {
        let arena = Bump::new();
        if let Ok(command) = arb::command(&mut Source::new(input, &arena), utf8) {
            comes_back(&command, utf8);
        }
    } else if let Some(command) = Command::parse(input, utf8) {
        // A special use that is not known is told, not kept.
        if !matches!(&command, Command::Create(c) if c.unknown_use) {
            comes_back(&command, utf8);
        }
    }
});
