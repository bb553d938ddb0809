//! A connection that a fuzz target holds the other end of, and what a session needs beside it.
use std::{
    future::{Future, pending},
    io,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use futures_io::{AsyncRead, AsyncWrite};
use mail_drive::{Instant, Timer};
use mail_session::auth::{AuthError, AuthErrorKind, Authority, Identity, LoginContext};
use mailstore_api::{Account, AppendSpec, MailStore, MailboxId, MailboxName, MemoryStore, OpenMode, Staged};

#[derive(Debug, Default)]
struct Octets {
    to_session: Vec<u8>,
    from_session: Vec<u8>,
    closed: bool,
}

/// Octets both ways. Reading waits while there are none, until it is closed; writing never waits.
#[derive(Clone, Debug, Default)]
pub struct Pipe(Arc<Mutex<Octets>>);

impl Pipe {
    fn octets(&self) -> MutexGuard<'_, Octets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the client sends.
    pub fn send(&self, octets: &[u8]) {
        self.octets().to_session.extend_from_slice(octets);
    }

    /// What the session has sent since.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.octets().from_session)
    }

    /// The client sends no more.
    pub fn close(&self) {
        self.octets().closed = true;
    }
}

impl AsyncRead for Pipe {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut octets = self.octets();
        let n = room.len().min(octets.to_session.len());
        if n == 0 && !octets.closed {
            return Poll::Pending;
        }
        room[..n].copy_from_slice(&octets.to_session[..n]);
        octets.to_session.drain(..n);
        Poll::Ready(Ok(n))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        self.octets().from_session.extend_from_slice(octets);
        Poll::Ready(Ok(octets.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Time stands still.
#[derive(Clone, Copy, Debug)]
pub struct Still;

impl Timer for Still {
    fn now(&self) -> Instant {
        Instant::ZERO
    }
    async fn sleep_until(&self, _: Instant) {
        pending().await
    }
}

/// Everybody may enter whose password is `p`.
#[derive(Clone, Copy, Debug)]
pub struct Everybody;

impl Authority for Everybody {
    async fn password(
        &self,
        _: &LoginContext,
        _: &str,
        _: Option<&str>,
        password: &[u8],
    ) -> Result<Identity, AuthError> {
        if password == b"p" { Ok(Identity::new("anna")) } else { Err(AuthErrorKind::Wrong.into()) }
    }
}

/// Goes on as far as it goes. Whether it has ended.
pub fn step<F: Future + ?Sized>(future: Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// A future of the memory store, which never waits.
fn now<T>(future: impl Future<Output = mailstore_api::Result<T>>) -> T {
    step(pin!(future)).expect("the memory store does not wait").expect("nothing in its way")
}

fn account(store: &MemoryStore) -> (<MemoryStore as MailStore>::Account, MailboxId) {
    let account = now(store.open_account("anna"));
    let inbox = now(account.find(&MailboxName::inbox())).and_then(|m| m.id).expect("an INBOX");
    (account, inbox)
}

/// The UIDs in anna's INBOX.
#[must_use]
pub fn inbox(store: &MemoryStore) -> Vec<u32> {
    let (account, inbox) = account(store);
    let (snapshot, _) = now(account.open(&inbox, OpenMode::Examine));
    snapshot.uids.iter().map(|u| u.get()).collect()
}

/// Puts messages into anna's INBOX.
pub fn fill(store: &MemoryStore, messages: &[&[u8]]) {
    let (account, inbox) = account(store);
    for message in messages {
        let mut staged = now(account.stage(&inbox, AppendSpec::default()));
        now(staged.write(message));
        now(staged.finish());
        now(account.commit(&inbox, vec![staged], None));
    }
}
