//! Submission into a store in memory, on tokio, without a disk: `cargo run -p smallest --bin submission-tokio`
use std::{future::pending, sync::Arc, time::Instant};

use mail_session::{Connection, auth::*, submission};
use mailstore_api::{MailboxName, MemoryStore, Recipient};
use smtp_submit_proto::{ForwardPath, ReversePath};
use submission::{Refusal, Route, Router};
use tokio_util::compat::TokioAsyncReadCompatExt as _;

struct OnlyMe;
impl Authority for OnlyMe {
    async fn password(
        &self,
        _: &LoginContext,
        user: &str,
        _: Option<&str>,
        password: &[u8],
    ) -> Result<Identity, AuthError> {
        if (user, password) == ("me", b"secret") {
            Ok(Identity::new("me"))
        } else {
            Err(AuthErrorKind::Wrong.into())
        }
    }
}

/// Whoever has logged in may send as anybody, and all of it comes to him.
struct AllToMe;
impl Router for AllToMe {
    async fn sender(&self, _: Option<&Identity>, _: ReversePath<'_>) -> Result<(), Refusal> {
        Ok(())
    }
    async fn recipient(&self, _: Option<&Identity>, _: ForwardPath<'_>) -> Result<Route, Refusal> {
        let (account, mailbox) = ("me".to_owned(), MailboxName::inbox());
        Ok(Route::Local(Recipient { account, mailbox, prefix: Vec::new() }))
    }
}

#[derive(Clone, Copy)]
struct Clock(Instant);
impl mail_drive::Timer for Clock {
    fn now(&self) -> mail_drive::Instant {
        mail_drive::Instant::from_start(self.0.elapsed())
    }
    async fn sleep_until(&self, at: mail_drive::Instant) {
        tokio::time::sleep_until((self.0 + at.since_start()).into()).await;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (store, mut config) = (MemoryStore::new(), submission::Config::new("localhost"));
    config.header_from = submission::HeaderFrom::Any;
    let (config, clock) = (Arc::new(config), Clock(Instant::now()));
    store.create_account("me")?;
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:2587".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("submission://me:secret@{}", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (store, config) = (store.clone(), Arc::clone(&config));
        let context =
            LoginContext::new(Protocol::Submission, peer.to_string(), "s").with_plaintext(Plaintext::Always);
        let client = Connection::plain(stream.compat(), clock, context);
        tokio::spawn(async move {
            submission::serve(&store, &OnlyMe, &AllToMe, client, &config, pending::<()>()).await
        });
    }
}
