//! Raw octets into a whole submission session on the memory store: what it accepts is there, and nothing else is.
#![no_main]
use std::future::pending;

use libfuzzer_sys::fuzz_target;
use mail_fuzz::{
    Tape,
    pipe::{self, Everybody, Pipe, Still, step},
};
use mail_session::{
    Connection, Farewell,
    auth::{Identity, LoginContext, Plaintext, Protocol},
    submission::{self, Refusal, Route, Router},
};
use mailstore_api::{MailboxName, MemoryStore, Recipient};
use smtp_submit_proto::{ForwardPath, ReversePath};

const STARTS: &[&str] = &[
    "",
    "EHLO x\r\n",
    "EHLO x\r\nAUTH PLAIN AGFubmEAcA==\r\n",
    "EHLO x\r\nAUTH PLAIN AGFubmEAcA==\r\nMAIL FROM:<anna@x>\r\n",
    "EHLO x\r\nAUTH PLAIN AGFubmEAcA==\r\nMAIL FROM:<anna@x>\r\nRCPT TO:<anna@x>\r\nDATA\r\n",
    "EHLO x\r\nAUTH PLAIN AGFubmEAcA==\r\nMAIL FROM:<anna@x>\r\nRCPT TO:<anna@x>\r\nBDAT 5\r\n",
];

/// All mail is anna's.
struct Domain;
impl Router for Domain {
    async fn sender(&self, _: Option<&Identity>, _: ReversePath<'_>) -> Result<(), Refusal> {
        Ok(())
    }
    async fn recipient(&self, _: Option<&Identity>, _: ForwardPath<'_>) -> Result<Route, Refusal> {
        Ok(Route::Local(Recipient {
            account: "anna".to_owned(),
            mailbox: MailboxName::inbox(),
            prefix: Vec::new(),
        }))
    }
    async fn verify(&self, _: Option<&Identity>, _: &str) -> Result<Option<String>, Refusal> {
        Ok(None)
    }
}

fuzz_target!(|input: &[u8]| {
    let Some(tape) = Tape::new(input) else { return };
    let store = MemoryStore::new();
    store.create_account("anna").expect("a store without accounts");
    let config = submission::Config::new("mail.test");
    let pipe = Pipe::default();
    let context = LoginContext::new(Protocol::Submission, "pipe", "t").with_plaintext(Plaintext::Always);
    let connection = Connection::plain(pipe.clone(), Still, context);
    let mut session =
        Box::pin(submission::serve(&store, &Everybody, &Domain, connection, &config, pending::<Farewell>()));
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
    let kept = said.split(|c| *c == b'\n').filter(|l| l.starts_with(b"250 2.0.0 kept as ")).count();
    let there = pipe::inbox(&store).len();
    // One for each recipient of each message that was accepted.
    assert!((kept == 0) == (there == 0), "{kept} accepted, {there} there: {}", said.escape_ascii());
});
