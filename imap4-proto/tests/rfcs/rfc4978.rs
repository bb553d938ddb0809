//! RFC 4978: COMPRESS=DEFLATE.

use imap4_proto::{
    server::{Answered, Event, Fatal},
    types::{Capabilities, Code, Command, CommandKind},
};
use mail_wire::{Instant, Machine, Poll, Upgrade, Upgraded};

use crate::duet::{Duet, off, ok};

#[test]
fn section_3_example() {
    let mut duet = Duet::selected();
    let tag = duet.peer.client.command(&Command::Compress).unwrap();
    assert!(duet.peer.client.command(&Command::Noop).is_err(), "nothing until the answer");
    let wire = duet.peer.output();
    assert_eq!(wire, format!("{tag} COMPRESS DEFLATE\r\n"));
    let mut seen = false;
    let said = duet.talk.send(wire.as_bytes(), &mut |_, event| {
        seen |= event == Event::Answered(Answered::Done(CommandKind::Compress));
    });
    assert!(seen && duet.talk.upgrade);
    assert_eq!(said, format!("{tag} OK DEFLATE active\r\n"));
    assert!(duet.talk.server.exists(1).is_err(), "nothing is said between the answer and the compression");
    assert_eq!(duet.talk.server.poll(&[], Instant::ZERO), Ok(Poll::Upgrade(Upgrade::Deflate)));
    duet.talk.server.upgraded(Upgraded::Deflate);
    // The client's: a command that is issued meanwhile waits for the compression.
    duet.peer.server(&said);
    assert!(duet.peer.upgrade);
    assert!(duet.peer.heard.last().unwrap().contains("kind: Compress, status: Ok"));
    duet.peer.client.command(&Command::Noop).unwrap();
    assert_eq!(duet.peer.output(), "");
    // What the server says next may be there already, compressed: it is not looked at.
    assert_eq!(duet.peer.client.poll(b"\x01\x02", Instant::ZERO), Ok(Poll::Upgrade(Upgrade::Deflate)));
    duet.peer.client.upgraded(Upgraded::Deflate);
    assert!(duet.peer.client.is_compressed() && duet.talk.server.is_compressed());
    duet.peer.upgrade = false;
    duet.carry(&mut |s, _| ok(s));
    assert!(std::mem::take(&mut duet.said).ends_with("OK done\r\n"));
    // State and mailbox are as before; twice there is no compression.
    duet.done("CHECK", |s, _| ok(s));
    assert!(duet.peer.client.command(&Command::Compress).is_err());
    duet.refused("COMPRESS DEFLATE", "BAD [COMPRESSIONACTIVE] DEFLATE is active already");
    let said = duet.talk.send(b"a CAPABILITY\r\n", &mut |_, _| {});
    assert!(!said.contains("COMPRESS") && !said.contains("UNAUTHENTICATE"), "{said}");
    // RFC 8437 section 4.1 would end the compression, which no transport can: it is not offered any more.
    duet.refused("UNAUTHENTICATE", "BAD Unknown command");
    assert!(duet.peer.client.command(&Command::Unauthenticate).is_err());
}

#[test]
fn a_refusal_changes_nothing() {
    let mut duet = Duet::selected();
    let tag = duet.peer.client.compress().unwrap();
    duet.peer.output();
    duet.peer.server(&format!("{tag} NO [COMPRESSIONACTIVE] DEFLATE active via TLS\r\n"));
    assert!(duet.peer.heard.last().unwrap().contains("CompressionActive"));
    assert!(!duet.peer.upgrade && !duet.peer.client.is_compressed());
    duet.peer.client.command(&Command::Noop).unwrap();
    assert!(duet.peer.output().ends_with("NOOP\r\n"));
    _ = Code::CompressionActive;
}

#[test]
fn plaintext_behind_compress_ends_the_connection() {
    let mut duet = Duet::selected();
    duet.talk.send(b"a COMPRESS DEFLATE\r\nb NOOP\r\n", &mut |_, _| {});
    assert!(duet.talk.fatal);
    let mut duet = Duet::selected();
    duet.talk.send(b"a COMPRESS DEFLATE\r\n", &mut |_, _| {});
    assert_eq!(duet.talk.server.poll(b"b", Instant::ZERO), Err(Fatal::PlaintextAfterCompress));
    assert_eq!(duet.talk.output(), "", "a BYE would be read as compressed");
}

#[test]
fn what_has_no_place() {
    let mut duet = Duet::selected();
    duet.refused("COMPRESS", "BAD A space is missing");
    duet.refused("COMPRESS LZ4", "BAD Unknown compression");
    duet.refused("COMPRESS DEFLATE x", "BAD Something follows the command");
    off(Capabilities::COMPRESS_DEFLATE, &[("COMPRESS DEFLATE", "BAD Unknown command")]);
}

#[test]
fn its_examples_on_both_machines() {
    crate::dialogue::file(include_str!("../dialogues/rfc4978.txt"));
}
