//! On a store that fails at the worst moment.

use mail_drive::NoTimer;
use mail_session::{
    Connection, SessionError,
    auth::{LoginContext, Plaintext, Protocol},
    pop3::{self, Config},
};
use mailstore_api::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::compat::TokioAsyncReadCompatExt;

use crate::{broken::Broken, harness::Door};

/// Sends all of this; gives what came back and how the session ended.
fn play(commands: &str) -> (String, Answered) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
        let (mut near, far) = tokio::io::duplex(4096);
        let context = LoginContext::new(Protocol::Pop3, "x", "p1").with_plaintext(Plaintext::Always);
        let connection = Connection::plain(far.compat(), NoTimer, context);
        let session = async move {
            let config = Config::new("mail.example.test");
            pop3::serve(&Broken, &Door, connection, &config, std::future::pending::<()>()).await
        };
        let session = tokio::spawn(session);
        near.write_all(b"USER alice\r\nPASS secret\r\n").await.unwrap();
        near.write_all(commands.as_bytes()).await.unwrap();
        let mut got = String::new();
        near.read_to_string(&mut got).await.unwrap();
        let after_login = got.split_once("(100 octets)\r\n").unwrap().1.to_owned();
        (after_login, session.await.unwrap())
    })
}

type Answered = Result<(), SessionError<pop3_proto::Error>>;

#[test]
fn a_message_that_breaks_off_ends_the_connection_without_its_end() {
    let (got, ended) = play("RETR 1\r\nNOOP\r\nQUIT\r\n");
    assert!(!got.contains("\r\n.\r\n") && !got.contains("goodbye"), "{got}");
    assert!(matches!(ended, Err(SessionError::Store(e)) if e.kind == ErrorKind::Corrupt));
}

#[test]
fn a_message_that_cannot_be_opened_is_refused_and_the_session_goes_on() {
    let (got, ended) = play("TOP 1 0\r\nNOOP\r\nQUIT\r\n");
    assert_eq!(got, "-ERR [SYS/TEMP] the message cannot be read\r\n+OK\r\n+OK goodbye\r\n");
    assert!(ended.is_ok());
}

#[test]
fn what_quit_cannot_remove_is_said() {
    let (got, ended) = play("DELE 1\r\nQUIT\r\n");
    assert_eq!(got, "+OK message deleted\r\n-ERR [SYS/TEMP] some deleted messages not removed\r\n");
    assert!(ended.is_ok());
}
