//! A store that fails at the worst moment.

use bytes::Bytes;
use mail_drive::NoTimer;
use mail_session::{
    Connection, SessionError,
    auth::{LoginContext, Plaintext, Protocol},
    pop3::{self, Config},
};
use mailstore_api::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::compat::TokioAsyncReadCompatExt;

/// One message of 100 octets, of which 40 can be read; it cannot be removed.
#[derive(Clone)]
struct Broken;
struct Half;

type Answer<T> = Result<T>;

fn no<T>() -> Answer<T> {
    Err(ErrorKind::Unavailable.into())
}

impl MailStore for Broken {
    type Account = Self;
    type Delivery = Self;
    async fn open_account(&self, _: &str) -> Answer<Self> {
        Ok(Self)
    }
    async fn deliver(&self, _: AppendSpec) -> Answer<Self> {
        no()
    }
}

impl Delivery for Broken {
    async fn write(&mut self, _: &[u8]) -> Answer<()> {
        no()
    }
    async fn commit(self, _: &[Recipient]) -> Vec<Answer<AppendOutcome>> {
        vec![]
    }
}

impl Staged for Broken {
    async fn write(&mut self, _: &[u8]) -> Answer<()> {
        no()
    }
    async fn finish(&mut self) -> Answer<u64> {
        no()
    }
}

impl Watch for Broken {
    async fn changed(&mut self) -> Answer<Hint> {
        no()
    }
}

impl Account for Broken {
    type Mailbox = Self;
    type Watch = Self;
    type Staged = Self;
    async fn list(&self) -> Answer<Vec<MailboxInfo>> {
        Ok(vec![MailboxInfo {
            id: Some(MailboxId("1".into())),
            name: MailboxName::inbox(),
            selectable: true,
            subscribed: true,
            special_use: SpecialUse::NONE,
            rights: Rights::OWNER,
        }])
    }
    async fn create(&self, _: &MailboxName, _: SpecialUse) -> Answer<MailboxId> {
        no()
    }
    async fn delete(&self, _: &MailboxId) -> Answer<()> {
        no()
    }
    async fn rename(&self, _: &MailboxId, _: &MailboxName) -> Answer<()> {
        no()
    }
    async fn subscribe(&self, _: &MailboxName, _: bool) -> Answer<()> {
        no()
    }
    async fn status(&self, _: &[MailboxId], _: StatusItems) -> Answer<Vec<Status>> {
        no()
    }
    async fn open(&self, _: &MailboxId, _: OpenMode) -> Answer<(Snapshot, Self)> {
        Ok((Mailbox::snapshot(self).await?, Self))
    }
    async fn stage(&self, _: &MailboxId, _: AppendSpec) -> Answer<Self> {
        no()
    }
    async fn commit(&self, _: &MailboxId, _: Vec<Self>, _: Option<Replaces>) -> Answer<AppendOutcome> {
        no()
    }
    async fn copy(&self, _: &MailboxId, _: &UidSet, _: &MailboxId) -> Answer<CopyOutcome> {
        no()
    }
    async fn relocate(&self, _: &MailboxId, _: &UidSet, _: &MailboxId) -> Answer<CopyOutcome> {
        no()
    }
    async fn watch(&self, _: Interest) -> Answer<Self> {
        no()
    }
}

impl Mailbox for Broken {
    type Body = Half;
    async fn changes(&self, _: ModSeq, _: usize) -> Answer<Changes> {
        no()
    }
    async fn snapshot(&self) -> Answer<Snapshot> {
        Ok(Snapshot {
            uid_validity: UidValidity(1.try_into().unwrap()),
            uid_next: 2,
            at: ModSeq(1),
            uids: Uid::new(1).into_iter().collect(),
            first_unseen: None,
            keywords: vec![],
            new_keywords_ok: true,
            read_only: false,
            modseq_persistent: true,
        })
    }
    async fn vanished_since(&self, _: ModSeq, _: &UidSet) -> Answer<UidSet> {
        no()
    }
    async fn meta(&self, _: &UidSet, _: MetaItems, _: Option<ModSeq>, _: usize) -> Answer<MetaBatch> {
        let meta = Meta {
            uid: Uid::new(1).unwrap(),
            modseq: ModSeq(1),
            flags: Flags::default(),
            internal_date: InternalDate::default(),
            size: 100,
            ends_with_crlf: true,
            more: None,
        };
        Ok(MetaBatch { items: vec![meta], resume_after: None })
    }
    async fn body(&self, _: Uid, part: Part) -> Answer<Half> {
        if part == Part::Header { no() } else { Ok(Half) }
    }
    async fn set_flags(&self, _: &UidSet, _: FlagOp, _: &Flags, _: Option<ModSeq>) -> Answer<FlagOutcome> {
        no()
    }
    async fn expunge(&self, _: Option<&UidSet>, _: bool) -> Answer<ExpungeOutcome> {
        no()
    }
}

impl Body for Half {
    fn len(&self) -> u64 {
        100
    }
    async fn read_at(&mut self, offset: u64, _: usize) -> Answer<Bytes> {
        if offset == 0 { Ok(Bytes::from_static(&[b'x'; 40])) } else { Err(ErrorKind::Corrupt.into()) }
    }
}

/// Sends all of this; gives what came back and how the session ended.
fn play(commands: &str) -> (String, Answered) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
        let (mut near, far) = tokio::io::duplex(4096);
        let context = LoginContext::new(Protocol::Pop3, "x", "p1").with_plaintext(Plaintext::Always);
        let connection = Connection::plain(far.compat(), NoTimer, context);
        let session = async move {
            let config = Config::new("mail.example.test");
            pop3::serve(&Broken, &crate::harness::Door, connection, &config, std::future::pending::<()>())
                .await
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

type Answered = std::result::Result<(), SessionError<pop3_proto::Error>>;

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
