//! Raw octets into a whole POP3 session on the memory store: it never panics, what it says are POP3 responses, and a lost connection removes nothing.
#![no_main]
use std::future::pending;

use libfuzzer_sys::fuzz_target;
use mail_fuzz::{
    Tape,
    pipe::{self, Everybody, Pipe, Still, step},
};
use mail_session::{
    Connection, Farewell,
    auth::{LoginContext, Plaintext, Protocol},
    pop3,
};
use mailstore_api::MemoryStore;

const STARTS: &[&str] =
    &["", "USER anna\r\n", "USER anna\r\nPASS p\r\n", "USER anna\r\nPASS p\r\nDELE 1\r\n", "AUTH PLAIN\r\n"];

fuzz_target!(|input: &[u8]| {
    let Some(tape) = Tape::new(input) else { return };
    let store = MemoryStore::new();
    store.create_account("anna").expect("a store without accounts");
    pipe::fill(&store, &[b"A: b\r\n\r\n.dot\r\n..two\r\n", b"no end", b""]);
    let config = pop3::Config::new("test");
    let pipe = Pipe::default();
    let context = LoginContext::new(Protocol::Pop3, "pipe", "t").with_plaintext(Plaintext::Always);
    let connection = Connection::plain(pipe.clone(), Still, context);
    let mut session = Box::pin(pop3::serve(&store, &Everybody, connection, &config, pending::<Farewell>()));
    pipe.send(tape.choose(STARTS).as_bytes());
    let (mut at, mut ended) = (0, false);
    for piece in tape.pieces(tape.wire.len()) {
        pipe.send(&tape.wire[at..at + piece]);
        at += piece;
        ended = ended || step(session.as_mut()).is_some();
    }
    pipe.close();
    if !ended {
        let _ = step(session.as_mut());
    }
    let said = pipe.take();
    assert!(said.is_empty() || said.ends_with(b"\r\n"), "{}", said.escape_ascii());
    let quit = tape.wire.to_ascii_uppercase().windows(4).any(|w| w == b"QUIT");
    let left = pipe::inbox(&store).len();
    assert!(left == 3 || quit, "{left} messages, and nobody said QUIT: {}", said.escape_ascii());
});
