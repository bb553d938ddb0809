//! A store of one's own, served over IMAP on smol: `cargo run -p smallest --bin imap-smol`
//!
//! Put your implementation of `MailStore` in the place of `MemoryStore`; `mailstore_api::guide` shows how to write one.
use mail_session::{Connection, auth::*, imap};
use mailstore_api::MemoryStore;

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

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = MemoryStore::new();
    store.create_account("me")?;
    smol::block_on(async {
        let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:2143".to_owned());
        let listener = smol::net::TcpListener::bind(address).await?;
        println!("imap://me:secret@{}", listener.local_addr()?);
        loop {
            let (stream, peer) = listener.accept().await?;
            let store = store.clone();
            let context =
                LoginContext::new(Protocol::Imap4, peer.to_string(), "s").with_plaintext(Plaintext::Always);
            let client = Connection::plain(stream, mail_drive::NoTimer, context);
            let config = imap::Config::new("localhost");
            smol::spawn(async move {
                imap::serve(&store, &OnlyMe, client, &config, std::future::pending::<()>()).await
            })
            .detach();
        }
    })
}
