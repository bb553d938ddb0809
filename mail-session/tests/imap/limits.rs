//! What a session holds, and what it does when the store fails.

use std::sync::Arc;

use mail_session::{
    Connection,
    auth::{LoginContext, Protocol},
    imap,
};
use mailstore_api::MemoryStore;
use tokio_util::compat::TokioAsyncReadCompatExt;

use crate::support::{Clock, Everybody, Server};

#[tokio::test]
async fn the_future_of_a_session_is_small() {
    let (_near, far) = tokio::io::duplex(64);
    let store = Arc::new(MemoryStore::new());
    let config = imap::Config::new("test");
    let context = LoginContext::new(Protocol::Imap4, "pipe", "t");
    let connection = Connection::plain(far.compat(), Clock::start(), context);
    let session = imap::serve(&*store, &Everybody, connection, &config, std::future::pending::<()>());
    let size = size_of_val(&session);
    println!("{size} octets");
    assert!(size <= 4096, "{size}");
}

#[tokio::test]
async fn syntax_errors_are_bad_with_the_tag_and_end_at_some_time() {
    let server = Server::new();
    let mut client = server.select().await;
    assert!(client.fails("FETCH").await.starts_with("BAD"));
    assert!(client.fails("FETCH 0 FLAGS").await.starts_with("BAD"));
    assert!(client.fails("UID EXPUNGE x").await.starts_with("BAD"));
    let nested = format!("SEARCH {}ALL{}", "(".repeat(5000), ")".repeat(5000));
    assert!(client.run(&nested).await.pop().unwrap().starts_with("BAD"));
    client.ok("SEARCH NOT NOT NOT NOT ALL").await;
}
