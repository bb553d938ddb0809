//! Whole sessions on the store in memory, polled by hand: driver, machine, session and store together, and no sockets.

mod jobs;

use std::{
    future::{Future, pending},
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_io::{AsyncRead, AsyncWrite};
use mail_drive::{NoTimer, NoTls};
use mail_session::{
    Connection,
    auth::{AuthError, AuthErrorKind, Authority, Identity, LoginContext, Plaintext, Protocol},
    imap, pop3, submission,
};
use mailstore_api::{MailboxName, MemoryStore, Recipient};
use smtp_submit_proto::{ForwardPath, ReversePath};

pub use jobs::jobs;

/// Everybody's password is `secret`.
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut ends = self.ends();
        let rest = ends.heard.get(ends.read..).unwrap_or(&[]);
        let n = rest.len().min(into.len());
        if n == 0 {
            // Nobody wakes: the session is polled again when more was said.
            return Poll::Pending;
        }
        into.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
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

/// Whether the session asked to be polled again.
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A session, and its client's end of the connection.
pub struct Session {
    wire: Wire,
    future: Pin<Box<dyn Future<Output = ()>>>,
    woken: Arc<Woken>,
    waker: Waker,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Session {
    fn new(wire: Wire, served: impl Future<Output = ()> + 'static) -> Self {
        let woken = Arc::new(Woken(AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&woken));
        let mut session = Self { wire, future: Box::pin(served), woken, waker };
        session.goes_on(); // greets
        session
    }

    /// alice over IMAP, logged in.
    #[must_use]
    pub fn imap(store: &Arc<MemoryStore>) -> Self {
        let (store, wire, config) = (Arc::clone(store), Wire::new(), imap::Config::new("test"));
        let connection = connection(Protocol::Imap4, &wire);
        let mut session = Self::new(wire, async move {
            _ = imap::serve(&*store, &Door, connection, &config, pending::<()>()).await;
        });
        session.says(b"a LOGIN alice secret\r\n");
        session
    }

    /// alice over POP3, logged in: her maildrop is what it is now.
    #[must_use]
    pub fn pop3(store: &Arc<MemoryStore>) -> Self {
        let (store, wire, config) = (Arc::clone(store), Wire::new(), pop3::Config::new("test"));
        let connection = connection(Protocol::Pop3, &wire);
        let mut session = Self::new(wire, async move {
            _ = pop3::serve(&*store, &Door, connection, &config, pending::<()>()).await;
        });
        session.says(b"USER alice\r\nPASS secret\r\n");
        session
    }

    /// alice submits, logged in; all mail is for her.
    #[must_use]
    pub fn submission(store: &Arc<MemoryStore>) -> Self {
        let (store, wire, config) = (Arc::clone(store), Wire::new(), submission::Config::new("test"));
        let connection = connection(Protocol::Submission, &wire);
        let mut session = Self::new(wire, async move {
            _ = submission::serve(&*store, &Door, &Home, connection, &config, pending::<()>()).await;
        });
        session.says(b"EHLO me\r\nAUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n");
        session
    }

    /// The client says this now; what was said before is forgotten.
    pub fn hears(&mut self, octets: &[u8]) {
        let mut ends = self.wire.ends();
        ends.heard.clear();
        ends.said.clear();
        ends.read = 0;
        ends.heard.extend_from_slice(octets);
    }

    /// Goes on as far as it goes.
    ///
    /// # Panics
    /// Where the session ended: nothing here ends one.
    pub fn goes_on(&mut self) {
        loop {
            self.woken.0.store(false, Ordering::Relaxed);
            let polled = self.future.as_mut().poll(&mut Context::from_waker(&self.waker));
            assert!(polled.is_pending(), "the session ended");
            if !self.woken.0.load(Ordering::Relaxed) {
                return;
            }
        }
    }

    /// What it has answered since the client said something.
    pub fn answer<T>(&self, look: impl FnOnce(&[u8]) -> T) -> T {
        look(&self.wire.ends().said)
    }

    /// The answer to what the client says.
    pub fn says(&mut self, octets: &[u8]) -> String {
        self.hears(octets);
        self.goes_on();
        self.answer(|said| String::from_utf8_lossy(said).into_owned())
    }
}

fn connection(protocol: Protocol, wire: &Wire) -> Connection<Wire, NoTimer, NoTls> {
    let context = LoginContext::new(protocol, "192.0.2.1:1", "s").with_plaintext(Plaintext::Always);
    Connection::plain(wire.clone(), NoTimer, context)
}

/// A store with alice in it.
///
/// # Panics
/// Never: it is empty before.
#[must_use]
pub fn store() -> Arc<MemoryStore> {
    let store = MemoryStore::new();
    assert!(store.create_account("alice").is_ok(), "a store without accounts");
    Arc::new(store)
}
