//! How often whole sessions ask the allocator for memory while they carry out simple commands: driver, machine, session and the store in
//! memory together, on a connection that is warm. The machine's part of all of them is none (`allocations.rs`); what is left is the session's and
//! the store's, and is said here by command, as it is reached, so that nobody adds to it unseen.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

use allocation_counter::measure;
use futures_io::{AsyncRead, AsyncWrite};
use mail_drive::NoTimer;
use mail_session::{
    Connection,
    auth::{AuthError, AuthErrorKind, Authority, Identity, LoginContext, Plaintext, Protocol},
    imap, pop3, submission,
};
use mailstore_api::{MailboxName, MemoryStore, Recipient};
use smtp_submit_proto::{ForwardPath, ReversePath};

struct Door;

impl Authority for Door {
    async fn password(
        &self,
        _: &LoginContext,
        user: &str,
        _: Option<&str>,
        password: &[u8],
    ) -> Result<Identity, AuthError> {
        if password == b"secret" { Ok(Identity::new(user)) } else { Err(AuthErrorKind::Wrong.into()) }
    }
}

/// Everybody's mail is alice's.
struct Home;

impl submission::Router for Home {
    async fn sender(&self, _: Option<&Identity>, _: ReversePath<'_>) -> Result<(), submission::Refusal> {
        Ok(())
    }

    async fn recipient(
        &self,
        _: Option<&Identity>,
        _: ForwardPath<'_>,
    ) -> Result<submission::Route, submission::Refusal> {
        let (account, mailbox) = ("alice".into(), MailboxName::inbox());
        Ok(submission::Route::Local(Recipient { account, mailbox, prefix: Vec::new() }))
    }
}

/// Both directions of a connection, with room that is there before anything is counted.
#[derive(Clone)]
struct Wire(Arc<Mutex<Ends>>);

struct Ends {
    /// What the client said, and how much of it was read.
    heard: Vec<u8>,
    read: usize,
    said: Vec<u8>,
}

impl Wire {
    fn new() -> Self {
        let room = || Vec::with_capacity(1 << 20);
        Self(Arc::new(Mutex::new(Ends { heard: room(), read: 0, said: room() })))
    }

    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.0.lock().unwrap()
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut ends = self.ends();
        let n = (ends.heard.len() - ends.read).min(into.len());
        if n == 0 {
            // Nobody wakes: the test polls again when it has said something.
            return Poll::Pending;
        }
        into[..n].copy_from_slice(&ends.heard[ends.read..ends.read + n]);
        ends.read += n;
        Poll::Ready(Ok(n))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        self.ends().said.extend_from_slice(octets);
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A session that is polled by hand.
struct Session<'s> {
    wire: Wire,
    future: Pin<Box<dyn Future<Output = ()> + 's>>,
}

impl Session<'_> {
    /// What is answered, and how many allocations that took.
    fn says(&mut self, command: &str) -> (String, u64) {
        {
            let mut ends = self.wire.ends();
            ends.heard.clear();
            ends.said.clear();
            ends.read = 0;
            ends.heard.extend_from_slice(command.as_bytes());
        }
        let counted = measure(|| {
            // As often as it wakes itself.
            for _ in 0..64 {
                let polled = self.future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                assert!(polled.is_pending(), "the session ended");
            }
        });
        (String::from_utf8(self.wire.ends().said.clone()).unwrap(), counted.count_total)
    }

    /// Holds each command to its number of allocations: what it takes once more, among others that came together. (A connection that waited
    /// gave its two buffers back, and the first command takes them again.)
    fn hold(&mut self, what: &str, commands: &[(&str, &str, u64)]) {
        const MORE: u64 = 10;
        let mut wrong = Vec::new();
        for (command, answer, most) in commands {
            let many = command.repeat(1 + usize::try_from(MORE).unwrap());
            self.says(&many);
            let (once, (said, all)) = (self.says(command).1, self.says(&many));
            assert_eq!(
                said.matches(answer).count(),
                1 + usize::try_from(MORE).unwrap(),
                "{what} {command:?}: {said}"
            );
            // Less than one is the room for all the answers together, which grows by doubling.
            let each = all.saturating_sub(once) / MORE;
            println!("{what} {:48} {each} allocations, {most} at most; {once} alone", command.escape_debug());
            if each > *most {
                wrong.push(format!("{what} {command:?}: {each} allocations, {most} at most"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

fn connection(protocol: Protocol, wire: &Wire) -> Connection<Wire, NoTimer, mail_drive::NoTls> {
    let context = LoginContext::new(protocol, "192.0.2.1:1", "s").with_plaintext(Plaintext::Always);
    Connection::plain(wire.clone(), NoTimer, context)
}

fn store() -> MemoryStore {
    let store = MemoryStore::new();
    store.create_account("alice").unwrap();
    store
}

fn imap<'s>(store: &'s MemoryStore, config: &'s imap::Config) -> Session<'s> {
    let wire = Wire::new();
    let connection = connection(Protocol::Imap4, &wire);
    let future = Box::pin(async move {
        _ = imap::serve(store, &Door, connection, config, std::future::pending::<()>()).await;
    });
    let mut session = Session { wire, future };
    assert!(session.says("").0.starts_with("* OK"));
    assert!(session.says("a LOGIN alice secret\r\n").0.contains("a OK"));
    session
}

#[test]
fn simple_commands_of_imap_allocate_no_more_than_is_said_here() {
    let (store, config) = (store(), imap::Config::new("test"));
    let mut session = imap(&store, &config);
    for i in 0..20 {
        let message = format!("Subject: {i}\r\n\r\nx\r\n");
        let (said, _) = session.says(&format!("a APPEND INBOX {{{}+}}\r\n{message}\r\n", message.len()));
        assert!(said.contains("a OK"), "{said}");
    }
    assert!(session.says("a SELECT INBOX\r\n").0.contains("a OK"));
    session.hold(
        "IMAP",
        &[
            ("a CAPABILITY\r\n", "a OK", 0),
            ("a NOOP\r\n", "a OK", 1),
            ("a CHECK\r\n", "a OK", 1),
            ("a FETCH 1 FLAGS\r\n", "a OK", 7),
            ("a FETCH 1:* FLAGS\r\n", "* 20 FETCH", 29),
            ("a UID FETCH 1:* (UID FLAGS)\r\n", "* 20 FETCH", 29),
            ("a STORE 1 +FLAGS (\\Seen)\r\n", "* 1 FETCH", 7),
            ("a STORE 1:* -FLAGS.SILENT (\\Seen)\r\n", "a OK", 13),
            ("a UID STORE 1:* FLAGS (\\Answered)\r\n", "a OK", 20),
            ("a LIST \"\" INBOX\r\n", "* LIST", 18),
            ("a LIST \"\" *\r\n", "* LIST", 17),
            ("a STATUS INBOX (MESSAGES UNSEEN)\r\n", "MESSAGES 20", 11),
            ("a IDLE\r\nDONE\r\n", "a OK", 10),
        ],
    );
}

#[test]
fn simple_commands_of_pop3_allocate_no_more_than_is_said_here() {
    let (store, config) = (store(), imap::Config::new("test"));
    let mut session = imap(&store, &config);
    for _ in 0..3 {
        assert!(session.says("a APPEND INBOX {5+}\r\na\r\nb\r\n").0.contains("a OK"));
    }
    drop(session);
    let (wire, config) = (Wire::new(), pop3::Config::new("test"));
    let connection = connection(Protocol::Pop3, &wire);
    let (store, config) = (&store, &config);
    let future = Box::pin(async move {
        _ = pop3::serve(store, &Door, connection, config, std::future::pending::<()>()).await;
    });
    let mut session = Session { wire, future };
    session.says("");
    assert!(session.says("USER alice\r\nPASS secret\r\n").0.contains("+OK"));
    session.hold(
        "POP3",
        &[
            ("CAPA\r\n", "\r\nUIDL\r\n", 1),
            ("NOOP\r\n", "+OK", 1),
            ("STAT\r\n", "+OK 3 ", 1),
            ("LIST\r\n", "\r\n3 ", 2),
            ("LIST 2\r\n", "+OK 2 ", 1),
            ("UIDL\r\n", "\r\n3 ", 1),
            ("UIDL 2\r\n", "+OK 2 ", 1),
            ("RETR 2\r\n", "\r\n.\r\n", 2),
            ("DELE 1\r\nRSET\r\n", "deleted", 3),
        ],
    );
}

#[test]
fn simple_commands_of_submission_allocate_no_more_than_is_said_here() {
    let (store, config, wire) = (store(), submission::Config::new("test"), Wire::new());
    let connection = connection(Protocol::Submission, &wire);
    let (store, config) = (&store, &config);
    let future = Box::pin(async move {
        _ = submission::serve(store, &Door, &Home, connection, config, std::future::pending::<()>()).await;
    });
    let mut session = Session { wire, future };
    session.says("");
    assert!(session.says("EHLO me\r\nAUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n").0.contains("235 "));
    session.hold(
        "SMTP",
        &[
            ("NOOP\r\n", "250 2.0.0", 0),
            ("RSET\r\n", "250 2.0.0", 0),
            ("EHLO me\r\n", "250-PIPELINING", 4),
            ("MAIL FROM:<alice@example.test>\r\nRSET\r\n", "250 2.1.0", 6),
            ("MAIL FROM:<alice@example.test>\r\nRCPT TO:<alice@example.test>\r\nRSET\r\n", "250 2.1.5", 15),
        ],
    );
}
