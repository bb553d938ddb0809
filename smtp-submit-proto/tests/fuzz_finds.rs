//! What the fuzz targets found: each was wrong once.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use smtp_submit_proto::{Command, Rules};

#[test]
fn smtputf8_said_twice_is_dropped_twice_and_what_was_read_is_written_so_that_it_reads_the_same() {
    for (wire, text) in [
        ("VRFY me SMTPUTF8\r\n", "me"),
        ("VRFY me SMTPUTF8 smtputf8\r\n", "me"),
        ("VRFY me  SMTPUTF8  SMTPUTF8 SMTPUTF8 \r\n", "me"),
        // Somebody's name.
        ("VRFY SMTPUTF8\r\n", "SMTPUTF8"),
        ("VRFY SMTPUTF8 SMTPUTF8\r\n", "SMTPUTF8"),
        ("VRFY meSMTPUTF8\r\n", "meSMTPUTF8"),
    ] {
        let read = Command::parse(wire.as_bytes(), &Rules::all()).unwrap();
        assert_eq!(read, Command::Vrfy(text), "{wire:?}");
        let mut again = Vec::new();
        read.encode(&mut again).unwrap();
        assert_eq!(Command::parse(&again, &Rules::all()).unwrap(), read, "{wire:?}");
    }
    // Where it is not offered, it is a word like others.
    let wire = b"EXPN me SMTPUTF8\r\n";
    let mut rules = Rules::all();
    rules.smtp_utf8 = false;
    assert_eq!(Command::parse(wire, &rules).unwrap(), Command::Expn("me SMTPUTF8"));
}
