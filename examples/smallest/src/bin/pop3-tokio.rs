//! A store of one's own, served over POP3 on tokio, with its clock: `cargo run -p smallest --bin pop3-tokio`
use std::{future::pending, sync::Arc, time::Instant};

use mail_session::{Connection, auth::*, pop3};
use mailstore_api::MemoryStore;
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

/// With a clock, slow clients are told to go.
struct Clock(Instant);
impl mail_drive::Timer for Clock {
    fn now(&self) -> mail_drive::Instant {
        mail_drive::Instant::from_start(self.0.elapsed())
    }
    async fn sleep_until(&self, at: mail_drive::Instant) {
        tokio::time::sleep_until((self.0 + at.since_start()).into()).await;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (store, config) = (MemoryStore::new(), Arc::new(pop3::Config::new("localhost")));
    store.create_account("me")?;
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:2110".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("pop3://me:secret@{}", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        let (store, config) = (store.clone(), Arc::clone(&config));
        let context =
            LoginContext::new(Protocol::Pop3, peer.to_string(), "s").with_plaintext(Plaintext::Always);
        let client = Connection::plain(stream.compat(), Clock(Instant::now()), context);
        tokio::spawn(async move { pop3::serve(&store, &OnlyMe, client, &config, pending::<()>()).await });
    }
}
